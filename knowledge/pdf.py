"""PDF documents: paragraphs, lists and tables under their headings, each with the page it stands on."""

from __future__ import annotations

import io
import logging
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING, Any

from knowledge.documents import Block, BlockKind, Page, Reading
from knowledge.errors import SourceError
from knowledge.languages import language_of
from knowledge.wording import fold, slug, squash, title_from_slug

if TYPE_CHECKING:
    from pdfplumber.page import Page as Sheet

_BULLET = re.compile(r"^\s*(?:[•●▪◦‣∙·■□–—*-]|o(?=\s)|\d{1,2}[.)])\s+")
_SIGN = re.compile(r"^\s*(?:[•●▪◦‣∙·■□–—*-]|o(?=\s))\s+")
_PAGE_NUMBER = re.compile(r"\W*((page|seite|s\.|p\.)\s*)?\d{1,4}(\s*(/|of|von|de|sur)\s*\d{1,4})?\W*", re.I)
_LARGER, _LONG_HEADING, _MOST_LEVELS = 1.12, 110, 4
_EDGE, _RECURRING = 0.09, 3
_LARGEST = 200_000_000  # unpacked; a stream of a megabyte may hold a gigabyte
_SCANNED = "holds no text, only pictures of pages. Run it through text recognition (OCR), or copy its text into a .txt file."

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class _Line:
    """A printed line: `size` in points, `box` numbers the stretch of text that it is part of."""

    text: str
    size: float
    bold: bool
    top: float
    box: int
    page: int
    edge: bool


@dataclass(frozen=True)
class _Table:
    rows: tuple[tuple[str, ...], ...]
    top: float
    page: int


def read_pdf(
    content: bytes,
    source: str,
    url: str = "",
    progress: Progress = lambda what, done, total: None,
) -> Reading:
    """The document as one page whose blocks know the sheets they stand on."""
    if unpacked_size(content, _LARGEST) > _LARGEST:
        raise SourceError(f"{source} unpacks to more than {_LARGEST / 1e6:.0f} MB. Save it in parts.")
    title, parts = _parts(content, source, progress)
    if not any(isinstance(part, _Line) for part in parts) and not any(parts):
        raise SourceError(f"{source} {_SCANNED}")
    lines = [part for part in parts if isinstance(part, _Line)]
    sizes = Counter[float]()
    for line in lines:
        sizes[line.size] += len(line.text)
    body = sizes.most_common(1)[0][0] if sizes else 10.0
    levels = _levels(lines, body)
    title = _title(title, lines, levels, source)
    blocks = tuple(_blocks(parts, levels, body, title, _words(lines)))
    if not blocks:
        raise SourceError(f"{source} {_SCANNED}")
    words = " ".join(block.text for block in blocks)
    page = Page(slug(source), source, title, url, language_of(words, "", source), blocks=blocks)
    return Reading(pages=(page,))


def unpacked_size(content: bytes, most: int) -> int:
    """Bytes that a document's packed streams amount to, counted no further than just beyond `most`.

    Nothing is kept of them. The parser would unpack each as a whole, whatever its size.
    """
    total = 0
    for start in re.finditer(rb"stream\r?\n", content):
        unpack, rest = zlib.decompressobj(), content[start.end() : start.end() + _STEP]
        at = start.end() + len(rest)
        try:
            while rest and total <= most and not unpack.eof:
                total += len(unpack.decompress(rest, _STEP))
                if not (rest := unpack.unconsumed_tail):
                    rest = content[at : at + _STEP]
                    at += len(rest)
        except zlib.error:  # packed otherwise, or the end of one
            continue
        if total > most:
            break
    return total


_STEP = 1 << 20


# What is printed


def _parts(content: bytes, source: str, progress: Progress) -> tuple[str, list[_Line | _Table]]:
    """The title in the document's own record, and all lines and tables in reading order."""
    # Imported here: half a second that only those with a PDF have to wait for.
    import pdfplumber  # noqa: PLC0415
    from pdfminer.pdfdocument import PDFPasswordIncorrect  # noqa: PLC0415

    logging.getLogger("pdfminer").setLevel(logging.CRITICAL)
    parts: list[_Line | _Table] = []
    try:
        with pdfplumber.open(io.BytesIO(content), laparams={}) as document:
            title = document.metadata.get("Title")
            for number, sheet in enumerate(document.pages, start=1):
                progress(f"Reading {source}", number, len(document.pages))
                parts += _sheet(sheet, number, len(parts))
                sheet.close()
    except Exception as error:  # the parser raises whatever a broken file makes it stumble over
        locked = any(isinstance(cause, PDFPasswordIncorrect) for cause in (error, *error.args))
        if locked or isinstance(error.__cause__ or error.__context__, PDFPasswordIncorrect):
            raise SourceError(f"{source} is locked with a password. Save a copy without one.") from error
        raise SourceError(
            f"{source} cannot be read as a PDF ({type(error).__name__}). Open it and save it again."
        ) from error
    return squash(title) if isinstance(title, str) else "", _without_running_heads(parts)


def _sheet(sheet: Sheet, number: int, box: int) -> list[_Line | _Table]:
    """The lines and tables of one page; what stands in a table is no line."""
    from pdfminer.layout import LTTextContainer, LTTextLine  # noqa: PLC0415

    height = float(sheet.height) or 1.0
    found = [table for table in sheet.find_tables() if _is_table(table.extract())]
    boxes = [table.bbox for table in found]
    parts: list[_Line | _Table] = []
    for container in (part for part in sheet.layout if isinstance(part, LTTextContainer)):
        box += 1
        for line in (part for part in container if isinstance(part, LTTextLine)):
            top = height - line.y1
            if not any(_inside(line, area, height) for area in boxes) and line.get_text().strip():
                parts.append(_line(line, top, box, number, height))
    tables = [_Table(_cells(table.extract()), float(table.bbox[1]), number) for table in found]
    return _with_tables(parts, tables)


def _line(line: Any, top: float, box: int, number: int, height: float) -> _Line:
    chars = [char for char in line if hasattr(char, "fontname") and char.get_text().strip()]
    bold = sum(bool(re.search("bold|black|heavy|semibold", char.fontname, re.I)) for char in chars)
    size = round(median(char.size for char in chars) * 2) / 2 if chars else 0.0
    text = squash(line.get_text().replace("\u00ad\n", "").replace("\x00", ""))
    edge = top < height * _EDGE or top > height * (1 - _EDGE)
    return _Line(text, size, bold * 10 > len(chars) * 8, top, box, number, edge)


def _inside(line: Any, area: tuple[float, float, float, float], height: float) -> bool:
    x, y = (line.x0 + line.x1) / 2, height - (line.y0 + line.y1) / 2
    return bool(area[0] <= x <= area[2] and area[1] <= y <= area[3])


def _is_table(rows: list[list[str | None]]) -> bool:
    """Whether what looks like a grid is one: a frame around a paragraph has one cell."""
    return len(rows) > 1 and max(len(row) for row in rows) > 1 and any(any(row) for row in rows)


def _cells(rows: list[list[str | None]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(squash(cell or "") for cell in row) for row in rows if any(row))


def _with_tables(lines: list[_Line | _Table], tables: list[_Table]) -> list[_Line | _Table]:
    """Each table put in before the first line below it."""
    for table in tables:
        below = (index for index, line in enumerate(lines) if line.top > table.top)
        lines.insert(next(below, len(lines)), table)
    return lines


def _without_running_heads(parts: list[_Line | _Table]) -> list[_Line | _Table]:
    """The parts without page numbers and the lines that the edge of page after page repeats."""

    def sign(line: _Line) -> str:
        return re.sub(r"\d+", "#", fold(line.text))

    edges = {(sign(part), part.page) for part in parts if isinstance(part, _Line) and part.edge}
    count = Counter(text for text, _ in edges)
    return [
        part
        for part in parts
        if isinstance(part, _Table)
        or not part.edge
        or not (count[sign(part)] >= _RECURRING or _PAGE_NUMBER.fullmatch(part.text))
    ]


# What it means


def _levels(lines: list[_Line], body: float) -> dict[float, int]:
    """The level of each size of type that is clearly larger than the text's, the largest first."""
    larger = sorted({line.size for line in lines if line.size >= body * _LARGER}, reverse=True)
    return {size: min(level, _MOST_LEVELS) for level, size in enumerate(larger, start=1)}


def _title(given: str, lines: list[_Line], levels: dict[float, int], source: str) -> str:
    """The largest words of the first sheet, else what the document's record says, else the file's name."""
    first = [line for line in lines if line.page == 1]
    top = [line for line in first if levels.get(line.size) == 1]
    if top and len(largest := " ".join(line.text for line in top if line.box == top[0].box)) <= _LONG_HEADING:
        return largest
    if given and not re.search(r"\.\w{2,5}$|^untitled|^microsoft|\bdocument\d*$", given, re.I):
        return given
    return title_from_slug(source.rsplit("/", 1)[-1].rsplit(".", 1)[0])


def _words(lines: list[_Line]) -> set[str]:
    return {word for line in lines for word in re.findall(r"[\w-]+", line.text.lower())}


def _blocks(
    parts: list[_Line | _Table], levels: dict[float, int], body: float, title: str, words: set[str]
) -> Iterator[Block]:
    path: list[tuple[int, str]] = []

    def headings() -> tuple[str, ...]:
        return tuple(text for _, text in path)

    for key, run in groupby(parts, key=lambda part: _key(part, levels, body)):
        if key[0] == "table":
            for table in run:
                if isinstance(table, _Table):
                    yield from _table_block(table, headings())
            continue
        lines = [part for part in run if isinstance(part, _Line)]
        if key[0] == "heading":
            text, level = squash(" ".join(line.text for line in lines)), key[1]
            path = [entry for entry in path if entry[0] < level]
            if fold(text) != fold(title):
                path.append((level, text.rstrip(":")))
            continue
        yield from _text_blocks(lines, headings(), words)


def _key(part: _Line | _Table, levels: dict[float, int], body: float) -> tuple[str, int, int]:
    """What a part is; neighbours with the same key belong together."""
    if isinstance(part, _Table):
        return ("table", part.page, 0)
    short = len(part.text) <= _LONG_HEADING and not part.text.endswith((".", ",", ";"))
    if short and part.size in levels and not _SIGN.match(part.text):
        return ("heading", levels[part.size], part.page)
    if short and part.bold and part.size >= body * 0.95 and not _SIGN.match(part.text):
        return ("heading", _MOST_LEVELS + 1, part.box)
    return ("text", part.box, part.page)


def _table_block(table: _Table, headings: tuple[str, ...]) -> Iterator[Block]:
    first, *rest = table.rows
    header = bool(rest) and all(first) and not any(re.search(r"\d", cell) for cell in first)
    rows = rest if header else table.rows
    text = "\n".join(" | ".join(row) for row in rows)
    yield Block(BlockKind.TABLE, text, headings, lead=" | ".join(first) if header else "", page=table.page)


def _text_blocks(lines: list[_Line], headings: tuple[str, ...], words: set[str]) -> Iterator[Block]:
    """A stretch of lines as paragraphs and lists."""
    items: list[list[str]] = []
    kinds: list[BlockKind] = []
    for line in lines:
        bullet = _BULLET.match(line.text)
        if bullet or not items:
            items.append([])
            kinds.append(BlockKind.LIST if bullet else BlockKind.PARAGRAPH)
        items[-1].append(_SIGN.sub("", line.text) if bullet else line.text)
    page = lines[0].page
    for kind, group in groupby(zip(kinds, items, strict=True), key=lambda pair: pair[0]):
        text = "\n".join(joined(item, words) for _, item in group)
        if text.strip():
            yield Block(kind, text, headings, page=page)


def joined(lines: Iterable[str], words: set[str]) -> str:
    """Lines as one text; a word broken over two is whole again, "part-time" keeps its hyphen.

    `words` are all words of the document: they tell a hyphen that is meant from one at a line's end.
    """
    text = ""
    for line in lines:
        broken = re.search(r"([^\W\d_]+)[-‐]$", text)
        begins = re.match(r"[^\W\d_]+", line)
        if broken and begins and begins.group().islower():
            hyphenated = f"{broken.group(1)}-{begins.group()}".lower() in words
            text = (text if hyphenated else text[:-1]) + line
        else:
            text = f"{text} {line}" if text else line
    return text
