from datetime import date, datetime

import pytest

from knowledge.dates import is_past, parse_date


@pytest.mark.parametrize(
    "value",
    ["2024-05-01", "2024-05-01T23:59:00+02:00", "1 May 2024", "May 1st, 2024", "1. Mai 2024", "1 mai 2024",
     date(2024, 5, 1), datetime(2024, 5, 1, 12), 1714521600, 1714521600000],
)  # fmt: skip
def test_printed_dates_are_understood(value: object) -> None:
    assert parse_date(value) == date(2024, 5, 1)


@pytest.mark.parametrize(
    "value", ["", "now", "12", "5 days", "2024-13-45", None, True, 3.5, "Full time", "open until filled"]
)
def test_what_names_no_day_is_no_date(value: object) -> None:
    assert parse_date(value) is None


def test_only_days_before_today_are_past() -> None:
    assert is_past(date(2024, 5, 1), date(2024, 5, 2))
    assert not is_past(date(2024, 5, 2), date(2024, 5, 2))
    assert not is_past(None)
