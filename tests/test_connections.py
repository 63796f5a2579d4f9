"""Connections that give nothing back, made with real sockets."""

from __future__ import annotations

import asyncio
import contextlib
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
from ui_fakes import FakeAssistant, settings

from assistant.conversation import Reply
from ui.connections import Guarded, give_up_unread, most_connections
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
def guarded(app: object) -> Iterator[int]:
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, http=Quick, log_level="error", timeout_graceful_shutdown=1)  # type: ignore[arg-type]
    )
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
