"""What comes out of a file, whatever amplifier wrote it."""

import pickle

import numpy as np
import pytest

from hbac.eeg import CHANNELS
from hbac.formats import open_recording
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
