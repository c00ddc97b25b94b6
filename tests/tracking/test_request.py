import base64

import numpy as np
import pandas as pd
import pytest

from hbac.eeg.recording import CHANNELS
from hbac.tracking.request import (
    EDF,
    EEG,
    RequestError,
    check_unit,
    input_of,
    read_windows,
    write_recording,
)

SHAPE = (20, 10_000)


def eeg(n=1, microvolts=30.0):
    return np.random.default_rng(0).normal(0, microvolts, (n, *SHAPE)).astype(np.float32)


def read(*windows, most=16):
    return read_windows(windows, most=most)


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({EEG: [[1.0]]}, EEG),
        ({EDF: ["AAAA"]}, EDF),
        ({EEG: [[1.0]], EDF: [None]}, EEG),
        ({EEG: [np.zeros(SHAPE)]}, EEG),
    ],
)
def test_a_request_is_windows_or_a_recording(columns, name):
    assert input_of(pd.DataFrame(columns)) == name


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({}, "neither"),
        ({EEG: []}, "neither"),
        ({"signal": [[1.0]]}, "neither"),
        ({EEG: [[]]}, "neither"),
        ({EEG: [None], EDF: [None]}, "neither"),
        ({EEG: [[1.0]], EDF: ["AAAA"]}, "both"),
        ({EEG: [[1.0], None], EDF: [None, "AAAA"]}, "both"),
    ],
)
def test_neither_or_both_is_refused(columns, found):
    with pytest.raises(RequestError, match=rf"received {found}: send .*base64"):
        input_of(pd.DataFrame(columns))


def test_lists_and_arrays_are_read_alike():
    windows = eeg(2)
    lists = windows.astype(float).tolist()
    lists[1][3][50:60] = [None] * 10
    lists[1][18], lists[1][19] = [None] * 10_000, None
    windows[1, 3, 50:60] = windows[1, 18:] = np.nan
    np.testing.assert_array_equal(read(*lists), windows)
    np.testing.assert_array_equal(read(*windows), windows)
    np.testing.assert_array_equal(read(*map(list, windows)), windows)
    whole = np.round(eeg()[0]).astype(int)
    np.testing.assert_array_equal(read(whole.tolist())[0], whole)


@pytest.mark.parametrize(
    ("window", "told"),
    [
        (eeg()[0, :19].tolist(), r"window 1: it has shape \(19, 10000\); .*Fp1, F3.*EKG, 50 s"),
        (eeg()[0].T.tolist(), r"window 1: it has shape \(10000, 20\)"),
        (eeg()[0, 0].tolist(), r"window 1: it has shape \(10000,\)"),
        ([[0.0] * 10_000] * 19 + [[0.0] * 9_999], "window 1: it has 20 lists of 9999 to 10000"),
        ([[0.0] * 10_000] * 19 + [0.0], "window 1: it has 20 lists of 1 to 10000"),
        ([], r"window 1: it has shape \(0,\)"),
        (7, r"window 1: it has shape \(\)"),
        ([["much"] * 10_000] * 20, "window 1: it can't be read as numbers .*'much'"),
        ([[{}] * 10_000] * 20, "window 1: it can't be read as numbers"),
        ([[10**400] * 10_000] * 20, "window 1: it can't be read as numbers"),
        ({"Fp1": [0.0]}, "window 1: it can't be read as numbers"),
    ],
)
def test_a_window_of_another_shape_or_kind_is_named(window, told):
    with pytest.raises(RequestError, match=told):
        read(eeg()[0], window)


@pytest.mark.parametrize(("value", "told"), [(np.inf, "inf"), (1e300, "inf"), (np.nan, "nan")])
def test_what_is_not_finite_in_a_list_is_named_with_its_place(value, told):
    window = eeg()[0].tolist()
    window[CHANNELS.index("C3")][77] = value
    window[0][5] = None
    with pytest.raises(RequestError, match=f"window 0: C3 holds {told} at sample 77; .* null"):
        read(window)


def test_infinity_is_refused_in_arrays_too():
    window = eeg()[0]
    window[4, 9] = -np.inf
    with pytest.raises(RequestError, match="F7 holds -inf at sample 9"):
        read(window)


@pytest.mark.parametrize(
    ("factor", "told"),
    [
        (1e-6, "may be volts: multiply by 1e\\+06"),
        (1e-3, "may be millivolts: multiply by 1000"),
        (1e3, "may be nanovolts: multiply by 0.001"),
        (1e9, "expected 0.1 to 3000$"),
    ],
)
def test_another_unit_than_microvolts_is_refused_with_what_it_may_be(factor, told):
    with pytest.raises(RequestError, match=f"must be in microvolts; .*{told}"):
        check_unit(eeg(2) * np.float32(factor))


@pytest.mark.parametrize("microvolts", [0.5, 5, 30, 300])
def test_quiet_and_loud_eeg_is_in_microvolts(microvolts):
    check_unit(eeg(microvolts=microvolts))


def test_offsets_a_common_reference_and_missing_electrodes_tell_nothing_of_the_unit():
    windows = eeg(2)
    windows += 50_000 * np.arange(20, dtype=np.float32)[:, None]
    windows += 20_000 * np.sin(np.arange(10_000, dtype=np.float32))
    windows[:, 3] = np.nan
    windows[1, :, ::150] = np.nan
    check_unit(windows)
    with pytest.raises(RequestError, match="millivolts"):
        check_unit(windows / 1000)


@pytest.mark.parametrize("value", [0.0, 12.0, np.nan])
def test_nothing_is_no_error(value):
    windows = np.full((1, *SHAPE), value, np.float32)
    np.testing.assert_array_equal(read(*windows), windows)


def test_a_request_of_lists_is_bounded_and_arrays_are_not():
    windows = eeg(3)
    assert len(read(*windows, most=2)) == 3
    with pytest.raises(RequestError, match="takes 2 windows at most, received 3: send them in"):
        read(*windows.tolist(), most=2)


def test_a_recording_is_written_to_a_file(tmp_path):
    text = base64.b64encode(b"0       header").decode()
    file = write_recording([text], tmp_path, largest_mb=1)
    assert file.read_bytes() == b"0       header"


@pytest.mark.parametrize(
    ("recordings", "told"),
    [
        (["AAAA", "AAAA"], "received 2: str, str"),
        ([7], "received 1: int"),
        ([None], "received 1: NoneType"),
        (["no base64!"], "no base64 of a file"),
        (["AAAAA"], "no base64 of a file"),
        (["Ä"], "no base64 of a file"),
        (["A" * 4_000_000], "may have 2 MB, received 3 MB"),
    ],
)
def test_what_is_no_recording_in_base64_is_refused(recordings, told, tmp_path):
    with pytest.raises(RequestError, match=told):
        write_recording(recordings, tmp_path, largest_mb=2)
    assert not [*tmp_path.iterdir()]


def test_a_refusal_keeps_to_what_is_wrong():
    """MLflow's server puts the request in front of it."""
    error = RequestError("too loud")
    error.message = f"Failed to predict data '{[0.0] * 10}'. \nError: {error.message}"
    assert error.message == "too loud"
    assert "too loud" in error.serialize_as_json()
    assert error.get_http_status_code() == 400
