"""What comes out of a file, whatever amplifier wrote it."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hbac.eeg import CHANNELS
from hbac.formats import UnreadableRecordingError, open_recording
from tests.formats.files import EDF, eeg, signals


@pytest.mark.parametrize("rate", [100, 128, 200, 250, 256, 500, 512, 1000, 1024, 2048, 4096])
def test_a_recording_is_read_in_microvolts_at_200_hz(rate, tmp_path):
    path = EDF(signals(eeg(20, rate), rate)).write(tmp_path / "one.edf")
    recording = open_recording(path)
    assert (recording.duration, recording.sampling_rate) == (20, 200)
    assert recording.channels == CHANNELS
    data = recording.read(0, 20).data
    assert data.dtype == np.float32
    # Half the steps of 0.1 microvolts; what is near the ends or the anti-aliasing filter is not.
    expected = np.stack(list(eeg(20, 200).values()))
    inside = slice(100, -100)
    np.testing.assert_allclose(data[:, inside], expected[:, inside], atol=0.15)


def test_a_recording_is_small_and_can_be_sent_elsewhere(tmp_path):
    path = EDF(signals(eeg(60, 256), 256)).write(tmp_path / "one.edf")
    recording = open_recording(path)
    sent = pickle.dumps(recording)
    assert len(sent) < 20_000
    np.testing.assert_array_equal(pickle.loads(sent).read(20, 10).data, recording.read(20, 10).data)


def test_beyond_either_end_nothing_is_known(tmp_path):
    recording = open_recording(EDF(signals(eeg(10))).write(tmp_path / "one.edf"))
    data = recording.read(-2, 14, ("Cz", "Fp1")).data
    assert np.isnan(data[:, :400]).all()
    assert np.isnan(data[:, 2400:]).all()
    np.testing.assert_allclose(data[:, 400:2400], recording.read(0, 10, ("Cz", "Fp1")).data)
    with pytest.raises(ValueError, match=r"no channel \['A1'\]"):
        recording.read(0, 1, ("A1",))


def test_the_content_tells_the_format_and_not_the_name(tmp_path):
    scale = {"digital": (-8388608, 8388607)}
    path = EDF(signals(eeg(2), **scale), bdf=True).write(tmp_path / "one.edf")
    assert open_recording(path).card.format == "BDF"
    path = EDF(signals(eeg(2))).write(tmp_path / "no_suffix")
    assert open_recording(str(path)).card.format == "EDF"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"PK\x03\x04" + bytes(99), "it is a zip archive: unpack it"),
        (b"\x1f\x8b\x08" + bytes(99), "it is compressed by gzip: unpack it"),
        (b"<!DOCTYPE html>", "a web page, as a download without a login leaves"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS"),
        (b"\xef\xbf\xbdBIOSEMI" + bytes(999), r"replacement character U\+FFFD.*take the original"),
        (b"Jane Doe, born 1.2.34", "its content is of no format that is read: EDF"),
        (b"0       Jane Doe", "it holds 16 bytes, fewer than the 256 a header begins with"),
        (b"0       " + b"Jane Doe" * 400, "no number where it must state the number of signals"),
        (b"PAR1Jane Doe", r"it can't be read \(Arrow"),
        (b"[FileInfo]\nFirst=Jane\n", "does not state waveformcount"),
        (b"EEG-1100A V01.00" + b"Jane Doe" * 900, r"it can't be read \(ValueError\)"),
        (b"BrainVision Data Exchange Header\nJane", "the file of its samples, DataFile, does not"),
    ],
)
def test_what_is_no_recording_is_named_by_what_it_is_and_not_quoted(content, message, tmp_path):
    path = tmp_path / "one.edf"
    path.write_bytes(content)
    with pytest.raises(UnreadableRecordingError, match=message) as error:
        open_recording(path)
    assert str(error.value).startswith(f"{path}: ")
    assert not [word for word in ("Jane", "Doe") if word in str(error.value)]
    assert error.value.__cause__ is None


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.edf"):
        open_recording(tmp_path / "no.edf")
    with pytest.raises(OSError, match="directory"):
        open_recording(tmp_path)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rate=st.sampled_from([100, 200, 250, 256, 512]),
    pauses=st.lists(st.sampled_from([0, 0, 0, 0.25, 2]), min_size=12, max_size=12),
    cuts=st.lists(st.floats(0, 1), max_size=5),
)
def test_in_parts_a_recording_comes_out_as_in_one(rate, pauses, cuts, tmp_path):
    onsets = [float(sum(pauses[: k + 1]) - pauses[0] + k) for k in range(12)]
    file = EDF(signals(eeg(12, rate), rate), kind="+D", onsets=onsets)
    recording = open_recording(file.write(tmp_path / "one.edf"))
    names = ("Fp1", "Cz")
    whole = recording.read(0, recording.duration, names).data
    n = whole.shape[1]
    borders = sorted({0, n, *(int(cut * n) for cut in cuts)})
    parts = [
        recording.read(first / 200, (last - first) / 200, names).data
        for first, last in pairwise(borders)
    ]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    assert np.isnan(whole[0]).sum() == round(200 * sum(pauses[1:]))
