"""Knowledge: the sources and their state, what the last ingest changed, previews, and reading anew."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from knowledge.documents import Status
from knowledge.history import age, changes, ingests, read_sources
from knowledge.ingestion import at_work
from knowledge.preview import Preview, preview
from knowledge.source_changes import add_source, remove_source
from knowledge.source_list import SourceEntry, is_address, load_source_list
from knowledge.store import StoreError, current_version
from knowledge.web import Web
from ui.accounts import Member, Role
from ui.console.desk import MOMENT, QUIET, Desk, bar, done, html, note, table
from ui.ingest_job import State

MOST = 200  # changes and postings that are listed
LOOK = 0.5  # seconds between two looks at a running ingest


def knowledge_tab(desk: Desk) -> list[Any]:
    """Build the tab; what it shows, in the order of `shown`."""
    summary = html(elem_id="knowledge-summary")
    with gr.Row(elem_classes="tools"):
        start = gr.Button(
            "Read all sources anew", variant="primary", elem_classes="editor", scale=0, elem_id="ingest"
        )
        stop = gr.Button("Stop", elem_classes="editor", scale=0)
        believe = gr.Checkbox(
            label="Take a source that has become empty as empty",
            value=False,
            scale=0,
            min_width=380,
            container=False,
        )
    progress = html(elem_id="ingest-progress")
    sources = html(elem_id="sources")
    with gr.Accordion("Add or remove a source", open=False):
        with gr.Row(elem_classes="fields"):
            name = gr.Textbox(
                label="Web address, file or folder on the server", scale=3, elem_id="source-name"
            )
            kind = gr.Dropdown(
                [("as it is", ""), ("one page", "page"), ("a site, links followed", "site"), ("its sitemap", "sitemap"), ("openings", "jobs")],
                value="", label="What it is",
            )  # fmt: skip
            add = gr.Button("Add", elem_classes="editor", scale=0, elem_id="source-add")
        with gr.Row(elem_classes="fields"):
            listed = gr.Dropdown([], label="Source", scale=3)
            remove = gr.Button("Remove", elem_classes="editor", scale=0)
        gr.Markdown("A change is in force once all sources have been read anew.")
    with gr.Accordion("What changed when they were last read", open=False):
        changed = html(elem_id="changed")
    with gr.Accordion("Openings", open=False):
        roles = html(elem_id="roles")
    with gr.Accordion("Preview: a page as Candor reads it", open=False):
        with gr.Row(elem_classes="fields"):
            page = gr.Dropdown(
                [],
                label="Page",
                allow_custom_value=True,
                scale=3,
                info="Or type a web address.",
                elem_id="preview-page",
            )
            look = gr.Button("Show", scale=0, elem_id="preview-show")
        seen = html(elem_id="preview")
    outputs = [summary, sources, listed, changed, roles, page]

    def ran(member: Member, accept: bool) -> Iterator[list[Any]]:
        if not desk.job.start(held(desk), accept_empty=accept):
            raise ValueError("An ingest that was started here is running already.")
        desk.accounts.record(member.name, "ingest started", "")
        untouched = [gr.skip()] * len(outputs)
        while (state := desk.job.state).phase == "running":
            yield [told(state), *untouched]
            time.sleep(LOOK)
        yield [told(desk.job.wait()), *shown(desk)]

    def added(member: Member, where: str, what: str) -> list[Any]:
        where = where.strip()
        if not where:
            raise ValueError("Write the address or the path first.")
        given = {"url": where} if is_address(where) else {"path": within(desk.job.list_file.parent, where)}
        add_source(desk.job.list_file, SourceEntry(**given, kind=what), held(desk))  # type: ignore[arg-type]
        desk.accounts.record(member.name, "source added", where)
        done("It is listed. Read all sources anew to have it in the answers.")
        return ["", *shown(desk)]

    def removed(member: Member, chosen: str | None) -> list[Any]:
        if not chosen:
            raise ValueError("Choose a source first.")
        remove_source(desk.job.list_file, chosen, held(desk))
        desk.accounts.record(member.name, "source removed", chosen)
        done("It is no longer listed. Read all sources anew to have it out of the answers.")
        return shown(desk)

    def halted(_: Member) -> str:
        desk.job.stop()
        return told(desk.job.wait(15))

    def previewed(_: Member, chosen: str | None) -> str:
        if not chosen:
            raise ValueError("Choose a page, or type a web address.")
        return shown_preview(preview_in(desk, str(chosen)))

    start.click(desk.does(Role.EDITOR, ran), believe, [progress, *outputs], **QUIET)
    stop.click(desk.does(Role.EDITOR, halted), None, progress, **QUIET)
    add.click(desk.does(Role.EDITOR, added), [name, kind], [name, *outputs], **QUIET)
    remove.click(desk.does(Role.EDITOR, removed), listed, outputs, **QUIET)
    look.click(desk.does(Role.VIEWER, previewed), page, seen, **{**QUIET, "show_progress": "minimal"})
    return outputs


def held(desk: Desk) -> list[str]:
    """The names of the sources that the store was filled from."""
    try:
        return [state.name for state in read_sources(current_version(desk.settings.store))]
    except StoreError:
        return []


def within(folder: Path, where: str) -> Path:
    """A path below the folder of the list; `ValueError` for any other.

    Whoever may add sources must not read the server's other files, or its settings, through the answers.
    """
    path = (folder / where).resolve()
    if not path.is_relative_to(folder.resolve()) or any(part.startswith(".") for part in Path(where).parts):
        raise ValueError(f"{where} is not below the folder of the sources' list; only ingest.py may read it.")
    return Path(where)


def readable(desk: Desk, chosen: str) -> str:
    """Where the document of a page lies: only the store's own sources are read, or a web address.

    A path that anybody could type would show every file of the server.
    """
    if is_address(chosen):
        return chosen
    for name in held(desk):
        path = Path(name)
        at = path / chosen if path.is_dir() else path if path.name == chosen else None
        if (
            at
            and at.is_file()
            and at.resolve().is_relative_to((path if path.is_dir() else path.parent).resolve())
        ):
            return str(at)
    raise ValueError(f"{chosen!r} is none of the pages that were read. Choose one of the list.")


def preview_in(desk: Desk, chosen: str) -> Preview:
    """A page of the list or a web address, as an ingest reads it: by its path within its source."""
    with Web(desk.settings.store / "web", allow_private=desk.settings.allow_private_addresses) as web:
        return preview(readable(desk, chosen), web, chosen)


def told(state: State) -> str:
    """How far an ingest is, or how it ended."""
    if state.phase == "running":
        return bar(state.done, state.total, state.what)
    if state.phase == "finished":
        result = state.result
        counts = ", ".join(
            f"{result.get(n, 0):,} {n}" for n in ("pages", "jobs", "passages", "added", "changed", "removed")
        )
        skipped = "".join(
            note(f"Skipped {entry['source']}: {entry['why']}") for entry in result.get("skipped") or ()
        )
        return note(f"Read in {state.seconds:.0f} s: {counts}.", "good") + skipped
    if state.phase == "stopped":
        return note("Stopped; the knowledge is as it was before.")
    return note(state.error, "bad") if state.phase == "failed" else ""


def shown(desk: Desk) -> list[Any]:
    """All that the tab shows, as it is now."""
    path = desk.settings.store
    nothing = gr.Dropdown([], value=None)
    try:
        folder = current_version(path)
        states, done_ones = read_sources(folder), ingests(path)
    except StoreError as error:
        return [note(str(error), "bad"), "", nothing, "", "", nothing]
    knowledge = desk.assistant.knowledge()
    jobs = knowledge.store.jobs if knowledge else []
    open_ones = [job for job in jobs if job.status is Status.OPEN]
    pages = knowledge.store.pages if knowledge else []
    working = at_work(path)
    read = age(done_ones[0].at) if done_ones else "some time"
    summary = (
        f"<p>Pages: {len(pages):,}. Openings: {len(open_ones):,} open, {len(jobs) - len(open_ones):,} closed. Read {read} ago.</p>"
        + (note(f"An ingest is at work: {working}") if working else "")
        + (
            note("The version just read is still being opened.")
            if knowledge and knowledge.store.folder != folder
            else ""
        )
    )
    rows = [
        (
            s.name,
            f"{s.pages:,}",
            f"{s.jobs:,}",
            f"{s.open_jobs:,}",
            when(s.read),
            age(s.read),
            s.failing or (f"{len(s.kept)} files kept as before" if s.kept else "good"),
        )
        for s in states
    ]
    documents = [
        (f"{page.title} – {page.source}", page.url if is_address(page.source) else page.source)
        for page in pages
    ]
    documents += [(f"{job.title} – {job.source}", job.source) for job in jobs[:MOST]]
    return [
        summary,
        table(("source", "pages", "postings", "open", "last read (UTC)", "age", "state"), rows, "Sources"),
        gr.Dropdown(listed_names(desk), value=None),
        last_changes(desk, done_ones[0].version) if done_ones else note("No ingest is on record."),
        role_tables(jobs),
        gr.Dropdown(list(dict(documents).items())[:1000], value=None),
    ]


def listed_names(desk: Desk) -> list[str]:
    """The sources by the names under which they can be removed."""
    if not desk.job.list_file.is_file():
        return held(desk)
    folder = desk.job.list_file.parent
    entries = load_source_list(desk.job.list_file).sources
    return [
        entry.url
        or str(
            entry.path.relative_to(folder) if entry.path and entry.path.is_relative_to(folder) else entry.path
        )
        for entry in entries
    ]


def last_changes(desk: Desk, version: str) -> str:
    """What an ingest changed, as a table."""
    found = changes(desk.settings.store, version, MOST)
    if not found:
        return note(f"Ingest {int(version)} changed nothing.")
    rows = [
        (c.what, "opening" if c.kind == "job" else "page", c.title, c.source, ", ".join(c.fields))
        for c in found
    ]
    more = f", the first {MOST}" if len(found) == MOST else ""
    return table(("what", "kind", "title", "source", "fields"), rows, f"Ingest {int(version)}{more}")


def role_tables(jobs: Any) -> str:
    """The openings, open ones first."""
    parts = []
    for status, name in ((Status.OPEN, "Open"), (Status.CLOSED, "Closed")):
        found = [job for job in jobs if job.status is status]
        rows = [
            (job.title, " / ".join(job.locations), job.department, job.closes or "", job.source)
            for job in found[:MOST]
        ]
        more = f", the first {MOST} shown" if len(found) > MOST else ""
        if rows:
            parts.append(
                table(
                    ("title", "place", "department", "closes", "source"),
                    rows,
                    f"{name}: {len(found):,}{more}",
                )
            )
    return "".join(parts) or note("No openings are known.")


def shown_preview(found: Preview) -> str:
    """A document with what became of each part."""
    notes = "".join(note(text) for text in found.notes[:40])
    parts = "".join(
        f"<p class='{part.mark.value}' dir='auto'>"
        + (f"<small>{part.mark.value}: {escape(part.why)}</small> " if part.why else "")
        + f"{escape(part.text[:2000])}</p>"
        for part in found.parts
    )
    return f"<section class='preview'><h3 dir='auto'>{escape(found.title)}</h3>{notes}{parts}</section>"


def when(moment: str) -> str:
    """A moment of the history, for a table."""
    return datetime.fromisoformat(moment).strftime(MOMENT)
