"""The id of a request: from the page or the proxy to every line of the log, and in short to the candidate."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"

GOOD = re.compile(r"[A-Za-z0-9-]{8,64}")
"""What is taken for an id: a UUID, or what proxies send. Anything else could forge a line of the log."""

SHOWN = 8
"""Characters at the end of an id that a candidate is shown; the start of an id may be a time or a host's name."""

REQUEST: ContextVar[str] = ContextVar("request", default="")
"""The id of the request that is being answered, in its threads as well; "" outside of one."""


def request_id(given: str | None) -> str:
    """The id that came with a request, where it is one; else a new one of 32 hex digits."""
    return given if given and GOOD.fullmatch(given) else secrets.token_hex(16)


def reference() -> str:
    """What a candidate can quote when something went wrong: whoever runs the chat finds it in the log."""
    return REQUEST.get()[-SHOWN:]


class RequestIds:
    """Gives each request its id, and sends it back with the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = MutableHeaders(scope=scope)
        known = request_id(headers.get(HEADER))
        headers[HEADER] = known  # Gradio works events off in another task, which has but the headers
        # It is left set: the server's last line of defence answers and logs in the same task, after this.
        REQUEST.set(known)

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = known
            await send(message)

        await self.app(scope, receive, send_named)
