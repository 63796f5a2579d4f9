"""docs/performance.md: its parts that are measured are put between two marks, and its plots are drawn here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import ceil, floor, log10
from pathlib import Path

import pygal
from pygal.style import Style

STYLE = Style(
    background="white",
    plot_background="white",
    font_family="system-ui, sans-serif",
    colors=("#0f766e", "#b45309", "#1d4ed8", "#9333ea", "#be123c", "#4d7c0f"),
    label_font_size=12,
    major_label_font_size=12,
    legend_font_size=13,
    title_font_size=15,
)


def put(page: Path, part: str, text: str) -> None:
    """Replace what stands between `<!-- part -->` and `<!-- /part -->` on a page; ValueError where they are missing."""
    marks = re.compile(rf"(<!-- {part} -->\n).*?(\n<!-- /{part} -->)", re.DOTALL)
    before = page.read_text(encoding="utf-8")
    if not marks.search(before):
        raise ValueError(
            f"{page.name} has no place for {part!r}: it needs <!-- {part} --> and <!-- /{part} -->."
        )
    page.write_text(marks.sub(lambda found: found[1] + text + found[2], before), encoding="utf-8")


def bars(file: Path, title: str, names: Sequence[str], series: Mapping[str, Sequence[float]]) -> None:
    """One group of bars a figure, one bar a system, on a logarithmic scale."""
    values = [value for found in series.values() for value in found]
    marks = _ticks(values)
    graph = pygal.Bar(
        style=STYLE, js=(), width=1000, height=420, logarithmic=True, legend_at_bottom=True,
        legend_at_bottom_columns=3, title=title, show_y_guides=True, value_formatter=_short, truncate_label=-1,
        zero=marks[0], range=(marks[0], max(values)),
    )  # fmt: skip
    graph.x_labels = list(series)
    graph.y_labels = marks
    for number, name in enumerate(names):
        graph.add(name, [max(found[number], 1e-3) for found in series.values()])
    graph.render_to_file(str(file))


def lines(file: Path, title: str, across: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Points (x, y) of each series on two logarithmic scales; `across` names x."""
    graph = pygal.XY(
        style=STYLE, js=(), width=1000, height=520, logarithmic=True, legend_at_bottom=True,
        legend_at_bottom_columns=2, title=title, x_title=across, show_x_guides=True, value_formatter=_short, margin_right=50,
        x_value_formatter=lambda x: f"{x:,.0f}",
    )  # fmt: skip
    graph.x_labels = sorted({10 ** round(log10(x)) for points in series.values() for x, _ in points})
    graph.y_labels = _ticks(y for points in series.values() for _, y in points)
    for name, points in series.items():
        graph.add(name, [(x, max(y, 1e-3)) for x, y in points])
    graph.render_to_file(str(file))


def _ticks(values: Iterable[float]) -> list[float]:
    """1, 3, 10, 30 …, as far as the values go: the marks of a logarithmic scale."""
    seen = [max(value, 1e-3) for value in values]
    powers = range(floor(log10(min(seen))), ceil(log10(max(seen))) + 1)
    marks = [one * 10**power for power in powers for one in (1, 3)]
    return [mark for mark in marks if min(seen) / 4 <= mark <= max(seen) * 1.2]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
