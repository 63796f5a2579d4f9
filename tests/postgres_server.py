"""A real PostgreSQL on the loopback address, from the machine's own package, for the tests of the database."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


def binary(name: str) -> str:
    """The path of one of PostgreSQL's programs; Debian keeps them out of the way."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(kept[0]) if kept else shutil.which(name) or ""


@dataclass
class Server:
    """A server that can be stopped and started; `url` stays."""

    url: str
    start: Callable[[], None]
    stop: Callable[[], None]


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty server that ends with the block; skips where there is none, fails where CI=true."""
    with own_postgres() as server:
        yield server.url


@contextlib.contextmanager
def own_postgres() -> Iterator[Server]:
    """The same as a server that the test may stop and start."""
    if not binary("initdb"):
        why = "There is no PostgreSQL here. On Debian: apt-get install postgresql"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="candor-postgres-"))
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run(command, user=user, cwd=folder, check=True, capture_output=True, timeout=120)

    def start() -> None:
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off"
        run(binary("pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w", "-o", options, "start")

    def stop() -> None:
        run(binary("pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")

    run(binary("initdb"), "-D", str(data), "-U", "candor", "-A", "trust", "-E", "UTF8", "--no-sync")
    start()
    try:
        yield Server(f"postgresql+psycopg://candor@127.0.0.1:{port}/postgres", start, stop)
    finally:
        stop()
        shutil.rmtree(folder)
