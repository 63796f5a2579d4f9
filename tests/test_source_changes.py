"""The list of sources changed: comments stay, and what makes no sense changes nothing."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from knowledge.errors import SourceError
from knowledge.source_changes import add_source, remove_source
from knowledge.source_list import SourceEntry, load_source_list

LISTED = """# whose pages these are
company = "Harbor & Pine"

[[sources]]
path = "team.md"   # by hand

[[sources]]
url = "https://careers.example/jobs"
kind = "jobs"
"""


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    (tmp_path / "team.md").write_text("# Team\n\nWe build ferries.\n")
    path = tmp_path / "candor.toml"
    path.write_text(LISTED)
    return path


def names(path: Path) -> list[str]:
    return [Path(entry.name).name if entry.path else entry.name for entry in load_source_list(path).sources]


def test_a_source_is_added_and_everything_else_stays_as_it_was_written(listed: Path) -> None:
    add_source(listed, SourceEntry(url="https://careers.example/life", kind="site", depth=3))
    assert listed.read_text().startswith(LISTED)
    added = load_source_list(listed).sources[2]
    assert (added.url, added.kind, added.depth) == ("https://careers.example/life", "site", 3)


def test_a_source_is_removed_with_its_table_and_the_comments_of_others_stay(listed: Path) -> None:
    remove_source(listed, "https://careers.example/jobs")
    assert names(listed) == ["team.md"]
    assert "# whose pages these are" in listed.read_text() and "# by hand" in listed.read_text()


def test_where_there_is_no_list_one_is_made_of_what_the_store_holds(tmp_path: Path) -> None:
    (tmp_path / "team.md").write_text("# Team\n\nWe build ferries.\n")
    path = tmp_path / "candor.toml"
    held = [str(tmp_path / "team.md"), "https://careers.example/jobs"]
    add_source(path, SourceEntry(url="https://careers.example/life"), held)
    assert names(path) == ["team.md", "https://careers.example/jobs", "https://careers.example/life"]
    remove_source(path, "https://careers.example/life", held)
    assert names(path) == ["team.md", "https://careers.example/jobs"]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (SourceEntry(path=Path("none.md")), "no file or folder none.md"),
        (SourceEntry(url="file:///etc/passwd"), "no web address"),
        (SourceEntry(url="https://careers.example/jobs"), "listed already"),
        (SourceEntry(url="https://a.example", company="Other"), ""),
    ],
)
def test_an_entry_that_makes_no_sense_leaves_the_file_as_it_was(
    listed: Path, entry: SourceEntry, why: str
) -> None:
    if not why:  # a company of its own beside that of the list is allowed
        add_source(listed, entry)
        return
    with pytest.raises(SourceError, match=re.escape(why)):
        add_source(listed, entry)
    assert listed.read_text() == LISTED


def test_what_is_not_listed_and_the_last_one_cannot_be_removed(listed: Path) -> None:
    with pytest.raises(SourceError, match="not listed"):
        remove_source(listed, "other.md")
    remove_source(listed, "team.md")
    with pytest.raises(SourceError, match="the only source"):
        remove_source(listed, "https://careers.example/jobs")


@pytest.mark.parametrize(
    "text", ["[[sources]\n", "sources = 3\n", "sources = [{url = 'https://a.example'}]\n"]
)
def test_a_file_that_cannot_be_changed_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "candor.toml"
    path.write_text(text)
    with pytest.raises(SourceError):
        add_source(path, SourceEntry(url="https://b.example"))
    assert path.read_text() == text
    assert {entry.name for entry in tmp_path.iterdir()} <= {"candor.toml", ".candor.toml.lock"}


def test_changes_at_the_same_time_are_all_kept(listed: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: add_source(listed, SourceEntry(url=f"https://s{n}.example/")), range(12)))
    assert len(names(listed)) == 14
