"""Golden questions: the table, files, a run with its progress, and what changed since an earlier one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

import gradio as gr

from ui.accounts import Member, Role
from ui.console.desk import MOMENT, QUIET, Desk, bar, done, html, link, note, number_of, table
from ui.golden import INGEST, TABLE, Run

HEADERS = ["id", "question ( / between turns)", "expect", "must say", "must not say", "evidence", "kind"]
WIDTHS: list[str | int] = ["9%", "33%", "10%", "14%", "10%", "16%", "8%"]


@dataclass(frozen=True)
class GoldenTab:
    """What other tabs use of this one: the lists, and the form of a new question with what folds it away."""

    lists: list[Any]
    form: list[Any]
    adding: gr.Accordion


def golden_tab(desk: Desk) -> GoldenTab:
    """Build the tab."""
    gr.Markdown(
        "Questions with what a right answer must hold. They are asked again by themselves each time the pages are read anew.  \n"
        "*expect*: answer, not_found (the pages do not say), decline or chat. *must say*: words that the answer must hold; "
        "`20%|a fifth` where either will do, `;` between several. *evidence*: words of a page that must be quoted."
    )
    worse = html(elem_id="worse")
    questions = gr.Dataframe(
        headers=HEADERS, type="array", interactive=True, wrap=True, column_widths=WIDTHS, elem_id="golden",
        label="Golden questions", row_count=1, column_count=len(HEADERS),
    )  # fmt: skip
    with gr.Row(elem_classes="tools"):
        save = gr.Button("Save the table", elem_classes="editor", scale=0)
        upload = gr.UploadButton(
            "Add from CSV or JSON lines",
            type="binary",
            file_types=[".csv", ".jsonl"],
            elem_classes="editor",
            scale=0,
        )
        html(link("export/golden.csv", "Download CSV") + link("export/golden.jsonl", "Download JSON lines"))
    with gr.Accordion("Add one question", open=False) as adding:
        turns = gr.Textbox(
            label="Question; for a follow-up, one turn a line", lines=2, elem_id="golden-turns"
        )
        with gr.Row():
            expect = gr.Dropdown(["answer", "not_found", "decline", "chat"], value="answer", label="Expected")
            must = gr.Textbox(label="Must say")
            evidence = gr.Textbox(label="Evidence: words of a page")
        add = gr.Button("Add", elem_classes="editor", scale=0, elem_id="golden-add")
    gr.Markdown("### Runs")
    with gr.Row():
        run = gr.Button(
            "Run them all", variant="primary", elem_classes="editor", scale=0, elem_id="golden-run"
        )
        stop = gr.Button("Stop", scale=0)
    progress = html(elem_id="golden-progress")
    with gr.Row():
        now = gr.Dropdown([], label="Run", elem_id="golden-now")
        earlier = gr.Dropdown([], label="Compare with")
    results = html(elem_id="golden-results")
    loaded = gr.State([])
    lists = [questions, loaded, now, earlier, worse, results]
    stopping: dict[int, threading.Event] = {}

    def saved(member: Member, rows: list[list[Any]], held: list[str]) -> list[Any]:
        count = desk.golden.save_table(rows, member.name, held)
        desk.accounts.record(member.name, "golden questions saved", f"{count} questions")
        done(f"{number_of(count, 'golden question')} kept.")
        return shown(desk)

    def imported(member: Member, content: bytes | None) -> list[Any]:
        if not content:
            raise ValueError("Choose a file first.")
        # The browser's name of the file is not told; a file of JSON lines begins with a brace.
        name = "upload.jsonl" if content.lstrip()[:1] in (b"{", b"\xef") else "upload.csv"
        count = desk.golden.read(name, content, member.name)
        desk.accounts.record(member.name, "golden questions imported", f"{count} questions now")
        done(f"{number_of(count, 'golden question')} now.")
        return shown(desk)

    def added(member: Member, asked: str, wanted: str, say: str, words: str) -> list[Any]:
        lines = [line.strip() for line in str(asked).splitlines() if line.strip()]
        name = desk.golden.add(lines, wanted, member.name, say, words)
        desk.accounts.record(member.name, "golden question added", name)
        done(f"Kept as {name}.")
        return ["", "answer", "", "", *shown(desk)]

    def ran(member: Member) -> Iterator[list[Any]]:
        if not desk.golden.questions():
            raise ValueError("There are no golden questions yet. Add one, or import a file.")
        untouched = [gr.skip()] * len(lists)
        wish = stopping[member.id] = threading.Event()
        yield ["<p class='bar'>Starting …</p>", *untouched]
        last: Run | None = None
        for part, total, last in desk.golden.run(desk.assistant, member.name, stopped=wish.is_set):
            yield [bar(part, total, f"{last.right} right so far"), *untouched]
        told = f"{last.right} of {last.asked} right." if last else "Nothing was run."
        desk.accounts.record(member.name, "golden questions run", told)
        yield [note(told, "good" if last and last.right == last.asked else "note"), *shown(desk)]

    def halted(member: Member) -> None:
        if wish := stopping.get(member.id):
            wish.set()

    save.click(desk.does(Role.EDITOR, saved), [questions, loaded], lists, **QUIET)
    upload.upload(desk.does(Role.EDITOR, imported), upload, lists, **QUIET)
    form = [turns, expect, must, evidence]
    add.click(desk.does(Role.EDITOR, added), form, [*form, *lists], **QUIET)
    run.click(desk.does(Role.EDITOR, ran), None, [progress, *lists], **QUIET)
    stop.click(desk.does(Role.VIEWER, halted), None, None, **QUIET)
    compare = desk.does(Role.VIEWER, lambda _, one, other: told_results(desk, one, other))
    for choice in (now, earlier):
        choice.input(compare, [now, earlier], results, **QUIET)
    return GoldenTab(lists, form, adding)


def shown(desk: Desk) -> list[Any]:
    """The lists as they are now, in the order of `GoldenTab.lists`."""
    rows = desk.golden.table() or [[""] * len(TABLE)]
    runs = desk.golden.runs()
    choices = [(told_run(run), run.id) for run in runs]
    latest = runs[0].id if runs else None
    earlier = next((run.id for run in runs[1:] if run.state == "finished"), None)
    return [
        rows,
        [row[0] for row in rows if row[0]],
        gr.Dropdown(choices, value=latest),
        gr.Dropdown([("nothing", 0), *choices], value=earlier or 0),
        worse_note(desk),
        told_results(desk, latest, earlier),
    ]


def told_run(run: Run) -> str:
    """A run in a line."""
    who = (
        f"after ingest {int(run.trigger.removeprefix(INGEST))}"
        if run.trigger.startswith(INGEST)
        else f"by {run.by}"
    )
    state = "" if run.state == "finished" else f", {run.state}"
    return f"{run.at.strftime(MOMENT)} {who}: {run.right} of {run.asked} right{state}"


def worse_note(desk: Desk) -> str:
    """What got worse by itself since the run before; "" where nothing did."""
    found = desk.golden.got_worse()
    if found is None:
        return ""
    _, _, worse = found
    named = "; ".join(f"{row.question} “{row.asked}”" for row in worse[:5])
    more = f" and {len(worse) - 5} more" if len(worse) > 5 else ""
    return note(
        f"Since the pages were last read {number_of(len(worse), 'golden question')} got worse: {named}{more}.",
        "bad",
    )


def told_results(desk: Desk, run: int | None, earlier: int | None) -> str:
    """The results of a run, compared with an earlier one where one is chosen."""
    if run is None:
        return note("No run yet. Add a question above, and run them all.")
    results = desk.golden.results(int(run))
    rows = [
        (
            "right" if r.right else "wrong",
            r.question,
            r.asked,
            r.why,
            shorten(r.answer.replace("**", ""), 300, placeholder=" …"),
        )
        for r in results
    ]
    wrong = [row for row in rows if row[0] != "right"]
    parts = (
        [table(("", "id", "question", "why", "answer"), wrong, f"Wrong: {len(wrong)} of {len(rows)}")]
        if wrong
        else []
    )
    if earlier and int(earlier) != int(run):
        changed = [row for row in desk.golden.compare(int(run), int(earlier)) if row.change != "same"]
        cells = [(row.change, row.question, row.asked, row.before, row.now) for row in changed]
        if cells:
            parts.insert(
                0, table(("", "id", "question", "before", "now"), cells, "Changed since the earlier run")
            )
        else:
            parts.insert(0, note("Nothing changed since the earlier run.", "good"))
    right = [row for row in rows if row[0] == "right"]
    if right:
        body = table(("", "id", "question", "why", "answer"), right)
        parts.append(f"<details><summary>Right: {len(right)}</summary>{body}</details>")
    return "".join(parts)
