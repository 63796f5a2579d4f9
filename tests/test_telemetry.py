"""What is seen of a turn: one line, its counters; and never what was said."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from ui_fakes import REPLIES, FakeAssistant, settings

from assistant.conversation import Reply
from assistant.steps import Stopwatch, listen, step
from ui.database import Database
from ui.server import create_app
from ui.telemetry import Telemetry, TurnInWork

CHAT, FIRST = "a" * 32, "1" * 32
HOME = "Can I work from home?"


class Stepping(FakeAssistant):
    """Tells two steps, and why it answered."""

    def stream(self, turns: Sequence[str], about: str = "") -> Iterator[str | Reply]:
        watch = Stopwatch()
        watch.lap("understand")
        watch.lap("write")
        yield "Yes, "
        yield replace(REPLIES[turns[-1]], trace={"decided": "searched", "topics": []})


def turns_told(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.told for record in caplog.records if hasattr(record, "told")]


def ask(client: TestClient, *turns: str) -> None:
    body = {"conversation": CHAT, "message": FIRST, "turns": list(turns)}
    assert client.post("/api/chat", json=body).status_code == 200


def test_a_turn_is_one_line_with_its_steps(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'kept.sqlite'}")
    client = TestClient(create_app(Stepping(), settings(retention_days=30), database))
    with caplog.at_level(logging.INFO, "ui"):
        ask(client, HOME)
        ask(client, HOME)
    first, again = turns_told(caplog)
    assert list(first["steps"]) == ["understand", "write", "keep"]
    assert 0 <= first["waited_ms"] <= first["first_ms"] <= first["ms"]
    known = {name: first[name] for name in ("way", "status", "reason", "writer", "fallback", "stored")}
    assert known == {
        "way": "api",
        "status": "answered",
        "reason": "searched",
        "writer": "extractive",
        "fallback": False,
        "stored": True,
    }
    assert again["reason"] == "repeated" and again["status"] == "answered" and again["steps"] == {}
    database.close()


def test_no_word_of_a_chat_no_address_and_no_id_of_it_is_told(caplog: pytest.LogCaptureFixture) -> None:
    client = TestClient(create_app(FakeAssistant(), settings()))
    with caplog.at_level(logging.DEBUG, "ui"):
        ask(client, "I am Ada Lovelace, ada@mail.example", HOME)
        ask(client, "break")
    told = " ".join(str({**vars(record), "msg": record.getMessage()}) for record in caplog.records)
    assert len(turns_told(caplog)) == 2
    for secret in ("Ada", "mail.example", HOME, CHAT, FIRST, "testclient", "three days"):
        assert secret not in told


def test_a_turn_that_fails_says_so(caplog: pytest.LogCaptureFixture) -> None:
    telemetry = Telemetry()
    client = TestClient(create_app(FakeAssistant(), settings(), telemetry=telemetry))
    ask(client, "break")
    assert [told["status"] for told in turns_told(caplog)] == ["failed"]
    assert sample(telemetry, "candor_turns_total", outcome="failed", writer="none") == 1


def sample(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    return telemetry.metrics.registry.get_sample_value(name, labels)


def test_whoever_leaves_ends_a_turn_as_left() -> None:
    telemetry = Telemetry()

    def work(turn: TurnInWork) -> Iterator[int]:
        yield 1
        yield 2

    items = telemetry.watched("api", work)()
    next(items)
    items.close()  # type: ignore[attr-defined]
    assert sample(telemetry, "candor_turns_total", outcome="left", writer="none") == 1


def test_calls_of_the_model_and_what_it_could_not_finish_are_counted() -> None:
    telemetry = Telemetry()

    def work(turn: TurnInWork) -> Iterator[int]:
        with step("llm"):
            pass
        with pytest.raises(OSError), step("llm"):
            raise OSError("away")
        turn.replied(replace(REPLIES[HOME], trace={"fallback": "it was away"}))
        yield 1

    assert list(telemetry.watched("page", work)()) == [1]
    assert sample(telemetry, "candor_llm_calls_total", result="ok") == 1
    assert sample(telemetry, "candor_llm_calls_total", result="failed") == 1
    assert sample(telemetry, "candor_llm_fallbacks_total") == 1
    assert sample(telemetry, "candor_turn_seconds_count") == 1
    assert sample(telemetry, "candor_first_token_seconds_count") == 1


def test_steps_are_told_only_to_whoever_listens() -> None:
    heard: list[str] = []
    watch = Stopwatch()
    watch.lap("understand")
    listen(lambda told: heard.append(told.name))
    watch.lap("search")
    watch.lap("search")
    listen(None)
    watch.lap("write")
    assert heard == ["search", "search"] and list(watch.steps) == ["understand", "search", "write"]
