"""The vectors of a version as matrices beside Chroma: read row by row, and searched whole where they are few.

STORE/versions/000007/vectors/passages.npy    row for row those of passages.jsonl
STORE/versions/000007/vectors/sentences.npy   those of their sentences, passage by passage
STORE/versions/000007/vectors/starts.npy      the first sentence of each passage, and how many there are
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = "vectors"
"""Folder of a version in which its matrices are kept."""

STARTS = "starts"

EXACT = 20_000
"""Rows up to which a matrix is searched whole: below, that is faster than Chroma's index, and misses nothing."""

ROWS = 4096
"""Rows written at a time."""


@dataclass(frozen=True)
class Matrices:
    """The vectors of a version, mapped into memory.

    `passages` is of shape (passages, dimensions), `sentences` of shape (sentences, dimensions); those of passage n
    are the rows from `starts[n]` up to `starts[n + 1]`.
    """

    passages: NDArray[np.float32]
    sentences: NDArray[np.float32]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, folder: Path, passages: int) -> Matrices | None:
        """What `write_matrix` and `write_starts` left in a version's folder; None where an earlier release made the version.

        Raises ValueError or OSError where they cannot be read or are not of so many passages.
        """
        saved = folder / FOLDER
        if not saved.is_dir():
            return None
        found = cls(
            _mapped(saved / "passages.npy"),
            _mapped(saved / "sentences.npy"),
            _mapped(saved / f"{STARTS}.npy"),
        )
        if len(found.passages) != passages or len(found.starts) != passages + 1:
            raise ValueError("they are not of these passages")
        if len(found.sentences) != found.starts[-1]:
            raise ValueError("sentences are missing")
        return found

    @cached_property
    def passage_of(self) -> NDArray[np.intp]:
        """The passage of every sentence, of shape (sentences,)."""
        return np.repeat(np.arange(len(self.passages)), np.diff(self.starts))

    def place(self, row: int) -> tuple[int, int]:
        """The passage of a sentence's row, and its number there."""
        passage = int(self.passage_of[row])
        return passage, row - int(self.starts[passage])

    def sentences_of(self, passages: Sequence[int]) -> NDArray[np.float32]:
        """The vectors of every sentence of the passages, in their order, of shape (sentences, dimensions)."""
        if not passages:
            return np.zeros((0, 0), dtype=np.float32)
        rows = np.asarray(passages)
        counts = self.starts[rows + 1] - self.starts[rows]
        ends = np.cumsum(counts)
        places = np.arange(ends[-1]) + np.repeat(self.starts[rows] - (ends - counts), counts)
        found: NDArray[np.float32] = self.sentences[places]
        return found


def nearest(
    matrix: NDArray[np.float32], vectors: NDArray[np.float32], most: int, allowed: NDArray[np.bool_]
) -> list[list[tuple[int, float]]]:
    """Row and cosine of the `most` rows nearest to each of `vectors` among those `allowed`, nearest first.

    `matrix` and `vectors` have rows of length 1; of equal ones the first go first.
    """
    asked, rows = np.atleast_2d(vectors), np.flatnonzero(allowed)
    if not len(rows):
        return [[] for _ in asked]
    # Row by row on this thread: a product of matrices would wait for BLAS's other threads, busy with other questions.
    scores = np.vecdot(matrix[None, :, :], asked[:, None, :])
    if len(rows) < len(matrix):
        scores = scores[:, rows]
    return [_highest(rows, row, most) for row in scores]


def _highest(rows: NDArray[np.intp], scores: NDArray[np.float32], most: int) -> list[tuple[int, float]]:
    if len(rows) > most:
        least = np.partition(scores, len(scores) - most)[len(scores) - most]
        rows, scores = rows[scores >= least], scores[scores >= least]
    order = np.argsort(-scores, kind="stable")[:most]
    return list(zip(rows[order].tolist(), scores[order].tolist(), strict=True))


def _mapped(path: Path) -> NDArray[Any]:
    if path.stat().st_size < 128:  # numpy's own message would name a pickle
        raise ValueError(f"{path.name} is cut off")
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


# --- writing ------------------------------------------------------------------------------------

Keyed = Mapping[str, str]
"""What each vector stands for, the digest of a text, by the vector's key and in the order of the rows."""


def write_matrix(
    folder: Path,
    before: Path | None,
    what: str,
    wanted: Keyed,
    held: Keyed,
    vectors: Callable[[Sequence[str]], NDArray[np.float32]],
) -> None:
    """Write the matrix of `wanted` into a version's folder, with what the version `before` has of it.

    `held`: what that version's rows stand for. `vectors` gives those of keys that it has not.
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    path = folder / FOLDER / f"{what}.npy"
    kept = _whole(before / FOLDER / path.name, len(held)) if before else None
    if before and kept is not None and list(wanted.items()) == list(held.items()):
        shutil.copyfile(before / FOLDER / path.name, path)
        return
    rows = (
        {key: row for row, key in enumerate(held) if wanted.get(key) == held[key]} if kept is not None else {}
    )
    keys = list(wanted)
    matrix = np.zeros((0, 0), dtype=np.float32)
    for start in range(0, len(keys), ROWS):
        part = keys[start : start + ROWS]
        fresh = [key for key in part if key not in rows]
        filled = _filled(part, rows, kept, vectors(fresh) if fresh else None)
        if not start:
            shape = (len(keys), filled.shape[1])
            matrix = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
        matrix[start : start + len(part)] = filled
    if not keys:
        np.save(path, matrix)


def _whole(path: Path, rows: int) -> NDArray[np.float32] | None:
    """A matrix of so many rows; None where it is none, or damaged."""
    with contextlib.suppress(OSError, ValueError):
        found: NDArray[np.float32] = _mapped(path)
        return found if len(found) == rows else None
    return None


def _filled(
    keys: Sequence[str],
    rows: Mapping[str, int],
    kept: NDArray[np.float32] | None,
    fresh: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """The vectors of `keys`: those that have a row from `kept`, all others from `fresh` in their order."""
    here = np.array([key in rows for key in keys])
    if kept is None or not here.any():
        return fresh if fresh is not None else np.zeros((0, 0), dtype=np.float32)
    filled = np.empty((len(keys), kept.shape[1]), dtype=np.float32)
    filled[here] = kept[[rows[key] for key in keys if key in rows]]
    if fresh is not None:
        filled[~here] = fresh
    return filled


def write_starts(folder: Path, counts: Sequence[int]) -> None:
    """Write how many sentences each passage has."""
    np.save(folder / FOLDER / f"{STARTS}.npy", np.cumsum([0, *counts], dtype=np.int64))
