import logging

import numpy as np
import pandas as pd
import pytest

from hbac.eeg import CHAINS, CLASS_NAMES
from hbac.plots.spectra import class_spectra

FREQUENCIES = np.arange(0.5, 70.25, 0.25)


def _rows(name, chain, level):
    return pd.DataFrame(
        {
            "class": name,
            "chain": chain,
            "frequency_hz": FREQUENCIES,
            "mean_db": level,
            "q25_db": level - 3,
            "median_db": level,
            "q75_db": level + 3,
            "n_windows": 5,
        }
    )


@pytest.fixture
def table():
    """Class k, chain c: 10 k + c dB at every frequency; no window of Other."""
    return pd.concat(
        _rows(name, chain, 10.0 * k + c)
        for k, name in enumerate(CLASS_NAMES[:-1])
        for c, chain in enumerate(CHAINS)
    )


def _line(axes, label):
    (line,) = [line for line in axes.lines if line.get_label() == label]
    return line


def test_each_class_has_its_panel_with_its_chains(table):
    figure = class_spectra(table)
    for k, axes in enumerate(figure.axes[:-1]):
        levels = [np.unique(_line(axes, chain).get_ydata()).tolist() for chain in CHAINS]
        assert levels == [[10 * k + c] for c in range(4)]
        assert axes.get_title(loc="left") == f"{CLASS_NAMES[k]}, n = 5"
        assert axes.get_xscale() == "log"
        assert axes.get_xlim() == (0.5, 70)
        # The mean of 0, 10 ... 40 and of 0 ... 3.
        assert set(_line(axes, "all classes").get_ydata()) == {21.5}


def test_gray_is_the_mean_of_the_chains_quartiles(table):
    (band,) = class_spectra(table).axes[0].collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (-1.5, 4.5)


def test_chains_of_one_side_differ_without_colour(table):
    axes = class_spectra(table).axes[0]
    for one, other in (("LL", "LP"), ("RL", "RP")):
        first, second = _line(axes, one), _line(axes, other)
        assert first.get_color() == second.get_color()
        assert first.get_linestyle() != second.get_linestyle()


def test_class_without_a_window_says_n_0(table):
    axes = class_spectra(table).axes[-1]
    assert axes.get_title(loc="left") == "Other, n = 0"
    assert not axes.collections


def test_no_window_at_all_is_said_in_words(table):
    figure = class_spectra(table[:0])
    assert "n = 0" in figure.axes[0].texts[0].get_text()


def test_no_font_is_looked_for_in_vain(table, caplog):
    with caplog.at_level(logging.WARNING):
        class_spectra(table).draw_without_rendering()
    assert caplog.records == []
