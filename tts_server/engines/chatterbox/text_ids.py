"""Text as the ids that T3 is fed with: what the stock `generate` of each family does between its `text` and its model."""

from __future__ import annotations

import re
from typing import Any

import torch

from tts_server.engines.chatterbox.families import TAGS, Family
from tts_server.engines.chatterbox.weights import stock
from tts_server.errors import InvalidRequest, NothingToSay

DEFAULT_LANGUAGE = "en"

_TAG = re.compile("|".join(re.escape(tag) for tag in sorted(TAGS)), re.IGNORECASE)
_CONTROL_TOKEN = re.compile(r"\[(START|STOP|UNK|SPACE|PAD|SEP|CLS|MASK)\]|<\|endoftext\|>")
"""What the tokenizers would read as a mark of their own, such as the end of the text."""


def text_ids(family: Family, tokenizer: Any, hyperparameters: Any, text: str, language: str | None) -> torch.Tensor:
    """Ids int64 [n] of one segment of text; for the Llama models with the marks of start and stop around them.

    `hyperparameters` are the stock T3Config. `language` is one of the family's, None for English; families of one language ignore it.
    Raises NothingToSay where the text has nothing but tags that the model does not know, InvalidRequest for a language that it does not
    speak and for a text longer than its table of positions.
    """
    text = _CONTROL_TOKEN.sub(lambda match: match[1] or " ", _with_known_tags(family, text))
    if not text.strip():
        raise NothingToSay("The text leaves nothing to speak.", param="input")
    text = stock.punc_norm(family, text)
    if family.is_gpt2:
        return _int64(tokenizer(text, return_tensors="pt", padding=True, truncation=True).input_ids[0])
    if family.is_multilingual:
        language = language or DEFAULT_LANGUAGE
        if language not in family.languages:
            raise InvalidRequest(f"{family.name} does not speak {language!r}; it speaks {', '.join(family.languages)}.", param="language")
        ids = tokenizer.text_to_tokens(text, language_id=language)[0]
    else:
        ids = tokenizer.text_to_tokens(text)[0]
    if len(ids) > hyperparameters.max_text_tokens:
        limit = hyperparameters.max_text_tokens
        raise InvalidRequest(f"A sentence is too long for {family.name}: {len(ids)} letters or signs of {limit}.", param="input")
    start, stop = torch.tensor([hyperparameters.start_text_token]), torch.tensor([hyperparameters.stop_text_token])
    return torch.cat((start, _int64(ids), stop))


def _with_known_tags(family: Family, text: str) -> str:
    """Tags in the letters that the model knows them by; without those that it does not know, and the spaces they leave."""
    if family.tags:
        return _TAG.sub(lambda match: match[0].lower(), text)
    return re.sub(r"[ \t]{2,}", " ", _TAG.sub(" ", text)) if _TAG.search(text) else text


def _int64(ids: torch.Tensor) -> torch.Tensor:
    return ids.to(dtype=torch.int64, device="cpu")
