"""BrainVision and Nihon Kohden, gaps included."""

import pickle
from datetime import datetime

import mne
import numpy as np
import pytest

from hbac.eeg import CHANNELS
from hbac.formats import Gap, Limits, UnreadableRecordingError, open_recording
from tests.formats.files import eeg

HEADER = """Brain Vision Data Exchange Header File Version 1.0
[Common Infos]
DataFile=one.eeg
MarkerFile=one.vmrk
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels={n}
SamplingInterval={interval}
[Binary Infos]
BinaryFormat={binary}
[Channel Infos]
{channels}
"""
MARKERS = """Brain Vision Data Exchange Marker File, Version 1.0
[Common Infos]
DataFile=one.eeg
[Marker Infos]
{}
"""


def write_brainvision(folder, values, rate, *, markers=(), unit="\N{MICRO SIGN}V", scale=0.1):
    channels = [f"Ch{k}={name},,{scale},{unit}" for k, name in enumerate(values, start=1)]
    header = HEADER.format(
        n=len(values), interval=1e6 / rate, binary="INT_16", channels="\n".join(channels)
    )
    (folder / "one.vhdr").write_bytes(header.encode("latin-1"))
    lines = "\n".join(f"Mk{k}={each}" for k, each in enumerate(markers, start=1))
    (folder / "one.vmrk").write_text(MARKERS.format(lines))
    stored = np.round(np.stack(list(values.values())) / scale).astype("<i2")
    (folder / "one.eeg").write_bytes(stored.T.tobytes())
    return folder / "one.vhdr"


def test_a_brainvision_recording_is_read_with_its_gaps_and_markers(tmp_path):
    values = eeg(20, 256)
    values["Atem\N{LATIN SMALL LETTER U WITH DIAERESIS}"] = values["EKG"]
    markers = [
        "New Segment,,1,1,0,20200302213005500000",
        "Comment,eyes open,2561,256,0",
        "New Segment,,2561,1,0,20200302213025500000",
        "Stimulus,S  1,2817,1,0",
    ]
    path = write_brainvision(tmp_path, values, 256, markers=markers)
    recording = open_recording(path)
    assert (recording.card.format, recording.card.missing) == ("BrainVision", ())
    assert recording.card.units == ("µV",)
    assert recording.card.ignored == ("Atemü",)
    assert recording.start == datetime(2020, 3, 2, 21, 30, 5, 500_000)
    assert (recording.duration, recording.gaps) == (30, (Gap(10, 20),))
    notes = [(each.onset, each.duration, each.text) for each in recording.annotations]
    assert notes == [(20, 1, "Comment/eyes open"), (21, 1 / 256, "Stimulus/S  1")]
    data = pickle.loads(pickle.dumps(recording)).read(0, 30).data
    assert np.isnan(data[:, 2000:4000]).all()
    expected = np.stack(list(eeg(20).values()))
    np.testing.assert_allclose(data[:, 100:1900], expected[:, 100:1900], atol=0.1)
    np.testing.assert_allclose(data[:, 4100:5900], expected[:, 2100:3900], atol=0.1)


@pytest.mark.parametrize(("unit", "factor"), [("mV", 1e3), ("", 1), ("nV", 1e-3), ("V", 1e6)])
def test_units_of_brainvision_are_those_of_its_header(unit, factor, tmp_path):
    values = {name: each / factor for name, each in eeg(10).items()}
    path = write_brainvision(tmp_path, values, 200, unit=unit, scale=0.01 / factor)
    recording = open_recording(path)
    expected = np.stack(list(eeg(10).values()))
    np.testing.assert_allclose(recording.read(0, 10).data, expected, atol=0.02)


def test_brainvision_without_its_samples_or_backwards_is_named(tmp_path):
    markers = [
        "New Segment,,1,1,0,20200302213005500000",
        "New Segment,,801,1,0,20200302213000000000",
    ]
    path = write_brainvision(tmp_path, eeg(10), 200, markers=markers)
    message = r"one\.vhdr: segment 2 starts at -5\.5 s, before segment 1 ends at 4 s"
    with pytest.raises(UnreadableRecordingError, match=message):
        open_recording(path)
    (tmp_path / "one.vmrk").unlink()
    assert open_recording(path).duration == 10
    with pytest.raises(UnreadableRecordingError, match=r"one\.eeg: it belongs to one\.vhdr"):
        open_recording(tmp_path / "one.eeg")
    # Renamed together, with the old names inside.
    for suffix in (".vhdr", ".eeg"):
        (tmp_path / f"one{suffix}").rename(tmp_path / f"two{suffix}")
    assert open_recording(tmp_path / "two.vhdr").read(5, 1).data.shape == (20, 200)
    for suffix in (".vhdr", ".eeg"):
        (tmp_path / f"two{suffix}").rename(tmp_path / f"one{suffix}")
    path.rename(tmp_path / "one.VHDR")
    assert open_recording(tmp_path / "one.VHDR").read(5, 1).data.shape == (20, 200)
    (tmp_path / "one.eeg").unlink()
    with pytest.raises(UnreadableRecordingError, match=r"one\.VHDR: the file of its samples"):
        open_recording(tmp_path / "one.VHDR")


def bcd(*numbers):
    return bytes(int(f"{number:02d}", 16) for number in numbers)


def write_nihon_kohden(path, values, rate, dates):
    """Blocks of equal length; layout after mne's reader and avg_q's nke_format.h."""
    version, n = b"EEG-1100C V01.00", len(values)
    numbers = [*range(19), 73]
    stored = np.stack(list(values.values()))
    # 3200.0 microvolts are the upper limit of an electrode of 16 bits.
    steps = np.round(stored / (6400.0 / 65536)).astype(int) + 0x8000
    steps = np.vstack([steps, np.zeros(steps.shape[1], int)]).astype("<u2")
    length = steps.shape[1] // len(dates)
    head = bytearray(0x1800)
    head[0:16] = head[0x81:0x91] = version
    head[0x40:0x4E] = b"20200302213005"
    head[0x91], head[0x17FE] = 1, 1
    control = 0x400
    head[0x92:0x96] = control.to_bytes(4, "little")
    head[control + 17] = len(dates)
    content, address = b"", 0x1800
    for block, date in enumerate(dates):
        entry = control + block * 20 + 18
        head[entry : entry + 4] = address.to_bytes(4, "little")
        data = bytearray(0x27 + 10 * n)
        data[0x14:0x1A] = date
        data[0x1A:0x1C] = (rate | 0xC000).to_bytes(2, "little")
        data[0x1C:0x20] = (length * 10 // rate).to_bytes(4, "little")
        data[0x26] = n
        for k in range(n):
            data[0x27 + 10 * k] = numbers[k]
        part = bytes(data) + steps[:, block * length : (block + 1) * length].T.tobytes()
        content += part
        address += len(part)
    path.write_bytes(bytes(head) + content)
    names = "\n".join(f"{number:04d}={name}" for number, name in zip(numbers, values, strict=True))
    path.with_suffix(".21E").write_text(f"[ELECTRODE]\n{names}\n")
    return path


@pytest.fixture
def nihon_kohden(tmp_path):
    values = {name: each for name, each in eeg(20).items() if name != "EKG"}
    dates = [bcd(20, 3, 2, 21, 30, 5), bcd(20, 3, 2, 21, 30, 30)]
    return write_nihon_kohden(tmp_path / "DA00.EEG", values | {"X1": values["Fp1"]}, 200, dates)


def test_a_nihon_kohden_recording_is_read_with_its_gaps(nihon_kohden):
    recording = open_recording(nihon_kohden)
    assert recording.card.format == "Nihon Kohden"
    assert recording.start == datetime(2020, 3, 2, 21, 30, 5)
    assert (recording.duration, recording.gaps) == (35, (Gap(10, 25),))
    data = recording.read(0, 35, CHANNELS[:19]).data
    expected = np.stack([eeg(20)[name] for name in CHANNELS[:19]])
    np.testing.assert_allclose(data[:, :2000], expected[:, :2000], atol=0.1)
    np.testing.assert_allclose(data[:, 5000:], expected[:, 2000:], atol=0.1)
    assert np.isnan(data[:, 2000:5000]).all()
    # What the dates of the blocks are read for: mne takes one for the end of the other.
    assert mne.io.read_raw_nihon(nihon_kohden, verbose="error").duration == 20


def test_blocks_without_a_gap_are_read_as_one(nihon_kohden):
    content = nihon_kohden.read_bytes()
    content = content.replace(bcd(20, 3, 2, 21, 30, 30), bcd(20, 3, 2, 21, 30, 15))
    nihon_kohden.write_bytes(content)
    recording = open_recording(nihon_kohden)
    assert (recording.duration, recording.gaps) == (20, ())
    expected = np.stack([eeg(20)[name] for name in CHANNELS[:19]])
    data = recording.read(8, 4, CHANNELS[:19]).data
    np.testing.assert_allclose(data, expected[:, 1600:2400], atol=0.1)


def test_a_nihon_kohden_recording_that_was_cut_off_or_is_too_long_is_named(nihon_kohden):
    with pytest.raises(UnreadableRecordingError, match=r"DA00\.EEG: it lasts .* most_hours"):
        open_recording(nihon_kohden, limits=Limits(most_hours=0.001))
    nihon_kohden.write_bytes(nihon_kohden.read_bytes()[:-500])
    with pytest.raises(UnreadableRecordingError, match=r"DA00\.EEG: its block 2 would end at byte"):
        open_recording(nihon_kohden)
