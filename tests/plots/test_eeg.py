import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from hbac.eeg import CHAINS, CHANNELS, Recording
from hbac.plots.eeg import central_seconds, choose_sensitivity, draw_eeg, eeg_traces


def _names(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def _traces(axes):
    """The traces drawn, without the scale bars, which are the last lines."""
    return [line.get_ydata() for line in axes.lines[: len(axes.get_yticks())]]


def _caption(figure):
    return figure.get_supxlabel().replace("\n", " ")


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


def _farthest(axes):
    traces = zip(_traces(axes), axes.get_yticks(), strict=True)
    return max(np.abs(trace - base).max() for trace, base in traces)


def test_large_amplitude_is_cut_and_the_page_says_so(recording):
    loud = Recording(recording.data * 1e4, CHANNELS)
    figure = eeg_traces(loud, microvolts=50)
    assert _farthest(figure.axes[0]) == pytest.approx(3)
    assert "of samples are cut" in _caption(figure)
    axes = Figure().subplots()
    draw_eeg(axes, loud, microvolts=50)
    assert _farthest(axes) == pytest.approx(1.5)


def test_a_page_that_holds_all_cuts_nothing(recording):
    assert "cut" not in _caption(eeg_traces(recording))


def test_one_bad_channel_does_not_set_the_scale():
    data = 40 * np.ones((18, 1000))
    data[3] = 1e5
    assert choose_sensitivity(data) == 50


def test_one_bad_electrode_does_not_set_the_scale():
    data = 40 * np.ones((18, 1000))
    data[3:5] = 1e5
    assert choose_sensitivity(data) == 50


def test_a_pattern_in_three_traces_stays_on_the_page():
    data = 40 * np.ones((18, 1000))
    data[4:7] = 140
    # The 85th percentile lies between the third and the fourth largest: 85 of 140 and 40.
    assert choose_sensitivity(data) == 70


def test_scale_without_any_sample_is_a_default():
    assert choose_sensitivity(np.full((18, 1000), np.nan)) == 50
    assert choose_sensitivity(np.full((18, 1000), np.nan), (13.0, 65.0)) == 65


def test_scale_bar_says_its_microvolts(recording):
    axes = Figure().subplots()
    draw_eeg(axes, recording, microvolts=70)
    assert any(text.get_text().startswith("70 µV") for text in axes.texts)
    assert np.ptp(axes.lines[-1].get_ydata()) == pytest.approx(1)


def test_scale_bars_of_a_page(recording):
    axes = eeg_traces(recording, start=20, seconds=10, microvolts=65).axes[0]
    texts = [text.get_text() for text in axes.texts]
    ekg, corner = axes.lines[-2:]
    # 50 uV is the longest bar within 1.3 distances of 65 uV.
    assert {"50 µV", "1 s"} <= set(texts)
    assert np.ptp(corner.get_ydata()) == pytest.approx(50 / 65)
    assert np.ptp(corner.get_xdata()) == pytest.approx(1)
    # The EKG's sine of 400 uV reaches one distance, so the bar of 200 uV is half as long.
    assert "200 µV" in texts
    assert np.ptp(ekg.get_ydata()) == pytest.approx(0.5, abs=0.01)


def test_a_long_page_has_a_longer_scale_bar(recording):
    axes = eeg_traces(recording, seconds=50, microvolts=65).axes[0]
    assert "5 s" in [text.get_text() for text in axes.texts]
    assert np.ptp(axes.lines[-1].get_xdata()) == pytest.approx(5)


def test_a_trace_distance_of_a_page_is_6_and_a_half_millimetres(recording):
    figure = eeg_traces(recording, start=20, seconds=10, microvolts=65)
    axes = figure.axes[0]
    heights = axes.transData.transform([(20, 0), (20, -1)])[:, 1]
    assert 25.4 * -np.diff(heights)[0] / figure.dpi == pytest.approx(6.5)
    assert "Sensitivity 10 µV/mm where the page is 279 mm wide" in _caption(figure)


def test_a_page_has_a_line_a_second(recording):
    axes = eeg_traces(recording, start=20, seconds=10).axes[0]
    assert [tick for tick in axes.get_xticks() if 20 <= tick <= 30] == list(range(20, 31))


def test_a_page_shows_what_its_band_holds_and_no_hum(recording):
    times = np.arange(recording.data.shape[1]) / 200
    sines = {1: 100, 30: 40, 60: 40, 90: 500}
    wave = sum(size * np.sin(2 * np.pi * hertz * times) for hertz, size in sines.items())
    data = np.zeros_like(recording.data)
    data[CHANNELS.index("F7")] = wave
    part = {"start": 20, "seconds": 10, "microvolts": 50}

    def amplitude(axes, hertz):
        (height,) = _traces(axes)[:1]
        tone = np.exp(-2j * np.pi * hertz * np.arange(2000) / 200)
        return 2 * abs(np.mean((height - height.mean()) * tone)) * 50

    plain = eeg_traces(Recording(data, CHANNELS), **part)
    notched = eeg_traces(Recording(data, CHANNELS), notch=60, **part)
    shown = [[amplitude(figure.axes[0], hertz) for hertz in sines] for figure in (plain, notched)]
    assert shown[0] == pytest.approx([100, 40, 40, 0], abs=4)
    assert shown[1] == pytest.approx([100, 40, 0, 0], abs=4)
    assert "no notch" in _caption(plain)
    assert "60-Hz notch" in _caption(notched)


def test_no_text_of_a_page_leaves_it(recording):
    figure = eeg_traces(recording, start=20, seconds=10, title="LPD (26 of n = 26 votes)")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    for text in [*axes.texts, *axes.get_yticklabels(), *figure.texts]:
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, text


@pytest.mark.filterwarnings("error")
def test_a_dead_ekg_looks_dead(recording):
    data = recording.data.copy()
    data[CHANNELS.index("EKG")] /= 100
    axes = eeg_traces(Recording(data, CHANNELS)).axes[0]
    # Of 400 uV, 4 are left, and a trace distance is 50 uV.
    assert np.abs(_traces(axes)[-1] - axes.get_yticks()[-1])[2000:8000].max() < 0.081
    data[CHANNELS.index("EKG")] = 0
    eeg_traces(Recording(data, CHANNELS))


def test_a_gap_leaves_no_ringing_at_its_edges(recording):
    data = 300 + 0 * recording.data
    data[:, :4000] = np.nan
    data[CHANNELS.index("F7"), 4000:] = 900
    axes = eeg_traces(Recording(data, CHANNELS), start=20, seconds=10, microvolts=50).axes[0]
    assert np.abs(_traces(axes)[0] - axes.get_yticks()[0]).max() < 0.01


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
