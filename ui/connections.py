"""Connections that give nothing back: requests that never end or begin endlessly, and answers that nobody reads.

None holds a worker or a place, as all are waited for on the event loop; but each holds a descriptor and
memory, so that they are cut off in time. A proxy in front does the same for connections to itself.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
from http import HTTPStatus

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ui.headers import SECURITY_HEADERS

REQUEST = 60.0
"""Seconds in which a request has to be there, body included; the largest of the console has 6 MB."""

IDLE = 55
"""Seconds that a connection without a request is kept: longer than a proxy in front keeps its own, which would
else send a question into a connection that ends at that moment; less than `REQUEST`, so that it ends in order."""

UNREAD = 30.0
"""Seconds without progress after which an answer is given up."""

LOOKS = 4
"""Looks at a connection in that time."""

SPARE = 200
"""File descriptors that are kept for the stores, the database and the outside."""

MOST = 16_384
"""Connections that are held at the same time, where the system allows as many."""

AGAIN = 5
"""Seconds after which whoever comes beyond that may try again."""

HEAD = 32 * 1024
"""Bytes of a request's address and headers, as nginx allows; the parser itself would read on for ever."""


class Guarded(HttpToolsProtocol):
    """uvicorn's protocol, with limits on what the other side may send and how long it may take (RFC 9110, 15.5.9).

    What it refuses, it refuses in the shape of the API's errors and with all headers.
    """

    request_seconds = REQUEST
    unread_seconds = UNREAD

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Watch a new connection."""
        super().connection_made(transport)
        self._most, self.limit_concurrency = self.limit_concurrency, None  # we say so ourselves
        self._since = self._moved = self.loop.time()
        self._unsent = self._head = 0
        self._in_head = self._refused = False
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch it no more."""
        self._timer.cancel()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """Note that the other side has read."""
        self._moved = self.loop.time()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """The time for the next request begins."""
        self._since = self.loop.time()
        super().on_response_complete()

    # --- what is refused --------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Read on, unless a head has become too long without having come to its end."""
        if self._refused:
            return
        within = self._in_head
        super().data_received(data)
        if within and self._in_head:
            self._head += len(data)
            if self._head > HEAD:
                self._refuse(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's headers are too large."
                )

    def on_message_begin(self) -> None:
        """A request begins with its head."""
        self._in_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Have a request answered, unless it is too large or there are too many."""
        self._in_head = False
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        crowd = max(len(self.connections), len(self.tasks))
        if self._refused:
            return
        if size > HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's headers are too large.")
        elif self._most is not None and crowd >= self._most:
            told = f"Many people are asking at the moment. Try again in {AGAIN} seconds."
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, told, "busy", AGAIN)
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has come to its end."""
        if not self._refused:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _refuse(
        self, status: HTTPStatus, message: str, code: str = "bad_request", again: int | None = None
    ) -> None:
        if self._refused:
            return
        self._refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()  # in the middle of an answer, nothing else can be said
            return
        body = json.dumps({"code": code, "message": message, "retry_after": again, "reference": None})
        headers = {
            **SECURITY_HEADERS,
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            "Content-Type": "application/json",
            "Content-Length": str(len(body.encode())),
            "Connection": "close",
        } | ({"Retry-After": str(again)} if again else {})
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(f"HTTP/1.1 {status.value} {status.phrase}\r\n{head}\r\n{body}".encode())
        self.transport.close()

    # --- what is given up -------------------------------------------------------------------------------

    def _look_again(self) -> None:
        seconds = min(self.request_seconds, self.unread_seconds) / LOOKS
        self._timer = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        now, unsent = self.loop.time(), self.transport.get_write_buffer_size()
        if unsent < self._unsent or not unsent:
            self._moved = now
        self._unsent = unsent
        cycle = self.cycle
        incomplete = cycle is None or cycle.response_complete or cycle.more_body
        if now - self._moved > self.unread_seconds or (
            incomplete and now - self._since > self.request_seconds
        ):
            self.transport.abort()  # `close` would wait for what is unread
        else:
            self._look_again()


def give_up_unread(door: socket.socket, seconds: float = UNREAD) -> None:
    """Have the system end connections of `door` whose other side takes nothing, or is gone (RFC 5482)."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit it
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(1000 * seconds))


def most_connections() -> int:
    """How many connections may be held; beyond, the answer is 503 and the process goes on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + SPARE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MOST if soft == resource.RLIM_INFINITY else max(1, min(MOST, soft - SPARE))


def server_config(app: ASGIApp, trusted_proxies: str = "") -> uvicorn.Config:
    """How `app` is served. `trusted_proxies`: whose word on where a request came from is believed, comma between."""
    # No access log: who asked when is nobody's business. The heartbeat of an open page never ends by
    # itself, so a shutdown that waits for it would never end either.
    return uvicorn.Config(
        app,
        http=Guarded,
        ws="none",
        limit_concurrency=most_connections(),
        log_config=None,  # the process's own log has it
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=1,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies or None,
    )
