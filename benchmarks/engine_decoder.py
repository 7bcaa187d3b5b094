"""A T3 decoder as the engine makes it for a device, of a width of one's own choice."""

from __future__ import annotations

import threading

import torch

from tts_server.engines.chatterbox.memory_plan import MAX_SPEECH_TOKENS, sizes_of
from tts_server.engines.chatterbox.t3.decoder import T3Decoder
from tts_server.engines.chatterbox.t3.graph_backend import CudaGraphs
from tts_server.engines.chatterbox.weights.loading import Parts


def create_decoder(parts: Parts, mode: str, max_rows: int, *, with_graphs: bool = True) -> T3Decoder:
    """A decoder of `max_rows` rows. On a GPU its room is allocated and its CUDA graphs are captured, unless they are not wanted."""
    device = torch.device(parts.device)
    if device.type != "cuda":
        return T3Decoder(parts.t3, mode=mode, max_rows=max_rows)
    if not with_graphs:
        return T3Decoder(parts.t3, mode=mode, max_rows=max_rows, graphs=False)
    positions = sizes_of(parts.family).positions(MAX_SPEECH_TOKENS)
    graphs = CudaGraphs(device, threading.Lock())
    decoder = T3Decoder(parts.t3, mode=mode, max_rows=max_rows, max_positions=positions, graph_backend=graphs)
    decoder.warm_up(parts.builtin)
    return decoder
