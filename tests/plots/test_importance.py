import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from hbac.eeg import CHAINS, CLASS_NAMES
from hbac.eeg.chain_map import ChainMap
from hbac.plots.importance import importance, mean_maps

WORDS = {"sample": "n = 12 windows of 3 patients", "caption": "Maps of some kind."}
EDGES = {"eeg": ((0, 20), (0, 50)), "regional": ((-2.25, 22.75), (-231, 281))}


def _labels(ticks):
    return [label.get_text() for label in ticks]


def _map(source, value=0.0):
    """Sixteen rows and eight columns, all of one value."""
    hertz, seconds = EDGES[source]
    values = np.full((4, 16, 8), value)
    return ChainMap(source, values, np.linspace(*hertz, 17), np.linspace(*seconds, 9))


def _groups(values):
    """Maps of both sources for each group that has a value; 7 windows each."""
    means = {group: {source: _map(source, value) for source in ("regional", "eeg")}
             for group, value in values.items() if value is not None}  # fmt: skip
    return means, {group: 0 if value is None else 7 for group, value in values.items()}


def _grid(figure, rows):
    return np.array(figure.axes[:-1]).reshape(rows, -1)


def _shown(axes):
    return np.asarray(axes.images[0].get_array())


def test_maps_are_scaled_by_class_over_outcomes():
    values = {("LPD", "right"): 2.0, ("LPD", "wrong"): 8.0, ("GPD", "right"): 0.1}
    means, counts = _groups(values | {("GPD", "wrong"): None})
    grid = _grid(mean_maps(means, counts, **WORDS), 2)
    assert [np.unique(_shown(axes)).tolist() for axes in grid[0]] == [[0.25]] * 2 + [[1.0]] * 2
    assert np.unique(_shown(grid[1, 0])).tolist() == [1.0]
    assert not grid[1, 2].images
    assert grid[1, 2].texts[0].get_text() == "no window"
    titles = [axes.get_title(loc="left") for axes in grid[:, ::2].flat]
    assert titles[:2] == ["LPD, right: n = 7", "LPD, wrong: n = 7"]
    assert titles[3] == "GPD, wrong: n = 0"


def test_axes_are_in_seconds_of_the_window_and_in_hertz():
    grid = _grid(mean_maps(*_groups({("LPD", "right"): 1.0, ("LPD", "wrong"): None}), **WORDS), 1)
    assert [axes.get_xlim() for axes in grid[0]] == [(0, 50), (-231, 281)] * 2
    assert {axes.get_ylim() for axes in grid[0]} == {(0, 80)}
    ticks = dict(zip(grid[0, 0].get_yticks(), _labels(grid[0, 0].get_yticklabels()), strict=True))
    assert [ticks[base] for base in (60, 40, 20, 0)] == ["0"] * 4
    assert [ticks[middle].split() for middle in (70, 50, 30, 10)] == [[c, "10"] for c in CHAINS]
    assert grid[0, 1].get_xlabel() == "10-min spectrogram, time (s)"
    dotted = [line.get_xdata()[0] for line in grid[0, 0].lines if line.get_linestyle() == ":"]
    assert dotted == [20, 30]


@pytest.mark.parametrize("source", ["eeg", "regional"])
def test_a_cell_is_drawn_where_it_lies(source):
    found = _map(source)
    # RP, the row around 10 Hz, the third column.
    found.values[3, 8, 2] = 5.0
    figure = mean_maps({("LPD", "right"): {source: found}}, {("LPD", "right"): 1}, **WORDS)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[::-1, :, :3].astype(float)
    axes = figure.axes[0]
    row, second = found.hertz[8:10].mean(), found.seconds[2:4].mean()
    places = [(second, base + row) for base in (60, 40, 20, 0)] + [(second, row - 4)]
    columns, rows = axes.transData.transform(places).astype(int).T
    darkness = 255 - pixels[rows, columns].mean(axis=1)
    assert darkness[3] > 150
    assert darkness[[0, 1, 2, 4]].max() < 60


def test_margins_beyond_the_eeg_neither_show_nor_scale():
    found = _map("regional", 1.0)
    found.values[:, 0] = found.values[:, -1] = 100.0
    figure = mean_maps({("LPD", "right"): {"regional": found}}, {("LPD", "right"): 1}, **WORDS)
    assert np.unique(_shown(figure.axes[0])).tolist() == [1.0]


@pytest.mark.filterwarnings("error")
def test_classes_without_windows_and_maps_of_zero_can_be_saved():
    values = {(name, outcome): 0.0 if outcome == "right" else None
              for name in CLASS_NAMES for outcome in ("right", "wrong")}  # fmt: skip
    figure = mean_maps(*_groups(values), **WORDS)
    assert figure.get_suptitle() == f"Mean evidence by predicted class, {WORDS['sample']}"
    assert figure.get_supxlabel().startswith(WORDS["caption"])
    assert "the class's maximum" in " ".join(figure.get_supxlabel().split())
    figure.savefig(io.BytesIO())


def test_groups_that_do_not_fit_are_refused():
    means, counts = _groups({("LPD", "right"): 1.0, ("LPD", "wrong"): 1.0})
    with pytest.raises(ValueError, match="means must hold the groups with windows"):
        mean_maps(means, counts | {("LPD", "wrong"): 0}, **WORDS)
    with pytest.raises(ValueError, match="received \\[\\]"):
        mean_maps({}, {}, **WORDS)
    means[("LPD", "wrong")].pop("eeg")
    with pytest.raises(ValueError, match="same sources"):
        mean_maps(means, counts, **WORDS)
    with pytest.raises(ValueError, match="received \\['odd'\\]"):
        mean_maps({("LPD", "odd"): means["LPD", "right"]}, {("LPD", "odd"): 7}, **WORDS)


def _summary(classes=("Seizure", "LPD"), sources=("regional", "eeg")):
    """Shares that tell class, dimension and level apart; intervals of 0.02 around them."""
    bands = ["delta", "theta", "alpha", "beta", "outside"]
    times = {"eeg": np.arange(0.5, 50), "regional": np.arange(-229.0, 280, 4)}
    rows = [
        (name, source, dimension, level, share + place / 10, chance, 9 + place)
        for place, name in enumerate(classes)
        for source in sources
        for dimension, levels, chance in [
            ("chain", list(CHAINS)[::-1], 0.25),
            ("band", bands if source == "regional" else bands[:4], 0.2),
            ("second", times[source], 0.02),
        ]
        for share, level in zip(0.01 * np.arange(len(levels)), levels, strict=True)
    ]
    columns = ["class", "source", "dimension", "level", "share", "chance", "n"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(low=table["share"] - 0.01, high=table["share"] + 0.01)


def _parts(figure):
    """Axes of shares and of times, a source after the other."""
    return [part.axes for part in figure.subfigs[1:]]


def test_shares_stand_over_their_chain_and_band():
    shares, _, regional, _ = _parts(importance(_summary(), **WORDS))
    chains, bands = shares
    assert [label.split("\n")[0] for label in _labels(chains.get_xticklabels())] == list(CHAINS)
    # The table's chains run backwards: RP has the share 0, LL 0.03; LPD has 0.1 more.
    shown = [line.get_ydata().tolist() for line in chains.lines]
    np.testing.assert_allclose(shown, [[0.03, 0.02, 0.01, 0], [0.13, 0.12, 0.11, 0.1]])
    assert len(bands.get_xticks()) == 4
    assert _labels(regional[1].get_xticklabels())[-1] == "outside\n(no EEG)"
    assert chains.get_title(loc="left") == "50-s EEG spectrogram, by chain"
    assert chains.get_ylim()[0] == 0


def test_intervals_and_chance_are_drawn_about_a_share():
    chains = _parts(importance(_summary(), **WORDS))[0][0]
    chance, interval = chains.collections[:2]
    places = [segment[:, 1].tolist() for segment in chance.get_segments()]
    np.testing.assert_allclose(places, [[0.25, 0.25]] * 4)
    ends = [segment[:, 1].tolist() for segment in interval.get_segments()]
    np.testing.assert_allclose(ends[0], [0.02, 0.04])
    bare = importance(_summary().drop(columns=["low", "high"]), **WORDS)
    assert len(_parts(bare)[0][0].collections) == 2


def test_seconds_are_a_line_a_class_and_the_label_is_shaded():
    _, eeg, _, regional = _parts(importance(_summary(), **WORDS))
    assert [axes.get_title(loc="left") for axes in eeg] == ["Seizure, n = 9", "LPD, n = 10"]
    for panels, limits in [(eeg, (0, 50)), (regional, (-231, 281))]:
        for axes in panels:
            shaded = axes.patches[0]
            assert (shaded.get_x(), shaded.get_x() + shaded.get_width()) == (20, 30)
            assert axes.get_xlim() == limits
            assert axes.get_xlabel() == "time (s)"
    assert [eeg[0].get_ylabel(), regional[0].get_ylabel()] == ["share in 1 s", "share in 4 s"]
    chance, line = eeg[1].lines
    assert set(chance.get_ydata()) == {0.02}
    np.testing.assert_allclose(line.get_xdata(), np.arange(0.5, 50))
    np.testing.assert_allclose(line.get_ydata(), 0.1 + 0.01 * np.arange(50))


@pytest.mark.filterwarnings("error")
def test_a_class_without_windows_says_so_and_can_be_saved():
    kinds = {"level": str, "class": "category", "source": "category", "dimension": "category"}
    table = _summary(CLASS_NAMES).astype(kinds)
    table.loc[table["class"] == "GRDA", ["share", "low", "high"]] = np.nan
    figure = importance(table, **WORDS)
    for panels in _parts(figure)[1::2]:
        said = [[text.get_text() for text in axes.texts] for axes in panels]
        assert said == [["no window"] if name == "GRDA" else [] for name in CLASS_NAMES]
    names = _labels(figure.subfigs[0].legends[0].get_texts())
    assert names[:6] == list(CLASS_NAMES)
    assert WORDS["sample"] in figure.get_suptitle()
    assert figure.get_supxlabel().startswith(WORDS["caption"])
    figure.savefig(io.BytesIO())


def test_tables_that_cannot_be_drawn_are_refused():
    table = _summary()
    with pytest.raises(ValueError, match="lacks columns \\['share', 'chance'\\]"):
        importance(table.drop(columns=["share", "chance"]), **WORDS)
    with pytest.raises(ValueError, match="a row at least"):
        importance(table[:0], **WORDS)
    with pytest.raises(ValueError, match="lacks dimensions \\['band'\\] of source eeg"):
        importance(table[table["dimension"] != "band"], **WORDS)
    with pytest.raises(ValueError, match="received \\{'gamma'\\}"):
        importance(table.replace({"level": {"beta": "gamma"}}), **WORDS)


def test_a_source_of_waveforms_has_channels_for_rows_and_no_bands():
    values = np.arange(16.0).reshape(4, 4, 1) * np.ones(8)
    found = {"waveform": ChainMap("waveform", values, None, np.linspace(20, 30, 9))}
    figure = mean_maps({("LPD", "right"): found}, {("LPD", "right"): 3}, **WORDS)
    axes = figure.axes[0]
    np.testing.assert_allclose(_shown(axes)[:, 0], np.arange(16)[::-1] / 15)
    assert _labels(axes.get_yticklabels()) == list(CHAINS)
    assert figure.axes[0].get_xlim() == (20, 30)
    rows = [
        *({"dimension": "chain", "level": chain} for chain in CHAINS),
        {"dimension": "band", "level": "all"},
        *({"dimension": "second", "level": f"{second}.5"} for second in range(20, 30)),
    ]
    table = pd.DataFrame(rows).assign(
        **{"class": "LPD", "source": "waveform", "share": 0.1, "chance": 0.1, "n": 3}
    )
    chains, seconds = importance(table, **WORDS).axes
    assert chains.get_title(loc="left") == "bipolar EEG, by chain"
    assert seconds.get_title(loc="left") == "LPD, n = 3"
    assert seconds.get_xlim() == (20, 30)
    # All of it is what the label speaks of, so nothing is marked.
    assert not seconds.patches
