"""Corrections as they are kept: each change a version with who and when, to be undone, and soon in force.

Every process looks once a second whether the newest revision is one it has not seen.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from assistant.conversation import Outcome
from assistant.corrections import ApprovedAnswer, Corrections, figures_differ
from assistant.reply import Assistant
from ui.database import Database
from ui.tables import CorrectionChange

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds; a correction must be in force everywhere within two
LONGEST_ANSWER = 2000  # characters, as a question
MOST_PHRASINGS = 30


class CorrectionError(ValueError):
    """A correction that cannot be kept; the message says what is wrong with it."""


class Kind(StrEnum):
    """What a correction does."""

    ANSWER = "answer"
    HIDDEN_SOURCE = "hidden_source"
    HIDDEN_PASSAGE = "hidden_passage"
    SYNONYM = "synonym"


@dataclass(frozen=True)
class Change:
    """One version of a correction. `content` is None where it was removed; `what`: added, changed, removed, undone.

    The content of an answer: questions, text, url, valid_from, valid_until; of a hidden source or passage:
    name, note; of a synonym: asked, meant.
    """

    revision: int
    correction: str
    kind: Kind
    content: Mapping[str, Any] | None
    at: datetime
    by: str
    what: str

    @property
    def title(self) -> str:
        """What it is about, in a line."""
        content = self.content or {}
        if self.kind is Kind.ANSWER:
            return str((content.get("questions") or [""])[0])
        if self.kind is Kind.SYNONYM:
            return f"{content.get('asked', '')} → {content.get('meant', '')}" if content else ""
        return str(content.get("note") or content.get("name") or "")


@dataclass(frozen=True)
class Conflict:
    """What the pages say to a question that has an approved answer; `differs` where their figures do."""

    question: str
    pages: str
    quotes: tuple[str, ...]
    differs: bool


class CorrectionBook:
    """The corrections of one company. Safe to share between threads, and between processes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._lock = threading.Lock()
        self._current = Corrections()
        self._looked = float("-inf")

    # --- in force -------------------------------------------------------------------------------------

    def current(self) -> Corrections:
        """The corrections in force, at most a second old; those of before where the database is away."""
        if time.monotonic() - self._looked < LOOK_EVERY or not self._lock.acquire(blocking=False):
            return self._current
        try:
            with self.database.reading() as session:
                newest, count = session.execute(
                    select(func.max(CorrectionChange.revision), func.count())
                ).one()
            # Of two changes at once, the one with the lower number may be there after the other.
            revision = (newest or 0) + count
            if revision != self._current.revision:
                self._current = in_force(self.entries(), revision)
        except SQLAlchemyError as error:
            log.error("The corrections cannot be read anew: %s", str(error).splitlines()[0])
        finally:
            self._looked = time.monotonic()
            self._lock.release()
        return self._current

    def entries(self) -> list[Change]:
        """The newest version of each correction that was not removed, the latest change first."""
        newest = select(func.max(CorrectionChange.revision)).group_by(CorrectionChange.correction)
        asked = select(CorrectionChange).where(CorrectionChange.revision.in_(newest))
        with self.database.reading() as session:
            found = session.scalars(asked.order_by(CorrectionChange.revision.desc())).all()
        return [_change(row) for row in found if row.content is not None]

    def history(self, limit: int = 200, correction: str = "") -> list[Change]:
        """All versions, or those of one correction, the latest first."""
        asked = select(CorrectionChange).order_by(CorrectionChange.revision.desc()).limit(limit)
        if correction:
            asked = asked.where(CorrectionChange.correction == correction)
        with self.database.reading() as session:
            return [_change(row) for row in session.scalars(asked)]

    # --- changes --------------------------------------------------------------------------------------

    def save(self, kind: Kind, content: Mapping[str, Any], by: str, correction: str = "") -> Change:
        """Add a correction, or change the one with the id `correction`; `CorrectionError` if it makes no sense."""
        checked = _checked(kind, content)
        before = self._newest(correction) if correction else None
        if correction and (before is None or before.kind is not kind):
            raise CorrectionError(
                f"There is no {kind.value.replace('_', ' ')} {correction!r} any more. Reload the list."
            )
        same = [
            entry for entry in self.entries() if entry.kind is kind and _same(entry.content, checked, kind)
        ]
        if any(entry.correction != correction for entry in same):
            raise CorrectionError(f"There is one for “{same[0].title}” already. Change that one.")
        return self._write(
            correction or uuid.uuid4().hex, kind, checked, by, "changed" if before else "added"
        )

    def remove(self, correction: str, by: str) -> Change:
        """Take a correction out of force; its versions stay and can be brought back."""
        before = self._newest(correction)
        if before is None or before.content is None:
            raise CorrectionError("This correction is not in force any more. Reload the list.")
        return self._write(correction, before.kind, None, by, "removed")

    def undo(self, revision: int, by: str) -> Change:
        """Put the correction back to what it was before a change; `CorrectionError` if a later one came after."""
        with self.database.reading() as session:
            row = session.get(CorrectionChange, revision)
        if row is None:
            raise CorrectionError(f"There is no change {revision}. Reload the list.")
        versions = self.history(limit=2, correction=row.correction)
        if versions[0].revision != revision:
            raise CorrectionError("A later change was made to this correction. Undo that one first.")
        content = versions[1].content if len(versions) > 1 else None
        return self._write(row.correction, versions[0].kind, content, by, "undone")

    def _newest(self, correction: str) -> Change | None:
        versions = self.history(limit=1, correction=correction)
        return versions[0] if versions else None

    def _write(
        self, correction: str, kind: Kind, content: Mapping[str, Any] | None, by: str, what: str
    ) -> Change:
        row = CorrectionChange(
            correction=correction,
            kind=kind.value,
            content=None if content is None else dict(content),
            at=datetime.now(UTC),
            by=by,
            what=what,
        )
        with self.database.writing() as session:
            session.add(row)
        self._looked = float("-inf")
        return _change(row)


def in_force(entries: Iterable[Change], revision: int) -> Corrections:
    """What the assistant goes by, from the newest version of each correction."""
    answers: list[ApprovedAnswer] = []
    hidden: dict[Kind, set[str]] = {Kind.HIDDEN_SOURCE: set(), Kind.HIDDEN_PASSAGE: set()}
    synonyms: dict[str, str] = {}
    for entry in entries:
        content = entry.content or {}
        if entry.kind is Kind.ANSWER:
            answers.append(_answer(entry))
        elif entry.kind is Kind.SYNONYM:
            synonyms[content["asked"]] = content["meant"]
        else:
            hidden[entry.kind].add(content["name"])
    return Corrections(
        revision,
        tuple(answers),
        frozenset(hidden[Kind.HIDDEN_SOURCE]),
        frozenset(hidden[Kind.HIDDEN_PASSAGE]),
        synonyms,
    )


def conflicts(assistant: Assistant, questions: Iterable[str], text: str) -> list[Conflict]:
    """What the pages answer to each question, and whether their figures contradict the approved text."""
    pages = assistant.configured(model=False)
    pages.corrections = lambda: replace(assistant.corrections(), answers=(), revision=-1)
    found = []
    for question in questions:
        reply = pages.reply([question])
        if reply.outcome is Outcome.ANSWERED:
            quotes = tuple(citation.quote for citation in reply.citations)
            found.append(Conflict(question, reply.text, quotes, figures_differ(text, reply.text)))
    return found


# --- what a correction must be ------------------------------------------------------------------------


def _checked(kind: Kind, content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with spaces put right; `CorrectionError` names what is missing."""
    if kind is Kind.ANSWER:
        return _checked_answer(content)
    if kind is Kind.SYNONYM:
        asked, meant = (" ".join(str(content.get(name, "")).split()) for name in ("asked", "meant"))
        if not asked or not meant:
            raise CorrectionError("A synonym needs the candidates' word and the pages' word.")
        if asked.lower() == meant.lower():
            raise CorrectionError(f"“{asked}” is the same word twice.")
        if max(len(asked), len(meant)) > 80:
            raise CorrectionError("A synonym is a word or a short phrase, of at most 80 characters.")
        return {"asked": asked, "meant": meant}
    name = str(content.get("name", "")).strip()
    if not name:
        raise CorrectionError("Choose what is to be hidden.")
    return {"name": name, "note": str(content.get("note", "")).strip()[:300]}


def _checked_answer(content: Mapping[str, Any]) -> dict[str, Any]:
    given = (" ".join(str(question).split()) for question in content.get("questions", ()))
    questions = list(dict.fromkeys(question for question in given if question))
    text = str(content.get("text", "")).strip()
    if not questions:
        raise CorrectionError("An answer needs at least one question, as a candidate would ask it.")
    if len(questions) > MOST_PHRASINGS or any(len(question) > 300 for question in questions):
        raise CorrectionError(f"At most {MOST_PHRASINGS} questions of at most 300 characters each, please.")
    if not text or len(text) > LONGEST_ANSWER:
        raise CorrectionError(f"The answer must have between 1 and {LONGEST_ANSWER} characters.")
    url = str(content.get("url") or "").strip()
    if url and not (urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname):
        raise CorrectionError(f"{url!r} is no link; it must begin with https:// or http://.")
    days = {name: _day(name, content.get(name)) for name in ("valid_from", "valid_until")}
    if days["valid_from"] and days["valid_until"] and days["valid_from"] > days["valid_until"]:
        raise CorrectionError(f"It ends on {days['valid_until']}, before it begins on {days['valid_from']}.")
    return {"questions": questions, "text": text, "url": url, **days}


def _day(name: str, value: Any) -> str:
    """A day as ISO 8601 spells it, or "" for none."""
    said = str(value or "").strip()[:10]
    try:
        return date.fromisoformat(said).isoformat() if said else ""
    except ValueError:
        raise CorrectionError(
            f"{name.replace('_', ' ').capitalize()}: {said!r} is no date. Write it like 2026-12-31."
        ) from None


def _same(one: Mapping[str, Any] | None, other: Mapping[str, Any], kind: Kind) -> bool:
    if one is None:
        return False
    if kind is Kind.ANSWER:
        ours, theirs = ({question.lower() for question in content["questions"]} for content in (one, other))
        return bool(ours & theirs)
    key = "asked" if kind is Kind.SYNONYM else "name"
    return str(one[key]).lower() == str(other[key]).lower()


def _answer(entry: Change) -> ApprovedAnswer:
    content = entry.content or {}
    first, last = (
        date.fromisoformat(content[n]) if content[n] else None for n in ("valid_from", "valid_until")
    )
    return ApprovedAnswer(
        id=entry.correction,
        questions=tuple(content["questions"]),
        text=content["text"],
        approved=entry.at.date(),
        url=content["url"],
        valid_from=first,
        valid_until=last,
    )


def _change(row: CorrectionChange) -> Change:
    return Change(row.revision, row.correction, Kind(row.kind), row.content, row.at, row.by, row.what)
