"""How often a visitor, and an address, may ask, and have chats deleted."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from limits.storage import Storage

from knowledge.rates import RateLimit
from knowledge.settings import Settings


class Limits:
    """The limits of the chat, however it is reached."""

    def __init__(self, settings: Settings, storage: Storage) -> None:
        self._visitor = RateLimit(settings.limit_visitor, storage, "visitor")
        self._address = RateLimit(settings.limit_address, storage, "address")
        self._forgotten = RateLimit(settings.limit_address, storage, "forgotten")

    def ask(self, visitor: str, address: str) -> int:
        """Count a question; 0 where it may be asked, else the seconds to wait.

        `visitor`: id of the conversation; `address`: where the request came from, "" where that is not known.
        """
        return self._visitor.hit(visitor) or (self._address.hit(network(address)) if address else 0)

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
