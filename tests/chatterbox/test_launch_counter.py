"""Counting kernels: views and allocations are none, replayed graphs are one, reads are apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from benchmarks.engine_counts import count
from benchmarks.launch_counter import LaunchCounter


def test_operations_count_but_views_and_allocations_do_not() -> None:
    with LaunchCounter() as counter:
        x = torch.empty(4, 4)
        x.fill_(1.0)
        y = x[1:].T.reshape(-1) + 1
        y.mul_(2)
    assert counter.operations == {"fill_": 1, "clone": 1, "add": 1, "mul_": 1}
    assert (counter.launches.total(), counter.reads.total()) == (4, 0)


def test_values_that_the_host_reads_are_counted_apart() -> None:
    x = torch.ones(4)
    with LaunchCounter() as counter:
        float(x.sum())
        x.nonzero()
    assert (counter.launches.total(), counter.reads.total()) == (1, 2)


def test_operations_are_distinguished_by_a_label() -> None:
    x, labels = torch.ones(4), iter("aab")
    with LaunchCounter(lambda: next(labels)) as counter:
        x + x + x + x
    assert counter.launches == {"a": 2, "b": 1}


def test_a_copy_to_the_host_is_a_read_on_a_fake_device() -> None:
    with FakeTensorMode(), LaunchCounter() as counter:
        x = torch.ones(4, device="cuda:1")
        (x + x).cpu()
    assert counter.operations == {"ones": 1, "add": 1, "_to_copy": 1}
    assert counter.reads.total() == 1


def test_only_operations_on_a_device_count_where_that_is_asked() -> None:
    with FakeTensorMode(), LaunchCounter(device_type="cuda") as counter:
        host = torch.ones(4)
        host + host
        x = host.to("cuda:1")
        x + x
    assert counter.operations == {"_to_copy": 1, "add": 1}


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_what_a_gpu_is_given_to_do_is_counted_for_each_part(checkpoint: Callable[[str], Path], mode: str) -> None:
    counts = count("nano", checkpoint("nano"), mode, "cpu", sequences=2, num_tokens=6)
    assert 2 <= counts.step_launches <= 20
    assert counts.step_reads == 1
    assert min(counts.flow_launches, counts.vocoder_launches) > 50
