"""No file by its address: what a visitor sends to Gradio must not make this server fetch or open anything.

Gradio takes any object in an event's data that looks like its FileData for a file, whatever the component, and fetches
it first where its path is a web address: with that, every visitor could fill the disk, and send this server
to other people's. Candidates have no files to send; recruiters name only what they uploaded.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.console.door import BASE

EVENT = "/gradio_api/queue/join"


class Uploads:
    """Refuses events that name a file: on the candidates' side all, in the console those that name an address."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; only an event's data is looked at. Its size is limited before."""
        path = str(scope.get("path", "")).rstrip("/")
        if scope["type"] != "http" or scope["method"] != "POST" or not path.endswith(EVENT):
            await self.app(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":  # gone before all of it was sent
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        answer: ASGIApp = self.app
        try:
            paths = list(_files(json.loads(body)))
        except (ValueError, RecursionError):
            answer = PlainTextResponse("The body is no JSON.", 400)
        else:
            in_console = path.startswith(f"{BASE}/")
            if any(not in_console or "://" in named for named in paths):
                answer = PlainTextResponse("No file can be sent here.", 403)
        given: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return given.pop() if given else await receive()

        await answer(scope, again, send)


def _files(value: Any) -> list[str]:
    """The paths of all objects that Gradio would take for a file, or for part of one, however deep."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if "path" in each:
                found.append(str(each["path"]))
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
    return found


__all__ = ["Uploads"]
