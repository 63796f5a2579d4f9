"""How ingest, turns, memory and disk grow with the knowledge: from a thousand passages to a million.

    python tests/benchmarks/growth.py                                  1,000 and 10,000 passages
    python tests/benchmarks/growth.py --sizes 1000 10000 100000 --write docs

Texts are invented from the words of the sample pages: nine passages in ten are of pages, one is a posting. The
encoder's time grows with the texts alone, so vectors are invented as well (unit vectors drawn by the text's hash)
above `--encode` passages, and what is left is the store's own time. Each size runs in a process of its own; one that
takes longer than `--minutes` is given up, and the page says so.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

ROOT = Path(__file__).parents[2]
SEED = 11
PLACES = ("Haifa", "Rotterdam", "Lyon", "Kyiv", "Toronto", "Madrid", "Berlin", "Ostrava")
TURNS = 100
ABOUT = (
    "Texts are invented from the words of the sample pages, nine passages in ten of pages and one of a posting; vectors are "
    "invented too where it says *vectors given*, so that ingest is without the encoder's time. Questions are encoded for real: "
    f"{TURNS} about the pages and {TURNS} for roles by title and place (*with filters*). Each size ran in a process of its own; "
    "the ratio is of processor time, which others on the machine disturb least."
)


class InventedEmbedder:
    """Unit vectors drawn by a text's hash: as many and as large as real ones, at no cost; equal texts agree."""

    def __init__(self, name: str) -> None:
        self.name = name  # of the encoder whose place it takes: questions are encoded for real

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of shape (len(texts), 384), each of length 1."""
        rows = np.empty((len(texts), 384), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
            row[:] = np.random.default_rng(seed).standard_normal(384, dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def main() -> None:
    options = parsed()
    if options.one:
        print(json.dumps(measured(options.one, options.encode)))
        return
    found: list[dict[str, Any]] = []
    missed: list[str] = []
    for size in tqdm(options.sizes, unit="size"):
        command = [sys.executable, __file__, "--one", str(size), "--encode", str(options.encode)]
        try:
            done = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, check=True, timeout=60 * options.minutes
            )
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
            # A size that is too much for this machine must not take the others' figures with it.
            missed.append(f"{size:,} passages were not measured: {type(error).__name__}.")
            print(missed[-1], file=sys.stderr)
            continue
        found.append(json.loads(done.stdout.strip().splitlines()[-1]))
        if options.json:
            options.json.write_text(json.dumps(found), encoding="utf-8")
    if not found:
        raise SystemExit("Nothing was measured.")
    text = "\n\n".join([table(found), *missed])
    print(text)
    if options.write:
        from tests.benchmarks.performance_page import lines, put

        picture = "performance-growth.svg"
        lines(options.write / picture, "Growth (both scales logarithmic)", "passages", series(found))
        shown = f"![Turns, ingest, memory and disk against the number of passages]({picture})"
        put(options.write / "performance.md", "growth", f"{shown}\n\n{ABOUT}\n\n{text}")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--encode", type=int, default=0, help="up to so many passages, encode for real")
    parser.add_argument("--minutes", type=float, default=30, help="that a size may take at most")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="folder of performance.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all figures")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


# --- one size -------------------------------------------------------------------------------------------


def invented(size: int) -> Any:
    """A reading of `size` passages: pages of nine paragraphs each, and a posting beside each page."""
    from knowledge.documents import Block, BlockKind, JobPosting, Page, Reading

    chance = random.Random(SEED)
    words = sorted(set(re.findall(r"[a-z]{3,}", sample_text().lower())))
    said = [f"{word} {other}" for word, other in pairwise(words)]

    def sentence() -> str:
        return " ".join(chance.choices(words, k=chance.randint(8, 16))).capitalize() + "."

    pages, jobs = [], []
    for number in range(max(1, size // 10)):
        blocks = tuple(
            Block(BlockKind.PARAGRAPH, f"{sentence()} {sentence()}", (chance.choice(said).capitalize(),))
            for _ in range(9)
        )
        name = f"page-{number}.md"
        pages.append(Page(id=name, source=name, title=chance.choice(said).title(), blocks=blocks))
        title = f"{chance.choice(said)} engineer".title()
        jobs.append(
            JobPosting(
                id=f"job-{number}", title=title, source="jobs.json", url=f"https://jobs.example/{number}",
                locations=(chance.choice(PLACES),),
                blocks=(Block(BlockKind.PARAGRAPH, sentence(), ("The work",)),),
            )
        )  # fmt: skip
    return Reading(pages=tuple(pages), jobs=tuple(jobs))


def sample_text() -> str:
    return "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "knowledge/sources").iterdir())
    )


def measured(size: int, encode: int) -> dict[str, Any]:
    """The figures of one size, in this process."""
    from assistant.reply import Assistant
    from knowledge.embedding import load_embedder
    from knowledge.ingestion import mirror
    from knowledge.settings import Settings
    from knowledge.store import current_version

    encoder = load_embedder()
    embedder = encoder if size <= encode else InventedEmbedder(encoder.name)
    reading = invented(size)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        started, worked = time.perf_counter(), time.process_time()
        report = mirror([reading], ["invented"], store, embedder)
        seconds, cpu = time.perf_counter() - started, time.process_time() - worked
        started, worked = time.perf_counter(), time.process_time()
        mirror([reading], ["invented"], store, embedder)
        again, again_cpu = time.perf_counter() - started, time.process_time() - worked
        # The version before stays for its readers: it is not counted.
        disk = sum(path.stat().st_size for path in current_version(store).rglob("*") if path.is_file())
        assistant = Assistant(Settings(store=store), encoder)
        for warm_up in ("Hello", "How much time is there for learning?", "Do you look for gardeners?"):
            assistant.reply([warm_up])
        plain, filtered = turns(assistant, reading)
    return {
        "passages": report.passages,
        "encoded": size <= encode,
        "rate": report.passages / seconds,
        "seconds": seconds,
        "cpu": cpu,
        "again": again,
        "again_cpu": again_cpu,
        **percentiles("plain", plain),
        **percentiles("filtered", filtered),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "disk": disk,
    }


def percentiles(kind: str, taken: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Median and 95th percentile of seconds and of seconds of processor time."""
    wall, cpu = zip(*taken, strict=True)
    return {
        f"{kind}{what}_p{share}": float(np.percentile(values, share))
        for what, values in (("", wall), ("_cpu", cpu))
        for share in (50, 95)
    }


def turns(assistant: Any, reading: Any) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Seconds, and those of processor time, of questions about the pages and for roles by title and place."""
    chance = random.Random(SEED)
    plain: list[tuple[float, float]] = []
    filtered: list[tuple[float, float]] = []
    # None twice: what was answered before would be remembered.
    most = min(TURNS, len(reading.jobs))
    for page, job in zip(chance.sample(reading.pages, most), chance.sample(reading.jobs, most), strict=True):
        about = " ".join(chance.choice(page.blocks).text.split()[:5]).lower()
        for taken, asked in (
            (plain, f"What do you say about {about}?"),
            (filtered, f"Do you have {job.title} jobs in {job.locations[0]}?"),
        ):
            wall, cpu = time.perf_counter(), time.process_time()
            assistant.reply([asked])
            taken.append((time.perf_counter() - wall, time.process_time() - cpu))
    return plain, filtered


# --- telling --------------------------------------------------------------------------------------------


def table(found: Sequence[dict[str, Any]]) -> str:
    """The sizes as a Markdown table, with what a turn takes more than over the smallest."""
    lines = [
        "| passages | ingested a second | first / unchanged ingest, s | the same in processor time | turn p50 / p95, ms | with filters p50 / p95, ms "
        "| p95 against the smallest, in processor time | peak memory, MB | disk, MB |",
        "| ---: " * 9 + "|",
    ]
    least = found[0]
    for run in found:
        rate = f"{run['rate']:,.0f}" + ("" if run["encoded"] else " (vectors given)")
        lines.append(
            f"| {run['passages']:,} | {rate} | {run['seconds']:,.0f} / {run['again']:.2f} "
            f"| {run['cpu']:,.0f} / {run['again_cpu']:.2f} "
            f"| {1000 * run['plain_p50']:.0f} / {1000 * run['plain_p95']:.0f} "
            f"| {1000 * run['filtered_p50']:.0f} / {1000 * run['filtered_p95']:.0f} "
            f"| {run['plain_cpu_p95'] / least['plain_cpu_p95']:.2f}×, {run['filtered_cpu_p95'] / least['filtered_cpu_p95']:.2f}× "
            f"| {run['memory'] / 1e6:,.0f} | {run['disk'] / 1e6:,.0f} |"
        )
    return "\n".join(lines)


def series(found: Sequence[dict[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """What the plot shows, against the number of passages."""
    return {
        "turn p95, ms": [(run["passages"], 1000 * run["plain_p95"]) for run in found],
        "turn with filters p95, ms": [(run["passages"], 1000 * run["filtered_p95"]) for run in found],
        "first ingest without encoding, s": [
            (run["passages"], run["seconds"]) for run in found if not run["encoded"]
        ],
        "memory, MB": [(run["passages"], run["memory"] / 1e6) for run in found],
        "disk, MB": [(run["passages"], run["disk"] / 1e6) for run in found],
    }


if __name__ == "__main__":
    main()
