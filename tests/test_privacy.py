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
