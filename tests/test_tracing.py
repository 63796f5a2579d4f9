"""Traces: a span for each step, sent to a real receiver where one is named, and nowhere else."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from ui_fakes import REPLIES, settings

from ui.database import Database
from ui.server import create_app
from ui.telemetry import Telemetry, TurnInWork
from ui.tracing import Tracing, TracingError

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="The extra 'telemetry' is not installed")
OWN = "0f8fad5b-d9cb-469f-a165-70867728950e"
HOME = "Can I work from home?"


@contextmanager
def receiver() -> Iterator[tuple[str, list[Any]]]:
    """An OTLP receiver on the loopback address, and the requests that it got."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    taken: list[Any] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            taken.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", taken
    server.shutdown()
    server.server_close()


def ask(telemetry: Telemetry, folder: Path) -> None:
    from test_telemetry import Stepping

    database = Database.open(f"sqlite:///{folder / 'kept.sqlite'}")
    app = create_app(Stepping(), settings(retention_days=30), database, telemetry=telemetry)
    with TestClient(app) as client:
        body = {"conversation": "a" * 32, "message": "1" * 32, "turns": ["my phone is 555-1234", HOME]}
        assert client.post("/api/chat", json=body, headers={"X-Request-ID": OWN}).status_code == 200
    database.close()


def test_a_turn_is_a_span_with_one_for_each_step_below_it(tmp_path: Path) -> None:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    ask(Telemetry(tracing=Tracing(exporter)), tmp_path)
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"turn", "understand", "write", "keep"}
    turn = spans.pop("turn")
    assert turn.parent is None and turn.resource.attributes["service.name"] == "candor"
    assert turn.attributes["candor.outcome"] == "answered" and turn.attributes["candor.request"] == OWN
    for span in spans.values():
        assert span.parent.span_id == turn.context.span_id
        assert turn.start_time <= span.start_time <= span.end_time <= turn.end_time
    told = " ".join(span.to_json() for span in (turn, *spans.values()))
    assert "555-1234" not in told and HOME not in told and "a" * 32 not in told and "testclient" not in told


def test_a_step_that_failed_is_marked() -> None:
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from assistant.steps import step

    exporter = InMemorySpanExporter()
    telemetry = Telemetry(tracing=Tracing(exporter))

    def work(turn: Any) -> Iterator[int]:
        with pytest.raises(OSError), step("llm"):
            raise OSError("away")
        turn.replied(replace(REPLIES[HOME], trace={}))
        yield 1

    list(telemetry.watched("api", work)())
    telemetry.close()
    assert {span.name: span.status.is_ok for span in exporter.get_finished_spans()} == {
        "llm": False,
        "turn": True,
    }


def test_spans_reach_a_receiver_over_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as (address, taken):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "careers-chat")
        tracing = Tracing.from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": address})
        assert tracing is not None
        ask(Telemetry(tracing=tracing), tmp_path)
    assert [path for path, _ in taken] == ["/v1/traces"]
    (resource,) = taken[0][1].resource_spans
    assert {a.key: a.value.string_value for a in resource.resource.attributes}[
        "service.name"
    ] == "careers-chat"
    names = [span.name for scope in resource.scope_spans for span in scope.spans]
    assert sorted(names) == ["keep", "turn", "understand", "write"]


def test_without_a_receiver_nothing_is_sent_and_nothing_imported(tmp_path: Path) -> None:
    with receiver() as (_, taken):
        for environ in ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": " "}):
            assert Tracing.from_environment(environ) is None
        off = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}
        assert Tracing.from_environment(off) is None
        ask(Telemetry(), tmp_path)
    assert taken == []
    code = (
        "import sys\nfrom ui.tracing import Tracing\nassert Tracing.from_environment({}) is None\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_receiver_that_is_away_stops_neither_turn_nor_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with receiver() as (address, _):
        pass  # its port is free again, and nobody is there
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    telemetry = Telemetry(tracing=Tracing.from_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": address}))

    def work(turn: TurnInWork) -> Iterator[int]:
        turn.replied(REPLIES[HOME])
        yield 1

    assert list(telemetry.watched("api", work)()) == [1]
    telemetry.close()
    assert "The last traces could not be sent" in caplog.text


def test_a_protocol_that_is_unknown_is_named() -> None:
    with pytest.raises(TracingError, match="http/json"):
        Tracing.from_environment(
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}
        )
