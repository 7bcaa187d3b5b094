"""A server listens on every address that its host means, with one port."""

from __future__ import annotations

import errno
import socket

import pytest
import requests
from support.server import run_server

from tts_server.server.addresses import find_addresses, listen_on_all
from tts_server.server.server import PortInUse


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@needs_ipv6
@pytest.mark.parametrize("host", ["::", "localhost", "LOCALHOST"])
def test_both_families_reach_a_server_that_listens_on_both(host):
    with run_server(host=host) as server:
        for address in ("127.0.0.1", "[::1]"):
            reply = requests.post(f"http://{address}:{server.port}/v1/audio/speech", json={"input": "Hello."}, timeout=30)
            assert (reply.status_code, reply.content[:3] != b"") == (200, True)
        assert requests.get(f"{server.url}/health", timeout=10).json()["metrics"]["total_completed"] == 2
        port = server.port
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as sock, pytest.raises(ConnectionRefusedError):
            sock.connect((address, port))


@needs_ipv6
@pytest.mark.parametrize(("host", "address"), [("127.0.0.1", "::1"), ("::1", "127.0.0.1")])
def test_a_single_address_is_the_only_one(host, address):
    with run_server(host=host) as server, pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, server.port), timeout=10).close()


@needs_ipv6
def test_the_clients_of_both_families_are_known_by_plain_addresses():
    """The count of connections for an IPv4 address is the same whichever socket accepts them."""
    with run_server(host="::", rate_limit="1/hour") as server:
        speech = f"http://127.0.0.1:{server.port}/v1/audio/speech"
        assert [requests.post(speech, json={"input": "Hi."}, timeout=30).status_code for _ in range(2)] == [200, 429]
        assert requests.post(f"http://[::1]:{server.port}/v1/audio/speech", json={"input": "Hi."}, timeout=30).status_code == 200


@needs_ipv6
def test_a_port_that_is_taken_on_one_of_the_addresses_is_in_use():
    with socket.socket(socket.AF_INET6) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(("::1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        with pytest.raises(PortInUse, match=str(port)), run_server(host="localhost", port=port):
            pass
        with socket.socket() as other:  # nothing is left open on the other address
            other.bind(("127.0.0.1", port))


def test_a_name_with_several_addresses_means_all_of_them(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert find_addresses("several.example", 80) == ["192.0.2.1", "192.0.2.2"]


class Opened:
    """A listener on one machine, of which `missing` are no addresses; `taken` are ports that another program has on further addresses."""

    missing: dict[str, int] = {}
    taken: set[int] = set()
    next_port = 50_000
    closed: list[int] = []

    def __init__(self, address: str, port: int) -> None:
        self.addresses: list[str] = []
        self.port = port
        if not port:
            Opened.next_port += 1
            self.port = Opened.next_port
        self._add(address)

    def _add(self, address: str) -> None:
        if address in self.missing:
            raise OSError(self.missing[address], "missing")
        self.addresses.append(address)

    def listen_on(self, address: str) -> None:
        if self.port in self.taken:
            raise OSError(errno.EADDRINUSE, "taken")
        self._add(address)

    def close(self) -> None:
        self.closed.append(self.port)


@pytest.mark.parametrize("number", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_addresses_that_the_machine_lacks_are_left_out(monkeypatch, number):
    monkeypatch.setattr(Opened, "missing", {"::1": number})
    assert listen_on_all(Opened, ["127.0.0.1", "::1"], 80).addresses == ["127.0.0.1"]
    assert listen_on_all(Opened, ["::1", "127.0.0.1"], 80).addresses == ["127.0.0.1"]
    with pytest.raises(OSError, match="missing"):
        listen_on_all(Opened, ["::1"], 80)


def test_a_free_port_is_one_that_is_free_on_all_addresses(monkeypatch):
    monkeypatch.setattr(Opened, "taken", {Opened.next_port + 1, Opened.next_port + 2})
    monkeypatch.setattr(Opened, "closed", [])
    opened = listen_on_all(Opened, ["127.0.0.1", "::1"], 0)
    assert opened.port not in Opened.taken
    assert set(Opened.closed) == Opened.taken
    assert opened.addresses == ["127.0.0.1", "::1"]
