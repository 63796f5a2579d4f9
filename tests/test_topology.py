"""Two replicas behind nginx: what candidates see while one part after another is killed and started again."""

from __future__ import annotations

import html
import json
import re
import secrets
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from nginx_front import KNOWN_AGAIN
from topology import ROOT, Topology, topology, until

SOURCES = ROOT / "knowledge" / "sources"
QUESTIONS = {
    "How much time is there for learning?": "answered",
    "Which roles are open?": "answered",
    "Who leads the backend team?": "answered",
    "Do you pay for parental leave?": "not_found",
    "What is the salary of the roles?": "not_found",
}
"""What is asked, and the status of a right reply over the sample."""

CANDIDATES = 4
AWAY = 3.0  # seconds that a part stays away

BROKEN = "(the stream ended before its answer)"
"""What a page shows as "The connection broke in the middle of the answer." with a button to ask again."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    shutil.copytree(SOURCES, folder / "sources")
    return folder / "sources"


@pytest.fixture(scope="module")
def whole(source: Path) -> Iterator[Topology]:
    with topology(source) as running:
        yield running


def letters(text: str) -> str:
    """A text by its letters and digits alone: marks of Markdown, tags and line breaks are no words."""
    return re.sub(r"[\W_]+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text))).casefold().strip()


class Candidate(threading.Thread):
    """Asks one question after another, and asks again where there was no answer, as a person would."""

    def __init__(self, whole: Topology) -> None:
        super().__init__(daemon=True)
        self.url = whole.url
        self.conversation = secrets.token_hex(16)
        self.phase = ""
        self.done = threading.Event()
        self.seen: list[tuple[str, str]] = []
        self.replies: list[dict[str, object]] = []
        self.slowest: dict[str, float] = {}

    def run(self) -> None:
        number = 0
        while not self.done.is_set():
            question, message = [*QUESTIONS][number % len(QUESTIONS)], secrets.token_hex(16)
            while not self.done.is_set() and not self._asked(question, message):
                time.sleep(0.5)
            number += 1
            time.sleep(0.2)

    def _asked(self, question: str, message: str) -> bool:
        began = time.monotonic()
        saw = self._ask(question, message)
        phase = self.phase  # what was on its way when something was killed belongs to that
        self.slowest[phase] = max(self.slowest.get(phase, 0.0), time.monotonic() - began)
        self.seen.append((phase, saw))
        return saw in ("answered, stored", "answered, not stored")

    def _ask(self, question: str, message: str) -> str:
        body = {"conversation": self.conversation, "message": message, "turns": [question]}
        try:
            with httpx.stream("POST", f"{self.url}/api/chat", json=body, timeout=60) as response:
                if response.status_code != 200:
                    response.read()
                    return f"{response.status_code}: {response.json()['message']}"
                for name, told in events(response.iter_lines()):
                    if name == "reply":
                        self.replies.append({**told, "question": question})
                        return "answered, stored" if told["stored"] else "answered, not stored"
                    if name == "error":
                        return f"error: {told.get('message') or told['code']}"
        except httpx.RemoteProtocolError:
            pass
        return BROKEN


def events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, object]]]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


class Crowd:
    """Candidates who chat all the while."""

    def __init__(self, whole: Topology) -> None:
        self.people = [Candidate(whole) for _ in range(CANDIDATES)]
        for person in self.people:
            person.start()

    def phase(self, name: str) -> None:
        for person in self.people:
            person.phase = name

    def saw(self, phase: str) -> Counter[str]:
        return Counter(saw for person in self.people for when, saw in person.seen if when == phase)

    def slowest(self, phase: str) -> float:
        return max(person.slowest.get(phase, 0.0) for person in self.people)

    def go_home(self) -> None:
        for person in self.people:
            person.done.set()
        for person in self.people:
            person.join(60)
            assert not person.is_alive()


def kill_and_start(
    whole: Topology, crowd: Crowd, name: str, kill: Callable[[], None], start: Callable[[], None]
) -> None:
    crowd.phase(name)
    kill()
    time.sleep(AWAY)
    start()
    crowd.phase(f"{name} is coming back")
    for number in range(2):
        until(
            lambda number=number: (
                httpx.get(f"http://127.0.0.1:{whole.ports[number]}/readyz").status_code == 200
            ),
            f"replica {number + 1} is ready again",
        )
    time.sleep(KNOWN_AGAIN)
    crowd.phase("all is well")
    time.sleep(1)


@pytest.mark.timeout(900)  # a slow machine starts its replicas slowly
def test_candidates_get_right_answers_or_a_clear_sentence_whatever_is_killed(
    whole: Topology, source: Path
) -> None:
    crowd = Crowd(whole)
    crowd.phase("all is well")
    time.sleep(2)
    kill_and_start(whole, crowd, "a replica", whole.replicas[0].kill, whole.replicas[0].start)
    kill_and_start(
        whole, crowd, "a replica that is told to end", whole.replicas[1].end, whole.replicas[1].start
    )
    kill_and_start(whole, crowd, "Chroma", whole.chroma.kill, whole.chroma.start)
    kill_and_start(whole, crowd, "PostgreSQL", whole.postgres.kill, whole.postgres.start)
    kill_and_start(whole, crowd, "Redis", whole.redis.kill, whole.redis.start)

    # An ingest elsewhere, while they chat.
    before = [whole.version(number) for number in range(2)]
    page = (source / "team.md").read_text(encoding="utf-8")
    (source / "team.md").write_text(
        page + "\n\n## Bicycles\n\nEverybody gets a bicycle lease.\n", encoding="utf-8"
    )
    crowd.phase("an ingest")
    version = whole.ingest(source)
    until(
        lambda: {whole.version(number) for number in range(2)} == {version},
        "both replicas are at the new version",
        15,
    )
    assert version not in before
    crowd.phase("all is well")
    time.sleep(1)
    crowd.go_home()

    for phase in sorted({when for person in crowd.people for when, _ in person.seen}):
        sys.stdout.write(f"{phase} (slowest {crowd.slowest(phase):.1f} s)\n")
        for saw, count in crowd.saw(phase).most_common():
            sys.stdout.write(f"  {count:4} {saw}\n")

    assert set(crowd.saw("all is well")) == {"answered, stored"}
    assert set(crowd.saw("an ingest")) == {"answered, stored"}
    assert set(crowd.saw("Redis")) == {"answered, stored"}
    assert set(crowd.saw("PostgreSQL")) <= {"answered, stored", "answered, not stored"}
    assert set(crowd.saw("Chroma")) <= {
        "answered, stored",
        "error: The pages cannot be searched at the moment. Try again in 5 seconds.",
    }
    assert set(crowd.saw("a replica")) <= {"answered, stored", BROKEN}
    assert set(crowd.saw("a replica that is told to end")) == {"answered, stored"}
    no_wrong_answer(crowd, source)
    nothing_acknowledged_is_lost(whole, crowd)


def no_wrong_answer(crowd: Crowd, source: Path) -> None:
    text = letters(
        "\n".join(path.read_text(encoding="utf-8").replace("\\n", "\n") for path in source.iterdir())
    )
    answers: dict[str, set[str]] = {}
    for person in crowd.people:
        for reply in person.replies:
            answers.setdefault(str(reply["question"]), set()).add(str(reply["answer"]))
            assert reply["status"] == QUESTIONS[str(reply["question"])], reply
            citations = reply["citations"]
            assert isinstance(citations, list) and (citations or reply["status"] == "not_found")
            for citation in citations:
                assert letters(citation["quote"]) in text, citation
    # Whichever replica answers, and whatever is away: the same question gets the same answer.
    assert {question: len(told) for question, told in answers.items()} == dict.fromkeys(answers, 1)


def nothing_acknowledged_is_lost(whole: Topology, crowd: Crowd) -> None:
    acknowledged = 0
    for person in crowd.people:
        told = {str(reply["message"]): reply["answer"] for reply in person.replies if reply["stored"]}
        kept = httpx.get(f"{whole.url}/api/conversations/{person.conversation}").raise_for_status().json()
        found = {exchange["message"]: exchange["reply"]["answer"] for exchange in kept["exchanges"]}
        assert told.items() <= found.items()
        acknowledged += len(told)
    assert acknowledged > 50


def test_the_pages_of_gradio_stay_with_one_replica(whole: Topology) -> None:
    with httpx.Client(base_url=whole.url) as browser:
        first = browser.get("/")
        assert first.status_code == 200 and re.fullmatch(r"[0-9a-f]{32}", browser.cookies["candor_route"])
        assert "set-cookie" not in browser.get("/").headers
        ids = {browser.get("/gradio_api/app_id").json()["app_id"] for _ in range(6)}
        assert len(ids) == 1
    ids = {str(httpx.get(f"{whole.url}/gradio_api/app_id").json()["app_id"]) for _ in range(40)}
    assert len(ids) == 2  # others are led to the other replica


def test_nginx_keeps_out_what_is_not_for_the_world(whole: Topology) -> None:
    assert httpx.get(f"{whole.url}/metrics").status_code == 404
    assert httpx.get(f"{whole.url}/readyz").status_code == 404
    assert httpx.get(f"{whole.url}/healthz").json() == {"status": "ok"}
    large = httpx.post(f"{whole.url}/api/chat", content=b"x" * 70_000)
    assert large.status_code == 413 and large.json()["message"] == "The request is too large."


def test_what_a_client_says_of_its_address_is_not_believed(whole: Topology) -> None:
    """Forged headers do not reach a replica: a sign-in cookie over plain HTTP is not marked as of HTTPS."""
    forged = {
        "X-Forwarded-For": "8.8.8.8",
        "X-Forwarded-Proto": "https",
        "Forwarded": "for=8.8.8.8;proto=https",
    }
    plain, told = (httpx.get(f"{whole.url}/recruiter/sign-in", headers=headers) for headers in ({}, forged))
    assert (plain.status_code, plain.headers.get("location")) == (
        told.status_code,
        told.headers.get("location"),
    )


def test_without_a_replica_there_is_a_clear_sentence(whole: Topology) -> None:
    """The last test of the file: what it kills stays away."""
    for replica in whole.replicas:
        replica.kill()
    answer = httpx.post(f"{whole.url}/api/chat", json={"message": secrets.token_hex(16), "turns": ["Hello?"]})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["message"] == "The chat cannot be reached at the moment. Try again in 5 seconds."
    page = httpx.get(f"{whole.url}/")
    assert page.status_code == 503 and "try again in a few seconds" in page.text
