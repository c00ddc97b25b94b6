import numpy as np
import pytest
from matplotlib.text import Text

from hbac.eeg import CLASS_NAMES
from hbac.eeg.chain_map import ChainMap
from hbac.eeg.montage import CHAIN_ELECTRODES
from hbac.plots.overview import Example
from hbac.plots.traces import waveform_explanation, waveform_overview
from hbac.plots.window import ExplainedClass
from tests.plots.edges import cut_off

START = 12.0


def found(seconds=(20.0, 30.0), columns=40):
    """Zero but for the third channel of RL: 4 in one cell, -4 in another."""
    values = np.zeros((4, 4, columns))
    values[1, 2, 5], values[1, 2, 12] = 4, -4
    return ChainMap("waveform", values, None, START + np.linspace(*seconds, columns + 1))


@pytest.fixture
def draw(recording):
    def draw_window(maps, **changes):
        arguments = {
            "explained": [ExplainedClass("LRDA", "LRDA 0.50: right lateral", {"waveform": maps})],
            "start": START,
            "class_names": CLASS_NAMES,
            "votes": np.array([1, 0, 0, 3, 0, 0]) / 4,
            "prediction": np.array([0.1, 0.1, 0.1, 0.5, 0.1, 0.1]),
            "title": "EEG 1",
            "caption": "Map: Fusion.",
        }
        return waveform_explanation(recording.pick(CHAIN_ELECTRODES), **arguments | changes)

    return draw_window


def strips(axes):
    """The evidence behind each trace, from top to bottom, and where it lies."""
    drawn = sorted(axes.images, key=lambda image: -image.get_extent()[2])
    return [np.asarray(image.get_array())[0] for image in drawn], [
        image.get_extent() for image in drawn
    ]


def test_a_strip_of_evidence_lies_behind_each_channel(draw):
    axes = draw(found()).axes[0]
    values, extents = strips(axes)
    assert len(values) == 16
    names = [label.get_text() for label in axes.get_yticklabels()]
    strong = next(row for row, strip in enumerate(values) if strip.any())
    assert names[strong] == "T4-T6"
    assert (values[strong][5], values[strong][12]) == (1, -1)
    assert sum(strip.any() for strip in values) == 1
    for extent, height in zip(extents, axes.get_yticks(), strict=True):
        assert extent == pytest.approx([START + 20, START + 30, height - 0.5, height + 0.5])
    assert all(image.get_zorder() < axes.lines[0].get_zorder() for image in axes.images)


def test_what_the_network_saw_is_shown_and_no_more(draw):
    middle, whole = draw(found()).axes[0], draw(found((0, 50), 200)).axes[0]
    assert middle.get_xlim() == (START + 20, START + 30)
    assert whole.get_xlim() == (START, START + 50)


def test_the_seconds_of_the_label_are_marked_where_more_is_shown(draw):
    middle, whole = draw(found()).axes[0], draw(found((0, 50), 200)).axes[0]
    marks = [line for line in whole.lines if line.get_linewidth() == 4]
    assert [list(line.get_xdata()) for line in marks] == [[START + 20, START + 30]]
    assert not [line for line in middle.lines if line.get_linewidth() == 4]


def test_each_class_has_its_traces_and_votes_stand_beside_the_first(draw):
    told = [ExplainedClass(name, f"{name}: here", {"waveform": found()}) for name in ("LPD", "GPD")]
    figure = draw(found(), explained=told)
    said = [text.get_text() for text in figure.findobj(Text)]
    assert "Evidence for LPD (prediction 0.10, votes 0.00)" in said
    assert "Evidence for GPD (prediction 0.10, votes 0.00)" in said
    assert "LPD: here\nGPD: here" in said
    first, second, votes, key = figure.axes
    assert first.get_position().y0 > second.get_position().y1
    assert len(votes.patches) == 12
    assert key.get_xlim() == (-1, 1)


def test_maps_of_pictures_are_refused(draw):
    told = ExplainedClass("LPD", "LPD: here", {"eeg": found()})
    with pytest.raises(ValueError, match=r"must have the sources \['waveform'\], received"):
        draw(found(), explained=[told])


def test_nothing_is_cut_off(draw):
    assert cut_off(draw(found((0, 50), 200))) == []


def example(title, start=0.0, headings=("predicted: LPD",)):
    seconds = start + np.linspace(20, 30, 401)
    waveform = ChainMap(
        "waveform", np.random.default_rng(0).normal(size=(4, 4, 400)), None, seconds
    )
    maps = ChainMap("waveform", found().values, None, start + np.linspace(20, 30, 41))
    return Example(
        title, {"waveform": waveform}, {heading: {"waveform": maps} for heading in headings}
    )


def test_a_row_a_window_and_a_column_a_map():
    headings = ("predicted: LPD", "experts: GPD")
    rows = [example("a", headings=headings), example("b", start=100, headings=headings)]
    figure = waveform_overview(rows, title="Two windows", caption="Map: Fusion.")
    *grid, _ = figure.axes
    assert [axes.get_title(loc="left") for axes in grid] == [*headings, *headings]
    assert [axes.get_xlim() for axes in grid] == [(20, 30)] * 2 + [(120, 130)] * 2
    assert [label.get_text() for label in grid[0].get_yticklabels()] == ["LL", "RL", "LP", "RP"]
    assert len(grid[0].lines) == len(grid[0].images) == 16
    values, _ = strips(grid[0])
    assert [row for row, strip in enumerate(values) if strip.any()] == [6]


def test_an_overview_needs_windows_of_waveforms():
    with pytest.raises(ValueError, match="one at least, received none"):
        waveform_overview([], title="", caption="")
