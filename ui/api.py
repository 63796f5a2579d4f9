"""The chat as an API: what the widget's page, or a page of your own, asks over HTTP.

No replica remembers a chat: each request holds the candidate's messages so far, and the answer is worked out
from them alone. What is kept, is kept in the database, for the candidate's reload and for recruiters.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from assistant.conversation import Reply
from knowledge.settings import Settings
from knowledge.store import StoreError
from ui.candidate import QUESTION_LIMIT, Answering
from ui.conversations import Conversations, new_id
from ui.handover import Courier, HandoverError, letter
from ui.keeping import Keeper, Place, reply_as_json
from ui.limits import Limits
from ui.links import contact_address
from ui.refusals import RefusedError
from ui.request_ids import reference
from ui.shapes import STREAM, Shown, Start, Transcript, answers
from ui.telemetry import Telemetry, TurnInWork
from ui.turns import Running, Turns

TURNS = 20
"""Messages of a candidate, the last one included, that a reply is worked out from."""

RETRY = 5
"""Seconds after which a question may be asked again that the knowledge was not there for."""

NOT_READY = f"The pages cannot be searched at the moment. Try again in {RETRY} seconds."

STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

log = logging.getLogger(__name__)

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
PathId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="32 hex digits.")]


class Body(BaseModel):
    """What a request holds; anything else is refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Ask(Body):
    """A candidate's message, with those before it."""

    conversation: Id | None = Field(None, description="The chat's id, 128 random bits; null begins one.")
    message: Id = Field(description="An id of your own, so that asking again is no second message.")
    turns: list[Annotated[str, StringConstraints(max_length=4 * QUESTION_LIMIT)]] = Field(
        min_length=1, max_length=4 * TURNS, description="The candidate's messages, oldest first."
    )
    about: str = Field("", max_length=400, description="Id of the posting that is asked about, if one is.")
    language: str = Field("en", max_length=16, description="Language of the page.")


class Rating(Body):
    """What a candidate thinks of a reply; a `thumb` of null takes it back."""

    thumb: Literal["up", "down"] | None
    reason: Literal["wrong", "incomplete", "outdated", "unclear"] | None = None
    comment: str = Field("", max_length=500)


class Letters(Body):
    """A wish to have the transcript sent; without `digest` it is only shown what would be sent."""

    note: str = Field("", max_length=1000)
    reply_to: str = Field("", max_length=200, description="Mail address or phone number.")
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None


class Chat:
    """What the endpoints share: the assistant, what keeps its turns, and the places for them."""

    def __init__(
        self,
        assistant: Answering,
        keeper: Keeper | None,
        settings: Settings,
        turns: Turns,
        telemetry: Telemetry,
    ) -> None:
        self.assistant = assistant
        self.keeper = keeper
        self.settings = settings
        self.turns = turns
        self.telemetry = telemetry
        self.courier = Courier(settings)

    @property
    def can_hand_over(self) -> bool:
        """Whether a transcript can be sent to a recruiter."""
        return bool(self.courier) and self.keeper is not None

    def stored(self) -> Conversations:
        """The database; `RefusedError` where conversations are not stored."""
        return self.kept_by().conversations

    def kept_by(self) -> Keeper:
        """What keeps the turns; `RefusedError` where conversations are not stored."""
        if self.keeper is None:
            raise RefusedError(404, "not_stored", "Conversations are not stored here.")
        return self.keeper

    # --- a turn -----------------------------------------------------------------------------------------

    def begin(self, ask: Ask) -> AsyncIterator[str]:
        """Begin to answer, in a place that was taken; the answer as server-sent events."""
        return self._events(ask, self.turns.run(self.telemetry.watched("api", partial(self._answer, ask))))

    @staticmethod
    async def _events(ask: Ask, running: Running[tuple[str, dict[str, Any]]]) -> AsyncIterator[str]:
        yield _event("start", {"conversation": ask.conversation, "message": ask.message})
        try:
            async with contextlib.aclosing(running.batches()) as batches:
                async for batch in batches:
                    yield "".join(_event(*event) for event in batch) or ": .\n\n"
        except StoreError as error:
            # Worth trying again: the Chroma server is away, or the next ingest mends what is damaged.
            log.error("A question could not be answered: %s", error)
            yield _event(
                "error",
                {"code": "not_ready", "message": NOT_READY, "retry_after": RETRY, "reference": reference()},
            )
        except Exception:
            # A candidate never sees a traceback; whoever runs the chat finds it in the log.
            log.exception("A question could not be answered.")
            yield _event("error", {"code": "failed", "retry_after": None, "reference": reference()})

    def _answer(self, ask: Ask, turn: TurnInWork) -> Iterator[tuple[str, dict[str, Any]]]:
        """Pieces of the text, then the reply, which is in the database by then."""
        assert ask.conversation is not None
        if self.keeper and (known := self.keeper.answered(ask.conversation, ask.message)):
            turn.repeated(str(known[0].get("status", "")), str(known[0].get("writer", "")))
            yield "reply", self._told(*known, ask)
            return
        started = time.perf_counter()
        # Left behind, the stream is closed, and with it what a language model is still writing.
        for piece in self.assistant.stream(ask.turns[-TURNS:], ask.about):
            if isinstance(piece, str):
                turn.speaks()
                yield "token", {"text": piece}
                continue
            told, stored = self._kept(ask, piece, time.perf_counter() - started)
            turn.replied(piece, stored if self.keeper else None)
            yield "reply", self._told(told, stored, ask)
            return
        raise RuntimeError("The assistant's stream ended without a reply.")

    def _kept(self, ask: Ask, reply: Reply, seconds: float) -> tuple[dict[str, Any], bool]:
        """The reply as it is told, and whether it was stored: a database that is away stops no answer."""
        assert ask.conversation is not None
        if self.keeper is None:
            return reply_as_json(reply), False
        place = Place(ask.conversation, ask.message, ask.about, ask.language)
        return self.keeper.keep(place, ask.turns[-1], reply, seconds)

    @staticmethod
    def _told(reply: dict[str, Any], stored: bool, ask: Ask) -> dict[str, Any]:
        return {**reply, "conversation": ask.conversation, "message": ask.message, "stored": stored}


def chat_api(
    assistant: Answering,
    keeper: Keeper | None,
    settings: Settings,
    limits: Limits,
    turns: Turns,
    telemetry: Telemetry,
) -> APIRouter:
    """The endpoints under `/api`. `keeper` is None where conversations are not to be stored."""
    router = APIRouter(prefix="/api", tags=["chat"])
    chat = Chat(assistant, keeper, settings, turns, telemetry)

    @router.get("/start", response_model=None, responses=answers(Start))
    def start(language: Annotated[str, Query(max_length=16)] = "en") -> dict[str, Any]:
        """What a page needs to greet a visitor: whose assistant it is, and questions to start from."""
        summary = assistant.summary
        return {
            "company": settings.company,
            "contact": settings.contact,
            "contact_url": contact_address(settings.contact),
            "pages": summary.pages,
            "open_jobs": summary.open_jobs,
            "as_of": summary.as_of.isoformat() if summary.as_of else None,
            "language": language,
            "starters": list(assistant.starters(4, language[:2].lower())),
            "retention_days": settings.retention_days if keeper else 0,
            "stored": keeper is not None,
            "handover": chat.can_hand_over,
            "question_limit": QUESTION_LIMIT,
        }

    @router.post(
        "/chat",
        response_class=StreamingResponse,
        responses={**answers(None, 429, 503), 200: STREAM},
    )
    async def ask(body: Ask, request: Request) -> Response:
        """Answer the last of the candidate's messages, as a stream of server-sent events.

        `start`, any number of `token` with a piece of the text each, then `reply`, whose `answer` is what
        counts; or `error`.
        """
        body = _checked(body)
        if wait := await asyncio.to_thread(limits.ask, body.conversation or "", _address_of(request)):
            telemetry.metrics.refused("limit")
            raise _too_often(wait)
        if refusal := turns.enter():
            code = "closing" if refusal.closing else "busy"
            telemetry.metrics.refused(code)
            # 503 is for a replica that cannot answer, so that a load balancer asks another one and leaves it alone;
            # one that has only much to do must not lose its visitors for that.
            raise RefusedError(503 if refusal.closing else 429, code, refusal.message, refusal.seconds)
        return StreamingResponse(chat.begin(body), media_type="text/event-stream", headers=STREAM_HEADERS)

    @router.get("/conversations/{conversation}", response_model=None, responses=answers(Transcript, 404, 503))
    def transcript(conversation: PathId) -> dict[str, Any]:
        """The chat so far, with personal data in the questions masked."""
        found = chat.stored().transcript(conversation)
        if found is None:
            raise RefusedError(404, "unknown", "There is no such conversation; it may have been deleted.")
        return found

    @router.delete("/conversations/{conversation}", status_code=204, responses=answers(None, 404, 429, 503))
    def forget(conversation: PathId, request: Request) -> None:
        """Delete a chat with all that belongs to it, for good; also right where there is none (yet)."""
        keeper = chat.kept_by()
        if wait := limits.forget(_address_of(request)):
            raise _too_often(wait)
        keeper.delete(conversation)

    @router.put(
        "/conversations/{conversation}/messages/{message}/feedback",
        status_code=204,
        responses=answers(None, 404, 503),
    )
    def rate(conversation: PathId, message: PathId, body: Rating) -> None:
        """Say what the candidate thinks of a reply, in place of what was said before."""
        kept = chat.stored().rate(
            conversation, message, body.thumb or "", body.reason or "", body.comment if body.thumb else ""
        )
        if not kept:
            raise RefusedError(404, "unknown", "There is no such message; it may have been deleted.")

    @router.post(
        "/conversations/{conversation}/handover",
        response_model=None,
        responses={
            **answers(Shown, 404, 429, 502, 503),
            202: {"model": Shown, "description": "It was sent."},
            409: {"model": Shown, "description": "The chat has gone on: the new text, not sent."},
        },
    )
    def hand_over(
        conversation: PathId, body: Letters, request: Request, response: Response
    ) -> dict[str, Any]:
        """Send the transcript to a recruiter: first shown (200), then, with the digest of that, sent (202)."""
        if not chat.can_hand_over:
            raise RefusedError(404, "not_stored", "Transcripts cannot be sent from here.")
        database = chat.stored()
        found = database.transcript(conversation)
        if found is None:
            raise RefusedError(404, "unknown", "There is no such conversation; it may have been deleted.")
        sent = letter(found, body.note, body.reply_to)
        told = {"text": sent.text, "digest": sent.digest}
        if body.digest is None:
            return {**told, "sent": False}
        if body.digest != sent.digest:
            response.status_code = 409
            return {**told, "sent": False}
        if not database.was_handed_over(conversation, sent.digest):
            if wait := limits.send(conversation, _address_of(request)):
                raise _too_often(wait)
            try:
                chat.courier.deliver(sent)
            except HandoverError:
                raise RefusedError(
                    502, "handover_failed", "It could not be sent just now. Try again later.", 30
                ) from None
            database.handed_over(conversation, sent.digest)
        response.status_code = 202
        return {**told, "sent": True}

    return router


def _address_of(request: Request) -> str:
    """Where a request comes from, "" where that is not known."""
    return request.client.host if request.client else ""


def _too_often(seconds: int) -> RefusedError:
    """What whoever is beyond a limit is told."""
    return RefusedError(429, "busy", f"That was a lot at once. Try again in {seconds} seconds.", seconds)


def _checked(ask: Ask) -> Ask:
    """The request with an id for its chat; `RefusedError` where its question is none."""
    question = ask.turns[-1].strip()
    if not question:
        raise RefusedError(422, "empty", "There is no question in it.")
    if len(question) > QUESTION_LIMIT:
        raise RefusedError(
            422,
            "too_long",
            f"The question has {len(question):,} characters; the limit is {QUESTION_LIMIT:,}.",
        )
    return ask.model_copy(update={"conversation": ask.conversation or new_id()})


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


__all__ = ["Chat", "RefusedError", "chat_api"]
