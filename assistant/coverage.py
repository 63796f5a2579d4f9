"""Coverage: which topics the pages answer, answer thinly, or leave open.

Each topic of the bank is asked in its own words, as a candidate would. What comes of it is judged by
three measures: the reply's status, the probability that the passages answer, and how many of the
words that pages use for the topic stand in the best passage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from assistant.conversation import Outcome, Reply
from assistant.measures import Answering
from assistant.topics import Topic, stemmed
from knowledge.documents import Passage
from knowledge.sentences import sentences

GROUPS = {
    "hiring": "Hiring",
    "pay": "Pay",
    "time": "Time",
    "benefits": "Benefits",
    "place": "Place",
    "eligibility": "Who can be hired",
    "roles": "Roles",
    "work": "Work",
    "growth": "Growth",
    "culture": "Culture",
    "company": "Company",
    "leaving": "Leaving",
    "other": "Other",
}
"""The groups of topics with their titles, what candidates ask about most first."""

ABOUT_POSTINGS = ("roles", "place", "eligibility")
"""The groups whose topics posting records can answer; elsewhere a list of roles is no answer."""

CONSIDERED = 5
"""So many of the best passages are looked at."""

STRONG = 2
"""So many of a topic's words in one passage: the passage is about the topic."""

CLEAR = 3
"""So many: the passage tells of the topic, even where the decision does not dare to answer by it."""

NEAR = 0.6
"""Share of the threshold from which on a single word of the topic tells that the pages touch it."""


class State(StrEnum):
    """How well the pages answer a topic."""

    ANSWERED = "answered"
    THIN = "thin"
    OPEN = "open"


@dataclass(frozen=True)
class Proof:
    """The words of a page that speak of a topic, and where they stand."""

    source: str = ""
    heading: str = ""
    quote: str = ""


@dataclass(frozen=True)
class Covered:
    """A topic with what the pages say about it."""

    topic: Topic
    question: str
    state: State
    probability: float | None
    strength: int
    proof: Proof

    def as_json(self) -> dict[str, Any]:
        """The topic as `coverage --json` prints it."""
        return {
            "id": self.topic.id,
            "title": self.topic.title,
            "group": self.topic.group,
            "question": self.question,
            "state": self.state.value,
            "probability": self.probability,
            "strength": self.strength,
            "source": self.proof.source,
            "heading": self.proof.heading,
            "quote": self.proof.quote,
        }


def cover(
    assistant: Answering, topics: Iterable[Topic], threshold: float, language: str = "en"
) -> Iterator[Covered]:
    """Ask about each topic, and judge what comes of it."""
    for topic in topics:
        question = topic.question.get(language) or topic.question["en"]
        reply = assistant.reply([question])
        yield judged(topic, question, reply, threshold)


def judged(topic: Topic, question: str, reply: Reply, threshold: float) -> Covered:
    """The topic with its state and the best proof, from the reply to its question."""
    value = reply.trace.get("probability")
    probability = None if value is None else float(value)
    passages: Sequence[Mapping[str, Any]] = (reply.trace.get("passages") or ())[:CONSIDERED]
    best = max(passages, key=lambda passage: strength(topic, passage), default=None)
    named = strength(topic, best) if best else 0
    quoted = topic.strength(stemmed(" ".join(f"{c.heading} {c.quote}" for c in reply.citations)))
    if reply.trace.get("decided") == "approved":
        state = State.ANSWERED  # by the recruiting team, if not by a page
    elif reply.outcome is Outcome.ANSWERED:
        state = answered_state(topic, max(named, quoted), probability, threshold)
    else:
        state = refused_state(named, probability, threshold)
    proof = Proof()
    if state is not State.OPEN and reply.outcome is Outcome.ANSWERED and reply.citations:
        first = reply.citations[0]
        proof = Proof(first.source, first.heading or first.title, first.quote)
    elif state is not State.OPEN and best:
        proof = Proof(str(best["source"]), str(best["heading"]), telling(topic, str(best["text"])))
    return Covered(topic, question, state, probability, max(named, quoted), proof)


def answered_state(topic: Topic, about: int, probability: float | None, threshold: float) -> State:
    """How well an answer covers the topic: by its words, or else by how sure the decision was."""
    if about:
        return State.ANSWERED
    if probability is None:
        return State.ANSWERED if topic.group in ABOUT_POSTINGS else State.OPEN
    return State.ANSWERED if probability >= (threshold + 1) / 2 else State.THIN


def refused_state(named: int, probability: float | None, threshold: float) -> State:
    """How well the pages cover a topic that was not answered: by how many of its words they hold."""
    if named >= CLEAR:
        return State.ANSWERED
    touched = probability is not None and probability >= NEAR * threshold
    return State.THIN if named >= STRONG or (named and touched) else State.OPEN


def strength(topic: Topic, passage: Mapping[str, Any]) -> int:
    """How many of the topic's words stand in a passage with its heading."""
    return topic.strength(stemmed(f"{passage.get('heading', '')} {passage.get('text', '')}"))


def telling(topic: Topic, text: str) -> str:
    """The sentence of `text` that names the topic most."""
    return max(sentences(text), key=lambda sentence: topic.strength(stemmed(sentence)), default=text)


def main_language(passages: Iterable[Passage]) -> str:
    """The language to ask in: English where any page speaks it, else what most of them speak."""
    counted = Counter(passage.language for passage in passages if passage.open)
    return "en" if "en" in counted or not counted else counted.most_common(1)[0][0]


def in_groups(covered: Iterable[Covered]) -> dict[str, list[Covered]]:
    """The topics by the title of their group, in the order of `GROUPS`; unknown groups come last."""
    groups: dict[str, list[Covered]] = {name: [] for name in GROUPS}
    for entry in covered:
        groups.setdefault(entry.topic.group, []).append(entry)
    return {GROUPS.get(name, name.capitalize()): entries for name, entries in groups.items() if entries}


def to_write(covered: Iterable[Covered]) -> list[Covered]:
    """The open topics, those that candidates ask about most first."""
    return [
        entry for entries in in_groups(covered).values() for entry in entries if entry.state is State.OPEN
    ]


def as_json(covered: Sequence[Covered], store: str, language: str) -> dict[str, Any]:
    """The coverage of a store as one object."""
    return {
        "store": store,
        "language": language,
        "counts": {state.value: sum(entry.state is state for entry in covered) for state in State},
        "topics": [entry.as_json() for entry in covered],
        "write_next": [entry.topic.id for entry in to_write(covered)],
    }
