"""What whoever runs the chat sees of a turn: one line of the log, its counters, its trace.

None of them holds the question, the answer, an address or the id of the conversation.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from assistant.conversation import Reply
from assistant.steps import Step, listen
from ui.metrics import Metrics
from ui.request_ids import REQUEST
from ui.tracing import Tracing

log = logging.getLogger(__name__)

Item = TypeVar("Item")


@dataclass
class TurnInWork:
    """A turn from its question to its end; times are of `time.perf_counter`. `way` is "api" or "page".

    `status` is the outcome of the reply, or "left" (the visitor did not wait for it) or "failed"; `reason` what
    settled the reply, as its trace has it; `stored` whether it is in the database, None where none is kept.
    """

    way: str
    request: str = field(default_factory=REQUEST.get)
    came: float = field(default_factory=time.perf_counter)
    began: float = 0.0
    first: float | None = None
    ended: float = 0.0
    steps: list[Step] = field(default_factory=list)
    status: str = "failed"
    reason: str = ""
    writer: str = ""
    language: str = ""
    fell_back: bool = False
    stored: bool | None = None

    def speaks(self) -> None:
        """Note that there are words to show."""
        if self.first is None:
            self.first = time.perf_counter()

    def replied(self, reply: Reply, stored: bool | None = None) -> None:
        """Note the reply."""
        self.speaks()
        self.status = reply.outcome.value
        self.reason = str(reply.trace.get("decided", ""))
        self.writer = reply.writer
        self.language = reply.language
        self.fell_back = bool(reply.trace.get("fallback"))
        self.stored = stored

    def repeated(self, status: str, writer: str) -> None:
        """Note that the message had its reply already, and gets it again."""
        self.speaks()
        self.status, self.reason, self.writer, self.stored = status, "repeated", writer, True

    def milliseconds(self, until: float) -> float:
        """Milliseconds from the question to a moment."""
        return round(1000 * (until - self.came), 1)

    def as_told(self) -> dict[str, Any]:
        """What the log tells of it."""
        steps: dict[str, float] = {}
        for step in self.steps:
            steps[step.name] = round(steps.get(step.name, 0.0) + 1000 * step.seconds, 1)
        return {
            "way": self.way,
            "status": self.status,
            "reason": self.reason,
            "writer": self.writer,
            "language": self.language,
            "fallback": self.fell_back,
            "stored": self.stored,
            "ms": self.milliseconds(self.ended),
            "first_ms": self.milliseconds(self.first) if self.first is not None else None,
            "waited_ms": self.milliseconds(self.began),
            "steps": steps,
        }


class Telemetry:
    """Follows the turns of one server."""

    def __init__(self, metrics: Metrics | None = None, tracing: Tracing | None = None) -> None:
        self.metrics = metrics or Metrics()
        self.tracing = tracing

    def watched(self, way: str, work: Callable[[TurnInWork], Iterator[Item]]) -> Callable[[], Iterator[Item]]:
        """The work of a turn, followed from now on; `work` notes in what it is given how it went."""
        turn = TurnInWork(way)

        def followed() -> Iterator[Item]:
            turn.began = time.perf_counter()
            listen(turn.steps.append)
            try:
                yield from work(turn)
            except GeneratorExit:
                turn.status = "left" if turn.status == "failed" else turn.status
                raise
            finally:
                listen(None)
                self._ended(turn)

        return followed

    def _ended(self, turn: TurnInWork) -> None:
        turn.ended = time.perf_counter()
        first = turn.first - turn.came if turn.first is not None else None
        self.metrics.turn(turn.status, turn.writer or "none", turn.ended - turn.came, first)
        for step in turn.steps:
            if step.name == "llm":
                self.metrics.llm_call(step.failed)
        if turn.fell_back:
            self.metrics.fallback()
        log.log(
            logging.ERROR if turn.status == "failed" else logging.INFO, "Turn", extra={"told": turn.as_told()}
        )
        if self.tracing:
            self.tracing.turn(turn)

    def close(self) -> None:
        """Send what is left."""
        if self.tracing:
            self.tracing.close()
