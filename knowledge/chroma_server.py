"""Knowledge in a Chroma server: written by one ingest, read by any number of replicas that share no disk.

    candor                       its metadata name the version in force; changed in one step
    candor-ingest                is there while an ingest writes; its metadata name who, and until when
    candor-000007-passages       vectors of a version; replicas ask the server for them
    candor-000007-sentences
    candor-000007-records        all its other files and the history, as one archive in pieces; replicas
                                 keep a copy of it in their store's folder

`chroma run`, Chroma's distributed deployment and Chroma Cloud take the same requests. Pieces and batches
keep within what Chroma Cloud allows: 300 records a request, 16,384 bytes a document.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import logging
import os
import re
import secrets
import shutil
import socket
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import numpy as np
from filelock import FileLock, Timeout

from knowledge.documents import Passage
from knowledge.embedding import Embedder
from knowledge.history import HISTORY
from knowledge.ingestion import BUILD, EMBEDDED, forget_versions
from knowledge.keywords import write_keywords
from knowledge.settings import Settings
from knowledge.store import (
    CURRENT,
    VERSIONS,
    AwayError,
    StoreError,
    chroma_errors,
    close_chroma,
    fetch,
    is_version,
    open_chroma,
    open_collection,
    read_manifest,
    read_records,
    settle,
    switch,
)
from knowledge.vector_cache import VectorCache
from knowledge.vector_writer import COLLECTIONS, TITLE_KEYS, Progress, batched, read_entries

if TYPE_CHECKING:
    from chromadb import Collection
    from chromadb.api import ClientAPI

POINTER = "candor"
LEASE = "candor-ingest"
RECORDS = "records"
ARCHIVE = "archive.sha256"

PIECE = 12_000
"""Bytes of the archive in one document; 16,000 as base64."""

BATCH = 250
"""Records in one request."""

HISTORIES = 30
"""Ingests whose history goes with a version."""

WAIT = 5.0
"""Seconds that a turn waits for the server."""

WRITE_WAIT = 120.0
"""Seconds that an ingest waits for it: a batch may have to be indexed."""

HOLD = 120.0
"""Seconds that a lease holds; renewed all the while, so that only a killed ingest lets it run out."""

GRACE = 3600.0
"""Seconds that a superseded version stays: replicas may have been away, and turns be in work."""

_OF_VERSION = re.compile(rf"{POINTER}-(\d+)-[a-z]+")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Published:
    """The version in force on a server: what a copy of it must amount to. `archive` is a SHA-256."""

    version: str
    archive: str
    pieces: int
    passages: int
    sentences: int


class ChromaServer:
    """A Chroma server that holds the knowledge. Safe to share between threads.

    It is connected to when first needed, and anew where it was away: every method raises `AwayError` meanwhile.
    """

    def __init__(
        self, url: str, token: str = "", tenant: str = "", database: str = "", wait: float = WAIT
    ) -> None:
        """`url`: http(s)://host:port; `token` goes into X-Chroma-Token; `wait`: seconds for one request."""
        self.url = url
        self.wait = wait
        self._headers = {"X-Chroma-Token": token} if token else {}
        self._place = {name: to for name, to in (("tenant", tenant), ("database", database)) if to}
        self._lock = threading.Lock()
        self._client: ClientAPI | None = None

    @classmethod
    def of(cls, settings: Settings, wait: float = WAIT) -> ChromaServer | None:
        """The server that the settings name; None where the knowledge is in the store's folder alone."""
        if not settings.chroma_url:
            return None
        token = settings.chroma_token.get_secret_value()
        return cls(settings.chroma_url, token, settings.chroma_tenant, settings.chroma_database, wait)

    # --- reading ------------------------------------------------------------------------------------

    def in_force(self) -> Published | None:
        """The version in force; None where nothing was ever published."""
        with self._errors():
            held = self._find(POINTER)
        if held is None:
            return None
        try:
            return Published(**{name: held.metadata[name] for name in Published.__dataclass_fields__})
        except (KeyError, TypeError):  # made, and not pointed anywhere yet
            return None

    def collection(self, version: str, what: str, embedder: Embedder) -> Collection:
        """The "passages" or "sentences" of a version."""
        with self._errors():
            return open_collection(
                self.client(), what, embedder, create=False, name=_collection(version, what)
            )

    def pull(self, store: Path) -> bool:
        """Make `store` hold the version in force, without its vectors; whether it was another before.

        The store goes on with what it has until the copy is whole and checked.
        """
        published = self.in_force()
        if published is None or _is_copy(store, published):
            return False
        store.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(store / "pull.lock", timeout=0):
                self._copy(published, store)
        except Timeout:  # another process on this machine is at it
            return False
        return True

    def pull_vectors(self, store: Path, embedder: Embedder) -> None:
        """Have the next ingest into `store` take its vectors from the server, so that it embeds only what is new.

        For a store that has a copy of the version in force and not its vectors, as on another machine.
        """
        published = self.in_force()
        if published is None or (store / VERSIONS / published.version / "chroma").is_dir():
            return
        folder = store / VERSIONS / published.version
        if read_manifest(folder).encoder != embedder.name:
            return
        cache = VectorCache(store / EMBEDDED / f"{embedder.name}.vectors")
        for what in COLLECTIONS:
            collection = self.collection(published.version, what, embedder)
            keys = {e.digest: key for key, e in read_entries(folder / f"{what}.keys").items()}
            for part in batched([digest for digest in keys if digest not in cache], BATCH):
                cache.add(part, fetch(collection, [keys[digest] for digest in part]))
        titles = (folder / TITLE_KEYS).read_text(encoding="ascii").split()
        if fresh := [row for row, digest in enumerate(titles) if digest not in cache]:
            cache.add([titles[row] for row in fresh], np.load(folder / "titles.npy")[fresh])

    def _copy(self, published: Published, store: Path) -> None:
        name = published.version
        before = _current(store)
        self._check_vectors(published)
        draft = store / VERSIONS / f"{name}.part"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        with tempfile.TemporaryFile(dir=draft) as archive:
            self._download(published, archive)
            _unpack(archive, draft)
        read_manifest(draft)  # before anything depends on it
        (store / HISTORY).mkdir(exist_ok=True)
        for path in (draft / HISTORY).glob("*.jsonl"):
            path.replace(store / HISTORY / path.name)
        shutil.rmtree(draft / HISTORY, ignore_errors=True)
        # Worked out here from the texts: it would double what comes over the network.
        passages = read_records(draft / "passages.jsonl", Passage)
        write_keywords(draft, store / VERSIONS / before if before else None, passages)
        (draft / ARCHIVE).write_text(published.archive, encoding="ascii")
        settle(draft)
        shutil.rmtree(store / VERSIONS / name, ignore_errors=True)
        draft.rename(store / VERSIONS / name)
        switch(store, name)
        forget_versions(store, name, before)

    def _check_vectors(self, published: Published) -> None:
        for what in COLLECTIONS:
            with self._errors():
                collection = self._find(_collection(published.version, what))
                found = collection.count() if collection is not None else 0
            if found != getattr(published, what):
                raise StoreError(
                    f"The Chroma server {self.url} holds {found} of the {getattr(published, what)} {what} "
                    f"of version {published.version}. Run ingest.py again."
                )

    def _download(self, published: Published, archive: IO[bytes]) -> None:
        digest = hashlib.sha256()
        with self._errors():
            records = self.client().get_collection(
                _collection(published.version, RECORDS), embedding_function=None
            )
            for ids in batched(map(_piece, range(published.pieces)), BATCH):
                found = records.get(ids=ids, include=["documents"])
                texts = dict(zip(found["ids"], found["documents"] or [], strict=True))
                for key in ids:
                    data = base64.b64decode(texts.get(key, ""))
                    digest.update(data)
                    archive.write(data)
        if digest.hexdigest() != published.archive:
            raise StoreError(
                f"The records of version {published.version} on {self.url} are damaged. Run ingest.py again."
            )
        archive.seek(0)

    # --- writing ------------------------------------------------------------------------------------

    @contextmanager
    def alone(self) -> Iterator[Lease]:
        """Be the only ingest that writes to the server; `StoreError` says who is at it."""
        lease = self._lease()
        stopped = threading.Event()

        def renew() -> None:
            while not stopped.wait(HOLD / 6):
                with contextlib.suppress(AwayError):  # there is time to try again
                    lease.renew()

        thread = threading.Thread(target=renew, name="lease", daemon=True)
        thread.start()
        try:
            yield lease
        finally:
            stopped.set()
            thread.join()
            lease.release()

    def _lease(self) -> Lease:
        metadata = {
            "owner": secrets.token_hex(8),
            "who": f"process {os.getpid()} on {socket.gethostname()}"[:200],
        }
        with self._errors():
            held = self._find(LEASE)
            if held is not None:
                told = held.metadata or {}
                if float(told.get("until", 0)) > time.time():
                    raise StoreError(
                        f"Another ingest ({told.get('who')}) is writing to {self.url}. Wait for it, then run this again."
                    )
                log.warning("The ingest of %s ended without giving its place back.", told.get("who"))
                self._drop(LEASE)
            try:
                # The server makes a name once: of two who come at the same moment, one is refused.
                made = self.client().create_collection(
                    LEASE, metadata={**metadata, "until": time.time() + HOLD}, embedding_function=None
                )
            except Exception as error:
                if self._find(LEASE) is None:
                    raise
                raise StoreError(
                    f"Another ingest has just begun to write to {self.url}. Wait for it, then run this again."
                ) from error
        return Lease(self, made, metadata)

    def publish(self, folder: Path, embedder: Embedder, lease: Lease, progress: Progress) -> None:
        """Bring a version, as an ingest has made it in `folder`, to the server and have all replicas move to it."""
        name = folder.name
        before = self.in_force()
        self._forget(before.version if before else "")
        with tempfile.TemporaryFile(dir=folder.parent) as archive:
            _pack(folder, archive)
            digest, pieces = self._upload(name, archive, progress)
        counts = self._upload_vectors(folder, embedder, progress)
        lease.renew()  # what was taken from us must not be written over
        with self._errors():
            pointer = self.client().get_or_create_collection(POINTER, embedding_function=None)
            pointer.modify(metadata=asdict(Published(name, digest, pieces, **counts)))
            if before and (old := self._find(_collection(before.version, RECORDS))) is not None:
                old.modify(metadata={"superseded": time.time()})
        (folder / ARCHIVE).write_text(digest, encoding="ascii")

    def _upload(self, name: str, archive: IO[bytes], progress: Progress) -> tuple[str, int]:
        total = -(-archive.seek(0, os.SEEK_END) // PIECE)
        archive.seek(0)
        digest = hashlib.sha256()
        with self._errors():
            records = self.client().create_collection(
                _collection(name, RECORDS),
                metadata={"made": time.time()},
                configuration={"hnsw": {"space": "l2"}},
                embedding_function=None,
            )
            for start in range(0, total, BATCH):
                progress("Publishing records", start, total)
                numbers = range(start, min(start + BATCH, total))
                parts = [archive.read(PIECE) for _ in numbers]
                for part in parts:
                    digest.update(part)
                records.add(
                    ids=[_piece(number) for number in numbers],
                    # Chroma keeps no document without a vector; numbers are never equal.
                    embeddings=cast("Any", [[float(number)] for number in numbers]),
                    documents=[base64.b64encode(part).decode("ascii") for part in parts],
                )
        return digest.hexdigest(), total

    def _upload_vectors(self, folder: Path, embedder: Embedder, progress: Progress) -> dict[str, int]:
        counts = {}
        local = open_chroma(folder / "chroma")
        try:
            for what in COLLECTIONS:
                entries = read_entries(folder / f"{what}.keys")
                counts[what] = len(entries)
                collection = open_collection(local, what, embedder, create=False)
                with self._errors():
                    there = self.client().create_collection(
                        _collection(folder.name, what),
                        configuration={"hnsw": {"space": "cosine"}},
                        embedding_function=None,
                    )
                for number, keys in enumerate(batched(entries, BATCH)):
                    progress(f"Publishing {what}", number * BATCH, len(entries))
                    part = fetch(collection, keys)
                    with self._errors():
                        there.add(
                            ids=keys,
                            embeddings=cast("Any", part),
                            metadatas=[dict(entries[key].tags) for key in keys],
                        )
        finally:
            close_chroma(local)
        return counts

    def _forget(self, in_force: str) -> None:
        """Remove versions that were superseded long enough ago, and what an ingest that was killed left behind."""
        with self._errors():
            names = {c.name for c in self._all()}
            versions = {found[1] for name in names if (found := _OF_VERSION.fullmatch(name))} - {in_force}
            for version in versions:
                records = self._find(_collection(version, RECORDS))
                since = (records.metadata or {}).get("superseded") if records is not None else None
                if since is not None and time.time() - float(cast("float", since)) < GRACE:
                    continue
                # Records last: as long as they are there, the next ingest finds what is left to remove.
                for what in (*COLLECTIONS, RECORDS):
                    if _collection(version, what) in names:
                        self._drop(_collection(version, what))

    # --- the connection -----------------------------------------------------------------------------

    def client(self) -> ClientAPI:
        """The connection, made where there is none yet."""
        with self._lock:
            if self._client is None:
                self._client = self._connected()
            return self._client

    def _connected(self) -> ClientAPI:
        import chromadb  # noqa: PLC0415  (half a second)
        import httpx  # noqa: PLC0415
        from chromadb.config import Settings as ChromaSettings  # noqa: PLC0415

        # The client asks the server at once, and without end where that accepts and says nothing.
        httpx.get(f"{self.url}/api/v2/heartbeat", timeout=self.wait, headers=self._headers)
        url = urlsplit(self.url)
        client = chromadb.HttpClient(
            host=url.hostname or "",
            port=url.port or (443 if url.scheme == "https" else 80),
            ssl=url.scheme == "https",
            headers=dict(self._headers),
            settings=ChromaSettings(anonymized_telemetry=False),
            **self._place,
        )
        # There is no setting for it, and without one a turn would wait for ever.
        cast("Any", client)._server._session.timeout = httpx.Timeout(self.wait)
        return client

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn whatever the client raises into an `AwayError` that names the server."""
        try:
            with chroma_errors(f"The Chroma server {self.url} refuses", "See its log."):
                yield
        except AwayError as error:
            raise AwayError(f"The Chroma server {self.url} cannot be reached ({error.__cause__}).") from error
        except StoreError:
            raise
        except Exception as error:  # the client raises ValueError and bare Exception, too
            why = " ".join(str(error).split())[:200] or type(error).__name__
            raise AwayError(f"The Chroma server {self.url} cannot be used ({why}).") from error

    def _all(self) -> list[Any]:
        found: list[Any] = []
        while page := self.client().list_collections(limit=BATCH, offset=len(found)):
            found += page
        return found

    def _find(self, name: str) -> Any:
        from chromadb.errors import NotFoundError  # noqa: PLC0415

        try:
            return self.client().get_collection(name, embedding_function=None)
        except NotFoundError:
            return None

    def _drop(self, name: str) -> None:
        from chromadb.errors import NotFoundError  # noqa: PLC0415

        with contextlib.suppress(NotFoundError):
            self.client().delete_collection(name)


class Publication:
    """One ingest's way to a server: a `Publisher` over a store of its own, which only serves to build in."""

    def __init__(self, server: ChromaServer, lease: Lease, store: Path) -> None:
        self.server = server
        self.lease = lease
        self.store = store
        # A server that lost its data, and an ingest on another machine, must not give a number a second time:
        # replicas would take it for what they have. Minutes since 1970 are above all that were counted up.
        self.first = 1 if server.in_force() else int(time.time() // 60)

    def take_vectors(self, embedder: Embedder) -> None:
        """Fetch the vectors of the version in force, where they are not here: nothing is embedded twice."""
        self.server.pull_vectors(self.store, embedder)

    def publish(self, folder: Path, embedder: Embedder, progress: Progress) -> None:
        """Publish the version in `folder`."""
        self.server.publish(folder, embedder, self.lease, progress)


@contextmanager
def publishing(settings: Settings, store: Path) -> Iterator[Publication | None]:
    """Be the only ingest that writes to the settings' server, over a `store` as new as that; None without one."""
    server = ChromaServer.of(settings, WRITE_WAIT)
    if server is None:
        yield None
        return
    with server.alone() as lease:
        server.pull(store)
        yield Publication(server, lease, store)


def build_store(settings: Settings) -> Path:
    """Where an ingest builds: the store itself, or beside a replica's copy of what is on the server."""
    return settings.store / BUILD if settings.chroma_url else settings.store


class Lease:
    """The right of one ingest to write to a server, until it runs out or is given back."""

    def __init__(self, server: ChromaServer, collection: Any, metadata: Mapping[str, Any]) -> None:
        self._server = server
        self._collection = collection
        self._metadata = metadata

    def renew(self) -> None:
        """Hold it for another while; `StoreError` where it ran out and another ingest has taken it."""
        with self._server._errors():
            held = self._server._find(LEASE)
            if held is None or held.id != self._collection.id:
                raise StoreError(
                    f"Another ingest has taken over {self._server.url}, as this one was not heard of for long. "
                    "Nothing was changed; run this again."
                )
            held.modify(metadata={**self._metadata, "until": time.time() + HOLD})

    def release(self) -> None:
        """Give it back. Where the server is away, it runs out by itself."""
        with contextlib.suppress(StoreError), self._server._errors():
            held = self._server._find(LEASE)
            if held is not None and held.id == self._collection.id:
                self._server._drop(LEASE)


def _collection(version: str, what: str) -> str:
    return f"{POINTER}-{version}-{what}"


def _piece(number: int) -> str:
    return f"{number:08d}"


def _current(store: Path) -> str:
    try:
        name = (store / CURRENT).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return name if is_version(name) else ""


def _is_copy(store: Path, published: Published) -> bool:
    """Whether the version in force of a store is the one that is published, and not only called the same."""
    if _current(store) != published.version:
        return False
    try:
        return (store / VERSIONS / published.version / ARCHIVE).read_text("ascii") == published.archive
    except (OSError, UnicodeDecodeError):
        return False


def _pack(folder: Path, archive: IO[bytes]) -> None:
    """Write the files of a version, and the latest histories, as a compressed archive."""
    with tarfile.open(fileobj=archive, mode="w|gz", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.iterdir()):
            if path.is_file() and path.name != ARCHIVE:
                tar.add(path, path.name)
        history = folder.parent.parent / HISTORY
        paths = sorted((p for p in history.glob("*.jsonl") if is_version(p.stem)), key=lambda p: int(p.stem))
        for path in paths[-HISTORIES:]:
            tar.add(path, f"{HISTORY}/{path.name}")


def _unpack(archive: IO[bytes], folder: Path) -> None:
    """Read what `_pack` wrote; `StoreError` where that is not what it is."""
    try:
        with tarfile.open(fileobj=archive, mode="r|gz") as tar:
            tar.extractall(folder, filter="data")  # no path out of the folder, no links, no devices
    except (tarfile.TarError, OSError, EOFError) as error:
        raise StoreError(
            f"The records in {folder} cannot be unpacked ({error}). Run ingest.py again."
        ) from error
