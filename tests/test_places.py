from pathlib import Path

import orjson
import pytest

from knowledge import places
from knowledge.places import PlaceTable, country_of, find_places, is_place, same_place, split_places, within


@pytest.mark.parametrize(
    "line",
    [
        "Tel Aviv",
        "Berlin, Germany",
        "New York, NY",
        "Remote - EMEA",
        "Toronto / Montréal",
        "Tel Aviv-Yafo",
        "Remote within Kenya, Ghana or Zambia",
        "Nairobi (Kenya)",
        "München",
        "São Paulo",
        "Washington, D.C.",
        "Stoke-on-Trent",
        "Reading",
        "Location: Lisbon",
        "Remote, US",
        "📍 Vilnius",
    ],
)
def test_a_line_with_a_place_is_one(line: str) -> None:
    assert is_place(line)


@pytest.mark.parametrize(
    "line",
    ["Mobile", "Senior", "Of", "Most", "Remote", "Full time", "Backend Development", "Data Platform", "Fleet", "Product",
     "Student", "Intern", "Program", "Customs", "We are in Berlin and Paris.", "Engineering, Berlin office culture", ""],
)  # fmt: skip
def test_ordinary_words_are_no_places(line: str) -> None:
    assert not is_place(line)


@pytest.mark.parametrize(
    ("question", "places"),
    [
        ("are there openings in Berlin?", ("Berlin",)),
        ("jobs in the uk", ("United Kingdom",)),
        ("anything in new york", ("New York City",)),
        ("anything in gdansk?", ("Gdańsk",)),
        ("nyc roles?", ("New York City",)),
        ("Jobs in Berlin, Germany or Paris", ("Berlin, Germany", "Paris")),
        ("Postes à Montréal ?", ("Montréal",)),
        ("Stellen in München?", ("München",)),
        ("is there a job in Reading?", ("Reading",)),
        ("can I work from home in the us", ("United States",)),
        ("Would you pay my move from Mombasa to Kumasi?", ("Mombasa", "Kumasi")),
        ("remote jobs in europe", ("Europe",)),
        ("Spain, Portugal or Poland?", ("Spain", "Portugal", "Poland")),
    ],
)
def test_a_question_names_its_places(question: str, places: tuple[str, ...]) -> None:
    assert find_places(question) == places


@pytest.mark.parametrize(
    "question",
    [
        "Do you enjoy reading?",
        "is it nice to work there?",
        "mobile engineer jobs",
        "Most of the jobs are senior",
        "tell us about the team",
        "who is Charlotte?",
        "I'm interested in data",
        "in person interviews?",
        "can I work from anywhere?",
        "what do you pay in march",
        "is there a bank holiday",
        "do you have a job for me in operations, in sales or in design?",
    ],
)
def test_a_question_without_a_place_names_none(question: str) -> None:
    assert find_places(question) == ()


@pytest.mark.parametrize(
    ("place", "country"),
    [
        ("Berlin", "Germany"),
        ("Tel Aviv-Yafo", "Israel"),
        ("New York, NY", "United States"),
        ("Gdansk", "Poland"),
        ("uk", "United Kingdom"),
        ("London, UK", "United Kingdom"),
        ("Deutschland", "Germany"),
        ("Remote - EMEA", None),
        ("the moon", None),
    ],
)
def test_a_place_lies_in_its_country(place: str, country: str | None) -> None:
    assert country_of(place) == country


def test_spellings_of_one_place_are_the_same() -> None:
    assert same_place("NYC", "New York, NY")
    assert same_place("UK", "United Kingdom")
    assert same_place("Montreal", "MONTRÉAL")
    assert same_place("Berlin", "Berlin, Germany")
    assert same_place("Tel Aviv-Yafo", "tel aviv")
    assert same_place("EMEA", "europe")
    assert not same_place("Berlin", "Germany")
    assert not same_place("Berlin", "Paris")


def test_a_city_lies_within_its_country_and_region() -> None:
    assert within("Berlin", "Germany")
    assert within("Berlin", "EMEA")
    assert within("Vilnius", "Baltics")
    assert within("Anything", "Anything")
    assert not within("Germany", "Berlin")
    assert not within("Berlin", "France")
    assert not within("Nairobi", "Europe")


def test_a_line_with_several_places_is_split() -> None:
    assert split_places("Toronto / Montréal") == ("Toronto", "Montréal")
    assert split_places("Berlin, Germany") == ("Berlin, Germany",)
    assert split_places("Hamburg, Bremen") == ("Hamburg", "Bremen")
    assert split_places("Kenya, Ghana or Zambia") == ("Kenya", "Ghana", "Zambia")
    assert split_places("New York, NY") == ("New York, NY",)


@pytest.mark.parametrize(
    "area", ["Germany", "Berlin", "EMEA", "Worldwide", "New York", "Atlantis", "USA", "ny"]
)
def test_a_table_of_lines_says_the_same_as_line_by_line(area: str) -> None:
    lines = [
        "Berlin, Germany",
        "NYC",
        "Germany",
        "Tel Aviv, Israel",
        "atlantis",
        "",
        "Paris or Berlin",
        "Remote",
    ]
    assert PlaceTable(lines).within(area).tolist() == [within(line, area) for line in lines]


def test_the_kept_table_of_names_is_the_one_that_is_worked_out(tmp_path: Path) -> None:
    places._write_names(tmp_path)
    written = orjson.loads((tmp_path / places.NAMES).read_bytes())
    worked_out = places._index()
    assert written.keys() == worked_out.keys() == places._names().keys()
    assert all(
        places._Place(*written[name]) == place == places._entry(name) for name, place in worked_out.items()
    )
