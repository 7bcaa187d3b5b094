"""Origins of web pages, as browsers write them in the header Origin."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

ANY = "*"
NOBODY = "null"
"""The origin of pages without one, such as files that a browser opens from the disk."""

DEFAULT_PORTS = {"http": 80, "https": 443}
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


def parse_origin(text: str) -> str:
    """The origin that `text` names, in the form that browsers send; raises ValueError where no browser could ever send it.

    The message says why, and what to write instead where that is known.
    """
    text = text.strip()
    if text in (ANY, NOBODY):
        return text
    if re.search(r"\s", text):
        raise ValueError(f"{text!r} holds a blank; separate origins by commas: {', '.join(text.split())}")
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise ValueError(f"{text!r} has no scheme; write http://{text.rstrip('/')} or https://{text.rstrip('/')}")
    if not SCHEME.fullmatch(scheme):
        raise ValueError(f"{text!r} does not begin with a scheme such as https")
    if ANY in rest:
        raise ValueError(f"{text!r} has a wildcard, and browsers send none; list each origin, or write * alone for any")
    host_and_port = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if host_and_port != rest:
        raise ValueError(f"{text!r} goes on after the host, and an origin ends there; write {scheme}://{host_and_port}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is not an origin such as https://example.com:8443") from error
    if "@" in rest:
        raise ValueError(f"{text!r} holds a user name, and browsers send none; write {scheme}://{rest.rpartition('@')[2]}")
    host = host_and_port if port is None else host_and_port.rpartition(":")[0]
    host = host.rstrip(":") if not host.endswith("]") else host
    host = _ascii(host, text)
    if not HOST.fullmatch(host):
        raise ValueError(f"{text!r} is not an origin such as https://example.com:8443")
    scheme = scheme.lower()
    if port is not None and DEFAULT_PORTS.get(scheme) == port:
        raise ValueError(f"{text!r} names the usual port, which browsers leave out; write {scheme}://{host.lower()}")
    return f"{scheme}://{host.lower()}" + (f":{port}" if port is not None else "")


def _ascii(host: str, text: str) -> str:
    """A host name as it is sent: letters beyond ASCII in their encoded form."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError(f"{text!r} is not an origin such as https://example.com:8443") from error
