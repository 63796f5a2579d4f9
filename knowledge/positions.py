"""Open positions as pages print them: one line a role, or a title with short lines below it.

What a line means is decided by what it is (a place, a contract word, a salary, a date), not by its order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from knowledge.documents import Block, BlockKind, JobPosting, Reading
from knowledge.labels import classify
from knowledge.places import is_place
from knowledge.printed_facts import (
    BULLET,
    COUNT,
    LONGEST_ROW,
    LONGEST_TITLE,
    MOST_COUNT_LINES,
    MOST_RUN_TOGETHER,
    SEPARATORS,
    Line,
    column_names,
    facts_of,
    is_jobs_heading,
    is_sentence,
    is_short,
    looks_like_department,
    looks_like_title,
    place_facts,
    read_listing,
)
from knowledge.unverified import Draft, make_postings
from knowledge.wording import fold, squash

# Runs of positions


def take_positions(lines: Sequence[Line], announced: bool, below: bool = True) -> tuple[list[Draft], int]:
    """Return the positions that start at the first line, and how many lines they take; none gives ([], 0).

    `announced` says that a heading such as "Open positions" stands right above, `below` that one stands
    somewhere above: the less a heading says, the more proof the lines themselves must give.
    """
    joined = _join_split_labels(lines)
    for read in (_take_rows, _take_stacks):
        drafts, taken = read(joined, announced)
        count = sum(line.span for line in joined[:taken])
        proven = [draft for draft in drafts if len(draft.facts) >= (1 if announced else 2)]
        titled = all(looks_like_title(draft.title) for draft in proven[:2])
        if drafts and (
            announced or (titled and len(proven) >= (1 if below else 2)) or column_names(lines[0].text)
        ):
            return drafts, count
    return [], 0


def _join_split_labels(lines: Sequence[Line]) -> list[Line]:
    """“Intern” and "Program" on two lines are one label where the vocabulary knows them together."""
    joined: list[Line] = []
    for line in lines:
        last = joined[-1] if joined else None
        known = last and not line.gap and classify(last.text) and not classify(line.text)
        if last and known and len(line.text.split()) == 1 and classify(f"{last.text} {line.text}"):
            joined[-1] = Line(f"{last.text} {line.text}", last.gap, last.span + line.span)
        else:
            joined.append(line)
    return joined


def _take_rows(lines: Sequence[Line], announced: bool) -> tuple[list[Draft], int]:
    """Positions with one line each: "Field Engineer — Nairobi — On-site — Full time"."""
    drafts: list[Draft] = []
    columns: list[str] = []
    department, taken = "", 0
    for index, line in enumerate(lines):
        if names := column_names(line.text):
            columns = names
            continue
        draft = _row(line.text, columns)
        following = lines[index + 1].text if index + 1 < len(lines) else ""
        if draft:
            draft.above = department
            drafts.append(draft)
            taken = index + 1
        elif (
            is_short(line.text)
            and _row(following, columns)
            and not facts_of(line.text)
            and len(line.text.split()) <= 5
        ):
            department = _subheading(line.text)
        elif (
            announced
            and drafts
            and not line.gap
            and looks_like_title(BULLET.sub("", line.text))
            and is_short(line.text)
        ):
            drafts.append(Draft(BULLET.sub("", line.text), [line.text], above=department))
            taken = index + 1
        else:
            break
    return drafts, taken


def _row(text: str, columns: Sequence[str] = ()) -> Draft | None:
    """A whole line as a position: a title and at least one fact, set apart by a separator or brackets."""
    line = BULLET.sub("", squash_keeping_tabs(text)) if len(text) <= LONGEST_ROW else ""
    if not line or (line.endswith((".", "?", "!", ":")) and not line.endswith("etc.")):
        return None
    for separator in SEPARATORS:
        parts = [squash(part) for part in re.split(separator, line) if part.strip()]
        if len(parts) > 1 and (draft := _row_of(parts, columns, separator, line)):
            return draft
    bracket = re.fullmatch(r"(.+?)\s*\(([^()]+)\)", line)
    if bracket and (facts := facts_of(bracket.group(2))) and not facts_of(bracket.group(1)):
        return Draft(bracket.group(1), [line], facts)
    return None


def squash_keeping_tabs(text: str) -> str:
    """The line without odd white space, but with the tabs and wide gaps that set columns apart."""
    return re.sub(r"\s*\t\s*", "\t", re.sub(r"[\u00a0\u2009\u202f]", " ", text)).strip(" ")


def _row_of(parts: list[str], columns: Sequence[str], separator: str, line: str) -> Draft | None:
    if len(columns) == len(parts) and "title" in columns:
        return _row_by_columns(parts, columns, line)
    facts = [facts_of(part) for part in parts]
    known = [index for index, found in enumerate(facts) if found]
    if not known or known[0] == 0:
        return None
    comma = "," in separator
    if comma and (
        len(known) < len(parts) - known[0] or len(line) > LONGEST_TITLE + 40 or not looks_like_title(parts[0])
    ):
        return None
    title, department = parts[: known[0]], ""
    if len(title) > 1 and looks_like_department(title[-1]) and not comma:
        department = title.pop()
    glue = re.search(separator, line)
    draft = Draft(
        (glue.group() if glue and glue.group().strip() else " – ").join(title), [line], department=department
    )
    if len(draft.title) > LONGEST_TITLE or is_sentence(draft.title):
        return None
    _move_place_out_of_title(draft, any(name == "locations" for found in facts for name, _ in found))
    for index in range(known[0], len(parts)):
        if facts[index]:
            draft.facts += facts[index]
        elif not draft.department:
            draft.department = parts[index]
    return draft


def _move_place_out_of_title(draft: Draft, placed: bool) -> None:
    """“Barista, Porto — part-time”: the place may be set off by a comma only."""
    title, comma, place = draft.title.rpartition(", ")
    if comma and not placed and is_place(place):
        draft.title = title
        draft.facts += place_facts(place)


def _row_by_columns(parts: list[str], columns: Sequence[str], line: str) -> Draft:
    draft = Draft("", [line])
    for name, part in zip(columns, parts, strict=True):
        if name == "title":
            draft.title = part
        elif name == "department":
            draft.department = part
        elif found := facts_of(part):
            draft.facts += found
        elif name:
            draft.facts.append((name, part))
    return draft


def _take_stacks(lines: Sequence[Line], announced: bool) -> tuple[list[Draft], int]:
    """Positions of several short lines each: a title, then places, labels and a team in any order."""
    block = _stretch(lines)
    repeated = Counter(fold(line.text) for line in block)
    drafts: list[Draft] = []
    context = _Context()
    taken = 0
    for index, line in enumerate(block):
        text = BULLET.sub("", line.text)
        if facts := facts_of(text):
            context.add_facts(drafts, line.text, facts)
        elif is_sentence(text):
            if not drafts or line.gap or not drafts[-1].facts:
                break
            drafts[-1].description.append(line.text)
        elif not _place_text(drafts, context, block, index, repeated, announced):
            break
        taken = index + 1
    kept: list[Draft] = []
    for draft in drafts:
        if draft.facts or (announced and looks_like_title(draft.title)):
            kept.append(draft)
        elif kept and draft is not drafts[-1]:
            kept[-1].lines += draft.lines
    if drafts and drafts[-1] not in kept:
        taken -= len(drafts[-1].lines)
    return kept, max(taken, 0) if kept else 0


@dataclass
class _Context:
    """What stands above several postings: a team's subheading, facts printed before the first title."""

    department: str = ""
    before: list[tuple[str, str]] = field(default_factory=list)

    def add_facts(self, drafts: list[Draft], line: str, facts: list[tuple[str, str]]) -> None:
        if drafts:
            drafts[-1].facts += facts
            drafts[-1].lines.append(line)
        else:
            self.before += facts


def _stretch(lines: Sequence[Line]) -> list[Line]:
    """The lines up to the first that cannot belong to a list of positions."""
    for index, line in enumerate(lines):
        texts = [following.text for following in lines[index : index + MOST_COUNT_LINES]]
        number_alone = re.fullmatch(r"\W*\d{1,2}\W*", line.text) is not None
        if number_alone or read_listing(texts):
            return list(lines[:index])
        if line.text[:1] in '"“„«״‟':
            return _without_speaker(lines[:index], line)
        following = lines[index + 1] if index + 1 < len(lines) else None
        heading = line.gap and following is not None and not following.gap and is_sentence(following.text)
        if heading and not facts_of(line.text) and not looks_like_title(line.text):
            return list(lines[:index])
    return list(lines)


def _without_speaker(lines: Sequence[Line], quotation: Line) -> list[Line]:
    """Return the lines above a quotation without those right above it, which say whose it is."""
    end = len(lines)
    gap = quotation.gap
    while end and not gap and not facts_of(lines[end - 1].text):
        end -= 1
        gap = lines[end].gap
    return list(lines[:end])


def _place_text(
    drafts: list[Draft],
    context: _Context,
    block: Sequence[Line],
    index: int,
    repeated: Counter[str],
    announced: bool,
) -> bool:
    """Take a line that states no fact as a new title, a team or a subheading; False ends the run."""
    line = block[index]
    text = BULLET.sub("", line.text)
    if len(text) > LONGEST_TITLE or (
        text.endswith(("?", "!", ":")) and not looks_like_department(text.rstrip(":"))
    ):
        return False
    current = drafts[-1] if drafts else None
    following = _facts_after(block, index)
    next_text = block[index + 1].text if index + 1 < len(block) else ""
    team = looks_like_department(text) or (repeated[fold(text)] > 1 and not looks_like_title(text))
    if current is None or not current.facts:
        return _second_text(drafts, context, line, team, bool(following), next_text, announced)
    if following:
        seen = {name for name, _ in current.facts}
        new = (
            bool(seen & following)
            or line.gap
            or not (team or not looks_like_title(text))
            or bool(current.department)
        )
        _start(drafts, context, line) if new else _set_team(current, line)
        return True
    subheaded = bool(current.above) and fold(text) != fold(current.above)
    if not (line.gap or current.department or subheaded) and (team or not looks_like_title(text)):
        _set_team(current, line)
        return True
    if next_text and (team or not looks_like_title(text)) and _facts_after(block, index + 1):
        context.department = _subheading(text)
        return True
    if (announced and looks_like_title(text)) or (next_text and _facts_after(block, index + 1)):
        _start(drafts, context, line)
        return True
    return False


def _second_text(
    drafts: list[Draft],
    context: _Context,
    line: Line,
    team: bool,
    followed: bool,
    next_text: str,
    announced: bool,
) -> bool:
    """A text where no title with facts precedes: the first title, its team, or a subheading above it."""
    text = BULLET.sub("", line.text)
    current = drafts[-1] if drafts else None
    if current is None:
        if team and next_text and not followed:
            context.department = _subheading(text)
            return True
        if followed or looks_like_title(text) or (not line.gap and bool(next_text)):
            _start(drafts, context, line)
            return True
        return False
    if looks_like_department(current.title) and not looks_like_title(current.title) and not team:
        context.department = _subheading(current.title)
        drafts.pop()
        _start(drafts, context, line)
    elif team or (followed and not looks_like_title(text)):
        _set_team(current, line)
    elif looks_like_title(text) and announced:
        _start(drafts, context, line)
    else:
        return False
    return True


def _start(drafts: list[Draft], context: _Context, line: Line) -> None:
    title = BULLET.sub("", line.text)
    drafts.append(Draft(title, [line.text], list(context.before), above=context.department))


def _subheading(text: str) -> str:
    return COUNT.sub("", text).rstrip(":").strip()


def _set_team(draft: Draft, line: Line) -> None:
    draft.department = line.text
    draft.lines.append(line.text)


def _facts_after(block: Sequence[Line], index: int) -> set[str]:
    """The fields stated by the lines right below, up to the next line that states none."""
    found: set[str] = set()
    for line in block[index + 1 :]:
        facts = facts_of(BULLET.sub("", line.text))
        if not facts:
            break
        found |= {name for name, _ in facts}
    return found


def positions_in(blocks: Sequence[Block]) -> tuple[list[tuple[tuple[str, ...], list[Draft]]], list[Block]]:
    """The positions that stand in a page's blocks under a heading such as "Open positions", and the other blocks."""
    groups: list[tuple[tuple[str, ...], list[Draft]]] = []
    others: list[Block] = []
    index = 0
    while index < len(blocks):
        section = _section(blocks, index)
        drafts, count = _take_from(section) if section else ([], 0)
        if drafts:
            groups.append((_above(blocks[index]), drafts))
        else:
            others.append(blocks[index])
        index += count or 1
    return groups, others


def with_positions(reading: Reading) -> Reading:
    """The reading of a page, with positions and their count that its text lists made into values."""
    if not reading.pages:
        return reading
    page = reading.pages[0]
    groups, others = positions_in(page.blocks)
    jobs = postings_of(groups, page.source, page.url, page.language)
    counts = [found[0] for block in page.blocks if (found := read_listing(block.text.split("\n")))]
    page = replace(page, blocks=tuple(others), listing=page.listing or (counts[0] if counts else None))
    return replace(reading, pages=(page,) if others or counts else (), jobs=(*reading.jobs, *jobs))


def postings_of(
    groups: Sequence[tuple[tuple[str, ...], list[Draft]]], source: str, url: str, language: str
) -> tuple[JobPosting, ...]:
    """Labels are judged over all lists of the page; each posting stands under its own list's headings."""
    drafts = [draft for _, group in groups for draft in group]
    above = [headings for headings, group in groups for _ in group]
    jobs = make_postings(drafts, source, url, language)
    return tuple(
        replace(job, blocks=tuple(replace(block, headings=headings + block.headings) for block in job.blocks))
        for job, headings in zip(jobs, above, strict=True)
    )


def _above(block: Block) -> tuple[str, ...]:
    """The headings down to the one that announces positions."""
    announcing = [index for index, heading in enumerate(block.headings) if is_jobs_heading(heading)]
    return block.headings[: announcing[-1] + 1] if announcing else ()


def _section(blocks: Sequence[Block], start: int) -> list[Block]:
    above = _above(blocks[start])
    section: list[Block] = []
    for block in blocks[start:]:
        if not above or block.headings[: len(above)] != above or block.kind is BlockKind.QUOTATION:
            break
        section.append(block)
    return section


def _take_from(section: Sequence[Block]) -> tuple[list[Draft], int]:
    """Positions from whole blocks on, as lines: subheadings and items each on their own."""
    depth = len(_above(section[0]))
    lines: list[Line] = []
    ends: list[int] = []
    last: tuple[str, ...] = ()
    for block in section:
        inner = block.headings[depth:]
        lines += [Line(text, True) for text in inner if text not in last]
        texts = [
            *([block.lead] if block.kind is BlockKind.TABLE and block.lead else []),
            *block.text.split("\n"),
        ]
        gap = not inner and block.kind is BlockKind.PARAGRAPH and len(block.text.split()) > MOST_RUN_TOGETHER
        lines += [Line(text, gap and not offset) for offset, text in enumerate(texts)]
        ends.append(len(lines))
        last = inner
    drafts, taken = take_positions(lines, announced=True)
    whole = sum(end <= taken for end in ends)
    return (drafts, whole) if whole and any(draft.facts or draft.lines for draft in drafts) else ([], 0)
