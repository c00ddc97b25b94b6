import numpy as np
import pytest
from scipy import signal

from hbac.eeg import ELECTRODES
from hbac.eeg.simulation.background import (
    coloured_noise,
    posterior_rhythm,
    power_law,
    simulate_background,
    spectral_peak,
    wander,
)


def rng():
    return np.random.default_rng(1)


def spectrum(data):
    return signal.welch(data, 200, nperseg=800)


@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_power_falls_with_the_asked_exponent(exponent):
    noise = coloured_noise(rng(), power_law(exponent=exponent, rms=10), shape=(8, 60_000))
    frequencies, power = spectrum(noise)
    band = (frequencies > 2) & (frequencies < 40)
    slope = np.polyfit(np.log(frequencies[band]), np.log(power.mean(axis=0)[band]), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.05)


@pytest.mark.parametrize(
    "density",
    [
        power_law(exponent=2, rms=10),
        spectral_peak(frequency=9, bandwidth=0.5, rms=10),
        lambda f: np.full_like(f, 1.0),
    ],
)
def test_noise_has_the_asked_root_mean_square(density):
    noise = coloured_noise(rng(), density, shape=(16, 40_000))
    assert noise.dtype == np.float32
    assert noise.std() == pytest.approx(10, rel=0.03)


def test_channels_of_noise_are_independent():
    noise = coloured_noise(rng(), lambda f: np.ones_like(f), shape=(2, 40_000))
    assert abs(np.corrcoef(noise)[0, 1]) < 0.03


def test_wander_is_as_long_as_asked_and_of_unit_variance_at_its_knots():
    course = wander(rng(), 200 * 3000, seconds=1)
    assert len(course) == 600_000
    assert course[::200].std() == pytest.approx(1, abs=0.05)


def test_the_posterior_rhythm_is_occipital_and_of_its_frequency():
    rhythm = posterior_rhythm(rng(), 60_000, frequency=9, rms=10)
    frequencies, power = spectrum(rhythm[ELECTRODES.index("O1")])
    assert frequencies[power.argmax()] == pytest.approx(9, abs=0.5)
    assert rhythm[ELECTRODES.index("O1")].std() > 5 * rhythm[ELECTRODES.index("F3")].std()


def background(slowing):
    return simulate_background(
        rng(), 40_000, exponent=1.5, amplitude=12, posterior_frequency=9, slowing=slowing
    )


def test_slowing_trades_alpha_for_delta():
    def bands(data):
        frequencies, power = spectrum(data)
        delta = power[:, (frequencies >= 1) & (frequencies < 3)].sum(axis=1).mean()
        alpha = power[:, (frequencies >= 8) & (frequencies < 10)].sum(axis=1).mean()
        return delta, alpha

    (delta, alpha), (slow_delta, slow_alpha) = bands(background(0.0)), bands(background(1.0))
    assert slow_delta > 1.3 * delta
    assert slow_alpha < 0.7 * alpha


def test_neighbouring_electrodes_correlate_and_distant_ones_hardly():
    correlation = np.corrcoef(background(0.3))
    near = correlation[ELECTRODES.index("F3"), ELECTRODES.index("C3")]
    far = correlation[ELECTRODES.index("F7"), ELECTRODES.index("O2")]
    assert near > 0.4
    assert abs(far) < 0.25
