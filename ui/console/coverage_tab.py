"""Coverage: what candidates ask about against what the pages answer, and what to write next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from textwrap import shorten
from typing import Any

import gradio as gr
import pandas as pd

from assistant.coverage import GROUPS, Covered, State, cover, main_language
from ui.accounts import Member, Role
from ui.console.desk import QUIET, Desk, bar, html, link, note

ASKED_DAYS = 90
FIRST = 25  # topics that are shown at once
STATES = {State.ANSWERED: "answered", State.THIN: "thin", State.OPEN: "open"}
COLOURS = {"answered": "#0b7a6d", "thin": "#e0a100", "open": "#b3453c"}

Asked = Mapping[str, tuple[int, tuple[str, ...]]]


@dataclass(frozen=True)
class Row:
    """A topic, how well the pages answer it, and how often candidates asked about it in the last 90 days."""

    covered: Covered
    times: int
    words: tuple[str, ...]


def coverage_tab(desk: Desk) -> list[Any]:
    """Build the tab; what it shows, in the order of `shown`."""
    gr.Markdown(
        f"Each topic that candidates ask about is put to the pages as they are now. Beside it stands how often it was "
        f"asked about in the last {ASKED_DAYS} days, and in which words."
    )
    with gr.Row(elem_classes="tools"):
        start = gr.Button("Look at the pages anew", variant="primary", scale=0, elem_id="coverage-run")
        html(link("export/coverage.csv", "Download “what to write next”"))
    progress = html(elem_id="coverage-progress")
    picture = gr.BarPlot(
        x="group", y="topics", color="state", color_map=COLOURS, sort=[*GROUPS.values()], x_title=" ", y_title="topics",
        title="Topics by group", height=320, visible=False, x_label_angle=-30, elem_id="coverage-picture",
    )  # fmt: skip
    asked = gr.BarPlot(
        x="topic", y="questions", color="state", color_map=COLOURS, sort="-y", x_title=" ", y_title="questions",
        title="What candidates asked about most", height=360, visible=False,
        x_label_angle=-30, elem_id="coverage-asked",
    )  # fmt: skip
    listed = html(elem_id="coverage-list")
    outputs = [progress, picture, asked, listed]

    def run(_: Member) -> Iterator[list[Any]]:
        untouched = [gr.skip()] * 3
        for done, total in look(desk):
            yield [bar(done, total, "Topics looked at"), *untouched]
        yield ["", *shown(desk)]

    start.click(desk.does(Role.VIEWER, run), None, outputs, **QUIET)
    return outputs[1:]


def look(desk: Desk) -> Iterator[tuple[int, int]]:
    """Work the coverage out anew; how many topics of how many are done."""
    knowledge = desk.assistant.knowledge()
    if knowledge is None:
        raise ValueError("Nothing has been read yet. Add a source in the tab Knowledge.")
    topics, language = desk.assistant.bank.topics, main_language(knowledge.store.passages)
    plain = desk.assistant.configured(model=False)
    found: list[Covered] = []
    for number, covered in enumerate(cover(plain, topics, desk.assistant.threshold, language), start=1):
        found.append(covered)
        if number % 4 == 0 or number == len(topics):
            yield number, len(topics)
    desk.covered, desk.covered_by = found, knowledge.state(desk.assistant.today())


def rows(desk: Desk) -> list[Row]:
    """The topics as they were last looked at; what was asked most and is answered worst comes first."""
    asked: Asked = desk.review.asked_about((datetime.now(UTC) - timedelta(days=ASKED_DAYS)).date())
    found = [Row(covered, *asked.get(covered.topic.id, (0, ()))) for covered in desk.covered]
    states, groups = [State.OPEN, State.THIN, State.ANSWERED], [*GROUPS]

    def order(row: Row) -> tuple[bool, int, int, int]:
        group = row.covered.topic.group
        place = groups.index(group) if group in groups else len(groups)
        return row.covered.state is State.ANSWERED, -row.times, states.index(row.covered.state), place

    return sorted(found, key=order)


def shown(desk: Desk) -> list[Any]:
    """The pictures and the list, as they were last worked out."""
    if not desk.covered:
        return [
            gr.BarPlot(visible=False),
            gr.BarPlot(visible=False),
            note("The pages have not been looked at yet. It takes about a minute."),
        ]
    found = rows(desk)
    counted = pd.DataFrame(
        [
            (GROUPS.get(row.covered.topic.group, row.covered.topic.group), STATES[row.covered.state])
            for row in found
        ],
        columns=["group", "state"],
    )
    by_group = counted.value_counts().reset_index(name="topics")
    # The plot stacks and names the states in the order in which it meets them.
    by_group = by_group.sort_values("state", key=lambda column: column.map([*COLOURS].index))
    most = sorted((row for row in found if row.times), key=lambda row: -row.times)[:15]
    most.sort(key=lambda row: [*COLOURS].index(STATES[row.covered.state]))
    frame = pd.DataFrame(
        [(row.covered.topic.title, row.times, STATES[row.covered.state]) for row in most],
        columns=["topic", "questions", "state"],
    )
    return [gr.BarPlot(by_group, visible=True), gr.BarPlot(frame, visible=bool(most)), listing(desk, found)]


def listing(desk: Desk, found: list[Row]) -> str:
    """The topics as a table, with counts above it."""
    knowledge = desk.assistant.knowledge()
    old = knowledge is not None and knowledge.state(desk.assistant.today()) != desk.covered_by
    counts = ", ".join(
        f"{sum(r.covered.state is state for r in found)} {name}" for state, name in STATES.items()
    )
    drawn = [_drawn(row) for row in found]
    head = "".join(
        f"<th scope='col'>{name}</th>"
        for name in ("", "topic", "asked", "in the words", "what the pages say")
    )
    first, rest = drawn[:FIRST], drawn[FIRST:]
    tables = [
        f"<div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{''.join(part)}</tbody></table></div>"
        for part in (first, rest)
    ]
    return (
        (note("The pages or the corrections have changed since. Look at them anew.") if old else "")
        + f"<p>{counts}. What to write next stands first.</p><div id='coverage-table'>{tables[0]}</div>"
        + (f"<details><summary>{len(rest)} more topics</summary>{tables[1]}</details>" if rest else "")
    )


def _drawn(row: Row) -> str:
    state, words = STATES[row.covered.state], " · ".join(row.words) or row.covered.question
    return (
        f"<tr data-state='{state}'><td>{state}</td><th scope='row'>{escape(row.covered.topic.title)}</th>"
        f"<td>{row.times or ''}</td><td dir='auto'>{escape(words)}</td>"
        f"<td dir='auto'>{escape(shorten(row.covered.proof.quote, 200, placeholder=' …'))}</td></tr>"
    )
