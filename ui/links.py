"""Where a citation leads: the page, opened at the words that were quoted."""

from __future__ import annotations

import re
from urllib.parse import quote as percent_encoded
from urllib.parse import urlsplit

_MAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+")

LONG = 80
"""Characters of a quote from which on its first and last words stand for it."""

ENDS = 5
"""How many first and last words those are."""


def web_link(url: str) -> str:
    """Keep an address a candidate may be sent to, else give ""; only http and https lead anywhere."""
    cleaned = url.strip()
    try:
        parts = urlsplit(cleaned)
    except ValueError:
        return ""
    safe = parts.scheme.lower() in ("http", "https") and parts.netloc and not re.search(r"[\s<>\"']", cleaned)
    return cleaned if safe else ""


def contact_address(contact: str) -> str:
    """Where a click on the contact leads: its mail address, its page, or "" where it is only words."""
    contact = contact.strip()
    return f"mailto:{contact}" if _MAIL.fullmatch(contact) else web_link(contact)


def link_to_quote(url: str, quote: str) -> str:
    """The address with a text fragment that shows the quote: `#:~:text=first%20words,last%20words`.

    As in the WICG's URL Fragment Text Directives; a browser that does not know them opens the page. An
    address of a PDF keeps the page it names, and one that is no web address gives "".
    """
    link = web_link(url)
    words = quote.split()
    if not link or not words or urlsplit(link).path.lower().endswith(".pdf"):
        return link
    if len(quote) > LONG or "\n" in quote.strip():
        # A range may span lines and paragraphs, a single text may not.
        size = min(ENDS, len(words) // 2) or 1
        ends = [" ".join(words[:size]), " ".join(words[-size:])] if len(words) > 1 else words
    else:
        ends = [" ".join(words)]
    directive = ",".join(_encoded(end) for end in ends)
    return f"{link}{'' if '#' in link else '#'}:~:text={directive}"


def _encoded(text: str) -> str:
    # A hyphen is part of the directive's own syntax; `quote` would leave it.
    return percent_encoded(text, safe="").replace("-", "%2D")
