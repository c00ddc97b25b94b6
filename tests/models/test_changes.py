import keras
import numpy as np
import pytest
from keras import ops

from hbac.models import Augmentation, ImageLayout, WaveformLayout
from hbac.models.scale import window_scale
from hbac.models.tensor_changes import change_tensors

ALL = {
    "mirror": 0.5,
    "swap_chains": 0.5,
    "time_reversal": 0.5,
    "time_shift": 0.3,
    "time_mask": 0.3,
    "frequency_mask": 0.3,
    "gain": 0.4,
    "channel_gain": 0.2,
    "low_pass": (12.0, 30.0),
    "high_pass": (0.3, 1.0),
    "tilt": 0.3,
    "dip": 0.3,
    "drop_channel": 0.1,
    "drop_chain": 0.1,
    "drop_panel": 0.1,
    "drop_stretch": 0.3,
    "mixup": 0.4,
}
LAYOUTS = {
    "aligned": ImageLayout(("regional", "eeg", "centre"), size=(32, 48)),
    "seed": ImageLayout(size=(32, 48), eeg_order="seed"),
    "waveform": WaveformLayout((16, 250)),
    "shifted": WaveformLayout((16, 250), margin=40),
}


def both_ways(layout, dtype=np.float16, n=24, **options):
    """The windows; what NumPy and what Keras make of them."""
    rng = np.random.default_rng(0)
    rows, columns = layout.size
    images = rng.normal(size=(n, rows, columns + 2 * layout.margin)).astype(dtype)
    change = Augmentation(**options).of(layout)
    draws = change.draw(images.shape, rng)
    tensors = {name: ops.convert_to_tensor(values) for name, values in draws.items()}
    by_keras = change_tensors(ops.convert_to_tensor(images), tensors, change)
    return (
        layout.middle(images),
        change.change_images(images, draws),
        ops.convert_to_numpy(by_keras),
    )


@pytest.mark.parametrize("name", LAYOUTS)
def test_windows_are_changed_alike_in_memory_and_where_the_network_computes(name):
    images, ours, theirs = both_ways(LAYOUTS[name], **ALL)
    assert (ours != images).mean() > 0.9
    assert ours.dtype == theirs.dtype == np.float32
    np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-5)


def test_a_shifted_window_begins_anywhere_within_its_margins():
    layout = LAYOUTS["shifted"]
    stored = np.arange(330.0) + np.zeros((400, 16, 1))
    change = Augmentation().of(layout)
    draws = change.draw(stored.shape, np.random.default_rng(0))
    assert list(draws) == ["starts"]
    begun = change.change_images(stored, draws)
    np.testing.assert_array_equal(begun, draws["starts"][:, None, None] + stored[:, :, :250])
    assert (draws["starts"].min(), draws["starts"].max()) == (0, 80)
    assert draws["starts"].mean() == pytest.approx(40, abs=4)
    np.testing.assert_array_equal(layout.middle(stored), stored[:, :, 40:290])
    _, ours, theirs = both_ways(layout, np.float32)
    np.testing.assert_array_equal(theirs, ours)


@pytest.mark.parametrize("option", [name for name in ALL if name != "mixup"])
def test_so_is_each_change_alone(option):
    images, ours, theirs = both_ways(LAYOUTS["waveform"], np.float32, **{option: ALL[option]})
    assert np.array_equal(ours, images) == (option == "frequency_mask")
    np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-5)


def test_noise_is_drawn_where_the_network_computes_but_as_loud():
    images, ours, theirs = both_ways(LAYOUTS["waveform"], np.float32, 100, noise=0.5)
    levels = [
        (noisy - images).std(axis=(1, 2)) / window_scale(images)[:, 0, 0]
        for noisy in (ours, theirs)
    ]
    np.testing.assert_allclose(*levels, rtol=0.5)
    assert np.mean(levels[1]) == pytest.approx(np.mean(levels[0]), rel=0.05)
    channels = (theirs - images)[:, :2].reshape(100, 2, -1)
    alike = [np.corrcoef(*pair)[0, 1] for pair in channels]
    assert abs(np.mean(alike)) < 0.1
    assert keras.backend.standardize_dtype(theirs.dtype) == "float32"
