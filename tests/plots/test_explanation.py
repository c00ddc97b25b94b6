import io

import numpy as np
import pytest

from hbac.eeg import CHAINS, CLASS_NAMES
from hbac.eeg.panel import Panel
from hbac.plots.explanation import activation_maps, overview

REGIONAL = {"seconds": (44.0, 556.0), "hertz": (-2.25, 22.75)}
EEG = {"seconds": (0.0, 50.0), "hertz": (0.0, 20.0)}
PANELS = tuple(
    Panel(
        source, chain, slice(16 * row, 16 * row + 16), slice(32 * column, 32 * column + 32), **edges
    )
    for column, (source, edges) in enumerate([("regional", REGIONAL), ("eeg", EEG)])
    for row, chain in enumerate(CHAINS)
)
IMAGE = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float16)


def _draw(maps, panels=PANELS, image=IMAGE, recording=None, votes=(1, 0, 0, 0, 0, 0)):
    return activation_maps(
        image, maps, panels, recording, class_names=CLASS_NAMES, votes=np.array(votes, float),
        prediction=np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.1]), title="Window",
    )  # fmt: skip


def _grids(figure):
    """Panels of each source, a row a class and a column a chain."""
    bottom = figure.subfigs[1]
    return [
        np.array([axes for axes in part.axes if axes.images]).reshape(len(CLASS_NAMES), len(CHAINS))
        for part in bottom.subfigs
    ]


@pytest.fixture(scope="module")
def maps():
    """Class k is active in the row-0, column-0 pixel of panel k alone, with height k + 1."""
    maps = np.zeros((6, 64, 64))
    for place, panel in enumerate(PANELS[:6]):
        maps[place, panel.rows.start, panel.columns.start] = place + 1
    return maps


@pytest.fixture(scope="module")
def figure(maps):
    return _draw(maps)


def test_axes_are_in_seconds_and_hertz_up_to_20(figure):
    for grid, edges in zip(_grids(figure), [REGIONAL, EEG], strict=True):
        for axes in grid.flat:
            assert axes.get_xlim() == edges["seconds"]
            assert axes.get_ylim() == (0, 20)
            for image in axes.images:
                assert image.get_extent() == [*edges["seconds"], *edges["hertz"]]
                assert image.origin == "lower"


def test_chains_stand_over_columns_and_classes_beside_rows(figure):
    regional, eeg = _grids(figure)
    assert [axes.get_title() for axes in regional[0]] == list(CHAINS)
    assert [axes.get_title() for axes in eeg[0]] == list(CHAINS)
    names = [axes.get_ylabel() for axes in regional[:, 0]]
    assert names[0] == "Seizure\np = 0.50"
    assert [name.split("\n")[0] for name in names] == list(CLASS_NAMES)


def test_each_map_lies_on_its_panel_scaled_to_its_own_maximum(figure):
    grids = np.concatenate(_grids(figure), axis=1)
    for row, column in np.ndindex(grids.shape):
        activation = np.asarray(grids[row, column].images[1].get_array())
        assert activation.max() == (1 if row == column else 0)
        assert activation[0, 0] == activation.max()


def test_each_panel_shows_its_part_of_the_picture(figure):
    grids = np.concatenate(_grids(figure), axis=1)
    for panel, axes in zip(PANELS, grids[0], strict=True):
        shown = np.asarray(axes.images[0].get_array())
        np.testing.assert_array_equal(shown, IMAGE[panel.rows, panel.columns])


@pytest.mark.filterwarnings("error")
def test_zero_maps_empty_pictures_and_unknown_votes_can_be_saved(recording):
    figure = _draw(np.zeros((6, 64, 64)), image=np.zeros((64, 64)), recording=recording,
                   votes=[np.nan] * 6)  # fmt: skip
    assert _grids(figure)[0][0, 0].texts[0].get_text() == "no data"
    figure.savefig(io.BytesIO())


def test_eeg_is_drawn_in_seconds_of_its_window(maps, recording):
    eeg, bars = _draw(maps, recording=recording).subfigs[0].axes
    assert eeg.get_xlim() == (0, 50)
    assert [label.get_text() for label in bars.get_yticklabels()] == list(CLASS_NAMES)
    assert [bar.get_width() for bar in bars.containers[0]] == [1, 0, 0, 0, 0, 0]
    assert bars.containers[1][0].get_width() == 0.5


def test_one_source_alone_fills_the_grid(maps):
    eeg = tuple(panel for panel in PANELS if panel.source == "eeg")
    assert len(_grids(_draw(maps, panels=eeg))) == 1


def test_maps_of_another_shape_are_refused(maps):
    with pytest.raises(ValueError, match=r"maps must have shape \(6, 64, 64\)"):
        _draw(maps[:5])


def test_overview_stacks_chains_without_margins():
    images = np.stack([IMAGE.astype(float)] * 3)
    figure = overview(images, np.zeros((3, 64, 64)), PANELS, ["a", "b", "c"])
    assert figure.get_suptitle() == "Activation maps, n = 3"
    grid = np.array(figure.axes).reshape(3, 4)
    assert [axes.get_title(loc="left") for axes in grid[:, 0]] == ["a", "b", "c"]
    assert [len(axes.images) for axes in grid[0]] == [1, 2, 1, 2]
    ticks = [label.get_text() for label in grid[0, 0].get_yticklabels()]
    assert ticks == ["LL", "RL", "LP", "RP"]
    assert grid[0, 0].get_xlim() == (44, 556)
    assert grid[0, 2].get_xlim() == (0, 50)
    # Rows of 25 / 16 Hz: 13 of a chain's 16 have their centre between 0 and 20 Hz.
    regional = np.asarray(grid[0, 0].images[0].get_array())
    assert regional.shape == (4 * 13, 32)
    # The EEG's lowest row of LL lies at the bottom of the uppermost stretch.
    eeg = np.asarray(grid[0, 2].images[0].get_array())
    np.testing.assert_array_equal(eeg[15], images[0, 0, 32:].astype(np.float32))


def test_overview_refuses_fewer_titles_than_pictures():
    with pytest.raises(ValueError, match="titles"):
        overview(IMAGE[None], IMAGE[None], PANELS, [])
