"""The fixed sentences: complete in every language, and filled in without surprises."""

from __future__ import annotations

import re

import pytest

from assistant.phrases import LANGUAGES, catalogue, phrase


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_phrase_is_there_in_every_language_with_the_same_blanks(name: str) -> None:
    wordings = catalogue()[name]
    assert set(wordings) == set(LANGUAGES)
    blanks = {language: set(re.findall(r"\{(\w+)\}", text)) for language, text in wordings.items()}
    assert all(found == blanks["en"] for found in blanks.values())


def test_an_unknown_language_gets_english() -> None:
    assert phrase("not_found", "xx") == phrase("not_found", "en")


def test_braces_within_a_title_stay() -> None:
    assert "Engineer {url}" in phrase("how_to_apply", "en", url="https://x.example", title="Engineer {url}")
