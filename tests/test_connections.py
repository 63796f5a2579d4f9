"""Connections that give nothing back, made with real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from ui_browser import served
from ui_fakes import FakeAssistant, settings

from assistant.conversation import Reply
from ui.connections import Guarded, give_up_unread, most_connections, server_config
from ui.headers import SECURITY_HEADERS
from ui.server import create_app
from ui.turns import Turns


class Quick(Guarded):
    """The same with limits that a test can wait for."""

    request_seconds = 0.5
    unread_seconds = 0.5


ENDED = threading.Event()


async def endless(_: Request) -> StreamingResponse:
    async def pieces():  # type: ignore[no-untyped-def]
        try:
            while True:
                yield b"x" * 65_536
                await asyncio.sleep(0)
        finally:
            ENDED.set()

    return StreamingResponse(pieces())


async def body(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@contextlib.contextmanager
def guarded(app: object, most: int | None = None, http: type[Guarded] = Quick) -> Iterator[int]:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=http,
        limit_concurrency=most,
        log_level="error",
        timeout_graceful_shutdown=1,
    )
    with running(config) as port:
        yield port


@contextlib.contextmanager
def running(config: uvicorn.Config) -> Iterator[int]:
    """A server on a free port, which it gives."""
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    try:
        yield door.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with guarded(
        Starlette(routes=[Route("/endless", endless), Route("/body", body, methods=["POST"])])
    ) as port:
        yield port


def is_cut_off(connection: socket.socket) -> bool:
    connection.settimeout(20)
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this",
    ],
)
def test_a_request_that_does_not_come_to_its_end_is_cut_off(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(sent)
        assert is_cut_off(connection)


def test_a_body_that_drips_is_cut_off_as_well(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        with pytest.raises(ConnectionError):
            for _ in range(200):
                connection.sendall(b"x")
                time.sleep(0.05)


def test_an_answer_that_nobody_reads_is_given_up_and_its_work_ends(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ENDED.wait(20)


def test_whoever_reads_slowly_but_reads_gets_it_all(port: int) -> None:
    with httpx.stream("GET", f"http://127.0.0.1:{port}/endless") as stream:
        got, begun = 0, time.monotonic()
        for piece in stream.iter_bytes(65_536):
            got += len(piece)
            if time.monotonic() - begun > 1.5:
                break
    assert got > 10 * 65_536


def test_a_slow_reader_of_an_answer_holds_neither_worker_nor_place() -> None:
    class Long(FakeAssistant):
        def stream(self, turns: Sequence[str], about: str = "") -> Iterator[str | Reply]:
            for _ in range(3000):
                yield "x" * 1000
            yield self.reply(turns)

    app = create_app(Long(), settings())
    turns: Turns = app.state.turns
    with guarded(app) as port, contextlib.ExitStack() as stack:
        for number in range(turns.at_once):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            text = f'{{"message": "{number:032x}", "turns": ["Can I work from home?"]}}'
            head = f"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
            connection.sendall((head + text).encode())
        body = {"message": "f" * 32, "turns": ["Can I work from home?"]}
        answer = httpx.post(f"http://127.0.0.1:{port}/api/chat", json=body, timeout=30)
        assert "event: reply" in answer.text
        until = time.monotonic() + 20
        while turns.taken and time.monotonic() < until:
            time.sleep(0.05)
        assert turns.taken == 0


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system has no such option")
def test_the_system_gives_up_what_nobody_takes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        give_up_unread(door, 0.5)
        with socket.create_connection(door.getsockname()) as silent:
            accepted, _ = door.accept()
            with accepted, pytest.raises(OSError):
                accepted.settimeout(20)
                while True:
                    accepted.sendall(b"x" * 65_536)
            assert silent.fileno() > 0


def test_descriptors_are_left_for_what_is_not_a_connection() -> None:
    assert 1 <= most_connections() <= 16_384


# Requests that are no proper ones


@pytest.fixture(scope="module")
def chat() -> Iterator[int]:
    with guarded(create_app(FakeAssistant(), settings())) as port:
        yield port


def exchanged(port: int, sent: bytes) -> bytes:
    """All that comes back for what is sent, until the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        came = b""
        while piece := connection.recv(65_536):
            came += piece
    return came


def assert_refused(came: bytes, status: int) -> None:
    """One answer, in the shape of the API's errors and with all headers."""
    head, _, body = came.partition(b"\r\n\r\n")
    assert came.count(b"HTTP/1.1 ") == 1 and head.startswith(f"HTTP/1.1 {status} ".encode())
    names = {line.split(":")[0].lower() for line in head.decode().split("\r\n")[1:]}
    assert {name.lower() for name in (*SECURITY_HEADERS, "Content-Security-Policy")} <= names
    assert json.loads(body).keys() == {"code", "message", "retry_after", "reference"}


@pytest.mark.parametrize(
    "head",
    [
        f"GET /api/start HTTP/1.1\r\nHost: x\r\nCookie: {'x' * 40_000}\r\n\r\n",
        "GET /api/start HTTP/1.1\r\nHost: x\r\n" + "X-Many: x\r\n" * 5000 + "\r\n",
        f"GET /api/start?language={'x' * 40_000} HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_head_that_is_too_large_is_refused(chat: int, head: str) -> None:
    assert_refused(exchanged(chat, head.encode()), 431)


def test_a_head_that_a_browser_with_many_cookies_sends_is_taken(chat: int) -> None:
    head = f"GET /api/start HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: {'x' * 30_000}\r\n\r\n"
    assert exchanged(chat, head.encode()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("begun", [b"GET /", b"GET / HTTP/1.1\r\nX-Long: ", b"GET / HTTP/1.1\r\n"])
def test_a_head_without_an_end_is_not_read_on(begun: bytes) -> None:
    more = b"X: y\r\n" * 10_000 if begun.endswith(b"\n") else b"x" * 60_000
    with (
        guarded(
            create_app(FakeAssistant(), settings()), http=Guarded
        ) as port,  # which has a minute's patience
        socket.create_connection(("127.0.0.1", port), timeout=20) as connection,
    ):
        connection.sendall(begun)
        with pytest.raises(ConnectionError):
            for _ in range(1000):  # 60 MB, far more than the system takes by itself
                connection.sendall(more)


SECOND = "GET /api/start HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        f"Content-Length: {len(SECOND)}\r\nTransfer-Encoding: chunked",
        f"Content-Length: 0\r\nContent-Length: {len(SECOND)}",
        "Transfer-Encoding: chunked\r\nContent-Length: 0",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length : 5",
        "Content-Length: 5, 0",
        "Transfer-Encoding: chunked, identity",
        "X-Line: a\nTransfer-Encoding: chunked",
        "X-Nul: a\0b",
        "\0",
    ],
)
def test_a_request_that_two_servers_may_read_differently_is_refused(chat: int, headers: str) -> None:
    """Request smuggling: what one takes for a body may be another request to the next."""
    sent = f"POST /api/chat HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n0\r\n\r\n{SECOND}"
    assert_refused(exchanged(chat, sent.encode()), 400)


def test_a_body_of_hidden_size_is_refused_before_it_is_read(chat: int) -> None:
    with socket.create_connection(("127.0.0.1", chat), timeout=20) as connection:
        connection.sendall(
            b"POST /api/chat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nx"
        )
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "//evil.example/%2e%2e",
        "/\\evil.example",
        "/api/start/",
        "/chat/",
        "/demo/",
        "/assets/..//evil.example",
        "/?next=//evil.example",
        "http://evil.example/",
    ],
)
def test_nobody_is_led_elsewhere(chat: int, target: str) -> None:
    """Open redirects: neither by the address nor by the host that a request names."""
    came = exchanged(
        chat, f"GET {target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".encode()
    )
    assert re.match(rb"HTTP/1\.1 (200|400|403|404) ", came)
    assert b"\r\nlocation:" not in came.partition(b"\r\n\r\n")[0].lower() + b"\r\n"


def test_whoever_comes_beyond_what_can_be_held_is_told_when_to_come_again() -> None:
    with guarded(create_app(FakeAssistant(), settings()), most=3) as port:
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
        came = exchanged(port, SECOND.encode())
        assert_refused(came, 503)
        assert b"Retry-After: 5\r\n" in came and b"Try again in 5 seconds." in came
        for connection in silent:
            connection.close()
        assert is_answered(port)


def is_answered(port: int) -> bool:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if httpx.get(f"http://127.0.0.1:{port}/api/start").status_code == 200:
            return True
        time.sleep(0.05)
    return False


def test_idle_streams_hold_no_worker() -> None:
    """Pages that stay open all day, and connections that say nothing, more than there are threads."""
    app = create_app(FakeAssistant(), settings())
    with served(app) as address, contextlib.ExitStack() as stack:
        for number in range(60):
            url = f"{address}/gradio_api/heartbeat/{number}"
            assert stack.enter_context(httpx.stream("GET", url, timeout=30)).status_code == 200
            stack.enter_context(socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))))
        body = {"message": "f" * 32, "turns": ["Can I work from home?"]}
        assert "event: reply" in httpx.post(f"{address}/api/chat", json=body, timeout=30).text
        assert httpx.get(f"{address}/readyz", timeout=30).status_code == 200
        assert app.state.turns.taken == 0


@pytest.mark.parametrize(
    ("trusted", "counted_apart"),
    [("", False), ("192.0.2.7", False), ("127.0.0.1", True), ("127.0.0.0/8", True)],
)
def test_where_a_request_comes_from_is_believed_of_proxies_that_are_named_and_of_nobody_else(
    trusted: str, counted_apart: bool
) -> None:
    app = create_app(FakeAssistant(), settings(limit_address="1/minute"))
    with running(server_config(app, trusted)) as port:
        answers = [
            httpx.post(
                f"http://127.0.0.1:{port}/api/chat",
                json={"message": f"{number:032x}", "turns": ["Can I work from home?"]},
                headers={"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"},
            ).status_code
            for number in range(3)
        ]
    assert answers == ([200] * 3 if counted_apart else [200, 429, 429])
