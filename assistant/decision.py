"""Answer or not: a fitted, calibrated decision over what search has found.

Each passage found gets a probability that it answers the question, from a few features that can be
read off it. The same probability ranks the passages, and the best one decides whether there is an
answer at all. The weights stand in `decision.json`, fitted by `python -m assistant fit`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assistant.questions import AnswerType, Question, holds_type
from assistant.topics import Topic, stemmed
from knowledge.retrieval import Hit
from knowledge.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARAMETERS = Path(__file__).with_name("decision.json")

FEATURES = (
    "sentence",  # cosine of the nearest sentence
    "passage",  # cosine of the passage with its headings
    "keyword",  # BM25 over the best any passage could reach
    "covered",  # share of the question's words, weighted by rarity, that the passage holds
    "unknown",  # share of the question's words, so weighted, that stand nowhere in the store
    "topic",  # likeness of the question's topic, where the passage holds a term of it
    "topic_cosine",  # cosine of the passage with the topic's typical question
    "topic_absent",  # likeness of the topic, where no passage of the store holds a term of it
    "typed",  # whether the passage holds what such a question asks for: a number, a date, a person …
    "untyped",  # the same, where it should and does not
    "lead",  # how far the nearest sentence is ahead of the next passage's
    "length",  # words of the question, as a logarithm
)


@dataclass(frozen=True)
class Evidence:
    """A passage found, with its features and the probability that it answers."""

    hit: Hit
    features: tuple[float, ...]
    probability: float


@dataclass(frozen=True)
class Parameters:
    """The fitted weights, one a feature, and the probability from which on an answer is given."""

    weights: tuple[float, ...]
    bias: float
    threshold: float

    def probability(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of each row of `features`, of shape (passages, len(FEATURES))."""
        return 1.0 / (1.0 + np.exp(-(features @ np.array(self.weights) + self.bias)))


@lru_cache(maxsize=1)
def load_parameters(path: Path = PARAMETERS) -> Parameters:
    """The fitted parameters; `ValueError` where they are of other features than these."""
    data = json.loads(path.read_text(encoding="utf-8"))
    if set(data["weights"]) != set(FEATURES):
        raise ValueError(f"{path.name} has weights of other features. Run: python -m assistant fit")
    return Parameters(
        weights=tuple(float(data["weights"][name]) for name in FEATURES),
        bias=float(data["bias"]),
        threshold=float(data["threshold"]),
    )


def weigh(
    store: Store, question: Question, hits: Sequence[Hit], context: StoreContext, parameters: Parameters
) -> list[Evidence]:
    """The passages found with their probabilities, most probable first."""
    if not hits:
        return []
    table = features(question, hits, context)
    probabilities = parameters.probability(table)
    evidence = [
        Evidence(hit=hit, features=tuple(float(x) for x in row), probability=float(p))
        for hit, row, p in zip(hits, table, probabilities, strict=True)
    ]
    return sorted(evidence, key=lambda entry: -entry.probability)


class StoreContext:
    """What the features need to know of the whole store, computed once a version."""

    def __init__(self, store: Store, topics: Sequence[Topic], topic_vectors: NDArray[np.float32]) -> None:
        """`topic_vectors`: mean vector of each topic's examples, of shape (topics, dimensions)."""
        self.store = store
        self.topic_vectors = {topic.id: vector for topic, vector in zip(topics, topic_vectors, strict=True)}
        self._stemmed: dict[int, str] = {}
        self._present: dict[str, bool] = {}
        count = max(len(store.passages), 1)
        frequency: dict[str, int] = {}
        for document in store.keywords.corpus:
            for term in set(document):
                frequency[term] = frequency.get(term, 0) + 1
        self.rarity = {term: math.log(1 + count / n) for term, n in frequency.items()}
        self.rarest = math.log(1 + count)

    def stemmed(self, row: int) -> str:
        """All words of a passage with its context, as stems."""
        if row not in self._stemmed:
            self._stemmed[row] = stemmed(self.store.passages[row].embedding_text)
        return self._stemmed[row]

    def present(self, topic: Topic) -> bool:
        """Whether any passage holds a term of the topic."""
        if topic.id not in self._present:
            self._present[topic.id] = any(
                topic.strength(self.stemmed(row))
                for row, passage in enumerate(self.store.passages)
                if passage.open
            )
        return self._present[topic.id]

    def weight(self, term: str) -> float:
        """Rarity of a term: what the store knows well says little."""
        return self.rarity.get(term, self.rarest)


def features(question: Question, hits: Sequence[Hit], context: StoreContext) -> NDArray[np.float64]:
    """The features of each passage found, of shape (len(hits), len(FEATURES))."""
    best = np.array([hit.best for hit in hits])
    asked = list(dict.fromkeys(question.words))
    total = sum(context.weight(term) for term in asked) or 1.0
    reachable = max(max(hit.keyword for hit in hits), 2.0 * total, 1e-9)
    unknown = sum(context.weight(term) for term in asked if term not in context.rarity) / total
    topics = [(topic, likeness) for topic, likeness in question.topics if likeness > 0.35][:2]
    absent = max((like for topic, like in topics[:1] if not context.present(topic)), default=0.0)
    # Typed and untyped are two features, so that "no type asked for" is neither.
    kind = question.answer_type
    asks_type = kind not in (AnswerType.TEXT, AnswerType.YES_NO, AnswerType.LIST)
    length = math.log(1 + len(question.standalone.split()))
    rows = []
    for number, hit in enumerate(hits):
        passage = context.stemmed(hit.row)
        stems = set(context.store.keywords.corpus[hit.row])
        covered = sum(context.weight(term) for term in asked if term in stems) / total
        topical = max((min(topic.strength(passage), 2) / 2 * like for topic, like in topics), default=0.0)
        cosine = max((topic_cosine(context, topic, hit) for topic, _ in topics[:1]), default=0.0)
        holds = holds_type(kind, hit.passage.text) if asks_type else False
        others = np.delete(best, number)
        rows.append(
            (
                hit.best,
                hit.dense,
                hit.keyword / reachable,
                covered,
                unknown,
                topical,
                cosine,
                absent,
                float(asks_type and holds),
                float(asks_type and not holds),
                float(hit.best - others.max()) if len(others) else 0.0,
                length,
            )
        )
    return np.array(rows, dtype=np.float64)


def topic_cosine(context: StoreContext, topic: Topic, hit: Hit) -> float:
    """Cosine of the passage with the mean of the topic's example questions."""
    return float(hit.vector @ context.topic_vectors[topic.id])
