"""What the recruiting team has set right: approved answers, passages left out, words that mean others.

An approved answer stands above all that search finds. Everything here is values; where they are kept, and
who may change them, is the console's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from assistant.conversation import Outcome, Reply
from assistant.phrases import long_date, phrase
from assistant.questions import Question
from assistant.topics import Bank
from knowledge.embedding import Embedder
from knowledge.sentences import words
from knowledge.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME_QUESTION = 0.70
"""Cosine from which on a question is taken for one that the team has answered.

Over 500 of the training pairs, one question in 13,000 of another topic reaches it.
"""

SAME_DESPITE_TERMS = 0.88
"""The same where the question names something, such as "abroad", that the team's wording does not."""

TEAM = "recruiting team"
"""The `writer` of an approved answer."""


@dataclass(frozen=True)
class ApprovedAnswer:
    """The team's answer to a question, put in one or several ways.

    It counts from `valid_from` to `valid_until`, both days included, where they are set. `approved` is the
    day of its last change; `url` a page to read on, `text` the answer in plain words.
    """

    id: str
    questions: tuple[str, ...]
    text: str
    approved: date
    url: str = ""
    valid_from: date | None = None
    valid_until: date | None = None

    def valid(self, on: date) -> bool:
        """Whether it counts on a day."""
        return (self.valid_from or on) <= on <= (self.valid_until or on)


@dataclass(frozen=True)
class Corrections:
    """All corrections in force. `revision` grows with each change to any of them, and is 0 for none.

    `hidden_passages` are ids of passages, `hidden_sources` names of sources; `synonyms` gives for a word or
    phrase of candidates the pages' own.
    """

    revision: int = 0
    answers: tuple[ApprovedAnswer, ...] = ()
    hidden_sources: frozenset[str] = frozenset()
    hidden_passages: frozenset[str] = frozenset()
    synonyms: Mapping[str, str] = field(default_factory=dict)

    def hidden_rows(self, store: Store) -> frozenset[int]:
        """The rows of the passages that no answer may use."""
        if not (self.hidden_sources or self.hidden_passages):
            return frozenset()
        return frozenset(
            row
            for row, passage in enumerate(store.passages)
            if passage.source in self.hidden_sources or passage.id in self.hidden_passages
        )

    def in_pages_words(self, text: str) -> str:
        """The text with the pages' word put behind each word that it is a synonym for."""
        for asked, meant in self.synonyms.items():
            if not re.search(rf"(?<!\w){re.escape(meant)}(?!\w)", text, re.IGNORECASE):
                pattern = rf"(?<!\w)({re.escape(asked)})(?!\w)"
                text = re.sub(pattern, lambda said, to=meant: f"{said[1]} ({to})", text, count=1, flags=re.I)  # type: ignore[misc]
        return text


class ApprovedAnswers:
    """The approved answers, ready to be looked up."""

    def __init__(self, answers: Sequence[ApprovedAnswer], embedder: Embedder, bank: Bank) -> None:
        self.bank = bank
        self.phrasings = [(answer, question) for answer in answers for question in answer.questions]
        self._said = [words(question) for _, question in self.phrasings]
        self._named = [frozenset(bank.named(question)) for _, question in self.phrasings]
        self._vectors: NDArray[np.float32] | None = (
            embedder.embed([question for _, question in self.phrasings]) if self.phrasings else None
        )

    def answer(self, question: Question, on: date | None = None) -> ApprovedAnswer | None:
        """The answer that counts on a day (today) for a question, or None.

        Of several the nearest; a question in the very words of one is always its.
        """
        if self._vectors is None:
            return None
        on = on or date.today()
        vector = question.vector if question.alone is None else question.alone
        likeness = self._vectors @ vector
        said, named, numbers = (
            words(question.text),
            frozenset(self.bank.named(question.text)),
            _numbers(question.text),
        )
        for row in np.argsort(-(likeness + 2.0 * np.array([said == known for known in self._said]))):
            answer, wording = self.phrasings[int(row)]
            if not answer.valid(on):
                continue
            if said == self._said[row]:
                return answer
            needed = SAME_QUESTION if named <= self._named[row] else SAME_DESPITE_TERMS
            if likeness[row] >= needed and numbers == _numbers(wording):
                return answer
        return None


def as_reply(answer: ApprovedAnswer, language: str) -> Reply:
    """What a candidate reads: that the recruiting team says it, since when, and where to read on."""
    said = phrase("approved", language, date=long_date(answer.approved, language))
    text = f"{said}\n\n{answer.text}"
    if answer.url:
        text += f"\n\n{phrase('read_on', language, url=answer.url)}"
    trace = {"correction": answer.id}
    return Reply(Outcome.ANSWERED, text, language=language, writer=TEAM, trace=trace)


def figures_differ(approved: str, pages: str) -> bool:
    """Whether both texts state figures and share none: a sign that they contradict each other."""
    ours, theirs = _numbers(approved), _numbers(pages)
    return bool(ours and theirs and not ours & theirs)


def _numbers(text: str) -> frozenset[str]:
    return frozenset(word for word in words(text) if any(char.isdigit() for char in word))
