"""The door to all readers: a file or a folder in, pages and job postings out."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, TypeVar

from bs4 import Tag
from bs4.dammit import EncodingDetector
from charset_normalizer import from_bytes

from knowledge.careers_text import read_careers_text
from knowledge.documents import JobPosting, Page, Reading, Skipped
from knowledge.docx import is_docx, read_docx
from knowledge.errors import EmptyError, SourceError
from knowledge.html import read_html
from knowledge.html_text import parse_html
from knowledge.jobs import is_empty_board, is_known, is_table_of_jobs, plain_name, read_job_postings
from knowledge.markdown import FIELD_NAMES, read_markdown
from knowledge.pdf import read_pdf
from knowledge.recall import recalled
from knowledge.wording import fold, unique, word_set

__all__ = ["PAGE_READERS", "SourceError", "read_content", "read_source"]

# A page of twenty megabytes is none; an index of a hundred thousand postings may be larger.
_LARGEST, _LARGEST_DATA = 20_000_000, 300_000_000
_DATA = (".json", ".jsonl", ".jsonld", ".xml", ".csv", ".tsv", ".pdf", ".docx")
_GZIP, _OLD_OFFICE = b"\x1f\x8b", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = re.compile(r"(<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(!doctype\s+html|html)\b", re.I | re.S)

Identified = TypeVar("Identified", Page, JobPosting)

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done and how many there are."""


def silent(what: str, done: int, total: int) -> None:
    """Progress that no one is told."""


def read_json(text: str, source: str, url: str = "", progress: Progress = silent) -> Reading:
    """The job postings of a JSON document, or of one object a line."""
    try:
        data = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        data = _json_lines(text)
        if data is None:
            where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            raise SourceError(f"{source} is not valid JSON{where}. Fetch or export it again.") from error
    hint = "Give a list of objects with at least a title and a location."
    return read_data(data, source, url, hint, progress)


def _json_lines(text: str) -> list[Any] | None:
    try:
        return [json.loads(line, strict=False) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None


def read_xml(text: str, source: str, url: str = "") -> Reading:
    """The job postings of a feed: elements named position, job or item with a title or name inside."""
    try:
        soup = parse_html(text, "xml")
        elements = soup.find_all(["position", "job", "item", "vacancy", "JobPosting"])
        data = [_as_object(element) for element in elements]
        root = soup.find(True)
        board = isinstance(root, Tag) and root.name in _JOB_FEEDS
    except (RecursionError, ValueError) as error:
        raise SourceError(f"{source} cannot be parsed ({type(error).__name__}). Fetch it again.") from error
    hint = "Give a feed of <position>, <job> or <item> elements."
    return read_data(data if data or board else None, source, url, hint)


_JOB_FEEDS = ("workzag-jobs", "jobs", "positions", "vacancies", "job-listings", "source")
"""Roots of feeds that hold nothing but jobs: without any, a company has no openings."""


def read_csv(text: str, source: str, url: str = "") -> Reading:
    """The job postings of a table with a header row, as spreadsheets export it."""
    header = text.lstrip().split("\n", 1)[0]
    separator = max(",;\t|", key=header.count)
    try:
        reader = csv.DictReader(io.StringIO(text.lstrip(), newline=""), delimiter=separator)
        rows = list(reader)
    except csv.Error as error:
        raise SourceError(f"{source} is not a table ({error}). Export it as CSV again.") from error
    columns = {name: _column(name) for name in reader.fieldnames or () if name}
    of_jobs = is_table_of_jobs(columns.values())
    kind = {"@type": "JobPosting"} if of_jobs else {}
    filled = [{columns[name]: cell for name, cell in row.items() if name and cell} for row in rows]
    data = [{**kind, **row} for row in filled if row]
    hint = "The first line has to name the columns: at least title and location, best url as well."
    return read_data(data if data or of_jobs else None, source, url, hint)


def _column(name: str) -> str:
    """What a column is called among the fields of a posting, from any of its usual names."""
    plain = plain_name(name)
    if is_known(plain):
        return plain
    word = fold(name)
    return next((field for field, names in _COLUMNS.items() if word in names), plain)


_COLUMNS = {
    **{field: {fold(name) for name in names.split("|")} for field, names in FIELD_NAMES.items()},
    "title": word_set("titel stelle stellenbezeichnung poste intitulé puesto título ruolo vacature"),
    "url": word_set("lien enlace webseite adresse bewerbungslink href website"),
    "description": word_set("beschreibung descripción omschrijving descrizione text"),
}


def read_data(
    data: object,
    source: str,
    url: str = "",
    hint: str = "Give the answer of a job board.",
    progress: Progress = silent,
) -> Reading:
    """The job postings of decoded data; `EmptyError` where it is the answer of a board without any."""
    try:
        reading = read_job_postings(data, source, home=url, progress=progress)
    except RecursionError as error:
        raise SourceError(f"{source} is nested hundreds deep. Fetch or export it again.") from error
    if reading.jobs:
        return reading
    if is_empty_board(data):
        raise EmptyError(
            f"{source} holds no job postings: its list is empty. If that is right, leave it out."
        )
    why = f" ({reading.skipped[0].why})" if reading.skipped else ""
    raise SourceError(f"{source} holds no job postings{why}. {hint}")


def _as_object(element: Tag) -> dict[str, Any]:
    """An element's children by name; a name that is there twice becomes a list."""
    fields: dict[str, Any] = {}
    for child in element.find_all(True, recursive=False):
        name, value = child.name.rsplit(":", 1)[-1], _as_value(child)
        if name in fields:
            before = fields[name]
            value = [*(before if isinstance(before, list) else [before]), value]
        fields[name] = value
    return fields


def _as_value(element: Tag) -> Any:
    """An element's words, the list of its like children, or its children by name."""
    inner = element.find_all(True, recursive=False)
    if not inner:
        return element.get_text().strip()
    if len({child.name for child in inner}) == 1:
        return [_as_value(child) for child in inner]
    return _as_object(element)


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
    ".jsonl": read_json,
    ".xml": read_xml,
    ".rss": read_xml,
    ".csv": read_csv,
    ".tsv": read_csv,
}
_DOCUMENT_READERS = {".pdf": read_pdf, ".docx": read_docx}
KNOWN_ENDINGS = (*PAGE_READERS, *_DOCUMENT_READERS)


def read_source(path: Path, progress: Progress = silent) -> Reading:
    """Everything a file or folder says; raises SourceError when nothing in it can be read."""
    if not path.exists():
        raise SourceError(f"{path} does not exist. Check the spelling, or give another file or folder.")
    reading = _read_folder(path, progress) if path.is_dir() else _read_single(path, progress)
    return with_unique_ids(reading)


def _read_single(path: Path, progress: Progress) -> Reading:
    try:
        reading = _read_file(path, path.name, progress)
    except SourceError as error:
        raise type(error)(str(error).replace(path.name, str(path), 1)) from error
    if not reading.pages and not reading.jobs:
        why = reading.skipped[0].why if reading.skipped else "there is no text in it"
        failure = SourceError if reading.skipped else EmptyError
        raise failure(f"{path} cannot be used: {why}. Give another file.")
    return reading


def _read_folder(folder: Path, progress: Progress) -> Reading:
    readings: list[Reading] = []
    paths = list(_files(folder))
    for number, path in enumerate(paths, start=1):
        source = path.relative_to(folder).as_posix()
        try:
            readings.append(_read_file(path, source, silent))
        except SourceError as error:
            readings.append(Reading(skipped=(Skipped(source, str(error)),)))
        progress(f"Reading {folder.name or folder}", number, len(paths))
    reading = merged(readings)
    if not reading.pages and not reading.jobs:
        first = f" ({reading.skipped[0].source}: {reading.skipped[0].why})" if reading.skipped else ""
        failure = SourceError if reading.skipped else EmptyError
        raise failure(f"{folder} holds nothing that can be read{first}. Put pages in it as {_known()}.")
    return reading


def merged(readings: Iterable[Reading]) -> Reading:
    """Several readings as one."""
    parts = list(readings)
    return Reading(
        tuple(page for part in parts for page in part.pages),
        tuple(job for part in parts for job in part.jobs),
        tuple(skip for part in parts for skip in part.skipped),
    )


_NOT_PUBLISHED = frozenset(
    ("_layouts", "_includes", "_drafts", "_sass", "archetypes", "layouts", "node_modules", "__pycache__")
)
"""Folders of site generators whose files are no pages: what pages are made from, and what is not ready."""


def _files(folder: Path) -> Iterator[Path]:
    """Files a reader exists for, in a stable order; hidden ones and what they hold are left alone."""
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        parts = path.relative_to(folder).parts
        visible = not any(part.startswith((".", "~$")) or part in _NOT_PUBLISHED for part in parts)
        if visible and ending_of(path.name) in KNOWN_ENDINGS and path.is_file():
            yield path


def _read_file(path: Path, source: str, progress: Progress) -> Reading:
    return read_content(read_bytes(path, source), source, progress=progress)


def read_content(
    content: bytes,
    source: str,
    url: str = "",
    ending: str = "",
    charset: str = "",
    progress: Progress = silent,
) -> Reading:
    """Pages and postings of a file's bytes, by what they look like rather than by the file's name.

    `ending` says what they are where they do not show it, by default the name's; `charset` how
    they are encoded, where the sender said so. Raises SourceError for what nobody can read.
    """
    read_as = (source, url, ending or ending_of(source), charset)
    return recalled(content, read_as, lambda: _read_content(content, *read_as, progress))


def _read_content(
    content: bytes, source: str, url: str, ending: str, charset: str, progress: Progress
) -> Reading:
    if not content.strip():
        raise EmptyError(f"{source} is empty. Fill it or leave it out.")
    content = unpacked(content, source)
    if content[:1024].lstrip()[:5] == b"%PDF-":
        return read_pdf(content, source, url, progress)
    if content.startswith(b"PK\x03\x04") and (ending == ".docx" or is_docx(content)):
        return read_docx(content, source, url, progress)
    if content.startswith(_OLD_OFFICE):
        raise SourceError(
            f"{source} is locked with a password or of an old Office. Save it as .docx, without a password."
        )
    if ending in _DOCUMENT_READERS:
        raise SourceError(
            f"{source} is no {ending[1:].upper()} document, or broken. Open it and save it again."
        )
    if ending not in PAGE_READERS and b"\x00" in content[:4096]:
        raise _unknown(source)
    text = whole_escapes(decoded(content, source, charset))
    ending = kind_of(text, ending)
    if ending not in PAGE_READERS:
        raise _unknown(source)
    if len(text) > _LARGEST and ending not in _DATA:  # a small packed file, or the answer of a website
        raise SourceError(f"{source} has more than {_LARGEST / 1e6:.0f} MB. Split it into smaller files.")
    reader = PAGE_READERS[ending]
    return read_json(text, source, url, progress) if reader is read_json else reader(text, source, url)


def whole_escapes(text: str) -> str:
    """A text without escaped halves of characters: nothing could store or print them."""
    return _HALF_ESCAPE.sub(r"\\ufffd", text) if "\\ud" in text or "\\uD" in text else text


_HALF_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


def _unknown(source: str) -> SourceError:
    return SourceError(f"{source} is not a kind of file that can be read. Give one of: {_known()}.")


def _known() -> str:
    return ", ".join(sorted(KNOWN_ENDINGS))


def kind_of(text: str, ending: str) -> str:
    """The ending that fits what a text looks like: pages and answers are saved under any name."""
    start = text.lstrip("\ufeff \t\r\n")
    if _HTML.match(start[:2000]):
        return ".html"
    if start.startswith("<?xml") or re.match(r"<(rss|feed|urlset|sitemapindex|workzag-jobs)\b", start):
        return ".xml"
    # In Markdown and HTML a brace opens the front matter; what is called JSON is parsed soon enough.
    if ending in (".md", ".markdown", ".html", ".htm", ".xhtml", ".json"):
        return ending
    if start[:1] in ("{", "["):
        with contextlib.suppress(ValueError, RecursionError):
            if isinstance(json.loads(start, strict=False), dict | list):
                return ".json"
    return ending


def ending_of(name: str) -> str:
    """What a file is by its name: "jobs.json.gz" is JSON."""
    path = PurePath(name)
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()


def read_bytes(path: Path, source: str) -> bytes:
    """The bytes of a file, still packed; `SourceError` where it cannot be opened or is too large."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_DATA + 1)
    except OSError as error:
        raise SourceError(
            f"{source} cannot be opened ({error}). Check the file and its permissions."
        ) from error
    most = _LARGEST_DATA if ending_of(path.name) in _DATA else _LARGEST
    if len(content) > most:
        raise SourceError(f"{source} has more than {most / 1e6:.0f} MB. Split it into smaller files.")
    if path.suffix.lower() == ".gz" and not content.startswith(_GZIP) and content.strip():
        raise SourceError(f"{source} cannot be opened (it is not packed). Check the file.")
    return content


def unpacked(content: bytes, source: str) -> bytes:
    """What a gzip file holds; other content as it is."""
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.open(io.BytesIO(content)) as file:
            inner = file.read(_LARGEST_DATA + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{source} cannot be opened ({error}). Fetch or pack it again.") from error
    if len(inner) > _LARGEST_DATA:
        raise SourceError(
            f"{source} has more than {_LARGEST_DATA / 1e6:.0f} MB. Split it into smaller files."
        )
    return inner


def decoded(content: bytes, source: str, charset: str = "") -> str:
    """The text of a file: as its sender or itself declares, UTF-8, else whichever encoding fits best."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    if b"\x00" in content[:4096]:
        raise SourceError(f"{source} is not a text file. Save the page as text, HTML or Markdown.")
    with contextlib.suppress(UnicodeDecodeError):
        return content.decode("utf-8-sig")
    declared = EncodingDetector.find_declared_encoding(content, is_html=True)
    for name in (charset, declared or ""):
        with contextlib.suppress(LookupError, UnicodeDecodeError, ValueError):
            if name:
                return content.decode(name)
    best = from_bytes(
        content[:200_000], cp_isolation=["cp1252", "latin_1", "cp1250", "cp1251", "cp1255"]
    ).best()
    return content.decode(best.encoding if best else "cp1252", errors="replace")


def with_unique_ids(reading: Reading) -> Reading:
    """The reading with ids that no two pages and no two postings share."""
    return replace(
        reading, pages=tuple(_with_own_ids(reading.pages)), jobs=tuple(_with_own_ids(reading.jobs))
    )


def _with_own_ids(records: Iterable[Identified]) -> Iterator[Identified]:
    taken: set[str] = set()
    for record in records:
        name = unique(record.id, taken)
        yield record if name == record.id else replace(record, id=name)
