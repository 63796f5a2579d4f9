"""An ingest that the console starts: `ingest.py` in a process of its own, with its progress, to be stopped."""

from __future__ import annotations

import atexit
import contextlib
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
    """At most one ingest at a time in this process; the store's own lock keeps others' apart."""

    def __init__(self, settings: Settings, folder: Path | None = None) -> None:
        """`folder`: where candor.toml lies, by default the current one."""
        self.settings = settings
        self.folder = folder or Path.cwd()
        self._lock = threading.Lock()
        self._state = State()
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
        return self._state

    def start(self, held: Sequence[str] = (), accept_empty: bool = False) -> bool:
        """Begin, with candor.toml or else the sources `held`; False where one is running already."""
        with self._lock:
            if self._state.phase == "running":
                return False
            self._state = State("running", "Starting", 0, 1)
        names = [str(self.list_file)] if self.list_file.is_file() else list(held)
        command = [sys.executable, str(INGEST), "--store", str(self.settings.store.resolve())]
        command += ["--json", "--progress-json", *(["--accept-empty"] if accept_empty else []), *names]
        self._thread = threading.Thread(target=self._run, args=(command,), name="ingest", daemon=True)
        self._thread.start()
        return True

    def stop(self) -> None:
        """Let a running ingest end; the store stays as it was before it."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        self._state = replace(self._state, phase="stopped")
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOPPING)
        if process.poll() is None:
            process.kill()

    def wait(self, seconds: float | None = None) -> State:
        """Wait for the end, at most so long; how far it is then."""
        if self._thread:
            self._thread.join(seconds)
        return self._state

    def _run(self, command: Sequence[str]) -> None:
        began = time.monotonic()
        chosen = {"CANDOR_ENCODER": self.settings.encoder}
        chosen["CANDOR_ALLOW_PRIVATE_ADDRESSES"] = str(self.settings.allow_private_addresses).lower()
        try:
            self._process = subprocess.Popen(
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
        except OSError as error:
            self._state = State("failed", error=f"The ingest cannot be started: {error.strerror}.")
            return
        with self._process as process:  # closes its pipes at the end
            assert process.stdout is not None and process.stderr is not None
            printed: list[str] = []
            reading = threading.Thread(target=lambda out: printed.append(out.read()), args=(process.stdout,))
            reading.start()
            error_line = self._follow(process.stderr, began)
            code = process.wait()
            reading.join()
        stopped = self._state.phase == "stopped"
        result = _result("".join(printed)) if code == 0 else {}
        why = (
            ""
            if result or stopped
            else error_line.removeprefix("ingest.py: ") or f"It ended with status {code}."
        )
        phase = "stopped" if stopped else "finished" if result else "failed"
        self._state = State(phase, seconds=time.monotonic() - began, result=result, error=why)

    def _follow(self, lines: IO[str], began: float) -> str:
        """Take the progress from what the ingest tells; the last line that is none, which is its error."""
        last = ""
        for line in lines:
            try:
                told = json.loads(line)
                what, done, total = str(told["what"]), int(told["done"]), int(told["total"])
            except (ValueError, TypeError, KeyError):
                last = line.strip() or last
                continue
            if self._state.phase == "running":
                seconds = time.monotonic() - began
                self._state = State("running", what, done, total, seconds)
        return last


def _result(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
