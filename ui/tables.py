"""The tables of the database, as values: conversations, review, accounts, golden questions, corrections."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Utc(TypeDecorator[datetime]):
    """A moment in UTC; SQLite would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment with its zone."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    """All tables; constraints have names, so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


# --- conversations ------------------------------------------------------------------------------------


class Attention(IntEnum):
    """How much an exchange needs a recruiter's eye; the highest comes first in the review."""

    NONE = 0
    DECLINED = 1
    HANDED_OVER = 2
    NOT_FOUND = 3
    THUMBS_DOWN = 4


class Conversation(Base):
    """One candidate's chat. `id` is 128 random bits: whoever knows it is the candidate."""

    __tablename__ = "conversation"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    started: Mapped[datetime] = mapped_column(Utc, index=True)
    touched: Mapped[datetime] = mapped_column(Utc, index=True)
    language: Mapped[str] = mapped_column(String(16))
    exchanges: Mapped[list[Exchange]] = relationship(
        order_by="Exchange.at, Exchange.message", passive_deletes=True
    )


class Exchange(Base):
    """A question, with personal data masked, and the reply to it as the candidate got it.

    `about`: id of the posting that was chosen; `role`: title of the one role that the reply is about.
    `attention`: how much a recruiter's eye is needed, see `Attention`; `done` and `assignee` are of the review.
    """

    __tablename__ = "exchange"

    conversation: Mapped[str] = mapped_column(
        ForeignKey("conversation.id", ondelete="CASCADE"), primary_key=True
    )
    message: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime] = mapped_column(Utc, index=True)
    question: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(16), index=True)
    language: Mapped[str] = mapped_column(String(16), index=True)
    topic: Mapped[str] = mapped_column(String(80), index=True)
    writer: Mapped[str] = mapped_column(String(120))
    version: Mapped[str] = mapped_column(String(32))
    role: Mapped[str] = mapped_column(String(200))
    milliseconds: Mapped[int]
    attention: Mapped[int]
    done: Mapped[bool]
    assignee: Mapped[str] = mapped_column(String(120), index=True)
    reply: Mapped[dict[str, Any]] = mapped_column(JSON)
    feedback: Mapped[Feedback | None] = relationship(passive_deletes=True)
    __table_args__ = (
        # In the order of the review; `done` last, so that all of them come in this order as quickly as the open ones.
        Index("ix_exchange_review", "attention", "at", "done"),
        # The figures of a month read this index alone, and not the replies.
        Index("ix_exchange_figures", "at", "language", "outcome", "topic", "role", "milliseconds"),
    )


class Feedback(Base):
    """What a candidate thinks of one reply."""

    __tablename__ = "feedback"

    conversation: Mapped[str] = mapped_column(String(32), primary_key=True)
    message: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime] = mapped_column(Utc, index=True)
    thumb: Mapped[str] = mapped_column(String(4), index=True)
    reason: Mapped[str] = mapped_column(String(16))
    comment: Mapped[str] = mapped_column(Text)
    __table_args__ = (
        ForeignKeyConstraint(
            ["conversation", "message"], ["exchange.conversation", "exchange.message"], ondelete="CASCADE"
        ),
    )


class Handover(Base):
    """That a candidate had the transcript sent to a recruiter; what was sent is not kept here."""

    __tablename__ = "handover"

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation: Mapped[str] = mapped_column(ForeignKey("conversation.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(Utc, index=True)
    digest: Mapped[str] = mapped_column(String(64))


class Forgotten(Base):
    """A chat that its candidate has deleted, by its id alone: no answer that is still under way is kept of it."""

    __tablename__ = "forgotten"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime] = mapped_column(Utc, index=True)


# --- staff --------------------------------------------------------------------------------------------


class Account(Base):
    """Somebody who may sign in to the console. `name` is a mail address, in small letters.

    `role` is "viewer", "editor" or "admin"; `password` an argon2 hash, "" before one is chosen;
    `subject` who that is for the OpenID provider, "" before the first sign-in through it.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    role: Mapped[str] = mapped_column(String(8))
    password: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(255), index=True)
    created: Mapped[datetime] = mapped_column(Utc)


class SignIn(Base):
    """A session of the console. `token` is the SHA-256 of what the cookie holds."""

    __tablename__ = "sign_in"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    account: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(Utc)
    seen: Mapped[datetime] = mapped_column(Utc, index=True)


class Invitation(Base):
    """A link that is good once: to set the console up (`account` is null), or to choose a password."""

    __tablename__ = "invitation"

    token: Mapped[str] = mapped_column(String(64), primary_key=True)
    account: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    expires: Mapped[datetime] = mapped_column(Utc)


class Action(Base):
    """What somebody of the staff did: the audit log."""

    __tablename__ = "action"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Utc, index=True)
    account: Mapped[str] = mapped_column(String(120))
    what: Mapped[str] = mapped_column(String(40))
    on: Mapped[str] = mapped_column(Text)


# --- golden questions ---------------------------------------------------------------------------------


class GoldenQuestion(Base):
    """A question with what a right reply must hold; `line` as in a JSON-lines file of golden questions."""

    __tablename__ = "golden_question"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    line: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(Utc)
    by: Mapped[str] = mapped_column(String(120))


class GoldenRun(Base):
    """All golden questions asked once. `state` is "running", "finished", "stopped" or "failed".

    `trigger`: "ingest:" and the store's version for a run that came by itself, of which there is one only
    however many processes serve; null for one that somebody started.
    """

    __tablename__ = "golden_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Utc, index=True)
    by: Mapped[str] = mapped_column(String(120))
    trigger: Mapped[str | None] = mapped_column(String(60), unique=True)
    version: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(10))
    asked: Mapped[int]
    right: Mapped[int]


class GoldenResult(Base):
    """How one question of a run went; `why` names what was wrong, "" where it was right."""

    __tablename__ = "golden_result"

    run: Mapped[int] = mapped_column(ForeignKey("golden_run.id", ondelete="CASCADE"), primary_key=True)
    question: Mapped[str] = mapped_column(String(80), primary_key=True)
    right: Mapped[bool]
    why: Mapped[str] = mapped_column(Text)
    asked: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)


# --- corrections --------------------------------------------------------------------------------------


class CorrectionChange(Base):
    """One version of a correction; the newest one counts. `revision` grows with every change to any.

    `kind` is "answer", "hidden_source", "hidden_passage" or "synonym"; `content` null where it was removed.
    """

    __tablename__ = "correction_change"

    revision: Mapped[int] = mapped_column(primary_key=True)
    correction: Mapped[str] = mapped_column(String(32), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    content: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    at: Mapped[datetime] = mapped_column(Utc)
    by: Mapped[str] = mapped_column(String(120))
    what: Mapped[str] = mapped_column(String(16))
