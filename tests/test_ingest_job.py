"""An ingest that the console starts, as the real process that it is."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from site_server import Site, serving
from ui_fakes import settings

from knowledge.history import read_sources
from knowledge.ingestion import locked
from knowledge.store import current_version, read_manifest
from ui.ingest_job import IngestJob

TEAM = "# The ferry team\n\nWe build ferries. Everyone gets 28 days of paid leave a year.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "team.md").write_text(TEAM)
    (tmp_path / "candor.toml").write_text('company = "Harbor"\n\n[[sources]]\npath = "team.md"\n')
    return tmp_path


def job(folder: Path) -> IngestJob:
    return IngestJob(settings(store=folder / "store"), folder)


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    ended = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ended, "It did not happen in time."
        time.sleep(0.01)


def test_the_list_is_read_and_the_counts_are_told(folder: Path) -> None:
    started = job(folder)
    assert started.state.phase == "" and started.start()
    assert not started.start()  # one at a time
    state = started.wait(120)
    assert (state.phase, state.error) == ("finished", "")
    assert state.result["pages"] == 1 and state.seconds > 0
    assert read_manifest(current_version(folder / "store")).company == "Harbor"
    # by the name that `python ingest.py` in that folder gives it as well
    assert [state.name for state in read_sources(current_version(folder / "store"))] == ["team.md"]


def test_without_a_list_the_sources_of_the_store_are_read_again(folder: Path) -> None:
    (folder / "candor.toml").unlink()
    started = job(folder)
    started.start([str(folder / "team.md")])
    assert started.wait(120).result["sources"] == 1


def test_a_mistake_is_told_in_its_one_line_and_the_next_ingest_can_begin(folder: Path) -> None:
    (folder / "candor.toml").write_text('[[sources]]\npath = "none.md"\n')
    started = job(folder)
    started.start()
    state = started.wait(120)
    assert state.phase == "failed" and "none.md" in state.error and "Traceback" not in state.error
    (folder / "candor.toml").write_text('[[sources]]\npath = "team.md"\n')
    assert started.start() and started.wait(120).phase == "finished"


def test_one_that_is_stopped_leaves_the_store_as_it_was(folder: Path) -> None:
    started = job(folder)
    started.start()
    started.wait(120)
    before = current_version(folder / "store")
    (folder / "team.md").write_text(TEAM + "\nAnd trams.\n")
    started.start()
    until(lambda: started.state.what != "Starting")
    started.stop()
    assert started.wait(60).phase == "stopped"
    assert current_version(folder / "store") == before
    assert started.start() and started.wait(120).phase == "finished"


def test_stopping_what_does_not_run_is_no_error(folder: Path) -> None:
    job(folder).stop()


def test_one_that_is_stopped_at_once_does_not_run_on(folder: Path) -> None:
    started = job(folder)
    started.start()
    started.stop()
    assert started.wait(60).phase == "stopped" and not (folder / "store" / "CURRENT").exists()


def test_who_else_is_writing_to_the_store_is_told(folder: Path) -> None:
    started = job(folder)
    with locked(folder / "store"):
        started.start()
        assert "Another ingest (process " in started.wait(60).error


def test_sources_without_a_list_are_read_as_deep_as_before(folder: Path) -> None:
    (folder / "candor.toml").unlink()
    page = "<html><body><main><h1>{0}</h1><p>{0}: we build ferries for the whole of the bay.</p>{1}</main></body></html>"
    pages = {
        "/": page.format("Harbor", "<p><a href='/life'>Life</a></p>"),
        "/life": page.format("Life", ""),
    }
    with serving(Site(pages)) as site:
        started = IngestJob(settings(store=folder / "store", allow_private_addresses=True), folder)
        started.start([f"{site.url}/"], depth=1)
        assert started.wait(120).result["pages"] == 2


def test_the_seconds_of_a_running_ingest_go_on(folder: Path) -> None:
    started = job(folder)
    started.start()
    first = started.state.seconds
    time.sleep(0.05)
    assert started.state.phase == "running" and started.state.seconds > first
    started.stop()


SERVER = """
import json, os, sys, time
from pathlib import Path
from knowledge.settings import Settings
from ui.ingest_job import IngestJob
folder = Path(sys.argv[1])
job = IngestJob(Settings(_env_file=None, store=folder / "store"), folder)
job.start()
print(job._process.pid, flush=True)
sys.exit() if sys.argv[2] == "ends" else time.sleep(600)
"""


def has_ended(process: Path) -> bool:
    """Whether a process, by its folder in /proc, runs no more; it may vanish while it is looked at."""
    try:
        return ") Z " in (process / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
@pytest.mark.parametrize("how", ["ends", "is killed"])
def test_an_ingest_ends_with_the_server_that_started_it(folder: Path, how: str) -> None:
    board = [
        {"title": f"Pilot {n}", "location": "Haifa", "description": f"Ferry {n}. " * 40} for n in range(400)
    ]
    (folder / "jobs.json").write_text(json.dumps(board))
    (folder / "candor.toml").write_text('[[sources]]\npath = "jobs.json"\n')
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(folder), how],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    with server:
        assert server.stdout is not None
        child = Path("/proc") / server.stdout.readline().strip()
        if how == "is killed":
            assert child.exists()
            server.kill()
    until(lambda: has_ended(child))
    assert not (folder / "store" / "CURRENT").exists()
