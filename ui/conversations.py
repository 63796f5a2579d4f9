"""Conversations as they are kept: in SQLite by default, in PostgreSQL by URL, and no longer than set.

Nothing is written before a candidate's first message, and nothing at all where the retention is 0 days.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from ui.database import Database, DatabaseError
from ui.privacy import masked
from ui.tables import Attention, Conversation, Exchange, Feedback, Forgotten, Handover

_ATTENTION = {"not_found": Attention.NOT_FOUND, "declined": Attention.DECLINED}


@dataclass(frozen=True)
class Turn:
    """One answered question, to be kept. `reply` is what the candidate's page got; `milliseconds` it took.

    `at`: when it was answered, which may be long before it can be written down.
    """

    conversation: str
    message: str
    question: str
    about: str
    language: str
    topic: str
    version: str
    milliseconds: int
    reply: Mapping[str, Any]
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class ForgottenError(RuntimeError):
    """A turn is not kept, since its candidate has deleted the chat."""


class Conversations:
    """The database of conversations. Safe to share between threads, and between processes."""

    def __init__(self, database: Database, retention_days: int) -> None:
        self.database = database
        self.retention = timedelta(days=retention_days)

    # --- a candidate's chat ---------------------------------------------------------------------------

    def record(self, turn: Turn) -> dict[str, Any]:
        """Keep a turn; the reply that is kept, which is an earlier one where the message was answered before.

        Raises `ForgottenError` where the chat was deleted meanwhile.
        """
        kept = Exchange(
            conversation=turn.conversation,
            message=turn.message,
            at=turn.at,
            question=masked(turn.question),
            about=turn.about,
            outcome=str(turn.reply["status"]),
            language=str(turn.reply["language"]),
            topic=turn.topic,
            writer=str(turn.reply["writer"])[:120],
            version=turn.version,
            role=_role(turn.reply)[:200],
            milliseconds=turn.milliseconds,
            attention=_ATTENTION.get(str(turn.reply["status"]), Attention.NONE),
            done=False,
            assignee="",
            reply=dict(turn.reply),
        )
        for _ in range(2):
            try:
                with self.database.writing() as session:
                    self.database.alone(session, turn.conversation)
                    conversation = session.get(Conversation, turn.conversation)
                    if conversation is None:
                        session.add(
                            Conversation(
                                id=turn.conversation,
                                started=turn.at,
                                touched=turn.at,
                                language=turn.language,
                            )
                        )
                        session.flush()
                    else:
                        conversation.touched = max(conversation.touched, turn.at)
                    session.add(kept)
                    session.flush()
                    # Only now: it is with the first change that SQLite lets nobody else write.
                    if session.get(Forgotten, turn.conversation) is not None:
                        raise ForgottenError(f"The chat of message {turn.message} was deleted.")
                return dict(turn.reply)
            except (IntegrityError, StaleDataError):
                # The same message came twice at once, two first messages of one chat did, or it was deleted.
                if (answered := self.answered(turn.conversation, turn.message)) is not None:
                    return answered
                kept = Exchange(**{c.key: getattr(kept, c.key) for c in Exchange.__table__.columns})
        raise DatabaseError(f"Message {turn.message} of {turn.conversation} could not be kept.")

    def answered(self, conversation: str, message: str) -> dict[str, Any] | None:
        """The reply that a message got, or None."""
        with self.database.reading() as session:
            kept = session.get(Exchange, (conversation, message))
            return kept.reply if kept else None

    def transcript(self, conversation: str) -> dict[str, Any] | None:
        """A conversation with all its exchanges, oldest first; None where it is not known (any more)."""
        with self.database.reading() as session:
            kept = session.get(Conversation, conversation)
            if kept is None or kept.touched < self._oldest():
                return None
            return {
                "id": kept.id,
                "started": kept.started.isoformat(timespec="seconds"),
                "expires": (kept.touched + self.retention).isoformat(timespec="seconds"),
                "exchanges": [_exchange(exchange) for exchange in kept.exchanges],
            }

    def rate(self, conversation: str, message: str, thumb: str, reason: str, comment: str) -> bool:
        """Keep what a candidate thinks of a reply, in place of what was kept before; False if it is unknown.

        `thumb` is "up", "down" or "", which takes the rating back.
        """
        with self.database.writing() as session:
            exchange = session.get(Exchange, (conversation, message))
            if exchange is None:
                return False
            exchange.attention = (
                Attention.THUMBS_DOWN if thumb == "down" else self._unrated(session, exchange)
            )
            if thumb == "down":
                exchange.done = False
            session.execute(
                delete(Feedback).where(Feedback.conversation == conversation, Feedback.message == message)
            )
            if thumb:
                session.add(
                    Feedback(
                        conversation=conversation,
                        message=message,
                        at=datetime.now(UTC),
                        thumb=thumb,
                        reason=reason,
                        comment=masked(comment),
                    )
                )
            return True

    def handed_over(self, conversation: str, digest: str) -> None:
        """Note that a transcript was sent; not of a chat that was deleted meanwhile."""
        with self.database.writing() as session:
            if session.get(Conversation, conversation) is None:
                return
            session.add(Handover(conversation=conversation, at=datetime.now(UTC), digest=digest))
            last = select(Exchange).where(Exchange.conversation == conversation)
            if exchange := session.scalar(last.order_by(Exchange.at.desc(), Exchange.message).limit(1)):
                exchange.attention = max(exchange.attention, Attention.HANDED_OVER)
                exchange.done = False

    def was_handed_over(self, conversation: str, digest: str) -> bool:
        """Whether exactly this was sent already: a repeated request must not send it twice."""
        asked = select(Handover.id).where(Handover.conversation == conversation, Handover.digest == digest)
        with self.database.reading() as session:
            return session.scalar(asked.limit(1)) is not None

    def delete(self, conversation: str) -> None:
        """Delete a conversation with all that belongs to it, for good: no turn of it is kept any more."""
        with self.database.writing() as session:
            self.database.alone(session, conversation)
            session.execute(delete(Conversation).where(Conversation.id == conversation))
            session.merge(Forgotten(id=conversation, at=datetime.now(UTC)))
        self.database.empty_log()

    def expire(self) -> int:
        """Delete the conversations that have been kept long enough; how many there were."""
        with self.database.writing() as session:
            session.execute(delete(Forgotten).where(Forgotten.at < self._oldest()))
            found = session.execute(delete(Conversation).where(Conversation.touched < self._oldest()))
            count = int(getattr(found, "rowcount", 0))
        self.database.empty_log()
        return count

    @staticmethod
    def _unrated(session: Session, exchange: Exchange) -> int:
        """The attention that an exchange needs when its rating is left aside."""
        own = _ATTENTION.get(exchange.outcome, Attention.NONE)
        sent = select(Handover.id).where(Handover.conversation == exchange.conversation).limit(1)
        return max(own, Attention.HANDED_OVER) if session.scalar(sent) else own

    def _oldest(self) -> datetime:
        return datetime.now(UTC) - self.retention


def new_id() -> str:
    """An id for a conversation: 128 random bits as 32 hex digits."""
    return secrets.token_hex(16)


def _role(reply: Mapping[str, Any]) -> str:
    """The title of the one role that a reply is about; a list of openings is about none."""
    titles = {str(job["title"]) for job in reply.get("jobs", ())}
    return titles.pop() if len(titles) == 1 else ""


def _exchange(kept: Exchange) -> dict[str, Any]:
    rated = kept.feedback
    return {
        "message": kept.message,
        "question": kept.question,
        "about": kept.about,
        "at": kept.at.isoformat(timespec="seconds"),
        "reply": kept.reply,
        "feedback": {"thumb": rated.thumb, "reason": rated.reason, "comment": rated.comment}
        if rated
        else None,
    }


def _plain(answer: str) -> str:
    """An answer's text without the marks that only a page makes something of."""
    return re.sub(r"\*\*(\S(?:.*?\S)?)\*\*", r"\1", answer)


def as_text(transcript: Mapping[str, Any]) -> str:
    """A transcript as plain text, for a person to read."""
    parts = []
    for exchange in transcript["exchanges"]:
        sources = [
            f"  [{n}] {c['title']} {c['url']}" for n, c in enumerate(exchange["reply"]["citations"], 1)
        ]
        parts.append(
            "\n".join([f"Q: {exchange['question']}", f"A: {_plain(exchange['reply']['answer'])}", *sources])
        )
    return "\n\n".join(parts)


__all__ = ["Conversations", "ForgottenError", "Turn", "as_text", "new_id"]
