import io

import numpy as np
import pandas as pd
import pytest

from hbac.plots.faithfulness import (
    faithfulness_scores,
    perturbation_curves,
    planted_evidence,
    randomisation,
)

MAPS = ["Grad-CAM", "Fusion", "EigenCAM", "random", "centre prior"]
WORDS = {"sample": "n = 12 windows of 3 patients", "confidence": 0.9}


def _labels(ticks):
    return [label.get_text() for label in ticks]


def _caption(figure):
    return " ".join(figure.get_supxlabel().split())


def _with_interval(rows, columns, value):
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(low=table[value] - 0.1, high=table[value] + 0.2)


def _curves(kinds=(("insertion", "blurred"), ("deletion", "blurred")), maps=MAPS):
    """Straight lines, one tenth apart by maps; fractions run backwards."""
    rows = [
        (*kind, name, fraction, fraction / 2 + place / 10)
        for kind in kinds
        for place, name in enumerate(maps)
        for fraction in (1.0, 0.5, 0.0)
    ]
    return _with_interval(rows, ["curve", "fill", "maps", "fraction", "value"], "value")


def _scores(maps=MAPS):
    rows = [
        (score, better, name, sign * place / 10)
        for score, better, sign in [("insertion, blurred", "higher", 1), ("ROAD", "lower", -1)]
        for place, name in enumerate(maps)
    ]
    return _with_interval(rows, ["score", "better", "maps", "value"], "value")


def _randomised(steps=4, maps=MAPS[:3]):
    """Maps fall by a tenth a step, the later ones in the list the less."""
    rows = [
        (name, step, f"layer {step}", 1 - step / 10 / (place + 1))
        for place, name in enumerate(maps)
        for step in range(steps)
    ]
    return _with_interval(rows, ["maps", "step", "layer", "similarity"], "similarity")


def _planted(classes=("LPD", "GPD"), maps=MAPS):
    rows = [
        (cls, name, (row + place) / 10, 0.05 * (1 + row), 20 + row, 0.5)
        for row, cls in enumerate(classes)
        for place, name in enumerate(maps)
    ]
    return _with_interval(rows, ["class", "maps", "mass", "chance", "n", "detected"], "mass")


def _draw_curves(table, failing=()):
    return perturbation_curves(table, chosen="Fusion", failing=failing, **WORDS)


def _draw_scores(table, failing=()):
    return faithfulness_scores(table, chosen="Fusion", failing=failing, **WORDS)


def _draw_randomised(table, failing=()):
    return randomisation(table, threshold=0.5, failing=failing, **WORDS)


def _draw_planted(table, failing=()):
    return planted_evidence(table, failing=failing, **WORDS)


def test_curves_are_the_tables_in_order_of_fraction():
    insertion, deletion = _draw_curves(_curves()).axes
    for axes in (insertion, deletion):
        assert axes.get_xlim() == (0, 1)
        assert [line.get_xdata().tolist() for line in axes.lines] == [[0, 0.5, 1]] * 5
        shown = [line.get_ydata().tolist() for line in axes.lines]
        expected = [[k / 10, k / 10 + 0.25, k / 10 + 0.5] for k in range(5)]
        np.testing.assert_allclose(shown, expected)
    assert insertion.get_title(loc="left") == "Insertion, blurred\n(higher is better)"
    assert deletion.get_title(loc="left") == "Deletion, blurred\n(lower is better)"
    assert insertion.get_xlabel() == "share of the window inserted"
    assert deletion.get_xlabel() == "share of the window removed"


def test_the_chosen_curve_is_bold_with_its_band_and_baselines_are_broken():
    figure = _draw_curves(_curves())
    axes = figure.axes[0]
    widths = [line.get_linewidth() for line in axes.lines]
    assert np.argmax(widths) == MAPS.index("Fusion")
    assert [line.get_linestyle() for line in axes.lines] == ["-", "-", "-", "--", ":"]
    (band,) = axes.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert [heights.min(), heights.max()] == pytest.approx([0.0, 0.8])
    assert _labels(figure.legends[0].get_texts()) == MAPS
    assert "90% interval of Fusion" in _caption(figure)
    assert WORDS["sample"] in figure.get_suptitle()


@pytest.mark.filterwarnings("error")
def test_four_curves_of_few_maps_can_be_saved():
    kinds = [("ROAD, most relevant first", "imputed"), ("ROAD, least relevant first", "imputed"),
             ("insertion", "mean spectrum"), ("deletion", "mean spectrum")]  # fmt: skip
    table = _curves(kinds, ["Fusion", "random", "centre prior"])
    table = table.astype({"curve": "category", "fill": "category", "maps": "category"})
    # One curve is not known for one kind of maps.
    figure = _draw_curves(table.drop(index=table.index[3:6]))
    assert len(figure.axes) == 4
    assert "(lower is better)" in figure.axes[0].get_title(loc="left")
    assert "(higher is better)" in figure.axes[1].get_title(loc="left")
    figure.savefig(io.BytesIO())


def test_another_curve_is_refused():
    with pytest.raises(ValueError, match="received \\['odd'\\]"):
        _draw_curves(_curves([("odd", "blurred")]))


def _dots(axes):
    """Height and value of each dot."""
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    return [(line.get_ydata()[0], line.get_xdata()[0]) for line in dots]


def test_scores_are_dots_with_intervals_in_the_tables_order():
    figure = _draw_scores(_scores(), ["EigenCAM"])
    insertion, road = figure.axes
    np.testing.assert_allclose(_dots(insertion), [(k, k / 10) for k in range(5)])
    np.testing.assert_allclose(_dots(road), [(k, -k / 10) for k in range(5)])
    ends = [lines.get_segments()[0][:, 0].tolist() for lines in road.collections]
    np.testing.assert_allclose(ends, [[-k / 10 - 0.1, -k / 10 + 0.2] for k in range(5)])
    assert insertion.get_xlabel().startswith("higher is better")
    assert road.get_xlabel().endswith("lower is better")
    dotted = [line.get_xdata()[0] for line in road.lines if line.get_linestyle() == ":"]
    assert dotted == pytest.approx([-0.3])


def test_failing_maps_are_marked_and_named():
    figure = _draw_scores(_scores(), ["EigenCAM"])
    labels = figure.axes[0].get_yticklabels()
    assert _labels(labels) == ["Grad-CAM", "Fusion", "EigenCAM (fails)", "random", "centre prior"]
    assert [label.get_fontweight() == "bold" for label in labels] == [False, True] + [False] * 3
    hollow = [line.get_markerfacecolor() == "white" for line in figure.axes[0].lines[:5]]
    assert hollow == [False, False, True, False, False]
    assert _caption(figure).startswith("EigenCAM fails the randomisation check: its maps")


def test_no_figure_of_maps_that_fail_is_without_a_word_of_it():
    for figure in (_draw_curves(_curves(), ["EigenCAM"]), _draw_planted(_planted(), ["EigenCAM"])):
        assert _caption(figure).startswith("EigenCAM fails the randomisation check: its maps")
    legend = _draw_curves(_curves(), ["EigenCAM"]).legends[0]
    assert "EigenCAM (fails)" in _labels(legend.get_texts())
    with pytest.raises(ValueError, match="Odd"):
        _draw_planted(_planted(), ["Odd"])


def test_several_failing_maps_are_named_together():
    caption = _caption(_draw_scores(_scores(), ["Grad-CAM", "Fusion", "EigenCAM"]))
    assert caption.startswith("Grad-CAM, Fusion and EigenCAM fail the randomisation check")
    assert "fail" not in _caption(_draw_scores(_scores()))


@pytest.mark.filterwarnings("error")
def test_scores_that_are_not_defined_say_so_and_can_be_saved():
    table = _scores()
    table.loc[table["maps"].isin(["EigenCAM", "random"]), ["value", "low", "high"]] = np.nan
    figure = _draw_scores(table, ["EigenCAM"])
    for axes in figure.axes:
        assert [text.get_text() for text in axes.texts] == ["not defined"] * 2
    figure.savefig(io.BytesIO())


def test_another_direction_is_refused():
    with pytest.raises(ValueError, match="received \\['more'\\]"):
        _draw_scores(_scores().replace({"better": {"higher": "more"}}))


def test_similarity_is_shown_by_layer_with_the_threshold():
    figure = _draw_randomised(_randomised(), ["EigenCAM"])
    axes = figure.axes[0]
    assert _labels(axes.get_xticklabels()) == [f"layer {step}" for step in range(4)]
    *lines, threshold = axes.lines
    for place, line in enumerate(lines):
        expected = 1 - np.arange(4) / 10 / (place + 1)
        np.testing.assert_allclose(line.get_ydata(), expected)
        np.testing.assert_allclose(line.get_xdata(), np.arange(4), atol=0.2)
    assert set(threshold.get_ydata()) == {0.5}
    assert np.argmax([line.get_linewidth() for line in lines]) == 2
    # In the order of the last values: 0.9, 0.85, 0.7 and the threshold's 0.5.
    names = ["EigenCAM (fails)", "Fusion", "Grad-CAM", "must fall below 0.5"]
    assert _labels(figure.legends[0].get_texts()) == names
    assert _caption(figure).startswith("EigenCAM fails the randomisation check")


@pytest.mark.parametrize("steps", [12, 13, 100])
def test_at_most_twelve_layers_are_named(steps):
    axes = _draw_randomised(_randomised(steps)).axes[0]
    labels = _labels(axes.get_xticklabels())
    assert 6 < len(labels) <= 12
    assert labels == [f"layer {step:.0f}" for step in axes.get_xticks()]
    low, high = axes.get_ylim()
    assert low < _randomised(steps)["similarity"].min()
    assert high > 1


@pytest.mark.filterwarnings("error")
def test_randomisation_of_one_kind_can_be_saved():
    figure = _draw_randomised(_randomised(maps=["Fusion"]))
    assert "fails" not in _caption(figure)
    figure.savefig(io.BytesIO())


def test_mass_is_shown_against_chance_by_class():
    figure = _draw_planted(_planted())
    lpd, gpd = figure.axes
    np.testing.assert_allclose(_dots(lpd), [(k, k / 10) for k in range(5)])
    np.testing.assert_allclose(_dots(gpd), [(k, (k + 1) / 10) for k in range(5)])
    for axes, chance in [(lpd, 0.05), (gpd, 0.1)]:
        marks = axes.collections[-1].get_segments()
        np.testing.assert_allclose([mark[:, 0] for mark in marks], [[chance, chance]] * 5)
    assert gpd.get_title(loc="left") == "GPD, n = 21, detected 50%"
    assert _labels(lpd.get_yticklabels()) == MAPS
    assert lpd.get_xlim() == gpd.get_xlim() == pytest.approx((0, 1.05 * 0.7))
    assert "90% interval" in _caption(figure)


@pytest.mark.filterwarnings("error")
def test_maps_without_mass_and_an_odd_number_of_classes_can_be_saved():
    table = _planted(["Seizure", "LPD", "GPD", "LRDA"])
    table.loc[table["maps"] == "random", ["mass", "low", "high"]] = np.nan
    table.loc[table["class"] == "GPD", "detected"] = np.nan
    figure = _draw_planted(table)
    assert len(figure.axes) == 4
    assert [text.get_text() for axes in figure.axes for text in axes.texts] == ["not defined"] * 4
    assert figure.axes[2].get_title(loc="left") == "GPD, n = 22, detection not known"
    figure.savefig(io.BytesIO())


DRAWN = [
    (_draw_curves, _curves),
    (_draw_scores, _scores),
    (_draw_randomised, _randomised),
    (_draw_planted, _planted),
]


@pytest.mark.parametrize(("draw", "make"), DRAWN)
def test_a_table_without_a_column_or_a_row_is_refused(draw, make):
    with pytest.raises(ValueError, match="lacks columns \\['maps', 'low'\\]"):
        draw(make().drop(columns=["low", "maps"]))
    with pytest.raises(ValueError, match="a row at least"):
        draw(make()[:0])


@pytest.mark.parametrize(("draw", "make"), DRAWN)
def test_tables_are_not_changed(draw, make):
    table, before = make(), make()
    draw(table)
    pd.testing.assert_frame_equal(table, before)


def test_names_that_the_table_lacks_are_refused():
    with pytest.raises(ValueError, match="received \\['Fusion'\\]"):
        _draw_curves(_curves(maps=["random"]))
    with pytest.raises(ValueError, match="received \\['Odd'\\]"):
        _draw_scores(_scores(), ["Odd"])
    with pytest.raises(ValueError, match="received \\['Odd'\\]"):
        _draw_randomised(_randomised(), ["Odd"])
