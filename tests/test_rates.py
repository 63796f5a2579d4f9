"""How often something may happen, counted in memory and where the storage is away."""

from __future__ import annotations

import pytest

from knowledge.rates import AWAY, RateLimit, rate_storage


def test_what_is_beyond_the_limit_waits_and_others_do_not() -> None:
    limit = RateLimit("2/minute", rate_storage(""), "visitor")
    assert [limit.hit("a"), limit.hit("a")] == [0, 0]
    assert 1 <= limit.hit("a") <= 60
    assert limit.hit("b") == 0


def test_the_tightest_of_several_limits_holds() -> None:
    limit = RateLimit("5/minute;1/hour", rate_storage(""), "visitor")
    assert limit.hit("a") == 0 and 60 < limit.hit("a") <= 3600


def test_limits_of_different_names_do_not_count_together() -> None:
    storage = rate_storage("")
    assert RateLimit("1/minute", storage, "visitor").hit("a") == 0
    assert RateLimit("1/minute", storage, "address").hit("a") == 0


def test_without_a_limit_nothing_waits() -> None:
    limit = RateLimit("", rate_storage(""), "visitor")
    assert {limit.hit("a") for _ in range(100)} == {0}


def test_a_storage_that_is_away_stops_no_visitor_but_what_costs_money() -> None:
    away = rate_storage("redis://127.0.0.1:9")
    assert RateLimit("1/minute", away, "visitor").hit("a") == 0
    assert RateLimit("1/day", away, "calls", lenient=False).hit("a") == AWAY


def test_while_a_storage_is_away_the_limit_holds_in_this_process_and_the_log_tells_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    limit = RateLimit("2/minute", rate_storage("redis://127.0.0.1:9"), "visitor")
    assert [limit.hit("a"), limit.hit("a")] == [0, 0]
    assert 1 <= limit.hit("a") <= 60 and limit.hit("b") == 0
    limit._away_until = 0.0  # as two seconds later
    assert limit.hit("c") == 0
    assert [record.message for record in caplog.records] == [
        "What counts the visitor cannot be reached (ConnectionError): this process counts for itself."
    ]


def test_a_storage_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="CANDOR_LIMITS_STORAGE"):
        rate_storage("nonsense://x")
