"""Corrections: approved answers, hidden sources and passages, synonyms, and the history of all changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

import gradio as gr

from ui import markup
from ui.accounts import Member, Role
from ui.console.desk import DAY, MOMENT, QUIET, Desk, date_field, done, html, note
from ui.corrections import Change, Conflict, Kind, conflicts

KINDS = {
    Kind.ANSWER: "answer",
    Kind.HIDDEN_SOURCE: "hidden source",
    Kind.HIDDEN_PASSAGE: "hidden passage",
    Kind.SYNONYM: "synonym",
}
CHOOSE, UNDOABLE = "Choose one to change or remove it", "Choose the change to undo"


@dataclass(frozen=True)
class CorrectionsTab:
    """What other tabs use of this one: the form of an answer, in the order of `form`, and the lists."""

    form: list[Any]
    lists: list[Any]


def corrections_tab(desk: Desk) -> CorrectionsTab:
    """Build the tab."""
    gr.Markdown(
        "An approved answer stands above what the pages say, and candidates see who gave it and when. "
        "Every change is in force within two seconds and can be undone."
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=3):
            gr.Markdown("### Approved answer")
            questions = gr.Textbox(
                label="Questions, one a line",
                info="As candidates put it. Several ways of asking make it certain that the answer is found.",
                lines=3,
                elem_id="correction-questions",
            )
            text = gr.Textbox(label="Answer", lines=4, elem_id="correction-answer")
            url = gr.Textbox(label="Link to read on (may be empty)")
            with gr.Row():
                first = date_field("Valid from (may be empty)", min_width=150)
                last = date_field("Valid until (may be empty)", min_width=150)
            chosen = gr.State("")
            with gr.Row():
                check = gr.Button("Compare with the pages", scale=0)
                save = gr.Button(
                    "Save", variant="primary", elem_classes="editor", elem_id="correction-save", scale=0
                )
                new = gr.Button("Empty the form", scale=0)
            found = html(elem_id="conflicts")
        with gr.Column(scale=3):
            gr.Markdown("### In force")
            listed = gr.Dataframe(
                headers=["no", "what", "about", "valid", "by"], interactive=False, wrap=True, elem_id="corrections",
                label=CHOOSE, column_widths=["8%", "18%", "30%", "31%", "13%"],
            )  # fmt: skip
            with gr.Row():
                remove = gr.Button("Remove the chosen one", elem_classes="editor", scale=0)
    with gr.Row(equal_height=False):
        with gr.Column():
            gr.Markdown("### Synonym")
            asked = gr.Textbox(label="Candidates say")
            meant = gr.Textbox(label="The pages say")
            with gr.Row():
                add = gr.Button("Add the synonym", elem_classes="editor", scale=0)
        with gr.Column():
            gr.Markdown("### Hide a source")
            source = gr.Dropdown([], label="No answer will use it, and its openings are not listed")
            with gr.Row():
                hide = gr.Button("Hide this source", elem_classes="editor", scale=0)
    gr.Markdown("### All changes")
    history = gr.Dataframe(
        headers=["no", "when (UTC)", "by", "what", "kind", "about"], interactive=False, wrap=True,
        label=UNDOABLE, elem_id="changes", column_widths=["9%", "16%", "20%", "11%", "14%", "30%"],
    )  # fmt: skip
    with gr.Row(elem_classes="fields"):
        revision = gr.Number(
            None, label="Change", precision=0, placeholder="no", scale=0, elem_id="undo-number"
        )
        undo = gr.Button("Undo this change", scale=0, elem_classes="editor", elem_id="undo")
    form = [questions, text, url, first, last, chosen, found]
    lists = [listed, history, source]

    def saved(member: Member, *values: Any) -> list[Any]:
        content = dict(zip(("questions", "text", "url", "valid_from", "valid_until"), values, strict=False))
        content["questions"] = str(values[0]).splitlines()
        change = desk.corrections.save(Kind.ANSWER, content, member.name, str(values[5] or ""))
        desk.accounts.record(member.name, f"correction {change.what}", change.title)
        done("The answer is in force.")
        against = conflicts(desk.assistant, content["questions"][:3], str(values[1]))
        warned = (
            told([conflict for conflict in against if conflict.differs])
            if any(c.differs for c in against)
            else ""
        )
        return ["", "", "", "", "", "", warned, *shown(desk)]

    def compared(_: Member, asks: str, answer: str) -> str:
        lines = [line.strip() for line in str(asks).splitlines() if line.strip()]
        if not lines:
            raise ValueError("Write the question first.")
        return told(conflicts(desk.assistant, lines[:5], answer))

    def picked(_: Member, revision: str) -> list[Any]:
        entry = next((one for one in desk.corrections.entries() if str(one.revision) == revision), None)
        if entry is None:
            raise ValueError("Somebody has changed it meanwhile. Reload the page.")
        return [*filled(entry.content or {}), entry.correction, ""] if entry.kind is Kind.ANSWER else [
            *filled({}), entry.correction, note(f"Chosen: {KINDS[entry.kind]} “{entry.title}”. It can be removed.")
        ]  # fmt: skip

    def removed(member: Member, correction: str) -> list[Any]:
        if not correction:
            raise ValueError("Choose a correction in the list first.")
        change = desk.corrections.remove(correction, member.name)
        desk.accounts.record(member.name, "correction removed", KINDS[change.kind])
        done("It is not in force any more.")
        return [*filled({}), "", "", *shown(desk)]

    def added(member: Member, says: str, means: str) -> list[Any]:
        change = desk.corrections.save(Kind.SYNONYM, {"asked": says, "meant": means}, member.name)
        desk.accounts.record(member.name, "synonym added", change.title)
        done("The synonym is in force.")
        return ["", "", *shown(desk)]

    def hidden(member: Member, name: str | None) -> list[Any]:
        desk.corrections.save(Kind.HIDDEN_SOURCE, {"name": name or ""}, member.name)
        desk.accounts.record(member.name, "source hidden", name or "")
        done("No answer uses this source any more.")
        return shown(desk)

    def undone(member: Member, number: float | None) -> list[Any]:
        if not number:
            raise ValueError("Choose a change in the list first.")
        change = desk.corrections.undo(int(number), member.name)
        desk.accounts.record(member.name, "change undone", str(int(number)))
        done(f"The {KINDS[change.kind]} is as it was before.")
        return shown(desk)

    clear = desk.does(Role.VIEWER, lambda _: [*filled({}), "", ""])
    save.click(desk.does(Role.EDITOR, saved), form[:6], [*form, *lists], **QUIET)
    check.click(
        desk.does(Role.VIEWER, compared), [questions, text], found, **{**QUIET, "show_progress": "minimal"}
    )
    new.click(clear, None, form, **QUIET)
    listed.select(desk.chosen(Role.VIEWER, picked), None, form, **QUIET)
    remove.click(desk.does(Role.EDITOR, removed), chosen, [*form, *lists], **QUIET)
    add.click(desk.does(Role.EDITOR, added), [asked, meant], [asked, meant, *lists], **QUIET)
    hide.click(desk.does(Role.EDITOR, hidden), source, lists, **QUIET)
    history.select(
        desk.chosen(Role.VIEWER, lambda _, revision: int(revision) if revision.isdigit() else None),
        None,
        revision,
        **QUIET,
    )
    undo.click(desk.does(Role.EDITOR, undone), revision, lists, **QUIET)
    return CorrectionsTab(form, lists)


def filled(content: Mapping[str, Any]) -> list[Any]:
    """The first five fields of the form, from the content of an answer."""
    first = "\n".join(content.get("questions", ()))
    return [first, *(str(content.get(name) or "") for name in ("text", "url", "valid_from", "valid_until"))]


def shown(desk: Desk) -> list[Any]:
    """The lists as they are now, in the order of `CorrectionsTab.lists`."""
    knowledge = desk.assistant.knowledge()
    sources: set[str] = set()
    if knowledge:
        sources = {page.source for page in knowledge.store.pages} | {
            job.source for job in knowledge.store.jobs
        }
    left = sorted(sources - desk.corrections.current().hidden_sources)[:500]
    in_force = [
        [entry.revision, KINDS[entry.kind], entry.title, valid(entry), entry.by.split("@")[0]]
        for entry in desk.corrections.entries()
    ]
    changes = [
        [c.revision, c.at.strftime(MOMENT), c.by, c.what, KINDS[c.kind], c.title]
        for c in desk.corrections.history()
    ]
    return [
        gr.Dataframe(in_force, label=CHOOSE if in_force else "Nothing yet: what you save stands here"),
        gr.Dataframe(changes, label=UNDOABLE if changes else "No change yet"),
        gr.Dropdown(left, value=None),
    ]


def valid(entry: Change) -> str:
    """Between which days an entry holds, in words."""
    content = entry.content or {}
    first, last = (str(content.get(name) or "") for name in ("valid_from", "valid_until"))
    today = datetime.now(UTC).date().isoformat()
    if last and last < today:
        return f"no longer: until {last}"
    if first > today:
        return f"not yet: from {first}" + (f" to {last}" if last else "")
    return f"since {first or entry.at.strftime(DAY)}" + (f" until {last}" if last else "")


def told(found: Sequence[Conflict]) -> str:
    """What the pages say to the questions of an answer."""
    if not found:
        return note("The pages do not answer this; there is nothing to contradict.", "good")
    parts = []
    for conflict in found:
        kind = "bad" if conflict.differs else "note"
        head = "The pages state other figures" if conflict.differs else "The pages answer this as well"
        parts.append(
            f"<div class='{kind}'><p><strong>{head}</strong>, to “{escape(conflict.question)}”:</p>"
            f"{markup.prose(conflict.pages)}</div>"
        )
    return "".join(parts)


__all__ = ["CorrectionsTab", "corrections_tab", "filled", "shown", "told"]
