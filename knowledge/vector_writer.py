"""Writing the vectors of a version: those of the version before are taken over, only new texts are embedded."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import orjson

from knowledge.documents import Passage
from knowledge.embedding import Embedder
from knowledge.matrices import write_matrix, write_starts
from knowledge.store import (
    TITLES,
    StoreError,
    chroma_errors,
    close_chroma,
    fetch,
    open_chroma,
    open_collection,
    read_manifest,
    sentence_texts,
)
from knowledge.vector_cache import VectorCache, digest

if TYPE_CHECKING:
    from chromadb import Collection
    from numpy.typing import NDArray

BATCH = 512
"""Texts handed to the encoder at a time: enough to sort by length, few enough to lose little when killed."""

CHROMA_BATCH = 4096
"""Vectors handed to Chroma at a time; it takes at most some 5,000."""

TITLE_KEYS = "titles.keys"
COLLECTIONS = ("passages", "sentences")

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done and how many there are."""


@dataclass(frozen=True)
class Entry:
    """One vector of a collection: the digest of its text, and the tags that a search may ask for."""

    digest: str
    tags: Mapping[str, Any]


@dataclass
class Held:
    """What the vectors of a version stand for, without the vectors."""

    entries: dict[str, dict[str, Entry]] = field(default_factory=lambda: {what: {} for what in COLLECTIONS})
    titles: dict[str, int] = field(default_factory=dict)


def write_vectors(
    folder: Path,
    before: Path | None,
    passages: Sequence[Passage],
    titles: Iterable[str],
    embedder: Embedder,
    cache: VectorCache,
    progress: Progress,
) -> int:
    """Write the vectors of `passages`, of their sentences and of distinct `titles` into a version's folder.

    `before`: the version whose vectors are taken over where a text is the same. `cache`: what an ingest that
    was cut off has embedded. Returns how many texts had to be embedded; equal ones count once.
    """
    text_of = {digest(title): title for title in titles}
    ordered = list(text_of)
    wanted, counts = _wanted(passages, text_of)
    held = _held(before, embedder) if before else None
    known = held or Held()
    if held and before:
        shutil.copytree(before / "chroma", folder / "chroma")
    with _Collections(folder / "chroma", embedder, wanted, known) as collections:
        missing = collections.missing() | (set(ordered) - known.titles.keys())
        copied = collections.vectors_of_equal_texts(missing)
        embedded = _embed({key: text_of[key] for key in missing - copied.keys()}, embedder, cache, progress)

        def vectors(keys: Sequence[str]) -> NDArray[np.float32]:
            fresh = iter(cache.vectors([key for key in keys if key not in copied]))
            return np.stack([copied[key] if key in copied else next(fresh) for key in keys])

        collections.bring_in_line(vectors, progress)

        def of(what: str, keys: Sequence[str]) -> NDArray[np.float32]:
            digests = [wanted[what][key].digest for key in keys]
            if all(key in copied or key in cache for key in digests):
                return vectors(digests)
            return collections.vectors(what, keys)  # an earlier release kept vectors in Chroma alone

        for what in COLLECTIONS:
            write_matrix(
                folder, before, what, _digests(wanted[what]), _digests(known.entries[what]), partial(of, what)
            )
    write_starts(folder, counts)
    _write_titles(folder, before, ordered, known, vectors)
    for what in COLLECTIONS:
        _write_entries(folder / f"{what}.keys", wanted[what])
    return embedded


def _digests(entries: Mapping[str, Entry]) -> dict[str, str]:
    return {key: entry.digest for key, entry in entries.items()}


def _wanted(
    passages: Sequence[Passage], text_of: dict[str, str]
) -> tuple[dict[str, dict[str, Entry]], list[int]]:
    """What the collections are to hold, and how many sentences each passage has; `text_of` is filled by digest."""
    wanted: dict[str, dict[str, Entry]] = {what: {} for what in COLLECTIONS}
    counts = []
    for passage in passages:
        cut = sentence_texts(passage)
        counts.append(len(cut))
        texts = [passage.embedding_text, *cut]
        digests = list(map(digest, texts))
        text_of.update(zip(digests, texts, strict=True))
        tags = {"open": passage.open, "language": passage.language, "job_id": passage.job_id}
        first, *rest = [Entry(name, tags) for name in digests]
        wanted["passages"][passage.id] = first
        wanted["sentences"].update((f"{passage.id}:{number}", entry) for number, entry in enumerate(rest))
    return wanted, counts


def _embed(texts: Mapping[str, str], embedder: Embedder, cache: VectorCache, progress: Progress) -> int:
    """See to it that the cache has a vector of every text; the number of those that it had not."""
    # Long texts first: a batch of equal lengths wastes no padding, and the time left is not thought too short.
    missing = sorted(
        (key for key in texts if key not in cache), key=lambda key: (-len(texts[key]), texts[key])
    )
    # An encoder that cannot be loaded shows with the first text: before anything is told of the work.
    if missing:
        cache.add(missing[:1], embedder.embed([texts[missing[0]]]))
    for number, keys in enumerate(batched(missing[1:], BATCH)):
        progress("Embedding texts", number * BATCH, len(missing))
        cache.add(keys, embedder.embed([texts[key] for key in keys]))
    progress("Embedding texts", len(missing), len(missing))
    return len(missing)


class _Collections:
    """The two Chroma collections of a draft, opened only where something in them changes."""

    def __init__(
        self, folder: Path, embedder: Embedder, wanted: Mapping[str, Mapping[str, Entry]], held: Held
    ) -> None:
        self.folder = folder
        self.embedder = embedder
        self.wanted = wanted
        self.held = held
        self._client: Any = None

    def __enter__(self) -> _Collections:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            close_chroma(self._client)

    def _open(self, what: str) -> Collection:
        if self._client is None:
            self._client = open_chroma(self.folder)
        return open_collection(self._client, what, self.embedder)

    def missing(self) -> set[str]:
        """Digests of the texts that no vector of the same passage or sentence is held of."""
        return {
            entry.digest
            for what in COLLECTIONS
            for key, entry in self.wanted[what].items()
            if key not in self.held.entries[what] or self.held.entries[what][key].digest != entry.digest
        }

    def vectors_of_equal_texts(self, missing: set[str]) -> dict[str, NDArray[np.float32]]:
        """The vectors of texts that another passage or sentence had: a page that moved is not embedded anew."""
        found: dict[str, NDArray[np.float32]] = {}
        for what in COLLECTIONS:
            keys = {
                entry.digest: key for key, entry in self.held.entries[what].items() if entry.digest in missing
            }
            for part in batched(keys, CHROMA_BATCH):
                vectors = fetch(self._open(what), [keys[key] for key in part])
                found.update(zip(part, vectors, strict=True))
        return found

    def vectors(self, what: str, keys: Sequence[str]) -> NDArray[np.float32]:
        """What a collection holds under these keys, of shape (len(keys), dimensions)."""
        return fetch(self._open(what), keys)

    def bring_in_line(
        self, vectors: Callable[[Sequence[str]], NDArray[np.float32]], progress: Progress
    ) -> None:
        """Make both collections hold exactly what is wanted."""
        with chroma_errors(f"The vectors in {self.folder} cannot be written", "Is the disk full?"):
            for what in COLLECTIONS:
                self._bring_in_line(what, vectors, progress)

    def _bring_in_line(
        self, what: str, vectors: Callable[[Sequence[str]], NDArray[np.float32]], progress: Progress
    ) -> None:
        held, wanted = self.held.entries[what], self.wanted[what]
        # Another release may cut sentences elsewhere: a vector is kept for its words, not for its number alone.
        stale = [
            key for key, entry in held.items() if key not in wanted or wanted[key].digest != entry.digest
        ]
        kept = held.keys() - set(stale)
        # A posting that closes keeps its words: only its tags are written anew.
        tagged = [key for key in kept if held[key].tags != wanted[key].tags]
        missing = [key for key in wanted if key not in kept]
        if held and not (stale or tagged or missing):
            return
        collection = self._open(what)
        for keys in batched(stale, CHROMA_BATCH):
            collection.delete(ids=keys)
        for keys in batched(tagged, CHROMA_BATCH):
            collection.update(ids=keys, metadatas=[dict(wanted[key].tags) for key in keys])
        for number, keys in enumerate(batched(missing, CHROMA_BATCH)):
            progress(f"Writing {what}", number * CHROMA_BATCH, len(missing))
            # Without the texts, which the records have: Chroma would keep them twice and index them by three letters.
            collection.add(
                ids=keys,
                embeddings=cast("Any", vectors([wanted[key].digest for key in keys])),
                metadatas=[dict(wanted[key].tags) for key in keys],
            )
        progress(f"Writing {what}", len(missing), len(missing))


def _held(folder: Path, embedder: Embedder) -> Held | None:
    """What the vectors of a version stand for; None where they cannot be taken over."""
    try:
        if read_manifest(folder).encoder != embedder.name:
            return None
        held = Held({what: read_entries(folder / f"{what}.keys") for what in COLLECTIONS})
        keys = (folder / TITLE_KEYS).read_text(encoding="ascii").split()
        if len(np.load(folder / TITLES, mmap_mode="r")) != len(keys):
            return None
        held.titles = {key: row for row, key in enumerate(keys)}
        return held if _whole(folder / "chroma", held, embedder) else None
    except (StoreError, OSError, ValueError, TypeError):
        return None


def _whole(folder: Path, held: Held, embedder: Embedder) -> bool:
    """Whether the vectors of a version can be read: a damaged one must not be copied on and on.

    Asked before they are copied, since Chroma cannot open a path again, in one process, where it failed once.
    """
    if not (folder / "chroma.sqlite3").is_file():
        return False
    client = open_chroma(folder)
    try:
        for what in COLLECTIONS:
            collection = open_collection(client, what, embedder, create=False)
            with chroma_errors():
                count = collection.count()
            keys = list(held.entries[what])
            if count != len(keys):
                return False
            # What is wrong shows when vectors are asked for, not when their files are opened.
            fetch(collection, keys[:: len(keys) // BATCH + 1])
    finally:
        close_chroma(client)
    return True


def _write_titles(
    folder: Path,
    before: Path | None,
    keys: Sequence[str],
    held: Held,
    vectors: Callable[[Sequence[str]], NDArray[np.float32]],
) -> None:
    """The vectors of the titles in their order, as one matrix: few enough to be compared one by one."""
    old = np.load(before / TITLES, mmap_mode="r") if before and held.titles else None
    fresh = [key for key in keys if key not in held.titles]
    new = vectors(fresh) if fresh else np.zeros((0, 0), dtype=np.float32)
    dimensions = new.shape[1] if fresh else old.shape[1] if old is not None else 0
    matrix = np.zeros((len(keys), dimensions), dtype=np.float32)
    if old is not None:
        rows = [(row, held.titles[key]) for row, key in enumerate(keys) if key in held.titles]
        if rows:
            here, there = map(list, zip(*rows, strict=True))
            matrix[here] = old[there]
    if fresh:
        matrix[[row for row, key in enumerate(keys) if key not in held.titles]] = new
    np.save(folder / TITLES, matrix)
    (folder / TITLE_KEYS).write_text("\n".join(keys), encoding="ascii")


def _write_entries(path: Path, entries: Mapping[str, Entry]) -> None:
    with path.open("wb") as stream:
        for key, entry in entries.items():
            stream.write(orjson.dumps([key, entry.digest, entry.tags]) + b"\n")


def read_entries(path: Path) -> dict[str, Entry]:
    """What the vectors of a collection stand for, by their ids, from the version's `.keys` file."""
    with path.open("rb") as stream:
        return {key: Entry(text, tags) for key, text, tags in map(orjson.loads, stream)}


def batched(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    """The keys in lists of at most `size`."""
    rest = list(keys)
    for start in range(0, len(rest), size):
        yield rest[start : start + size]
