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


def background(slowing, **more):
    return simulate_background(rng(), 40_000, exponent=1.5, amplitude=12, slowing=slowing, **more)


def bipolar(data, front, back):
    return data[ELECTRODES.index(front)] - data[ELECTRODES.index(back)]


def band(data, low, high):
    frequencies, power = spectrum(data)
    return power[:, (frequencies >= low) & (frequencies < high)].sum(axis=1).mean()


def test_slowing_brings_delta_at_the_cost_of_the_rest():
    none, severe = background(0.0), background(1.0)
    assert band(severe, 1, 3) > 1.3 * band(none, 1, 3)
    assert band(severe, 10, 30) < 0.7 * band(none, 10, 30)


def test_bipolar_channels_have_the_asked_amplitude():
    data = background(0.5)
    pairs = (("Fp1", "F7"), ("F3", "C3"), ("C4", "P4"), ("T6", "O2"))
    assert np.mean([bipolar(data, *pair).std() for pair in pairs]) == pytest.approx(12, rel=0.2)


def test_the_posterior_rhythm_and_beta_are_there_where_they_are_asked_for():
    plain = background(0.3)
    with_alpha = background(0.3, posterior=15, posterior_frequency=9)
    with_beta = background(0.3, beta=5)
    assert band(with_alpha[[7]], 8, 10) > 4 * band(plain[[7]], 8, 10)
    assert band(with_beta, 14, 20) > 4 * band(plain, 14, 20)
    assert band(with_beta, 1, 4) == pytest.approx(band(plain, 1, 4), rel=0.05)


def test_neighbouring_channels_of_slow_backgrounds_are_alike():
    def correlation(slowing):
        data = signal.sosfilt(signal.butter(4, 4, fs=200, output="sos"), background(slowing))
        return np.corrcoef(bipolar(data, "F3", "C3"), bipolar(data, "C3", "P3"))[0, 1]

    assert correlation(0.9) > 0.15


def test_near_electrodes_correlate_more_than_distant_ones():
    correlation = np.corrcoef(background(0.3))
    near = correlation[ELECTRODES.index("F3"), ELECTRODES.index("C3")]
    far = correlation[ELECTRODES.index("F7"), ELECTRODES.index("O2")]
    assert near > 0.4
    # Never much: but what leaves the head at one end of it returns at the other.
    assert far < 0.2


def test_slow_waves_of_the_hemispheres_are_as_alike_as_asked():
    def correlation(bilateral):
        data = background(0.9, bilateral=bilateral)
        return np.corrcoef(bipolar(data, "F3", "C3"), bipolar(data, "F4", "C4"))[0, 1]

    assert correlation(0.7) > correlation(0.0) + 0.2
