import re

import numpy as np
import pytest

from hbac.formats.units import decide_unit, microvolts, typical_deviation


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("V", 1000000.0),
        ("mV", 1000.0),
        ("MV", 1000.0),
        ("uV", 1),
        ("UV", 1),
        ("nV", 0.001),
        ("microvolts", 1),
        ("µV", 1),
        ("μV", 1),
        ("ÂµV", 1),
        ("[uV]", 1),
        ("Î¼V", 1),
        ("�V", 1),
        ("?V", 1),
        (" uV\x00", 1),
        ("", None),
        ("mmHg", None),
        ("%", None),
    ],
)
def test_units_of_voltage_are_known_by_any_name(unit, factor):
    assert microvolts(unit) == factor


def test_offsets_drift_and_flat_channels_say_nothing_of_the_amplitude():
    time = np.arange(2000) / 200
    wave = 50 * np.sin(2 * np.pi * 10 * time)
    signals = np.stack([wave, wave + 3e5, wave + 100 * time, 0 * wave, wave * np.nan])
    # The median of a sine's absolute value.
    assert typical_deviation(signals, sampling_rate=200) == pytest.approx(50 / 2**0.5, rel=0.02)
    assert typical_deviation(0 * signals[:2], sampling_rate=200) == 0
    assert typical_deviation(signals[:, :100], sampling_rate=200) == 0


@pytest.mark.parametrize("deviation", [0.0, 0.3, 30, 15_000])
def test_a_unit_that_can_be_right_is_taken_at_its_word(deviation):
    assert decide_unit("uV", deviation) == (1, "")


@pytest.mark.parametrize(
    ("unit", "deviation", "factor", "remark"),
    [
        ("", 30, 1, "the unit is not stated.*taken for µV"),
        ("", 30e-6, 1e6, "not stated.*taken for V"),
        ("", 0.03, 1e3, "not stated.*taken for mV"),
        ("", 30e3, 1e-3, "not stated.*taken for nV"),
        ("V", 30, 1, "is 'V', in which channels deviate by 3e.07 µV: taken for µV"),
        ("mV", 30, 1, "taken for µV"),
        ("uV", 30e-6, 1e6, "taken for V"),
        ("uV", 0.03, 1, "channels deviate by 0.03 µV.*they are flat, or the unit 'uV' is wrong"),
        ("arb", 30, 1, "'arb'.*taken for µV"),
    ],
)
def test_a_missing_or_absurd_unit_is_decided_by_the_amplitude_and_said(
    unit, deviation, factor, remark
):
    found, said = decide_unit(unit, deviation)
    assert found == factor
    assert re.search(remark, said)


@pytest.mark.parametrize("deviation", [0, 1e-9, 0.9, 700, 1e9])
def test_what_no_unit_makes_eeg_is_refused(deviation):
    with pytest.raises(ValueError, match=r"not stated.*no other unit makes it one"):
        decide_unit("", deviation)
