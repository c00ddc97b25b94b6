import numpy as np
import pytest

from hbac.eeg.simulation import neural_mass
from hbac.eeg.simulation.neural_mass import frequency_of, simulate_columns


def column(gains, drive=neural_mass.REST, *, seconds=10, noise=0.0, speed=1.0, seed=0):
    drives = np.full((1, 200 * seconds), float(drive))
    rng = np.random.default_rng(seed)
    return simulate_columns(rng, np.array(gains), drives, speed=speed, noise=noise)[0]


def test_alpha_is_the_rhythm_of_the_published_parameters():
    assert 8 < frequency_of(column(neural_mass.VISUAL, 220)) < 12


def test_slow_spikes_come_between_rest_and_alpha():
    spikes = column(neural_mass.VISUAL, 120)
    assert 1 < frequency_of(spikes) < 4
    assert np.ptp(spikes) > 8
    assert np.ptp(column(neural_mass.VISUAL, 100)[400:]) < 0.1


@pytest.mark.parametrize("speed", [0.1, 0.3, 2.0])
def test_kinetics_scale_the_frequency_and_leave_the_waveform(speed):
    own, scaled = (column(neural_mass.VISUAL, 220, seconds=40, speed=s) for s in (1.0, speed))
    assert frequency_of(scaled) == pytest.approx(speed * frequency_of(own), rel=0.05)
    # The high-pass takes some of what is slow.
    assert np.ptp(scaled[4000:]) == pytest.approx(np.ptp(own[4000:]), rel=0.25)


def test_failing_inhibition_brings_the_kinds_of_activity_that_were_published():
    assert np.ptp(column(neural_mass.BACKGROUND, noise=30)) < 4
    assert np.ptp(column(neural_mass.SPORADIC_SPIKES, noise=30)) > 15
    assert 3 < frequency_of(column(neural_mass.SUSTAINED_SPIKES, noise=30)) < 6
    assert 7 < frequency_of(column(neural_mass.QUASI_SINUSOIDAL, noise=30)) < 13
    fast, slow = (
        column(gains, noise=30) for gains in (neural_mass.LOW_VOLTAGE_FAST, neural_mass.SLOW_RHYTHM)
    )
    assert frequency_of(fast) > frequency_of(slow) > 10
    assert np.ptp(fast) < 4


def test_equal_seeds_give_equal_noise():
    one, same, other = (column(neural_mass.VISUAL, noise=30, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_gains_may_drift():
    progress = np.linspace(0, 1, 4000)[:, None]
    ends = np.array(neural_mass.SUSTAINED_SPIKES), np.array(neural_mass.QUASI_SINUSOIDAL)
    gains = (1 - progress) * ends[0] + progress * ends[1]
    drive = np.full((1, 4000), neural_mass.REST)
    trace = simulate_columns(np.random.default_rng(0), gains, drive, noise=10)[0]
    assert frequency_of(trace[:1000]) < 6 < frequency_of(trace[-1000:])


@pytest.mark.parametrize("frequency", [1.3, 10.0])
def test_the_frequency_of_a_noisy_sine(frequency):
    times = np.arange(4000) / 200
    noise = 0.05 * np.random.default_rng(0).standard_normal(4000)
    assert frequency_of(np.sin(2 * np.pi * frequency * times) + noise) == pytest.approx(
        frequency, rel=0.02
    )


def test_what_does_not_swing_has_no_frequency():
    assert frequency_of(np.zeros(400)) == 0
