from __future__ import annotations

import pytest

from ui.links import contact_address, link_to_quote, web_link

PAGE = "https://careers.example/benefits"


def test_a_short_quote_is_named_whole_with_its_hyphens_escaped() -> None:
    assert link_to_quote(PAGE, "hands-on, day & night") == f"{PAGE}#:~:text=hands%2Don%2C%20day%20%26%20night"


def test_a_long_quote_is_named_by_its_ends() -> None:
    words = " ".join(f"w{n}" for n in range(40))
    assert link_to_quote(PAGE, words).endswith("#:~:text=w0%20w1%20w2%20w3%20w4,w35%20w36%20w37%20w38%20w39")


def test_a_quote_over_two_lines_is_named_by_its_ends() -> None:
    assert link_to_quote(PAGE, "first line\nlast line").endswith("#:~:text=first%20line,last%20line")


def test_an_address_with_a_place_of_its_own_keeps_it() -> None:
    assert link_to_quote(f"{PAGE}#leave", "days").endswith("#leave:~:text=days")


def test_a_pdf_keeps_its_page() -> None:
    assert (
        link_to_quote("https://careers.example/b.pdf#page=3", "days")
        == "https://careers.example/b.pdf#page=3"
    )


@pytest.mark.parametrize(
    "address", ["", "file:///x", "javascript:alert(1)", "data:text/html,x", "https://x y", "//x"]
)
def test_what_is_no_web_address_leads_nowhere(address: str) -> None:
    assert (web_link(address), link_to_quote(address, "words")) == ("", "")


@pytest.mark.parametrize(
    ("contact", "address"),
    [
        ("jobs@x.example", "mailto:jobs@x.example"),
        ("https://x.example/us", "https://x.example/us"),
        ("ask Dana", ""),
    ],
)
def test_a_contact_leads_to_a_mail_or_a_page_or_nowhere(contact: str, address: str) -> None:
    assert contact_address(contact) == address
