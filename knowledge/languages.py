"""Which language a page is in: what it declares, else its path, else its words."""

from __future__ import annotations

import re
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

# Languages careers pages are commonly kept in, and so folders such as /fr/ or endings such as .de.md.
LANGUAGES = (
    "ar",
    "cs",
    "da",
    "de",
    "el",
    "en",
    "es",
    "et",
    "fi",
    "fr",
    "he",
    "hr",
    "hu",
    "it",
    "ja",
    "ko",
    "lt",
    "lv",
    "nl",
    "no",
    "pl",
    "pt",
    "ro",
    "ru",
    "sk",
    "sl",
    "sv",
    "tr",
    "uk",
    "zh",
)
# Below this many letters a guess from words is a coin toss.
_ENOUGH_LETTERS = 60


def language_of(text: str, declared: str = "", path: str = "", default: str = "en") -> str:
    """The two-letter language: declared, else from a path segment, else recognised from the words."""
    return _two_letters(declared) or _from_path(path) or _from_words(text) or default


def _two_letters(tag: str) -> str:
    found = re.match(r"([a-zA-Z]{2})(?![a-zA-Z])", tag.strip())
    return found.group(1).lower() if found else ""


def _from_path(path: str) -> str:
    for segment in reversed(re.split(r"[/.]", path.lower())):
        language, _, region = segment.partition("-")
        if language in LANGUAGES and len(region) in (0, 2) and (region or segment == language):
            return language
    return ""


def _from_words(text: str) -> str:
    if sum(char.isalpha() for char in text[:4000]) < _ENOUGH_LETTERS:
        return ""
    return str(_identifier().classify(text[:4000])[0])


@cache
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(LANGUAGES))
    return identifier
