from functools import partial

import numpy as np
import pandas as pd
import pytest

from hbac.eeg.montage import BIPOLAR_NAMES
from hbac.pipelines.explainability.params import ExplainabilityParams
from hbac.pipelines.recordings.event_nodes import (
    check_event_maps,
    choose_events,
    evidence_by_chain,
    explain_events,
    name_chains,
)
from hbac.pipelines.recordings.page_params import PageParams
from hbac.pipelines.recordings.params import ReadingParams
from tests.conftest import recipe
from tests.pipelines import ensembles
from tests.pipelines.opened import Opened
from tests.plots.courses import timeline
from tests.shipped import SHIPPED, shipped_networks

PAGE = PageParams(**recipe()["recording"]["page"] | {"explained_per_class": 2})
READING = ReadingParams(**recipe()["recording"]["reading"])
EXPLAINABILITY = ExplainabilityParams(**recipe()["explainability"])


def found(*rows):
    columns = ["recording", "onset", "duration", "trial_type", "peak_probability", "peak_seconds"]
    return pd.DataFrame(rows, columns=columns).assign(chains="", probability=0.5)


FOUND = found(
    ("a", 0, 20, "LPD", 0.6, 5.0),
    ("a", 40, 10, "LPD", 0.9, 45.0),
    ("a", 80, 10, "LPD", 0.7, 85.0),
    ("a", 100, 10, "GRDA", 0.5, 105.0),
    ("b", 120, 5, "LPD", 0.8, 122.5),
)
TIMELINES = {"a": partial(timeline, 200), "b": partial(timeline, 125)}


def chosen():
    return choose_events(FOUND, TIMELINES, READING, PAGE)


def test_the_most_certain_events_of_each_class_and_recording_are_chosen():
    table = chosen()
    assert list(zip(table["recording"], table["trial_type"], table["event"], strict=True)) == [
        ("a", "LPD", 1),
        ("b", "LPD", 0),
        ("a", "LPD", 2),
        ("a", "GRDA", 3),
    ]
    assert table["predicted"].tolist() == [1, 1, 1, 4]


def test_the_window_is_the_one_that_the_step_was_predicted_from():
    # The last step of b ends with its recording, 5 s before its window's middle 10 s do.
    assert chosen()["middle_seconds"].tolist() == [45, 125, 85, 105]


def test_no_event_is_chosen_where_there_is_none():
    table = choose_events(FOUND[:0], TIMELINES, READING, PAGE)
    assert table.empty
    assert {"event", "predicted", "middle_seconds"} <= set(table)
    assert explain_events(table, {}, {}, {}, SHIPPED, EXPLAINABILITY) == {}


def test_chains_are_those_well_above_an_even_share():
    shares = np.array([[0.31, 0.29, 0.2, 0.2], [0.25, 0.25, 0.25, 0.25], [0.6, 0, 0.4, 0]])
    evidence = {"a": lambda: {"event": np.array([1, 2, 3]), "shares": shares}}
    assert name_chains(FOUND, evidence, PAGE)["chains"].tolist() == ["", "LL", "", "LL;LP", ""]


def test_chains_of_events_in_any_order_of_recordings():
    mixed = FOUND.iloc[[4, 0, 1, 2, 3]].reset_index(drop=True)
    shares = np.array([[0.0, 1.0, 0.0, 0.0]])
    evidence = {"b": lambda: {"event": np.array([0]), "shares": shares}}
    assert name_chains(mixed, evidence, PAGE)["chains"].tolist() == ["RL", "", "", "", ""]


def test_without_events_the_tests_say_so():
    curves, scores, similarities, tests = check_event_maps(
        choose_events(FOUND[:0], TIMELINES, READING, PAGE), {}, {}, {}, SHIPPED, EXPLAINABILITY
    )
    assert curves.empty
    assert scores.empty
    assert similarities.empty
    assert tests == {"method": "Fusion", "n_events": 0, "n_recordings": 0, "failing": []}


@pytest.fixture(scope="module")
def networks():
    return shipped_networks()


RECORDINGS = {
    "a": partial(Opened, 200.0, start=None),
    "b": partial(Opened, 125.0, start=None, channels=(*BIPOLAR_NAMES, "EKG")),
}


def test_events_are_explained_in_the_recordings_own_time(networks):
    tasks = explain_events(chosen(), RECORDINGS, {}, networks, SHIPPED, EXPLAINABILITY)
    evidence = tasks["a"]()
    assert evidence["event"].tolist() == [1, 2, 3]
    assert evidence["maps"].shape == (3, 16, 100)
    assert np.isfinite(evidence["maps"]).all()
    assert evidence["shares"].sum(axis=1) == pytest.approx(1)
    seconds = evidence_by_chain(evidence, 0, SHIPPED)["waveform"].seconds
    assert (seconds[0], seconds[-1]) == (40, 50)
    assert tasks["b"]()["maps"].shape == (1, 16, 100)


def test_evidence_for_a_class_is_of_that_class(networks):
    """Two events at one moment that are said to be of two classes have other maps."""
    twice = found(("a", 40, 10, "LPD", 0.9, 45.0), ("a", 40, 10, "GRDA", 0.8, 45.0))
    events = choose_events(twice, TIMELINES, READING, PAGE)
    tasks = explain_events(events, RECORDINGS, {}, networks, SHIPPED, EXPLAINABILITY)
    lpd, grda = tasks["a"]()["maps"]
    assert np.corrcoef(lpd.ravel(), grda.ravel())[0, 1] < 0.9


@pytest.mark.slow
def test_maps_of_events_are_put_to_the_tests_of_windows(networks):
    curves, scores, similarities, tests = check_event_maps(
        chosen(), RECORDINGS, {}, networks, SHIPPED, EXPLAINABILITY
    )
    assert {"insertion", "deletion"} <= set(curves["curve"])
    assert {"Fusion", "random", "centre prior"} <= set(scores["maps"])
    whole = curves[(curves["curve"] == "insertion") & (curves["fraction"] == 1)]["value"]
    removed = curves[(curves["curve"] == "deletion") & (curves["fraction"] == 0)]["value"]
    assert np.ptp([*whole, *removed]) < 1e-5
    assert similarities.loc[similarities["step"] == 0, "similarity"].eq(1).all()
    assert (tests["n_events"], tests["n_recordings"]) == (3, 2)


@pytest.mark.slow
def test_networks_of_pictures_are_explained_over_theirs():
    cleaning = dict.fromkeys(("clip", "notch", "band_pass", "wavelet"))
    fixed = {"noise": "median", "reference": "fixed", "centre": False}
    ensemble = ensembles.ENSEMBLE | {"spectrogram": cleaning | fixed}
    powers = {"a": lambda: np.ones((100, 400), np.float32)}
    tasks = explain_events(
        chosen(), RECORDINGS, powers, ensembles.small_networks(), ensemble, EXPLAINABILITY
    )
    evidence = tasks["a"]()
    maps = evidence_by_chain(evidence, 0, ensemble)
    assert {source: one.values.shape for source, one in maps.items()} == {
        "regional": (4, 4, 8),
        "eeg": (4, 4, 8),
    }
    assert maps["eeg"].seconds[[0, -1]].tolist() == [20, 70]
    assert evidence["shares"].sum(axis=1) == pytest.approx(1)
