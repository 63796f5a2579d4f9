"""The chat API, over an assistant that can be computed by hand and a real SQLite file."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from ui_browser import served
from ui_fakes import FakeAssistant, settings

from assistant.conversation import Reply
from ui.candidate import QUESTION_LIMIT
from ui.database import Database
from ui.server import create_app
from ui.shapes import ChatReply, Problem, Shown, Start, Transcript
from ui.turns import AT_ONCE, WAITING

CHAT, FIRST, SECOND = "a" * 32, "1" * 32, "2" * 32
HOME = "Can I work from home?"
ROOT = Path(__file__).parent.parent


class World:
    """An app with its assistant and its database."""

    def __init__(self, folder: Path, assistant: FakeAssistant | None = None, **given: object) -> None:
        self.assistant = assistant or FakeAssistant()
        self.database = Database.open(f"sqlite:///{folder / 'kept.sqlite'}")
        chosen = settings(store=folder, retention_days=30, **given)
        self.app = create_app(self.assistant, chosen, self.database)
        self.client = TestClient(self.app)

    def ask(self, *turns: str, message: str = FIRST, **given: Any) -> list[tuple[str, dict[str, Any]]]:
        body = {"conversation": CHAT, "message": message, "turns": list(turns), **given}
        answer = self.client.post("/api/chat", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        return events(answer.text)

    def transcript(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get(f"/api/conversations/{CHAT}").json()["exchanges"]
        return found


def events(stream: str) -> list[tuple[str, dict[str, Any]]]:
    parts = [part for part in stream.split("\n\n") if part and not part.startswith(":")]
    return [
        (part.split("\n")[0].removeprefix("event: "), json.loads(part.split("\n")[1].removeprefix("data: ")))
        for part in parts
    ]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.database.close()


def test_the_start_says_whose_assistant_it_is_and_stores_nothing(world: World) -> None:
    told = world.client.get("/api/start?language=fr").json()
    assert told["company"] == "Harbor & Pine" and told["contact_url"] == "mailto:jobs@harborandpine.example"
    assert told["starters"] and told["stored"] and told["retention_days"] == 30 and not told["handover"]
    with world.database.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM conversation")).scalar() == 0


def test_a_question_is_answered_piece_by_piece_and_then_whole(world: World) -> None:
    told = world.ask(HOME)
    assert told[0] == ("start", {"conversation": CHAT, "message": FIRST})
    pieces = "".join(data["text"] for name, data in told if name == "token")
    name, reply = told[-1]
    assert (name, pieces.strip()) == ("reply", reply["answer"])
    assert reply["status"] == "answered" and reply["stored"] and reply["suggestions"]
    assert set(reply["citations"][0]) == {"source", "title", "url", "quote", "passage", "heading", "link"}
    assert reply["citations"][0]["link"].startswith(reply["citations"][0]["url"] + "#:~:text=Everyone%20may")


def test_a_reply_has_everything_that_ask_json_prints(world: World) -> None:
    reply = world.ask("Which positions are open?")[-1][1]
    assert {"status", "answer", "citations", "jobs", "writer"} <= set(reply)
    assert [job["link"] for job in reply["jobs"]][-1] == "" and reply["jobs"][0]["link"].endswith("/jobs/b1")


def test_the_turns_before_come_with_the_request(world: World) -> None:
    world.ask(HOME, "and on Fridays?", message=SECOND)
    assert world.assistant.heard == [(HOME, "and on Fridays?")]


def test_only_the_last_turns_are_read(world: World) -> None:
    world.ask(*(f"question {n}" for n in range(60)))
    assert world.assistant.heard[0] == tuple(f"question {n}" for n in range(40, 60))


def test_the_posting_that_is_asked_about_reaches_the_assistant(tmp_path: Path) -> None:
    class Listening(FakeAssistant):
        about = ""

        def stream(self, turns: Sequence[str], about: str = "") -> Iterator[str | Reply]:
            self.about = about
            return super().stream(turns)

    assistant = Listening()
    World(tmp_path, assistant).ask(HOME, about="b1")
    assert assistant.about == "b1"


def test_a_message_that_is_sent_again_gets_its_reply_again_and_is_kept_once(world: World) -> None:
    first, second = world.ask(HOME)[-1], world.ask(HOME)[-1]
    assert first == second and len(world.assistant.heard) == 1 and len(world.transcript()) == 1


def test_without_a_conversation_a_new_one_is_begun(world: World) -> None:
    begun = {world.ask(HOME, conversation=None)[0][1]["conversation"] for _ in range(3)}
    assert len(begun) == 3 and all(re.fullmatch("[0-9a-f]{32}", name) for name in begun)


def test_what_breaks_inside_is_told_without_its_reason(world: World) -> None:
    told = world.ask("break")
    name, error = told[-1]
    assert (name, error["code"], error["retry_after"]) == ("error", "failed", None)
    assert re.fullmatch("[0-9a-f]{8}", error["reference"])
    assert "secret-key-123" not in json.dumps(told)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"message": FIRST, "turns": ["  "]}, "empty"),
        ({"message": FIRST, "turns": ["x" * (QUESTION_LIMIT + 1)]}, "too_long"),
        ({"message": FIRST, "turns": []}, "bad_request"),
        ({"message": "x", "turns": ["a"]}, "bad_request"),
        ({"message": FIRST, "turns": ["a"], "conversation": "../../etc"}, "bad_request"),
        ({"message": FIRST, "turns": "a"}, "bad_request"),
        ({"message": FIRST, "turns": ["a"], "admin": True}, "bad_request"),
        ([], "bad_request"),
    ],
)
def test_a_malformed_request_gets_one_clear_error(world: World, body: Any, code: str) -> None:
    answer = world.client.post("/api/chat", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["message"].endswith(".") and world.assistant.heard == []


def test_a_body_that_is_no_json_or_too_large_is_refused(world: World) -> None:
    headers = {"content-type": "application/json"}
    assert world.client.post("/api/chat", content=b"{nonsense", headers=headers).status_code == 422
    assert world.client.post("/api/chat", content=b"x" * 70_000, headers=headers).status_code == 413


def test_a_chat_can_be_read_rated_and_deleted(world: World) -> None:
    world.ask(HOME)
    path = f"/api/conversations/{CHAT}/messages/{FIRST}/feedback"
    rating = {"thumb": "down", "reason": "outdated", "comment": "since May"}
    assert world.client.put(path, json=rating).status_code == 204
    assert world.transcript()[0]["feedback"] == rating
    assert world.client.delete(f"/api/conversations/{CHAT}").status_code == 204
    assert world.client.get(f"/api/conversations/{CHAT}").json()["code"] == "unknown"
    assert world.client.put(path, json=rating).status_code == 404
    assert world.client.delete(f"/api/conversations/{CHAT}").status_code == 204


@pytest.mark.parametrize("turns", [[HOME], [HOME, "and on Fridays?"]])
def test_an_answer_under_way_is_not_kept_of_a_chat_that_is_deleted(tmp_path: Path, turns: list[str]) -> None:
    class Waits(FakeAssistant):
        speaks, goes_on = threading.Event(), threading.Event()

        def stream(self, turns: Sequence[str], about: str = "") -> Iterator[str | Reply]:
            if about == "wait":
                self.speaks.set()
                assert self.goes_on.wait(60)
            yield from super().stream(turns, about)

    Waits.speaks, Waits.goes_on = threading.Event(), threading.Event()
    world = World(tmp_path, Waits())
    if len(turns) > 1:
        world.ask(HOME)
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(world.ask, *turns, message=SECOND, about="wait")
        assert Waits.speaks.wait(60)
        assert world.client.delete(f"/api/conversations/{CHAT}").status_code == 204
        Waits.goes_on.set()
        name, told = asked.result(60)[-1]
    assert (name, told["stored"]) == ("reply", False)
    assert world.client.get(f"/api/conversations/{CHAT}").status_code == 404
    world.database.close()


def test_deleting_is_limited_as_asking_is(tmp_path: Path) -> None:
    world = World(tmp_path, limit_address="2/minute")
    answers = [world.client.delete(f"/api/conversations/{number:032x}") for number in range(3)]
    assert [answer.status_code for answer in answers] == [204, 204, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    world.database.close()


def test_another_process_goes_on_with_the_same_chat(world: World, tmp_path: Path) -> None:
    world.ask(HOME)
    other = World(tmp_path)
    assert other.transcript() == world.transcript()
    other.ask(HOME, "and on Fridays?", message=SECOND)
    assert len(world.transcript()) == 2


def test_where_nothing_is_stored_nothing_can_be_read(tmp_path: Path) -> None:
    client = TestClient(create_app(FakeAssistant(), settings(store=tmp_path)))
    body = {"conversation": CHAT, "message": FIRST, "turns": [HOME]}
    assert events(client.post("/api/chat", json=body).text)[-1][1]["stored"] is False
    assert client.get(f"/api/conversations/{CHAT}").json()["code"] == "not_stored"
    assert client.get("/api/start").json()["retention_days"] == 0
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_away_stops_no_answer(world: World) -> None:
    with world.database.engine.begin() as connection:
        connection.execute(text("DROP TABLE exchange"))
    reply = world.ask(HOME)[-1][1]
    assert reply["status"] == "answered" and reply["stored"] is False
    answer = world.client.get(f"/api/conversations/{CHAT}")
    assert answer.status_code in (404, 503) and "sqlite" not in answer.text.lower()


# Handing over


def test_a_transcript_is_sent_only_as_it_was_shown(tmp_path: Path) -> None:
    import test_handover

    hook = test_handover.Hook()
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    world = World(tmp_path, handover_webhook=hook.address)
    path = f"/api/conversations/{CHAT}/handover"
    wish: dict[str, Any] = {"note": "Please call", "reply_to": "ana@mail.example"}
    assert world.client.post(path, json=wish).json()["code"] == "unknown"
    world.ask(HOME)
    shown = world.client.post(path, json=wish).json()
    assert "Please call" in shown["text"] and HOME in shown["text"] and hook.taken == []
    world.ask(HOME, "and on Fridays?", message=SECOND)
    again = world.client.post(path, json={**wish, "digest": shown["digest"]})
    assert again.status_code == 409 and "Fridays" in again.json()["text"] and hook.taken == []
    agreed = {**wish, "digest": again.json()["digest"]}
    assert [world.client.post(path, json=agreed).status_code for _ in range(2)] == [202, 202]
    assert [told["text"] for told in hook.taken] == [again.json()["text"]]
    hook.shutdown()
    hook.server_close()
    other = world.client.post(path, json={"note": "x"}).json()
    failed = world.client.post(path, json={"note": "x", "digest": other["digest"]})
    assert (failed.status_code, failed.json()["code"]) == (502, "handover_failed")


def test_nobody_can_flood_a_recruiter_with_transcripts(tmp_path: Path) -> None:
    """Each with another note is another one; ten an hour of a chat, thirty of an address."""
    import test_handover

    hook = test_handover.Hook()
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    world = World(tmp_path, handover_webhook=hook.address)

    def sent(chat: str, number: int) -> int:
        path, wish = f"/api/conversations/{chat}/handover", {"note": f"Call {number}"}
        digest = world.client.post(path, json=wish).json()["digest"]
        return world.client.post(path, json={**wish, "digest": digest}).status_code

    chats = [letter * 32 for letter in "abcd"]
    for chat in chats:
        world.ask(HOME, conversation=chat)
    assert [sent(chats[0], number) for number in range(11)] == [202] * 10 + [429]
    assert [sent(chat, number) for chat in chats[1:] for number in range(7)] == [202] * 20 + [429]
    assert len(hook.taken) == 30
    hook.shutdown()
    hook.server_close()
    world.database.close()


def test_nothing_can_be_sent_where_no_address_is_set(world: World) -> None:
    world.ask(HOME)
    answer = world.client.post(f"/api/conversations/{CHAT}/handover", json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_stored")


# Other sites


def test_only_the_sites_that_are_named_may_ask_from_a_page_of_their_own(tmp_path: Path) -> None:
    world = World(tmp_path, embed_on=("https://careers.example.com", "https://*.mill.example"))
    allowed = {
        origin: world.client.get("/api/start", headers={"Origin": origin}).headers.get(
            "access-control-allow-origin"
        )
        for origin in (
            "https://careers.example.com",
            "https://a.mill.example",
            "https://evil.example",
            "https://careers.example.com.evil.example",
            "https://mill.example.evil.example",
        )
    }
    assert [origin for origin, answer in allowed.items() if answer] == [
        "https://careers.example.com",
        "https://a.mill.example",
    ]


def test_the_description_names_every_endpoint_and_what_it_answers(world: World) -> None:
    told = world.client.get("/api/openapi.json").json()
    answered = {
        f"{method} {path}": {
            status: str(list(answer.get("content", {}).values())).rpartition("/")[2].rstrip("'}]")
            for status, answer in endpoint["responses"].items()
        }
        for path, methods in told["paths"].items()
        for method, endpoint in methods.items()
    }
    wrong = {"404": "Problem", "422": "Problem", "503": "Problem"}
    chat = "/api/conversations/{conversation}"
    stream = answered["post /api/chat"].pop("200")
    assert answered == {
        "get /api/start": {"200": "Start", "422": "Problem"},
        "post /api/chat": {"422": "Problem", "429": "Problem", "503": "Problem"},
        f"get {chat}": {"200": "Transcript", **wrong},
        f"delete {chat}": {"204": "[", "429": "Problem", **wrong},
        f"put {chat}/messages/{{message}}/feedback": {"204": "[", **wrong},
        f"post {chat}/handover": {
            "200": "Shown",
            "202": "Shown",
            "409": "Shown",
            "429": "Problem",
            "502": "Problem",
            **wrong,
        },
    }
    assert "event: reply" in stream and "ChatReply" in str(told["paths"]["/api/chat"])


def test_answers_are_as_described(tmp_path: Path) -> None:
    world = World(tmp_path, handover_webhook="http://127.0.0.1:9/")
    Start.model_validate(world.client.get("/api/start").json())
    ChatReply.model_validate(world.ask(HOME)[-1][1])
    ChatReply.model_validate(world.ask("Which positions are open?", message=SECOND)[-1][1])
    chat = f"/api/conversations/{CHAT}"
    world.client.put(f"{chat}/messages/{FIRST}/feedback", json={"thumb": "down"})
    Transcript.model_validate(world.client.get(chat).json())
    Shown.model_validate(world.client.post(f"{chat}/handover", json={}).json())
    for answer in (
        world.client.get("/api/conversations/x"),
        world.client.get(f"/api/conversations/{SECOND}"),
    ):
        Problem.model_validate(answer.json())
    world.database.close()


# Under load, and over a real connection


def test_beyond_the_places_there_are_a_visitor_is_told_when_to_try_again(tmp_path: Path) -> None:
    gate = threading.Event()

    class Waiting(FakeAssistant):
        def stream(self, turns: Sequence[str], about: str = "") -> Iterator[str | Reply]:
            gate.wait(60)
            return super().stream(turns)

    world = World(tmp_path, Waiting())
    with served(world.app) as address, ThreadPoolExecutor(AT_ONCE + WAITING + 6) as pool:

        def ask(number: int) -> httpx.Response:
            body = {"message": f"{number:032x}", "turns": [HOME]}
            answer = httpx.post(f"{address}/api/chat", json=body, timeout=60)
            if answer.status_code == 429:
                gate.set()
            return answer

        answers = list(pool.map(ask, range(AT_ONCE + WAITING + 6)))
    busy = [answer for answer in answers if answer.status_code == 429]
    assert busy and all(answer.json()["code"] == "busy" and answer.headers["retry-after"] for answer in busy)
    good = [answer for answer in answers if answer.status_code == 200]
    assert len(good) >= AT_ONCE + WAITING and all("event: reply" in answer.text for answer in good)


def test_whoever_leaves_in_the_middle_ends_the_work(tmp_path: Path) -> None:
    ended = threading.Event()

    class Endless(FakeAssistant):
        def stream(self, turns: Sequence[str], about: str = "") -> Iterator[str | Reply]:
            try:
                while True:
                    time.sleep(0.02)
                    yield "and "
            finally:
                ended.set()

    world = World(tmp_path, Endless())
    body = {"conversation": CHAT, "message": FIRST, "turns": [HOME]}
    with served(world.app) as address:
        with httpx.stream("POST", f"{address}/api/chat", json=body, timeout=30) as answer:
            next(answer.iter_lines())
        assert ended.wait(30)
    assert world.client.get(f"/api/conversations/{CHAT}").status_code == 404


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl on this computer")
def test_the_examples_of_the_document_work(world: World) -> None:
    document = (
        (ROOT / "docs" / "api.md")
        .read_text(encoding="utf-8")
        .replace("\n      ", " ")
        .replace("\n    }'", " }'")
    )
    commands = re.findall(r"^    (curl .+)$", document, re.M)
    assert len(commands) == 6
    with served(world.app) as address:
        for command in commands:
            run = subprocess.run(
                command.replace("http://127.0.0.1:7860", address),
                shell=True,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert run.returncode == 0 and '"bad_request"' not in run.stdout, command
            assert "Internal Server Error" not in run.stdout


def test_a_chat_that_asks_too_often_is_told_when_to_go_on(tmp_path: Path) -> None:
    world = World(tmp_path, limit_visitor="2/minute")
    world.ask(HOME)
    world.ask(HOME, message=SECOND)
    answer = world.client.post("/api/chat", json={"conversation": CHAT, "message": "3" * 32, "turns": [HOME]})
    assert answer.status_code == 429 and answer.json()["code"] == "busy"
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    other = world.client.post("/api/chat", json={"conversation": "b" * 32, "message": FIRST, "turns": [HOME]})
    assert other.status_code == 200
    world.database.close()


def test_an_address_is_limited_over_all_its_chats(tmp_path: Path) -> None:
    world = World(tmp_path, limit_address="1/minute")
    world.ask(HOME)
    answer = world.client.post(
        "/api/chat", json={"conversation": "b" * 32, "message": FIRST, "turns": [HOME]}
    )
    assert answer.status_code == 429
    world.database.close()
