"""The chat as a candidate meets it: a real server, a real browser, an assistant computed by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
from hostile_texts import HOSTILE
from ui_browser import served
from ui_fakes import ATTACK, EMPTY, REMOTE, SITE, FakeAssistant, settings

from assistant.conversation import Citation, Outcome, Reply
from knowledge.documents import JobPosting
from ui.links import link_to_quote
from ui.server import create_app

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
expect = sync_api.expect
pytestmark = pytest.mark.browser

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
CONTACT = "jobs@harborandpine.example"


@pytest.fixture(scope="module")
def address(browser: Any) -> Iterator[str]:
    app = create_app(FakeAssistant(pause=0.03), settings(contact=CONTACT))
    with served(app) as address:
        yield address


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Open the chat; at the end, nothing may have left this computer and no error been logged."""
    pages: list[Any] = []
    asked: list[str] = []
    errors: list[str] = []

    def open_page(size: dict[str, int] = DESKTOP, to: str = "", scheme: str = "light") -> Any:
        context = browser.new_context(viewport=size, color_scheme=scheme, has_touch=size is PHONE)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.goto(to or address)
        expect(page.get_by_label("Your question")).to_be_visible(timeout=30_000)
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.context.close()
    hosts = {urlsplit(url).hostname for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}
    assert errors == []


def ask(page: Any, question: str) -> Any:
    """Type a question and wait for its answer; gives the exchange."""
    number = page.locator(".turn").count() + 1
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    return answered(page, number)


def answered(page: Any, number: int) -> Any:
    turn = page.locator(f'#latest .turn[data-number="{number}"][data-state="done"]')
    expect(turn).to_be_visible(timeout=15_000)
    return turn


def test_an_answer_streams_in_and_shows_its_sources(visit: Callable[..., Any]) -> None:
    page = visit()
    page.get_by_label("Your question").fill("How does hiring work?")
    page.keyboard.press("Enter")
    expect(page.locator('#latest [data-state="writing"]')).to_be_visible()
    turn = answered(page, 1)
    expect(turn.locator(".answer ol > li")).to_have_count(4)
    expect(turn.locator(".sources details")).to_have_count(2)
    expect(page.get_by_label("Your question")).to_have_value("")


def test_a_source_opens_from_its_number_and_marks_the_quote_in_its_passage(visit: Callable[..., Any]) -> None:
    page = visit()
    turn = ask(page, "Can I work from home?")
    passage = turn.locator("blockquote").first
    expect(passage).to_be_hidden()
    turn.get_by_role("link", name="Source 1").first.click()
    expect(passage).to_be_visible()
    expect(passage.locator("mark")).to_have_text(REMOTE.quote)
    expect(passage).to_contain_text("Our studio is in Haifa")
    link = turn.get_by_role("link", name="Read on careers.harborandpine.example")
    expect(link).to_have_attribute("href", link_to_quote(REMOTE.url, REMOTE.quote))


def test_sources_open_from_the_keyboard(visit: Callable[..., Any]) -> None:
    page = visit()
    turn = ask(page, "Can I work from home?")
    turn.locator("summary").nth(1).focus()
    page.keyboard.press("Enter")
    expect(turn.locator("mark").nth(1)).to_be_visible()
    page.keyboard.press("Space")
    expect(turn.locator("mark").nth(1)).to_be_hidden()


def test_a_follow_up_stands_below_the_first_answer(visit: Callable[..., Any]) -> None:
    page = visit()
    ask(page, "Can I work from home?")
    turn = ask(page, "And on Fridays?")
    expect(turn).to_contain_text("You have asked 2 questions; the last was: And on Fridays?")
    expect(page.locator("#earlier .turn")).to_have_count(1)


def test_a_starter_question_asks_itself_and_gives_way_to_suggestions(visit: Callable[..., Any]) -> None:
    page = visit()
    page.get_by_role("button", name="Can I work from home?").click()
    turn = answered(page, 1)
    expect(turn.locator(".question")).to_contain_text("Can I work from home?")
    choices = page.locator("#choices button")
    expect(choices).to_have_text(["Which positions are open?", "How does hiring work?"])
    choices.first.click()
    expect(answered(page, 2).locator(".job")).to_have_count(3)


def test_a_question_asked_during_an_answer_waits_in_the_box(visit: Callable[..., Any]) -> None:
    page = visit()
    box = page.get_by_label("Your question")
    box.fill("How does hiring work?")
    page.keyboard.press("Enter")
    expect(page.locator('#latest [data-state="writing"]')).to_be_visible()
    box.fill("And then?")
    page.keyboard.press("Enter")
    answered(page, 1)
    expect(box).to_have_value("And then?")


def test_start_over_empties_the_conversation_for_the_assistant_too(visit: Callable[..., Any]) -> None:
    page = visit()
    ask(page, "Can I work from home?")
    page.get_by_role("button", name="Start over").click()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator("#choices button")).to_have_count(3)
    expect(ask(page, "Anything else?")).to_contain_text("You have asked 1 questions")


def test_start_over_stops_an_answer_on_its_way(visit: Callable[..., Any]) -> None:
    page = visit()
    page.get_by_label("Your question").fill("How does hiring work?")
    page.keyboard.press("Enter")
    expect(page.locator('#latest [data-state="writing"]')).to_be_visible()
    page.get_by_role("button", name="Start over").click()
    expect(page.locator(".welcome")).to_be_visible()
    # Whatever the old answer still had to say would have come by the time a new one is complete.
    expect(ask(page, "Can I work from home?").locator(".sources")).to_be_visible()
    expect(page.locator(".turn")).to_have_count(1)


def test_two_visitors_do_not_see_each_other(visit: Callable[..., Any]) -> None:
    first, second = visit(), visit()
    ask(first, "Can I work from home?")
    expect(second.locator(".turn")).to_have_count(0)
    expect(ask(second, "Anything else?")).to_contain_text("You have asked 1 questions")


def test_no_script_in_a_question_a_page_or_a_posting_runs(visit: Callable[..., Any]) -> None:
    page = visit()
    ask(page, ATTACK)
    turn = ask(page, "attack")
    turn.locator("summary").first.click()
    page.locator("#choices button").first.click()
    expect(answered(page, 3).locator(".question")).to_contain_text(ATTACK)
    assert page.evaluate("window.hacked") is None
    assert page.locator(".turn img, .turn script, .turn a[href^=javascript]").count() == 0


class Hostile(FakeAssistant):
    """Gives back each line of a question as everything that a reply has."""

    def reply(self, turns: Sequence[str], about: str = "") -> Reply:
        lines = turns[-1].split("\n")
        citations = tuple(Citation(x, x, f"{SITE}/{x}", x, f"before {x} after", x) for x in lines)
        jobs = tuple(JobPosting(x, x, x, x, (x,), x) for x in lines)
        text = "\n\n".join(f"- {x} [{n}]" for n, x in enumerate(lines, 1))
        return Reply(Outcome.ANSWERED, text, citations, jobs, suggestions=tuple(lines[:3]))


def test_a_hundred_hostile_texts_run_no_script_and_load_nothing(
    browser: Any, visit: Callable[..., Any]
) -> None:
    with served(create_app(Hostile(), settings())) as hostile:
        page = visit(to=hostile)
        loaded: list[str] = []
        page.on("request", lambda request: loaded.append(request.url))
        for number in range(0, len(HOSTILE), 20):
            turn = ask(page, "\n".join(HOSTILE[number : number + 20]))
            turn.locator("details").evaluate_all("all => all.forEach(part => { part.open = true; })")
            expect(turn.locator("mark").first).to_have_text(HOSTILE[number])
            expect(turn.locator(".job").first).to_contain_text(HOSTILE[number])
        assert page.evaluate("window.hacked") is None
        assert not [url for url in loaded if "/gradio_api/" not in url]
        unwanted = "img, script, style, iframe, object, embed, video, audio, form, base, a[href^='java' i], a[href^='data' i]"
        assert page.locator(f".turn :is({unwanted})").count() == 0


def test_a_question_that_is_too_long_stays_in_the_box_with_a_sentence(visit: Callable[..., Any]) -> None:
    page = visit()
    page.get_by_label("Your question").fill("a" * 2001)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("reads up to 2,000")
    expect(page.get_by_label("Your question")).to_have_value("a" * 2001)
    ask(page, "Can I work from home?")
    expect(page.locator("#warning p")).to_have_count(0)


def test_a_failure_is_told_plainly(visit: Callable[..., Any]) -> None:
    page = visit()
    turn = ask(page, "break")
    expect(turn).to_contain_text("Something went wrong")
    assert "secret-key" not in page.content()
    expect(page.get_by_role("button", name="break")).to_be_visible()


def test_a_question_without_an_answer_names_a_person(visit: Callable[..., Any]) -> None:
    turn = ask(visit(), "Do you have a nursery?")
    expect(turn.get_by_role("link", name=CONTACT)).to_have_attribute("href", f"mailto:{CONTACT}")


def test_a_hebrew_answer_runs_from_right_to_left(visit: Callable[..., Any]) -> None:
    turn = ask(visit(), "אפשר לעבוד מהבית?")
    expect(turn.locator(".answer")).to_have_css("direction", "rtl")
    expect(turn.locator(".question [dir]")).to_have_css("direction", "rtl")


def test_a_copied_answer_has_its_words_and_its_sources(visit: Callable[..., Any]) -> None:
    page = visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "Can I work from home?")
    page.get_by_role("button", name="Copy answer").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Yes, up to three days a week [1]. For the days at home")
    assert f"[1] Benefits at Harbor & Pine {REMOTE.url}" in copied


def test_a_finished_answer_is_said_once_to_screen_readers(visit: Callable[..., Any]) -> None:
    page = visit()
    ask(page, "Can I work from home?")
    expect(page.locator("#spoken")).to_have_text(
        re.compile("^Yes, up to three days a week.*2 sources below.$")
    )
    assert page.locator("#latest").evaluate("e => e.closest('[aria-live]')") is None


def test_the_notice_and_the_question_box_stay_in_sight(visit: Callable[..., Any]) -> None:
    page = visit(PHONE)
    for question in ("How does hiring work?", "Which positions are open?", "Can I work from home?"):
        ask(page, question)
    for position in ("0", "document.body.scrollHeight"):
        page.evaluate(f"scrollTo(0, {position})")
        expect(page.get_by_text("Automated assistant.")).to_be_in_viewport(ratio=1)
        expect(page.get_by_label("Your question")).to_be_in_viewport(ratio=1)


def test_a_phone_has_no_sideways_scroll_and_room_for_fingers(visit: Callable[..., Any]) -> None:
    page = visit(PHONE)
    ask(page, "attack")
    ask(page, "w" * 200)
    ask(page, "Can I work from home?").locator("summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    targets = page.locator("button:visible, summary:visible, textarea:visible, a.out:visible")
    heights = targets.evaluate_all("all => all.map(e => [e.innerText, e.getBoundingClientRect().height])")
    assert [small for small in heights if small[1] < 43.5] == []


def test_the_answer_keeps_a_comfortable_measure_on_a_wide_screen(visit: Callable[..., Any]) -> None:
    turn = ask(visit(), "How does hiring work?")
    assert turn.bounding_box()["width"] <= 780


CONTRAST = """() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
      .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
      .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = e => { for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > .99) return c; }
    return [255, 255, 255, 1]; };
  const own = e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
  return [...document.querySelectorAll('.gradio-container *')]
    .filter(e => own(e) && e.checkVisibility() && !e.closest('.unseen, [data-testid=status-tracker], style'))
    .map(e => { const a = light(parse(getComputedStyle(e).color)), b = light(ground(e));
      return [e.className + ': ' + e.textContent.slice(0, 40),
              (Math.max(a, b) + .05) / (Math.min(a, b) + .05)]; })
    .filter(([, ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(visit: Callable[..., Any], scheme: str) -> None:
    page = visit(scheme=scheme)
    for question in ("Which positions are open?", "Do you have a nursery?", "Can I work from home?"):
        ask(page, question)
    page.locator("#latest summary").first.click()
    page.mouse.move(0, 0)
    page.wait_for_timeout(400)
    assert page.evaluate(CONTRAST) == []


def test_dark_comes_from_the_system_and_from_the_address(visit: Callable[..., Any], address: str) -> None:
    for page in (visit(scheme="dark"), visit(to=f"{address}/?__theme=dark")):
        expect(page.locator("body")).to_have_css("background-color", "rgb(20, 24, 27)")


def test_an_empty_store_is_told_in_plain_words_and_takes_no_questions(
    browser: Any, visit: Callable[..., Any]
) -> None:
    with served(create_app(FakeAssistant(EMPTY), settings(company="", contact=""))) as address:
        page = visit(to=address)
        expect(page.get_by_text("There are no pages to answer from yet.")).to_be_visible()
        expect(page.get_by_role("heading", name="Ask about working here")).to_be_visible()
        expect(page.get_by_label("Your question")).to_be_disabled()
        expect(page.locator("#choices button")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(browser: Any, address: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # axe itself is injected, which the page's policy forbids to everybody else.
    context = browser.new_context(
        viewport=DESKTOP, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_label("Your question")).to_be_visible(timeout=30_000)
    for question in ("", "Can I work from home?", "Which positions are open?"):
        if question:
            ask(page, question)
        found = axe.run(page).response["violations"]
        assert [(one["id"], node["html"][:120]) for one in found for node in one["nodes"]] == []
    context.close()


def test_whoever_asks_too_often_keeps_the_words_and_is_told_when_to_go_on(
    browser: Any, visit: Callable[..., Any]
) -> None:
    app = create_app(FakeAssistant(), settings(limit_visitor="1/minute"))
    with served(app) as limited:
        page = visit(to=limited)
        box = page.get_by_label("Your question")
        box.fill("Can I work from home?")
        page.keyboard.press("Enter")
        expect(page.locator('[data-number="1"][data-state="done"]')).to_be_visible()
        box.fill("Which positions are open?")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("please ask it again in")
        expect(box).to_have_value("Which positions are open?")
        expect(page.locator(".turn")).to_have_count(1)
