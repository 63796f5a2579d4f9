"""Replies put together: from pieces as they come, from several questions of one message, and with their trace."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from assistant.conversation import Citation, Outcome, Reply
from assistant.decision import Found
from assistant.questions import Question
from assistant.role_replies import RoleMemory
from assistant.steps import Stopwatch

Result = TypeVar("Result")
Pieces = Generator[str, None, Result]
"""Text as it becomes ready to be shown, and what comes of it in the end."""


@dataclass(frozen=True)
class Memory:
    """What a turn leaves for the next: what was asked, and which roles it was about.

    `question` is the last one made whole, `asked` the last ones in the candidate's own words.
    """

    question: str = ""
    language: str = ""
    roles: RoleMemory = field(default_factory=RoleMemory)
    rows: tuple[int, ...] = ()
    asked: tuple[str, ...] = ()


def told(pieces: Pieces[tuple[Reply, Memory]], before: Sequence[Reply] = ()) -> Pieces[tuple[Reply, Memory]]:
    """The pieces as they stand behind the replies `before`; of a reply that came in none, its words."""
    shift = sum(len(reply.citations) for reply in before)
    gap = "\n\n" if before else ""
    silent = True
    with closing(pieces):
        while True:
            try:
                piece = next(pieces)
            except StopIteration as end:
                result: tuple[Reply, Memory] = end.value
                break
            yield gap + renumbered(piece, shift)
            silent, gap = False, ""
    text = result[0].text
    if silent and text not in {reply.text for reply in before}:
        for word in re.findall(r"\S+\s*", renumbered(text, shift)):
            yield gap + word
            gap = ""
    return result


def joined(replies: Sequence[Reply]) -> Reply:
    """Several replies to one message as one, its citations numbered through."""
    order = (Outcome.ANSWERED, Outcome.NOT_FOUND, Outcome.DECLINED, Outcome.CHAT)
    outcome = min((reply.outcome for reply in replies), key=order.index)
    texts: list[str] = []
    citations: list[Citation] = []
    for reply in replies:
        texts.append(renumbered(reply.text, len(citations)))
        citations.extend(reply.citations)
    jobs = {job.id: job for reply in replies for job in reply.jobs}
    failed = [str(reply.trace["fallback"]) for reply in replies if reply.trace.get("fallback")]
    writers = dict.fromkeys(reply.writer for reply in replies)
    return replace(
        replies[-1],
        outcome=outcome,
        writer=" + ".join(writers),
        trace={**replies[-1].trace, **({"fallback": "; ".join(failed)} if failed else {})},
        text="\n\n".join(dict.fromkeys(texts)),
        citations=tuple(citations),
        jobs=tuple(jobs.values()),
    )


def renumbered(text: str, shift: int) -> str:
    """The text with each reference "[n]" raised by `shift`."""
    return re.sub(r"\[(\d+)\]", lambda match: f"[{int(match[1]) + shift}]", text)


def traced(
    reply: Reply,
    question: Question,
    watch: Stopwatch,
    decided: str,
    found: Found | None = None,
    more: Mapping[str, Any] | None = None,
) -> Reply:
    """The reply with why the turn went as it did, for reports and the recruiter's console.

    `decided`: what settled it: "approved", "refused", "roles" (the postings' records) or "searched".
    """
    why = {
        "decided": decided,
        "standalone": question.standalone,
        "before": question.before,
        "answer_type": question.answer_type.value,
        "topics": [(topic.id, round(likeness, 3)) for topic, likeness in question.topics],
        "steps": watch.steps,
        **(more or {}),
    }
    if found is not None:
        why |= {
            "probability": round(found.probability, 3),
            "features": {name: round(value, 3) for name, value in found.features.items()},
            "passages": [
                {
                    "id": entry.hit.passage.id,
                    "relevance": round(entry.relevance, 3),
                    "dense": round(entry.hit.dense, 3),
                    "keyword": round(entry.hit.keyword, 3),
                    "source": entry.hit.passage.source,
                    "heading": entry.hit.passage.heading,
                    "text": entry.hit.passage.text,
                }
                for entry in found.evidence[:20]
            ],
        }
    return replace(reply, trace={**why, **reply.trace})
