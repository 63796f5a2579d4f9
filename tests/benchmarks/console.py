"""How quick the console is over 100,000 conversations: the review, its filters, the groups and the figures.

    python tests/benchmarks/console.py                        SQLite, in a folder that is removed afterwards
    python tests/benchmarks/console.py --database URL         an empty PostgreSQL database
    python tests/benchmarks/console.py --conversations 10000  fewer

Median and worst of five rounds, in milliseconds, with the database in the memory of the system's file cache.
Grouping is measured twice: with invented vectors, which leaves the encoder out, and with the packaged encoder.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, text
from tqdm import tqdm

from knowledge.embedding import load_embedder
from ui.conversations import Conversations, Turn, new_id
from ui.database import Database
from ui.figures import Figures
from ui.review import Filter, Review
from ui.tables import Attention, Conversation, Exchange, Feedback, Handover

TOPICS = [f"topic-{number}" for number in range(80)]
LANGUAGES = ("en",) * 7 + ("fr", "de", "he")
OUTCOMES = ("answered",) * 7 + ("not_found", "not_found", "declined", "chat")
STAFF = ("ada@firm.example", "bob@firm.example", "eve@firm.example")
NEEDS = {"not_found": Attention.NOT_FOUND, "declined": Attention.DECLINED}
WORDS = "how much many what when leave pay remote work team office bus dog nursery learning course visa shift car".split()
DAYS = 365
TODAY = datetime.now(UTC)


def conversation(chance: random.Random) -> Iterator[tuple[type, dict[str, Any]]]:
    """The rows of one invented conversation."""
    chat, language = f"{chance.getrandbits(128):032x}", chance.choice(LANGUAGES)
    at = TODAY - timedelta(seconds=chance.randrange(DAYS * 86400))
    yield Conversation, {"id": chat, "started": at, "touched": at, "language": language}
    count, sent = chance.randint(1, 5), chance.random() < 0.02
    for number in range(count):
        last = number == count - 1
        message, outcome = f"{number:032x}", chance.choice(OUTCOMES)
        thumb = chance.choice(("up", "down")) if chance.random() < 0.1 else ""
        said = " ".join(chance.choice(WORDS) for _ in range(chance.randint(3, 12)))
        yield (
            Exchange,
            {
                "conversation": chat, "message": message, "at": at + timedelta(minutes=number), "question": f"{said}?",
                "about": "", "outcome": outcome, "language": language, "topic": chance.choice(TOPICS),
                "writer": "extractive", "version": "000001", "role": f"Role {chance.randrange(60)}" if number else "",
                "milliseconds": int(chance.lognormvariate(4, 0.6)), "done": chance.random() < 0.5,
                "assignee": chance.choice(STAFF) if chance.random() < 0.01 else "",
                "attention": max(
                    Attention.THUMBS_DOWN if thumb == "down" else NEEDS.get(outcome, Attention.NONE),
                    Attention.HANDED_OVER if sent and last else Attention.NONE,
                ),
                "reply": {"status": outcome, "answer": "x" * 400, "citations": [{"quote": "y" * 1500}]},
            },
        )  # fmt: skip
        if thumb:
            rated = {"at": at, "thumb": thumb, "reason": "", "comment": ""}
            yield Feedback, {"conversation": chat, "message": message, **rated}
    if sent:
        yield Handover, {"conversation": chat, "at": at + timedelta(minutes=count), "digest": "0" * 64}


def fill(database: Database, conversations: int) -> None:
    """Put invented conversations into an empty database."""
    chance = random.Random(20261121)
    for start in tqdm(range(0, conversations, 2000), "Filling", unit="k", unit_scale=2):
        rows: dict[type, list[dict[str, Any]]] = {Conversation: [], Exchange: [], Feedback: [], Handover: []}
        for _ in range(min(2000, conversations - start)):
            for table, row in conversation(chance):
                rows[table].append(row)
        with database.engine.begin() as connection:
            for table, made in rows.items():
                if made:
                    connection.execute(insert(table), made)
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))


def invented(texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors without an encoder: how often each of the words is in a text."""
    rows = [[1.0, *(float(text.count(word)) for word in WORDS)] for text in texts]
    vectors = np.array(rows, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def timed(name: str, work: Callable[[], object], rounds: int = 5) -> None:
    """Print how long something takes."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    print(f"{name:44} {statistics.median(taken):8.0f} {max(taken):8.0f}", flush=True)


def measure(database: Database) -> None:
    """Print the time of all that the console shows."""
    review, figures = Review(database), Figures(database)
    today = TODAY.date()
    month, year = today - timedelta(days=29), today - timedelta(days=DAYS - 1)
    print(f"{'':44} {'median':>8} {'worst':>8}  ms")
    timed("review: first page", lambda: review.exchanges(Filter()))
    timed("review: page 100", lambda: review.exchanges(Filter(), skip=5000))
    timed("review: the last of 3,000 pages", lambda: review.exchanges(Filter(), skip=149_000))
    timed("review: count", lambda: review.count(Filter()))
    filters: dict[str, Filter] = {
        "topic": Filter(topic="topic-7"),
        "language": Filter(language="he"),
        "most spoken language": Filter(language="en"),
        **{name: Filter(outcome=name) for name in ("answered", "not_found", "declined", "chat")},
        "thumbs down": Filter(outcome="thumbs_down"),
        "handed over": Filter(outcome="handed_over"),
        "assignee": Filter(assignee=STAFF[0]),
        "done": Filter(done=True),
        "all": Filter(done=None),
        "a month": Filter(start=month, end=today),
        "a year": Filter(start=year, end=today, done=None),
        "a day": Filter(start=today - timedelta(days=100), end=today - timedelta(days=100)),
        "words": Filter(words="nursery visa", done=None),
        "words that nobody said": Filter(words="zeppelin", done=None),
        "all at once": Filter(month, today, "topic-7", "en", "not_found", False, "", "dog"),
    }
    for name, wanted in filters.items():
        timed(f"review: {name}, list and count", lambda w=wanted: (review.exchanges(w), review.count(w)))
    timed("review: choices", review.choices)
    timed(
        "review: a conversation", lambda: review.conversation(review.exchanges(Filter(), 1)[0].conversation)
    )
    timed(
        "review: groups of a month, invented vectors", lambda: review.groups(Filter(month, today), invented)
    )
    embedder = load_embedder("")
    embedder.embed([f"warm {number}" for number in range(8)])
    timed(
        "review: groups of a month, real encoder",
        lambda: review.groups(Filter(month, today), embedder.embed),
        rounds=2,
    )
    timed("review: first 1,000 lines of an export", lambda: list(islice(review.export(Filter()), 1000)))
    timed("review: a whole export", lambda: sum(1 for _ in review.export(Filter())), rounds=1)
    timed("figures: a month", lambda: figures.over(month, today))
    timed("figures: a year", lambda: figures.over(year, today))
    timed("figures: a year of one language", lambda: figures.over(year, today, "de"))
    timed("figures by day: a month", lambda: figures.by_day(month, today))
    timed("figures by week: a year", lambda: figures.by_day(year, today))
    kept = Conversations(database, 30)
    reply = {
        "status": "answered",
        "answer": "Yes.",
        "language": "en",
        "writer": "extractive",
        "citations": [],
    }
    timed(
        "recording a turn",
        lambda: kept.record(Turn(new_id(), new_id(), "Is there a bus?", "", "en", "bus", "1", 9, reply)),
        rounds=50,
    )


def main() -> None:
    """Fill a database, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", help="SQLAlchemy URL of an empty database")
    parser.add_argument("--conversations", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(given.database or f"sqlite:///{folder}/kept.sqlite")
        fill(database, given.conversations)
        measure(database)
        database.close()


if __name__ == "__main__":
    main()
