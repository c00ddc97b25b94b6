import numpy as np
import pytest

from hbac.eeg import CLASS_NAMES, CLASSES
from hbac.eeg.simulation import plan_cohort
from hbac.eeg.simulation.patient import CONDITIONS
from hbac.eeg.simulation.resemblance import expert_opinion
from hbac.eeg.votes import VOTE_COLUMNS
from hbac.eeg.windows import NO_SPECTROGRAM, select_windows

SIZES = {
    "patients": 20,
    "sessions_per_patient": (2, 2),
    "eegs_per_session": (1, 2),
    "eeg_seconds": (50, 120),
    "labels_per_eeg": (2, 6),
    "test_patients": 6,
    "test_without_spectrogram": 0.4,
    "test_long_seconds": (600, 720),
    "ambiguity": 0.3,
    "gap_fraction": 0.1,
    "dead_channel_fraction": 0.1,
    "mains_frequency": 60.0,
    "seed": 4,
}
COLUMNS = [
    *("eeg_id", "eeg_sub_id", "eeg_label_offset_seconds"),
    *("spectrogram_id", "spectrogram_sub_id", "spectrogram_label_offset_seconds"),
    *("label_id", "patient_id", "expert_consensus", *VOTE_COLUMNS),
]


@pytest.fixture(scope="module")
def cohort():
    return plan_cohort(**SIZES)


def of(cohort, split):
    return [planned for planned in cohort.sessions if planned.split == split]


def test_the_tables_have_the_competitions_columns(cohort):
    assert list(cohort.train_labels.columns) == COLUMNS
    assert list(cohort.test_labels.columns) == ["spectrogram_id", "eeg_id", "patient_id"]
    whole = cohort.train_labels[["eeg_id", "label_id", "patient_id", *VOTE_COLUMNS]]
    assert (whole.dtypes == np.int64).all()


def test_consensus_is_the_class_of_most_votes(cohort):
    votes = cohort.train_labels[list(VOTE_COLUMNS)].to_numpy()
    assert votes.sum(axis=1).min() > 0
    expected = np.array(CLASS_NAMES)[votes.argmax(axis=1)]
    assert (cohort.train_labels["expert_consensus"] == expected).all()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("patients", [3, 9])
def test_every_class_and_every_tier_of_votes_occurs(seed, patients):
    labels = plan_cohort(**SIZES | {"patients": patients, "seed": seed}).train_labels
    assert set(labels["expert_consensus"]) == set(CLASS_NAMES)
    totals = labels[list(VOTE_COLUMNS)].sum(axis=1)
    assert totals.between(1, 20).all()
    assert totals.lt(3).any()
    assert totals.between(3, 9).any()
    assert totals.ge(10).any()


def test_experts_disagree_on_some_windows_and_agree_on_others(cohort):
    labels = cohort.train_labels
    votes = labels.loc[labels[list(VOTE_COLUMNS)].sum(axis=1) >= 10, list(VOTE_COLUMNS)].to_numpy()
    share = votes.max(axis=1) / votes.sum(axis=1)
    assert (share < 0.7).any()
    assert (share > 0.9).any()


def test_windows_of_a_label_share_their_centre_and_lie_in_their_files(cohort):
    labels = cohort.train_labels
    for planned in of(cohort, "train"):
        for excerpt in planned.excerpts:
            rows = labels[labels["eeg_id"] == excerpt.eeg_id]
            eeg_centre = excerpt.start + rows["eeg_label_offset_seconds"] + 25
            spectrogram_centre = rows["spectrogram_label_offset_seconds"] + 300
            np.testing.assert_array_equal(eeg_centre, spectrogram_centre)
            assert rows["spectrogram_label_offset_seconds"].min() >= 0
            assert rows["spectrogram_label_offset_seconds"].max() + 600 <= planned.session.seconds
            assert excerpt.start + excerpt.seconds <= planned.session.seconds


def test_labels_overlap_from_the_files_start_to_its_end_at_even_offsets(cohort):
    seconds = {e.eeg_id: e.seconds for planned in cohort.sessions for e in planned.excerpts}
    offsets = cohort.train_labels.groupby("eeg_id")["eeg_label_offset_seconds"]
    assert (offsets.min() == 0).all()
    for eeg_id, last in offsets.max().items():
        assert last + 50 == seconds[eeg_id]
    assert (cohort.train_labels["eeg_label_offset_seconds"] % 2 == 0).all()
    assert (cohort.train_labels["spectrogram_label_offset_seconds"] % 2 == 0).all()
    assert {len(group) for _, group in offsets} >= {1, 2, 5}
    assert not cohort.train_labels.duplicated(["eeg_id", "eeg_label_offset_seconds"]).any()


def test_some_files_are_of_fifty_seconds_and_some_longer(cohort):
    lengths = [e.seconds for planned in of(cohort, "train") for e in planned.excerpts]
    assert min(lengths) == 50
    assert 60 < max(lengths) <= 120


def test_ids_are_unique_and_numbers_within_files_run_from_zero(cohort):
    labels = cohort.train_labels
    assert labels["label_id"].is_unique
    assert not set(labels["patient_id"]) & set(cohort.test_labels["patient_id"])
    assert not set(labels["eeg_id"]) & set(cohort.test_labels["eeg_id"])
    for kind in ("eeg", "spectrogram"):
        numbers = labels.groupby(f"{kind}_id")[f"{kind}_sub_id"]
        assert all(list(group) == list(range(len(group))) for _, group in numbers)
    assert (labels.groupby("eeg_id")["patient_id"].nunique() == 1).all()


@pytest.mark.parametrize("policy", ["per_eeg", "distinct_votes"])
def test_labels_become_windows_under_either_policy(cohort, policy):
    windows = select_windows(cohort.train_labels, policy=policy)
    assert windows["eeg_id"].nunique() == cohort.train_labels["eeg_id"].nunique()


def test_gaps_lie_in_the_files_and_dead_channels_are_of_both_kinds(cohort):
    sessions = of(cohort, "train")
    gaps = [planned for planned in sessions if planned.session.gaps]
    assert len(gaps) == 4
    for planned in gaps:
        for (start, stop), e in zip(planned.session.gaps, planned.excerpts, strict=True):
            assert e.start <= start < stop <= e.start + e.seconds
    dead = [planned.session for planned in sessions if planned.session.dead_channel]
    assert {session.dead_is_missing for session in dead} == {True, False}


@pytest.mark.parametrize("seed", range(5))
def test_experts_vote_on_what_they_can_see(seed):
    cohort = plan_cohort(**SIZES | {"gap_fraction": 1.0, "seed": seed})
    moments = cohort.train_labels.groupby("eeg_id")["eeg_label_offset_seconds"]
    hidden = []
    for planned in of(cohort, "train"):
        for (start, stop), e in zip(planned.session.gaps, planned.excerpts, strict=True):
            first = e.start + moments.get_group(e.eeg_id).to_numpy() + 20
            hidden += [*np.minimum(stop, first + 10) - np.maximum(start, first)]
            assert 6 <= stop - start <= 12
            assert e.start <= start < stop <= e.start + e.seconds
    assert max(hidden) <= 5
    assert max(hidden) > 0


def test_the_test_split_has_pairs_long_eegs_and_short_eegs_alone(cohort):
    sessions = of(cohort, "test")
    alone = [planned for planned in sessions if planned.spectrogram_id == NO_SPECTROGRAM]
    lengths = [planned.excerpts[0].seconds for planned in alone]
    assert min(lengths) == 50
    assert max(lengths) >= 600
    for planned in sessions:
        if planned.has_spectrogram:
            assert planned.session.seconds == 600
            assert (planned.excerpts[0].start, planned.excerpts[0].seconds) == (275, 50)
    assert list(cohort.test_labels["spectrogram_id"]) == [p.spectrogram_id for p in sessions]


def test_the_seed_decides_everything(cohort):
    again = plan_cohort(**SIZES)
    assert again.sessions == cohort.sessions
    assert again.train_labels.equals(cohort.train_labels)
    assert plan_cohort(**SIZES | {"seed": 5}).sessions != cohort.sessions


def test_patterns_are_planned_alike_often(cohort):
    patterns = [planned.session.pattern for planned in of(cohort, "train")]
    counts = [patterns.count(name) for name in CLASSES]
    assert sum(counts) == 40
    assert max(counts) - min(counts) <= 1


def test_patients_keep_to_the_patterns_of_a_condition(cohort):
    shown = {}
    for planned in of(cohort, "train"):
        shown.setdefault(planned.patient_id, set()).add(planned.session.pattern)
    assert all(any(own <= set(condition) for condition in CONDITIONS) for own in shown.values())
    assert len({planned.session.patient_seed for planned in of(cohort, "train")}) == len(shown)


def test_experts_agree_as_often_as_published():
    plans = plan_cohort(**SIZES | {"patients": 200, "sessions_per_patient": (1, 1)}).sessions
    opinions = []
    for planned in plans:
        middle = planned.excerpts[0].start + 25
        opinions.append(expert_opinion(planned.session, middle - 5, middle + 5))
    agreement = np.mean(np.square(opinions).sum(axis=1))
    by_chance = np.square(np.mean(opinions, axis=0)).sum()
    assert agreement == pytest.approx(0.52, abs=0.04)
    assert (agreement - by_chance) / (1 - by_chance) == pytest.approx(0.42, abs=0.05)


@pytest.mark.parametrize(
    ("name", "limits"),
    [("eeg_seconds", (40, 60)), ("test_long_seconds", (500, 700)), ("labels_per_eeg", (3, 2))],
)
def test_sizes_that_cannot_be_are_refused(name, limits):
    with pytest.raises(ValueError, match=rf"{name} must be increasing and at least .* received"):
        plan_cohort(**SIZES | {name: limits})


@pytest.fixture(scope="module")
def short():
    one_label = {"eegs_per_session": (1, 1), "eeg_seconds": (50, 50), "labels_per_eeg": (1, 1)}
    return plan_cohort(**SIZES | one_label | {"spectrograms": False, "patients": 60})


def test_recordings_without_spectrograms_end_with_their_files(short):
    for planned in of(short, "train"):
        (excerpt,) = planned.excerpts
        assert (excerpt.start, excerpt.seconds, planned.session.seconds) == (0, 50, 50)
    assert not any(planned.has_spectrogram for planned in short.sessions)
    for table in (short.train_labels, short.test_labels):
        assert set(table["spectrogram_id"]) == {NO_SPECTROGRAM}
    assert set(short.train_labels["spectrogram_label_offset_seconds"]) == {0}
    assert {planned.session.seconds for planned in of(short, "test")} >= {50}


def test_several_files_without_spectrograms_share_a_recording():
    cohort = plan_cohort(**SIZES | {"eegs_per_session": (2, 2), "spectrograms": False})
    for planned in of(cohort, "train"):
        first, last = planned.excerpts
        assert first.start == 0
        assert planned.session.seconds == last.start + last.seconds


def test_recordings_without_spectrograms_are_labelled_as_others(short):
    labels = short.train_labels.set_index("eeg_id")["expert_consensus"]
    of_class = {name: [] for name in CLASSES}
    for planned in of(short, "train"):
        consensus = labels[planned.excerpts[0].eeg_id]
        of_class[planned.session.pattern].append(
            consensus == CLASS_NAMES[CLASSES.index(planned.session.pattern)]
        )
    assert all(np.mean(right) > 0.5 for right in of_class.values())


def test_the_clearest_of_a_cut_recording_show_their_pattern_from_end_to_end(short):
    clear = [p.session for p in of(short, "train") if p.session.ambiguity == 0]
    runs = [s for s in clear if s.pattern not in ("seizure", "other")]
    assert len(runs) == 4
    assert all(s.episodes[0].start <= 0 and s.episodes[0].stop >= 50 for s in runs)
