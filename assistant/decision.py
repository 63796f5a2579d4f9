"""Answer or not: a fitted, calibrated decision over what search has found.

Two logistic regressions whose weights stand in `decision.json` and are fitted by
`python -m assistant fit`. The first, over features of one passage, ranks what search has found.
The second, over features of the question and the best passages, gives the probability that the
question is answered by them at all.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assistant.questions import AnswerType, Question, holds_type, speaks_of_money
from assistant.topics import Bank, Topic, stemmed
from knowledge.documents import Passage
from knowledge.reranking import Reranker, standardised
from knowledge.retrieval import Hit
from knowledge.sentences import STOP_WORDS, opened, plain, stem, terms, words
from knowledge.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

PARAMETERS = Path(__file__).with_name("decision.json")

OUTDATED = 1.5
"""What a passage loses, as a logit, where a newer version of its page is known."""

TYPICAL_SHARE = 0.5
"""How much the topic's typical question counts beside the question itself where a sentence is chosen."""

INTRODUCED = 0.9
"""Probability that somebody's own words answer who that is; no regression has a feature for a name."""

_INTRODUCING = frozenset(
    words(
        """who what which where does do doing is work works working job role position team title tell know more
        qui que quoi fait poste equipe travaille parle wer was macht arbeitet rolle stelle team erzahl quien
        hace puesto equipo trabaja מי מה זה זאת עושה עובד עובדת תפקיד צוות хто що таке такий така робить
        працює займається чим посада команда розкажи про"""
    )
)
"""What is left of a question that only asks who somebody is, in the languages of the phrases."""

PASSAGE_FEATURES = (
    "sentence",  # cosine of the nearest sentence
    "passage",  # cosine of the passage with its headings
    "keyword",  # BM25, over what the question's words could reach
    "covered",  # share of the question's words, weighted by rarity, that the passage holds
    "terms",  # likeness of the question's topic, where the passage holds its terms
    "typical",  # cosine of the topic's typical question with the passage or its nearest sentence
    "agreement",  # how alike the topics of question and passage are, or of one of its sentences
    "named_missing",  # terms of the bank that the question names and the passage lacks
    "typed",  # the passage holds what such a question asks for: a number, a date, a person …
    "untyped",  # it should, and does not
    "posting",  # it stands in one posting only, and no role was named
    "ahead",  # cosine of the nearest sentence over the best of the passages that say something else
)

QUESTION_FEATURES = (
    "relevance",  # the ranking score of the best passage
    "gap",  # how far the next passage is behind
    *(f"best_{name}" for name in PASSAGE_FEATURES),  # the best passage's features
    *(f"top_{name}" for name in ("sentence", "passage", "covered", "terms", "agreement")),  # best of five
    "likeness",  # of the nearest topic
    "present",  # the likeness again, where some passage holds a term of the topic
    "absent",  # and where none does
    "unknown",  # share of the question's words, weighted by rarity, that stand nowhere in the store
    "named_absent",  # terms of the bank that the question names and no passage holds
    "length",  # words of the question, as a logarithm
    "follows_up",  # 1 where it leans on the turns before
    "in_role",  # 1 where only the passages of a role are searched
    "size",  # passages of the store, as a logarithm: a short page leaves more unsaid
)


@dataclass(frozen=True)
class Evidence:
    """A passage found, with its features and its ranking score (a logit).

    `sentences` says how near each of its sentences is to the question and to what such questions ask.
    """

    hit: Hit
    features: tuple[float, ...]
    relevance: float
    sentences: tuple[float, ...] = ()


@dataclass(frozen=True)
class Found:
    """What search found, best first, and the probability that it answers the question."""

    evidence: tuple[Evidence, ...] = ()
    probability: float = 0.0
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Regression:
    """A logistic regression: one weight a feature, and a bias."""

    names: tuple[str, ...]
    weights: tuple[float, ...]
    bias: float

    def logits(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """The logit of each row of `table`, of shape (rows, len(names))."""
        return np.asarray(table @ np.array(self.weights) + self.bias, dtype=np.float64)


@dataclass(frozen=True)
class Parameters:
    """Both regressions, and the probability from which on an answer is given."""

    ranking: Regression
    answering: Regression
    threshold: float


@lru_cache(maxsize=4)
def load_parameters(path: Path = PARAMETERS) -> Parameters:
    """The fitted parameters; `ValueError` where they are of other features than these."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Parameters(
        ranking=_regression(data["ranking"], PASSAGE_FEATURES, path),
        answering=_regression(data["answering"], QUESTION_FEATURES, path),
        threshold=float(data["threshold"]),
    )


def _regression(data: Mapping[str, object], names: Sequence[str], path: Path) -> Regression:
    weights = data["weights"]
    if not isinstance(weights, dict) or set(weights) != set(names):
        raise ValueError(f"{path.name} has weights of other features. Run: python -m assistant fit")
    return Regression(tuple(names), tuple(float(weights[name]) for name in names), float(str(data["bias"])))


@lru_cache(maxsize=1)
def stop_stems() -> frozenset[str]:
    """Stems of the English words that keyword search leaves out."""
    return frozenset(map(stem, plain(STOP_WORDS["en"]).split()))


def _indexed(term: str) -> list[str]:
    """The words of a stemmed term that the keyword index of an English passage has."""
    return [part for part in term.split() if part not in stop_stems() and (len(part) > 1 or part.isdigit())]


@lru_cache(maxsize=4096)
def _near(term: str) -> re.Pattern[str]:
    """What stands in `_letters` of a text wherever the stemmed term stands in the text, and seldom elsewhere.

    Looking for it takes a quarter of the time of cutting the text into stems, or less. A stem is what its words begin with,
    but for a last letter.
    """

    def begins(part: str) -> str:
        if part.isdigit():
            return rf"(?<!\d){part}(?!\d)"
        if len(part) == 1:
            return rf"(?<![^\W\d_]){part}(?![^\W\d_])"
        return re.escape(part[:-1] if part.isalpha() and len(part) > 2 else part)

    return re.compile(r"[^\W_]*[\W_]*".join(map(begins, term.split())))


def _letters(text: str) -> str:
    """A text in small letters without accents and apostrophes, as its words are cut from."""
    return opened(plain(text)).replace("'", "")


class StoreContext:
    """What the features need to know of the whole store, computed once a version."""

    def __init__(self, store: Store, bank: Bank) -> None:
        self.store = store
        self.bank = bank
        self._stemmed: dict[int, str] = {}
        self._present: dict[str, bool] = {}
        self._strength: dict[tuple[str, int], int] = {}
        self._open = np.array([passage.open for passage in store.passages], dtype=bool)
        self._english = np.array([passage.language == "en" for passage in store.passages], dtype=bool)
        self._newest: dict[tuple[str, str], date] = {}
        for page in store.pages:
            if page.modified is not None:
                key = (page.title, page.language)
                self._newest[key] = max(page.modified, self._newest.get(key, page.modified))
        count = max(len(store.passages), 1)
        self.rarity = {term: math.log(1 + count / n) for term, n in store.keywords.frequency.items()}
        self.rarest = math.log(1 + count)

    def superseded(self, passage: Passage) -> bool:
        """Whether another page of the same title and language is newer."""
        if passage.modified is None or passage.job_id:
            return False
        return passage.modified < self._newest.get((passage.title, passage.language), passage.modified)

    def stemmed(self, row: int) -> str:
        """All words of a passage with its context, as stems."""
        if row not in self._stemmed:
            self._stemmed[row] = stemmed(self.store.passages[row].embedding_text)
        return self._stemmed[row]

    def strength(self, topic: Topic, row: int) -> int:
        """How many different terms of the topic stand in a passage."""
        key = (topic.id, row)
        if key not in self._strength:
            self._strength[key] = topic.strength(self.stemmed(row))
        return self._strength[key]

    def holds(self, term: str) -> bool:
        """Whether any open passage holds the stemmed term."""
        if term not in self._present:
            self._present[term] = any(term in self.stemmed(row) for row in self._may_hold(term))
        return self._present[term]

    def _may_hold(self, term: str) -> Iterator[int]:
        """Rows of the open passages to look through for a stemmed term.

        Of English ones, those that have its words in the keyword index; to other languages that has stems of their own.
        Of stop words alone the index knows nothing: those with such letters.
        """
        rows, indexed = self._open, _indexed(term)
        for part in indexed:
            rows = rows & ((self.store.keywords.scores([part]) > 0) | ~self._english)
        if indexed or not term.isascii():
            yield from np.flatnonzero(rows).tolist()
            return
        near = _near(term)
        for row in np.flatnonzero(rows).tolist():
            if row in self._stemmed or near.search(_letters(self.store.passages[row].embedding_text)):
                yield row

    def present(self, topic: Topic) -> bool:
        """Whether any open passage holds a term of the topic."""
        # Terms of stop words alone, such as "who you are", last: all passages have to be looked through for them.
        ordered = sorted(topic.stems, key=lambda term: not _indexed(term))
        return any(self.holds(term) for term in ordered)

    def weight(self, term: str) -> float:
        """Rarity of a term: what the store knows well says little."""
        return self.rarity.get(term, self.rarest)


def decide(
    question: Question,
    hits: Sequence[Hit],
    context: StoreContext,
    parameters: Parameters,
    reranker: Reranker | None = None,
) -> Found:
    """Rank the passages found and give the probability that they answer."""
    if not hits:
        return Found()
    table = passage_features(question, hits, context)
    relevance = parameters.ranking.logits(table)
    if reranker is not None:
        second_look = reranker.scores(question.standalone, [hit.passage.embedding_text for hit in hits])
        relevance = relevance + standardised(second_look)
    relevance = relevance - OUTDATED * np.array([context.superseded(hit.passage) for hit in hits])
    introduced = np.array([introduces(hit.passage, question) for hit in hits])
    order = np.lexsort((-relevance, ~introduced))
    evidence = tuple(
        Evidence(
            hits[n],
            tuple(float(x) for x in table[n]),
            float(relevance[n]),
            sentence_scores(question, hits[n], context.bank),
        )
        for n in order
    )
    features = question_features(question, evidence, context)
    logit = float(parameters.answering.logits(np.array([features[name] for name in QUESTION_FEATURES])))
    probability = 1.0 / (1.0 + math.exp(-logit))
    if introduced.any():
        probability = max(probability, INTRODUCED)
    # "What does a planner earn?" is near all that is said of planners; without a word of money it is no answer.
    if question.answer_type is AnswerType.MONEY and not speaks_of_money(
        evidence[0].hit.passage.embedding_text
    ):
        probability = 0.0
    return Found(evidence, probability, features)


def introduces(passage: Passage, question: Question) -> bool:
    """Whether the question asks who somebody is and nothing else, and the passage is what they say."""
    name = set(words(passage.speaker.split(",")[0]))
    asked = set(words(question.standalone))
    if len(name) < 2 or not name <= asked:
        return False
    return not any(terms(word, question.language) for word in asked - name - _INTRODUCING)


def passage_features(question: Question, hits: Sequence[Hit], context: StoreContext) -> NDArray[np.float64]:
    """The features of each passage found, of shape (len(hits), len(PASSAGE_FEATURES))."""
    best = np.array([hit.best for hit in hits])
    asked = list(dict.fromkeys(question.words))
    total = sum(context.weight(term) for term in asked) or 1.0
    topics = [(topic, likeness) for topic, likeness in question.topics if likeness > 0.35]
    named = context.bank.named(question.standalone)
    # A long list is about many things: what one of its items says counts as much as the whole.
    vectors = np.vstack([hit.vectors for hit in hits])
    starts = np.cumsum([0, *(len(hit.vectors) for hit in hits[:-1])])
    agreement = np.maximum.reduceat(topic_agreement(question, vectors, context.bank), starts)
    typical = np.zeros(len(hits))
    if topics:
        typical = np.maximum.reduceat(vectors @ context.bank.typical(topics[0][0]), starts)
    nearest = np.array([hit.nearest for hit in hits], dtype=object)
    # Typed and untyped are two features, so that "no type asked for" is neither.
    kind = question.answer_type
    asks_type = kind not in (AnswerType.TEXT, AnswerType.YES_NO, AnswerType.LIST)
    rows = []
    for number, hit in enumerate(hits):
        passage = context.stemmed(hit.row)
        stems = context.store.keywords.stems(hit.row)
        holds = asks_type and holds_type(kind, hit.passage.text)
        others = best[nearest != nearest[number]]
        own = hit.copies == 1 and hit.echoes == 1
        rows.append(
            (
                hit.best,
                hit.dense,
                hit.keyword / (2.0 * total),
                sum(context.weight(term) for term in asked if term in stems) / total,
                max(
                    (min(context.strength(topic, hit.row), 2) / 2 * like for topic, like in topics),
                    default=0.0,
                ),
                float(typical[number]),
                float(agreement[number]),
                float(sum(term not in passage for term in named)) / max(len(named), 1),
                float(holds),
                float(asks_type and not holds),
                float(bool(hit.passage.job_id) and own and not question.in_role),
                float(hit.best - others.max()) if len(others) else 0.0,
            )
        )
    return np.array(rows, dtype=np.float64)


def sentence_scores(question: Question, hit: Hit, bank: Bank) -> tuple[float, ...]:
    """How near each sentence of a passage is: its cosine, and that with the typical question of the topic."""
    if not question.topics or not len(hit.sentence_vectors):
        return hit.by_sentence
    topic, likeness = question.topics[0]
    typical = hit.sentence_vectors @ bank.typical(topic)
    share = TYPICAL_SHARE * max(likeness, 0.0)
    return tuple(own + share * float(other) for own, other in zip(hit.by_sentence, typical, strict=True))


def topic_agreement(question: Question, vectors: NDArray[np.float32], bank: Bank) -> NDArray[np.float64]:
    """The overlap of the question's and each vector's distribution over topics, from 0 to 1.

    The Bhattacharyya coefficient; `vectors` of shape (n, dimensions) gives shape (n,).
    """
    asked = bank.distribution(question.vector[None, :])[0]
    return np.asarray(np.sqrt(bank.distribution(vectors) * asked[None, :]).sum(axis=1), dtype=np.float64)


def question_features(
    question: Question, evidence: Sequence[Evidence], context: StoreContext
) -> dict[str, float]:
    """The features of the question and what was found for it, by name; `evidence` best first."""
    best = dict(zip(PASSAGE_FEATURES, evidence[0].features, strict=True))
    five = np.array([entry.features for entry in evidence[:5]]).max(axis=0)
    top = dict(zip(PASSAGE_FEATURES, five, strict=True))
    asked = list(dict.fromkeys(question.words))
    total = sum(context.weight(term) for term in asked) or 1.0
    topic, likeness = question.topics[0] if question.topics else (None, 0.0)
    present = topic is not None and context.present(topic)
    named = context.bank.named(question.standalone)
    return {
        "relevance": evidence[0].relevance,
        "gap": evidence[0].relevance - evidence[1].relevance if len(evidence) > 1 else 3.0,
        **{f"best_{name}": value for name, value in best.items()},
        **{
            f"top_{name}": float(top[name])
            for name in ("sentence", "passage", "covered", "terms", "agreement")
        },
        "likeness": likeness,
        "present": likeness if present else 0.0,
        "absent": 0.0 if present else likeness,
        "unknown": sum(context.weight(term) for term in asked if term not in context.rarity) / total,
        "named_absent": float(sum(not context.holds(term) for term in named)),
        "length": math.log(1 + len(question.standalone.split())),
        "follows_up": float(question.follows_up),
        "in_role": float(question.in_role),
        "size": math.log(1 + len(context.store.passages)),
    }
