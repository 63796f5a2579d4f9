from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect
from ui_fakes import FakeAssistant, settings

from ui.__main__ import main
from ui.headers import SECURITY_HEADERS
from ui.server import BODY_LIMIT, Shut, address, create_app


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = create_app(FakeAssistant(), settings())
    with TestClient(app, base_url="https://careers.harborandpine.example") as client:
        yield client


def test_the_chat_is_at_the_root_and_carries_the_company_name(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "Ask about working at Harbor" in page.text
    assert '<html\n\tlang="en"' in page.text


def test_every_response_says_what_a_browser_may_do_with_it(client: TestClient) -> None:
    for path in ("/", "/config", "/monitoring", "/theme.css"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'self'" in policy and "connect-src 'self'" in policy
        assert "script-src-attr 'none'" in policy


def test_only_the_sites_that_are_named_may_show_the_chat_in_a_frame() -> None:
    app = create_app(FakeAssistant(), settings(embed_on=("https://careers.example.com",)))
    for path in ("/theme.css", "/chat"):
        policy = TestClient(app).get(path).headers["content-security-policy"]
        assert policy.endswith("frame-ancestors 'self' https://careers.example.com")


@pytest.mark.parametrize(
    "path",
    [
        "/monitoring",
        "/monitoring/summary",
        "/gradio_api/runs",
        "/gradio_api/upload",
        "/gradio_api/file=README.md",
        "/gradio_api/proxy=https://example.com",
        "/gradio_api/mcp",
        "/gradio_api/openapi.json",
        "/gradio_api/call/ask",
        "/gradio_api/run/predict",
        "/gradio_api/component_server",
        "/gradio_api/vibe-code",
        "/gradio_api/token",
        "/gradio_api/deep_link",
        "/docs",
        "/openapi.json",
    ],
)
def test_what_the_chat_does_not_need_is_shut(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.post(path, json={}).status_code == 404


def test_the_interface_description_lists_no_events(client: TestClient) -> None:
    assert client.get("/gradio_api/info").json() == {"named_endpoints": {}, "unnamed_endpoints": {}}


def test_gradio_keeps_no_history_sends_no_statistics_and_shows_no_footer(client: TestClient) -> None:
    config = client.get("/config").json()
    assert config["analytics_enabled"] is False
    assert not config.get("footer_links")
    assert not config.get("run_history")
    assert not config.get("show_error")
    assert not config.get("pwa")


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/info"])
def test_no_other_origin_is_let_in(client: TestClient, path: str) -> None:
    headers = client.get(path, headers={"Origin": "https://evil.example"}).headers
    assert "access-control-allow-origin" not in headers


def test_a_preflight_from_another_origin_is_refused(client: TestClient) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    response = client.options("/gradio_api/queue/join", headers=asked)
    assert response.status_code == 400
    assert "access-control-allow-origin" not in response.headers


def test_a_huge_request_is_refused(client: TestClient) -> None:
    response = client.post("/gradio_api/queue/join", content=b"x" * (BODY_LIMIT + 1))
    assert response.status_code == 413


def test_a_request_that_hides_its_size_is_refused(client: TestClient) -> None:
    assert client.post("/gradio_api/queue/join", content=iter([b"x"])).status_code == 413


def test_the_page_names_no_other_host_to_load_from(client: TestClient) -> None:
    page = client.get("/").text
    assert "og:image" not in page and "twitter:" not in page
    for host in ("fonts.googleapis.com", "fonts.gstatic.com", "cdn.", "huggingface.co"):
        assert host not in page
        assert host not in client.get("/theme.css").text


# python -m ui


def test_help_teaches_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from ui.__main__ import main\ntry: main(['--help'])\nfinally: print(sorted(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "python -m ui --host 0.0.0.0 --port 8080" in shown.stdout
    assert "--store DIR" in shown.stdout
    assert "'gradio'" not in shown.stdout and "'torch'" not in shown.stdout


def test_a_taken_port_is_one_clear_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert str(port) in told and f"--port {port + 1}" in told


def test_an_impossible_port_is_one_clear_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "70000"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "port" in told


def test_an_unknown_host_is_one_clear_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--host", "no-such-host.invalid"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "no-such-host.invalid" in told


def test_the_address_told_is_one_a_browser_can_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        assert address(door) == f"http://127.0.0.1:{door.getsockname()[1]}"
    with socket.create_server(("0.0.0.0", 0)) as door:
        assert address(door).startswith(f"http://localhost:{door.getsockname()[1]} ")


# Walls around every answer


def test_a_failure_nobody_thought_of_is_told_without_its_reason_and_with_all_headers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("the key is secret-key-123")

    answer = TestClient(Shut(broken)).get("/api/start")
    assert (answer.status_code, answer.json()["code"]) == (500, "failed")
    assert "secret" not in answer.text and set(answer.headers) >= {name.lower() for name in SECURITY_HEADERS}
    assert "secret-key-123" in caplog.text  # whoever runs it finds it in the log


def test_nothing_speaks_websocket(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/gradio_api/queue/join"):
        pass


def test_a_browser_that_came_by_https_is_told_to_come_back_by_it(client: TestClient) -> None:
    plain = TestClient(client.app, base_url="http://testserver").get("/api/start")
    assert "strict-transport-security" not in plain.headers
    secure = client.get("/api/start")
    assert secure.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../../ui/api.py",
        "/static/..%2f..%2f..%2fetc/passwd",
        "/assets//etc/passwd",
        "/chat/..%2fapi.py",
        "/recruiter/export/..%2f..%2fui",
        "/recruiter/assets/..%2f..%2f..%2fui/api.py",
    ],
)
def test_no_path_leads_out_of_the_folders_that_are_served(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (
        answer.status_code in (400, 401, 403, 404)
        and "root:" not in answer.text
        and "import" not in answer.text
    )
