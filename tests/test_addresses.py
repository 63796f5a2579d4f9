import socket

import pytest

from knowledge.addresses import is_public
from knowledge.errors import SourceError
from knowledge.web import Web

PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_inside_a_network_are_not_public_in_any_disguise(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0",
    ],
)
def test_an_address_inside_is_refused_however_it_is_written(host: str) -> None:
    # Something does listen there: only the guard keeps it from being asked.
    family = socket.AF_INET6 if host == "[::1]" else socket.AF_INET
    with socket.create_server(("::1" if host == "[::1]" else "127.0.0.1", 0), family=family) as server:
        server.settimeout(0)
        url = f"http://{host}:{server.getsockname()[1]}/"
        with Web() as web, pytest.raises(SourceError, match=r"inside your network.*CANDOR_ALLOW|not a web"):
            web.get(url)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The name server is the attacker's; what is asked of it is counted, and the last answer is what counts.
    answers = iter(["93.184.215.14", "127.0.0.1"])
    asked: list[str] = []

    def looked_up(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(next(answers))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (asked[-1], port))]

    connected: list[str] = []

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    with Web() as web, pytest.raises(SourceError):
        web.get("http://rebinding.example/")
    with Web() as web, pytest.raises(SourceError, match=r"127\.0\.0\.1, an address inside"):
        web.get("http://rebinding.example/")
    assert connected == ["93.184.215.14"] and asked == ["93.184.215.14", "127.0.0.1"]
