"""The fixed sentences of a reply, from one catalogue in all languages."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import lru_cache
from pathlib import Path

from babel.dates import format_date

CATALOGUE = Path(__file__).with_name("phrases.toml")
LANGUAGES = ("en", "fr", "de", "es", "he", "uk")


@lru_cache(maxsize=1)
def catalogue() -> dict[str, dict[str, str]]:
    """All sentences: name to language to text."""
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


def phrase(name: str, language: str, **values: object) -> str:
    """The sentence `name` in `language` (English where it has none), its braces filled in.

    Values are put in as they are: braces within a quoted title stay.
    """
    wordings = catalogue()[name]
    text = wordings.get(language, wordings["en"])
    for key, value in values.items():
        text = text.replace("{" + key + "}", str(value))
    return text


def long_date(day: date, language: str) -> str:
    """A day with its month in words, as the language writes it."""
    return format_date(day, "long", locale=language if language in LANGUAGES else "en")
