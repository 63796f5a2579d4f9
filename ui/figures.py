"""Figures of the conversations: how many, how they ended, how long they took, over time and by language.

Days are days in UTC. Small talk is counted as a question, and not among those that could be answered. A
conversation is counted on the day on which it began, and it, its thumbs and its handovers by the language in
which it began; questions are counted by the language of their replies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Date, Integer, Select, cast, func, literal_column, select
from sqlalchemy.orm import Session

from ui.database import Database
from ui.review import csv_line, midnight
from ui.tables import Conversation, Exchange, Feedback, Handover

SMALL = 20
"""Below so many, a share is no figure: numbers are shown instead."""

BIN = 10  # milliseconds; response times are counted in bins, and a percentile is exact to one
TOP = 10
WEEKLY = 120  # days from which on a period is shown by weeks

Query = Select[*tuple[Any, ...]]

# A literal, and no bound value: PostgreSQL would not see that it groups by what it selects.
SLOT = Exchange.milliseconds // literal_column(str(BIN), Integer)

DAILY = (
    "day", "language", "conversations", "questions", "answered", "not_found", "declined", "thumbs_up", "thumbs_down",
    "handovers", "p50_ms",
)  # fmt: skip


@dataclass(frozen=True)
class Top:
    """A topic or a role, how often it was asked about, and how that ended."""

    name: str
    questions: int
    answered: int
    not_found: int


@dataclass(frozen=True)
class Period:
    """The figures of some days. Shares are None where they would be of fewer than `SMALL`."""

    conversations: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    thumbs_up: int = 0
    thumbs_down: int = 0
    handovers: int = 0
    p50: int | None = None
    p95: int | None = None
    topics: tuple[Top, ...] = ()
    roles: tuple[Top, ...] = ()
    languages: Mapping[str, int] = field(default_factory=dict)

    @property
    def questions(self) -> int:
        """All messages of candidates."""
        return sum(self.outcomes.values())

    @property
    def to_answer(self) -> int:
        """Those that were no small talk."""
        return self.questions - self.outcomes.get("chat", 0)

    @property
    def answered_share(self) -> float | None:
        """Answered, of those to answer."""
        return share(self.outcomes.get("answered", 0), self.to_answer)

    @property
    def not_found_share(self) -> float | None:
        """Not found on the pages, of those to answer."""
        return share(self.outcomes.get("not_found", 0), self.to_answer)

    @property
    def satisfaction(self) -> float | None:
        """Thumbs up, of all thumbs."""
        return share(self.thumbs_up, self.thumbs_up + self.thumbs_down)


@dataclass(frozen=True)
class Day:
    """The figures of a day, or of the week that begins with it, in one language."""

    day: date
    language: str
    conversations: int = 0
    questions: int = 0
    answered: int = 0
    not_found: int = 0
    declined: int = 0
    thumbs_up: int = 0
    thumbs_down: int = 0
    handovers: int = 0
    p50_ms: int | None = None


def share(part: int, whole: int) -> float | None:
    """The share of `part` in `whole`, or None where there are too few for one."""
    return part / whole if whole >= SMALL else None


class Figures:
    """Figures over the database of conversations."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def over(self, start: date, end: date, language: str = "") -> Period:
        """The figures from one day to another, both included; of one language, or of all."""

        def within(asked: Query) -> Query:
            return _within(asked, start, end, language)

        with self.database.reading() as session:
            endings = _endings(session, within, Exchange.topic, Exchange.language)
            times = session.execute(within(select(SLOT, func.count())).group_by(SLOT)).all()
            rated = _rated(start, end, language, Feedback.thumb).group_by(Feedback.thumb)
            thumbs = _summed((row[0], row[1]) for row in session.execute(rated))
            return Period(
                conversations=session.scalar(_begun(start, end, language)) or 0,
                outcomes=_summed((outcome, number) for _, _, outcome, number in endings),
                thumbs_up=thumbs.get("up", 0),
                thumbs_down=thumbs.get("down", 0),
                handovers=session.scalar(_handovers(start, end, language)) or 0,
                p50=percentile([(int(b), n) for b, n in times], 0.50),
                p95=percentile([(int(b), n) for b, n in times], 0.95),
                topics=_top((topic, outcome, number) for topic, _, outcome, number in endings),
                roles=_top(_endings(session, within, Exchange.role)),
                languages=_summed((spoken, number) for _, spoken, _, number in endings),
            )

    def by_day(self, start: date, end: date, language: str = "") -> list[Day]:
        """The figures of each day and language, or of each week of a long period; days with none are zeros."""
        rows: dict[tuple[date, str], dict[str, Any]] = {}
        weekly = (end - start).days + 1 > WEEKLY

        def at(day: date | str, spoken: str) -> dict[str, Any]:
            found = date.fromisoformat(day) if isinstance(day, str) else day
            if weekly:
                found -= timedelta(days=(found - start).days % 7)
            return rows.setdefault((found, spoken), {})

        def add(row: dict[str, Any], name: str, number: int) -> None:
            row[name] = row.get(name, 0) + number

        with self.database.reading() as session:
            day = _day(session, Exchange.at)
            by = (day, Exchange.language)
            asked = select(*by, Exchange.outcome, func.count()).group_by(*by, Exchange.outcome)
            for when, spoken, outcome, number in session.execute(_within(asked, start, end, language)):
                add(at(when, spoken), outcome, number)
                add(at(when, spoken), "questions", number)
            asked = select(*by, SLOT, func.count()).group_by(*by, SLOT)
            for when, spoken, took, number in session.execute(_within(asked, start, end, language)):
                at(when, spoken).setdefault("times", []).append((int(took), number))
            by = (_day(session, Feedback.at), Conversation.language)
            rated = _rated(start, end, language, Feedback.thumb, *by).group_by(Feedback.thumb, *by)
            for thumb, when, spoken, number in session.execute(rated):
                add(at(when, spoken), f"thumbs_{thumb}", number)
            self._add_conversations(session, start, end, language, at, add)
        spoken_ones = sorted({spoken for _, spoken in rows}) or [language or "en"]
        step = timedelta(days=7 if weekly else 1)
        days = [start + n * step for n in range((end - start) // step + 1)]
        return [_as_day(day, spoken, rows.get((day, spoken), {})) for day in days for spoken in spoken_ones]

    @staticmethod
    def _add_conversations(
        session: Session, start: date, end: date, language: str, at: Any, add: Any
    ) -> None:
        """Conversations by the day on which they began, and those that were handed over on a day."""
        for column, name in ((Conversation.started, "conversations"), (Handover.at, "handovers")):
            day = _day(session, column)
            asked = select(day, Conversation.language, func.count()).group_by(day, Conversation.language)
            if name == "handovers":
                asked = asked.join_from(Handover, Conversation, Handover.conversation == Conversation.id)
            asked = asked.where(column >= midnight(start), column < midnight(end + timedelta(days=1)))
            if language:
                asked = asked.where(Conversation.language == language)
            for when, spoken, number in session.execute(asked):
                add(at(when, spoken), name, number)

    def export(self, start: date, end: date, language: str = "") -> Iterator[str]:
        """The figures of each day as lines of CSV."""
        yield csv_line(DAILY)
        for day in self.by_day(start, end, language):
            yield csv_line(str("" if (v := getattr(day, name)) is None else v) for name in DAILY)


def percentile(histogram: Sequence[tuple[int, int]], part: float) -> int | None:
    """The percentile of response times counted in bins of `BIN` milliseconds: the middle of its bin, by nearest rank."""
    total = sum(number for _, number in histogram)
    reached = 0
    for place, number in sorted(histogram):
        reached += number
        if reached >= part * total:
            return place * BIN + BIN // 2
    return None


def _within(asked: Query, start: date, end: date, language: str) -> Query:
    asked = asked.where(Exchange.at >= midnight(start), Exchange.at < midnight(end + timedelta(days=1)))
    return asked.where(Exchange.language == language) if language else asked


def _rated(start: date, end: date, language: str, *columns: Any) -> Query:
    """A count of the ratings given in a period, by some columns."""
    # Joined with the short rows of conversations, and not with those of exchanges, which hold whole replies.
    asked = select(*columns, func.count()).join_from(
        Feedback, Conversation, Feedback.conversation == Conversation.id
    )
    asked = asked.where(Feedback.at >= midnight(start), Feedback.at < midnight(end + timedelta(days=1)))
    return asked.where(Conversation.language == language) if language else asked


def _handovers(start: date, end: date, language: str) -> Query:
    asked = select(func.count()).select_from(Handover)
    if language:
        asked = asked.join(Conversation, Handover.conversation == Conversation.id)
        asked = asked.where(Conversation.language == language)
    return asked.where(Handover.at >= midnight(start), Handover.at < midnight(end + timedelta(days=1)))


def _begun(start: date, end: date, language: str) -> Query:
    """A count of the conversations that began in a period."""
    began = Conversation.started
    asked = select(func.count()).where(began >= midnight(start), began < midnight(end + timedelta(days=1)))
    return asked.where(Conversation.language == language) if language else asked


def _endings(session: Session, within: Any, *columns: Any) -> Sequence[Any]:
    """How often questions ended in each way, by some columns: a pass over the index, whatever is summed of it."""
    by = (*columns, Exchange.outcome)
    return session.execute(within(select(*by, func.count())).group_by(*by)).all()


def _top(endings: Iterable[Sequence[Any]]) -> tuple[Top, ...]:
    """The names asked about most, of names with outcomes and how often."""
    counted: dict[str, Counter[str]] = {}
    for name, outcome, number in endings:
        if name:
            counted.setdefault(name, Counter())[outcome] += number
    found = [Top(n, o.total(), o["answered"], o["not_found"]) for n, o in counted.items()]
    return tuple(sorted(found, key=lambda top: (-top.questions, top.name))[:TOP])


def _summed(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """How often each name was counted in all."""
    total: Counter[str] = Counter()
    for name, number in counts:
        total[name] += number
    return dict(total)


def _day(session: Session, column: Any) -> Any:
    """The UTC day of a moment."""
    if session.get_bind().dialect.name == "postgresql":
        return cast(func.timezone(literal_column("'UTC'"), column), Date)
    return func.substr(column, 1, 10)  # SQLite keeps moments as texts that begin with the day


def _as_day(day: date, language: str, row: Mapping[str, Any]) -> Day:
    known = {name: row[name] for name in DAILY if name in row}
    return Day(day, language, **known, p50_ms=percentile(row.get("times", ()), 0.50))
