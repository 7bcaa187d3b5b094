"""The GPU against the CPU: logits of the same tokens, and the audio of the same tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.acceptance.levels import signal_to_noise
from benchmarks.acceptance.parts.batching import decode
from benchmarks.acceptance.session import Session
from benchmarks.engine_decoder import create_decoder
from tts_server.cancellation import Cancellation
from tts_server.engines.base import Utterance
from tts_server.engines.chatterbox.weights.loading import load
from tts_server.speech import Samples

import torch  # isort: skip

WINDOW, HOP = 1024, 256


def measure(session: Session) -> None:
    """Skipped without a GPU."""
    if not session.subject.is_on_gpu:
        session.skip_all("no GPU")
        return
    compare(session, session.subject.device)


def compare(session: Session, device: str) -> None:
    """The model on `device` against the model on the CPU."""
    subject = session.subject
    family, folder = subject.family, subject.loading.folder
    reference = load(family, folder)
    text = subject.sentences[0]
    tokens = decode(reference, create_decoder(reference, "exact", 2), [text], session.scale.forced_tokens)[0]
    tokens = [token for token in tokens if token < reference.t3.hp.start_speech_token]
    expected = logits(reference, text, tokens)
    for dtype, name in ((torch.float32, "float32"), (torch.bfloat16, "bfloat16")):
        found = logits(load(family, folder, device, dtype), text, tokens)
        if dtype is torch.float32:
            session.judge("logits", float((found - expected).abs().max()))
        else:
            session.judge("top1", float((found.argmax(-1) == expected.argmax(-1)).float().mean()))
            divergence = torch.nn.functional.kl_div(found.log_softmax(-1), expected.softmax(-1), reduction="batchmean")
            session.judge("divergence", float(divergence))
        session.note(f"largest difference of logits, {name}", float((found - expected).abs().max()))
    wanted, found = (_spectrum(_speak(subject, text, where)) for where in ("cpu", device))
    length = min(len(wanted), len(found))
    session.note("frames on the device to those on the CPU", len(found) / max(1, len(wanted)))
    session.judge("audio", signal_to_noise(wanted[:length], found[:length]))


def logits(parts: Any, text: str, tokens: list[int]) -> torch.Tensor:
    """Teacher-forced logits [steps, vocabulary], float32 on the CPU, of the conditional row."""
    t3, family = parts.t3, parts.family
    rows = 1 if family.is_gpt2 else 2
    device, dtype = t3.speech_head.weight.device, t3.speech_head.weight.dtype
    ids = parts.text_ids(text, family.default_language if family.is_multilingual else None).to(device)[None].expand(rows, -1)
    speech = torch.tensor(tokens, device=device)[None].expand(rows, -1)
    with torch.inference_mode(), torch.autocast(device.type, enabled=False):
        condition = parts.builtin.t3_cond(0.5).to(device=device)
        if dtype is not torch.float32:
            condition.speaker_emb = condition.speaker_emb.to(dtype)
            condition.emotion_adv = condition.emotion_adv.to(dtype)
        embedded, _ = t3.prepare_input_embeds(t3_cond=condition, text_tokens=ids, speech_tokens=speech, cfg_weight=0.5)
        hidden = t3.tfmr(inputs_embeds=embedded.to(dtype)).last_hidden_state[:1, -len(tokens) :]
        return t3.speech_head(hidden)[0].float().cpu()


def _speak(subject: Any, text: str, device: str) -> Samples:
    """The same seed in exact mode."""
    engine = subject.create_engine(device=device, mode="exact", checks_speech=False)
    try:
        voice = engine.builtin_voice(engine.voices()[0].id)
        stream = engine.submit(Utterance(text, voice, 0, 1, 1.0, subject.language, {}))
        return np.concatenate([np.zeros(0, np.float32), *stream.chunks(Cancellation())])
    finally:
        engine.close()


def _spectrum(samples: Samples) -> np.ndarray:
    """Magnitudes [frames, bins]: phases of the vocoder's source may differ without being heard."""
    padded = np.pad(samples, (0, WINDOW))
    window = np.hanning(WINDOW)
    return np.abs(np.fft.rfft(np.stack([padded[start : start + WINDOW] * window for start in range(0, max(1, len(samples)), HOP)])))
