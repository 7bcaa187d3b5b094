"""What disturbs a server: cloning while others speak, a second model, memory that runs out. Requests must not fail, and the audio stays."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks.acceptance.levels import signal_to_noise
from benchmarks.acceptance.session import Session
from benchmarks.acceptance.subject import Spoken
from tts_server.errors import TTSError, Unavailable
from tts_server.speech import VoiceReference

import torch  # isort: skip

SPARED_BYTES = 200 * 2**20


def measure(session: Session) -> None:
    """The same sentences before, during and after."""
    before = _speak_all(session)
    session.judge("cloning", len(_failures(_speak_while_cloning(session))))
    other = session.subject.in_mode(session.subject.loading.mode)
    try:
        with ThreadPoolExecutor(1) as pool:
            speaking = pool.submit(_speak_all, session)
            second = other.speak(other.sentences[0])
            failures = _failures(speaking.result())
        session.judge("second", len(failures) + (not len(second.samples)))
    finally:
        other.unload()
    if session.subject.is_on_gpu:
        _fill_memory(session)
    else:
        session.skip("ballast", "no GPU")
    session.judge("same", _share_of_same(before, _speak_all(session)))


def _speak_all(session: Session) -> list[Spoken | TTSError]:
    """Several requests at once; each answered with audio or with its error."""
    sentences = session.subject.sentences
    texts = [sentences[number % len(sentences)] for number in range(session.scale.weather_streams)]

    def speak(number: int) -> Spoken | TTSError:
        try:
            return session.subject.speak(texts[number], seed=number)
        except TTSError as error:
            return error

    with ThreadPoolExecutor(len(texts)) as pool:
        return list(pool.map(speak, range(len(texts))))


def _failures(answers: list[Spoken | TTSError]) -> list[TTSError]:
    return [answer for answer in answers if isinstance(answer, TTSError)]


def _speak_while_cloning(session: Session) -> list[Spoken | TTSError]:
    engine = session.subject.engine
    session.subject.synthesizer  # noqa: B018 - made here, before there are threads

    def clone() -> None:
        for number, clip in enumerate(session.subject.clips[: session.scale.clips]):
            known = session.subject.reference(clip)
            # A little louder: a clip that the engine has not prepared before.
            samples = np.asarray(known.samples * np.float32(0.9 + 0.01 * number), np.float32)
            digest = hashlib.sha256(samples.tobytes()).hexdigest()
            engine.prepare_voice(VoiceReference(samples, known.sample_rate, digest), keep=False)

    with ThreadPoolExecutor(1) as pool:
        cloning = pool.submit(clone)
        answers = _speak_all(session)
        cloning.result()
    return answers


def _fill_memory(session: Session) -> None:
    """With hardly any memory left a request may be refused as unavailable (503), and must not fail otherwise."""
    free, _ = torch.cuda.mem_get_info(session.subject.device)
    ballast = torch.empty(max(0, free - SPARED_BYTES), dtype=torch.uint8, device=session.subject.device)
    failures = _failures(_speak_all(session))
    del ballast
    torch.cuda.empty_cache()
    session.note("refused while memory was full", len(failures))
    session.judge("ballast", sum(not isinstance(failure, Unavailable) for failure in failures))


def _share_of_same(before: list[Spoken | TTSError], after: list[Spoken | TTSError]) -> float:
    """The share of requests with the same audio as before: to 40 dB, since sums on a GPU may be ordered differently."""

    def is_same(one: Spoken | TTSError, other: Spoken | TTSError) -> bool:
        if isinstance(one, TTSError) or isinstance(other, TTSError) or len(one.samples) != len(other.samples):
            return False
        return signal_to_noise(one.samples, other.samples) >= 40.0

    return float(np.mean([is_same(one, other) for one, other in zip(before, after, strict=True)]))
