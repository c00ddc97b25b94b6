import numpy as np
import pytest

from hbac.eeg import CHAINS
from hbac.plots.denoising import before_and_after

SECONDS = np.arange(2000) / 200
SLOW = np.broadcast_to(40 * np.sin(2 * np.pi * 2 * SECONDS), (4, 4, 2000))


def _draw(raw, denoised, start=2.0, seconds=1.0):
    return before_and_after(raw, denoised, sampling_rate=200, start=start, seconds=seconds)


def test_each_chain_shows_its_channels_before_and_after():
    raw = SLOW + 5 * np.sin(2 * np.pi * 60 * SECONDS)
    figure = _draw(raw, SLOW)
    assert [axes.get_title(loc="left")[:2] for axes in figure.axes] == list(CHAINS)
    for axes in figure.axes:
        before, after = axes.lines[:4], axes.lines[4:]
        assert len(after) == 4
        for old, new in zip(before, after, strict=True):
            np.testing.assert_allclose(
                new.get_ydata() - old.get_ydata(), (raw - SLOW)[0, 0, 400:600], atol=1e-9
            )
        np.testing.assert_allclose(before[0].get_xdata(), SECONDS[400:600])


def test_negative_is_up():
    raw = np.zeros((4, 4, 2000))
    raw[..., 500] = -30
    axes = _draw(raw, np.zeros_like(raw)).axes[0]
    assert axes.lines[0].get_ydata().max() == 30


def test_other_shapes_and_stretches_are_refused():
    with pytest.raises(ValueError, match=r"denoised must have shape \(4, 4, 2000\)"):
        _draw(SLOW, SLOW[..., :100])
    with pytest.raises(ValueError, match=r"9\.5 to 10\.5 s must lie inside the 10 s of EEG"):
        _draw(SLOW, SLOW, start=9.5)
