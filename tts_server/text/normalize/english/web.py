"""Addresses: URLs said briefly by their host, e-mail addresses, IP addresses, file names, paths, @names."""

from __future__ import annotations

import re

from tts_server.text.normalize.english.draft import Draft, followed_by, word_before
from tts_server.text.normalize.english.initialisms import is_pronounceable, spell
from tts_server.text.normalize.english.numbers import cardinal, digits, integer, pairs
from tts_server.text.normalize.english.patterns import one_of

_TLDS = (
    "com org net edu gov mil int info biz io ai co me tv app dev ly gg xyz site online shop blog tech store "
    "cloud pro name museum eu us uk ca au "
    "de fr es it nl be ch at se no dk fi pl pt br mx ar cl jp cn kr in ru ua cz hu gr tr za nz ie il sg hk tw id th vn ph my"
).split()
_SAID_TLDS = frozenset("com org net gov mil info biz app dev site online shop blog tech store cloud pro name museum co me".split())
_SPELLED_EXTENSIONS = frozenset(
    """
    pdf txt html htm css js ts py md csv xml mp3 mp4 mkv avi mov png svg bmp tif psd doc docx xls xlsx ppt pptx rtf odt ods epub mobi
    exe dll dmg iso rpm deb apk jar tar gz bz2 xz 7z rar cpp hpp rs rb php sh bat ps1 sql db ini cfg conf log yml tsx jsx vue tex m4a
    m4b wav
    flac ogg aac wma webm webp heic raw ico ttf otf cs go kt vb ipynb lock toml
    """.split()
)
_SAID_EXTENSIONS = {
    "zip": "zip", "gif": "gif", "jpeg": "jpeg", "jpg": "J peg", "json": "json", "yaml": "yaml", "toml": "toml", "log": "log",
    "lock": "lock",
    "wav": "wave", "java": "java", "swift": "swift", "tar": "tar", "jar": "jar", "raw": "raw", "bat": "bat", "tex": "tex", "go": "go",
    "vue": "vue", "iso": "I S O", "doc": "doc", "conf": "conf", "txt": "T X T", "rar": "rar", "bin": "bin", "dat": "dat",
    "bak": "bak", "tmp": "temp",
    "flac": "flac", "ini": "ini",
}  # fmt: skip
_EXTENSION = one_of(_SPELLED_EXTENSIONS | _SAID_EXTENSIONS.keys())
_TLD = one_of(_TLDS)
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9-]{1,63}){0,8}"
_URL = re.compile(
    rf"(?<![\w@])(?:[a-zA-Z][a-zA-Z+.-]{{1,10}}://)(?:[^\s/@:]{{1,64}}(?::[^\s/@]{{0,64}})?@)?(?P<host>{_HOST})"
    rf"(?P<port>:[0-9]{{1,5}})?(?P<rest>[/?#][^\s<>\"'“”‘’`\ufffc]*)?"
)
_MAIL = re.compile(
    r"(?<![\w.+@-])(?:mailto:)?(?P<local>[A-Za-z0-9_](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_])?)@"
    r"(?P<host>[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6})(?![\w@])"
)
_DOMAIN = re.compile(
    rf"(?<![\w@./-])(?P<host>www\.{_HOST}|(?:[A-Za-z0-9-]{{1,63}}\.){{1,5}}(?:{_TLD}))(?P<port>:[0-9]{{1,5}})?"
    rf"(?P<rest>/[^\s<>\"'“”‘’`\ufffc]*)?(?![\w@-])",
    re.IGNORECASE,
)
_IP = re.compile(r"(?<![\w.])(?P<ip>[0-9]{1,3}(?:\.[0-9]{1,3}){3})(?P<port>:[0-9]{1,5})?(?P<mask>/[0-9]{1,2})?(?![\w]|\.[0-9])")
_INNER_DOT = re.compile(r"\.(?:[A-Za-z]|7[zZ])")
_BEFORE_POINT = followed_by(".")
_FILE = re.compile(
    rf"(?<![\w@.])(?P<stem>[A-Za-z0-9_][\w-]{{0,60}}(?:\.[\w-]{{1,20}}){{0,2}})\.(?P<extension>{_EXTENSION})(?![\w]|\.[\w])", re.IGNORECASE
)
_STAR_FILE = re.compile(rf"(?<![\w@])\*?\.(?P<extension>{_EXTENSION})(?![\w.])")
_DOT_NAME = re.compile(r"(?<![\w])\.(?P<name>[A-Za-z][A-Za-z]{1,14})(?![\w]|\.[\w])")
_TECH_DOT = re.compile(r"(?<![\w@.])(?P<stem>[A-Z][A-Za-z]{1,20})\.(?P<end>js|io|ai|NET|net|com|JS|py|jl|rs|ts)(?![\w])")
_UNIX_PATH = re.compile(
    r"(?<![\w/:.~)])(?P<path>~?(?:/[A-Za-z0-9_.@+-]{1,64}){2,16}/?|~/[A-Za-z0-9_.-]{0,64}|/(?:etc|usr|var|tmp"
    r"|home|bin|opt|dev|proc|root|api|v1)(?:/[A-Za-z0-9_.-]{1,64}){0,8}/?)(?![\w])"
)
_WINDOWS_PATH = re.compile(
    r"(?<![\w])(?P<drive>[A-Z]):\\(?P<path>(?:[\w.$()-]{1,64}(?: [\w.$()-]{1,32}){0,3}\\){0,16}"
    r"(?:[\w$-]{1,64}(?:\.[\w$-]{1,32}){0,4})?)"
)
_HANDLE = re.compile(r"(?<![\w@./])@(?P<name>[A-Za-z_][\w]{0,40}(?:\.[\w]{1,20}){0,2})")
_HASHTAG = re.compile(r"(?<![\w&#])#(?P<name>[^\W\d][\w]{0,60})")
_NUMBERED_NAME = re.compile(r"-[A-Za-z-]{0,12}[0-9]")
_HEX_COLOR = re.compile("[0-9A-Fa-f]{6}|[0-9A-Fa-f]{3}")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^\W\d_]+|[._+%-]")
_SIGNS = {".": "dot", "_": "underscore", "-": "dash", "+": "plus", "%": "percent"}


def find_addresses(draft: Draft) -> None:
    """Find URLs, e-mail and IP addresses, file names, paths, @names and hashtags."""
    text = draft.text
    if "@" in text:
        for mail in _MAIL.finditer(text):
            draft.add(mail.start(), mail.end(), f"{_said(mail['local'])} at {_host(mail['host'])}", "email")
    if "://" in text:
        for url in _URL.finditer(text):
            end = url.end() - len(_trailing(url["rest"] or ""))
            host = url["host"].rstrip(".-")
            end = end if url["rest"] or url["port"] else url.start("host") + len(host)
            draft.add(url.start(), end, _ip(host) if host.replace(".", "").isdigit() else _host(host), "url")
    if "\\" in text:
        for path in _WINDOWS_PATH.finditer(text):
            words = " backslash ".join(_said(part) for part in path["path"].split("\\") if part.strip())
            draft.add(path.start(), path.end(), f"{path['drive']} colon backslash {words}".strip(), "url")
    if "." in text or "/" in text:
        for ip in draft.find_at_numbers(_IP, after=_BEFORE_POINT):
            if all(int(part) < 256 for part in ip["ip"].split(".")):
                port = f" port {pairs(ip['port'][1:])}" if ip["port"] else ""
                mask = f" slash {cardinal(int(ip['mask'][1:]))}" if ip["mask"] else ""
                draft.add(ip.start(), ip.end(), _ip(ip["ip"]) + port + mask, "digits")
        has_inner_dot = _INNER_DOT.search(text) is not None
        for domain in _DOMAIN.finditer(text) if has_inner_dot else ():
            _add_domain(draft, domain)
        for path in _UNIX_PATH.finditer(text) if "/" in text else ():
            _add_path(draft, path)
        if has_inner_dot:
            _find_files(draft)
    for handle in _HANDLE.finditer(text) if "@" in text else ():
        draft.add(handle.start(), handle.end(), f"at {_said(handle['name'])}", "symbol")
    for hashtag in _HASHTAG.finditer(text) if "#" in text else ():
        if _HEX_COLOR.fullmatch(hashtag["name"]) and any(map(str.isdigit, hashtag["name"])):
            continue
        if _NUMBERED_NAME.match(text, hashtag.end()):  # "#INV-2024-0098"
            draft.add(hashtag.start(), hashtag.start() + 1, "number ", "symbol")
            continue
        draft.add(hashtag.start(), hashtag.end(), f"hashtag {_tag(hashtag['name'])}", "symbol")


def _trailing(rest: str) -> str:
    """The punctuation at the end of an address that belongs to the sentence."""
    return rest[len(rest.rstrip(".,;:!?)]}…*")) :]


def _add_domain(draft: Draft, found: re.Match[str]) -> None:
    host, rest = found["host"], found["rest"] or ""
    labels = host.lower().split(".")
    last = labels[-1]
    if labels[0] != "www" and not rest and not found["port"]:
        if last not in (
            "com",
            "org",
            "net",
            "edu",
            "gov",
            "io",
            "ai",
            "co",
            "uk",
            "de",
            "info",
            "tv",
            "app",
            "dev",
            "eu",
            "fr",
            "ly",
            "gg",
            "biz",
            "xyz",
            "ca",
            "au",
            "ch",
            "jp",
        ):
            return
        if not any(map(str.isalpha, host.rpartition(".")[0])):
            return
        if host.rpartition(".")[2][0].isupper() and not host.isupper():
            return  # "end.In": a missing space
    draft.add(found.start(), found.end() - len(_trailing(rest)), _host(host), "url")


def _host(host: str) -> str:
    """The name of a server without "www", its dots said."""
    labels = host.split(".")
    if len(labels) > 2 and labels[0].lower() == "www":
        labels = labels[1:]
    last = labels[-1].lower()
    words = [_said(label) for label in labels[:-1]]
    is_said = last in _SAID_TLDS or len(last) > 3 or not last.isalpha()
    said_last = _said(last) if is_said else spell(last.upper())
    return " dot ".join([*words, said_last])


def _ip(address: str) -> str:
    return " dot ".join(digits(part) if len(part) == 3 or part.startswith("0") else cardinal(int(part)) for part in address.split("."))


def _said(name: str) -> str:
    """A name in an address as words: signs by name, groups of consonants letter by letter."""
    words = []
    for part in _WORD.findall(name):
        if part in _SIGNS:
            words.append(_SIGNS[part])
        elif part.isdecimal():
            words.append(integer(part) if len(part) < 3 else pairs(part))
        elif letters := "".join(filter(str.isalpha, part)):
            words.append(_speakable(letters))
    return " ".join(words)


def _speakable(word: str) -> str:
    letters = word.upper()
    if word.lower() in (
        "etc",
        "www",
        "html",
        "api",
        "usr",
        "cgi",
        "css",
        "js",
        "php",
        "sql",
        "xml",
        "csv",
        "pdf",
        "url",
        "ip",
        "id",
        "faq",
        "ui",
    ):
        return spell(letters)
    if word.isascii() and 1 < len(word) < 6 and not any(char in "AEIOUY" for char in letters):
        return spell(letters)
    if word.isupper() and len(word) > 1 and not is_pronounceable(letters):
        return spell(letters)
    return word


def _tag(name: str) -> str:
    """A hashtag or a name with capitals inside as separate words."""
    parts = (part if part.isdecimal() else "".join(filter(str.isalpha, part)) for part in _WORD.findall(name))
    return " ".join(integer(part) if part.isdecimal() else _speakable(part) for part in parts if part)


def _add_path(draft: Draft, found: re.Match[str]) -> None:
    path = found["path"]
    trailing = path[len(path.rstrip(".,;")) :]
    path = path[: len(path) - len(trailing)]
    if re.fullmatch(r"(?:/[0-9]{1,4}){1,4}", path):
        return
    words = []
    if path.startswith("~"):
        words.append("tilde")
    for part in path.lstrip("~").split("/")[1:]:
        words.append("slash")
        if part:
            words.append(_file_name(part))
    draft.add(found.start(), found.end() - len(trailing), " ".join(words), "url")


def _file_name(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    if dot and stem and extension.lower() in _SPELLED_EXTENSIONS | _SAID_EXTENSIONS.keys():
        return f"{_said(stem)} dot {_extension(extension)}"
    return _said(name)


def _extension(extension: str) -> str:
    low = extension.lower()
    if low in _SAID_EXTENSIONS:
        return _SAID_EXTENSIONS[low]
    return " ".join(digits(char) if char.isdigit() else char.upper() for char in low)


def _find_files(draft: Draft) -> None:
    text = draft.text
    for found in _TECH_DOT.finditer(text):
        end = found["end"]
        draft.add(
            found.start(),
            found.end(),
            f"{_speakable(found['stem'])} dot {end.lower() if end.lower() in ('net', 'com') else spell(end.upper())}",
            "url",
        )
    for found in _FILE.finditer(text):
        stem, extension = found["stem"], found["extension"]
        if extension[0].isupper() and not extension.isupper():
            continue  # "end.Go": a missing space
        if (
            extension in ("go", "log", "lock", "raw", "doc", "java", "swift", "name", "bat", "tar", "jar", "conf", "me", "bin")
            and stem[0].isupper()
            and word_before(text, found.start()) == ""
        ):
            continue
        draft.add(found.start(), found.end(), f"{_said(stem)} dot {_extension(extension)}", "url")
    for found in _STAR_FILE.finditer(text):
        star = "star " if found[0][0] == "*" else ""
        draft.add(found.start(), found.end(), f"{star}dot {_extension(found['extension'])}", "url")
    for found in _DOT_NAME.finditer(text):
        name = found["name"]
        words = "net" if name == "NET" else _speakable(name)
        if text[found.start() - 1 : found.start()] not in (".",):
            draft.add(found.start(), found.end(), f"dot {words}", "url")
