"""Places for turns: how many there are, and what whoever finds none is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Iterator, Sequence

import httpx
import pytest
from ui_browser import served
from ui_fakes import FakeAssistant, settings

from assistant.conversation import Reply
from ui.server import create_app
from ui.turns import RESTART, UNKNOWN, Refusal, Turns


async def nothing_left(turns: Turns) -> None:
    while turns.taken:
        await asyncio.sleep(0.01)


def test_beyond_the_places_there_is_a_wait_that_follows_from_the_line() -> None:
    turns = Turns(at_once=2, waiting=4)
    assert [turns.enter() for _ in range(6)] == [None] * 6
    # Four in line and oneself, two at once, each of a second as none has been measured.
    assert UNKNOWN == 1.0 and turns.enter() == Refusal(3)


def test_the_wait_follows_from_how_long_the_last_turns_took() -> None:
    async def run() -> None:
        turns = Turns(at_once=1, waiting=3)
        assert turns.enter() is None
        gate = threading.Event()

        def slow() -> Iterator[int]:
            gate.wait(1.2)
            yield 1

        running = turns.run(slow)
        assert [turns.enter() for _ in range(3)] == [None] * 3 and turns.enter() == Refusal(4)
        assert [batch async for batch in running.batches()] == [[1]]
        assert turns.enter() is None
        refused = turns.enter()
        assert refused is not None and refused.seconds >= 5  # four turns of 1.2 seconds

    asyncio.run(run())


def test_what_comes_at_once_comes_in_one_batch_and_in_order() -> None:
    async def run() -> None:
        turns = Turns()
        turns.enter()
        running = turns.run(lambda: iter(range(1000)))
        await nothing_left(turns)
        batches = [batch async for batch in running.batches()]
        assert [item for batch in batches for item in batch] == list(range(1000)) and len(batches) < 5

    asyncio.run(run())


def test_what_goes_wrong_is_told_behind_what_came_before_and_gives_the_place_back() -> None:
    def breaking() -> Iterator[int]:
        yield 1
        raise RuntimeError("broken")

    async def run() -> None:
        turns = Turns()
        turns.enter()
        seen = []
        with pytest.raises(RuntimeError, match="broken"):
            async for batch in turns.run(breaking).batches():
                seen += batch
        assert seen == [1] and turns.taken == 0

    asyncio.run(run())


def test_whoever_never_looks_keeps_no_place() -> None:
    async def run() -> None:
        turns = Turns(at_once=1, waiting=0)
        for _ in range(3):
            assert turns.enter() is None
            turns.run(lambda: iter([1]))
            await nothing_left(turns)

    asyncio.run(run())


def test_a_turn_that_was_left_while_it_waited_is_not_begun() -> None:
    begun: list[int] = []
    gate = threading.Event()

    def blocking() -> Iterator[int]:
        gate.wait(30)
        yield 0

    def noted() -> Iterator[int]:
        begun.append(1)
        yield 1

    async def left(items: AsyncIterator[list[int]]) -> None:
        async for _ in items:
            raise AssertionError("it cannot have begun")

    async def run() -> None:
        turns = Turns(at_once=1, waiting=1)
        turns.enter()
        turns.run(blocking)
        turns.enter()
        task = asyncio.create_task(left(turns.run(noted).batches()))
        await asyncio.sleep(0.05)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        gate.set()
        await nothing_left(turns)
        assert begun == []

    asyncio.run(run())


def test_once_closed_nothing_is_taken_and_the_reason_is_told() -> None:
    turns = Turns()
    turns.close()
    refused = turns.enter()
    assert refused == Refusal(RESTART, closing=True) and "being restarted" in refused.message


# Over a real connection


class Gated(FakeAssistant):
    """Answers only once the gate is open."""

    gate = threading.Event()

    def stream(self, turns: Sequence[str], about: str = "") -> Iterator[str | Reply]:
        self.gate.wait(60)
        return super().stream(turns)


def full_page(address: str, question: str) -> str:
    """What the full-page chat shows after a question: the last values of its components, as text."""
    config = httpx.get(f"{address}/config").json()
    (asking,) = [event for event in config["dependencies"] if ["question", "submit"] in named(config, event)]
    joined = {"fn_index": asking["id"], "data": [question, None], "session_hash": "s1", "event_data": None}
    assert httpx.post(f"{address}/gradio_api/queue/join", json=joined).status_code == 200
    told = ""
    with httpx.stream(
        "GET", f"{address}/gradio_api/queue/data", params={"session_hash": "s1"}, timeout=30
    ) as stream:
        for line in stream.iter_lines():
            if "process_generating" in line or "process_completed" in line:
                told += line
            if "process_completed" in line or "close_stream" in line:
                break
    return told


def named(config: dict, event: dict) -> list[list[str]]:  # type: ignore[type-arg]
    names = {part["id"]: part["props"].get("elem_id", "") for part in config["components"]}
    return [[names.get(target[0], ""), target[1]] for target in event["targets"]]


def test_the_full_page_chat_has_no_places_of_its_own() -> None:
    app = create_app(Gated(), settings())
    turns: Turns = app.state.turns
    with served(app) as address:
        assert "You have asked" not in full_page(address, "") and turns.taken == 0
        while turns.enter() is None:
            pass
        refused = turns.enter()
        shown = full_page(address, "Can I work from home?")
        assert refused is not None and refused.message in shown and "still in the box" in shown
        body = {"message": "1" * 32, "turns": ["Can I work from home?"]}
        answer = httpx.post(f"{address}/api/chat", json=body)
        assert answer.status_code == 429 and answer.headers["retry-after"] == str(refused.seconds)
        assert json.loads(answer.text)["message"] == refused.message
