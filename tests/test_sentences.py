"""Cutting text into sentences, words and stems."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.sentences import plain, sentences, spans, stem, terms, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\t ", []),
        ("One thing. Another thing.", ["One thing.", "Another thing."]),
        ("Really? Yes! Good…", ["Really?", "Yes!", "Good…"]),
        ("Really? Yes! Good… We think so.", ["Really?", "Yes!", "Good…", "We think so."]),
        ("A line without an end\nand the next", ["A line without an end", "and the next"]),
        ("It grew 3.5 percent. 20 people joined.", ["It grew 3.5 percent.", "20 people joined."]),
        ('She said: "Come in." Then we left.', ['She said: "Come in."', "Then we left."]),
        ("(We mean it.) You may ask.", ["(We mean it.)", "You may ask."]),
        ("“Never.” “Why?”", ["“Never.”", "“Why?”"]),
        ("**Bold.** Next.", ["**Bold.**", "Next."]),
        ("אנחנו גדלים. בואו אלינו.", ["אנחנו גדלים.", "בואו אלינו."]),
        ("Élan counts. Être là aussi.", ["Élan counts.", "Être là aussi."]),
        ("we use node.js and asp.net daily", ["we use node.js and asp.net daily"]),
    ],
)
def test_text_is_cut_where_a_sentence_ends(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Tools (e.g. Python, Go) are yours to choose.",
        "Write to Dr. Example about it.",
        "That is approx. 20 days a year.",
        "We answer calls from 9 a.m. Eastern on.",
        "Position No. 7 is in the second office.",
        "U.S. Citizens need no visa.",
        "Das sind z.B. Berlin und Riga.",
        "The book by J. R. Author lies here.",
    ],
)
def test_an_abbreviation_ends_no_sentence(text: str) -> None:
    assert sentences(text) == [text]


def test_no_is_an_answer_unless_a_number_follows() -> None:
    assert sentences("Must I relocate? No. We work from home.") == [
        "Must I relocate?",
        "No.",
        "We work from home.",
    ]


@given(st.text(alphabet="aB1é.!?…\"'”)]* \n(א", max_size=60))
def test_sentences_are_stretches_of_the_text_and_leave_out_nothing_but_space(text: str) -> None:
    found = list(spans(text))
    assert found == sorted(found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    assert "".join("".join(text[a:b].split()) for a, b in found) == "".join(text.split())
    assert all("\n" not in sentence for sentence in sentences(text))


def test_plain_takes_case_and_accents_away() -> None:
    assert plain("Montréal ÇA L’Été") == "montreal ca l'ete"


def test_words_keep_numbers_whole_and_drop_the_possessive() -> None:
    text = "The team's 1,500 people don't use C3PO; 3.5 of them do."
    assert words(text) == ["the", "team", "1,500", "people", "dont", "use", "c3po", "3.5", "of", "them", "do"]


def test_words_of_any_script_are_found() -> None:
    assert words("עבודה מהבית, Größe") == ["עבודה", "מהבית", "große".replace("ß", "ß")]


def test_french_elisions_are_words_of_their_own() -> None:
    assert words("L’équipe qu'on aime, aujourd'hui") == ["l", "equipe", "qu", "on", "aime", "aujourdhui"]
    assert terms("l'équipe", "fr") == terms("une équipe", "fr")


@pytest.mark.parametrize(
    ("word", "language", "expected"),
    [
        ("learning", "en", "learn"),
        ("Häuser", "de", "Haus"),
        ("equipes", "fr", "equip"),
        ("עבודה", "he", "עבודה"),
    ],
)
def test_a_stem_is_of_the_words_language(word: str, language: str, expected: str) -> None:
    assert stem(plain(word), language) == plain(expected)


def test_terms_are_what_a_question_is_about() -> None:
    assert terms("How much time is there for learning in year 2?") == ["time", "learn", "year", "2"]
    assert terms("Combien de jours avez-vous pour apprendre ?", "fr") == ["jour", "apprendr"]
    assert terms("is it?") == []


def test_a_language_without_stop_words_keeps_them() -> None:
    assert terms("is het zo", "nl") == ["is", "het", "zo"]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("It takes approx. Ten days.", ["It takes approx. Ten days."]),
        ("Approx. Ten days.", ["Approx. Ten days."]),
        ("We like mapprox. Ten days.", ["We like mapprox.", "Ten days."]),
        ("(“It works.” She left.) He stayed!\nSo did we…  Yes.", ["(“It works.”", "She left.)", "He stayed!", "So did we…", "Yes."]),
    ],
)  # fmt: skip
def test_only_a_whole_abbreviation_ends_no_sentence(text: str, cut: list[str]) -> None:
    assert sentences(text) == cut
