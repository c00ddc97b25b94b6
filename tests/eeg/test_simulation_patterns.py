import numpy as np
import pytest
from scipy import signal

from hbac.eeg import ELECTRODES
from hbac.eeg.simulation.discharges import BIPHASIC, TRIPHASIC
from hbac.eeg.simulation.patterns import simulate_periodic_discharges, simulate_rhythmic_delta
from hbac.eeg.simulation.scalp import generalised_field, lateralised_field

MINUTES = 5 * 60 * 200
LEFT = [ELECTRODES.index(name) for name in ("F7", "T3", "T5", "F3", "C3", "P3")]
RIGHT = [ELECTRODES.index(name) for name in ("F8", "T4", "T6", "F4", "C4", "P4")]


def rng():
    return np.random.default_rng(5)


def test_an_lpd_of_one_hertz_repeats_each_second():
    field = 100 * lateralised_field("T3", width=0.6, contralateral=0.1)
    eeg = simulate_periodic_discharges(
        rng(), np.ones(MINUTES), frequency=1.0, jitter=0.05, phases=BIPHASIC, field=field
    )
    envelope = np.abs(eeg[ELECTRODES.index("T3")])
    envelope = envelope - envelope.mean()
    correlation = signal.correlate(envelope, envelope)[len(envelope) - 1 :]
    lag = 100 + correlation[100:300].argmax()
    assert lag / 200 == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("focus", "own", "other"), [("T3", LEFT, RIGHT), ("F4", RIGHT, LEFT)])
def test_lateralised_patterns_are_larger_on_their_side(focus, own, other):
    field = 100 * lateralised_field(focus, width=0.4, contralateral=0.0)
    periodic = simulate_periodic_discharges(
        rng(), np.ones(12_000), frequency=1.0, jitter=0.1, phases=BIPHASIC, field=field
    )
    rhythmic = simulate_rhythmic_delta(
        rng(), np.ones(12_000), frequency=2.0, field=field, jitter=0.1, sharpness=0.2
    )
    for eeg in (periodic, rhythmic):
        power = eeg.var(axis=1)
        assert power[own].sum() > 8 * power[other].sum()


def test_gpds_are_alike_on_both_sides_and_largest_in_front():
    field = 100 * generalised_field(inclination=90, posterior=0.2, asymmetry=0)
    eeg = simulate_periodic_discharges(
        rng(), np.ones(12_000), frequency=1.0, jitter=0.1, phases=TRIPHASIC, field=field
    )
    power = eeg.var(axis=1)
    assert power[LEFT].sum() == pytest.approx(power[RIGHT].sum(), rel=1e-3)
    assert power[ELECTRODES.index("Fp1")] > 4 * power[ELECTRODES.index("O1")]


def test_the_envelope_is_the_amplitude_of_discharges():
    envelope = np.ones(12_000)
    envelope[6_000:] = 0.25
    settings = {"frequency": 1.0, "jitter": 0.1, "phases": BIPHASIC, "field": np.ones(19)}
    plain = simulate_periodic_discharges(rng(), np.ones(12_000), **settings)
    eeg = simulate_periodic_discharges(rng(), envelope, **settings)
    # A discharge of 0.5 s that starts before the step keeps its height.
    np.testing.assert_allclose(eeg[:, :6_000], plain[:, :6_000], atol=1e-4)
    np.testing.assert_allclose(eeg[:, 6_100:], plain[:, 6_100:] / 4, atol=1e-4)
    assert np.abs(plain[:, 6_100:]).max() > 0.5


def test_discharges_keep_to_the_envelope():
    envelope = np.zeros(12_000)
    envelope[4_000:8_000] = 1
    eeg = simulate_periodic_discharges(
        rng(), envelope, frequency=2.0, jitter=0.1, phases=BIPHASIC, field=np.ones(19)
    )
    assert np.abs(eeg[:, :4_000]).max() < 1e-6
    assert np.abs(eeg[:, 8_100:]).max() < 1e-6
    assert np.abs(eeg[:, 4_000:8_000]).max() > 0.5


@pytest.mark.parametrize("frequency", [1.0, 2.0, 3.0])
def test_rhythmic_delta_peaks_at_its_frequency_and_is_monomorphic(frequency):
    eeg = simulate_rhythmic_delta(
        rng(), np.ones(MINUTES), frequency=frequency, field=np.ones(19), jitter=0.1, sharpness=0.2
    )
    frequencies, power = signal.welch(eeg[0], 200, nperseg=2000)
    assert frequencies[power.argmax()] == pytest.approx(frequency, rel=0.15)
    near = (frequencies > 0.7 * frequency) & (frequencies < 1.3 * frequency)
    assert power[near].sum() > 0.8 * power.sum()


@pytest.mark.parametrize("variation", [0.03, 0.1, 0.18])
def test_waves_of_rhythmic_delta_are_symmetric_and_vary_in_length_as_asked(variation):
    eeg = simulate_rhythmic_delta(
        rng(), np.ones(MINUTES), frequency=1.5, field=np.ones(19), jitter=variation, sharpness=0.1
    )
    crests, _ = signal.find_peaks(eeg[0], distance=50, prominence=0.1)
    troughs, _ = signal.find_peaks(-eeg[0], distance=50, prominence=0.1)
    lengths = np.diff(crests)
    # The rate drifts by some percent within minutes, beside what is asked.
    assert lengths.std() / lengths.mean() == pytest.approx(np.hypot(variation, 0.05), abs=0.03)
    before = troughs[np.searchsorted(troughs, crests[1:]) - 1]
    assert np.median((crests[1:] - before) / lengths) == pytest.approx(0.5, abs=0.02)


def test_several_fields_come_together_and_differ_in_height():
    fields = np.zeros((2, 19))
    fields[0, 0] = fields[1, 1] = 1
    eeg = simulate_periodic_discharges(
        rng(), np.ones(12_000), frequency=1.0, jitter=0.1, phases=TRIPHASIC, field=fields
    )
    assert 0.8 < np.corrcoef(eeg[0], eeg[1])[0, 1] < 0.99
    assert not eeg[2:].any()


def test_spikes_sit_on_every_wave_of_rhythmic_delta():
    settings = {"frequency": 1.5, "field": np.ones(19), "jitter": 0.05, "sharpness": 0.0}
    plain, plus = (
        simulate_rhythmic_delta(rng(), np.ones(12_000), spikes=spikes, **settings)[0]
        for spikes in (0.0, 0.5)
    )
    spikes, waves = (
        signal.find_peaks(trace, prominence=0.1 * np.ptp(trace), distance=60)[0]
        for trace in (plain - plus, plain)
    )
    assert len(spikes) == pytest.approx(len(waves), rel=0.1)
    assert len(spikes) > 60
