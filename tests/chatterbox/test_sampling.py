"""Sampling of many sequences at once, beside the warpers and the draw of the stock loop."""

from __future__ import annotations

import pytest
import torch
from transformers.generation import logits_process as warpers

from tts_server.engines.chatterbox.t3.sampling import Sampler, Sampling

VOCABULARY, START = 300, 298
SAMPLINGS = [
    Sampling(temperature=0.8, top_p=0.95, top_k=100, min_p=0.05, repetition_penalty=1.2),
    Sampling(temperature=1.0, top_p=1.0, top_k=0, min_p=0.0, repetition_penalty=1.0),
    Sampling(temperature=1.7, top_p=0.5, top_k=0, min_p=0.3, repetition_penalty=2.0),
    Sampling(temperature=0.3, top_p=1.0, top_k=7, min_p=0.0, repetition_penalty=1.5),
    Sampling(temperature=0.9, top_p=0.0, top_k=5000, min_p=1.0, repetition_penalty=0.7),
    Sampling(temperature=1.3, top_p=0.8, top_k=1, min_p=0.1, repetition_penalty=1.2),
]


def stock_token(is_gpt2: bool, logits: torch.Tensor, used: list[int], sampling: Sampling) -> int:
    """One token as the stock loop draws it, from the global generator. `logits` [1, vocabulary]."""
    steps: list[warpers.LogitsProcessor] = []
    penalty = warpers.RepetitionPenaltyLogitsProcessor(float(sampling.repetition_penalty))
    temperature, top_p = warpers.TemperatureLogitsWarper(sampling.temperature), warpers.TopPLogitsWarper(sampling.top_p)
    if is_gpt2:
        steps = [temperature, *([warpers.TopKLogitsWarper(sampling.top_k)] if sampling.top_k else []), top_p, penalty]
    else:
        steps = [penalty, temperature, warpers.MinPLogitsWarper(sampling.min_p), top_p]
    ids = torch.tensor([used])
    for step in steps:
        logits = step(ids, logits)
    return int(torch.multinomial(logits.softmax(-1), 1))


def make_logits(generator: torch.Generator) -> torch.Tensor:
    """Logits with many ties: they are rounded to a quarter."""
    return (torch.randn(len(SAMPLINGS), VOCABULARY, generator=generator) * 8).round() / 4


@pytest.mark.parametrize("is_gpt2", [True, False])
@pytest.mark.parametrize("has_ties", [True, False])
def test_a_batch_is_sampled_as_the_stock_loop_samples_each_alone(is_gpt2: bool, has_ties: bool) -> None:
    # The order among equals is nobody's promise, so with ties no filter may cut between them: top-p is left out there.
    samplings = [Sampling(**{**vars(sampling), "top_p": 1.0}) if has_ties else sampling for sampling in SAMPLINGS]
    sampler = Sampler(is_gpt2=is_gpt2, vocabulary=VOCABULARY, start=START, max_sequences=len(samplings), device=torch.device("cpu"))
    slots = [sampler.open() for _ in samplings]
    generators = [torch.Generator().manual_seed(seed) for seed in range(len(samplings))]
    source = torch.Generator().manual_seed(5)
    tokens: list[list[int]] = [[] for _ in samplings]
    steps = [make_logits(source) if has_ties else torch.randn(len(samplings), VOCABULARY, generator=source) * 3 for _ in range(20)]
    for logits in steps:
        for token, so_far in zip(sampler.sample(logits, slots, samplings, generators), tokens, strict=True):
            so_far.append(token)
    for row, sampling in enumerate(samplings):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(row)
            wanted: list[int] = []
            for logits in steps:
                used = (wanted or [START]) if is_gpt2 else [START, *wanted]
                wanted.append(stock_token(is_gpt2, logits[row : row + 1], used, sampling))
            assert tokens[row] == wanted
            assert torch.equal(generators[row].get_state(), torch.get_rng_state())


def test_temperature_zero_takes_the_likeliest_token_and_draws_nothing() -> None:
    sampler = Sampler(is_gpt2=False, vocabulary=VOCABULARY, start=START, max_sequences=1, device=torch.device("cpu"))
    generator = torch.Generator().manual_seed(1)
    before = generator.get_state()
    logits = torch.zeros(1, VOCABULARY)
    logits[0, 7], logits[0, 9] = 3.0, 2.0
    sampling = Sampling(temperature=0, repetition_penalty=2.0)
    slot = sampler.open()
    assert [sampler.sample(logits, [slot], [sampling], [generator])[0] for _ in range(3)] == [7, 9, 7]
    assert torch.equal(generator.get_state(), before)


def test_a_slot_begins_with_no_memory_of_who_had_it_before() -> None:
    sampler = Sampler(is_gpt2=False, vocabulary=VOCABULARY, start=START, max_sequences=1, device=torch.device("cpu"))
    logits = torch.zeros(1, VOCABULARY)
    logits[0, 7], logits[0, 9] = 3.0, 2.0
    sampling = Sampling(temperature=0, repetition_penalty=2.0)
    for _ in range(3):
        slot = sampler.open()
        assert sampler.sample(logits, [slot], [sampling], [torch.Generator()]) == [7]
        sampler.close(slot)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"top_p": 1.1},
        {"top_k": -1},
        {"min_p": -0.5},
        {"repetition_penalty": 0},
        {"cfg_weight": -1},
        {"exaggeration": float("nan")},
        {"max_tokens": 0},
    ],
)
def test_values_without_a_meaning_are_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Sampling(**wrong)  # type: ignore[arg-type]
