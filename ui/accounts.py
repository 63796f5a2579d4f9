"""Who may use the recruiter's console: accounts with roles, passwords, sessions and the audit log.

There is no default password. The first start prints a link that is good once; everybody else gets such a
link from an admin. Of a link or a cookie only the SHA-256 is kept.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, Storage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import delete, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ui.database import Database
from ui.tables import Account, Action, Invitation, SignIn

LEAST_PASSWORD, MOST_PASSWORD = 12, 200  # characters, NIST SP 800-63B: length, and no rules of composition
SESSION = timedelta(hours=12)
IDLE = timedelta(hours=2)
SETUP = timedelta(hours=24)
INVITED = timedelta(hours=72)
NOTED = timedelta(minutes=1)  # a session's last use is written no more often

BY_NAME, BY_ADDRESS = parse("5 per 15 minutes"), parse("20 per 15 minutes")
"""Failed attempts to sign in, for one account and from one address."""

NAME = re.compile(r"[^\s@]{1,64}@[^\s@]{1,55}")


class AccountError(ValueError):
    """An account cannot be made or changed so; the message says why."""


class SignInError(ValueError):
    """A sign-in that is refused; the message may be shown to whoever tried."""


class Role(StrEnum):
    """What somebody may do: look, change what candidates are told, or change who may sign in."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    def allows(self, needed: Role) -> bool:
        """Whether this role may do what needs another."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True)
class Member:
    """Somebody of the staff. `ready`: whether a password has been chosen."""

    id: int
    name: str
    role: Role
    ready: bool = True
    created: datetime | None = None


@dataclass(frozen=True)
class Done:
    """A line of the audit log."""

    id: int
    at: datetime
    account: str
    what: str
    on: str


class Accounts:
    """The staff of one company. Safe to share between threads and processes; attempts are counted in `storage`."""

    def __init__(
        self, database: Database, hasher: PasswordHasher | None = None, storage: Storage | None = None
    ) -> None:
        self.database = database
        self.hasher = hasher or PasswordHasher()
        self.limiter = MovingWindowRateLimiter(storage or MemoryStorage())
        # Verified where there is no such account: the time taken must not tell.
        self._nobody = self.hasher.hash(secrets.token_hex(16))

    # --- accounts -------------------------------------------------------------------------------------

    def members(self) -> list[Member]:
        """All accounts, by name."""
        with self.database.reading() as session:
            return [_member(row) for row in session.scalars(select(Account).order_by(Account.name))]

    def add(self, name: str, role: Role, by: str) -> str:
        """Make an account; the one-time token with which its owner chooses a password."""
        name = _name(name)
        try:
            with self.database.writing() as session:
                account = _new(name, role)
                session.add(account)
                session.flush()
                _note(session, by, "account added", f"{name} as {role.value}")
                return _invited(session, account.id, INVITED)
        except IntegrityError as error:
            raise AccountError(f"There is an account {name} already.") from error

    def change_role(self, name: str, role: Role, by: str) -> None:
        """Give an account another role; the last admin stays one."""
        with self.database.writing() as session:
            account = _known(session, name)
            if role is not Role.ADMIN:
                _keeps_an_admin(session, account)
            account.role = role.value
            _note(session, by, "role changed", f"{account.name} is {role.value}")

    def remove(self, name: str, by: str) -> None:
        """Delete an account with its sessions; the last admin stays."""
        with self.database.writing() as session:
            account = _known(session, name)
            _keeps_an_admin(session, account)
            session.delete(account)
            _note(session, by, "account removed", account.name)

    def invite_again(self, name: str, by: str) -> str:
        """A new one-time token for an account whose password was lost; its sessions end when it is used."""
        with self.database.writing() as session:
            account = _known(session, name)
            session.execute(delete(Invitation).where(Invitation.account == account.id))
            _note(session, by, "link made", account.name)
            return _invited(session, account.id, INVITED)

    # --- one-time links -------------------------------------------------------------------------------

    def setup_token(self) -> str | None:
        """A fresh token for setting the console up; None once there is an admin. Earlier ones are void."""
        with self.database.writing() as session:
            session.execute(delete(Invitation).where(Invitation.account.is_(None)))
            if _admins(session):
                return None
            return _invited(session, None, SETUP)

    def invited(self, token: str) -> Member | None:
        """Whose token that is; None where it is unknown, used or over. Setting up, it is nobody's: name ""."""
        with self.database.reading() as session:
            found = _valid(session, token)
            if found is None:
                return None
            account = session.get(Account, found.account) if found.account else None
            return _member(account) if account else Member(0, "", Role.ADMIN, ready=False)

    def accept(self, token: str, password: str, name: str = "") -> Member:
        """Use a token: choose the password of its account, or make the first admin, called `name`.

        All earlier sessions of the account end. Raises `SignInError` or `AccountError`.
        """
        with self.database.writing() as session:
            found = _valid(session, token)
            if found is None:
                raise SignInError("This link has been used or is over. Ask an admin for a new one.")
            account = session.get(Account, found.account) if found.account else None
            if account is None:
                if _admins(session):
                    raise SignInError("The console has been set up already. Sign in.")
                account = session.scalar(select(Account).where(Account.name == _name(name)))
                account = account or _new(_name(name), Role.ADMIN)
                account.role = Role.ADMIN.value
            _check_password(password, account.name)
            account.password = self.hasher.hash(password)
            session.add(account)
            session.delete(found)
            session.flush()
            session.execute(delete(SignIn).where(SignIn.account == account.id))
            _note(session, account.name, "password chosen", account.name)
            return _member(account)

    # --- sessions -------------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, address: str) -> str:
        """Begin a session; what its cookie holds. `SignInError` where it is refused, however right the password is."""
        name = name.strip().lower()[:120]
        self._let_try(name, address)
        with self.database.reading() as session:
            account = session.scalar(select(Account).where(Account.name == name))
        if not self._matches(account, password[: MOST_PASSWORD + 1]):
            self.limiter.hit(BY_NAME, "name", name)
            self.limiter.hit(BY_ADDRESS, "address", address)
            self.record(name if account else "", "sign-in failed", "" if account else "unknown account")
            raise SignInError("The name or the password is not right.")
        assert account is not None
        self.limiter.clear(BY_NAME, "name", name)
        if self.hasher.check_needs_rehash(account.password):
            with self.database.writing() as session:
                session.get_one(Account, account.id).password = self.hasher.hash(password)
        return self.begin(_member(account), "signed in")

    def _let_try(self, name: str, address: str) -> None:
        for limit, key in ((BY_NAME, ("name", name)), (BY_ADDRESS, ("address", address))):
            if not self.limiter.test(limit, *key):
                raise SignInError(f"Too many attempts. Try again in {self._minutes(limit, *key)}.")

    def _minutes(self, limit: RateLimitItem, *key: str) -> str:
        left = self.limiter.get_window_stats(limit, *key).reset_time - datetime.now(UTC).timestamp()
        minutes = max(1, -int(-left // 60))
        return "a minute" if minutes == 1 else f"{minutes} minutes"

    def _matches(self, account: Account | None, password: str) -> bool:
        kept = account.password if account and account.password else self._nobody
        try:
            self.hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
        return kept is not self._nobody

    def begin(self, member: Member, what: str) -> str:
        """A new session for somebody who has proved who they are; what its cookie holds."""
        token = secrets.token_hex(32)
        now = datetime.now(UTC)
        with self.database.writing() as session:
            session.execute(delete(SignIn).where(or_(SignIn.at < now - SESSION, SignIn.seen < now - IDLE)))
            session.add(SignIn(token=_hash(token), account=member.id, at=now, seen=now))
            _note(session, member.name, what, "")
        return token

    def who(self, token: str) -> Member | None:
        """Whose session that is; None where it is unknown or over."""
        if not re.fullmatch(r"[0-9a-f]{64}", token):
            return None
        now = datetime.now(UTC)
        with self.database.reading() as session:
            asked = select(Account, SignIn).join(SignIn, SignIn.account == Account.id)
            found = session.execute(asked.where(SignIn.token == _hash(token))).first()
        if found is None or found.SignIn.at < now - SESSION or found.SignIn.seen < now - IDLE:
            return None
        if found.SignIn.seen < now - NOTED:
            with self.database.writing() as session:
                if kept := session.get(SignIn, found.SignIn.token):
                    kept.seen = now
        return _member(found.Account)

    def sign_out(self, token: str) -> None:
        """End a session; one that is not there is no error."""
        if member := self.who(token):
            self.record(member.name, "signed out", "")
        with self.database.writing() as session:
            session.execute(delete(SignIn).where(SignIn.token == _hash(token)))

    def sign_out_everywhere(self, name: str, by: str) -> int:
        """End all sessions of an account; how many there were."""
        with self.database.writing() as session:
            account = _known(session, name)
            ended = session.execute(delete(SignIn).where(SignIn.account == account.id))
            _note(session, by, "signed out everywhere", account.name)
            return int(getattr(ended, "rowcount", 0))

    def by_provider(self, subject: str, mail: str) -> Member | None:
        """The account that an OpenID provider's verified words name; from then on it is known by its subject."""
        with self.database.writing() as session:
            account = session.scalar(select(Account).where(Account.subject == subject))
            if account is None:
                named = select(Account).where(Account.name == mail.strip().lower(), Account.subject == "")
                account = session.scalar(named)
                if account is None:
                    return None
                account.subject = subject
            return _member(account)

    # --- the audit log --------------------------------------------------------------------------------

    def record(self, by: str, what: str, on: str) -> None:
        """Write down what somebody did."""
        with self.database.writing() as session:
            _note(session, by, what, on)

    def log(self, limit: int = 200, before: int | None = None) -> list[Done]:
        """The audit log, the latest first; `before`: only lines older than the one with that id."""
        asked = select(Action).order_by(Action.id.desc()).limit(limit)
        if before is not None:
            asked = asked.where(Action.id < before)
        with self.database.reading() as session:
            return [Done(row.id, row.at, row.account, row.what, row.on) for row in session.scalars(asked)]

    def whole_log(self) -> Iterator[Done]:
        """All of the audit log, the latest first, read bit by bit."""
        before: int | None = None
        while lines := self.log(1000, before):
            yield from lines
            before = lines[-1].id


def _name(name: str) -> str:
    name = name.strip().lower()
    if not NAME.fullmatch(name):
        raise AccountError(f"{name[:60]!r} is no mail address. Accounts are named like ada@example.com.")
    return name


def _check_password(password: str, name: str) -> None:
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise AccountError(f"A password needs {LEAST_PASSWORD} to {MOST_PASSWORD} characters.")
    if password.lower() in (name, name.split("@")[0]) or len(set(password)) < 4:
        raise AccountError("This password is too easy to guess. Take some words that do not belong together.")


def _new(name: str, role: Role) -> Account:
    return Account(name=name, role=role.value, password="", subject="", created=datetime.now(UTC))


def _known(session: Session, name: str) -> Account:
    account = session.scalar(select(Account).where(Account.name == name.strip().lower()))
    if account is None:
        raise AccountError(f"There is no account {name.strip().lower()[:60]!r}.")
    return account


def _admins(session: Session) -> int:
    """Admins who can sign in."""
    able = or_(Account.password != "", Account.subject != "")
    asked = select(func.count()).select_from(Account).where(Account.role == Role.ADMIN.value, able)
    return session.scalar(asked) or 0


def _keeps_an_admin(session: Session, account: Account) -> None:
    others = select(func.count()).select_from(Account)
    others = others.where(Account.role == Role.ADMIN.value, Account.id != account.id)
    others = others.where(or_(Account.password != "", Account.subject != ""))
    if account.role == Role.ADMIN.value and not session.scalar(others):
        raise AccountError(f"{account.name} is the last admin. Make somebody else one first.")


def _invited(session: Session, account: int | None, lasting: timedelta) -> str:
    token = secrets.token_urlsafe(32)
    session.add(Invitation(token=_hash(token), account=account, expires=datetime.now(UTC) + lasting))
    return token


def _valid(session: Session, token: str) -> Invitation | None:
    found = session.get(Invitation, _hash(token))
    return found if found and found.expires > datetime.now(UTC) else None


def _note(session: Session, by: str, what: str, on: str) -> None:
    session.add(Action(at=datetime.now(UTC), account=by[:120], what=what[:40], on=on[:2000]))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _member(row: Account) -> Member:
    return Member(row.id, row.name, Role(row.role), bool(row.password or row.subject), row.created)
