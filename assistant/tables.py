"""What the commands print for people: tables on a terminal, plain text into a file."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from assistant.coverage import Covered, State, in_groups, to_write
from assistant.measures import Comparison, Figures, by_kind, by_stage, by_topic
from assistant.report import STAGES, Report, percent

MARKS = {State.ANSWERED: "yes", State.THIN: "thin", State.OPEN: "open"}
SUGGESTED = 12
"""So many open topics are proposed at once; more would not be written."""


def console() -> Console:
    """Standard output, where words in brackets are words and nothing is coloured."""
    # A file or pipe has no width of its own: wide enough that no figure is cut.
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
    return Console(width=width, markup=False, emoji=False, highlight=False, soft_wrap=False)


def print_report(report: Report, out: Console) -> None:
    """The figures of an evaluation, and what changed since the baseline."""
    found = report.figures
    out.print(_overall(found))
    out.print(_groups("kind", by_kind(report.cases)))
    _print_topics(by_topic(report.cases), out)
    stages = by_stage(report.cases)
    if stages:
        out.print("What went wrong, and where:")
        for stage, cases in stages.items():
            names = ", ".join(case.question.id for case in cases)
            out.print(f"  {len(cases)} × {stage.value}: {STAGES[stage]}\n      {names}")
        out.print()
    if report.comparison:
        print_comparison(report.comparison, out)
    out.print(f"right {found.right}, {percent(found.right)}")


def _print_topics(topics: Mapping[str, Figures], out: Console) -> None:
    """The topics with a failure as a table, the others in a line: there may be a hundred."""
    failing = {name: found for name, found in topics.items() if found.right.count < found.right.of}
    if failing:
        out.print(_groups("topic", failing))
    flawless = [f"{name} ({found.right.of})" for name, found in topics.items() if name not in failing]
    if flawless:
        out.print(f"All right: {', '.join(flawless)}\n")


def _overall(found: Figures) -> Table:
    table = Table("measure", "share", "of", box=box.SIMPLE_HEAD, pad_edge=False)
    shares = {
        "right answers": found.right_answers,
        "right abstentions": found.right_abstentions,
        "false answers": found.false_answers,
        "false refusals": found.false_refusals,
        "wrong answers": found.wrong_answers,
        "cited": found.cited,
        **{f"recall@{k}": share for k, share in found.recall.items()},
        "right": found.right,
    }
    for name, share in shares.items():
        table.add_row(name, "–" if share.value is None else f"{share.value:.3f}", str(share))
    table.add_row("MRR", _number(found.mrr, 3), "")
    table.add_row("p50 / p95", f"{_number(found.p50_ms, 0)} / {_number(found.p95_ms, 0)} ms", "")
    return table


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _groups(name: str, groups: Mapping[str, Figures]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(name)
    for column in ("right", "", "false answers", "false refusals", "wrong answers", "recall@5"):
        table.add_column(column, justify="right")
    for group, found in groups.items():
        table.add_row(
            group,
            str(found.right),
            percent(found.right),
            *(
                str(share.count or "–")
                for share in (found.false_answers, found.false_refusals, found.wrong_answers)
            ),
            percent(found.recall[5]),
        )
    return table


def print_comparison(comparison: Comparison, out: Console) -> None:
    """Which questions got better and worse."""
    out.print(f"Since the baseline, of {comparison.now.of} questions in both:")
    for name, ids in (
        ("better", comparison.better),
        ("worse", comparison.worse),
        ("new", comparison.new),
        ("gone", comparison.gone),
    ):
        out.print(f"  {name} {len(ids)}{': ' if ids else ''}{', '.join(ids)}")
    out.print(f"  right {comparison.before} before, {comparison.now} now\n")


def print_coverage(covered: Sequence[Covered], out: Console) -> None:
    """The topics by group with their proof, then what to write next."""
    for title, entries in in_groups(covered).items():
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
        table.add_column("topic", ratio=3)
        table.add_column("said", width=5)
        table.add_column("where the pages say it", ratio=7)
        for entry in entries:
            table.add_row(entry.topic.title, MARKS[entry.state], _proof(entry))
        out.print(table)
    counts = {state: sum(entry.state is state for entry in covered) for state in State}
    out.print(
        f"Of {len(covered)} topics your pages answer {counts[State.ANSWERED]}, "
        f"answer {counts[State.THIN]} thinly and leave {counts[State.OPEN]} open."
    )
    missing = to_write(covered)
    if missing:
        out.print("\nWhat to write on your page next:")
        for entry in missing[:SUGGESTED]:
            out.print(f"  {entry.topic.title}: “{entry.question}”")
        if len(missing) > SUGGESTED:
            out.print(f"  … and {len(missing) - SUGGESTED} more, marked open above.")


def _proof(entry: Covered) -> str:
    proof = entry.proof
    if not proof.quote:
        return ""
    quote = " ".join(proof.quote.split())
    quote = quote if len(quote) <= 140 else f"{quote[:139].rsplit(' ', 1)[0]} …"
    return f"“{quote}” ({', '.join(part for part in (proof.heading, proof.source) if part)})"
