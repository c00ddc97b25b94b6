import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.text import Text

from hbac.eeg import CHAINS, CHANNELS, CLASS_NAMES, Recording
from hbac.eeg.chain_map import ChainMap
from hbac.plots.evidence import largest
from hbac.plots.window import ExplainedClass, window_explanation
from tests.plots.edges import cut_off

START = 12.0
HERTZ = {"eeg": (0.0, 20.0), "regional": (-2.25, 22.75)}
SECONDS = {"eeg": (12.0, 62.0), "regional": (-219.0, 293.0)}


def _source(source, values):
    rows, columns = values.shape[1:]
    hertz, seconds = (
        np.linspace(*HERTZ[source], rows + 1),
        np.linspace(*SECONDS[source], columns + 1),
    )
    return ChainMap(source, values, hertz, seconds)


@pytest.fixture
def pictures():
    """Noise of 16 rows and 32 columns a chain."""
    random = np.random.default_rng(0)
    return {source: _source(source, random.normal(size=(4, 16, 32))) for source in HERTZ}


@pytest.fixture
def maps():
    """Zero but for RL of the 50 s: 4 in one of 8 x 16 cells, -4 in another."""
    values = np.zeros((4, 8, 16))
    values[1, 3, 5], values[1, 3, 12] = 4, -4
    return {"eeg": _source("eeg", values), "regional": _source("regional", np.zeros((4, 8, 16)))}


@pytest.fixture
def draw(recording, pictures, maps):
    def draw_window(**changes):
        arguments = {
            "recording": recording,
            "pictures": pictures,
            "explained": [ExplainedClass("LRDA", "LRDA 0.50: right lateral chain", maps)],
            "start": START,
            "shaded": [("RL", 27.0, 31.0)],
            "class_names": CLASS_NAMES,
            "votes": np.array([1, 0, 0, 3, 0, 0]) / 4,
            "prediction": np.array([0.1, 0.1, 0.1, 0.5, 0.1, 0.1]),
            "title": "EEG 1",
            "caption": "Map: Grad-CAM.",
        }
        return window_explanation(**arguments | changes)

    return draw_window


def _panels(figure):
    """Axes of chains, shape (classes, sources, chains)."""
    panels = [axes for axes in figure.axes if axes.images and axes.get_ylim() == (0, 20)]
    return np.array(panels).reshape(-1, 2, len(CHAINS))


def _texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def _contours(axes):
    return [drawn for drawn in axes.collections if hasattr(drawn, "levels")]


def test_eeg_and_panels_count_seconds_of_the_file(draw):
    figure = draw()
    assert figure.axes[0].get_xlim() == (12, 62)
    eeg, regional = _panels(figure)[0]
    assert {axes.get_xlim() for axes in eeg} == {SECONDS["eeg"]}
    assert {axes.get_xlim() for axes in regional} == {SECONDS["regional"]}
    for source, column in zip(HERTZ, (eeg, regional), strict=True):
        for axes in column:
            for image in axes.images:
                assert image.get_extent() == [*SECONDS[source], *HERTZ[source]]
                assert image.origin == "lower"


def test_the_50_seconds_stand_below_the_eeg(draw):
    figure = draw()
    eeg, panel = figure.axes[0].get_position(), _panels(figure)[0, 0, 0].get_position()
    assert (eeg.x0, eeg.x1) == pytest.approx((panel.x0, panel.x1))


def test_shading_lies_behind_its_chain_and_seconds(draw):
    axes = draw().axes[0]
    (box,) = axes.patches
    assert (box.get_x(), box.get_width()) == (27, 4)
    names = [label.get_text() for label in axes.get_yticklabels()]
    inside = (box.get_y() < axes.get_yticks()) & (
        axes.get_yticks() < box.get_y() + box.get_height()
    )
    assert np.array(names)[inside].tolist() == ["Fp2-F8", "F8-T4", "T4-T6", "T6-O2"]
    assert box.get_zorder() < axes.lines[0].get_zorder()


def test_label_and_window_are_marked(draw):
    figure = draw()
    eeg, regional = _panels(figure)[0]
    assert [line.get_xdata()[0] for line in eeg[0].lines] == [32, 42]
    assert [line.get_xdata()[0] for line in regional[0].lines] == [12, 62]
    marks = [line for line in figure.axes[0].lines if line.get_linewidth() == 4]
    assert [list(line.get_xdata()) for line in marks] == [[32, 42]]


def test_each_panel_shows_its_part_of_picture_and_map(draw, pictures, maps):
    for source, column in zip(HERTZ, _panels(draw())[0], strict=True):
        for chain, axes in enumerate(column):
            picture, evidence = (np.asarray(image.get_array()) for image in axes.images)
            np.testing.assert_array_equal(picture, pictures[source].values[chain])
            np.testing.assert_array_equal(evidence, maps[source].values[chain] / 4)


def test_contours_stand_at_shares_of_the_largest_value_over_all_sources(draw, maps):
    eeg, regional = _panels(draw())[0]
    (lines,) = _contours(eeg[1])
    assert list(lines.levels) == [-0.5, 0.5, 0.8]
    assert [style for _, style in lines.get_linestyle()][1:] == [None, None]
    assert lines.get_linestyle()[0][1] is not None
    assert not any(_contours(axes) for axes in [*eeg[[0, 2, 3]], *regional])
    louder = maps | {"regional": _source("regional", np.full((4, 8, 16), 0.0))}
    louder["regional"].values[0, 4, 4] = 16
    explained = [ExplainedClass("LRDA", "", louder)]
    eeg, regional = _panels(draw(explained=explained))[0]
    assert not _contours(eeg[1])
    assert list(_contours(regional[0])[0].levels) == [0.5, 0.8]


def test_contour_of_a_gradient_lies_where_it_crosses_the_level(draw, maps):
    rising = _source("eeg", np.tile(np.arange(1.0, 17), (4, 8, 1)))
    axes = _panels(draw(explained=[ExplainedClass("LPD", "", maps | {"eeg": rising})]))[0, 0, 0]
    # Cells are 50 / 16 s wide; 8 = 0.5 * 16 is the value in the middle of the eighth.
    path = _contours(axes)[0].get_paths()[0].vertices
    np.testing.assert_allclose(path[:, 0], 12 + 7.5 * 50 / 16)
    assert (path[:, 1].min(), path[:, 1].max()) == (0, 20)


def test_largest_value_leaves_margins_out_and_falls_back(maps):
    regional = _source("regional", np.zeros((4, 25, 16)))
    regional.values[0, 0, 0], regional.values[0, 5, 0] = 9, 2
    assert largest([regional]) == 2
    assert largest([_source("eeg", np.full((4, 8, 16), -3.0))]) == 3
    assert largest([_source("eeg", np.zeros((4, 8, 16)))]) == 1


def test_votes_stand_beside_the_prediction(draw):
    bars = draw().axes[1]
    assert [label.get_text() for label in bars.get_yticklabels()] == list(CLASS_NAMES)
    votes, prediction = ([bar.get_width() for bar in group] for group in bars.containers)
    assert votes == [0.25, 0, 0, 0.75, 0, 0]
    assert prediction == [0.1, 0.1, 0.1, 0.5, 0.1, 0.1]


def test_title_sentences_and_caption_are_whole(draw, maps):
    long = "LRDA 0.50: " + "right parasagittal chain, " * 4 + "18-31 s, and so on"
    explained = [ExplainedClass("LRDA", long, maps), ExplainedClass("LPD", "LPD 0.10: x", maps)]
    figure = draw(explained=explained)
    texts = [text.replace("\n", " ") for text in _texts(figure)]
    assert f"{long} LPD 0.10: x" in texts
    assert "EEG 1" in texts
    assert any(text.startswith("Map: Grad-CAM.") for text in texts)
    assert "Evidence for LRDA (prediction 0.50, votes 0.75)" in texts
    assert _panels(figure).shape == (2, 2, 4)


def test_no_text_leaves_the_page_and_axes_do_not_overlap(draw, maps):
    sentence = (
        "Seizure 0.71: right lateral and both parasagittal chains, 10.5-20 Hz, 218-126 s " * 2
    )
    explained = [ExplainedClass(name, sentence[:140], maps) for name in ("LRDA", "LPD")]
    figure = draw(explained=explained)
    assert cut_off(figure) == []
    boxes = [axes.get_tightbbox() for axes in (*figure.axes[:2], *_panels(figure)[:, :, 0].flat)]
    overlaps = [a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k]]
    assert not any(overlaps)


@pytest.mark.filterwarnings("error")
def test_zero_maps_empty_pictures_and_unknown_votes_can_be_saved(draw, maps, recording):
    zeros = {source: replace(found, values=0 * found.values) for source, found in maps.items()}
    data = recording.data.copy()
    data[CHANNELS.index("F7")] = np.nan
    figure = draw(
        recording=Recording(data, CHANNELS), pictures=zeros, shaded=[], votes=np.full(6, np.nan),
        explained=[ExplainedClass("LRDA", "no evidence", zeros)],
    )  # fmt: skip
    assert all(axes.texts[0].get_text() == "no data" for axes in _panels(figure).flat)
    texts = _texts(figure)
    assert "Evidence for LRDA (prediction 0.50)" in texts
    assert "experts' votes (unknown)" in texts
    assert not any(text.startswith("chain and seconds") for text in texts)
    figure.savefig(io.BytesIO())


def test_only_a_chain_without_data_says_so(draw, pictures):
    pictures["eeg"].values[2] = 0.3
    said = [
        [text.get_text() for text in axes.texts if text.get_text() == "no data"]
        for axes in _panels(draw())[0].flat
    ]
    assert said == [[], [], ["no data"], [], [], [], [], []]


def test_one_source_is_enough(draw, pictures, maps):
    explained = [ExplainedClass("LRDA", "", {"eeg": maps["eeg"]})]
    figure = draw(pictures={"eeg": pictures["eeg"]}, explained=explained)
    assert len([axes for axes in figure.axes if axes.get_ylim() == (0, 20)]) == 4


def test_what_does_not_fit_is_refused(draw, pictures, maps):
    flat = {**pictures, "eeg": replace(pictures["eeg"], values=np.zeros((3, 16, 32)))}
    with pytest.raises(
        ValueError, match=r"pictures, eeg: .* \(4, 16, 32\), received \(3, 16, 32\)"
    ):
        draw(pictures=flat)
    short = maps | {"regional": replace(maps["regional"], values=np.zeros((4, 8, 15)))}
    with pytest.raises(ValueError, match=r"maps of LPD, regional: .* received \(4, 8, 15\)"):
        draw(explained=[ExplainedClass("LPD", "", short)])
    with pytest.raises(ValueError, match=r"maps of LPD must have .* received \['eeg'\]"):
        draw(explained=[ExplainedClass("LPD", "", {"eeg": maps["eeg"]})])
    with pytest.raises(ValueError, match=r"explained must be of .* received 'lpd'"):
        draw(explained=[ExplainedClass("lpd", "", maps)])
    with pytest.raises(ValueError, match="explained must hold a class"):
        draw(explained=[])
    with pytest.raises(ValueError, match=r"votes must have shape \(6,\), received \(5,\)"):
        draw(votes=np.zeros(5))
    with pytest.raises(ValueError, match=r"shaded chains must be of .* received 'XX'"):
        draw(shaded=[("XX", 20, 30)])
