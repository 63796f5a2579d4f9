"""Which network addresses may be connected to: the guard stands where the connection is made.

A name is looked up once, every address it has is judged, and one of just these is connected to: a name
that answers otherwise the next time (DNS rebinding) gains nothing, nor does 127.1 written as 2130706433.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

from knowledge.errors import SourceError

_EMBEDDING_IPV4 = ipaddress.ip_network("64:ff9b::/96")  # NAT64


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, and no other's in disguise."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _EMBEDDING_IPV4:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


class GuardedTransport(httpx.HTTPTransport):
    """An httpx transport that connects to public addresses only, and each time for a limited time."""

    def __init__(self, allow_private: bool, most_seconds: float) -> None:
        super().__init__(trust_env=False)
        self._pool.close()
        self.door = _Door(allow_private, most_seconds)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(), network_backend=self.door, max_keepalive_connections=4
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request; from here on its seconds are counted."""
        self.door.begin()
        return super().handle_request(request)


class _Door(httpcore.NetworkBackend):
    """Makes connections; raises `SourceError` for an address that must not be connected to."""

    def __init__(self, allow_private: bool, most_seconds: float) -> None:
        self.allow_private = allow_private
        self.most_seconds = most_seconds
        self.until = 0.0
        self.backend = httpcore.SyncBackend()

    def begin(self) -> None:
        self.until = time.monotonic() + self.most_seconds

    def left(self, timeout: float | None) -> float:
        """Seconds that one step may still take: a server that drips bytes must not hold us for ever."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout(f"more than {self.most_seconds:.0f} seconds")
        return min(left, timeout) if timeout else left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _looked_up(host, port)
        private = [address for address in addresses if not is_public(address)]
        if private and not self.allow_private:
            raise SourceError(
                f"{host} is at {private[0]}, an address inside your network, which is not read. "
                "If it is meant, set CANDOR_ALLOW_PRIVATE_ADDRESSES=true."
            )
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                stream = self.backend.connect_tcp(address, port, self.left(timeout), local_address)
                return _Timed(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise httpcore.UnsupportedProtocol("no website is at a socket of this computer")

    def sleep(self, seconds: float) -> None:
        self.backend.sleep(seconds)


class _Timed(httpcore.NetworkStream):
    """A connection whose every step has only the seconds that its door has left."""

    def __init__(self, stream: httpcore.NetworkStream, door: _Door) -> None:
        self.stream = stream
        self.door = door

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, self.door.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, self.door.left(timeout))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self.stream.start_tls(ssl_context, server_hostname, self.door.left(timeout))
        return _Timed(secured, self.door)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def _looked_up(host: str, port: int) -> list[str]:
    """The addresses of a host, as numbers."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(f"{host} is not known ({error})") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
