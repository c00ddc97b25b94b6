"""Faults of preprocessing that come between training and prediction are noticed, one by one."""

import copy
import json

import numpy as np
import pytest
import scipy

from hbac import eeg
from hbac.eeg import montage
from hbac.models import preprocessing, reference
from hbac.pipelines.modeling.params import ModelingParams
from hbac.pipelines.spectrogram.params import SpectrogramParams
from tests.conftest import recipe

RECIPES = {
    name: (
        ModelingParams(**recipe(name)["modeling"]),
        SpectrogramParams(**recipe(name)["spectrogram"]),
    )
    for name in ("seed", "strong", "simulation")
}
_STRONG, _PANELS = RECIPES["strong"]
RECIPES["channels"] = (
    _STRONG.model_copy(update={"image": _STRONG.image.model_copy(update={"channels": "all"})}),
    _PANELS.model_copy(update={"kind": "cwt", "channels": "all"}),
)
N_CHAINS = len(montage.CHAINS)


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("seed", "simulation", "channels")]


def recorded(name):
    """What a training records, as read from its file."""
    modeling, spectrogram = RECIPES[name]
    record = {
        "image": modeling.image.model_dump(mode="json"),
        "waveform": modeling.waveform.model_dump(mode="json"),
        "spectrogram": spectrogram.model_dump(mode="json", exclude={"policy", "dtype"}),
        "reference": {
            "picture": reference.describe_pictures(modeling.image.layout, spectrogram.settings),
            "waveform": reference.describe_waveforms(
                spectrogram.cleaning, modeling.waveform.layout
            ),
        },
    }
    return json.loads(json.dumps(record, allow_nan=False))


@pytest.fixture(scope="module", params=[*SLOW, "strong"])
def trained(request):
    return recorded(request.param)


def after(monkeypatch, module, name, change):
    """Change what a function of a module returns."""
    function = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *args, **settings: change(function(*args, **settings)))


def of_panels(change):
    """A change of the eight or four panels ``(mels, frames, panels)`` of the EEG."""
    return eeg, "window_spectrograms", change


def of_pictures(change):
    return preprocessing, "build_image", change


def of_power(change):
    """A change of regional power ``(rows, 4 chains x 100)`` from a file."""

    def by_chain(power):
        parts = change(np.stack(np.split(power, N_CHAINS, axis=1)))
        return np.concatenate(list(parts), axis=1)

    return reference, "regional_window", by_chain


def of_computed_power(change):
    module, _, by_chain = of_power(change)
    return module, "regional_window_from_eeg", by_chain


def of_waveforms(change):
    return preprocessing, "bipolar_waveforms", change


def each_panel_flipped(picture):
    height = picture.shape[0] // N_CHAINS
    return picture.reshape(N_CHAINS, height, -1)[:, ::-1].reshape(picture.shape)


def resampled(waveforms):
    """As by a filter that isn't centred: half a sample late."""
    late = scipy.ndimage.shift(np.nan_to_num(waveforms), (0, 0.5))
    return np.where(np.isnan(waveforms), waveforms, late)


FAULTS = {
    "pictures upside down": ("picture", *of_pictures(lambda picture: picture[::-1])),
    "panels upside down in frequency": ("picture", *of_pictures(each_panel_flipped)),
    "pictures backwards": ("picture", *of_pictures(lambda picture: picture[:, ::-1])),
    "pictures a pixel late": ("picture", *of_pictures(lambda picture: np.roll(picture, 1, 1))),
    "pictures a pixel low": ("picture", *of_pictures(lambda picture: np.roll(picture, 1, 0))),
    "pictures fainter": ("picture", *of_pictures(lambda picture: picture * 0.9)),
    "pictures negative": ("picture", *of_pictures(np.negative)),
    "EEG panels upside down": ("picture", *of_panels(lambda panels: panels[::-1])),
    "EEG panels backwards": ("picture", *of_panels(lambda panels: panels[:, ::-1])),
    "EEG panels a frame late": ("picture", *of_panels(lambda panels: np.roll(panels, 1, 1))),
    "hemispheres of EEG panels exchanged": (
        "picture",
        *of_panels(lambda panels: panels[..., [1, 0, 3, 2, *range(4, panels.shape[-1])]]),
    ),
    "lateral and parasagittal exchanged": (
        "picture",
        *of_panels(lambda panels: panels[..., [2, 3, 0, 1, *range(4, panels.shape[-1])]]),
    ),
    "regional files upside down": ("picture", *of_power(lambda power: power[..., ::-1])),
    "regional files backwards": ("picture", *of_power(lambda power: power[:, ::-1])),
    "chains of regional files exchanged": ("picture", *of_power(lambda power: power[[1, 0, 2, 3]])),
    "a row of regional files late": ("picture", *of_power(lambda power: np.roll(power, 1, 1))),
    "missing power as none": ("picture", *of_power(np.nan_to_num)),
    "computed power upside down": (
        "picture",
        *of_computed_power(lambda power: power[..., ::-1]),
    ),
    "chains of computed power exchanged": (
        "picture",
        *of_computed_power(lambda power: power[[0, 1, 3, 2]]),
    ),
    "waveforms ten times too small": ("waveform", *of_waveforms(lambda eeg: eeg * 0.1)),
    "waveforms five per cent too large": ("waveform", *of_waveforms(lambda eeg: eeg * 1.05)),
    "waveforms upside down": ("waveform", *of_waveforms(np.negative)),
    "waveforms backwards": ("waveform", *of_waveforms(lambda eeg: eeg[:, ::-1])),
    "waveforms a sample late": ("waveform", *of_waveforms(lambda eeg: np.roll(eeg, 1, 1))),
    "waveforms half a sample late": ("waveform", *of_waveforms(resampled)),
    "hemispheres of waveforms exchanged": (
        "waveform",
        *of_waveforms(lambda eeg: eeg.reshape(4, 4, -1)[[1, 0, 3, 2]].reshape(eeg.shape)),
    ),
    "channels of a chain reversed": (
        "waveform",
        *of_waveforms(lambda eeg: eeg.reshape(4, 4, -1)[:, ::-1].reshape(eeg.shape)),
    ),
}


QUICK = {"panels upside down in frequency", "chains of regional files exchanged"}
"""Pictures take a second each."""


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(name, marks=[] if kind == "waveform" or name in QUICK else pytest.mark.slow)
        for name, (kind, *_) in FAULTS.items()
    ],
)
def test_a_fault_is_noticed(trained, monkeypatch, fault):
    kind, *changed = FAULTS[fault]
    after(monkeypatch, *changed)
    with pytest.raises(ValueError, match=f"a reference {kind} differs by"):
        reference.check_reference(kind, trained)


def front_to_back(panels):
    """The four channels of each chain in reverse order."""
    return panels.reshape(4, 32, 256, -1)[::-1].reshape(panels.shape)


def test_channels_in_reverse_order_are_noticed_in_pictures_that_show_each(monkeypatch):
    record = recorded("channels")
    reference.check_reference("picture", record)
    after(monkeypatch, *of_panels(front_to_back))
    with pytest.raises(ValueError, match="a reference picture differs by"):
        reference.check_reference("picture", record)


def test_the_same_code_passes(trained):
    for kind in ("picture", "waveform"):
        reference.check_reference(kind, trained)


def test_what_another_processor_computes_passes(trained, monkeypatch):
    random = np.random.default_rng(0)

    def disturb(values):
        return values + random.normal(0, 1e-3, values.shape).astype(values.dtype)

    after(monkeypatch, *of_pictures(disturb))
    after(monkeypatch, *of_waveforms(disturb))
    test_the_same_code_passes(trained)


@pytest.mark.parametrize("old", [{}, {"reference_picture": [[0.0] * 8] * 4}])
@pytest.mark.parametrize("kind", ["picture", "waveform"])
def test_a_record_of_an_earlier_version_is_refused_with_what_to_do(trained, kind, old):
    ensemble = copy.deepcopy(trained)
    del ensemble["reference"]
    with pytest.raises(ValueError, match=f"reference {kind} looked .* train again"):
        reference.check_reference(kind, ensemble | old)
