"""Accounts of the console: links that are good once, passwords, sessions, throttling and the audit log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from ui.accounts import AccountError, Accounts, Role, SignInError
from ui.database import Database
from ui.tables import Account, Invitation, SignIn

ADA, BEN = "ada@firm.example", "ben@firm.example"
WORD, OTHER = "four green ferries", "five yellow trams"
HERE = "192.0.2.1"


class Counting(PasswordHasher):
    """A hasher that is quick, for tests, and counts what it verifies."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        self.verified += 1
        return bool(super().verify(hash, password))


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database, Counting())


@pytest.fixture
def staffed(accounts: Accounts) -> Accounts:
    """Ada is admin, Ben editor."""
    token = accounts.setup_token()
    assert token
    accounts.accept(token, WORD, ADA)
    accounts.accept(accounts.add(BEN, Role.EDITOR, ADA), OTHER)
    return accounts


def test_roles_allow_what_lower_ones_do() -> None:
    assert [Role.EDITOR.allows(role) for role in Role] == [True, True, False]


def test_the_first_admin_comes_by_a_link_that_is_good_once(accounts: Accounts) -> None:
    token = accounts.setup_token()
    assert token and accounts.invited(token)
    assert accounts.accept(token, WORD, " Ada@Firm.example ").name == ADA
    assert accounts.setup_token() is None and accounts.invited(token) is None
    with pytest.raises(SignInError, match="used or is over"):
        accounts.accept(token, WORD, BEN)
    assert [(member.name, member.role) for member in accounts.members()] == [(ADA, Role.ADMIN)]


def test_a_new_set_up_link_makes_the_one_before_void(accounts: Accounts) -> None:
    first, second = accounts.setup_token(), accounts.setup_token()
    assert first and second and accounts.invited(first) is None and accounts.invited(second)


def test_a_link_is_over_after_its_time(accounts: Accounts, database: Database) -> None:
    token = accounts.setup_token()
    assert token
    with database.writing() as session:
        kept = session.scalars(select(Invitation)).one()
        kept.expires -= timedelta(hours=25)
    with pytest.raises(SignInError, match="over"):
        accounts.accept(token, WORD, ADA)


@pytest.mark.parametrize(
    ("word", "why"),
    [("short", "12 to 200"), ("x" * 201, "12 to 200"), (ADA, "easy to guess"), ("a" * 20, "easy to guess")],
)
def test_a_bad_password_is_refused_and_the_link_stays_good(accounts: Accounts, word: str, why: str) -> None:
    token = accounts.setup_token()
    assert token
    with pytest.raises(AccountError, match=why):
        accounts.accept(token, word, ADA)
    assert accounts.members() == [] and accounts.invited(token)


def test_neither_passwords_nor_tokens_are_kept_as_they_are(staffed: Accounts, database: Database) -> None:
    cookie = staffed.sign_in(ADA, WORD, HERE)
    with database.reading() as session:
        assert all(row.password.startswith("$argon2id$") for row in session.scalars(select(Account)))
        assert all(row.token != cookie for row in session.scalars(select(SignIn)))
    assert not any(WORD in line.on or cookie in line.on for line in staffed.log())


def test_whoever_signs_in_is_known_by_the_cookie_until_they_sign_out(staffed: Accounts) -> None:
    cookie = staffed.sign_in(" BEN@firm.example", OTHER, HERE)
    member = staffed.who(cookie)
    assert member and (member.name, member.role) == (BEN, Role.EDITOR)
    staffed.sign_out(cookie)
    assert staffed.who(cookie) is None


@pytest.mark.parametrize("cookie", ["", "x", "0" * 64, "f" * 6400, "\N{SNOWMAN}" * 64])
def test_a_cookie_that_was_never_given_out_is_nobodys(staffed: Accounts, cookie: str) -> None:
    assert staffed.who(cookie) is None


def test_each_sign_in_is_a_session_of_its_own(staffed: Accounts) -> None:
    first, second = staffed.sign_in(ADA, WORD, HERE), staffed.sign_in(ADA, WORD, HERE)
    assert first != second
    staffed.sign_out(first)
    assert staffed.who(second)
    assert staffed.sign_out_everywhere(ADA, ADA) == 1 and staffed.who(second) is None


@pytest.mark.parametrize(("column", "hours"), [("at", 13), ("seen", 3)])
def test_a_session_is_over_after_a_day_of_work_or_when_it_was_left_alone(
    staffed: Accounts, database: Database, column: str, hours: int
) -> None:
    cookie = staffed.sign_in(ADA, WORD, HERE)
    with database.writing() as session:
        row = session.scalars(select(SignIn)).one()
        setattr(row, column, getattr(row, column) - timedelta(hours=hours))
    assert staffed.who(cookie) is None


def test_a_session_in_use_does_not_go_idle(staffed: Accounts, database: Database) -> None:
    cookie = staffed.sign_in(ADA, WORD, HERE)
    with database.writing() as session:
        row = session.scalars(select(SignIn)).one()
        left = row.seen = row.seen - timedelta(minutes=90)
    assert staffed.who(cookie)
    with database.reading() as session:
        assert session.scalars(select(SignIn)).one().seen > left


def test_an_unknown_name_and_a_wrong_password_cost_and_say_the_same(staffed: Accounts) -> None:
    hasher = staffed.hasher
    assert isinstance(hasher, Counting)
    told, verified = [], []
    for name in (ADA, "nobody@firm.example"):
        before = hasher.verified
        with pytest.raises(SignInError) as refusal:
            staffed.sign_in(name, "not the password", HERE)
        told.append(str(refusal.value))
        verified.append(hasher.verified - before)
    assert told[0] == told[1] and verified == [1, 1]


def test_an_account_without_a_password_cannot_sign_in(staffed: Accounts) -> None:
    staffed.add("cem@firm.example", Role.VIEWER, ADA)
    with pytest.raises(SignInError):
        staffed.sign_in("cem@firm.example", "", HERE)


def test_after_five_failures_even_the_right_password_is_refused(staffed: Accounts) -> None:
    for _ in range(5):
        with pytest.raises(SignInError, match="not right"):
            staffed.sign_in(ADA, "not the password", HERE)
    with pytest.raises(SignInError, match=r"Too many attempts\. Try again in 15 minutes"):
        staffed.sign_in(ADA, WORD, HERE)
    assert staffed.sign_in(BEN, OTHER, HERE)


def test_one_address_cannot_try_many_names(staffed: Accounts) -> None:
    for number in range(20):
        with pytest.raises(SignInError, match="not right"):
            staffed.sign_in(f"n{number}@firm.example", "not the password", HERE)
    with pytest.raises(SignInError, match="Too many"):
        staffed.sign_in(BEN, OTHER, HERE)
    assert staffed.sign_in(BEN, OTHER, "192.0.2.2")


def test_a_new_link_ends_the_sessions_once_it_is_used(staffed: Accounts) -> None:
    cookie = staffed.sign_in(BEN, OTHER, HERE)
    token = staffed.invite_again(BEN, ADA)
    assert staffed.who(cookie)
    staffed.accept(token, "six purple gondolas")
    assert staffed.who(cookie) is None and staffed.sign_in(BEN, "six purple gondolas", HERE)


def test_a_hash_of_other_parameters_is_renewed_at_sign_in(staffed: Accounts, database: Database) -> None:
    old = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(OTHER)
    with database.writing() as session:
        session.execute(update(Account).where(Account.name == BEN).values(password=old))
    staffed.sign_in(BEN, OTHER, HERE)
    with database.reading() as session:
        assert session.scalars(select(Account.password).where(Account.name == BEN)).one() != old


def test_the_last_admin_stays(staffed: Accounts) -> None:
    for change in (lambda: staffed.remove(ADA, ADA), lambda: staffed.change_role(ADA, Role.VIEWER, ADA)):
        with pytest.raises(AccountError, match="last admin"):
            change()
    staffed.change_role(BEN, Role.ADMIN, ADA)
    staffed.remove(ADA, BEN)
    assert [member.name for member in staffed.members()] == [BEN]


def test_an_admin_who_never_chose_a_password_is_none_to_rely_on(staffed: Accounts) -> None:
    staffed.add("cem@firm.example", Role.ADMIN, ADA)
    with pytest.raises(AccountError, match="last admin"):
        staffed.remove(ADA, ADA)


def test_whoever_is_removed_is_signed_out(staffed: Accounts) -> None:
    cookie = staffed.sign_in(BEN, OTHER, HERE)
    staffed.remove(BEN, ADA)
    assert staffed.who(cookie) is None


@pytest.mark.parametrize("name", ["", "ada", "a b@c", "x" * 70 + "@firm.example"])
def test_a_name_that_is_no_mail_address_is_refused(staffed: Accounts, name: str) -> None:
    with pytest.raises(AccountError, match="no mail address"):
        staffed.add(name, Role.VIEWER, ADA)


def test_a_name_is_taken_once_whatever_its_case(staffed: Accounts) -> None:
    with pytest.raises(AccountError, match="already"):
        staffed.add("BEN@firm.example", Role.VIEWER, ADA)
    with pytest.raises(AccountError, match="no account"):
        staffed.remove("cem@firm.example", ADA)


def test_a_provider_is_believed_for_accounts_that_are_there(staffed: Accounts) -> None:
    assert staffed.by_provider("s-1", "nobody@firm.example") is None
    known = staffed.by_provider("s-1", "Ben@firm.example")
    assert known and known.name == BEN
    again = staffed.by_provider("s-1", "changed@firm.example")
    assert again and again.name == BEN
    assert staffed.by_provider("s-2", BEN) is None  # another person with the same address


def test_the_log_says_who_did_what_latest_first(staffed: Accounts) -> None:
    staffed.change_role(BEN, Role.VIEWER, ADA)
    with pytest.raises(SignInError):
        staffed.sign_in(BEN, "not the password", HERE)
    told = [(line.account, line.what, line.on) for line in staffed.log(limit=2)]
    assert told == [(BEN, "sign-in failed", ""), (ADA, "role changed", f"{BEN} is viewer")]
    assert [line.id for line in staffed.whole_log()] == sorted(
        (line.id for line in staffed.log()), reverse=True
    )
