"""A careers page as plain text, as somebody copies it out of a browser.

Nothing marks a heading there, so lines are judged by their shape and neighbours: a short line above
prose is a heading, a number alone announces one, lines between quotation marks are somebody's words,
short lines of places and contract words are open positions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from knowledge.documents import Block, BlockKind, Listing, Page, Reading, Skipped
from knowledge.languages import language_of
from knowledge.people import take_voices
from knowledge.positions import postings_of, take_positions
from knowledge.printed_facts import (
    Line,
    column_names,
    facts_of,
    is_jobs_heading,
    looks_like_title,
    read_listing,
)
from knowledge.unverified import Draft
from knowledge.wording import sentences, slug, squash, title_from_slug, word_set

_LEFTOVER = re.compile(
    r"\S*\.(jpe?g|png|gif|svg|webp|avif|mp4)\)?|!?\[[^\]]*\]\(\S*\)?|[^\w\s]{1,3}|image|photo|logo|video",
    re.I,
)
_FURNITURE = re.compile(
    r"(skip to (main )?content|menu|home|back|back to .{3,20}|privacy( policy| notice)?|"
    r"cookies?( policy| settings| preferences)?|"
    r"accept( all)?( cookies)?|reject all|imprint|impressum|datenschutz|mentions légales|"
    r"aviso legal|terms( of (use|service))?|sitemap|legal notice|"
    r"apply( now| here| today)?|(read|learn|show|view|load|see) (more|less|all|details|"
    r"all (roles|jobs|positions|openings))|"
    r"view (job|role|position|opening)|log ?in|sign (in|up)|share|subscribe|follow us|"
    r"search( jobs)?|filters?|clear( all)?|next|previous|"
    r"jetzt bewerben|mehr erfahren|postuler|en savoir plus|(©|\(c\)|copyright).*|all rights reserved\.?)\W*",
    re.I,
)
_NUMBER_ALONE = re.compile(
    r"(?:#|no\.? ?|step |schritt |étape |paso )?(\d{1,2}|[①-⑳]|[ivx]{1,4}(?=[.)]))\s*[.):]?", re.I
)
_NUMBERED = re.compile(r"^(\d{1,2})\s*[.)]\s+(?=\S)|^(0\d)\s+(?=\S)")
_STEP = re.compile(
    r"^(step|schritt|stage|phase|round|étape|paso|etapa|part|day|week|month|tag|"
    r"woche)\s+(\d{1,2}|one|two|three|four|five|six)\b",
    re.I,
)
_BULLET = re.compile(r"^([-*•·▪‣●○◦►▸→✓✔☑✅■□–—]|o(?=\s{2,}))\s+(?=\S)")
_HASHES = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_RULE = re.compile(r"^(={3,}|-{3,}|~{3,}|\*{3,}|_{3,})$")
_QUESTION = re.compile(r"^(?:q|question|frage|f|p)\s*\d*\s*[:.)]\s+(?=\S)", re.I)
_ANSWER = re.compile(r"^(?:a|answer|antwort|r|réponse|respuesta)\s*\d*\s*[:.)]\s+(?=\S)", re.I)
_SENTENCE_END = re.compile(r"[.!?…][\"”“’»״)\]]*$")
_OPEN_ENDED = word_set(
    """a an the of to for with and or our us we you your my their in on at by from is are what how why
    who when where that this makes make like it & de la le les des du et der die das und für mit von
    zu"""
)
_LONGEST_HEADING, _MOST_HEADING_WORDS, _SLACK = 100, 14, 25
_SHORT_LEAD, _BARE_LEAD, _LEAST_LIST = 15, 4, 3
# Rank of a heading by how it is marked; a lower one stands above a higher one.
_TOP, _CAPS, _PLAIN, _ATTACHED, _COLON, _NUMBER, _ASKED = 1, 2, 30, 40, 50, 60, 70
_LOOSE = (_PLAIN, _ATTACHED)


def read_careers_text(text: str, source: str, url: str = "") -> Reading:
    """The page, its open positions and what it says about their number."""
    lines = _unwrap(_lines(text))
    if not lines:
        return Reading(skipped=(Skipped(source, "there is no text in it"),))
    builder = _Builder(lines, title=_title(lines, source))
    builder.read()
    words = " ".join(block.text for block in builder.blocks)
    language = language_of(words or text, "", source)
    jobs = postings_of(builder.positions, source, url, language)
    page = Page(
        slug(source),
        source,
        builder.title,
        url,
        language,
        blocks=tuple(builder.blocks),
        listing=builder.listing,
    )
    return Reading(pages=(page,) if page.blocks or page.listing else (), jobs=jobs)


# Lines


def _lines(text: str) -> list[Line]:
    """The printed lines without leftovers of images and buttons."""
    lines: list[Line] = []
    gap = False
    for raw in re.split(r"\r\n|[\r\n\u2028\u2029\x0b\x0c]", text):
        # A wide gap is a column's edge, as a tab is.
        line = re.sub(r" {4,}", "\t", re.sub(r"[\u00a0\u2007\u202f]", " ", raw)).strip(" \u200b\ufeff")
        line = re.sub(r"[\u200b\u2060\ufeff\u00ad]", "", line).strip("\t ") if line else ""
        if not line:
            gap = True
        elif not _is_leftover(line):
            lines.append(Line(line, gap))
            gap = False
    return _without_menus(lines)


def _is_leftover(line: str) -> bool:
    return bool(_LEFTOVER.fullmatch(line)) and not _RULE.match(line) and not _BULLET.match(line + " x")


def _without_menus(lines: list[Line]) -> list[Line]:
    """Without buttons, and without menus: short lines in one run with "Skip to content" or "Privacy"."""
    kept: list[Line] = []
    for run in _runs(lines):
        furniture = [line for line in run if _FURNITURE.fullmatch(line.text)]
        menu = len(furniture) >= 1 and len(run) > 1 and all(len(line.text.split()) <= 3 for line in run)
        edge = not kept or len(kept) <= 2 or run[-1] is lines[-1]
        facts = any(
            facts_of(line.text) or re.search(r"\d|@", line.text) for line in run if line not in furniture
        )
        if menu and edge and not facts:
            continue
        gap = run[0].gap
        for line in run:
            if not _FURNITURE.fullmatch(line.text):
                kept.append(replace(line, gap=gap or line.gap))
                gap = False
    return kept


def _runs(lines: Sequence[Line]) -> list[list[Line]]:
    runs: list[list[Line]] = []
    for line in lines:
        if line.gap or not runs:
            runs.append([])
        runs[-1].append(line)
    return runs


def _unwrap(lines: Sequence[Line]) -> list[Line]:
    """Join lines that were broken by width, and headings broken in two."""
    width = _width(lines)
    joined: list[Line] = []
    for index, line in enumerate(lines):
        before = lines[index - 1].text if index else ""
        following = lines[index + 1] if index + 1 < len(lines) else None
        if joined and not line.gap and _continues(before, line.text, following, width):
            last = joined[-1]
            joined[-1] = replace(last, text=f"{last.text} {line.text}", span=last.span + 1)
        else:
            joined.append(line)
    return joined


def _width(lines: Sequence[Line]) -> int:
    """The width at which the text was broken, or 0: lines that go on in small letters show it."""
    broken = [
        len(before.text)
        for before, line in pairwise(lines)
        if not line.gap
        and line.text[:1].islower()
        and not _SENTENCE_END.search(before.text)
        and len(before.text) >= 35
    ]
    longest = max((len(line.text) for line in lines), default=0)
    return max(broken) if len(broken) >= 2 and longest <= max(broken) + _SLACK else 0


def _continues(before: str, text: str, following: Line | None, width: int) -> bool:
    """Whether a line goes on with what the line before it began."""
    if (
        _is_marked(text)
        or facts_of(text)
        or _RULE.match(before)
        or _HASHES.match(before)
        or "@" in text.split()[0]
    ):
        return False
    if width and len(before) + 1 + len(text.split()[0]) > width - 1 and not facts_of(before):
        return True
    if _SENTENCE_END.search(before) or before.endswith(":") or facts_of(before) or "\t" in text:
        return False
    if text[:1].islower():
        entries = (
            len(before) < 35 and following is not None and not following.gap and following.text[:1].islower()
        )
        return not text.startswith(("http", "www.")) and (not entries or bool(_SENTENCE_END.search(text)))
    return before.split()[-1].casefold() in _OPEN_ENDED and len(before.split()) > 1 and len(text.split()) <= 6


def _is_marked(text: str) -> bool:
    """Whether a line starts something of its own: a bullet, a number, a quotation, a question."""
    patterns = (_BULLET, _NUMBERED, _STEP, _QUESTION, _ANSWER, _RULE, _HASHES)
    return (
        any(pattern.match(text) for pattern in patterns)
        or bool(_NUMBER_ALONE.fullmatch(text))
        or text[:1] in '"“„«״‟'
    )


def _title(lines: Sequence[Line], source: str) -> str:
    """The first line that reads like a heading, else the file's name."""
    for line in lines[:5]:
        if _is_heading_shape(line.text) and not facts_of(line.text):
            return _heading_text(line.text)
    return title_from_slug(source.rsplit("/", 1)[-1].rsplit(".", 1)[0])


def _heading_text(text: str) -> str:
    hashes = _HASHES.match(text)
    bare = _QUESTION.sub("", hashes.group(2) if hashes else text)
    return squash(re.sub(r"^\*\*(.+)\*\*$", r"\1", _NUMBERED.sub("", bare))).rstrip(":").strip()


def _is_heading_shape(text: str) -> bool:
    if (
        len(text) > _LONGEST_HEADING
        or len(text.split()) > _MOST_HEADING_WORDS
        or not re.search(r"[^\W\d]", text)
    ):
        return False
    if text.endswith((",", ";")) or _BULLET.match(text) or "\t" in text or " | " in text:
        return False
    return text.endswith(("?", "!", ":")) or not _SENTENCE_END.search(text) or text.endswith("...")


def _is_prose(text: str) -> bool:
    """Whether a line is running text, not a heading or an entry of a list."""
    return (
        len(text) > _LONGEST_HEADING
        or len(text.split()) > _MOST_HEADING_WORDS
        or bool(_SENTENCE_END.search(text) and len(text.split()) >= 3)
    )


# Building the page


@dataclass
class _Heading:
    text: str
    rank: int
    count: int
    adopts: set[int] = field(default_factory=set)


@dataclass
class _Builder:
    """Walks over the lines once and gathers blocks, positions and the count of positions."""

    lines: list[Line]
    title: str
    blocks: list[Block] = field(default_factory=list)
    positions: list[tuple[tuple[str, ...], list[Draft]]] = field(default_factory=list)
    listing: Listing | None = None
    path: list[_Heading] = field(default_factory=list)
    at: int = 0
    titled: bool = False
    # The line after the last positions or their count: more of them may go on there.
    listed_until: int = -1

    def read(self) -> None:
        """Read every line; each step takes at least one."""
        steps = (
            self._take_title,
            self._take_rule,
            self._take_count,
            self._take_voices,
            self._take_positions,
            self._take_numbered,
            self._take_question,
            self._take_bullets,
            self._take_table,
            self._take_heading,
            self._take_entries,
        )
        while self.at < len(self.lines):
            if not any(step() for step in steps):
                self._paragraph(self._line.text)
                self.at += 1

    @property
    def _line(self) -> Line:
        return self.lines[self.at]

    @property
    def _headings(self) -> tuple[str, ...]:
        return tuple(heading.text for heading in self.path)

    def _peek(self, offset: int = 1) -> Line | None:
        index = self.at + offset
        return self.lines[index] if index < len(self.lines) else None

    def _add(self, kind: BlockKind, text: str, lead: str = "", speaker: str = "") -> None:
        self.blocks.append(Block(kind, text, self._headings, lead, speaker))

    def _paragraph(self, text: str) -> None:
        if self._closes_questions(text):
            self.path.pop()
        self._add(BlockKind.PARAGRAPH, squash(_ANSWER.sub("", text)))

    @property
    def _progress(self) -> int:
        return len(self.blocks) + len(self.positions)

    def _is_bare(self) -> bool:
        """Whether the heading above has nothing below it yet."""
        return bool(self.path) and self.path[-1].count == self._progress

    def _closes_questions(self, text: str) -> bool:
        """Whether a paragraph after the last "Q: … A: …" is no longer part of the answer."""
        if not self.path or self.path[-1].rank != _ASKED or self._is_bare() or not self._line.gap:
            return False
        marked = any(_ANSWER.match(line.text) for line in self.lines[: self.at])
        return (
            marked
            and not _ANSWER.match(text)
            and not any(_QUESTION.match(line.text) for line in self.lines[self.at :])
        )

    def _heading(self, text: str, rank: int) -> None:
        """Start a heading. One that only its position marks goes below another where the first of its kind did."""
        if self._is_bare() and self.path[-1].rank == rank == _ATTACHED and not self._line.gap:
            self.path[-1].rank = _PLAIN  # two in a row without an empty line: the first heads the second
        if self._is_bare() and self.path[-1].rank < rank:
            self.path[-1].adopts.add(rank)
        depth = sum(1 for heading in self.path if heading.rank < rank)
        if rank in _LOOSE:
            adopting = [index for index in range(depth) if rank in self.path[index].adopts]
            depth = adopting[-1] + 1 if adopting else 0
        self.path = [*self.path[:depth], _Heading(text, rank, self._progress)]

    # One step for each thing a page can hold: True when it was there and is taken.

    def _take_title(self) -> bool:
        if self.titled or _heading_text(self._line.text) != self.title:
            return False
        self.titled = True
        if len(self.lines) == 1:
            return False
        self.at += 1
        return True

    def _take_rule(self) -> bool:
        """A line of === or --- underlines the heading above it or divides."""
        if not _RULE.match(self._line.text):
            return False
        self.at += 1
        return True

    def _take_count(self) -> bool:
        found = read_listing([line.text for line in self.lines[self.at : self.at + 7]])
        if not found:
            return False
        listing, count = found
        if self.listing is None or (self.listing.shown is None and listing.shown is not None):
            self.listing = listing
        self._add(BlockKind.PARAGRAPH, listing.quote)
        self.at += count
        self.listed_until = self.at
        return True

    def _take_positions(self) -> bool:
        """Positions: with little proof right below their heading, with more elsewhere."""
        heading = self.path[-1].text if self.path else self.title if self.titled else ""
        announced = is_jobs_heading(heading)
        fresh = announced and (
            self._is_bare() or (not self.path and not self.blocks) or self.at == self.listed_until
        )
        if not fresh and not self._may_be_title():
            return False
        first = replace(self._line, gap=self._line.gap and self.at == self.listed_until)
        drafts, count = take_positions([first, *self.lines[self.at + 1 :]], fresh, announced)
        if not drafts:
            return False
        self.positions.append((self._headings, drafts))
        self.at += count
        self.listed_until = self.at
        return True

    def _may_be_title(self) -> bool:
        text = self._line.text
        return looks_like_title(re.split(r"\s[—|·•–/]\s|\t", text)[0]) or bool(column_names(text))

    def _take_voices(self) -> bool:
        voices, count = take_voices(self.lines[self.at :], first_of_page=not self.blocks)
        for voice in voices:
            self._add(BlockKind.QUOTATION, voice.text, speaker=voice.speaker)
        self.at += count
        return bool(voices)

    def _take_numbered(self) -> bool:
        """“01” above its title, "1. Title" above prose, or a numbered list."""
        text = self._line.text
        following = self._peek()
        if _NUMBER_ALONE.fullmatch(text) and following and _is_heading_shape(following.text):
            self.at += 1
            self._heading(_heading_text(following.text), _NUMBER)
            self.at += 1
            return True
        if not _NUMBERED.match(text):
            return False
        if self._is_heading_here() and not (following and _NUMBERED.match(following.text)):
            self._heading(_heading_text(text), _NUMBER)
            self.at += 1
            return True
        self._list(_NUMBERED, keep_mark=True)
        return True

    def _take_question(self) -> bool:
        if not _QUESTION.match(self._line.text) and not self._is_answered():
            return False
        self._heading(_heading_text(self._line.text), _ASKED)
        self.at += 1
        return True

    def _is_answered(self) -> bool:
        following = self._peek()
        return (
            following is not None
            and bool(_ANSWER.match(following.text))
            and not _ANSWER.match(self._line.text)
        )

    def _take_bullets(self) -> bool:
        if not _BULLET.match(self._line.text):
            return False
        self._list(_BULLET, keep_mark=False)
        return True

    def _list(self, mark: re.Pattern[str], keep_mark: bool) -> None:
        lead = self._lead()
        items: list[str] = []
        while self.at < len(self.lines) and mark.match(self._line.text):
            items.append(squash(self._line.text if keep_mark else mark.sub("", self._line.text)))
            self.at += 1
        self._add(BlockKind.LIST, "\n".join(items), lead)

    def _lead(self) -> str:
        """The sentence with a colon just above a list; a short one stands only there."""
        if self._is_bare() and self.path[-1].rank == _COLON:
            return f"{self.path[-1].text}:"
        before = self.blocks[-1] if self.blocks else None
        if before is None or before.headings != self._headings or not before.text.endswith(":"):
            return ""
        parts = sentences(before.text)
        if len(parts) == 1 and len(before.text.split()) <= _SHORT_LEAD:
            self.blocks.pop()
        return squash(" ".join(parts[-2:]) if len(parts[-1].split()) <= _BARE_LEAD else parts[-1])

    def _take_table(self) -> bool:
        """Rows of cells between bars or tabs."""
        rows: list[str] = []
        index = self.at
        while index < len(self.lines) and len(_cells(self.lines[index].text)) > 1:
            rows.append(" | ".join(_cells(self.lines[index].text)))
            index += 1
        if len(rows) < 2:
            return False
        divider = [row for row in rows[1:2] if not re.search(r"\w", row)]
        lead = rows[0] if divider or not re.search(r"\d", rows[0]) else ""
        body = [row for row in rows[1 if lead else 0 :] if re.search(r"\w", row)]
        self._add(BlockKind.TABLE, "\n".join(body), lead)
        self.at = index
        return True

    def _take_heading(self) -> bool:
        if not self._is_heading_here():
            return False
        rank = self._rank()
        self._heading(_heading_text(self._line.text), rank)
        self.at += 1
        return True

    def _is_heading_here(self) -> bool:
        """A short line above prose, a list, quotations or another heading, but not the last of a run of entries."""
        text, following = self._line.text, self._peek()
        if _HASHES.match(text) or (
            following is not None and re.match(r"^(={3,}|-{3,})$", following.text) and not following.gap
        ):
            return True
        if not _is_heading_shape(text) or following is None or (facts_of(text) and not text.isupper()):
            return False
        if text[:1].islower() or _ANSWER.match(text) or self._follows_colon():
            return False
        if _is_prose(following.text) or _is_marked(following.text) or (text.isupper() and len(text) > 3):
            return True
        if len(_cells(following.text)) > 1 or is_jobs_heading(text):
            return True
        return self._run_length() < _LEAST_LIST or self._opens_run()

    def _follows_colon(self) -> bool:
        before = self.blocks[-1] if self.blocks else None
        return (
            before is not None
            and before.text.endswith(":")
            and not self._line.gap
            and not _is_prose((self._peek() or self._line).text)
        )

    def _run_length(self) -> int:
        """How many short lines stand here in a row that have nothing of their own below."""
        count = 0
        for line in self.lines[self.at :]:
            if _is_prose(line.text) or _is_marked(line.text) or (count and line.gap != self._spaced()):
                break
            count += 1
        return count

    def _spaced(self) -> bool:
        following = self._peek()
        return following is not None and following.gap

    def _opens_run(self) -> bool:
        """Whether this first line of a run of short ones is their heading: nothing else is one yet."""
        bare = self._is_bare()
        return self._line.gap and not bare

    def _rank(self) -> int:
        text, following = self._line.text, self._peek()
        if hashes := _HASHES.match(text):
            return len(hashes.group(1))
        if following and re.match(r"^(={3,}|-{3,})$", following.text):
            return _TOP + following.text.startswith("-")
        if text.isupper() and len(text) > 3:
            return _CAPS
        if _STEP.match(text):
            return _NUMBER
        if text.endswith(":"):
            return _COLON
        if text.endswith("?") and self._nests_questions():
            return _ASKED
        spaced = following is not None and following.gap
        return _PLAIN if spaced or is_jobs_heading(text) else _ATTACHED

    def _nests_questions(self) -> bool:
        """Whether the heading above holds questions: it has nothing else below it."""
        last = self.path[-1] if self.path else None
        return last is not None and (last.text.endswith("?") or self._is_bare())

    def _take_entries(self) -> bool:
        """Short lines in a row are a list: perks without bullets, an address."""
        lines: list[str] = []
        for offset in range(len(self.lines) - self.at):
            line = self.lines[self.at + offset]
            following = self._peek(offset + 1)
            heads_prose = following is not None and _is_prose(following.text) and not line.text[:1].islower()
            if (
                _is_prose(line.text)
                or _is_marked(line.text)
                or (offset and line.gap and not self._spaced())
                or heads_prose
                or is_jobs_heading(line.text)
            ):
                break
            lines.append(line.text)
        if len(lines) < 2:
            return False
        self._add(BlockKind.LIST, "\n".join(squash(line) for line in lines), self._lead())
        self.at += len(lines)
        return True


def _cells(text: str) -> list[str]:
    return [squash(cell) for cell in re.split(r"\t| \| |^\||\|$", text) if cell.strip()]
