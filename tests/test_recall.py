"""What was read before: recalled where bytes and name are the same, read anew where anything is not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from knowledge.documents import Block, BlockKind, JobPosting, Page, Reading, Skipped, Status
from knowledge.errors import SourceError
from knowledge.pages import read_source
from knowledge.recall import FILES, recalled, recalling

ROOT = Path(__file__).parents[1]

PAGE = Page(
    "a.md", "a.md", "Leave", language="en", blocks=(Block(BlockKind.PARAGRAPH, "Sixteen weeks.", ("Leave",)),)
)


class Reader:
    """Reads the same whatever it is given, and counts how often."""

    def __init__(self, reading: Reading) -> None:
        self.reading, self.times = reading, 0

    def __call__(self) -> Reading:
        self.times += 1
        return self.reading


def read_twice(
    folder: Path, reading: Reading, between: Callable[[], object] = lambda: None
) -> tuple[Reading, int]:
    """The second reading of the same bytes, and how often they were read."""
    reader = Reader(reading)
    with recalling(folder):
        recalled(b"bytes", ("a.md",), reader)
    between()
    with recalling(folder):
        return recalled(b"bytes", ("a.md",), reader), reader.times


def test_a_file_with_the_same_bytes_is_not_read_again(tmp_path: Path) -> None:
    reading = Reading(
        (PAGE,), (JobPosting("1", "Miller", "a.md", quotes={"title": "Miller"}),), (Skipped("b", "empty"),)
    )
    assert read_twice(tmp_path, reading) == (reading, 1)


def test_other_bytes_or_another_name_are_read(tmp_path: Path) -> None:
    reader = Reader(Reading((PAGE,)))
    with recalling(tmp_path):
        for content, name in ((b"one", "a.md"), (b"two", "a.md"), (b"one", "b.md"), (b"one", "a.md")):
            recalled(content, (name,), reader)
    assert reader.times == 4  # within one ingest nothing is asked for twice
    with recalling(tmp_path):
        recalled(b"one", ("b.md",), reader)
        recalled(b"one", ("c.md",), reader)
    assert reader.times == 5


def test_a_posting_that_closed_since_is_recalled_as_closed(tmp_path: Path) -> None:
    yesterday = date.today() - timedelta(days=1)
    job = JobPosting("1", "Miller", "a.md", closes=yesterday, status=Status.OPEN)
    found, times = read_twice(tmp_path, Reading(jobs=(job,)))
    assert times == 1 and found.jobs[0].status is Status.CLOSED and found.jobs[0].closes == yesterday


@pytest.mark.parametrize("content", ["", "nonsense", "other rules\n" + "0" * 32 + ' {"pages":[]}\n'])
def test_what_is_damaged_or_of_another_release_is_read_anew(tmp_path: Path, content: str) -> None:
    found, times = read_twice(tmp_path, Reading((PAGE,)), lambda: (tmp_path / FILES).write_text(content))
    assert found == Reading((PAGE,)) and times == 2


def test_a_damaged_line_is_read_anew(tmp_path: Path) -> None:
    def cut() -> None:
        rules, line = (tmp_path / FILES).read_text().splitlines()
        (tmp_path / FILES).write_text(f'{rules}\n{line[:33]}{{"pages":[7]}}\n')

    assert read_twice(tmp_path, Reading((PAGE,)), cut) == (Reading((PAGE,)), 2)


def test_a_file_is_read_anew_with_another_release_of_what_reads_it(tmp_path: Path) -> None:
    code = f"""
import importlib.metadata, sys
from pathlib import Path
if sys.argv[1] == "other":
    real = importlib.metadata.version
    importlib.metadata.version = lambda name: "0" if name == "pdfplumber" else real(name)
from knowledge.documents import Reading
from knowledge.recall import recalled, recalling
with recalling(Path({str(tmp_path)!r})):
    recalled(b"bytes", ("a.pdf",), lambda: print("read") or Reading())
"""
    said = [
        subprocess.run(
            [sys.executable, "-c", code, release], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for release in ("this", "this", "other")
    ]
    assert said == ["read\n", "", "read\n"]


def test_what_nobody_asks_for_any_more_is_forgotten(tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        with recalling(tmp_path):
            recalled(content, ("a.md",), Reader(Reading((PAGE,))))
    assert len((tmp_path / FILES).read_text().splitlines()) == 2  # the rules, and one file


def test_an_ingest_that_fails_forgets_nothing(tmp_path: Path) -> None:
    reader = Reader(Reading((PAGE,)))
    with recalling(tmp_path):
        recalled(b"one", ("a.md",), reader)
    with pytest.raises(SourceError), recalling(tmp_path):
        raise SourceError("b.md cannot be read.")
    with recalling(tmp_path):
        recalled(b"one", ("a.md",), reader)
    assert reader.times == 1


def test_where_nobody_is_recalling_everything_is_read(tmp_path: Path) -> None:
    reader = Reader(Reading((PAGE,)))
    for _ in range(2):
        recalled(b"one", ("a.md",), reader)
    assert reader.times == 2


def test_half_a_character_does_no_harm(tmp_path: Path) -> None:
    page = Page("a.md", "a.md", "Half \ud83d")
    assert read_twice(tmp_path, Reading((page,))) == (Reading((page,)), 2)


def test_a_folder_says_the_same_the_second_time(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "leave.md").write_text("# Leave\n\nParents take **sixteen** weeks.\n", encoding="utf-8")
    (pages / "jobs.json").write_text(
        '[{"title": "Miller", "location": "Riga", "url": "https://jobs.example/1", "description": "Grind."}]',
        encoding="utf-8",
    )
    (pages / "empty.txt").write_text("", encoding="utf-8")
    fresh = read_source(pages)
    for _ in range(2):
        with recalling(tmp_path / "read"):
            assert read_source(pages) == fresh
    assert fresh.jobs and fresh.pages and fresh.skipped
    remembered = (tmp_path / "read" / FILES).read_text(encoding="utf-8").splitlines()
    assert len(remembered) == 3  # the rules, the page and the opening; what could not be read is tried again
