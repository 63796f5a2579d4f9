"""`python -m ui backup` and `restore`: store, database and settings in one file, whole or not at all.

FILE is a ZIP archive:
manifest.json             what made it and when, versions, and the SHA-256 and size of every other member
store/version/…           the version of the knowledge in force
store/history/*.jsonl     what the ingests changed
database/TABLE.jsonl      the rows of each table, so that a backup of SQLite can be restored to PostgreSQL
settings.env, candor.toml what was set, without secrets

Rows rather than the database's own files: the same code serves both, each row read in one transaction's
snapshot (SQLite's write-ahead log, PostgreSQL's REPEATABLE READ), beside a server that goes on writing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from knowledge.settings import Settings, explained, load_settings

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

FORMAT = 1
"""Raised when an older release could not restore a backup."""

MANIFEST = "manifest.json"
MOST_MANIFEST = 16 * 1024 * 1024  # bytes; 100,000 members need a tenth
CHUNK = 1024 * 1024
ROWS = 500

HIDDEN = frozenset(("handover_webhook", "llm_base_url", "store"))
"""Settings that are no secrets by type but may hold one in an address; and the store, which is elsewhere next time."""

EXAMPLES = """examples:
  python -m ui backup candor-backup.zip                   while the server runs
  python -m ui restore candor-backup.zip                  into an empty store and database; stop the server first
  python -m ui restore candor-backup.zip --force          in place of what is there
  CANDOR_DATABASE=postgresql+psycopg://… python -m ui restore candor-backup.zip   from SQLite to PostgreSQL"""


class BackupError(RuntimeError):
    """It cannot be backed up or restored; the message says why and what to do."""


@dataclass
class Contents:
    """What a backup holds. `files`: SHA-256 and bytes of each member; `revision`: of the tables, "" without any."""

    format: int
    candor: str
    made: str
    version: str = ""
    schema: int = 0
    encoder: str = ""
    revision: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, tuple[str, int]] = field(default_factory=dict)


# --- the commands -----------------------------------------------------------------------------------


def backup(arguments: Sequence[str]) -> int:
    """Write a backup; 2 where the caller has to act first."""
    parser = _parser("backup", "Write knowledge, database and settings (without secrets) to one file.")
    parser.add_argument("--force", action="store_true", help="replace FILE where it exists")
    given = parser.parse_args(arguments)

    def work(settings: Settings) -> str:
        contents = write_backup(settings, given.file, force=given.force)
        rows, size = sum(contents.rows.values()), given.file.stat().st_size / 1e6
        return f"{given.file}: knowledge version {contents.version or '(none)'}, {rows} rows, {size:.1f} MB."

    return _run("backup", given.store, work)


def restore(arguments: Sequence[str]) -> int:
    """Restore a backup; 2 where the caller has to act first."""
    parser = _parser(
        "restore", "Bring back what `python -m ui backup` wrote. All is checked before anything is replaced."
    )
    parser.add_argument(
        "--force", action="store_true", help="replace the knowledge and the database that are there"
    )
    parser.add_argument("--without-store", action="store_true", help="bring back the database only")
    given = parser.parse_args(arguments)

    def work(settings: Settings) -> str:
        contents = read_backup(settings, given.file, force=given.force, store=not given.without_store)
        rows = sum(contents.rows.values())
        beside = settings.store / "restored"
        return (
            f"Restored from {contents.made}: {rows} rows. Settings and candor.toml, if any, lie in {beside}."
        )

    return _run("restore", given.store, work)


def _parser(name: str, told: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m ui {name}",
        description=told,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the backup")
    parser.add_argument("--store", type=Path, metavar="DIR", help="knowledge store (.candor)")
    return parser


def _run(name: str, store: Path | None, work: Any) -> int:
    from knowledge.store import StoreError
    from ui.database import DatabaseError

    try:
        print(work(load_settings(store=store)))
    except ValueError as error:
        return _refuse(name, explained(error))
    except (BackupError, StoreError, DatabaseError) as error:
        return _refuse(name, str(error))
    except OSError as error:
        return _refuse(name, f"{error.filename or 'The file'} cannot be used ({error.strerror}).")
    return 0


def _refuse(name: str, why: str) -> int:
    print(f"python -m ui {name}: {why}", file=sys.stderr)
    return 2


# --- writing ----------------------------------------------------------------------------------------


def write_backup(settings: Settings, target: Path, force: bool = False) -> Contents:
    """Write a backup to `target`, which is there whole or not at all; a server may go on meanwhile."""
    if target.exists() and not force:
        raise BackupError(f"{target} exists. Choose another name, or replace it with --force.")
    contents = Contents(FORMAT, installed("candor"), datetime.now(UTC).isoformat(timespec="seconds"))
    # Of its owner only: it holds what candidates wrote.
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
                writer = _Archive(archive, contents)
                _write_store(settings.store, writer)
                _write_database(settings, writer)
                writer.add("settings.env", [_settings_text(settings).encode()])
                if Path("candor.toml").is_file():
                    writer.add("candor.toml", _chunks(Path("candor.toml")))
                archive.writestr(MANIFEST, json.dumps(asdict(contents), indent=1))
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return contents


class _Archive:
    """Adds members and notes their checksums."""

    def __init__(self, archive: zipfile.ZipFile, contents: Contents) -> None:
        self.archive = archive
        self.contents = contents

    def add(self, name: str, chunks: Iterable[bytes]) -> None:
        digest, size = hashlib.sha256(), 0
        with self.archive.open(name, "w", force_zip64=True) as member:
            for chunk in chunks:
                member.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        self.contents.files[name] = (digest.hexdigest(), size)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def _write_store(store: Path, archive: _Archive) -> None:
    from knowledge.store import CURRENT, current_version, hold, read_manifest

    if not (store / CURRENT).exists():
        return  # nothing has been read yet
    folder = current_version(store)
    holder = _Holder()
    hold(holder, folder)  # an ingest that switches meanwhile must not remove it
    manifest = read_manifest(folder)
    contents = archive.contents
    contents.version, contents.schema, contents.encoder = folder.name, manifest.schema, manifest.encoder
    for path in sorted(entry for entry in folder.rglob("*") if entry.is_file()):
        archive.add(f"store/version/{path.relative_to(folder).as_posix()}", _chunks(path))
    for path in sorted((store / "history").glob("*.jsonl")):
        if path.stem <= folder.name:
            archive.add(f"store/history/{path.name}", _chunks(path))


class _Holder:
    """Holds a version for as long as it lives."""


def _write_database(settings: Settings, archive: _Archive) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url

    from ui.database import Database, revision_of, url_of

    url = make_url(url_of(settings))
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return  # there has been no server yet
    Database.open(url_of(settings)).close()  # its errors say what to do; an older one is brought up to date
    engine = create_engine(url)
    try:
        with _snapshot(engine) as connection:
            contents = archive.contents
            contents.revision = revision_of(connection)
            for table in _tables(connection):
                archive.add(f"database/{table.name}.jsonl", _rows(connection, table, contents))
    finally:
        engine.dispose()


_NEWER = "{what}, which this release does not know. Install the newer Candor, then run this again."


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees the database as it is now, whatever others write."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")  # the driver begins none before it writes
        yield connection
        connection.rollback()


def _tables(connection: Connection) -> list[Table]:
    """The tables as they are at the database's revision, those that others refer to first."""
    from sqlalchemy import JSON, MetaData

    found = MetaData()
    found.reflect(connection)
    for table in found.tables.values():
        for column in table.columns:
            if isinstance(column.type, JSON):
                column.type.none_as_null = True  # as in `tables`: no value is not the value null
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def _rows(connection: Connection, table: Table, contents: Contents) -> Iterator[bytes]:
    contents.rows[table.name] = 0
    for row in connection.execution_options(yield_per=ROWS).execute(table.select()).mappings():
        contents.rows[table.name] += 1
        yield json.dumps(dict(row), ensure_ascii=False, default=_moment).encode() + b"\n"


def _moment(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} cannot be backed up.")
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def _settings_text(settings: Settings) -> str:
    """What is set, as lines of a `.env` file; secrets are named and left out."""
    from pydantic import SecretStr

    lines = []
    for name in sorted(settings.model_fields_set):
        value = getattr(settings, name)
        if name in HIDDEN or isinstance(value, SecretStr):
            lines.append(f"# CANDOR_{name.upper()}= was set, and is left out")
        else:
            text = ",".join(value) if isinstance(value, tuple) else str(value)
            lines.append(f"CANDOR_{name.upper()}={json.dumps(text, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


# --- reading ----------------------------------------------------------------------------------------


def read_backup(settings: Settings, source: Path, force: bool = False, store: bool = True) -> Contents:
    """Restore a backup; without `force` only where there is nothing, without `store` the database only.

    Everything is unpacked and checked first. What cannot be used is refused before anything is replaced, and
    knowledge and database are replaced together: where one of them fails, both are as they were.
    """
    from knowledge.ingestion import locked

    try:
        archive = zipfile.ZipFile(source)
    except zipfile.BadZipFile as error:
        raise BackupError(f"{source} is no backup ({error}).") from error
    with archive:
        contents = _contents(archive, source)
        with_store = store and bool(contents.version)
        _refuse_unfit(contents, with_store)
        _refuse_overwriting(settings, contents, force, with_store)
        with locked(settings.store), tempfile.TemporaryDirectory(".restore", dir=settings.store) as folder:
            unpacked = Path(folder)
            _unpack(archive, contents, unpacked, settings.store)
            with _knowledge(unpacked, settings.store, contents, with_store) as put_in_force:
                if contents.revision:
                    _restore_database(settings, unpacked, contents, put_in_force)
                else:
                    put_in_force()
            beside = settings.store / "restored"
            beside.mkdir(exist_ok=True)
            for name in ("settings.env", "candor.toml"):
                if name in contents.files:
                    (unpacked / name).replace(beside / name)
    return contents


def _contents(archive: zipfile.ZipFile, source: Path) -> Contents:
    try:
        entry = archive.getinfo(MANIFEST)
        if entry.file_size > MOST_MANIFEST:
            raise ValueError("its manifest is too large")
        told = json.loads(archive.read(entry))
        told["files"] = {
            str(name): (str(digest), int(size)) for name, (digest, size) in told["files"].items()
        }
        if int(told["format"]) > FORMAT:
            raise BackupError(_NEWER.format(what=f"{source} has format {told['format']}"))
        contents = Contents(**told)
    except (KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise BackupError(f"{source} is no backup, or a damaged one ({error}).") from error
    names = [entry.filename for entry in archive.infolist() if entry.filename != MANIFEST]
    for name in (*names, *contents.files):
        if not _is_safe(name):
            raise BackupError(f"{source} has a member {name!r}, which no backup has. It is not unpacked.")
    if sorted(names) != sorted(contents.files):
        raise BackupError(f"{source} does not hold what its manifest lists. Take another backup.")
    return contents


def _is_safe(name: str) -> bool:
    """Whether a member is one that `write_backup` writes: below a known folder, without a way out of it."""
    parts = PurePosixPath(name).parts
    plain = name == "/".join(parts) and "\\" not in name and ":" not in name and "\0" not in name
    known = name in ("settings.env", "candor.toml") or (
        len(parts) >= 3 and parts[:2] in (("store", "version"), ("store", "history"))
    )
    known = known or (len(parts) == 2 and parts[0] == "database" and name.endswith(".jsonl"))
    return plain and known and not any(part in ("", ".", "..") for part in name.split("/"))


def _refuse_unfit(contents: Contents, with_store: bool) -> None:
    from knowledge.store import SCHEMA, is_version
    from ui.database import revisions

    if contents.revision and contents.revision not in revisions():
        raise BackupError(_NEWER.format(what=f"The backup's database is at revision {contents.revision}"))
    if not with_store:
        return
    if not is_version(contents.version):
        raise BackupError(f"The backup names the version {contents.version!r}, which is none.")
    if contents.schema > SCHEMA:
        raise BackupError(_NEWER.format(what=f"The backup's knowledge has schema {contents.schema}"))
    if contents.schema < SCHEMA:
        raise BackupError(
            f"The backup's knowledge has schema {contents.schema}, this release reads {SCHEMA}. "
            "Restore with --without-store, then run: python ingest.py"
        )


def _refuse_overwriting(settings: Settings, contents: Contents, force: bool, with_store: bool) -> None:
    from sqlalchemy.engine import make_url

    from knowledge.store import CURRENT, VERSIONS, is_held
    from ui.database import url_of

    if with_store and (settings.store / CURRENT).exists() and not force:
        raise BackupError(f"There is knowledge in {settings.store}. Choose another --store, or use --force.")
    folders = list((settings.store / VERSIONS).glob("*"))
    if any(is_held(folder) for folder in folders):
        raise BackupError(f"A server or an ingest is using {settings.store}. Stop it, then run this again.")
    url = make_url(url_of(settings))
    if contents.revision and url.get_backend_name() == "sqlite" and Path(url.database or "").is_dir():
        raise BackupError(f"{url.database} is a folder. Name a file in CANDOR_DATABASE, or leave it empty.")
    if contents.revision and not force and _has_rows(settings):
        raise BackupError(
            "There is something in the database. Choose another CANDOR_DATABASE, or use --force."
        )


def _has_rows(settings: Settings) -> bool:
    from sqlalchemy import create_engine, select
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    from ui.database import url_of

    url = make_url(url_of(settings))
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return False
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return any(connection.execute(select(t).limit(1)).first() for t in _tables(connection))
    except SQLAlchemyError as error:
        where = url.render_as_string(hide_password=True)
        raise BackupError(f"The database {where} cannot be read. Run: python -m ui doctor") from error
    finally:
        engine.dispose()


def _unpack(archive: zipfile.ZipFile, contents: Contents, folder: Path, store: Path) -> None:
    """Unpack all members into `folder`, each with the size and the checksum of the manifest."""
    needed, free = sum(size for _, size in contents.files.values()), shutil.disk_usage(store).free
    if needed > free:
        raise BackupError(f"{needed / 1e6:.0f} MB are needed in {store}, and {free / 1e6:.0f} MB are free.")
    for name, (expected, size) in contents.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        digest, left = hashlib.sha256(), size
        try:
            with archive.open(name) as member, path.open("wb") as stream:
                while chunk := member.read(min(CHUNK, left + 1)):
                    left -= len(chunk)
                    if left < 0:
                        break
                    digest.update(chunk)
                    stream.write(chunk)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise BackupError(f"The member {name} is damaged ({error}). Take another backup.") from error
        if left != 0 or digest.hexdigest() != expected:
            raise BackupError(f"The member {name} is damaged: its checksum is wrong. Take another backup.")


@contextmanager
def _knowledge(unpacked: Path, store: Path, contents: Contents, wanted: bool) -> Iterator[Callable[[], None]]:
    """What puts the version of a backup in force, once all else is ready; taken back where the block fails."""
    from knowledge.store import CURRENT, switch

    if not wanted:
        yield lambda: None
        return
    before = (store / CURRENT).read_text(encoding="utf-8") if (store / CURRENT).exists() else None
    added: list[Path] = []
    try:
        name = _bring_in(unpacked, store, contents, added)
        yield lambda: switch(store, name)
    except BaseException:
        if before is None:
            (store / CURRENT).unlink(missing_ok=True)
        elif (store / CURRENT).read_text(encoding="utf-8") != before:
            switch(store, before)
        for path in added:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise


def _bring_in(unpacked: Path, store: Path, contents: Contents, added: list[Path]) -> str:
    """Move the version and the history into the store, each noted in `added`; the version's name there."""
    from knowledge.store import VERSIONS, is_version, read_manifest

    folder = unpacked / "store" / "version"
    read_manifest(folder)
    versions, history = store / VERSIONS, store / "history"
    versions.mkdir(exist_ok=True)
    history.mkdir(exist_ok=True)
    taken = [int(entry.name) for entry in versions.iterdir() if is_version(entry.name)]
    # A number is never used twice: a reader tells by it that there is something new.
    name = contents.version if not taken else f"{max(*taken, int(contents.version)) + 1:06d}"
    folder.rename(versions / name)
    added.append(versions / name)
    for path in (unpacked / "store" / "history").glob("*.jsonl"):
        if not (history / path.name).exists():
            path.replace(history / path.name)
            added.append(history / path.name)
    return name


def _restore_database(
    settings: Settings, unpacked: Path, contents: Contents, before_the_last_step: Callable[[], None]
) -> None:
    """Fill the database, and have it there in one last step, before which the other is called."""
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    from ui.database import url_of

    url = make_url(url_of(settings))
    on_disk = url.get_backend_name() == "sqlite"
    draft = unpacked / "restored.sqlite"
    engine = create_engine(f"sqlite:///{draft}" if on_disk else url)
    try:
        with engine.begin() as connection:
            _fill(connection, unpacked, contents)
            if not on_disk:
                before_the_last_step()
    except SQLAlchemyError as error:
        why = (str(getattr(error, "orig", None) or error).splitlines() or [""])[0]
        raise BackupError(f"The database could not be restored, and all is as it was ({why}).") from error
    finally:
        engine.dispose()
    if on_disk:
        _put_in_place(draft, Path(url.database or ""), before_the_last_step)


def _put_in_place(draft: Path, target: Path, before_the_last_step: Callable[[], None]) -> None:
    """Put an SQLite file in the place of another one, with whose log SQLite would confuse its own."""
    target.parent.mkdir(parents=True, exist_ok=True)
    near = target.with_name(f".{target.name}.restored")
    files = [Path(f"{target}{ending}") for ending in ("", "-wal", "-shm")]
    aside = [path.with_name(f".{path.name}.before") for path in files]
    try:
        shutil.move(draft, near)  # perhaps from another disk, which takes its time
        before_the_last_step()
        for path, kept in zip(files, aside, strict=True):
            if path.exists():
                path.replace(kept)
        near.replace(target)
    except BaseException:
        for path, kept in zip(files, aside, strict=True):
            if kept.exists():
                kept.replace(path)
        near.unlink(missing_ok=True)
        raise
    for kept in aside:
        kept.unlink(missing_ok=True)


def _fill(connection: Connection, unpacked: Path, contents: Contents) -> None:
    """Make the tables as they were, fill them, and bring them up to date; all in one transaction."""
    from sqlalchemy import MetaData

    from ui.database import upgrade

    before = MetaData()
    before.reflect(connection)
    before.drop_all(connection)
    upgrade(connection, contents.revision)
    for table in _tables(connection):
        path = unpacked / "database" / f"{table.name}.jsonl"
        if path.is_file():
            _insert(connection, table, path)
    upgrade(connection)


def _insert(connection: Connection, table: Table, path: Path) -> None:
    from sqlalchemy import DateTime, func, insert, select, text

    moments = [column.name for column in table.columns if isinstance(column.type, DateTime)]
    local = connection.dialect.name == "sqlite"
    waiting: list[dict[str, Any]] = []
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            for name in moments:
                if row.get(name):
                    moment = datetime.fromisoformat(row[name])
                    row[name] = moment.replace(tzinfo=None) if local else moment
            waiting.append(row)
            if len(waiting) >= ROWS:
                connection.execute(insert(table), waiting)
                waiting = []
    if waiting:
        connection.execute(insert(table), waiting)
    for column in () if local else table.primary_key.columns:
        # PostgreSQL counts on from where it was told to, and not from the rows.
        named = {"table": f'"{table.name}"', "column": column.name}
        sequence = connection.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), named).scalar()
        last = connection.execute(select(func.max(column))).scalar()
        if sequence and last:
            connection.execute(text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": last})
