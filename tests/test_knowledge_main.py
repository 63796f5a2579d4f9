"""`python -m knowledge`: what the store holds and how it came about, as tables and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import WordEmbedder, page_of, reading_of
from typer.testing import CliRunner, Result

from knowledge.__main__ import app
from knowledge.documents import JobPosting, Page
from knowledge.errors import SourceError
from knowledge.ingestion import mirror

COOK = JobPosting("7", "Cook [m/f/d]", "jobs.json", locations=("Riga",))
LIFE = page_of("life.txt", "Learning takes a day.", title="Life")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


def ingest(path: Path, *records: Page | JobPosting) -> None:
    mirror([reading_of(*records)], ["careers"], path, WordEmbedder())


def told(path: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--store", str(path)])


def rows(result: Result) -> list[list[str]]:
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.stdout.splitlines() if line.strip()]


def test_status_lists_what_each_source_holds_and_its_age(path: Path) -> None:
    ingest(path, LIFE, COOK, replace(COOK, id="8", title="Pilot"))
    found = next(row for row in rows(told(path, "status")) if row[0] == "careers")
    assert found[1:4] == ["1", "2", "2"] and found[-1] == "good"
    assert "1 pages, 2 jobs (2 open)" in told(path, "status").stdout


def test_a_source_that_fails_is_shown_with_why_and_since_when(path: Path) -> None:
    ingest(path, LIFE)
    mirror([SourceError("careers answers 500.")], ["careers"], path, WordEmbedder())
    result = told(path, "status")
    assert "fails, kept" in result.stdout and "careers answers 500." in result.stdout
    kept = json.loads(told(path, "status", "--json").stdout)["kept"]
    assert [(entry["source"], entry["why"]) for entry in kept] == [("careers", "careers answers 500.")]


def test_history_counts_what_each_ingest_added_changed_and_closed(path: Path) -> None:
    ingest(path, LIFE, COOK)
    ingest(path, LIFE, replace(COOK, locations=("Haifa",)))
    ingest(path, LIFE)
    counted = json.loads(told(path, "history", "--json").stdout)["ingests"]
    assert [entry["version"] for entry in counted] == ["000003", "000002", "000001"]
    table = rows(told(path, "history"))
    numbers = {row[0]: row[3:11] for row in table if row[0] in ("1", "2", "3")}
    # jobs added, changed, closed, removed, pages added, changed, removed, unchanged
    assert numbers["1"][:7] == ["1", "0", "0", "0", "1", "0", "0"]
    assert numbers["2"][:7] == ["0", "1", "0", "0", "0", "0", "0"]
    assert numbers["3"][:7] == ["0", "0", "1", "0", "0", "0", "0"]


def test_one_ingest_is_shown_with_the_fields_that_changed(path: Path) -> None:
    ingest(path, LIFE, COOK)
    ingest(path, LIFE, replace(COOK, locations=("Haifa",)))
    shown = told(path, "history", "2").stdout
    assert "Cook [m/f/d]" in shown and "locations" in shown and "1 changes" in shown
    (change,) = json.loads(told(path, "history", "2", "--json").stdout)["changes"]
    assert (change["what"], change["kind"], change["fields"]) == ("changed", "job", ["locations"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("status",), "ingest.py"),
        (("history", "9"), "has no ingest 9. List them: python -m knowledge history"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(path: Path, words: tuple[str, ...], said: str) -> None:
    if words[0] == "history":
        ingest(path, LIFE)
    result = told(path, *words)
    assert result.exit_code == 2 and result.stdout == ""
    assert said in result.stderr and result.stderr.count("\n") == 1
