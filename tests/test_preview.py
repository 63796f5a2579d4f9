"""A document as it is read: the marks are those of the readers."""

from __future__ import annotations

from pathlib import Path

import pytest
from site_server import Site, serving

from knowledge.errors import SourceError
from knowledge.preview import Mark, Preview, preview, preview_of
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


def marked(found: Preview, mark: Mark) -> str:
    return " | ".join(part.text for part in found.parts if part.mark is mark)


def why(found: Preview, words: str) -> str:
    return next(part.why for part in found.parts if words in part.text)


def test_every_word_of_a_page_is_shown_with_what_became_of_it() -> None:
    found = preview_of(PAGE.encode(), "life.html")
    kept = marked(found, Mark.KEPT)
    assert all(words in kept for words in ("Life at Harbor", "Everyone gets", "28 days", "A ferry ticket"))
    assert marked(found, Mark.HIDDEN) == "There are currently no positions. · Draft: forty days." or (
        "no positions" in marked(found, Mark.HIDDEN) and "forty days" in marked(found, Mark.HIDDEN)
    )
    assert why(found, "no positions") == "hidden from visitors"
    assert why(found, "All jobs") == "navigation" and why(found, "Imprint") == "the site's footer"
    assert why(found, "cookies") == "a banner or a part of the site's frame"
    everything = " ".join(part.text for part in found.parts)
    assert "not shown" not in everything and "color" not in everything


def test_parts_stand_in_the_order_of_the_document() -> None:
    found = preview_of(PAGE.encode(), "life.html")
    texts = [part.text for part in found.parts]
    places = [
        next(n for n, text in enumerate(texts) if word in text)
        for word in ("All jobs", "Everyone", "Imprint")
    ]
    assert places == sorted(places) and found.title == "Life at Harbor"


def test_markdown_shows_its_front_matter_as_fields() -> None:
    text = "---\ntitle: Ferry pilot\nlocation: Haifa\n---\n\n# The work\n\nYou steer the *night* ferry.\n"
    found = preview_of(text.encode(), "pilot.md")
    assert why(found, "location: Haifa") == "front matter: read as fields"
    assert "You steer the *night* ferry." in marked(found, Mark.KEPT)


def test_a_job_board_shows_its_postings_and_what_was_read_of_them() -> None:
    board = (
        b'[{"title": "Ferry Pilot", "location": "Haifa", "url": "https://x.example/1", "department": "Crew"}]'
    )
    found = preview_of(board, "jobs.json")
    assert "Ferry Pilot" in marked(found, Mark.KEPT)
    assert "Haifa" in found.notes[0] and "Crew" in found.notes[0] and "open" in found.notes[0]


def test_a_page_that_is_only_a_shell_says_why_it_is_not_kept() -> None:
    found = preview_of(b"<html><body><div id=app>Loading...</div></body></html>", "app.html")
    assert "needs a rendered copy" in found.notes[0] and marked(found, Mark.KEPT) == ""


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.md").write_text(" ")
    with Web(tmp_path / "web") as web:
        for name, said in (("empty.md", "is empty"), ("none.md", "none.md"), (".", "is a folder")):
            with pytest.raises(SourceError, match=said):
                preview(str(tmp_path / name), web)


def test_a_page_is_fetched_from_its_site(tmp_path: Path) -> None:
    with (
        serving(Site({"/life": PAGE})) as site,
        Web(tmp_path / "web", allow_private=True) as web,
    ):
        assert "28 days" in marked(preview(f"{site.url}/life", web), Mark.KEPT)
