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


def seizure_parts(n=400, spans=((0, 50),)):
    drawn = [
        draw_episodes(rng(seed), "seizure", 50, spans=spans, ongoing=True) for seed in range(n)
    ]
    return [tuple(e for e in episodes if e.pattern == "seizure") for episodes in drawn]


def test_a_cut_recording_shows_beginnings_middles_and_ends_of_seizures():
    seizures = [seizure for (seizure,) in seizure_parts()]
    assert all(55 <= seizure.stop - seizure.start <= 115 for seizure in seizures)
    # Experts are asked about seconds 20 to 30, and see a seizure there.
    assert all(seizure.start < 20 and seizure.stop > 30 for seizure in seizures)
    begins = np.mean([seizure.start > 0 for seizure in seizures])
    ends = np.mean([seizure.stop < 50 for seizure in seizures])
    assert 0.15 < begins < 0.4
    assert 0.15 < ends < 0.4
    progress = np.array([(25 - s.start) / (s.stop - s.start) for s in seizures])
    counts, _ = np.histogram(progress, bins=[0, 1 / 3, 2 / 3, 1])
    assert counts.min() > 0.2 * len(seizures)


def test_seizures_of_a_cut_recording_never_overlap():
    for first, second in seizure_parts(spans=((0, 60), (85, 140))):
        assert second.start - first.stop >= 12 - 1e-9
        assert second.start < 85 + 20
        assert second.stop > 85 + 30


@pytest.mark.parametrize("pattern", ["lpd", "gpd", "lrda", "grda"])
def test_runs_of_a_cut_recording_have_begun_before_it(pattern):
    kept = draw_episodes(rng(1), pattern, 50, spans=[(0, 50)])
    cut = draw_episodes(rng(1), pattern, 50, spans=[(0, 50)], ongoing=True)
    assert cut[0].start < 0 == kept[0].start
    assert presence(cut, 200, ramp=2)[0] > presence(kept, 200, ramp=2)[0] == 0
