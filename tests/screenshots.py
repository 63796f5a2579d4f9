"""Retake the pictures of the chat in docs/ from a running server.

    python -m ui --port 7861 &
    python tests/screenshots.py http://127.0.0.1:7861 --question "Can I work from home?" \
        --question "Which positions are open?"

Without questions, the first two that the chat itself offers are asked.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from ui_browser import FLAGS, chromium

DESKTOP, PHONE, PANEL = (1440, 900), (390, 844), (900, 640)
# name: size, colours, how many questions are asked, whether the last answer's first source is opened
PICTURES = {
    "chat-desktop": (DESKTOP, "light", 2, False),
    "chat-phone": (PHONE, "light", 1, True),
    "chat-dark": (DESKTOP, "dark", 2, False),
    "chat-citation": (PANEL, "light", 1, True),
}


# name: size, colours, language, question, what is pressed in the answer
WIDGET = {
    "widget-desktop": (DESKTOP, "light", "en", 0, "button.ref"),
    "widget-phone": (PHONE, "light", "en", 1, ""),
    "widget-dark": (DESKTOP, "dark", "en", 1, ".card .plain"),
    "widget-hebrew": (PHONE, "dark", "he", 1, ""),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("address", help="where the chat runs, e.g. http://127.0.0.1:7860")
    options.add_argument("--question", action="append", default=[], help="ask this; may be given twice")
    options.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "docs")
    given = options.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for name, (size, colours, asked, opened) in PICTURES.items():
            page = visit(browser, given.address, size, colours)
            for question in (given.question or offered(page))[:asked]:
                ask(page, question)
            if opened and page.locator("#latest .sources summary").count():
                page.locator("#latest .sources summary").first.click()
            page.mouse.move(0, 0)
            page.wait_for_timeout(1000)  # scrolling is smooth, and takes its time
            page.screenshot(path=given.out / f"{name}.png")
            page.context.close()
        for name, picture in WIDGET.items():
            widget(browser, given.address, given.out / f"{name}.png", *picture)
        browser.close()


def widget(
    browser: Any,
    address: str,
    out: Path,
    size: tuple[int, int],
    colours: str,
    language: str,
    question: int | None,
    pressed: str,
) -> None:
    """Open the widget on the demonstration page, ask one of the questions it offers, and take a picture."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=colours, has_touch=size == PHONE
    )
    page = context.new_page()
    page.route("**/demo", lambda route: spoken(route, language))
    page.goto(f"{address}/demo")
    page.locator("candor-chat button").first.click()
    chat = page.frame_locator("candor-chat iframe")
    chat.locator("#choices button").first.wait_for()
    if question is not None:
        chat.locator("#choices button").nth(1 - question).click()
        chat.locator("article .tools").wait_for()
        if pressed:
            chat.locator(pressed).first.click()
    page.mouse.move(0, 0)
    page.wait_for_timeout(800)
    page.screenshot(path=out)
    context.close()


def spoken(route: Any, language: str) -> None:
    """The demonstration as a page in another language would hold the widget."""
    answer = route.fetch()
    told = answer.text().replace('data-language="en"', f'data-language="{language}"')
    if language != "en":
        told = told.replace('data-label="Ask about working here"', "")
    route.fulfill(response=answer, body=told)


def visit(browser: Any, address: str, size: tuple[int, int], colours: str) -> Any:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=colours)
    page = context.new_page()
    page.goto(address)
    page.locator("#choices button").first.wait_for(timeout=60_000)
    return page


def offered(page: Any) -> list[str]:
    return list(page.locator("#choices button").all_inner_texts())


def ask(page: Any, question: str) -> None:
    number = page.locator(".turn").count() + 1
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    page.locator(f'[data-number="{number}"][data-state="done"]').wait_for(timeout=120_000)
    page.wait_for_timeout(500)


if __name__ == "__main__":
    main()
