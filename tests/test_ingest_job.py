"""An ingest that the console starts, as the real process that it is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ui_fakes import settings

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


def test_the_list_is_read_and_the_counts_are_told(folder: Path) -> None:
    started = job(folder)
    assert started.state.phase == "" and started.start()
    assert not started.start()  # one at a time
    state = started.wait(120)
    assert (state.phase, state.error) == ("finished", "")
    assert state.result["pages"] == 1 and state.seconds > 0
    assert read_manifest(current_version(folder / "store")).company == "Harbor"


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
    ended = time.monotonic() + 60
    while started.state.what == "Starting" and time.monotonic() < ended:
        time.sleep(0.01)
    started.stop()
    assert started.wait(60).phase == "stopped"
    assert current_version(folder / "store") == before
    assert started.start() and started.wait(120).phase == "finished"


def test_stopping_what_does_not_run_is_no_error(folder: Path) -> None:
    job(folder).stop()
