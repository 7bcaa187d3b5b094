"""The engine as a whole, on the real classes with tiny random weights."""

from __future__ import annotations

import gc
import threading

import numpy as np
import psutil
import pytest
import torch
from tiny_engines import TEXT, listen, running, utterance

from benchmarks.upstream import REPETITION_PENALTY
from tts_server.cancellation import Cancellation
from tts_server.engines.chatterbox.families import SAMPLE_RATE
from tts_server.errors import Cancelled, Unavailable
from tts_server.speech import VoiceReference


def clip(seed: int, seconds: float = 6.0) -> VoiceReference:
    """A clip like no other: harmonics of a pitch of its own, coming and going."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = rng.uniform(90, 250)
    sound = sum(np.sin(2 * np.pi * pitch * n * t + rng.uniform(0, 6)) / n for n in range(1, 12))
    sound *= 0.1 * (1.0 + np.sin(2 * np.pi * rng.uniform(2, 5) * t)) + 0.002 * rng.standard_normal(len(t))
    return VoiceReference(sound.astype(np.float32), SAMPLE_RATE, f"clip-{seed}")


def test_a_seed_says_what_stock_chatterbox_says_with_it(kind, parts, stock_tts):
    model = stock_tts(kind)
    options = {"language_id": "en", "repetition_penalty": REPETITION_PENALTY} if kind == "multilingual" else {}
    with running(parts(kind)) as engine:
        spoken = {seed: listen(engine.submit(utterance(parts(kind).builtin, seed=seed))) for seed in range(4)}
    # Stock cannot speak without a single token, which some seeds of a random model give.
    for seed in sorted(spoken, key=lambda seed: -len(spoken[seed]))[:2]:
        torch.manual_seed(seed)
        expected = model.generate(TEXT, **options)[0].numpy()
        assert len(spoken[seed]) > 0.3 * SAMPLE_RATE
        assert len(spoken[seed]) == pytest.approx(len(expected), abs=240)  # stock's watermarker cuts a few samples off
        length = min(len(spoken[seed]), len(expected))
        assert np.abs(spoken[seed][:length] - expected[:length]).max() < 1e-3


def test_many_requests_at_once_never_mix_their_voices(parts):
    """Each of 60 gets what it gets alone, whichever others are in its batch."""
    with running(parts("turbo")) as engine:
        voices = [engine.prepare_voice(clip(seed)) for seed in (1, 2)]
        alone = {(v, s): listen(engine.submit(utterance(voices[v], seed=s))) for v in (0, 1) for s in range(5)}
        assert not np.array_equal(alone[0, 0], alone[1, 0])
        asked = [(n % 2, n // 2 % 5) for n in range(60)]
        streams = [engine.submit(utterance(voices[v], seed=s, group=n)) for n, (v, s) in enumerate(asked)]
        for key, stream in zip(asked, streams, strict=True):
            spoken = listen(stream)
            assert spoken.shape == alone[key].shape
            assert np.abs(spoken - alone[key]).max() < 1e-3, key


def test_fast_mode_gives_the_first_block_before_the_last_token(parts):
    with running(parts("nano"), mode="fast") as engine:
        voice = parts("nano").builtin
        spoken = [list(engine.submit(utterance(voice, seed=seed)).chunks(Cancellation())) for seed in range(8)]
    longest = max(spoken, key=lambda chunks: sum(map(len, chunks)))
    assert len(longest) > 2
    assert len(longest[0]) < 0.4 * sum(map(len, longest))
    assert np.isfinite(np.concatenate(longest)).all()


def test_a_closed_stream_frees_its_rows_and_stops_the_work(parts, checkpoint):
    with running(parts("turbo")) as engine:
        voice = parts("turbo").builtin
        streams = [engine.submit(utterance(voice, seed=n, group=n)) for n in range(8)]
        for stream in streams:
            stream.close()
        listen(engine.submit(utterance(voice, seed=99, group=99)))
        stats = engine.stats()
        assert stats["sequences_running"] == stats["segments_waiting"] == 0
        assert stats["segments_done"] == 1


def test_a_client_that_leaves_while_it_waits_stops_its_work(parts):
    with running(parts("turbo")) as engine:
        left = Cancellation()
        left.cancel()
        stream = engine.submit(utterance(parts("turbo").builtin, TEXT * 8))
        with pytest.raises(Cancelled):
            while True:
                listen(stream, left)
        assert stream.is_closed


def test_the_first_segment_of_a_short_request_does_not_wait_for_a_long_text(parts):
    with running(parts("turbo"), max_rows=2) as engine:
        voice = parts("turbo").builtin
        book = [engine.submit(utterance(voice, seed=n, index=n, group=1)) for n in range(30)]
        listen(engine.submit(utterance(voice, seed=1, index=0, group=2)))
        assert engine.stats()["segments_done"] < 20
        for stream in book:
            stream.close()


def test_controls_change_what_is_said(parts):
    with running(parts("english")) as engine:
        voice = parts("english").builtin
        usual = listen(engine.submit(utterance(voice)))
        for control in ({"cfg_weight": 0.0}, {"temperature": 0.0}):
            changed = listen(engine.submit(utterance(voice, **control)))
            assert changed.shape != usual.shape or not np.allclose(changed, usual)


def test_a_recording_is_spoken_again_in_another_voice(parts):
    with running(parts("turbo")) as engine:
        voices = [engine.prepare_voice(clip(seed)) for seed in (1, 2)]
        source = clip(3, seconds=47.0)
        spoken = [listen(engine.convert(source, voice, seed=1)) for voice in voices]
    for samples in spoken:
        assert len(samples) / SAMPLE_RATE == pytest.approx(source.seconds, abs=0.3)
    assert not np.allclose(*spoken)


def test_memory_does_not_grow_over_hundreds_of_requests(parts):
    process = psutil.Process()
    with running(parts("nano"), max_tokens=3) as engine:  # long speech takes longer, not more
        voice = parts("nano").builtin

        def speak(number: int) -> None:
            streams = [engine.submit(utterance(voice, "Yes.", seed=n % 50, group=n)) for n in range(number)]
            for stream in streams:
                listen(stream)
            gc.collect()

        speak(60)
        before = process.memory_info().rss
        speak(140)
        grown = process.memory_info().rss - before
    assert grown < 12 * 2**20


def test_an_engine_without_work_keeps_no_thread_and_wakes_for_the_next_request(parts):
    with running(parts("nano"), idle_seconds=0) as engine:
        for seed in range(3):
            assert len(listen(engine.submit(utterance(parts("nano").builtin, seed=seed))))
            for thread in threading.enumerate():
                if thread.name == engine.name:
                    thread.join(10)
                    assert not thread.is_alive()


def test_no_request_is_lost_while_the_thread_comes_and_goes(parts):
    """Each client asks again at the moment it has its answer, which is when the thread may find nothing to do and end."""
    answers = []

    def client(number: int) -> None:
        for seed in range(8):
            answers.append(len(listen(engine.submit(utterance(parts("nano").builtin, "Hi.", seed=seed, group=number)))))

    with running(parts("nano"), idle_seconds=0) as engine:
        clients = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(3)]
        for one in clients:
            one.start()
        for one in clients:
            one.join(60)
    assert len(answers) == 24


def test_a_stopped_engine_ends_its_streams_with_an_error_and_takes_no_more(parts):
    with running(parts("turbo")) as engine:
        streams = [engine.submit(utterance(parts("turbo").builtin, TEXT * 8, seed=n, group=n)) for n in range(20)]
    with pytest.raises(Unavailable):
        for stream in streams:
            listen(stream)
    with pytest.raises(Unavailable):
        engine.submit(utterance(parts("turbo").builtin))
