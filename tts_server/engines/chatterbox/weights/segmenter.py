"""The model of the Chinese word segmenter: 35 MB that the multilingual models were trained with, apart from their own files. No torch here.

The package `spacy_pkuseg` would download it into `PKUSEG_HOME` when it is constructed, without a time limit and even where downloads are
disabled. Here it is searched there and in the cache of the Hugging Face hub, and downloaded into the latter.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from tts_server.engines.chatterbox.failures import DownloadFailed
from tts_server.engines.chatterbox.weights.repository_cache import hub_folder, locked
from tts_server.engines.chatterbox.weights.transfer import CHUNK_BYTES, Connection, RemoteFile, download_file

log = logging.getLogger(__name__)

OWNER = "The Chinese word segmenter"
FOLDER = "spacy_ontonotes"
ADVICE = "A mirror can be named by SEGMENTER_URL, and a folder that has its model by PKUSEG_HOME."


@dataclass(frozen=True)
class SegmenterArchive:
    """The published ZIP archive. `members` maps the files to unpack to their sha256; other members are ignored."""

    url: str = "https://github.com/explosion/spacy-pkuseg/releases/download/v0.0.26/spacy_ontonotes.zip"
    sha256: str = "b216e7f92de7ae285aeab8feba2faa8ea8216e5995ff6fb3d391cc8356db1bfe"
    size: int = 34_567_143
    members: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType(
            {
                "features.msgpack": "fd4322482a7018b9bce9216173ae9d2848efe6d310b468bbb4383fb55c874a18",
                "weights.npz": "5ada075eb25a854f71d6e6fa4e7d55e7be0ae049255b1f8f19d05c13b1b68c9e",
            }
        )
    )


PUBLISHED = SegmenterArchive()


def find_segmenter(hf_home: Path | None = None) -> Path | None:
    """The folder of the segmenter's model; None where it is not on this machine."""
    own = Path(os.environ.get("PKUSEG_HOME") or Path.home() / ".pkuseg") / FOLDER
    for folder in (own, _cached(hf_home)):
        if all((folder / name).is_file() for name in PUBLISHED.members):
            return folder
    return None


def fetch_segmenter(hf_home: Path | None, archive: SegmenterArchive, connection: Connection, waiting: Callable[[], None]) -> Path:
    """Download the archive, check it, unpack it into the cache and return the folder.

    One process at a time does so. `waiting` is called repeatedly and may raise. Raises DownloadFailed, OSError where the cache cannot be
    written.
    """
    folder = _cached(hf_home)
    folder.parent.mkdir(parents=True, exist_ok=True)
    name = Path(urlsplit(archive.url).path).name
    remote = RemoteFile(name, archive.url, archive.sha256, archive.size)
    partial = folder.parent / f"{archive.sha256}.incomplete"
    with locked(folder.parent, waiting):
        if not all((folder / member).is_file() for member in archive.members):
            download_file(OWNER, connection, remote, partial, lambda _: waiting())
            _unpack(partial, archive, folder)
            partial.unlink(missing_ok=True)
    return folder


def _cached(hf_home: Path | None) -> Path:
    return hub_folder(hf_home).parent / "pkuseg" / FOLDER


def _unpack(path: Path, archive: SegmenterArchive, folder: Path) -> None:
    """Write the members under their published names, whatever paths the archive has, and move them once all are verified."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{FOLDER}.") as unfinished:
        try:
            with zipfile.ZipFile(path) as content:
                for name, sha256 in archive.members.items():
                    _unpack_member(content, name, sha256, Path(unfinished) / name)
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            path.unlink(missing_ok=True)
            raise DownloadFailed(OWNER, path.name, f"the archive is not the published one ({error})", ADVICE) from error
        folder.mkdir(exist_ok=True)
        for name in archive.members:
            (Path(unfinished) / name).replace(folder / name)


def _unpack_member(content: zipfile.ZipFile, name: str, sha256: str, target: Path) -> None:
    digest = hashlib.sha256()
    with content.open(name) as source, target.open("wb") as out:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            out.write(chunk)
    if digest.hexdigest() != sha256:
        raise ValueError(f"{name} differs")
