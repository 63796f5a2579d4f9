import contextlib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.documents import Block, BlockKind, JobPosting, Page, Status
from knowledge.errors import SourceError
from knowledge.markdown import read_markdown

POSITION = """---
layout: job-posting
title: 'Kiln Engineer'
description: We look for somebody who keeps nine kilns alive.
archived: false
translationKey: kiln-engineer
---

You keep nine kilns alive and know why the tenth is cold.

**Location:** Stoke and [Lisbon](https://example.org/lisbon)<br>
**Salary range:** £38,000 to £42,000
**Closing date:** 3 March 2099

## You will

* fire the kilns
* write down what you saw
  * every hour
  * by hand
"""


def page_of(text: str, source: str = "page.md") -> Page:
    return read_markdown(text, source).pages[0]


def job_of(text: str, source: str = "page.md") -> JobPosting:
    return read_markdown(text, source).jobs[0]


def test_headings_form_a_path() -> None:
    page = page_of(
        "# Leave\n\n## Holidays\n\nTwenty days.\n\n### Booking\n\nAsk your lead.\n\n## Illness\n\nStay at home.\n"
    )
    assert page.title == "Leave"
    assert [block.headings for block in page.blocks] == [("Holidays",), ("Holidays", "Booking"), ("Illness",)]


def test_markup_goes_and_words_stay() -> None:
    page = page_of(
        "# A\n\nWe _really_ **pay** `well`, see [the table](pay.md) or [write](mailto:pay@example.org).\n"
    )
    assert page.blocks[0].text == "We really pay well, see the table or write (pay@example.org)."


def test_a_list_is_one_block_with_its_lead() -> None:
    page = page_of("# A\n\nEverybody gets:\n\n- a desk\n- a lamp\n  - with a bulb\n\nThat is all there is.\n")
    assert page.blocks[0] == Block(BlockKind.LIST, "a desk\na lamp\nwith a bulb", (), "Everybody gets:")
    assert page.blocks[1].text == "That is all there is."


def test_a_long_lead_keeps_its_paragraph() -> None:
    page = page_of("# A\n\nThe policy starts after your trial. It includes:\n\n- teeth\n- eyes\n")
    assert [block.kind for block in page.blocks] == [BlockKind.PARAGRAPH, BlockKind.LIST]
    assert page.blocks[1].lead == "The policy starts after your trial. It includes:"


def test_a_table_keeps_its_header() -> None:
    page = page_of("# A\n\n| Step | Days |\n| --- | --- |\n| Call | 3 |\n| Visit | 9 |\n")
    assert page.blocks[0] == Block(BlockKind.TABLE, "Call | 3\nVisit | 9", (), "Step | Days")


def test_raw_html_is_read_as_html() -> None:
    page = page_of("# A\n\n<div><h2>Visas</h2><p>We sponsor them.</p><script>x()</script></div>\n")
    assert page.blocks == (Block(BlockKind.PARAGRAPH, "We sponsor them.", ("Visas",)),)


def test_shortcodes_and_includes_go() -> None:
    page = page_of(
        '# A\n\n{{% box %}}\nPaid days.\n{{% /box %}}\n\n{% include x.html %}\n{{< figure src="a.png" >}}\n'
    )
    assert [block.text for block in page.blocks] == ["Paid days."]


def test_a_bold_line_above_text_is_a_heading() -> None:
    page = page_of("# A\n\n**Health cover**\n\nYou are insured.\n\n**You must be on call.**\n")
    assert page.blocks[0].headings == ("Health cover",)
    assert page.blocks[1].text == "You must be on call."


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: Leave us\nlang: fr\n---\n",
        '+++\ntitle = "Leave us"\nlang = "fr"\n+++\n',
        '{"title": "Leave us", "lang": "fr"}\n',
    ],
)
def test_front_matter_of_three_kinds_is_read(front: str) -> None:
    page = page_of(front + "\nOui.\n")
    assert (page.title, page.language) == ("Leave us", "fr")


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: Miller\nlocation: [Riga, Oslo]\nemploymentType: Full-time\n---\n",
        "---\r\ntitle: Miller\r\nlocation:\r\n  - Riga\r\n  - Oslo\r\nemployment_type: Full-time\r\n---\r\n",
        '+++\ntitle = "Miller"\n[params]\nlocation = ["Riga", "Oslo"]\nEmployment_Type = "Full-time"\n+++\n',
        '{"title": "Miller", "locations": ["Riga", "Oslo"], "employment-type": "Full-time"}\n',
    ],
)
def test_fields_of_every_usual_front_matter_are_facts(front: str) -> None:
    job = job_of(front + "\nYou grind.\n", "content/jobs/miller.md")
    assert (job.title, job.locations, job.employment_type) == ("Miller", ("Riga", "Oslo"), "Full-time")


def test_two_languages_of_one_posting_share_their_key() -> None:
    texts = {"en": "We grind wheat all day.", "fr": "Nous broyons du blé toute la journée."}
    jobs = [
        job_of(
            f"---\nlayout: job\ntitle: M\ntranslationKey: miller\n---\n{text}\n",
            f"content/{language}/jobs/m.md",
        )
        for language, text in texts.items()
    ]
    assert [job.language for job in jobs] == ["en", "fr"]
    assert {job.translation_key for job in jobs} == {"miller"} and jobs[0].id != jobs[1].id


def test_bold_lines_are_facts_as_well_as_text() -> None:
    job = job_of(
        "---\nlayout: job\ntitle: Miller\n---\n**Salary range:** €30,000\n\n**Close:** 1/05/2017\n\nGrind.\n"
    )
    assert (job.salary, job.closes and job.closes.year, job.status) == ("€30,000", 2017, Status.CLOSED)
    assert job.quotes["closes"] == "Close: 1/05/2017" and "Close: 1/05/2017" in job.description


def test_broken_front_matter_is_read_line_by_line() -> None:
    page = page_of('---\ntitle: Pay: how "we" do it\nbad: [1, 2\nlang: en\n---\n\nWell.\n')
    assert page.title == 'Pay: how "we" do it'


def test_a_slug_of_a_title_becomes_readable() -> None:
    assert page_of("---\ntitle: join-our-team\n---\n\nDo.\n").title == "Join our team"
    assert page_of("---\ntitle: join-our-team\n---\n\n# Come along\n\nDo.\n").title == "Come along"
    assert page_of("Do.\n", "content/en/how-we-work/_index.md").title == "How we work"


def test_drafts_are_skipped_with_a_reason() -> None:
    reading = read_markdown("---\ntitle: X\ndraft: true\n---\nText.\n", "x.md")
    assert reading.pages == () and "draft" in reading.skipped[0].why


def test_the_language_comes_from_the_path_or_the_words() -> None:
    assert page_of("# A\n\nOk.\n", "content/fr/page.md").language == "fr"
    words = "Wir arbeiten vier Tage in der Woche und freuen uns sehr auf neue Kolleginnen und Kollegen.\n"
    assert page_of("# A\n\n" + words).language == "de"


def test_a_posting_has_its_printed_facts() -> None:
    job = job_of(POSITION, "content/en/positions/kiln-engineer.md")
    assert (job.title, job.status, job.translation_key) == ("Kiln Engineer", Status.OPEN, "kiln-engineer")
    assert job.locations == ("Stoke", "Lisbon")
    assert job.salary == "£38,000 to £42,000"
    assert job.closes == date(2099, 3, 3)
    assert job.quotes["salary"] == "Salary range: £38,000 to £42,000"
    assert "Location: Stoke and Lisbon" in job.description
    assert job.blocks[-1].text == "fire the kilns\nwrite down what you saw\nevery hour\nby hand"


@pytest.mark.parametrize(
    "line",
    ["archived: true", "active: false", "status: closed", "closing_date: 2001-01-01", "published: false"],
)
def test_a_posting_that_is_over_is_closed(line: str) -> None:
    job = job_of(
        POSITION.replace("archived: false", line).replace("**Closing date:** 3 March 2099", ""),
        "positions/k.md",
    )
    assert job.status is Status.CLOSED


def test_a_stub_that_says_it_is_closed_is_a_closed_posting() -> None:
    text = "---\nlayout: job-posting\ntitle: Cook\n---\nThis process is now closed. Thank you for your interest.\n"
    assert job_of(text).status is Status.CLOSED
    assert job_of(text).quotes["status"] == "process is now closed"


def test_the_words_that_close_a_posting_are_quoted() -> None:
    job = job_of(POSITION.replace("archived: false", "archived: true"))
    assert (job.status, job.quotes["status"]) == (Status.CLOSED, "archived: true")
    assert job_of("---\nlayout: job\ntitle: Cook\narchived: true\n---\n").status is Status.CLOSED


def test_a_page_about_jobs_is_no_posting() -> None:
    reading = read_markdown(
        "---\ntitle: Our jobs\narchived: false\n---\nText.\n", "content/en/jobs/_index.md"
    )
    assert reading.jobs == () and len(reading.pages) == 1


def test_positions_listed_on_a_page_become_postings() -> None:
    reading = read_markdown(
        "# Careers\n\nHello to everybody.\n\n## Open roles\n\n- Cook, Lisbon, full time\n- Clerk, Porto, part time\n",
        "page.md",
    )
    assert [(job.title, job.locations) for job in reading.jobs] == [
        ("Cook", ("Lisbon",)),
        ("Clerk", ("Porto",)),
    ]
    assert [block.text for block in reading.pages[0].blocks] == ["Hello to everybody."]


def test_the_shared_careers_site_has_its_open_and_closed_postings(shared: Path) -> None:
    root = shared / "sources" / "cds-careers"
    paths = sorted((root / "content" / "en" / "join-our-team" / "positions").glob("*.md"))
    texts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    jobs = [job for source, text in texts.items() for job in read_markdown(text, source).jobs]
    opened = {source for source, text in texts.items() if "\narchived: false\n" in text}
    assert {job.source for job in jobs if job.status is Status.OPEN} == opened
    assert (len(opened), len(jobs)) == (9, 57)
    assert {job.language for job in jobs} == {"en"}


def test_the_shared_handbook_is_read_in_full(shared: Path) -> None:
    for path in sorted((shared / "sources" / "basecamp-handbook").glob("*.md")):
        reading = read_markdown(path.read_text(encoding="utf-8"), path.name)
        assert len(reading.pages) == 1 and not reading.jobs
        assert sum(len(block.text) for block in reading.pages[0].blocks) > 500


PIECES = [
    *POSITION.splitlines(),
    "---",
    "+++",
    "{",
    "| a | b |",
    "|---|",
    "> q",
    "<div>",
    "{{<",
    "# A",
    "```",
    "1. x",
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=30)), max_size=25).map("\n".join))
def test_shuffled_and_broken_markdown_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(SourceError):
        read_markdown(text, "positions/page.md")
