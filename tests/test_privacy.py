from __future__ import annotations

import pytest

from ui.privacy import masked


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("write to ana.b+c@mail.example.org please", "write to [mail address] please"),
        ("call +44 20 7946 0958 or (415) 555-2671", "call [phone number] or [phone number]"),
        ("mein Telefon: 030 12345678", "mein Telefon: [phone number]"),
        ("my SSN is 536-90-4399", "my SSN is [identity number]"),
        ("IBAN DE89 3704 0044 0532 0130 00", "IBAN [identity number]"),
        ("card 4111 1111 1111 1111", "card [identity number]"),
    ],
)
def test_personal_data_is_replaced_by_what_it_is(said: str, kept: str) -> None:
    assert masked(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "Is it 120,000 to 150,000 a year?",
        "Was it posted on 2026-05-01, class EC-07?",
        "from 2010 to 2025, 15 years",
        "Which of the 3,000 services?",
        "",
    ],
)
def test_other_numbers_stay(said: str) -> None:
    assert masked(said) == said


@pytest.mark.parametrize(
    "said", ["a" * 20_000, "1 2 3 4 5 6 " * 300, "a@" * 5_000, "+" * 5_000, "A1" * 5_000]
)
def test_long_texts_are_read_through(said: str) -> None:
    assert masked(said)


CV = """Would I fit in your routing team? Dana Example, dana@mail.example

Work experience
2019 - 2024 Dispatcher, Blue Buses. Planned the night lines, trained four colleagues, kept the tables of
stops up to date and answered what drivers asked on the radio at all hours of the night.
2016 - 2019 Driver, Hill Trams. Drove lines 3 and 9, learned the signals, wrote the notes for new drivers.

Education: school in Riga. Languages: Latvian, English, Hebrew. Skills: planning, radio, first aid."""


def test_of_a_pasted_cv_only_the_question_is_kept() -> None:
    assert masked(CV) == f"Would I fit in your routing team? [pasted CV, {len(CV.split())} words]"


def test_a_long_question_is_no_cv() -> None:
    question = (
        "I have ten years of experience and good language skills, and I would like to know how the work is "
        "shared between the people of a team, who decides what is done next, how often plans change, whether "
        "somebody new can say what should be done otherwise, how long it takes until one is trusted with the "
        "night lines, and what happens when something goes wrong on one of them, because where I work now all "
        "of that has changed a lot since 2021 and nobody knows who has to say what to whom any more."
    )
    assert masked(question) == question
