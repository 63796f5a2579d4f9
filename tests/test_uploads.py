"""What a visitor sends to Gradio makes the server fetch nothing and open nothing."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from ui_fakes import FakeAssistant, settings

from ui.server import create_app
from ui.uploads import Uploads

CANDIDATE, CONSOLE = "/gradio_api/queue/join", "/recruiter/gradio_api/queue/join"


def file_at(path: str) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def passed(path: str, body: bytes | str) -> tuple[int, bytes]:
    """The status, and what came through to the app behind the wall."""
    seen: list[bytes] = []

    async def behind(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    status = TestClient(Uploads(behind)).post(path, content=body).status_code
    return status, b"".join(seen)


@pytest.mark.parametrize("where", [CANDIDATE, f"{CANDIDATE}/"])
@pytest.mark.parametrize("path", ["http://example.com/large.iso", "/etc/passwd", "page.html"])
def test_a_candidate_can_name_no_file_however_deep_it_is_hidden(where: str, path: str) -> None:
    for data in ([file_at(path)], [{"a": [{"b": file_at(path)}]}], {"data": [[[file_at(path)]]]}):
        assert passed(where, json.dumps({"data": data})) == (403, b"")
    escaped = json.dumps({"data": [file_at(path)]}).replace('"path"', '"p\\u0061th"')
    assert passed(where, escaped) == (403, b"")


def test_a_recruiter_names_uploaded_files_and_no_addresses() -> None:
    uploaded = json.dumps({"data": [file_at("/var/gradio/a1/questions.csv")]})
    assert passed(CONSOLE, uploaded) == (200, uploaded.encode())
    for path in ("http://example.com/x.csv", "https://10.0.0.1/", "HTTP://example.com", "file:///etc/passwd"):
        assert passed(CONSOLE, json.dumps({"data": [file_at(path)]})) == (403, b"")


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_json_goes_no_further(body: bytes) -> None:
    assert passed(CANDIDATE, body) == (400, b"")


def test_an_event_without_files_and_any_other_request_go_through() -> None:
    words = json.dumps({"data": ["Where is the path? http://example.com"], "fn_index": 1}).encode()
    assert passed(CANDIDATE, words) == (200, words)
    assert passed("/api/chat", b'{"path": "/x"}') == (200, b'{"path": "/x"}')


def test_the_chat_itself_fetches_nothing_that_a_visitor_names() -> None:
    # Something listens there; each event of the page is called with its address in each input.
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        client = TestClient(create_app(FakeAssistant(), settings()))
        named = file_at(f"http://127.0.0.1:{server.getsockname()[1]}/")
        for event in client.get("/config").json()["dependencies"]:
            body = {
                "data": [named] * len(event["inputs"]),
                "fn_index": event["id"],
                "session_hash": "x",
                "event_data": None,
            }
            assert not event["inputs"] or client.post(CANDIDATE, json=body).status_code == 403
        with pytest.raises(BlockingIOError):
            server.accept()
