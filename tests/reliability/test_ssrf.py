"""`voice_url` is no door into the network behind the server, whatever the address, the resolver or the far server do.

No test here leaves this machine: names and public addresses are those of a small internet of our own.
"""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from hostile import PATIENCE, memory, told, watched_memory
from support.server import RunningServer, run_server

from tts_server.errors import InvalidRequest, TooLarge, TTSError
from tts_server.voices.fetch import MAX_REDIRECTS, FetchLimits, fetch

PUBLIC, OTHER_PUBLIC = "93.184.215.14", "1.1.1.1"
RESOLVE, CONNECT = socket.getaddrinfo, socket.create_connection
Respond = Callable[[socket.socket, bytes], None]


class Internet:
    """Names with the answers that a resolver gives one after the other, and servers behind public addresses."""

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {"public.example": [[PUBLIC]], "inner.example": [["127.0.0.1"]], "v6.example": [["::1"]]}
        self.sites: dict[str, int] = {}
        self.asked: list[str] = []
        self.connected: list[str] = []

    def resolve(self, host: Any, port: Any, *rest: Any, **options: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        if name in ("127.0.0.1", "localhost", None) and not options.get("type"):
            return RESOLVE(host, port, *rest, **options)
        self.asked.append(name)
        with contextlib.suppress(OSError):
            return [self._answer(socket.inet_ntoa(socket.inet_aton(name)), port)]  # as C libraries read numbers
        with contextlib.suppress(OSError):
            socket.inet_pton(socket.AF_INET6, name.partition("%")[0])
            return [self._answer(name, port)]
        name = name.encode("idna").decode().rstrip(".")
        with contextlib.suppress(OSError):
            return [self._answer(socket.inet_ntoa(socket.inet_aton(name)), port)]
        if name == "localhost" or name.endswith(".localhost"):
            return [self._answer("127.0.0.1", port)]
        if name not in self.names:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        answers = self.names[name]
        return [self._answer(address, port) for address in (answers.pop(0) if len(answers) > 1 else answers[0])]

    def connect(self, address: Any, timeout: Any = None, *rest: Any, **options: Any) -> socket.socket:
        self.connected.append(address[0])
        if address[0] in self.sites:
            return CONNECT(("127.0.0.1", self.sites[address[0]]), timeout)
        if address[0] == "127.0.0.1":
            return CONNECT(address, timeout)
        raise OSError("out of reach")

    @staticmethod
    def _answer(address: str, port: Any) -> Any:
        return (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    net = Internet()
    monkeypatch.setattr(socket, "getaddrinfo", net.resolve)
    monkeypatch.setattr(socket, "create_connection", net.connect)
    return net


@contextlib.contextmanager
def site(respond: Respond) -> Iterator[int]:
    """A server on a free port that reads a request's head and lets `respond` do what it likes with the connection."""
    is_over = threading.Event()

    def talk(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(PATIENCE)
            head = b""
            while b"\r\n\r\n" not in head and (data := connection.recv(4096)):
                head += data
            respond(connection, head)

    def serve() -> None:
        while not is_over.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=talk, args=(connection,)))
                threads[-1].start()

    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        server = threading.Thread(target=serve)
        server.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            is_over.set()
            server.join()
            for thread in threads:
                thread.join(PATIENCE)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """It may use plain http, so that what is refused is refused for where it leads."""
    with run_server(voice_url_allow_http=True) as running:
        yield running


def saying(status: str, headers: str = "", body: bytes = b"") -> Respond:
    def respond(connection: socket.socket, _: bytes) -> None:
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)

    return respond


def limits(**changes: Any) -> FetchLimits:
    return FetchLimits(**{"max_bytes": 100_000, "seconds": 10.0, "allow_http": True, **changes})


INSIDE = [
    "http://127.0.0.1/", "http://127.1/", "http://0/", "http://0.0.0.0/", "http://2130706433/", "http://017700000001/",
    "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://127.0.0.1.:80/", "http://localhost/", "http://a.localhost/",
    "http://inner.example/", "http://v6.example/", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/", "http://[::ffff:0:127.0.0.1]/", "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/", "http://[2002:7f00:1::]/", "http://[2001:0:7f00:1::]/", "http://[fe80::1]/", "http://[fe80::1%25lo]/",
    "http://[fd00:ec2::254]/", "http://[fec0::1]/", "http://[5f00::1]/", "http://10.0.0.1/", "http://172.31.255.255/",
    "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/", "http://100.100.100.200/", "http://192.0.0.192/",
    "http://168.63.129.16/", "http://3232235777/", "http://127。0。0。1/", "http://①②⑦.0.0.1/", "http://ｌocalhost/", "http://LOCALHOST/",
    "http://localhost:22/", "http://224.0.0.1/", "http://255.255.255.255/", "http://[ff02::1]/",
]  # fmt: skip
MALFORMED = [
    "", "x", "//127.0.0.1/", "http:127.0.0.1", "http:///127.0.0.1/", "https://", "http://?", "http://#", "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd", "ftp://public.example/", "gopher://public.example:70/_x", "data:audio/wav;base64,UklGRg==",
    "jar:http://public.example!/", "dict://public.example/", "netdoc:///etc/passwd", "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/", "ldap://public.example/", "s3://bucket/key", "http://user@public.example/",
    "http://user:word@127.0.0.1/", "http://public.example@127.0.0.1/", "http://@public.example/", "http://127.0.0.1:80@public.example/",
    "http://public.example:99999/", "http://public.example:-1/", "http://public.example:8o/", "http://public.example\\@127.0.0.1/",
    "http://[/", "http://[::1/", "http://[v1.x]/", "http://" + "a" * 300 + ".example/", "http://a..example/", "http://\ud800.example/",
    "http://public.example/\r\nX-Injected: 1", "http://public.example/a b\x01", "http://public.example /", "http://nobody.example/",
]  # fmt: skip


@pytest.mark.parametrize("url", INSIDE)
def test_an_address_inside_is_refused_before_any_connection(internet: Internet, url: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        fetch(url, limits())
    assert refusal.value.param == "voice_url"
    assert internet.connected == []


@pytest.mark.parametrize("url", MALFORMED)
def test_an_address_of_another_kind_or_with_tricks_reaches_nothing_inside(internet: Internet, url: str) -> None:
    with site(saying("404 Not Found")) as port:
        internet.sites[PUBLIC] = port
        with pytest.raises(InvalidRequest):
            fetch(url, limits())
    assert set(internet.connected) <= {PUBLIC}


def test_the_server_answers_each_of_them_with_a_400_in_words(server: RunningServer, internet: Internet) -> None:
    assert len(INSIDE + MALFORMED) > 60
    for url in INSIDE + MALFORMED[1:]:
        reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": "Hi.", "voice_url": url}, timeout=PATIENCE)
        error = told(reply)
        assert (reply.status_code, error["param"], bool(error["message"])) == (400, "voice_url", True), url
    # What lies inside is not told apart: neither a port that answers from one that does not, nor a name from none.
    assert len({told_of(server, f"http://127.0.0.1:{port}/") for port in (1, server.port)}) == 1


def told_of(server: RunningServer, url: str) -> str:
    reply = requests.post(f"{server.url}/v1/audio/speech", json={"input": "Hi.", "voice_url": url}, timeout=PATIENCE)
    return str(told(reply)["message"])


LOCATIONS = [
    "http://127.0.0.1:{port}/", "//127.0.0.1:{port}/", "http://inner.example:{port}/", "http://[::1]:{port}/", "http://169.254.169.254/",
    "http://2130706433:{port}/", "file:///etc/passwd", "ftp://public.example/", "data:audio/wav,x", "http://u:p@public.example/",
    "http://[", "http://public.example:99999/", "", "http://nobody.example/",
]  # fmt: skip


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_redirect_leads_nowhere_else_either(internet: Internet, location: str) -> None:
    seen: list[bytes] = []

    def inner(connection: socket.socket, head: bytes) -> None:
        seen.append(head)
        saying("200 OK", body=b"the crown jewels")(connection, head)

    with site(inner) as inside, site(saying("302 Found", f"Location: {location.format(port=inside)}\r\n")) as outside:
        internet.sites[PUBLIC] = outside
        with pytest.raises(InvalidRequest) as refusal:
            fetch("http://public.example/", limits())
    assert seen == []
    assert "jewels" not in refusal.value.message
    assert internet.connected == [PUBLIC]


def test_plain_http_is_not_reached_by_a_redirect_from_https(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    with site(saying("302 Found", "Location: http://public.example/next\r\n")) as port:
        internet.sites[PUBLIC] = port
        monkeypatch.setattr("tts_server.voices.fetch._with_tls", lambda sock, _: sock)
        with pytest.raises(InvalidRequest, match="only https"):
            fetch("https://public.example/", limits(allow_http=False))
    assert internet.connected == [PUBLIC]


@pytest.mark.parametrize("redirects", [0, 1, MAX_REDIRECTS, MAX_REDIRECTS + 1, 50])
def test_a_chain_of_redirects_has_an_end(internet: Internet, redirects: int) -> None:
    def respond(connection: socket.socket, head: bytes) -> None:
        step = int(head.split(b" ")[1].strip(b"/") or 0)
        found = saying("200 OK", body=b"sound") if step == redirects else saying("307 Temporary Redirect", f"Location: /{step + 1}\r\n")
        found(connection, head)

    with site(respond) as port:
        internet.sites[PUBLIC] = port
        if redirects <= MAX_REDIRECTS:
            assert fetch("http://public.example/", limits()) == b"sound"
        else:
            with pytest.raises(InvalidRequest, match="redirects more than"):
                fetch("http://public.example/", limits())
    assert len(internet.connected) == min(redirects, MAX_REDIRECTS) + 1


def test_a_name_that_changes_its_answer_gains_nothing(internet: Internet) -> None:
    """The classic: public when it is checked, private when it is connected to."""
    internet.names["rebinding.example"] = [[PUBLIC], ["127.0.0.1"]]
    with site(saying("200 OK", body=b"sound")) as port:
        internet.sites[PUBLIC] = port
        assert fetch(f"http://rebinding.example:{port}/", limits()) == b"sound"
    assert internet.asked == ["rebinding.example"]
    assert internet.connected == [PUBLIC]


def test_a_name_that_changes_its_answer_between_two_hops_is_refused(internet: Internet) -> None:
    internet.names["rebinding.example"] = [[PUBLIC], ["127.0.0.1"]]
    with site(saying("302 Found", "Location: /again\r\n")) as port:
        internet.sites[PUBLIC] = port
        with pytest.raises(InvalidRequest, match="public internet"):
            fetch(f"http://rebinding.example:{port}/", limits())
    assert internet.connected == [PUBLIC]


@pytest.mark.parametrize("answers", [["127.0.0.1", PUBLIC], [PUBLIC, "::1"], [PUBLIC, OTHER_PUBLIC, "10.0.0.1"]])
def test_a_name_with_one_address_inside_is_refused_whichever_comes_first(internet: Internet, answers: list[str]) -> None:
    internet.names["mixed.example"] = [answers]
    with pytest.raises(InvalidRequest, match="public internet"):
        fetch("http://mixed.example/", limits())
    assert internet.connected == []


def test_a_public_address_of_this_very_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    monkeypatch.setattr("tts_server.voices.fetch.is_public", lambda _: True)
    with site(lambda _, head: seen.append(head) if head else None) as port, pytest.raises(InvalidRequest, match="this machine"):
        fetch(f"http://127.0.0.1:{port}/", limits())
    assert seen == []


def test_what_is_sent_holds_nothing_but_the_request(internet: Internet) -> None:
    seen: list[bytes] = []

    def respond(connection: socket.socket, head: bytes) -> None:
        seen.append(head)
        saying("200 OK", body=b"sound")(connection, head)

    with site(respond) as port:
        internet.sites[PUBLIC] = port
        fetch("http://public.example/a%0d%0aX-Injected:%201?b=c#d", limits())
    lines = seen[0].split(b"\r\n")
    assert lines[0] == b"GET /a%0d%0aX-Injected:%201?b=c HTTP/1.1"
    assert {line.split(b":")[0].lower() for line in lines[1:] if line} == {b"host", b"accept", b"accept-encoding", b"connection"}


# Servers that take what they can get


def endless(head: bytes, piece: bytes) -> Respond:
    def respond(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(piece)

    return respond


@pytest.mark.parametrize(
    ("head", "piece", "error"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 65536, TooLarge),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"a" * 65536 + b"\r\n", TooLarge),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n", b"a" * 65536, TooLarge),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", b"a" * 65536, TooLarge),
        (b"HTTP/1.1 200 OK\r\n", b"X: a\r\n", InvalidRequest),
        (b"HTTP/1.1 200 OK\r\nX: ", b"a" * 65536, InvalidRequest),
        (b"", b"a" * 65536, InvalidRequest),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", InvalidRequest),
    ],
    ids=["body", "chunks", "a length that lies", "one huge chunk", "headers", "one header", "first line", "continue"],
)
def test_a_server_that_sends_without_end_is_cut_off(internet: Internet, head: bytes, piece: bytes, error: type[TTSError]) -> None:
    with site(endless(head, piece)) as port, watched_memory() as peak:
        internet.sites[PUBLIC] = port
        before = memory()
        with pytest.raises(error):
            fetch("http://public.example/", limits(seconds=1.0))
    assert peak.own - before < 500 * 2**20


def test_a_server_that_never_ends_its_greeting_of_tls_is_cut_off(internet: Internet) -> None:
    """A record of 16,000 bytes that arrives one byte at a time: each read is in time, the whole never is."""
    is_over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(4096)
            connection.sendall(b"\x16\x03\x03\x3f\x00")
            while not is_over.wait(0.05):
                connection.sendall(b"\x02")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        internet.sites[PUBLIC] = int(listener.getsockname()[1])
        thread = threading.Thread(target=serve)
        thread.start()
        caught: list[TTSError | None] = []
        client = threading.Thread(target=lambda: caught.append(error_of("https://public.example/", limits(seconds=0.5))))
        client.start()
        client.join(PATIENCE / 4)
        is_late = client.is_alive()
        is_over.set()
        thread.join()
        client.join()
    assert not is_late
    assert isinstance(caught[0], InvalidRequest)


def error_of(url: str, bounds: FetchLimits) -> TTSError | None:
    try:
        fetch(url, bounds)
    except TTSError as error:
        return error
    return None


def test_a_resolver_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = threading.Event()

    def resolve(*_: Any, **__: Any) -> list[Any]:
        is_over.wait(PATIENCE)
        raise socket.gaierror(socket.EAI_AGAIN, "late")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    begun = time.monotonic()
    try:
        with pytest.raises(InvalidRequest, match="could not be fetched"):
            fetch("https://slow.example/", limits(seconds=0.3))
        assert time.monotonic() - begun < PATIENCE / 2
    finally:
        is_over.set()


def test_a_body_that_is_packed_is_not_unpacked(server: RunningServer, internet: Internet) -> None:
    packed = gzip.compress(bytes(120 * 2**20), 1)
    with site(saying("200 OK", "Content-Encoding: gzip\r\nContent-Type: audio/wav\r\n", packed)) as port, watched_memory() as peak:
        internet.sites[PUBLIC] = port
        before = memory()
        reply = requests.post(
            f"{server.url}/v1/audio/speech", json={"input": "Hi.", "voice_url": "http://public.example/"}, timeout=PATIENCE
        )
    assert (reply.status_code, told(reply)["param"]) == (415, "voice_url")
    assert peak.own - before < 100 * 2**20


def test_what_a_far_server_says_is_not_shown(server: RunningServer, internet: Internet) -> None:
    """Else the server would read pages for people who cannot reach them."""
    for status in ("200 OK", "401 Unauthorized", "500 Secret"):
        with site(saying(status, "X-Secret: one\r\n", b"two secrets")) as port:
            internet.sites[PUBLIC] = port
            message = told_of(server, "http://public.example/")
        assert "secret" not in message.lower()
