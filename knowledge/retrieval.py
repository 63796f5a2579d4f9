"""Search: dense and keyword ranks of passages and sentences, joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from knowledge.documents import Passage
from knowledge.sentences import sentences, terms
from knowledge.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

POOL = 40
"""Passages that each way of searching puts forward."""

RANK_OFFSET = 20
"""The k of reciprocal rank fusion (Cormack, Clarke & Büttcher, SIGIR 2009). 60 in the paper, for
pools of 1,000; a page has a few hundred passages, and a smaller k trusts the first ranks more."""


@dataclass(frozen=True)
class Hit:
    """A passage that may hold the answer, with the scores that put it forward.

    `dense` is the cosine of the passage, `by_sentence` the cosines of its sentences, `keyword`
    its BM25 score, `fused` the joined rank score; `copies` says in how many places its words stand.
    """

    row: int
    passage: Passage
    dense: float
    by_sentence: tuple[float, ...]
    keyword: float
    fused: float
    vector: NDArray[np.float32] = field(compare=False, repr=False)
    copies: int = 1

    @property
    def best(self) -> float:
        """The cosine of the nearest sentence, or of the passage where that is nearer."""
        return max(self.dense, *self.by_sentence) if self.by_sentence else self.dense

    @property
    def sentences(self) -> list[str]:
        """The passage's sentences, as `by_sentence` counts them."""
        return sentences(self.passage.text)


@dataclass(frozen=True)
class Query:
    """What is looked for.

    `vector` is the question's, `words` its stems, `widened` further stems that pages use for it.
    `rows` restricts the search to these passages; `language` prefers sources in that language.
    """

    vector: NDArray[np.float32]
    words: tuple[str, ...]
    widened: tuple[str, ...] = ()
    rows: frozenset[int] | None = None
    language: str = ""
    closed: bool = False


def search(store: Store, query: Query, limit: int = 20) -> list[Hit]:
    """The `limit` best passages for `query`, best first."""
    where = _tags(query)
    if query.rows is not None:
        by_passage = [(row, 0.0) for row in sorted(query.rows)]
        by_sentence: list[tuple[int, int, float]] = []
    else:
        by_passage = store.nearest_passages(query.vector, POOL, where)
        by_sentence = store.nearest_sentences(query.vector, 2 * POOL, where)
    keyword = store.keywords.scores(query.words) + 0.4 * store.keywords.scores(query.widened)
    allowed = _allowed(store, query)
    by_keyword = [
        int(row)
        for row in np.argsort(-keyword, kind="stable")[: 4 * POOL]
        if keyword[row] > 0 and allowed(int(row))
    ]
    # In reading order: where scores are equal, what stands first on the pages goes first, every time.
    rows = sorted({*(r for r, _ in by_passage), *(r for r, _, _ in by_sentence), *by_keyword[:POOL]})
    if not rows:
        return []
    return _ranked(store, query, rows, keyword)[:limit]


def _tags(query: Query) -> dict[str, Any]:
    tags: list[dict[str, Any]] = []
    if not query.closed:
        tags.append({"open": True})
    if query.language:
        tags.append({"language": query.language})
    return tags[0] if len(tags) == 1 else {"$and": tags} if tags else {}


def _allowed(store: Store, query: Query) -> Callable[[int], bool]:
    def allowed(row: int) -> bool:
        passage = store.passages[row]
        if query.rows is not None:
            return row in query.rows
        return (query.closed or passage.open) and (not query.language or passage.language == query.language)

    return allowed


def _ranked(store: Store, query: Query, rows: list[int], keyword: NDArray[np.float32]) -> list[Hit]:
    """The passages in `rows` with all their scores, in the order of their joined ranks."""
    vectors = store.passage_matrix(rows)
    dense = vectors @ query.vector
    keys, matrix = store.sentence_matrix(rows)
    by_sentence: dict[int, list[float]] = {row: [] for row in rows}
    for (row, _), score in zip(keys, matrix @ query.vector if len(keys) else [], strict=True):
        by_sentence[row].append(float(score))
    best = np.array([max([*by_sentence[row], float(d)]) for row, d in zip(rows, dense, strict=True)])
    fused = joined_ranks([dense, best, np.array([keyword[row] for row in rows])], weights=(1.0, 1.0, 0.5))
    order, copies = folded(store, rows, np.argsort(-fused, kind="stable"))
    return [
        Hit(
            row=rows[i],
            passage=store.passages[rows[i]],
            dense=float(dense[i]),
            by_sentence=tuple(by_sentence[rows[i]]),
            keyword=float(keyword[rows[i]]),
            fused=float(fused[i]),
            vector=vectors[i],
            copies=copies[i],
        )
        for i in order
    ]


def folded(store: Store, rows: Sequence[int], order: Iterable[int]) -> tuple[list[int], dict[int, int]]:
    """`order` without passages whose words were there already, and how often the words of each stand.

    Postings repeat whole paragraphs about the company; ten copies of one would crowd out the rest.
    """
    first: dict[str, int] = {}
    copies: dict[int, int] = {}
    for index in order:
        words = " ".join(store.passages[rows[index]].text.lower().split())
        kept = first.setdefault(words, int(index))
        copies[kept] = copies.get(kept, 0) + 1
    return list(copies), copies


def joined_ranks(scores: Iterable[NDArray[Any]], weights: Sequence[float]) -> NDArray[np.float64]:
    """Reciprocal rank fusion: the weighted sum of 1 / (k + rank), for score arrays of one length.

    A score of 0 or less has no rank: a passage without a shared word is not "last by keyword".
    """
    total: NDArray[np.float64] | None = None
    for values, weight in zip(scores, weights, strict=True):
        ranks = np.empty(len(values))
        ranks[np.argsort(-values, kind="stable")] = np.arange(1, len(values) + 1)
        part = np.where(values > 0, weight / (RANK_OFFSET + ranks), 0.0)
        total = part if total is None else total + part
    return total if total is not None else np.zeros(0)


class StoreRetriever(BaseRetriever):
    """The search as a LangChain retriever, to be dropped into any chain."""

    store: Any
    limit: int = 5

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun | None = None
    ) -> list[Document]:
        vector = self.store.embedder.embed([query])[0]
        hits = search(self.store, Query(vector=vector, words=tuple(terms(query))), self.limit)
        return [
            Document(
                page_content=hit.passage.text,
                metadata={
                    "source": hit.passage.source,
                    "title": hit.passage.title,
                    "url": hit.passage.url,
                    "heading": hit.passage.heading,
                    "score": hit.fused,
                },
                id=hit.passage.id,
            )
            for hit in hits
        ]
