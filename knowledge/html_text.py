"""HTML fragments as blocks: the words a visitor sees, under their headings, without frame and markup."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from bs4 import BeautifulSoup, Comment, Tag
from bs4.element import NavigableString, PreformattedString

from knowledge.documents import Block, BlockKind
from knowledge.errors import SourceError
from knowledge.wording import fold, sentences, squash, word_set

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SUMMARY_LEVEL, _TERM_LEVEL, _BOLD_LEVEL = 7, 8, 9
NEVER_SEEN = (
    "script,style,template,svg,iframe,object,canvas,audio,video,select,input,textarea,dialog,"
    "[role=navigation],[role=search],[role=dialog],[role=alertdialog],[role=banner],[role=contentinfo]"
)
INLINE = word_set(
    """a abbr acronym b bdi bdo big br button cite code data del dfn em font i img ins kbd label mark
    meter output picture progress q ruby s samp small source span strike strong sub sup time tt u
    var wbr"""
)
BANNER = re.compile(
    r"cookie|consent|gdpr|onetrust|skip-?(link|nav|to)|breadcrumb|share-?(bar|buttons|links)", re.I
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
# Classes of the usual style sheets for what is not shown; "hidden md:block" is shown on larger screens.
_HIDDEN_CLASSES = frozenset(("hidden", "d-none", "is-hidden", "w-condition-invisible"))
_SHOWN_CLASS = re.compile(r".+:(block|flex|grid|inline.*|table.*)|d-\w+-(block|flex|grid|inline.*|table.*)")
_BUTTON_WORDS = re.compile(
    r"(skip to (main )?content|apply( now| here)?|(read|learn|show|view|load|see) (more|all)|"
    r"back( to top)?|share|"
    r"menu|close|print|jetzt bewerben|mehr erfahren|postuler|en savoir plus|toggle navigation)\W*",
    re.I,
)
_LONG_HEADING, _SHORT_ANSWER, _SHORT_LEAD, _BARE_LEAD = 110, 80, 15, 4


def html_blocks(text: str, title: str = "") -> tuple[Block, ...]:
    """The blocks of an HTML fragment, such as a posting's description."""
    return read_blocks(parse_html(text), title)


def html_text(text: str) -> str:
    """The words of an HTML fragment on one line."""
    return squash(parse_html(text).get_text(" ")) if "<" in text or "&" in text else squash(text)


def first_heading(text: str) -> str:
    """The first h1 of an HTML fragment, or ""."""
    heading = parse_html(text).find("h1")
    return squash(heading.get_text(" ")) if heading else ""


_MOST_TAGS = {"lxml": 1_000_000, "xml": 4_000_000}


def parse_html(text: str, parser: str = "lxml") -> BeautifulSoup:
    """The tree of a page or fragment; with the parser "xml", of a feed.

    Raises `SourceError` where it has so many tags that nothing but an attack is behind it: each costs a
    kilobyte of memory, and twenty megabytes of them would cost seven gigabytes.
    """
    if text.count("<") > (most := _MOST_TAGS[parser]):
        raise SourceError(f"It has more than {most:,} tags. Save the part that matters to a file.")
    try:
        with warnings.catch_warnings():
            # bs4 warns of texts that look like a file name or XML; a careers page may say either.
            warnings.simplefilter("ignore")
            return BeautifulSoup(text, parser)
    except (RecursionError, AssertionError, ValueError) as error:
        raise SourceError(
            f"The page cannot be parsed ({type(error).__name__}). Save the page again."
        ) from error


# What is seen


def read_blocks(soup: BeautifulSoup, title: str) -> tuple[Block, ...]:
    """The blocks of a parsed page; what a visitor does not see is removed from the tree."""
    remove_unseen(soup)
    panels = frozenset(str(tag["aria-controls"]) for tag in soup.select("button[aria-controls]"))
    outline = _Outline(title, len(soup.find_all("h1")) == 1, panels)
    try:
        _walk(soup.body or soup, outline)
        outline.flush()
    except RecursionError as error:
        raise SourceError(
            "The page's elements are nested hundreds deep. Save its text as a .txt file."
        ) from error
    return tuple(outline.finished())


def remove_unseen(soup: BeautifulSoup) -> None:
    """Take out of the tree what a visitor does not see: scripts, frame, banners, hidden elements."""
    for comment in soup.find_all(string=lambda string: isinstance(string, Comment | PreformattedString)):
        comment.extract()
    for tag in soup.select(NEVER_SEEN):
        tag.decompose()
    controlled = {str(tag["aria-controls"]) for tag in soup.select("[aria-controls]")}
    for tag in soup.find_all(lambda tag: is_hidden(tag, controlled)):
        tag.decompose()
    for tag in soup.select("nav, header, footer, form, noscript"):
        _remove_frame(soup, tag)
    for tag in [*soup.find_all(class_=BANNER), *soup.find_all(id=BANNER)]:
        if not tag.decomposed and tag.name not in ("body", "html", "main") and not tag.find(["h1", "main"]):
            tag.decompose()


def is_hidden(tag: Tag, controlled: set[str]) -> bool:
    """Whether an element is hidden for good: what a button opens is only folded away."""
    hidden = (
        tag.get("hidden") not in (None, "until-found")
        or str(tag.get("aria-hidden", "")).lower() == "true"
        or bool(_HIDDEN_STYLE.search(str(tag.get("style", ""))))
        or _has_hidden_class(tag)
    )
    opens = str(tag.get("id", "")) in controlled or tag.get("role") in ("tabpanel", "region")
    return hidden and not opens and not _answers_question(tag)


def _has_hidden_class(tag: Tag) -> bool:
    classes = str(tag.get("class") and " ".join(tag["class"])).split()
    return any(name in _HIDDEN_CLASSES for name in classes) and not any(map(_SHOWN_CLASS.fullmatch, classes))


def _answers_question(tag: Tag) -> bool:
    """Whether what stands just before is a question to be pressed, and this its folded answer."""
    before = tag.find_previous_sibling()
    if not isinstance(before, Tag):
        return False
    asks = before.has_attr("aria-expanded") or before.select_one("[aria-expanded]") is not None
    return asks or squash(before.get_text(" ")).endswith("?")


def _remove_frame(soup: BeautifulSoup, tag: Tag) -> None:
    """Take away a page's frame, but not a header that holds the heading or a form around the whole page."""
    if tag.decomposed:
        return
    share = len(tag.get_text()) / max(len(soup.get_text()), 1)
    if tag.name == "noscript":
        keep = share > 0.9
    elif tag.name == "form":
        keep = share > 0.5
    elif tag.name == "nav":
        keep = False
    else:
        keep = bool(
            tag.find_parent(["article", "main", "section", "blockquote", "figure", "li"]) or tag.find("h1")
        )
    if not keep:
        tag.decompose()


# Walking the tree


@dataclass
class _Outline:
    """The blocks read so far, the headings above the next one and the inline words not yet placed."""

    title: str
    single_h1: bool = False
    panels: frozenset[str] = frozenset()
    blocks: list[Block] = field(default_factory=list)
    path: list[tuple[int, str, int]] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)

    @property
    def headings(self) -> tuple[str, ...]:
        return tuple(text for _, text, _ in self.path)

    def flush(self) -> None:
        """Make a paragraph of the inline words gathered since the last block."""
        text = _join_inline(self.pending)
        self.pending.clear()
        for part in re.split(r"\n{2,}", text):
            numbers_next = re.fullmatch(r"\W*\d{1,2}\W*", part)
            if part.strip() and not numbers_next and not _BUTTON_WORDS.fullmatch(part.strip()):
                self.add(BlockKind.PARAGRAPH, part.strip())

    def heading(self, level: int, text: str) -> None:
        """Start a heading; one without anything under it survives as words if it may state a fact."""
        self.flush()
        self._keep_bare_heading(level)
        # The only h1 heads the whole page, like its title: as context it would repeat in every passage.
        self.path = [
            entry for entry in self.path if entry[0] < level and not (entry[0] == 1 and self.single_h1)
        ]
        if text and not (level == 1 and fold(text) == fold(self.title)):
            self.path.append((level, text, len(self.blocks)))

    def add(self, kind: BlockKind, text: str, lead: str = "", speaker: str = "") -> None:
        """Append a block under the current headings."""
        if text:
            self.blocks.append(Block(kind, text, self.headings, lead, speaker))

    def take_lead(self) -> str:
        """The sentence just before a list that introduces it; a short one stands only there."""
        before = self.blocks[-1] if self.blocks else None
        if before is None or before.kind is not BlockKind.PARAGRAPH or before.headings != self.headings:
            return ""
        if not before.text.endswith(":"):
            return ""
        parts = sentences(before.text)
        if len(parts) == 1 and len(before.text.split()) <= _SHORT_LEAD:
            self.blocks.pop()
        return squash(" ".join(parts[-2:]) if len(parts[-1].split()) <= _BARE_LEAD else parts[-1])

    def leave(self, tag: Tag, depth: int) -> None:
        """Close the headings of cards side by side when their row ends: what follows is not the last card's."""
        opened = self.path[depth:]
        if not opened or opened[-1][2] == len(self.blocks):
            return
        level = min(entry[0] for entry in opened)
        cards = [
            part
            for part in tag.find_all(True, recursive=False)
            if part.name not in _HEADINGS and part.find(f"h{level}")
        ]
        if level in _HEADINGS.values() and len(cards) > 1:
            self.path = self.path[:depth]

    def finished(self) -> list[Block]:
        """All blocks, with what the last heading still owed."""
        self._keep_bare_heading(0)
        return self.blocks

    def _keep_bare_heading(self, level: int) -> None:
        if not self.path:
            return
        last_level, text, count = self.path[-1]
        bare = count == len(self.blocks) and level <= last_level
        if bare and (last_level == _BOLD_LEVEL or re.search(r"\d|@", text)):
            self.path.pop()
            self.add(BlockKind.PARAGRAPH, text)


def _walk(parent: Tag, outline: _Outline) -> None:
    for child in list(parent.children):
        if isinstance(child, NavigableString):
            outline.pending.append(re.sub(r"\s+", " ", str(child)))
        elif isinstance(child, Tag):
            _walk_tag(child, outline)


def _walk_tag(tag: Tag, outline: _Outline) -> None:
    if tag.name in _HEADINGS or tag.get("role") == "heading":
        outline.heading(_HEADINGS.get(tag.name) or _aria_level(tag), _one_line(tag))
    elif tag.name == "br":
        outline.pending.append("\n")
    elif tag.name == "button":
        _walk_button(tag, outline)
    elif _is_inline(tag):
        outline.pending.append(_Edge(_inline(tag)))
    else:
        outline.flush()
        depth = len(outline.path)
        _BLOCK_WALKERS.get(tag.name, _walk)(tag, outline)
        outline.flush()
        if tag.name in ("div", "section", "article", "ul", "ol"):
            outline.leave(tag, depth)
        if tag.get("id") in outline.panels:
            outline.path = [entry for entry in outline.path if entry[0] < _SUMMARY_LEVEL]


def _walk_button(tag: Tag, outline: _Outline) -> None:
    """A button that opens a panel is the panel's heading; any other is no content."""
    if tag.get("aria-controls") or tag.get("aria-expanded"):
        outline.heading(_SUMMARY_LEVEL, _one_line(tag))


def _walk_paragraph(tag: Tag, outline: _Outline) -> None:
    text = _one_line(tag)
    bold = "".join(_one_line(part) for part in tag.find_all(["strong", "b"], recursive=False))
    if text and squash(bold) == text and len(text) <= _LONG_HEADING and not text.endswith((".", ",", ";")):
        outline.heading(_BOLD_LEVEL, text.rstrip(":").strip())
    else:
        _walk(tag, outline)


def _walk_list(tag: Tag, outline: _Outline) -> None:
    items = tag.find_all("li", recursive=False)
    if tag.find([*_HEADINGS, "table", "dl"]) or not items:
        _walk(tag, outline)
        return
    lead = outline.take_lead()
    lines = [line for item in items for line in _item_lines(item)]
    outline.add(BlockKind.LIST, "\n".join(lines), lead)


def _item_lines(item: Tag) -> list[str]:
    """An item's own words on a line, and each item nested in it on a line of its own."""
    nested = [
        line
        for part in item.find_all(["ul", "ol"])
        if part.find_parent("li") is item
        for line in _list_lines(part)
    ]
    own = BeautifulSoup(str(item), "lxml")
    for part in own.find_all(["ul", "ol"]):
        part.decompose()
    text = squash(_join_inline([_block_text(own.body or own)]))
    return ([text] if text and not _BUTTON_WORDS.fullmatch(text) else []) + nested


def _list_lines(tag: Tag) -> list[str]:
    return [line for item in tag.find_all("li", recursive=False) for line in _item_lines(item)]


def _walk_definitions(tag: Tag, outline: _Outline) -> None:
    """Terms with short answers are one list; terms with longer ones are headings."""
    pairs = _definitions(tag)
    short = all(len(_one_line(answer)) <= _SHORT_ANSWER and not _has_blocks(answer) for _, answer in pairs)
    if pairs and short:
        lead = outline.take_lead()
        outline.add(
            BlockKind.LIST,
            "\n".join(f"{term.rstrip(':')}: {_one_line(answer)}" for term, answer in pairs),
            lead,
        )
        return
    for term, answer in pairs:
        outline.heading(_TERM_LEVEL, term)
        _walk(answer, outline)
        outline.flush()
    outline.path = [entry for entry in outline.path if entry[0] < _TERM_LEVEL]


def _definitions(tag: Tag) -> list[tuple[str, Tag]]:
    pairs: list[tuple[str, Tag]] = []
    term = ""
    for part in tag.find_all(["dt", "dd"]):
        if part.name == "dt":
            term = _one_line(part)
        else:
            pairs.append((term, part))
    return pairs


def _walk_table(tag: Tag, outline: _Outline) -> None:
    rows = [row for row in tag.find_all("tr") if row.find_parent("table") is tag]
    cells = [[_one_line(cell) for cell in row.find_all(["td", "th"], recursive=False)] for row in rows]
    if tag.find(["table", *_HEADINGS]) or max((len(row) for row in cells), default=0) < 2:
        _walk(tag, outline)
        return
    caption = tag.find("caption")
    if isinstance(caption, Tag):
        outline.add(BlockKind.PARAGRAPH, _one_line(caption))
    header = cells[0] if _is_header_row(rows[0]) else []
    lines = [" | ".join(row) for row in cells[1 if header else 0 :] if any(row)]
    outline.add(BlockKind.TABLE, "\n".join(lines), " | ".join(header))


def _is_header_row(row: Tag) -> bool:
    return row.find_parent("thead") is not None or (row.find("th") is not None and row.find("td") is None)


def _walk_quotation(tag: Tag, outline: _Outline) -> None:
    """A quotation with who says it; block quotes without a speaker are often call-outs, so plain paragraphs."""
    caption = tag.find(["figcaption", "cite", "footer"])
    speaker = squash(_one_line(caption)).lstrip("—–- ") if isinstance(caption, Tag) else ""
    if isinstance(caption, Tag):
        caption.extract()
    quoted = tag if tag.name == "blockquote" else tag.find("blockquote")
    text = _one_line(quoted) if isinstance(quoted, Tag) else ""
    if not text or not (speaker or is_quoted(text)):
        _walk(tag, outline)
    else:
        outline.add(BlockKind.QUOTATION, unquote(text), speaker=speaker)
    if isinstance(quoted, Tag) and quoted is not tag and text and speaker:
        quoted.extract()
        _walk(tag, outline)


_QUOTES = "\"“”„‟«»‹›״'‘’‚「」『』"


def is_quoted(text: str) -> bool:
    """Whether a text begins and ends with quotation marks of any kind, matching or not."""
    return len(text) > 2 and text[0] in _QUOTES and text.rstrip(".,")[-1:] in _QUOTES


def unquote(text: str) -> str:
    """The words of a quotation without its marks."""
    return text.strip().strip(_QUOTES if is_quoted(text.strip()) else "").strip()


def _walk_figure(tag: Tag, outline: _Outline) -> None:
    (_walk_quotation if tag.find("blockquote") else _walk)(tag, outline)


def _walk_details(tag: Tag, outline: _Outline) -> None:
    summary = tag.find("summary", recursive=False)
    if isinstance(summary, Tag):
        outline.heading(_SUMMARY_LEVEL, _one_line(summary))
        summary.extract()
    _walk(tag, outline)
    outline.flush()
    outline.path = [entry for entry in outline.path if entry[0] < _SUMMARY_LEVEL]


def _walk_preformatted(tag: Tag, outline: _Outline) -> None:
    outline.add(BlockKind.PARAGRAPH, tag.get_text().strip())


def _walk_nothing(tag: Tag, outline: _Outline) -> None:
    """For rules and the like."""


_BLOCK_WALKERS = {
    "p": _walk_paragraph,
    "ul": _walk_list,
    "ol": _walk_list,
    "menu": _walk_list,
    "dl": _walk_definitions,
    "table": _walk_table,
    "blockquote": _walk_quotation,
    "figure": _walk_figure,
    "details": _walk_details,
    "pre": _walk_preformatted,
    "hr": _walk_nothing,
}


def _is_inline(tag: Tag) -> bool:
    return (tag.name in INLINE or "-" in tag.name) and not _has_blocks(tag)


def _has_blocks(tag: Tag) -> bool:
    return tag.find(lambda inner: inner.name not in INLINE and "-" not in inner.name) is not None


def _aria_level(tag: Tag) -> int:
    level = str(tag.get("aria-level", "2"))
    return min(max(int(level), 1), 6) if level.isascii() and level.isdigit() else 2


# Words of inline elements


class _Edge(str):
    """The words of one inline element: two side by side are set apart by the page's styling."""

    __slots__ = ()


def _inline(tag: Tag) -> str:
    """An inline element's words; a mailto address that is not among them follows in parentheses."""
    if tag.name == "br":
        return "\n"
    text = _join_inline(
        [
            re.sub(r"\s+", " ", str(part)) if isinstance(part, NavigableString) else _Edge(_inline(part))
            for part in tag.children
            if isinstance(part, NavigableString | Tag)
        ]
    )
    href = str(tag.get("href", ""))
    if tag.name == "a" and href.lower().startswith("mailto:"):
        address = href[7:].split("?")[0].strip()
        if address and address.lower() not in text.lower():
            return f"{text.rstrip()} ({address})"
    return text


def _join_inline(parts: Iterable[str]) -> str:
    joined = ""
    parts = list(parts)
    for before, part in pairwise(["", *parts]):
        glued = isinstance(before, _Edge) and isinstance(part, _Edge) and before[-1:].isalnum()
        joined += " " + part if glued and before[-1:].islower() and part[:1].isupper() else part
    return re.sub(r" *\n *", "\n", re.sub(r"[ \t\u00a0]+", " ", joined)).strip("\n") if joined.strip() else ""


def _one_line(tag: Tag) -> str:
    return squash(_block_text(tag))


def _block_text(tag: Tag) -> str:
    """All words of an element, block children set apart by spaces."""
    parts: list[str] = []
    for part in tag.children:
        if isinstance(part, NavigableString):
            parts.append(re.sub(r"\s+", " ", str(part)))
        elif isinstance(part, Tag):
            parts.append(_Edge(_inline(part)) if _is_inline(part) else f"\n{_block_text(part)}\n")
    joined = ""
    for before, text in pairwise(["", *parts]):
        glued = (
            isinstance(before, _Edge)
            and isinstance(text, _Edge)
            and before[-1:].islower()
            and text[:1].isupper()
        )
        joined += " " + text if glued else text
    return joined
