"""The widget as a candidate meets it on a careers site: two real servers and a real browser."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hostile_texts import HOSTILE
from test_handover import Hook
from ui_browser import served
from ui_fakes import POSTINGS, REMOTE, SITE, FakeAssistant, settings
from widget_site import Site

from assistant.conversation import Citation, Outcome, Reply
from ui.conversations import Conversations
from ui.database import Database
from ui.links import link_to_quote
from ui.server import create_app

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = sync_api.expect
pytestmark = pytest.mark.browser

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
HOME, OPEN, NURSERY = "Can I work from home?", "Which positions are open?", "Do you have a nursery?"


class World:
    """Candor on one port, a careers site on another."""

    def __init__(self, candor: str, site: str, conversations: Conversations, hook: Hook) -> None:
        self.candor = candor
        self.site = site
        self.conversations = conversations
        self.hook = hook


@pytest.fixture(scope="module")
def world(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("widget")
    database = Database.open(f"sqlite:///{folder / 'kept.sqlite'}")
    site, hook = Site(), Hook()
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    with served(site.app) as site_address:
        chosen = settings(
            store=folder, retention_days=30, embed_on=(site_address,), handover_webhook=hook.address
        )
        app = create_app(Hearing(pause=0.01), chosen, database)
        with served(app) as candor:
            site.widget = candor
            yield World(candor, site_address, Conversations(database, 30), hook)
    hook.shutdown()
    hook.server_close()
    database.close()


class Hearing(FakeAssistant):
    """Says which posting is asked about; a hostile question gets a reply that is as hostile in every part."""

    def reply(self, turns: Any, about: str = "") -> Reply:
        asked = turns[-1]
        if about:
            return Reply(Outcome.CHAT, f"About {about}: {asked}")
        if asked not in HOSTILE:
            return super().reply(turns)
        self.pause = 0.0
        citation = Citation(asked, asked, f"{SITE}/{asked}", asked, f"before {asked} after", asked)
        whole = replace(REMOTE, title=asked, heading=asked, quote=asked, passage=asked)
        unsafe = replace(whole, url=f"javascript:{asked}")
        job = replace(POSTINGS[0], id=asked, title=asked, url=asked, locations=(asked,), department=asked)
        text = f"{asked} [1]\n\n- {asked} [2]\n\n**{asked}** [3]"
        return Reply(Outcome.ANSWERED, text, (citation, whole, unsafe), (job,), suggestions=(asked,))


class Visit:
    """A tab on the careers site."""

    def __init__(self, page: Any, world: World) -> None:
        self.page = page
        self.world = world
        self.button = page.locator("candor-chat button").first
        self.chat = page.frame_locator("candor-chat iframe")
        self.box = self.chat.locator("#question")

    def open(self) -> Visit:
        self.button.click()
        expect(self.chat.locator("#question:focus, h1:focus")).to_be_attached(timeout=15_000)
        return self

    @property
    def frame(self) -> Any:
        return next(frame for frame in self.page.frames if "/chat" in frame.url)

    def ask(self, question: str, number: int = 1) -> Any:
        self.box.fill(question)
        self.box.press("Enter")
        return self.answered(number)

    def answered(self, number: int = 1) -> Any:
        turn = self.chat.locator(f"article:nth-of-type({number})")
        expect(turn.locator(".tools")).to_be_visible(timeout=15_000)
        return turn


@pytest.fixture
def visit(browser: Any, world: World) -> Iterator[Callable[..., Visit]]:
    """Open the careers site; at the end, nothing may have left this computer and no error been logged."""
    contexts: list[Any] = []
    asked: list[str] = []
    errors: list[str] = []

    def open_page(
        path: str = "/en", size: dict[str, int] = DESKTOP, errors_expected: bool = False, **given: Any
    ) -> Visit:
        context = browser.new_context(viewport=size, has_touch=size is PHONE, **given)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        if not errors_expected:
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.goto(path if "//" in path else world.site + path)
        tab = Visit(page, world)
        expect(tab.button).to_be_visible(timeout=15_000)
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))} <= {
        "127.0.0.1"
    }
    assert errors == []


# The button


def test_the_page_gets_a_button_and_asks_for_nothing_else(browser: Any, world: World) -> None:
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{world.site}/en")
    expect(page.locator("candor-chat button")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if url.startswith(world.candor)] == [f"{world.candor}/widget.js"]
    assert page.locator("iframe").count() == 0 and context.cookies() == []
    shift = page.evaluate(
        "new Promise(done => { let sum = 0; new PerformanceObserver(list => list.getEntries().forEach(e => sum += e.value))"
        ".observe({type: 'layout-shift', buffered: true}); requestAnimationFrame(() => setTimeout(() => done(sum), 50)); })"
    )
    assert shift == 0
    context.close()


def test_the_button_says_what_it_opens_and_whether_it_is_open(visit: Callable[..., Visit]) -> None:
    tab = visit()
    expect(tab.button).to_have_attribute("aria-expanded", "false")
    tab.open()
    expect(tab.button).to_have_attribute("aria-expanded", "true")
    assert tab.button.get_attribute("aria-controls") == "panel"
    expect(tab.page.get_by_role("dialog", name="Ask about working here")).to_be_visible()
    assert tab.page.locator("candor-chat iframe").get_attribute("title") == "Ask about working here"


def test_colour_place_words_and_greeting_can_be_chosen(visit: Callable[..., Visit]) -> None:
    tab = visit("/en?color=%23ffd24d&position=left&label=Talk+to+us&greeting=Ahoy+there&offset=60px")
    expect(tab.button).to_have_text("Talk to us")
    shown = tab.button.evaluate("n => [getComputedStyle(n).color, getComputedStyle(n).backgroundColor]")
    assert shown == ["rgb(0, 0, 0)", "rgb(255, 210, 77)"]
    box = tab.button.bounding_box()
    assert box["x"] == 20 and box["y"] + box["height"] == 840
    tab.open()
    expect(tab.chat.locator(".lead")).to_have_text("Ahoy there")
    expect(tab.chat.locator("#send")).to_have_css("background-color", "rgb(255, 210, 77)")


@pytest.mark.parametrize(
    ("colour", "ink"), [("oklch(0.9 0.15 100)", "rgb(0, 0, 0)"), ("oklch(0.3 0.1 260)", "rgb(255, 255, 255)")]
)
def test_words_can_be_read_on_any_kind_of_colour(visit: Callable[..., Visit], colour: str, ink: str) -> None:
    tab = visit(f"/en?color={quote(colour)}").open()
    expect(tab.button).to_have_css("color", ink)
    expect(tab.chat.locator("#send")).to_have_css("color", ink)


def test_a_chat_that_opens_with_the_page_takes_no_focus_and_no_phone(visit: Callable[..., Visit]) -> None:
    tab = visit("/en?open=true")
    expect(tab.chat.locator("#choices button").first).to_be_visible(timeout=15_000)
    assert tab.page.evaluate("document.activeElement === document.body")
    small = visit("/en?open=true", PHONE)
    expect(small.page.locator("candor-chat iframe")).to_have_count(0)


def test_the_page_on_its_own_shows_no_words_of_its_address(browser: Any, world: World) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{world.candor}/chat?greeting=Pay+us+first&from=https://evil.example")
    expect(page.locator(".lead")).to_contain_text("open positions")
    expect(page.locator("#close")).to_be_hidden()
    context.close()


def test_scripts_of_the_site_can_open_ask_close_and_listen(visit: Callable[..., Visit]) -> None:
    tab = visit()
    tab.page.evaluate(
        "() => { window.told = []; document.querySelector('a').focus(); ['open', 'close', 'ready', 'answer'].forEach(name => Candor.on(name, detail => told.push([name, detail])));"
        " window.addEventListener('candor:answer', event => told.push(['event', event.detail.status])); Candor.ask('Can I work from home?'); }"
    )
    tab.answered()
    tab.page.wait_for_function("told.some(one => one[0] === 'event')")
    tab.page.evaluate("Candor.close()")
    told = tab.page.evaluate("told")
    assert [one[0] for one in told] == ["open", "ready", "answer", "event", "close"]
    assert told[2][1] == {"status": "answered"}
    expect(tab.page.locator("a")).to_be_focused()  # which had the focus before


def test_a_script_that_is_there_twice_draws_one_button(visit: Callable[..., Visit]) -> None:
    tab = visit()
    tab.page.evaluate(
        "() => new Promise(done => { const s = document.createElement('script'); s.src = document.querySelector('script[src*=widget]').src; s.onload = done; document.body.append(s); })"
    )
    assert tab.page.locator("candor-chat").count() == 1


# Asking


def test_an_answer_streams_in_and_a_source_opens_at_its_quote(visit: Callable[..., Visit]) -> None:
    tab = visit().open()
    expect(tab.chat.locator("#notice")).to_contain_text("Automated assistant")
    expect(tab.chat.locator("#welcome")).to_contain_text("kept for 30 days")
    tab.box.fill("How does hiring work?")
    tab.box.press("Enter")
    expect(tab.chat.locator("#turns")).to_have_attribute("aria-busy", "true")
    expect(tab.chat.locator("article .answer")).to_be_visible()
    tab.answered()
    turn = tab.ask(HOME, 2)
    mark = turn.get_by_role("button", name="Source 1")
    expect(mark).to_have_attribute("aria-expanded", "false")
    mark.click()
    expect(mark).to_have_attribute("aria-expanded", "true")
    expect(turn.locator("details[open] mark")).to_have_text(REMOTE.quote)
    expect(turn.locator("details[open] blockquote")).to_contain_text("Our studio is in Haifa")
    expect(turn.locator("details[open] summary")).to_be_focused()
    link = turn.locator("details[open]").get_by_role("link")
    assert link.get_attribute("href").startswith(f"{REMOTE.url}#:~:text=")
    assert link.get_attribute("rel") == "noopener noreferrer nofollow"


def test_a_role_stays_the_topic_until_it_is_taken_back(visit: Callable[..., Visit]) -> None:
    tab = visit().open()
    turn = tab.ask(OPEN)
    expect(turn.locator(".card")).to_have_count(3)
    expect(turn.locator(".card").first).to_contain_text("Haifa · Engineering")
    turn.get_by_role("button", name="Ask about this role").first.click()
    expect(tab.chat.locator("#chip")).to_contain_text("Backend Engineer, Routing")
    expect(tab.box).to_be_focused()
    expect(tab.ask("What does it pay?", 2).locator(".answer")).to_have_text("About b1: What does it pay?")
    tab.chat.get_by_role("button", name="Ask about anything again").click()
    expect(tab.ask("And now?", 3).locator(".answer")).to_contain_text("the last was: And now?")


def test_a_role_is_still_the_topic_after_a_reload(visit: Callable[..., Visit]) -> None:
    tab = visit().open()
    tab.ask(OPEN).get_by_role("button", name="Ask about this role: Backend Engineer").click()
    tab.ask("What does it pay?", 2)
    tab.page.reload()
    tab.open()
    expect(tab.answered(2).locator(".about")).to_have_text("About: Backend Engineer, Routing")
    expect(tab.chat.locator("#chip")).to_contain_text("Backend Engineer, Routing")
    expect(tab.ask("And where is it?", 3).locator(".answer")).to_have_text("About b1: And where is it?")


def test_a_link_to_the_very_words_shows_them(browser: Any, world: World) -> None:
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    page.goto(link_to_quote(f"{world.site}/benefits", REMOTE.quote))
    page.wait_for_function("scrollY > 1000")
    expect(page.locator("#quoted")).to_be_in_viewport()
    context.close()


def test_suggestions_are_asked_with_one_press(visit: Callable[..., Visit]) -> None:
    tab = visit().open()
    tab.ask(HOME)
    tab.chat.locator("#choices").get_by_role("button", name=OPEN).click()
    expect(tab.answered(2).locator(".question")).to_contain_text(OPEN)


def test_a_reply_that_leads_nowhere_offers_what_was_not_asked_yet(visit: Callable[..., Visit]) -> None:
    tab = visit().open()
    tab.ask(HOME)
    tab.ask("Is there a pool?", 2)
    expect(tab.chat.locator("#choices button")).to_have_text([OPEN, "How does hiring work?"])


def test_a_rating_with_its_reason_reaches_the_server(visit: Callable[..., Visit], world: World) -> None:
    tab = visit().open()
    turn = tab.ask(HOME)
    turn.get_by_role("button", name="Not helpful").click()
    expect(turn.get_by_role("button", name="Send", exact=True)).to_be_in_viewport()
    turn.get_by_label("It is out of date").check()
    turn.get_by_label("In a word").fill("since May")
    turn.get_by_role("button", name="Send", exact=True).click()
    expect(turn.get_by_role("status")).to_have_text("Thank you.")
    expect(turn.get_by_role("button", name="Not helpful")).to_be_focused()
    kept = world.conversations.transcript(chat_id(tab))
    assert kept and kept["exchanges"][0]["feedback"] == {
        "thumb": "down",
        "reason": "outdated",
        "comment": "since May",
    }


def chat_id(tab: Visit) -> str:
    return str(tab.frame.evaluate("sessionStorage.getItem('candor-chat')"))


def test_an_answer_is_copied_with_its_quotes(visit: Callable[..., Visit]) -> None:
    tab = visit(permissions=["clipboard-read", "clipboard-write"]).open()
    turn = tab.ask(HOME)
    turn.get_by_role("button", name="Copy answer").click()
    expect(turn.get_by_role("status")).to_have_text("Copied")
    tab.page.locator("h1").click()
    copied = tab.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Yes, up to three days a week [1].")
    assert f"[1] “{REMOTE.quote}” {REMOTE.url}" in copied


def test_a_transcript_is_sent_only_after_it_was_shown(visit: Callable[..., Visit], world: World) -> None:
    tab = visit(errors_expected=True).open()
    turn = tab.ask(NURSERY)
    expect(turn.locator(".hand")).to_contain_text("jobs@harborandpine.example")
    turn.get_by_role("button", name="Send this chat to a recruiter").click()
    dialog = tab.chat.get_by_role("dialog")
    dialog.get_by_label("Your note").fill("Please cal")
    dialog.get_by_label("How to reach you").fill("ana@mail.example")
    dialog.get_by_role("button", name="Show what will be sent").click()
    expect(dialog.locator("pre")).to_contain_text("Please cal")
    dialog.get_by_role("button", name="Change it").click()
    expect(dialog.get_by_label("How to reach you")).to_have_value("ana@mail.example")
    dialog.get_by_label("Your note").fill("Please call")
    dialog.get_by_role("button", name="Show what will be sent").click()
    expect(dialog.locator("pre")).to_contain_text("Please call")
    shown = dialog.locator("pre").text_content()
    assert f"Q: {NURSERY}" in shown and world.hook.taken == []
    world.hook.status = 500
    dialog.get_by_role("button", name="I agree, send it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("could not be sent just now")
    world.hook.status = 200
    world.hook.taken.clear()
    dialog.get_by_role("button", name="I agree, send it").click()
    expect(dialog.get_by_role("status")).to_have_text("It was sent. Thank you.")
    assert [sent["text"] for sent in world.hook.taken] == [shown]
    assert set(world.hook.taken[0]) == {"text", "reply_to"}  # and nothing that was not shown
    tab.page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(tab.box).to_be_visible()


def test_who_found_an_answer_can_ask_for_a_person_all_the_same(visit: Callable[..., Visit]) -> None:
    tab = visit().open()
    tab.ask(HOME)
    menu(tab, "Send this chat to a recruiter")
    expect(tab.chat.get_by_role("dialog").get_by_label("Your note")).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(tab.chat.get_by_role("dialog")).to_have_count(0)
    expect(tab.page.locator("candor-chat iframe")).to_be_visible()


def test_a_chat_is_printed_whole_with_the_words_it_rests_on(visit: Callable[..., Visit]) -> None:
    tab = visit(color_scheme="dark").open()
    turn = tab.ask(HOME)
    tab.frame.evaluate("() => { window.print = () => dispatchEvent(new Event('beforeprint')); }")
    menu(tab, "Print or save")
    tab.page.emulate_media(media="print")
    expect(turn.locator("details[open]")).to_have_count(2)
    expect(tab.chat.locator("#ask")).to_have_css("display", "none")
    expect(tab.chat.locator("#talk")).to_have_css("overflow-y", "visible")
    expect(turn.locator(".answer")).to_have_css("color", "rgb(0, 0, 0)")
    expect(turn.locator(".question")).to_have_css("background-color", "rgb(255, 255, 255)")


# Coming back, leaving


def test_a_reload_goes_on_and_another_tab_begins_anew(visit: Callable[..., Visit]) -> None:
    tab = visit().open()
    tab.ask(HOME)
    tab.chat.get_by_role("button", name="Helpful", exact=True).click()
    expect(tab.chat.get_by_role("button", name="Helpful", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    tab.page.reload()
    tab.open()
    turn = tab.answered()
    expect(turn.locator(".question")).to_contain_text(HOME)
    expect(turn.get_by_role("button", name="Helpful", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(tab.ask("And on Fridays?", 2).locator(".answer")).to_contain_text("You have asked 2 questions")
    other = tab.page.context.new_page()
    other.goto(f"{tab.world.site}/en")
    second = Visit(other, tab.world).open()
    expect(second.chat.locator("article")).to_have_count(0)
    expect(second.chat.locator("#welcome")).to_be_visible()


def test_deleting_deletes_on_the_server_and_starting_over_forgets(
    visit: Callable[..., Visit], world: World
) -> None:
    tab = visit().open()
    tab.ask(HOME)
    first = chat_id(tab)
    menu(tab, "Start over")
    expect(tab.chat.locator("article")).to_have_count(0)
    tab.ask(OPEN)
    second = chat_id(tab)
    assert first != second and world.conversations.transcript(first) is not None
    menu(tab, "Delete my chat")
    tab.chat.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    expect(tab.chat.locator("#warning")).to_have_text("Your chat has been deleted.")
    expect(tab.chat.locator("article")).to_have_count(0)
    assert world.conversations.transcript(second) is None
    tab.page.reload()
    tab.open()
    expect(tab.chat.locator("#welcome")).to_be_visible()


def test_deleting_during_an_answer_leaves_nothing_of_it(visit: Callable[..., Visit], world: World) -> None:
    tab = visit().open()
    tab.ask(HOME)
    chat = chat_id(tab)
    tab.box.fill("How does hiring work?")
    tab.box.press("Enter")
    expect(tab.chat.locator("article:nth-of-type(2) .answer")).to_be_visible()
    menu(tab, "Delete my chat")
    tab.chat.get_by_role("dialog").get_by_role("button", name="Delete it").click()
    expect(tab.chat.locator("#warning")).to_have_text("Your chat has been deleted.")
    tab.ask(OPEN)  # by then the other answer would have come
    assert world.conversations.transcript(chat) is None


def test_a_reload_before_the_first_answer_begins_anew_without_a_word(visit: Callable[..., Visit]) -> None:
    tab = visit(errors_expected=True).open()
    tab.page.route("**/api/chat", lambda _: None)
    tab.box.fill(HOME)
    tab.box.press("Enter")
    expect(tab.chat.locator(".waiting")).to_be_visible()
    tab.page.reload()
    tab.open()
    expect(tab.chat.locator("#choices button").first).to_be_visible()
    expect(tab.chat.locator("#warning")).to_be_empty()


def menu(tab: Visit, item: str) -> None:
    tab.chat.get_by_role("button", name="Menu").click()
    tab.chat.get_by_role("button", name=item).click()


def test_what_this_is_can_be_read_at_any_time(visit: Callable[..., Visit]) -> None:
    tab = visit().open()
    tab.ask(HOME)
    menu(tab, "About this chat")
    told = tab.chat.get_by_role("dialog")
    for words in ("automated assistant, not to a person", "Harbor & Pine’s own pages", "30 days"):
        expect(told).to_contain_text(words)


def test_starting_over_during_an_answer_brings_nothing_of_it_back(visit: Callable[..., Visit]) -> None:
    tab = visit().open()
    tab.box.fill("How does hiring work?")
    tab.box.press("Enter")
    expect(tab.chat.locator("article .answer")).to_be_visible()
    menu(tab, "Start over")
    turn = tab.ask(HOME)
    expect(turn.locator(".answer")).to_contain_text("three days a week")
    expect(tab.chat.locator("article")).to_have_count(1)


# For everyone


def test_everything_works_with_the_keyboard_alone(visit: Callable[..., Visit]) -> None:
    tab = visit()
    tab.button.focus()
    tab.page.keyboard.press("Enter")
    expect(tab.box).to_be_focused(timeout=15_000)
    tab.page.keyboard.type(HOME)
    tab.page.keyboard.press("Enter")
    turn = tab.answered()
    mark = turn.get_by_role("button", name="Source 1")
    reach(tab, mark, "Shift+Tab")
    tab.page.keyboard.press("Enter")
    expect(turn.locator("details[open] mark")).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator("candor-chat iframe")).to_be_hidden()
    expect(tab.button).to_be_focused()
    tab.page.keyboard.press("Space")
    expect(tab.box).to_be_focused()
    reach(tab, tab.chat.get_by_role("button", name="Menu"), "Shift+Tab")
    tab.page.keyboard.press("Enter")
    expect(tab.chat.get_by_role("button", name="Start over")).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(tab.chat.get_by_role("button", name="Menu")).to_be_focused()
    expect(tab.page.locator("candor-chat iframe")).to_be_visible()


def test_escape_on_the_page_closes_the_chat_and_leaves_the_focus_where_it_is(
    visit: Callable[..., Visit],
) -> None:
    tab = visit().open()
    tab.page.locator("a").focus()
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator("candor-chat iframe")).to_be_hidden()
    expect(tab.page.locator("a")).to_be_focused()


def test_on_a_phone_nothing_behind_the_chat_can_be_reached(visit: Callable[..., Visit]) -> None:
    tab = visit(size=PHONE).open()
    expect(
        tab.chat.locator("h1")
    ).to_be_focused()  # a box would bring up the keyboard over what is to be read
    for _ in range(12):
        tab.page.keyboard.press("Tab")
        assert tab.page.evaluate("['CANDOR-CHAT', 'BODY'].includes(document.activeElement.tagName)")
    tab.page.set_viewport_size(DESKTOP)
    expect(tab.page.locator("candor-chat .p")).to_have_css("width", "420px")
    tab.page.locator("a").focus()
    expect(tab.page.locator("a")).to_be_focused()


def reach(tab: Visit, target: Any, key: str) -> None:
    for _ in range(40):
        if target.evaluate("node => node === document.activeElement"):
            return
        tab.page.keyboard.press(key)
    raise AssertionError(f"{key} does not lead there")


def test_a_line_break_is_typed_with_shift(visit: Callable[..., Visit]) -> None:
    tab = visit().open()
    tab.page.keyboard.type("one")
    tab.page.keyboard.press("Shift+Enter")
    tab.page.keyboard.type("two")
    expect(tab.box).to_have_value("one\ntwo")
    expect(tab.chat.locator("article")).to_have_count(0)


def test_a_screen_reader_is_told_each_answer_once_when_it_is_finished(visit: Callable[..., Visit]) -> None:
    tab = visit().open()
    log = tab.chat.get_by_role("log")
    log.evaluate(
        "node => { window.said = []; new MutationObserver(list => list.forEach(one => one.addedNodes.forEach(n => said.push(n.textContent)))).observe(node, {childList: true}); }"
    )
    tab.ask(HOME)
    said = log.evaluate("() => said")
    assert said == [
        "Answer: Yes, up to three days a week. For the days at home you choose a laptop and get 400 euros for your desk."
    ]
    assert tab.chat.locator("#talk [aria-live], #talk[aria-live]").count() == 0


def test_a_phone_is_filled_and_the_box_stays_above_the_keyboard(visit: Callable[..., Visit]) -> None:
    tab = visit(size=PHONE).open()
    panel = tab.page.locator("candor-chat .p")
    panel.evaluate("panel => Promise.all(panel.getAnimations().map(moving => moving.finished))")
    assert panel.bounding_box() == pytest.approx({"x": 0, "y": 0, **PHONE}, abs=0.5)
    assert tab.page.evaluate("document.documentElement.style.overflow") == "hidden"
    tab.ask(HOME)
    tab.page.set_viewport_size({"width": 390, "height": 420})  # what a keyboard leaves
    tab.page.wait_for_function(
        "document.querySelector('candor-chat').shadowRoot.querySelector('.p').offsetHeight === 420"
    )
    box = tab.box.bounding_box()
    assert box["y"] + box["height"] <= 420
    tab.chat.get_by_role("button", name="Close the chat").click()
    expect(tab.button).to_be_focused()
    assert tab.page.evaluate("document.documentElement.style.overflow") == ""


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_runs_over_the_edge_of_a_narrow_screen(visit: Callable[..., Visit], width: int) -> None:
    tab = visit(size={"width": width, "height": 640}).open()
    tab.ask(OPEN)
    tab.ask("x" * 300, 2)
    frame = tab.frame
    assert frame.evaluate(
        "document.documentElement.scrollWidth <= innerWidth && talk.scrollWidth <= talk.clientWidth"
    )


def test_hebrew_runs_from_right_to_left(visit: Callable[..., Visit]) -> None:
    tab = visit("/he").open()
    assert tab.button.bounding_box()["x"] == 20
    assert tab.chat.locator("html").get_attribute("dir") == "rtl"
    expect(tab.chat.locator("#notice")).to_contain_text("עוזר אוטומטי")
    expect(tab.chat.locator("h1")).to_have_text("שאלות על העבודה ב-\u2068Harbor & Pine\u2069")
    words = tab.ask(HOME).locator(".words")
    assert words.evaluate("n => getComputedStyle(n).direction") == "ltr"
    send, box = tab.chat.locator("#send").bounding_box(), tab.box.bounding_box()
    assert send["x"] < box["x"]


def test_a_phone_on_its_side_says_what_this_is_and_has_room(visit: Callable[..., Visit]) -> None:
    tab = visit(size={"width": 844, "height": 390}).open()
    expect(tab.chat.get_by_text("Automated assistant.")).to_be_in_viewport(ratio=1)
    expect(tab.chat.locator("#choices button").first).to_be_in_viewport(ratio=1)
    assert tab.page.locator("candor-chat .p").evaluate("n => n.offsetHeight") == 390


def test_edges_show_what_belongs_together_in_forced_colours(visit: Callable[..., Visit]) -> None:
    tab = visit(forced_colors="active").open()
    turn = tab.ask(NURSERY)
    for part in (".question", ".hand", "#send"):
        expect((turn if part != "#send" else tab.chat).locator(part)).not_to_have_css(
            "border-top-width", "0px"
        )
    assert tab.button.locator(".i").evaluate("n => getComputedStyle(n).backgroundColor") == "rgb(0, 0, 0)"


@pytest.mark.parametrize("language", ["fr", "de", "es", "uk"])
def test_the_interface_speaks_the_language_of_the_page(visit: Callable[..., Visit], language: str) -> None:
    words = json.loads(
        (Path(__file__).parent.parent / "ui" / "web" / f"{language}.json").read_text(encoding="utf-8")
    )
    tab = visit(f"/{language}").open()
    expect(tab.box).to_have_attribute("placeholder", words["placeholder"])
    expect(tab.chat.locator("html")).to_have_attribute("lang", language)


def test_nothing_moves_for_who_wants_no_motion(visit: Callable[..., Visit]) -> None:
    tab = visit(reduced_motion="reduce").open()
    assert tab.page.locator("candor-chat .p").evaluate("n => getComputedStyle(n).animationName") == "none"
    tab.ask(HOME)
    frame = tab.frame
    assert frame.evaluate("document.getAnimations().length") == 0


def test_the_things_to_press_are_large_enough(visit: Callable[..., Visit]) -> None:
    tab = visit(size=PHONE).open()
    tab.ask(HOME)
    tab.ask(OPEN, 2)
    frame = tab.frame
    small = frame.evaluate(
        """() => [...document.querySelectorAll('button, summary, textarea, .card a')].filter(node => {
            if (!node.offsetParent) return false;
            const box = node.getBoundingClientRect(), more = getComputedStyle(node, '::after');
            const extra = more.position === 'absolute' ? 2 * Math.abs(parseFloat(more.top)) : 0;
            return box.height + extra < 44;
        }).map(node => node.outerHTML.slice(0, 80))"""
    )
    assert small == []


# A host page that does not make it easy


def test_a_hostile_page_neither_breaks_nor_reads_the_chat(visit: Callable[..., Visit]) -> None:
    tab = visit("/hostile").open()
    assert tab.button.evaluate("n => getComputedStyle(n).display") == "flex"
    assert tab.page.locator("candor-chat .p").bounding_box()["width"] == 420
    turn = tab.ask(HOME)
    expect(turn.locator(".answer")).to_contain_text("three days a week")
    tab.page.evaluate(
        "() => document.querySelector('candor-chat').shadowRoot.querySelector('iframe').contentWindow.postMessage({candor: 1, type: 'ask', question: 7}, '*')"
    )
    heard = json.dumps(tab.page.evaluate("window.heard"))
    assert "three days" not in heard and HOME not in heard


def test_messages_of_other_windows_change_nothing(visit: Callable[..., Visit]) -> None:
    tab = visit().open()
    tab.page.evaluate("window.postMessage({candor: 1, type: 'close'}, '*')")
    tab.page.evaluate(
        "() => { const f = document.createElement('iframe'); f.srcdoc = '<p>x'; document.body.append(f); return new Promise(d => f.onload = d).then(() => f.contentWindow.eval(\"parent.postMessage({candor: 1, type: 'close'}, '*')\")); }"
    )
    expect(tab.ask(HOME).locator(".answer")).to_be_visible()
    expect(tab.page.locator("candor-chat iframe")).to_be_visible()


def test_a_site_that_is_not_named_cannot_show_the_chat(browser: Any, world: World) -> None:
    other = Site()
    other.widget = world.candor
    with served(other.app) as address:
        context = browser.new_context(viewport=DESKTOP)
        page = context.new_page()
        page.goto(f"{address}/en?patience=300")
        page.locator("candor-chat button").first.click()
        expect(page.locator("candor-chat .s")).to_contain_text("cannot be reached")
        context.close()


# When things fail


def test_a_stream_that_breaks_is_told_and_can_be_tried_again(
    visit: Callable[..., Visit], world: World
) -> None:
    tab = visit(errors_expected=True).open()
    begun = 'event: start\ndata: {"conversation": "x"}\n\nevent: token\ndata: {"text": "Yes, up to"}\n\n'
    sent: list[dict[str, Any]] = []

    def cut(route: Any) -> None:
        sent.append(json.loads(route.request.post_data))
        route.fulfill(body=begun, content_type="text/event-stream")

    tab.page.route("**/api/chat", cut)
    tab.box.fill(HOME)
    tab.box.press("Enter")
    failed = tab.chat.locator(".failed")
    expect(failed).to_contain_text("The connection broke in the middle of the answer.")
    tab.page.unroute("**/api/chat")
    with tab.page.expect_request("**/api/chat") as again:
        failed.get_by_role("button", name="Try again").click()
    expect(tab.answered().locator(".answer")).to_contain_text("three days a week")
    assert json.loads(again.value.post_data)["message"] == sent[0]["message"]
    expect(tab.chat.locator("article")).to_have_count(1)
    kept = world.conversations.transcript(chat_id(tab))
    assert kept and len(kept["exchanges"]) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 429, "body": '{"code": "busy", "retry_after": 7}'}, "Try again in 7 seconds"),
        ({"status": 429, "body": '{"code": "busy", "retry_after": 2711}'}, "Try again in 46 minutes"),
        ({"status": 502, "body": "<html>Bad gateway"}, "Something went wrong on our side"),
        (None, "cannot be reached just now"),
    ],
)
def test_a_server_that_is_away_or_over_its_limit_is_told_plainly(
    visit: Callable[..., Visit], answer: dict[str, Any] | None, words: str
) -> None:
    tab = visit(errors_expected=True).open()
    tab.page.route("**/api/chat", lambda route: route.fulfill(**answer) if answer else route.abort())
    tab.box.fill(HOME)
    tab.box.press("Enter")
    expect(tab.chat.locator(".failed")).to_contain_text(words)
    expect(tab.chat.locator(".question")).to_contain_text(HOME)


def test_who_is_offline_keeps_the_question(visit: Callable[..., Visit]) -> None:
    tab = visit(errors_expected=True).open()
    tab.page.context.set_offline(True)
    tab.box.fill(HOME)
    tab.box.press("Enter")
    expect(tab.chat.locator(".failed")).to_contain_text("You are offline")
    tab.page.context.set_offline(False)
    tab.chat.get_by_role("button", name="Try again").click()
    expect(tab.answered().locator(".answer")).to_contain_text("three days a week")


def test_an_answer_can_be_stopped(visit: Callable[..., Visit]) -> None:
    tab = visit().open()
    tab.box.fill("How does hiring work?")
    tab.box.press("Enter")
    tab.chat.get_by_role("button", name="Stop").click()
    expect(tab.chat.locator(".failed")).to_contain_text("Stopped.")
    expect(tab.chat.get_by_role("button", name="Ask", exact=True)).to_be_visible()


def test_a_chat_that_cannot_be_loaded_can_be_tried_again(visit: Callable[..., Visit]) -> None:
    tab = visit("/en?patience=400", errors_expected=True)
    tab.page.route("**/chat?*", lambda route: route.abort())
    tab.button.click()
    state = tab.page.locator("candor-chat .s")
    expect(state).to_contain_text("The chat cannot be reached just now.")
    tab.page.unroute("**/chat?*")
    state.get_by_role("button", name="Try again").click()
    expect(tab.box).to_be_visible(timeout=15_000)


def test_a_question_that_is_too_long_is_told_and_kept(visit: Callable[..., Visit]) -> None:
    tab = visit().open()
    tab.box.fill("x" * 1990)
    expect(tab.chat.locator("#count")).to_have_text("10 characters left")
    tab.box.fill("x" * 2001)
    tab.box.press("Enter")
    expect(tab.chat.locator("#count")).to_contain_text("2001 of 2000 characters")
    expect(tab.chat.get_by_role("log")).to_contain_text("2001 of 2000 characters")
    expect(tab.chat.locator("article")).to_have_count(0)
    assert len(tab.box.input_value()) == 2001


def test_a_server_that_takes_its_time_is_told_and_a_silent_one_given_up(visit: Callable[..., Visit]) -> None:
    tab = visit(errors_expected=True)
    tab.page.clock.install()
    tab.open()
    tab.page.route("**/api/chat", lambda _: None)
    tab.box.fill(HOME)
    tab.box.press("Enter")
    expect(tab.chat.locator(".waiting")).to_have_text("Looking through the pages")
    tab.page.clock.fast_forward(9_000)
    expect(tab.chat.locator(".waiting")).to_have_text("This takes longer than usual")
    expect(tab.chat.get_by_role("log")).to_contain_text("This takes longer than usual")
    tab.page.clock.fast_forward(30_000)
    expect(tab.chat.locator(".failed")).to_contain_text("cannot be reached just now")
    tab.page.unroute("**/api/chat")
    tab.chat.get_by_role("button", name="Try again").click()
    expect(tab.answered().locator(".answer")).to_contain_text("three days a week")
    expect(tab.chat.locator("article")).to_have_count(1)


def test_a_chat_that_is_not_kept_any_more_begins_anew(visit: Callable[..., Visit], world: World) -> None:
    tab = visit(errors_expected=True).open()
    tab.ask(HOME)
    world.conversations.delete(chat_id(tab))
    tab.page.reload()
    tab.open()
    expect(tab.chat.locator("#warning")).to_have_text("Your earlier chat is not kept any more.")


# Hostile texts


ASK_ALL = """async (texts) => {
  const box = document.querySelector("#question"), shown = [];
  for (const text of texts) {
    box.value = text;
    document.querySelector("#ask").requestSubmit();
    const answered = () => document.querySelectorAll("article:has(.tools)").length === shown.length + 1;
    while (!answered()) await new Promise((next) => setTimeout(next, 5));
    const turn = document.querySelector("article:last-child");
    turn.querySelectorAll("details").forEach((part) => { part.open = true; });
    shown.push({question: turn.querySelector(".words").textContent, answer: turn.querySelector(".answer").textContent,
      quote: turn.querySelector("mark").textContent, source: turn.querySelector("summary").textContent,
      job: turn.querySelector(".card .title").textContent, suggestion: document.querySelector("#choices button").textContent});
    turn.querySelector(".card .plain").click();  // the title once more, as the topic
    document.querySelector("#chip button").click();
  }
  return shown;
}"""
BUILT = {
    *("article", "h2", "h3", "span", "div", "p", "ul", "ol", "li", "strong", "br", "button", "section"),
    *("details", "summary", "b", "blockquote", "mark", "svg", "path", "a"),
}


def test_a_hundred_hostile_texts_run_no_script_and_load_nothing(visit: Callable[..., Visit]) -> None:
    assert len(set(HOSTILE)) >= 100
    tab = visit().open()
    loaded: list[str] = []
    tab.page.on("request", lambda request: loaded.append(request.url))
    shown = tab.frame.evaluate(ASK_ALL, list(HOSTILE))
    for text, seen in zip(HOSTILE, shown, strict=True):
        words = text.strip()
        assert (seen["question"], seen["suggestion"], seen["job"]) == (words, text, text)
        assert seen["quote"] == text and text in seen["source"]
    assert tab.frame.evaluate("window.hacked") is None and tab.page.evaluate("window.hacked") is None
    assert {urlsplit(url).path for url in loaded} == {"/api/chat"}
    kinds = "[...document.querySelectorAll('#talk *')].map(n => n.tagName.toLowerCase())"
    assert set(tab.frame.evaluate(kinds)) <= BUILT
    addresses = tab.frame.evaluate("[...document.querySelectorAll('a')].map(n => n.getAttribute('href'))")
    assert all(re.match(r"(https?://|mailto:)", address) for address in addresses)
    handlers = "[...document.querySelectorAll('#talk *')].flatMap(n => [...n.attributes]).filter(a => /^on|^style$|^srcdoc$/.test(a.name)).length"
    assert tab.frame.evaluate(handlers) == 0
    tab.page.reload()  # and once more from what was kept
    tab.open()
    expect(tab.chat.locator("article")).to_have_count(len(HOSTILE))
    assert tab.frame.evaluate("window.hacked") is None and set(tab.frame.evaluate(kinds)) <= BUILT


# axe-core


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(browser: Any, world: World, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # axe itself is injected, which the pages' policies forbid to everybody else.
    context = browser.new_context(
        viewport=DESKTOP, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"{world.candor}/demo")
    tab = Visit(page, world)
    assert problems(axe, page) == []
    tab.open()
    frame = next(frame for frame in page.frames if "/chat" in frame.url)
    assert problems(axe, frame) == []
    tab.ask(HOME).get_by_role("button", name="Source 1").click()
    tab.ask(OPEN, 2).get_by_role("button", name="Ask about this role").first.click()
    turn = tab.ask("About?", 3)
    turn.get_by_role("button", name="Not helpful").click()
    expect(turn.locator("fieldset")).to_be_visible()
    assert problems(axe, frame) == [] and problems(axe, page) == []
    page.route("**/api/chat", lambda route: route.abort())
    tab.box.fill("x" * 1950)
    tab.box.press("Enter")
    expect(tab.chat.locator(".failed")).to_be_visible()
    tab.box.fill("x" * 2001)
    tab.chat.get_by_role("button", name="Menu").click()
    assert problems(axe, frame) == []
    tab.chat.get_by_role("button", name="About this chat").click()
    assert problems(axe, frame) == []
    tab.chat.get_by_role("button", name="Done").click()
    menu(tab, "Send this chat to a recruiter")
    tab.chat.get_by_role("button", name="Show what will be sent").click()
    expect(tab.chat.locator("pre")).to_be_visible()
    assert problems(axe, frame) == []
    context.close()


def problems(axe: Any, page: Any) -> list[str]:
    found = axe.run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]
