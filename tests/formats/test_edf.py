"""EDF and BDF files as amplifiers write them, odd ones as well as right ones."""

from datetime import datetime
from fractions import Fraction

import edfio
import mne
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hbac.eeg import CHANNELS
from hbac.eeg.montage import BIPOLAR_NAMES
from hbac.formats import Gap, Limits, UnreadableRecordingError, open_recording
from hbac.formats.edf import open_edf
from tests.formats.files import EDF, PATIENT, RECORDING, Written, eeg, signals


def records(onsets, **options):
    """A file of records of 1 s, each of them a constant: its number, in microvolts."""
    values = np.repeat(np.arange(1, len(onsets) + 1, dtype=float), 200)
    wave = 50 * np.sin(2 * np.pi * 10 * np.arange(len(values)) / 200)
    channels = dict.fromkeys(CHANNELS, values) | {"Cz": wave}
    return EDF(signals(channels), kind=options.pop("kind", "+D"), onsets=onsets, **options)


def seconds(recording, channel="Fp1"):
    """The middle of each second of a channel."""
    return recording.read(0, recording.duration, (channel,)).data[0, 100::200]


def test_gaps_are_gaps_and_the_clock_goes_on(tmp_path):
    path = records([0, 1, 4, 5, 9]).write(tmp_path / "one.edf")
    recording = open_recording(path)
    assert recording.duration == 10
    assert recording.gaps == (Gap(2, 4), Gap(6, 9))
    nan = np.nan
    np.testing.assert_array_equal(seconds(recording), [1, 2, nan, nan, 3, 4, nan, nan, nan, 5])
    # What this reader is for: others close the gaps up.
    assert mne.io.read_raw_edf(path, verbose="error").duration == 5


@pytest.mark.parametrize("rate", [200, 256])
def test_nothing_rings_into_what_lies_beside_a_gap(rate, tmp_path):
    values = {name: np.full(6 * rate, 1000.0) for name in CHANNELS}
    values["Cz"] = eeg(6, rate)["Cz"]
    file = EDF(signals(values, rate), kind="+D", onsets=[0, 1, 2, 5.5, 6.5, 7.5])
    data = open_recording(file.write(tmp_path / "one.edf")).read(0, 8.5, ("Fp1",)).data[0]
    assert np.isnan(data[600:1100]).all()
    np.testing.assert_allclose(data[np.r_[:600, 1100:1700]], 1000, atol=0.06)


def test_a_gap_of_part_of_a_second_keeps_the_clock_to_a_sample(tmp_path):
    recording = open_recording(records([0.25, 1.25, 2.5]).write(tmp_path / "one.edf"))
    assert recording.start == datetime(2020, 3, 2, 21, 30, 5, 250_000)
    assert recording.gaps == (Gap(2, 2.25),)
    known = ~np.isnan(recording.read(0, 3.25, ("Fp1",)).data[0])
    assert np.flatnonzero(np.diff(known)).tolist() == [399, 449]


@pytest.mark.parametrize(
    ("onsets", "message"),
    [
        ([0, 1, 0, 1], "record 3 starts at 0 s, before record 2 ends at 2 s"),
        ([0, 9, 5], "record 3"),
    ],
)
def test_records_that_run_backwards_are_named(onsets, message, tmp_path):
    path = records(onsets).write(tmp_path / "one.edf")
    with pytest.raises(UnreadableRecordingError, match=rf"one\.edf: {message}"):
        open_recording(path)


def test_a_file_that_says_it_is_continuous_is_believed_over_onsets_that_can_not_be(tmp_path):
    recording = open_recording(records([0, 0, 0, 0], kind="+C").write(tmp_path / "one.edf"))
    assert (recording.duration, recording.gaps) == (4, ())
    assert any("onsets run backwards: they are ignored" in each for each in recording.card.remarks)


def test_a_file_that_says_it_is_continuous_and_has_a_gap_has_a_gap(tmp_path):
    recording = open_recording(records([0, 1, 7], kind="+C").write(tmp_path / "one.edf"))
    assert recording.gaps == (Gap(2, 7),)


def test_records_without_a_time_follow_each_other(tmp_path):
    recording = open_recording(records([b"", b"", b""]).write(tmp_path / "one.edf"))
    assert recording.duration == 3
    assert any("3 of 3 records do not say when" in each for each in recording.card.remarks)
    recording = open_recording(records([b"", 3, 9, b""]).write(tmp_path / "two.edf"))
    assert (recording.duration, recording.gaps) == (9, (Gap(2, 7),))


def test_annotations_of_every_signal_are_read_whatever_is_in_them(tmp_path):
    first = {0: ["+0.5\x152.5\x14eyes open, then\tclosed\x14"], 2: ["+11\x14a\x14b\x14"]}
    second = {1: ["+1.25\x14Anfall \N{GREEK SMALL LETTER MU}\x14", b"+1.5\x14\xe9pilepsie\x14\0"]}
    file = records([0.5, 1.5, 10.5], annotations=[first, second])
    recording = open_recording(file.write(tmp_path / "one.edf"))
    assert [(each.onset, each.duration, each.text) for each in recording.annotations] == [
        (0, 2.5, "eyes open, then\tclosed"),
        (0.75, 0, "Anfall μ"),
        (1, 0, "épilepsie"),
        (10.5, 0, "a"),
        (10.5, 0, "b"),
    ]


def test_what_edfio_writes_is_read_alike(tmp_path):
    values = eeg(30, 256)
    written = [
        edfio.EdfSignal(each, 256, label=f"EEG {name}-REF", physical_dimension="uV")
        for name, each in values.items()
    ]
    note = edfio.EdfAnnotation(12.5, 3, "seizure?")
    edfio.Edf(written, annotations=[note]).write(tmp_path / "one.edf")
    recording = open_recording(tmp_path / "one.edf")
    (annotation,) = recording.annotations
    assert (annotation.onset, annotation.duration, annotation.text) == (12.5, 3, "seizure?")
    source = open_edf(str(tmp_path / "one.edf"), Limits())
    stored = source.read([3], 0, 30 * 256) * source.signals[3].gain + source.signals[3].offset
    expected = edfio.read_edf(tmp_path / "one.edf").signals[3].data
    np.testing.assert_allclose(stored[0], expected, atol=1e-4)


def test_24_bits_are_read_as_24_bits(tmp_path):
    values = {name: each + 40_000 for name, each in eeg(5).items()}
    scale = {"physical": (-262144, 262143), "digital": (-8388608, 8388607)}
    path = EDF(signals(values, **scale), bdf=True, kind="+C").write(tmp_path / "one.bdf")
    recording = open_recording(path)
    assert recording.card.format == "BDF+C"
    expected = np.stack(list(values.values()))
    np.testing.assert_allclose(recording.read(0, 5).data, expected, atol=0.03)
    negative = {name: each - 40_000 for name, each in eeg(5).items()}
    path = EDF(signals(negative, **scale), bdf=True).write(tmp_path / "two.bdf")
    data = open_recording(path).read(0, 5).data
    np.testing.assert_allclose(data, np.stack(list(negative.values())), atol=0.03)


def test_each_signal_has_a_rate_of_its_own(tmp_path):
    fast, slow = signals(eeg(20, 512), 512), signals(eeg(20, 100), 100)
    mixed = [fast[k] if k % 2 else slow[k] for k in range(20)]
    mixed += [Written("SpO2", np.full(20, 97.0), 1, "%"), Written("Trig", np.zeros(81920), 4096)]
    recording = open_recording(EDF(mixed).write(tmp_path / "one.edf"))
    assert recording.card.sampling_rates == (100, 512)
    assert recording.card.ignored == ("SpO2", "Trig")
    expected = np.stack(list(eeg(20).values()))[:, 100:-100]
    np.testing.assert_allclose(recording.read(0, 20).data[:, 100:-100], expected, atol=0.2)


def test_records_may_last_a_part_of_a_second_or_half_a_minute(tmp_path):
    for length in (0.25, 30):
        file = EDF(signals(eeg(60)), record_seconds=length)
        recording = open_recording(file.write(tmp_path / "one.edf"))
        expected = np.stack(list(eeg(60).values()))[:, 4010:4510]
        np.testing.assert_allclose(recording.read(20.05, 2.5).data, expected, atol=0.06)


def test_an_inverted_range_turns_the_signal_as_it_says(tmp_path):
    values = signals(eeg(5))
    values[3].physical = (3276.7, -3276.8)
    recording = open_recording(EDF(values).write(tmp_path / "one.edf"))
    expected = np.stack(list(eeg(5).values()))
    np.testing.assert_allclose(recording.read(0, 5).data, expected, atol=0.06)
    assert recording.card.channels[3].remark == "inverted gain: as the header's ranges say"


@pytest.mark.parametrize(
    "dummy", [{"digital": (0, 0)}, {"physical": (0, 0)}], ids=["digital", "physical"]
)
def test_a_dummy_is_missing_and_another_channel_of_its_name_is_read(dummy, tmp_path):
    values = signals(eeg(5))
    doubled = [Written("T4", np.zeros(1000), **dummy), *values]
    recording = open_recording(EDF(doubled).write(tmp_path / "one.edf"))
    assert recording.card.missing == ()
    assert any("'T4' is not used" in each and "dummy" in each for each in recording.card.remarks)
    values[3] = Written("P3", np.zeros(1000), **dummy)
    recording = open_recording(EDF(values).write(tmp_path / "two.edf"))
    assert recording.card.missing == ("P3",)
    assert np.isnan(recording.read(0, 5, ("P3",)).data).all()


@pytest.mark.parametrize(
    ("date", "time", "recording", "start"),
    [
        ("00.00.00", "20.14.57", "", None),
        ("02.03.20", "25.00.00", "", None),
        ("", "", "", None),
        ("31.02.20", "10.00.00", "", None),
        ("02.03.85", "10.00.00", "", datetime(1985, 3, 2, 10)),
        ("02.03.84", "10.00.00", "", datetime(2084, 3, 2, 10)),
        ("02.03.24", "10.00.00", "Startdate 02-MAR-1924 X X X", datetime(1924, 3, 2, 10)),
        ("02.03.24", "10.00.00", "Startdate 03-MAR-1924 X X X", datetime(2024, 3, 2, 10)),
        ("02/03/24", "10:00:00", "", datetime(2024, 3, 2, 10)),
    ],
)
def test_dates_are_read_where_they_are_dates(date, time, recording, start, tmp_path):
    file = EDF(signals(eeg(2)), date=date, time=time, recording=recording)
    card = open_recording(file.write(tmp_path / "one.edf")).card
    assert card.start == start
    assert any("recording's start is not known" in each for each in card.remarks) == (not start)
    later = start is not None and start.year == 2084
    assert any("lies in the future (2084)" in each for each in card.remarks) == later


def test_a_count_of_minus_one_is_found_out(tmp_path):
    card = open_recording(EDF(signals(eeg(7)), n_records=-1).write(tmp_path / "one.edf")).card
    assert card.duration == 7
    assert "the header states -1 records, the file holds 7: all of these are read" in card.remarks


@pytest.mark.parametrize("stated", [0, 3, 7])
def test_what_a_crashed_writer_did_not_count_is_read(stated, tmp_path):
    path = EDF(signals(eeg(7)), n_records=stated).write(tmp_path / "one.edf")
    assert open_recording(path).duration == 7


def test_a_file_cut_short_is_read_as_far_as_it_goes_or_refused(tmp_path):
    content = EDF(signals(eeg(20))).content()
    record = 20 * 200 * 2
    (tmp_path / "one.edf").write_bytes(content[: -record - 5])
    recording = open_recording(tmp_path / "one.edf")
    assert recording.duration == 18
    assert any("states 20 records, the file holds 18" in each for each in recording.card.remarks)
    (tmp_path / "one.edf").write_bytes(content[: len(content) // 2])
    message = r"one\.edf: its header states 20 records, and it holds 9: it was cut off.*least_prese"
    with pytest.raises(UnreadableRecordingError, match=message):
        open_recording(tmp_path / "one.edf")
    half = open_recording(tmp_path / "one.edf", limits=Limits(least_present=0.4))
    assert half.duration == 9


def test_what_follows_the_last_record_is_no_sample(tmp_path):
    content = EDF(signals(eeg(5))).content()
    (tmp_path / "one.edf").write_bytes(content + b"x" * 99)
    recording = open_recording(tmp_path / "one.edf")
    assert recording.duration == 5
    assert any("99 bytes follow the last record" in each for each in recording.card.remarks)


@pytest.mark.parametrize("n_records", [0, -1, 5])
def test_a_file_without_data_is_named(n_records, tmp_path):
    empty = EDF([Written(name, np.empty(0)) for name in CHANNELS], n_records=n_records)
    with pytest.raises(UnreadableRecordingError, match=r"one\.edf: it holds no data"):
        open_recording(empty.write(tmp_path / "one.edf"))


def test_a_file_of_annotations_alone_is_named(tmp_path):
    edfio.Edf([], annotations=[edfio.EdfAnnotation(1, 2, "x")]).write(tmp_path / "one.edf")
    with pytest.raises(UnreadableRecordingError, match=r"one\.edf: it holds no data"):
        open_recording(tmp_path / "one.edf")


def _set(content, start, width, text):
    return content[:start] + text.encode().ljust(width) + content[start + width :]


@pytest.mark.parametrize(
    ("start", "width", "text", "message"),
    [
        (252, 4, "Jane", "no number where it must state the number of signals"),
        (252, 4, "9999", "states 9999 signals.*most_channels = 1024"),
        (252, 4, "1000", "ends within the header of its 1000 signals"),
        (252, 4, "-3", "states -3 signals"),
        (236, 8, "Jane_Doe", "no number where it must state the number of records"),
        (236, 8, "9" * 8, "states 99999999 records, and it holds 2: it was cut off"),
        (244, 8, "inf", "no number where it must state the length of a record"),
        (244, 8, "-1", "a record lasts -1 s"),
        (244, 8, "0", "its records are empty or last 0 s"),
        (244, 8, "9999999", "lasts 5555.56 h, more than most_hours = 744"),
        (244, 8, "1e-300", "at 2e.302 samples a second it shows no EEG"),
        (256 + 216 * 20, 8, "1e9", "it holds no data|whole number"),
        (256 + 104 * 20, 8, "Jane_Doe", "no number.* physical minimum of signal 1"),
    ],
)
def test_a_header_that_can_not_be_right_is_named_and_not_quoted(
    start, width, text, message, tmp_path
):
    content = EDF(signals(eeg(2))).content()
    (tmp_path / "one.edf").write_bytes(_set(content, start, width, text))
    with pytest.raises(UnreadableRecordingError, match=message) as error:
        open_recording(tmp_path / "one.edf")
    assert str(error.value).startswith(f"{tmp_path / 'one.edf'}: ")
    assert "Jane" not in str(error.value)


@pytest.mark.parametrize("bdf", [False, True])
def test_a_binary_file_saved_as_text_is_refused(bdf, tmp_path):
    digital = {"digital": (-8388608, 8388607)} if bdf else {}
    content = EDF(signals(eeg(10), **digital), bdf=bdf).content()
    path = tmp_path / ("one.bdf" if bdf else "one.edf")
    path.write_bytes(content.decode("utf-8", "replace").encode())
    with pytest.raises(UnreadableRecordingError, match=r"U\+FFFD"):
        open_recording(path)


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    places=st.lists(st.integers(168, 256 * 22 - 1), min_size=1, max_size=8),
    characters=st.binary(min_size=8, max_size=8),
    lost=st.integers(0, 400),
)
def test_a_damaged_header_is_read_or_refused_and_never_quoted(places, characters, lost, tmp_path):
    content = bytearray(records([0, 1, 5]).content())
    for place, character in zip(places, characters, strict=False):
        content[place] = character
    del content[places[0] : places[0] + lost]
    (tmp_path / "one.edf").write_bytes(content)
    said = ""
    try:
        recording = open_recording(tmp_path / "one.edf")
        said = f"{recording!r}{recording.card}"
        assert recording.read(0, 2).data.shape == (len(recording.channels), 400)
    except UnreadableRecordingError as error:
        said = str(error)
    assert "Jane" not in said


def test_the_patient_is_nowhere_but_in_the_file(tmp_path, caplog):
    first = {0: ["+0.5\x14eyes open\x14"]}
    path = records([0, 1, 9], annotations=[first]).write(tmp_path / "one.edf")
    assert PATIENT.encode() in path.read_bytes()
    recording = open_recording(path)
    said = f"{recording!r}{recording.card!r}{recording.card}{recording.card.as_row()}{caplog.text}"
    for word in ("X123", "0000", "Jane", "Doe", "EMG561", "Technician", "Natus"):
        assert word in PATIENT + RECORDING
        assert word not in said


def test_labels_in_latin_1_and_utf_8_are_read(tmp_path):
    values = signals(eeg(2))
    values += [Written("Temp \xb0C".encode("latin-1"), np.zeros(400))]
    values += [Written("Hauttemp. \xb0C".encode(), np.zeros(400))]
    for each in values[:5]:
        each.unit = "\N{MICRO SIGN}V".encode()
    for each in values[5:10]:
        each.unit = "\N{MICRO SIGN}V".encode("latin-1")
    card = open_recording(EDF(values).write(tmp_path / "one.edf")).card
    assert card.ignored == ("Temp °C", "Hauttemp. °C")
    assert card.units == ("µV",)
    assert card.remarks == ()


@pytest.mark.parametrize(
    ("unit", "scale"), [("V", 1e-6), ("mV", 1e-3), ("uV", 1), ("nV", 1e3), ("", 1), ("", 1e-3)]
)
def test_units_are_brought_to_microvolts(unit, scale, tmp_path):
    physical = (-4000 * scale, 4000 * scale)
    values = signals(eeg(10, scale=scale), unit=unit, physical=physical)
    recording = open_recording(EDF(values).write(tmp_path / "one.edf"))
    expected = np.stack(list(eeg(10).values()))
    np.testing.assert_allclose(recording.read(0, 10).data, expected, atol=0.1)
    guesses = [each for each in recording.card.remarks if "not stated" in each]
    assert len(guesses) == (unit == "")


def test_what_has_no_unit_of_its_own_is_told_by_its_amplitude_or_left_out(tmp_path):
    values = signals(eeg(10))
    values[3].unit = ""
    values[4] = Written("F7", 40 * eeg(10)["F7"], unit="arb")
    oxygen = Written("O2", np.full(2000, 97.0), unit="%")
    recording = open_recording(EDF([oxygen, *values]).write(tmp_path / "one.edf"))
    card = recording.card
    assert card.missing == ("F7",)
    assert [each.label for each in card.channels if each.channel == "O2"] == ["O2"]
    np.testing.assert_allclose(
        recording.read(0, 10, ("P3", "O2")).data, [eeg(10)["P3"], eeg(10)["O2"]], atol=0.06
    )
    said = "\n".join(card.remarks)
    assert "'O2' is not used: its unit is '%'" in said
    assert "the unit is not stated, and channels deviate by" in said
    assert "F7 are not used: the unit is 'arb'" in said
    with pytest.raises(
        UnreadableRecordingError, match=r"14 of the chains' 16 pairs.*F7 are not us"
    ):
        open_recording(tmp_path / "one.edf", least_chains=0.9)


def test_a_unit_that_can_not_be_told_is_refused(tmp_path):
    values = signals(eeg(5, scale=40), unit="", physical=(-3276.8, 3276.7))
    with pytest.raises(UnreadableRecordingError, match=r"one\.edf: the unit is not stated, and"):
        open_recording(EDF(values).write(tmp_path / "one.edf"))


def test_a_recording_that_is_bipolar_already_is_read_as_such(tmp_path):
    wave = eeg(5, channels=("Fz-Cz", *BIPOLAR_NAMES))
    modern = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
    labels = {}
    for name, values in wave.items():
        front, back = (modern.get(each, each) for each in name.split("-"))
        labels[f"{front}-{back}".upper()] = values
    turned = labels.pop("C3-P3")
    written = signals(labels)
    written += [Written("P3-C3", -turned), Written("T8-P8", labels["T8-P8"] * 0.5)]
    recording = open_recording(EDF(written).write(tmp_path / "one.edf"))
    assert recording.channels == (*BIPOLAR_NAMES, "EKG")
    expected = np.stack([wave[name] for name in BIPOLAR_NAMES])
    np.testing.assert_allclose(recording.read(0, 5, BIPOLAR_NAMES).data, expected, atol=0.06)
    card = recording.card
    assert (card.montage, card.missing) == ("bipolar", ("EKG",))
    assert card.ignored == ("FZ-CZ", "T8-P8")
    assert "'T8-P8' is there twice: the first is read" in card.remarks
    assert "C3-P3 stand the other way round: their signs are changed" in card.remarks


def test_a_missing_electrode_is_missing_and_said(tmp_path):
    values = eeg(5)
    for name in ("T5", "C4", "EKG"):
        del values[name]
    recording = open_recording(EDF(signals(values)).write(tmp_path / "one.edf"))
    assert recording.card.missing == ("T5", "C4", "EKG")
    assert np.isnan(recording.read(0, 5, ("T5", "C4", "EKG")).data).all()
    assert "left lateral chain: 50% of its pairs can be had" in recording.card.remarks


_FEW = ("Fp1", "T3", "F3", "P4", "Fp2")


def test_too_few_chains_are_refused_by_the_names_of_what_is_missing(tmp_path):
    values = {name: each for name, each in eeg(5).items() if name not in _FEW}
    path = EDF(signals(values)).write(tmp_path / "one.edf")
    message = r"one\.edf: too few electrodes: 7 of the chains' 16 .*: Fp1, F3, T3, Fp2, P4\."
    with pytest.raises(UnreadableRecordingError, match=message):
        open_recording(path)
    assert open_recording(path, least_chains=0.4).duration == 5


def test_the_reference_cancels_and_electrodes_against_another_are_left_out(tmp_path):
    left = ("Fp1", "F3", "C3", "P3", "F7", "T3", "T5", "O1")
    values = eeg(5)
    labels = {
        f"{name}-{'A1' if name in left else 'A2'}": each
        for name, each in values.items()
        if name != "EKG"
    }
    both = open_recording(EDF(signals(labels)).write(tmp_path / "ears.edf")).card
    assert (both.reference, both.missing) == ("A1, A2", ("EKG",))
    assert any("against A1 and A2: only pairs of one side" in each for each in both.remarks)
    labels["C3-Avg"] = labels.pop("C3-A1")
    odd = open_recording(EDF(signals(labels)).write(tmp_path / "odd.edf")).card
    assert odd.missing == ("C3", "EKG")
    assert "'C3-Avg' is not used: other left electrodes are against A1" in odd.remarks
    # The same electrode against both: the one that its side shares is read.
    labels["C3-A1"] = values["C3"]
    card = open_recording(EDF(signals(labels)).write(tmp_path / "both.edf")).card
    assert card.missing == ("EKG",)
    assert next(each.label for each in card.channels if each.channel == "C3") == "C3-A1"


def test_an_electrode_of_the_midline_may_be_the_reference(tmp_path):
    labels = {f"{name}-Cz": each for name, each in eeg(5).items() if name not in ("Cz", "EKG")}
    card = open_recording(EDF(signals(labels)).write(tmp_path / "one.edf")).card
    assert (card.montage, card.reference, card.missing) == ("referential", "CZ", ("Cz", "EKG"))


def test_a_slow_channel_shows_no_eeg(tmp_path):
    values = signals(eeg(20))
    values[3] = Written("P3", np.arange(20.0), 1)
    card = open_recording(EDF(values).write(tmp_path / "one.edf")).card
    assert card.missing == ("P3",)
    assert "'P3' is not used: at 1 samples a second it shows no EEG" in card.remarks


def test_a_record_that_lasts_a_little_more_than_a_second_keeps_its_rate(tmp_path):
    values = signals(eeg(3, 250), 250)
    content = EDF(values).content()
    (tmp_path / "one.edf").write_bytes(_set(content, 244, 8, "1.000000"))
    (tmp_path / "two.edf").write_bytes(_set(content, 244, 8, "1.000030"))
    assert open_recording(tmp_path / "one.edf").duration == 3
    assert open_recording(tmp_path / "two.edf").duration == float(3 * Fraction("1.00003"))
