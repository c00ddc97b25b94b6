import io

import numpy as np
import pytest

from hbac.plots.regional import colour_limits, decibels, frequency_edges, regional_spectrograms


def _images(figure):
    return [axes.images[0] for axes in figure.axes[:4]]


def test_axes_are_in_seconds_and_hertz(power):
    for image in _images(regional_spectrograms(power, start_seconds=100)):
        assert image.get_extent() == [100, 700, *frequency_edges()]
        assert image.origin == "lower"
    # Bins of 200 / 1024 Hz, of which the 3rd is the first.
    assert frequency_edges() == pytest.approx((2.5 * 200 / 1024, 102.5 * 200 / 1024))


def test_chains_come_in_order_and_show_their_own_columns(power):
    power = np.repeat([1.0, 10.0, 100.0, 1000.0], 100)[None] * np.ones((7, 1))
    figure = regional_spectrograms(power)
    titles = [axes.get_title(loc="left")[:2] for axes in figure.axes[:4]]
    assert titles == ["LL", "RL", "LP", "RP"]
    shown = [np.unique(image.get_array()).tolist() for image in _images(figure)]
    assert shown == [[0], [10], [20], [30]]


def test_low_frequencies_lie_at_the_bottom(power):
    power = np.ones((300, 400))
    power[:, 0] = 1e6
    image = _images(regional_spectrograms(power))[0]
    assert image.get_array()[0].min() == 60
    assert image.get_array()[1:].max() == 0


def test_chains_share_one_colour_scale(power):
    limits = {image.get_clim() for image in _images(regional_spectrograms(power))}
    assert limits == {colour_limits(power.astype(float))}


def test_zero_power_is_finite_and_does_not_set_the_scale():
    power = np.full((10, 400), 100.0)
    power[:, ::2] = 0
    assert np.isfinite(decibels(power)).all()
    assert colour_limits(power) == (20, 21)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_power_that_is_nowhere_positive_can_be_saved(value):
    figure = regional_spectrograms(np.full((10, 400), value, np.float32))
    assert np.isfinite(_images(figure)[0].get_clim()).all()
    figure.savefig(io.BytesIO())


def test_missing_power_is_masked(power):
    power = power.copy()
    power[10:20] = np.nan
    for image in _images(regional_spectrograms(power)):
        assert image.get_array().mask.any(axis=0).nonzero()[0].tolist() == list(range(10, 20))


@pytest.mark.parametrize("shape", [(300, 401), (0, 400), (400,)])
def test_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match="power must have shape"):
        regional_spectrograms(np.ones(shape))


def test_caption_stands_below(power):
    assert regional_spectrograms(power).get_supxlabel() == ""
    assert regional_spectrograms(power, caption="Dashed: 50 s").get_supxlabel() == "Dashed: 50 s"
