import numpy as np

from hbac.explain.fusion import fusion
from hbac.explain.hirescam import hirescam
from hbac.explain.interpolation import repeat_cells
from tests.explain.networks import SIZE

PICTURES = np.random.default_rng(0).normal(size=(4, *SIZE)).astype(np.float32)


def scaled_layer(model, layer, size):
    maps = hirescam(model, PICTURES, layer=layer, signed=True)
    return repeat_cells(maps / np.abs(maps).max(axis=(1, 2, 3), keepdims=True), size)


def test_a_cell_counts_where_all_layers_say_the_same(branching):
    """Two resolutions here: the root of their product where both are of one sign, else 0."""
    fine, coarse = (scaled_layer(branching, layer, (6, 8)) for layer in ("sum", "late"))
    expected = np.where(fine * coarse > 0, np.sign(fine) * np.sqrt(np.abs(fine * coarse)), 0)
    maps = fusion(branching, PICTURES, signed=True)
    assert maps.shape == (4, 6, 6, 8)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, expected, atol=1e-5)
    np.testing.assert_allclose(fusion(branching, PICTURES), np.maximum(expected, 0), atol=1e-5)
    assert (maps == 0).any()
    assert maps.min() < 0


def test_layers_to_fuse_can_be_given(branching):
    alone = scaled_layer(branching, "sum", (6, 8))
    maps = fusion(branching, PICTURES, layer=["sum"], signed=True, batch_size=3)
    np.testing.assert_allclose(maps, alone, atol=1e-5)


def test_classes_still_compare(branching):
    """One scale for all classes of a picture: not every class reaches it."""
    peaks = fusion(branching, PICTURES, layer="sum").max(axis=(2, 3))
    np.testing.assert_allclose(peaks.max(axis=1), 1, atol=0.4)
    assert (peaks < 0.5).any()
