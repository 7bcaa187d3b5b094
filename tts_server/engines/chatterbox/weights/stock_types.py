"""Types of the stock `chatterbox` package, which has no annotations. No torch here."""

from __future__ import annotations

from typing import Any, TypeAlias

StockModule: TypeAlias = Any
"""A network of the stock package, or a layer of one. Its attributes are those of chatterbox-tts 0.1.7."""

StockObject: TypeAlias = Any
"""Any other object of the stock package: a tokenizer, a configuration, a `T3Cond`."""
