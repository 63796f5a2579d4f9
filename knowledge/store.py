"""The store: what was ingested, as records and vectors, in versions that are switched in one step.

STORE/CURRENT              name of the version in force; replaced atomically
STORE/versions/000007/     manifest.json, sources.json, pages.jsonl, jobs.jsonl, gone.jsonl, passages.jsonl,
                           chroma/, vectors/, keywords/ and titles.npy; whoever reads a version holds a lock on its manifest
STORE/history/000007.jsonl what the ingest that made it changed
"""

from __future__ import annotations

import contextlib
import copy
import fcntl
import json
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import orjson

from knowledge.dates import is_past
from knowledge.documents import JobPosting, Page, Passage, Status
from knowledge.embedding import Embedder
from knowledge.keywords import KeywordIndex
from knowledge.matrices import EXACT, Matrices
from knowledge.matrices import nearest as exactly_nearest
from knowledge.records import Record, build_record, parse_record, record_line
from knowledge.sentences import sentences

if TYPE_CHECKING:
    from chromadb import Collection
    from langchain_chroma import Chroma
    from numpy.typing import NDArray

    from knowledge.chroma_server import ChromaServer

SCHEMA = 1
"""Raised when records or vectors change their meaning; part of every collection's name."""

GRAPH = {"space": "cosine", "max_neighbors": 12, "ef_construction": 50, "ef_search": 200}
"""Chroma's HNSW graph (Malkov and Yashunin, 2018), as a collection is made with it and keeps it.

It is written in three fifths of the time of Chroma's defaults (16, 100, 100). What a thinner graph misses, a search
finds again by looking at twice as many candidates, for some tenths of a millisecond. docs/performance.md has the figures.
"""

KEPT_VECTORS = 40_000
"""Vectors of passages, and as many of sentences, kept in memory after they were asked for: 60 MB each."""

SPARE, SPARE_AT_MOST = 1.5, 10
"""How many more vectors than are expected to be enough are asked for, and how many times those wanted at most."""

CURRENT = "CURRENT"
VERSIONS = "versions"
MANIFEST = "manifest.json"
TITLES = "titles.npy"

GRACE = 3600
"""Seconds that a superseded version is left alone where the file system has no locks to tell its readers by."""


class StoreError(RuntimeError):
    """The store cannot be used; the message names it and the next step."""


class AwayError(StoreError):
    """The server that holds the knowledge cannot be reached; it is worth trying again."""


@dataclass(frozen=True)
class Manifest:
    """What a version holds and which encoder filled it.

    `company` and `contact` are what the sources' own list says of them, or "". `read` is when the oldest of
    the content was read, where a source that failed keeps what it held before.
    """

    schema: int
    encoder: str
    created: str
    sources: tuple[str, ...]
    pages: int
    jobs: int
    open_jobs: int
    passages: int
    company: str = ""
    contact: str = ""
    read: str = ""

    @property
    def as_of(self) -> datetime:
        """When the sources were read; the oldest counts."""
        return datetime.fromisoformat(self.read or self.created)


class Store:
    """One version of the knowledge, open for reading."""

    def __init__(
        self, folder: Path, embedder: Embedder, server: ChromaServer | None = None, today: date | None = None
    ) -> None:
        """Open the version in `folder`; its vectors are there, or in the Chroma `server`.

        With `today`, postings whose closing day went by since the ingest are closed; else all is as it was read.

        Raises `StoreError` where its records cannot be read or another encoder filled it.
        """
        self.folder = folder
        self.embedder = embedder
        self.server = server
        hold(self, folder)
        self.stamp = stamp(folder)
        self.manifest = read_manifest(folder)
        if self.manifest.encoder != embedder.name:
            raise StoreError(
                f"The store {folder.parent.parent} was filled with the encoder {self.manifest.encoder}, "
                f"but {embedder.name} is set. Run ingest.py again, or set CANDOR_ENCODER back."
            )
        self.pages = read_records(folder / "pages.jsonl", Page)
        self.jobs = read_records(folder / "jobs.jsonl", JobPosting)
        self.passages = read_records(folder / "passages.jsonl", Passage)
        found = (len(self.pages), len(self.jobs), len(self.passages))
        if found != (self.manifest.pages, self.manifest.jobs, self.manifest.passages):
            raise StoreError(
                f"The store {folder.parent.parent} is damaged: records are missing. Run ingest.py again."
            )
        self._kept: dict[str, dict[str, NDArray[np.float32]]] = {"passages": {}, "sentences": {}}
        self._passing: dict[str, NDArray[np.bool_]] = {}
        if today is not None:
            self._close_past(today)
        self.row = {passage.id: index for index, passage in enumerate(self.passages)}
        self.job = {job.id: job for job in self.jobs}
        days = (job.closes for job in self.jobs if job.status is Status.OPEN and job.closes is not None)
        self.until = min(days, default=date.max)
        """The last day on which every opening of this version is one."""

    def _close_past(self, today: date) -> None:
        over = {job.id for job in self.jobs if job.status is Status.OPEN and is_past(job.closes, today)}
        if over:
            self.jobs = [replace(job, status=Status.CLOSED) if job.id in over else job for job in self.jobs]
            self.passages = [
                replace(passage, open=False) if passage.job_id in over else passage
                for passage in self.passages
            ]

    @classmethod
    def open(cls, path: Path, embedder: Embedder, server: ChromaServer | None = None) -> Store:
        """Open the version in force of the store at `path`; `StoreError` where there is none."""
        while True:
            folder = current_version(path)
            try:
                return cls(folder, embedder, server)
            except StoreError:
                # Two ingests may have gone by since the line above, and the second removed the folder.
                if current_version(path) == folder:
                    raise

    @property
    def version(self) -> str:
        """Name of the version, for telling whether another is in force."""
        return self.folder.name

    def without(self, sources: frozenset[str]) -> Store:
        """This version as if it held no pages and postings of some sources; passages keep their rows."""
        kept = copy.copy(self)
        kept.pages = [page for page in self.pages if page.source not in sources]
        kept.jobs = [job for job in self.jobs if job.source not in sources]
        kept.job = {job.id: job for job in kept.jobs}
        titles = list(dict.fromkeys(job.title for job in kept.jobs))
        held = {
            "gone": [job for job in self.gone if job.source not in sources],
            "_title_rows": {title: row for row, title in enumerate(titles)},
        }
        if titles:
            held["_title_vectors"] = self._title_vectors[[self._title_rows[title] for title in titles]]
        vars(kept).update(held)  # in place of what would be worked out from the files
        return kept

    @cached_property
    def gone(self) -> list[JobPosting]:
        """Postings that their board does not list any more, without their text: closed, and not in `jobs`."""
        return [job for _, _, job in read_gone(self.folder)]

    @cached_property
    def _title_rows(self) -> dict[str, int]:
        return {title: row for row, title in enumerate(dict.fromkeys(job.title for job in self.jobs))}

    @cached_property
    def _title_vectors(self) -> NDArray[np.float32]:
        try:
            vectors = np.load(self.folder / TITLES, mmap_mode="r")
        except FileNotFoundError:  # a store of an earlier release
            return self.embedder.embed(list(self._title_rows))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"The vectors in {self.folder / TITLES} are damaged. Run ingest.py again."
            ) from error
        if len(vectors) != len(self._title_rows):
            raise StoreError(f"Vectors are missing in {self.folder / TITLES}. Run ingest.py again.")
        return cast("NDArray[np.float32]", vectors)

    def title_scores(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of every distinct title of the postings to `vector`, in the order of their first posting."""
        if not self._title_rows:
            return np.zeros(0, dtype=np.float32)
        return np.asarray(np.vecdot(self._title_vectors, vector), dtype=np.float32)

    @cached_property
    def keywords(self) -> KeywordIndex:
        """BM25 over the passages."""
        return KeywordIndex.of(self.folder, self.passages)

    @cached_property
    def _matrices(self) -> Matrices | None:
        """The vectors as they lie beside Chroma; None where a Chroma server has them, or an earlier release wrote them."""
        if self.server is not None:
            return None
        try:
            return Matrices.of(self.folder, len(self.passages))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"The vectors in {self.folder} are damaged ({error}). Run ingest.py again."
            ) from error

    @cached_property
    def passage_collection(self) -> Collection:
        """Passages with their context, in Chroma."""
        return self._collection("passages")

    @cached_property
    def sentence_collection(self) -> Collection:
        """Single sentences with their heading, in Chroma."""
        return self._collection("sentences")

    @cached_property
    def passage_vectors(self) -> Chroma:
        """Passages with their context, as a LangChain vector store."""
        return self._vectors("passages")

    @cached_property
    def sentence_vectors(self) -> Chroma:
        """Single sentences with their heading, as a LangChain vector store."""
        return self._vectors("sentences")

    def _collection(self, what: str) -> Collection:
        client, collection = self._opened(what)
        self._close_with(collection, client)
        return collection

    def _vectors(self, what: str) -> Chroma:
        from knowledge.chains import vector_store  # noqa: PLC0415  (LangChain takes half a second)

        client, collection = self._opened(what)
        text_of = partial(_text, what, self.passages, self.row)
        vectors = vector_store(client, collection.name, self.embedder, text_of)
        self._close_with(vectors, client)
        return vectors

    def _opened(self, what: str) -> tuple[Any, Collection]:
        """A Chroma client, and its collection of `what`."""
        if self.server is not None:
            return self.server.client(), self.server.collection(self.version, what, self.embedder)
        folder = self.folder / "chroma"
        if not (folder / "chroma.sqlite3").is_file():  # Chroma would make an empty one
            raise StoreError(f"The vectors in {folder} are missing. Run ingest.py again.")
        client = open_chroma(folder)
        try:
            return client, open_collection(client, what, self.embedder, create=False)
        except StoreError:
            close_chroma(client)
            raise

    def _close_with(self, holder: object, client: Any) -> None:
        # A server opens a version after each ingest: each is closed when nobody holds its vectors any more.
        if self.server is None:
            weakref.finalize(holder, close_chroma, client).atexit = False

    def nearest_passages(
        self, vector: NDArray[np.float32], limit: int, where: Mapping[str, Any] | None = None
    ) -> list[tuple[int, float]]:
        """Row and cosine of the passages nearest to `vector`, nearest first; of several, one after the other."""
        if self._matrices and len(self._matrices.passages) <= EXACT:
            found = exactly_nearest(self._matrices.passages, vector, limit, self._allowed(where or {}))
            return [hit for hits in found for hit in hits]
        by_key = self._nearest(self.passage_collection, vector, limit, where, lambda key: key)
        return [(self.row[key], score) for key, score in by_key]

    def nearest_sentences(
        self, vector: NDArray[np.float32], limit: int, where: Mapping[str, Any] | None = None
    ) -> list[tuple[int, int, float]]:
        """Passage row, sentence number and cosine of the sentences nearest to `vector`, or to several."""
        held = self._matrices
        if held and len(held.sentences) <= EXACT:
            allowed = self._allowed(where or {})[held.passage_of]
            found = exactly_nearest(held.sentences, vector, limit, allowed)
            return [(*held.place(row), score) for hits in found for row, score in hits]
        by_key = self._nearest(self.sentence_collection, vector, limit, where, _passage_of)
        return [(self.row[_passage_of(key)], int(key.rpartition(":")[2]), score) for key, score in by_key]

    def _nearest(
        self,
        collection: Collection,
        vector: NDArray[np.float32],
        limit: int,
        where: Mapping[str, Any] | None,
        passage_of: Callable[[str], str],
    ) -> list[tuple[str, float]]:
        """Ids and cosines of what is nearest and has the tags in `where`.

        A filter costs Chroma time by the number of vectors that pass it, ten times the search itself in a large
        store. So it is asked for more than are wanted, without one, and filters only where few pass.
        """
        allowed = self._allowed(where or {})
        if not allowed.any():
            return []
        share = float(allowed.mean())
        asked = limit if share == 1 else int(SPARE * limit / share)
        if asked <= limit * SPARE_AT_MOST:
            every = nearest(collection, vector, asked)
            found = [
                [
                    hit
                    for hit in hits
                    if (row := self.row.get(passage_of(hit[0]))) is not None and allowed[row]
                ]
                for hits in every
            ]
            if all(len(kept) >= limit or len(hits) < asked for kept, hits in zip(found, every, strict=True)):
                return [hit for hits in found for hit in hits[:limit]]
        every = nearest(collection, vector, limit, where)
        return [hit for hits in every for hit in hits if passage_of(hit[0]) in self.row]

    def _allowed(self, where: Mapping[str, Any]) -> NDArray[np.bool_]:
        """Which passages have the tags that a filter asks for, of shape (passages,)."""
        name = json.dumps(where, sort_keys=True)
        if name not in self._passing:
            passing = [_matches(passage, where) for passage in self.passages]
            self._passing[name] = np.array(passing, dtype=bool)
        return self._passing[name]

    def passage_matrix(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Vectors of the passages in `rows`, of shape (len(rows), dimensions)."""
        if self._matrices and rows:
            found: NDArray[np.float32] = self._matrices.passages[np.asarray(rows)]
            return found
        return self._fetched("passages", [self.passages[row].id for row in rows])

    def sentence_matrix(self, rows: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """How many sentences each of the passages in `rows` has, and the vectors of them all, passage by passage."""
        counts = np.array([len(sentences(self.passages[row].text)) for row in rows], dtype=np.intp)
        if self._matrices:
            matrix = self._matrices.sentences_of(rows)
            if len(matrix) != counts.sum():  # another release cut its texts elsewhere
                raise StoreError(f"Vectors of sentences are missing in {self.folder}. Run ingest.py again.")
            return counts, matrix
        keys = [
            f"{self.passages[row].id}:{n}"
            for row, count in zip(rows, counts, strict=True)
            for n in range(count)
        ]
        return counts, self._fetched("sentences", keys)

    def _fetched(self, what: str, keys: Sequence[str]) -> NDArray[np.float32]:
        """Vectors by key, from memory where they were asked for before: Chroma takes tens of milliseconds."""
        kept = self._kept[what]
        missing = [key for key in dict.fromkeys(keys) if key not in kept]
        if missing:
            collection = self.passage_collection if what == "passages" else self.sentence_collection
            fresh = dict(zip(missing, fetch(collection, missing), strict=True))
            if len(kept) + len(fresh) > KEPT_VECTORS:
                # Another thread may be reading the old one, so it is left to it and a new one begun.
                kept = self._kept[what] = {key: kept[key] for key in keys if key in kept}
            kept.update(fresh)
        if not keys:
            return np.zeros((0, 0), dtype=np.float32)
        return np.stack([kept[key] for key in keys])


def _text(what: str, passages: Sequence[Passage], row_of: Mapping[str, int], key: str) -> str | None:
    """The text whose vector has the id `key`, as the encoder read it; None where there is none."""
    row = row_of.get(key if what == "passages" else _passage_of(key))
    if row is None:
        return None
    if what == "passages":
        return passages[row].embedding_text
    return dict(enumerate(sentence_texts(passages[row]))).get(int(key.rpartition(":")[2]))


def _passage_of(sentence: str) -> str:
    """The id of the passage that a sentence's id belongs to."""
    return sentence.rpartition(":")[0]


def _matches(passage: Passage, where: Mapping[str, Any]) -> bool:
    """Whether a passage has all tags of a filter as Chroma has them."""
    return all(
        all(_matches(passage, part) for part in value) if tag == "$and" else getattr(passage, tag) == value
        for tag, value in where.items()
    )


def sentence_texts(passage: Passage) -> list[str]:
    """The passage's sentences as the encoder reads them: each with the nearest heading or title."""
    around = " ".join(dict.fromkeys(p for p in (passage.heading or passage.title, passage.speaker) if p))
    return [f"{around}: {sentence}" if around else sentence for sentence in sentences(passage.text)]


# --- versions -----------------------------------------------------------------------------------


def current_version(path: Path) -> Path:
    """Folder of the version in force; `StoreError` where the store holds none."""
    try:
        name = (path / CURRENT).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(f"No knowledge in {path}. Run: python ingest.py SOURCE --store {path}") from None
    except OSError as error:
        raise StoreError(f"The store {path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError:
        name = ""
    folder = path / VERSIONS / name
    # Only a number is a version: whatever else is in the file leads nowhere, least of all out of the store.
    if not is_version(name) or not (folder / MANIFEST).is_file():
        raise StoreError(f"The store {path} is damaged: version {name!r} is missing. Run ingest.py again.")
    return folder


def stamp(folder: Path) -> tuple[int, int]:
    """What tells a version from another that was put in its place under the same name, as a restore does."""
    try:
        found = (folder / MANIFEST).stat()
    except OSError:
        return (0, 0)
    return found.st_ino, found.st_mtime_ns


def is_version(name: str) -> bool:
    """Whether a folder's name is that of a version."""
    return name.isascii() and name.isdigit()


def hold(holder: object, folder: Path) -> None:
    """Keep a version from being removed for as long as `holder` lives, in this process or another's.

    The lock goes with the process, however that ends. Where there is none to be had, `GRACE` has to do.
    """
    with contextlib.suppress(OSError):
        stream = (folder / MANIFEST).open("rb")
        weakref.finalize(holder, stream.close)
        fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)


def is_held(folder: Path) -> bool:
    """Whether a reader may still be using a version that is not in force any more."""
    try:
        with (folder / MANIFEST).open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:  # it was never finished, or is half removed
        return False
    except BlockingIOError:
        return True
    except OSError:
        return time.time() - folder.stat().st_mtime < GRACE
    return False


def switch(path: Path, name: str) -> None:
    """Make `name` the version in force, in one step that a reader sees done or not done."""
    draft = path / f"{CURRENT}.new"
    with draft.open("w", encoding="utf-8") as stream:
        stream.write(name)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path / CURRENT)
    settle(path)


def settle(path: Path) -> None:
    """Have a file, or a folder with all it holds, written to the disk: a switch must not outrun what it leads to."""
    for entry in (*(path.rglob("*") if path.parent.name == VERSIONS else ()), path):
        descriptor = os.open(entry, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_manifest(folder: Path) -> Manifest:
    """The version's manifest; `StoreError` where it is damaged or of another schema."""
    try:
        data = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        data["sources"] = tuple(data["sources"])
        manifest = Manifest(**data)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"The store {folder.parent.parent} is damaged (manifest: {error}). Run ingest.py again."
        ) from error
    if manifest.schema != SCHEMA:
        raise StoreError(
            f"The store {folder.parent.parent} has schema {manifest.schema}, this version reads {SCHEMA}. "
            "Run ingest.py again."
        )
    return manifest


# --- records ------------------------------------------------------------------------------------


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write records, one JSON object a line."""
    write_lines(path, map(record_line, records))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write record lines, as `record_line` makes them."""
    with path.open("w", encoding="utf-8") as stream:
        for line in lines:
            stream.write(line + "\n")


def read_lines(path: Path) -> list[str]:
    """The lines of a file of records; `StoreError` where it cannot be read."""
    try:
        with path.open(encoding="utf-8") as stream:
            return [line.rstrip("\n") for line in stream]
    except (OSError, ValueError) as error:
        raise StoreError(f"The store's {path.name} is damaged ({error}). Run ingest.py again.") from error


def read_records(path: Path, kind: type[Record]) -> list[Record]:
    """Read what `write_records` wrote; `StoreError` where a line is damaged."""
    try:
        with path.open(encoding="utf-8") as stream:
            return [parse_record(kind, line) for line in stream]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"The store's {path.name} is damaged ({error}). Run ingest.py again.") from error


Gone = tuple[str, str, JobPosting]
"""A posting that vanished: the source that had it, when that was found out (ISO), and the posting."""


def write_gone(folder: Path, gone: Iterable[Gone]) -> None:
    """Write the postings that vanished from their boards."""
    lines = (f'["{found}", {json.dumps(name)}, {record_line(job)}]' for name, found, job in gone)
    write_lines(folder / "gone.jsonl", lines)


def read_gone(folder: Path) -> list[Gone]:
    """What `write_gone` wrote; nothing where another release filled the store."""
    try:
        with (folder / "gone.jsonl").open(encoding="utf-8") as stream:
            return [
                (name, found, build_record(JobPosting, job)) for found, name, job in map(orjson.loads, stream)
            ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"The store's gone.jsonl is damaged ({error}). Run ingest.py again.") from error


# --- vectors: the one door to Chroma --------------------------------------------------------------


_OPENING = threading.RLock()
"""Chroma shares what clients of one folder hold, and does not expect one to open while another closes."""


_SEEN: dict[Path, list[tuple[int, int]]] = {}


def _spelled(folder: Path) -> str:
    """The folder's path, spelled anew where other files stand there than before: Chroma keeps clients by path."""
    seen, found = _SEEN.setdefault(folder, []), stamp(folder.parent)
    if found not in seen:
        seen.append(found)
    return f"{folder}{'/.' * seen.index(found)}"


def open_chroma(folder: Path) -> Any:
    """A persistent Chroma client that sends no telemetry."""
    import chromadb  # noqa: PLC0415  (half a second; a damaged manifest should be told before)
    from chromadb.config import Settings  # noqa: PLC0415

    logging.getLogger("chromadb.telemetry").setLevel(logging.CRITICAL)
    settings = Settings(anonymized_telemetry=False, allow_reset=False)
    try:
        with _OPENING:
            return chromadb.PersistentClient(path=_spelled(folder), settings=settings)
    except Exception as error:
        raise StoreError(
            f"The vectors in {folder} cannot be opened ({error}). Run ingest.py again."
        ) from error


def close_chroma(client: Any) -> None:
    """Let go of a client's files, unless another client has the same folder open."""
    with _OPENING:
        client.close()


def open_collection(
    client: Any, what: str, embedder: Embedder, create: bool = True, name: str = ""
) -> Collection:
    """The collection of `what`, named after the encoder and the schema where no `name` is given.

    `StoreError` where it is missing and must not be made.
    """
    name = name or f"{what}-v{SCHEMA}-{embedder.name}"
    if create:
        made = client.get_or_create_collection(
            name, configuration=cast("Any", {"hnsw": GRAPH}), embedding_function=None
        )
        return cast("Collection", made)
    with chroma_errors():
        return cast("Collection", client.get_collection(name, embedding_function=None))


@contextmanager
def chroma_errors(
    what: str = "The store's vectors are damaged", to_do: str = "Run ingest.py again."
) -> Iterator[None]:
    """Turn what Chroma raises over its files into a `StoreError`, over a server into an `AwayError`."""
    import httpx  # noqa: PLC0415
    from chromadb.errors import ChromaError  # noqa: PLC0415

    try:
        yield
    except httpx.HTTPError as error:
        raise AwayError(f"The Chroma server cannot be reached ({error or type(error).__name__}).") from error
    except ChromaError as error:
        why = " ".join(str(error).split())
        raise StoreError(f"{what} ({why}). {to_do}") from error


def nearest(
    collection: Collection, vector: NDArray[np.float32], limit: int, where: Mapping[str, Any] | None = None
) -> list[list[tuple[str, float]]]:
    """Ids and cosines of the `limit` nearest vectors whose tags are as in `where`, nearest first.

    `vector`: one, or several as rows, for which Chroma is asked once; each has a list of its own.
    """
    with chroma_errors():
        found = collection.query(
            query_embeddings=cast("Any", list(np.atleast_2d(vector))),
            n_results=limit,
            where=cast("Any", where or None),
            include=["distances"],
        )
    return [
        [(key, 1.0 - float(distance)) for key, distance in zip(keys, distances, strict=True)]
        for keys, distances in zip(found["ids"], found["distances"] or [], strict=True)
    ]


def fetch(collection: Collection, keys: Sequence[str]) -> NDArray[np.float32]:
    """The vectors of `keys`, in their order, of shape (len(keys), dimensions)."""
    if not keys:
        return np.zeros((0, 0), dtype=np.float32)
    with chroma_errors():
        found = collection.get(ids=list(keys), include=["embeddings"])
    row = {key: index for index, key in enumerate(found["ids"])}
    missing = [key for key in keys if key not in row]
    if missing:
        raise StoreError(f"{len(missing)} vectors are missing from the store. Run ingest.py again.")
    return np.asarray(found["embeddings"], dtype=np.float32)[[row[key] for key in keys]]
