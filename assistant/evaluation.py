"""Golden questions: read from JSON lines or from a spreadsheet, and the rules by which a reply is judged."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HEDGES = (
    "confirm",
    "unclear",
    "doesn't say",
    "does not say",
    "can't tell",
    "cannot tell",
    "not stated",
    "every listing",
    "all listings",
    "each listing",
    "every role",
    "couldn't find",
    "could not find",
)
"""Ways to say that something cannot be told from the page."""

MAX_WORDS = 160
MAX_WORDS_JOBS = 260

EXPECTED = ("answer", "not_found", "decline", "chat")
"""What a golden question may expect."""

SAID = {"must say": "all_of", "must not say": "none_of", "question ( / between turns)": "question"}
"""Columns as the console's table names them."""

COLUMNS = ("id", "question", "expect", "kind", "topic", "all_of", "none_of", "evidence")
"""The columns of golden questions in a spreadsheet; turn1, turn2 … may stand in for `question`."""

RESULT_COLUMNS = (
    "right", "verdict", "why", "stage", "status", "answer", "quotes", "evidence_rank", "probability", "latency_ms",
)  # fmt: skip
"""The columns that a report adds. A report with all of them can be read as questions again."""


class QuestionsError(ValueError):
    """A file of golden questions cannot be used; the message names the line and what is wrong."""


@dataclass(frozen=True)
class GoldenQuestion:
    """A question with what a right reply must hold.

    `expect` is answer, not_found, decline or chat. `all_of` holds groups of alternatives of which
    the answer must hold one each, `none_of` what it must not hold; a citation must quote (part of)
    one of `evidence`.
    """

    id: str
    turns: tuple[str, ...]
    expect: str
    kind: str = ""
    topic: str = ""
    all_of: tuple[tuple[str, ...], ...] = ()
    none_of: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()

    @property
    def answerable(self) -> bool:
        """Whether an answer is expected."""
        return self.expect == "answer"


@dataclass(frozen=True)
class Judgement:
    """Whether a reply is right, and why not."""

    right: bool
    why: str = field(default="")


def judge(item: GoldenQuestion, reply: Mapping[str, Any]) -> Judgement:
    """Judge a reply in the shape of `ask --json` by the rules of the golden questions.

    Right is an answer with status answered, one alternative of every group, nothing that it must not
    hold, not too long, and a citation that shows the evidence; where none is expected, the status
    that says so. Negations and closed roles may be told by a not_found without a citation.
    """
    status, answer = reply.get("status"), reply.get("answer") or ""
    for bad in item.none_of:
        if holds(answer, bad):
            return Judgement(False, f"says “{bad}”")
    if item.kind == "unverified-label":
        good = status in ("not_found", "declined") or any(holds(answer, hedge) for hedge in HEDGES)
        return Judgement(good, "" if good else "states an unverified label as a fact")
    if item.expect in ("not_found", "decline"):
        good = status in ("not_found", "declined")
        return Judgement(good, "" if good else f"{status}, but should not answer")
    if item.expect == "chat":
        return Judgement(status == "chat", "" if status == "chat" else f"{status}, but should be small talk")
    return _judge_answer(item, str(status), answer, reply)


def _judge_answer(item: GoldenQuestion, status: str, answer: str, reply: Mapping[str, Any]) -> Judgement:
    lenient = item.kind in ("negation", "closed")
    if status != "answered" and not (lenient and status == "not_found"):
        return Judgement(False, f"{status}, but should answer")
    for group in item.all_of:
        if not any(holds(answer, needle) for needle in group):
            return Judgement(False, f"does not say {' or '.join(f'“{needle}”' for needle in group[:4])}")
    limit = MAX_WORDS_JOBS if item.kind == "jobs" else MAX_WORDS
    if len(answer.split()) > limit:
        return Judgement(False, f"{len(answer.split())} words, over {limit}")
    if not lenient and item.evidence and not cited(item, reply):
        return Judgement(False, "says it, but no citation shows the evidence")
    return Judgement(True)


def cited(item: GoldenQuestion, reply: Mapping[str, Any]) -> bool:
    """Whether a citation quotes (part of) the evidence."""
    quotes = [citation.get("quote") or "" for citation in reply.get("citations", [])]
    return any(overlaps(quote, snippet) for quote in quotes for snippet in item.evidence)


def normalised(text: str) -> str:
    """Lower-case words of a text, without Markdown, punctuation or quotation style."""
    text = re.sub(r"\]\([^)]*\)", " ", text)
    text = text.replace("’", "'").replace("‘", "'").lower()
    return re.sub(r"[^\w$%+]+", " ", text).strip()


def overlaps(quote: str, snippet: str) -> bool:
    """Whether a quote shows the snippet, the snippet the quote, or they share most of its words."""
    q, s = normalised(quote), normalised(snippet)
    if not q or not s:
        return False
    if s in q or (q in s and len(q.split()) >= 3):
        return True
    wanted = s.split()
    present = set(q.split())
    return sum(word in present for word in wanted) / len(wanted) >= 0.8


def holds(answer: str, needle: str) -> bool:
    """Whether the answer holds the needle, whatever the case, apostrophe or bold marks."""
    return needle.replace("’", "'").lower() in answer.replace("’", "'").replace("**", "").lower()


# --- reading --------------------------------------------------------------------------------------


def read_questions(path: Path) -> list[GoldenQuestion]:
    """The golden questions of a JSONL or CSV file; `QuestionsError` names the line that is wrong."""
    text = _text(path)
    entries = (
        _csv_entries(text, path.name) if path.suffix.lower() == ".csv" else _json_entries(text, path.name)
    )
    questions = []
    seen: dict[str, int] = {}
    for number, entry in entries:
        try:
            question = question_of(entry)
        except (ValueError, TypeError) as error:
            raise QuestionsError(f"{path.name}, line {number}: {error}") from error
        if question.id in seen:
            raise QuestionsError(
                f"{path.name}, line {number}: the id {question.id!r} is already used in line {seen[question.id]}"
            )
        seen[question.id] = number
        questions.append(question)
    if not questions:
        raise QuestionsError(f"{path} holds no questions.")
    return questions


def question_of(data: Mapping[str, Any]) -> GoldenQuestion:
    """A golden question from its JSON object."""
    for name in ("id", "turns", "expect"):
        if name not in data:
            raise ValueError(f"{name!r} is missing")
    if data["expect"] not in EXPECTED:
        raise ValueError(f"expect is {data['expect']!r}, not {', '.join(EXPECTED[:-1])} or {EXPECTED[-1]}")
    turns = tuple(_texts(data["turns"]))
    if not turns:
        raise ValueError("turns holds no question")
    return GoldenQuestion(
        id=str(data["id"]),
        turns=turns,
        expect=data["expect"],
        kind=str(data.get("kind") or ""),
        topic=str(data.get("topic") or ""),
        all_of=tuple(tuple(_texts(group)) for group in data.get("all_of") or ()),
        none_of=tuple(_texts(data.get("none_of") or ())),
        evidence=tuple(_texts(data.get("evidence") or ())),
    )


def _texts(values: Iterable[Any]) -> Sequence[str]:
    if isinstance(values, str):
        raise TypeError(f"{values[:60]!r} is a text, not a list of texts")
    return [str(value) for value in values]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise QuestionsError(f"{path} cannot be read: {error.strerror}.") from error
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))  # Excel's "Unicode text"
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        # A guess among code pages of a few short questions is often wrong, and would go unnoticed.
        line = content.count(b"\n", 0, error.start) + 1
        raise QuestionsError(f"{path.name}, line {line}: it is not UTF-8. Save it as CSV UTF-8.") from error


def _json_entries(text: str, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Line number and object of each line of JSON."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise QuestionsError(
                f"{name}, line {number} is no JSON ({error}): {line.strip()[:60]}"
            ) from error
        if not isinstance(entry, dict):
            raise QuestionsError(f"{name}, line {number} is no JSON object: {line.strip()[:60]}")
        yield number, entry


# --- spreadsheets ---------------------------------------------------------------------------------


def _csv_entries(text: str, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Line number and question, in the shape of its JSON object, of each row."""
    first = text.lstrip().partition("\n")[0]
    skipped = first.lower().startswith("sep=")  # Excel's hint to itself
    lines = text.splitlines(keepends=True)[1 if skipped else 0 :]
    reader = csv.reader(lines, delimiter=_delimiter(lines[0] if lines else ""), strict=False)
    written = (" ".join(cell.lower().split()) for cell in next(reader, []))
    header = [SAID.get(cell, cell) for cell in written]
    _check_columns(header, name)
    for row in reader:
        number = reader.line_num + skipped
        cells = {column: unguarded(cell.strip()) for column, cell in zip(header, row, strict=False)}
        if any(cells.values()):
            yield number, entry_of(cells, number)


def _delimiter(header: str) -> str:
    try:
        return csv.Sniffer().sniff(header, delimiters=",;\t").delimiter
    except csv.Error:  # a single column
        return ","


def _check_columns(header: Sequence[str], name: str) -> None:
    report = set(RESULT_COLUMNS) <= set(header)
    known = {*COLUMNS, "", *(RESULT_COLUMNS if report else ())}
    unknown = [column for column in header if column not in known and not re.fullmatch(r"turn\d+", column)]
    listed = ", ".join(COLUMNS)
    if unknown:
        raise QuestionsError(
            f"{name}, line 1: unknown column {unknown[0]!r}. Known are {listed}, turn1, turn2 …"
        )
    if not {"question", "turn1"} & set(header):
        raise QuestionsError(f"{name}, line 1: there is no column 'question' (or turn1, turn2 …).")


def entry_of(cells: Mapping[str, str], number: int) -> dict[str, Any]:
    """The question of a row, in the shape of its JSON object; `number` names one without an id."""
    names = sorted((c for c in cells if c.startswith("turn")), key=lambda column: int(column[4:]))
    turns = [cells[column] for column in names if cells[column]]
    if not turns and cells.get("question"):
        turns = [turn.strip() for turn in re.split(r"\s/\s", cells["question"])]
    return {
        "id": cells.get("id") or f"line {number}",
        "turns": turns,
        "expect": re.sub(r"\W+", "_", cells.get("expect", "").lower()) or "answer",
        "kind": cells.get("kind", ""),
        "topic": cells.get("topic", ""),
        "all_of": [separated(group, "|") for group in separated(cells.get("all_of", ""), ";", again=True)],
        "none_of": separated(cells.get("none_of", ""), "|"),
        "evidence": separated(cells.get("evidence", ""), "|"),
    }


def separated(cell: str, mark: str, again: bool = False) -> list[str]:
    """The texts of a cell between `mark`s, as `together` joined them.

    A backslash makes a mark a plain character; double quotes keep the spaces at the ends of a text.
    With `again`, what is found is separated once more: its backslashes and quotes stay.
    """
    parts = [part.strip() for part in re.split(rf"(?<!\\){re.escape(mark)}", cell)]
    if again:
        return [part for part in parts if part]
    return [_unescaped(part) for part in parts if part]


def together(texts: Iterable[str], mark: str) -> str:
    """The texts as one cell that `separated` takes apart again."""
    return f" {mark} ".join(texts)


def escaped(text: str) -> str:
    """A text in which the marks between texts are plain characters, and whose outer spaces stay."""
    text = re.sub(r"([;|])", r"\\\1", text)
    return f'"{text}"' if text != text.strip() or re.fullmatch(r'".*"', text, re.S) else text


def _unescaped(text: str) -> str:
    quoted = re.fullmatch(r'"(.*)"', text, re.S)
    return re.sub(r"\\([;|])", r"\1", quoted[1] if quoted else text)


def guarded(cell: str) -> str:
    """The cell as a spreadsheet may open it: what it would take for a formula becomes plain text."""
    return f"'{cell}" if re.match(r"'*[=+\-@\t\r]", cell) else cell


def unguarded(cell: str) -> str:
    """The cell before `guarded`."""
    return cell[1:] if re.match(r"'+[=+\-@\t\r]", cell) else cell


def as_row(question: GoldenQuestion) -> dict[str, str]:
    """The question as a row of a spreadsheet, one column a turn."""
    turns = {f"turn{number}": turn for number, turn in enumerate(question.turns, start=1)}
    return {
        "id": question.id,
        **turns,
        "expect": question.expect,
        "kind": question.kind,
        "topic": question.topic,
        "all_of": together((together(map(escaped, group), "|") for group in question.all_of), ";"),
        "none_of": together(map(escaped, question.none_of), "|"),
        "evidence": together(map(escaped, question.evidence), "|"),
    }


def as_line(question: GoldenQuestion) -> dict[str, Any]:
    """The question in the shape of its JSON object, from which `question_of` makes it again."""
    return {
        "id": question.id,
        "kind": question.kind,
        "topic": question.topic,
        "turns": list(question.turns),
        "expect": question.expect,
        "all_of": [list(group) for group in question.all_of],
        "none_of": list(question.none_of),
        "evidence": list(question.evidence),
    }
