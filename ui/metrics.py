"""What Prometheus is told at `/metrics`: counts and times, no words and no ids.

Names and units follow Prometheus' conventions (https://prometheus.io/docs/practices/naming/). Labels take few values:
how a turn ended, what wrote the reply, why a question was not taken.
"""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from sqlalchemy import event

from ui.database import Database
from ui.keeping import Keeper
from ui.turns import Turns

if TYPE_CHECKING:  # it follows its turns by this module
    from ui.candidate import Answering

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0, 20.0, 40.0)
"""Upper bounds of the histograms' buckets: from a reply kept in memory to a language model's time-out."""

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""Headers that a proxy sets: what comes with one does not come from this computer, whatever its address says."""


class Metrics:
    """The counters of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._turns = self._counter("candor_turns", "Turns that ended.", "outcome", "writer")
        self._seconds = self._histogram("candor_turn_seconds", "Seconds from a question to its whole reply.")
        self._first = self._histogram(
            "candor_first_token_seconds", "Seconds from a question to its first words."
        )
        self._refused = self._counter("candor_refused", "Questions that were not taken.", "why")
        self._calls = self._counter(
            "candor_llm_calls", "Calls of the language model for candidates.", "result"
        )
        self._fallbacks = self._counter(
            "candor_llm_fallbacks", "Replies that the language model could not finish."
        )
        self._lost = self._counter(
            "candor_database_errors", "Statements that the database did not carry out."
        )
        for result in ("ok", "failed"):
            self._calls.labels(result)
        for why in ("limit", "busy", "closing"):
            self._refused.labels(why)

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(name, told, labels, registry=self.registry)

    def _histogram(self, name: str, told: str) -> Histogram:
        return Histogram(name, told, registry=self.registry, buckets=SECONDS)

    def turn(self, outcome: str, writer: str, seconds: float, first: float | None) -> None:
        """Count a turn; `first`: seconds until its first words, None where it had none."""
        self._turns.labels(outcome, writer).inc()
        self._seconds.observe(seconds)
        if first is not None:
            self._first.observe(first)

    def refused(self, why: str) -> None:
        """Count a question that was not taken: "limit", "busy" or "closing"."""
        self._refused.labels(why).inc()

    def llm_call(self, failed: bool) -> None:
        """Count a call of the language model."""
        self._calls.labels("failed" if failed else "ok").inc()

    def fallback(self) -> None:
        """Count a reply that the default writer had to write or that ends early."""
        self._fallbacks.inc()

    def watch(
        self, assistant: Answering, database: Database | None, turns: Turns, keeper: Keeper | None
    ) -> None:
        """Tell the state of these whenever Prometheus asks, and count the errors of the database."""
        self.registry.register(State(assistant, turns, keeper))
        if database:
            event.listen(database.engine, "handle_error", lambda _: self._lost.inc())


class State:
    """What is so now, worked out when it is asked for."""

    def __init__(self, assistant: Answering, turns: Turns, keeper: Keeper | None) -> None:
        self.assistant = assistant
        self.turns = turns
        self.keeper = keeper

    def describe(self) -> Iterable[Metric]:
        """Nothing: the store is not opened only to learn the names."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The gauges."""
        yield _gauge("candor_turns_in_work", "Turns in work or in line.", self.turns.taken)
        yield _gauge("candor_turn_places", "Turns that are worked on at once.", self.turns.at_once)
        waiting = self.keeper.waiting if self.keeper else 0
        yield _gauge("candor_turns_not_stored_yet", "Turns that wait in memory for the database.", waiting)
        try:
            summary, version = self.assistant.summary, str(getattr(self.assistant, "version", ""))
        except Exception:  # a store that is away is what this gauge is there to tell
            yield _gauge("candor_store_readable", "Whether the knowledge can be read.", 0)
            return
        yield _gauge("candor_store_readable", "Whether the knowledge can be read.", 1)
        yield _gauge("candor_store_version", "Number of the version in force.", int(version or 0))
        yield _gauge("candor_store_pages", "Pages in the knowledge.", summary.pages)
        yield _gauge("candor_store_open_jobs", "Open postings in the knowledge.", summary.open_jobs)
        yield _gauge("candor_store_passages", "Passages in the knowledge.", summary.passages)
        if summary.as_of is not None:
            age = max(0.0, time.time() - summary.as_of.timestamp())
            yield _gauge("candor_store_age_seconds", "Seconds since the oldest source was read.", age)


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, told, value=value)


def metrics_page(metrics: Metrics, token: str) -> APIRouter:
    """`/metrics`, for whoever sends `token` as `Authorization: Bearer`; without one, for this computer only."""
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics")
    def tell(request: Request) -> Response:
        if token and not _knows(request, token):
            return Response("A token is needed.", 401, {"WWW-Authenticate": 'Bearer realm="metrics"'})
        if not token and not _is_near(request):
            return Response("Not found", 404)
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _knows(request: Request, token: str) -> bool:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


def _is_near(request: Request) -> bool:
    """Whether a request comes from this computer itself, and not through a proxy or a page in its browser."""
    if any(name in request.headers for name in FORWARDED):
        return False
    host: Any = request.url.hostname or ""
    return _is_loopback(request.client.host if request.client else "") and _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
