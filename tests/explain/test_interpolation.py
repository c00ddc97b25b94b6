import numpy as np

from hbac.explain import upsample
from hbac.explain.interpolation import repeat_cells


def test_upsampling_is_linear_between_cell_centres():
    np.testing.assert_allclose(upsample(np.array([[0.0, 1.0]]), (1, 4)), [[0, 0.25, 0.75, 1]])
    np.testing.assert_allclose(upsample(np.full((2, 6, 3, 5), 7.0), (12, 16)), 7.0, rtol=1e-6)
    ramp = np.arange(8.0)
    enlarged = upsample(ramp[:, None] + ramp, (16, 32))
    rows, columns = (np.arange(16) + 0.5) / 2 - 0.5, (np.arange(32) + 0.5) / 4 - 0.5
    expected = rows[:, None] + columns
    np.testing.assert_allclose(enlarged[1:-1, 2:-2], expected[1:-1, 2:-2], rtol=1e-5)


def test_no_panel_leaks_into_the_next():
    maps = np.zeros((4, 4))
    maps[:2, 2:] = 1
    enlarged = upsample(maps, (16, 16), blocks=(2, 2))
    expected = np.zeros((16, 16))
    expected[:8, 8:] = 1
    np.testing.assert_array_equal(enlarged, expected)
    assert ((upsample(maps, (16, 16)) % 1) > 0).any()


def test_cells_that_panels_do_not_divide_are_interpolated_all_the_same():
    maps = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(upsample(maps, (12, 16), blocks=(2, 1)), upsample(maps, (12, 16)))


def test_a_repeated_cell_fills_its_place():
    maps = np.array([[1, 2], [3, 4]])
    np.testing.assert_array_equal(repeat_cells(maps, (4, 2)), [[1, 2], [1, 2], [3, 4], [3, 4]])
    # Of three pixels over two cells, the middle one's centre lies on the border.
    np.testing.assert_array_equal(repeat_cells(maps, (2, 3))[0], [1, 2, 2])
