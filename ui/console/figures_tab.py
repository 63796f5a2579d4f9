"""Figures: how many conversations, how they ended and how long answers took, over time and by language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import gradio as gr
import pandas as pd

from ui.accounts import Role
from ui.console.desk import QUIET, Desk, date_field, html, language, link, note, number_of, table
from ui.console.review_tab import day
from ui.figures import SMALL, Day, Period, Top

LONGEST = 3 * 366  # days
COLOURS = {"answered": "#0b7a6d", "not found": "#e0a100", "declined": "#75818b"}


def figures_tab(desk: Desk) -> tuple[list[Any], list[Any]]:
    """Build the tab; its fields, and what it shows in the order of `shown`."""
    with gr.Row(elem_classes="fields"):
        first = date_field("From", elem_id="figures-from", min_width=150)
        last = date_field("To", min_width=150)
        spoken = gr.Dropdown([("all", "")], value="", label="Language", min_width=110)
        show = gr.Button("Show", scale=0, min_width=100, elem_id="figures-show")
    numbers = html(elem_id="figures-numbers")
    outcomes = gr.BarPlot(
        x="day", y="questions", color="outcome", color_map=COLOURS, x_title=" ", title="How questions ended",
        height=300, elem_id="figures-outcomes",
    )  # fmt: skip
    with gr.Row():
        languages = gr.LinePlot(
            x="day", y="questions", color="language", x_title=" ", title="Questions by language", height=260
        )
        times = gr.LinePlot(
            x="day",
            y="milliseconds",
            color="language",
            x_title=" ",
            title="Time to an answer, median",
            height=260,
        )
    tops = html(elem_id="figures-tops")
    fields, outputs = [first, last, spoken], [numbers, outcomes, languages, times, tops]
    work = desk.does(Role.VIEWER, lambda _, *values: shown(desk, values))
    show.click(work, fields, outputs, **QUIET)
    spoken.input(work, fields, outputs, **QUIET)
    return fields, outputs


def default(days_ago: int) -> str:
    """A day as the fields show it."""
    return (datetime.now(UTC).date() - timedelta(days=days_ago)).isoformat()


def period_of(values: Sequence[Any]) -> tuple[date, date, str]:
    """The first and the last day and the language that the fields say; `ValueError` where they make no sense."""
    last = day(values[1]) or datetime.now(UTC).date()
    first = day(values[0]) or last - timedelta(days=29)
    if first > last:
        raise ValueError(f"{first} is after {last}. Change one of them.")
    if (last - first).days > LONGEST:
        raise ValueError("At most three years can be shown at once.")
    return first, last, str(values[2] or "")


def shown(desk: Desk, values: Sequence[Any]) -> list[Any]:
    """All that the tab shows, of the period that the fields say."""
    first, last, spoken = period_of(values)
    period = desk.figures.over(first, last, spoken)
    days = desk.figures.by_day(first, last, spoken)
    export = link(
        f"export/figures.csv?{urlencode({'start': first, 'end': last, 'language': spoken})}", "Download CSV"
    )
    return [
        f"{numbers_of(period)}<p>{export}</p>" if period.questions else note(nothing(desk)),
        gr.BarPlot(by_outcome(days), visible=period.questions > 0),
        gr.LinePlot(by_language(days), visible=period.questions > 0),
        gr.LinePlot(by_time(days), visible=period.questions > 0),
        tops_of("Topics", period.topics, desk.topic) + tops_of("Roles", period.roles, str),
    ]


def nothing(desk: Desk) -> str:
    """Why there is nothing to count."""
    if not desk.settings.retention_days:
        return "Conversations are not stored (CANDOR_RETENTION_DAYS is 0), so there is nothing to count."
    return "Nobody asked anything in these days. Choose others, or another language."


def numbers_of(period: Period) -> str:
    """The figures as tiles."""

    def part(number: int, whole: int, share: float | None) -> str:
        return f"{number:,} of {whole:,}" if share is None else f"{share:.0%}"

    thumbs = period.thumbs_up + period.thumbs_down
    tiles = [
        ("conversations", f"{period.conversations:,}"),
        ("questions", f"{period.questions:,}"),
        ("answered", part(period.outcomes.get("answered", 0), period.to_answer, period.answered_share)),
        ("not found", part(period.outcomes.get("not_found", 0), period.to_answer, period.not_found_share)),
        ("satisfied", part(period.thumbs_up, thumbs, period.satisfaction)),
        ("handed over", f"{period.handovers:,}"),
        ("time to an answer", f"{period.p50:,} ms" if period.p50 is not None else "–"),
    ]
    hints = {
        "time to an answer": f"half of them; 95 of 100 within {period.p95:,} ms"
        if period.p95 is not None
        else "",
        "satisfied": f"thumbs up, of {number_of(thumbs, 'rating')}",
        "answered": "small talk left out",
        "handed over": "chats sent to a recruiter",
    }
    drawn = "".join(
        f"<li><span>{name}</span><strong>{value}</strong><small>{hints.get(name, '')}</small></li>"
        for name, value in tiles
    )
    few = f"<p class='small'>Of fewer than {SMALL}, numbers are shown and no percentages.</p>"
    return f"<ul class='tiles'>{drawn}</ul>{few}"


def by_outcome(days: Sequence[Day]) -> pd.DataFrame:
    """Questions of each day by how they ended."""
    names = (("answered", "answered"), ("not found", "not_found"), ("declined", "declined"))
    counted: dict[tuple[pd.Timestamp, str], int] = {}
    for row in days:
        for name, attribute in names:
            key = (pd.Timestamp(row.day), name)
            counted[key] = counted.get(key, 0) + int(getattr(row, attribute))
    return pd.DataFrame(
        [(*key, number) for key, number in counted.items()], columns=["day", "outcome", "questions"]
    )


def by_language(days: Sequence[Day]) -> pd.DataFrame:
    """Questions of each day by language."""
    return pd.DataFrame(
        [(pd.Timestamp(row.day), language(row.language), row.questions) for row in days],
        columns=["day", "language", "questions"],
    ).sort_values(["language", "day"])


def by_time(days: Sequence[Day]) -> pd.DataFrame:
    """The median time to an answer, of the days and languages with answers."""
    return pd.DataFrame(
        [(pd.Timestamp(d.day), language(d.language), d.p50_ms) for d in days if d.p50_ms is not None],
        columns=["day", "language", "milliseconds"],
    ).sort_values(["language", "day"])  # the order of the other plot, and so its colours


def tops_of(name: str, tops: Sequence[Top], told: Callable[[str], str]) -> str:
    """What was asked about most."""
    rows = [(told(top.name), f"{top.questions:,}", f"{top.answered:,}", f"{top.not_found:,}") for top in tops]
    return (
        table((name.lower().removesuffix("s"), "questions", "answered", "not found"), rows, name)
        if rows
        else ""
    )
