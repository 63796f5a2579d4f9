"""`python -m ui users`, as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ui.__main__ import main
from ui.accounts import Accounts
from ui.database import Database

ADA = "ada@firm.example"


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CANDOR_STORE", str(tmp_path / "store"))


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert main(["users", *arguments]) == status
    told = capsys.readouterr()
    return told.err if status else told.out


def test_a_link_begins_with_the_public_address(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDOR_PUBLIC_URL", "https://chat.firm.example")
    link = said(capsys, "add", ADA).split()[-1]
    assert link.startswith("https://chat.firm.example/recruiter/invitation?token=")


def test_an_account_is_added_by_a_link_listed_changed_and_removed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    link = said(capsys, "add", ADA, "--role", "admin").split()[-1]
    assert link.startswith("http://127.0.0.1:7860/recruiter/invitation?token=")
    assert "has not chosen a password" in said(capsys, "list")
    database = Database.open(f"sqlite:///{tmp_path / 'store' / 'conversations.sqlite'}")
    Accounts(database).accept(link.split("token=")[1], "four green ferries")
    database.close()
    assert said(capsys, "list").split() == [ADA, "admin"]
    assert "is the last admin" in said(capsys, "remove", ADA, status=2)
    said(capsys, "add", "ben@firm.example")
    assert "editor" in said(capsys, "role", "ben@firm.example", "editor")
    assert "token=" in said(capsys, "reset", "ben@firm.example")
    assert "0 sessions" in said(capsys, "sign-out", "ben@firm.example")
    said(capsys, "remove", "ben@firm.example")
    assert said(capsys, "list").split() == [ADA, "admin"]


@pytest.mark.parametrize("arguments", [["add", "ada"], ["remove", "nobody@firm.example"]])
def test_a_mistake_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert said(capsys, *arguments, status=2).count("\n") == 1


def test_a_database_that_cannot_be_used_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANDOR_DATABASE", "nonsense")
    assert "CANDOR_DATABASE" in said(capsys, "list", status=2)
