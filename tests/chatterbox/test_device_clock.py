"""The time of the engine's stages is read after the device has done what was launched."""

from __future__ import annotations

import pytest

from tts_server.engines.chatterbox.device_clock import DeviceClock


class Device:
    """A device that runs `pending` seconds of kernels when it is waited for."""

    def __init__(self) -> None:
        self.seconds = self.pending = 0.0

    def synchronize(self) -> None:
        self.seconds += self.pending
        self.pending = 0.0


def test_kernels_count_for_the_stage_that_launched_them():
    device = Device()
    clock = DeviceClock(device.synchronize, lambda: device.seconds)
    begun = clock.now()
    device.pending = 0.25
    assert clock.now() - begun == pytest.approx(0.25)
    begun = clock.now()
    assert clock.now() == begun


def test_the_cpu_has_nothing_to_wait_for():
    clock = DeviceClock.of("cpu")
    assert clock.now() <= clock.now()
