"""Small questions about words that every reader asks: folding, slugs, whole sentences, titles from slugs."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Letters that do not decompose into a base letter and an accent.
_UNDECOMPOSED = str.maketrans(
    {
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "æ": "ae",
        "Æ": "Ae",
        "œ": "oe",
        "Œ": "Oe",
        "ß": "ss",
        "ı": "i",
        "þ": "th",
        "ð": "d",
        "’": "'",
        "‘": "'",
        "´": "'",
        "`": "'",
    }
)
_PUNCTUATION = re.compile(r"[^\w&+#]+|_")
_SHORT = 80
_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad]")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+(?=[\"'“„«(\[]?[A-ZÀ-ÝА-Я\d])")


def squash(text: str) -> str:
    """The text on one line: runs of white space become one space, invisible characters go."""
    return " ".join(_INVISIBLE.sub("", text).split())


def fold(text: str) -> str:
    """The text for comparing: no accents, no case, punctuation and hyphens as single spaces."""
    # An index of postings has the same few words over and over; whole paragraphs are not worth keeping.
    return _folded(text) if len(text) <= _SHORT else _fold(text)


@lru_cache(maxsize=65536)
def _folded(text: str) -> str:
    return _fold(text)


def _fold(text: str) -> str:
    plain = text.translate(_UNDECOMPOSED)
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", plain)
        plain = "".join(char for char in plain if not unicodedata.combining(char))
    plain = plain.casefold().replace("'", "")
    return " ".join(_PUNCTUATION.sub(" ", plain).split())


def slug(text: str) -> str:
    """The text as an identifier: lower-case words joined by hyphens."""
    return "-".join(re.findall(r"\w+", fold(text)))[:120].strip("-") or "untitled"


def is_slug(text: str) -> bool:
    """Whether a title was written for a machine, such as "join-our-team" or "faq_page"."""
    return bool(re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)+", text.strip()))


def title_from_slug(text: str) -> str:
    """“join-our-team” as "Join our team"."""
    words = re.sub(r"[-_]+", " ", text).strip()
    return words[:1].upper() + words[1:]


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph, roughly: enough to tell one from several and to take the last."""
    return [part for part in _SENTENCE_END.split(text) if part.strip()]


def word_set(text: str) -> frozenset[str]:
    """Return the words of a list written as running text."""
    return frozenset(text.split())


def unique(name: str, taken: set[str]) -> str:
    """The name, with a number behind it when it is taken already; the result is then taken too."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    taken.add(candidate)
    return candidate
