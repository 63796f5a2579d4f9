"""Review: real conversations, those that need a recruiter's eye first, and what candidates ask in vain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from ui import markup
from ui.accounts import Member, Role
from ui.console.desk import (
    MOMENT,
    OUTCOMES,
    QUIET,
    Desk,
    date_field,
    done,
    facts,
    html,
    language,
    link,
    note,
    number_of,
)
from ui.review import PAGE, Filter, Key, Review, Seen
from ui.tables import Attention

WHY = {
    Attention.THUMBS_DOWN: "thumbs down",
    Attention.NOT_FOUND: "not found",
    Attention.HANDED_OVER: "handed over",
    Attention.DECLINED: "declined",
    Attention.NONE: "",
}
STATES = {"to do": False, "done": True, "all": None}
HEADERS = ["no", "done", "why", "when (UTC)", "question", "topic", "language", "assigned"]
WIDTHS: list[str | int] = ["5%", "6%", "17%", "13%", "28%", "13%", "9%", "9%"]


@dataclass(frozen=True)
class ReviewTab:
    """What other tabs use of this one.

    `seen`: the exchange that is being read; `ticked`: the events after which what is left to do is counted anew; `who`: whom an
    exchange can be assigned to.
    """

    filters: list[Any]
    lists: list[Any]
    seen: gr.State
    golden: gr.Button
    correct: gr.Button
    ticked: list[Any]
    who: gr.Dropdown


def review_tab(desk: Desk) -> ReviewTab:
    """Build the tab."""
    with gr.Row():
        state = gr.Dropdown(list(STATES), value="to do", label="State", min_width=90)
        outcome = gr.Dropdown(
            [("any", ""), *((said, name) for name, said in OUTCOMES.items())],
            value="",
            label="Outcome",
            min_width=110,
        )
        topic = gr.Dropdown([("any", "")], value="", label="Topic", min_width=110)
        spoken = gr.Dropdown([("any", "")], value="", label="Language", min_width=90)
        assignee = gr.Dropdown([("anybody", "")], value="", label="Assigned to", min_width=110)
    with gr.Row(elem_classes="fields"):
        first = date_field("From", min_width=150)
        last = date_field("To", min_width=150)
        words = gr.Textbox(label="Words in the question", scale=2, elem_id="review-words")
        show = gr.Button("Show", scale=0, min_width=100, elem_id="review-show")
    counted = html(elem_id="review-count")
    listed = gr.Dataframe(
        headers=HEADERS, interactive=False, wrap=True, column_widths=WIDTHS, elem_id="review-list",
        label="Choose one to read it", visible=False,
    )  # fmt: skip
    with gr.Row():
        newer = gr.Button("Previous page", scale=0, visible=False)
        older = gr.Button("Next page", scale=0, visible=False)
    page, keys, seen = gr.State(0), gr.State([]), gr.State({})
    read = html(elem_id="review-read")
    with gr.Row(elem_classes="tools"):
        tick = gr.Button("Done", variant="primary", elem_classes="editor", scale=0, elem_id="review-done")
        again = gr.Button("To do again", elem_classes="editor", scale=0)
        who = gr.Dropdown(
            [], label="Assign to", min_width=240, scale=0, container=False, elem_id="review-who"
        )
        take = gr.Button("Assign", elem_classes="editor", scale=0, elem_id="review-assign")
        golden = gr.Button(
            "Make it a golden question", elem_classes="editor", scale=0, elem_id="review-golden"
        )
        correct = gr.Button("Write a correction", elem_classes="editor", scale=0, elem_id="review-correct")
    gr.Markdown("### Asked in vain")
    gr.Markdown(
        "Similar questions that the pages do not answer, or whose answer got a thumb down, the most frequent first."
    )
    group = gr.Button("Group them", scale=0)
    groups = gr.Dataframe(
        headers=["no", "times", "typical question", "also asked as", "topic", "last"], interactive=False, wrap=True,
        column_widths=["5%", "7%", "28%", "34%", "14%", "12%"], elem_id="groups", label="Choose one to tick all of it off, or to answer it", visible=False,
    )  # fmt: skip
    group_keys = gr.State([])
    tick_group = gr.Button("Mark the chosen group done", elem_classes="editor", scale=0, visible=False)
    chosen_group = gr.State([])
    filters = [state, outcome, topic, spoken, assignee, first, last, words]
    lists = [counted, listed, keys, page, newer, older]

    def listing(_: Member, number: int, *values: Any) -> list[Any]:
        return shown(desk, filter_of(values), max(0, int(number)))

    def picked(_: Member, number: str, held: Sequence[Key]) -> list[Any]:
        key = row_of(number, held)
        key = (key[0], key[1])
        exchange = next((one for one in desk.review.conversation(key[0]) if one.key == key), None)
        if exchange is None:
            raise ValueError("This conversation was deleted by the candidate, or its time is over.")
        return [as_state(exchange, desk.review), told(desk.review, exchange)]

    def ticked(member: Member, one: dict[str, Any], number: int, value: bool, *values: Any) -> list[Any]:
        desk.review.mark([of(one)], value)
        desk.accounts.record(
            member.name, "review done" if value else "review reopened", one["question"][:200]
        )
        return [{}, "", *shown(desk, filter_of(values), int(number))]

    def taken(member: Member, one: dict[str, Any], name: str | None, number: int, *values: Any) -> list[Any]:
        if name and name not in {known.name for known in desk.accounts.members()}:
            raise ValueError(f"There is no account {name!r}.")
        desk.review.assign([of(one)], name or "")
        desk.accounts.record(member.name, "review assigned", name or "to nobody")
        done(f"It is with {name}." if name else "It is with nobody.")
        return shown(desk, filter_of(values), int(number))

    def grouped(_: Member, *values: Any) -> list[Any]:
        found = desk.review.groups(filter_of(values), desk.assistant.embedder.embed)[:100]
        rows = [
            [
                n,
                g.count,
                g.question,
                " · ".join(said for said in g.examples if said != g.question),
                desk.topic(g.topic),
                g.last.strftime("%Y-%m-%d"),
            ]
            for n, g in enumerate(found, start=1)
        ]
        if not found:
            gr.Info("Nothing was asked in vain, in what is shown.")
        return [
            gr.Dataframe(rows, visible=bool(found)),
            [list(map(list, g.keys)) for g in found],
            gr.Button(visible=bool(found)),
            [],
        ]

    def picked_group(_: Member, number: str, held: list[list[Key]]) -> list[Any]:
        keys = row_of(number, held)
        key = (keys[0][0], keys[0][1])
        exchange = next((one for one in desk.review.conversation(key[0]) if one.key == key), None)
        if exchange is None:
            raise ValueError("These conversations are gone. Group them again.")
        return [keys, as_state(exchange, desk.review), told(desk.review, exchange)]

    def ticked_group(member: Member, held: list[Key], number: int, *values: Any) -> list[Any]:
        if not held:
            raise ValueError("Choose a group first.")
        count = desk.review.mark([(key[0], key[1]) for key in held], True)
        desk.accounts.record(member.name, "review done", f"a group of {count}")
        done(f"{count} questions are done.")
        return [[], *shown(desk, filter_of(values), int(number)), *grouped(member, *values)[:3]]

    look = desk.does(Role.VIEWER, lambda member, *values: listing(member, 0, *values))
    anew = show.click(look, filters, lists, **QUIET)
    words.submit(look, filters, lists, **QUIET)
    for choice in (state, outcome, topic, spoken, assignee):
        choice.input(look, filters, lists, **QUIET)
    newer.click(
        desk.does(Role.VIEWER, lambda m, n, *v: listing(m, n - 1, *v)), [page, *filters], lists, **QUIET
    )
    older.click(
        desk.does(Role.VIEWER, lambda m, n, *v: listing(m, n + 1, *v)), [page, *filters], lists, **QUIET
    )
    listed.select(desk.chosen(Role.VIEWER, picked), keys, [seen, read], **QUIET)
    after = [seen, read, *lists]
    one = tick.click(
        desk.does(Role.EDITOR, lambda m, o, n, *v: ticked(m, o, n, True, *v)),
        [seen, page, *filters],
        after,
        **QUIET,
    )
    two = again.click(
        desk.does(Role.EDITOR, lambda m, o, n, *v: ticked(m, o, n, False, *v)),
        [seen, page, *filters],
        after,
        **QUIET,
    )
    take.click(desk.does(Role.EDITOR, taken), [seen, who, page, *filters], lists, **QUIET)
    waited = {**QUIET, "show_progress": "minimal"}
    group.click(
        desk.does(Role.VIEWER, grouped), filters, [groups, group_keys, tick_group, chosen_group], **waited
    )
    groups.select(desk.chosen(Role.VIEWER, picked_group), group_keys, [chosen_group, seen, read], **QUIET)
    three = tick_group.click(
        desk.does(Role.EDITOR, ticked_group),
        [chosen_group, page, *filters],
        [chosen_group, *lists, groups, group_keys, tick_group],
        **waited,
    )
    return ReviewTab(filters, lists, seen, golden, correct, [one, two, three, anew], who)


def row_of(number: str, held: Sequence[Any]) -> Any:
    """What the page holds of the row with a number, counted from 1."""
    if not number.isdigit() or not 0 < int(number) <= len(held):
        raise ValueError("This row is empty.")
    return held[int(number) - 1]


def filter_of(values: Sequence[Any]) -> Filter:
    """The filter that the fields say, in the order of `ReviewTab.filters`."""
    state, outcome, topic, language, assignee, first, last, words = (value or "" for value in values)
    return Filter(
        day(first),
        day(last),
        topic,
        language,
        outcome,
        STATES.get(state, False),
        assignee,
        str(words).strip(),
    )


def day(said: str) -> date | None:
    """A day as ISO 8601 spells it, None for none; `ValueError` names what is none."""
    said = str(said or "").strip()[:10]
    try:
        return date.fromisoformat(said) if said else None
    except ValueError:
        raise ValueError(f"{said!r} is no date. Write it like 2026-12-31.") from None


def choices(desk: Desk) -> list[Any]:
    """What can be chosen in the fields topic, language and assignee."""
    found = desk.review.choices()
    fields: tuple[tuple[str, str, Callable[[str], str]], ...] = (
        ("topic", "any", desk.topic),
        ("language", "any", language),
        ("assignee", "anybody", str),
    )
    return [
        gr.Dropdown([(nothing, ""), *sorted((told(value), value) for value in found[field])], value="")
        for field, nothing, told in fields
    ]


def shown(desk: Desk, wanted: Filter, page: int) -> list[Any]:
    """One page of the list, in the order of `ReviewTab.lists`."""
    total = desk.review.count(wanted)
    pages = max(1, -(-total // PAGE))
    page = min(page, pages - 1)
    found = desk.review.exchanges(wanted, PAGE, page * PAGE)
    rows = [
        [
            n,
            "✓" if s.done else "",
            why(s),
            s.at.strftime(MOMENT),
            s.question,
            desk.topic(s.topic),
            language(s.language),
            s.assignee.split("@")[0],
        ]
        for n, s in enumerate(found, start=1)
    ]
    first = page * PAGE + 1
    count = f"{first:,} to {first + len(found) - 1:,} of {number_of(total, 'exchange')}"
    download = link(f"export/review.csv?{query(wanted)}", "Download CSV")
    return [
        f"<p class='count'>{count} {download}</p>" if found else note(nothing(desk)),
        gr.Dataframe(rows, visible=bool(found)),
        [list(s.key) for s in found],
        page,
        gr.Button(visible=pages > 1, interactive=page > 0),
        gr.Button(visible=pages > 1, interactive=page + 1 < pages),
    ]


def nothing(desk: Desk) -> str:
    """Why the list is empty."""
    if not desk.settings.retention_days:
        return "Conversations are not stored (CANDOR_RETENTION_DAYS is 0), so there is nothing to review."
    if not desk.review.count(Filter(done=None)):
        return "No conversation yet. What candidates ask appears here; ask something in their chat to see it."
    return "Nothing matches. Choose another state or outcome, or take the words and dates out."


def query(wanted: Filter) -> str:
    """The filter as the query of an address."""
    given = {name: value for name, value in vars(wanted).items() if value not in ("", None)}
    return urlencode(
        {
            "done": "all" if wanted.done is None else str(wanted.done).lower(),
            **{n: v for n, v in given.items() if n != "done"},
        }
    )


def why(seen: Seen) -> str:
    """Why it needs an eye."""
    return " · ".join(filter(None, (WHY[seen.attention], seen.reason)))


def told(review: Review, seen: Seen) -> str:
    """An exchange with its conversation around it, for reading."""
    turns = review.conversation(seen.conversation)
    parts = []
    for turn in turns:
        here = " class='here'" if turn.key == seen.key else ""
        cited = review.reply(turn.key).get("citations") or () if turn.key == seen.key else ()
        quotes = "".join(
            f"<li dir='auto'>“{escape(str(c.get('quote', ''))[:300])}” {escape(str(c.get('title', '')))}</li>"
            for c in cited
        )
        rated = (
            f"{'Thumbs up' if turn.thumb == 'up' else 'Thumbs down'}{f', {turn.reason}' if turn.reason else ''}"
            if turn.thumb
            else ""
        )
        parts.append(
            f"<li{here}><p class='asked' dir='auto'>{escape(turn.question)}</p>"
            f"<div class='answer' dir='auto'>{markup.prose(turn.answer)}</div>{f'<ol>{quotes}</ol>' if quotes else ''}"
            + facts(
                (
                    ("Outcome", OUTCOMES.get(turn.outcome, turn.outcome)),
                    ("Rated", rated),
                    ("Said", turn.comment),
                )
            )
            + "</li>"
        )
    about = f"{number_of(len(turns), 'exchange')}, {seen.at.strftime(MOMENT)} UTC" + (
        f", with {seen.assignee}" if seen.assignee else ""
    )
    return f"<section class='conversation'><p class='small'>{escape(about)}</p><ol>{''.join(parts)}</ol></section>"


def as_state(seen: Seen, review: Review) -> dict[str, Any]:
    """An exchange as the page holds it: its key, and what a golden question or a correction is made of."""
    turns = [one.question for one in review.conversation(seen.conversation)]
    place = [one.key for one in review.conversation(seen.conversation)].index(seen.key)
    return {
        "conversation": seen.conversation,
        "message": seen.message,
        "question": seen.question,
        "turns": turns[: place + 1],
        "answer": seen.answer,
        "status": seen.outcome,
    }


def of(one: dict[str, Any]) -> Key:
    """The key of the exchange that the page holds."""
    if not one:
        raise ValueError("Choose an exchange in the list first.")
    return str(one["conversation"]), str(one["message"])


__all__ = ["ReviewTab", "choices", "day", "filter_of", "of", "query", "review_tab", "shown", "told", "why"]
