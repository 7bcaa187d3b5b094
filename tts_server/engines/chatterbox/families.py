"""The four Chatterbox models: what each is called, made of, able to do, and tuned by. No torch here: the catalogue reads it too."""

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
"""Speech tokens from 0 up to this number are sound; those above steer the decoder."""

LANGUAGES = tuple("ar da de el en es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh".split())

TAGS = SOUNDS
"""What Turbo and Nano make of the sounds that a text may name: all of them."""


@dataclass(frozen=True)
class Family:
    """One model. `files` maps the parts (`t3`, `s3gen`, `voice_encoder`, `conditionals`) to file names; `tokenizer_files` are the rest.

    `prompt_tokens` is how many speech tokens of the reference T3 hears, `prompt_seconds` the audio they come from.
    `min_reference_seconds` is the shortest clip the model takes. `flow_steps` is the number of steps of the flow solver.
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
    tags: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_multilingual(self) -> bool:
        return len(self.languages) > 1

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


def _llama(id_: str, name: str, files: Mapping[str, str], tokenizer_files: tuple[str, ...], languages: tuple[str, ...]) -> Family:
    return Family(
        id=id_,
        name=name,
        repository="ResembleAI/chatterbox",
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
    )


def _gpt2(id_: str, name: str, repository: str, t3: str) -> Family:
    files = {"t3": t3, "s3gen": "s3gen_meanflow.safetensors", "voice_encoder": "ve.safetensors", "conditionals": "conds.pt"}
    return Family(
        id=id_,
        name=name,
        repository=repository,
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

ENGLISH = _llama("chatterbox-english", "Chatterbox English", _ENGLISH_FILES, ("tokenizer.json",), ("en",))
MULTILINGUAL_V2 = _llama("chatterbox-multilingual", "Chatterbox Multilingual", _MULTILINGUAL_FILES, _MULTILINGUAL_TOKENIZER, LANGUAGES)
MULTILINGUAL_V3 = _llama(
    "chatterbox-multilingual",
    "Chatterbox Multilingual",
    {**_MULTILINGUAL_FILES, "t3": "t3_mtl23ls_v3.safetensors"},
    _MULTILINGUAL_TOKENIZER,
    LANGUAGES,
)
TURBO = _gpt2("chatterbox-turbo", "Chatterbox Turbo", "ResembleAI/chatterbox-turbo", "t3_turbo_v1.safetensors")
NANO = _gpt2("chatterbox-nano", "Chatterbox Nano", "ResembleAI/chatterbox-nano", "t3_nano_v1.safetensors")


def families(multilingual: str = "v3") -> dict[str, Family]:
    """The families by id, with the wanted version of the multilingual one (`v2` or `v3`)."""
    versions = {"v2": MULTILINGUAL_V2, "v3": MULTILINGUAL_V3}
    return {family.id: family for family in (ENGLISH, versions[multilingual], TURBO, NANO)}


def capabilities(family: Family) -> Capabilities:
    """What a model can do."""
    return Capabilities(
        sample_rate=SAMPLE_RATE,
        languages=family.languages,
        scripts=frozenset() if family.is_multilingual else frozenset({"Latin"}),
        cloning="cloned",
        controls=family.controls,
        first_segment_chars=100,
        max_segment_chars=280,  # 20 s at a usual pace: the models garble beyond 25 to 30 s
        syllable_chars=3,
        tags=tuple(sorted(family.tags)),
        converts=True,
        varies_in_loudness=True,
    )
