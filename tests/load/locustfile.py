"""Candidates who read, ask, follow up, open a job, and leave, for locust (https://locust.io).

    python -m locust -f tests/load/locustfile.py --headless -u 50 -r 5 -t 60s --host http://127.0.0.1:7860

`tests/load/run.py` starts it together with the server. Environment: `LOAD_PAUSE`, the mean seconds a candidate reads
before the next question (8; 0 asks without a pause, to find what a server can do at most); `LOAD_OUT`, a file for
all times measured, as JSON.

Two names beside those of the requests: "first token" is the time from sending a question to the first words of
its answer, "reply" to the whole reply.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import time
from collections import Counter
from pathlib import Path
from typing import Any

import gevent
from geventhttpclient import HTTPClient
from geventhttpclient.url import URL
from locust import User, events, task

QUESTIONS = [
    row["turns"][0]
    for row in map(json.loads, (Path(__file__).parents[1] / "golden" / "sample.jsonl").open(encoding="utf-8"))
]
FOLLOW_UPS = ("And how does that work in practice?", "Is that the same for everybody?", "What about part time?",
              "Can you say more about that?", "And in the first year?", "Who decides that?")  # fmt: skip
OPENINGS = "Which positions are open?"
ABOUT_A_JOB = ("What does it ask for?", "Where is it?", "Is it full time?", "Which team is it in?")
BEFORE = (
    "",
    "Hi, ",
    "Hello! ",
    "Quick question: ",
    "Just wondering, ",
    "Hi there. ",
    "Sorry to bother you: ",
)
AFTER = (
    "",
    " Thanks",
    " Thank you!",
    " I read your page.",
    " I live in {}.",
    " I come from {}.",
    " My name is {}.",
)
NAMES = (
    "Lisbon",
    "Haifa",
    "Tampere",
    "Graz",
    "Porto",
    "Leeds",
    "Malmö",
    "Gdansk",
    "Ghent",
    "Turin",
    "Lyon",
    "Bergen",
)

PAUSE = float(os.environ.get("LOAD_PAUSE", "8"))
OUT = os.environ.get("LOAD_OUT", "")

measured: dict[str, Any] = {"first token": [], "reply": [], "outcomes": Counter(), "errors": Counter()}


@events.quitting.add_listener
def write(**_: Any) -> None:
    """Leave the times where they were asked for."""
    if OUT:
        Path(OUT).write_text(json.dumps(measured), encoding="utf-8")


class FailedError(Exception):
    """What a candidate would see as an error."""


class Candidate(User):
    """One visitor with a connection of their own; a new one takes the place of each who leaves."""

    @task
    def visit(self) -> None:
        """Read the page, ask two to five things, perhaps about a job, rate, and leave."""
        url = URL(self.host)
        self.web = HTTPClient(
            url.host, url.port, concurrency=1, connection_timeout=30, network_timeout=60, insecure=True
        )
        self.chat, self.turns = secrets.token_hex(16), []
        try:
            for path in ("/chat", "/api/start?language=en"):
                self.call("GET", path)
            self.read(0.5)
            reply = self.ask(worded(random.choice(QUESTIONS)))
            for _ in range(random.randint(1, 4)):
                self.read()
                reply = self.next_question(reply)
            if random.random() < 0.3:
                path = f"/api/conversations/{self.chat}/messages/{reply['message']}/feedback"
                self.call("PUT", path, {"thumb": random.choice(["up", "down"])}, 204)
            if random.random() < 0.2:
                self.call("GET", f"/api/conversations/{self.chat}")
            if random.random() < 0.1:
                self.call("DELETE", f"/api/conversations/{self.chat}", expected=204)
        except FailedError:
            gevent.sleep(1)
        finally:
            self.web.close()

    def next_question(self, reply: dict[str, Any]) -> dict[str, Any]:
        """Go on: about a job that is shown, with a follow-up, with a suggestion, or with something else."""
        chance = random.random()
        if reply["jobs"] and chance < 0.7:
            return self.ask(random.choice(ABOUT_A_JOB), about=random.choice(reply["jobs"])["id"])
        if chance < 0.35:
            return self.ask(random.choice(FOLLOW_UPS))
        if chance < 0.5:
            return self.ask(OPENINGS)
        if chance < 0.65 and reply["suggestions"]:
            return self.ask(random.choice(reply["suggestions"]))
        return self.ask(worded(random.choice(QUESTIONS)))

    def read(self, share: float = 1.0) -> None:
        """Pause as long as a person reads."""
        if PAUSE:
            gevent.sleep(share * random.uniform(0.4 * PAUSE, 1.6 * PAUSE))

    # --- over the wire ------------------------------------------------------------------------------------

    def ask(self, question: str, about: str = "") -> dict[str, Any]:
        """Ask, and read the answer as it comes; a candidate who is told to wait asks again then, twice at most."""
        self.turns = [*self.turns, question][-20:]
        body = {
            "conversation": self.chat,
            "message": secrets.token_hex(16),
            "turns": self.turns,
            "about": about,
        }
        for _ in range(3):
            started = time.perf_counter()
            response = self.send("POST", "/api/chat", body)
            if response.status_code in (429, 503):
                told = json.loads(response.read())
                self.failed(f"told to wait ({response.status_code} {told['code']})")
                gevent.sleep(told["retry_after"] or 1)
                continue
            if response.status_code != 200:
                self.failed(f"{response.status_code} {response.read()[:200]!r}")
                raise FailedError
            return self.heard(response, started)
        raise FailedError

    def heard(self, response: Any, started: float) -> dict[str, Any]:
        """The reply at the end of a stream; the time of its first words and of the whole are noted."""
        name, first = "", 0.0
        while line := response.readline(b"\n"):
            text = line.decode().rstrip("\n")
            if text.startswith("event: "):
                name = text.removeprefix("event: ")
            elif text.startswith("data: ") and name == "token" and not first:
                first = time.perf_counter() - started
            elif text.startswith("data: ") and name == "reply":
                whole = time.perf_counter() - started
                response.read()  # to the end of the stream, so that the connection can be used again
                reply: dict[str, Any] = json.loads(text.removeprefix("data: "))
                self.noted("first token", first or whole)
                self.noted("reply", whole)
                measured["outcomes"][reply["status"]] += 1
                if not reply["stored"]:
                    measured["outcomes"]["not stored"] += 1
                return reply
            elif text.startswith("data: ") and name == "error":
                self.failed(text)
                raise FailedError
        self.failed("the stream broke")
        raise FailedError

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, expected: int = 200) -> None:
        """Any other request."""
        started = time.perf_counter()
        response = self.send(method, path, body)
        response.read()
        if response.status_code != expected:
            self.failed(f"{method} {path.split('?')[0]}: {response.status_code}")
            return
        name = path.split("?")[0].replace(self.chat, "…")
        self.environment.events.request.fire(
            request_type=method,
            name="/".join("…" if len(part) == 32 else part for part in name.split("/")),
            response_time=1000 * (time.perf_counter() - started),
            response_length=0,
            exception=None,
        )

    def send(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        """A request's response, its body unread."""
        text = json.dumps(body) if body is not None else ""
        try:
            return self.web.request(method, path, body=text, headers={"Content-Type": "application/json"})
        except Exception as error:
            self.failed(f"{type(error).__name__}: {error}")
            raise FailedError from error

    def noted(self, name: str, seconds: float) -> None:
        """Keep a time."""
        measured[name].append(round(1000 * seconds, 1))
        measured["ended"] = time.time()
        measured.setdefault("began", measured["ended"] - seconds)
        self.environment.events.request.fire(
            request_type="SSE", name=name, response_time=1000 * seconds, response_length=0, exception=None
        )

    def failed(self, why: str) -> None:
        """Keep an error."""
        measured["errors"][why] += 1
        self.environment.events.request.fire(
            request_type="SSE", name="error", response_time=0, response_length=0, exception=FailedError(why)
        )


def worded(question: str) -> str:
    """The question in words of one's own, so that few were asked word for word before; a third are."""
    if random.random() < 0.33:
        return question
    before, after = random.choice(BEFORE), random.choice(AFTER).format(random.choice(NAMES))
    return f"{before}{question}{after}"
