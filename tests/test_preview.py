"""A document as it is read: the marks are those of the readers."""

from __future__ import annotations

from pathlib import Path

import pytest
from site_server import Sent, Site, serving

from knowledge.documents import Block, BlockKind, Page, Reading
from knowledge.errors import SourceError
from knowledge.preview import LONGEST, Kept, Mark, Preview, preview, preview_of
from knowledge.web import Web

PAGE = """<!doctype html><html lang="en"><head><title>Life – Harbor</title><style>p { color: red }</style></head><body>
<header><a href="/">Harbor home</a></header>
<nav><a href="/jobs">All jobs</a><a href="/life">Life</a></nav>
<div class="cookie-banner">We use cookies. Accept?</div>
<main><h1>Life at Harbor</h1>
<p>Everyone gets <b>28 days</b> of paid leave a year, and the day of the boat race is free for all of us.</p>
<p hidden>There are currently no positions.</p>
<p style="display: none">Draft: forty days.</p>
<ul><li>A ferry ticket for the whole year</li><li>Lunch on board every working day</li></ul>
<script>var secret = "not shown";</script></main>
<footer>Imprint and privacy</footer></body></html>"""


Told = tuple[str, str, str]


def told(found: Preview) -> list[Told]:
    """Every part in its order: the mark, the words, and why they are not kept or what they are kept as."""
    return [(part.mark.value, part.text, part.why) for part in found.parts]


def marked(found: Preview, mark: Mark) -> list[str]:
    return [part.text for part in found.parts if part.mark is mark]


def test_every_word_of_a_page_is_shown_in_its_order_with_what_became_of_it() -> None:
    found = preview_of(PAGE.encode(), "life.html")
    leave = "Everyone gets 28 days of paid leave a year, and the day of the boat race is free for all of us."
    assert (found.title, found.notes) == ("Life at Harbor", ())
    assert told(found) == [
        ("skipped", "Harbor home", "the site's header"),
        ("skipped", "All jobs Life", "navigation"),
        ("skipped", "We use cookies. Accept?", "a cookie banner, a path or links to share"),
        ("kept", "Life at Harbor", ""),
        ("kept", leave, ""),
        ("hidden", "There are currently no positions. · Draft: forty days.", "hidden from visitors"),
        ("kept", "A ferry ticket for the whole year", ""),
        ("kept", "Lunch on board every working day", ""),
        ("skipped", "Imprint and privacy", "the site's footer"),
    ]


def test_cells_and_links_are_kept_and_what_waits_for_a_click_is_not() -> None:
    page = """<html><body><main><h1>Pay</h1>
    <table><tr><th>Grade</th><th>Salary</th></tr><tr><td>A</td><td>5,000</td></tr></table>
    <p>Write to <a href="mailto:ada@x.example">our people</a> of the harbor.</p>
    <button>Apply</button><noscript>Turn on scripts.</noscript><form>Your name</form><dialog>Sign up</dialog>
    </main></body></html>"""
    assert told(preview_of(page.encode(), "pay.html")) == [
        *(("kept", words, "") for words in ("Pay", "Grade", "Salary", "A", "5,000")),
        ("kept", "Write to our people of the harbor.", ""),
        ("skipped", "Apply", "not part of the page's text"),
        ("hidden", "Turn on scripts.", "for browsers without scripts"),
        ("skipped", "Your name", "a form"),
        ("hidden", "Sign up", "a dialog"),
    ]


POSTING = """---
title: Ferry pilot
location: Haifa
leverId: 12-34
archived: true
closes: 2017-05-01
---

# The work

You steer the *night* ferry. {{< button apply >}} <!-- ask Ada -->

**Salary range:** 5,000

<p hidden>Old words.</p>
"""


def test_markdown_shows_its_front_matter_its_text_as_it_is_rendered_and_the_generators_codes() -> None:
    found = preview_of(POSTING.encode(), "jobs/pilot.md")
    assert found.notes == (
        "Posting “Ferry pilot”, closed; locations: Haifa, salary: 5,000, closes: 2017-05-01",
    )
    assert told(found) == [
        ("kept", "title: Ferry pilot", "a field of the front matter"),
        ("kept", "location: Haifa", "a field of the front matter"),
        ("skipped", "leverId: 12-34", "a field that adds no words"),
        ("kept", "archived: True", "a field of the front matter"),
        ("kept", "closes: 2017-05-01", "a field of the front matter"),
        ("kept", "The work", ""),
        ("kept", "You steer the night ferry.", ""),
        (
            "skipped",
            "{{< button apply >}} · <!-- ask Ada -->",
            "a code or comment of the site's generator",
        ),
        ("kept", "Salary range: 5,000", ""),
        ("hidden", "Old words.", "hidden from visitors"),
    ]


def test_the_path_within_a_source_says_whether_a_file_is_a_posting() -> None:
    found = preview_of(POSTING.encode(), "pilot.md")
    assert found.notes == ()  # it is a page: nothing of it is a field of a posting
    assert ("skipped", "location: Haifa", "a field that adds no words") in told(found)


def test_a_draft_is_shown_with_why_nothing_of_it_is_kept() -> None:
    draft = b"---\ntitle: Pay\ndraft: true\n---\nSoon more. <span hidden>Much more.</span>\n"
    found = preview_of(draft, "pay.md")
    assert found.notes == ("Left out, pay.md: it is marked as a draft",)
    assert told(found) == [
        *(
            ("skipped", words, "it is marked as a draft")
            for words in ("title: Pay", "draft: True", "Soon more.")
        ),
        ("hidden", "Much more.", "hidden from visitors"),
    ]


def test_a_text_is_shown_line_by_line() -> None:
    text = "# Leave\nEveryone gets 28 days\nof paid leave.\n.jpg)\n"
    assert told(preview_of(text.encode(), "leave.txt")) == [
        ("kept", "# Leave", ""),
        ("kept", "Everyone gets 28 days", ""),
        ("kept", "of paid leave.", ""),
        ("skipped", ".jpg)", "no words of the page's text"),
    ]


def test_a_job_board_shows_its_postings_and_what_was_read_of_them() -> None:
    board = b"""[{"title": "Ferry Pilot", "location": "Haifa", "url": "https://x.example/1",
                  "department": "Crew", "description": "<p>You steer.</p><p hidden>Old.</p>"}]"""
    found = preview_of(board, "jobs.json")
    assert (found.title, found.notes) == ("Ferry Pilot", ())
    assert told(found) == [
        ("kept", "Ferry Pilot", "a posting, open"),
        ("kept", "locations: Haifa", "a field of the posting"),
        ("kept", "department: Crew", "a field of the posting"),
        ("kept", "You steer.", ""),
    ]


def test_a_page_that_is_only_a_shell_says_why_it_is_not_kept() -> None:
    found = preview_of(b"<html><body><div id=app>Loading...</div></body></html>", "app.html")
    (note,) = found.notes
    assert note.startswith("Left out, app.html: needs a rendered copy")
    ((mark, words, why),) = told(found)
    assert (mark, words) == ("skipped", "Loading...") and why.startswith("needs a rendered copy")


def test_a_long_document_is_shown_up_to_its_limit() -> None:
    text = "\n\n".join(f"Ferry number {number} leaves." for number in range(LONGEST + 5))
    found = preview_of(text.encode(), "ferries.md")
    assert len(found.parts) == LONGEST and set(marked(found, Mark.KEPT)) == {p.text for p in found.parts}
    assert found.notes == (f"The document is longer: its first {LONGEST:,} parts are shown.",)


@pytest.mark.parametrize(
    ("words", "is_kept"),
    [
        ("one two three four five six seven eight nine ten", True),
        ("one two three four five six seven eight nine kelp", True),  # nine of ten
        ("one two three four five six seven eight kelp reef", False),
        ("one two three four five six seven eight kelp", False),  # below ten, none may be missing
        ("two one", False),  # so few words would stand anywhere
    ],
)
def test_words_that_most_of_which_stand_in_one_stretch_are_kept(words: str, is_kept: bool) -> None:
    block = Block(BlockKind.PARAGRAPH, "ten nine eight seven six five four three two (a@x.example) one")
    page = Page("p", "p.md", "Title", "", "en", "", None, (block,))
    assert Kept.of(Reading(pages=(page,))).holds(words) is is_kept


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.md").write_text(" ")
    with Web(tmp_path / "web") as web:
        for name, said in (("empty.md", "is empty"), ("none.md", "none.md"), (".", "is a folder")):
            with pytest.raises(SourceError, match=said):
                preview(str(tmp_path / name), web)


def test_a_file_is_read_by_its_path_within_its_source(tmp_path: Path) -> None:
    (tmp_path / "pilot.md").write_text(POSTING)
    with Web(tmp_path / "web") as web:
        assert preview(str(tmp_path / "pilot.md"), web).notes == ()
        (note,) = preview(str(tmp_path / "pilot.md"), web, "jobs/pilot.md").notes
    assert note.startswith("Posting “Ferry pilot”, closed")


def test_a_page_is_fetched_from_its_site(tmp_path: Path) -> None:
    listed = '<?xml version="1.0"?><urlset><url><loc>/life</loc></url></urlset>'
    guide = Sent(b"# Pay\n\nIt is fair.", headers={"content-type": "text/markdown"})
    with (
        serving(Site({"/life": PAGE, "/sitemap.xml": listed, "/guide": guide})) as site,
        Web(tmp_path / "web", allow_private=True) as web,
    ):
        assert "Life at Harbor" in marked(preview(f"{site.url}/life", web), Mark.KEPT)
        assert marked(preview(f"{site.url}/guide", web), Mark.KEPT) == ["Pay", "It is fair."]
        with pytest.raises(SourceError, match=r"/sitemap\.xml is a sitemap.*Choose one of its pages"):
            preview(f"{site.url}/sitemap.xml", web)
