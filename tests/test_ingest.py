"""The command `python ingest.py`: what it prints, what it refuses, and that the old store outlives it."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result
from conftest import WordEmbedder, page_of, reading_of
from site_server import Site, serving
from typer.testing import CliRunner

from ingest import Progress, app
from knowledge.embedding import Embedder, load_embedder
from knowledge.ingestion import locked, mirror
from knowledge.retrieval import Query, search
from knowledge.sentences import terms
from knowledge.settings import Settings, load_settings
from knowledge.store import CURRENT, Store, StoreError

ROOT = Path(__file__).parents[1]
TEXT = "# Learning\n\nEverybody has four learning days a year.\n\n# Leave\n\nParents take sixteen weeks.\n"
JOBS = '[{"@type": "JobPosting", "title": "Cook", "description": "Cook for all of us.", "location": "Riga"}]'


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CANDOR_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def packaged() -> Embedder:
    return load_embedder()


def run(*arguments: object) -> Result:
    """The command in this process, so that the encoder is loaded once for all."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_alone(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as one types it."""
    return subprocess.run(
        [sys.executable, ROOT / "ingest.py", *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def answer(store: Path, embedder: Embedder, question: str) -> str:
    """The best passage for a question, asked of the version in force."""
    opened = Store.open(store, embedder)
    query = Query(vector=embedder.embed([question])[0], words=tuple(terms(question)))
    return search(opened, query, limit=1)[0].passage.text


@dataclass(frozen=True)
class Filled:
    """A store that holds one page, made by the command."""

    store: Path
    embedder: Embedder

    def is_as_it_was(self) -> bool:
        said = answer(self.store, self.embedder, "How many learning days are there?")
        return said == "Everybody has four learning days a year."


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page and its store, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("pattern")
    (folder / "life.md").write_text(TEXT, encoding="utf-8")
    assert run(folder / "life.md", "--store", folder / "store").exit_code == 0
    return folder


@pytest.fixture
def filled(pattern: Path, tmp_path: Path, packaged: Embedder) -> Filled:
    shutil.copytree(pattern, tmp_path, dirs_exist_ok=True)
    return Filled(tmp_path / "store", packaged)


# What it does


def test_one_json_object_says_what_was_done(filled: Filled) -> None:
    result = run("life.md", "--store", "store", "--json")
    (line,) = result.stdout.splitlines()
    said = json.loads(line)
    assert said.pop("seconds") >= 0
    assert said == {
        "sources": 1,
        "pages": 1,
        "jobs": 0,
        "open_jobs": 0,
        "passages": 2,
        "added": 0,
        "changed": 0,
        "removed": 0,
        "unchanged": 1,
        "embedded": 0,
        "skipped": [],
        "kept": [],
    }


def test_words_say_what_was_done(filled: Filled, tmp_path: Path) -> None:
    (tmp_path / "jobs.json").write_text(JOBS, encoding="utf-8")
    (line,) = run("life.md", "jobs.json", "--store", "store").stdout.splitlines()
    assert re.match(
        r"1 pages, 1 jobs \(1 open\), 3 passages in store: 1 added, .*, 3 texts embedded in ", line
    )


def test_the_store_of_the_settings_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packaged: Embedder
) -> None:
    (tmp_path / "life.md").write_text(TEXT, encoding="utf-8")
    monkeypatch.setenv("CANDOR_STORE", "chosen")
    assert run("life.md").exit_code == 0
    assert answer(tmp_path / "chosen", packaged, "parents weeks") == "Parents take sixteen weeks."


def test_a_source_that_is_given_twice_is_read_once(filled: Filled) -> None:
    said = json.loads(run("life.md", "life.md", "--store", "store", "--json").stdout)
    assert (said["sources"], said["pages"], said["unchanged"]) == (1, 1, 1)


def test_the_good_files_of_a_folder_go_in_and_the_bad_ones_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "life.md").write_text(TEXT, encoding="utf-8")
    (folder / "jobs.json").write_text(JOBS, encoding="utf-8")
    (folder / "bad.json").write_text("{", encoding="utf-8")
    (folder / "empty.txt").write_text("")
    result = run("pages", "--store", "store", "--json")
    said = json.loads(result.stdout)
    assert result.exit_code == 0 and (said["pages"], said["jobs"]) == (1, 1)
    assert {entry["source"]: entry["why"] for entry in said["skipped"]} == {
        "bad.json": "bad.json is not valid JSON (line 1). Fetch or export it again.",
        "empty.txt": "empty.txt is empty. Fill it or leave it out.",
    }
    words = run("pages", "--store", "store").stdout
    assert "  skipped bad.json: bad.json is not valid JSON" in words and "  skipped empty.txt: " in words


# What it refuses


def missing(folder: Path) -> None:
    """No file."""


def empty(folder: Path) -> None:
    (folder / "bad.md").write_text("")


def binary(folder: Path) -> None:
    (folder / "bad.md").write_bytes(bytes(range(256)) * 20)


def fifty_megabytes(folder: Path) -> None:
    (folder / "bad.md").write_text("We are nine people in Riga.\n\n" * 1_725_000)


def folder_of_bad_files(folder: Path) -> None:
    (folder / "bad.md").mkdir()
    (folder / "bad.md" / "jobs.json").write_text("{")
    (folder / "bad.md" / "empty.txt").write_text("")


def empty_folder(folder: Path) -> None:
    (folder / "bad.md").mkdir()


REFUSALS: dict[Callable[[Path], None], str] = {
    missing: r"bad\.md does not exist\. Check the spelling",
    empty: r"bad\.md is empty\. Fill it",
    binary: r"bad\.md is not a text file\. Save the page as",
    fifty_megabytes: r"bad\.md has more than 20 MB\. Split it",
    folder_of_bad_files: r"bad\.md holds nothing that can be read",
    empty_folder: r"bad\.md holds nothing that can be read",
}


def refused(status: int, stdout: str, stderr: str) -> str:
    """The one line on standard error of a run that was refused."""
    assert (status, stdout) == (2, "")
    (line,) = stderr.splitlines()
    assert line.startswith("ingest.py: ") and line.endswith(".")
    return line


@pytest.mark.parametrize("make", REFUSALS, ids=lambda make: make.__name__)
def test_a_source_that_cannot_be_read_is_refused_and_the_store_stays(
    filled: Filled, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path)
    for as_json in ((), ("--json",)):
        result = run("life.md", "bad.md", "--store", "store", *as_json)
        assert re.search(REFUSALS[make], refused(result.exit_code, result.stdout, result.stderr))
    assert filled.is_as_it_was()


def test_wrong_json_is_refused_and_the_store_stays(filled: Filled, tmp_path: Path) -> None:
    for content in ('[{"title": "Cook",', "[" * 100_000, "nul", "[]", '{"a": 1}'):
        (tmp_path / "jobs.json").write_text(content, encoding="utf-8")
        result = run("jobs.json", "--store", "store")
        line = refused(result.exit_code, result.stdout, result.stderr)
        assert "jobs.json is not valid JSON" in line or "jobs.json holds no job postings" in line
    assert filled.is_as_it_was()


def test_a_refusal_is_quick_and_one_line_as_one_types_it(filled: Filled, tmp_path: Path) -> None:
    done = run_alone("nowhere.md", "--store", "store")
    line = refused(done.returncode, done.stdout, done.stderr)
    assert line == (
        "ingest.py: nowhere.md does not exist. Check the spelling, or give another file or folder."
    )
    done = run_alone("life.md", "--store", "life.md/below", CANDOR_ENCODER="no-such-model")
    line = refused(done.returncode, done.stdout, done.stderr)
    assert "life.md/below cannot be written (Not a directory). Choose another --store." in line
    assert filled.is_as_it_was()


@pytest.mark.parametrize("place", ["life.md", "life.md/below", "/proc/candor"])
def test_a_place_that_cannot_be_written_is_refused(filled: Filled, place: str) -> None:
    result = run("life.md", "--store", place)
    assert f"The store {place} cannot be written (" in refused(result.exit_code, result.stdout, result.stderr)
    assert filled.is_as_it_was()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "seven", "CANDOR_PORT is 'seven': "),
        ("THRESHOLD", "high", "CANDOR_THRESHOLD is 'high': "),
        ("LLM_TIMEOUT", "-1", "CANDOR_LLM_TIMEOUT is '-1': "),
        ("ENCODER", "no-such-model", "'no-such-model'"),
        ("STORE", "/proc/candor", "The store /proc/candor cannot be written"),
    ],
)
def test_a_wrong_setting_is_refused(
    filled: Filled, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"CANDOR_{name}", value)
    result = run("life.md", *([] if name == "STORE" else ["--store", "store"]))
    assert words in refused(result.exit_code, result.stdout, result.stderr)
    assert filled.is_as_it_was()


def test_a_settings_file_that_cannot_be_read_is_refused(filled: Filled, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"CANDOR_COMPANY=M\xfcller")
    result = run("life.md", "--store", "store")
    assert "The settings in .env cannot be read: it is not UTF-8 text." in refused(
        result.exit_code, result.stdout, result.stderr
    )
    (tmp_path / ".env").unlink()  # Chroma would look into it as well
    assert filled.is_as_it_was()


def test_a_store_that_another_ingest_is_writing_to_is_refused(filled: Filled) -> None:
    with locked(filled.store):
        result = run("life.md", "--store", "store")
    line = refused(result.exit_code, result.stdout, result.stderr)
    assert f"Another ingest (process {os.getpid()}, since 20" in line and "is writing to store." in line
    assert filled.is_as_it_was()


# What it mends


def test_a_store_of_another_encoder_is_refused_by_readers_and_filled_anew_by_ingest(
    tmp_path: Path, packaged: Embedder
) -> None:
    mirror([reading_of(page_of("old.txt", "Riga."))], ["old.txt"], tmp_path / "store", WordEmbedder())
    with pytest.raises(
        StoreError, match=r"^The store .* was filled with the encoder words-1, but all-MiniLM"
    ):
        Store.open(tmp_path / "store", packaged)
    (tmp_path / "life.md").write_text(TEXT, encoding="utf-8")
    said = json.loads(run("life.md", "--store", "store", "--json").stdout)
    assert (said["added"], said["removed"], said["embedded"]) == (1, 1, 4)
    assert Filled(tmp_path / "store", packaged).is_as_it_was()


@pytest.mark.parametrize("name", ["CURRENT", "versions/000001/manifest.json"])
def test_a_damaged_store_is_mended(filled: Filled, name: str) -> None:
    (filled.store / name).write_bytes(b"\x00\xff{")
    with pytest.raises(StoreError, match=r"is damaged.* Run ingest\.py again\.$"):
        filled.is_as_it_was()
    assert run("life.md", "--store", "store").exit_code == 0
    assert filled.is_as_it_was() and (filled.store / CURRENT).read_text() == "000002"


# Lists of sources and websites


def test_without_arguments_the_list_beside_is_read_and_its_contact_kept(
    filled: Filled, tmp_path: Path
) -> None:
    (tmp_path / "jobs.json").write_text(JOBS, encoding="utf-8")
    (tmp_path / "candor.toml").write_text(
        'company = "Mill"\ncontact = "jobs@mill.example"\n'
        '[[sources]]\npath = "life.md"\n[[sources]]\npath = "jobs.json"\nkind = "jobs"\n',
        encoding="utf-8",
    )
    said = json.loads(run("--store", "store", "--json").stdout)
    assert (said["sources"], said["pages"], said["jobs"]) == (2, 1, 1)
    settings = load_settings(None, store=tmp_path / "store")
    assert (settings.company, settings.contact) == ("Mill", "jobs@mill.example")
    named = run("candor.toml", "--store", "store", "--json")
    assert json.loads(named.stdout)["unchanged"] == 2 and filled.is_as_it_was()


def test_a_mistake_in_the_list_is_refused_and_the_store_stays(filled: Filled, tmp_path: Path) -> None:
    (tmp_path / "candor.toml").write_text('[[sources]]\npth = "life.md"\n', encoding="utf-8")
    for arguments in ((), ("candor.toml",), ("life.md", "candor.toml")):
        result = run(*arguments, "--store", "store")
        assert "candor.toml" in refused(result.exit_code, result.stdout, result.stderr)
    assert filled.is_as_it_was()


def test_a_website_is_read_by_its_address_and_only_asked_again(
    filled: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "<h1>Learning</h1><p>Everybody has four learning days a year.</p><a href='/leave'>Leave</a>"
    leave = "<h1>Leave</h1><p>Parents take sixteen weeks of leave, whenever and however they like.</p>"
    with serving(Site({"/": page, "/leave": leave})) as site:
        got = run(site.url, "--store", "store")
        line = refused(got.exit_code, got.stdout, got.stderr)
        assert "inside your network" in line and site.asked == []
        monkeypatch.setenv("CANDOR_ALLOW_PRIVATE_ADDRESSES", "true")
        for added in (2, 0):
            said = json.loads(run(site.url, "--depth", "1", "--store", "store", "--json").stdout)
            assert (said["pages"], said["added"]) == (2, added)
        assert site.read() == ["/ 200", "/leave 200", "/ 304", "/leave 304"]
        assert filled.is_as_it_was()


# What it shows meanwhile


def test_where_no_one_watches_each_step_is_a_plain_line(tmp_path: Path) -> None:
    (tmp_path / "life.md").write_text(TEXT, encoding="utf-8")
    # transformers draws a bar of its own while it loads weights, where it is not told to leave that.
    done = run_alone("life.md", "--store", "store", "--json", HF_HUB_DISABLE_PROGRESS_BARS="1")
    assert done.returncode == 0 and json.loads(done.stdout)["embedded"] == 4
    first, *later = done.stderr.splitlines()
    # On a slow machine the encoder takes longer than the ten seconds after which the next line comes.
    assert first == "Embedding texts: 0 of 4" and set(later) <= {"Embedding texts: 4 of 4"} and len(later) < 2
    again = run("life.md", "--store", "store")
    assert (again.exit_code, again.stderr) == (0, "") and ", 0 texts embedded" in again.stdout


def test_a_step_that_lasts_says_now_and_then_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(bars=False, pause=0) as progress:
        progress("Reading", 1, 2)
        progress("Embedding passages", 0, 5000)
        progress("Embedding passages", 2500, 5000)
        progress("Embedding sentences", 0, 0)
    with Progress(bars=False, pause=60) as progress:
        progress("Reading", 1, 2)
        progress("Embedding passages", 0, 5)
        progress("Embedding passages", 5, 5)
    assert capsys.readouterr().err.splitlines() == [
        "Reading: 1 of 2",
        "Embedding passages: 0 of 5,000",
        "Embedding passages: 2,500 of 5,000",
        "Embedding passages: 0 of 5",
    ]


def test_on_a_terminal_each_step_is_a_bar_that_goes_when_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    with Progress(bars=True) as progress:
        progress("Embedding passages", 0, 4)
        progress("Embedding passages", 4, 4)
        progress("Embedding sentences", 0, 2)
    assert "Embedding passages:   0%" in screen.getvalue() and "Embedding sentences:" in screen.getvalue()
    assert screen.getvalue().endswith("\r") and "\n" not in screen.getvalue()
