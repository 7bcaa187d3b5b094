from benchmarks.fake_device import FAKE_DEVICE, fake_device, move_to

__all__ = ["FAKE_DEVICE", "fake_device", "move_to"]
