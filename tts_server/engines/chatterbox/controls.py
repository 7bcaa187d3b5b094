"""The sampling parameters of an utterance."""

from __future__ import annotations

from tts_server.engines.base import Utterance
from tts_server.engines.chatterbox.families import Family
from tts_server.engines.chatterbox.t3.sampling import Sampling


def sampling_of(family: Family, utterance: Utterance, max_tokens: int) -> Sampling:
    """The defaults of the family, overruled by the controls of the utterance that the family has."""
    values = {control.name: control.default for control in family.controls}
    values |= {name: float(value) for name, value in utterance.controls.items() if name in values}
    return Sampling(
        temperature=values["temperature"],
        top_p=values["top_p"],
        top_k=int(values.get("top_k", 0)),
        min_p=values.get("min_p", 0.0),
        repetition_penalty=values["repetition_penalty"],
        cfg_weight=values.get("cfg_weight", 0.0),
        exaggeration=values.get("exaggeration", 0.0),
        max_tokens=max_tokens,
    )
