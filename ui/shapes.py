"""What the chat API answers, for its OpenAPI description: answers are made elsewhere, and tests hold them to this."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.conversation import Outcome


class Shape(BaseModel):
    """All that an answer has, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class Problem(Shape):
    """Why there is no answer."""

    code: str = Field(
        description="`empty`, `too_long`, `bad_request`, `unknown`, `not_stored`, `busy`, `closing`, "
        "`not_ready`, `handover_failed` or `failed`."
    )
    message: str = Field(description="A plain sentence in English.")
    retry_after: int | None = Field(description="Seconds after which trying again makes sense.")
    reference: str = Field(description="End of the request's id, by which the server's log tells more.")


class CitedWords(Shape):
    """Words that an answer rests on; `[1]` in the answer is the first of them."""

    source: str
    title: str
    url: str
    quote: str = Field(description="Stands word for word in the source.")
    passage: str = Field(description="The stretch around the quote.")
    heading: str
    link: str = Field(description='Web address that opens at the words, or "".')


class JobCard(Shape):
    """What is shown of a posting."""

    id: str
    title: str
    locations: list[str]
    department: str
    status: str = Field(description="`open` or `closed`.")
    url: str
    link: str = Field(description='Web address of the posting, or "".')


class KeptReply(Shape):
    """A reply in the shape of `ask --json`, with what a page shows beside it."""

    status: Outcome
    answer: str
    citations: list[CitedWords]
    jobs: list[JobCard]
    writer: str
    suggestions: list[str] = Field(description="Questions to go on with, each of which is answered.")
    language: str
    handover: bool = Field(description="Whether to offer a person.")


class ChatReply(KeptReply):
    """Data of the event `reply`."""

    conversation: str
    message: str
    stored: bool


class Feedback(Shape):
    """What a candidate thinks of a reply."""

    thumb: Literal["up", "down"]
    reason: Literal["", "wrong", "incomplete", "outdated", "unclear"]
    comment: str


class KeptExchange(Shape):
    """A question with its reply."""

    message: str
    question: str = Field(description="With personal data masked.")
    about: str
    at: str = Field(description="ISO 8601.")
    reply: KeptReply
    feedback: Feedback | None


class Transcript(Shape):
    """A chat so far."""

    id: str
    started: str = Field(description="ISO 8601.")
    expires: str = Field(description="When it is deleted unless it goes on; ISO 8601.")
    exchanges: list[KeptExchange]


class Start(Shape):
    """What a page needs to greet a visitor."""

    company: str
    contact: str
    contact_url: str
    pages: int
    open_jobs: int
    as_of: str | None = Field(description="When the pages were read; ISO 8601.")
    language: str
    starters: list[str]
    retention_days: int = Field(description="0: chats are not stored.")
    stored: bool
    handover: bool = Field(description="Whether a transcript can be sent to a recruiter.")
    question_limit: int = Field(description="Characters of a question.")


class Shown(Shape):
    """A transcript as it would be sent, or was."""

    text: str
    digest: str = Field(description="SHA-256 of the text in hex; sent back, it is the candidate's consent.")
    sent: bool


def answers(good: type[Shape] | None = None, *codes: int) -> dict[int | str, dict[str, Any]]:
    """The responses of an endpoint: `good` with 200, and a `Problem` with 422 and each of `codes`."""
    told: dict[int | str, dict[str, Any]] = {
        code: {"model": Problem, "description": _WHY[code]} for code in sorted({422, *codes})
    }
    if good is not None:
        told[200] = {"model": good}
    return told


_WHY = {
    404: "There is none, or nothing is stored here.",
    422: "The request is malformed.",
    429: "Too many requests, or all places are taken; see Retry-After.",
    502: "It could not be delivered.",
    503: "The server is about to end, or the database is away; see Retry-After.",
}

STREAM = {
    "description": "Server-sent events: `start` (conversation, message), any number of `token` (text), then "
    "`reply`, whose data has the schema `ChatReply`, or `error` (code, retry_after, reference).",
    "content": {
        "text/event-stream": {
            "schema": {"type": "string"},
            "example": 'event: start\ndata: {"conversation": "…", "message": "…"}\n\n'
            'event: token\ndata: {"text": "Up to "}\n\nevent: reply\ndata: {"status": "answered", …}\n\n',
        }
    },
}
"""The answer to a question."""
