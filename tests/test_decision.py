"""The decision by hand: features of passages whose every cosine is known, and what follows from them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from assistant_fakes import asked
from conftest import WordEmbedder, page_of, reading_of

from assistant.decision import (
    PASSAGE_FEATURES,
    QUESTION_FEATURES,
    Parameters,
    Regression,
    StoreContext,
    _letters,
    _near,
    decide,
    introduces,
    load_parameters,
    passage_features,
    sentence_scores,
    topic_agreement,
)
from assistant.questions import Question
from assistant.topics import Bank, stemmed
from knowledge.documents import Block, BlockKind, JobPosting, Passage, Reading, Status
from knowledge.ingestion import mirror
from knowledge.retrieval import Hit, Query, search
from knowledge.store import Store

LEARNING, SALARY, LONG = (
    "Learning takes 12 days.",
    "Salary is paid monthly.",
    "Parents leave. Parents write python.",
)


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank(WordEmbedder())


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory, bank: Bank) -> StoreContext:
    embedder = WordEmbedder()
    path = tmp_path_factory.mktemp("decision") / "store"
    pages = [
        replace(page_of("new.md", LEARNING, SALARY, LONG, title="Life"), modified=date(2026, 1, 1)),
        replace(page_of("old.md", "Remote is fine.", title="Life"), modified=date(2020, 1, 1)),
    ]
    mirror([reading_of(*pages)], ["all"], path, embedder)
    return StoreContext(Store.open(path, embedder), bank)


def found(context: StoreContext, question: Question) -> list[Hit]:
    return search(context.store, Query(question.vector, question.words))


def features(context: StoreContext, text: str) -> dict[str, dict[str, float]]:
    question = asked(text, WordEmbedder())
    hits = found(context, question)
    table = passage_features(question, hits, context)
    return {
        hit.passage.text: dict(zip(PASSAGE_FEATURES, row, strict=True))
        for hit, row in zip(hits, table, strict=True)
    }


def weighing(**weights: float) -> Parameters:
    """Parameters that rank by some features, and answer by the best cosine alone."""
    ranking = Regression(PASSAGE_FEATURES, tuple(weights.get(n, 0.0) for n in PASSAGE_FEATURES), 0.0)
    answering = Regression(
        QUESTION_FEATURES, tuple(10.0 * (n == "best_sentence") for n in QUESTION_FEATURES), -5.0
    )
    return Parameters(ranking, answering, 0.5)


@pytest.mark.parametrize(
    ("term", "text", "near"),
    [
        ("who you are", "Tell us WHO YOU ARE.", True),
        ("who you are", "Tell us who they are, and you will see.", False),
        ("1", "Grades 1–4", True),
        ("1", "Grades 10 and 21", False),
        ("c", "We write C++ and Go.", True),
        ("c", "C'est tout.", True),
        ("c", "Cooks", False),
        ("401 k", "a 401(k)", True),
        ("why us", "Why us?", True),
        ("let go", "Let’s go!", True),
        ("resumes", "Your résumé", True),
    ],
)
def test_letters_tell_quickly_where_a_term_may_stand(term: str, text: str, near: bool) -> None:
    assert bool(_near(stemmed(term)).search(_letters(text))) is near
    assert near or stemmed(term) not in stemmed(text)


def test_a_term_is_held_where_it_stands_in_an_open_passage_of_any_language(
    tmp_path: Path, bank: Bank
) -> None:
    embedder = WordEmbedder()
    pages = [
        page_of("en.md", "Parental leave is long, and you work from home. No. 7 has a gym."),
        page_of("fr.md", "Le congé parental est payé.", language="fr"),
    ]
    closed = JobPosting(
        "1", "Cook", "j.json", status=Status.CLOSED, blocks=(Block(BlockKind.PARAGRAPH, "A dental plan."),)
    )
    mirror([reading_of(*pages), Reading(jobs=(closed,))], ["pages", "jobs"], tmp_path, embedder)
    context = StoreContext(Store.open(tmp_path, embedder), bank)
    texts = [stemmed(passage.embedding_text) for passage in context.store.passages if passage.open]
    said = ("parental leave", "work from home", "leave parental", "7", "the", "congé parental", "dental plan")
    shown = ("from home", "you", "who you are", "c", "let's go", "don't")
    for term in map(stemmed, shown):
        assert context.holds(term) is any(term in text for text in texts), term
    for term in (*map(stemmed, said), *bank._terms):
        assert context.holds(term) is any(term in text for text in texts), term
    assert [context.holds(stemmed(term)) for term in said] == [True, True, False, True, False, True, False]


def test_a_passage_that_says_it_is_near_holds_the_words_and_is_ahead(context: StoreContext) -> None:
    said = features(context, "learning")[LEARNING]
    assert said["sentence"] == said["covered"] == pytest.approx(1.0)
    assert said["ahead"] == pytest.approx(1.0, abs=1e-3)  # nothing else speaks of it


def test_a_question_for_a_number_tells_passages_with_one_from_those_without(context: StoreContext) -> None:
    said = features(context, "How many days of learning and salary are there?")
    assert (said[LEARNING]["typed"], said[LEARNING]["untyped"]) == (1.0, 0.0)
    assert (said[SALARY]["typed"], said[SALARY]["untyped"]) == (0.0, 1.0)


def test_the_best_ranked_passage_stands_first_and_decides(context: StoreContext) -> None:
    question = asked("salary", WordEmbedder())
    result = decide(question, found(context, question), context, weighing(sentence=1.0))
    assert result.evidence[0].hit.passage.text == SALARY
    assert result.probability == pytest.approx(1 / (1 + np.exp(-5.0)), abs=1e-3)
    assert set(result.features) == set(QUESTION_FEATURES)


def test_an_older_version_of_a_page_stands_back(context: StoreContext) -> None:
    question = asked("remote", WordEmbedder())
    hits = found(context, question)
    result = decide(question, hits, context, weighing())
    old = next(entry for entry in result.evidence if entry.hit.passage.source == "old.md")
    assert old.relevance == pytest.approx(-1.5)
    assert result.evidence[-1] is old


@pytest.mark.parametrize(
    ("question", "language", "is_introduced"),
    [
        ("Who is Ada Example?", "en", True),
        ("What does ada example do?", "en", True),
        ("Wer ist Ada Example?", "de", True),
        ("מי זה Ada Example?", "he", True),
        ("Who is Ada?", "en", False),
        ("What does Ada Example earn?", "en", False),
        ("Who is in routing?", "en", False),
    ],
)
def test_who_somebody_is_and_nothing_else_is_told_by_their_own_words(
    question: str, language: str, is_introduced: bool
) -> None:
    quoted = Passage(
        "team.md", "", "", (), "I plan the night buses.", 0, speaker="Ada Example, Planner, Routing"
    )
    assert introduces(quoted, asked(question, WordEmbedder(), language=language)) is is_introduced


def test_a_question_for_a_sum_is_not_answered_by_what_says_nothing_of_money(context: StoreContext) -> None:
    question = asked("What does learning earn?", WordEmbedder())
    passages = found(context, question)
    best = decide(question, passages, context, weighing(sentence=1.0))
    assert best.evidence[0].hit.passage.text == LEARNING and best.probability == 0.0
    question = asked("What does a salary earn?", WordEmbedder())
    best = decide(question, found(context, question), context, weighing(sentence=1.0))
    assert best.evidence[0].hit.passage.text == SALARY and best.probability > 0.9


def test_nothing_found_is_no_answer(context: StoreContext) -> None:
    assert decide(asked("salary", WordEmbedder()), [], context, weighing()).probability == 0.0


def test_sentences_near_the_typical_question_of_the_topic_are_nearer(
    context: StoreContext, bank: Bank
) -> None:
    question = asked("python", WordEmbedder())
    hit = next(hit for hit in found(context, question) if hit.passage.text == LONG)
    plain = sentence_scores(question, hit, bank)
    assert plain == hit.by_sentence
    topic = bank.topic["parental-leave"]
    widened = sentence_scores(replace(question, topics=((topic, 1.0),)), hit, bank)
    gained = np.array(widened) - np.array(plain)
    assert gained == pytest.approx(0.5 * hit.sentence_vectors @ bank.typical(topic), abs=1e-5)


def test_topics_agree_fully_with_the_question_itself(bank: Bank) -> None:
    question = asked("salary", WordEmbedder())
    other = WordEmbedder().embed(["python"])[0]
    same, apart = topic_agreement(question, np.stack([question.vector, other]), bank)
    assert same == pytest.approx(1.0) and 0.0 <= apart < same


def test_the_shipped_parameters_never_hold_likeness_against_an_answer() -> None:
    parameters = load_parameters()
    weights = dict(zip(parameters.answering.names, parameters.answering.weights, strict=True))
    assert all(weights[name] >= 0 for name in ("best_sentence", "best_passage", "best_agreement", "likeness"))
    assert 0.0 < parameters.threshold < 1.0


def test_parameters_of_other_features_name_the_command_that_fits(tmp_path: Path) -> None:
    file = tmp_path / "decision.json"
    part = {"weights": {"luck": 1.0}, "bias": 0.0}
    file.write_text(json.dumps({"ranking": part, "answering": part, "threshold": 0.5}), encoding="utf-8")
    with pytest.raises(ValueError, match="assistant fit"):
        load_parameters(file)
