import numpy as np
import pytest
import scipy

from hbac.eeg import ELECTRODES, Recording
from hbac.eeg.band_power import BAND_POWER_NAMES, BANDS, POWER_FLOOR, band_powers


def eeg_with(electrode, signal):
    """The other electrodes are alive, but far below anything that counts."""
    data = np.random.default_rng(0).normal(0, 1e-6, (19, 10_000)).astype(np.float32)
    data[ELECTRODES.index(electrode)] += signal
    return Recording(data, ELECTRODES)


def named(recording):
    return dict(zip(BAND_POWER_NAMES, band_powers(recording), strict=True))


@pytest.mark.parametrize(
    ("frequency", "band"), [(2, "delta"), (6, "theta"), (10, "alpha"), (16, "beta")]
)
def test_a_sine_has_half_its_squared_height_in_its_band_alone(frequency, band):
    powers = named(eeg_with("T3", 20 * np.sin(2 * np.pi * frequency * np.arange(10_000) / 200)))
    # Two of the chain's four channels carry it.
    expected = np.log10(20**2 / 2 * 2 / 4)
    assert powers[f"centre_LL_{band}"] == pytest.approx(expected, abs=0.01)
    assert powers[f"window_LL_{band}"] == pytest.approx(expected, abs=0.01)
    rest = [power for name, power in powers.items() if not name.endswith(f"LL_{band}")]
    assert max(rest) < expected - 3


def test_the_centre_is_the_central_10_s():
    times = np.arange(10_000) / 200
    burst = np.where((times >= 20) & (times < 30), np.sin(2 * np.pi * 6 * times), 0)
    powers = named(eeg_with("C4", 30 * burst))
    assert powers["centre_RP_theta"] == pytest.approx(np.log10(30**2 / 2 * 2 / 4), abs=0.01)
    assert powers["window_RP_theta"] == pytest.approx(powers["centre_RP_theta"] - 0.7, abs=0.1)


def test_equals_the_density_of_scipy():
    noise = np.cumsum(np.random.default_rng(2).normal(size=10_000))
    powers = named(eeg_with("C4", noise))
    frequencies, density = scipy.signal.welch(noise, 200, nperseg=800)
    for band, (low, high) in BANDS.items():
        inside = (low <= frequencies) & (frequencies < high)
        expected = np.log10(density[inside].sum() / 4 * 2 / 4)
        assert powers[f"window_RP_{band}"] == pytest.approx(expected, abs=1e-4)


def test_ten_times_the_amplitude_is_2_more():
    noise = np.random.default_rng(0).normal(size=(19, 10_000)).astype(np.float32) * 10
    powers = [band_powers(Recording(noise * factor, ELECTRODES)) for factor in (1, 10)]
    np.testing.assert_allclose(powers[1] - powers[0], 2, atol=1e-3)


def test_what_is_left_of_a_chain_is_measured_and_a_lost_chain_is_missing():
    data = np.random.default_rng(1).normal(size=(19, 10_000)).astype(np.float32)
    whole = named(Recording(data, ELECTRODES))
    data[:, :4500] = np.nan
    data[ELECTRODES.index("T3")] = np.nan
    left = named(Recording(data, ELECTRODES))
    assert all(abs(left[name] - whole[name]) < 0.3 for name in left)
    for name in ("F8", "T6"):
        data[ELECTRODES.index(name)] = 7
    lost = [name for name, power in named(Recording(data, ELECTRODES)).items() if np.isnan(power)]
    assert lost == [name for name in BAND_POWER_NAMES if "_RL_" in name]
    assert np.isnan(band_powers(Recording(np.full_like(data, np.nan), ELECTRODES))).all()


def test_amplitudes_that_no_amplifier_gives_are_finite():
    data = np.random.default_rng(1).normal(size=(19, 10_000)).astype(np.float32)
    data[3], data[4] = 1e30 * data[3], -1e30 * data[4]
    assert np.isfinite(band_powers(Recording(data, ELECTRODES))).all()


def test_silence_is_at_the_floor():
    powers = band_powers(Recording(1e-6 * np.ones((19, 1)) * np.sin(np.arange(10_000)) *
                                   np.arange(1, 20)[:, None], ELECTRODES))  # fmt: skip
    np.testing.assert_allclose(powers, np.log10(POWER_FLOOR), rtol=1e-6)


def test_less_than_10_s_are_refused():
    with pytest.raises(ValueError, match="at least 10 s are needed, received 5"):
        band_powers(Recording(np.zeros((19, 1000), np.float32), ELECTRODES))
