"""The device: its name and memory, and whether it computes what it is given."""

from __future__ import annotations

from benchmarks.acceptance.parts.batching import decode
from benchmarks.acceptance.session import Session
from benchmarks.engine_decoder import create_decoder

import torch  # isort: skip


ROWS = 4


def measure(session: Session) -> None:
    """Name the device and decode two texts on it: other texts must give other tokens, the same text the same."""
    subject = session.subject
    session.note("torch", torch.__version__)
    session.note("device", describe(subject.device))
    parts = subject.parts
    decoder = create_decoder(parts, subject.loading.mode, ROWS)
    texts = [subject.sentences[number] for number in (0, 1, 0)]
    first, other, again = (decode(parts, decoder, [text], session.scale.forced_tokens)[0] for text in texts)
    session.judge("follows", first != other)
    session.judge("repeats", first == again)


def describe(device: str) -> str:
    """The device in words."""
    if not device.startswith("cuda"):
        return f"{device}, {torch.get_num_threads()} threads"
    properties = torch.cuda.get_device_properties(device)
    version = f"CUDA {torch.version.cuda}" if torch.version.cuda else f"HIP {torch.version.hip}"
    return f"{properties.name}, {properties.total_memory / 2**30:.1f} GiB, {properties.major}.{properties.minor}, {version}"
