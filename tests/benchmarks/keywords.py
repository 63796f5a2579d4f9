"""What it brings to map the keyword index that an ingest left, beside working it out of the texts again.

    python tests/benchmarks/keywords.py                  127, 2,000 and 60,000 passages
    python tests/benchmarks/keywords.py 1000000

Texts are invented from the words of the sample pages. Each way runs in a process of its own, bm25s imported
beforehand; seconds are processor time, memory is what the index adds to the process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

SIZES = (127, 2_000, 60_000)


def main() -> None:
    if len(sys.argv) == 4 and sys.argv[1] in ("anew", "mapped"):
        print(json.dumps(measured(sys.argv[1] == "mapped", Path(sys.argv[2]), int(sys.argv[3]))))
        return
    print("| passages | worked out | mapped | memory, worked out | memory, mapped | on disk |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for size in map(int, sys.argv[1:] or SIZES):
        with tempfile.TemporaryDirectory() as folder:
            disk = kept(Path(folder), size)
            (slow, more), (quick, less) = (asked(way, folder, size) for way in ("anew", "mapped"))
        print(
            f"| {size:,} | {1000 * slow:,.0f} ms | {1000 * quick:,.0f} ms | {more:.1f} MB | {less:.1f} MB | {disk:.1f} MB |"
        )


def kept(folder: Path, size: int) -> float:
    """Keep the index of `size` invented passages in `folder`, and the passages; megabytes of the index."""
    from knowledge.chunking import cut
    from knowledge.keywords import FOLDER, write_keywords
    from knowledge.store import write_records
    from tests.benchmarks.growth import invented

    reading = invented(size)
    passages = cut(reading.pages, reading.jobs)
    write_records(folder / "passages.jsonl", passages)
    write_keywords(folder, None, passages)
    return sum(file.stat().st_size for file in (folder / FOLDER).iterdir()) / 1e6


def asked(way: str, folder: str, size: int) -> tuple[float, float]:
    """Seconds and megabytes of one way."""
    command = [sys.executable, __file__, way, folder, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, memory = json.loads(done.stdout)
    return seconds, memory


def measured(mapped: bool, folder: Path, size: int) -> tuple[float, float]:
    """Seconds until the index has answered a first question, and the megabytes it takes then."""
    import bm25s  # noqa: F401

    from knowledge.documents import Passage
    from knowledge.keywords import KeywordIndex
    from knowledge.store import read_records

    passages = read_records(folder / "passages.jsonl", Passage)
    before, started = resident(), time.process_time()
    index = KeywordIndex.of(folder, passages) if mapped else KeywordIndex(passages)
    index.scores(list(index.frequency)[:8])
    index.stems(len(passages) // 2)
    return time.process_time() - started, resident() - before


def resident() -> float:
    """Megabytes of this process in memory, those of mapped files included."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


if __name__ == "__main__":
    main()
