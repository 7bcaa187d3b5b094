"""Text to the input ids of T3, as the stock `generate` of each family prepares them."""

from __future__ import annotations

import re

import torch

from tts_server.engines.chatterbox.families import TAGS, Family
from tts_server.engines.chatterbox.weights import stock
from tts_server.engines.chatterbox.weights.stock_types import StockObject
from tts_server.errors import InvalidRequest, NothingToSay

_TAG = re.compile("|".join(re.escape(tag) for tag in sorted(TAGS)), re.IGNORECASE)
_CONTROL_TOKEN = re.compile(r"\[(START|STOP|UNK|SPACE|PAD|SEP|CLS|MASK)\]|<\|endoftext\|>")
"""Text that the tokenizers would parse as control tokens, such as the end of the text."""

_EMOJI = re.compile(
    "\\s*[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]"
    "[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff\ufe0f\u200d\u20e3\U000e0020-\U000e007f ]*"
)
_CLOSING_MARK = re.compile("[,.;:!?)\\]\u2026\u3001\u3002\uff01\uff0c\uff1f]|$")
_DOUBLE_QUOTE = re.compile('["\u201c\u201d\u201e\u201f\u00ab\u00bb]')
_QUOTES_AND_BRACKETS = "\"'\u2019\u201d\u00bb)]\u300d\u300f"
_LINE_END = re.compile(
    "[.!?:;,\u2026\u2013\u2014\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f\u0964\u060c\u061b\u061f-][)\\]\"'\u2019\u201d\u00bb\u300d\u300f\uff09]*$"
)
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff]")


def text_ids(
    family: Family,
    tokenizer: StockObject,
    hyperparameters: StockObject,
    text: str,
    language: str | None,
    *,
    begins_inside: bool = False,
    ends_inside: bool = False,
) -> torch.Tensor:
    """Ids int64 [n] of one segment of text; for the Llama models with the marks of start and stop around them.

    Where the text `begins_inside` or `ends_inside` a sentence, it gets no capital, and a comma instead of a full stop; the stock code
    has no such case. `hyperparameters` are the stock T3Config. `language` is one of the family's, None for its default; families that are
    not multilingual ignore it.
    Raises NothingToSay where the text holds nothing but tags that the model does not support, InvalidRequest for a language that it does
    not speak and for a text longer than its table of positions.
    """
    text = _CONTROL_TOKEN.sub(lambda match: match[1] or " ", _with_known_tags(family, text))
    text = _with_ended_lines(_without_unspoken_marks(family, text))
    if not text.strip():
        raise NothingToSay("The text leaves nothing to speak.", param="input")
    text = _normalized(family, text, begins_inside, ends_inside)
    if family.is_gpt2:
        return _int64(tokenizer(text, return_tensors="pt", padding=True, truncation=True).input_ids[0])
    if family.is_multilingual:
        language = language or family.default_language
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
    """The text with its tags in small letters; without tags that the model does not support, and without the spaces around those."""
    if family.tags:
        return _TAG.sub(lambda match: match[0].lower(), text)
    return re.sub(r"[ \t]{2,}", " ", _TAG.sub(" ", text)) if _TAG.search(text) else text


def _normalized(family: Family, text: str, begins_inside: bool, ends_inside: bool) -> str:
    text = text.strip()
    if ends_inside and (text[-1].isalnum() or text[-1] in _QUOTES_AND_BRACKETS):
        text += "，" if _IDEOGRAPH.match(text[-1]) else ","
    normalized = stock.punc_norm(family, text)
    return text[0] + normalized[1:] if begins_inside and text[0].islower() else normalized


def _without_unspoken_marks(family: Family, text: str) -> str:
    """Without emoji; for the GPT-2 models also without double quotes, which they voice as a breath (chatterbox issue 433)."""
    text = _EMOJI.sub(lambda emoji: "" if _CLOSING_MARK.match(text, emoji.end()) else " ", text)
    return _DOUBLE_QUOTE.sub("", text) if family.is_gpt2 else text


def _with_ended_lines(text: str) -> str:
    """The lines joined by a full stop, or a comma where the next one begins in lower case; `punc_norm` would join them by a space alone."""
    if "\n" not in text:
        return text
    joined = ""
    for line in filter(None, map(str.strip, text.split("\n"))):
        if joined and not _LINE_END.search(joined):
            joined += "。" if _IDEOGRAPH.match(joined[-1]) else "," if line[0].islower() else "."
        joined = f"{joined} {line}".strip()
    return joined


def _int64(ids: torch.Tensor) -> torch.Tensor:
    return ids.to(dtype=torch.int64, device="cpu")
