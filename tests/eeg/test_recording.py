import numpy as np
import pytest

from hbac.eeg import CHANNELS, Recording


def ramp(seconds=60, channels=CHANNELS):
    samples = np.arange(seconds * 200, dtype=np.float32)
    return Recording(np.tile(samples, (len(channels), 1)), channels)


def test_crop_takes_the_named_seconds():
    window = ramp().crop(5, 50)
    assert window.data.shape == (20, 10_000)
    assert window.data[0, 0] == 1000
    assert window.duration == 50


@pytest.mark.parametrize("start", [-1, 10.5])
def test_crop_refuses_what_lies_outside(start):
    with pytest.raises(ValueError, match="do not lie inside a recording of 60 s"):
        ramp().crop(start, 50)


def test_pick_orders_as_named():
    data = np.arange(20, dtype=np.float32)[:, None]
    picked = Recording(data, CHANNELS).pick(("EKG", "Fp1"))
    assert picked.data[:, 0].tolist() == [19, 0]


def test_pick_names_the_channel_that_is_missing():
    with pytest.raises(ValueError, match="Fp9"):
        ramp().pick(("Fp1", "Fp9"))


@pytest.mark.parametrize(
    ("shape", "channels", "rate"),
    [
        ((2, 5), ("Fp1",), 200),
        ((5,), ("Fp1",), 200),
        ((2, 5), ("Fp1", "Fp1"), 200),
        ((1, 5), ("Fp1",), 0),
    ],
)
def test_a_recording_must_make_sense(shape, channels, rate):
    with pytest.raises(ValueError, match="received"):
        Recording(np.zeros(shape, np.float32), channels, rate)
