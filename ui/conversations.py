"""Conversations as they are kept: in SQLite by default, in PostgreSQL by URL, and no longer than set.

Nothing is written before a candidate's first message, and nothing at all where the retention is 0 days.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Engine,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    String,
    Text,
    TypeDecorator,
    create_engine,
    delete,
    event,
    select,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from knowledge.settings import Settings
from ui.privacy import masked

MIGRATIONS = Path(__file__).with_name("migrations")
WAIT = 5.0  # seconds that one process waits for another to finish writing


class ConversationError(RuntimeError):
    """The database cannot be used; the message names it and the next step."""


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
    """A question, with personal data masked, and the reply to it as the candidate got it."""

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
    milliseconds: Mapped[int]
    reply: Mapped[dict[str, Any]] = mapped_column(JSON)
    feedback: Mapped[Feedback | None] = relationship(passive_deletes=True)


class Feedback(Base):
    """What a candidate thinks of one reply."""

    __tablename__ = "feedback"

    conversation: Mapped[str] = mapped_column(String(32), primary_key=True)
    message: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime] = mapped_column(Utc)
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
    at: Mapped[datetime] = mapped_column(Utc)
    digest: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True)
class Turn:
    """One answered question, to be kept. `reply` is what the candidate's page got; `milliseconds` it took."""

    conversation: str
    message: str
    question: str
    about: str
    language: str
    topic: str
    version: str
    milliseconds: int
    reply: Mapping[str, Any]


class Conversations:
    """The database of conversations. Safe to share between threads, and between processes."""

    def __init__(self, engine: Engine, retention_days: int) -> None:
        self.engine = engine
        self.retention = timedelta(days=retention_days)

    @classmethod
    def open(cls, url: str, retention_days: int) -> Conversations:
        """Open the database at an SQLAlchemy URL, and bring its tables up to date.

        Raises `ConversationError` where it cannot be reached or written.
        """
        try:
            parsed = make_url(url)
            engine = create_engine(parsed, pool_pre_ping=True, **_options(parsed.get_backend_name()))
        except (ArgumentError, ImportError, SQLAlchemyError) as error:
            raise ConversationError(
                f"CANDOR_DATABASE is no database that can be opened ({_short(error)}). "
                "Write it like postgresql+psycopg://user:password@host/name, or leave it empty."
            ) from error
        if parsed.get_backend_name() == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
        try:
            _migrate(engine, parsed.database or "")
        except (SQLAlchemyError, OSError) as error:
            where = parsed.render_as_string(hide_password=True)
            raise ConversationError(
                f"The database {where} cannot be used ({_short(error)}). Set another CANDOR_DATABASE, "
                "or CANDOR_RETENTION_DAYS=0 to store no conversations."
            ) from error
        return cls(engine, retention_days)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    # --- a candidate's chat ---------------------------------------------------------------------------

    def record(self, turn: Turn) -> dict[str, Any]:
        """Keep a turn; the reply that is kept, which is an earlier one where the message was answered before."""
        now = datetime.now(UTC)
        kept = Exchange(
            conversation=turn.conversation,
            message=turn.message,
            at=now,
            question=masked(turn.question),
            about=turn.about,
            outcome=str(turn.reply["status"]),
            language=str(turn.reply["language"]),
            topic=turn.topic,
            writer=str(turn.reply["writer"])[:120],
            version=turn.version,
            milliseconds=turn.milliseconds,
            reply=dict(turn.reply),
        )
        for _ in range(2):
            try:
                with Session(self.engine, expire_on_commit=False) as session, session.begin():
                    conversation = session.get(Conversation, turn.conversation)
                    if conversation is None:
                        session.add(
                            Conversation(
                                id=turn.conversation, started=now, touched=now, language=turn.language
                            )
                        )
                        session.flush()
                    else:
                        conversation.touched = now
                    session.add(kept)
                return dict(turn.reply)
            except IntegrityError:
                # The same message came twice at once, or two first messages of one chat did.
                if (answered := self.answered(turn.conversation, turn.message)) is not None:
                    return answered
                kept = Exchange(**{c.key: getattr(kept, c.key) for c in Exchange.__table__.columns})
        raise ConversationError(f"Message {turn.message} of {turn.conversation} could not be kept.")

    def answered(self, conversation: str, message: str) -> dict[str, Any] | None:
        """The reply that a message got, or None."""
        with Session(self.engine) as session:
            kept = session.get(Exchange, (conversation, message))
            return kept.reply if kept else None

    def transcript(self, conversation: str) -> dict[str, Any] | None:
        """A conversation with all its exchanges, oldest first; None where it is not known (any more)."""
        with Session(self.engine) as session:
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
        with Session(self.engine) as session, session.begin():
            if session.get(Exchange, (conversation, message)) is None:
                return False
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
        """Note that a transcript was sent."""
        with Session(self.engine) as session, session.begin():
            session.add(Handover(conversation=conversation, at=datetime.now(UTC), digest=digest))

    def was_handed_over(self, conversation: str, digest: str) -> bool:
        """Whether exactly this was sent already: a repeated request must not send it twice."""
        asked = select(Handover.id).where(Handover.conversation == conversation, Handover.digest == digest)
        with Session(self.engine) as session:
            return session.scalar(asked.limit(1)) is not None

    def delete(self, conversation: str) -> None:
        """Delete a conversation with all that belongs to it."""
        with Session(self.engine) as session, session.begin():
            session.execute(delete(Conversation).where(Conversation.id == conversation))

    def expire(self) -> int:
        """Delete the conversations that have been kept long enough; how many there were."""
        with Session(self.engine) as session, session.begin():
            found = session.execute(delete(Conversation).where(Conversation.touched < self._oldest()))
            return int(getattr(found, "rowcount", 0))

    def _oldest(self) -> datetime:
        return datetime.now(UTC) - self.retention


def opened(settings: Settings) -> Conversations | None:
    """The database that the settings name, or None where conversations are not to be stored."""
    if settings.retention_days == 0:
        return None
    url = settings.database.get_secret_value() or f"sqlite:///{settings.store / 'conversations.sqlite'}"
    return Conversations.open(url, settings.retention_days)


def new_id() -> str:
    """An id for a conversation: 128 random bits as 32 hex digits."""
    return secrets.token_hex(16)


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


# --- the database -----------------------------------------------------------------------------------


def _options(backend: str) -> dict[str, Any]:
    # SQLite has one writer: a turn waits for it. A server may be away: a turn does not wait long.
    return {"connect_args": {"timeout": WAIT}} if backend == "sqlite" else {"pool_timeout": WAIT}


def _prepare_sqlite(connection: Any, _: object) -> None:
    """Readers beside a writer, rows of deleted conversations gone with them, and their bytes overwritten."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _migrate(engine: Engine, database: str) -> None:
    """Bring the tables up to date, one process at a time."""
    from alembic import command  # noqa: PLC0415  (a tenth of a second, once)
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with _alone(engine, database), engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextlib.contextmanager
def _alone(engine: Engine, database: str) -> Iterator[None]:
    if engine.dialect.name == "sqlite":
        if database in ("", ":memory:"):
            yield
            return
        Path(database).parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{database}.lock"):
            yield
    elif engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(20261121)"))
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(20261121)"))
                connection.commit()
    else:
        yield


def _short(error: Exception) -> str:
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def as_text(transcript: Mapping[str, Any]) -> str:
    """A transcript as plain text, for a person to read."""
    parts = []
    for exchange in transcript["exchanges"]:
        sources = [
            f"  [{n}] {c['title']} {c['url']}" for n, c in enumerate(exchange["reply"]["citations"], 1)
        ]
        parts.append("\n".join([f"Q: {exchange['question']}", f"A: {exchange['reply']['answer']}", *sources]))
    return "\n\n".join(parts)


__all__ = [
    "Base",
    "ConversationError",
    "Conversations",
    "Exchange",
    "Feedback",
    "Handover",
    "Turn",
    "as_text",
    "new_id",
    "opened",
]
