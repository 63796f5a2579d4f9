"""Titles that a text names, wholly or in part."""

from __future__ import annotations

import pytest

from assistant.title_words import phrase_key
from assistant.titles import Titles

NAMES = ("Miller", "Senior Miller", "Oat Miller", "Head of Mills and Silos", "Miller", "Open Position")


@pytest.fixture
def titles() -> Titles:
    return Titles(NAMES, tells=lambda title: title != "Open Position")


def named(titles: Titles, text: str, least: int = 2) -> list[str]:
    return [titles.column.values[number] for number in titles.named_in(text, least)]


def test_of_two_titles_in_the_same_words_the_longer_is_meant(titles: Titles) -> None:
    assert named(titles, "Is the senior miller taken?", least=1) == ["Senior Miller"]
    assert named(titles, "Is the oat miller taken, or the head of mills and silos?") == [
        "Head of Mills and Silos",
        "Oat Miller",
    ]


def test_a_title_of_one_word_is_named_by_that_word_alone(titles: Titles) -> None:
    assert named(titles, "Miller?") == ["Miller"]
    assert named(titles, "Do you need a miller?") == []


def test_a_title_made_of_words_of_asking_names_no_role(titles: Titles) -> None:
    assert named(titles, "Is there any open position for a cook?") == []


def test_a_title_is_named_by_the_share_of_its_words_the_rare_ones_counting_more(titles: Titles) -> None:
    shares = dict(zip(titles.column.values, titles.naming("who mills the oats?"), strict=True))
    assert 0.5 < shares["Oat Miller"] < 1
    assert shares["Senior Miller"] < shares["Oat Miller"]
    assert titles.naming("the oat miller").tolist()[2] == pytest.approx(1)


def test_postings_are_found_by_their_titles(titles: Titles) -> None:
    miller = titles.column.values.index("Miller")
    assert titles.where([miller]).tolist() == [True, False, False, False, True, False]
    assert titles.with_terms([titles.terms[miller]]).tolist() == [True, True, True, False, True, False]


def test_a_phrase_is_in_a_title_with_its_words_in_order(titles: Titles) -> None:
    assert titles.with_phrase(phrase_key("mills and silos")) == [3]
    assert titles.with_phrase(phrase_key("silos and mills")) == []
