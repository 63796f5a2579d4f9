"""Conversations as they are kept, in a real SQLite file and in a real PostgreSQL server."""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from ui.conversations import Conversations, ForgottenError, Turn, new_id
from ui.database import Database
from ui.tables import Attention, Conversation, Exchange, Forgotten

CHAT, FIRST, SECOND = "a" * 32, "1" * 32, "2" * 32
TABLES = ("conversation", "exchange", "feedback", "handover", "forgotten")


@pytest.fixture
def kept(database: Database) -> Conversations:
    return Conversations(database, retention_days=30)


def turn(
    message: str = FIRST,
    question: str = "Is there a nursery?",
    chat: str = CHAT,
    answer: str = "Yes.",
    status: str = "answered",
    jobs: Sequence[str] = (),
) -> Turn:
    reply = {
        "status": status,
        "answer": answer,
        "language": "en",
        "writer": "extractive",
        "citations": [],
        "jobs": [{"id": title, "title": title} for title in jobs],
    }
    return Turn(chat, message, question, "", "en", "nursery", "000001", 12, reply)


def rows(kept: Conversations) -> dict[str, int]:
    with kept.database.reading() as session:
        return {name: session.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in TABLES}


def exchange(kept: Conversations, message: str = FIRST) -> Exchange:
    with kept.database.reading() as session:
        found = session.get(Exchange, (CHAT, message))
        assert found is not None
        return found


def first(kept: Conversations) -> dict[str, Any]:
    transcript = kept.transcript(CHAT)
    assert transcript
    found: dict[str, Any] = transcript["exchanges"][0]
    return found


def test_a_transcript_has_the_exchanges_in_their_order(kept: Conversations) -> None:
    kept.record(turn(FIRST, "One?"))
    kept.record(turn(SECOND, "Two?"))
    said = kept.transcript(CHAT)
    assert said and [one["question"] for one in said["exchanges"]] == ["One?", "Two?"]
    started, expires = (datetime.fromisoformat(said[name]) for name in ("started", "expires"))
    assert expires - started >= timedelta(days=30)


def test_what_was_never_said_is_not_known(kept: Conversations) -> None:
    assert kept.transcript(CHAT) is None and kept.answered(CHAT, FIRST) is None
    assert not kept.rate(CHAT, FIRST, "up", "", "")


def test_a_message_that_comes_twice_is_kept_once_and_gets_its_first_reply(kept: Conversations) -> None:
    kept.record(turn(answer="First."))
    again = kept.record(turn(answer="Second."))
    said = kept.transcript(CHAT)
    assert again["answer"] == "First." and said and len(said["exchanges"]) == 1


def test_first_messages_that_come_at_once_are_all_kept(kept: Conversations) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: kept.record(turn(f"{n:032x}", f"{n}?")), range(24)))
    said = kept.transcript(CHAT)
    assert said and len(said["exchanges"]) == 24


def test_personal_data_in_a_question_is_masked(kept: Conversations) -> None:
    kept.record(turn(question="I am ana@mail.example, is there a nursery?"))
    assert first(kept)["question"] == "I am [mail address], is there a nursery?"


def test_a_rating_takes_the_place_of_the_one_before_and_can_be_taken_back(kept: Conversations) -> None:
    kept.record(turn())
    assert kept.rate(CHAT, FIRST, "up", "", "")
    assert kept.rate(CHAT, FIRST, "down", "outdated", "since May, ask ana@mail.example")
    assert first(kept)["feedback"] == {
        "thumb": "down",
        "reason": "outdated",
        "comment": "since May, ask [mail address]",
    }
    assert exchange(kept).attention == Attention.THUMBS_DOWN
    assert kept.rate(CHAT, FIRST, "", "", "")
    assert first(kept)["feedback"] is None and exchange(kept).attention == Attention.NONE


@pytest.mark.parametrize(
    ("status", "attention"),
    [("answered", 0), ("chat", 0), ("declined", Attention.DECLINED), ("not_found", Attention.NOT_FOUND)],
)
def test_what_was_not_answered_needs_attention(kept: Conversations, status: str, attention: int) -> None:
    kept.record(turn(status=status))
    assert exchange(kept).attention == attention
    kept.rate(CHAT, FIRST, "down", "", "")
    kept.rate(CHAT, FIRST, "up", "", "")
    assert exchange(kept).attention == attention


def test_a_chat_that_was_handed_over_needs_attention_at_its_last_exchange(kept: Conversations) -> None:
    kept.record(turn(FIRST))
    kept.record(turn(SECOND))
    kept.handed_over(CHAT, "d" * 64)
    assert kept.was_handed_over(CHAT, "d" * 64) and not kept.was_handed_over(CHAT, "e" * 64)
    assert (exchange(kept).attention, exchange(kept, SECOND).attention) == (0, Attention.HANDED_OVER)


def test_a_chat_that_is_deleted_while_it_is_being_sent_is_no_error(kept: Conversations) -> None:
    kept.record(turn())
    kept.delete(CHAT)
    kept.handed_over(CHAT, "d" * 64)
    assert rows(kept)["handover"] == 0


def test_the_role_is_kept_where_a_reply_is_about_one(kept: Conversations) -> None:
    kept.record(turn(FIRST, jobs=["Ferry Pilot"]))
    kept.record(turn(SECOND, jobs=["Ferry Pilot", "Buyer"]))
    assert (exchange(kept).role, exchange(kept, SECOND).role) == ("Ferry Pilot", "")


def test_deleting_leaves_nothing_of_a_conversation(kept: Conversations, tmp_path: Path) -> None:
    kept.record(turn(question="a nursery for my pelican"))
    kept.rate(CHAT, FIRST, "up", "", "good")
    kept.handed_over(CHAT, "d" * 64)
    kept.record(turn(chat="b" * 32))
    kept.delete(CHAT)
    assert rows(kept) == {"conversation": 1, "exchange": 1, "feedback": 0, "handover": 0, "forgotten": 1}
    # With SQLite, the words are gone from its files as well, not only from the tables, while it is open.
    assert not [file for file in tmp_path.glob("kept.sqlite*") if b"pelican" in file.read_bytes()]


def test_deleting_what_is_not_there_is_no_error(kept: Conversations) -> None:
    kept.delete(CHAT)


def test_what_comes_of_a_chat_after_it_was_deleted_is_not_kept(kept: Conversations) -> None:
    kept.record(turn())
    kept.delete(CHAT)
    with pytest.raises(ForgottenError):
        kept.record(turn(SECOND))
    kept.record(turn(chat="b" * 32))
    assert kept.transcript(CHAT) is None and rows(kept)["exchange"] == 1
    kept.delete(CHAT)
    with kept.database.writing() as session:
        session.execute(update(Forgotten).values(at=datetime.now(UTC) - timedelta(days=31)))
    kept.expire()
    assert rows(kept)["forgotten"] == 0  # the id itself is not kept for longer than a chat


def test_a_chat_that_is_deleted_while_a_turn_of_it_is_being_kept_is_gone(kept: Conversations) -> None:
    """Whichever comes first, for a first message and for a later one."""

    def both(number: int) -> str:
        chat = f"{number:032x}"
        if number % 2:
            kept.record(turn(FIRST, chat=chat))
        together = threading.Barrier(2)

        def keeps() -> None:
            together.wait()
            with contextlib.suppress(ForgottenError):
                kept.record(turn(SECOND, chat=chat))

        keeping = pool.submit(keeps)
        together.wait()
        kept.delete(chat)
        keeping.result(60)
        return chat

    with ThreadPoolExecutor(1) as pool:
        chats = [both(number) for number in range(60)]
    assert [chat for chat in chats if kept.transcript(chat) is not None] == []
    assert rows(kept)["conversation"] == 0


def test_conversations_go_when_their_time_is_over(kept: Conversations) -> None:
    kept.record(turn())
    kept.record(turn(chat="b" * 32))
    with kept.database.writing() as session:
        old = datetime.now(UTC) - timedelta(days=31)
        session.execute(update(Conversation).where(Conversation.id == CHAT).values(touched=old))
    assert kept.transcript(CHAT) is None
    assert kept.expire() == 1
    assert rows(kept)["exchange"] == 1


def open_and_write(url: str, chat: str) -> None:
    opened = Database.open(url)
    for number in range(10):
        Conversations(opened, 30).record(turn(f"{number:032x}", chat=chat))
    opened.close()


def test_two_processes_open_and_write_the_same_database_at_once(kept: Conversations) -> None:
    url = kept.database.engine.url.render_as_string(hide_password=False)
    processes = multiprocessing.get_context("spawn")
    workers = [processes.Process(target=open_and_write, args=(url, letter * 32)) for letter in "ab"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0] and rows(kept)["exchange"] == 20


def test_an_id_is_128_random_bits() -> None:
    made: set[Any] = {new_id() for _ in range(100)}
    assert len(made) == 100 and all(len(name) == 32 and int(name, 16) >= 0 for name in made)
