"""A document as Candor reads it: what is kept of it, what is hidden from visitors, and what is left out.

Nothing here decides: the marks are taken from what the readers themselves do with the document.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from bs4.element import Comment, NavigableString, PreformattedString

from knowledge.documents import JobPosting, Page, Reading
from knowledge.errors import SourceError
from knowledge.front_matter import split_front_matter
from knowledge.html_text import NEVER_SEEN, is_hidden, parse_html, remove_unseen
from knowledge.pages import decoded, read_content, unpacked
from knowledge.web import Web
from knowledge.wording import fold, squash

LONGEST = 3000  # parts; a longer document is shown up to there

_FRAME = {
    "nav": "navigation",
    "header": "the site's header",
    "footer": "the site's footer",
    "form": "a form",
    "noscript": "a note for browsers without scripts",
    "aside": "beside the text",
}
_NO_WORDS = ("script", "style", "template", "head", "title", "meta", "link")
_FACTS = (
    "locations",
    "department",
    "workplace_type",
    "employment_type",
    "level",
    "salary",
    "posted",
    "closes",
)


class Mark(StrEnum):
    """What became of a part of a document."""

    KEPT = "kept"
    HIDDEN = "hidden"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Part:
    """A stretch of a document, with what became of it and, where it is not kept, why."""

    text: str
    mark: Mark
    why: str = ""


@dataclass(frozen=True)
class Preview:
    """A document in its parts, in their order. `notes` say what was left out as a whole, and the facts read."""

    title: str
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()


def preview(name: str, web: Web) -> Preview:
    """A file, or a web address, as it is read; raises the readers' own `SourceError`."""
    if "://" in name:
        answer = web.get(name)
        return preview_of(
            answer.content, answer.url, answer.url, ".html" if "html" in answer.media_type else ""
        )
    path = Path(name)
    if path.is_dir():
        raise SourceError(f"{name} is a folder. Choose one of its files.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{name} cannot be read ({error.strerror}).") from error
    return preview_of(content, path.name)


def preview_of(content: bytes, source: str, url: str = "", ending: str = "") -> Preview:
    """The bytes of a document as they are read; `ending` says what they are where they do not show it."""
    reading = read_content(content, source, url, ending)
    kept = _kept(reading)
    text = _text_of(content, source)
    if text is None:  # PDF, DOCX: there is nothing beside what was read
        parts = [Part(line, Mark.KEPT) for line in _lines(reading)]
    elif _is_html(text):
        parts = _html_parts(text, kept)
    elif text.lstrip("\ufeff \n\r\t")[:1] in "{[<":
        parts = [Part(line, Mark.KEPT) for line in _lines(reading)]
    else:
        parts = _text_parts(text, kept)
    title = next((record.title for record in _records(reading)), source)
    return Preview(title, tuple(parts[:LONGEST]), tuple(_notes(reading)))


def _records(reading: Reading) -> list[Page | JobPosting]:
    return [*reading.pages, *reading.jobs]


def _text_of(content: bytes, source: str) -> str | None:
    """The text of a document; None for one that is no text."""
    content = unpacked(content, source)
    if content[:1024].lstrip()[:5] == b"%PDF-" or content.startswith(b"PK\x03\x04"):
        return None
    return decoded(content, source)


def _kept(reading: Reading) -> str:
    """All that was kept, folded, to look stretches up in."""
    said = [" ".join(_lines(reading))]
    for page in reading.pages:
        said += [page.title, *(f"{b.lead} {b.speaker} {' '.join(b.headings)}" for b in page.blocks)]
    for job in reading.jobs:
        said += [
            job.title,
            *job.locations,
            *job.quotes.values(),
            *job.labels,
            *map(str, _facts(job).values()),
        ]
        said += [" ".join((*b.headings, b.lead, b.speaker)) for b in job.blocks]
    return _folded(" ".join(said))


def _lines(reading: Reading) -> list[str]:
    """The words kept, block by block."""
    lines: list[str] = []
    for record in _records(reading):
        before: tuple[str, ...] = ()
        if isinstance(record, JobPosting):
            lines.append(record.title)
        for block in record.blocks:
            lines += [heading for heading in block.headings if heading not in before]
            before = block.headings
            lines += [line for line in block.text.split("\n") if line.strip()]
    return lines


def _facts(job: JobPosting) -> dict[str, str]:
    found = {name: getattr(job, name) for name in _FACTS}
    told = {
        name: " / ".join(value) if isinstance(value, tuple) else str(value or "")
        for name, value in found.items()
    }
    return {name: value for name, value in told.items() if value}


def _notes(reading: Reading) -> list[str]:
    notes = [f"Left out, {entry.source}: {entry.why}" for entry in reading.skipped]
    for job in reading.jobs:
        facts = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in _facts(job).items())
        notes.append(f"Posting “{job.title}”, {job.status.value}{f'; {facts}' if facts else ''}")
    return notes


# --- texts ----------------------------------------------------------------------------------------------


def _text_parts(text: str, kept: str) -> list[Part]:
    """A text or a Markdown page line by line; its front matter is of fields, and none of its words is shown."""
    meta, _ = split_front_matter(text)
    parts: list[Part] = []
    fenced = bool(meta)
    for number, line in enumerate(text.replace("\ufeff", "").splitlines()):
        if not re.search(r"\w", line) and not re.fullmatch(r"(---|\+\+\+|\.\.\.)\s*", line):
            continue
        if fenced:
            fenced = not (number and re.fullmatch(r"(---|\+\+\+|\.\.\.)\s*", line))
            parts.append(Part(line, Mark.SKIPPED, "front matter: read as fields"))
            continue
        parts.append(_part(line, re.sub(r"</?\w[^>]*>", " ", line), kept, "no words of the page's"))
    return parts


def _part(shown: str, line: str, kept: str, why: str) -> Part:
    folded = _folded(line)
    if folded and folded in kept:
        return Part(shown, Mark.KEPT)
    # Marks within a sentence, links say, come between its words: most of them are enough.
    words = folded.split()
    found = sum(word in kept for word in words)
    if len(words) > 3 and found >= 0.9 * len(words):
        return Part(shown, Mark.KEPT)
    return Part(shown, Mark.SKIPPED, why)


# --- HTML -----------------------------------------------------------------------------------------------


def _is_html(text: str) -> bool:
    return bool(re.search(r"<(!doctype html|html|body|head|div|p|h1)\b", text[:20000], re.IGNORECASE))


def _html_parts(text: str, kept: str) -> list[Part]:
    """The strings of the document, those of one element joined; why each is gone is asked before it is taken away."""
    _, body = split_front_matter(text)
    soup = parse_html(body)
    controlled = {str(tag["aria-controls"]) for tag in soup.select("[aria-controls]")}
    never = {id(tag) for tag in soup.select(NEVER_SEEN)}
    strings = [string for string in (soup.body or soup).find_all(string=True) if _is_said(string)]
    reasons = [_reason(string, controlled, never) for string in strings]
    remove_unseen(soup)
    left = {id(string) for string in soup.find_all(string=True)}
    parts: list[Part] = []
    for string, (mark, why) in zip(strings, reasons, strict=True):
        said = squash(str(string))
        if id(string) not in left:
            mark, why = (
                (mark, why)
                if mark is not Mark.KEPT
                else (Mark.SKIPPED, "a banner or a part of the site's frame")
            )
            part = Part(said, mark, why)
        else:
            part = _part(said, said, kept, "not part of the page's text")
        last = parts[-1] if parts else None
        if last and (last.mark, last.why) == (part.mark, part.why) and part.mark is not Mark.KEPT:
            parts[-1] = Part(f"{last.text} · {part.text}", part.mark, part.why)
        else:
            parts.append(part)
    return parts


def _is_said(string: NavigableString) -> bool:
    if isinstance(string, Comment | PreformattedString) or not re.search(r"\w", string):
        return False
    return string.find_parent(_NO_WORDS) is None


def _reason(string: NavigableString, controlled: set[str], never: set[int]) -> tuple[Mark, str]:
    """What the readers will say of a string by the elements around it, the nearest first."""
    for tag in string.parents:
        if not isinstance(tag, Tag) or isinstance(tag, BeautifulSoup):
            break
        if is_hidden(tag, controlled):
            return Mark.HIDDEN, "hidden from visitors"
        if tag.name in _FRAME:
            return Mark.SKIPPED, _FRAME[tag.name]
        if id(tag) in never:
            return Mark.SKIPPED, "no words of the page's"
    return Mark.KEPT, ""


def _folded(text: str) -> str:
    return squash(re.sub(r"[^\w]+", " ", fold(text)))
