"""What visitors meet while models load, and that the server of everything else takes over without losing one."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from ui_browser import served
from ui_fakes import FakeAssistant, settings

from knowledge.embedding import LazyEmbedder
from knowledge.onnx_encoder import OnnxEmbedder, cores
from ui.__main__ import _get_ready, _listen, _told_meanwhile, main
from ui.server import create_app
from ui.waiting import AGAIN, waiting, waiting_app
from ui.widget import WEB

SITE = "https://careers.example.com"
HOME = "Can I work from home?"
BODY = {"message": "1" * 32, "turns": [HOME]}


@pytest.fixture
def client() -> TestClient:
    return TestClient(waiting_app(settings(company='<Mill> & "Sons"', embed_on=(SITE,))))


@pytest.fixture
def door() -> Iterator[socket.socket]:
    opened = _listen("127.0.0.1", 0)
    yield opened
    opened.close()


def address(door: socket.socket) -> str:
    return f"http://127.0.0.1:{door.getsockname()[1]}"


@pytest.mark.parametrize(
    ("path", "up"),
    [("/", ""), ("/recruiter", ""), ("/recruiter/setup?token=1", "../"), ("/recruiter/", "../")],
)
def test_the_page_says_that_it_gets_ready_and_loads_only_its_own_files(
    client: TestClient, path: str, up: str
) -> None:
    page = client.get(path)
    assert (page.status_code, page.headers["retry-after"]) == (503, str(AGAIN))
    assert "&lt;Mill&gt; &amp; &quot;Sons&quot;" in page.text and "<Mill>" not in page.text
    assert '<p id="said" role="status">The assistant is getting ready.' in page.text
    found = re.findall(r'(?:src|href)="([^"?]+)', page.text)
    assert found == [f"{up}chat/waiting.css", f"{up}chat/waiting.js"]
    assert all(client.get(f"/{name.removeprefix(up)}").status_code == 200 for name in found)


def test_every_answer_says_what_a_browser_may_do_with_it_and_ends_its_connection(client: TestClient) -> None:
    for path in ("/", "/recruiter", "/healthz", "/readyz", "/api/start", "/chat", "/widget.js", "/nothing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy, path
        assert policy.endswith(f"frame-ancestors 'self' {SITE}"), path
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert headers["connection"] == "close" and headers["x-request-id"], path


def test_it_lives_and_is_not_ready(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")


@pytest.mark.parametrize(("method", "path"), [("POST", "chat"), ("GET", "start"), ("PUT", "conversations/x")])
def test_the_api_says_when_to_ask_again_to_sites_that_may_ask(
    client: TestClient, method: str, path: str
) -> None:
    answer = client.request(method, f"/api/{path}", json=BODY, headers={"Origin": SITE})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, str(AGAIN))
    assert answer.json()["code"] == "not_ready" and answer.json()["retry_after"] == AGAIN
    assert answer.headers["access-control-allow-origin"] == SITE
    other = client.request(method, f"/api/{path}", json=BODY, headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("path", ["/config", "/gradio_api/queue/join", "/metrics", "/chat/..%2fserver.py"])
def test_all_else_is_not_there_yet(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (404, 503)
    assert client.post("/").status_code == 503


def test_the_widget_and_its_page_are_those_of_the_server_to_come(client: TestClient) -> None:
    later = TestClient(create_app(FakeAssistant(), settings(company='<Mill> & "Sons"', embed_on=(SITE,))))
    for path in ("/widget.js", "/chat", "/demo"):
        now, then = client.get(path), later.get(path)
        assert (now.status_code, now.content) == (200, then.content), path
    assert len({each.get("/chat").headers["content-security-policy"] for each in (client, later)}) == 1


def test_whoever_comes_between_the_two_servers_is_answered_by_the_second(door: socket.socket) -> None:
    with waiting(door, settings()):
        assert until_503(f"{address(door)}/api/start")["code"] == "not_ready"
    found: list[httpx.Response] = []
    asking = threading.Thread(
        target=lambda: found.append(httpx.post(f"{address(door)}/api/chat", json=BODY, timeout=60))
    )
    asking.start()
    with served(create_app(FakeAssistant(), settings()), door.dup()):
        asking.join(60)
    assert found[0].status_code == 200 and "three days a week" in found[0].text


def until_503(url: str) -> dict[str, Any]:
    """The answer at an address that may not be listened at yet."""
    while True:
        try:
            answer = httpx.get(url, timeout=30)
        except httpx.ConnectError:
            continue
        assert answer.status_code == 503
        return dict(answer.json())


def test_behind_a_proxy_nobody_is_let_in_before_the_server_can_answer(door: socket.socket) -> None:
    with _told_meanwhile(door, settings(open_early=False)), pytest.raises(httpx.ConnectError):
        httpx.get(f"{address(door)}/healthz", timeout=5)


def test_a_damaged_store_ends_it_with_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "CURRENT").write_text("../../etc", encoding="utf-8")
    assert main(["--store", str(tmp_path), "--port", "0"]) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 1 and "is damaged" in told.err and told.out == ""


# In a browser


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "he"])
def test_the_page_opens_by_itself_in_the_visitors_language(
    browser: Any, door: socket.socket, language: str
) -> None:
    words = json.loads((WEB / f"{language}.json").read_text(encoding="utf-8"))
    context = browser.new_context(locale=language, viewport={"width": 390, "height": 844})
    page = context.new_page()
    with waiting(door, settings()):
        until_503(f"{address(door)}/api/start")
        page.goto(address(door))
        said = page.get_by_role("status")
        said.filter(has_text=words["soon"]).wait_for()
        assert page.locator("html").get_attribute("dir") == ("rtl" if language == "he" else None)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with served(create_app(FakeAssistant(), settings()), door.dup()):
        page.get_by_placeholder("Ask a question").wait_for(timeout=30_000)
        context.close()


@pytest.mark.browser
def test_a_question_asked_meanwhile_is_answered_as_soon_as_there_is_an_assistant(
    browser: Any, door: socket.socket
) -> None:
    context = browser.new_context(locale="en")
    page = context.new_page()
    with waiting(door, settings()):
        until_503(f"{address(door)}/api/start")
        page.goto(f"{address(door)}/chat")
        page.locator("#welcome .waiting").filter(has_text="The assistant is getting ready").wait_for()
        page.locator("#question").fill(HOME)
        page.locator("#question").press("Enter")
        page.locator("article .waiting").filter(has_text="The assistant is getting ready").wait_for()
        assert page.locator(".failed").count() == 0 and page.locator("#send").inner_text() == "Stop"
    with served(create_app(FakeAssistant(), settings()), door.dup()):
        page.locator("article .answer").filter(has_text="three days a week").wait_for(timeout=30_000)
        assert page.locator("article").count() == 1
        context.close()


def test_a_server_has_its_encoder_work_on_a_single_question_with_all_cores() -> None:
    embedder = LazyEmbedder("")
    _get_ready(embedder)
    loaded = embedder.load()
    assert isinstance(loaded, OnnxEmbedder) and len(loaded._single.ways) == min(cores(), 2)
