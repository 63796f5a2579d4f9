"""Dates as careers pages print them: "2024-05-01", "1 May 2024", "31. Mai 2024", "May 1st", milliseconds."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, date, datetime

import dateparser

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?=$|[T\s])")
_MILLISECONDS = 100_000_000_000
# A bare number, "5 days" or "now" is understood by dateparser, but is no printed date.
_PRINTED = re.compile(r"\d.*(\d{2}|[^\W\d]{3,})|[^\W\d]{3,}.*\d", re.DOTALL)


def parse_date(value: object) -> date | None:
    """The day a value names, or None where it names none; never raises."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_timestamp(float(value))
    if not isinstance(value, str):
        return None
    text = value.strip()
    return _from_iso(text) or _from_words(text)


def is_past(day: date | None, today: date | None = None) -> bool:
    """Whether the day lies before today; a missing day does not."""
    return day is not None and day < (today or date.today())


def _from_timestamp(number: float) -> date | None:
    seconds = number / 1000 if number >= _MILLISECONDS else number
    if not 0 < seconds < 10_000_000_000 or number < 1_000_000_000 / 2:
        return None
    return datetime.fromtimestamp(seconds, UTC).date()


def _from_iso(text: str) -> date | None:
    found = _ISO.match(text)
    if not found:
        return None
    try:
        return date(*(int(part) for part in found.groups()))
    except ValueError:
        return None


def _from_words(text: str) -> date | None:
    if not 5 <= len(text) <= 40 or not _PRINTED.search(text) or not re.search(r"\d", text):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = dateparser.parse(
                text,
                settings={
                    "STRICT_PARSING": True,
                    "PARSERS": ["absolute-time"],
                    "RETURN_AS_TIMEZONE_AWARE": False,
                },
            )
    except (ValueError, OverflowError, TypeError, RecursionError):
        return None
    return parsed.date() if parsed else None
