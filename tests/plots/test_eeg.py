import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from hbac.eeg import CHAINS, CHANNELS, Recording
from hbac.plots.eeg import central_seconds, choose_sensitivity, draw_eeg, eeg_traces


def _names(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def _traces(axes):
    """The traces drawn, without the scale bar, which is the last line."""
    return [line.get_ydata() for line in axes.lines[:-1]]


def test_traces_follow_the_montage_from_top_to_bottom(recording):
    axes = eeg_traces(recording).axes[0]
    names = _names(axes)
    assert names[:4] == ["Fp1-F7", "F7-T3", "T3-T5", "T5-O1"]
    assert names[16:] == ["Fz-Cz", "Cz-Pz", "EKG"]
    assert (np.diff(axes.get_yticks()) < 0).all()
    assert [text.get_text() for text in axes.texts if text.get_text() in CHAINS] == list(CHAINS)


def test_groups_are_set_apart(recording):
    gaps = -np.diff(eeg_traces(recording).axes[0].get_yticks())
    assert np.flatnonzero(gaps > 1.5).tolist() == [3, 7, 11, 15, 17]


def test_time_axis_is_in_seconds_of_the_recording(recording):
    axes = eeg_traces(recording, start=10, seconds=20).axes[0]
    assert axes.get_xlim() == (10, 30)
    assert axes.get_xlabel() == "time (s)"
    assert axes.lines[0].get_xdata()[[0, -1]].tolist() == [10, 29.995]


def test_amplitude_is_in_trace_distances_and_negative_points_up(recording):
    axes = eeg_traces(recording, microvolts=100).axes[0]
    base, middle = axes.get_yticks()[0], slice(2000, 8000)
    height = _traces(axes)[0][middle] - base
    # Fp1 is 20 uV, F7 100 uV: their difference has an amplitude of 80 uV.
    assert height.max() == pytest.approx(0.8, abs=0.01)
    peak = np.argmax(recording.data[CHANNELS.index("F7")][middle][:40])
    assert height[peak] == pytest.approx(0.8, abs=0.02)


def test_large_amplitude_is_clipped(recording):
    loud = Recording(recording.data * 1e4, CHANNELS)
    axes = eeg_traces(loud, microvolts=50).axes[0]
    for trace, base in zip(_traces(axes), axes.get_yticks(), strict=True):
        assert np.abs(trace - base).max() <= 1.5 + 1e-6


def test_one_bad_channel_does_not_set_the_scale():
    data = 40 * np.ones((18, 1000))
    data[3] = 1e5
    assert choose_sensitivity(data) == 50


def test_scale_without_any_sample_is_a_default():
    assert choose_sensitivity(np.full((18, 1000), np.nan)) == 50


def test_scale_bar_says_its_microvolts(recording):
    axes = eeg_traces(recording, microvolts=70).axes[0]
    assert any(text.get_text().startswith("70 µV") for text in axes.texts)
    assert np.ptp(axes.lines[-1].get_ydata()) == pytest.approx(1)


def test_missing_channel_is_named_and_leaves_a_gap(recording):
    data = recording.data.copy()
    data[CHANNELS.index("F7")] = np.nan
    axes = eeg_traces(Recording(data, CHANNELS)).axes[0]
    names = _names(axes)
    assert [name for name in names if "missing" in name] == ["Fp1-F7 (missing)", "F7-T3 (missing)"]
    assert np.isnan(_traces(axes)[0]).all()
    assert not np.isnan(_traces(axes)[2]).any()


def test_stretch_without_data_is_shaded(recording):
    data = recording.data.copy()
    data[:, :4000] = np.nan
    data[:, 6000:] = np.nan
    axes = eeg_traces(Recording(data, CHANNELS)).axes[0]
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
    assert spans == [(0, 20), (30, 50)]
    assert np.flatnonzero(~np.isnan(_traces(axes)[0]))[[0, -1]].tolist() == [4000, 5999]


def test_eeg_without_a_single_sample_can_be_saved(recording):
    empty = Recording(np.full_like(recording.data, np.nan), CHANNELS)
    eeg_traces(empty).savefig(io.BytesIO())


def test_chains_alone_are_enough(recording):
    electrodes = tuple(dict.fromkeys(name for chain in CHAINS.values() for name in chain))
    assert len(_names(eeg_traces(recording.pick(electrodes)).axes[0])) == 16


def test_stretch_outside_the_recording_is_refused(recording):
    with pytest.raises(ValueError, match="do not lie inside"):
        eeg_traces(recording, start=45, seconds=10)


def test_central_seconds():
    assert central_seconds(50, 10) == (20, 30)


def _shaded(recording, **settings):
    axes = Figure().subplots()
    draw_eeg(axes, recording, shaded=[("RL", 121.5, 124), ("RP", 130, 150)], **settings)
    return axes


def test_shading_lies_behind_the_four_traces_of_its_chain_alone(recording):
    axes = _shaded(recording, offset=100)
    for patch, rows in zip(axes.patches, [slice(4, 8), slice(12, 16)], strict=True):
        bottom, top = patch.get_y(), patch.get_y() + patch.get_height()
        heights = axes.get_yticks()
        inside = (heights > bottom) & (heights < top)
        assert np.flatnonzero(inside).tolist() == list(range(19))[rows]
        assert all(patch.get_zorder() < line.get_zorder() for line in axes.lines)


def test_shading_and_axis_count_from_the_offset(recording):
    axes = _shaded(recording, offset=100)
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
    assert spans == [(121.5, 124), (130, 150)]
    assert axes.get_xlim() == (100, 150)
    assert axes.lines[0].get_xdata()[[0, -1]].tolist() == [100, 149.995]


def test_offset_leaves_the_traces_as_they_are(recording):
    part = {"start": 10, "seconds": 20}
    plain, moved = (_traces(_shaded(recording, offset=k, **part)) for k in (0, 100))
    np.testing.assert_array_equal(plain, moved)
    assert _shaded(recording, offset=100, **part).get_xlim() == (110, 130)


def test_gap_is_shaded_at_its_offset(recording):
    data = recording.data.copy()
    data[:, 4000:] = np.nan
    axes = Figure().subplots()
    draw_eeg(axes, Recording(data, CHANNELS), offset=100)
    (gap,) = axes.patches
    assert (gap.get_x(), gap.get_x() + gap.get_width()) == (120, 150)


def test_shading_of_an_unknown_chain_is_refused(recording):
    with pytest.raises(ValueError, match=r"shaded chains must be of .*'LL'.* received 'Mid'"):
        draw_eeg(Figure().subplots(), recording, shaded=[("Mid", 0, 1)])
