import numpy as np
import pytest
from matplotlib.text import Text

from hbac.eeg import Recording
from hbac.eeg.chain_map import ChainMap
from hbac.eeg.montage import BIPOLAR_NAMES
from hbac.plots.event import clock_words, event_page
from tests.plots.courses import START
from tests.plots.edges import cut_off

OFFSET = 7200.0


@pytest.fixture
def maps():
    """Evidence in the second channel of LP alone, over the middle 10 s of the window."""
    values = np.zeros((4, 4, 40))
    values[2, 1, 8:12] = 3.0
    return {"waveform": ChainMap("waveform", values, None, OFFSET + np.linspace(20, 30, 41))}


@pytest.fixture
def draw(recording):
    def draw_event(maps, **changes):
        arguments = {
            "shaded": [("RP", OFFSET + 21, OFFSET + 24)],
            "offset": OFFSET,
            "shown": (OFFSET + 17, OFFSET + 32),
            "step": (OFFSET + 20, OFFSET + 30),
            "start": START,
            "title": "LPD 0.91 at 23:14:30",
            "caption": "Map: Fusion.",
        }
        eeg = changes.pop("recording", recording)
        return event_page(eeg, maps, **arguments | changes)

    return draw_event


def said(figure):
    return " ".join(t.get_text().replace("\n", " ") for t in figure.findobj(Text) if t.get_text())


def test_evidence_of_a_waveform_lies_behind_its_channel(draw, maps):
    axes = draw(maps).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    strips = {image.get_extent()[2] + 0.5: image for image in axes.images}
    assert len(strips) == 16
    strong = [base for base, image in strips.items() if np.asarray(image.get_array()).any()]
    assert len(strong) == 1
    assert names[list(axes.get_yticks()).index(strong[0])] == "F3-C3"
    assert strips[strong[0]].get_extent()[:2] == [OFFSET + 20, OFFSET + 30]
    assert np.asarray(strips[strong[0]].get_array()).max() == 1
    assert not [patch for patch in axes.patches if patch.get_zorder() == 0]


def test_evidence_of_pictures_is_shaded_by_chain(draw):
    figure = draw({})
    axes = figure.axes[0]
    (box,) = [patch for patch in axes.patches if patch.get_zorder() == 0]
    assert (box.get_x(), box.get_width()) == (OFFSET + 21, 3)
    assert not len(axes.images)
    assert "Shaded: seconds of a chain" in said(figure)


def test_where_nothing_is_shaded_the_page_says_so(draw):
    assert "Nothing is shaded" in said(draw({}, shaded=[]))
    assert "Nothing is shaded" in said(draw({}, shaded=[("LL", OFFSET, OFFSET + 5)]))


def test_the_page_is_in_clock_time_and_says_which_seconds(draw, maps):
    figure = draw(maps)
    axes = figure.axes[0]
    assert axes.get_xlim() == (OFFSET + 17, OFFSET + 32)
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[1] == "23:14:23"
    assert "time of day; second 7,217 to 7,232 of the recording" in said(figure)
    without = draw(maps, start=None)
    assert [label.get_text() for label in without.axes[0].get_xticklabels()][1] == "2:00:18"
    assert "time from the start; second" in said(without)


def test_a_moment_is_named_by_the_clock_or_from_the_start():
    assert clock_words(START, 55.0) == "21:15:00"
    assert clock_words(None, 3725.9) == "1:02:05"


def test_a_bipolar_recording_is_drawn_with_what_it_lacks(draw, maps):
    data = np.random.default_rng(0).normal(0, 30, (17, 50 * 200)).astype(np.float32)
    data[16] = np.nan
    figure = draw(maps, recording=Recording(data, (*BIPOLAR_NAMES, "EKG")))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [*BIPOLAR_NAMES, "EKG (missing)"]


@pytest.mark.parametrize("start", [START, None])
def test_nothing_is_cut_off(draw, maps, start):
    figure = draw(maps, start=start, caption="Map: Fusion. " + "It fails a test of maps. " * 20)
    assert cut_off(figure) == []
    caption = max(figure.findobj(Text), key=lambda text: len(text.get_text()))
    axis = figure.axes[0].xaxis.label
    assert caption.get_window_extent().y1 < axis.get_window_extent().y0
