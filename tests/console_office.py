"""A company's Candor with the console, over the sample pages and a real assistant, for the tests of the console."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI
from ui_browser import served
from ui_fakes import settings

from assistant.reply import Assistant
from assistant.topics import Bank
from knowledge.embedding import load_embedder
from knowledge.ingestion import mirror
from knowledge.pages import read_source
from ui.accounts import Accounts, Role
from ui.console.desk import Desk
from ui.console.door import BASE
from ui.corrections import CorrectionBook
from ui.database import Database
from ui.server import create_app

SAMPLE = Path(__file__).parents[1] / "knowledge" / "sources"
ADA, BEN, CEM = "ada@firm.example", "ben@firm.example", "cem@firm.example"
WORD = "four green ferries"


@dataclass
class Office:
    """The server's address and what is behind it."""

    url: str
    desk: Desk
    folder: Path
    app: FastAPI

    def staffed(self) -> None:
        """Ada is admin, Ben editor, Cem viewer; all with the same password."""
        token = self.desk.accounts.setup_token()
        if token is None:
            return
        self.desk.accounts.accept(token, WORD, ADA)
        for name, role in ((BEN, Role.EDITOR), (CEM, Role.VIEWER)):
            self.desk.accounts.accept(self.desk.accounts.add(name, role, ADA), WORD)

    def asks(self, *turns: str, thumb: str = "") -> dict[str, Any]:
        """A candidate asks, as the widget does; the reply to the last of `turns`."""
        chat, message = secrets.token_hex(16), secrets.token_hex(16)
        body = {"conversation": chat, "message": message, "turns": list(turns)}
        with httpx.Client(base_url=self.url, timeout=60) as client:
            answer = client.post("/api/chat", json=body).raise_for_status()
            if thumb:
                rated = {"thumb": thumb, "reason": "incomplete", "comment": "How many days?"}
                client.put(f"/api/conversations/{chat}/messages/{message}/feedback", json=rated)
        last = answer.text.strip().split("\n\n")[-1]
        said: dict[str, Any] = json.loads(last.split("data: ", 1)[1])
        return said

    @contextmanager
    def signed_in(self, name: str) -> Iterator[httpx.Client]:
        """A client with somebody's session."""
        with httpx.Client(base_url=f"{self.url}{BASE}", timeout=60) as client:
            client.post("/sign-in", data={"name": name, "password": WORD})
            yield client


@contextmanager
def office(folder: Path, topics: Path, retention_days: int = 30) -> Iterator[Office]:
    """Open an office over a fresh copy of the sample in `folder`; `topics` keeps their vectors between test runs."""
    pages = folder / "pages"
    pages.mkdir()
    for path in (SAMPLE / "team.md", SAMPLE / "jobs.json"):
        (pages / path.name).write_bytes(path.read_bytes())
    chosen = settings(store=folder / "store", retention_days=retention_days, company="Fernlight")
    embedder = load_embedder("")
    mirror([read_source(pages)], [str(pages)], chosen.store, embedder)
    database = Database.open(f"sqlite:///{folder / 'kept.sqlite'}")
    corrections = CorrectionBook(database)
    assistant = Assistant(
        chosen, embedder, bank=Bank(embedder, cache=topics), corrections=corrections.current
    )
    desk = Desk.over(database, assistant, chosen, corrections)
    desk.accounts = Accounts(database, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    desk.job.folder = folder
    app = create_app(assistant, chosen, database, desk)
    with served(app) as url:
        yield Office(url, desk, folder, app)
    database.close()


def called(client: httpx.Client, number: int, *inputs: Any) -> dict[str, Any]:
    """What an event of the page comes to when its HTTP call is made by hand: the last message of the queue."""
    session = secrets.token_hex(6)
    body = {
        "data": list(inputs),
        "fn_index": number,
        "session_hash": session,
        "event_data": {"index": [0, 0]},
    }
    client.post("/gradio_api/queue/join", json=body).raise_for_status()
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                told: dict[str, Any] = json.loads(line.removeprefix("data: "))
                if told["msg"] == "process_completed":
                    return told
    raise AssertionError("The queue ended without a word.")


def events(client: httpx.Client, shows: str = "", but: str = "") -> dict[int, dict[str, Any]]:
    """The page's events by their numbers, from its configuration.

    `shows`: only those that write to the element with that id; `but`: none that do.
    """
    found = client.get("/config").raise_for_status().json()
    ids = {entry["props"].get("elem_id"): entry["id"] for entry in found["components"]}
    return {
        int(event["id"]): event
        for event in found["dependencies"]
        if (not shows or ids[shows] in event["outputs"]) and (not but or ids[but] not in event["outputs"])
    }
