"""The quoting writer: the fewest sentences, exactly as they stand, with the number in bold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from assistant_fakes import asked
from conftest import WordEmbedder

from assistant.decision import Evidence
from assistant.extractive import excerpt, mark, nearest, write
from knowledge.documents import BlockKind, Passage
from knowledge.retrieval import Hit


def evidence(text: str, relevance: float = 1.0, **around: object) -> Evidence:
    """A passage found, its sentences all alike to the encoder."""
    values = {"source": "about.md", "title": "About", "url": "", "headings": (), "position": 0, **around}
    passage = Passage(text=text, **values)  # type: ignore[arg-type]
    vector = np.zeros(8, dtype=np.float32)
    hit = Hit(row=0, passage=passage, dense=0.5, by_sentence=(), keyword=1.0, fused=1.0, vector=vector)
    return Evidence(hit, (), relevance)


def test_quotes_stand_word_for_word_in_the_passage(embedder: WordEmbedder) -> None:
    filler = "The mill has a yard with two gates and a dog that barks at carts in the morning. "
    entry = evidence(f"{filler * 6}Leave is 27 days a year. {filler * 6}".strip())
    question = asked("How many days of leave?", embedder)
    text, citations = write(question, [entry])
    assert all(citation.quote in entry.hit.passage.text for citation in citations)
    assert "**27 days**" in text
    assert len(excerpt(question, entry).split()) <= 75


def test_an_answer_stays_under_160_words(embedder: WordEmbedder) -> None:
    long = [evidence(f"Gate {n} opens. " * 20 + f"Number {n}.", 1.0 - n / 100) for n in range(6)]
    text, _ = write(asked("Which gates are there?", embedder), long)
    assert len(text.split()) <= 160


def test_a_speaker_is_named_with_what_he_says(embedder: WordEmbedder) -> None:
    entry = evidence("I grind oats.", kind=BlockKind.QUOTATION, speaker="Ada Oat, Miller")
    text, citations = write(asked("Who grinds oats?", embedder), [entry])
    assert text.startswith("Ada Oat, Miller [1]:") and [c.quote for c in citations] == [
        "Ada Oat",
        "I grind oats.",
    ]


def test_a_list_stays_a_list_with_its_lead(embedder: WordEmbedder) -> None:
    entry = evidence("a bicycle\na lamp", kind=BlockKind.LIST, lead="Everybody gets:")
    text, _ = write(asked("What do I get?", embedder), [entry])
    assert "Everybody gets:\n- a bicycle\n- a lamp [1]" in text


@pytest.mark.parametrize(
    ("asked_for", "words", "marked"),
    [
        ("How many people?", "We are 41 people.", "We are **41** people."),
        ("What salary?", "You get €1,850 a year.", "You get **€1,850** a year."),
        ("Is there a lamp?", "There are 2 lamps.", "There are 2 lamps."),
    ],
)
def test_only_what_was_asked_for_is_in_bold(
    embedder: WordEmbedder, asked_for: str, words: str, marked: str
) -> None:
    assert mark(words, asked(asked_for, embedder)) == marked


def test_a_number_is_in_bold_only_in_the_item_that_answers(embedder: WordEmbedder) -> None:
    question = asked("How many weeks of leave?", embedder)
    words = "- 28 days of holiday\n- Leave: 20 weeks"
    assert mark(words, question, "Leave: 20 weeks") == "- 28 days of holiday\n- Leave: **20 weeks**"
    assert mark("5 days, then 30 hours.", asked("How long?", embedder)) == "5 days, then 30 hours."
    counted = "We run 19 large kitchens in town, 600 ovens a day and 3 shops."
    assert "**600** ovens" in mark(counted, asked("How many ovens are there?", embedder), counted)
    entry = evidence("28 days of holiday\nLeave: 20 weeks", kind=BlockKind.LIST)
    assert nearest(question, entry) == "Leave: 20 weeks"


def test_pages_of_different_dates_show_them(embedder: WordEmbedder) -> None:
    old = evidence("Leave is 25 days.", modified=date(2024, 1, 5))
    new = evidence("Holidays come to twenty-seven working days.", modified=date(2026, 1, 5))
    new = replace(new, hit=replace(new.hit, row=1))
    text, _ = write(asked("How many days of leave?", embedder), [new, old])
    assert "(2026-01-05)" in text and "(2024-01-05)" in text
