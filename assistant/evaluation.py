"""Golden questions in, a measured report out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HEDGES = (
    "confirm",
    "unclear",
    "doesn't say",
    "does not say",
    "can't tell",
    "cannot tell",
    "not stated",
    "every listing",
    "all listings",
    "each listing",
    "every role",
    "couldn't find",
    "could not find",
)
"""Ways to say that something cannot be told from the page."""

MAX_WORDS = 160
MAX_WORDS_JOBS = 260


class QuestionsError(ValueError):
    """A file of golden questions cannot be used; the message names the line and what is wrong."""


@dataclass(frozen=True)
class GoldenQuestion:
    """A question with what a right reply must hold.

    `expect` is answer, not_found, decline or chat. `all_of` holds groups of alternatives of which
    the answer must hold one each, `none_of` what it must not hold; a citation must quote (part of)
    one of `evidence`.
    """

    id: str
    turns: tuple[str, ...]
    expect: str
    kind: str = ""
    topic: str = ""
    all_of: tuple[tuple[str, ...], ...] = ()
    none_of: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def answerable(self) -> bool:
        """Whether an answer is expected."""
        return self.expect == "answer"


@dataclass(frozen=True)
class Judgement:
    """Whether a reply is right, and why not."""

    right: bool
    why: str = field(default="")


def judge(item: GoldenQuestion, reply: Mapping[str, Any]) -> Judgement:
    """Judge a reply in the shape of `ask --json` by the rules of the golden questions."""
    status, answer = reply.get("status"), reply.get("answer") or ""
    for bad in item.none_of:
        if holds(answer, bad):
            return Judgement(False, f"holds {bad!r}")
    if item.kind == "unverified-label":
        good = status in ("not_found", "declined") or any(holds(answer, hedge) for hedge in HEDGES)
        return Judgement(good, "" if good else "states an unverified label as a fact")
    if item.expect in ("not_found", "decline"):
        good = status in ("not_found", "declined")
        return Judgement(good, "" if good else f"status {status}, should not answer")
    if item.expect == "chat":
        return Judgement(status == "chat", "" if status == "chat" else f"status {status}, should be chat")
    return _judge_answer(item, str(status), answer, reply)


def _judge_answer(item: GoldenQuestion, status: str, answer: str, reply: Mapping[str, Any]) -> Judgement:
    lenient = item.kind in ("negation", "closed")
    if status != "answered" and not (lenient and status == "not_found"):
        return Judgement(False, f"status {status}, should answer")
    for group in item.all_of:
        if not any(holds(answer, needle) for needle in group):
            return Judgement(False, f"misses {list(group)}")
    limit = MAX_WORDS_JOBS if item.kind == "jobs" else MAX_WORDS
    if len(answer.split()) > limit:
        return Judgement(False, f"{len(answer.split())} words, over {limit}")
    if not lenient and item.evidence and not cited(item, reply):
        return Judgement(False, "right words, but no citation shows the evidence")
    return Judgement(True)


def cited(item: GoldenQuestion, reply: Mapping[str, Any]) -> bool:
    """Whether a citation quotes (part of) the evidence."""
    quotes = [citation.get("quote") or "" for citation in reply.get("citations", [])]
    return any(overlaps(quote, snippet) for quote in quotes for snippet in item.evidence)


def normalised(text: str) -> str:
    """Lower-case words of a text, without Markdown, punctuation or quotation style."""
    text = re.sub(r"\]\([^)]*\)", " ", text)
    text = text.replace("’", "'").replace("‘", "'").lower()
    return re.sub(r"[^\w$%+]+", " ", text).strip()


def overlaps(quote: str, snippet: str) -> bool:
    """Whether a quote shows the snippet, the snippet the quote, or they share most of its words."""
    q, s = normalised(quote), normalised(snippet)
    if not q or not s:
        return False
    if s in q or (q in s and len(q.split()) >= 3):
        return True
    wanted = s.split()
    present = set(q.split())
    return sum(word in present for word in wanted) / len(wanted) >= 0.8


def holds(answer: str, needle: str) -> bool:
    """Whether the answer holds the needle, whatever the case, apostrophe or bold marks."""
    return needle.replace("’", "'").lower() in answer.replace("’", "'").replace("**", "").lower()


def read_questions(path: Path) -> list[GoldenQuestion]:
    """The golden questions of a JSONL file; `QuestionsError` names the line that is wrong."""
    questions = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            try:
                questions.append(question_of(json.loads(line)))
            except (ValueError, TypeError, KeyError) as error:
                raise QuestionsError(f"{path.name}, line {number}: {error!r} in {line.strip()[:60]}") from error
    if not questions:
        raise QuestionsError(f"{path} holds no questions.")
    return questions


def question_of(data: Mapping[str, Any]) -> GoldenQuestion:
    """A golden question from its JSON object."""
    if data["expect"] not in ("answer", "not_found", "decline", "chat"):
        raise ValueError(f"expect is {data['expect']!r}, not answer, not_found, decline or chat")
    return GoldenQuestion(
        id=str(data["id"]),
        turns=tuple(_texts(data["turns"])),
        expect=data["expect"],
        kind=data.get("kind", ""),
        topic=data.get("topic", ""),
        all_of=tuple(tuple(_texts(group)) for group in data.get("all_of", ())),
        none_of=tuple(_texts(data.get("none_of", ()))),
        evidence=tuple(_texts(data.get("evidence", ()))),
    )


def _texts(values: Iterable[Any]) -> Sequence[str]:
    if isinstance(values, str):
        raise TypeError(f"{values!r} is a text, not a list of texts")
    return [str(value) for value in values]
