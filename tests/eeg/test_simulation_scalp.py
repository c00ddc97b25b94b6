import numpy as np

from hbac.eeg import ELECTRODES
from hbac.eeg.simulation.scalp import (
    POSITIONS,
    front_to_back_delays,
    generalised_field,
    lateralised_field,
    neighbour_mixing,
    project,
)


def at(field, name):
    return field[ELECTRODES.index(name)]


def test_electrodes_lie_on_the_unit_sphere_left_and_right_mirrored():
    np.testing.assert_allclose(np.linalg.norm(POSITIONS, axis=1), 1)
    for left, right in (("Fp1", "Fp2"), ("F7", "F8"), ("C3", "C4"), ("T5", "T6"), ("O1", "O2")):
        mirrored = POSITIONS[ELECTRODES.index(left)] * [-1, 1, 1]
        np.testing.assert_allclose(mirrored, POSITIONS[ELECTRODES.index(right)], atol=1e-12)


def test_a_lateralised_field_peaks_at_its_focus_and_falls_off_over_its_hemisphere():
    field = lateralised_field("T3", width=0.6, contralateral=0.0)
    assert ELECTRODES[field.argmax()] == "T3"
    assert field.max() == 1
    assert at(field, "T3") > at(field, "C3") > at(field, "Cz") > at(field, "C4") > at(field, "T4")
    assert at(field, "T4") < 1e-4


def test_the_mirrored_field_has_the_asked_amplitude():
    field = lateralised_field("T3", width=0.3, contralateral=0.4)
    np.testing.assert_allclose(at(field, "T4"), 0.4, atol=1e-6)


def test_a_generalised_field_is_frontal_and_symmetric_unless_asked():
    field = generalised_field(inclination=90, posterior=0.2, asymmetry=0)
    np.testing.assert_allclose(at(field, "F3"), at(field, "F4"))
    assert at(field, "Fp1") > at(field, "C3") > at(field, "O1") > 0.2
    tilted = generalised_field(inclination=90, posterior=0.2, asymmetry=0.5)
    assert at(tilted, "F8") < 0.7 * at(tilted, "F7")


def test_mixing_keeps_variance_and_makes_neighbours_alike():
    mixing = neighbour_mixing(width=0.5)
    correlation = mixing @ mixing.T
    np.testing.assert_allclose(np.diag(correlation), 1)
    row = correlation[ELECTRODES.index("F3")]
    assert at(row, "C3") > 0.5 > at(row, "P3") > at(row, "T6")


def test_delays_run_from_the_front_to_the_back():
    delays = front_to_back_delays(0.1)
    assert at(delays, "Fp1") == delays.min() == 0
    np.testing.assert_allclose(at(delays, "O2"), 0.1)


def test_projection_scales_and_shifts():
    trace = np.array([1, 2, 3, 4], np.float32)
    shown = project(trace, np.array([1.0, 0.5]), np.array([0.0, 2 / 200]))
    np.testing.assert_array_equal(shown, [[1, 2, 3, 4], [0, 0, 0.5, 1]])
