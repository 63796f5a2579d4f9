"""What each ingest read and changed: kept beside the versions, shown by `python -m knowledge`.

STORE/history/000007.jsonl     first line: the ingest; every further line: one page or posting that changed
STORE/versions/000007/         sources.json: what the version holds of each source, and since when

A history is written before its version is switched to, and counts once the version is or was in force:
an ingest that is killed in between leaves a file with a number above the current one, which nobody reads.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar

from knowledge.documents import JobPosting, Page, Status
from knowledge.records import parse_record
from knowledge.store import (
    StoreError,
    current_version,
    is_version,
)

HISTORY = "history"
SOURCES = "sources.json"

Identified = TypeVar("Identified", Page, JobPosting)
Happening = Literal["added", "changed", "closed", "removed"]
Kind = Literal["page", "job"]

_NOT_TOLD = frozenset(("id", "source", "quotes"))
"""Fields whose change says nothing by itself: quotes change with the facts that they prove."""

_NAMES = {"blocks": "text"}


@dataclass(frozen=True)
class KeptPart:
    """A file of a folder that could not be read: what it held before is kept."""

    source: str
    read: str
    why: str


@dataclass(frozen=True)
class SourceState:
    """What a version holds of one source: the next `pages` and `jobs` of its records.

    `read` is when that content was read, in ISO format; `failing` why it could not be read anew, or "".
    """

    name: str
    pages: int
    jobs: int
    open_jobs: int
    read: str
    failing: str = ""
    kept: tuple[KeptPart, ...] = ()


@dataclass(frozen=True)
class Change:
    """One page or posting that an ingest found new, changed, closed or gone; `fields` names what changed."""

    what: Happening
    kind: Kind
    id: str
    source: str
    title: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ingest:
    """One ingest: when, of what, and how much it changed. `unchanged` counts pages and postings."""

    version: str
    at: str
    sources: tuple[SourceState, ...]
    counts: dict[str, int]
    unchanged: int

    def count(self, what: Happening, kind: Kind) -> int:
        """How many pages or postings it found added, changed, closed or removed."""
        return self.counts.get(f"{kind}s_{what}", 0)


def compare(old: Sequence[str], new: Sequence[str], kind: type[Identified]) -> tuple[list[Change], int]:
    """What changed between the record lines of two versions, and how many records stayed the same.

    Lines that both have alike are not looked into: of a hundred thousand, a few hundred change in a day.
    """
    told = set(new)
    gone = [line for line in old if line not in told]
    told = set(old)
    came = [line for line in new if line not in told]
    before = {(r.source, r.id): r for r in (parse_record(kind, line) for line in gone)}
    after = {(r.source, r.id): r for r in (parse_record(kind, line) for line in came)}
    changes: list[Change] = []
    name: Kind = "page" if kind is Page else "job"
    for key, record in after.items():
        if key not in before:
            changes.append(Change("added", name, record.id, record.source, record.title))
        elif before[key] != record:
            closed = _is_open(before[key]) and not _is_open(record)
            what: Happening = "closed" if closed and name == "job" else "changed"
            changes.append(
                Change(what, name, record.id, record.source, record.title, _differing(before[key], record))
            )
    for key, record in before.items():
        if key not in after:
            what = "closed" if name == "job" and _is_open(record) else "removed"
            changes.append(Change(what, name, record.id, record.source, record.title))
    return changes, len(new) - sum(c.what == "added" or bool(c.fields) for c in changes)


def _is_open(record: Page | JobPosting) -> bool:
    return isinstance(record, JobPosting) and record.status is Status.OPEN


def _differing(before: Page | JobPosting, after: Page | JobPosting) -> tuple[str, ...]:
    names = [f.name for f in fields(before) if getattr(before, f.name) != getattr(after, f.name)]
    told = [name for name in names if name not in _NOT_TOLD] or names
    return tuple(_NAMES.get(name, name) for name in told)


# --- writing ------------------------------------------------------------------------------------


def write_history(store: Path, ingest: Ingest, changes: Iterable[Change]) -> None:
    """Write what an ingest did; it counts once its version is in force."""
    folder = store / HISTORY
    folder.mkdir(exist_ok=True)
    with (folder / f"{ingest.version}.jsonl").open("w", encoding="utf-8") as stream:
        for entry in (asdict(ingest), *map(asdict, changes)):
            stream.write(json.dumps(entry, ensure_ascii=False) + "\n")


def counted(changes: Iterable[Change]) -> dict[str, int]:
    """How many changes there are of each kind, as `Ingest.counts` has them."""
    return dict(Counter(f"{change.kind}s_{change.what}" for change in changes))


def forget_unborn(store: Path, in_force: str) -> None:
    """Remove the histories of versions that never came into force."""
    for path in (store / HISTORY).glob("*.jsonl"):
        if is_version(path.stem) and int(path.stem) > int(in_force):
            path.unlink(missing_ok=True)


def write_sources(folder: Path, states: Iterable[SourceState]) -> None:
    """Write what a version holds of each source."""
    text = json.dumps([asdict(state) for state in states], ensure_ascii=False, indent=1)
    (folder / SOURCES).write_text(text, encoding="utf-8")


# --- reading ------------------------------------------------------------------------------------


def read_sources(folder: Path) -> tuple[SourceState, ...]:
    """What a version holds of each source; nothing where another release filled it, or it is damaged."""
    try:
        return tuple(_state(data) for data in json.loads((folder / SOURCES).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return ()


def _state(data: dict[str, Any]) -> SourceState:
    return SourceState(**{**data, "kept": tuple(KeptPart(**part) for part in data["kept"])})


def ingests(store: Path) -> list[Ingest]:
    """All ingests whose version is or was in force, the newest first.

    Raises `StoreError` where there is no store; a history that is damaged is left out.
    """
    in_force = int(current_version(store).name)
    numbers = [path.stem for path in (store / HISTORY).glob("*.jsonl") if is_version(path.stem)]
    found = (_ingest(store, name) for name in sorted(numbers, reverse=True) if int(name) <= in_force)
    return [ingest for ingest in found if ingest is not None]


def _ingest(store: Path, version: str) -> Ingest | None:
    try:
        with (store / HISTORY / f"{version}.jsonl").open(encoding="utf-8") as stream:
            data = json.loads(stream.readline())
            return Ingest(**{**data, "sources": tuple(_state(state) for state in data["sources"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def changes(store: Path, version: str, limit: int | None = None) -> list[Change]:
    """What one ingest changed, at most `limit` of it; `StoreError` where nothing is known of it."""
    try:
        with (store / HISTORY / f"{version}.jsonl").open(encoding="utf-8") as stream:
            stream.readline()
            lines = islice(stream, limit)
            return [Change(**{**data, "fields": tuple(data["fields"])}) for data in map(json.loads, lines)]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"The store {store} has no history of version {version}. List them: python -m knowledge history"
        ) from error


def age(read: str, now: datetime | None = None) -> str:
    """How long ago something was read, in words: "3 days"."""
    seconds = max(((now or datetime.now(UTC)) - datetime.fromisoformat(read)).total_seconds(), 0)
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"
