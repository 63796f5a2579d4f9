"""Traces of turns over OTLP, where OpenTelemetry's own environment variables name a receiver.

Without one nothing is imported and nothing sent. A trace has ids, times, outcomes: no words of a candidate, no address.
https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from ui.telemetry import TurnInWork

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

PATIENCE = 2.0
"""Seconds that the end of the server waits for the last spans to be sent."""

log = logging.getLogger(__name__)


class TracingError(RuntimeError):
    """Traces are wanted and cannot be had; the message names the next step."""


class Tracing:
    """Makes a span of each turn that ended, with one of each of its steps below it."""

    def __init__(self, exporter: SpanExporter) -> None:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  (only where traces are wanted)
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before.
        resource = Resource({"service.name": "candor"}).merge(_without_default_name(Resource.create()))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("candor")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Tracing | None:
        """Traces to the receiver that the environment names, or None where it names none.

        Raises `TracingError` where the packages for it are not installed.
        """
        wanted = any(environ.get(name, "").strip() for name in ENDPOINTS)
        if not wanted or environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            return None
        protocol = environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environ.get(
            "OTEL_EXPORTER_OTLP_PROTOCOL"
        )
        try:
            return cls(_exporter(protocol or "http/protobuf"))
        except ImportError as error:
            raise TracingError(
                f"Traces are wanted ({' or '.join(ENDPOINTS)}), and {error.name} is not installed. "
                "Install it: pip install -e '.[telemetry]'"
            ) from error

    def turn(self, turn: TurnInWork) -> None:
        """Make the spans of a turn that has ended; they are sent in the background."""
        from opentelemetry.trace import Status, StatusCode, set_span_in_context  # noqa: PLC0415

        shift = time.time_ns() - int(time.perf_counter() * 1e9)

        def at(moment: float) -> int:
            return shift + int(moment * 1e9)

        span = self._tracer.start_span("turn", start_time=at(turn.came), attributes=_attributes(turn))
        within = set_span_in_context(span)
        for step in turn.steps:
            child = self._tracer.start_span(step.name, context=within, start_time=at(step.began))
            if step.failed:
                child.set_status(Status(StatusCode.ERROR))
            child.end(at(step.began + step.seconds))
        if turn.status == "failed":
            span.set_status(Status(StatusCode.ERROR))
        span.end(at(turn.ended))

    def close(self) -> None:
        """Send what is left, as far as that can be done in `PATIENCE` seconds."""
        # The exporter tries again for longer than a server has to end in.
        thread = threading.Thread(target=self._provider.shutdown, name="last-traces", daemon=True)
        thread.start()
        thread.join(PATIENCE)
        if thread.is_alive():
            log.warning("The last traces could not be sent: their receiver does not answer.")


def _exporter(protocol: str) -> SpanExporter:
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc  # noqa: PLC0415

        return grpc.OTLPSpanExporter()
    if protocol != "http/protobuf":
        raise TracingError(f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}; write http/protobuf or grpc.")
    from opentelemetry.exporter.otlp.proto.http import trace_exporter as http  # noqa: PLC0415

    return http.OTLPSpanExporter()


def _without_default_name(resource: Any) -> Any:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

    unknown = str(resource.attributes.get("service.name", "")).startswith("unknown_service")
    return Resource({k: v for k, v in resource.attributes.items() if k != "service.name" or not unknown})


def _attributes(turn: TurnInWork) -> dict[str, Any]:
    return {
        "candor.request": turn.request,
        "candor.way": turn.way,
        "candor.outcome": turn.status,
        "candor.reason": turn.reason,
        "candor.writer": turn.writer,
        "candor.waited_ms": turn.milliseconds(turn.began),
        "candor.fallback": turn.fell_back,
    }
