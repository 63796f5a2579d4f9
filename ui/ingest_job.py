"""An ingest that the console starts: `ingest.py` in a process of its own, with its progress, to be stopped."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import knowledge
from knowledge.settings import Settings
from knowledge.source_list import FILE

INGEST = Path(knowledge.__file__).parents[1] / "ingest.py"
STOPPING = 10.0  # seconds that an ingest may take to end after it was told to
SELF = "ingest.py: "  # how its one line of error begins


@dataclass(frozen=True)
class State:
    """How far an ingest is. `phase`: "" before the first, then running, finished, failed or stopped.

    `what`, `done` and `total` are of the step at work; `result` is the object that `ingest.py --json` prints,
    `error` its one line.
    """

    phase: str = ""
    what: str = ""
    done: int = 0
    total: int = 0
    seconds: float = 0.0
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


class IngestJob:
    """At most one ingest at a time; the store's own lock keeps those of other processes apart.

    It ends with the server: on an orderly end it is stopped, and where the server is killed, the ingest
    fails at its next word of progress, which nobody hears any more. The store is whole either way.
    """

    def __init__(self, settings: Settings, folder: Path | None = None) -> None:
        """`folder`: where candor.toml lies, by default the current one."""
        self.settings = settings
        self.folder = folder or Path.cwd()
        self._lock = threading.Lock()
        self._state = State()
        self._began = 0.0
        self._stopping = False
        self._process: subprocess.Popen[str] | None = None
        self._thread: threading.Thread | None = None
        atexit.register(self.stop)

    @property
    def list_file(self) -> Path:
        """The list of sources that an ingest takes, where it exists."""
        return self.folder / FILE

    @property
    def state(self) -> State:
        """How far the last ingest is."""
        with self._lock:
            if self._state.phase != "running":
                return self._state
            return replace(self._state, seconds=time.monotonic() - self._began)

    def start(self, held: Sequence[str] = (), accept_empty: bool = False, depth: int = 0) -> bool:
        """Begin, with candor.toml or else the sources `held`; False where one is running already.

        `depth`: how many links away from the addresses in `held` pages are read.
        """
        # The list by its bare name, as `python ingest.py` takes it there: a source that suddenly had
        # another name would be a new one, and what it held before would not be kept where it fails.
        names = [FILE] if self.list_file.is_file() else ["--depth", str(depth), "--", *held]
        command = [sys.executable, str(INGEST), "--store", str(self.settings.store.resolve())]
        command += ["--json", "--progress-json", *(["--accept-empty"] if accept_empty else []), *names]
        with self._lock:
            if self._state.phase == "running":
                return False
            self._began, self._stopping = time.monotonic(), False
            try:
                self._process = self._spawned(command)
            except OSError as error:
                self._state = State("failed", error=f"The ingest cannot be started: {error.strerror}.")
                return True
            self._state = State("running", "Starting", 0, 1)
            self._thread = threading.Thread(
                target=self._attend, args=(self._process,), name="ingest", daemon=True
            )
            self._thread.start()
        return True

    def stop(self) -> None:
        """Let a running ingest end; the store stays as it was before it."""
        with self._lock:
            process = self._process
            if process is None or self._state.phase != "running":
                return
            self._stopping = True
            process.terminate()
        try:
            process.wait(STOPPING)
        except subprocess.TimeoutExpired:
            process.kill()

    def wait(self, seconds: float | None = None) -> State:
        """Wait for the end, at most so long; how far it is then."""
        if thread := self._thread:
            thread.join(seconds)
        return self.state

    def _spawned(self, command: Sequence[str]) -> subprocess.Popen[str]:
        chosen = {
            "CANDOR_ENCODER": self.settings.encoder,
            "CANDOR_ALLOW_PRIVATE_ADDRESSES": str(self.settings.allow_private_addresses).lower(),
            "PYTHONIOENCODING": "utf-8",
        }
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=os.environ | chosen,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )

    def _attend(self, process: subprocess.Popen[str]) -> None:
        """Follow an ingest to its end, and keep what came of it."""
        with process:  # closes its pipes at the end
            assert process.stdout is not None and process.stderr is not None
            printed: list[str] = []
            reading = threading.Thread(target=lambda out: printed.append(out.read()), args=(process.stdout,))
            reading.start()
            said = self._follow(process.stderr)
            code = process.wait()
            reading.join()
        result = _result("".join(printed)) if code == 0 else {}
        seconds = time.monotonic() - self._began
        with self._lock:
            if result:  # also where it was told to stop when it was done already
                self._state = State("finished", seconds=seconds, result=result)
            elif self._stopping:
                self._state = State("stopped", seconds=seconds)
            else:
                self._state = State("failed", seconds=seconds, error=said or _ending(code))

    def _follow(self, lines: IO[str]) -> str:
        """Take the progress from what the ingest tells; its error, else the last line that is no progress."""
        last = error = ""
        for line in lines:
            try:
                told = json.loads(line)
                what, done, total = str(told["what"]), int(told["done"]), int(told["total"])
            except (ValueError, TypeError, KeyError):
                last = line.strip() or last
                error = last.removeprefix(SELF) if last.startswith(SELF) else error
                continue
            with self._lock:
                self._state = State("running", what, done, total)
        return error or last


def _ending(code: int) -> str:
    """How a process ended that said nothing."""
    return f"The ingest was ended by signal {-code}." if code < 0 else f"The ingest ended with status {code}."


def _result(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
