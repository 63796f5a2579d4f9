"""The id of a request, from the client to the answer, its errors and the thread of its turn."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from fastapi.testclient import TestClient
from ui_fakes import FakeAssistant, settings

from assistant.conversation import Reply
from ui.request_ids import REQUEST, request_id
from ui.server import create_app

OWN = "0f8fad5b-d9cb-469f-a165-70867728950e"
BODY: dict[str, Any] = {"message": "1" * 32, "turns": ["Can I work from home?"]}


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(create_app(Listening(), settings()), raise_server_exceptions=False)


class Listening(FakeAssistant):
    """Notes the request that a turn belongs to."""

    requests: tuple[str, ...] = ()

    def stream(self, turns: Sequence[str], about: str = "") -> Iterator[str | Reply]:
        self.requests = (*self.requests, REQUEST.get())
        return super().stream(turns, about)

    def starters(self, limit: int = 4, language: str = "") -> list[str]:
        if language == "xx":
            raise RuntimeError("secret-key-123")
        return super().starters(limit, language)


@pytest.mark.parametrize(
    "given", [None, "", "short", "x" * 65, "a b c d e f", "abc\ndef-0123", "a_b'c\"d<e>"]
)
def test_what_is_no_id_is_made_anew(given: str | None) -> None:
    assert re.fullmatch("[0-9a-f]{32}", request_id(given))


def test_the_id_of_the_client_comes_back_and_reaches_the_thread() -> None:
    assistant = Listening()
    client = TestClient(create_app(assistant, settings()))
    answer = client.post("/api/chat", json=BODY, headers={"X-Request-ID": OWN})
    assert answer.headers["x-request-id"] == OWN and assistant.requests == (OWN,)


@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing/here", "/api/conversations/x", "/widget.js"])
def test_every_answer_has_an_id_of_its_own(client: TestClient, path: str) -> None:
    ids = {client.get(path).headers["x-request-id"] for _ in range(2)}
    assert len(ids) == 2 and all(re.fullmatch("[0-9a-f]{32}", name) for name in ids)


def test_an_error_names_the_end_of_the_id(client: TestClient) -> None:
    headers = {"X-Request-ID": OWN}
    assert client.post("/api/chat", json={}, headers=headers).json()["reference"] == OWN[-8:]
    told = client.post("/api/chat", json={**BODY, "turns": ["break"]}, headers=headers).text
    event = json.loads(told.strip().rpartition("data: ")[2])
    assert event == {"code": "failed", "retry_after": None, "reference": OWN[-8:]}


def test_what_breaks_outside_of_a_turn_has_a_reference_and_no_traceback(client: TestClient) -> None:
    answer = client.get("/api/start?language=xx", headers={"X-Request-ID": OWN})
    assert answer.status_code == 500 and answer.headers["x-request-id"] == OWN
    assert answer.json() == {
        "code": "failed",
        "message": "Something went wrong on our side. Try again.",
        "retry_after": None,
        "reference": OWN[-8:],
    }


def test_the_line_about_a_failed_turn_has_the_id(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []
    caplog.handler.addFilter(lambda _: not seen.append(REQUEST.get()))
    with caplog.at_level(logging.INFO, "ui"):
        client.post("/api/chat", json={**BODY, "turns": ["break"]}, headers={"X-Request-ID": OWN})
    assert len(seen) >= 2 and set(seen) == {OWN}
