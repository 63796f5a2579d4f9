"""Places as postings name them."""

from __future__ import annotations

import pytest

from assistant.posted_places import PostedPlaces


@pytest.fixture
def places() -> PostedPlaces:
    lines = [("Opava, Czechia",), ("Bergtal Mills, Tamland",), ("Gdynia, Poland", "Opava"), (), ("Open",)]
    return PostedPlaces(lines, company_words={"mill", "opava", "ostrava"})


def test_places_of_postings_are_known_though_they_are_small_and_name_the_company(
    places: PostedPlaces,
) -> None:
    assert places.named_in("anything in opava?") == ["Opava"]
    assert places.named_in("jobs in BERGTAL MILLS") == ["Bergtal Mills"]
    assert places.named_in("jobs in Ostrava") == []  # where the company has its name from, and no posting is


def test_a_word_of_asking_is_no_place_though_a_board_prints_it_as_one(places: PostedPlaces) -> None:
    assert places.named_in("which roles are open?") == []


def test_postings_inside_a_place_are_found_by_town_and_by_country(places: PostedPlaces) -> None:
    assert places.inside("Bergtal Mills").tolist() == [False, True, False, False, False]
    assert places.inside("Poland").tolist() == [False, False, True, False, False]
    assert places.inside("Opava").tolist() == [True, False, True, False, False]
