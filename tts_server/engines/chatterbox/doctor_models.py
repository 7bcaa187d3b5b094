"""The checks of the Chatterbox models' files and languages for `doctor`."""

from __future__ import annotations

from tts_server.config import SettingsError
from tts_server.engines.chatterbox.families import LANGUAGES, Family, families
from tts_server.engines.chatterbox.options import file_options
from tts_server.engines.chatterbox.settings import ChatterboxSettings
from tts_server.engines.chatterbox.weights.files import FileOptions, Located, locate
from tts_server.engines.chatterbox.weights.language_helpers import HELPERS, missing_helpers
from tts_server.errors import TTSError
from tts_server.finding import Finding


def check_models(settings: ChatterboxSettings) -> list[Finding]:
    """Check which models are on this machine, at which commit, and which languages lack something."""
    try:
        options = file_options(settings)
    except SettingsError as error:
        return [Finding("Model files", False, str(error), "correct MODEL_REVISION")]
    known = families(settings.multilingual_version)
    return [check_files(list(known.values()), options), *check_languages(known["chatterbox-multilingual"], options)]


def check_files(known: list[Family], options: FileOptions) -> Finding:
    """Report which models are on this machine, and whether their commits are those of the settings."""
    found = {family.id: located for family in known if (located := _located(family, options)) is not None}
    if not found:
        return Finding("Model files", True, "none on this machine; a model is downloaded when it is first used")
    detail = "; ".join(f"{id_} {_described(located)}" for id_, located in found.items())
    if any(located.differs for located in found.values()):
        remedy = "load these models once with a network, or name the commits that are here by MODEL_REVISION"
        return Finding("Model files", False, detail, remedy)
    return Finding("Model files", True, detail)


def _located(family: Family, options: FileOptions) -> Located | None:
    try:
        return locate(family, options)
    except (TTSError, OSError):
        return None


def _described(located: Located) -> str:
    if located.commit is None:
        return f"in {located.folder}"
    if located.differs:
        return f"at commit {located.commit}; the configured commit is {located.wanted}"
    return f"at commit {located.commit}"


def check_languages(family: Family, options: FileOptions) -> list[Finding]:
    """Report each language whose helper packages are missing, which the multilingual model speaks less well; one finding if none is."""
    notices = missing_helpers(family, options.hf_home)
    if not notices:
        names = ", ".join(helper.name for helper in HELPERS)
        return [Finding("Languages", True, f"{len(LANGUAGES)}, with all that {names} need")]
    return [Finding("Languages", False, notice.loss, notice.remedy) for notice in notices]
