"""People on a careers page: a quotation, and around it in any order a name, a role and a team."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from knowledge.places import is_place
from knowledge.printed_facts import Line, is_jobs_heading, looks_like_department, looks_like_title
from knowledge.wording import squash, word_set

_OPENING = '"“„‟«»‹›״「『″〝'
_CLOSING = '"“”‟«»‹›״」』″〞'
_ENDS = re.compile(rf"[{_CLOSING}][.,!?]?$|(?<=[.!?…])[’']$|''$")
_SIGNED = re.compile(
    rf"^(?P<words>.+[{_CLOSING}][.,!?]?)\s*(?:[—–-]{{1,2}}|~|\()\s*(?P<speaker>[^{_OPENING}]{{3,120}}?)\)?$"
)
_NAME = re.compile(r"(?:(?:Dr|Prof|Mr|Mrs|Ms)\.? )?[^\W\d_]['’.\w-]*(?: (?:[^\W\d_]['’.\w-]*|[A-Z]\.)){0,4}$")
_PARTICLES = word_set("""van von der de del di da dos la le el al bin ibn ben bar ten ter den y e of""")
_MOST_LINES, _MOST_AROUND, _LONGEST_SPEAKER, _LEAST_WORDS = 14, 3, 70, 5


@dataclass(frozen=True)
class Voice:
    """Somebody's words without their marks, and who says them: "Name, Role, Team"."""

    text: str
    speaker: str


@dataclass(frozen=True)
class _Quotation:
    """Where a quotation stands, its words, and the speaker when signed on the same line."""

    start: int
    end: int
    text: str
    signed: str = ""


def take_voices(lines: Sequence[Line], first_of_page: bool = False) -> tuple[list[Voice], int]:
    """The quotations that begin here with the lines about their speakers, and how many lines they take."""
    quotations = _quotations_in_a_row(lines)
    if not quotations:
        return [], 0
    before, after = _shape(lines, quotations)
    if quotations[0].start > before:
        return [], 0
    voices: list[Voice] = []
    taken = 0
    for index, quotation in enumerate(quotations):
        above = lines[max(quotation.start - before, taken) : quotation.start]
        limit = quotations[index + 1].start - before if index + 1 < len(quotations) else len(lines)
        below = lines[quotation.end : max(quotation.end, min(quotation.end + after, limit))]
        speaker = quotation.signed or _speaker([line.text for line in (*below, *above)])
        voices.append(Voice(quotation.text, speaker))
        taken = quotation.end + len(below)
    return voices, taken


def looks_like_name(text: str) -> bool:
    """Whether a short line can be a person's name: capitalised words that are no role and no team."""
    words = text.split()
    if not 1 <= len(words) <= 5 or len(text) > 45 or not _NAME.match(text):
        return False
    if looks_like_title(text) or looks_like_department(text) or is_jobs_heading(text):
        return False
    return all(word[0].isupper() or word in _PARTICLES or not word[0].isascii() for word in words)


def _quotations_in_a_row(lines: Sequence[Line]) -> list[_Quotation]:
    """Quotations with no more than a few short lines before the first and between two."""
    found: list[_Quotation] = []
    index = 0
    while index < len(lines):
        quotation = _quotation_at(lines, index)
        if quotation:
            found.append(quotation)
            index = quotation.end
            continue
        reach = index - (found[-1].end if found else 0)
        limit = 2 * _MOST_AROUND if found else _MOST_AROUND
        if reach >= limit or not _may_be_about_speaker(lines[index].text):
            break
        index += 1
    return found


def _quotation_at(lines: Sequence[Line], start: int) -> _Quotation | None:
    first = lines[start].text
    if first[:1] not in _OPENING and not re.match(r"[‘'‚](?=[A-Z])", first):
        return None
    for end in range(start, min(start + _MOST_LINES, len(lines))):
        text = squash(" ".join(line.text for line in lines[start : end + 1]))
        signed = _SIGNED.match(text)
        words = signed.group("words") if signed else text
        if signed or (_ENDS.search(text) and (end > start or len(text) > 1)):
            bare = _unmarked(words)
            enough = len(bare.split()) >= _LEAST_WORDS and not re.search(r"[“„«][^”»]*$", bare)
            return (
                _Quotation(start, end + 1, bare, squash(signed.group("speaker")) if signed else "")
                if enough
                else None
            )
        if end > start and lines[end].gap and len(lines[end].text.split()) < _LEAST_WORDS:
            break
    return _unclosed(lines, start)


def _unclosed(lines: Sequence[Line], start: int) -> _Quotation | None:
    """A quotation whose closing mark was lost: the line up to its end, where a name stands below."""
    text = lines[start].text
    below = lines[start + 1].text if start + 1 < len(lines) else ""
    inner = re.search(rf"[{_CLOSING}]", text[1:])
    if inner or len(text.split()) < _LEAST_WORDS or not looks_like_name(below):
        return None
    return _Quotation(start, start + 1, _unmarked(text))


def _unmarked(text: str) -> str:
    marks = _OPENING + _CLOSING + "‘’'‚"
    bare = text.strip()
    bare = bare[1:] if bare[:1] in marks else bare
    bare = re.sub(rf"[{re.escape(_CLOSING)}’']{{1,2}}([.,!?]?)$", r"\1", bare)
    return bare.strip()


def _may_be_about_speaker(text: str) -> bool:
    if len(text) > _LONGEST_SPEAKER or (
        text.endswith((".", "?", "!", ":")) and not re.search(r"\b[A-Z]\.$|(Inc|Ltd|Jr|Sr)\.$", text)
    ):
        return False
    return bool(re.search(r"[^\W\d]", text)) and not re.match(r"\W*\d", text)


def _shape(lines: Sequence[Line], quotations: Sequence[_Quotation]) -> tuple[int, int]:
    """How many lines about the speaker stand above and below each quotation."""
    after = _lines_below(lines, quotations[-1])
    if len(quotations) > 1:
        between = min(b.start - a.end for a, b in pairwise(quotations))
        after = min(after, between) if after else after
        before = between - after
        if any(q.signed for q in quotations):
            return 0, 0
        return min(before, quotations[0].start), after
    if quotations[0].signed:
        return 0, 0
    return _lines_above(lines, quotations[0], after), after


def _lines_below(lines: Sequence[Line], quotation: _Quotation) -> int:
    """Short lines below the last quotation, up to an empty line (or a heading over prose)."""
    count = 0
    rest = lines[quotation.end :]
    spaced = bool(rest) and rest[0].gap
    if spaced and not looks_like_name(rest[0].text):
        return 0
    for index, line in enumerate(rest[:_MOST_AROUND]):
        following = rest[index + 1] if index + 1 < len(rest) else None
        if not _may_be_about_speaker(line.text) or (line.gap and index and not spaced):
            break
        if following and not following.gap and len(following.text.split()) > 14:
            break
        if (
            spaced
            and index
            and not (looks_like_title(line.text) or looks_like_department(line.text) or "," in line.text)
        ):
            break
        count += 1
    return count


def _lines_above(lines: Sequence[Line], quotation: _Quotation, after: int) -> int:
    """Short lines right above a quotation: a name and role when none stand below, else a team."""
    above = lines[: quotation.start]
    if not above or any(line.gap for line in lines[1 : quotation.start + 1]):
        return 0
    named = any(looks_like_name(line.text) for line in above)
    roles = any(looks_like_title(line.text) or looks_like_department(line.text) for line in above)
    if after == 0:
        return len(above) if named and (roles or len(above) == 1) else 0
    return len(above) if len(above) == 1 and after <= 2 else 0


def _speaker(texts: Sequence[str]) -> str:
    """“Name, Role, Team” of the lines around a quotation, whatever their order."""
    parts = [squash(text).lstrip("—–-~ ").strip() for text in texts]
    single = [part for part in parts if "," not in part]
    name = next((p for p in single if looks_like_name(p) and not is_place(p) and len(p.split()) > 1), "")
    name = name or next((part for part in parts if "," in part and looks_like_name(part.split(",")[0])), "")
    name = name or next((part for part in single if looks_like_name(part) and not is_place(part)), "")
    role = next((part for part in parts if part != name and looks_like_title(part)), "")
    rest = [part for part in parts if part not in (name, role)]
    return ", ".join(part for part in (name, role, *rest) if part)
