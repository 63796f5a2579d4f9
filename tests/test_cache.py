"""Entries kept for an installation: whole or not there, made anew where damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.cache import CARD, is_whole, kept, places


class Maker:
    """Writes one file into an entry, and counts how often it was asked."""

    def __init__(self, text: str = "made") -> None:
        self.text = text
        self.asked = 0

    def __call__(self, folder: Path) -> None:
        self.asked += 1
        (folder / "model").write_text(self.text, encoding="utf-8")


def test_an_entry_is_made_once(tmp_path: Path) -> None:
    make = Maker()
    first, second = kept("a", make, (tmp_path,)), kept("a", make, (tmp_path,))
    assert first == second == tmp_path / "a"
    assert make.asked == 1 and (first / "model").read_text(encoding="utf-8") == "made"


def test_a_damaged_entry_is_made_anew(tmp_path: Path) -> None:
    make = Maker()
    folder = kept("a", make, (tmp_path,))
    (folder / "model").write_text("mad", encoding="utf-8")
    assert not is_whole(folder)
    assert (kept("a", make, (tmp_path,)) / "model").read_text(encoding="utf-8") == "made"
    assert make.asked == 2


def test_an_entry_whose_card_is_missing_is_made_anew(tmp_path: Path) -> None:
    make = Maker()
    (kept("a", make, (tmp_path,)) / CARD).unlink()
    kept("a", make, (tmp_path,))
    assert make.asked == 2


def test_nothing_is_left_of_an_entry_that_could_not_be_made(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half", encoding="utf-8")
        raise ValueError("no torch")

    with pytest.raises(ValueError, match="no torch"):
        kept("a", fail, (tmp_path,))
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_dir()] == []
    assert (kept("a", Maker(), (tmp_path,)) / "model").is_file()


def test_a_place_that_cannot_be_written_is_still_read_and_another_one_written(tmp_path: Path) -> None:
    # A file where a folder should be cannot be written by any user, not even by root.
    (tmp_path / "file").write_text("", encoding="utf-8")
    shut, second, make = tmp_path / "file" / "place", tmp_path / "second", Maker()
    assert kept("a", make, (shut, second)) == second / "a"
    assert kept("a", make, (second, shut)) == second / "a"
    assert make.asked == 1


def test_without_any_place_an_entry_is_made_for_the_process(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    make = Maker()
    folder = kept("a", make, (tmp_path / "file" / "place",))
    assert (folder / "model").read_text(encoding="utf-8") == "made"


def test_the_users_cache_is_where_the_system_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert places()[-1] == tmp_path / "candor"
