"""The review: what comes first, what a filter leaves, what is ticked off, and which questions are one."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import numpy as np
import pytest
from conftest import WordEmbedder
from console_fakes import MONDAY, had
from numpy.typing import NDArray

from ui.database import Database
from ui.review import Filter, Review, clusters
from ui.tables import Attention


@pytest.fixture
def review(database: Database) -> Review:
    """Seven exchanges of three days, in three conversations."""
    had(database, "fine", outcome="answered")
    had(database, "down", "Wrong bus?", thumb="down", topic="bus", at=MONDAY + timedelta(days=1))
    had(database, "gone", "What of parents' leave?", outcome="not_found", topic="leave")
    had(
        database,
        "later",
        "Parents on leave?",
        outcome="not_found",
        topic="leave",
        at=MONDAY + timedelta(days=2),
    )
    had(database, "no", "Promise me?", outcome="declined", chat="c2")
    had(database, "sent", "Call me?", chat="c2", handed_over=True, at=MONDAY + timedelta(hours=1))
    had(database, "hebrew", "יש גן ילדים?", chat="c3", language="he", outcome="not_found", topic="")
    return Review(database)


def told(review: Review, **wanted: object) -> list[str]:
    return [seen.message for seen in review.exchanges(Filter(**wanted))]  # type: ignore[arg-type]


def test_what_needs_an_eye_comes_first_and_of_that_the_newest(review: Review) -> None:
    assert told(review) == ["down", "later", "gone", "hebrew", "sent", "no", "fine"]


def test_an_exchange_is_shown_with_all_that_is_known_of_it(review: Review) -> None:
    first = review.exchanges(Filter())[0]
    assert (first.question, first.answer, first.attention) == (
        "Wrong bus?",
        "About down.",
        Attention.THUMBS_DOWN,
    )
    assert (first.thumb, first.reason, first.comment) == ("down", "wrong", "No.")
    assert review.reply(first.key)["status"] == "answered" and review.reply(("x", "y")) == {}


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({"outcome": "not_found"}, ["later", "gone", "hebrew"]),
        ({"outcome": "thumbs_down"}, ["down"]),
        ({"outcome": "handed_over"}, ["sent"]),
        ({"topic": "leave"}, ["later", "gone"]),
        ({"language": "he"}, ["hebrew"]),
        ({"start": date(2026, 6, 2)}, ["down", "later"]),
        ({"end": date(2026, 6, 1), "outcome": "not_found"}, ["gone", "hebrew"]),
        ({"start": date(2026, 6, 2), "end": date(2026, 6, 2)}, ["down"]),
        ({"words": "PARENTS leave"}, ["later", "gone"]),
        ({"words": "%"}, []),
        ({"words": "גן"}, ["hebrew"]),
        ({"assignee": "ada"}, []),
        ({"done": True}, []),
    ],
)
def test_a_filter_leaves_what_it_says(review: Review, wanted: dict[str, object], left: list[str]) -> None:
    assert sorted(told(review, **wanted)) == sorted(left)
    assert review.count(Filter(**wanted)) == len(left)  # type: ignore[arg-type]


def test_what_was_handed_over_is_found_whatever_else_is_the_matter_with_it(database: Database) -> None:
    had(database, "before", outcome="not_found", at=MONDAY - timedelta(minutes=1))
    had(database, "sent", outcome="not_found", thumb="down", handed_over=True)
    had(database, "after", outcome="not_found", at=MONDAY + timedelta(minutes=1))
    had(database, "elsewhere", outcome="not_found", chat="c2")
    assert told(Review(database), outcome="handed_over") == ["sent"]
    assert Review(database).count(Filter(outcome="handed_over")) == 1


@pytest.mark.parametrize("word", ["überstunden", "Überstunden", "ÜBERSTUNDEN"])
def test_a_word_is_found_in_small_and_in_capital_letters_of_any_language(
    database: Database, word: str
) -> None:
    had(database, "capital", "Überstunden bezahlt?")
    had(database, "small", "Sind überstunden bezahlt?")
    had(database, "none", "Uberstunden?")
    assert sorted(told(Review(database), words=word)) == ["capital", "small"]


def test_pages_follow_one_another(review: Review) -> None:
    pages = [review.exchanges(Filter(), limit=3, skip=skip) for skip in (0, 3, 6, 9)]
    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert [seen.message for page in pages for seen in page] == told(review)


def test_what_is_ticked_off_leaves_the_list_and_can_be_put_back(review: Review) -> None:
    keys = [("c1", "down"), ("c1", "gone"), ("c9", "never")]
    assert review.mark(keys, True) == 2 and review.mark(keys, True) == 0
    assert "down" not in told(review) and sorted(told(review, done=True)) == ["down", "gone"]
    assert review.mark(keys, False) == 2 and told(review, done=True) == []
    assert len(told(review, done=None)) == 7


def test_somebody_looks_after_an_exchange(review: Review) -> None:
    assert review.assign([("c1", "gone")], "ada@firm.example") == 1
    assert review.assign([("c1", "gone")], "ada@firm.example") == 0
    assert told(review, assignee="ada@firm.example") == ["gone"]
    assert review.choices() == {
        "topic": ["bus", "leave", "nursery"],
        "language": ["en", "he"],
        "assignee": ["ada@firm.example"],
    }


def test_an_empty_database_has_nothing_to_choose(database: Database) -> None:
    assert Review(database).choices() == {"topic": [], "language": [], "assignee": []}


def test_a_conversation_is_read_from_its_beginning(review: Review) -> None:
    assert [seen.message for seen in review.conversation("c2")] == ["no", "sent"]
    assert review.conversation("c9") == []


def test_similar_questions_asked_in_vain_are_one_group(review: Review, database: Database) -> None:
    had(database, "again", "parents on leave", outcome="not_found", topic="leave", chat="c4")
    had(database, "pay", "Salary in Riga", outcome="not_found", topic="pay", chat="c5")
    groups = review.groups(Filter(language="en"), WordEmbedder().embed)
    assert [(group.question, group.count) for group in groups] == [
        ("Parents on leave?", 3),
        ("Wrong bus?", 1),
        ("Salary in Riga", 1),
    ]
    first = groups[0]
    assert first.topic == "leave" and first.last == MONDAY + timedelta(days=2)
    assert first.examples == ("Parents on leave?", "What of parents' leave?")
    assert set(first.keys) == {("c1", "gone"), ("c1", "later"), ("c4", "again")}


def test_nothing_asked_in_vain_is_no_group(database: Database) -> None:
    assert Review(database).groups(Filter(), WordEmbedder().embed) == []


def test_rows_nearer_than_the_distance_are_one_cluster() -> None:
    def at(*degrees: float) -> NDArray[np.float32]:
        turned: Sequence[tuple[float, float]] = [
            (np.cos(np.radians(d)), np.sin(np.radians(d))) for d in degrees
        ]
        return np.array(turned, np.float32)

    # Cosine distances: 0.13 at 30 degrees, 0.36 at 50, 1 at 90.
    assert sorted(clusters(at(0, 30, 120), ["", "", ""])) == [[0, 1], [2]]
    assert clusters(at(5), [""]) == [[0]]
    assert sorted(clusters(at(0, 50), ["pay", "pay"])) == sorted(clusters(at(0, 50), ["pay", ""])) == [[0, 1]]
    assert sorted(clusters(at(0, 50), ["pay", "duties"])) == [[0], [1]]


def test_an_export_has_every_exchange_and_no_formula(review: Review, database: Database) -> None:
    had(database, "cell", "=HYPERLINK(1)", chat="c6", outcome="not_found")
    rows = list(csv.DictReader("".join(review.export(Filter(done=None))).splitlines()))
    assert len(rows) == 8
    assert {row["question"] for row in rows} >= {"'=HYPERLINK(1)", "יש גן ילדים?"}
    assert {row["thumb"] for row in rows} == {"", "down"}


def exported(lines: Iterable[str]) -> list[str]:
    return [row["message"] for row in csv.DictReader(lines)]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("done", [False, None])
def test_an_export_has_the_order_of_the_list_however_it_is_cut(
    review: Review, chunk: int, done: bool | None
) -> None:
    assert exported(review.export(Filter(done=done), chunk)) == told(review, done=done)


def test_what_is_ticked_off_during_an_export_takes_no_other_exchange_along(review: Review) -> None:
    every = told(review)
    lines = review.export(Filter(), chunk=2)
    begun = [next(lines), next(lines), next(lines)]
    review.mark([("c1", "down"), ("c1", "later")], True)
    assert exported([*begun, *lines]) == every
