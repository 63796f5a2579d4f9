"""How far Candor is from what the processor can do: the encoder's bare forward pass, a search by NumPy, bare imports.

    python tests/benchmarks/limit.py                      over the invented companies of tests/golden
    python tests/benchmarks/limit.py --shared DIR         over a handbook and a careers site
    python tests/benchmarks/limit.py ... --write docs     put the table into docs/performance.md

The bare forward pass gets what an ingest embeds, tokenised before the clock starts, in the best of several ways, tried on
a sample: each text alone, or batches of texts of one length, on one thread each or on all. Bare imports are those of the packages of
others that `python -m assistant ask` has loaded when it ends, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
ROUNDS = 3
NEAREST = 40
QUESTION = "How much time is there for learning?"

# Run by the interpreter that is measured: which packages of others a command has loaded when it ends.
LOADED = """
import json, runpy, sys
sys.argv = ["assistant", *sys.argv[1:]]
try:
    runpy.run_module("assistant", run_name="__main__", alter_sys=True)
except SystemExit:
    pass
ours = {"assistant", "knowledge", "ui", "ingest", "__main__"}
found = [name for name, module in sys.modules.items()
         if "site-packages" in (getattr(module, "__file__", "") or "") and name.split(".")[0] not in ours]
print("\\n" + json.dumps(found), file=sys.stderr)
"""


def main() -> None:
    options = parsed()
    lines = ["| | Candor | the limit | ratio |", "| --- | ---: | ---: | ---: |"]
    for name, content in contents(options):
        lines += over(name, content)
    lines.append(cold_start())
    text = "\n".join(lines)
    print(text)
    if options.write:
        from tests.benchmarks.performance_page import put

        put(options.write / "performance.md", "limit", text)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, help="folder with sources/ of real companies")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="folder of performance.md")
    return parser.parse_args()


def contents(options: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """What is ingested."""
    if options.shared:
        for name, title in (("basecamp-handbook", "a handbook"), ("cds-careers", "a careers site")):
            yield title, options.shared / "sources" / name
    else:
        yield "invented companies", ROOT / "tests" / "golden"


class Recording:
    """An embedder that notes what it was asked for."""

    def __init__(self, embedder: Any) -> None:
        self.embedder = embedder
        self.name = embedder.name
        self.texts: dict[str, None] = {}

    def embed(self, texts: Sequence[str]) -> Any:
        """Vectors of the embedder within."""
        self.texts.update(dict.fromkeys(texts))
        return self.embedder.embed(texts)


def over(name: str, content: Path) -> list[str]:
    """The rows of one corpus: ingest against forward pass, nearest passages against a product of matrices."""
    from knowledge.embedding import load_embedder
    from knowledge.ingestion import mirror
    from knowledge.pages import read_source
    from knowledge.store import Store

    embedder = load_embedder()
    ingests: list[NDArray[np.float64]] = []
    forwards: list[NDArray[np.float64]] = []
    embedder.embed(["Is Monday free?", "Is Friday free?", "May I work from home?", "Where?", "When?"])
    for _ in range(ROUNDS):  # in turn, so that a change in the machine's speed meets both
        noting = Recording(embedder)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "store"
            ingests.append(timed(lambda at=path, by=noting: mirror([read_source(content)], [name], at, by)))
            own, plain, passages = searches(Store.open(path, embedder), embedder.embed([QUESTION])[0])
        taken, way = bare_forward(embedder, list(noting.texts))
        forwards.append(taken)
        print(
            f"{name}: ingest {ingests[-1].round(1)}, forward pass {taken.round(1)} s",
            file=sys.stderr,
            flush=True,
        )
    # Each ingest is set against the forward pass beside it: a machine that others use changes from minute to minute.
    share = np.median(np.array(forwards) / np.array(ingests), axis=0)
    count = len(noting.texts)
    limit = count / np.min(forwards, axis=0)
    return [
        *(
            f"| {name}: texts embedded a second{of}, whole ingest against forward pass ({count:,} texts; {way}) "
            f"| {share[n] * limit[n]:.0f} | {limit[n]:.0f} | {share[n]:.2f} |"
            for n, of in enumerate(("", " of processor time"))
        ),
        f"| {name}: nearest of {passages:,} passages, against NumPy, ms "
        f"| {1000 * own:.2f} | {1000 * plain:.2f} | {plain / own:.2f} |",
    ]


def timed(work: Callable[[], Any]) -> NDArray[np.float64]:
    """Seconds that `work` takes, and seconds of processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return np.array([time.perf_counter() - wall, time.process_time() - cpu])


def searches(store: Any, query: Any) -> tuple[float, float, int]:
    """Seconds of the store's search and of a product of matrices, and over how many passages."""
    vectors = np.array(store.passage_matrix(list(range(len(store.passages)))))
    most = min(NEAREST, len(vectors) - 1)
    own = middle(lambda: store.nearest_passages(query, NEAREST, {}))
    return own, middle(lambda: np.argpartition(-(vectors @ query), most)[:most]), len(vectors)


def middle(work: Callable[[], Any], times: int = 50) -> float:
    """Median seconds of `work`."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def bare_forward(embedder: Any, texts: Sequence[str]) -> tuple[NDArray[np.float64], str]:
    """Seconds of the forward pass alone in the quickest way, as `timed` has them, and which way that is."""
    import onnxruntime

    from knowledge.onnx_encoder import BATCH, BATCH_TOKENS, MODEL

    def session(threads: int) -> Any:
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        return onnxruntime.InferenceSession(
            str(embedder.folder / MODEL), settings, providers=["CPUExecutionProvider"]
        )

    def feeds(chosen: Sequence[str], most: int) -> list[dict[str, Any]]:
        """Token ids of the texts, those of one length together, the longest first."""
        ids = [encoding.ids for encoding in embedder.tokenizer.encode_batch(list(chosen))]
        found = []
        for length, rows in groupby(sorted(ids, key=len, reverse=True), key=len):
            alike, size = list(rows), max(1, min(most, BATCH_TOKENS // length))
            found += [alike[start : start + size] for start in range(0, len(alike), size)]
        return [{"input_ids": np.array(batch, dtype=np.int64)} for batch in found]

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    ways: dict[str, tuple[int, Callable[[Any], Any]]] = {}
    for most, said in ((1, "each alone"), (BATCH, "batches of one length")):
        model = session(cores)
        ways[f"{said}, {cores} threads each"] = most, lambda fed, m=model: [m.run(None, feed) for feed in fed]
        if cores > 1:
            model, pool = session(1), ThreadPoolExecutor(cores)
            ways[f"{said}, {cores} at a time"] = (
                most,
                lambda fed, m=model, p=pool: list(p.map(lambda feed: m.run(None, feed), fed)),
            )

    def taken(way: str, chosen: Sequence[str]) -> NDArray[np.float64]:
        most, work = ways[way]
        fed = feeds(chosen, most)
        return timed(lambda: work(fed))

    best = min(ways, key=lambda way: float(taken(way, texts[::8])[0]))
    return taken(best, texts), best


def cold_start() -> str:
    """The row of `python -m assistant ask` from a cold process against the bare imports of what it needs."""
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "store")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": ROOT, "check": True}
        subprocess.run([sys.executable, "ingest.py", "--store", store], **quiet)
        ask = [sys.executable, "-m", "assistant", "ask", QUESTION, "--store", store]
        subprocess.run(ask, **quiet)  # what is made once, is made now
        told = subprocess.run(
            [sys.executable, "-c", LOADED, *ask[3:]], capture_output=True, text=True, cwd=ROOT, check=True
        )
        names = json.loads(told.stderr.strip().splitlines()[-1])
        imports = (
            "import importlib, contextlib\n"
            f"for name in {names!r}:\n"
            "    with contextlib.suppress(Exception):\n"
            "        importlib.import_module(name)\n"
        )
        asks, bares = [], []
        for _ in range(2 * ROUNDS):
            asks.append(seconds(ask))
            bares.append(seconds([sys.executable, "-c", imports]))
    own, bare = statistics.median(asks), statistics.median(bares)
    return f"| `python -m assistant ask`, cold, against bare imports, s | {own:.2f} | {bare:.2f} | {own / bare:.2f} |"


def seconds(command: Sequence[str]) -> float:
    """How long a process takes."""
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
