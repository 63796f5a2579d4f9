"""The database behind the chat and the console: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError, SQLAlchemyError
from sqlalchemy.orm import Session

from knowledge.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATING = threading.Lock()  # Alembic keeps what it is at in global variables
WAIT = 5.0  # seconds that one process waits for another to finish writing


class DatabaseError(RuntimeError):
    """The database cannot be used; the message names it and the next step."""


class Database:
    """Connections to the database. Safe to share between threads; each process opens its own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, url: str) -> Database:
        """Open the database at an SQLAlchemy URL, and bring its tables up to date.

        Raises `DatabaseError` where it cannot be reached or written.
        """
        try:
            parsed = make_url(url)
            engine = create_engine(parsed, pool_pre_ping=True, **_options(parsed))
        except (ArgumentError, ImportError, SQLAlchemyError) as error:
            raise DatabaseError(
                f"CANDOR_DATABASE is no database that can be opened ({_short(error)}). "
                "Write it like postgresql+psycopg://user:password@host/name, or leave it empty."
            ) from error
        if parsed.get_backend_name() == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
        try:
            _migrate(engine, parsed.database or "")
        except (SQLAlchemyError, OSError) as error:
            where = parsed.render_as_string(hide_password=True)
            raise DatabaseError(
                f"The database {where} cannot be used ({_short(error)}). Set another CANDOR_DATABASE; "
                "without one, conversations.sqlite in the store's folder is taken."
            ) from error
        if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
            _notice_another_file(engine, Path(str(parsed.database)))
        return cls(engine)

    @classmethod
    def of(cls, settings: Settings) -> Database:
        """The database that the settings name."""
        return cls.open(url_of(settings))

    def reading(self) -> Session:
        """A session to read in, whose values may be used after it."""
        return Session(self.engine, expire_on_commit=False)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes are kept together at the end, or not at all where an error is raised."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def alone(self, session: Session, key: str) -> None:
        """Have no other transaction that asks for the same key beside this one, until its end.

        SQLite has one writer at a time anyway, from a transaction's first change on.
        """
        if self.engine.dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})

    def empty_log(self) -> None:
        """Have SQLite take its log of changes over and empty it: until then what was deleted still stands in there.

        Where others are reading at this moment, the next time will do; other databases see to it themselves.
        """
        if self.engine.dialect.name != "sqlite":
            return
        with contextlib.suppress(SQLAlchemyError), self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=500")  # milliseconds that a turn may have to wait
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql(f"PRAGMA busy_timeout={int(1000 * WAIT)}")

    def mend(self) -> None:
        """Connect anew, and make the tables where the database has come back without them."""
        self.engine.dispose()
        with contextlib.suppress(SQLAlchemyError, OSError):  # it is still away
            if not inspect(self.engine).has_table("alembic_version"):
                _migrate(self.engine, self.engine.url.database or "")

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def url_of(settings: Settings) -> str:
    """SQLAlchemy URL of the database that the settings name; it may hold a password."""
    return settings.database.get_secret_value() or f"sqlite:///{settings.store / 'conversations.sqlite'}"


# --- the database -----------------------------------------------------------------------------------


def _options(url: URL) -> dict[str, Any]:
    # SQLite has one writer: a turn waits for it. A server may be away: a turn does not wait long.
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": WAIT}}
    options: dict[str, Any] = {"pool_timeout": WAIT}
    if url.get_backend_name() == "postgresql" and url.get_driver_name() == "psycopg":
        patience = {"connect_timeout": int(WAIT), "tcp_user_timeout": int(1000 * WAIT)}
        options["connect_args"] = {name: value for name, value in patience.items() if name not in url.query}
    return options


def _prepare_sqlite(connection: Any, _: object) -> None:
    """Readers beside a writer, rows of deleted conversations gone with them, and their bytes overwritten."""
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _notice_another_file(engine: Engine, path: Path) -> None:
    """Leave a file that was removed or replaced: what is written into it would be gone with the last connection."""

    def inode() -> int:
        try:
            return path.stat().st_ino
        except FileNotFoundError:
            return 0

    def connected(_: Any, record: Any) -> None:
        record.info["inode"] = inode()

    def checked_out(_: Any, record: Any, __: Any) -> None:
        if record.info.get("inode") != inode():
            raise DisconnectionError(f"{path} is another file than before.")

    event.listen(engine, "connect", connected)
    event.listen(engine, "checkout", checked_out)


def _migrate(engine: Engine, database: str) -> None:
    """Bring the tables up to date, one process at a time."""
    with _MIGRATING, _alone(engine, database), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # SQLite changes a table by copying and dropping it, which would take the rows that refer to it along.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.commit()
        with connection.begin():
            upgrade(connection)
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
            connection.commit()


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the tables to a revision, in the transaction that the connection is in.

    Raises `DatabaseError` where a newer release has made them.
    """
    from alembic import command  # noqa: PLC0415  (a tenth of a second, once)

    found = revision_of(connection)
    if found and found not in revisions():
        raise DatabaseError(
            f"The database is at revision {found}, which this release does not know. "
            "Install the newer Candor, then run this again."
        )
    config = _alembic()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def revisions() -> tuple[str, ...]:
    """All revisions of the tables that this release knows, the newest first."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  (as above)

    return tuple(script.revision for script in ScriptDirectory.from_config(_alembic()).walk_revisions())


def revision_of(connection: Connection) -> str:
    """The revision that the tables are at, "" where there are none."""
    from alembic.migration import MigrationContext  # noqa: PLC0415  (as above)

    return MigrationContext.configure(connection).get_current_revision() or ""


def _alembic() -> Config:
    from alembic.config import Config  # noqa: PLC0415  (as above)

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


@contextlib.contextmanager
def _alone(engine: Engine, database: str) -> Iterator[None]:
    if engine.dialect.name == "sqlite":
        if database in ("", ":memory:"):
            yield
            return
        Path(database).parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{database}.lock"):
            yield
    elif engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(20261121)"))
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(20261121)"))
                connection.commit()
    else:
        yield


def _short(error: Exception) -> str:
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
