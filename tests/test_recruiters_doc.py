"""docs/recruiters.md tells recruiters about the console as it is, in their words."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TEXT = (DOCS / "recruiters.md").read_text(encoding="utf-8")
CONSOLE = ROOT / "ui" / "console"
TABS = re.findall(r'gr\.Tab\("([^"]+)"', (CONSOLE / "page.py").read_text(encoding="utf-8"))


def test_every_tab_has_a_part_of_its_own_with_a_picture_in_the_order_of_the_console() -> None:
    parts = re.split(r"^## ", TEXT, flags=re.M)[1:]
    named = [part for part in parts if part.splitlines()[0] in TABS]
    assert [part.splitlines()[0] for part in named] == TABS and len(TABS) == 8
    assert [part.splitlines()[0] for part in named if "](console-" not in part] == []


@pytest.mark.parametrize("name", ["recruiters.md", "console.md"])
def test_every_picture_is_there_and_small_enough_to_load(name: str) -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (DOCS / name).read_text(encoding="utf-8"))
    assert pictures
    assert [p for p in pictures if not 0 < (DOCS / p).stat().st_size < 250_000] == []


def test_ten_minutes_are_enough_to_read_it() -> None:
    assert 800 < len(re.findall(r"\w+", TEXT)) < 10 * 200


def test_no_developers_word_stands_in_it() -> None:
    words = (
        "API",
        "JSON",
        "endpoint",
        "SQL",
        "HTTP",
        "database",
        "environment",
        "embedding",
        "token",
        "ingest.py",
    )
    said = TEXT.replace("console.md", "")
    assert [word for word in words if re.search(rf"\b{re.escape(word)}\b", said, re.I)] == []


def test_a_button_it_names_is_in_the_console() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in CONSOLE.glob("*.py"))
    buttons = (
        "To do again", "Assign", "Write a correction", "Make it a golden question", "Download CSV", "Start over",
        "Ways to answer", "Compare with the pages", "Hide a source", "Undo this change", "Save the table", "Run them all",
        "Look at the pages anew", "What changed when they were last read", "Openings", "Read all sources anew",
        "Add or remove a source", "Take a source that has become empty as empty", "Sign out everywhere", "New link",
    )  # fmt: skip
    told = " ".join(TEXT.split())
    assert [button for button in buttons if button not in told or button not in source] == []
