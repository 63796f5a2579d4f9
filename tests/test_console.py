"""The console over HTTP: who may do what when the call is made by hand, and the files to download."""

from __future__ import annotations

import csv
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from console_office import ADA, BEN, CEM, Office, called, events, office
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ui.accounts import Role
from ui.console.door import BASE
from ui.console.exports import export_pages
from ui.console.page import console
from ui.corrections import Kind
from ui.review import Filter


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("office"), request.config.cache.mkdir("topics")) as opened:
        opened.staffed()
        opened.asks("Do you have a nursery?")
        opened.asks("How much time is there for learning?", thumb="down")
        yield opened


@pytest.fixture
def viewer(here: Office) -> Iterator[httpx.Client]:
    with here.signed_in(CEM) as client:
        yield client


@pytest.fixture
def editor(here: Office) -> Iterator[httpx.Client]:
    with here.signed_in(BEN) as client:
        yield client


@pytest.fixture
def admin(here: Office) -> Iterator[httpx.Client]:
    with here.signed_in(ADA) as client:
        yield client


def state(here: Office) -> tuple[object, ...]:
    """All that staff can change."""
    return (
        here.desk.corrections.history(),
        here.desk.golden.questions(),
        [run.id for run in here.desk.golden.runs()],
        [(member.name, member.role) for member in here.desk.accounts.members()],
        here.desk.job.state.phase,
        sorted(path.name for path in here.folder.iterdir()),
    )


FOR_VIEWERS = {
    "load", "then", "Review: Show", "Review: Words in the question", "Review: State", "Review: Outcome", "Review: Topic",
    "Review: Language", "Review: Assigned to", "Review: Previous page", "Review: Next page", "Review: Choose one to read it",
    "Review: Group them", "Review: Choose one to tick all of it off, or to answer it", "Try: Question", "Try: Start over",
    "Corrections: Compare with the pages", "Corrections: Empty the form", "Corrections: Choose one to change or remove it",
    "Corrections: Choose the change to undo", "Golden questions: Stop", "Golden questions: Run",
    "Golden questions: Compare with", "Coverage: Look at the pages anew", "Knowledge: Knowledge", "Knowledge: Show",
    "Figures: Figures", "Figures: Show", "Figures: Language",
}  # fmt: skip
"""What sets off the events that whoever is signed in may cause: they read, and change nothing for others."""


def trigger(page: gr.Blocks, event: Any) -> str:
    """What sets an event off: the tab, and what is written on the element."""
    element, how = event.targets[0]
    if element not in page.blocks:
        return str(how)
    block = tab = page.blocks[element]
    while not isinstance(tab, gr.Tab):
        tab = tab.parent
    said = block.value if isinstance(block, gr.Button) else block.label
    return f"{tab.label}: {said}"


def test_every_event_of_the_page_asks_who_it_is_and_for_the_role_it_needs(here: Office) -> None:
    page = console(here.desk)
    found = [event for event in page.fns.values() if event.fn is not None]
    assert len(found) > 40
    assert {event.fn.__qualname__.split(".")[0] for event in found} == {"Desk"}
    needs = {trigger(page, event): inspect.getclosurevars(event.fn).nonlocals.get("needs") for event in found}
    assert {name for name, role in needs.items() if role is Role.VIEWER} == FOR_VIEWERS
    # These two find out themselves whose request it is; calls by hand are below.
    assert {name for name, role in needs.items() if role is None} == {"Accounts: Add", "Accounts: New link"}


def test_every_file_to_download_asks_who_it_is_also_behind_the_door(here: Office) -> None:
    app = FastAPI()
    app.include_router(export_pages(here.desk))
    paths = [str(getattr(route, "path", "")) for route in export_pages(here.desk).routes]
    assert len(paths) >= 6
    with TestClient(app) as nobody:
        asked = {
            path: nobody.get(path, params={"start": "2026-01-01", "end": "2026-01-02"}) for path in paths
        }
    assert {path: answer.status_code for path, answer in asked.items()} == dict.fromkeys(paths, 401)


def test_no_call_made_by_hand_lets_a_viewer_change_anything(here: Office, viewer: httpx.Client) -> None:
    before, refused = state(here), 0
    for number, event in events(viewer, but="coverage-progress").items():  # that one only takes long
        answer = called(viewer, number, *([None] * len(event["inputs"])))
        refused += "This needs the role" in json.dumps(answer["output"])
    assert refused >= 20
    assert state(here) == before


def test_no_call_made_by_hand_lets_an_editor_touch_the_accounts(here: Office, editor: httpx.Client) -> None:
    before = here.desk.accounts.members()
    told = [
        called(editor, number, *(["x@firm.example", "admin"][: len(event["inputs"])]))
        for number, event in events(editor, shows="accounts").items()
    ]
    assert len(told) >= 6
    assert all("needs the role admin" in json.dumps(answer["output"]) for answer in told)
    assert here.desk.accounts.members() == before


def test_a_link_that_is_sent_does_not_lead_where_a_request_says_it_came_to(
    here: Office, admin: httpx.Client
) -> None:
    """Who opens the link types a password there: a host that was changed on the way must not be in it."""
    (again,) = [
        number for number, event in events(admin, shows="account-link").items() if len(event["inputs"]) == 1
    ]

    def told(**headers: str) -> str:
        admin.headers.update(headers)
        return str(called(admin, again, CEM)["output"]["data"][0])

    assert f'value="{here.url}{BASE}/invitation?token=' in told()
    for host in (
        "evil.example",
        "127.0.0.1.evil.example:80",
        '127.0.0.1"onfocus="x',
        "evil.example@127.0.0.1",
    ):
        said = told(Host=host, **{"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"})
        assert "evil" not in said and "onfocus" not in said and f"href='{BASE}/invitation?token=" in said
    here.desk.settings = here.desk.settings.model_copy(update={"public_url": "https://chat.firm.example"})
    try:
        assert f'value="https://chat.firm.example{BASE}/invitation?token=' in told(Host="evil.example")
    finally:
        here.desk.settings = here.desk.settings.model_copy(update={"public_url": ""})


def test_whoever_is_signed_out_in_between_is_refused(here: Office) -> None:
    with here.signed_in(CEM) as client:
        numbers = events(client)
        here.desk.accounts.sign_out_everywhere(CEM, ADA)
        assert (
            client.post("/gradio_api/queue/join", json={"fn_index": min(numbers), "data": []}).status_code
            == 401
        )


def test_another_accounts_session_does_not_hear_of_a_call(here: Office, viewer: httpx.Client) -> None:
    with httpx.Client(base_url=str(viewer.base_url)) as nobody:
        assert nobody.get("/config").status_code == 401
        assert nobody.get("/gradio_api/queue/data?session_hash=x").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "gradio_api/file=/etc/passwd",
        "gradio_api/file/etc/passwd",
        "gradio_api/proxy=http://x/",
        "gradio_api/info/x",
        "docs",
    ],
)
def test_what_gradio_opens_beside_stays_shut(admin: httpx.Client, path: str) -> None:
    assert admin.get(f"/{path}").status_code == 404


def test_a_table_larger_than_the_limit_is_refused(admin: httpx.Client) -> None:
    assert admin.post("/gradio_api/queue/join", content=b"x" * 7_000_000).status_code == 413


def test_the_candidates_side_is_as_open_as_before(here: Office) -> None:
    with httpx.Client(base_url=here.url) as anybody:
        for path in ("/", "/chat", "/demo", "/widget.js", "/api/start"):
            assert anybody.get(path).status_code == 200


def test_where_no_conversations_are_stored_the_console_works_all_the_same(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with office(tmp_path, request.config.cache.mkdir("topics"), retention_days=0) as opened:
        opened.staffed()
        assert opened.asks("How much time is there for learning?")["stored"] is False
        assert opened.desk.review.count(Filter(done=None)) == 0
        with opened.signed_in(BEN) as client:
            assert client.get("/config").status_code == 200


# --- files --------------------------------------------------------------------------------------------


def rows(client: httpx.Client, address: str) -> list[dict[str, str]]:
    answer = client.get(f"/export/{address}")
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(answer.text.removeprefix("\ufeff").splitlines()))


def test_the_review_is_downloaded_as_it_is_filtered(viewer: httpx.Client) -> None:
    assert [row["question"] for row in rows(viewer, "review.csv?outcome=not_found")] == [
        "Do you have a nursery?"
    ]
    assert len(rows(viewer, "review.csv?done=all")) == 2
    assert viewer.get("/export/review.csv?start=soon").status_code == 422


def test_the_golden_questions_are_downloaded(here: Office, viewer: httpx.Client) -> None:
    here.desk.golden.add(["Is there a bus?"], "not_found", BEN)
    assert [row["turn1"] for row in rows(viewer, "golden.csv")] == ["Is there a bus?"]
    assert json.loads(viewer.get("/export/golden.jsonl").text)["turns"] == ["Is there a bus?"]
    here.desk.golden.save_table([], BEN)


def test_the_figures_are_downloaded(viewer: httpx.Client) -> None:
    assert len(rows(viewer, "figures.csv?start=2026-01-01&end=2026-01-31")) == 31
    assert viewer.get("/export/figures.csv?start=2026-02-01&end=2026-01-31").status_code == 422


def test_what_to_write_next_is_downloaded(here: Office, viewer: httpx.Client) -> None:
    from assistant.coverage import cover

    assistant = here.desk.assistant
    topics = [assistant.bank.topic[name] for name in ("learning-time", "childcare")]
    here.desk.covered = list(cover(assistant, topics, assistant.threshold))
    listed = rows(viewer, "coverage.csv")
    assert (
        listed[0]["asked"] == "1"
        and listed[0]["state"] == "open"
        and "nursery" in listed[0]["candidates' words"]
    )


def test_the_audit_log_is_for_admins(viewer: httpx.Client, admin: httpx.Client) -> None:
    assert viewer.get("/export/log.csv").status_code == 403
    assert {"account", "what", "on"} <= rows(admin, "log.csv")[0].keys()


# --- what the tabs show -------------------------------------------------------------------------------


def test_a_correction_is_compared_with_what_the_pages_say(here: Office) -> None:
    from ui.console.corrections_tab import told
    from ui.corrections import conflicts

    ask = "How much time is there for learning?"
    assert "state other figures" in told(conflicts(here.desk.assistant, [ask], "It is 35 days a year."))
    assert "answer this as well" in told(conflicts(here.desk.assistant, [ask], "It is 20% of the time."))
    assert "do not answer" in told(conflicts(here.desk.assistant, ["Do you have a nursery?"], "No."))


def test_an_approved_answer_does_not_hide_the_conflict_with_the_pages(here: Office) -> None:
    from ui.corrections import conflicts

    ask = "How much time is there for learning?"
    saved = here.desk.corrections.save(Kind.ANSWER, {"questions": [ask], "text": "Two days."}, BEN)
    (found,) = conflicts(here.desk.assistant, [ask], "Two days.")
    assert "20%" in found.pages
    here.desk.corrections.undo(saved.revision, BEN)


def test_a_preview_reads_the_stores_own_pages_and_no_other_file(here: Office) -> None:
    from ui.console.knowledge_tab import readable

    assert Path(readable(here.desk, "team.md")) == here.folder / "pages" / "team.md"
    assert readable(here.desk, "https://careers.example/life") == "https://careers.example/life"
    for path in ("/etc/passwd", "../kept.sqlite", "none.md", ""):
        with pytest.raises(ValueError, match="none of the pages"):
            readable(here.desk, path)


def test_a_preview_reads_a_file_by_its_path_within_its_source_as_an_ingest_does(here: Office) -> None:
    from ui.console.knowledge_tab import preview_in

    posting = here.folder / "pages" / "jobs" / "pilot.md"
    posting.parent.mkdir()
    posting.write_text("---\ntitle: Ferry pilot\nlocation: Haifa\n---\nYou steer the night ferry.\n")
    assert preview_in(here.desk, "jobs/pilot.md").notes == ("Posting “Ferry pilot”, open; locations: Haifa",)


def test_a_source_added_in_the_console_lies_below_the_list(here: Office) -> None:
    from ui.console.knowledge_tab import within

    assert within(here.folder, "pages/team.md") == Path("pages/team.md")
    for where in ("/etc/passwd", "../secrets.md", ".env", "pages/../../x", "pages/.hidden.md"):
        with pytest.raises(ValueError, match="not below the folder"):
            within(here.folder, where)


def test_what_is_shown_of_a_turn_says_why(here: Office) -> None:
    from ui.console.try_it import QUOTED, replied, why

    reply, milliseconds = replied(here.desk.assistant, QUOTED, 0.5, ["How much time is there for learning?"])
    text = why(reply, milliseconds)
    assert all(
        words in text for words in ("quoted", "rejected", "a search of the pages", "<dt>Topics</dt>", "0.50")
    )
    refused, _ = replied(here.desk.assistant, QUOTED, 1.0, ["How much time is there for learning?"])
    assert "too little to answer" in why(refused, 1.0)


def test_hostile_words_of_candidates_are_text(here: Office) -> None:
    from ui.console.review_tab import told

    attack = "<img src=x onerror=alert(1)> nursery?"
    here.asks(attack)
    (seen,) = here.desk.review.exchanges(Filter(words="onerror"))
    assert "<img" not in told(here.desk.review, seen) and "&lt;img" in told(here.desk.review, seen)


def test_the_roles_stand_in_their_order() -> None:
    assert list(Role) == [Role.VIEWER, Role.EDITOR, Role.ADMIN]
