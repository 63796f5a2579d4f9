"""Understanding what is typed: language, spelling, several questions, leaning on the turns before."""

from __future__ import annotations

import pytest

from assistant.questions import (
    AnswerType,
    Speller,
    answer_type,
    holds_type,
    language_of,
    leans,
    speaks_of_money,
    split_questions,
)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How many days of vacation are there?", "en"),
        ("Combien de jours de vacances avez-vous ?", "fr"),
        ("Welche Stellen sind gerade frei?", "de"),
        ("¿Cuántos días de vacaciones hay?", "es"),
        ("כמה ימי חופשה יש?", "he"),
        ("Скільки днів відпустки?", "uk"),
    ],
)
def test_the_language_is_told_by_script_and_function_words(text: str, language: str) -> None:
    assert language_of(text) == language


def test_a_message_without_telling_words_keeps_the_language_of_the_turn_before() -> None:
    assert language_of("Gdynia?", fallback="de") == "de"


def test_typing_errors_are_mended_and_right_words_stay() -> None:
    speller = Speller(["vacation", "engineer", "payroll"])
    assert speller.mend("vacaton for an enginer") == "vacation for an engineer"
    assert speller.mend("vesting in May") == "vesting in May"


def test_each_question_of_a_message_stands_alone_and_a_short_one_stays_with_its_own() -> None:
    assert split_questions("Is there a canteen? How long is the notice period?") == [
        "Is there a canteen?",
        "How long is the notice period?",
    ]
    assert split_questions("I live in Gdynia. May I work from home?") == [
        "I live in Gdynia. May I work from home?"
    ]
    assert split_questions("Is there a canteen? Why?") == ["Is there a canteen? Why?"]


@pytest.mark.parametrize(
    "text", ["and the second one?", "where is it?", "what about interns?", "even for the new ones?"]
)
def test_short_questions_and_pronouns_lean_on_the_turn_before(text: str) -> None:
    assert leans(text) >= 0.4


def test_a_whole_question_stands_alone() -> None:
    assert leans("How many weeks of parental leave does a father get?") < 0.4


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("How many people work here?", AnswerType.NUMBER),
        ("How many days of leave are there?", AnswerType.DURATION),
        ("What salary do you pay?", AnswerType.MONEY),
        ("What does the planner role pay?", AnswerType.MONEY),
        ("What is the pay for a planner?", AnswerType.MONEY),
        ("What do you pay attention to?", AnswerType.TEXT),
        ("Who would I report to?", AnswerType.PERSON),
        ("Wann ist Bewerbungsschluss?", AnswerType.DATE),
        ("Is there a canteen?", AnswerType.YES_NO),
        ("Tell me about the team", AnswerType.TEXT),
    ],
)
def test_the_kind_of_answer_follows_the_question_word(text: str, kind: AnswerType) -> None:
    assert answer_type(text) is kind


def test_a_sum_is_money_and_a_plain_sentence_is_not() -> None:
    assert holds_type(AnswerType.MONEY, "You get €1,850 a year.")
    assert not holds_type(AnswerType.MONEY, "You get books.")


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        ("The job pays well.", True),
        ("€ 40 a day", True),
        ("Das Gehalt steht in der Anzeige.", True),
        ("Le salaire est négociable.", True),
        ("השכר נקבע לפי ניסיון", True),
        ("Зарплата за домовленістю", True),
        ("We bake 600 times a day and learn from it.", False),
        ("Over 3,000 recipes are open to read.", False),
    ],
)
def test_pay_and_cost_are_money_and_other_figures_are_not(text: str, speaks: bool) -> None:
    assert speaks_of_money(text) is speaks


@pytest.mark.parametrize("text", ["", " ", "\u0000", "🦊🦊", "\u202eabc", "a" * 100_000, "?" * 2000])
def test_odd_input_is_taken_without_complaint(text: str) -> None:
    assert isinstance(split_questions(text), list)
    assert language_of(text) and 0 <= leans(text) <= 1 and answer_type(text)
