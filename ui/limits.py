"""How often a visitor, and an address, may ask, have chats deleted, and send them to a recruiter."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from limits.storage import Storage

from knowledge.rates import RateLimit
from knowledge.settings import Settings

HANDOVERS = "10/hour"
"""How often a chat may be sent to a recruiter, each time with other words: a person reads them all."""

HANDOVERS_OF_AN_ADDRESS = "30/hour"
"""And how often over all chats of an address."""


class Limits:
    """The limits of the chat, however it is reached."""

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self._visitor = RateLimit(settings.limit_visitor, storage, "visitor")
        self._address = RateLimit(settings.limit_address, storage, "address")
        self._sent = RateLimit(HANDOVERS, storage, "sent")
        self._sent_by = RateLimit(HANDOVERS_OF_AN_ADDRESS, storage, "sent by")
        self._forgotten = RateLimit(settings.limit_address, storage, "forgotten")

    def ask(self, visitor: str, address: str) -> int:
        """Count a question; 0 where it may be asked, else the seconds to wait.

        `visitor`: id of the conversation; `address`: where the request came from, "" where that is not known.
        """
        return self._visitor.hit(visitor) or (self._address.hit(network(address)) if address else 0)

    def send(self, visitor: str, address: str) -> int:
        """Count a transcript that is to be sent to a recruiter; 0, or the seconds to wait."""
        return self._sent.hit(visitor) or (self._sent_by.hit(network(address)) if address else 0)

    def forget(self, address: str) -> int:
        """Count a chat that is to be deleted, as each leaves its id behind; 0, or the seconds to wait."""
        return self._forgotten.hit(network(address)) if address else 0


def network(address: str) -> str:
    """What counts as one address: whoever has an IPv6 address has all of its /64 (RFC 6177)."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or f"{IPv6Address(int(found) >> 64 << 64)}/64")
    return str(found)
