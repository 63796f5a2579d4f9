"""Conversations of the past, for the tests of the review and of the figures."""

from __future__ import annotations

from datetime import UTC, datetime

from ui.database import Database
from ui.tables import Attention, Conversation, Exchange, Feedback, Handover

MONDAY = datetime(2026, 6, 1, 12, tzinfo=UTC)
NEEDS = {"not_found": Attention.NOT_FOUND, "declined": Attention.DECLINED}


def had(
    database: Database,
    message: str,
    question: str = "Is there a nursery?",
    *,
    chat: str = "c1",
    at: datetime = MONDAY,
    outcome: str = "answered",
    topic: str = "nursery",
    language: str = "en",
    thumb: str = "",
    role: str = "",
    milliseconds: int = 42,
    handed_over: bool = False,
) -> None:
    """Let an exchange have taken place."""
    attention = NEEDS.get(outcome, Attention.NONE)
    attention = (
        Attention.THUMBS_DOWN if thumb == "down" else Attention.HANDED_OVER if handed_over else attention
    )
    with database.writing() as session:
        if session.get(Conversation, chat) is None:
            session.add(Conversation(id=chat, started=at, touched=at, language=language))
            session.flush()
        session.add(
            Exchange(
                conversation=chat, message=message, at=at, question=question, about="", outcome=outcome,
                language=language, topic=topic, writer="extractive", version="1", role=role,
                milliseconds=milliseconds, attention=attention, done=False, assignee="",
                reply={"status": outcome, "answer": f"About {message}.", "citations": []},
            )
        )  # fmt: skip
        session.flush()
        if thumb:
            rated = Feedback(
                conversation=chat, message=message, at=at, thumb=thumb, reason="wrong", comment="No."
            )
            session.add(rated)
        if handed_over:
            session.add(Handover(conversation=chat, at=at, digest="d"))
