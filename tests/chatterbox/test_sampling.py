"""Sampling of many sequences at once, beside the warpers and the draw of the stock loop."""

from __future__ import annotations

import pytest
import torch
from transformers.generation import logits_process as warpers

from tts_server.engines.chatterbox.t3.sampler import NOT_FINITE, Draw, Sampler
from tts_server.engines.chatterbox.t3.sampling import Sampling

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


def make_sampler(count: int, *, is_gpt2: bool = False, is_static: bool = False) -> Sampler:
    return Sampler(
        is_gpt2=is_gpt2, vocabulary=VOCABULARY, start=START, max_sequences=count, device=torch.device("cpu"), is_static=is_static
    )


def draws_of(sampler: Sampler, samplings: list[Sampling], seeds: list[int] | None = None) -> list[Draw]:
    """One draw from each row of the logits."""
    return [
        Draw(sampler.open(), row, row, sampling, torch.Generator().manual_seed(row if seeds is None else seeds[row]))
        for row, sampling in enumerate(samplings)
    ]


def make_logits(generator: torch.Generator) -> torch.Tensor:
    """Logits with many ties: they are rounded to a quarter."""
    return (torch.randn(len(SAMPLINGS), VOCABULARY, generator=generator) * 8).round() / 4


@pytest.mark.parametrize("is_gpt2", [True, False])
@pytest.mark.parametrize("has_ties", [True, False])
@pytest.mark.parametrize("is_static", [True, False])
def test_a_batch_is_sampled_as_the_stock_loop_samples_each_alone(is_gpt2: bool, has_ties: bool, is_static: bool) -> None:
    # The order among equals is nobody's promise, so with ties no filter may cut between them: top-p is left out there.
    samplings = [Sampling(**{**vars(sampling), "top_p": 1.0}) if has_ties else sampling for sampling in SAMPLINGS]
    sampler = make_sampler(len(samplings) + 5, is_gpt2=is_gpt2, is_static=is_static)
    draws = draws_of(sampler, samplings)
    source = torch.Generator().manual_seed(5)
    tokens: list[list[int]] = [[] for _ in samplings]
    steps = [make_logits(source) if has_ties else torch.randn(len(samplings), VOCABULARY, generator=source) * 3 for _ in range(20)]
    for logits in steps:
        sampler.logits[: len(logits)] = logits
        for token, so_far in zip(sampler.draw(draws), tokens, strict=True):
            so_far.append(token)
    for row, sampling in enumerate(samplings):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(row)
            wanted: list[int] = []
            for logits in steps:
                used = (wanted or [START]) if is_gpt2 else [START, *wanted]
                wanted.append(stock_token(is_gpt2, logits[row : row + 1], used, sampling))
            assert tokens[row] == wanted
            assert torch.equal(draws[row].generator.get_state(), torch.get_rng_state())


LIKELIEST = torch.zeros(VOCABULARY).index_fill_(0, torch.tensor([7]), 3.0).index_fill_(0, torch.tensor([9]), 2.0)


def test_temperature_zero_takes_the_likeliest_token_and_draws_nothing() -> None:
    sampler = make_sampler(1)
    sampler.logits[0] = LIKELIEST
    draws = draws_of(sampler, [Sampling(temperature=0, repetition_penalty=2.0)])
    before = draws[0].generator.get_state()
    assert [sampler.draw(draws)[0] for _ in range(3)] == [7, 9, 7]
    assert torch.equal(draws[0].generator.get_state(), before)


def test_a_slot_begins_with_no_memory_of_its_former_sequence() -> None:
    sampler = make_sampler(1)
    sampler.logits[0] = LIKELIEST
    for _ in range(3):
        draws = draws_of(sampler, [Sampling(temperature=0, repetition_penalty=2.0)])
        assert sampler.draw(draws) == [7]
        sampler.close(draws[0].slot)


@pytest.mark.parametrize("is_static", [True, False])
def test_tokens_do_not_depend_on_the_rest_of_the_batch(is_static: bool) -> None:
    """Sequences that come and go, in batches of 1 to 6, get the tokens that each gets alone."""
    source = torch.Generator().manual_seed(3)
    steps = [torch.randn(len(SAMPLINGS), VOCABULARY, generator=source) * 3 for _ in range(6)]

    def tokens_of(members: list[list[int]]) -> list[list[int]]:
        """`members[step]`: the sequences of each step; sequence n reads row n."""
        sampler = make_sampler(len(SAMPLINGS), is_static=is_static)
        draws = draws_of(sampler, SAMPLINGS)
        tokens: list[list[int]] = [[] for _ in SAMPLINGS]
        for step, numbers in enumerate(members):
            for number in numbers:
                sampler.logits[number] = steps[len(tokens[number])][number]
            for number, token in zip(numbers, sampler.draw([draws[number] for number in numbers]), strict=True):
                tokens[number].append(token)
            assert step < len(members)
        return tokens

    alone = [tokens_of([[number]] * 6)[number] for number in range(len(SAMPLINGS))]
    together = tokens_of([[0], [0, 3], [3, 0, 5], [5, 4, 3, 2, 1, 0], [1, 2], [2, 0, 1, 4]])
    assert together == [one[: len(other)] for one, other in zip(alone, together, strict=True)]
    assert all(together)


def test_rows_that_fill_a_shape_up_use_no_token_of_any_sequence() -> None:
    sampler = make_sampler(8, is_static=True)
    sampler.logits[:] = LIKELIEST
    draws = draws_of(sampler, [Sampling(temperature=0, repetition_penalty=2.0)] * 8)
    assert sampler.draw(draws[5:]) == [7] * 3  # computed as four
    assert sampler.draw(draws) == [7] * 5 + [9] * 3


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("is_gpt2", [True, False])
def test_logits_that_are_not_finite_cost_their_sequence_alone(bad: float, is_gpt2: bool) -> None:
    logits = torch.randn(3, VOCABULARY, generator=torch.Generator().manual_seed(1))
    tokens = []
    for is_bad in (False, True):
        sampler = make_sampler(3, is_gpt2=is_gpt2)
        draws = draws_of(sampler, [SAMPLINGS[0]] * 3)
        sampler.logits[:] = logits
        if is_bad:
            sampler.logits[1, 40] = bad
        tokens.append([sampler.draw(draws) for _ in range(3)])
    expected, drawn = tokens
    assert [[one[0], one[2]] for one in drawn] == [[one[0], one[2]] for one in expected]
    assert [one[1] for one in drawn] == [NOT_FINITE] * 3
    assert NOT_FINITE not in {one[1] for one in expected}


def test_guidance_moves_logits_away_from_the_unconditional_row() -> None:
    sampler = make_sampler(2)
    sampler.logits[0, 5], sampler.logits[0, 6], sampler.logits[1, 6] = 2.0, 2.1, 1.0
    unguided, guided = Sampling(temperature=0, cfg_weight=0.0), Sampling(temperature=0, cfg_weight=0.5)
    generator = torch.Generator()
    assert sampler.draw([Draw(sampler.open(), 0, 0, unguided, generator), Draw(sampler.open(), 0, 1, guided, generator)]) == [6, 5]


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
