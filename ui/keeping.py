"""What is kept of a turn, whether it came through the API or the full-page chat."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from assistant.conversation import Outcome, Reply
from assistant.steps import step
from ui.conversations import Conversations, ForgottenError, Turn
from ui.links import link_to_quote, web_link

log = logging.getLogger(__name__)

TOPIC_LIKELY = 0.45
"""Likeness from which on a question is counted under its topic."""

BACKLOG = 2000
"""Turns that may wait for the database; some ten kilobytes each."""

RETRY = 2.0
"""Seconds between two attempts to reach a database that was away."""

LAST = 1.5
"""Seconds for what waits when the process ends, which has to be over in ten."""


@dataclass(frozen=True)
class Place:
    """Where a turn stands: its conversation and message, the posting it is about, the language of the page."""

    conversation: str
    message: str
    about: str = ""
    language: str = "en"


class Keeper:
    """Writes turns down. A database that is away stops no answer: its turns wait here until it is back.

    What waits is in memory only, and `BACKLOG` of it at most; whoever asks is told that it is not stored.
    """

    def __init__(self, conversations: Conversations, assistant: object, retry: float = RETRY) -> None:
        """`retry`: seconds between two attempts to reach a database that was away."""
        self.conversations = conversations
        self.assistant = assistant
        self.retry = retry
        self._waiting: OrderedDict[tuple[str, str], Turn] = OrderedDict()
        self._lost = 0
        self._away_until = 0.0
        self._lock = threading.Lock()  # for what is above
        self._writing = threading.Lock()  # a turn that waits is not written down while its chat is deleted
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def days(self) -> int:
        """How long a conversation is kept."""
        return self.conversations.retention.days

    @property
    def waiting(self) -> int:
        """Turns that wait for the database."""
        return len(self._waiting)

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
        if self._is_away():
            self._wait(turn)
            return told, False
        try:
            with step("keep"):
                return self.conversations.record(turn), True
        except ForgottenError:
            return told, False
        except Exception as error:
            if _is_hopeless(error):
                log.error("A turn cannot be stored, and is lost: %s", _short(error))
            else:
                log.error("A turn could not be stored, and waits for the database: %s", _short(error))
                self._wait(turn)
            return told, False

    def answered(self, conversation: str, message: str) -> tuple[dict[str, Any], bool] | None:
        """The reply that a message got, and whether it was written down; None where it got none that is known."""
        with self._lock:
            turn = self._waiting.get((conversation, message))
        if turn is not None:
            return dict(turn.reply), False
        if self._is_away():
            return None
        try:
            known = self.conversations.answered(conversation, message)
        except SQLAlchemyError as error:
            log.error("The database of conversations cannot be read: %s", _short(error))
            self._away_until = time.monotonic() + self.retry
            return None
        return (known, True) if known is not None else None

    def delete(self, conversation: str) -> None:
        """Delete a conversation, with what of it still waits; raises SQLAlchemy's errors."""
        with self._writing:
            with self._lock:
                for key in [key for key in self._waiting if key[0] == conversation]:
                    del self._waiting[key]
            self.conversations.delete(conversation)

    def forget(self, conversation: str) -> bool:
        """Delete a conversation; False where the database is away."""
        try:
            self.delete(conversation)
        except SQLAlchemyError as error:
            log.error("A conversation could not be deleted: %s", _short(error))
            return False
        return True

    # --- what waits for the database --------------------------------------------------------------------

    def _is_away(self) -> bool:
        """Whether the database was away a moment ago: no turn has to find that out for itself, and wait for it."""
        return bool(self._waiting) or time.monotonic() < self._away_until

    def _wait(self, turn: Turn) -> None:
        with self._lock:
            self._waiting.setdefault((turn.conversation, turn.message), turn)
            if len(self._waiting) > BACKLOG:
                self._waiting.popitem(last=False)
                self._lost += 1
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._catch_up, name="catch-up", daemon=True)
                self._thread.start()

    def _catch_up(self) -> None:
        """Try again until nothing waits any more."""
        while not self._closed.wait(self.retry):
            written = self._write_down()
            with self._lock:
                if self._waiting:
                    continue
                lost, self._lost, self._thread = self._lost, 0, None
            log.warning("The database is back: %d turns that waited are stored, %d are lost.", written, lost)
            return

    def _write_down(self) -> int:
        """Store what waits, oldest first, as far as the database lets; how many turns it took."""
        written = 0
        while True:
            with self._writing:
                with self._lock:
                    if not self._waiting:
                        return written
                    key, turn = next(iter(self._waiting.items()))
                try:
                    self.conversations.record(turn)
                    written += 1
                except ForgottenError:
                    pass  # nor is it lost: its candidate wanted it so
                except Exception as error:
                    if not _is_hopeless(error):
                        self.conversations.database.mend()
                        return written
                    log.error("A turn cannot be stored, and is lost: %s", _short(error))
                    self._lost += 1
                with self._lock:
                    self._waiting.pop(key, None)

    def close(self) -> None:
        """Try once more to store what waits, for `LAST` seconds, as the process ends; the log says what is lost."""
        self._closed.set()
        if self._waiting:
            last = threading.Thread(target=self._write_down, name="last-turns", daemon=True)
            last.start()
            last.join(LAST)
        if lost := self._lost + len(self._waiting):
            log.error("%d turns are lost: the database did not come back before the end.", lost)


def _is_hopeless(error: Exception) -> bool:
    """Whether it is the turn that the database does not take, and not the database that is away."""
    away = isinstance(error, SQLAlchemyError) and not isinstance(error, DataError | IntegrityError)
    return not away


def _short(error: Exception) -> str:
    # Without the statement and its parameters: those are a candidate's words.
    return (str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__])[0]


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
