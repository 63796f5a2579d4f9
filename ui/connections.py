"""Connections that give nothing back: requests that never end, and answers that nobody reads.

Neither holds a worker or a place, as both are waited for on the event loop; but each holds a descriptor and
memory, so that both are cut off in time. A proxy in front does the same for connections to itself.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

REQUEST = 60.0
"""Seconds in which a request has to be there, body included; the largest of the console has 6 MB."""

UNREAD = 30.0
"""Seconds without progress after which an answer is given up."""

LOOKS = 4
"""Looks at a connection in that time."""

SPARE = 200
"""File descriptors that are kept for the stores, the database and the outside."""

MOST = 16_384
"""Connections that are held at the same time, where the system allows as many."""

_Base: Any = AutoHTTPProtocol


class Guarded(_Base):  # type: ignore[misc]
    """uvicorn's protocol, with limits on how long the other side may take (RFC 9110, 15.5.9, without the answer)."""

    request_seconds = REQUEST
    unread_seconds = UNREAD

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Watch a new connection."""
        super().connection_made(transport)
        self._since = self._moved = self.loop.time()
        self._unsent = 0
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
    """How many connections may be held; beyond, uvicorn answers 503 and the process goes on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + SPARE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MOST if soft == resource.RLIM_INFINITY else max(1, min(MOST, soft - SPARE))
