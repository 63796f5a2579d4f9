"""Candor on more than one machine, as far as one machine can show it: every part is a real process on the loopback.

Two replicas with a store of their own each, nginx with the configuration that is shipped, PostgreSQL, Redis and
Chroma. Each part can be killed and started again at the same address.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from chroma_process import ChromaProcess, free_port
from nginx_front import NGINX, command, configuration
from postgres_server import binary

ROOT = Path(__file__).parents[1]
REDIS = shutil.which("redis-server") or ""


def need_servers() -> None:
    """Skip where a server is not installed; fail where CI=true."""
    missing = [
        name
        for name, path in {"nginx": NGINX, "redis-server": REDIS, "postgresql": binary("initdb")}.items()
        if not path
    ]
    if missing:
        why = f"Not here: {', '.join(missing)}. On Debian: apt-get install {' '.join(missing)}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)


def until(good: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(httpx.HTTPError, OSError):
            if good():
                return
        time.sleep(0.1)
    raise AssertionError(f"{what} within {seconds:.0f} seconds")


@dataclass
class Part:
    """One process, told to end or killed with SIGKILL."""

    command: list[str]
    ready: Callable[[], bool]
    log: Path
    env: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=log,
                env=os.environ | self.env,
                cwd=ROOT,
                start_new_session=True,
            )

    def start(self) -> None:
        self.begin()
        until(self.ready, f"{self.command[0]} answers; see {self.log}", 240)

    def end(self) -> None:
        """Tell the process to end, as whoever brings a new release does; it has ten seconds."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(15)
        self.process = None

    def kill(self) -> None:
        """Kill the process with all that it started: nginx has workers."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


class Postgres:
    """A PostgreSQL server that is killed without a word and started again, with what it had promised to keep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"postgresql+psycopg://candor@127.0.0.1:{self.port}/postgres"
        self.user = "postgres" if os.geteuid() == 0 else None
        folder.mkdir()
        if self.user:
            shutil.chown(folder, self.user)
        self._run(
            binary("initdb"),
            "-D",
            str(folder / "data"),
            "-U",
            "candor",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        )

    def _run(self, *command: str) -> None:
        subprocess.run(command, user=self.user, cwd=self.folder, check=True, capture_output=True, timeout=120)

    def _control(self, *what: str) -> None:
        self._run(binary("pg_ctl"), "-D", str(self.folder / "data"), "-w", *what)

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder}"
        self._control("-l", str(self.folder / "log"), "-o", options, "start")

    def kill(self) -> None:
        """As kill -9 on all of its processes, without leaving any behind."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self._control("-m", "immediate", "stop")


class Topology:
    """The whole of it, over a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = Postgres(folder / "postgres")
        self.chroma = ChromaProcess(folder / "chroma")
        redis = free_port()
        self.redis = Part(
            [REDIS, "--port", str(redis), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
            lambda: self._answers(redis),
            folder / "redis.log",
        )
        self.ports = [free_port(), free_port()]
        self.env = {
            "CANDOR_CHROMA_URL": self.chroma.url,
            "CANDOR_DATABASE": self.postgres.url,
            "CANDOR_LIMITS_STORAGE": f"redis://127.0.0.1:{redis}",
            "CANDOR_TRUSTED_PROXIES": "127.0.0.1",
            "CANDOR_COMPANY": "Fernlight",
            "CANDOR_CONTACT": "jobs@careers.example",
            "CANDOR_LIMIT_ADDRESS": "100000/minute",
            "CANDOR_LIMIT_VISITOR": "100000/minute",
            "CANDOR_SECRET": "the same for all",
            "CANDOR_OPEN_EARLY": "false",
        }
        self.replicas = [self._replica(number) for number in range(2)]
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "nginx").mkdir()
        self.nginx = Part(
            command(configuration(folder / "nginx", self.port, self.ports)),
            lambda: self._answers(self.port),
            folder / "nginx.log",
        )

    def _replica(self, number: int) -> Part:
        store, port = self.folder / f"replica-{number + 1}", self.ports[number]
        return Part(
            [sys.executable, "-m", "ui", "--store", str(store), "--port", str(port)],
            lambda: httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200,
            self.folder / f"replica-{number + 1}.log",
            self.env,
        )

    @staticmethod
    def _answers(port: int) -> bool:
        import socket

        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True

    def ingest(self, source: Path) -> str:
        """Run `ingest.py` elsewhere: with a disk that no replica sees; the version that is in force then."""
        command = [
            sys.executable,
            "ingest.py",
            str(source),
            "--store",
            str(self.folder / "elsewhere"),
            "--json",
        ]
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | self.env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return (self.folder / "elsewhere" / "build" / "CURRENT").read_text(encoding="utf-8")

    def version(self, number: int) -> str:
        """The version that a replica's store is at."""
        return (self.folder / f"replica-{number + 1}" / "CURRENT").read_text(encoding="utf-8")

    def said(self, number: int) -> str:
        """What a replica wrote to its log."""
        return re.sub(r"\s+", " ", (self.folder / f"replica-{number + 1}.log").read_text(errors="replace"))

    def stop(self) -> None:
        for part in (self.nginx, *self.replicas, self.redis, self.chroma, self.postgres):
            part.kill()


@contextlib.contextmanager
def topology(source: Path) -> Iterator[Topology]:
    """Everything running, over what `source` holds; all of it ends with the block."""
    need_servers()
    folder = Path(tempfile.mkdtemp(prefix="candor-topology-"))
    folder.chmod(0o755)
    whole = Topology(folder)
    try:
        for part in (whole.postgres, whole.chroma, whole.redis):
            part.start()
        whole.ingest(source)
        for replica in whole.replicas:
            replica.begin()
        for replica in whole.replicas:
            until(replica.ready, f"a replica is ready; see {replica.log}", 240)
        whole.nginx.start()
        yield whole
    finally:
        whole.stop()
        shutil.rmtree(folder, ignore_errors=True)
