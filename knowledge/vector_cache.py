"""Vectors embedded so far, on disk: what a killed ingest has embedded, the next one does not embed again."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAGIC = b"CNDRVEC1"
_HEADER = struct.Struct("<8sI")
_DIGEST = 16


def digest(text: str) -> str:
    """What a text is known by: 32 hex digits of its content."""
    return hashlib.blake2b(text.encode("utf-8", errors="surrogatepass"), digest_size=_DIGEST).hexdigest()


class VectorCache:
    """A file that only grows: a header, then one record (digest, vector) after another.

    A record that was cut off is left out, and so is one whose vector has not length 1: a disk that lost
    its power may hold zeros where something was still to be written.
    """

    def __init__(self, path: Path) -> None:
        """Read what `path` holds; a file that cannot be understood is begun anew."""
        self.path = path
        self.dimensions = 0
        self._row: dict[str, int] = {}
        self._read()

    def __contains__(self, key: str) -> bool:
        return key in self._row

    def add(self, keys: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Append the vectors of `keys`, of shape (len(keys), dimensions); they are on disk afterwards."""
        if not self.dimensions:
            self._begin(vectors.shape[1])
        records = np.zeros(len(keys), dtype=self._type)
        records["key"] = np.frombuffer(bytes.fromhex("".join(keys)), dtype=f"V{_DIGEST}")
        records["vector"] = vectors
        with self.path.open("ab") as stream:
            start = (stream.tell() - _HEADER.size) // self._type.itemsize
            stream.write(records.tobytes())
            stream.flush()
            os.fsync(stream.fileno())
        self._row.update(zip(keys, range(start, start + len(keys)), strict=True))

    def vectors(self, keys: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of `keys`, of shape (len(keys), dimensions); KeyError where one was never added."""
        rows = [self._row[key] for key in keys]
        if not rows:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        return np.array(self._records()["vector"][rows], dtype=np.float32)

    def remove(self) -> None:
        """Forget everything: it is in the store now."""
        self.path.unlink(missing_ok=True)
        self._row.clear()
        self.dimensions = 0

    @property
    def _type(self) -> np.dtype[np.void]:
        return np.dtype([("key", f"V{_DIGEST}"), ("vector", "<f4", (self.dimensions,))])

    def _records(self) -> NDArray[np.void]:
        return np.memmap(self.path, dtype=self._type, mode="r", offset=_HEADER.size)

    def _begin(self, dimensions: int) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(_HEADER.pack(_MAGIC, dimensions))
        self.dimensions = dimensions

    def _read(self) -> None:
        try:
            with self.path.open("r+b") as stream:
                magic, dimensions = _HEADER.unpack(stream.read(_HEADER.size))
                size = stream.seek(0, os.SEEK_END) - _HEADER.size
                if magic != _MAGIC or not 0 < dimensions < 100_000:
                    return
                self.dimensions = dimensions
                whole = size // self._type.itemsize
                stream.truncate(_HEADER.size + whole * self._type.itemsize)
        except (OSError, struct.error):
            return
        if not whole:
            return
        records = self._records()
        keys = np.ascontiguousarray(records["key"]).tobytes().hex()
        lengths = np.linalg.norm(records["vector"], axis=1)
        for row in np.flatnonzero(np.abs(lengths - 1) < 1e-2):
            self._row[keys[2 * _DIGEST * row : 2 * _DIGEST * (row + 1)]] = int(row)
