"""Dates as careers pages print them: "2024-05-01", "1 May 2024", "31. Mai 2024", "May 1st", milliseconds."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, date, datetime
from functools import cache, lru_cache

import dateparser
from babel import Locale

from knowledge.wording import fold

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?=$|[T\s])")
_MILLISECONDS = 100_000_000_000
_NUMERIC = re.compile(r"\b\d{1,4}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{2,4}\b")
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "cs")


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


@lru_cache(maxsize=4096)
def _from_words(text: str) -> date | None:
    # dateparser takes a hundredth of a second to refuse a text, and understands "5 days" or a bare number.
    if not 5 <= len(text) <= 40 or not (_NUMERIC.search(text) or _names_month(text)):
        return None
    wanted = {"STRICT_PARSING": True, "PARSERS": ["absolute-time"]}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = dateparser.parse(text, languages=list(_LANGUAGES), settings=wanted)
    except (ValueError, OverflowError, TypeError, RecursionError):
        return None
    return parsed.date() if parsed else None


def _names_month(text: str) -> bool:
    return bool(re.search(r"\d", text)) and not _months().isdisjoint(fold(text).split())


@cache
def _months() -> frozenset[str]:
    """The names of months, whole and short, in the languages dates are read in."""
    return frozenset(
        word
        for language in _LANGUAGES
        for names in Locale(language).months.values()
        for width in ("wide", "abbreviated")
        for name in names[width].values()
        for word in fold(name).split()
        if len(word) > 2
    ) | {"sept"}
