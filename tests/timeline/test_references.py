import pytest

from hbac.timeline import bids_events, find_events, find_reference
from hbac.timeline.references import IN_FILE, parse_reference, pattern_of

from .timelines import Annotation, StandIn, timeline_of, write_text

SZCORE = (
    "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"
    "120.50\t30.00\tsz_foc_ia\tn/a\tn/a\t2026-11-27 22:40:30\t3600.00\n"
)
BACKGROUND = (
    "onset\tduration\teventType\tconfidence\tchannels\tdateTime\trecordingDuration\n"
    "0.00\t3600.00\tbckg\tn/a\tn/a\t2026-11-27 22:40:30\t3600.00\n"
)


def rows(reference):
    return reference.events.values.tolist()


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Seizure", "Seizure"),
        ("lpd", "LPD"),
        (" GRDA ", "GRDA"),
        ("sz", "Seizure"),
        ("sz_gen_m_tonic", "Seizure"),
        ("bckg", None),
        ("Other", None),
        ("szzz", None),
        ("no seizure seen", None),
    ],
)
def test_names_of_patterns_and_of_szcore_are_known(text, pattern):
    assert pattern_of(text, {}) == pattern


def test_a_mapping_comes_first_and_is_searched_for_in_any_case():
    mapping = {"pled|lpd": "LPD", "^seiz": "Seizure"}
    assert pattern_of("left PLEDs", mapping) == "LPD"
    assert pattern_of("Seizure onset", mapping) == "Seizure"
    assert pattern_of("no seizure", mapping) is None


def test_columns_of_szcore():
    reference = parse_reference(SZCORE, "night_events.tsv", {})
    assert rows(reference) == [[120.5, 30, "Seizure"]]
    assert (reference.source, reference.patterns) == ("night_events.tsv", ("Seizure",))


def test_background_says_that_there_was_no_seizure():
    reference = parse_reference(BACKGROUND, "night_events.tsv", {})
    assert (rows(reference), reference.patterns) == ([], ("Seizure",))
    empty = parse_reference("onset\tduration\ttrial_type\n", "night_events.tsv", {})
    assert (rows(empty), empty.patterns) == ([], ("Seizure",))


def test_columns_of_bids_name_what_they_speak_of():
    text = "onset\tduration\ttrial_type\n50\t10\tGPD\n20\tn/a\tLPD\n5\t1\tnurse\n"
    reference = parse_reference(text, "night_events.tsv", {})
    assert rows(reference) == [[20, 0, "LPD"], [50, 10, "GPD"]]
    assert reference.patterns == ("LPD", "GPD")


@pytest.mark.parametrize(
    "text",
    [
        "onset\tduration\ttrial_type\n5\t1\tflash\n",
        "onset\tduration\tvalue\n5\t1\t3\n",
    ],
)
def test_other_events_are_no_reference(text):
    assert parse_reference(text, "night_events.tsv", {}) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("onset,duration,trial_type\n5,1,Seizure\n", "night_events.tsv has the columns"),
        ("onset\tduration\ttrial_type\n5\t1\tLPD\nlate\t1\tLPD\n", "line 3: onset .*'late'"),
        ("onset\tduration\ttrial_type\nn/a\t1\tLPD\n", "line 2: onset .*'n/a'"),
        ("onset\tduration\ttrial_type\n1\tinf\tLPD\n", "line 2: duration .*'inf'"),
        ("", "night_events.tsv is no table"),
        ("onset\tduration\n1\t2\t3\n4\t5\t6\t7\n", "night_events.tsv is no table"),
    ],
)
def test_what_is_no_table_of_events_is_named_with_its_line(text, fault):
    with pytest.raises(ValueError, match=fault):
        parse_reference(text, "night_events.tsv", {})


@pytest.mark.parametrize(
    ("recording", "table"),
    [
        ("night.edf", "night_events.tsv"),
        ("sub-1_task-icu_eeg.edf", "sub-1_task-icu_events.tsv"),
        ("sub-1_task-icu_eeg.edf", "sub-1_task-icu_eeg_events.tsv"),
    ],
)
def test_a_table_beside_the_recording_is_found(tmp_path, recording, table):
    write_text(tmp_path / table, "\ufeff" + SZCORE)
    notes = (Annotation(5, 1, "GPD"),)
    found = find_reference(
        StandIn(3600, path=str(tmp_path / recording), annotations=notes), {"gpd": "GPD"}
    )
    assert (found.source, rows(found)) == (table, [[120.5, 30, "Seizure"]])


def test_what_hbac_has_written_is_no_reference_to_itself(tmp_path):
    found = find_events(timeline_of(seizure=[0.0, 0.9]))
    write_text(tmp_path / "night_events.tsv", bids_events(found))
    assert find_reference(StandIn(20, path=str(tmp_path / "night.edf")), {}) is None


def test_the_recordings_own_annotations_count_by_a_mapping_alone(tmp_path):
    notes = (
        Annotation(50, None, "Seizure (left)"),
        Annotation(20, 15, "SEIZURE"),
        Annotation(30, 5, "IV lorazepam"),
    )
    recording = StandIn(3600, path=str(tmp_path / "night.edf"), annotations=notes)
    assert find_reference(recording, {}) is None
    found = find_reference(recording, {"seizure": "Seizure", "gpd": "GPD"})
    assert rows(found) == [[20, 15, "Seizure"], [50, 0, "Seizure"]]
    assert (found.source, found.patterns) == (IN_FILE, ("Seizure", "GPD"))
    quiet = StandIn(3600, path=str(tmp_path / "night.edf"))
    assert find_reference(quiet, {"seizure": "Seizure"}).patterns == ("Seizure",)
