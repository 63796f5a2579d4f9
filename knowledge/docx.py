"""Word documents (DOCX): read as the HTML that they amount to, so that one reader knows what a heading is."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

from bs4 import Tag

from knowledge.documents import Page, Reading, Skipped
from knowledge.errors import SourceError
from knowledge.html_text import parse_html, read_blocks
from knowledge.languages import language_of
from knowledge.wording import slug, squash, title_from_slug

_LARGEST = 200_000_000  # unpacked; a zip of some kilobytes may hold more than the memory does
_LARGEST_XML = 50_000_000  # of that what is parsed: the tree of a document takes twenty times its size
_STYLES = """
p[style-name='Title'] => h1.title:fresh
p[style-name='Subtitle'] => p:fresh
"""


def read_docx(
    content: bytes,
    source: str,
    url: str = "",
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Reading:
    """The document as one page; headings by their styles, tables as rows under their header."""
    soup = parse_html(_as_html(content, source))
    for table in soup.find_all("table"):
        _mark_header(table)
    head = soup.select_one("h1.title") or soup.find("h1")
    title = squash(head.get_text(" ")) if isinstance(head, Tag) else ""
    title = title or title_from_slug(source.rsplit("/", 1)[-1].rsplit(".", 1)[0])
    if isinstance(head, Tag) and "title" in (head.get("class") or []):
        head.decompose()
    blocks = read_blocks(soup, title)
    if not blocks:
        return Reading(skipped=(Skipped(source, "there is no text in it, only pictures or nothing at all"),))
    words = " ".join(block.text for block in blocks)
    return Reading(
        pages=(Page(slug(source), source, title, url, language_of(words, "", source), blocks=blocks),)
    )


def _as_html(content: bytes, source: str) -> str:
    import mammoth  # noqa: PLC0415  (only those with a document wait for it)

    def no_picture(_: Any) -> dict[str, str]:
        return {"src": ""}

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            sizes = [(entry.filename, entry.file_size) for entry in package.infolist()]
        most = _LARGEST if sum(size for _, size in sizes) > _LARGEST else _LARGEST_XML
        parsed = sum(size for name, size in sizes if name.lower().endswith((".xml", ".rels")))
        if most < _LARGEST and parsed <= most:
            pictures = mammoth.images.img_element(no_picture)
            result = mammoth.convert_to_html(
                io.BytesIO(content),
                style_map=_STYLES,
                convert_image=pictures,
                include_embedded_style_map=False,
            )
            return str(result.value)
    except Exception as error:  # the parser raises whatever a broken file makes it stumble over
        raise SourceError(
            f"{source} cannot be read as a Word document ({type(error).__name__}). "
            "Open it and save it again as .docx."
        ) from error
    raise SourceError(
        f"{source} unpacks to more than {most / 1e6:.0f} MB. Split it, or save it without its pictures."
    )


def _mark_header(table: Tag) -> None:
    """Make the first row a header where it reads like one: Word documents seldom say so."""
    rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
    if len(rows) < 2 or table.find("th"):
        return
    cells = rows[0].find_all("td", recursive=False)
    texts = [squash(cell.get_text(" ")) for cell in cells]
    if len(cells) > 1 and all(texts) and not any(re.search(r"\d", text) for text in texts):
        for cell in cells:
            cell.name = "th"


def is_docx(content: bytes) -> bool:
    """Whether a zip archive is a Word document."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return "word/document.xml" in package.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError):
        return False
