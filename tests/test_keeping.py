"""What is kept of a turn."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from postgres_server import own_postgres
from sqlalchemy import event

from assistant.conversation import Citation, Outcome, Reply
from ui.conversations import Conversations
from ui.database import Database
from ui.keeping import BACKLOG, Keeper, Place, reply_as_json
from ui.review import Filter, Review

PLACE = Place("c" * 32, "1" * 32)


def reply(likeness: float = 0.9) -> Reply:
    return Reply(Outcome.ANSWERED, "Yes.", trace={"topics": [("dogs", likeness)]})


def test_a_turn_is_kept_with_topic_version_and_time(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'kept.sqlite'}")
    keeper = Keeper(Conversations(database, 30), SimpleNamespace(version="000007"))
    told, stored = keeper.keep(PLACE, "May I bring my dog?", reply(), 0.0124)
    (seen,) = Review(database).exchanges(Filter())
    assert (
        stored and told["answer"] == "Yes." and (seen.topic, seen.question) == ("dogs", "May I bring my dog?")
    )
    keeper.keep(Place("c" * 32, "2" * 32), "And?", reply(likeness=0.2), 0.1)
    assert {seen.topic for seen in Review(database).exchanges(Filter())} == {"dogs", ""}
    assert keeper.forget(PLACE.conversation) and Review(database).count(Filter()) == 0
    database.close()


def test_a_database_that_is_away_stops_no_answer(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'kept.sqlite'}")
    keeper = Keeper(Conversations(database, 30), SimpleNamespace())
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE exchange")
    told, stored = keeper.keep(PLACE, "May I?", reply(), 0.1)
    assert not stored and told["status"] == "answered"
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE conversation")
    assert not keeper.forget(PLACE.conversation)
    database.close()


def test_a_reply_has_links_to_its_quotes() -> None:
    quoted = Reply(
        Outcome.ANSWERED, "Yes [1].", (Citation("a", "A", "https://x.example/a", "Dogs are welcome here"),)
    )
    told = reply_as_json(quoted)
    assert told["citations"][0]["link"].startswith("https://x.example/a#:~:text=Dogs")
    assert told["handover"] is False


# A database that goes away and comes back


def turns(database: Database) -> int:
    return Review(database).count(Filter())


def eventually(what: Callable[[], bool]) -> bool:
    """Whether it comes to be so; a minute is for a machine that has much else to do."""
    until = time.monotonic() + 60
    while not what() and time.monotonic() < until:
        time.sleep(0.05)
    return what()


@dataclass
class Kept:
    """A keeper with its database, and the file of that."""

    path: Path
    database: Database
    keeper: Keeper

    def keep(self, number: int, chat: str = "c" * 32) -> bool:
        place = Place(chat, f"{number:032x}")
        return self.keeper.keep(place, f"question {number}?", reply(), 0.1)[1]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    path = tmp_path / "kept.sqlite"
    database = Database.open(f"sqlite:///{path}")
    event.listen(database.engine, "checkout", lambda one, *_: one.execute("PRAGMA busy_timeout=50"))
    keeper = Keeper(Conversations(database, 30), SimpleNamespace(), retry=0.1)
    yield Kept(path, database, keeper)
    keeper.close()
    database.close()


def test_turns_wait_for_a_locked_database_and_are_stored_with_the_time_they_were_asked(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    assert kept.keep(1)
    with sqlite3.connect(kept.path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        asked = datetime.now(UTC)
        assert [kept.keep(number) for number in (2, 3, 4)] == [False] * 3
        told = datetime.now(UTC)
        # Asked again, a message gets its reply, which is not said to be stored.
        known = kept.keeper.answered("c" * 32, f"{3:032x}")
        assert known is not None and known[0]["answer"] == "Yes." and known[1] is False
        assert kept.keeper.waiting == 3
        other.execute("ROLLBACK")
    assert eventually(lambda: not kept.keeper.waiting) and turns(kept.database) == 4
    assert eventually(lambda: "3 turns that waited are stored, 0 are lost" in caplog.text)
    assert kept.keep(5) and turns(kept.database) == 5
    asks = [seen.at for seen in Review(kept.database).exchanges(Filter()) if seen.question == "question 2?"]
    assert len(asks) == 1 and asked - timedelta(seconds=1) <= asks[0] <= told
    assert "question 2" not in caplog.text  # a log holds no candidate's words


@pytest.mark.parametrize("replaced", [False, True])
def test_a_database_file_that_is_removed_or_replaced_under_the_server_loses_no_turn_after_that(
    kept: Kept, tmp_path: Path, replaced: bool
) -> None:
    assert kept.keep(1)
    for path in tmp_path.glob("kept.sqlite*"):
        path.unlink()
    if replaced:
        Database.open(f"sqlite:///{kept.path}").close()
    stored = kept.keep(2)
    assert stored is replaced
    assert eventually(lambda: not kept.keeper.waiting)
    fresh = Database.open(f"sqlite:///{kept.path}")
    assert turns(fresh) == 1 and kept.keep(3) and turns(fresh) == 2
    fresh.close()


def test_a_damaged_database_file_stops_no_answer_and_one_put_in_its_place_is_taken(
    kept: Kept, tmp_path: Path
) -> None:
    assert kept.keep(1)
    kept.database.close()
    whole = kept.path.read_bytes()
    damaged = tmp_path / "damaged"
    damaged.write_bytes(b"no database at all " * 400)
    damaged.replace(kept.path)
    assert not kept.keep(2) and kept.keeper.waiting == 1
    restored = tmp_path / "restored"
    restored.write_bytes(whole)
    restored.replace(kept.path)
    assert eventually(lambda: not kept.keeper.waiting) and turns(kept.database) == 2


def test_a_disk_that_is_full_stops_no_answer(kept: Kept) -> None:
    assert kept.keep(1)
    with kept.database.engine.begin() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    # What SQLite says of a full disk, it says of a file that may not grow.
    event.listen(
        kept.database.engine,
        "checkout",
        lambda connection, *_: connection.execute(f"PRAGMA max_page_count={pages if limited else 10**6}"),
    )
    limited = True
    place = Place("d" * 32, "1" * 32)
    long = Reply(Outcome.ANSWERED, "Yes. " * 20_000)
    told, stored = kept.keeper.keep(place, "May I?", long, 0.1)
    assert told["answer"].startswith("Yes.") and not stored and kept.keeper.waiting == 1
    limited = False
    assert eventually(lambda: not kept.keeper.waiting) and turns(kept.database) == 2


def test_a_chat_that_is_deleted_while_it_waits_is_not_stored_later(kept: Kept) -> None:
    assert kept.keep(1)
    with sqlite3.connect(kept.path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert not kept.keep(2, chat="d" * 32) and not kept.keep(3, chat="e" * 32)
        assert not kept.keeper.forget("d" * 32)  # what is in the database cannot be deleted now
        other.execute("ROLLBACK")
    assert eventually(lambda: not kept.keeper.waiting) and turns(kept.database) == 2
    assert kept.keeper.forget("d" * 32) and kept.keeper.forget("e" * 32) and turns(kept.database) == 1


def test_what_waits_is_bounded_and_the_end_says_what_is_lost(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    with sqlite3.connect(kept.path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        for number in range(BACKLOG + 3):
            assert not kept.keep(number)
        assert kept.keeper.waiting == BACKLOG
        kept.keeper.close()
        assert f"{BACKLOG + 3} turns are lost" in caplog.text
        other.execute("ROLLBACK")


def test_postgresql_that_is_stopped_and_started_loses_no_turn(tmp_path: Path) -> None:
    with own_postgres() as server:
        database = Database.open(server.url)
        keeper = Keeper(Conversations(database, 30), SimpleNamespace(), retry=0.1)
        kept = Kept(tmp_path, database, keeper)
        assert kept.keep(1)
        server.stop()
        assert not kept.keep(2) and not kept.keep(3)
        server.start()
        assert eventually(lambda: not keeper.waiting) and turns(database) == 3 and kept.keep(4)
        keeper.close()
        database.close()


def test_a_turn_that_no_database_takes_does_not_stand_in_the_way_of_others(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database.open(postgres_url)
    keeper = Keeper(Conversations(database, 30), SimpleNamespace())
    nul = "May I\x00?"  # PostgreSQL stores no such character
    assert keeper.keep(Place("f" * 32, "1" * 32), nul, reply(), 0.1)[1] is False
    assert "cannot be stored, and is lost" in caplog.text and keeper.waiting == 0
    assert keeper.keep(Place("f" * 32, "2" * 32), "May I?", reply(), 0.1)[1]
    keeper.forget("f" * 32)
    database.close()
