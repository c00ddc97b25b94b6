import io

import numpy as np
import pandas as pd
import pytest

from hbac.eeg import CHANNELS
from hbac.plots.quality import quality_by_channel

MEASURES = ("amplitude_uv", "flat_share", "extreme_share", "clipped_share", "hum_db")


@pytest.fixture
def table():
    """Channel k has amplitude 10 k, quartiles 5 either side; the others of its measures are 0."""
    table = pd.DataFrame({"channel": list(CHANNELS), "n_eegs": 7, "mains_hz": 50})
    for name in MEASURES:
        for suffix in ("q25", "median", "q75", "mean"):
            table[f"{name}_{suffix}"] = 0.0
    middle = 10.0 * np.arange(len(CHANNELS))
    table["amplitude_uv_median"] = middle
    table["amplitude_uv_q25"], table["amplitude_uv_q75"] = middle - 5, middle + 5
    return table


def _dots(axes, which=0):
    drawn = [found for found in axes.collections if len(found.get_offsets())]
    dots = [dots for dots in drawn if hasattr(dots, "get_sizes") and len(dots.get_sizes())]
    return dots[which].get_offsets()


def _rows(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def test_channels_stand_in_order_and_the_ekg_apart(table):
    figure = quality_by_channel(table, n_eegs=17_089)
    assert figure.get_suptitle() == "Signal quality in n = 7 of 17,089 EEGs"
    amplitude, ekg = figure.axes[0], figure.axes[3]
    figure.draw_without_rendering()
    assert (_rows(amplitude), _rows(ekg)) == (list(CHANNELS[:-1]), ["EKG"])
    top, bottom = amplitude.get_ylim()[::-1]
    assert top < bottom
    assert amplitude.get_xlim() != ekg.get_xlim()


def test_dots_are_medians_and_lines_quartiles(table):
    axes = quality_by_channel(table, n_eegs=7).axes[0]
    assert _dots(axes)[:, 0].tolist() == table["amplitude_uv_median"][:-1].tolist()
    (lines,) = [found for found in axes.collections if hasattr(found, "get_segments")]
    spans = [segment[:, 0].tolist() for segment in lines.get_segments()]
    assert spans == [[10.0 * k - 5, 10.0 * k + 5] for k in range(19)]


def test_shares_are_in_per_cent(table):
    table.loc[3, "flat_share_mean"] = 0.25
    table.loc[4, "extreme_share_mean"] = 0.5
    table.loc[5, "clipped_share_mean"] = 0.1
    axes = quality_by_channel(table, n_eegs=7).axes[1]
    flat, extreme, clipped = (_dots(axes, which)[:, 0] for which in range(3))
    assert (flat[3], extreme[4], clipped[5]) == (25, 50, 10)
    assert (flat.sum(), extreme.sum()) == (25, 50)
    assert axes.get_xlim()[1] > 50


def test_mains_frequency_is_named(table):
    axes = quality_by_channel(table, n_eegs=7).axes[2]
    assert axes.get_title(loc="left") == "Mains hum at 50 Hz"


@pytest.mark.filterwarnings("error")
def test_no_eeg_is_said_in_words_and_unknown_hum_can_be_saved(table):
    figure = quality_by_channel(table.assign(n_eegs=0), n_eegs=0)
    assert "n = 0" in figure.axes[0].texts[0].get_text()
    hum = [f"hum_db_{suffix}" for suffix in ("q25", "median", "q75", "mean")]
    unknown = table.assign(**dict.fromkeys(hum, np.nan))
    quality_by_channel(unknown, n_eegs=7).savefig(io.BytesIO())


def test_table_without_a_column_is_refused(table):
    with pytest.raises(ValueError, match=r"lacks columns \['mains_hz'\]"):
        quality_by_channel(table.drop(columns="mains_hz"), n_eegs=7)
