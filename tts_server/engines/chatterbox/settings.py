"""The settings of the Chatterbox models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tts_server.config import Settings, lower


def _http_address(value: str) -> str:
    if value and not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value


class ChatterboxSettings(Settings):
    """The settings of the server and of the Chatterbox models."""

    segmenter_url: Annotated[str, AfterValidator(_http_address)] = Field(
        "",
        description="Address of `spacy_ontonotes.zip`, the model of the Chinese word segmenter, on a mirror. Unset: on GitHub. "
        "Its checksum must be the published one.",
    )
    device: str = Field(
        "auto", description="Where Chatterbox runs: `auto`, `cpu`, `cuda`, `cuda:1` …, `mps`. The embedded voice always uses the CPU."
    )
    chatterbox_mode: Annotated[Literal["exact", "fast"], BeforeValidator(lower)] = Field(
        "exact",
        description="`exact`: the same numbers as the reference implementation. `fast`: less precise, with a shorter time to first audio.",
    )
    multilingual_version: Annotated[Literal["v2", "v3"], BeforeValidator(lower)] = Field(
        "v3", description="Which weights `chatterbox-multilingual` uses: `v3` or `v2`."
    )
    max_batch_rows: int = Field(
        0,
        ge=0,
        le=512,
        description="How many sequences a Chatterbox model works on at once; a request with guidance (`cfg_weight`) counts as two. "
        "0: 16 on a CPU, up to 128 on a GPU, as its memory allows.",
    )
    torch_threads: int = Field(0, ge=0, le=256, description="Threads that Chatterbox computes with on a CPU; 0 lets PyTorch choose.")
