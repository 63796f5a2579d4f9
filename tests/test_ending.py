"""How a server ends: told to, and killed; a process of its own each time."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text
from test_api import events

from ui.conversations import Conversations
from ui.database import Database

SERVER = f"""
import socket, sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from ui_fakes import FakeAssistant, settings
from ui.database import Database
from ui.server import create_app, serve
class Slow(FakeAssistant):
    def stream(self, turns, about=""):
        yield from () if turns[-1] != "for ever" else ("I ", time.sleep(600))
        yield from super().stream(turns, about)
assistant = Slow(pause=float(sys.argv[2]))
app = create_app(assistant, settings(retention_days=30), Database.open(sys.argv[1]))
serve(app, socket.create_server(("127.0.0.1", 0)))
"""
HOME = "Can I work from home?"


@dataclass
class Running:
    address: str
    process: subprocess.Popen[str]

    def ask(self, message: str, chat: str = "c" * 32) -> httpx.Response:
        body = {"conversation": chat, "message": message, "turns": [HOME]}
        return httpx.post(f"{self.address}/api/chat", json=body, timeout=30)


@contextlib.contextmanager
def running(database: str, pause: float) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, database, str(pause)],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        said = process.stdout.readline()
        yield Running(said.split()[5].rstrip("."), process)
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, once of SQLite's and once of PostgreSQL's."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'kept.sqlite'}"
    address: str = request.getfixturevalue("postgres_url")
    with create_engine(address).begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    return address


def test_told_to_end_it_answers_what_is_in_work_takes_nothing_new_and_is_gone_in_time(url: str) -> None:
    with running(url, pause=0.15) as server, contextlib.ExitStack() as stack:
        # The pages that are open never end by themselves.
        for session in ("a", "b"):
            beat = f"{server.address}/gradio_api/heartbeat/{session}"
            heart = stack.enter_context(httpx.stream("GET", beat, timeout=30))
            assert heart.status_code == 200
        body = {"conversation": "c" * 32, "message": "1" * 32, "turns": [HOME]}
        chat = f"{server.address}/api/chat"
        stream = stack.enter_context(httpx.stream("POST", chat, json=body, timeout=30))
        pieces = stream.iter_text()
        told = next(pieces)
        # Nor does it wait for a turn that never ends.
        body = {"message": "3" * 32, "turns": ["for ever"]}
        next(stack.enter_context(httpx.stream("POST", chat, json=body, timeout=30)).iter_text())
        assert httpx.get(f"{server.address}/readyz").status_code == 200
        server.process.send_signal(signal.SIGTERM)
        ready = httpx.get(f"{server.address}/readyz")
        while ready.status_code == 200:  # the signal comes to a process when it comes
            ready = httpx.get(f"{server.address}/readyz")
        assert ready.status_code == 503 and ready.json()["server"] == "is being ended"
        refused = server.ask("2" * 32)
        assert refused.status_code == 503 and refused.json()["code"] == "closing"
        assert (
            refused.headers["retry-after"] == "5" and "restarted. Try again in" in refused.json()["message"]
        )
        name, reply = events(told + "".join(pieces))[-1]
        assert name == "reply" and reply["stored"]
        server.process.wait(10)
    kept = Database.open(url)
    transcript = Conversations(kept, 30).transcript("c" * 32)
    assert transcript and [each["message"] for each in transcript["exchanges"]] == ["1" * 32]
    kept.close()


def test_killed_it_loses_nothing_that_it_said_was_stored(url: str) -> None:
    said: list[tuple[str, str]] = []
    enough = threading.Event()

    def candidate(server: Running, number: int) -> None:
        chat = f"{number:032x}"
        for message in (f"{n:032x}" for n in range(1000)):
            try:
                answer = server.ask(message, chat)
            except httpx.HTTPError:
                return
            for name, told in events(answer.text) if answer.status_code == 200 else ():
                if name == "reply" and told["stored"]:
                    said.append((chat, message))
            if len(said) > 60:
                enough.set()

    with running(url, pause=0) as server:
        threads = [threading.Thread(target=candidate, args=(server, number)) for number in range(4)]
        for thread in threads:
            thread.start()
        assert enough.wait(60)
        server.process.kill()
        for thread in threads:
            thread.join(30)
    kept = Database.open(url)
    conversations = Conversations(kept, 30)
    lost = [both for both in said if conversations.answered(*both) is None]
    kept.close()
    assert len(said) > 60 and lost == []
