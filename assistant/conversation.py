"""What is said in a turn, as plain values: the reply, its citations and its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from knowledge.documents import JobPosting


class Outcome(StrEnum):
    """How a turn ended."""

    ANSWERED = "answered"
    NOT_FOUND = "not_found"
    DECLINED = "declined"
    CHAT = "chat"


@dataclass(frozen=True)
class Citation:
    """Words of a source that an answer rests on.

    `quote` stands word for word in the source; `passage` is the stretch around it and
    `heading` the nearest heading, both for showing the quote where it stands.
    """

    source: str
    title: str
    url: str
    quote: str
    passage: str = ""
    heading: str = ""

    def as_json(self) -> dict[str, str]:
        """The citation as `ask --json` prints it."""
        return {"source": self.source, "title": self.title, "url": self.url, "quote": self.quote}


@dataclass(frozen=True)
class Reply:
    """What the assistant says to a candidate's last words.

    `text` can be read alone; `[1]` in it refers to the first of `citations`. `writer` names what
    wrote it: "extractive" (quotations and facts of the pages), "catalogue" (a fixed sentence), "recruiting team"
    (an approved answer) or
    the language model as "provider:model". `trace` says why the turn went as it did.
    """

    outcome: Outcome
    text: str
    citations: tuple[Citation, ...] = ()
    jobs: tuple[JobPosting, ...] = ()
    suggestions: tuple[str, ...] = ()
    language: str = "en"
    writer: str = "extractive"
    trace: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The reply as `ask --json` prints it, without id and latency."""
        return {
            "status": self.outcome.value,
            "answer": self.text,
            "citations": [citation.as_json() for citation in self.citations],
            "jobs": [job_card(job) for job in self.jobs],
            "writer": self.writer,
        }


def job_card(job: JobPosting) -> dict[str, Any]:
    """What a job card shows of a posting."""
    return {
        "id": job.id,
        "title": job.title,
        "locations": list(job.locations),
        "department": job.department,
        "status": job.status.value,
        "url": job.url,
    }
