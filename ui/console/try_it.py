"""Try: ask as a candidate would, and see why the assistant answered as it did, with two ways side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from assistant.conversation import Reply
from assistant.corrections import TEAM
from assistant.reply import MAX_CHARACTERS, Assistant
from ui import markup
from ui.accounts import Member, Role
from ui.console.desk import OUTCOMES, QUIET, Desk, facts, html, language

SHOWN = 12  # passages; those behind are far from the question
FIRST = 4  # of them that are shown at once

QUOTED, MODEL = "Quotations (default)", "Language model"

DECIDED = {
    "approved": "the recruiting team's approved answer",
    "refused": "recognised as no question about working here, or one that must not be answered",
    "roles": "the records of the postings",
    "searched": "a search of the pages",
}
WRITERS = {
    "extractive": "the pages, word for word",
    "catalogue": "a fixed phrase",
    TEAM: "the recruiting team",
}
FEATURES = {
    "best_sentence": "likeness of the nearest sentence",
    "best_passage": "likeness of the passage",
    "best_covered": "share of the question's words in the passage",
    "best_terms": "the topic's own words in the passage",
    "likeness": "how clear the topic is",
    "unknown": "share of the question's words that stand nowhere",
    "gap": "how far the next passage is behind",
}


@dataclass(frozen=True)
class TryTab:
    """What other tabs use of this one. `last`: the turns, the answer, the quotes and the status of the last exchange."""

    last: gr.State
    golden: gr.Button
    correct: gr.Button
    hide: gr.Button
    passages: gr.Dropdown


def try_tab(desk: Desk) -> TryTab:
    """Build the tab."""
    gr.Markdown("Ask as a candidate would. Below each answer stands why it was given.")
    with gr.Row(elem_classes="fields"):
        question = gr.Textbox(
            label="Question", placeholder="Ask a question", scale=4, submit_btn="Ask", elem_id="try"
        )
        over = gr.Button("Start over", scale=0, min_width=120)
    with gr.Accordion("Ways to answer", open=False):
        both = gr.Checkbox(label="Two ways side by side", value=False)
        with gr.Row():
            with gr.Column():
                left = _way(desk, "First way")
            with gr.Column():
                right = _way(desk, "Second way", other=True)
    with gr.Row(elem_classes="tools"):
        golden = gr.Button("Make it a golden question", elem_classes="editor", scale=0)
        correct = gr.Button("Write a correction", elem_classes="editor", scale=0)
    said = html(elem_id="tried-before")
    with gr.Row(equal_height=False):
        first = html(elem_id="tried-first")
        second = html(elem_id="tried-second")
    with gr.Row(elem_classes="fields"):
        passages = gr.Dropdown([], label="A passage that should not be used", scale=4, value=None)
        hide = gr.Button("Hide this passage from answers", scale=0, elem_classes="editor")
    turns, last = gr.State([]), gr.State({})

    def ask(_: Member, text: str, before: list[str], two: bool, *chosen: Any) -> list[Any]:
        text = " ".join(text.split())
        if not text:
            raise ValueError("Type a question first.")
        if len(text) > MAX_CHARACTERS:
            raise ValueError(f"The question has {len(text)} characters; {MAX_CHARACTERS} are read.")
        asked = [*before, text]
        one, milliseconds = replied(desk.assistant, chosen[0], chosen[1], asked)
        other = ""
        if two:
            other = why(*replied(desk.assistant, chosen[2], chosen[3], asked))
        exchange = {
            "turns": asked,
            "answer": one.text,
            "status": one.outcome.value,
            "quotes": [citation.quote for citation in one.citations],
        }
        found = [
            (f"{n}. {p['text'][:90]}", p["id"]) for n, p in enumerate(one.trace.get("passages") or (), 1)
        ]
        return [
            "",
            asked,
            exchange,
            _before(before),
            why(one, milliseconds),
            other,
            gr.Dropdown(found, value=found[0][1] if found else None),
        ]

    question.submit(
        desk.does(Role.VIEWER, ask),
        [question, turns, both, *left, *right],
        [question, turns, last, said, first, second, passages],
        **{**QUIET, "show_progress": "minimal"},
    )
    over.click(
        desk.does(Role.VIEWER, lambda _: ["", [], {}, "", "", "", gr.Dropdown([], value=None)]),
        None,
        [question, turns, last, said, first, second, passages],
        **QUIET,
    )
    return TryTab(last, golden, correct, hide, passages)


def _way(desk: Desk, label: str, other: bool = False) -> tuple[gr.Dropdown, gr.Slider]:
    """Who writes and from when on; as candidates have it, or with the `other` writer where there are two."""
    writers = [QUOTED] if desk.assistant.writer is None else [QUOTED, MODEL]
    chosen = gr.Dropdown(writers, value=writers[0 if other else -1], label=f"{label}: who writes")
    threshold = gr.Slider(
        0,
        1,
        value=desk.assistant.threshold,
        step=0.01,
        label=f"{label}: answer when this sure",
        info=f"Candidates get an answer from {desk.assistant.threshold:.2f} on. Higher refuses more.",
    )
    return chosen, threshold


def replied(assistant: Assistant, writer: str, threshold: float, turns: Sequence[str]) -> tuple[Reply, float]:
    """The reply to the last of `turns` in one way, and the milliseconds it took."""
    way = assistant.configured(threshold=float(threshold), model=writer == MODEL)
    way.remember(turns[:-1])
    started = time.perf_counter()
    reply = way.reply(turns)
    return reply, 1000 * (time.perf_counter() - started)


def _before(turns: Sequence[str]) -> str:
    if not turns:
        return ""
    asked = "".join(f"<li dir='auto'>{escape(turn)}</li>" for turn in turns)
    return f"<p class='small'>Asked before in this conversation:</p><ol class='small'>{asked}</ol>"


# --- why ----------------------------------------------------------------------------------------------


def why(reply: Reply, milliseconds: float) -> str:
    """The reply with what led to it, as HTML."""
    answer = f'<div class="answer" dir="auto">{markup.prose(reply.text)}</div>'
    parts = (answer, _facts(reply, milliseconds), _decision(reply.trace), _passages(reply))
    return f'<section class="tried" data-outcome="{reply.outcome.value}">{"".join(parts)}</section>'


def _facts(reply: Reply, milliseconds: float) -> str:
    trace = reply.trace
    filters = trace.get("filters") or {}
    restricted = (
        f"pages in {language(filters['language'])}" if filters.get("language") else "",
        f"only “{'”, “'.join(filters['roles'])}”" if filters.get("roles") else "",
        f"{filters['hidden']} passages hidden by corrections" if filters.get("hidden") else "",
    )
    steps = ", ".join(f"{name} {taken:g}" for name, taken in (trace.get("steps") or {}).items())
    return facts(
        (
            ("Outcome", OUTCOMES[reply.outcome.value]),
            ("Settled by", DECIDED.get(str(trace.get("decided", "")), "")),
            ("Understood as", str(trace.get("standalone", ""))),
            ("Follows up", str(trace.get("before", ""))),
            ("Asks for", str(trace.get("answer_type", "")).replace("_", " ")),
            (
                "Topics",
                ", ".join(
                    f"{name.replace('-', ' ')} ({likeness:.2f})"
                    for name, likeness in trace.get("topics") or ()
                ),
            ),
            ("Filters", ", ".join(filter(None, restricted))),
            ("Roles", ", ".join(f"{job.title} ({job.status.value})" for job in reply.jobs[:6])),
            (
                "Written by",
                WRITERS.get(reply.writer, reply.writer)
                + (f"; {trace['fallback']}" if trace.get("fallback") else ""),
            ),
            ("Time", f"{milliseconds:.0f} ms" + (f" (ms: {steps})" if steps else "")),
        )
    )


def _decision(trace: Mapping[str, Any]) -> str:
    if trace.get("probability") is None:
        return ""
    probability, threshold = float(trace["probability"]), float(trace.get("threshold", 0.0))
    verdict = "enough to answer" if probability >= threshold else "too little to answer"
    features = sorted(
        (trace.get("features") or {}).items(), key=lambda item: (item[0] not in FEATURES, item[0])
    )
    rows = "".join(
        f"<tr><th scope='row'>{escape(FEATURES.get(name, name.replace('_', ' ')))}</th><td>{value:.3f}</td></tr>"
        for name, value in features
    )
    return (
        f"<p>The passages answer it with a probability of <strong>{probability:.2f}</strong>; an answer is given from "
        f"<strong>{threshold:.2f}</strong> on: {verdict}.</p>"
        f"<details><summary>The {len(features)} figures of the decision</summary><table>{rows}</table></details>"
    )


def _passages(reply: Reply) -> str:
    passages = reply.trace.get("passages") or ()
    if not passages:
        return ""
    quotes = [citation.quote for citation in reply.citations]
    rows = []
    for place, passage in enumerate(passages[:SHOWN], start=1):
        state = "quoted" if any(quote in str(passage["text"]) for quote in quotes) else "rejected"
        where = " › ".join(filter(None, (str(passage["source"]), str(passage["heading"]))))
        rows.append(
            f"<li class='{state}'><p class='small'>{place}. <strong>{state}</strong> · {escape(where)}<br>rank "
            f"{passage['relevance']:.2f}, likeness {passage['dense']:.2f}, words {passage['keyword']:.1f}</p>"
            f"<p dir='auto'>{escape(str(passage['text'])[:500])}</p></li>"
        )
    first, rest = "".join(rows[:FIRST]), "".join(rows[FIRST:])
    folded = f"<details><summary>{len(rows) - FIRST} more</summary><ol class='passages'>{rest}</ol></details>"
    return f"<h4>The nearest passages</h4><ol class='passages'>{first}</ol>{folded if rest else ''}"
