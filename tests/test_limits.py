"""How often a visitor and an address may ask."""

from __future__ import annotations

import pytest
from ui_fakes import settings

from knowledge.rates import rate_storage
from ui.limits import Limits, network


def limits(visitor: str = "", address: str = "") -> Limits:
    return Limits(settings(limit_visitor=visitor, limit_address=address), rate_storage(""))


def test_a_chat_that_asks_too_often_waits_and_another_does_not() -> None:
    limit = limits(visitor="1/minute")
    assert limit.ask("a", "192.0.2.1") == 0 and limit.ask("a", "192.0.2.1") > 0
    assert limit.ask("b", "192.0.2.1") == 0


def test_an_address_with_many_chats_waits() -> None:
    limit = limits(address="2/minute")
    assert [limit.ask(chat, "192.0.2.1") for chat in "ab"] == [0, 0]
    assert limit.ask("c", "192.0.2.1") > 0 and limit.ask("c", "192.0.2.2") == 0


def test_an_unknown_address_is_not_everybodys() -> None:
    limit = limits(address="1/minute")
    assert [limit.ask(chat, "") for chat in "abc"] == [0, 0, 0]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "testclient"),
    ],
)
def test_all_of_a_household_is_one_address(address: str, counted: str) -> None:
    assert network(address) == counted
