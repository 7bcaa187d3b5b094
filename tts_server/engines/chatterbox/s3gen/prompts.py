"""A cache of the states of S3Gen after the prompts of voices."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from tts_server.engines.chatterbox.s3gen.flow import Prompt


class PromptCache:
    """The most recently used prompts, of at most `max_bytes` together; the last one always stays."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._prompts: OrderedDict[str, Prompt] = OrderedDict()

    def get(self, key: str, compute: Callable[[], Prompt]) -> Prompt:
        if key not in self._prompts:
            self._prompts[key] = compute()
        self._prompts.move_to_end(key)
        while self.num_bytes > self._max_bytes and len(self._prompts) > 1:
            self._prompts.popitem(last=False)
        return self._prompts[key]

    @property
    def num_bytes(self) -> int:
        return sum(prompt.num_bytes for prompt in self._prompts.values())

    def shrink(self) -> None:
        """Drop all prompts. A stream that uses one holds it until it ends."""
        self._prompts.clear()
