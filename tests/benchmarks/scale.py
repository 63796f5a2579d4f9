"""How well an index of a hundred thousand postings goes in, is renewed, and answers: as ratios.

    python tests/benchmarks/scale.py DAY1 DAY2 [--postings N] [--questions N] [--threads N] [--store DIR] [--json]

DAY1 and DAY2 are lists of postings of two consecutive days, as JSON or JSON in gzip. Seconds depend on the
machine, so each is set against the encoder's own speed over the same distinct texts, in the same run: a
sample of them is encoded before and after the first day.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SEED = 7
SAMPLE = 8  # every eighth text tells the encoder's speed


def main() -> None:
    arguments = parsed()
    if arguments.threads:
        os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    # Imported after the number of threads is set.
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from ingest import Progress
    from knowledge.embedding import load_embedder
    from knowledge.pages import read_source

    embedder = load_embedder()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, Progress(bars=sys.stderr.isatty()) as progress:
        source, store = Path(folder) / "jobs.json", arguments.store or Path(folder) / "store"
        days = [postings(path, arguments.postings) for path in (arguments.day1, arguments.day2)]
        source.write_text(json.dumps(days[0]), encoding="utf-8")
        reading = read_source(source)
        texts = list(dict.fromkeys(job.title for job in reading.jobs))
        figures["postings"], figures["distinct texts"] = len(reading.jobs), len(texts)
        del reading
        speeds = [encoder_speed(embedder, texts)]
        shutil.rmtree(store, ignore_errors=True)
        first = ingested(source, store, embedder, progress)
        speeds.append(encoder_speed(embedder, texts))
        source.write_text(json.dumps(days[1]), encoding="utf-8")
        second = ingested(source, store, embedder, progress)
        own = sum(speeds) / len(speeds)
        figures |= {
            "encoder, texts a second": round(own, 1),
            "first day, seconds": first["seconds"],
            "first day, seconds of it reading": first["reading"],
            "first day, speed / encoder's own speed (at least 0.5)": round(
                first["report"].embedded / first["seconds"] / own, 3
            ),
            "second day, seconds": second["seconds"],
            "second day, added": second["report"].added,
            "second day, changed": second["report"].changed,
            "second day, removed": second["report"].removed,
            "second day, texts embedded": second["report"].embedded,
            "second day / first day (at most 0.05)": round(second["seconds"] / first["seconds"], 4),
            "peak memory of both days, GB (under 3)": round(
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2
            ),
            "store, MB": round(sum(f.stat().st_size for f in current(store).rglob("*")) / 1e6),
        }
        if arguments.questions:
            figures |= asked(store, embedder, days[1], arguments.questions)
    show(figures, arguments.json)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("day1", type=Path)
    parser.add_argument("day2", type=Path)
    parser.add_argument("--postings", type=int, help="only so many of each day, the same ones")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--store", type=Path, help="where the store is made and left; by default nowhere")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def postings(path: Path, limit: int | None) -> list[dict[str, Any]]:
    """The postings of a day; with a limit, those that both days have stay the same ones."""
    content = path.read_bytes()
    listed = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    if limit is None:
        return listed
    share = limit / len(listed)
    return [item for item in listed if random.Random(str(item.get("url"))).random() < share]


def encoder_speed(embedder: Any, texts: list[str]) -> float:
    """Texts a second that the encoder makes of a sample of `texts`, sorted by length as it likes them."""
    chosen = sorted(texts[::SAMPLE], key=len, reverse=True)
    started = time.perf_counter()
    embedder.embed(chosen)
    return len(chosen) / (time.perf_counter() - started)


def ingested(source: Path, store: Path, embedder: Any, progress: Any) -> dict[str, Any]:
    """Read a source and mirror it, with the seconds that took."""
    from knowledge.ingestion import mirror
    from knowledge.pages import read_source
    from knowledge.recall import recalling

    started = time.perf_counter()
    with recalling(store / "read"):
        reading = read_source(source, progress)
    read = time.perf_counter() - started
    report = mirror([reading], [source.name], store, embedder, progress)
    return {
        "seconds": round(time.perf_counter() - started, 2),
        "reading": round(read, 2),
        "report": report,
    }


def current(store: Path) -> Path:
    from knowledge.store import current_version

    return current_version(store)


def asked(store: Path, embedder: Any, listed: list[dict[str, Any]], count: int) -> dict[str, Any]:
    """Latencies of questions by place and words of a title, asked of the assistant."""
    from assistant.reply import Assistant
    from knowledge.settings import Settings

    shutil.rmtree(store / "cache", ignore_errors=True)
    assistant = Assistant(Settings(store=store), embedder)
    started = time.perf_counter()
    assistant.knowledge()
    opened = time.perf_counter() - started
    chosen = random.Random(SEED)
    seconds: list[float] = []
    answered = 0
    for _ in range(count):
        item = chosen.choice(listed)
        words = " ".join(str(item["title"]).split(",")[0].split(" - ")[0].split("(")[0].split()[:3])
        place = str(item["location"]).split(",")[0].split(";")[0].strip()
        started = time.perf_counter()
        reply = assistant.reply([f"Are there any {words} jobs in {place}?"])
        seconds.append(time.perf_counter() - started)
        answered += bool(reply.jobs)
    seconds.sort()
    return {
        "opening the store for the assistant, seconds": round(opened, 2),
        "questions": count,
        "questions answered with jobs": answered,
        "question, median ms": round(1000 * seconds[len(seconds) // 2], 1),
        "question, p95 ms (under 150)": round(1000 * seconds[int(0.95 * (len(seconds) - 1))], 1),
    }


def show(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures))
        return
    width = max(map(len, figures))
    for name, value in figures.items():
        print(f"{name:<{width}}  {value:>12,}")


if __name__ == "__main__":
    main()
