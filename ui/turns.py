"""Turns in work: how many at once, how many wait in line, and what whoever comes beyond that is told.

The API and the full-page chat share one `Turns`, so that what one of them takes the other does not have.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

AT_ONCE = 8
"""Answers written at the same time."""

WAITING = 64
"""Further questions that may wait in line."""

BEAT = 10.0
"""Seconds after which a turn without news says that it lives."""

RECENT = 64
"""Turns that the time of the next ones is guessed from."""

UNKNOWN = 1.0
"""Seconds that a turn is thought to take before there has been any."""

RESTART = 5
"""Seconds after which another process, or this one started anew, should be there."""

log = logging.getLogger(__name__)

Item = TypeVar("Item")


@dataclass(frozen=True)
class Refusal:
    """Why a question is not taken, and the seconds after which it may be asked again."""

    seconds: int
    closing: bool = False

    @property
    def message(self) -> str:
        """The reason in a sentence."""
        if self.closing:
            return f"The chat is being restarted. Try again in {_seconds(self.seconds)}."
        return f"Many people are asking at the moment. Try again in {_seconds(self.seconds)}."


class Turns:
    """Places for turns, and the threads they run in. Safe to share between threads."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self.at_once = at_once
        self.waiting = waiting
        self.closing = False
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="turn")
        self._lock = threading.Lock()
        self._taken = 0
        self._took: deque[float] = deque(maxlen=RECENT)

    @property
    def taken(self) -> int:
        """Turns in work or in line."""
        return self._taken

    def close(self) -> None:
        """Take no more questions; those that have a place are answered."""
        self.closing = True

    def enter(self) -> Refusal | None:
        """Take a place, which `run` gives back; or why there is none."""
        with self._lock:
            if self.closing:
                return Refusal(RESTART, closing=True)
            if self._taken >= self.at_once + self.waiting:
                return Refusal(self._wait())
            self._taken += 1
            return None

    def run(self, work: Callable[[], Iterator[Item]]) -> Running[Item]:
        """Begin a turn whose place was taken, in a thread of its own once one is free.

        It begins whether or not anybody iterates over it: a visitor who leaves at once must not keep the place.
        """
        running = Running[Item](asyncio.get_running_loop())
        # With the request's context, so that what the thread writes to the log names the request.
        self._pool.submit(contextvars.copy_context().run, self._work, work, running)
        return running

    def _work(self, work: Callable[[], Iterator[Item]], running: Running[Item]) -> None:
        started = time.perf_counter()
        try:
            if not running.left.is_set():
                running.follow(work())
        except Exception as error:  # told to whoever iterates
            running.fail(error)
        finally:
            with self._lock:
                self._taken -= 1
                if not running.left.is_set():
                    self._took.append(time.perf_counter() - started)
            running.end()

    def _wait(self) -> int:
        """Seconds until those in line now have their answers, if turns go on as the last ones did."""
        took = sum(self._took) / len(self._took) if self._took else UNKNOWN
        line = max(0, self._taken - self.at_once)
        return max(1, math.ceil(took * (line + 1) / self.at_once))


class Running(Generic[Item]):
    """A turn in work, seen from the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.left = threading.Event()
        self._loop = loop
        self._news = asyncio.Event()
        self._items: deque[Item] = deque()
        self._error: Exception | None = None
        self._ended = False

    # --- from the thread --------------------------------------------------------------------------------

    def follow(self, items: Iterator[Item]) -> None:
        """Pass the items on as they come, until the visitor has left."""
        for item in items:
            self._items.append(item)
            self._tell()
            if self.left.is_set():
                close = getattr(items, "close", None)  # ends what a language model is still writing
                if close:
                    close()
                return

    def fail(self, error: Exception) -> None:
        """Pass on what went wrong."""
        self._error = error

    def end(self) -> None:
        """There is no more to come."""
        self._ended = True
        self._tell()

    def _tell(self) -> None:
        if not self._news.is_set() and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)

    # --- from the event loop ----------------------------------------------------------------------------

    async def batches(self) -> AsyncGenerator[list[Item], None]:
        """All that has come since the last look; an empty list where nothing came for `BEAT` seconds.

        Raises what the work raised. Whoever iterates no further ends the work.
        """
        try:
            while True:
                try:
                    await asyncio.wait_for(self._news.wait(), BEAT)
                except TimeoutError:
                    yield []
                    continue
                self._news.clear()
                ended = self._ended  # before the items are taken: none comes after it
                batch = [self._items.popleft() for _ in range(len(self._items))]
                if batch:
                    yield batch
                if ended:
                    break
            if self._error is not None:
                raise self._error
        finally:
            self.left.set()


def _seconds(count: int) -> str:
    return "a second" if count == 1 else f"{count} seconds"
