"""T3 with continuous batching, beside the stock loop on the same weights."""

from __future__ import annotations

import copy
import gc
import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor

from tts_server.engines.chatterbox.t3.alignment import HEADS, TextCoverage
from tts_server.engines.chatterbox.t3.backbone import Backbone
from tts_server.engines.chatterbox.t3.decoder import NonFiniteLogits, StepFailure, T3Decoder
from tts_server.engines.chatterbox.t3.kv_cache import KeyValues
from tts_server.engines.chatterbox.t3.sampling import Sampling
from tts_server.engines.chatterbox.t3.sequence import Sequence
from tts_server.engines.chatterbox.weights import linear, stock

STOP = 6562
NEVER = -1

# The stock resampler of the Llama models picks its kernel by a deprecated name.


@dataclass
class FakeVoice:
    """What the decoder needs of a voice. `made` counts how often its conditioning was asked for."""

    key: str
    speaker: Tensor
    prompt: Tensor
    made: list[float] = field(default_factory=list)

    def t3_cond(self, exaggeration: float) -> Any:
        self.made.append(exaggeration)
        emotion = exaggeration * torch.ones(1, 1, 1)
        return stock.T3Cond(speaker_emb=self.speaker, cond_prompt_speech_tokens=self.prompt, emotion_adv=emotion)


def make_voice(number: int, t3: Any, *, shorter: int = 0) -> FakeVoice:
    generator = torch.Generator().manual_seed(number)
    speaker = torch.nn.functional.normalize(torch.rand(1, 256, generator=generator), dim=-1)
    prompt = torch.randint(0, 6561, (1, t3.hp.speech_cond_prompt_len - shorter), generator=generator)
    return FakeVoice(f"voice {number}", speaker, prompt)


def make_text(t3: Any, length: int, seed: int) -> Tensor:
    ids = torch.randint(3, 250, (length,), generator=torch.Generator().manual_seed(seed))
    return ids if t3.is_gpt else torch.cat((torch.tensor([255]), ids, torch.tensor([0])))


@dataclass
class Job:
    """What to speak, and what to compare it with."""

    voice: FakeVoice
    text: Tensor
    sampling: Sampling
    seed: int

    def sequence(self, group: int = 0, index: int = 0) -> Sequence:
        generator = torch.Generator().manual_seed(self.seed)
        return Sequence(self.text, self.voice, self.sampling, generator, group=group, index=index)


def make_jobs(t3: Any, count: int) -> list[Job]:
    """Jobs that differ in all that a job can differ in. Only the GPT-2 models know voices of different lengths."""
    voices = [make_voice(number, t3, shorter=60 * number if t3.is_gpt else 0) for number in range(3)]
    jobs = []
    for number in range(count):
        sampling = Sampling(
            temperature=(0.8, 1.0, 0.6)[number % 3],
            top_p=(0.95, 0.8, 1.0)[number // 2 % 3],
            top_k=(1000, 50, 0)[number // 3 % 3],
            min_p=(0.05, 0.0, 0.2)[number % 3],
            repetition_penalty=(1.2, 1.0, 2.0)[number % 3],
            cfg_weight=(0.5, 0.3)[number % 2],
            exaggeration=(0.5, 0.7)[number // 2 % 2],
            max_tokens=(25, 12, 40)[number % 3],
        )
        jobs.append(Job(voices[number % 3], make_text(t3, 5 + 37 * number % 31, number), sampling, 100 + number))
    return jobs


@dataclass
class Spoken:
    """What the stock loop made of a job: `logits` are raw, for each step [rows, vocabulary]."""

    tokens: list[int]
    generator_state: Tensor
    logits: list[Tensor]


def stock_speaks(t3: Any, job: Job) -> Spoken:
    sampling, logits = job.sampling, list[Tensor]()
    hook = t3.speech_head.register_forward_hook(lambda *call: logits.append(call[2][:, -1].clone()))
    shared = {name: getattr(sampling, name) for name in ("temperature", "top_p", "repetition_penalty")}
    cond = job.voice.t3_cond(sampling.exaggeration)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(job.seed)
            if t3.is_gpt:
                # The stock loop draws one token before it begins to count.
                out = t3.inference_turbo(cond, job.text[None], top_k=sampling.top_k, max_gen_len=sampling.max_tokens - 1, **shared)
            else:
                twice = torch.stack((job.text, job.text))
                limits = {"min_p": sampling.min_p, "cfg_weight": sampling.cfg_weight, "max_new_tokens": sampling.max_tokens}
                out = t3.inference(t3_cond=cond, text_tokens=twice, **limits, **shared)
            state = torch.get_rng_state()
    finally:
        hook.remove()
    tokens = out[0].tolist()
    # The loop of the GPT-2 models has taken the stop token off already.
    return Spoken(tokens[:-1] if tokens[-1:] == [STOP] and not t3.is_gpt else tokens, state, logits)


def finish(decoder: T3Decoder) -> list[Sequence]:
    """Step until nothing is left to do."""
    finished: list[Sequence] = []
    while decoder.num_running + decoder.num_waiting:
        finished += decoder.step()
    return finished


def speak(decoder: T3Decoder, job: Job) -> list[int]:
    """The tokens of a job alone."""
    sequence = job.sequence()
    decoder.add(sequence)
    assert finish(decoder) == [sequence]
    return sequence.tokens


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.getLogger("chatterbox").setLevel(logging.ERROR)
    with patch("chatterbox.models.t3.t3.tqdm", lambda steps, **_: steps):
        yield


@pytest.fixture
def t3_of(stock_tts: Callable[[str], Any]) -> Callable[[str], Any]:
    """The stock T3 of a kind."""
    return lambda kind: stock_tts(kind).t3


@pytest.fixture
def t3(kind: str, t3_of: Callable[[str], Any]) -> Any:
    """The stock T3 of each kind in turn."""
    return t3_of(kind)


# Equal to the stock loop


def test_every_token_is_the_stock_loops_whatever_else_is_in_the_batch(t3: Any) -> None:
    jobs = make_jobs(t3, 9)
    wanted = [stock_speaks(t3, job) for job in jobs]
    for graphs in (False, True):
        decoder = T3Decoder(t3, max_rows=8, graphs=graphs)
        sequences, finished = [], []
        for number, job in enumerate(jobs):
            sequence = job.sequence(number, index=number % 2)
            sequences.append(sequence)
            decoder.add(sequence)
            for _ in range((0, 3, 1)[number % 3]):
                finished += decoder.step()
        finished += finish(decoder)
        assert set(finished) == set(sequences)
        assert decoder.num_rows == 0
        for sequence, spoken in zip(sequences, wanted, strict=True):
            assert sequence.tokens == spoken.tokens
            assert torch.equal(sequence.generator.get_state(), spoken.generator_state)
            assert sequence.finish_reason == ("cap" if len(sequence.tokens) == sequence.sampling.max_tokens else "stop")


def test_logits_are_the_stock_loops_within_a_ten_thousandth(t3: Any) -> None:
    jobs = make_jobs(t3, 2)
    raw: list[Tensor] = []
    real = Backbone.logits

    def spy(self: Backbone, hidden: Tensor) -> Tensor:
        raw.append(real(self, hidden))
        return raw[-1].clone()

    decoder = T3Decoder(t3)
    sequences = [job.sequence() for job in jobs]
    for sequence in sequences:
        decoder.add(sequence)
    with patch.object(Backbone, "logits", spy):
        while not any(sequence.is_finished for sequence in sequences):
            decoder.step()
    wanted = [stock_speaks(t3, job).logits for job in jobs]
    for step, logits in enumerate(raw):
        difference = (logits - torch.cat([steps[step] for steps in wanted])).abs()
        assert difference[logits > -1000].max() < 1e-4  # those of ids that are never sampled are too large for float32 to be so near


def test_greedy_speech_is_the_stock_loops_when_it_takes_the_likeliest(t3: Any) -> None:
    job = make_jobs(t3, 1)[0]
    greedy = Job(job.voice, job.text, Sampling(**{**vars(job.sampling), "temperature": 0}), job.seed)
    plain = Job(job.voice, job.text, Sampling(**{**vars(job.sampling), "temperature": 1.0}), job.seed)
    with patch("torch.multinomial", lambda chances, **_: chances.argmax(-1, keepdim=True)):
        wanted = stock_speaks(t3, plain)
    sequence = greedy.sequence()
    before = sequence.generator.get_state()
    decoder = T3Decoder(t3)
    decoder.add(sequence)
    finish(decoder)
    assert sequence.tokens == wanted.tokens
    assert torch.equal(sequence.generator.get_state(), before)


@pytest.mark.parametrize("kind", ["english", "multilingual"], indirect=True)
def test_without_guidance_one_row_says_what_two_say_with_hardly_any(t3: Any) -> None:
    job = make_jobs(t3, 1)[0]
    # The stock loop cannot do without the second row; so little guidance is lost in the rounding.
    hardly = Job(job.voice, job.text, Sampling(**{**vars(job.sampling), "cfg_weight": 1e-12}), job.seed)
    sequence = Job(job.voice, job.text, Sampling(**{**vars(job.sampling), "cfg_weight": 0.0}), job.seed).sequence()
    decoder = T3Decoder(t3)
    decoder.add(sequence)
    decoder.step()
    assert decoder.num_rows <= 1
    finish(decoder)
    assert sequence.tokens == stock_speaks(t3, hardly).tokens


@pytest.mark.parametrize("kind", ["multilingual"], indirect=True)
def test_two_equal_tokens_in_a_row_end_no_sentence(t3: Any) -> None:
    """chatterbox-tts 0.1.7 forces the end where a token is drawn twice, wherever in the text that is."""
    own = copy.deepcopy(t3)
    with torch.no_grad():
        own.speech_head.weight[4218] += 3 * own.speech_head.weight.abs().max()
    sequence = Job(make_voice(1, t3), make_text(t3, 40, 1), Sampling(max_tokens=30, temperature=0, repetition_penalty=1.0), 1).sequence()
    decoder = T3Decoder(own)
    decoder.add(sequence)
    finish(decoder)
    assert len(sequence.tokens) == 30 and any(one == other for one, other in itertools.pairwise(sequence.tokens))


@pytest.mark.parametrize("graphs", [False, True])
def test_only_the_multilingual_model_measures_the_coverage_of_the_text(t3: Any, graphs: bool) -> None:
    sequences = [job.sequence() for job in make_jobs(t3, 4)]
    decoder = T3Decoder(t3, graphs=graphs)
    for sequence in sequences:
        decoder.add(sequence)
    finish(decoder)
    shares = [sequence.coverage for sequence in sequences]
    if decoder.is_multilingual:
        assert all(share is not None and 0 < float(share) <= 1 for share in shares)
    else:
        assert shares == [None] * 4


def test_coverage_is_the_share_of_the_text_that_some_step_attended_to() -> None:
    text, first, size, rows = 20, 5, 32, 3
    layers = 1 + max(layer for layer, _ in HEADS)
    heads = 1 + max(head for _, head in HEADS)
    store = KeyValues(layers, heads, size, max_rows=rows, dtype=torch.float32, device=torch.device("cpu"), own_prefix=True)
    store.allocate(rows, first + text + 10)
    for layer, head in HEADS:
        # Each text token has a unit vector as its key. The keys before and after the text score highest, and must not count.
        store.keys[layer][:, head] = 90.0
        store.keys[layer][:, head, first : first + text] = 50 * torch.eye(text, size)
    coverage = TextCoverage(store, max_rows=rows, max_text=text)
    for row in range(rows):
        coverage.begin(row, first, text)
    steps = [[3, 0, 0], [3, 19, 1], [4, 19, 2], [5, 19, 3], [12, 19, 4]]
    for attended in steps:
        query = torch.eye(size)[attended][:, None]
        coverage.mark(dict.fromkeys(HEADS, query), store.capacity)
    assert float(coverage.share(0, text)) == pytest.approx((len(range(1, 8)) + len(range(10, 15))) / 18)
    assert float(coverage.share(1, text)) == pytest.approx((len(range(1, 3)) + len(range(17, 19))) / 18)
    coverage.move(0, 2)
    assert float(coverage.share(2, text)) == float(coverage.share(0, text))
    coverage.begin(0, first, text)
    assert float(coverage.share(0, text)) == 0
    for token in range(text):
        coverage.mark({head: torch.eye(size)[[token] * rows][:, None] for head in HEADS}, store.capacity)
    assert float(coverage.share(0, text)) == 1


def test_a_model_whose_transformer_was_released_speaks_as_before(t3: Any) -> None:
    job = make_jobs(t3, 1)[0]
    own = copy.deepcopy(t3)
    decoder = T3Decoder(own, release=True)
    assert speak(decoder, job) == stock_speaks(t3, job).tokens
    assert not any(weight.numel() for weight in (*own.tfmr.parameters(), *own.speech_head.parameters()))


@pytest.mark.parametrize("kind", ["turbo", "multilingual"], indirect=True)
@pytest.mark.parametrize("graphs", [False, True])
def test_a_model_in_half_precision_speaks(t3: Any, graphs: bool) -> None:
    own = copy.deepcopy(t3).bfloat16()
    jobs = make_jobs(t3, 3)
    decoder = T3Decoder(own, graphs=graphs)
    sequences = [job.sequence() for job in jobs]
    for sequence in sequences:
        decoder.add(sequence)
    finish(decoder)
    assert decoder.precision == "bfloat16"
    assert all(sequence.finish_reason in ("stop", "cap") for sequence in sequences)


# Many at once


@pytest.mark.parametrize("kind", ["turbo", "english"], indirect=True)
def test_two_voices_never_mix_among_two_hundred_sequences(t3: Any) -> None:
    t3 = copy.deepcopy(t3)
    with torch.no_grad():
        t3.speech_head.weight[:6561] *= 8  # as it is, chance decides more than the voice does, and mixing would not show
    voices = [make_voice(1, t3), make_voice(2, t3, shorter=40 if t3.is_gpt else 0)]
    jobs = [Job(voice, make_text(t3, 2 + 3 * seed, seed), Sampling(max_tokens=4 + seed), seed) for voice in voices for seed in range(5)]
    decoder = T3Decoder(t3, max_rows=16)
    alone = [speak(decoder, job) for job in jobs]
    sequences = [jobs[number % len(jobs)].sequence(number) for number in range(200)]
    for sequence in sequences:
        decoder.add(sequence)
    finish(decoder)
    assert [sequence.tokens for sequence in sequences] == [alone[number % len(jobs)] for number in range(200)]
    assert sum(one != other for one, other in zip(alone[:5], alone[5:], strict=True)) >= 4


def test_memory_does_not_grow_over_a_thousand_sequences(t3_of: Callable[[str], Any]) -> None:
    t3 = t3_of("turbo")
    voices = [make_voice(number, t3) for number in range(2)]
    decoder = T3Decoder(t3, max_rows=16)

    def speak_many(count: int) -> tuple[int, int]:
        for number in range(count):
            text = make_text(t3, 3 + number % 5, number)
            decoder.add(Job(voices[number % 2], text, Sampling(max_tokens=2), number).sequence(number, number % 3))
        finish(decoder)
        gc.collect()
        return decoder.nbytes, len(gc.get_objects())

    speak_many(50)
    bytes_before, objects_before = speak_many(50)
    bytes_after, objects_after = speak_many(1000)
    assert bytes_after == bytes_before
    assert objects_after - objects_before < 100


@pytest.mark.parametrize("pack", [linear.int8, linear.half])
def test_a_layer_of_the_fast_mode_gives_a_row_the_same_numbers_beside_a_loud_neighbour(pack: linear.Packer) -> None:
    generator = torch.Generator().manual_seed(0)
    layer = pack(torch.randn(192, 64, generator=generator), None)
    rows = torch.randn(8, 1, 64, generator=generator) * torch.tensor([1, 1000, 0.01, 1, 50, 1, 1, 0.5])[:, None, None]
    with torch.inference_mode():
        assert torch.equal(layer(rows), torch.cat([layer(row[None]) for row in rows]))


def test_fast_mode_gives_a_sequence_its_tokens_in_company_too(t3: Any) -> None:
    """Some processors add up attention in another order for another number of rows. int8 can make such a last bit another token."""
    decoder = T3Decoder(t3, mode="fast", max_rows=8)
    jobs = make_jobs(t3, 5)
    alone = [speak(decoder, job) for job in jobs]
    sequences = [job.sequence(number) for number, job in enumerate(jobs)]
    for sequence in sequences:
        decoder.add(sequence)
    finish(decoder)
    pairs = [pair for sequence, tokens in zip(sequences, alone, strict=True) for pair in zip(sequence.tokens, tokens, strict=False)]
    assert sum(one == other for one, other in pairs) >= 0.8 * sum(map(len, alone))


def test_the_tokens_so_far_can_be_read_after_each_step(t3_of: Callable[[str], Any]) -> None:
    t3 = t3_of("turbo")
    job = make_jobs(t3, 1)[0]
    decoder = T3Decoder(t3)
    sequence = job.sequence()
    decoder.add(sequence)
    lengths = []
    while not sequence.is_finished:
        decoder.step()
        lengths.append(len(sequence.tokens))
    assert lengths[:3] == [1, 2, 3]


def test_speech_ends_where_the_positions_of_a_row_end(t3_of: Callable[[str], Any]) -> None:
    t3 = t3_of("turbo")
    voice = make_voice(1, t3)
    job = Job(voice, make_text(t3, 10, 1), Sampling(temperature=0, max_tokens=1000), 1)
    decoder = T3Decoder(t3, max_positions=376 + 10 + 1 + 5)
    sequence = job.sequence()
    decoder.add(sequence)
    with patch.object(decoder.backbone, "stop", NEVER):
        finish(decoder)
    assert (len(sequence.tokens), sequence.finish_reason) == (5, "cap")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (torch.zeros(0, dtype=torch.int64), "at least one"),
        (torch.tensor([5, 100_000]), "outside the model's vocabulary"),
        (torch.full((5000,), 7), "too long"),
    ],
)
def test_texts_that_cannot_be_spoken_are_refused_at_once(t3: Any, text: Tensor, reason: str) -> None:
    decoder = T3Decoder(t3)
    with pytest.raises(ValueError, match=reason):
        decoder.add(Job(make_voice(1, t3), text, Sampling(), 1).sequence())
    assert decoder.num_waiting == 0


# What goes wrong


@pytest.mark.parametrize("kind", ["turbo", "english"], indirect=True)
def test_abort_frees_the_rows_at_once_and_other_sequences_continue(t3: Any) -> None:
    jobs = make_jobs(t3, 4)
    decoder = T3Decoder(t3, max_rows=8)
    alone = [speak(decoder, Job(job.voice, job.text, job.sampling, job.seed)) for job in jobs]
    kept, dropped, waiting = jobs[0].sequence(), jobs[1].sequence(), jobs[2].sequence()
    decoder.add(dropped)
    decoder.add(kept)
    decoder.step()
    rows = decoder.num_rows
    decoder.add(waiting)
    decoder.abort(dropped)
    decoder.abort(waiting)
    assert decoder.num_rows == rows // 2
    assert (decoder.num_running, decoder.num_waiting) == (1, 0)
    decoder.abort(dropped)
    assert finish(decoder) == [kept]
    assert kept.tokens == alone[0]
    assert (dropped.finish_reason, waiting.finish_reason) == ("aborted", "aborted")


@pytest.mark.parametrize("kind", ["turbo", "english"], indirect=True)
@pytest.mark.parametrize("graphs", [False, True])
def test_an_exception_at_any_step_leaves_the_decoder_usable(t3: Any, graphs: bool) -> None:
    jobs = make_jobs(t3, 3)
    decoder = T3Decoder(t3, graphs=graphs)
    alone = [speak(decoder, job) for job in jobs]
    real = Backbone.run
    for broken in range(0, 8, 1 if t3.is_gpt else 3):
        calls = iter(range(1000))

        def run(self: Backbone, *arguments: Any, calls: Iterator[int] = calls, broken: int = broken) -> Tensor:
            if next(calls) == broken:
                raise MemoryError("no room")
            return real(self, *arguments)

        decoder.shrink()
        sequences = [job.sequence(number) for number, job in enumerate(jobs)]
        for sequence in sequences:
            decoder.add(sequence)
        failure = None
        with patch.object(Backbone, "run", run):
            while decoder.num_running + decoder.num_waiting:
                try:
                    decoder.step()
                except StepFailure as error:
                    failure = error
        assert failure is not None
        assert isinstance(failure.cause, MemoryError)
        failed = {sequence for sequence in sequences if sequence.finish_reason == "failed"}
        assert failed == set(failure.sequences)
        assert failed
        assert all(sequence.tokens == tokens for sequence, tokens in zip(sequences, alone, strict=True) if sequence not in failed)
        assert decoder.num_rows == 0
        assert [speak(decoder, job) for job in jobs] == alone


@pytest.mark.parametrize("kind", ["turbo", "multilingual"], indirect=True)
@pytest.mark.parametrize("graphs", [False, True])
def test_a_voice_with_nan_logits_is_named_and_other_sequences_continue(t3: Any, graphs: bool) -> None:
    job = make_jobs(t3, 3)[2]
    decoder = T3Decoder(t3, graphs=graphs)
    alone = speak(decoder, job)
    ill = make_voice(7, t3)
    ill.speaker = torch.full_like(ill.speaker, float("nan"))
    healthy, bad = job.sequence(), Job(ill, make_text(t3, 40, 1), Sampling(), 1).sequence(group=12, index=3)
    decoder.add(bad)
    decoder.add(healthy)
    with pytest.raises(StepFailure, match="12/3") as failure:
        decoder.step()
    assert failure.value.sequences == [bad]
    assert isinstance(failure.value.cause, NonFiniteLogits)
    assert bad.finish_reason == "failed"
    # A short text now takes the row of the failed one, while a long one makes the step look beyond its end.
    successor = Job(job.voice, job.text[:3] if t3.is_gpt else make_text(t3, 1, 3), Sampling(top_p=0.9, max_tokens=10), 4)
    following = successor.sequence()
    decoder.add(following)
    finish(decoder)
    assert healthy.tokens == alone
    assert following.tokens == speak(decoder, successor)


def test_a_voice_that_cannot_be_prepared_fails_alone(t3_of: Callable[[str], Any]) -> None:
    t3 = t3_of("turbo")
    job = make_jobs(t3, 1)[0]
    decoder = T3Decoder(t3)
    alone = speak(decoder, job)
    wrong = make_voice(5, t3)
    wrong.speaker = torch.zeros(1, 3)
    healthy, bad = job.sequence(), Job(wrong, job.text, job.sampling, 1).sequence()
    decoder.add(bad)
    decoder.add(healthy)
    with pytest.raises(StepFailure) as failure:
        decoder.step()
    assert failure.value.sequences == [bad]
    finish(decoder)
    assert healthy.tokens == alone


def test_what_finished_in_a_failed_step_is_returned_by_the_next(t3_of: Callable[[str], Any]) -> None:
    t3 = t3_of("turbo")
    voice = make_voice(1, t3)
    short = Job(voice, make_text(t3, 3, 1), Sampling(max_tokens=1), 1).sequence()
    ill = make_voice(7, t3)
    ill.speaker = torch.full_like(ill.speaker, float("nan"))
    decoder = T3Decoder(t3)
    decoder.add(short)
    decoder.add(Job(ill, make_text(t3, 3, 1), Sampling(), 1).sequence())
    with pytest.raises(StepFailure):
        decoder.step()
    assert short.is_finished
    assert decoder.step() == [short]


# Voices


def test_a_voice_is_prepared_once_and_again_for_another_exaggeration_of_a_llama(t3: Any) -> None:
    voice = make_voice(1, t3)
    decoder = T3Decoder(t3)
    for exaggeration in (0.5, 0.5, 0.9, 0.5):
        speak(decoder, Job(voice, make_text(t3, 4, 1), Sampling(exaggeration=exaggeration, max_tokens=2), 1))
    assert voice.made == ([0.5] if t3.is_gpt else [0.5, 0.9])


def test_prefixes_stay_within_their_bytes_except_those_in_use(t3_of: Callable[[str], Any]) -> None:
    t3 = t3_of("turbo")
    voices = [make_voice(number, t3) for number in range(6)]
    one = 2 * 2 * 64 * 376 * 4  # keys and values, layers, width, positions, bytes
    decoder = T3Decoder(t3, prefix_bytes=2 * one)

    def rest() -> int:
        decoder.shrink()
        return decoder.nbytes

    for voice in voices:
        speak(decoder, Job(voice, make_text(t3, 4, 1), Sampling(max_tokens=2), 1))
    speak(decoder, Job(voices[4], make_text(t3, 4, 1), Sampling(max_tokens=2), 1))
    assert voices[4].made == [0.5]
    speak(decoder, Job(voices[0], make_text(t3, 4, 1), Sampling(max_tokens=2), 1))
    assert voices[0].made == [0.5, 0.5]
    assert decoder.prefixes.nbytes == 2 * one
    assert rest() == 0
    sequences = [Job(voice, make_text(t3, 4, 1), Sampling(temperature=0, max_tokens=5), 1).sequence() for voice in voices[:4]]
    for sequence in sequences:
        decoder.add(sequence)
    with patch.object(decoder.backbone, "stop", NEVER):
        decoder.step()
        decoder.step()
    assert decoder.prefixes.nbytes == 4 * one
    decoder.shrink()
    assert decoder.prefixes.nbytes == 4 * one
    finish(decoder)
    assert decoder.prefixes.nbytes == 2 * one
