"""The door to all readers: a file or a folder in, pages and job postings out."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup, Tag
from charset_normalizer import from_bytes

from knowledge.careers_text import read_careers_text
from knowledge.documents import JobPosting, Page, Reading, Skipped
from knowledge.errors import SourceError
from knowledge.html import read_html
from knowledge.jobs import read_job_postings
from knowledge.markdown import read_markdown
from knowledge.wording import unique

__all__ = ["PAGE_READERS", "SourceError", "read_source"]

# A page of twenty megabytes is none; an index of a hundred thousand postings may be larger.
_LARGEST, _LARGEST_DATA = 20_000_000, 300_000_000


def read_json(text: str, source: str, url: str = "") -> Reading:
    """The job postings of a JSON document."""
    try:
        data = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise SourceError(f"{source} is not valid JSON{where}. Fetch or export it again.") from error
    reading = read_job_postings(data, source)
    if reading.jobs:
        return reading
    raise SourceError(
        f"{source} holds no job postings. Give a list of objects with at least a title and a location."
    )


def read_xml(text: str, source: str, url: str = "") -> Reading:
    """The job postings of a feed: elements named position, job or item with a title or name inside."""
    elements = BeautifulSoup(text, "xml").find_all(["position", "job", "item", "vacancy"])
    reading = read_job_postings([_as_object(element) for element in elements], source)
    if reading.jobs:
        return reading
    raise SourceError(f"{source} holds no job postings. Give a feed of <position>, <job> or <item> elements.")


def _as_object(element: Tag) -> dict[str, Any]:
    """An element's children by name; a name that is there twice, or holds elements, becomes a list."""
    fields: dict[str, Any] = {}
    for child in element.find_all(True, recursive=False):
        inner = child.find_all(True, recursive=False)
        value: Any = [part.get_text().strip() for part in inner] if inner else child.get_text().strip()
        if child.name in fields:
            before = fields[child.name]
            value = [*(before if isinstance(before, list) else [before]), *(value if inner else [value])]
        fields[child.name] = value
    return fields


Reader = Callable[[str, str, str], Reading]

PAGE_READERS: dict[str, Reader] = {
    ".html": read_html,
    ".htm": read_html,
    ".xhtml": read_html,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_careers_text,
    ".text": read_careers_text,
    ".json": read_json,
    ".jsonld": read_json,
    ".xml": read_xml,
}


def read_source(path: Path) -> Reading:
    """Everything a file or folder says; raises SourceError when nothing in it can be read."""
    if not path.exists():
        raise SourceError(f"{path} does not exist. Check the spelling, or give another file or folder.")
    return _unique_ids(_read_folder(path) if path.is_dir() else _read_single(path))


def _read_single(path: Path) -> Reading:
    if _ending(path) not in PAGE_READERS:
        known = ", ".join(sorted(PAGE_READERS))
        raise SourceError(f"{path} is not a kind of file that can be read. Give one of: {known}.")
    try:
        reading = _read_file(path, path.name)
    except SourceError as error:
        raise SourceError(str(error).replace(path.name, str(path), 1)) from error
    if not reading.pages and not reading.jobs:
        why = reading.skipped[0].why if reading.skipped else "there is no text in it"
        raise SourceError(f"{path} cannot be used: {why}. Give another file.")
    return reading


def _read_folder(folder: Path) -> Reading:
    readings: list[Reading] = []
    for path in _files(folder):
        source = path.relative_to(folder).as_posix()
        try:
            readings.append(_read_file(path, source))
        except SourceError as error:
            readings.append(Reading(skipped=(Skipped(source, str(error)),)))
    reading = Reading(
        tuple(page for part in readings for page in part.pages),
        tuple(job for part in readings for job in part.jobs),
        tuple(skip for part in readings for skip in part.skipped),
    )
    if not reading.pages and not reading.jobs:
        first = f" ({reading.skipped[0].source}: {reading.skipped[0].why})" if reading.skipped else ""
        known = ", ".join(sorted(PAGE_READERS))
        raise SourceError(f"{folder} holds nothing that can be read{first}. Put pages in it as {known}.")
    return reading


def _files(folder: Path) -> Iterator[Path]:
    """Files a reader exists for, in a stable order; hidden ones and what they hold are left alone."""
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        visible = not any(part.startswith(".") for part in path.relative_to(folder).parts)
        if visible and _ending(path) in PAGE_READERS and path.is_file():
            yield path


def _read_file(path: Path, source: str) -> Reading:
    text = _decode(_read_bytes(path, source), source)
    # Browsers save pages under any name; a text that starts like HTML is HTML.
    html = text.lstrip()[:14].lower().startswith(("<!doctype html", "<html"))
    return PAGE_READERS[".html" if html else _ending(path)](text, source, "")


def _ending(path: Path) -> str:
    """What a file is by its name: "jobs.json.gz" is JSON."""
    name = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return name.suffix.lower()


def _read_bytes(path: Path, source: str) -> bytes:
    most = _LARGEST_DATA if _ending(path) in (".json", ".jsonld", ".xml") else _LARGEST
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            content = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(
            f"{source} cannot be opened ({error}). Check the file and its permissions."
        ) from error
    if len(content) > most:
        raise SourceError(f"{source} has more than {most / 1e6:.0f} MB. Split it into smaller files.")
    if not content.strip():
        raise SourceError(f"{source} is empty. Fill it or leave it out.")
    return content


def _decode(content: bytes, source: str) -> str:
    """The text of a file: UTF-8 or UTF-16 as marked, else whichever encoding fits best."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if b"\x00" in content[:4096]:
        raise SourceError(f"{source} is not a text file. Save the page as text, HTML or Markdown.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        best = from_bytes(
            content[:200_000], cp_isolation=["cp1252", "latin_1", "cp1250", "cp1251", "cp1255"]
        ).best()
        return content.decode(best.encoding if best else "cp1252", errors="replace")


def _unique_ids(reading: Reading) -> Reading:
    """The reading with ids that no two pages and no two postings share."""
    pages: list[Page] = []
    jobs: list[JobPosting] = []
    taken_pages: set[str] = set()
    taken_jobs: set[str] = set()
    for page in reading.pages:
        pages.append(replace(page, id=unique(page.id, taken_pages)))
    for job in reading.jobs:
        jobs.append(replace(job, id=unique(job.id, taken_jobs)))
    return replace(reading, pages=tuple(pages), jobs=tuple(jobs))
