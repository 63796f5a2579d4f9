"""The review of real conversations: what needs a recruiter's eye first, and what candidates ask in vain.

Everything here stays quick over a hundred thousand conversations (tests/benchmarks/console.py): a list reads
one index from its end, and what can be chosen is found by jumping through an index from value to value.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.cluster import AgglomerativeClustering
from sqlalchemy import Select, and_, func, literal, not_, or_, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from assistant.evaluation import guarded
from ui.database import Database
from ui.tables import Attention, Exchange, Feedback, Handover

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAGE = 50
RECENT = 20_000  # exchanges among which the topics that are asked about are counted
CHUNK = 20_000  # exchanges of an export that are chosen at once
BATCH = 500  # of them, those that are read at once, with their long replies
GROUPED = 1000  # distinct questions that are compared with each other: to embed them takes most of a second
SAME = 0.45
"""Cosine distance within which questions are one group (average linkage): paraphrases stand at 0.2 to 0.45."""
OTHER_TOPIC = 0.1
"""Added to the distance of questions on different topics: what an engineer does and what one earns are both near "engineer"."""

COLUMNS = (
    "at", "question", "outcome", "topic", "language", "thumb", "reason", "comment", "done", "assignee", "answer",
    "conversation", "message",
)  # fmt: skip
"""The columns of an export."""

Query = Select[*tuple[Any, ...]]

Key = tuple[str, str]
"""Conversation and message."""

_Place = tuple[int, datetime, str, str]
"""Where an exchange stands in the list: attention, moment, conversation and message."""


@dataclass(frozen=True)
class Filter:
    """Which exchanges are looked at; what is empty does not restrict. Both days are included, and in UTC.

    `outcome`: answered, not_found, declined, chat, or thumbs_down, handed_over. `done` None: all.
    """

    start: date | None = None
    end: date | None = None
    topic: str = ""
    language: str = ""
    outcome: str = ""
    done: bool | None = False
    assignee: str = ""
    words: str = ""


@dataclass(frozen=True)
class Seen:
    """An exchange as the list shows it."""

    conversation: str
    message: str
    at: datetime
    question: str
    answer: str
    outcome: str
    topic: str
    language: str
    attention: Attention
    thumb: str
    reason: str
    comment: str
    done: bool
    assignee: str

    @property
    def key(self) -> Key:
        """What names it."""
        return self.conversation, self.message


@dataclass(frozen=True)
class Group:
    """Similar questions that were not answered: the most typical one, how often, and in which words."""

    question: str
    count: int
    examples: tuple[str, ...]
    topic: str
    last: datetime
    keys: tuple[Key, ...]


class Review:
    """The exchanges of all conversations, to be read and ticked off."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # --- reading --------------------------------------------------------------------------------------

    def exchanges(self, wanted: Filter, limit: int = PAGE, skip: int = 0) -> list[Seen]:
        """Those that need attention most first, the newest of them first."""
        with self.database.reading() as session:
            # The rows are chosen over the index alone; their long replies are read for one page only.
            asked = _where(select(Exchange.conversation, Exchange.message), wanted)
            chosen = _ordered(asked, sought=bool(wanted.words))
            keys = session.execute(chosen.limit(limit).offset(skip)).all()
            return _read(session, [(row[0], row[1]) for row in keys])

    def count(self, wanted: Filter) -> int:
        """How many there are."""
        with self.database.reading() as session:
            return session.scalar(_where(select(func.count()).select_from(Exchange), wanted)) or 0

    def choices(self) -> dict[str, list[str]]:
        """The topics, languages and assignees that occur, each list in its order."""
        with self.database.reading() as session:
            return {
                name: sorted(set(session.scalars(_values(getattr(Exchange, name)))) - {""})
                for name in ("topic", "language", "assignee")
            }

    def conversation(self, conversation: str) -> list[Seen]:
        """All exchanges of one conversation, oldest first."""
        asked = select(Exchange.conversation, Exchange.message).where(Exchange.conversation == conversation)
        with self.database.reading() as session:
            keys = session.execute(asked.order_by(Exchange.at, Exchange.message)).all()
            return _read(session, [(row[0], row[1]) for row in keys])

    def reply(self, key: Key) -> dict[str, Any]:
        """The whole reply of an exchange, as the candidate got it; empty where it is gone."""
        with self.database.reading() as session:
            found = session.get(Exchange, key)
            return dict(found.reply) if found else {}

    # --- ticking off ----------------------------------------------------------------------------------

    def mark(self, keys: Iterable[Key], done: bool) -> int:
        """Tick exchanges off, or put them back; how many changed by it."""
        return self._set(keys, done=done)

    def assign(self, keys: Iterable[Key], name: str) -> int:
        """Say who looks after exchanges, "" for nobody; how many changed by it."""
        return self._set(keys, assignee=name[:120])

    def _set(self, keys: Iterable[Key], **values: Any) -> int:
        others = [getattr(Exchange, name) != value for name, value in values.items()]
        changed = 0
        listed = list(keys)
        with self.database.writing() as session:
            for start in range(0, len(listed), 300):
                among = _among(listed[start : start + 300])
                done = session.execute(update(Exchange).where(*among, *others).values(**values))
                changed += int(getattr(done, "rowcount", 0))
        return changed

    # --- what was asked in vain -----------------------------------------------------------------------

    def groups(
        self, wanted: Filter, embed: Callable[[Sequence[str]], NDArray[np.float32]], limit: int = GROUPED
    ) -> list[Group]:
        """Similar questions that were not found or got a thumb down, the most frequent first.

        The newest `limit` distinct questions are compared; `embed` gives a unit vector for each text.
        """
        vain = Exchange.attention.in_([Attention.NOT_FOUND, Attention.THUMBS_DOWN])
        asked = select(
            Exchange.conversation, Exchange.message, Exchange.at, Exchange.question, Exchange.topic
        )
        asked = _where(asked, wanted).where(vain).order_by(Exchange.at.desc()).limit(10 * limit)
        with self.database.reading() as session:
            rows = session.execute(asked).all()
        same: dict[str, list[Any]] = {}
        for row in rows:
            key = " ".join(re.findall(r"\w+", row.question.lower())) or row.question
            if key in same or len(same) < limit:
                same.setdefault(key, []).append(row)
        members = list(same.values())
        if not members:
            return []
        vectors = np.asarray(embed([rows[0].question for rows in members]), dtype=np.float32)
        topics = [rows[0].topic for rows in members]
        found = [
            _group([members[n] for n in numbers], vectors[numbers]) for numbers in clusters(vectors, topics)
        ]
        return sorted(found, key=lambda group: (-group.count, -group.last.timestamp()))

    def asked_about(self, start: date) -> dict[str, tuple[int, tuple[str, ...]]]:
        """For each topic how often it was asked about since a day, and up to three newest questions.

        Counted over the newest `RECENT` exchanges.
        """
        asked = select(Exchange.topic, Exchange.question).where(
            Exchange.at >= midnight(start), Exchange.topic != "", Exchange.outcome != "chat"
        )
        with self.database.reading() as session:
            rows = session.execute(asked.order_by(Exchange.at.desc()).limit(RECENT)).all()
        found: dict[str, list[str]] = {}
        for topic, question in rows:
            found.setdefault(topic, []).append(question)
        return {topic: (len(said), tuple(dict.fromkeys(said))[:3]) for topic, said in found.items()}

    # --- export ---------------------------------------------------------------------------------------

    def export(self, wanted: Filter, chunk: int = CHUNK) -> Iterator[str]:
        """The exchanges as lines of CSV, read bit by bit; no cell can be taken for a formula.

        Each chunk begins behind the last exchange of the one before, and not after a number of them: those
        that are ticked off while somebody downloads would move the others, and some would be missing.
        """
        yield csv_line(COLUMNS)
        last = None
        while chosen := self._chunk(wanted, chunk, last):
            last = chosen[-1]
            for row in self._rows([(each[2], each[3]) for each in chosen]):
                cells = (
                    row.at.isoformat(timespec="seconds"), row.question, row.outcome, row.topic, row.language, row.thumb,
                    row.reason, row.comment, "yes" if row.done else "", row.assignee, row.answer, *row.key,
                )  # fmt: skip
                yield csv_line(cells)

    def _chunk(self, wanted: Filter, limit: int, last: _Place | None) -> list[_Place]:
        """The next exchanges behind one, without their replies."""
        places = select(Exchange.attention, Exchange.at, Exchange.conversation, Exchange.message)
        asked = _where(places, wanted)
        if last:
            asked = asked.where(*_behind(last))
        with self.database.reading() as session:
            found = session.execute(_ordered(asked).limit(limit)).all()
        return [(row[0], row[1], row[2], row[3]) for row in found]

    def _rows(self, keys: Sequence[Key]) -> Iterator[Seen]:
        for start in range(0, len(keys), BATCH):
            with self.database.reading() as session:
                rows = _read(session, keys[start : start + BATCH])
            yield from rows


def clusters(vectors: NDArray[np.float32], topics: Sequence[str]) -> list[list[int]]:
    """Rows of `vectors`, of shape (n, dimensions), that belong together; `topics` has one for each row, or ""."""
    if len(vectors) < 2:
        return [[n] for n in range(len(vectors))]
    distances = np.clip(1.0 - vectors @ vectors.T, 0.0, None)
    named = np.array(topics)
    apart = (named[:, None] != named[None, :]) & (named[:, None] != "") & (named[None, :] != "")
    labels = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=SAME
    ).fit_predict(distances + OTHER_TOPIC * apart)
    return [[int(n) for n in np.flatnonzero(labels == label)] for label in range(int(labels.max()) + 1)]


def _group(members: Sequence[Sequence[Any]], vectors: NDArray[np.float32]) -> Group:
    """A group from its distinct questions, each with the exchanges in which it was asked."""
    counts = np.array([len(rows) for rows in members])
    # The medoid: the wording that is nearest to all others, each counted as often as it was asked.
    typical = int(np.argmax(vectors @ (vectors * counts[:, None]).sum(axis=0)))
    by_count = sorted(members, key=len, reverse=True)
    every = [row for rows in members for row in rows]
    topics = Counter(row.topic for row in every if row.topic)
    return Group(
        question=members[typical][0].question,
        count=len(every),
        examples=tuple(rows[0].question for rows in by_count[:5]),
        topic=topics.most_common(1)[0][0] if topics else "",
        last=max(row.at for row in every),
        keys=tuple((row.conversation, row.message) for row in every),
    )


def _where(asked: Query, wanted: Filter) -> Query:
    """A query with the filter's conditions."""
    conditions: list[Any] = []
    if wanted.done is not None:
        conditions.append(Exchange.done.is_(wanted.done))
    if wanted.start:
        conditions.append(Exchange.at >= midnight(wanted.start))
    if wanted.end:
        conditions.append(Exchange.at < midnight(wanted.end + timedelta(days=1)))
    for name in ("topic", "language", "assignee"):
        if value := getattr(wanted, name):
            conditions.append(getattr(Exchange, name) == value)
    if wanted.outcome == "thumbs_down":
        conditions.append(Exchange.attention == Attention.THUMBS_DOWN)
    elif wanted.outcome == "handed_over":
        conditions.append(_handed_over())
    elif wanted.outcome:
        conditions.append(Exchange.outcome == wanted.outcome)
    conditions.extend(_holds(word) for word in wanted.words[:200].split()[:8])
    return asked.where(and_(True, *conditions))


def _holds(word: str) -> Any:
    """The condition that a question holds a word, in small or in capital letters."""
    # SQLite knows the small letters of ASCII only: other words are looked for in each of their usual spellings.
    spellings = {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}
    return or_(*(Exchange.question.icontains(said, autoescape=True) for said in sorted(spellings)))


def _handed_over() -> Any:
    """The condition that a transcript was sent after an exchange, whatever else is the matter with it."""
    # Not by `attention`, which tells the gravest matter only: mostly something was not found before.
    before = aliased(Exchange)
    sent = (
        select(Handover.conversation, func.max(before.at))
        .join(before, and_(before.conversation == Handover.conversation, before.at <= Handover.at))
        .group_by(Handover.id, Handover.conversation)
    )
    return and_(
        Exchange.conversation.in_(select(Handover.conversation)),
        tuple_(Exchange.conversation, Exchange.at).in_(sent),
    )


def _ordered(asked: Query, sought: bool = False) -> Query:
    """A query in the order of the list; the keys make it one order, however often it is asked.

    `sought`: words are looked for, so that most rows may have to be read.
    """
    # A sum is in no index: rows are then read as they lie, and not here and there in the order of the list,
    # which for a word that nobody said takes twice as long, and longer yet from a disk.
    first = Exchange.attention + 0 if sought else Exchange.attention
    return asked.order_by(first.desc(), Exchange.at.desc(), Exchange.conversation, Exchange.message)


def _behind(last: _Place) -> tuple[Any, Any]:
    """The conditions that an exchange comes after one in the order of the list."""
    attention, at, *key = last
    moment = literal(at, Exchange.at.type)
    # The first finds its beginning in the index; the second leaves out those of the very same moment.
    return (
        tuple_(Exchange.attention, Exchange.at) <= tuple_(literal(attention), moment),
        not_(
            and_(
                Exchange.attention == attention,
                Exchange.at == moment,
                tuple_(Exchange.conversation, Exchange.message) <= tuple_(*map(literal, key)),
            )
        ),
    )


def _values(column: Any) -> Select[str]:
    """The distinct values of a column with an index: a step for each of them, and not one for each row."""
    found = select(func.min(column).label("value")).cte("found", recursive=True)
    following = select(func.min(column)).where(column > found.c.value).correlate(found).scalar_subquery()
    found = found.union_all(select(following).where(found.c.value.is_not(None)))
    return select(found.c.value).where(found.c.value.is_not(None))


def _among(keys: Sequence[Key]) -> tuple[Any, Any]:
    """The condition that an exchange has one of some keys."""
    # SQLite looks up the first in the index, and would read the whole table for the second alone.
    return (
        Exchange.conversation.in_({key[0] for key in keys}),
        tuple_(Exchange.conversation, Exchange.message).in_(keys),
    )


def _read(session: Session, keys: Sequence[Key]) -> list[Seen]:
    """The exchanges with these keys, in their order."""
    if not keys:
        return []
    asked = select(Exchange, Feedback).outerjoin(
        Feedback,
        and_(Feedback.conversation == Exchange.conversation, Feedback.message == Exchange.message),
    )
    found = {
        (row.Exchange.conversation, row.Exchange.message): _seen(row.Exchange, row.Feedback)
        for row in session.execute(asked.where(*_among(keys)))
    }
    return [found[key] for key in keys if key in found]


def _seen(row: Exchange, rated: Feedback | None) -> Seen:
    return Seen(
        conversation=row.conversation,
        message=row.message,
        at=row.at,
        question=row.question,
        answer=str(row.reply.get("answer") or ""),
        outcome=row.outcome,
        topic=row.topic,
        language=row.language,
        attention=Attention(row.attention),
        thumb=rated.thumb if rated else "",
        reason=rated.reason if rated else "",
        comment=rated.comment if rated else "",
        done=row.done,
        assignee=row.assignee,
    )


def midnight(day: date) -> datetime:
    """The beginning of a day, in UTC."""
    return datetime.combine(day, time(), UTC)


def csv_line(cells: Iterable[str]) -> str:
    """A line of CSV, none of whose cells a spreadsheet takes for a formula."""
    out = io.StringIO()
    csv.writer(out).writerow(guarded(cell) for cell in cells)
    return out.getvalue()
