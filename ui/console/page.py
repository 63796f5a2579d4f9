"""The console as one page: its tabs, what each shows when the page is opened, and the ways between them."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from ui.accounts import Member, Role
from ui.console import (
    accounts_tab,
    corrections_tab,
    coverage_tab,
    figures_tab,
    golden_tab,
    knowledge_tab,
    review_tab,
    try_it,
)
from ui.console.desk import QUIET, Desk, html, language, note, number_of
from ui.console.door import BASE
from ui.corrections import Kind
from ui.review import Filter

AT_ONCE = 8


def console(desk: Desk) -> gr.Blocks:
    """Build the page, for mounting in a server behind `Guard`."""
    with gr.Blocks(
        title=f"Recruiter's console – {desk.settings.company or 'Candor'}", analytics_enabled=False
    ) as page:
        top = html(elem_id="top")
        news = html(elem_id="news")
        with gr.Tabs(selected="review") as tabs:
            with gr.Tab("Review", id="review"):
                review = review_tab.review_tab(desk)
            with gr.Tab("Try", id="try"):
                tried = try_it.try_tab(desk)
            with gr.Tab("Corrections", id="corrections"):
                corrections = corrections_tab.corrections_tab(desk)
            with gr.Tab("Golden questions", id="golden"):
                golden = golden_tab.golden_tab(desk)
            with gr.Tab("Coverage", id="coverage"):
                covered = coverage_tab.coverage_tab(desk)
            with gr.Tab("Knowledge", id="knowledge") as knowledge_opened:
                known = knowledge_tab.knowledge_tab(desk)
            with gr.Tab("Figures", id="figures") as figures_opened:
                fields, figures = figures_tab.figures_tab(desk)
            with gr.Tab("Accounts", id="accounts", visible=False) as accounts:
                listed = accounts_tab.accounts_tab(desk)
        editing = [
            block
            for block in page.blocks.values()
            if "editor" in (getattr(block, "elem_classes", None) or [])
        ]
        _ways(desk, tabs, review, tried, corrections, golden)

        def opened(member: Member) -> list[Any]:
            allowed = member.role.allows(Role.EDITOR)
            return [
                header(desk, member),
                morning(desk),
                gr.Tab(visible=member.role.allows(Role.ADMIN)),
                *(_able(block, allowed) for block in editing),
                staff(desk, member),
                *review_tab.choices(desk),
                *review_tab.shown(desk, Filter(), 0),
                *corrections_tab.shown(desk),
                *golden_tab.shown(desk),
                *coverage_tab.shown(desk),
                figures_tab.default(29),
                figures_tab.default(0),
                gr.Dropdown(
                    [("all", ""), *((language(code), code) for code in desk.review.choices()["language"])],
                    value="",
                ),
            ]

        page.load(
            desk.does(Role.VIEWER, opened),
            None,
            [
                top, news, accounts, *editing, review.who, *review.filters[2:5], *review.lists, *corrections.lists, *golden.lists,
                *covered, *fields,
            ],
            **QUIET,
        )  # fmt: skip
        for event in review.ticked:
            event.then(desk.does(Role.VIEWER, lambda _: morning(desk)), None, news, **QUIET)
        knowledge_opened.select(
            desk.does(Role.VIEWER, lambda _: knowledge_tab.shown(desk)), None, known, **QUIET
        )
        look = desk.does(Role.VIEWER, lambda _, *values: figures_tab.shown(desk, values))
        figures_opened.select(look, fields, figures, **QUIET)
        accounts.select(desk.does(Role.ADMIN, lambda _: accounts_tab.shown(desk)), None, listed, **QUIET)
    page.queue(max_size=64, default_concurrency_limit=AT_ONCE, api_open=False)
    built: gr.Blocks = page
    return built


def _ways(
    desk: Desk,
    tabs: gr.Tabs,
    review: review_tab.ReviewTab,
    tried: try_it.TryTab,
    corrections: corrections_tab.CorrectionsTab,
    golden: golden_tab.GoldenTab,
) -> None:
    """From an exchange that was read or tried to a golden question or a correction, in one click."""

    def to_golden(_: Member, one: dict[str, Any]) -> list[Any]:
        if not one:
            raise ValueError("Choose or ask something first.")
        expect = {"answered": "answer", "not_found": "not_found", "declined": "decline"}.get(
            one["status"], "chat"
        )
        evidence = (one.get("quotes") or [""])[0]
        return [
            gr.Tabs(selected="golden"),
            gr.Accordion(open=True),
            "\n".join(one["turns"]),
            expect,
            "",
            evidence,
        ]

    def to_correction(_: Member, one: dict[str, Any]) -> list[Any]:
        if not one:
            raise ValueError("Choose or ask something first.")
        text = one["answer"] if one["status"] == "answered" else ""
        return [
            gr.Tabs(selected="corrections"),
            *corrections_tab.filled({"questions": [one["turns"][-1]], "text": text}),
            "",
            "",
        ]

    def hidden(member: Member, passage: str | None) -> list[Any]:
        knowledge = desk.assistant.knowledge()
        if not passage or knowledge is None or passage not in knowledge.store.row:
            raise ValueError("Ask something first, and choose one of the passages.")
        text = knowledge.store.passages[knowledge.store.row[passage]].text
        desk.corrections.save(Kind.HIDDEN_PASSAGE, {"name": passage, "note": text[:200]}, member.name)
        desk.accounts.record(member.name, "passage hidden", text[:200])
        gr.Success("No answer uses this passage any more. It can be undone under Corrections.", title="Done")
        return corrections_tab.shown(desk)

    for tab, held in ((review, review.seen), (tried, tried.last)):
        tab.golden.click(
            desk.does(Role.EDITOR, to_golden), held, [tabs, golden.adding, *golden.form], **QUIET
        )
        tab.correct.click(desk.does(Role.EDITOR, to_correction), held, [tabs, *corrections.form], **QUIET)
    tried.hide.click(desk.does(Role.EDITOR, hidden), tried.passages, corrections.lists, **QUIET)


def _able(block: Any, allowed: bool) -> Any:
    return type(block)(interactive=allowed)


def staff(desk: Desk, member: Member) -> gr.Dropdown:
    """Whom an exchange can be assigned to, whoever is signed in first."""
    names = [member.name, *(known.name for known in desk.accounts.members() if known.name != member.name)]
    return gr.Dropdown([("nobody", ""), *((name, name) for name in names)], value=member.name)


def header(desk: Desk, member: Member) -> str:
    """The company, who is signed in, and the ways out."""
    title = escape(desk.settings.company or "Candor")
    return (
        f"<header><h1>{title} <small>Recruiter's console</small></h1>"
        f"<p>{escape(member.name)}, {member.role.value}</p>"
        f'<form method="post" action="{BASE}/sign-out"><button type="submit">Sign out</button></form>'
        f'<form method="post" action="{BASE}/sign-out-everywhere"><button type="submit">Sign out everywhere</button></form>'
        f'<p><a href="/" target="_blank" rel="noopener">The candidates\' chat</a></p></header>'
    )


def morning(desk: Desk) -> str:
    """What is new, in a sentence or two."""
    down, lost = (desk.review.count(Filter(outcome=outcome)) for outcome in ("thumbs_down", "not_found"))
    waiting = [
        said
        for count, said in (
            (down, f"{number_of(down, 'answer')} with a thumb down"),
            (lost, f"{number_of(lost, 'question')} without an answer"),
        )
        if count
    ]
    said = f"To be looked at: {' and '.join(waiting)}." if waiting else "Nothing waits for a look."
    return f"{golden_tab.worse_note(desk)}{note(said)}"
