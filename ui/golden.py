"""Golden questions as recruiters keep them: edited, imported, run, and each run compared with earlier ones."""

from __future__ import annotations

import csv
import io
import json
import logging
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from assistant.evaluation import (
    GoldenQuestion,
    QuestionsError,
    as_line,
    as_row,
    entry_of,
    guarded,
    question_of,
    read_questions,
)
from assistant.measures import Case, evaluate
from assistant.reply import Assistant
from ui.database import Database
from ui.tables import GoldenQuestion as Kept
from ui.tables import GoldenResult, GoldenRun

log = logging.getLogger(__name__)

TABLE = ("id", "question", "expect", "all_of", "none_of", "evidence", "kind")
"""The columns of the table in the console, as in a spreadsheet of golden questions."""

MOST_QUESTIONS = 2000
LONGEST_RUN = timedelta(hours=2)
"""After which a run that has not ended is taken for one whose process was killed."""

INGEST = "ingest:"
"""What the trigger of a run that came by itself begins with; the version follows."""


@dataclass(frozen=True)
class Run:
    """All golden questions asked once; `state` is running, finished, stopped or failed."""

    id: int
    at: datetime
    by: str
    trigger: str
    version: str
    state: str
    asked: int
    right: int


@dataclass(frozen=True)
class Result:
    """How one question of a run went."""

    question: str
    asked: str
    right: bool
    why: str
    answer: str


@dataclass(frozen=True)
class Compared:
    """A question in a run and in an earlier one; `change` is better, worse, same, new or gone."""

    question: str
    asked: str
    change: str
    before: str
    now: str


class GoldenBook:
    """The golden questions of one company, and their runs. Safe to share between threads and processes."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # --- questions ------------------------------------------------------------------------------------

    def questions(self) -> list[GoldenQuestion]:
        """All golden questions, in the order of their ids."""
        with self.database.reading() as session:
            lines = session.scalars(select(Kept.line).order_by(Kept.id)).all()
        return [question_of(line) for line in lines]

    def save(self, questions: Sequence[GoldenQuestion], by: str, gone: Collection[str] = ()) -> int:
        """Keep questions in place of those with the same ids, and none with the ids `gone`; how many there are then."""
        now = datetime.now(UTC)
        with self.database.writing() as session:
            if gone:
                session.execute(delete(Kept).where(Kept.id.in_(gone)))
            for question in questions:
                session.merge(Kept(id=question.id[:80], line=as_line(question), at=now, by=by))
            session.flush()
            count = session.scalar(select(func.count()).select_from(Kept)) or 0
            if count > MOST_QUESTIONS:
                raise QuestionsError(f"{count} questions are too many; {MOST_QUESTIONS} can be kept.")
        return count

    def add(self, turns: Sequence[str], expect: str, by: str, must_say: str = "", evidence: str = "") -> str:
        """Keep a new question under the next free id, which is returned."""
        taken = {question.id for question in self.questions()}
        number = next(n for n in range(1, MOST_QUESTIONS + 2) if f"q{n:03d}" not in taken)
        entry = {
            **entry_of({"all_of": must_say, "expect": expect}, number),
            "id": f"q{number:03d}",
            "turns": [" ".join(turn.split()) for turn in turns],
            "evidence": [evidence] if evidence else [],
        }
        self.save([_question(entry, f"q{number:03d}")], by)
        return f"q{number:03d}"

    def table(self) -> list[list[str]]:
        """The questions as rows of `TABLE`."""
        return [_row(question) for question in self.questions()]

    def save_table(self, rows: Sequence[Sequence[Any]], by: str, shown: Sequence[str] | None = None) -> int:
        """Make the questions what a table of `TABLE` says; `QuestionsError` names the row that is wrong.

        `shown`: ids that the table held when it was opened, by default all. What somebody else has added since
        then stays; a new row whose id somebody else has taken since then is an error.
        """
        before = {tuple(_row(question)): question for question in self.questions()}
        questions: dict[str, GoldenQuestion] = {}
        for number, row in enumerate(rows, start=1):
            cells = tuple("" if cell is None or cell != cell else str(cell).strip() for cell in row)
            if not any(cells):
                continue
            # What was not touched stays as it was: a cell may say less than the question does.
            question = before.get(cells) or _question(_entry(cells, number), f"Row {number}")
            if question.id in questions:
                raise QuestionsError(f"Row {number}: the id {question.id!r} is used twice.")
            questions[question.id] = question
        held = {question.id: question for question in before.values()}
        known = set(held if shown is None else shown)
        for name, question in questions.items():
            if name in held and name not in known and held[name] != question:
                raise QuestionsError(
                    f"The id {name!r} was taken by somebody else meanwhile. Take another one."
                )
        gone = (set(held) & known) - set(questions)
        changed = [question for name, question in questions.items() if held.get(name) != question]
        return self.save(changed, by, gone)

    def read(self, name: str, content: bytes, by: str) -> int:
        """Add the questions of a CSV or JSON-lines file; `QuestionsError` names the line that is wrong."""
        suffix = ".csv" if name.lower().endswith(".csv") else ".jsonl"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{Path(name).stem[:60] or 'questions'}{suffix}"
            path.write_bytes(content)
            return self.save(read_questions(path), by)

    def as_jsonl(self) -> str:
        """The questions as a JSON-lines file."""
        return "".join(json.dumps(as_line(q), ensure_ascii=False) + "\n" for q in self.questions())

    def as_csv(self) -> str:
        """The questions as a spreadsheet, safe to open."""
        rows = [as_row(question) for question in self.questions()]
        turns = sorted({name for row in rows for name in row if name.startswith("turn")}) or ["turn1"]
        out = io.StringIO()
        writer = csv.DictWriter(
            out, ["id", *turns, "expect", "kind", "topic", "all_of", "none_of", "evidence"]
        )
        writer.writeheader()
        writer.writerows({name: guarded(cell) for name, cell in row.items()} for row in rows)
        return out.getvalue()

    # --- runs -----------------------------------------------------------------------------------------

    def run(
        self,
        assistant: Assistant,
        by: str,
        trigger: str | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[tuple[int, int, Run]]:
        """Ask all questions; how many are done, of how many, and the run so far, after each.

        Nothing happens where another process has taken the same `trigger`. What was asked before a stop is kept.
        """
        questions = self.questions()
        run = self._begin(assistant, by, trigger) if questions else None
        if run is None:
            return
        state = "failed"
        try:
            for done, case in enumerate(evaluate(assistant, questions), start=1):
                run = self._note(run, case)
                yield done, len(questions), run
                if stopped() and done < len(questions):
                    state = "stopped"
                    return
            state = "finished"
        except GeneratorExit:
            state = "stopped"
            raise
        finally:
            self._end(run, state)

    def _begin(self, assistant: Assistant, by: str, trigger: str | None) -> Run | None:
        row = GoldenRun(
            at=datetime.now(UTC),
            by=by,
            trigger=trigger,
            version=assistant.version,
            state="running",
            asked=0,
            right=0,
        )
        killed = (GoldenRun.state == "running") & (GoldenRun.at < datetime.now(UTC) - LONGEST_RUN)
        try:
            with self.database.writing() as session:
                session.execute(update(GoldenRun).where(killed).values(state="stopped"))
                session.add(row)
        except IntegrityError:  # another process runs them for this ingest
            return None
        return _run(row)

    def _note(self, run: Run, case: Case) -> Run:
        result = GoldenResult(
            run=run.id,
            question=case.question.id[:80],
            right=case.right,
            why=case.judgement.why,
            asked=" / ".join(case.question.turns),
            answer=str(case.reply.get("answer") or ""),
        )
        with self.database.writing() as session:
            session.add(result)
            row = session.get_one(GoldenRun, run.id)
            row.asked, row.right = run.asked + 1, run.right + case.right
        return _run(row)

    def _end(self, run: Run, state: str) -> None:
        with self.database.writing() as session:
            session.execute(update(GoldenRun).where(GoldenRun.id == run.id).values(state=state))

    def runs(self, limit: int = 50) -> list[Run]:
        """The runs, the latest first."""
        with self.database.reading() as session:
            return [
                _run(row)
                for row in session.scalars(select(GoldenRun).order_by(GoldenRun.id.desc()).limit(limit))
            ]

    def results(self, run: int) -> list[Result]:
        """How each question of a run went, wrong ones first."""
        asked = (
            select(GoldenResult)
            .where(GoldenResult.run == run)
            .order_by(GoldenResult.right, GoldenResult.question)
        )
        with self.database.reading() as session:
            return [Result(r.question, r.asked, r.right, r.why, r.answer) for r in session.scalars(asked)]

    def compare(self, run: int, earlier: int) -> list[Compared]:
        """What changed since an earlier run, worse ones first; a question that was rewritten counts as new."""
        now = {(r.question, r.asked): r for r in self.results(run)}
        before = {(r.question, r.asked): r for r in self.results(earlier)}
        rows = []
        for key in [*now, *(key for key in before if key not in now)]:
            new, old = now.get(key), before.get(key)
            rows.append(Compared(*key, _change(old, new), _told(old), _told(new)))
        order = ("worse", "better", "new", "gone", "same")
        return sorted(rows, key=lambda row: (order.index(row.change), row.question))

    def got_worse(self) -> tuple[Run, Run, list[Compared]] | None:
        """The latest run that came by itself, the finished one before it, and what went wrong since; None if nothing."""
        finished = [run for run in self.runs() if run.state == "finished"]
        latest = next((n for n, run in enumerate(finished) if run.trigger.startswith(INGEST)), None)
        if latest is None or latest + 1 >= len(finished) or latest > 0:
            return None  # somebody has run them since, and has seen
        worse = [row for row in self.compare(finished[0].id, finished[1].id) if row.change == "worse"]
        return (finished[0], finished[1], worse) if worse else None


class AfterIngest(threading.Thread):
    """Runs the golden questions by itself, once for each new version of the store however many processes serve."""

    def __init__(self, book: GoldenBook, assistant: Assistant, every: float = 5.0) -> None:
        """`every`: seconds between two looks for a new version."""
        super().__init__(name="golden-after-ingest", daemon=True)
        self.book = book
        self.assistant = assistant
        self.every = every
        self._ended = threading.Event()
        self._seen = assistant.version

    def run(self) -> None:
        """Look until told to stop."""
        while not self._ended.wait(self.every):
            try:
                version = self.assistant.version
            except Exception as error:  # a damaged store is told to whoever asks, and may be mended
                log.debug("The store cannot be read: %s", error)
                continue
            if version and version != self._seen:
                self._seen = version
                self._run_for(version)

    def _run_for(self, version: str) -> None:
        try:
            for _ in self.book.run(self.assistant, "", f"{INGEST}{version}", self._ended.is_set):
                pass
        except Exception:
            log.exception("Golden questions could not be run after ingest %s.", version)

    def stop(self) -> None:
        """Let it end; a run under way is kept as stopped."""
        self._ended.set()


def _question(entry: Mapping[str, Any], where: str) -> GoldenQuestion:
    try:
        return question_of(entry)
    except (ValueError, TypeError) as error:
        raise QuestionsError(f"{where}: {error}.") from error


def _row(question: GoldenQuestion) -> list[str]:
    """A question as a row of `TABLE`."""
    cells = {**as_row(question), "question": " / ".join(question.turns)}
    return [cells[column] for column in TABLE]


def _entry(cells: Sequence[str], number: int) -> dict[str, Any]:
    entry = entry_of(dict(zip(TABLE, cells, strict=False)), number)
    return {**entry, "id": entry["id"] if cells[0] else f"row-{number}"}


def _change(old: Result | None, new: Result | None) -> str:
    if old is None or new is None:
        return "new" if old is None else "gone"
    return "same" if old.right == new.right else "better" if new.right else "worse"


def _told(result: Result | None) -> str:
    return "" if result is None else "right" if result.right else result.why or "wrong"


def _run(row: GoldenRun) -> Run:
    return Run(row.id, row.at, row.by, row.trigger or "", row.version, row.state, row.asked, row.right)


__all__ = ["TABLE", "AfterIngest", "Compared", "GoldenBook", "Result", "Run"]
