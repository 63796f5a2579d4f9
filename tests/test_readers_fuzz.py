"""Mutated inputs over every reader: it reads them, or raises its own clear error of one line."""

from __future__ import annotations

import copy
import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from document_files import booklet_docx, booklet_pdf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.chunking import cut
from knowledge.errors import SourceError
from knowledge.pages import read_content
from knowledge.source_list import SourceList, load_source_list

POSTING = {
    "@context": "https://schema.org",
    "@type": "JobPosting",
    "title": "Miller",
    "identifier": {"name": "Mill", "value": "M-1"},
    "jobLocation": [{"address": {"addressLocality": "Riga", "addressCountry": "LV"}}],
    "baseSalary": {"currency": "EUR", "value": {"minValue": 1000, "maxValue": 2000, "unitText": "MONTH"}},
    "validThrough": "2030-01-01T00:00:00+02:00",
    "employmentType": ["FULL_TIME"],
    "description": "<p>You grind &amp; sift.</p><ul><li>strong</li></ul><table><tr><td>a</td><td>1</td></tr></table>",
}
BOARD: dict[str, Any] = {
    "offset": 0,
    "totalFound": 1,
    "content": [{"id": 7, "name": "Baker", "location": {"city": "Riga"}, "department": {}, "releasedDate": 1735689600000}],
    "jobs": [{"title": "Clerk", "location": "Oslo; Rome", "metadata": [{"name": "Salary", "value": "9"}], "salary": {"min": "1"}}],
}  # fmt: skip
PAGE = f"""<!doctype html><html lang="en"><head><title>Careers</title>
<script type="application/ld+json">{json.dumps(POSTING)}</script></head><body><h1>Careers at the mill</h1>
<p>We are nine people in a mill by the river.</p><h2>Openings</h2><ul><li>Cook, Riga</li><li>Clerk, Oslo</li></ul>
<table><tr><th>Step</th><th>Days</th></tr><tr><td>One</td><td>3</td></tr></table><dl><dt>Notice</dt><dd>Six weeks</dd></dl>
<details><summary>Pay?</summary>Yes.</details><div itemscope itemtype="https://schema.org/JobPosting">
<span itemprop="title">Pilot</span></div><div class="hidden">no</div><a href="mailto:a@b.example">us</a></body></html>"""
MARKDOWN = """---
layout: job
title: Miller
location: [Riga, Oslo]
closing_date: 2030-01-01
params: {level: Senior}
---
# Miller

**Salary range:** €30,000 | **Close:** 1/05/2031

- grind {{< figure >}}
- sift

| Step | Days |
|---|---|
| One | 3 |
"""
TEXT = "Careers\n\nAbout us\nWe are nine people in a mill.\n\nOpen positions\nMiller\nRiga\nFull time\nBaker\nOslo\nRemote\nShowing\n2\nout of\n5\n"
FEED = "<?xml version='1.0'?><workzag-jobs><position><id>1</id><office>Riga</office><name>Miller</name><jobDescriptions><jobDescription><name>You</name><value><![CDATA[<p>Grind</p>]]></value></jobDescription></jobDescriptions></position></workzag-jobs>"
TABLE = 'Title;Location;Salary;Deadline\nMiller;"Riga; Oslo";1.000,50;2030-01-01\nBaker;;;\n'
TOML = 'company = "Mill"\n[[sources]]\npath = "a"\nlanguage = "fr"\n[[sources]]\nurl = "https://b.example"\ndepth = 2\nonly = ["/a/*"]\n'

SPLINTERS = (
    b"", b"\x00", b"\xff", b"\xfe\xff", b"<", b">", b"{", b"}", b"[", b"]", b'"', b"'", b"&amp", b"&#x", b"null", b"NaN", b"-1e999",
    b"true", b"\n---\n", b"\r", b"\xe2\x80\xae", b"\xd7\xa9", b"<!--", b"-->", b"</", b"<table>", b"<svg>", b"|", b";;", b"{{<", b"[" * 900,
    b"<div>" * 300, b"9" * 400, b"2030-13-45", b"T", b"\\", b"\\ud800", b"**", b"https://", b"://[", b"%PDF-", b"PK\x03\x04", b"\x1f\x8b",
)  # fmt: skip


ODD = (
    None, True, False, 0, -1, 1e308, 10**30, "", " ", "\x00", "\ud800", "&nb", "<p>", "<ul><li>", "</", "9" * 400, "2030-13-45", "0001-01-01",
    [], {}, [[]], [{}], [None], {"name": None}, {"@type": 7}, {"value": {"value": []}}, {"address": {"address": "x"}}, "Remote", "n/a",
)  # fmt: skip


@st.composite
def harmed(draw: st.DrawFn, whole: bytes, head: int = 0) -> bytes:
    """A few stretches of the content behind its `head` cut out, doubled, moved or put in anew."""
    content = whole
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(min(head, len(content)), len(content)))
        end = min(len(content), start + draw(st.sampled_from((0, 1, 2, 8, 64, 1024))))
        piece = draw(
            st.one_of(
                st.sampled_from(SPLINTERS),
                st.binary(max_size=4),
                st.just(content[start:end] * 2),
                st.integers(0, len(content)).map(lambda at, c=content: c[at : at + 40]),
            )
        )
        content = content[:start] + piece + content[end:]
    return content


@st.composite
def odd(draw: st.DrawFn, data: Any) -> Any:
    """Decoded JSON with a few of its values, however deep, in another's place or of an odd kind."""
    data = copy.deepcopy(data)
    for _ in range(draw(st.integers(1, 5))):
        places = list(_places(data))
        holder, key = draw(st.sampled_from(places))
        other, name = draw(st.sampled_from(places))
        value = draw(st.one_of(st.sampled_from(ODD), st.just(other[name]), st.text(max_size=5)))
        holder[key] = copy.deepcopy(value)
    return data


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every value within decoded JSON, as what holds it and its key."""
    for key in data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        yield data, key
        yield from _places(data[key])


def as_json(data: Any) -> bytes:
    return json.dumps(data).encode()


def as_page(data: Any) -> bytes:
    return PAGE.replace(json.dumps(POSTING), json.dumps(data)).encode()


def as_table(text: bytes) -> bytes:
    return b"Title;Location;Salary;Deadline\nMiller;" + text


def as_docx(text: bytes) -> bytes:
    """The booklet with another text inside its package."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(DOCX)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, text if name == "word/document.xml" else old.read(name))
    return file.getvalue()


DOCX, PDF = booklet_docx(), booklet_pdf()
INSIDE = zipfile.ZipFile(io.BytesIO(DOCX)).read("word/document.xml")

# what is harmed → the name of the file, its content unharmed, how it is harmed, and how often
HARMS: dict[str, tuple[str, bytes, st.SearchStrategy[bytes], int]] = {
    "json": ("a.json", as_json(POSTING), harmed(as_json(POSTING)), 60),
    "posting": ("a.json", as_json(POSTING), odd(POSTING).map(as_json), 150),
    "board": ("a.json", as_json(BOARD), odd(BOARD).map(as_json), 150),
    "json lines": ("a.jsonl", as_json(BOARD["jobs"]), harmed(as_json(POSTING) + b"\n" + as_json(BOARD)), 40),
    "feed": ("a.xml", FEED.encode(), harmed(FEED.encode()), 100),
    "page": ("a.html", PAGE.encode(), harmed(PAGE.encode()), 100),
    "posting in a page": ("a.html", PAGE.encode(), odd(POSTING).map(as_page), 60),
    "markdown": ("a.md", MARKDOWN.encode(), harmed(MARKDOWN.encode()), 120),
    "text": ("a.txt", TEXT.encode(), harmed(TEXT.encode()), 100),
    "table": ("a.csv", TABLE.encode(), harmed(TABLE.encode()), 60),
    "table with its header": ("a.csv", TABLE.encode(), harmed(TABLE.encode()).map(as_table), 60),
    "packed": (
        "a.json.gz",
        gzip.compress(as_json(BOARD)),
        harmed(gzip.compress(as_json(BOARD), mtime=0)),
        40,
    ),
    "docx": ("a.docx", DOCX, harmed(DOCX, head=4), 30),
    "text of a docx": ("a.docx", DOCX, harmed(INSIDE, head=800).map(as_docx), 25),
    "pdf": ("a.pdf", PDF, harmed(PDF, head=60), 40),
}


@pytest.mark.parametrize("what", HARMS)
def test_a_harmed_input_is_read_or_refused_in_one_clear_line(what: str) -> None:
    name, whole, harms, times = HARMS[what]
    assert read_content(whole, name)

    @settings(
        max_examples=times,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(harms)
    def read(content: bytes) -> None:
        try:
            reading = read_content(content, name)
        except SourceError as error:
            assert name in str(error) or "page" in str(error)
            assert str(error).strip() == " ".join(str(error).split())
        else:
            cut(reading.pages, reading.jobs)

    read()


@settings(
    max_examples=100, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(harmed(TOML.encode()))
def test_a_harmed_list_of_sources_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "candor.toml"
    path.write_bytes(content)
    try:
        assert isinstance(load_source_list(path), SourceList)
    except SourceError as error:
        assert "candor.toml" in str(error) and "\n" not in str(error)
