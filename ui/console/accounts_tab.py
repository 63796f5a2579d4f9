"""Accounts: who may sign in and as what, and what staff did. For admins."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from ui.accounts import Member, Role
from ui.console.desk import MOMENT, QUIET, Desk, done, html, link, note
from ui.console.door import link as one_time
from ui.console.door import reached_at

LOGGED = 100


def accounts_tab(desk: Desk) -> list[Any]:
    """Build the tab; what it shows, in the order of `shown`."""
    listed = gr.Dataframe(
        headers=["account", "role", "since (UTC)", "password"],
        interactive=False,
        elem_id="accounts",
        label="Accounts",
    )
    with gr.Row():
        name = gr.Textbox(label="Mail address", elem_id="account-name")
        role = gr.Dropdown(
            [role.value for role in Role], value=Role.VIEWER.value, label="Role", elem_id="account-role"
        )
    with gr.Row():
        add = gr.Button("Add", variant="primary", scale=0, elem_id="account-add")
        change = gr.Button("Change the role", scale=0)
        again = gr.Button("New link", scale=0)
        out = gr.Button("Sign out everywhere", scale=0)
        remove = gr.Button("Remove", variant="stop", scale=0)
    said = html(elem_id="account-link")
    gr.Markdown("### What staff did")
    html(link("export/log.csv", "Download the whole log"))
    log = gr.Dataframe(
        headers=["when (UTC)", "who", "what", "on"],
        interactive=False,
        wrap=True,
        elem_id="log",
        label="The latest",
    )
    outputs = [listed, log]

    def told(request: gr.Request, token: str, whose: str) -> str:
        said = note(f"Send {whose} this link. It is good once, for three days, and is shown only now.")
        host = reached_at(desk.settings, request.request) if request.request else ""
        address = escape(one_time(host, "invitation", token))
        if host:
            return f'{said}<p><input readonly aria-label="One-time link" value="{address}"></p>'
        # The browser knows where it is; what its request says of that may have been changed on the way.
        return f"{said}<p><a href='{address}'>One-time link</a>: copy its address. Set CANDOR_PUBLIC_URL to have it shown.</p>"

    def added(request: gr.Request, whose: str, what: str) -> list[Any]:
        member = desk.member(request, Role.ADMIN)
        token = desk.accounts.add(whose, Role(what), member.name)
        return [told(request, token, whose.strip().lower()), *shown(desk)]

    def invited(request: gr.Request, whose: str) -> list[Any]:
        member = desk.member(request, Role.ADMIN)
        return [told(request, desk.accounts.invite_again(whose, member.name), whose), *shown(desk)]

    def changed(member: Member, whose: str, what: str) -> list[Any]:
        desk.accounts.change_role(whose, Role(what), member.name)
        done(f"{whose} is {what} now.")
        return shown(desk)

    def signed_out(member: Member, whose: str) -> list[Any]:
        count = desk.accounts.sign_out_everywhere(whose, member.name)
        done(f"{count} sessions were ended.")
        return shown(desk)

    def removed(member: Member, whose: str) -> list[Any]:
        desk.accounts.remove(whose, member.name)
        done(f"{whose} can no longer sign in.")
        return ["", *shown(desk)]

    def picked(_: Member, whose: str) -> list[Any]:
        known = {member.name: member.role.value for member in desk.accounts.members()}
        return [whose, known.get(whose, Role.VIEWER.value)]

    add.click(desk.asked(added), [name, role], [said, *outputs], **QUIET)
    again.click(desk.asked(invited), name, [said, *outputs], **QUIET)
    change.click(desk.does(Role.ADMIN, changed), [name, role], outputs, **QUIET)
    out.click(desk.does(Role.ADMIN, signed_out), name, outputs, **QUIET)
    remove.click(desk.does(Role.ADMIN, removed), name, [name, *outputs], **QUIET)
    listed.select(
        desk.chosen(Role.ADMIN, picked),
        None,
        [name, role],
        **QUIET,
    )
    return outputs


def shown(desk: Desk) -> list[Any]:
    """The accounts and the newest lines of the log."""
    members = [
        [
            m.name,
            m.role.value,
            m.created.strftime(MOMENT) if m.created else "",
            "chosen" if m.ready else "not yet",
        ]
        for m in desk.accounts.members()
    ]
    lines = [
        [line.at.strftime(MOMENT), line.account, line.what, line.on] for line in desk.accounts.log(LOGGED)
    ]
    return [members, lines]
