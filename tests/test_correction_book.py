"""Corrections as they are kept: versions, undoing, what is refused, and what other processes see."""

from __future__ import annotations

import multiprocessing
import time
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ui.corrections import Change, CorrectionBook, CorrectionError, Kind
from ui.database import Database
from ui.tables import CorrectionChange

LEAVE = {"questions": ["How long is parental leave?"], "text": "Twenty weeks."}


@pytest.fixture
def book(database: Database) -> CorrectionBook:
    return CorrectionBook(database)


def test_an_answer_is_in_force_at_once_and_gone_when_it_is_undone(book: CorrectionBook) -> None:
    saved = book.save(Kind.ANSWER, LEAVE, "ada@firm.example")
    (answer,) = book.current().answers
    assert (answer.questions, answer.text) == (("How long is parental leave?",), "Twenty weeks.")
    assert answer.approved == saved.at.date()
    book.undo(saved.revision, "ben@firm.example")
    assert book.current().answers == ()


def save_elsewhere(url: str) -> None:
    opened = Database.open(url)
    CorrectionBook(opened).save(Kind.SYNONYM, {"asked": "PTO", "meant": "paid leave"}, "ada")
    opened.close()


def test_a_change_of_another_process_is_in_force_soon(book: CorrectionBook, database: Database) -> None:
    assert book.current().revision == 0
    url = database.engine.url.render_as_string(hide_password=False)
    other = multiprocessing.get_context("spawn").Process(target=save_elsewhere, args=(url,))
    other.start()
    other.join(60)
    ended = time.monotonic() + 20
    while not book.current().revision and time.monotonic() < ended:
        time.sleep(0.05)
    assert book.current().synonyms == {"PTO": "paid leave"}


def test_of_two_changes_at_once_the_one_that_is_there_later_is_not_missed(
    book: CorrectionBook, database: Database
) -> None:
    def written(revision: int, asked: str, meant: str) -> None:
        """By another process, whose number was drawn when its transaction began."""
        content = {"asked": asked, "meant": meant}
        row = CorrectionChange(
            revision=revision, correction=asked, kind="synonym", content=content, by="ada", what="added"
        )
        row.at = datetime.now(UTC)
        with database.writing() as session:
            session.add(row)
        book._looked = float("-inf")

    written(5, "WFH", "work from home")
    assert book.current().synonyms == {"WFH": "work from home"}
    written(4, "PTO", "paid leave")
    assert book.current().synonyms == {"PTO": "paid leave", "WFH": "work from home"}


def test_each_change_is_a_version_with_who_and_what(book: CorrectionBook) -> None:
    first = book.save(Kind.ANSWER, LEAVE, "ada")
    book.save(Kind.ANSWER, {**LEAVE, "text": "Sixteen weeks."}, "ben", first.correction)
    book.remove(first.correction, "cem")
    versions = book.history(correction=first.correction)
    assert [(version.by, version.what) for version in versions] == [
        ("cem", "removed"),
        ("ben", "changed"),
        ("ada", "added"),
    ]
    assert book.entries() == []


def test_undoing_goes_back_version_by_version(book: CorrectionBook) -> None:
    def text() -> list[str]:
        return [answer.text for answer in book.current().answers]

    first = book.save(Kind.ANSWER, LEAVE, "ada")
    second = book.save(Kind.ANSWER, {**LEAVE, "text": "Sixteen weeks."}, "ben", first.correction)
    removed = book.remove(first.correction, "cem")
    with pytest.raises(CorrectionError, match="later change"):
        book.undo(second.revision, "ada")
    book.undo(removed.revision, "ada")
    assert text() == ["Sixteen weeks."]
    undone = book.history(correction=first.correction)[0]
    book.undo(undone.revision, "ada")  # undoing the undoing
    assert text() == []


def test_hidden_sources_and_passages_are_told_apart(book: CorrectionBook) -> None:
    book.save(Kind.HIDDEN_SOURCE, {"name": "old.md"}, "ada")
    book.save(Kind.HIDDEN_PASSAGE, {"name": "0a1b", "note": "We pay well."}, "ada")
    now = book.current()
    assert (now.hidden_sources, now.hidden_passages) == ({"old.md"}, {"0a1b"})
    assert {entry.title for entry in book.entries()} == {"old.md", "We pay well."}


def test_dates_are_days_of_the_calendar(book: CorrectionBook) -> None:
    book.save(Kind.ANSWER, {**LEAVE, "valid_from": "2026-06-01", "valid_until": "2026-06-30"}, "ada")
    (answer,) = book.current().answers
    assert (answer.valid_from, answer.valid_until) == (date(2026, 6, 1), date(2026, 6, 30))


@pytest.mark.parametrize(
    ("kind", "content", "why"),
    [
        (Kind.ANSWER, {"questions": [" "], "text": "x"}, "at least one question"),
        (Kind.ANSWER, {"questions": ["a?"] * 1, "text": "  "}, "between 1 and"),
        (Kind.ANSWER, {"questions": ["a?"], "text": "x" * 2001}, "between 1 and"),
        (Kind.ANSWER, {"questions": [f"{n}?" for n in range(31)], "text": "x"}, "At most 30"),
        (Kind.ANSWER, {**LEAVE, "url": "javascript:alert(1)"}, "no link"),
        (Kind.ANSWER, {**LEAVE, "valid_from": "soon"}, "no date"),
        (Kind.ANSWER, {**LEAVE, "valid_from": "2026-07-01", "valid_until": "2026-06-01"}, "before it begins"),
        (Kind.SYNONYM, {"asked": "PTO", "meant": ""}, "needs"),
        (Kind.SYNONYM, {"asked": "Leave", "meant": "leave"}, "same word"),
        (Kind.SYNONYM, {"asked": "x" * 81, "meant": "y"}, "80 characters"),
        (Kind.HIDDEN_SOURCE, {"name": ""}, "Choose"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_kept(
    book: CorrectionBook, kind: Kind, content: dict[str, Any], why: str
) -> None:
    with pytest.raises(CorrectionError, match=why):
        book.save(kind, content, "ada")
    assert book.history() == []


def test_one_question_has_one_answer(book: CorrectionBook) -> None:
    book.save(Kind.ANSWER, LEAVE, "ada")
    with pytest.raises(CorrectionError, match="already"):
        book.save(Kind.ANSWER, {"questions": ["how long is parental leave?"], "text": "Other."}, "ben")


def test_what_is_gone_cannot_be_changed_removed_or_undone(book: CorrectionBook) -> None:
    with pytest.raises(CorrectionError, match="Reload"):
        book.save(Kind.ANSWER, LEAVE, "ada", "f" * 32)
    with pytest.raises(CorrectionError, match="Reload"):
        book.remove("f" * 32, "ada")
    with pytest.raises(CorrectionError, match="Reload"):
        book.undo(99, "ada")


def test_a_title_says_what_a_correction_is_about(book: CorrectionBook) -> None:
    changes: list[Change] = [
        book.save(Kind.ANSWER, LEAVE, "ada"),
        book.save(Kind.SYNONYM, {"asked": "PTO", "meant": "paid leave"}, "ada"),
    ]
    assert [change.title for change in changes] == ["How long is parental leave?", "PTO → paid leave"]
