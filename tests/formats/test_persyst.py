from datetime import datetime

import numpy as np
import pytest

from hbac.formats import Gap, Limits, UnreadableRecordingError, open_recording
from tests.formats.files import eeg

LAYOUT = """[FileInfo]
File=C:\\EEG\\Jane Doe\\one.dat
FileType=Interleaved
SamplingRate=256
HeaderLength=0
Calibration=0.1
WaveformCount=20
DataType={datatype}
[Patient]
First=Jane
Last=Doe
BirthDate=01/02/34
ID=X123
TestDate=03/02/2020
TestTime=21:30:05
[SampleTimes]
0=77405.000000
2560={second}
[ChannelMap]
{channels}
[Comments]
1.500000,2.000000,0,100,eyes, closed = yes
"""


def write(folder, *, second="77425.000000", datatype=0, backwards=False):
    values = eeg(20, 256)
    names = list(values)
    stored = np.round(np.stack(list(values.values())) * 10)
    lines = [f"{name}-REF={number}" for number, name in enumerate(names, start=1)]
    channels = "\n".join(lines[::-1] if backwards else lines)
    layout = LAYOUT.format(second=second, datatype=datatype, channels=channels)
    (folder / "one.LAY").write_text(layout)
    dtype = "<i4" if datatype == 7 else "<i2"
    (folder / "one.dat").write_bytes(stored.T.astype(dtype).tobytes())
    return folder / "one.LAY"


@pytest.mark.parametrize("datatype", [0, 7])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_recording_is_read_with_its_gap_by_the_numbers_of_its_channels(
    datatype, backwards, tmp_path
):
    recording = open_recording(write(tmp_path, datatype=datatype, backwards=backwards))
    assert recording.card.format == "Persyst"
    assert recording.start == datetime(2020, 3, 2, 21, 30, 5)
    assert (recording.duration, recording.gaps) == (30, (Gap(10, 20),))
    (note,) = recording.annotations
    assert (note.onset, note.duration, note.text) == (1.5, 2, "eyes, closed = yes")
    data = recording.read(0, 30).data
    expected = np.stack(list(eeg(20).values()))
    np.testing.assert_allclose(data[:, 100:1900], expected[:, 100:1900], atol=0.1)
    np.testing.assert_allclose(data[:, 4100:5900], expected[:, 2100:3900], atol=0.1)
    assert np.isnan(data[:, 2000:4000]).all()
    said = f"{recording!r}{recording.card}".replace(str(tmp_path), "")
    assert not [word for word in ("Jane", "Doe", "X123", "1934") if word in said]


def test_a_recording_may_pass_midnight(tmp_path):
    path = write(tmp_path, second="5.0")
    path.write_text(path.read_text().replace("0=77405.000000", "0=86390.000000"))
    assert open_recording(path).gaps == (Gap(10, 15),)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Calibration=0.1", "", "does not state calibration"),
        ("SamplingRate=256", "SamplingRate=Jane", "no number above 0 as samplingrate"),
        ("WaveformCount=20", "WaveformCount=2000", "names 20 channels and states 2000"),
        ("Fp1-REF=1\n", "Fp1-REF=21\n", "numbers a channel beyond the 20"),
        ("DataType=0", "DataType=5", "datatype other than 0 and 7"),
        ("2560=77425", "2560=Jane", "SampleTimes hold what is no number"),
        ("2560=77425", "2560=77407", "stretch 2 starts at 2 s, before stretch 1 ends at 10 s"),
    ],
)
def test_a_layout_that_can_not_be_used_is_named_and_not_quoted(old, new, message, tmp_path):
    path = write(tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(UnreadableRecordingError, match=message) as error:
        open_recording(path)
    assert "Jane" not in str(error.value)


def test_a_part_of_a_sample_is_none(tmp_path):
    path = write(tmp_path)
    with open(tmp_path / "one.dat", "ab") as file:
        file.write(bytes(7))
    card = open_recording(path).card
    assert (card.duration, card.remarks) == (
        30,
        ("7 bytes follow the last sample and are not read",),
    )


def test_samples_that_are_not_there_are_named(tmp_path):
    path = write(tmp_path)
    with pytest.raises(UnreadableRecordingError, match="most_hours"):
        open_recording(path, limits=Limits(most_hours=0.001))
    (tmp_path / "one.dat").write_bytes(b"")
    with pytest.raises(UnreadableRecordingError, match=r"\.dat file is empty"):
        open_recording(path)
    (tmp_path / "one.dat").unlink()
    with pytest.raises(UnreadableRecordingError, match="does not lie beside it"):
        open_recording(path)
