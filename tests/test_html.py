import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.documents import Block, BlockKind, Page, Status
from knowledge.errors import SourceError
from knowledge.html import read_html

PAGE = """<!doctype html><html lang="en-GB"><head><title>Careers | Glasswing</title></head><body>
<div id="cookie-banner">We use cookies <button>Accept</button></div>
<header><a href="/">Glasswing</a><nav><ul><li>About</li></ul></nav></header>
<main><h1><i class="icon" aria-hidden="true">★</i> Careers at Glasswing</h1>
<div>We build <b>gliders</b> for schools.</div>
<h2><svg aria-hidden="true"><title>icon</title></svg>Benefits</h2><p>Everyone gets:</p>
<ul><li>Flights<ul><li>two a month</li></ul></li><li>28 days</li></ul>
<details><summary>Do you pay relocation?</summary><p>Up to £2,000.</p></details>
<button aria-controls="p1">Is there a pension?</button><div id="p1" hidden>Yes, 7%.</div>
<table><tr><th>Step</th><th>Days</th></tr><tr><td>Call</td><td>3</td></tr></table>
<dl><dt>Notice</dt><dd>One month</dd><dt>Trial</dt><dd>Three months</dd></dl>
<figure><blockquote>“It is quiet up there.”</blockquote><figcaption>— Ana Ruiz, Pilot</figcaption></figure>
<p>Write to <a href="mailto:fly@glasswing.example?subject=x">our office</a>.</p>
<p style="display: none">secret</p><p hidden>secret</p><script>secret()</script>
<form><label>secret</label></form>
</main><footer>© Glasswing secret</footer></body></html>"""

POSTING = {
    "@context": "https://schema.org",
    "@type": "JobPosting",
    "title": "Glider Mechanic",
    "datePosted": "2024-01-01",
    "validThrough": "2024-12-31",
    "employmentType": "FULL_TIME",
    "jobLocation": {"address": {"addressLocality": "Bristol", "addressCountry": "GB"}},
}


def page_of(html: str) -> Page:
    return read_html(html, "page.html").pages[0]


def block_with(page: Page, words: str) -> Block:
    return next(block for block in page.blocks if words in block.text)


def test_title_and_language_are_what_the_page_declares() -> None:
    page = page_of(PAGE)
    assert (page.title, page.language) == ("Careers at Glasswing", "en")


def test_what_a_visitor_does_not_see_is_left_out() -> None:
    text = repr(page_of(PAGE).blocks)
    assert "secret" not in text and "cookies" not in text and "About" not in text and "★" not in text


def test_text_without_paragraphs_is_kept() -> None:
    assert page_of(PAGE).blocks[0] == Block(BlockKind.PARAGRAPH, "We build gliders for schools.")


def test_a_list_keeps_its_lead_and_nested_items() -> None:
    assert block_with(page_of(PAGE), "28 days") == Block(
        BlockKind.LIST, "Flights\ntwo a month\n28 days", ("Benefits",), "Everyone gets:"
    )


def test_folded_answers_stand_below_their_questions() -> None:
    page = page_of(PAGE)
    assert block_with(page, "£2,000").headings == ("Benefits", "Do you pay relocation?")
    assert block_with(page, "7%").headings == ("Benefits", "Is there a pension?")
    assert block_with(page, "Call").headings == ("Benefits",)


def test_tables_and_definitions_keep_their_terms() -> None:
    page = page_of(PAGE)
    assert block_with(page, "Call") == Block(BlockKind.TABLE, "Call | 3", ("Benefits",), "Step | Days")
    assert block_with(page, "Notice").text == "Notice: One month\nTrial: Three months"


def test_long_definitions_stand_below_their_terms() -> None:
    page = page_of(
        "<h1>A</h1><dl><dt>Notice</dt><dd>One month on both sides. "
        + "It is counted from the first. " * 4
        + "</dd></dl>"
    )
    assert page.blocks[0].headings == ("Notice",)


def test_quotations_have_a_speaker() -> None:
    quotation = block_with(page_of(PAGE), "quiet")
    assert (quotation.kind, quotation.text, quotation.speaker) == (
        BlockKind.QUOTATION,
        "It is quiet up there.",
        "Ana Ruiz, Pilot",
    )


def test_a_mail_address_that_is_not_printed_is_appended() -> None:
    assert block_with(page_of(PAGE), "Write to").text == "Write to our office (fly@glasswing.example)."


def test_numbers_beside_headings_are_no_text() -> None:
    page = page_of(
        "<h1>A</h1><div>1</div><h2>Apply</h2><p>Send us a letter with your name on it, please.</p>"
    )
    assert [block.headings for block in page.blocks] == [("Apply",)]


def test_words_after_a_row_of_cards_are_not_the_last_cards() -> None:
    cards = "".join(f"<div><h3>Step {n}</h3><p>Words about it, number {n}.</p></div>" for n in (1, 2, 3))
    page = page_of(f"<h1>A</h1><h2>Process</h2><div><div>{cards}</div><p>Unlucky? Try again.</p></div>")
    assert block_with(page, "number 3").headings == ("Process", "Step 3")
    assert block_with(page, "Unlucky").headings == ("Process",)


def test_positions_in_cards_become_postings() -> None:
    cards = (
        "<a><h3>Sailmaker</h3><span>Porto</span><span>Full time</span></a>"
        "<a><h3>Pilot</h3><span>Lyon</span><span>Part time</span></a>"
    )
    reading = read_html(
        f"<h1>Careers</h1><p>Come fly with all of us, we mean it.</p><h2>Open positions</h2>{cards}", "p.html"
    )
    assert [(job.title, job.locations, job.employment_type) for job in reading.jobs] == [
        ("Sailmaker", ("Porto",), "Full time"),
        ("Pilot", ("Lyon",), "Part time"),
    ]


def test_a_page_about_one_posting_is_that_posting() -> None:
    script = f'<script type="application/ld+json">{json.dumps(POSTING)}</script>'
    reading = read_html(
        f"<html><head>{script}</head><body><h1>Glider Mechanic</h1><p>Bristol (On-site)</p>"
        "<h2>You will</h2><p>Mend wings and fuselages all day.</p></body></html>",
        "mechanic.html",
        "https://glasswing.example/mechanic",
    )
    (job,) = reading.jobs
    assert reading.pages == ()
    assert (job.status, job.locations, job.workplace_type) == (
        Status.CLOSED,
        ("Bristol, United Kingdom",),
        "On-site",
    )
    assert job.blocks[-1].headings == ("You will",)
    assert job.url == "https://glasswing.example/mechanic"


def test_microdata_postings_are_read() -> None:
    reading = read_html(
        '<h1>Jobs</h1><div itemscope itemtype="https://schema.org/JobPosting"><h2 itemprop="title">Pilot</h2>'
        '<div itemprop="jobLocation" itemscope><span itemprop="address">Lyon</span></div>'
        '<meta itemprop="employmentType" content="PART_TIME"></div><p>We fly every day but Mondays, come what may.</p>',
        "jobs.html",
    )
    assert [(job.title, job.locations, job.employment_type) for job in reading.jobs] == [
        ("Pilot", ("Lyon",), "Part time")
    ]


def test_a_shell_without_text_needs_a_rendered_copy() -> None:
    for body in (
        "<div id=root>Loading…</div>",
        "<div></div>",
        "<noscript>You need to enable JavaScript.</noscript>",
    ):
        assert "rendered copy" in read_html(f"<body>{body}</body>", "a.html").skipped[0].why


def test_front_matter_above_html_is_read() -> None:
    page = page_of(
        "---\ntitle: join-our-team\nlang: fr\n---\n<h3>Bienvenue</h3><p>Nous sommes neuf, et bientôt dix si vous venez.</p>"
    )
    assert (page.title, page.language) == ("Join our team", "fr")


def test_the_shared_structured_pages_are_closed_postings(shared: Path) -> None:
    for path in sorted((shared / "sources" / "jsonld").glob("*.html")):
        reading = read_html(path.read_text(encoding="utf-8"), path.name)
        assert [job.status for job in reading.jobs] == [Status.CLOSED]
        assert reading.jobs[0].locations and len(reading.jobs[0].blocks) > 5


OPENINGS = "<h2>Openings</h2><p>There are twelve openings at the mill, all of them in Riga.</p>"


@pytest.mark.parametrize(
    "hidden",
    [
        "<div hidden>{}</div>",
        "<div style='color: red; display:none'>{}</div>",
        "<div style='visibility: hidden'>{}</div>",
        "<div aria-hidden=true>{}</div>",
        "<div class='empty w-condition-invisible'>{}</div>",
        "<div class='d-none'>{}</div>",
        "<button>Load more</button><div class=hidden>{}</div>",
        "<template>{}</template>",
        "<noscript>{}</noscript>",
        "<dialog>{}</dialog>",
        "<!-- {} -->",
        "<script type='text/template'>{}</script>",
    ],
)
def test_what_is_hidden_from_people_is_no_fact(hidden: str) -> None:
    page = page_of(
        f"<main><h1>Careers</h1>{hidden.format('There are currently no positions.')}{OPENINGS}</main>"
    )
    assert [block.text for block in page.blocks] == [
        "There are twelve openings at the mill, all of them in Riga."
    ]


@pytest.mark.parametrize(
    "folded",
    [
        "<div class='hidden md:block'>{}</div>",
        "<h3>How much leave is there?</h3><div class=hidden>{}</div>",
        "<div aria-expanded=false>Leave</div><div style='display:none'>{}</div>",
    ],
)
def test_what_is_only_folded_away_is_kept(folded: str) -> None:
    page = page_of(f"<main><h1>Careers</h1>{folded.format('It is thirty days a year.')}{OPENINGS}</main>")
    assert block_with(page, "thirty days")


def test_text_from_right_to_left_is_kept_in_its_order() -> None:
    text = "אנחנו תשעה אנשים בטחנה ליד הנהר, ונשמח להיות עשרה."
    page = page_of(
        f"<html lang=he dir=rtl><body><h1>קריירה</h1><p>{text}</p><ul><li>28 ימי חופשה</li></ul></body></html>"
    )
    assert (page.language, page.title) == ("he", "קריירה")
    assert [block.text for block in page.blocks] == [text, "28 ימי חופשה"]


def test_structured_postings_are_read_where_one_block_of_several_is_broken() -> None:
    scripts = "".join(
        f'<script type="application/ld+json">{text}</script>'
        for text in (
            "{broken",
            json.dumps({"@graph": [{"@type": "Organization"}, POSTING]}),
            json.dumps([{**POSTING, "title": "Pilot"}]),
        )
    )
    reading = read_html(
        f"<h1>Jobs at the airfield</h1><p>We fly every day but Mondays, come what may.</p>{scripts}", "a.html"
    )
    assert [job.title for job in reading.jobs] == ["Glider Mechanic", "Pilot"]
    assert len(reading.pages) == 1


def test_microdata_has_pay_places_and_dates() -> None:
    (job,) = read_html(
        """<h1>Jobs</h1><p>We fly every day but Mondays, come what may.</p>
        <div itemscope itemtype="http://schema.org/JobPosting"><span itemprop="title">Pilot</span>
        <div itemprop="jobLocation" itemscope itemtype="http://schema.org/Place"><div itemprop="address" itemscope
        itemtype="http://schema.org/PostalAddress"><span itemprop="addressLocality">Lyon</span>
        <meta itemprop="addressCountry" content="FR"></div></div>
        <div itemprop="baseSalary" itemscope><meta itemprop="currency" content="EUR"><div itemprop="value" itemscope>
        <span itemprop="minValue">3000</span><span itemprop="maxValue">4000</span><meta itemprop="unitText" content="MONTH"></div></div>
        <time itemprop="validThrough" datetime="2020-01-01">soon</time><meta itemprop="employmentType" content="FULL_TIME">
        <meta itemprop="employmentType" content="TEMPORARY"><div itemprop="description"><p>You fly.</p></div></div>""",
        "jobs.html",
    ).jobs
    assert (job.locations, job.salary) == (("Lyon, France",), "€3,000–4,000 per month")
    assert (job.employment_type, job.status) == ("Full time, Temporary", Status.CLOSED)
    assert job.blocks[0].text == "You fly."


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.one_of(st.sampled_from(PAGE.replace("<", "\n<").split("\n")), st.text(max_size=20)), max_size=30
    ).map("".join)
)
def test_shuffled_and_broken_html_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(SourceError):
        read_html(text, "page.html")
