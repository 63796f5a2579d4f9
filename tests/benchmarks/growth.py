"""How ingest, turns, memory and disk grow with the knowledge: from a thousand passages to a million.

    python tests/benchmarks/growth.py                                  1,000 and 10,000 passages
    python tests/benchmarks/growth.py --sizes 1000 10000 100000 --server 100000 --write docs
    python tests/benchmarks/growth.py --sizes 1000000 --minutes 120              an hour, 13 GB of memory and 24 GB of disk

Texts are invented from the words of the sample pages: nine passages in ten are of pages, one is a posting. The
encoder's time grows with the texts alone, so vectors are invented as well (unit vectors drawn by the text's hash)
above `--encode` passages, and what is left is the store's own time. A process ingests and another one answers; with
`--server SIZE` a third brings the version to a Chroma server, and a fourth answers from there. A size that takes longer than
`--minutes` is given up, and the page says so.
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
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from tests.chroma_process import chroma_process

ROOT = Path(__file__).parents[2]
SEED = 11
PLACES = ("Haifa", "Rotterdam", "Lyon", "Kyiv", "Toronto", "Madrid", "Berlin", "Ostrava")
TURNS = 100
ABOUT = (
    "Texts are invented from the words of the sample pages, nine passages in ten of pages and one of a posting; vectors are "
    "invented too where it says *vectors given*, so that ingest is without the encoder's time. Questions are encoded for real: "
    f"{TURNS} about the pages and {TURNS} for roles by title and place (*with filters*). One process ingests, another opens the version "
    "and answers, or takes a copy of it from a Chroma server on the same machine, which keeps the vectors; memory is the most that each "
    "process held, mapped files among it. The ratio is of the answering process's processor time, which others on the machine disturb least."
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
    if options.step:
        print(json.dumps(STEPS[options.step](options)))
        return
    known = json.loads(options.json.read_text("utf-8")) if options.json and options.json.is_file() else []
    found: list[dict[str, Any]] = [run for run in known if run["size"] in options.sizes]
    missed: list[str] = []
    for size in tqdm(
        [size for size in options.sizes if size not in {run["size"] for run in found}], unit="size"
    ):
        try:
            found.append(measured(size, options))
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
            # A size that is too much for this machine must not take the others' figures with it.
            missed.append(f"{size:,} passages were not measured: {type(error).__name__}.")
            print(missed[-1], file=sys.stderr)
            continue
        if options.json:
            options.json.write_text(json.dumps(found), encoding="utf-8")
    if not found:
        raise SystemExit("Nothing was measured.")
    found.sort(key=lambda run: int(run["size"]))
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
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="keep all figures; sizes it has are not measured again"
    )
    parser.add_argument(
        "--server", type=int, nargs="+", default=[], help="sizes answered from a Chroma server as well"
    )
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def measured(size: int, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of one size, each step in a process of its own."""
    until = time.monotonic() + 60 * options.minutes

    def step(name: str, folder: str, url: str = "") -> dict[str, Any]:
        command = [sys.executable, __file__, "--step", name, "--folder", folder, "--url", url]
        command += ["--sizes", str(size), "--encode", str(options.encode)]
        left = max(1.0, until - time.monotonic())
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=left)
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return found

    with tempfile.TemporaryDirectory() as folder:
        run = {"size": size, **step("ingest", folder)}
        print(run, file=sys.stderr)
        run["here"] = step("answer", folder)
        if size in options.server:
            with chroma_process() as server:
                run |= step("publish", folder, server.url)
                run["there"] = step("answer", folder, server.url)
                run["server_memory"] = server.memory
    return run


# --- the steps of one size -------------------------------------------------------------------------------------------


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


def ingest(options: argparse.Namespace) -> dict[str, Any]:
    """Ingest twice into a folder, and leave the questions for those who answer."""
    from knowledge.embedding import load_embedder
    from knowledge.ingestion import mirror
    from knowledge.store import current_version

    (size,) = options.sizes
    reading, embedder = invented(size), embedder_of(size, options.encode, load_embedder())
    store = options.folder / "store"
    report, seconds, cpu = timed(lambda: mirror([reading], ["invented"], store, embedder))
    _, again, again_cpu = timed(lambda: mirror([reading], ["invented"], store, embedder))
    (options.folder / "questions.json").write_text(json.dumps(questions(reading)), encoding="utf-8")
    # The version before stays for its readers: it is not counted.
    disk = sum(path.stat().st_size for path in current_version(store).rglob("*") if path.is_file())
    return {
        "passages": report.passages,
        "encoded": size <= options.encode,
        "rate": report.passages / seconds,
        "seconds": seconds,
        "cpu": cpu,
        "again": again,
        "again_cpu": again_cpu,
        "memory": most_memory(),
        "disk": disk,
    }


def publish(options: argparse.Namespace) -> dict[str, Any]:
    """Bring the version that was ingested to a Chroma server."""
    from knowledge.chroma_server import WRITE_WAIT, ChromaServer
    from knowledge.embedding import load_embedder
    from knowledge.store import current_version

    server, folder = ChromaServer(options.url, wait=WRITE_WAIT), current_version(options.folder / "store")
    with server.alone() as lease:
        _, seconds, _ = timed(lambda: server.publish(folder, load_embedder(), lease, lambda *_: None))
    return {"published": seconds}


def answer(options: argparse.Namespace) -> dict[str, Any]:
    """Open the version, here or from a Chroma server, and answer."""
    from assistant.reply import Assistant
    from knowledge.chroma_server import ChromaServer
    from knowledge.embedding import load_embedder
    from knowledge.settings import Settings

    encoder = load_embedder()
    settings = Settings(store=options.folder / "store")
    if options.url:
        settings = Settings(store=options.folder / "replica", chroma_url=options.url)

    def opened() -> Assistant:
        if server := ChromaServer.of(settings):
            server.pull(settings.store)
        assistant = Assistant(settings, encoder)
        assistant.reply(["Do you look for gardeners?"])
        return assistant

    assistant, opening, _ = timed(opened)
    for warm_up in ("Hello", "How much time is there for learning?", "What do you say about your offices?"):
        assistant.reply([warm_up])
    asked = json.loads((options.folder / "questions.json").read_text(encoding="utf-8"))
    taken = {kind: [timed(lambda q=q: assistant.reply([q]))[1:] for q in asked[kind]] for kind in asked}
    return {
        "opening": opening,
        **percentiles("plain", taken["plain"]),
        **percentiles("filtered", taken["filtered"]),
        "memory": most_memory(),
    }


STEPS = {"ingest": ingest, "publish": publish, "answer": answer}


def embedder_of(size: int, encode: int, encoder: Any) -> Any:
    """The encoder, or what stands in for it where texts are many."""
    return encoder if size <= encode else InventedEmbedder(encoder.name)


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What `work` gives, the seconds that took, and the seconds of processor time of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - wall, time.process_time() - cpu


def most_memory() -> int:
    """The most bytes that this process held at a time."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def percentiles(kind: str, taken: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Median and 95th percentile of seconds and of seconds of processor time."""
    wall, cpu = zip(*taken, strict=True)
    return {
        f"{kind}{what}_p{share}": float(np.percentile(values, share))
        for what, values in (("", wall), ("_cpu", cpu))
        for share in (50, 95)
    }


def questions(reading: Any) -> dict[str, list[str]]:
    """Questions about the pages and for roles by title and place."""
    chance = random.Random(SEED)
    plain: list[str] = []
    filtered: list[str] = []
    # None twice: what was answered before would be remembered.
    most = min(TURNS, len(reading.jobs))
    for page, job in zip(chance.sample(reading.pages, most), chance.sample(reading.jobs, most), strict=True):
        about = " ".join(chance.choice(page.blocks).text.split()[:5]).lower()
        plain.append(f"What do you say about {about}?")
        filtered.append(f"Do you have {job.title} jobs in {job.locations[0]}?")
    return {"plain": plain, "filtered": filtered}


# --- telling --------------------------------------------------------------------------------------------


def table(found: Sequence[dict[str, Any]]) -> str:
    """The sizes as two Markdown tables: what ingests take, and what turns do, against the smallest."""
    lines = [
        "| passages | ingested a second | first / unchanged ingest, s | the same in processor time | memory, MB | disk, MB |",
        "| ---: " * 6 + "|",
    ]
    for run in found:
        rate = f"{run['rate']:,.0f}" + ("" if run["encoded"] else " (vectors given)")
        lines.append(
            f"| {run['passages']:,} | {rate} | {run['seconds']:,.0f} / {run['again']:.2f} "
            f"| {run['cpu']:,.0f} / {run['again_cpu']:.2f} "
            f"| {run['memory'] / 1e6:,.0f} | {run['disk'] / 1e6:,.0f} |"
        )
    lines += [
        "",
        "| passages | vectors | until the first answer, s | turn p50 / p95, ms | with filters p50 / p95, ms "
        "| p95 against the smallest, in processor time | memory, MB |",
        "| ---: | --- |" + " ---: |" * 5,
    ]
    least = found[0]["here"]
    for run in found:
        lines.append(turns_row(run["passages"], "in the process", run["here"], least))
        if "there" in run:
            where = f"in a Chroma server of {run['server_memory'] / 1e6:,.0f} MB, published in {run['published']:,.0f} s"
            lines.append(turns_row(run["passages"], where, run["there"], least))
    return "\n".join(lines)


def turns_row(passages: int, where: str, run: dict[str, float], least: dict[str, float]) -> str:
    """How one process answered."""
    return (
        f"| {passages:,} | {where} | {run['opening']:.1f} "
        f"| {1000 * run['plain_p50']:.0f} / {1000 * run['plain_p95']:.0f} "
        f"| {1000 * run['filtered_p50']:.0f} / {1000 * run['filtered_p95']:.0f} "
        f"| {run['plain_cpu_p95'] / least['plain_cpu_p95']:.2f}×, {run['filtered_cpu_p95'] / least['filtered_cpu_p95']:.2f}× "
        f"| {run['memory'] / 1e6:,.0f} |"
    )


def series(found: Sequence[dict[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """What the plot shows, against the number of passages."""
    return {
        "turn p95, ms": [(run["passages"], 1000 * run["here"]["plain_p95"]) for run in found],
        "turn with filters p95, ms": [(run["passages"], 1000 * run["here"]["filtered_p95"]) for run in found],
        "first ingest without encoding, s": [
            (run["passages"], run["seconds"]) for run in found if not run["encoded"]
        ],
        "memory of an ingest, MB": [(run["passages"], run["memory"] / 1e6) for run in found],
        "memory to answer, MB": [(run["passages"], run["here"]["memory"] / 1e6) for run in found],
        "disk, MB": [(run["passages"], run["disk"] / 1e6) for run in found],
    }


if __name__ == "__main__":
    main()
