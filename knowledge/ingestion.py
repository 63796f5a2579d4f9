"""Making the store mirror its sources: the next version is built beside the current one, then switched."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from filelock import FileLock, Timeout

from knowledge.chunking import cut
from knowledge.documents import JobPosting, Page, Passage, Reading, Skipped, Status
from knowledge.embedding import Embedder
from knowledge.store import (
    CURRENT,
    SCHEMA,
    VERSIONS,
    Manifest,
    StoreError,
    chroma_errors,
    close_chroma,
    current_version,
    fetch,
    is_version,
    open_chroma,
    open_collection,
    read_manifest,
    read_records,
    sentence_texts,
    switch,
    write_records,
)
from knowledge.wording import unique

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH = 256
"""Texts handed to the encoder at a time: enough to sort by length, few enough to show progress."""

Identified = TypeVar("Identified", Page, JobPosting)

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done and how many there are."""


@dataclass(frozen=True)
class Report:
    """What an ingest did. `added` to `unchanged` count pages and postings."""

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
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """The report as `ingest.py --json` prints it."""
        return {**asdict(self), "skipped": [asdict(entry) for entry in self.skipped]}


def mirror(
    readings: Sequence[Reading],
    sources: Sequence[str],
    store: Path,
    embedder: Embedder,
    progress: Progress = lambda what, done, total: None,
    company: str = "",
    contact: str = "",
) -> Report:
    """Make the store at `store` hold exactly what `readings` hold, and whose it is.

    Raises `StoreError` where the store cannot be written or another ingest is at work;
    the version in force stays as it is.
    """
    started = time.perf_counter()
    pages = with_unique_ids([page for reading in readings for page in reading.pages])
    jobs = with_unique_ids([job for reading in readings for job in reading.jobs])
    skipped = tuple(entry for reading in readings for entry in reading.skipped)
    passages = cut(pages, jobs)
    with locked(store):
        before = _version_in_force(store)
        folder = _draft(store, before)
        embedded = _write_vectors(folder, before, passages, embedder, progress)
        write_records(folder / "pages.jsonl", pages)
        write_records(folder / "jobs.jsonl", jobs)
        write_records(folder / "passages.jsonl", passages)
        open_jobs = sum(job.status is Status.OPEN for job in jobs)
        manifest = Manifest(
            schema=SCHEMA,
            encoder=embedder.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            sources=tuple(sources),
            pages=len(pages),
            jobs=len(jobs),
            open_jobs=open_jobs,
            passages=len(passages),
            company=company,
            contact=contact,
        )
        (folder / "manifest.json").write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
        difference = compare(before, pages, jobs)
        switch(store, folder.name)
        _forget(store, keep={folder.name, before.name if before else ""})
    return Report(
        sources=len(sources),
        pages=len(pages),
        jobs=len(jobs),
        open_jobs=open_jobs,
        passages=len(passages),
        **difference,
        embedded=embedded,
        skipped=skipped,
        seconds=round(time.perf_counter() - started, 2),
    )


def with_unique_ids(records: Sequence[Identified]) -> list[Identified]:
    """The records with ids that no two of them share: two sources may both have a job number 7."""
    taken: set[str] = set()
    return [replace(record, id=unique(record.id, taken)) for record in records]


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Hold the store's lock; `StoreError` says who has it, or why the folder cannot be written."""
    holder = store / "ingest.pid"
    try:
        store.mkdir(parents=True, exist_ok=True)
        with FileLock(store / "ingest.lock", timeout=0):
            holder.write_text(str(os.getpid()), encoding="utf-8")
            try:
                yield
            finally:
                holder.unlink(missing_ok=True)
    except Timeout:
        try:
            who = f"process {holder.read_text(encoding='utf-8')}"
        except OSError:  # it has begun or ended just now
            who = "it has no process number yet"
        raise StoreError(
            f"Another ingest ({who}) is writing to {store}. Wait for it, then run this again."
        ) from None
    except OSError as error:
        raise StoreError(
            f"The store {store} cannot be written ({error.strerror or error}). Choose another --store."
        ) from error


def _version_in_force(store: Path) -> Path | None:
    try:
        return current_version(store)
    except StoreError:
        return None


def _draft(store: Path, before: Path | None) -> Path:
    """The next version's folder, still empty."""
    versions = store / VERSIONS
    versions.mkdir(exist_ok=True)
    names = [entry.name for entry in versions.iterdir()]
    if (store / CURRENT).is_file():
        names.append((store / CURRENT).read_text(encoding="utf-8", errors="replace").strip())
    taken = [int(name) for name in names if is_version(name)]
    if before:
        # What a killed ingest left behind is not in force and never will be. In a damaged store nothing
        # goes before there is something better.
        _forget(store, keep={before.name})
    # A number is never used twice: a reader tells by it that there is something new.
    folder = versions / f"{max(taken, default=0) + 1:06d}"
    folder.mkdir()
    return folder


def _same_encoder(folder: Path, embedder: Embedder) -> bool:
    try:
        return read_manifest(folder).encoder == embedder.name
    except StoreError:
        return False


def _write_vectors(
    folder: Path, before: Path | None, passages: Sequence[Passage], embedder: Embedder, progress: Progress
) -> int:
    """Write both collections for `passages`; the number of texts that had to be embedded."""
    if before and _same_encoder(before, embedder) and _whole_vectors(before, embedder):
        shutil.copytree(before / "chroma", folder / "chroma")
    client = open_chroma(folder / "chroma")
    embedder = Remembering(embedder)
    tags = {p.id: {"open": p.open, "language": p.language, "job_id": p.job_id} for p in passages}
    texts = {p.id: p.embedding_text for p in passages}
    try:
        with chroma_errors(f"The vectors in {folder} cannot be written", "Is the disk full?"):
            embedded = _bring_in_line(client, "passages", texts, tags, embedder, progress)
            texts = {f"{p.id}:{n}": text for p in passages for n, text in enumerate(sentence_texts(p))}
            tags = {key: tags[key.rpartition(":")[0]] for key in texts}
            return embedded + _bring_in_line(client, "sentences", texts, tags, embedder, progress)
    finally:
        close_chroma(client)


def _whole_vectors(folder: Path, embedder: Embedder) -> bool:
    """Whether the vectors of a version can be read: a damaged one must not be copied on and on.

    Asked before they are copied, since Chroma cannot open a path again, in one process, where it failed once.
    """
    if not (folder / "chroma" / "chroma.sqlite3").is_file():
        return False
    try:
        client = open_chroma(folder / "chroma")
    except StoreError:
        return False
    try:
        for what in ("passages", "sentences"):
            vectors = open_collection(client, what, embedder, create=False)
            with chroma_errors():
                keys = vectors._collection.get(include=[])["ids"]
            # What is wrong shows when vectors are asked for, not when their files are opened.
            fetch(vectors, keys[:: len(keys) // BATCH + 1])
    except StoreError:
        return False
    finally:
        close_chroma(client)
    return True


def _bring_in_line(
    client: Any,
    what: str,
    texts: Mapping[str, str],
    tags: Mapping[str, Mapping[str, Any]],
    embedder: Embedder,
    progress: Progress,
) -> int:
    """Make the collection of `what` hold exactly `texts` with `tags`; the number of texts embedded."""
    vectors = open_collection(client, what, embedder)
    found = vectors._collection.get(include=["metadatas", "documents"])
    present = dict(zip(found["ids"], found["metadatas"] or [], strict=True))
    # Another release may cut sentences elsewhere: a vector is kept for its words, not for its number alone.
    embedded = zip(found["ids"], found["documents"] or [], strict=True)
    stale = [key for key, text in embedded if texts.get(key) != text]
    for keys in batched(stale):
        vectors.delete(ids=keys)
        for key in keys:
            del present[key]
    # A posting that closes keeps its words: only its tags are written anew.
    for keys in batched(key for key in present.keys() & texts.keys() if present[key] != tags[key]):
        vectors._collection.update(ids=keys, metadatas=[dict(tags[key]) for key in keys])
    # Long texts first: a batch of equal lengths wastes no padding. Equal texts side by side: see Remembering.
    missing = sorted(texts.keys() - present.keys(), key=lambda key: (-len(texts[key]), texts[key], key))
    for number, keys in enumerate(batched(missing)):
        progress(f"Embedding {what}", number * BATCH, len(missing))
        vectors.add_texts([texts[key] for key in keys], metadatas=[dict(tags[key]) for key in keys], ids=keys)
    progress(f"Embedding {what}", len(missing), len(missing))
    return len(missing)


class Remembering:
    """An embedder that encodes no text again that the call before held: postings repeat whole paragraphs.

    The texts come sorted, so that the call before is all there is to remember, however many there are.
    """

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.vectors: dict[str, NDArray[np.float32]] = {}

    @property
    def name(self) -> str:
        """The name of the embedder behind it."""
        return self.embedder.name

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of shape (len(texts), dimensions)."""
        new = list(dict.fromkeys(text for text in texts if text not in self.vectors))
        known = {text: self.vectors[text] for text in texts if text in self.vectors}
        self.vectors = {**known, **dict(zip(new, self.embedder.embed(new) if new else [], strict=True))}
        return np.stack([self.vectors[text] for text in texts])


def batched(keys: Iterable[str]) -> Iterator[list[str]]:
    """The keys in lists of at most `BATCH`."""
    rest = list(keys)
    for start in range(0, len(rest), BATCH):
        yield rest[start : start + BATCH]


def compare(before: Path | None, pages: Sequence[Page], jobs: Sequence[JobPosting]) -> dict[str, int]:
    """How many pages and postings are added, changed, removed and unchanged since `before`."""
    old: dict[tuple[str, str, str], Page | JobPosting] = {}
    if before:
        try:
            old = {
                **{("page", p.source, p.id): p for p in read_records(before / "pages.jsonl", Page)},
                **{("job", j.source, j.id): j for j in read_records(before / "jobs.jsonl", JobPosting)},
            }
        except StoreError:
            old = {}
    new: dict[tuple[str, str, str], Page | JobPosting] = {
        **{("page", p.source, p.id): p for p in pages},
        **{("job", j.source, j.id): j for j in jobs},
    }
    both = old.keys() & new.keys()
    changed = sum(old[key] != new[key] for key in both)
    return {
        "added": len(new.keys() - old.keys()),
        "changed": changed,
        "removed": len(old.keys() - new.keys()),
        "unchanged": len(both) - changed,
    }


def _forget(store: Path, keep: set[str]) -> None:
    """Remove all versions but `keep`. The last one before stays: readers may still have it open."""
    for folder in (store / VERSIONS).iterdir():
        if folder.name not in keep:
            shutil.rmtree(folder, ignore_errors=True)


__all__ = ["CURRENT", "Report", "compare", "locked", "mirror"]
