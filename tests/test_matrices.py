"""Vectors as matrices beside Chroma: written from one version to the next, searched whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from knowledge.matrices import FOLDER, ROWS, Matrices, nearest, write_matrix, write_starts

EAST, NORTH, SLOPE = (1.0, 0.0), (0.0, 1.0), (0.6, 0.8)
ROSE = np.array([EAST, NORTH, SLOPE, EAST], dtype=np.float32)
ALL = np.ones(4, dtype=bool)


def version(folder: Path, name: str) -> Path:
    (folder / name).mkdir(exist_ok=True)
    return folder / name


class Vectors:
    """A vector for each key that counts up from its last letter; remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, keys: Sequence[str]) -> NDArray[np.float32]:
        self.asked += keys
        return np.array([[ord(key[-1]), len(key)] for key in keys], dtype=np.float32)


def saved(folder: Path) -> list[list[float]]:
    found: list[list[float]] = np.load(folder / FOLDER / "passages.npy").tolist()
    return found


def test_the_nearest_come_first_and_of_equal_ones_the_first() -> None:
    (found,) = nearest(ROSE, np.array(EAST, dtype=np.float32), 3, ALL)
    assert [row for row, _ in found] == [0, 3, 2]
    assert [score for _, score in found] == pytest.approx([1.0, 1.0, 0.6])


def test_several_vectors_are_looked_for_apart() -> None:
    found = nearest(ROSE, np.array([NORTH, EAST], dtype=np.float32), 1, ALL)
    assert [hits[0][0] for hits in found] == [1, 0]


def test_what_is_not_allowed_takes_no_place() -> None:
    allowed = np.array([False, True, True, False])
    (found,) = nearest(ROSE, np.array(EAST, dtype=np.float32), 4, allowed)
    assert [row for row, _ in found] == [2, 1]
    assert nearest(ROSE, np.array([EAST, NORTH], dtype=np.float32), 4, np.zeros(4, dtype=bool)) == [[], []]


def test_negative_cosines_are_found_as_well() -> None:
    (found,) = nearest(ROSE, np.array((-1.0, 0.0), dtype=np.float32), 4, ALL)
    assert [row for row, _ in found] == [1, 2, 0, 3]


def test_sentences_are_known_by_passage_and_number() -> None:
    vectors = np.arange(10, dtype=np.float32).reshape(5, 2)
    held = Matrices(ROSE[:3], vectors, np.array([0, 2, 2, 5]))
    assert [held.place(row) for row in range(5)] == [(0, 0), (0, 1), (2, 0), (2, 1), (2, 2)]
    assert held.sentences_of([2, 0]).tolist() == vectors[[2, 3, 4, 0, 1]].tolist()
    assert held.sentences_of([1]).shape == (0, 2) and held.sentences_of([]).shape == (0, 0)


def test_only_what_is_new_is_asked_for_and_rows_follow_the_new_order(tmp_path: Path) -> None:
    old, new = version(tmp_path, "1"), version(tmp_path, "2")
    write_matrix(old, None, "passages", {"a": "x", "b": "y"}, {}, Vectors())
    vectors = Vectors()
    wanted = {"c": "z", "b": "y", "a": "another text"}
    write_matrix(new, old, "passages", wanted, {"a": "x", "b": "y"}, vectors)
    assert vectors.asked == ["c", "a"]
    assert saved(new) == [[ord("c"), 1], [ord("b"), 1], [ord("a"), 1]]


def test_what_is_the_same_is_copied(tmp_path: Path) -> None:
    old, new = version(tmp_path, "1"), version(tmp_path, "2")
    keys = {"a": "x", "b": "y"}
    write_matrix(old, None, "passages", keys, {}, Vectors())
    vectors = Vectors()
    write_matrix(new, old, "passages", keys, keys, vectors)
    assert vectors.asked == [] and saved(new) == saved(old)


@pytest.mark.parametrize("content", [b"", b"garbage" * 100])
def test_a_damaged_matrix_is_written_anew(tmp_path: Path, content: bytes) -> None:
    old, new = version(tmp_path, "1"), version(tmp_path, "2")
    write_matrix(old, None, "passages", {"a": "x"}, {}, Vectors())
    (old / FOLDER / "passages.npy").write_bytes(content)
    vectors = Vectors()
    write_matrix(new, old, "passages", {"a": "x"}, {"a": "x"}, vectors)
    assert vectors.asked == ["a"] and saved(new) == [[ord("a"), 1]]


def test_more_rows_than_are_written_at_a_time_are_all_there(tmp_path: Path) -> None:
    keys = {f"{number}{'abc'[number % 3]}": "" for number in range(2 * ROWS + 3)}
    write_matrix(version(tmp_path, "1"), None, "passages", keys, {}, Vectors())
    assert np.array_equal(np.load(tmp_path / "1" / FOLDER / "passages.npy"), Vectors()(list(keys)))


def test_a_version_without_texts_has_matrices_without_rows(tmp_path: Path) -> None:
    folder = version(tmp_path, "1")
    for what in ("passages", "sentences"):
        write_matrix(folder, None, what, {}, {}, Vectors())
    write_starts(folder, [])
    held = Matrices.of(folder, 0)
    assert held is not None and held.passages.shape == held.sentences.shape == (0, 0)


def test_matrices_of_other_passages_are_refused(tmp_path: Path) -> None:
    assert Matrices.of(version(tmp_path, "0"), 1) is None
    folder = version(tmp_path, "1")
    write_matrix(folder, None, "passages", {"a": "x"}, {}, Vectors())
    write_matrix(folder, None, "sentences", {"a:0": "x", "a:1": "y"}, {}, Vectors())
    write_starts(folder, [2])
    assert Matrices.of(folder, 1) is not None
    with pytest.raises(ValueError, match="not of these passages"):
        Matrices.of(folder, 2)
    write_starts(folder, [3])
    with pytest.raises(ValueError, match="sentences are missing"):
        Matrices.of(folder, 1)
