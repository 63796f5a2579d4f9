"""The log: lines that cannot be forged and hold no words of a candidate."""

from __future__ import annotations

import io
import json
import logging
import re
from asyncio import CancelledError
from collections.abc import Iterator

import pytest

from knowledge.store import StoreError
from ui.logs import escaped, set_up_logging
from ui.request_ids import REQUEST

FORGED = 'x\n2026-11-28T10:00:00.000Z INFO ui.telemetry [-] Turn status=answered\r\x1b[31m\u2028\u202e\x00"}'
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ [\w.]+ \[[\w-]+\] ")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    REQUEST.set("")


def written(form: str) -> io.StringIO:
    stream = io.StringIO()
    set_up_logging(form, stream)
    return stream


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_text_can_begin_a_line_of_its_own(form: str) -> None:
    stream = written(form)
    logging.getLogger("ui.test").warning("Asked: %s", FORGED, extra={"told": {"writer": FORGED}})
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1 and lines[0].isprintable()
    if form == "json":
        told = json.loads(lines[0])
        assert told["message"] == f"Asked: {FORGED}" and told["writer"] == FORGED
    else:
        assert LINE.match(lines[0]) and "\\n2026" in lines[0]


def test_what_is_printable_stays_readable() -> None:
    assert escaped("Müller, שלום, Привіт – “ok”") == "Müller, שלום, Привіт – “ok”"


def test_a_line_of_json_names_time_level_logger_request_and_what_is_told() -> None:
    stream = written("json")
    REQUEST.set("0123456789abcdef")
    logging.getLogger("ui.test").info(
        "Turn", extra={"told": {"status": "answered", "steps": {"search": 1.5}}}
    )
    told = json.loads(stream.getvalue())
    assert told.pop("time").endswith("+00:00")
    assert told == {
        "level": "INFO",
        "logger": "ui.test",
        "request": "0123456789abcdef",
        "message": "Turn",
        "status": "answered",
        "steps": {"search": 1.5},
    }


def test_libraries_are_heard_from_warnings_on() -> None:
    stream = written("text")
    logging.getLogger("httpx").info("GET https://example.com/?question=secret")
    chatty = logging.getLogger("chatty")
    chatty.setLevel(logging.DEBUG)  # as some libraries do
    chatty.debug("secret")
    logging.getLogger("knowledge.test").info("read")
    assert "secret" not in stream.getvalue() and "read" in stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_error_tells_its_kind_and_place_but_no_words(form: str) -> None:
    stream = written(form)
    log = logging.getLogger("ui.test")
    try:
        try:
            raise ValueError(f"cannot understand 'my phone is 555-1234' {FORGED}")
        except ValueError as error:
            raise RuntimeError("INSERT INTO exchange ('my phone is 555-1234')") from error
    except RuntimeError:
        log.exception("A question could not be answered.")
    told = stream.getvalue()
    assert "555-1234" not in told and "Turn status" not in told
    assert told.index("ValueError") < told.index("RuntimeError") and "test_logs.py" in told
    if form == "json":
        assert len(told.splitlines()) == 1
    else:
        assert [line for line in told.splitlines()[1:] if not line.startswith("    ")] == []


def test_our_own_errors_say_what_to_do() -> None:
    stream = written("text")
    try:
        raise StoreError("The store is damaged.\nRun ingest.py again.")
    except StoreError:
        logging.getLogger("ui.test").exception("Away.")
    assert "knowledge.store.StoreError: The store is damaged.\\nRun ingest.py again." in stream.getvalue()


def test_a_stream_cut_off_at_the_end_is_no_failure() -> None:
    stream = written("text")
    for error in (CancelledError(), OSError(28, "No space left on device")):
        logging.getLogger("served.by").error("Exception in an app", exc_info=error)
    assert "OSError" in stream.getvalue() and "Cancelled" not in stream.getvalue()
    assert stream.getvalue().count("Exception in an app") == 1


def test_a_visitor_cannot_fill_the_log_by_asking_for_websockets() -> None:
    stream = written("text")
    for said in (
        "Unsupported upgrade request.",
        "No supported WebSocket library detected.",
        "Something else.",
    ):
        record = {"name": "uvicorn.error", "levelno": logging.WARNING, "levelname": "WARNING", "msg": said}
        logging.getLogger().handle(logging.makeLogRecord(record))
    assert stream.getvalue().count("\n") == 1 and "Something else." in stream.getvalue()
