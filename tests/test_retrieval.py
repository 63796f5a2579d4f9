"""Search by hand: a page of which every cosine is known."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from conftest import WordEmbedder, page_of, reading_of
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.vectorstores import VectorStore

from knowledge.chains import StoreRetriever
from knowledge.documents import Block, BlockKind, JobPosting, Status
from knowledge.ingestion import mirror
from knowledge.retrieval import Hit, Query, highest, joined_ranks, search
from knowledge.sentences import terms
from knowledge.store import Store

LEARNING, BOTH, SALARY, PARENTS = (
    "Learning takes one day.",
    "Learning and salary.",
    "Salary is paid monthly.",
    "Parents leave. Parents write python.",
)
FRENCH = "Learning, dit-on."
CLOSED = JobPosting(
    "7", "", "jobs.json", blocks=(Block(BlockKind.PARAGRAPH, "Remote salary."),), status=Status.CLOSED
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    embedder = WordEmbedder()
    path = tmp_path_factory.mktemp("search") / "store"
    pages = [
        replace(page_of("life.txt", LEARNING, BOTH, SALARY, PARENTS), title="", url="https://life.example"),
        page_of("copy.txt", "learning   TAKES one day."),
        page_of("vie.txt", FRENCH, language="fr"),
    ]
    mirror([reading_of(*pages, CLOSED)], ["all"], path, embedder)
    return Store.open(path, embedder)


def ask(store: Store, text: str, **options: object) -> Query:
    vector = store.embedder.embed([text])[0]
    return replace(Query(vector=vector, words=tuple(terms(text)), language="en"), **options)


def texts(hits: list[Hit]) -> list[str]:
    return [hit.passage.text for hit in hits]


def test_hits_carry_the_scores_that_put_them_forward(store: Store) -> None:
    hit, second = search(store, ask(store, "learning"), limit=2)
    assert texts([hit, second]) == [LEARNING, BOTH]
    assert (hit.dense, hit.by_sentence) == (pytest.approx(1), pytest.approx((1,)))
    assert second.dense == pytest.approx(1 / sqrt(2), abs=1e-5)
    assert hit.keyword == store.keywords.scores(["learn"])[hit.row] > 0
    assert np.allclose(hit.vector, store.embedder.embed([LEARNING])[0], atol=1e-6)


def test_a_passage_is_as_near_as_its_nearest_sentence(store: Store) -> None:
    (hit,) = search(store, ask(store, "python"), limit=1)
    # (leave, parents, python) = (1, 2, 1) over √6; the second sentence is (0, 1, 1) over √2.
    assert hit.dense == pytest.approx(1 / sqrt(6), abs=1e-5)
    assert hit.by_sentence == pytest.approx((0, 1 / sqrt(2)), abs=1e-5)
    assert hit.best == hit.by_sentence[1] and hit.sentences == ["Parents leave.", "Parents write python."]


def test_ranks_are_joined_as_the_formula_says() -> None:
    dense, best, keyword = np.array([0.9, 0.5, 0.0]), np.array([0.1, 0.2, 0.3]), np.array([0.0, 2.0, 1.0])
    expected = [1 / 21 + 1 / 23, 1 / 22 + 1 / 22 + 0.5 / 21, 1 / 21 + 0.5 / 22]
    assert joined_ranks([dense, best, keyword], weights=(1, 1, 0.5)).tolist() == pytest.approx(expected)
    assert joined_ranks([], weights=()).tolist() == []


def test_the_highest_scores_come_in_order_and_of_equal_ones_the_first() -> None:
    scores = np.array([0, 2, 1, 2, 0, 3, 1, 2], dtype=np.float32)
    assert highest(scores, 3).tolist() == [5, 1, 3]
    assert highest(scores, 5).tolist() == [5, 1, 3, 7, 2]
    assert highest(scores, 99).tolist() == [5, 1, 3, 7, 2, 6]
    assert highest(np.zeros(4, dtype=np.float32), 2).tolist() == []


def test_fused_is_the_joined_rank(store: Store) -> None:
    hits = search(store, ask(store, "salary"))
    assert texts(hits)[:2] == [SALARY, BOTH]
    keyword = sorted((hit.keyword for hit in hits), reverse=True)
    ranked = 1 + keyword.index(hits[0].keyword)
    assert hits[0].fused == pytest.approx(1 / 21 + 1 / 21 + 0.5 / (20 + ranked))
    assert [hit.fused for hit in hits] == sorted((hit.fused for hit in hits), reverse=True)


def test_a_word_finds_what_no_vector_knows(store: Store) -> None:
    assert texts(search(store, ask(store, "monthly"), limit=1)) == [SALARY]


def test_widened_words_count_for_less_than_those_of_the_question(store: Store) -> None:
    said = search(store, ask(store, "unknown", words=("monthli",)), limit=1)[0]
    widened = search(store, ask(store, "unknown", words=(), widened=("monthli",)), limit=1)[0]
    assert widened.row == said.row and widened.keyword == pytest.approx(0.4 * said.keyword)


def test_words_that_stand_twice_are_one_hit(store: Store) -> None:
    hits = search(store, ask(store, "learning"))
    assert len({" ".join(text.lower().split()) for text in texts(hits)}) == len(hits)
    assert [hit.copies for hit in hits if hit.passage.text.lower().startswith("learning")] == [2, 1]


def test_a_closed_posting_is_found_only_when_asked_for(store: Store) -> None:
    assert "Remote salary." not in texts(search(store, ask(store, "remote salary")))
    assert texts(search(store, ask(store, "remote salary", closed=True), limit=1)) == ["Remote salary."]


def test_a_language_keeps_the_others_out(store: Store) -> None:
    assert FRENCH not in texts(search(store, ask(store, "learning")))
    assert texts(search(store, ask(store, "learning", language="fr"))) == [FRENCH]
    assert FRENCH in texts(search(store, ask(store, "learning", language="")))
    assert search(store, ask(store, "learning", language="de")) == []


def test_rows_restrict_the_search(store: Store) -> None:
    row = [passage.text for passage in store.passages].index(PARENTS)
    assert [hit.row for hit in search(store, ask(store, "learning", rows=frozenset({row})))] == [row]
    assert search(store, ask(store, "learning", rows=frozenset())) == []


def test_no_more_than_the_limit(store: Store) -> None:
    assert len(search(store, ask(store, "learning"), limit=1)) == 1


def test_an_empty_store_finds_nothing(tmp_path: Path, embedder: WordEmbedder) -> None:
    mirror([reading_of()], [], tmp_path / "store", embedder)
    empty = Store.open(tmp_path / "store", embedder)
    assert search(empty, ask(empty, "learning")) == []


# As a LangChain retriever


def test_the_retriever_gives_documents_with_their_metadata(store: Store) -> None:
    retriever = StoreRetriever(store=store, limit=2)
    assert isinstance(retriever, BaseRetriever)
    first, second = retriever.invoke("How much learning is there?")
    assert isinstance(first, Document) and first.page_content == LEARNING
    assert first.id == store.passages[0].id and second.page_content != LEARNING
    assert first.metadata.pop("score") > second.metadata["score"] > 0
    assert first.metadata == {
        "source": "life.txt",
        "title": "",
        "url": "https://life.example",
        "heading": "",
    }


def test_the_retriever_goes_into_a_chain_and_answers_several_at_once(store: Store) -> None:
    chain = StoreRetriever(store=store, limit=1) | RunnableLambda(lambda found: found[0].page_content)
    assert chain.batch(["learning", "parents leave", "salary paid"]) == [LEARNING, PARENTS, SALARY]
    assert asyncio.run(chain.ainvoke("learning")) == LEARNING


def test_the_vectors_are_a_langchain_vector_store_too(store: Store) -> None:
    (best,) = store.passage_vectors.similarity_search(SALARY, k=1)
    assert isinstance(store.passage_vectors, VectorStore) and best.page_content == SALARY
    (best,) = store.sentence_vectors.similarity_search("Parents leave.", k=1)
    assert best.page_content == "Parents leave."
    assert store.sentence_vectors.get_by_ids([best.id])[0].page_content == "Parents leave."


def test_texts_are_in_the_records_alone_and_words_are_not_looked_for_in_chroma(store: Store) -> None:
    assert store.passage_collection.get(include=["documents"])["documents"] == [None] * len(store.passages)
    with pytest.raises(ValueError, match=r"vectors without the texts: search for words with Store\.keywords"):
        store.passage_vectors.similarity_search(SALARY, where_document={"$contains": "salary"})
