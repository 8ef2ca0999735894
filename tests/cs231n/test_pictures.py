"""Grids of images."""

import numpy as np
import pytest

from cnnpy.contract.errors import DtypeError, ShapeError
from cnnpy.cs231n.vis_utils import vis_grid, vis_nn, visualize_grid


def test_each_image_is_stretched_to_the_full_range():
    rng = np.random.default_rng(1)
    Xs = rng.normal(size=(5, 2, 3, 3)) * np.arange(1, 6)[:, None, None, None]
    grid = visualize_grid(Xs, ubound=10.0, padding=2)
    assert grid.shape == (3 * 2 + 2 * 2, 3 * 3 + 2 * 2, 3)
    for n in range(5):
        top, left = n // 3 * 4, n % 3 * 5
        image = grid[top : top + 2, left : left + 3]
        low, high = Xs[n].min(), Xs[n].max()
        np.testing.assert_allclose(image, 10 * (Xs[n] - low) / (high - low), atol=1e-12)
    assert not grid[2:4].any()
    assert not grid[:, 3:5].any()
    assert not grid[4:6, 10:].any()


def test_filters_of_a_net_and_no_padding():
    filters = np.random.default_rng(2).normal(size=(4, 3, 7, 7)).astype(np.float32)
    grid = visualize_grid(filters.transpose(0, 2, 3, 1), padding=0)
    assert grid.shape == (14, 14, 3)
    assert (grid.min(), grid.max()) == (0, 255)
    assert grid.astype("uint8").max() == 255


def test_an_image_of_one_value_is_no_division_by_zero():
    assert not visualize_grid(np.full((1, 2, 2, 1), 7)).any()
    assert not vis_grid(np.full((1, 2, 2, 1), 7.0)).any()


def test_bytes_do_not_run_over():
    Xs = np.array([[250, 5]], np.uint8).reshape(1, 1, 2, 1)
    np.testing.assert_array_equal(visualize_grid(Xs)[0, :, 0], [255, 0])
    np.testing.assert_array_equal(vis_grid(Xs)[0, :, 0], [1, 0, 0])


def test_images_on_one_scale():
    Xs = np.array([1.0, 2.0, 3.0, 4.0, 5.0]).reshape(5, 1, 1, 1)
    grid = vis_grid(Xs)
    assert grid.shape == (6, 6, 1)
    np.testing.assert_array_equal(grid[::2, ::2, 0], [[0, 0.25, 0.5], [0.75, 1, 0], [0, 0, 0]])
    assert not grid[1::2].any()


def test_rows_of_images_on_one_scale():
    rows = [[np.full((1, 2, 3), float(10 * n + d)) for d in range(3)] for n in range(2)]
    grid = vis_nn(rows)
    assert grid.shape == (2 * 2, 3 * 3, 3)
    np.testing.assert_allclose(grid[2, 3:5, 0], 11 / 12)
    np.testing.assert_allclose(grid[:, 2, 0], 1 / 12)


@pytest.mark.parametrize(
    ("run", "error", "text"),
    [
        (lambda: visualize_grid(np.ones((2, 2, 3))), ShapeError, "use Xs[np.newaxis]"),
        (lambda: vis_grid(np.ones((0, 2, 2, 3))), ShapeError, "an entry along each axis"),
        (lambda: visualize_grid([1]), DtypeError, "Xs is list"),
        (lambda: vis_nn([[np.ones((1, 1, 1))], []]), ShapeError, "vis_nn: rows of [0, 1] images"),
        (lambda: vis_nn([]), ShapeError, "vis_nn"),
    ],
)
def test_wrong_input_is_named(run, error, text):
    with pytest.raises(error) as caught:
        run()
    assert text in str(caught.value)
