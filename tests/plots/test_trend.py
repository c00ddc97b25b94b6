from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.text import Text

from hbac.plots.stretch import DAY, days_of, stretches_of
from hbac.plots.style import CLASS_COLOURS
from hbac.plots.trend import WIDTH, kind_of, time_ticks, trend
from tests.plots.courses import START, course
from tests.plots.edges import cut_off

OPEN = "electrodes have nothing in common with their neighbours, as open ones"


def draw(*courses):
    return trend([s for one in courses for s in stretches_of(one)], title="A night")


def panel(figure, number=0):
    """Axes of a panel: four chains, probabilities, events and quality."""
    axes = figure.axes[8 * number : 8 * number + 8]
    return axes[:4], axes[4], axes[5], axes[6]


def said(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def test_power_lies_in_real_time_on_one_scale():
    chains, *_ = panel(draw(course(600)))
    images = [axes.images[0] for axes in chains]
    assert {tuple(image.get_extent()[:2]) for image in images} == {(0, 600)}
    assert len({image.get_clim() for image in images}) == 1
    shown = np.asarray(images[0].get_array())
    assert shown.shape == (100, 300)
    assert np.allclose(shown[:, :150], 0)
    assert np.allclose(shown[:, 150:], 10)
    assert np.allclose(np.asarray(images[1].get_array()), 0)


def test_a_day_is_shown_in_a_thousand_columns():
    chains, probabilities, _, _ = panel(draw(course(DAY)))
    image = chains[0].images[0]
    shown = np.asarray(image.get_array())
    assert 900 <= shown.shape[1] <= 1000
    assert image.get_extent()[1] == pytest.approx(DAY, rel=0.002)
    assert shown[0, 0] == 0
    assert shown[0, -1] == pytest.approx(10)
    assert len(probabilities.collections[0].get_paths()[0].vertices) < 5000


def test_missing_power_is_told_from_power_of_nothing():
    gap = course(600)
    gap.power[100:150] = np.nan
    shown = panel(draw(gap))[0][0].images[0].get_array()
    assert shown.mask[:, 100:150].all()
    assert shown.mask.sum() == 50 * 100


def test_probabilities_are_stacked_and_end_where_there_are_none():
    _, axes, _, _ = panel(draw(course(600, unread=[(100, 200, "gap in the file")])))
    lpd = axes.collections[1]
    assert lpd.get_facecolor()[0] == pytest.approx(to_rgba(CLASS_COLOURS["LPD"]))
    spans = [(path.vertices[:, 0].min(), path.vertices[:, 0].max()) for path in lpd.get_paths()]
    assert spans == [(0, 100), (200, 600)]
    heights = np.concatenate([path.vertices[:, 1] for path in lpd.get_paths()])
    assert (heights.min(), heights.max()) == pytest.approx((0.08, 0.68))


def test_events_lie_in_the_lane_of_their_class():
    happened = [(100, 60, "Seizure"), (300, 1, "GRDA")]
    _, _, axes, _ = panel(draw(course(6000, happened=happened)))
    seizure, *_, grda = [one for one in axes.collections if len(one.get_facecolor())][:5]
    (bar,) = seizure.get_paths()
    assert bar.get_extents().bounds[0::2] == pytest.approx((100, 60))
    assert bar.get_extents().y0 < 0 < bar.get_extents().y1
    (short,) = grda.get_paths()
    assert short.get_extents().width == pytest.approx(0.0016 * 6000)
    assert short.get_extents().y0 < 4 < short.get_extents().y1


def test_each_reason_has_a_hatch_of_its_own_in_the_legend():
    unread = [(0, 100, "gap in the file"), (200, 260, "9 of 16 channels cannot be read"),
              (300, 310, "11 of 16 channels cannot be read")]  # fmt: skip
    figure = draw(course(600, unread=unread))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["gap in the file", "channels cannot be read", "power unknown"]
    hatches = {one.get_hatch() for one in panel(figure)[3].collections if one.get_hatch()}
    assert len(hatches) == 2


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("9 of 16 channels cannot be read (2 missing, 7 flat)", "channels cannot be read"),
        ("suppressed: 90 % of its seconds", "suppressed"),
        ("all channels carry one signal, as in a calibration", "all channels carry one signal"),
        ("gap in the file", "gap in the file"),
        ("", ""),
    ],
)
def test_a_kind_of_reason_has_no_numbers(reason, kind):
    assert kind_of(reason) == kind


@pytest.mark.parametrize(
    ("seconds", "start", "first", "last", "n"),
    [
        (180, START, "21:14:15", "21:17:00", 12),
        (3600, START, "21:15", "22:10", 12),
        (6 * 3600, START, "21:30", "03:00", 12),
        (DAY, None, "0:00", "24:00", 13),
        (180, None, "0:00:00", "0:03:00", 13),
    ],
)
def test_ticks_stand_at_round_times(seconds, start, first, last, n):
    (stretch,) = stretches_of(course(seconds, start=start))
    places, names = time_ticks(stretch)
    assert (names[0], names[-1], len(names)) == (first, last, n)
    assert stretch.first <= places[0] < places[-1] <= stretch.last


def test_each_day_of_a_long_recording_has_a_panel_and_all_share_the_scale():
    figure = draw(course(30 * 3600))
    words = said(figure)
    for day in ("Saturday, 09 March 2030", "Sunday, 10 March 2030", "Monday, 11 March 2030"):
        assert words.count(day) == 1
    limits = {axes.images[0].get_clim() for k in range(3) for axes in panel(figure, k)[0]}
    assert len(limits) == 1


def test_recordings_of_a_day_are_named_where_they_begin():
    early, late = (
        course(3600, name=name, start=START.replace(hour=hour))
        for name, hour in [("early", 2), ("late", 15)]
    )
    ((_, stretches),) = days_of([late, early]).items()
    words = said(trend(stretches, title="A day"))
    assert words.count("early") == words.count("late") == 1


def test_recordings_that_begin_close_together_are_named_all_the_same():
    two = [course(60, name=name, start=START.replace(minute=at)) for name, at in
           [("the_first", 0), ("the_second", 5)]]  # fmt: skip
    ((_, stretches),) = days_of(two).items()
    figure = trend(stretches, title="A day")
    FigureCanvasAgg(figure).draw()
    first, second = (
        next(text for text in figure.findobj(Text) if text.get_text() == name).get_window_extent()
        for name in ("the_first", "the_second")
    )
    assert first.x1 < second.x0


@pytest.mark.parametrize("seconds", [20, DAY, 30 * 3600])
@pytest.mark.parametrize("start", [START, None])
def test_nothing_is_cut_off(seconds, start):
    unread = [(0, seconds / 4, "gap in the file"), (seconds / 2, seconds, OPEN)]
    figure = draw(course(seconds, start=start, unread=unread, happened=[(0, 10, "LPD")]))
    assert figure.get_figwidth() == WIDTH
    assert cut_off(figure) == []


def test_a_recording_that_cannot_be_read_at_all_is_drawn_as_such():
    lost = course(600, unread=[(0, 600, "16 of 16 channels cannot be read")])
    lost.power[:] = np.nan
    figure = draw(lost)
    assert "n = 60 steps, 0 with a prediction." in " ".join(said(figure)).replace("\n", " ")
    assert panel(figure)[0][0].images[0].get_array().mask.all()


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="a stretch at least, received none"):
        trend([], title="")
    bad = replace(course(600), power=np.ones((300, 100), np.float32))
    with pytest.raises(ValueError, match=r"power of night must have shape \(rows, 400\)"):
        draw(bad)
