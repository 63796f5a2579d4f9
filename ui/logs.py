"""The log: one line of text or of JSON for each event, with the id of its request and no words of a candidate.

A line cannot be forged: control characters and line breaks are written as escapes. Of an error that is not ours
the kind and the place are told, but not its message, which may hold what a candidate typed.
"""

from __future__ import annotations

import logging
import re
import sys
import time
import traceback
from asyncio import CancelledError
from types import TracebackType
from typing import Any, TextIO

from pythonjsonlogger.json import JsonFormatter

from ui.request_ids import REQUEST

OURS = ("assistant", "knowledge", "ui")
"""Packages whose log is told from INFO on, and whose errors have messages that name no candidate's words."""

# C0, DEL, C1, the line and paragraph separators, and what turns the direction of writing (Unicode TR 36, 3.2).
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

_NO_WEBSOCKETS = ("Unsupported upgrade request", "No supported WebSocket library")

_Error = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def set_up_logging(form: str, stream: TextIO | None = None) -> None:
    """Write the log of this process to `stream`, standard error by default; `form` is "text" or "json"."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.addFilter(_name_request)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)


def _name_request(record: logging.LogRecord) -> bool:
    """Name the request of a record; False for a library's chatter, whatever level it has set for itself.

    A stream that is cut off as the server ends, such as an open page's heartbeat, is no failure either, nor is a
    visitor who asks for a websocket, which nobody is given.
    """
    record.request = REQUEST.get()
    if record.exc_info and isinstance(record.exc_info[1], CancelledError):
        return False
    if record.name == "uvicorn.error" and str(record.msg).startswith(_NO_WEBSOCKETS):
        return False
    return record.levelno >= logging.WARNING or record.name.split(".")[0] in OURS


class TextLines(logging.Formatter):
    """For people: time in UTC, level, logger, request, message, and what is `told` as name=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; below it, indented, where an error came from."""
        request = getattr(record, "request", "")
        parts = [self._fmt % {**vars(record), "asctime": self.formatTime(record, self.datefmt)}]  # type: ignore[operator]
        parts.append(f"[{request or '-'}] {record.getMessage()}")
        parts += [f"{name}={value}" for name, value in _told(record).items()]
        line = escaped(" ".join(parts))
        if record.exc_info and record.exc_info[0] is not None:
            line += "".join(f"\n    {part}" for part in explained_error(record.exc_info[1]))
        return line


class JsonLines(JsonFormatter):
    """For machines: one JSON object a line, in ASCII, what is `told` beside the message."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "request", "message"],
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
            json_ensure_ascii=True,
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The fields of a line."""
        told = log_data.pop("told", None) or {}
        return {**log_data, **told}

    def formatException(self, ei: _Error) -> str:  # noqa: N802  (the name is logging's)
        """Where an error came from."""
        return "\n".join(explained_error(ei[1]))


def _told(record: logging.LogRecord) -> dict[str, Any]:
    return getattr(record, "told", {})


def escaped(text: str) -> str:
    """The text with everything that could end a line, or show it as another, written as an escape."""
    return _UNSAFE.sub(
        lambda match: match[0].encode("unicode_escape", "backslashreplace").decode("ascii"), text
    )


def explained_error(error: BaseException | None) -> list[str]:
    """Kind and place of an error and of what caused it, the cause first; messages only of our own kinds."""
    lines: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = [f"{f.filename}:{f.lineno} in {f.name}" for f in traceback.extract_tb(error.__traceback__)]
        lines[:0] = [*frames, escaped(_named(error))]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return lines


def _named(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, OSError):  # a file or an address of this machine
        return f"{name}: {error.strerror or ''}"
    return f"{name}: {error}" if kind.__module__.split(".")[0] in OURS else name
