"""Backup and restore: all of it comes back, or nothing is touched."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import WordEmbedder, page_of, reading_of
from sqlalchemy import create_engine, text
from ui_fakes import REPLIES, settings

from knowledge.ingestion import mirror
from knowledge.settings import Settings
from knowledge.store import Store, current_version
from ui.accounts import Accounts, Role
from ui.backup import BackupError, _snapshot, _tables, backup, read_backup, restore, write_backup
from ui.conversations import Conversations
from ui.database import Database, revision_of, upgrade
from ui.keeping import Keeper, Place

CHAT, FIRST = "a" * 32, "1" * 32


class Office:
    """A store with a page and a database with a chat and an account."""

    def __init__(self, folder: Path, embedder: WordEmbedder, **given: object) -> None:
        self.settings: Settings = settings(store=folder / "store", retention_days=30, **given)
        mirror(
            [reading_of(page_of("a", "Learning takes a tenth of the time."))],
            ["a"],
            self.settings.store,
            embedder,
        )
        self.database = Database.of(self.settings)
        self.chats = Conversations(self.database, 30)
        self.ask("Can I work from home?")
        Accounts(self.database).add("ada@mill.example", Role.ADMIN, "test")

    def ask(self, question: str, message: str = FIRST) -> None:
        Keeper(self.chats, object()).keep(
            Place(CHAT, message), question, REPLIES["Can I work from home?"], 0.1
        )


@pytest.fixture
def office(tmp_path: Path, embedder: WordEmbedder) -> Any:
    made = Office(tmp_path, embedder)
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A backup, taken once."""
    folder = tmp_path_factory.mktemp("kept")
    made = Office(folder, WordEmbedder())
    write_backup(made.settings, folder / "kept.zip")
    made.database.close()
    return (folder / "kept.zip").read_bytes()


def elsewhere(tmp_path: Path, **given: object) -> Settings:
    return settings(store=tmp_path / "other", retention_days=30, **given)


def test_all_of_it_comes_back_elsewhere(office: Office, tmp_path: Path, embedder: WordEmbedder) -> None:
    before = office.chats.transcript(CHAT)
    write_backup(office.settings, tmp_path / "kept.zip")
    other = elsewhere(tmp_path)
    read_backup(other, tmp_path / "kept.zip")
    restored = Store.open(other.store, embedder)
    assert restored.pages == Store.open(office.settings.store, embedder).pages
    assert [row for row, _ in restored.nearest_passages(embedder.embed(["learning"])[0], 1)] == [0]
    database = Database.of(other)
    assert Conversations(database, 30).transcript(CHAT) == before
    assert [member.name for member in Accounts(database).members()] == ["ada@mill.example"]
    assert sorted(path.name for path in (other.store / "history").iterdir()) == ["000001.jsonl"]
    Accounts(database).add(
        "bo@mill.example", Role.VIEWER, "test"
    )  # numbers go on behind those that came back
    database.close()


def test_a_backup_moves_chats_from_sqlite_to_postgresql_and_back(
    office: Office, tmp_path: Path, postgres_url: str
) -> None:
    with create_engine(postgres_url).begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    before = office.chats.transcript(CHAT)
    write_backup(office.settings, tmp_path / "one.zip")
    there = elsewhere(tmp_path, database=postgres_url)
    read_backup(there, tmp_path / "one.zip")
    database = Database.of(there)
    assert Conversations(database, 30).transcript(CHAT) == before
    Accounts(database).add("bo@mill.example", Role.VIEWER, "test")
    write_backup(there, tmp_path / "two.zip")
    database.close()
    back = settings(store=tmp_path / "third", retention_days=30)
    read_backup(back, tmp_path / "two.zip")
    database = Database.of(back)
    assert Conversations(database, 30).transcript(CHAT) == before and len(Accounts(database).members()) == 2
    database.close()


def test_what_is_written_meanwhile_is_in_it_as_a_whole_or_not_at_all(database: Database) -> None:
    chats = Conversations(database, 30)
    with _snapshot(database.engine) as connection:
        tables = {table.name: table for table in _tables(connection)}
        assert not list(connection.execute(tables["conversation"].select()))
        # A server goes on between two tables.
        Keeper(chats, object()).keep(Place(CHAT, FIRST), "Hello?", REPLIES["Can I work from home?"], 0.1)
        assert not list(connection.execute(tables["exchange"].select()))
    assert chats.transcript(CHAT) is not None


def test_no_secret_is_in_it(tmp_path: Path, embedder: WordEmbedder) -> None:
    secret = {
        "llm_api_key": "key-123",
        "handover_webhook": "https://hook.example/key-123",
        "secret": "key-123",
    }
    office = Office(tmp_path, embedder, **secret)
    write_backup(office.settings, tmp_path / "kept.zip")
    with zipfile.ZipFile(tmp_path / "kept.zip") as archive:
        told = archive.read("settings.env").decode()
        assert all(b"key-123" not in archive.read(name) for name in archive.namelist())
    assert 'CANDOR_COMPANY="Harbor & Pine"' in told and "# CANDOR_LLM_API_KEY=" in told
    assert (tmp_path / "kept.zip").stat().st_mode & 0o077 == 0
    office.database.close()


def test_nothing_is_overwritten_without_being_told(
    office: Office, tmp_path: Path, embedder: WordEmbedder
) -> None:
    target = tmp_path / "kept.zip"
    write_backup(office.settings, target)
    with pytest.raises(BackupError, match="--force"):
        write_backup(office.settings, target)
    with pytest.raises(BackupError, match="--force"):
        read_backup(office.settings, target)
    office.ask("And on Fridays?", "2" * 32)
    office.database.close()
    read_backup(office.settings, target, force=True)
    transcript = Conversations(Database.of(office.settings), 30).transcript(CHAT)
    assert transcript is not None and len(transcript["exchanges"]) == 1
    assert current_version(office.settings.store).name == "000002"  # a number that no reader has seen


def test_a_store_in_use_is_left_alone(office: Office, tmp_path: Path, embedder: WordEmbedder) -> None:
    write_backup(office.settings, tmp_path / "kept.zip")
    reader = Store.open(office.settings.store, embedder)
    with pytest.raises(BackupError, match="Stop it"):
        read_backup(office.settings, tmp_path / "kept.zip", force=True)
    assert reader.pages


def changed(path: Path, change: Callable[[dict[str, bytes], dict[str, Any]], None]) -> Path:
    """A backup with other members or another manifest."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    change(members, manifest)
    target = path.with_name("changed.zip")
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in {**members, "manifest.json": json.dumps(manifest).encode()}.items():
            archive.writestr(name, content)
    return target


def flipped(members: dict[str, bytes], _: dict[str, Any]) -> None:
    members["database/exchange.jsonl"] = members["database/exchange.jsonl"].replace(b"home", b"Rome")


def longer(members: dict[str, bytes], _: dict[str, Any]) -> None:
    members["store/version/pages.jsonl"] += b"\0" * 1000


def missing(members: dict[str, bytes], _: dict[str, Any]) -> None:
    del members["store/version/pages.jsonl"]


def named(name: str) -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    def change(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        members[name] = b"x"
        manifest["files"][name] = ["2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", 1]

    return change


def put(**given: object) -> Callable[[dict[str, bytes], dict[str, Any]], None]:
    return lambda _, manifest: manifest.update(given)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (flipped, "damaged"),
        (longer, "damaged"),
        (missing, "does not hold"),
        (named("store/version/../../../escaped"), "not unpacked"),
        (named("/etc/escaped"), "not unpacked"),
        (named("store/version/a\\..\\..\\escaped"), "not unpacked"),
        (named("store/CURRENT"), "not unpacked"),
        (put(format=2), "newer Candor"),
        (put(schema=99), "newer Candor"),
        (put(revision="9999"), "newer Candor"),
        (put(schema=0), "--without-store, then run: python ingest.py"),
        (put(version="../../x"), "none"),
    ],
)
def test_a_backup_that_cannot_be_used_is_refused_before_anything_is_replaced(
    kept: bytes, tmp_path: Path, change: Any, said: str
) -> None:
    (tmp_path / "kept.zip").write_bytes(kept)
    other = elsewhere(tmp_path)
    with pytest.raises(BackupError, match=said):
        read_backup(other, changed(tmp_path / "kept.zip", change))
    left = [path.name for path in other.store.rglob("*")] if other.store.exists() else []
    assert set(left) <= {"ingest.lock"} and not list(tmp_path.parent.rglob("*escaped*"))


def everything(chosen: Settings) -> dict[str, bytes]:
    """All files of a store but what locks leave, with the rows of SQLite's database in place of its files."""
    found = {
        str(path.relative_to(chosen.store)): path.read_bytes()
        for path in chosen.store.rglob("*")
        if path.is_file() and "conversations.sqlite" not in path.name and path.name != "ingest.lock"
    }
    with sqlite3.connect(chosen.store / "conversations.sqlite") as plain:
        found["rows"] = "\n".join(plain.iterdump()).encode()
    return found


def doubled(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
    """Rows that no database takes: each twice, with the right checksum."""
    name = "database/conversation.jsonl"
    members[name] *= 2
    manifest["files"][name] = [hashlib.sha256(members[name]).hexdigest(), len(members[name])]


def test_where_the_database_cannot_be_restored_the_knowledge_stays_as_well(
    office: Office, tmp_path: Path, kept: bytes
) -> None:
    office.ask("And on Fridays?", "2" * 32)
    office.database.close()
    (tmp_path / "kept.zip").write_bytes(kept)
    bad = changed(tmp_path / "kept.zip", doubled)
    before = everything(office.settings)
    with pytest.raises(BackupError, match="all is as it was"):
        read_backup(office.settings, bad, force=True)
    assert everything(office.settings) == before
    empty = elsewhere(tmp_path)
    with pytest.raises(BackupError, match="all is as it was"):
        read_backup(empty, bad)
    assert [path.name for path in empty.store.rglob("*") if path.is_file()] == ["ingest.lock"]


def test_a_folder_in_the_place_of_the_database_is_refused(kept: bytes, tmp_path: Path) -> None:
    (tmp_path / "kept.zip").write_bytes(kept)
    (tmp_path / "folder").mkdir()
    with pytest.raises(BackupError, match="is a folder"):
        read_backup(elsewhere(tmp_path, database=f"sqlite:///{tmp_path / 'folder'}"), tmp_path / "kept.zip")


GUARDED = (
    "CREATE SCHEMA guard",
    "CREATE TABLE guard.once (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)",
    "CREATE FUNCTION guard.note() RETURNS event_trigger LANGUAGE plpgsql AS "
    "$$ BEGIN INSERT INTO guard.once VALUES (1); END $$",
    "CREATE EVENT TRIGGER guarded ON ddl_command_end EXECUTE FUNCTION guard.note()",
)
"""A database that lets tables be made, and refuses when the transaction ends."""


def test_where_the_very_last_step_fails_the_knowledge_is_taken_back(
    kept: bytes, tmp_path: Path, embedder: WordEmbedder, postgres_url: str
) -> None:
    (tmp_path / "kept.zip").write_bytes(kept)
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        for statement in ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", *GUARDED):
            connection.execute(text(statement))
    there = elsewhere(tmp_path, database=postgres_url)
    page = page_of("b", "Parents get twenty weeks of leave.")
    mirror([reading_of(page)], ["b"], there.store, embedder)
    history = sorted(path.name for path in (there.store / "history").iterdir())
    try:
        with pytest.raises(BackupError, match="all is as it was"):
            read_backup(there, tmp_path / "kept.zip", force=True)
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP EVENT TRIGGER guarded"))
            connection.execute(text("DROP SCHEMA guard CASCADE"))
        engine.dispose()
    assert [page.source for page in Store.open(there.store, embedder).pages] == ["b"]
    assert [folder.name for folder in current_version(there.store).parent.iterdir()] == ["000001"]
    assert sorted(path.name for path in (there.store / "history").iterdir()) == history
    read_backup(there, tmp_path / "kept.zip", force=True)  # and now that nothing is in its way
    assert [page.source for page in Store.open(there.store, embedder).pages] == ["a"]


def test_a_store_of_an_older_schema_still_gives_its_chats(office: Office, tmp_path: Path) -> None:
    write_backup(office.settings, tmp_path / "kept.zip")
    other = elsewhere(tmp_path)
    read_backup(other, changed(tmp_path / "kept.zip", put(schema=0)), store=False)
    database = Database.of(other)
    assert Conversations(database, 30).transcript(CHAT) is not None
    assert not (other.store / "CURRENT").exists()
    database.close()


def test_a_backup_of_an_older_database_is_brought_up_to_date(office: Office, tmp_path: Path) -> None:
    """The tables as the first release made them, with a chat of then."""
    office.database.close()
    old = tmp_path / "old.sqlite"
    engine = create_engine(f"sqlite:///{old}")
    with engine.begin() as connection:
        upgrade(connection, "0001")
        connection.execute(
            text("INSERT INTO conversation VALUES (:c, '2025-01-01 10:00:00', '2099-01-01 10:00:00', 'en')"),
            {"c": CHAT},
        )
        connection.execute(
            text(
                "INSERT INTO exchange (conversation, message, at, question, about, outcome, language, topic, writer, "
                "version, milliseconds, reply) VALUES (:c, :m, '2099-01-01 10:00:00', 'Old?', '', 'answered', 'en', '', "
                "'extractive', '1', 5, :r)"
            ),
            {"c": CHAT, "m": FIRST, "r": json.dumps({"status": "answered", "answer": "Yes."})},
        )
        assert revision_of(connection) == "0001"
    rows = {}
    with sqlite3.connect(old) as plain:
        plain.row_factory = sqlite3.Row
        for table in ("conversation", "exchange"):
            found = [dict(row) for row in plain.execute(f"SELECT * FROM {table}")]
            rows[table] = [{n: json.loads(v) if n == "reply" else v for n, v in row.items()} for row in found]
    write_backup(office.settings, tmp_path / "kept.zip")

    def of_then(members: dict[str, bytes], manifest: dict[str, Any]) -> None:
        for name in [name for name in members if name.startswith("database/")]:
            del members[name], manifest["files"][name]
        for table, held in rows.items():
            content = b"".join(json.dumps(row).encode() + b"\n" for row in held)
            members[f"database/{table}.jsonl"] = content
            manifest["files"][f"database/{table}.jsonl"] = [hashlib.sha256(content).hexdigest(), len(content)]
        manifest["revision"] = "0001"

    other = elsewhere(tmp_path)
    read_backup(other, changed(tmp_path / "kept.zip", of_then))
    database = Database.of(other)
    transcript = Conversations(database, 30).transcript(CHAT)
    assert transcript is not None and transcript["exchanges"][0]["question"] == "Old?"
    assert Accounts(database).members() == []
    database.close()
    # And the same database, opened as it lies.
    moved = Database.open(f"sqlite:///{old}")
    assert Conversations(moved, 30).transcript(CHAT) == transcript
    moved.close()


def test_a_database_of_a_newer_release_is_refused_with_what_mends_it(office: Office, tmp_path: Path) -> None:
    with office.database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    from ui.database import DatabaseError

    with pytest.raises((BackupError, DatabaseError), match="newer Candor"):
        write_backup(office.settings, tmp_path / "kept.zip")
    assert list(tmp_path.glob("*.zip")) == []


def test_a_backup_that_fails_leaves_nothing_behind(office: Office, tmp_path: Path) -> None:
    shutil.rmtree(current_version(office.settings.store))
    with pytest.raises(RuntimeError, match=r"ingest\.py"):
        write_backup(office.settings, tmp_path / "kept.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_the_commands_say_what_they_did_and_what_to_do(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "candor.toml").write_text('company = "Mill"\n')
    store = str(office.settings.store)
    assert backup(["kept.zip", "--store", store]) == 0
    assert "kept.zip: knowledge version 000001" in capsys.readouterr().out
    assert backup(["kept.zip", "--store", store]) == 2 and "--force" in capsys.readouterr().err
    assert restore(["nothing.zip", "--store", "new"]) == 2 and "nothing.zip" in capsys.readouterr().err
    (tmp_path / "text.zip").write_text("hello")
    assert restore(["text.zip", "--store", "new"]) == 2 and "no backup" in capsys.readouterr().err
    assert restore(["kept.zip", "--store", "new"]) == 0 and "Restored from" in capsys.readouterr().out
    assert (tmp_path / "new" / "restored" / "candor.toml").read_text() == 'company = "Mill"\n'
