from datetime import datetime, timedelta

import edfio
import mne
import numpy as np
import pandas as pd
import pyedflib
import pytest

from hbac.eeg import CHANNELS
from hbac.formats import Gap, open_recording
from hbac.timeline import annotations_as_edf, find_events
from tests.formats.files import EDF, signals

from .timelines import timeline_of

START = datetime(2026, 11, 27, 22, 40, 30, 250000)
LABELS = {name: f"EEG {name}-REF" for name in ("Fp1", "F7", "T3", "T5", "O1", "C3")}


@pytest.fixture
def events():
    return find_events(
        timeline_of(seizure=[0, 0.9, 0.7, 0, 0, 0, 0, 0], lpd=[0, 0, 0, 0, 0, 0.6, 0, 0])
    )


def written(tmp_path, content):
    path = tmp_path / "night_annotations.edf"
    path.write_bytes(content)
    return str(path)


def by_edfio(path):
    return [tuple(note) for note in edfio.read_edf(path).annotations]


def by_mne(path):
    notes = mne.read_annotations(path)
    return list(zip(notes.onset, notes.duration, notes.description, strict=True))


def by_pyedflib(path):
    with pyedflib.EdfReader(path) as file:
        return list(zip(*file.readAnnotations(), strict=True))


READERS = pytest.mark.parametrize("read", [by_edfio, by_mne, by_pyedflib])


@READERS
@pytest.mark.parametrize("start", [START, None])
def test_events_are_read_at_their_second(events, tmp_path, read, start):
    path = written(tmp_path, annotations_as_edf(events, start=start))
    assert read(path) == [(10, 20, "Seizure"), (50, 10, "LPD")]


@READERS
def test_no_event_is_a_file_without_annotations(tmp_path, read):
    nothing = find_events(timeline_of(gpd=[0.0]))
    assert read(written(tmp_path, annotations_as_edf(nothing, start=START))) == []


@READERS
def test_a_day_of_many_events_can_be_read(tmp_path, read):
    onsets = np.arange(1000) * 86.25
    events = pd.DataFrame(
        {"onset": onsets, "duration": 10.0, "trial_type": "GPD", "chains": "LL;LP"}
    )
    notes = read(written(tmp_path, annotations_as_edf(events, start=START, labels=LABELS)))
    assert len(notes) == 1000 * 6
    assert sorted({onset for onset, *_ in notes}) == onsets.tolist()


def test_known_chains_are_said_by_the_labels_of_their_channels(events, tmp_path):
    events["chains"] = ["LL", ""]
    path = written(tmp_path, annotations_as_edf(events, start=START, labels=LABELS))
    texts = [text for *_, text in by_edfio(path)]
    named = {f"Seizure@@EEG {name}-REF" for name in ("Fp1", "F7", "T3", "T5", "O1")}
    assert set(texts) == named | {"LPD"}
    bipolar = annotations_as_edf(events, labels={"Fp1-F7": "FP1-F7", "Fp2-F8": "FP2-F8"})
    assert [text for *_, text in by_edfio(written(tmp_path, bipolar))] == [
        "Seizure@@FP1-F7",
        "LPD",
    ]


def test_the_header_holds_the_start_and_nothing_of_a_patient(events, tmp_path):
    content = annotations_as_edf(events, start=START)
    file = edfio.read_edf(written(tmp_path, content))
    assert file.startdatetime == START
    assert file.local_patient_identification == "X X X X"
    assert file.local_recording_identification == "Startdate 27-NOV-2026 X X hbac"
    assert content[192:197] == b"EDF+C"
    assert file.num_signals == 0


@pytest.mark.parametrize("year", [1925, 1984, 2085])
def test_a_date_that_edf_does_not_have_is_left_out_and_the_time_kept(events, tmp_path, year):
    path = written(tmp_path, annotations_as_edf(events, start=START.replace(year=year)))
    file = edfio.read_edf(path)
    assert file.local_recording_identification == "Startdate X X X hbac"
    assert file.starttime == START.time()
    assert by_pyedflib(path)[0] == (10, 20, "Seizure")


def test_mne_shows_events_over_the_signal_of_the_recording(events, tmp_path):
    burst = np.zeros(80 * 100)
    burst[10 * 100 : 30 * 100] = 50
    signal = edfio.EdfSignal(
        burst, 100, label="EEG Fp1-REF", physical_dimension="uV", physical_range=(-100, 100)
    )
    recording = edfio.Recording(startdate=START.date())
    original = edfio.Edf([signal], recording=recording, starttime=START.time())
    original.write(tmp_path / "night.edf")
    raw = mne.io.read_raw_edf(tmp_path / "night.edf", preload=True, verbose="error")
    raw.set_annotations(
        mne.read_annotations(written(tmp_path, annotations_as_edf(events, start=START)))
    )
    seizure = raw.crop_by_annotations()[0].get_data()
    assert seizure.shape[1] == pytest.approx(2000, abs=1)
    assert np.mean(seizure > 40e-6) > 0.999


def test_events_after_a_gap_lie_over_what_they_speak_of(tmp_path):
    # Records of 1 s from 0.25 s on, 40 s of nothing after the 30th; the last ten are the event.
    onsets = [0.25 + second + 40 * (second >= 30) for second in range(60)]
    values = np.repeat(np.where(np.arange(60) < 50, 10.0, 500.0), 200)
    wave = 50 * np.sin(2 * np.pi * 10 * np.arange(12000) / 200)
    channels = dict.fromkeys(CHANNELS, values) | {"Cz": wave}
    original = EDF(signals(channels), kind="+D", onsets=onsets).write(tmp_path / "night.edf")
    recording = open_recording(original)
    assert (recording.duration, recording.gaps) == (100, (Gap(30, 70),))
    events = pd.DataFrame(
        {"onset": [90.0], "duration": [10.0], "trial_type": ["Seizure"], "chains": [""]}
    )
    path = written(tmp_path, annotations_as_edf(events, start=recording.start))
    ((onset, duration, _),) = by_edfio(path)
    middle = recording.read(onset + 0.1, duration - 0.2, ("Fp1",)).data
    np.testing.assert_allclose(middle, 500, atol=0.1)
    # The moment on the clock is that which the record itself states.
    begun = edfio.read_edf(path).startdatetime + timedelta(seconds=onset)
    assert begun == datetime(2020, 3, 2, 21, 30, 5) + timedelta(seconds=onsets[50])
    # mne closes the gap up: with it taken out of the annotations, they lie right there as well.
    notes = mne.read_annotations(path)
    notes.onset = [
        one - sum(min(max(one - gap.start, 0), gap.stop - gap.start) for gap in recording.gaps)
        for one in notes.onset
    ]
    raw = mne.io.read_raw_edf(original, preload=True, verbose="error").set_annotations(notes)
    begin, end = raw.time_as_index([raw.annotations.onset[0], raw.annotations.onset[0] + 10])
    shown = raw.get_data(picks="Fp1")[0]
    assert (begin, end) == (10_000, 12_000)
    np.testing.assert_allclose(shown[begin:end], 500e-6, atol=1e-7)
