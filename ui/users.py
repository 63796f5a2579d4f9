"""`python -m ui users`: the accounts of the recruiter's console, from the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from knowledge.settings import explained, load_settings

EPILOG = """examples:
  python -m ui users list
  python -m ui users add ada@example.com --role admin       prints a link that is good once
  python -m ui users reset ada@example.com                  the same, for a password that was lost
  python -m ui users role ada@example.com editor

Roles: a viewer looks, an editor changes what candidates are told, an admin also who may sign in."""

BY = "command line"
ROLES = ("viewer", "editor", "admin")


def users(arguments: Sequence[str]) -> int:
    """Do what the arguments say; 2 where the caller has to act first."""
    given = _parser().parse_args(arguments)
    # These import for a second; `--help` must not wait for that.
    from ui.accounts import AccountError, Accounts, Role
    from ui.console.door import link
    from ui.database import Database, DatabaseError

    try:
        settings = load_settings(store=given.store)
        database = Database.of(settings)
    except (ValueError, DatabaseError) as error:
        return _refuse(explained(error) if isinstance(error, ValueError) else str(error))
    accounts = Accounts(database)
    address = settings.public_url or f"http://{settings.host}:{settings.port}"
    try:
        if given.what == "list":
            for member in accounts.members():
                print(
                    f"{member.name:40} {member.role.value:8} {'' if member.ready else 'has not chosen a password'}".rstrip()
                )
        elif given.what == "add":
            token = accounts.add(given.name, Role(given.role), BY)
            print(f"Good once, for three days: {link(address, 'invitation', token)}")
        elif given.what == "reset":
            print(
                f"Good once, for three days: {link(address, 'invitation', accounts.invite_again(given.name, BY))}"
            )
        elif given.what == "role":
            accounts.change_role(given.name, Role(given.role), BY)
            print(f"{given.name} is {given.role} now.")
        elif given.what == "sign-out":
            print(f"{accounts.sign_out_everywhere(given.name, BY)} sessions ended.")
        else:
            accounts.remove(given.name, BY)
            print(f"{given.name} can no longer sign in.")
    except AccountError as error:
        return _refuse(str(error))
    finally:
        database.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ui users",
        description="Manage who may sign in to the recruiter's console.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--store", type=Path, metavar="DIR", help="knowledge store whose database is meant (.candor)"
    )
    commands = parser.add_subparsers(dest="what", required=True, metavar="COMMAND")
    commands.add_parser("list", help="list the accounts")
    for what, told in (
        ("add", "make an account, and print the link with which its owner chooses a password"),
        ("reset", "print a new link for an account; its sessions end when it is used"),
        ("role", "give an account another role"),
        ("sign-out", "end all sessions of an account"),
        ("remove", "delete an account"),
    ):
        command = commands.add_parser(what, help=told)
        command.add_argument("name", help="mail address")
        if what == "add":
            command.add_argument("--role", choices=ROLES, default="viewer")
        if what == "role":
            command.add_argument("role", choices=ROLES)
    return parser


def _refuse(why: str) -> int:
    print(f"python -m ui users: {why}", file=sys.stderr)
    return 2
