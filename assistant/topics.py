"""What candidates ask: a bank of topics and intents, and which of them a question is nearest to.

Sentence encoders are far better at telling that two questions mean the same than at telling that a
passage answers a question. So a question is first compared with thousands of example questions.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from knowledge import sentences
from knowledge.cache import kept
from knowledge.embedding import Embedder, comes_with_us
from knowledge.sentences import plain, stem, words

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH = 256
"""Texts embedded between two steps of the progress bar."""

VECTORS = "vectors.npy"

REMEMBERED = 1024
"""Vectors whose likeness to all topics is kept: a turn asks for it three times, the next turn once more."""

SHARPNESS = 0.06
"""Temperature of the softmax over topic cosines: neighbouring topics differ by about as much."""

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Topic:
    """One thing candidates ask about, with how they put it and the words pages use for it."""

    id: str
    title: str
    group: str
    answer: str
    question: dict[str, str]
    asks: tuple[str, ...]
    terms: tuple[str, ...]
    weak: tuple[str, ...] = ()
    related: tuple[str, ...] = ()

    @cached_property
    def stems(self) -> tuple[str, ...]:
        """The terms as `stemmed` writes them."""
        return tuple(dict.fromkeys(stemmed(term) for term in self.terms))

    def strength(self, text: str) -> int:
        """How many different terms of the topic stand in `text`, which `stemmed` has written."""
        return sum(term in text for term in self.stems)


@dataclass(frozen=True)
class Intent:
    """Something said that is no question about working here, and the reply it gets."""

    reply: str
    outcome: str
    asks: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]

    def certain(self, text: str) -> bool:
        """Whether the words alone decide it; `text` is folded."""
        return any(pattern.search(text) for pattern in self.patterns)


def stemmed(text: str) -> str:
    """All words of `text` as English stems between single spaces, for finding phrases in it."""
    return f" {' '.join(stem(word) for word in words(text))} "


def folded(text: str) -> str:
    """The text as `patterns` see it: plain, apostrophes and dashes as spaces, single spaces."""
    return " ".join(re.sub(r"['‘`´–—-]", " ", plain(text)).split())


TABLES = "tables.json"


@cache
def _tables() -> dict[str, Any]:
    """What `topics.toml` and `intents.toml` say, and what is worked out of it; kept for the installation.

    Reading them and cutting their words takes longer than a turn.
    """
    files = [HERE / "topics.toml", HERE / "intents.toml", Path(__file__), Path(sentences.__file__)]
    code = b"".join(file.read_bytes() for file in files) + version("snowballstemmer").encode()
    folder = kept(f"topics-{hashlib.sha256(code).hexdigest()[:16]}", _write_tables)
    return dict(orjson.loads((folder / TABLES).read_bytes()))


def _write_tables(folder: Path) -> None:
    """Write the tables of topics and intents into `folder`."""
    topics = tomllib.loads((HERE / "topics.toml").read_text(encoding="utf-8"))["topic"]
    intents = tomllib.loads((HERE / "intents.toml").read_text(encoding="utf-8"))["intent"]
    said: set[str] = set()
    for entry in topics:
        entry["asks"] = [*entry["asks"], *entry.pop("asks_other", ()), *entry["question"].values()]
        entry["terms"] = [*entry["terms"], *entry.pop("terms_other", ())]
        entry["stems"] = list(dict.fromkeys(stemmed(term) for term in entry["terms"]))
        said.update(word for text in (*entry["asks"], *entry["terms"]) for word in words(text))
    table = {"topics": topics, "intents": intents, "words": sorted(said)}
    (folder / TABLES).write_bytes(orjson.dumps(table))


@cache
def load_topics() -> tuple[Topic, ...]:
    """The topics of `topics.toml`."""
    topics = []
    for entry in _tables()["topics"]:
        topic = Topic(
            id=entry["id"],
            title=entry["title"],
            group=entry["group"],
            answer=entry["answer"],
            question=entry["question"],
            asks=tuple(entry["asks"]),
            terms=tuple(entry["terms"]),
            weak=tuple(entry.get("weak", ())),
            related=tuple(entry.get("related", ())),
        )
        vars(topic)["stems"] = tuple(entry["stems"])  # in place of what would be worked out
        topics.append(topic)
    return tuple(topics)


@cache
def load_intents() -> tuple[Intent, ...]:
    """The intents of `intents.toml`."""
    return tuple(
        Intent(
            reply=entry["reply"],
            outcome=entry["outcome"],
            asks=tuple(entry["asks"]),
            patterns=tuple(re.compile(pattern) for pattern in entry.get("patterns", ())),
        )
        for entry in _tables()["intents"]
    )


@cache
def topic_words() -> frozenset[str]:
    """All words, plain, in which the topics are asked about and which their pages use."""
    return frozenset(_tables()["words"])


class Bank:
    """All topics and intents with the vectors of their example questions."""

    def __init__(self, embedder: Embedder, cache: Path | None = None) -> None:
        """Embed the examples, or take them from the folder `cache` where they are unchanged."""
        self.topics = load_topics()
        self.intents = load_intents()
        self.topic = {topic.id: topic for topic in self.topics}
        entries: tuple[Topic | Intent, ...] = (*self.topics, *self.intents)
        texts = [ask for entry in entries for ask in entry.asks]
        self.owner = np.array([n for n, entry in enumerate(entries) for _ in entry.asks])
        self.vectors = cached_vectors(texts, embedder, cache)
        self._likeness: dict[bytes, NDArray[np.float32]] = {}
        self._number = {topic.id: number for number, topic in enumerate(self.topics)}
        self._terms = frozenset(term for topic in self.topics for term in topic.stems)

    def likeness(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of `vector` with the nearest example of each topic and intent, topics first.

        The mean of the best two: one odd example alone should not decide.
        """
        key = vector.tobytes()
        kept = self._likeness
        if (found := kept.get(key)) is None:
            found = self._likeness_of(vector)
            if len(kept) >= REMEMBERED:
                kept = self._likeness = {}  # another thread may be reading the old one
            kept[key] = found
        return found

    def _likeness_of(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        scores = np.vecdot(self.vectors, vector)
        best = np.full(self.owner[-1] + 1, -1.0, dtype=np.float32)
        np.maximum.at(best, self.owner, scores)
        second = np.full_like(best, -1.0)
        rest = scores.copy()
        at_best = np.flatnonzero(scores == best[self.owner])
        rest[at_best[np.unique(self.owner[at_best], return_index=True)[1]]] = -1.0  # one of each owner
        np.maximum.at(second, self.owner, rest)
        return (0.7 * best + 0.3 * second).astype(np.float32)

    @cached_property
    def topic_vectors(self) -> NDArray[np.float32]:
        """The mean of each topic's examples, of shape (topics, dimensions), each of length 1."""
        means = np.stack([self.vectors[self.owner == n].mean(axis=0) for n in range(len(self.topics))])
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)

    def typical(self, topic: Topic) -> NDArray[np.float32]:
        """How questions on the topic are usually put: the mean of its examples, of length 1."""
        return np.asarray(self.topic_vectors[self._number[topic.id]], dtype=np.float32)

    def distribution(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """How likely each vector is about each topic, of shape (len(vectors), topics), rows adding to 1."""
        cosines = np.asarray(vectors @ self.topic_vectors.T, dtype=np.float64)
        powers = np.exp((cosines - cosines.max(axis=1, keepdims=True)) / SHARPNESS)
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)

    def named(self, text: str) -> tuple[str, ...]:
        """The stemmed terms of any topic that `text` names; longer ones include the shorter."""
        said = stemmed(text).split()
        found = []
        taken = 0
        for start in range(len(said)):
            for size in range(4, 0, -1):
                term = f" {' '.join(said[start : start + size])} "
                if start >= taken and start + size <= len(said) and term in self._terms:
                    found.append(term)
                    taken = start + size
                    break
        return tuple(dict.fromkeys(found))

    def nearest_topics(self, vector: NDArray[np.float32], limit: int = 3) -> list[tuple[Topic, float]]:
        """The topics most like the question, with their likeness."""
        scores = self.likeness(vector)[: len(self.topics)]
        return [(self.topics[n], float(scores[n])) for n in np.argsort(-scores)[:limit]]

    def nearest_intent(self, vector: NDArray[np.float32]) -> tuple[Intent, float]:
        """The intent most like what was said, with its likeness."""
        scores = self.likeness(vector)[len(self.topics) :]
        best = int(np.argmax(scores))
        return self.intents[best], float(scores[best])


def embedded(texts: Sequence[str], embedder: Embedder) -> NDArray[np.float32]:
    """Vectors of `texts`, with a progress bar on standard error: the whole bank takes some seconds."""
    from tqdm import tqdm  # noqa: PLC0415  (not where the vectors are there already)

    batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
    with tqdm(total=len(texts), desc="Learning the topics (first start only)", unit="", leave=False) as bar:
        parts = []
        for batch in batches:
            parts.append(embedder.embed(batch))
            bar.update(len(batch))
    return np.concatenate(parts) if parts else embedder.embed([])


def cached_vectors(texts: Sequence[str], embedder: Embedder, cache: Path | None) -> NDArray[np.float32]:
    """Vectors of `texts`, kept under a name that changes with texts or encoder.

    Those of the encoder that comes with us are kept for the installation, those of a user's own in `cache`.
    """
    digest = hashlib.sha256("\n".join((embedder.name, *texts)).encode()).hexdigest()[:16]
    name = f"bank-{digest}"

    def make(folder: Path) -> None:
        np.save(folder / VECTORS, embedded(texts, embedder).astype(np.float16))

    if comes_with_us(embedder):
        folder = kept(name, make)
    elif cache is not None:
        folder = kept(name, make, (cache,))
    else:
        return embedded(texts, embedder)
    return np.asarray(np.load(folder / VECTORS, allow_pickle=False), dtype=np.float32)
