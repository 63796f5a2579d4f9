"""What is kept of a turn, whether it came through the API or the full-page chat."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from assistant.conversation import Outcome, Reply
from ui.conversations import Conversations, Turn
from ui.database import DatabaseError
from ui.links import link_to_quote, web_link

log = logging.getLogger(__name__)

TOPIC_LIKELY = 0.45
"""Likeness from which on a question is counted under its topic."""


@dataclass(frozen=True)
class Place:
    """Where a turn stands: its conversation and message, the posting it is about, the language of the page."""

    conversation: str
    message: str
    about: str = ""
    language: str = "en"


class Keeper:
    """Writes turns down. A database that is away stops no answer: the log says what was lost."""

    def __init__(self, conversations: Conversations, assistant: object) -> None:
        self.conversations = conversations
        self.assistant = assistant

    @property
    def days(self) -> int:
        """How long a conversation is kept."""
        return self.conversations.retention.days

    def keep(self, place: Place, question: str, reply: Reply, seconds: float) -> tuple[dict[str, Any], bool]:
        """The reply as a page gets it, and whether it was written down."""
        told = reply_as_json(reply)
        topic, likeness = (reply.trace.get("topics") or [("", 0.0)])[0]
        turn = Turn(
            conversation=place.conversation,
            message=place.message,
            question=question,
            about=place.about,
            language=place.language,
            topic=str(topic) if likeness >= TOPIC_LIKELY else "",
            version=str(getattr(self.assistant, "version", "")),
            milliseconds=round(1000 * seconds),
            reply=told,
        )
        try:
            return self.conversations.record(turn), True
        except (SQLAlchemyError, DatabaseError) as error:
            log.error("A turn could not be stored: %s", str(error).splitlines()[0])
            return told, False

    def forget(self, conversation: str) -> bool:
        """Delete a conversation; False where the database is away."""
        try:
            self.conversations.delete(conversation)
        except SQLAlchemyError as error:
            log.error("A conversation could not be deleted: %s", str(error).splitlines()[0])
            return False
        return True


def reply_as_json(reply: Reply) -> dict[str, Any]:
    """A reply in the shape of `ask --json`, with what a page shows beside it."""
    told = reply.as_json()
    told["citations"] = [
        {
            **citation.as_json(),
            "passage": citation.passage,
            "heading": citation.heading,
            "link": link_to_quote(citation.url, citation.quote),
        }
        for citation in reply.citations
    ]
    told["jobs"] = [{**card, "link": web_link(str(card["url"]))} for card in told["jobs"]]
    return {
        **told,
        "suggestions": list(reply.suggestions),
        "language": reply.language,
        "handover": reply.outcome in (Outcome.NOT_FOUND, Outcome.DECLINED),
    }
