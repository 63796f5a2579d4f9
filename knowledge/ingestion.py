"""Making the store mirror its sources: the next version is built beside the current one, then switched."""

from __future__ import annotations

import gc
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

from filelock import FileLock, Timeout

from knowledge.chunking import cut
from knowledge.dates import is_past
from knowledge.documents import JobPosting, Page, Passage, Reading, Skipped, Status
from knowledge.embedding import Embedder
from knowledge.errors import EmptyError, SourceError
from knowledge.history import (
    Change,
    Ingest,
    KeptPart,
    SourceState,
    age,
    compare,
    counted,
    forget_unborn,
    read_sources,
    write_history,
    write_sources,
)
from knowledge.keywords import write_keywords
from knowledge.records import parse_record, record_line
from knowledge.store import (
    CURRENT,
    MANIFEST,
    SCHEMA,
    VERSIONS,
    Gone,
    Manifest,
    StoreError,
    current_version,
    is_held,
    is_version,
    read_gone,
    read_lines,
    settle,
    switch,
    write_gone,
    write_lines,
    write_records,
)
from knowledge.unverified import with_title_labels
from knowledge.vector_cache import VectorCache
from knowledge.vector_writer import Progress, write_vectors
from knowledge.wording import unique

EMBEDDED = "embedded"
"""Folder of the vectors that an ingest has embedded and not yet switched to."""

BUILD = "build"
"""Folder of the store that an ingest builds in where its versions go to a server."""

GONE_DAYS = 180
"""How long a posting that its board does not list any more is known as closed."""

Identified = TypeVar("Identified", Page, JobPosting)


@dataclass(frozen=True)
class Kept:
    """A source that could not be read: what it held at `as_of` (ISO) is kept."""

    source: str
    as_of: str
    age: str
    why: str


@dataclass(frozen=True)
class Report:
    """What an ingest did. `added` to `unchanged` count pages and postings, `embedded` distinct texts."""

    sources: int
    pages: int
    jobs: int
    open_jobs: int
    passages: int
    added: int
    changed: int
    removed: int
    unchanged: int
    embedded: int
    skipped: tuple[Skipped, ...]
    kept: tuple[Kept, ...]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """The report as `ingest.py --json` prints it."""
        told = asdict(self)
        return {**told, "skipped": list(told["skipped"]), "kept": list(told["kept"])}


@dataclass(frozen=True)
class Content:
    """What goes into a version: the records of all sources in order, and the state of each source."""

    pages: list[Page]
    jobs: list[JobPosting]
    states: list[SourceState]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True)
class Before:
    """The version in force when an ingest began: its record lines, and what they are of."""

    folder: Path
    pages: list[str]
    jobs: list[str]
    states: tuple[SourceState, ...]
    gone: list[Gone]

    def reading(self, name: str) -> Reading:
        """What the version holds of a source."""
        pages = jobs = 0
        for state in self.states:
            if state.name == name:
                return Reading(
                    tuple(parse_record(Page, line) for line in self.pages[pages : pages + state.pages]),
                    tuple(parse_record(JobPosting, line) for line in self.jobs[jobs : jobs + state.jobs]),
                )
            pages, jobs = pages + state.pages, jobs + state.jobs
        return Reading()

    def source_of(self) -> Iterator[tuple[str, str]]:
        """Each posting's line with the name of its source."""
        lines = iter(self.jobs)
        for state in self.states:
            for _, line in zip(range(state.jobs), lines, strict=False):
                yield line, state.name


class Publisher(Protocol):
    """Brings a version to where others read it."""

    first: int
    """Least number that the version may have."""

    def publish(self, folder: Path, embedder: Embedder, progress: Progress) -> None:
        """Publish the version in `folder`; `StoreError` where that fails, and the version is none."""


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Have Python look for garbage seldom: an ingest makes records by the hundred thousand, and nearly all stay."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@_seldom_collecting()
def mirror(
    readings: Sequence[Reading | SourceError],
    sources: Sequence[str],
    store: Path,
    embedder: Embedder,
    progress: Progress = lambda what, done, total: None,
    company: str = "",
    contact: str = "",
    accept_empty: bool = False,
    now: datetime | None = None,
    lock: FileLock | None = None,
    publisher: Publisher | None = None,
) -> Report:
    """Make the store at `store` hold exactly what `readings` hold, and whose it is.

    Where one is an error, or empty though its source held something, what the source held before is kept
    (`accept_empty`: an empty one is believed); an error of a source that held nothing is raised.
    `lock`: the store's lock, where the caller holds it already. `publisher`: brings the version to where
    others read it, before this store switches to it.

    Raises `StoreError` where the store cannot be written or another ingest is at work;
    the version in force stays as it is.
    """
    started = time.perf_counter()
    moment = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    with nullcontext() if lock else locked(store), _told(store):
        before = _before(store)
        content = _content(readings, sources, before, accept_empty, moment)
        passages = cut(content.pages, content.jobs)
        folder = _draft(store, before, publisher.first if publisher else 1)
        embedded, changes, unchanged = _fill(folder, before, content, passages, embedder, progress, moment)
        manifest = Manifest(
            schema=SCHEMA,
            encoder=embedder.name,
            created=moment,
            sources=tuple(sources),
            pages=len(content.pages),
            jobs=len(content.jobs),
            open_jobs=sum(state.open_jobs for state in content.states),
            passages=len(passages),
            company=company,
            contact=contact,
            read=min([moment, *(read for state in content.states for read in _moments(state))]),
        )
        (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
        ingest = Ingest(folder.name, moment, tuple(content.states), counted(changes), unchanged)
        write_history(store, ingest, changes)
        settle(folder)
        if publisher:
            publisher.publish(folder, embedder, progress)
        switch(store, folder.name)
        _tidy(store, folder, before)
    return Report(
        sources=len(sources),
        pages=manifest.pages,
        jobs=manifest.jobs,
        open_jobs=manifest.open_jobs,
        passages=manifest.passages,
        added=sum(change.what == "added" for change in changes),
        changed=sum(bool(change.fields) for change in changes),
        removed=sum(change.what != "added" and not change.fields for change in changes),
        unchanged=unchanged,
        embedded=embedded,
        skipped=content.skipped,
        kept=kept_of(content.states, now),
        seconds=round(time.perf_counter() - started, 2),
    )


def with_unique_ids(records: Sequence[Identified]) -> list[Identified]:
    """The records with ids that no two of them share: two sources may both have a job number 7."""
    taken: set[str] = set()
    return [
        record if (name := unique(record.id, taken)) == record.id else replace(record, id=name)
        for record in records
    ]


# --- what goes in -------------------------------------------------------------------------------


def _content(
    readings: Sequence[Reading | SourceError],
    sources: Sequence[str],
    before: Before | None,
    accept_empty: bool,
    moment: str,
) -> Content:
    known = {state.name: state for state in before.states} if before else {}
    settled: list[tuple[Reading, SourceState]] = []
    for number, reading in enumerate(readings):
        name = sources[number] if number < len(sources) else ""
        state = known.get(name)
        old = before.reading(name) if before and state and _may_fail(reading, name, state) else Reading()
        settled.append(_settled(reading, name, old, state, accept_empty, moment))
    return Content(
        pages=with_unique_ids([page for reading, _ in settled for page in reading.pages]),
        jobs=with_unique_ids([with_title_labels(job) for reading, _ in settled for job in reading.jobs]),
        states=[state for _, state in settled],
        skipped=tuple(entry for reading, _ in settled for entry in reading.skipped),
    )


def _may_fail(reading: Reading | SourceError, name: str, state: SourceState) -> bool:
    """Whether what the source held before may have to be kept, so that it has to be read."""
    return isinstance(reading, SourceError) or bool(reading.skipped) or _why_empty(reading, name, state) != ""


def _why_empty(reading: Reading, name: str, state: SourceState) -> str:
    """Why a reading is thought to have failed, or ""."""
    if not reading.pages and not reading.jobs and (state.pages or state.jobs):
        return f"{name} holds nothing any more."
    # A folder is in the user's own hands. A site that shows no openings for once may be broken.
    if "://" in name and not reading.jobs and state.jobs:
        return f"{name} shows none of its {state.jobs} job postings any more."
    return ""


def _settled(
    reading: Reading | SourceError,
    name: str,
    old: Reading,
    state: SourceState | None,
    accept_empty: bool,
    moment: str,
) -> tuple[Reading, SourceState]:
    """What is stored of a source: what was read, or what it held before where that failed."""
    held = state is not None and bool(old.pages or old.jobs)
    if isinstance(reading, SourceError):
        if accept_empty and isinstance(reading, EmptyError):
            reading = Reading()
        elif state is None or not held:
            raise reading
        else:
            hint = " Or believe it: --accept-empty" if isinstance(reading, EmptyError) else ""
            return _as_before(old, state, f"{reading}{hint}")
    if state is None or not held or accept_empty:
        return reading, _state(name, reading, moment)
    if why := _why_empty(reading, name, state):
        return _as_before(old, state, f"{why} If that is right, believe it: --accept-empty")
    parts = _unreadable_parts(reading, name, old, state)
    names = {part.source for part in parts}
    reading = replace(
        reading,
        pages=(*reading.pages, *(page for page in old.pages if page.source in names)),
        jobs=(*reading.jobs, *(_today(job) for job in old.jobs if job.source in names)),
        skipped=tuple(entry for entry in reading.skipped if entry.source not in names),
    )
    return reading, _state(name, reading, moment, parts)


def _as_before(old: Reading, state: SourceState, why: str) -> tuple[Reading, SourceState]:
    old = replace(old, jobs=tuple(_today(job) for job in old.jobs))
    return old, replace(_state(state.name, old, state.read, state.kept), failing=why)


def _today(job: JobPosting) -> JobPosting:
    """A posting that is kept closes on its day all the same."""
    return replace(job, status=Status.CLOSED) if is_past(job.closes) else job


def _unreadable_parts(reading: Reading, name: str, old: Reading, state: SourceState) -> tuple[KeptPart, ...]:
    """The files of a folder that were left out this time, of which the store still has what they held."""
    if "://" in name:  # pages of a site have copies, and one that answers "not found" is gone
        return ()
    since = {part.source: part.read for part in state.kept}
    held = _files(old) - _files(reading)
    return tuple(
        KeptPart(entry.source, since.get(entry.source, state.read), entry.why)
        for entry in reading.skipped
        if entry.source in held
    )


def _files(reading: Reading) -> set[str]:
    return {page.source for page in reading.pages} | {job.source for job in reading.jobs}


def _state(name: str, reading: Reading, read: str, kept: tuple[KeptPart, ...] = ()) -> SourceState:
    open_jobs = sum(job.status is Status.OPEN for job in reading.jobs)
    return SourceState(name, len(reading.pages), len(reading.jobs), open_jobs, read, kept=kept)


def _moments(state: SourceState) -> list[str]:
    """When the contents of a source were read."""
    return [state.read, *(part.read for part in state.kept)] if state.pages or state.jobs else []


def kept_of(states: Sequence[SourceState], now: datetime | None = None) -> tuple[Kept, ...]:
    """The sources, and files of folders, that could not be read and are kept as they were."""
    whole = [KeptPart(state.name, state.read, state.failing) for state in states if state.failing]
    parts = [part for state in states for part in state.kept]
    return tuple(Kept(part.source, part.read, age(part.read, now), part.why) for part in (*whole, *parts))


def sources_in_force(store: Path) -> frozenset[str]:
    """Names of the sources that the store holds something of: if one fails, that is kept."""
    try:
        states = read_sources(current_version(store))
    except StoreError:
        return frozenset()
    return frozenset(state.name for state in states if state.pages or state.jobs)


# --- the next version ---------------------------------------------------------------------------


def _before(store: Path) -> Before | None:
    """The version in force; None where there is none, and without records where those are damaged."""
    try:
        folder = current_version(store)
    except StoreError:
        return None
    try:
        before = Before(
            folder,
            read_lines(folder / "pages.jsonl"),
            read_lines(folder / "jobs.jsonl"),
            read_sources(folder),
            read_gone(folder),
        )
        # A file that was cut off shows it at its end.
        for line in before.pages[-1:]:
            parse_record(Page, line)
        for line in before.jobs[-1:]:
            parse_record(JobPosting, line)
    except (StoreError, ValueError, TypeError, KeyError):
        return Before(folder, [], [], (), [])
    return before


def _draft(store: Path, before: Before | None, first: int) -> Path:
    """The next version's folder, still empty; its number is `first` at least."""
    versions = store / VERSIONS
    versions.mkdir(exist_ok=True)
    names = [entry.name for entry in versions.iterdir()]
    if (store / CURRENT).is_file():
        names.append((store / CURRENT).read_text(encoding="utf-8", errors="replace").strip())
    taken = [int(name) for name in names if is_version(name)]
    if before:
        # What a killed ingest left behind is not in force and never will be. In a damaged store nothing
        # goes before there is something better.
        forget_versions(store, before.folder.name)
        forget_unborn(store, before.folder.name)
    # A number is never used twice: a reader tells by it that there is something new.
    folder = versions / f"{max(max(taken, default=0) + 1, first):06d}"
    folder.mkdir()
    return folder


def _fill(
    folder: Path,
    before: Before | None,
    content: Content,
    passages: Sequence[Passage],
    embedder: Embedder,
    progress: Progress,
    moment: str,
) -> tuple[int, list[Change], int]:
    """Write vectors and records; how many texts were embedded, what changed and how much did not."""
    cache = VectorCache(folder.parent.parent / EMBEDDED / f"{embedder.name}.vectors")
    titles = dict.fromkeys(job.title for job in content.jobs)
    embedded = write_vectors(
        folder, before.folder if before else None, passages, titles, embedder, cache, progress
    )
    pages = [record_line(page) for page in content.pages]
    jobs = [record_line(job) for job in content.jobs]
    write_lines(folder / "pages.jsonl", pages)
    write_lines(folder / "jobs.jsonl", jobs)
    write_records(folder / "passages.jsonl", passages)
    write_keywords(folder, before.folder if before else None, passages)
    write_sources(folder, content.states)
    write_gone(folder, _gone(before, content, jobs, moment))
    changed_pages, same_pages = _compared(before.pages if before else [], pages, Page)
    changed_jobs, same_jobs = _compared(before.jobs if before else [], jobs, JobPosting)
    return embedded, changed_pages + changed_jobs, same_pages + same_jobs


def _compared(old: Sequence[str], new: Sequence[str], kind: type[Identified]) -> tuple[list[Change], int]:
    """What changed; where the old records are damaged, everything is new."""
    try:
        return compare(old, new, kind)
    except (ValueError, TypeError, KeyError):
        return compare([], new, kind)


def _gone(before: Before | None, content: Content, lines: Sequence[str], moment: str) -> list[Gone]:
    """Postings that a source listed before and, read anew, does not list any more.

    What the user takes out of the sources is not closed but none of our business any more.
    """
    if before is None:
        return []
    told = set(lines)
    listed = {(job.source, job.id) for job in content.jobs}
    names = {state.name for state in content.states}
    since = (datetime.fromisoformat(moment) - timedelta(days=GONE_DAYS)).isoformat()
    gone = [entry for entry in before.gone if entry[1] > since]
    for line, name in before.source_of():
        if line not in told:
            job = parse_record(JobPosting, line)
            gone.append((name, moment, replace(job, status=Status.CLOSED, blocks=())))
    latest = {(job.source, job.id): (name, found, job) for name, found, job in gone}
    return [entry for key, entry in latest.items() if key not in listed and entry[0] in names]


def _tidy(store: Path, folder: Path, before: Before | None) -> None:
    """Remove what the switch has made superfluous. The version before stays: readers may be opening it."""
    if before:
        os.utime(before.folder)
    forget_versions(store, folder.name, before.folder.name if before else "")
    shutil.rmtree(store / EMBEDDED, ignore_errors=True)


def forget_versions(store: Path, *keep: str) -> None:
    """Remove all versions of a store but those in `keep` and those that a reader holds."""
    in_force = max(keep)
    for folder in (store / VERSIONS).iterdir():
        # A draft that was never finished has a higher number, and no readers.
        if folder.name not in keep and not (folder.name < in_force and is_held(folder)):
            shutil.rmtree(folder, ignore_errors=True)


# --- one at a time ------------------------------------------------------------------------------


@contextmanager
def locked(store: Path) -> Iterator[FileLock]:
    """Hold the store's lock; `StoreError` says who has it, or why the folder cannot be written."""
    holder = store / "ingest.pid"
    lock = FileLock(store / "ingest.lock", timeout=0)
    try:
        with _told(store):
            store.mkdir(parents=True, exist_ok=True)
            lock.acquire()
    except Timeout:
        raise StoreError(
            f"Another ingest ({_who(holder)}) is writing to {store}. Wait for it, then run this again."
        ) from None
    try:
        with _told(store):
            since = datetime.now(UTC).isoformat(timespec="seconds")
            holder.write_text(json.dumps({"pid": os.getpid(), "since": since}), encoding="utf-8")
        yield lock
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


@contextmanager
def _told(store: Path) -> Iterator[None]:
    """Turn what the operating system says of the store into a `StoreError`."""
    try:
        yield
    except Timeout:
        raise
    except OSError as error:
        raise StoreError(
            f"The store {store} cannot be written ({error.strerror or error}). Choose another --store."
        ) from error


def _who(holder: Path) -> str:
    """The process that holds the lock, and since when."""
    try:
        told: Mapping[str, Any] = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {told['pid']}, since {told['since']}, {age(told['since'])} ago"
    except (OSError, ValueError, TypeError, KeyError):  # it has begun or ended just now
        return "it has no process number yet"


def at_work(store: Path) -> str:
    """Who is writing to the store now, or building in it for a server, or ""."""
    return _at_work(store) or _at_work(store / BUILD)


def _at_work(store: Path) -> str:
    if not (store / "ingest.lock").is_file():
        return ""
    try:
        with FileLock(store / "ingest.lock", timeout=0):
            return ""
    except Timeout:
        return _who(store / "ingest.pid")
    except OSError:  # a store that may only be read
        return ""


__all__ = [
    "CURRENT",
    "Kept",
    "Publisher",
    "Report",
    "at_work",
    "forget_versions",
    "kept_of",
    "locked",
    "mirror",
    "sources_in_force",
]
