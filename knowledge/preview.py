"""A document as Candor reads it: what is kept of it, what is hidden from visitors, and what is left out.

Nothing here decides: the marks are taken from what the readers themselves make of the document.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any

from bs4 import Tag
from bs4.element import NavigableString, PreformattedString, Script, Stylesheet

from knowledge.dates import parse_date
from knowledge.documents import Block, JobPosting, Page, Reading
from knowledge.errors import SourceError
from knowledge.front_matter import split_front_matter
from knowledge.html_text import BANNER, INLINE, NEVER_SEEN, is_hidden, parse_html, remove_unseen
from knowledge.markdown import SHORTCODES, as_lines, render
from knowledge.pages import decoded, ending_of, kind_of, read_bytes, read_content, unpacked, whole_escapes
from knowledge.unverified import with_title_labels
from knowledge.web import Web
from knowledge.websites import board_address, ending_of_answer, is_sitemap
from knowledge.wording import fold, squash

LONGEST = 3000  # parts; a longer document is shown up to there

_HTML = (".html", ".htm", ".xhtml")
_MARKDOWN = (".md", ".markdown")
_TEXT = (".txt", ".text")
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
_FEW_WORDS, _MANY_LETTERS = 4, 20  # up to here a stretch may stand in the text by chance


class Mark(StrEnum):
    """What became of a part of a document."""

    KEPT = "kept"
    HIDDEN = "hidden"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Part:
    """A stretch of a document and what became of it; `why` it is not kept, or what it is kept as."""

    text: str
    mark: Mark
    why: str = ""


@dataclass(frozen=True)
class Preview:
    """A document in its parts, in their order. `notes` say what was left out as a whole, and the facts read."""

    title: str
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()


def preview(name: str, web: Web, source: str = "") -> Preview:
    """A file, or a web address, as it is read; raises the readers' own `SourceError`.

    `source`: a file's path within the folder that is the source, by which readers tell a posting and a
    language; by default its bare name.
    """
    if "://" in name:
        answer = web.get(board_address(name))
        if is_sitemap(answer.content):
            raise SourceError(f"{name} is a sitemap, a list of pages. Choose one of its pages.")
        return preview_of(answer.content, answer.url, answer.url, ending_of_answer(answer), answer.charset)
    path = Path(name)
    if path.is_dir():
        raise SourceError(f"{name} is a folder. Choose one of its files.")
    source = source or path.name
    return preview_of(read_bytes(path, source), source)


def preview_of(content: bytes, source: str, url: str = "", ending: str = "", charset: str = "") -> Preview:
    """The bytes of a document as they are read; `ending` says what they are where they do not show it."""
    reading = read_content(content, source, url, ending, charset)
    reading = replace(reading, jobs=tuple(map(with_title_labels, reading.jobs)))
    text, kind = _text_of(content, source, ending, charset)
    shown = Kept.of(reading)
    if kind in _HTML:
        meta, body = split_front_matter(text)
        found: Iterator[Part] = chain(_fields(meta, reading, shown), _html_parts(body, shown))
    elif kind in _MARKDOWN:
        found = _markdown_parts(text, reading, shown)
    elif kind in _TEXT:
        found = _text_parts(text, shown)
    else:  # PDF, DOCX, an answer of a board: what was read of it is all that can be shown
        found = _record_parts(reading)
    parts = list(islice(found, LONGEST + 1))
    if not reading.pages and not reading.jobs and reading.skipped:
        why = reading.skipped[0].why
        parts = [part if part.mark is Mark.HIDDEN else Part(part.text, Mark.SKIPPED, why) for part in parts]
    title = next((record.title for record in _records(reading)), source)
    as_text = kind in (*_HTML, *_MARKDOWN, *_TEXT)
    notes = _notes(reading, len(parts) > LONGEST, reading.jobs if as_text else ())
    return Preview(title, tuple(parts[:LONGEST]), tuple(notes))


def _text_of(content: bytes, source: str, ending: str, charset: str) -> tuple[str, str]:
    """The text of a document and its kind, as the readers tell it; nothing for one that is no text."""
    content = unpacked(content, source)
    if content[:1024].lstrip()[:5] == b"%PDF-" or content.startswith(b"PK\x03\x04"):
        return "", ""
    text = whole_escapes(decoded(content, source, charset))
    return text, kind_of(text, ending or ending_of(source))


def _notes(reading: Reading, cut: bool, jobs: Iterable[JobPosting]) -> Iterator[str]:
    for entry in reading.skipped:
        yield f"Left out, {entry.source}: {entry.why}"
    if cut:
        yield f"The document is longer: its first {LONGEST:,} parts are shown."
    for job in jobs:
        facts = "".join(f"{'; ' if not n else ', '}{fact}" for n, fact in enumerate(_facts(job)))
        yield f"Posting “{job.title}”, {job.status.value}{facts}"


def _records(reading: Reading) -> tuple[Page | JobPosting, ...]:
    return *reading.pages, *reading.jobs


def _facts(job: JobPosting) -> list[str]:
    """What was read of a posting, as "salary: 5,000"."""
    found = ((name.replace("_", " "), getattr(job, name)) for name in _FACTS)
    told = ((name, " / ".join(value) if isinstance(value, tuple) else value) for name, value in found)
    return [f"{name}: {value}" for name, value in told if value]


# --- what was kept --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """All that was kept of a document, to look stretches of it up in.

    `running` is its words without spaces: how inline elements are set apart differs. `whole` are the
    stretches that stand alone, such as a heading, a line or a cell; `words` are those of each stretch,
    and `places` the numbers of the stretches that a word is in.
    """

    running: str
    whole: frozenset[str]
    words: tuple[frozenset[str], ...]
    places: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, reading: Reading) -> Kept:
        """What a reading holds."""
        texts: list[str] = []
        whole: list[str] = []
        for page in reading.pages:
            whole += [page.title, page.listing.quote if page.listing else ""]
        for job in reading.jobs:
            facts = [fact.split(": ", 1)[1] for fact in _facts(job)]
            whole += [job.title, *job.locations, *facts, *job.labels]
            whole += [line for quote in job.quotes.values() for line in (quote, *quote.split("\n"))]
        for record in _records(reading):
            for block in record.blocks:
                said = [*block.headings, block.lead, block.text, block.speaker]
                texts.append(" ".join(said))
                whole += [*said, *_pieces(block)]
        words = tuple(frozenset(fold(text).split()) for text in (*texts, *whole))
        places: dict[str, list[int]] = {}
        for number, stretch in enumerate(words):
            for word in stretch:
                places.setdefault(word, []).append(number)
        running = _compact(" ".join((*texts, *whole)))
        return cls(running, frozenset(map(_compact, whole)) - {""}, words, places)

    def holds(self, text: str) -> bool:
        """Whether a stretch of the document was kept.

        A few words, such as those of a button, may stand anywhere: they must have been kept on their own.
        """
        compact, words = _compact(text), fold(text).split()
        if compact in self.whole:
            return True
        if len(words) < _FEW_WORDS and len(compact) < _MANY_LETTERS:
            return False
        # An address that a reader puts beside a link comes between its words: most of them are enough.
        return compact in self.running or self._holds_most(words)

    def _holds_most(self, words: list[str]) -> bool:
        """Whether a stretch holds nine of ten words; it holds one of the rarest then, few as they may be."""
        missing = len(words) // 10
        rarest = sorted(set(words), key=lambda word: len(self.places.get(word, ())))[: missing + 1]
        numbers = {number for word in rarest for number in self.places.get(word, ())}
        return any(
            len(words) - sum(word in self.words[number] for word in words) <= missing for number in numbers
        )


def _pieces(block: Block) -> Iterator[str]:
    """What stands alone within a block: lines, cells, and both sides of a colon or comma."""
    for line in (*block.text.split("\n"), block.lead, block.speaker):
        yield line
        for cell in line.split(" | "):
            yield cell
            yield from cell.split(": ", 1)
    yield from block.speaker.split(", ")


def _compact(text: str) -> str:
    return fold(text).replace(" ", "")


def _record_parts(reading: Reading) -> Iterator[Part]:
    """Everything that was read, in its order: the words of pages, postings with their fields."""
    for record in _records(reading):
        if isinstance(record, JobPosting):
            yield Part(record.title, Mark.KEPT, f"a posting, {record.status.value}")
            yield from (Part(fact, Mark.KEPT, "a field of the posting") for fact in _facts(record))
        yield from _block_parts(record)


def _block_parts(record: Page | JobPosting) -> Iterator[Part]:
    before: tuple[str, ...] = ()
    for block in record.blocks:
        yield from (Part(heading, Mark.KEPT) for heading in block.headings if heading not in before)
        before = block.headings
        yield from (Part(line, Mark.KEPT) for line in block.text.split("\n") if line.strip())


# --- texts ----------------------------------------------------------------------------------------------


def _text_parts(text: str, kept: Kept) -> Iterator[Part]:
    """A text line by line; a line of which the next one is the rest is looked up with it."""
    lines = [squash(line) for line in text.splitlines()]
    lines = [line for line in lines if re.search(r"\w", line)]
    for before, line, after in zip(["", *lines], lines, [*lines[1:], ""], strict=False):
        own = _LINE_MARKS.sub("", line)  # readers take away what marks a heading or an entry of a list
        together = (line, own, f"{before} {line}" if before else "", f"{line} {after}" if after else "")
        if any(kept.holds(words) for words in together if words):
            yield Part(line, Mark.KEPT)
        else:
            yield Part(line, Mark.SKIPPED, "no words of the page's text")


_LINE_MARKS = re.compile(r"^[^\w(\"'“„]+")


def _markdown_parts(text: str, reading: Reading, kept: Kept) -> Iterator[Part]:
    """The front matter's fields, then the text as the reader renders it, with the generator's codes marked."""
    meta, body = split_front_matter(text)
    codes: list[str] = []

    def named(found: re.Match[str]) -> str:
        codes.append(found.group())
        return chr(_FIRST_CODE + len(codes) - 1) if len(codes) <= _MOST_CODES else ""

    html = render(SHORTCODES.sub(named, body))
    yield from _fields(meta, reading, kept)
    yield from _html_parts(html, kept, codes[:_MOST_CODES])


_FIRST_CODE, _MOST_CODES = 0xE000, 6000  # characters that no text has a use for stand for codes


def _fields(meta: Mapping[str, Any], reading: Reading, kept: Kept) -> Iterator[Part]:
    """The fields of a front matter: kept are those that say something about the page or posting."""
    own = [value for name in ("params", "extra") if isinstance(value := meta.get(name), dict)]
    plain = {name: value for name, value in meta.items() if value not in own}
    told: set[str] = set()
    days: set[date | None] = set()
    for record in _records(reading):
        told |= {record.language, record.translation_key, record.url}
        days |= {record.modified} if isinstance(record, Page) else {record.posted, record.closes}
    for name, value in [item for table in (plain, *own) for item in table.items()]:
        said = as_lines(value)
        used = kept.holds(said) or kept.holds(f"{name}: {said}") or any(map(kept.holds, said.split("\n")))
        if said and (used or said in told - {""} or parse_date(said) in days - {None}):
            yield Part(f"{name}: {said}", Mark.KEPT, "a field of the front matter")
        else:
            yield Part(f"{name}: {said}", Mark.SKIPPED, "a field that adds no words")


# --- HTML -----------------------------------------------------------------------------------------------

_Verdict = tuple[Mark, str]

_FRAME: Mapping[str, _Verdict] = {
    "nav": (Mark.SKIPPED, "navigation"),
    "header": (Mark.SKIPPED, "the site's header"),
    "footer": (Mark.SKIPPED, "the site's footer"),
    "form": (Mark.SKIPPED, "a form"),
    "noscript": (Mark.HIDDEN, "for browsers without scripts"),
    "template": (Mark.HIDDEN, "a template of the page's script"),
    "dialog": (Mark.HIDDEN, "a dialog"),
}
_ROLES: Mapping[str, _Verdict] = {
    "navigation": (Mark.SKIPPED, "navigation"),
    "search": (Mark.SKIPPED, "a form"),
    "dialog": (Mark.SKIPPED, "a dialog"),
    "alertdialog": (Mark.SKIPPED, "a dialog"),
    "banner": (Mark.SKIPPED, "the site's header"),
    "contentinfo": (Mark.SKIPPED, "the site's footer"),
}
_UNITS = (
    "p li dd dt td th tr blockquote figure figcaption summary caption h1 h2 h3 h4 h5 h6 pre button".split()
)
"""Elements that readers make one line of, whatever is in them."""


@dataclass(frozen=True)
class _Said:
    """A string of a page with the elements around it, and why it would be taken away."""

    string: NavigableString
    verdict: _Verdict
    block: Tag | None
    unit: Tag | None

    def gone(self, left: Container[int]) -> _Verdict | None:
        """Why it is not among the strings that were left, by their ids."""
        return None if id(self.string) in left else self.verdict


@dataclass(frozen=True)
class _Run:
    """Words side by side in one block of the page; `gone` where the reader takes them away, and why."""

    text: str
    gone: _Verdict | None
    unit: Tag | None


def _html_parts(html: str, kept: Kept, codes: Sequence[str] = ()) -> Iterator[Part]:
    """The words of a page in their order; why they are gone is asked before they are taken away.

    `codes` are the generator's codes that characters in the text stand for.
    """
    alike: list[Part] = []  # what is not kept, side by side and for one reason, is one part
    for part in (part for run in _runs(html) for part in _judged(run, kept, codes)):
        if alike and (part.mark, part.why) != (alike[0].mark, alike[0].why):
            yield _together(alike)
            alike = []
        if part.mark is Mark.KEPT:
            yield part
        else:
            alike.append(part)
    if alike:
        yield _together(alike)


def _together(parts: Sequence[Part]) -> Part:
    return Part(" · ".join(part.text for part in parts), parts[0].mark, parts[0].why)


def _runs(html: str) -> list[_Run]:
    soup = parse_html(html)
    verdicts = _Verdicts(soup)
    for tag in soup.find_all("br"):
        tag.replace_with("\n")
    strings = [string for string in (soup.body or soup).find_all(string=True) if _is_said(string)]
    told = [
        _Said(string, verdicts.of(string), _block_of(string), string.find_parent(_UNITS))
        for string in strings
    ]
    remove_unseen(soup)
    left = {id(string) for string in soup.find_all(string=True)}
    runs: list[_Run] = []
    for (gone, _), group in groupby(told, lambda entry: (entry.gone(left), id(entry.block))):
        entries = list(group)
        runs.append(_Run(_joined(entry.string for entry in entries), gone, entries[0].unit))
    return runs


def _judged(run: _Run, kept: Kept, codes: Sequence[str]) -> Iterator[Part]:
    """The parts of a run: its words, and the codes between them."""
    own = chr(_FIRST_CODE) + "-" + chr(_FIRST_CODE + len(codes) - 1) if codes else ""
    pieces = re.split(f"([{own}])", run.text) if own else [run.text]
    words = squash(" ".join(pieces[::2]))
    if run.gone:
        mark, why = run.gone
    elif kept.holds(words) or (run.unit and kept.holds(_joined(run.unit.find_all(string=True)))):
        mark, why = Mark.KEPT, ""
    else:
        mark, why = Mark.SKIPPED, "not part of the page's text"
    for number, piece in enumerate(pieces):
        if number % 2:
            code = squash(codes[ord(piece) - _FIRST_CODE])
            yield Part(code, Mark.SKIPPED, "a code or comment of the site's generator")
        elif re.search(r"\w", piece):
            yield Part(squash(piece), mark, why)


class _Verdicts:
    """What readers will say of the elements of a page, asked of each element once."""

    def __init__(self, soup: Tag) -> None:
        self.controlled = {str(tag["aria-controls"]) for tag in soup.select("[aria-controls]")}
        self.never = {id(tag) for tag in soup.select(NEVER_SEEN)}
        self.known: dict[int, _Verdict | None] = {}

    def of(self, string: NavigableString) -> _Verdict:
        """Why a string is gone, if it is: what is hidden is hidden, else the nearest element says it."""
        found = [verdict for tag in string.parents if isinstance(tag, Tag) and (verdict := self._by(tag))]
        hidden = next((verdict for verdict in found if verdict[0] is Mark.HIDDEN), None)
        return hidden or (found[0] if found else (Mark.SKIPPED, "a part of the site's frame"))

    def _by(self, tag: Tag) -> _Verdict | None:
        if id(tag) not in self.known:
            self.known[id(tag)] = self._asked(tag)
        return self.known[id(tag)]

    def _asked(self, tag: Tag) -> _Verdict | None:
        if is_hidden(tag, self.controlled):
            return Mark.HIDDEN, "hidden from visitors"
        if tag.name in _FRAME:
            return _FRAME[tag.name]
        if id(tag) in self.never:
            return _ROLES.get(str(tag.get("role")), (Mark.SKIPPED, "a field to fill in, a picture or a film"))
        if BANNER.search(f"{' '.join(tag.get('class') or ())} {tag.get('id') or ''}"):
            return Mark.SKIPPED, "a cookie banner, a path or links to share"
        return None


def _is_said(string: NavigableString) -> bool:
    return not isinstance(string, PreformattedString | Script | Stylesheet)


def _block_of(string: NavigableString) -> Tag | None:
    """The nearest element around a string that begins a line of its own."""
    return next((tag for tag in string.parents if tag.name not in INLINE and "-" not in tag.name), None)


def _joined(strings: Iterable[str]) -> str:
    """Words of inline elements side by side; where a capital follows a small letter, a space is meant."""
    return squash(re.sub(r"(?<=[^\W\d_A-Z])\0(?=[A-Z])", " ", "\0".join(strings)).replace("\0", ""))
