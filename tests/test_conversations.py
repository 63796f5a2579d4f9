"""Conversations as they are kept, in a real SQLite file."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import update
from sqlalchemy.orm import Session
from ui_fakes import settings

from ui.conversations import Base, Conversation, ConversationError, Conversations, Turn, new_id, opened

CHAT, FIRST, SECOND = "a" * 32, "1" * 32, "2" * 32
TABLES = ("conversation", "exchange", "feedback", "handover")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Conversations]:
    kept = Conversations.open(f"sqlite:///{tmp_path / 'kept.sqlite'}", retention_days=30)
    yield kept
    kept.close()


def turn(
    message: str = FIRST, question: str = "Is there a nursery?", chat: str = CHAT, answer: str = "Yes."
) -> Turn:
    reply = {
        "status": "answered",
        "answer": answer,
        "language": "en",
        "writer": "extractive",
        "citations": [],
    }
    return Turn(chat, message, question, "", "en", "nursery", "000001", 12, reply)


def rows(tmp_path: Path) -> dict[str, int]:
    with sqlite3.connect(tmp_path / "kept.sqlite") as connection:
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES}


def test_a_transcript_has_the_exchanges_in_their_order(database: Conversations) -> None:
    database.record(turn(FIRST, "One?"))
    database.record(turn(SECOND, "Two?"))
    kept = database.transcript(CHAT)
    assert kept and [one["question"] for one in kept["exchanges"]] == ["One?", "Two?"]
    assert datetime.fromisoformat(kept["expires"]) - datetime.fromisoformat(kept["started"]) >= timedelta(
        days=30
    )


def test_what_was_never_said_is_not_known(database: Conversations) -> None:
    assert database.transcript(CHAT) is None and database.answered(CHAT, FIRST) is None
    assert not database.rate(CHAT, FIRST, "up", "", "")


def test_a_message_that_comes_twice_is_kept_once_and_gets_its_first_reply(database: Conversations) -> None:
    database.record(turn(answer="First."))
    again = database.record(turn(answer="Second."))
    kept = database.transcript(CHAT)
    assert again["answer"] == "First." and kept and len(kept["exchanges"]) == 1


def test_first_messages_that_come_at_once_are_all_kept(database: Conversations) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: database.record(turn(f"{n:032x}", f"{n}?")), range(24)))
    kept = database.transcript(CHAT)
    assert kept and len(kept["exchanges"]) == 24


def test_personal_data_in_a_question_is_masked(database: Conversations) -> None:
    database.record(turn(question="I am ana@mail.example, is there a nursery?"))
    kept = database.transcript(CHAT)
    assert kept and kept["exchanges"][0]["question"] == "I am [mail address], is there a nursery?"


def test_a_rating_takes_the_place_of_the_one_before_and_can_be_taken_back(database: Conversations) -> None:
    database.record(turn())
    assert database.rate(CHAT, FIRST, "up", "", "")
    assert database.rate(CHAT, FIRST, "down", "outdated", "since May, ask ana@mail.example")
    kept = database.transcript(CHAT)
    assert kept and kept["exchanges"][0]["feedback"] == {
        "thumb": "down",
        "reason": "outdated",
        "comment": "since May, ask [mail address]",
    }
    assert database.rate(CHAT, FIRST, "", "", "")
    kept = database.transcript(CHAT)
    assert kept and kept["exchanges"][0]["feedback"] is None


def test_deleting_leaves_nothing_of_a_conversation(database: Conversations, tmp_path: Path) -> None:
    database.record(turn(question="a nursery for my pelican"))
    database.rate(CHAT, FIRST, "up", "", "good")
    database.handed_over(CHAT, "d" * 64)
    database.record(turn(chat="b" * 32))
    database.delete(CHAT)
    assert rows(tmp_path) == {"conversation": 1, "exchange": 1, "feedback": 0, "handover": 0}
    database.close()
    with sqlite3.connect(tmp_path / "kept.sqlite") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"pelican" not in (tmp_path / "kept.sqlite").read_bytes()


def test_deleting_what_is_not_there_is_no_error(database: Conversations) -> None:
    database.delete(CHAT)


def test_conversations_go_when_their_time_is_over(database: Conversations, tmp_path: Path) -> None:
    database.record(turn())
    database.record(turn(chat="b" * 32))
    with Session(database.engine) as session, session.begin():
        old = datetime.now(UTC) - timedelta(days=31)
        session.execute(update(Conversation).where(Conversation.id == CHAT).values(touched=old))
    assert database.transcript(CHAT) is None
    assert database.expire() == 1
    assert rows(tmp_path)["exchange"] == 1


def test_the_migrations_make_exactly_the_tables_of_the_models(database: Conversations) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def open_and_write(path: str, chat: str) -> None:
    kept = Conversations.open(f"sqlite:///{path}", 30)
    for number in range(10):
        kept.record(turn(f"{number:032x}", chat=chat))
    kept.close()


def test_two_processes_open_and_write_the_same_database_at_once(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("spawn")
    workers = [
        processes.Process(target=open_and_write, args=(str(tmp_path / "kept.sqlite"), letter * 32))
        for letter in "ab"
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0] and rows(tmp_path)["exchange"] == 20


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////proc/none/x.sqlite", "mysql://x/y"])
def test_a_database_that_cannot_be_used_is_named_with_what_to_do(url: str) -> None:
    with pytest.raises(ConversationError, match="CANDOR_"):
        Conversations.open(url, 30)


def test_a_password_in_the_address_is_not_told() -> None:
    with pytest.raises(ConversationError) as refusal:
        Conversations.open("postgresql+psycopg://me:secret-1@127.0.0.1:9/none?connect_timeout=2", 30)
    assert "secret-1" not in str(refusal.value) and "127.0.0.1" in str(refusal.value)


def test_with_no_retention_no_file_is_made(tmp_path: Path) -> None:
    assert opened(settings(store=tmp_path, retention_days=0)) is None
    assert list(tmp_path.iterdir()) == []


def test_an_id_is_128_random_bits() -> None:
    made: set[Any] = {new_id() for _ in range(100)}
    assert len(made) == 100 and all(len(name) == 32 and int(name, 16) >= 0 for name in made)
