"""The table of docs/MODELS.md that says how much memory of a GPU the models need.

    python tests/documents/memory_table.py

prints it, from the same arithmetic that divides the memory when a model is loaded.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tts_server.engines.chatterbox.families import families
from tts_server.engines.chatterbox.memory_plan import FLOAT_BYTES, HALF_BYTES, required_bytes, sizes_of

AT_ONCE = (1, 16, 64)
MODES = {"exact": FLOAT_BYTES, "fast": HALF_BYTES}


def memory_table() -> str:
    """Gigabytes (10**9 bytes), rounded up to halves, for each model and mode."""
    lines = [
        "| model | mode | " + " | ".join(f"{count} at once" for count in AT_ONCE) + " |",
        "|---" * (2 + len(AT_ONCE)) + "|",
    ]
    for id_ in ("chatterbox-nano", "chatterbox-turbo", "chatterbox-english", "chatterbox-multilingual"):
        sizes = sizes_of(families()[id_])
        for mode, element_bytes in MODES.items():
            needs = [
                required_bytes(sizes, element_bytes=element_bytes, caches_prompts=mode == "fast", sequences=count) for count in AT_ONCE
            ]
            cells = [f"{-(-need // 500_000_000) / 2:g}" for need in needs]
            lines.append(f"| `{id_}` | {mode} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(memory_table())  # noqa: T201 - a program
