"""The steps of a turn as they end, told to whoever listens: the server's log, its metrics and its traces.

Nothing is measured twice and nothing kept: without a listener a step costs two readings of the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One step: its name, when it began on `time.perf_counter`'s clock, how many seconds it took, and whether it failed."""

    name: str
    began: float
    seconds: float
    failed: bool = False


Listener = Callable[[Step], None]

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def listen(listener: Listener | None) -> None:
    """Have every step that ends in this context, a turn's thread, told to `listener`; None ends it."""
    _listener.set(listener)


def tell(name: str, began: float, failed: bool = False) -> None:
    """Tell that a step has ended now."""
    listener = _listener.get()
    if listener is not None:
        listener(Step(name, began, time.perf_counter() - began, failed))


@contextmanager
def step(name: str) -> Iterator[None]:
    """Tell a block as a step; an error that leaves it makes it one that failed."""
    began = time.perf_counter()
    try:
        yield
    except Exception:
        tell(name, began, failed=True)
        raise
    tell(name, began)


class Stopwatch:
    """Milliseconds of each step of a question, one after another."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """End a step, and begin the next; what is done twice counts twice."""
        now = time.perf_counter()
        self.steps[name] = round(self.steps.get(name, 0.0) + 1000 * (now - self._last), 1)
        tell(name, self._last)
        self._last = now
