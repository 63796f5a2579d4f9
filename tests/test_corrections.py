"""What the recruiting team sets right: which questions an approved answer takes, what is hidden, what is meant."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from assistant_fakes import asked
from conftest import WordEmbedder, page_of, reading_of

from assistant.conversation import Outcome
from assistant.corrections import (
    TEAM,
    ApprovedAnswer,
    ApprovedAnswers,
    Corrections,
    as_reply,
    figures_differ,
)
from assistant.reply import Assistant
from assistant.topics import Bank
from knowledge.embedding import load_embedder
from knowledge.ingestion import mirror
from knowledge.pages import read_source
from knowledge.settings import load_settings

TODAY = date(2026, 6, 1)
LEAVE = ApprovedAnswer("a", ("How much leave do parents get?", "leave for parents"), "Twenty weeks.", TODAY)
SAMPLE = Path(__file__).parents[1] / "knowledge" / "sources"


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank(WordEmbedder())


def answer(bank: Bank, question: str, *answers: ApprovedAnswer, on: date = TODAY) -> str:
    embedder = WordEmbedder()
    found = ApprovedAnswers(answers, embedder, bank).answer(asked(question, embedder), on)
    return found.id if found else ""


def test_the_same_words_get_the_answer_whatever_their_case_and_marks(bank: Bank) -> None:
    assert answer(bank, "how much LEAVE do parents get", LEAVE) == "a"


def test_a_question_as_near_as_its_threshold_gets_the_answer_and_another_does_not(bank: Bank) -> None:
    assert answer(bank, "parents, leave?", LEAVE) == "a"  # cosine 1
    assert answer(bank, "python in riga", LEAVE) == ""  # cosine 0
    assert answer(bank, "salary on leave", LEAVE) == ""  # cosine 0.5


def test_a_question_that_names_something_else_as_well_needs_to_be_nearer(bank: Bank) -> None:
    # Two of three words in common: cosine 0.816, and "remote" is a term of the topics.
    assert answer(bank, "leave for remote parents", LEAVE) == ""
    also = replace(LEAVE, questions=("leave for remote parents",))
    assert answer(bank, "remote parents", also) == "a"


def test_other_figures_are_another_question(bank: Bank) -> None:
    twelve = replace(LEAVE, questions=("leave of 12 weeks for parents",))
    assert answer(bank, "leave of 12 weeks, parents?", twelve) == "a"
    assert answer(bank, "leave of 30 weeks, parents?", twelve) == ""


def test_an_answer_counts_between_its_days_and_on_them(bank: Bank) -> None:
    dated = replace(LEAVE, valid_from=date(2026, 6, 1), valid_until=date(2026, 6, 30))
    days = (date(2026, 5, 31), date(2026, 6, 1), date(2026, 6, 30), date(2026, 7, 1))
    assert [answer(bank, "leave for parents", dated, on=day) for day in days] == ["", "a", "a", ""]


def test_of_two_answers_the_one_in_the_very_words_is_taken_and_one_that_is_over_is_not(bank: Bank) -> None:
    other = replace(LEAVE, id="b", questions=("Parents leave?",))
    assert answer(bank, "parents leave", LEAVE, other) == "b"
    over = replace(other, valid_until=date(2026, 5, 1))
    assert answer(bank, "parents leave", LEAVE, over) == "a"


def test_the_reply_says_who_answers_and_since_when_and_where_to_read_on() -> None:
    reply = as_reply(replace(LEAVE, url="https://careers.example/leave"), "en")
    assert reply.writer == TEAM and reply.outcome is Outcome.ANSWERED
    assert reply.text == (
        "Answered by the recruiting team on June 1, 2026:\n\nTwenty weeks.\n\n"
        "More about it: https://careers.example/leave"
    )


def test_the_pages_word_stands_behind_the_candidates_once() -> None:
    corrections = Corrections(1, synonyms={"PTO": "paid leave", "c++": "systems"})
    assert (
        corrections.in_pages_words("How much pto is there, PTO?")
        == "How much pto (paid leave) is there, PTO?"
    )
    assert corrections.in_pages_words("Is PTO paid leave?") == "Is PTO paid leave?"
    assert corrections.in_pages_words("the option to work") == "the option to work"
    assert corrections.in_pages_words("C++ jobs") == "C++ (systems) jobs"


def test_figures_that_share_none_differ() -> None:
    assert figures_differ("20 weeks", "You get 16 weeks.")
    assert not figures_differ("20 weeks", "In 2025: 20 weeks.")
    assert not figures_differ("Some weeks", "You get 16 weeks.")


def test_hidden_passages_are_those_of_a_source_or_of_an_id(tmp_path: Path) -> None:
    from knowledge.store import Store

    pages = [
        page_of("one.md", "Learning is paid.", "Salary is monthly."),
        page_of("two.md", "Leave is long."),
    ]
    embedder = WordEmbedder()
    mirror([reading_of(*pages)], ["all"], tmp_path / "store", embedder)
    store = Store.open(tmp_path / "store", embedder)
    text = {row: passage.text for row, passage in enumerate(store.passages)}

    def hidden(corrections: Corrections) -> set[str]:
        return {text[row] for row in corrections.hidden_rows(store)}

    salary = next(passage.id for passage in store.passages if "Salary" in passage.text)
    assert hidden(Corrections()) == set()
    assert hidden(Corrections(1, hidden_passages=frozenset({salary}))) == {"Salary is monthly."}
    assert hidden(Corrections(1, hidden_sources=frozenset({"two.md"}))) == {"Leave is long."}


# --- in a turn ----------------------------------------------------------------------------------------


class Team:
    """The corrections in force, changed by the test."""

    def __init__(self) -> None:
        self.now = Corrections()

    def __call__(self) -> Corrections:
        return self.now


@pytest.fixture(scope="module")
def team() -> Team:
    return Team()


@pytest.fixture(scope="module")
def assistant(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest, team: Team
) -> Assistant:
    store = tmp_path_factory.mktemp("corrected") / "store"
    embedder = load_embedder("")
    sources = [SAMPLE / "team.md", SAMPLE / "jobs.json"]
    mirror([read_source(source) for source in sources], [str(source) for source in sources], store, embedder)
    bank = Bank(embedder, cache=request.config.cache.mkdir("topics"))
    return Assistant(load_settings(env_file=None, store=store), embedder, bank=bank, corrections=team)


ASK = "How much time is there for learning?"
ANSWER = ApprovedAnswer("x", (ASK, "learning time"), "Two days a week from July.", TODAY)


def test_an_approved_answer_stands_above_what_the_pages_say_until_it_is_taken_back(
    assistant: Assistant, team: Team
) -> None:
    before = assistant.reply([ASK])
    team.now = Corrections(1, (ANSWER,))
    corrected = assistant.reply(["how much learning time is there"])
    assert corrected.writer == TEAM and "Two days a week" in corrected.text
    assert corrected.trace["decided"] == "approved"
    assert np.any(["20%" in citation.quote for citation in before.citations])
    team.now = Corrections(2)
    assert assistant.reply([ASK]).text == before.text


def test_a_hidden_source_is_neither_quoted_nor_listed(assistant: Assistant, team: Team) -> None:
    team.now = Corrections(3, hidden_sources=frozenset({"team.md"}))
    assert all(c.source != "team.md" for c in assistant.reply([ASK]).citations)
    team.now = Corrections(4, hidden_sources=frozenset({"jobs.json"}))
    assert assistant.reply(["Which jobs are open?"]).jobs == ()
    team.now = Corrections(5)
    assert assistant.reply(["Which jobs are open?"]).jobs != ()


def test_a_hidden_passage_is_not_quoted(assistant: Assistant, team: Team) -> None:
    team.now = Corrections(6)
    quoted = assistant.reply([ASK]).trace["passages"][0]
    team.now = Corrections(7, hidden_passages=frozenset({quoted["id"]}))
    left = assistant.reply([ASK])
    assert quoted["id"] not in {passage["id"] for passage in left.trace["passages"]}


def test_a_synonym_brings_the_pages_word_to_the_search(assistant: Assistant, team: Team) -> None:
    ask = "Do you have tutorkits?"
    team.now = Corrections(8)
    assert assistant.reply([ask]).outcome is Outcome.NOT_FOUND
    team.now = Corrections(9, synonyms={"tutorkits": "short courses that we call skill sprints"})
    reply = assistant.reply([ask])
    assert reply.outcome is Outcome.ANSWERED and "skill sprints" in reply.text


def test_another_threshold_decides_otherwise_and_leaves_the_assistant_as_it_was(
    assistant: Assistant, team: Team
) -> None:
    team.now = Corrections(10)
    assert assistant.reply([ASK]).outcome is Outcome.ANSWERED
    assert assistant.configured(threshold=1.0).reply([ASK]).outcome is Outcome.NOT_FOUND
    assert assistant.reply([ASK]).outcome is Outcome.ANSWERED


def test_the_trace_tells_what_settled_a_turn_and_how_long_each_step_took(
    assistant: Assistant, team: Team
) -> None:
    team.now = Corrections(11)
    asks = {ASK: "searched", "Which jobs are open?": "roles", "hello": "refused"}
    for ask, decided in asks.items():
        trace = assistant.reply([ask]).trace
        assert trace["decided"] == decided and trace["steps"]["understand"] >= 0
    assert set(assistant.reply([ASK]).trace["steps"]) >= {"understand", "roles", "search", "write"}


# --- replies that are kept ------------------------------------------------------------------------------


def test_a_kept_reply_does_not_outlive_the_day_an_approved_answer_begins_or_ends(
    assistant: Assistant, team: Team
) -> None:
    team.now = Corrections(12, (replace(ANSWER, valid_from=date(2026, 6, 2), valid_until=date(2026, 6, 3)),))
    dated = assistant.configured()
    writers = []
    for day in (1, 2, 3, 4):
        dated.today = lambda day=day: date(2026, 6, day)
        writers.append(dated.reply([ASK]).writer)
        assert dated.reply([ASK]) is dated.reply([ASK]), "the same day's reply is kept"
    assert writers == ["extractive", TEAM, TEAM, "extractive"]


def test_what_is_suggested_is_known_to_be_answered_on_that_day(assistant: Assistant, team: Team) -> None:
    knowledge = assistant.knowledge()
    assert knowledge is not None
    unanswered = next(
        topic.question["en"]
        for topic in assistant.bank.topics
        if not assistant._would_answer(topic.question["en"], "en", knowledge)
    )
    answer = replace(ANSWER, questions=(unanswered,), valid_until=date(2026, 6, 3))
    team.now = Corrections(13, (answer,))
    dated = assistant.configured()
    known = []
    for day in (3, 4):
        dated.today = lambda day=day: date(2026, 6, day)
        laid = dated.knowledge()
        assert laid is not None
        known.append(dated._is_answerable(unanswered, "en", laid))
    assert known == [True, False]


def test_a_kept_reply_is_of_the_threshold_that_it_was_asked_by(assistant: Assistant, team: Team) -> None:
    team.now = Corrections(14)
    strict, lenient = assistant.configured(threshold=1.0), assistant.configured(threshold=0.0)
    for _ in range(2):
        assert strict.reply([ASK]).outcome is Outcome.NOT_FOUND
        assert lenient.reply([ASK]).outcome is Outcome.ANSWERED


def test_a_kept_reply_is_in_the_language_of_its_own_turns(assistant: Assistant, team: Team) -> None:
    team.now = Corrections(15)
    french = assistant.reply(["Combien de temps pour apprendre ?", "remote?"])
    english = assistant.reply([ASK, "remote?"])
    assert (french.language, english.language) == ("fr", "en")
    assert assistant.reply(["Combien de temps pour apprendre ?", "remote?"]).language == "fr"
