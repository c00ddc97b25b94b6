from itertools import pairwise

import numpy as np
import pytest

from hbac.eeg import CLASSES
from hbac.eeg.simulation.timeline import Episode, coverage, draw_episodes, presence

SPANS = [(275, 335), (365, 445)]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("pattern", ["lpd", "gpd", "lrda", "grda"])
def test_runs_take_most_of_a_recording_and_never_overlap(pattern):
    episodes = draw_episodes(rng(), pattern, 720, spans=SPANS)
    assert {episode.pattern for episode in episodes} == {pattern}
    assert coverage(episodes, 0, 720)[CLASSES.index(pattern)] > 0.75
    for one, next_one in pairwise(episodes):
        assert 4 <= next_one.start - one.stop <= 14


@pytest.mark.parametrize("seed", range(8))
def test_each_span_has_a_seizure_and_no_two_episodes_overlap(seed):
    episodes = draw_episodes(rng(seed), "seizure", 720, spans=SPANS)
    seizures = [episode for episode in episodes if episode.pattern == "seizure"]
    for (start, _), seizure in zip(SPANS, seizures, strict=True):
        assert start < seizure.start < start + 20
        assert seizure.stop - seizure.start >= 10
    ordered = sorted(episodes, key=lambda episode: episode.start)
    assert all(a.stop <= b.start for a, b in pairwise(ordered))


def test_other_has_no_episode_and_an_unknown_pattern_is_refused():
    assert draw_episodes(rng(), "other", 720, spans=SPANS) == ()
    with pytest.raises(ValueError, match="received 'pled'"):
        draw_episodes(rng(), "pled", 720, spans=SPANS)


def test_coverage_counts_what_lies_in_the_stretch():
    episodes = (Episode("seizure", 0, 4), Episode("lpd", 6, 100))
    np.testing.assert_allclose(coverage(episodes, 2, 12), [0.2, 0.6, 0, 0, 0, 0.2])


def test_presence_ramps_up_and_down():
    envelope = presence((Episode("lpd", 1, 5),), 1200, ramp=2)
    np.testing.assert_allclose(
        envelope[[0, 200, 400, 600, 800, 1000, 1199]], [0, 0, 0.5, 1, 0.5, 0, 0]
    )
    assert not presence((), 100, ramp=1).any()


def test_without_episodes_a_pattern_is_never_present():
    np.testing.assert_array_equal(presence((), 400, ramp=0.5), np.zeros(400))
