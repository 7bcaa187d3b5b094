"""`voice_url` reaches the public internet and nothing else."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from tts_server.errors import InvalidRequest
from tts_server.voices.fetch import FetchLimits, fetch, is_public

PRIVATE = """127.0.0.1 127.8.8.8 0.0.0.0 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 192.0.0.1 198.18.0.1
203.0.113.9 224.0.0.1 255.255.255.255 ::1 :: fe80::1 fe80::1%eth0 fc00::1 ff02::1 ::ffff:127.0.0.1
::ffff:10.0.0.1 2002:7f00:1:: 64:ff9b::7f00:1 2001:db8::1""".split()


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public_are_known(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_known(address):
    assert is_public(address)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[tuple]:
    """Let every name resolve to `addresses`; returns the list of connections that are tried."""
    tried: list[tuple] = []

    def connect(address, timeout=None):
        tried.append(address)
        raise OSError("no network in this test")

    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    monkeypatch.setattr(socket, "create_connection", connect)
    return tried


def test_a_name_that_leads_inside_is_refused_before_any_connection(monkeypatch):
    tried = resolve_to(monkeypatch, "10.1.2.3")
    with pytest.raises(InvalidRequest, match="public"):
        fetch("https://innocent.example/voice.wav", FetchLimits(1000))
    assert tried == []


def test_one_inner_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    tried = resolve_to(monkeypatch, "1.1.1.1", "127.0.0.1")
    with pytest.raises(InvalidRequest, match="public"):
        fetch("https://innocent.example/voice.wav", FetchLimits(1000))
    assert tried == []


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    tried = resolve_to(monkeypatch, "1.1.1.1")
    with pytest.raises(InvalidRequest):
        fetch("https://rebinding.example/voice.wav", FetchLimits(1000))
    assert tried == [("1.1.1.1", 443)]


@pytest.mark.parametrize(
    "url", ["http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https://", "https://u:p@example.com/", "nothing", ""]
)
def test_addresses_of_another_kind_are_refused(url, monkeypatch):
    tried = resolve_to(monkeypatch, "1.1.1.1")
    with pytest.raises(InvalidRequest):
        fetch(url, FetchLimits(1000))
    assert tried == []


@pytest.mark.parametrize("trickle", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"], ids=["head", "body"])
def test_a_server_that_trickles_is_cut_off(trickle):
    """It sends a byte every now and then for ever, so each read by itself is in time."""
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(4096)
            connection.sendall(trickle)
            while not done.wait(0.05):
                connection.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/voice.wav"
        try:
            with pytest.raises(InvalidRequest, match="could not be fetched"):
                fetch(url, FetchLimits(1000, seconds=0.5, allow_http=True, allow_private=True))
        finally:
            done.set()
            thread.join()


def test_of_several_addresses_each_is_tried_in_the_resolvers_order(monkeypatch):
    tried = resolve_to(monkeypatch, "1.1.1.1", "8.8.8.8", "1.0.0.1")
    with pytest.raises(InvalidRequest):
        fetch("https://several.example/voice.wav", FetchLimits(1000))
    assert [address for address, _ in tried] == ["1.1.1.1", "8.8.8.8", "1.0.0.1"]
