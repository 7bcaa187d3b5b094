"""The Chatterbox models: names, files, capabilities and controls. No torch here: the catalogue reads it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tts_server.engines.base import Capabilities, Control
from tts_server.text.markup import SOUNDS

SAMPLE_RATE = 24000
"""Hz; of every model."""

TOKEN_RATE = 25
"""Speech tokens in a second of audio."""

SPEECH_VOCABULARY = 6561
"""Speech tokens from 0 up to this number stand for sound; those above control the decoder."""

LANGUAGES = tuple("ar da de el en es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh".split())

TAGS = SOUNDS
"""The sounds that Turbo and Nano make where a text names them: all that the markup has."""


@dataclass(frozen=True)
class SharedFiles:
    """Files that a model's own repository lacks and another model's has: that model's id, repository and commit, and their names."""

    model_id: str = ""
    repository: str = ""
    revision: str | None = None
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Family:
    """One model. `files` maps the parts (`t3`, `s3gen`, `voice_encoder`, `conditionals`) to file names; `tokenizer_files` are the rest.

    `revision` is the full commit of `repository` that is used unless a setting names another; None where none is known, in which case the
    first one that is downloaded stays in use.
    `is_multilingual` says whether it has the multilingual architecture, tokenizer and sampling, whatever number of languages it speaks.
    `prompt_tokens` is how many speech tokens of the reference T3 is conditioned on, `prompt_seconds` the audio that they are computed from.
    `min_reference_seconds` is the shortest clip the model accepts. `flow_steps` is the number of steps of the flow solver.
    """

    id: str
    name: str
    repository: str
    files: Mapping[str, str]
    tokenizer_files: tuple[str, ...]
    languages: tuple[str, ...]
    controls: tuple[Control, ...]
    prompt_tokens: int
    prompt_seconds: int
    min_reference_seconds: float
    flow_steps: int
    is_gpt2: bool
    is_meanflow: bool
    normalizes_loudness: bool
    revision: str | None = None
    is_multilingual: bool = False
    tags: frozenset[str] = field(default_factory=frozenset)
    shared: SharedFiles = SharedFiles()

    @property
    def is_single_language(self) -> bool:
        """Whether it is a fine-tuned multilingual model that speaks one language."""
        return self.is_multilingual and len(self.languages) == 1

    @property
    def default_language(self) -> str:
        """The language of a text without a language: English where the model speaks it."""
        return "en" if "en" in self.languages else self.languages[0]

    def is_optional(self, name: str) -> bool:
        """Whether the model works without a file: the one of its own voice, and some of the tokenizer's."""
        return name == self.files["conditionals"] or (self.is_gpt2 and name in self.tokenizer_files)

    def default(self, control: str) -> float:
        """The default of a control; KeyError where the model has no such control."""
        return {known.name: known.default for known in self.controls}[control]


_LLAMA_CONTROLS = (
    Control("exaggeration", 0.25, 2.0, 0.5),
    Control("cfg_weight", 0.0, 1.0, 0.5),
    Control("temperature", 0.0, 2.0, 0.8),
    Control("min_p", 0.0, 1.0, 0.05),
    Control("top_p", 0.0, 1.0, 1.0),
    Control("repetition_penalty", 1.0, 2.0, 1.2),
)
"""Of English and Multilingual. chatterbox-tts 0.1.7 penalizes repetition in Multilingual by 2.0; upstream has used 1.2 since 2026-05-01."""

_GPT2_CONTROLS = (
    Control("temperature", 0.0, 2.0, 0.8),
    Control("top_p", 0.0, 1.0, 0.95),
    Control("top_k", 0, 10000, 1000),
    Control("repetition_penalty", 1.0, 2.0, 1.2),
    Control("norm_loudness", 0, 1, 1),
)


_BASE = "ResembleAI/chatterbox"
_BASE_REVISION = "5bb1f6ee58e50c3b8d408bc82a6d3740c2db6e18"
_TURBO_REVISION = "749d1c1a46eb10492095d68fbcf55691ccf137cd"
_NANO_REVISION = "71ccd1d0081b430592cea481f4307e764e07bc64"


def _llama(
    id_: str,
    name: str,
    files: Mapping[str, str],
    tokenizer_files: tuple[str, ...],
    languages: tuple[str, ...],
    *,
    repository: str = _BASE,
    revision: str | None = _BASE_REVISION,
    is_multilingual: bool = True,
    shared: SharedFiles = SharedFiles(),
) -> Family:
    return Family(
        id=id_,
        name=name,
        repository=repository,
        revision=revision,
        files=MappingProxyType(dict(files)),
        tokenizer_files=tokenizer_files,
        languages=languages,
        controls=_LLAMA_CONTROLS,
        prompt_tokens=150,
        prompt_seconds=6,
        min_reference_seconds=1.0,
        flow_steps=10,
        is_gpt2=False,
        is_meanflow=False,
        normalizes_loudness=False,
        is_multilingual=is_multilingual,
        shared=shared,
    )


def _gpt2(id_: str, name: str, repository: str, revision: str, t3: str) -> Family:
    files = {"t3": t3, "s3gen": "s3gen_meanflow.safetensors", "voice_encoder": "ve.safetensors", "conditionals": "conds.pt"}
    return Family(
        id=id_,
        name=name,
        repository=repository,
        revision=revision,
        files=MappingProxyType(files),
        tokenizer_files=(
            "tokenizer_config.json",
            "vocab.json",
            "merges.txt",
            "added_tokens.json",
            "special_tokens_map.json",
            "tokenizer.json",
        ),
        languages=("en",),
        controls=_GPT2_CONTROLS,
        prompt_tokens=375,
        prompt_seconds=15,
        min_reference_seconds=5.0,
        flow_steps=2,
        is_gpt2=True,
        is_meanflow=True,
        normalizes_loudness=True,
        tags=TAGS,
    )


_ENGLISH_FILES = {"t3": "t3_cfg.safetensors", "s3gen": "s3gen.safetensors", "voice_encoder": "ve.safetensors", "conditionals": "conds.pt"}
_MULTILINGUAL_FILES = {"t3": "t3_mtl23ls_v2.safetensors", "s3gen": "s3gen.pt", "voice_encoder": "ve.pt", "conditionals": "conds.pt"}
_MULTILINGUAL_TOKENIZER = ("grapheme_mtl_merged_expanded_v1.json", "Cangjie5_TC.json")

ENGLISH = _llama("chatterbox-english", "Chatterbox English", _ENGLISH_FILES, ("tokenizer.json",), ("en",), is_multilingual=False)
MULTILINGUAL_V2 = _llama("chatterbox-multilingual", "Chatterbox Multilingual", _MULTILINGUAL_FILES, _MULTILINGUAL_TOKENIZER, LANGUAGES)
MULTILINGUAL_V3 = _llama(
    "chatterbox-multilingual",
    "Chatterbox Multilingual",
    {**_MULTILINGUAL_FILES, "t3": "t3_mtl23ls_v3.safetensors"},
    _MULTILINGUAL_TOKENIZER,
    LANGUAGES,
)
TURBO = _gpt2("chatterbox-turbo", "Chatterbox Turbo", "ResembleAI/chatterbox-turbo", _TURBO_REVISION, "t3_turbo_v1.safetensors")
NANO = _gpt2("chatterbox-nano", "Chatterbox Nano", "ResembleAI/chatterbox-nano", _NANO_REVISION, "t3_nano_v1.safetensors")

_SHARED_BY_BASE = SharedFiles(MULTILINGUAL_V3.id, _BASE, _BASE_REVISION, frozenset({"ve.pt", "conds.pt", "Cangjie5_TC.json"}))


def _single_language(code: str, name: str, language: str, revision: str | None) -> Family:
    """A fine-tuned model of Resemble AI's Single Language Pack: the multilingual architecture, a T3 and an S3Gen of its own."""
    files = {**_MULTILINGUAL_FILES, "t3": f"t3_{code.replace('-', '_')}.safetensors", "s3gen": "s3gen_v3.safetensors"}
    return _llama(
        f"chatterbox-multilingual-{code}",
        f"Chatterbox {name}",
        files,
        _MULTILINGUAL_TOKENIZER,
        (language,),
        repository=f"ResembleAI/Chatterbox-Multilingual-{code}",
        revision=revision,
        shared=_SHARED_BY_BASE,
    )


SINGLE_LANGUAGE = (
    _single_language("zh-cmn", "Mandarin", "zh", None),
    _single_language("es-mx-latam", "Spanish (Latin America)", "es", "27e595bf2fe7be0533ca299d9afafcde08b7cca7"),
    _single_language("es-es", "Spanish (Spain)", "es", "7262b364e3222ba9446c9289e7485eadc47ed902"),
    _single_language("pt-br", "Portuguese (Brazil)", "pt", "b3952f18bc2eaa72b9bd7c17d2c4653bcad4770d"),
    _single_language("pt-pt", "Portuguese (Portugal)", "pt", None),
    _single_language("hi", "Hindi", "hi", "82ca71273cc2a9ab19efdf8315f865c1a5af0ee7"),
)


def families(multilingual: str = "v3") -> dict[str, Family]:
    """The families by id, with the requested version of the multilingual one (`v2` or `v3`)."""
    versions = {"v2": MULTILINGUAL_V2, "v3": MULTILINGUAL_V3}
    return {family.id: family for family in (ENGLISH, versions[multilingual], *SINGLE_LANGUAGE, TURBO, NANO)}


_SCRIPTS = {"zh": "Han", "hi": "Devanagari"}
"""The scripts of the single-language models that are not written in Latin letters."""


def _scripts(family: Family) -> frozenset[str]:
    if len(family.languages) > 1:
        return frozenset()
    return frozenset({"Latin", _SCRIPTS.get(family.languages[0], "Latin")})


def capabilities(family: Family) -> Capabilities:
    """What a model can do."""
    return Capabilities(
        sample_rate=SAMPLE_RATE,
        languages=family.languages,
        scripts=_scripts(family),
        cloning="cloned",
        controls=family.controls,
        first_segment_chars=100,
        max_segment_chars=280,  # 20 s at a usual pace: the models garble beyond 25 to 30 s
        syllable_chars=3,
        tags=tuple(sorted(family.tags)),
        converts=True,
        varies_in_loudness=True,
    )
