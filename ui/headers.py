"""What every answer says to browsers, and who may ask from a page of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ui.request_ids import HEADER

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}

YEAR = 365 * 24 * 3600  # seconds for which a browser that came by HTTPS comes by nothing else


def framed_by(embed_on: Sequence[str]) -> str:
    """The directive that says which sites may show a page in a frame."""
    return " ".join(("frame-ancestors 'self'", *embed_on))


def cors(embed_on: Sequence[str]) -> dict[str, Any]:
    """Who may ask the API from a page of their own; nobody's cookies are sent, as there are none."""
    hosts = [re.escape(site).replace(r"\*", r"[A-Za-z0-9.-]+") for site in embed_on if "*" in site]
    return {
        "allow_origins": [site for site in embed_on if "*" not in site],
        "allow_origin_regex": "|".join(hosts) or None,
        "allow_methods": ["GET", "POST", "PUT", "DELETE"],
        "allow_headers": ["content-type", HEADER],
        "expose_headers": [HEADER],
    }
