"""Search: dense and keyword ranks of passages and sentences, joined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from knowledge.documents import Passage
from knowledge.sentences import sentences
from knowledge.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

POOL = 40
"""Passages that each way of searching puts forward."""

LIMIT = 40
"""Passages that are looked at closely."""

RANK_OFFSET = 20
"""The k of reciprocal rank fusion (Cormack, Clarke & Büttcher, SIGIR 2009). 60 in the paper, for
pools of 1,000; a page has a few hundred passages, and a smaller k trusts the first ranks more."""

HIDDEN_AT_MOST = 2000
"""Passages looked at beyond the pool, to make up for hidden ones among them."""


@dataclass(frozen=True)
class Hit:
    """A passage that may hold the answer, with the scores that put it forward.

    `dense` is the cosine of the passage, `by_sentence` the cosines of its sentences, `keyword`
    its BM25 score, `fused` the joined rank score. `vector` is the passage's, `sentence_vectors` those of
    its sentences, of shape (sentences, dimensions). `copies` says in how many places its words stand,
    `echoes` in how many of the passages found its nearest sentence does.
    """

    row: int
    passage: Passage
    dense: float
    by_sentence: tuple[float, ...]
    keyword: float
    fused: float
    vector: NDArray[np.float32] = field(compare=False, repr=False)
    sentence_vectors: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros((0, 0), np.float32), compare=False, repr=False
    )
    copies: int = 1
    echoes: int = 1

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The passage's vector and its sentences', of shape (1 + sentences, dimensions)."""
        if not len(self.sentence_vectors):
            return self.vector[None, :]
        return np.vstack([self.vector[None, :], self.sentence_vectors])

    @property
    def best(self) -> float:
        """The cosine of the nearest sentence, or of the passage where that is nearer."""
        return max(self.dense, *self.by_sentence) if self.by_sentence else self.dense

    @property
    def sentences(self) -> list[str]:
        """The passage's sentences, as `by_sentence` counts them."""
        return sentences(self.passage.text)

    @property
    def nearest(self) -> str:
        """The sentence nearest to the question."""
        return _nearest(self.passage.text, self.by_sentence)


@dataclass(frozen=True)
class Query:
    """What is looked for.

    `vector` is the question's, `words` its stems, `widened` further stems that pages use for it, and
    `typical` the vector of how such questions are usually put, where that is known. `rows` restricts the
    search to these passages, `hidden` leaves some out; `language` prefers sources in that language.
    """

    vector: NDArray[np.float32]
    words: tuple[str, ...]
    widened: tuple[str, ...] = ()
    typical: NDArray[np.float32] | None = None
    rows: frozenset[int] | None = None
    hidden: frozenset[int] = frozenset()
    language: str = ""
    closed: bool = False


def search(store: Store, query: Query, limit: int = LIMIT) -> list[Hit]:
    """The `limit` best passages for `query`, best first."""
    where = _tags(query)
    if query.rows is not None:
        by_passage = [(row, 0.0) for row in sorted(query.rows)]
        by_sentence: list[tuple[int, int, float]] = []
    else:
        asked = query.vector if query.typical is None else np.stack([query.vector, query.typical])
        # What is hidden takes no place of what is not.
        pool = POOL + min(len(query.hidden), HIDDEN_AT_MOST)
        by_passage = store.nearest_passages(asked, pool, where)
        by_sentence = store.nearest_sentences(asked, 2 * pool, where)
    keyword = store.keywords.scores(query.words)
    if query.widened:
        keyword = keyword + 0.4 * store.keywords.scores(query.widened)
    allowed = _allowed(store, query)
    by_keyword = [int(row) for row in highest(keyword, 4 * POOL) if allowed(int(row))]
    # In reading order: where scores are equal, what stands first on the pages goes first, every time.
    rows = sorted(
        {*(r for r, _ in by_passage), *(r for r, _, _ in by_sentence), *by_keyword[:POOL]} - query.hidden
    )
    if not rows:
        return []
    return _ranked(store, query, rows, keyword, limit)


def highest(scores: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """Rows of the highest scores over 0, the highest first and the first of equal ones first; not all are sorted."""
    rows = np.flatnonzero(scores > 0)
    if len(rows) > most:
        least = np.partition(scores[rows], len(rows) - most)[len(rows) - most]
        rows = rows[scores[rows] >= least]
    return rows[np.argsort(-scores[rows], kind="stable")][:most]


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
        if row in query.hidden:
            return False
        if query.rows is not None:
            return row in query.rows
        return (query.closed or passage.open) and (not query.language or passage.language == query.language)

    return allowed


def _ranked(
    store: Store, query: Query, rows: list[int], keyword: NDArray[np.float32], limit: int
) -> list[Hit]:
    """The best passages in `rows` with all their scores, in the order of their joined ranks."""
    vectors = store.passage_matrix(rows)
    dense = np.vecdot(vectors, query.vector)
    counts, matrix = store.sentence_matrix(rows)
    likeness = np.vecdot(matrix, query.vector) if len(matrix) else np.zeros(0, np.float32)
    ends = np.cumsum(counts)
    spoken, first, highest_of = _best_of_each(likeness, counts, ends)
    best = dense.copy()
    best[spoken] = np.maximum(dense[spoken], highest_of)
    scores = [dense, best, np.array([keyword[row] for row in rows])]
    weights = [1.0, 1.0, 0.5]
    if query.typical is not None:
        scores.append(np.vecdot(vectors, query.typical))
        weights.append(0.5)
    fused = joined_ranks(scores, weights)
    order, copies = folded(store, rows, np.argsort(-fused, kind="stable"))
    number = dict(zip(spoken.tolist(), first.tolist(), strict=True))
    texts = [store.passages[rows[i]].text for i in order]
    nearest = [
        sentences(text)[number[i]] if i in number else text for i, text in zip(order, texts, strict=True)
    ]
    said = Counter(nearest)
    parts = [slice(end - count, end) for count, end in zip(counts.tolist(), ends.tolist(), strict=True)]
    return [
        Hit(
            row=rows[i],
            passage=store.passages[rows[i]],
            dense=float(dense[i]),
            by_sentence=tuple(likeness[parts[i]].tolist()),
            keyword=float(keyword[rows[i]]),
            fused=float(fused[i]),
            vector=vectors[i],
            sentence_vectors=matrix[parts[i]],
            copies=copies[i],
            echoes=said[sentence],
        )
        for i, sentence in islice(zip(order, nearest, strict=True), limit)
    ]


def _best_of_each(
    likeness: NDArray[np.float32], counts: NDArray[np.intp], ends: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Of each passage that has sentences: its place, the number of the first of its nearest ones, and how near that is."""
    spoken = np.flatnonzero(counts)
    if not len(spoken):
        return spoken, spoken, np.zeros(0, np.float32)
    starts = (ends - counts)[spoken]
    best = np.maximum.reduceat(likeness, starts)
    at_best = np.flatnonzero(likeness == np.repeat(best, counts[spoken]))
    first = at_best[np.searchsorted(at_best, starts)]
    return spoken, first - starts, best


def _nearest(text: str, scores: Any) -> str:
    """The sentence of a passage with the highest of `scores`."""
    return sentences(text)[int(np.argmax(scores))] if len(scores) else text


def folded(store: Store, rows: Sequence[int], order: Iterable[int]) -> tuple[list[int], dict[int, int]]:
    """`order` without passages whose words were there already, and how often the words of each stand.

    Postings repeat whole paragraphs about the company; ten copies of one would crowd out the rest.
    """
    first: dict[str, int] = {}
    copies: dict[int, int] = {}
    for index in order:
        words = _said(store.passages[rows[index]].text)
        kept = first.setdefault(words, int(index))
        copies[kept] = copies.get(kept, 0) + 1
    return list(copies), copies


@lru_cache(maxsize=8192)  # each turn compares mostly the same passages
def _said(text: str) -> str:
    """A text's words alone, whatever their case and the space between them."""
    return " ".join(text.lower().split())


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
