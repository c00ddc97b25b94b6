import io

import pandas as pd

from hbac.eeg import CHANNELS
from hbac.plots.missing import missing_data


def test_shares_are_shown_by_channel_and_by_eeg():
    shares = pd.DataFrame(0.0, index=["1", "2"], columns=list(CHANNELS))
    shares.loc["2", "Cz"] = 1.0
    figure = missing_data(shares, n_eegs=17_089)
    assert figure.get_suptitle() == "Missing data in n = 2 of 17,089 EEGs"
    channels, recordings = figure.axes
    widths = {name: bar.get_width() for name, bar in zip(CHANNELS, channels.patches, strict=True)}
    assert widths.pop("Cz") == 0.5
    assert set(widths.values()) == {0}
    assert recordings.get_yscale() == "log"
    # EEG 2 lacks one channel of twenty: 5 % of its samples.
    assert [bar.get_height() for bar in recordings.patches[:2]] == [1, 1]


def test_no_eeg_at_all_can_be_saved():
    empty = pd.DataFrame(columns=list(CHANNELS), dtype=float)
    missing_data(empty, n_eegs=0).savefig(io.BytesIO())
