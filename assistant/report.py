"""The report of an evaluation: JSON for programs, CSV for spreadsheets, one HTML page for people."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pygal
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from pygal.style import Style

from assistant.evaluation import RESULT_COLUMNS, as_row, guarded
from assistant.measures import (
    BaselineError,
    Case,
    Comparison,
    Curve,
    Figures,
    Point,
    Share,
    Stage,
    Verdict,
    by_kind,
    by_stage,
    by_topic,
    compare,
    curve,
    figures,
    shows_evidence,
)

FORMAT = 1
"""Raised when report.json changes its shape."""

VERDICTS = {
    Verdict.FALSE_ANSWER: "False answers: answered, though the pages do not say",
    Verdict.WRONG_ANSWER: "Wrong answers: answered, but not with what was expected",
    Verdict.FALSE_REFUSAL: "False refusals: not answered, though the pages say",
    Verdict.WRONG_MANNER: "Wrong manner: neither answered nor turned away as expected",
}
"""The failures as the report heads them, the gravest first."""

STAGES = {
    Stage.REFUSING: "It was taken for small talk or for something to decline, before any search.",
    Stage.POSTINGS: "It was answered from the posting records; the pages were not searched.",
    Stage.SEARCH: "The right passage was not among those considered.",
    Stage.RANKING: "The right passage was considered, but another came first.",
    Stage.DECISION: "The decision whether to answer went the wrong way.",
    Stage.WRITING: "The right passage came first, but the reply does not say what was expected.",
}
"""What a failure in each step means."""

EXPECTATIONS = {
    "answer": "an answer",
    "not_found": "to say that the pages do not tell",
    "decline": "to decline",
    "chat": "small talk",
}
STATUSES = {
    "answered": "answered",
    "not_found": "said that the pages do not tell",
    "declined": "declined",
    "chat": "took it for small talk",
}


@dataclass(frozen=True)
class Report:
    """All that was measured in one run."""

    cases: tuple[Case, ...]
    threshold: float
    questions: str
    store: str
    comparison: Comparison | None = None
    created: str = ""

    @property
    def figures(self) -> Figures:
        """The figures over all questions."""
        return figures(self.cases)

    @property
    def curve(self) -> Curve | None:
        """The decision's curve."""
        return curve(self.cases, self.threshold)

    def as_json(self) -> dict[str, Any]:
        """The whole report as one object."""
        drawn = self.curve
        return {
            "format": FORMAT,
            "created": self.created or datetime.now(UTC).isoformat(timespec="seconds"),
            "questions": self.questions,
            "store": self.store,
            "threshold": self.threshold,
            "figures": self.figures.as_json(),
            "by_kind": {name: group.as_json() for name, group in by_kind(self.cases).items()},
            "by_topic": {name: group.as_json() for name, group in by_topic(self.cases).items()},
            "by_stage": {
                stage.value: [case.question.id for case in found]
                for stage, found in by_stage(self.cases).items()
            },
            "curve": drawn.as_json() if drawn else None,
            "comparison": self.comparison.as_json() if self.comparison else None,
            "cases": [case.as_json() for case in self.cases],
        }


def write_report(folder: Path, report: Report) -> None:
    """Write report.json, report.csv and report.html into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    data = json.dumps(report.as_json(), ensure_ascii=False, indent=1)
    (folder / "report.json").write_text(data + "\n", encoding="utf-8")
    # With a byte order mark, or Excel takes UTF-8 for the computer's own code page.
    (folder / "report.csv").write_text(as_csv(report.cases), encoding="utf-8-sig", newline="")
    (folder / "report.html").write_text(as_html(report), encoding="utf-8")


def read_baseline(path: Path) -> Mapping[str, Any]:
    """An earlier report.json; `BaselineError` where it is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BaselineError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise BaselineError(f"{path} is no JSON ({error}). Give a report.json of an earlier run.") from error
    try:
        compare(data, ())
    except BaselineError as error:
        raise BaselineError(f"{path} is no report.json of `python -m assistant evaluate --out`.") from error
    return dict(data)


# --- for spreadsheets -----------------------------------------------------------------------------


def as_csv(cases: Sequence[Case]) -> str:
    """A row for each question: the question's columns, then what became of it.

    The rows can be read as golden questions again, so that expectations may be mended in the report.
    """
    rows = [{**as_row(case.question), **_result(case)} for case in cases]
    turns = max((len(case.question.turns) for case in cases), default=1)
    columns = [
        "id", *(f"turn{number}" for number in range(1, turns + 1)),
        "expect", "kind", "topic", "all_of", "none_of", "evidence", *RESULT_COLUMNS,
    ]  # fmt: skip
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, restval="")
    writer.writeheader()
    writer.writerows({name: guarded(cell) for name, cell in row.items()} for row in rows)
    return stream.getvalue()


def _result(case: Case) -> dict[str, str]:
    quotes = [str(citation.get("quote") or "") for citation in case.reply.get("citations", ())]
    values = (
        "yes" if case.right else "no", case.verdict.value, case.judgement.why,
        case.stage.value if case.stage else "", case.status, str(case.reply.get("answer") or ""),
        " | ".join(quotes), "" if case.rank is None else str(case.rank),
        "" if case.probability is None else f"{case.probability:.3f}", f"{case.latency_ms:.1f}",
    )  # fmt: skip
    return dict(zip(RESULT_COLUMNS, values, strict=True))


# --- for people -----------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def templates() -> Environment:
    """The templates of this folder; whatever is put into them is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.filters["worded"] = worded
    return environment


def percent(share: Share) -> str:
    """The share in whole per cent; a dash of nothing."""
    return "–" if share.value is None else f"{100 * share.value:.0f}%"


def worded(text: str) -> Markup:
    """The text of a reply, escaped, its bold words bold."""
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", str(escape(text)), flags=re.S))  # nosec B704: escaped in this line


def as_html(report: Report) -> str:
    """The report as a page that needs nothing beside itself."""
    drawn = report.curve
    cases = {case.question.id: case for case in report.cases}
    return templates().get_template("report.html").render(
        report=report,
        created=(report.created or datetime.now(UTC).isoformat())[:16].replace("T", " "),
        figures=report.figures,
        tiles=tiles(report.figures),
        kinds=by_kind(report.cases),
        topics=by_topic(report.cases),
        stages={STAGES[stage]: len(found) for stage, found in by_stage(report.cases).items()},
        curve=drawn,
        chart=Markup(chart(drawn)) if drawn else "",  # nosec B704: our own drawing, of numbers
        thresholds=sampled(drawn) if drawn else (),
        groups=[
            (heading, [failure(case, report.threshold) for case in report.cases if case.verdict is verdict])
            for verdict, heading in VERDICTS.items()
        ],
        comparison=report.comparison,
        cases=cases,
        anchors={name: f"case-{number}" for number, name in enumerate(cases, start=1)},
        statuses=STATUSES,
    )  # fmt: skip


def tiles(found: Figures) -> list[tuple[str, str, str]]:
    """Name, figure and explanation of each tile."""
    shares = [
        ("Right answers", found.right_answers, "of the questions that the pages answer"),
        ("Right abstentions", found.right_abstentions, "of all other questions"),
        ("False answers", found.false_answers, "answered, though the pages do not say"),
        ("False refusals", found.false_refusals, "not answered, though the pages say"),
        ("Wrong answers", found.wrong_answers, "answered, but not as expected"),
        ("Cited", found.cited, "answers that quote the evidence"),
        *(
            (f"Recall@{k}", share, "evidence first" if k == 1 else f"evidence among the best {k}")
            for k, share in found.recall.items()
        ),
    ]
    listed = [(name, percent(share), f"{share} {text}") for name, share, text in shares]
    mrr = "–" if found.mrr is None else f"{found.mrr:.2f}"
    listed.append(("MRR", mrr, "mean of 1 / place of the evidence"))
    times = (
        ("Time, p50", found.p50_ms, "half of the turns took less"),
        ("Time, p95", found.p95_ms, "1 turn in 20 took longer"),
    )
    listed += [(name, "–" if ms is None else f"{ms:.0f} ms", text) for name, ms, text in times]
    return listed


def failure(case: Case, threshold: float) -> dict[str, Any]:
    """What the page shows of a failure."""
    features = case.trace.get("features") or {}
    return {
        "case": case,
        "stage": STAGES[case.stage] if case.stage else "",
        "expected": EXPECTATIONS[case.question.expect],
        "became": STATUSES.get(case.status, case.status),
        "answer": str(case.reply.get("answer") or ""),
        "citations": [dict(citation) for citation in case.reply.get("citations", ())],
        "reasons": reasons(case, threshold),
        "features": {name: float(value) for name, value in features.items()},
        "passages": [
            {
                "relevance": float(passage.get("relevance", 0.0)),
                "where": " › ".join(p for p in (passage.get("source"), passage.get("heading")) if p),
                "text": str(passage.get("text", "")),
                "evidence": shows_evidence(passage, case.question),
            }
            for passage in case.passages
        ],
    }


def reasons(case: Case, threshold: float) -> list[str]:
    """Why the turn went as it did, a sentence a step."""
    said = []
    standalone = str(case.trace.get("standalone") or "")
    before = str(case.trace.get("before") or "")
    if before:
        said.append(f"It was read as a follow-up to “{before}”.")
    elif standalone and standalone.lower() != " ".join(case.question.turns[-1].split()).lower():
        said.append(f"It was read as “{standalone}”.")
    topics = case.trace.get("topics") or ()
    if topics:
        near = ", ".join(f"{name} ({float(likeness):.2f})" for name, likeness in topics)
        said.append(f"Topics by likeness: {near}.")
    if case.probability is not None:
        side, then = (
            ("at or above", "enough to answer")
            if case.probability >= threshold
            else ("below", "too little to answer")
        )
        said.append(
            f"The passages answer with a probability of {case.probability:.2f}, {side} the threshold of {threshold:.2f}: {then}."
        )
        if case.question.evidence:
            said.append(_place(case))
    return said


def _place(case: Case) -> str:
    considered = len(case.passages)
    if case.rank is None:
        return f"None of the {considered} passages considered shows the evidence."
    return f"Of the {considered} passages considered, number {case.rank} shows the evidence."


# --- the curve ------------------------------------------------------------------------------------


THICK = "inline:#chart-decision .series .reactive{stroke-width:2.5;stroke-opacity:1}"
"""What pygal's own style sheet has no setting for."""


def chart(drawn: Curve) -> str:
    """The decision's curve as SVG in the colours of the page, without script."""
    style = Style(
        background="transparent", plot_background="transparent", font_family="inherit",
        foreground="var(--faint)", foreground_strong="var(--ink)", foreground_subtle="var(--line)",
        guide_stroke_color="var(--line)", major_guide_stroke_color="var(--line)", opacity="1",
        colors=("var(--accent)", "var(--bad)"), label_font_size=12, major_label_font_size=12,
        legend_font_size=13, title_font_size=13,
    )  # fmt: skip
    labels = [{"value": value, "label": _in_percent(value)} for value in (0, 0.25, 0.5, 0.75, 1)]
    graph = pygal.XY(
        style=style, css=("file://style.css", "file://graph.css", THICK), js=(), width=440, height=380, margin=8, range=(0, 1), xrange=(0, 1),
        x_title="false refusals", y_title="false answers", legend_at_bottom=True, legend_at_bottom_columns=1,
        show_x_guides=True, x_labels=labels, y_labels=labels,
        formatter=_in_percent, x_value_formatter=_in_percent,
    )  # fmt: skip
    graph.uuid = "decision"
    steps = [(point.false_refusals, point.false_answers) for point in drawn.points]
    now = drawn.operating
    graph.add("all thresholds", steps, show_dots=False)
    graph.add(
        f"now: threshold {now.threshold:.2f}",
        [(now.false_refusals, now.false_answers)],
        stroke=False,
        dots_size=7,
    )
    graph.add_xml_filter(_bare)
    return str(graph.render(is_unicode=True, disable_xml_declaration=True))


def _in_percent(value: Any) -> str:
    """A label of an axis, or the hover text of a point."""
    parts = value if isinstance(value, list | tuple) else [value]
    return ", ".join(f"{100 * float(part):.0f}%" for part in parts)


def _bare(root: Any) -> Any:
    """The drawing without scripts and comments: the page runs nothing and names no other host."""
    for element in list(root.iter()):
        if not isinstance(element.tag, str) or element.tag == "script":
            element.getparent().remove(element)
    return root


def sampled(drawn: Curve, count: int = 9) -> list[Point]:
    """The curve as a small table, at evenly spread thresholds."""
    found = []
    for number in range(1, count + 1):
        threshold = number / (count + 1)
        # Between two points of the curve nothing changes, so the next one tells of this threshold too.
        following = next((point for point in drawn.points if point.threshold >= threshold), drawn.points[-1])
        found.append(replace(following, threshold=threshold))
    return found
