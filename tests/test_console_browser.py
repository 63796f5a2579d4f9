"""A recruiter's morning in a real browser, and what a viewer meets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console_office import ADA, BEN, CEM, WORD, Office, office
from hostile_texts import HOSTILE
from ui_fakes import ATTACK

from ui.console.door import announce
from ui.corrections import Kind
from ui.review import Filter

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = sync_api.expect
pytestmark = pytest.mark.browser

DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
NURSERY, LEARNING = "Do you have a nursery?", "How much time is there for learning?"
ANSWER = "Yes, a nursery with 20 places opens in May."


@pytest.fixture
def here(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Office]:
    with office(tmp_path, request.config.cache.mkdir("topics")) as opened:
        yield opened


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport=DESKTOP)
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    yield opened
    context.close()


def sign_in(page: Any, here: Office, name: str) -> None:
    page.goto(f"{here.url}/recruiter/")
    page.get_by_label("Mail address").fill(name)
    page.get_by_label("Password").fill(WORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#top")).to_contain_text(name)


def tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def cell(page: Any, table: str, words: str) -> Any:
    return page.locator(f"#{table}").get_by_role("gridcell").filter(has_text=words).first


def told(page: Any, words: str) -> None:
    expect(page.get_by_text(words).first).to_be_visible(timeout=30_000)


def in_chat(browser: Any, here: Office, question: str) -> str:
    """What a candidate reads in the widget's chat page."""
    context = browser.new_context(viewport=PHONE)
    chat = context.new_page()
    chat.goto(f"{here.url}/chat")
    expect(
        chat.get_by_text("For example")
    ).to_be_visible()  # what is typed before the page is ready stays in the box
    chat.get_by_role("textbox").fill(question)
    chat.keyboard.press("Enter")
    expect(chat.locator(".answer").last).to_be_visible()
    expect(chat.get_by_role("button", name=re.compile("copy", re.I)).last).to_be_visible()
    text = str(chat.locator(".answer").last.inner_text())
    context.close()
    return text


def test_a_recruiters_morning(browser: Any, page: Any, here: Office) -> None:
    here.asks(NURSERY)
    here.asks(LEARNING, thumb="down")

    # The set-up link of the first start, and the first look.
    page.goto(announce(here.desk.accounts, here.url).split(" ")[-1])
    page.get_by_label("Mail address").fill(ADA)
    page.get_by_label("Password").fill(WORD)
    page.get_by_role("button", name="Set up").click()
    told(page, "To be looked at: 1 answer with a thumb down and 1 question without an answer.")

    # Two bad answers: one is ticked off, the other corrected.
    cell(page, "review-list", LEARNING).click()
    expect(page.locator("#review-read")).to_contain_text("How many days?")
    page.locator("#review-done").click()
    expect(page.locator("#review-count")).to_contain_text("1 to 1 of 1 exchange")
    cell(page, "review-list", NURSERY).click()
    expect(page.locator("#review-read")).to_contain_text("not found")
    page.locator("#review-correct").click()
    expect(page.locator("#correction-questions textarea")).to_have_value(NURSERY)
    page.locator("#correction-answer textarea").fill(ANSWER)
    page.get_by_role("button", name="Compare with the pages").click()
    told(page, "The pages do not answer this")
    page.locator("#correction-save").click()
    expect(cell(page, "corrections", NURSERY)).to_be_visible()

    # A golden question from the same exchange, and a run of the set.
    tab(page, "Review")
    page.locator("#review-golden").click()
    expect(page.locator("#golden-turns textarea")).to_have_value(NURSERY)
    page.get_by_label("Expected").click()
    page.get_by_role("option", name="answer", exact=True).click()
    page.get_by_label("Must say").fill("20 places|nursery")
    page.locator("#golden-add").click()
    expect(cell(page, "golden", NURSERY)).to_be_visible()
    page.locator("#golden-run").click()
    told(page, "1 of 1 right.")

    # Candidates read the correction, until it is undone.
    assert "recruiting team" in in_chat(browser, here, "is there a nursery?") and ANSWER in in_chat(
        browser, here, NURSERY
    )
    tab(page, "Corrections")
    cell(page, "changes", "added").click()
    expect(page.locator("#undo-number input")).to_have_value("1")
    page.locator("#undo").click()
    expect(cell(page, "changes", "undone")).to_be_visible()
    assert ANSWER not in in_chat(browser, here, NURSERY)

    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page).to_have_url(f"{here.url}/recruiter/sign-in")
    page.goto(f"{here.url}/recruiter/")
    expect(page.get_by_role("heading")).to_have_text("Sign in")
    did = [line.what for line in here.desk.accounts.log()]
    assert {
        "signed out",
        "change undone",
        "golden questions run",
        "golden question added",
        "correction added",
    } <= set(did)


def test_a_viewer_sees_everything_and_can_press_nothing_that_changes_it(page: Any, here: Office) -> None:
    here.staffed()
    here.asks(NURSERY)
    sign_in(page, here, CEM)
    expect(page.get_by_role("tab", name="Accounts")).to_be_hidden()
    cell(page, "review-list", NURSERY).click()
    expect(page.locator("#review-read")).to_contain_text("not found")
    for name in ("review-done", "review-golden", "review-correct"):
        expect(page.locator(f"#{name}")).to_be_disabled()
    for name, button in (
        ("Corrections", "correction-save"),
        ("Golden questions", "golden-run"),
        ("Knowledge", "ingest"),
    ):
        tab(page, name)
        expect(page.locator(f"#{button}")).to_be_disabled()


def test_an_admin_invites_somebody_by_a_link_that_is_good_once(browser: Any, page: Any, here: Office) -> None:
    here.staffed()
    sign_in(page, here, ADA)
    tab(page, "Accounts")
    page.locator("#account-name").get_by_role("textbox").fill("Dia@firm.example")
    page.locator("#account-add").click()
    link = page.get_by_label("One-time link").input_value()
    context = browser.new_context(viewport=PHONE)
    invited = context.new_page()
    invited.goto(link)
    expect(invited.get_by_text("dia@firm.example")).to_be_visible()
    invited.get_by_label("Password").fill(WORD)
    invited.get_by_role("button", name="Keep this password").click()
    expect(invited.locator("#top")).to_contain_text("dia@firm.example, viewer")
    invited.goto(link)
    expect(invited.get_by_role("heading")).to_have_text("No longer valid")
    context.close()


def test_an_editor_adds_a_source_and_reads_it(page: Any, here: Office) -> None:
    here.staffed()
    (here.folder / "benefits.md").write_text(
        "# Benefits\n\nLunch on the pier is free for everyone on every working day.\n"
    )
    sign_in(page, here, BEN)
    tab(page, "Knowledge")
    expect(page.locator("#knowledge-summary")).to_contain_text("Pages: 1")
    page.get_by_role("button", name="Add or remove a source").click()
    page.locator("#source-name textarea, #source-name input").fill("nothing.md")
    page.locator("#source-add").click()
    told(page, "There is no file or folder nothing.md.")
    page.locator("#source-name textarea, #source-name input").fill("benefits.md")
    page.locator("#source-add").click()
    told(page, "It is listed.")
    page.locator("#ingest").click()
    expect(page.locator("#ingest-progress")).to_contain_text("Read in", timeout=120_000)
    expect(page.locator("#knowledge-summary")).to_contain_text("Pages: 2", timeout=30_000)
    knowledge = here.desk.assistant.knowledge()
    assert knowledge is not None and "Benefits" in {page.title for page in knowledge.store.pages}


def test_an_editor_tries_a_question_in_two_ways_and_hides_a_passage(page: Any, here: Office) -> None:
    here.staffed()
    sign_in(page, here, BEN)
    tab(page, "Try")
    page.get_by_role("button", name="Ways to answer").click()
    page.get_by_label("Two ways side by side").check()
    page.get_by_label(re.compile("number input for Second way", re.I)).fill("1")
    page.locator("#try textarea").fill(LEARNING)
    page.locator("#try textarea").press("Enter")
    expect(page.locator("#tried-first")).to_contain_text("20%")
    expect(page.locator("#tried-second")).to_contain_text("too little to answer")
    page.get_by_role("button", name="Hide this passage from answers").click()
    told(page, "No answer uses this passage any more.")
    assert "20%" not in json.dumps(here.asks(LEARNING)["citations"])


def test_coverage_and_figures_are_drawn(page: Any, here: Office) -> None:
    here.staffed()
    here.asks(NURSERY)
    sign_in(page, here, CEM)
    tab(page, "Coverage")
    page.locator("#coverage-run").click()
    expect(page.locator("#coverage-table")).to_contain_text(NURSERY, timeout=120_000)
    expect(page.locator("#coverage-picture canvas, #coverage-picture svg").first).to_be_visible()
    tab(page, "Figures")
    expect(page.locator("#figures-numbers")).to_contain_text("0 of 1")
    expect(page.locator("#figures-outcomes canvas, #figures-outcomes svg").first).to_be_visible()


def test_the_full_page_chat_is_reviewed_as_well_and_its_chats_can_be_deleted(page: Any, here: Office) -> None:
    page.goto(here.url)
    expect(page.get_by_text("This chat is kept for 30 days")).to_be_visible()
    page.get_by_label("Your question").fill(f"{NURSERY} I am ana@mail.example.")
    page.keyboard.press("Enter")
    page.locator('[data-number="1"][data-state="done"]').wait_for()
    (seen,) = here.desk.review.exchanges(Filter())
    assert seen.question == f"{NURSERY} I am [mail address]." and seen.outcome == "not_found"
    page.get_by_role("button", name="Delete this chat").click()
    expect(page.locator(".turn")).to_have_count(0)
    assert here.desk.review.count(Filter(done=None)) == 0


def test_hostile_words_of_candidates_stay_words_wherever_they_are_shown(page: Any, here: Office) -> None:
    here.staffed()
    for text in HOSTILE[:12]:
        here.asks(text)
    here.desk.corrections.save(Kind.ANSWER, {"questions": [ATTACK], "text": ATTACK}, BEN)
    here.desk.golden.add([ATTACK], "not_found", BEN)
    sign_in(page, here, ADA)
    page.locator("#review-list").get_by_role("gridcell").nth(3).click()
    expect(page.locator("#review-read")).to_contain_text("Outcome")
    page.get_by_role("button", name="Group them").click()
    expect(page.locator("#groups").get_by_role("gridcell").first).to_be_visible()
    for name in ("Corrections", "Golden questions", "Try"):
        tab(page, name)
    page.locator("#try textarea").fill(ATTACK)
    page.locator("#try textarea").press("Enter")
    expect(page.locator("#tried-first")).to_contain_text("<img")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x], [onerror]").count() == 0


def test_a_wrong_date_is_told_in_a_sentence(page: Any, here: Office) -> None:
    here.staffed()
    sign_in(page, here, CEM)
    tab(page, "Figures")
    field = page.locator("#figures-from").get_by_role("textbox")
    field.fill("2026-13-40")
    page.locator("#figures-show").click()
    told(page, "is no date. Write it like 2026-12-31.")
    field.fill("yesterday")  # the field itself takes no such words, and turns red
    expect(field).to_have_class(re.compile("invalid"))


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_door_has_no_barrier(browser: Any, here: Office, colours: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    here.staffed()
    # The page's policy lets no script in, the checker's neither.
    context = browser.new_context(viewport=PHONE, color_scheme=colours, bypass_csp=True)
    door = context.new_page()
    door.goto(f"{here.url}/recruiter/sign-in")
    assert Axe().run(door).response["violations"] == []
    context.close()
