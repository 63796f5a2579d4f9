"""What is kept of a turn."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from assistant.conversation import Citation, Outcome, Reply
from ui.conversations import Conversations
from ui.database import Database
from ui.keeping import Keeper, Place, reply_as_json
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
