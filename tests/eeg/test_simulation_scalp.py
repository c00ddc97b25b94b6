import numpy as np
import pytest

from hbac.eeg import ELECTRODES
from hbac.eeg.simulation.scalp import (
    LEFT_FOCI,
    MIRRORED,
    POSITIONS,
    bipolar_amplitudes,
    channels_involved,
    front_to_back_delays,
    generalised_field,
    lateralised_field,
    patch_field,
    project,
    volume_conduction,
    width_involving,
)


def at(field, name):
    return field[ELECTRODES.index(name)]


def test_electrodes_lie_on_the_unit_sphere_left_and_right_mirrored():
    np.testing.assert_allclose(np.linalg.norm(POSITIONS, axis=1), 1)
    for left, right in (("Fp1", "Fp2"), ("F7", "F8"), ("C3", "C4"), ("T5", "T6"), ("O1", "O2")):
        mirrored = POSITIONS[ELECTRODES.index(left)] * [-1, 1, 1]
        np.testing.assert_allclose(mirrored, POSITIONS[ELECTRODES.index(right)], atol=1e-12)


def test_left_and_right_electrodes_change_places_and_the_midline_stays():
    names = np.array(ELECTRODES)
    assert at(names[MIRRORED], "T5") == "T6"
    assert at(names[MIRRORED], "Fz") == "Fz"
    np.testing.assert_array_equal(MIRRORED[MIRRORED], np.arange(19))


def test_a_lateralised_field_peaks_at_its_focus_and_falls_off_over_the_head():
    field = lateralised_field("T3", width=0.6, contralateral=0.0)
    assert ELECTRODES[field.argmax()] == "T3"
    assert bipolar_amplitudes(field).max() == pytest.approx(1)
    assert at(field, "T3") > at(field, "C3") > at(field, "Cz") > at(field, "C4")
    # Current that leaves the head above the patch returns on its other side.
    assert at(field, "T4") < 0


def test_an_upright_dipole_reverses_its_phase_in_the_chain_at_its_electrode():
    field = lateralised_field("T3", width=0.2, contralateral=0.0)
    assert at(field, "F7") - at(field, "T3") < -0.5
    assert at(field, "T3") - at(field, "T5") > 0.5
    leaning = patch_field(POSITIONS[ELECTRODES.index("T3")], width=0.2, tilt=np.array([0, 3, 0]))
    assert at(leaning, "F7") > 0 > at(leaning, "T5")


def test_the_mirrored_patch_has_the_asked_amplitude():
    one, both = (lateralised_field("T3", width=0.3, contralateral=c) for c in (0.0, 1.0))
    np.testing.assert_allclose(both, both[MIRRORED], atol=1e-9)
    some = lateralised_field("T3", width=0.3, contralateral=0.4)
    expected = one + 0.4 * one[MIRRORED]
    np.testing.assert_allclose(some / at(some, "T3"), expected / at(expected, "T3"), atol=1e-9)


@pytest.mark.parametrize("focus", LEFT_FOCI)
def test_a_wider_patch_involves_more_channels(focus):
    look = {"contralateral": 0.0, "tilt": np.array([0.2, -0.3, 0.1])}
    found = [
        channels_involved(lateralised_field(focus, width=width_involving(n, focus, **look), **look))
        for n in (2, 5, 8, 12)
    ]
    assert np.abs(np.subtract(found, (2, 5, 8, 12))).max() <= 2


def test_a_generalised_field_is_frontal_and_symmetric_unless_asked():
    field = generalised_field(inclination=90, posterior=0.2, asymmetry=0)
    np.testing.assert_allclose(at(field, "F3"), at(field, "F4"))
    assert at(field, "Fp1") > at(field, "C3") > at(field, "O1") > 0
    tilted = generalised_field(inclination=90, posterior=0.2, asymmetry=0.5)
    assert at(tilted, "F8") < 0.7 * at(tilted, "F7")


def test_ongoing_activity_of_large_patches_makes_neighbouring_channels_alike():
    def correlation(width):
        mixing = volume_conduction(width, 0.0)
        channels = [at(mixing, a) - at(mixing, b) for a, b in (("Fp1", "F3"), ("F3", "C3"))]
        return np.corrcoef(*channels)[0, 1]

    assert correlation(0.8) > 0.25 > correlation(0.4) > correlation(0.2)
    # Channels that share an electrode of no one else's activity would have -0.5.
    assert correlation(0.1) > -0.4


def test_ongoing_activity_has_unit_power_in_bipolar_channels_and_both_sides_in_common():
    alone, together = (volume_conduction(0.6, bilateral) for bilateral in (0.0, 0.6))
    for mixing in (alone, together):
        power = [bipolar_amplitudes(column) ** 2 for column in mixing.T]
        assert np.sum(power, axis=0).mean() == pytest.approx(1, rel=1e-6)

    def sides(mixing):
        left, right = (at(mixing, a) - at(mixing, b) for a, b in (("F3", "C3"), ("F4", "C4")))
        return left @ right / np.sqrt((left @ left) * (right @ right))

    assert sides(together) > sides(alone) + 0.2


def test_delays_run_from_the_front_to_the_back():
    delays = front_to_back_delays(0.1)
    assert at(delays, "Fp1") == delays.min() == 0
    np.testing.assert_allclose(at(delays, "O2"), 0.1)


def test_projection_scales_and_shifts():
    trace = np.array([1, 2, 3, 4], np.float32)
    shown = project(trace, np.array([1.0, 0.5]), np.array([0.0, 2 / 200]))
    np.testing.assert_array_equal(shown, [[1, 2, 3, 4], [0, 0, 0.5, 1]])
