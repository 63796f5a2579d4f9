"""Figures over the conversations of three days, computed by hand."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta

import pytest
from console_fakes import MONDAY, had

from ui.database import Database
from ui.figures import Figures, percentile, share

START, END = date(2026, 6, 1), date(2026, 6, 3)


@pytest.fixture
def figures(database: Database) -> Figures:
    had(database, "a", milliseconds=12, thumb="up", role="Pilot")
    had(database, "b", milliseconds=18, outcome="not_found", topic="leave")
    had(database, "c", milliseconds=33, outcome="chat", topic="")
    had(database, "d", milliseconds=240, chat="c2", language="he", outcome="declined", thumb="down")
    had(
        database,
        "e",
        milliseconds=55,
        chat="c3",
        at=MONDAY + timedelta(days=2),
        handed_over=True,
        role="Pilot",
    )
    had(database, "f", chat="c4", at=datetime(2026, 5, 31, 23, 59, 59, tzinfo=UTC))
    return Figures(database)


def test_the_figures_of_a_period(figures: Figures) -> None:
    period = figures.over(START, END)
    assert (period.conversations, period.questions, period.to_answer) == (3, 5, 4)
    assert period.outcomes == {"answered": 2, "not_found": 1, "chat": 1, "declined": 1}
    assert (period.thumbs_up, period.thumbs_down, period.handovers) == (1, 1, 1)
    assert period.languages == {"en": 4, "he": 1}
    assert (period.p50, period.p95) == (35, 245)  # bins 1, 1, 3, 5, 24


def test_topics_and_roles_that_are_asked_about_most(figures: Figures) -> None:
    period = figures.over(START, END)
    assert [(top.name, top.questions, top.answered, top.not_found) for top in period.topics] == [
        ("nursery", 3, 2, 0),
        ("leave", 1, 0, 1),
    ]
    assert [(top.name, top.questions) for top in period.roles] == [("Pilot", 2)]


def test_a_language_alone(figures: Figures) -> None:
    period = figures.over(START, END, "he")
    assert (period.conversations, period.questions, period.thumbs_down, period.handovers) == (1, 1, 1, 0)


def test_small_numbers_make_no_share(figures: Figures, database: Database) -> None:
    assert figures.over(START, END).answered_share is None
    assert share(19, 19) is None and share(5, 20) == 0.25
    for number in range(16):
        had(database, f"n{number}", chat="c9")
    assert figures.over(START, END).answered_share == 18 / 20
    assert figures.over(START, END).satisfaction is None


def test_days_follow_one_another_and_those_without_questions_are_zeros(figures: Figures) -> None:
    days = figures.by_day(START, END, "en")
    assert [(day.day.day, day.questions, day.conversations, day.handovers) for day in days] == [
        (1, 3, 1, 0),
        (2, 0, 0, 0),
        (3, 1, 1, 1),
    ]
    assert (days[0].answered, days[0].not_found, days[0].thumbs_up, days[0].p50_ms) == (1, 1, 1, 15)
    assert days[1].p50_ms is None


@pytest.mark.parametrize("language", ["", "en", "he"])
def test_the_days_of_a_period_sum_up_to_it(figures: Figures, language: str) -> None:
    days, period = figures.by_day(START, END, language), figures.over(START, END, language)
    assert sum(day.conversations for day in days) == period.conversations
    assert sum(day.questions for day in days) == period.questions
    assert sum(day.answered for day in days) == period.outcomes.get("answered", 0)
    assert sum(day.thumbs_up + day.thumbs_down for day in days) == period.thumbs_up + period.thumbs_down
    assert sum(day.handovers for day in days) == period.handovers


def test_a_conversation_counts_on_the_day_on_which_it_began(figures: Figures, database: Database) -> None:
    had(database, "g", chat="c4", at=MONDAY)  # it began on the day before
    period = figures.over(START, END)
    assert (period.conversations, period.questions) == (3, 6)


def test_each_language_has_days_of_its_own(figures: Figures) -> None:
    days = figures.by_day(START, START)
    assert [(day.language, day.questions) for day in days] == [("en", 3), ("he", 1)]


def test_a_long_period_is_shown_by_weeks(figures: Figures) -> None:
    weeks = figures.by_day(date(2026, 5, 25), date(2026, 12, 31), "en")
    assert [(week.day, week.questions) for week in weeks[:3]] == [
        (date(2026, 5, 25), 1),
        (date(2026, 6, 1), 4),
        (date(2026, 6, 8), 0),
    ]
    assert weeks[1].p50_ms == 15  # bins 1, 1, 3, 5


def test_a_period_without_questions_has_no_figures(database: Database) -> None:
    period = Figures(database).over(START, END)
    assert (period.questions, period.p50, period.answered_share, period.topics) == (0, None, None, ())
    assert [day.questions for day in Figures(database).by_day(START, END)] == [0, 0, 0]


def test_percentiles_are_the_middle_of_a_bin() -> None:
    assert percentile([(0, 1), (5, 1)], 0.5) == 5
    assert percentile([(0, 1), (5, 1)], 0.95) == 55
    assert percentile([], 0.5) is None


def test_an_export_has_a_line_for_each_day(figures: Figures) -> None:
    rows = list(csv.DictReader("".join(figures.export(START, END, "en")).splitlines()))
    assert [(row["day"], row["questions"], row["p50_ms"]) for row in rows] == [
        ("2026-06-01", "3", "15"),
        ("2026-06-02", "0", ""),
        ("2026-06-03", "1", "55"),
    ]
