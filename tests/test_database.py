"""The database itself: opened, brought up to date, or refused with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from ui_fakes import settings

from ui.database import MIGRATIONS, Database, DatabaseError
from ui.tables import Base

OLD = """
INSERT INTO conversation VALUES ('c', '2026-01-01 10:00:00', '2026-01-01 10:00:00', 'en');
INSERT INTO exchange (conversation, message, at, question, about, outcome, language, topic, writer, version,
  milliseconds, reply) VALUES
  ('c', 'm1', '2026-01-01 10:00:00', 'Is there a nursery?', '', 'not_found', 'en', '', '', '1', 5, '{}'),
  ('c', 'm2', '2026-01-01 10:01:00', 'Is there a bus?', '', 'answered', 'en', '', '', '1', 5, '{}');
INSERT INTO feedback VALUES ('c', 'm2', '2026-01-01 10:02:00', 'down', 'wrong', '')
"""


def test_the_migrations_make_exactly_the_tables_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_the_migrations_can_be_taken_back_and_made_again(database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        command.upgrade(config, "head")
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_conversations_of_before_the_console_are_there_for_the_review(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with create_engine(url).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for statement in OLD.split(";"):
            connection.execute(text(statement))
    opened = Database.open(url)
    with opened.engine.connect() as connection:
        kept = connection.execute(text("SELECT message, attention, done FROM exchange ORDER BY message"))
        assert [tuple(row) for row in kept] == [("m1", 3, 0), ("m2", 4, 0)]
    opened.close()


@pytest.mark.parametrize("url", ["nonsense", "sqlite:////proc/none/x.sqlite", "mysql://x/y"])
def test_a_database_that_cannot_be_used_is_named_with_what_to_do(url: str) -> None:
    with pytest.raises(DatabaseError, match="CANDOR_"):
        Database.open(url)


def test_a_password_in_the_address_is_not_told() -> None:
    with pytest.raises(DatabaseError) as refusal:
        Database.open("postgresql+psycopg://me:secret-1@127.0.0.1:9/none?connect_timeout=2")
    assert "secret-1" not in str(refusal.value) and "127.0.0.1" in str(refusal.value)


def test_without_a_setting_it_is_a_file_in_the_store(tmp_path: Path) -> None:
    Database.of(settings(store=tmp_path)).close()
    assert (tmp_path / "conversations.sqlite").is_file()
