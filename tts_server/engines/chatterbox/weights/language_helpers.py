"""The helper packages of some languages of the multilingual models, and which of them are missing. No torch here."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tts_server.engines.base import LanguageNotice
from tts_server.engines.chatterbox.failures import DownloadFailed
from tts_server.engines.chatterbox.families import Family
from tts_server.engines.chatterbox.weights.files import FileOptions
from tts_server.engines.chatterbox.weights.segmenter import ADVICE, PUBLISHED, SegmenterArchive, fetch_segmenter, find_segmenter
from tts_server.engines.chatterbox.weights.transfer import ATTEMPTS, STALL_SECONDS, Connection

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LanguageHelper:
    """A Python package that prepares texts of one language. `name` is the language's, `loss` the effect on speech without it."""

    language: str
    name: str
    package: str
    loss: str
    remedy: str


HELPERS = (
    LanguageHelper(
        "zh",
        "Chinese",
        "spacy_pkuseg",
        "words are not separated, so that some are mispronounced",
        "Install the package spacy-pkuseg into the server's environment.",
    ),
    LanguageHelper(
        "ja",
        "Japanese",
        "pykakasi",
        "kanji are not turned into kana, and are mispronounced",
        "Install the package pykakasi into the server's environment.",
    ),
    LanguageHelper(
        "he",
        "Hebrew",
        "dicta_onnx",
        "vowels are guessed",
        "Write the vowel points in the text: chatterbox-tts 0.1.7 cannot use the released packages of dicta_onnx.",
    ),
    LanguageHelper(
        "ru",
        "Russian",
        "russian_text_stresser",
        "the stress of words is guessed",
        "Write the stress as U+0301 in the text, or install russian_text_stresser (github.com/Vuizur/add-stress-to-epub).",
    ),
)

SEGMENTER_REMEDY = (
    "It is downloaded when the model is loaded, unless HF_HUB_OFFLINE forbids it; SEGMENTER_URL names a mirror, PKUSEG_HOME a folder that "
    "has it."
)


def is_importable(package: str) -> bool:
    """Whether a package is installed; it is not imported."""
    return importlib.util.find_spec(package) is not None


def needs_segmenter(family: Family) -> bool:
    """Whether a model speaks Chinese and the package that segments it is installed."""
    return family.is_multilingual and "zh" in family.languages and is_importable("spacy_pkuseg")


def provide_segmenter(
    family: Family,
    files: FileOptions,
    archive: SegmenterArchive = PUBLISHED,
    *,
    waiting: Callable[[], None] = lambda: None,
    stall_seconds: float = STALL_SECONDS,
    attempts: int = ATTEMPTS,
) -> Path | None:
    """The folder of the word segmenter's model, downloaded where a model needs it; None where it is not needed or not available.

    The model works without it, so a failure is only logged. `waiting` is called repeatedly during a download and may raise.
    """
    if not needs_segmenter(family):
        return None
    folder = find_segmenter(files.hf_home)
    if folder is not None or files.is_offline:
        return folder
    connection = Connection(archive.url, None, stall_seconds, files.pause_seconds, attempts, ADVICE)
    try:
        return fetch_segmenter(files.hf_home, archive, connection, waiting)
    except (DownloadFailed, OSError) as error:
        log.warning("%s: %s", family.id, error)
        return None


def missing_helpers(family: Family, hf_home: Path | None = None) -> tuple[LanguageNotice, ...]:
    """A notice for each language of a model that is spoken less well because a helper is missing on this machine."""
    if not family.is_multilingual:
        return ()
    notices = [_notice(helper) for helper in HELPERS if helper.language in family.languages and not is_importable(helper.package)]
    if needs_segmenter(family) and find_segmenter(hf_home) is None:
        loss = next(helper.loss for helper in HELPERS if helper.language == "zh")
        notices.insert(0, LanguageNotice("zh", f"Chinese is spoken without its word segmenter's model: {loss}", SEGMENTER_REMEDY))
    return tuple(notices)


def _notice(helper: LanguageHelper) -> LanguageNotice:
    return LanguageNotice(helper.language, f"{helper.name} is spoken without the package {helper.package}: {helper.loss}", helper.remedy)
