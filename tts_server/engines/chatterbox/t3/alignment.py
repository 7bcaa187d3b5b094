"""The multilingual model's watch over where in the text its speech is."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tts_server.engines.chatterbox.weights.stock import AlignmentStreamAnalyzer

HEADS = ((12, 15), (13, 11), (9, 2))
"""Layers and heads of the Llama backbone whose attention follows the text (stock: `LLAMA_ALIGNED_HEADS`)."""


MIN_TEXT = 6
"""Tokens, start and stop included; the stock analyzer cannot look at a shorter text without an IndexError."""


class Alignment(AlignmentStreamAnalyzer):  # type: ignore[misc]
    """The stock analyzer, fed by hand: its hooks would change the model that all sequences share, and stay for ever.

    It sees only the columns of the text, so the text's slice is always 0..length.
    """

    def __init__(self, text_length: int, stop: int) -> None:
        self._text_length = text_length
        super().__init__(None, None, text_tokens_slice=(0, text_length), eos_idx=stop)

    def _add_attention_spy(self, *_: Any) -> None:
        """No hooks."""

    def check(self, logits: Tensor, attention: list[Tensor], last_token: int) -> Tensor:
        """Logits [1, vocabulary] as the analyzer wants them after this step: with the stop token hindered or forced where it must be.

        attention: for each of HEADS what the newest positions attend to, [positions, text]: two at first (the start token is fed
        twice), then one. last_token: the token before, the start token at first.
        """
        is_first = self.curr_frame_pos == 0
        for index, rows in enumerate(attention):
            # The analyzer looks for the first frames below as many rows as there are columns before the end of the text.
            self.last_aligned_attns[index] = torch.cat((rows.new_zeros(self._text_length, rows.shape[1]), rows)) if is_first else rows
        checked: Tensor = self.step(logits, next_token=last_token)
        return checked
