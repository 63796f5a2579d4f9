"""One command for the load figures: starts the server over the sample store, sends candidates, prints a table.

    python tests/load/run.py                                    50 candidates, 10 minutes, one process
    python tests/load/run.py --minutes 1                        the same, short
    python tests/load/run.py --replicas                         one replica on a core, then two behind nginx on a core each
    python tests/load/run.py --pause 0 --users 16 --minutes 2   as fast as the server can

Needs `pip install -e '.[load]'`, and nginx for `--replicas`. The server has a database and a store of its own, no limit of
asking, and else its default settings; options of other settings are given in the environment as always. Memory is the
resident set of the server's processes, CPU what they used of one core. Exit status 1 where a target was missed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from nginx_front import in_front_of  # noqa: E402  (of the tests, which are no package)

SCENARIO = Path(__file__).with_name("locustfile.py")
FIRST_TOKEN = 1500.0
"""Milliseconds to the first token that 95 of 100 questions must stay under."""


@dataclass
class Watched:
    """Processes whose memory and processor time are sampled."""

    pids: Sequence[int]
    memory: list[tuple[float, float]] = field(default_factory=list)  # seconds, megabytes
    cpu: float = 0.0  # seconds
    threads: int = 0

    def sample(self, now: float) -> None:
        memory, cpu, threads = 0.0, 0.0, 0
        for pid in self.pids:
            with contextlib.suppress(psutil.Error):
                top = psutil.Process(pid)
                for process in (top, *top.children(recursive=True)):
                    memory += process.memory_info().rss / 1e6
                    times = process.cpu_times()
                    cpu += times.user + times.system
                    threads += process.num_threads()
        self.memory.append((now, memory))
        self.cpu, self.threads = max(self.cpu, cpu), max(self.threads, threads)

    def growth(self) -> tuple[float, float, float]:
        """Megabytes after a fifth of the time and at the end (medians of 10), and megabytes a minute between."""
        rows = self.memory[len(self.memory) // 5 :]
        first = statistics.median(mb for _, mb in rows[:10])
        last = statistics.median(mb for _, mb in rows[-10:])
        minutes = (rows[-1][0] - rows[0][0]) / 60
        return first, last, (last - first) / minutes if minutes else 0.0


@dataclass
class Figures:
    """What one run gave."""

    name: str
    seconds: float
    times: dict[str, Any]
    server: Watched
    tool: Watched
    front: Watched | None

    @property
    def turns(self) -> float:
        """Turns a second, from the first question to the last reply: the load tool takes its time to start and end."""
        span = self.times.get("ended", 0) - self.times.get("began", 0)
        return len(self.times["reply"]) / span if span else 0.0


def main() -> int:
    options = parsed()
    runs: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="candor-load-") as folder:
        place = Path(folder)
        store = options.store or sample_store(place)
        if options.replicas:
            runs.append(measured("one replica on one core", place, store, options, cores=[0]))
            runs.append(measured("two replicas, a core each", place, store, options, cores=[0, 1]))
        else:
            runs.append(measured("one process", place, store, options, cores=[None]))
    print(table(runs, options))
    return 0 if all(is_good(run, options) for run in runs) else 1


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=50, help="candidates at once (50)")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of each run (10)")
    parser.add_argument(
        "--pause", type=float, default=8.0, help="seconds that a candidate reads, in the mean (8)"
    )
    parser.add_argument(
        "--replicas", action="store_true", help="compare one and two replicas, each on one core"
    )
    parser.add_argument("--store", type=Path, help="store to answer from (the sample, read in for the run)")
    parser.add_argument("--log", type=Path, help="file for what servers and load tool say")
    return parser.parse_args()


def sample_store(place: Path) -> Path:
    store = place / "store"
    subprocess.run(
        [sys.executable, "ingest.py", "--store", str(store)], cwd=ROOT, check=True, capture_output=True
    )
    return store


def measured(
    name: str, place: Path, store: Path, options: argparse.Namespace, cores: Sequence[int | None]
) -> Figures:
    """Start servers, one for each of `cores` (None: not tied to one), and send the candidates."""
    database = place / f"{len(cores)}-{cores[0]}.sqlite"
    out = place / f"{name}.json"
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(options.log.open("a")) if options.log else subprocess.DEVNULL
        servers = [stack.enter_context(server(store, database, core, log)) for core in cores]
        address, front = servers[0].address, None
        if len(servers) > 1:
            ports = [int(each.address.rpartition(":")[2]) for each in servers]
            address, front = stack.enter_context(in_front_of(ports, place, from_one_address=10_000))
        warm_up([each.address for each in servers])
        print(
            f"{name}: {options.users} candidates for {options.minutes:g} minutes …",
            file=sys.stderr,
            flush=True,
        )
        command = [
            sys.executable, "-m", "locust", "-f", str(SCENARIO), "--headless", "--only-summary", "--host", address,
            "-u", str(options.users), "-r", str(max(1, options.users // 5)), "-t", f"{round(60 * options.minutes)}s",
            "--stop-timeout", "20",
        ]  # fmt: skip
        environment = {**os.environ, "LOAD_OUT": str(out), "LOAD_PAUSE": str(options.pause)}
        tool = subprocess.Popen(command, cwd=place, env=environment, stdout=log, stderr=log)
        watched = Watched([each.pid for each in servers]), Watched([tool.pid])
        before = Watched([each.pid for each in servers])
        before.sample(0.0)
        fronted = Watched([front]) if front else None
        started = time.monotonic()
        while tool.poll() is None:
            for each in (*watched, *([fronted] if fronted else [])):
                each.sample(time.monotonic() - started)
            time.sleep(0.5)
        seconds = time.monotonic() - started
        watched[0].cpu -= before.cpu
    if not out.is_file():
        raise SystemExit("The load tool ended without figures; run again with --log FILE to see why.")
    return Figures(name, seconds, json.loads(out.read_text(encoding="utf-8")), *watched, fronted)


@dataclass(frozen=True)
class Server:
    """A server that is running."""

    address: str
    pid: int


@contextlib.contextmanager
def server(store: Path, database: Path, core: int | None, log: Any) -> Iterator[Server]:
    """`python -m ui`, tied to a core or not, ready to answer; ended with the block."""
    tied = ["taskset", "-c", str(core)] if core is not None else []
    environment = {
        **os.environ,
        "CANDOR_DATABASE": f"sqlite:///{database}",
        "CANDOR_LIMIT_ADDRESS": "",
        "CANDOR_LIMIT_VISITOR": "100000/minute",  # an empty variable would be one that is not set
    }
    environment["CANDOR_LIMIT_ADDRESS"] = "100000/minute"
    command = [*tied, sys.executable, "-m", "ui", "--store", str(store), "--port", "0"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
    )
    try:
        assert process.stdout
        for line in process.stdout:
            if line.startswith("The chat is open at "):
                break
        else:
            raise SystemExit("The server did not start; run again with --log FILE to see why.")
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield Server(line.split()[5].rstrip("."), process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def warm_up(addresses: Sequence[str]) -> None:
    """One question each: the first of a process opens what the others find open."""
    for address in addresses:
        httpx.get(f"{address}/api/start", timeout=120)
        body = {"message": "0" * 32, "turns": ["How much time is there for learning?"]}
        httpx.post(f"{address}/api/chat", json=body, timeout=120)


# --- what is printed ------------------------------------------------------------------------------------


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile, in the values' unit."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def is_good(run: Figures, options: argparse.Namespace) -> bool:
    """No error; and with pauses, the first token in time (without them, the line is as long as it can be)."""
    in_time = not options.pause or percentile(run.times["first token"], 0.95) < FIRST_TOKEN
    return bool(run.times["reply"]) and not run.times["errors"] and in_time


def table(runs: Sequence[Figures], options: argparse.Namespace) -> str:
    """The figures as text, one column a run."""
    rows: list[tuple[str, list[str]]] = [("", [run.name for run in runs])]

    def row(name: str, values: Sequence[str]) -> None:
        rows.append((name, list(values)))

    row("candidates at once", [str(options.users)] * len(runs))
    row("seconds", [f"{run.seconds:.0f}" for run in runs])
    row("turns", [f"{len(run.times['reply']):,}" for run in runs])
    row("turns a second", [f"{run.turns:.2f}" for run in runs])
    for name in ("first token", "reply"):
        for share in (0.5, 0.95, 0.99):
            row(
                f"{name} p{100 * share:.0f}, ms",
                [f"{percentile(run.times[name], share):,.0f}" for run in runs],
            )
        row(f"{name} longest, ms", [f"{max(run.times[name], default=0):,.0f}" for run in runs])
    row("errors", [str(sum(run.times["errors"].values())) for run in runs])
    row("server: CPU, % of a core", [f"{100 * run.server.cpu / run.seconds:.0f}" for run in runs])
    row("load tool: CPU, % of a core", [f"{100 * run.tool.cpu / run.seconds:.0f}" for run in runs])
    row(
        "nginx: CPU, % of a core",
        [f"{100 * run.front.cpu / run.seconds:.0f}" if run.front else "-" for run in runs],
    )
    row("server: memory after a fifth, MB", [f"{run.server.growth()[0]:,.0f}" for run in runs])
    row("server: memory at the end, MB", [f"{run.server.growth()[1]:,.0f}" for run in runs])
    row("growth, MB a minute", [f"{run.server.growth()[2]:+.2f}" for run in runs])
    row("server: threads at most", [str(run.server.threads) for run in runs])
    lines = [f"{name:<34}" + "".join(f"{value:>28}" for value in values) for name, values in rows]
    if len(runs) == 2:
        lines.append(f"turns a second, two replicas to one: {runs[1].turns / runs[0].turns:.2f}")
    for run in runs:
        lines.append(f"{run.name}, replies: {dict(run.times['outcomes'])}")
        lines += [f"{run.name}, error: {count} × {why}" for why, count in run.times["errors"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
