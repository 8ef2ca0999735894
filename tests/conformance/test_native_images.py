"""From bytes to floats in one compiled pass: pixel by pixel what its docstring says."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cnnpy.backends.native._native")
native = importlib.import_module("cnnpy.backends.native.images")

SHAPES = [(6, 1, 5, 7), (5, 3, 9, 4), (4, 2, 1, 1), (3, 5, 3, 17), (0, 3, 4, 4), (2, 3, 1, 33)]


def by_definition(
    images: np.ndarray, values: np.ndarray, chosen: np.ndarray, moves: np.ndarray, edge: bool
) -> np.ndarray:
    _, C, H, W = images.shape
    out = np.empty((len(chosen), C, H, W), values.dtype)
    for n, (row, column, flip) in enumerate(moves.tolist()):
        for i in range(H):
            for j in range(W):
                h, w = i + row, (W - 1 - j if flip else j) + column
                inside = 0 <= h < H and 0 <= w < W
                h, w = min(max(h, 0), H - 1), min(max(w, 0), W - 1)
                for c in range(C):
                    byte = images[chosen[n], c, h, w] if inside or edge else 0
                    out[n, c, i, j] = values[c, byte]
    return out


def draw(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, shape, dtype=np.uint8)
    values = rng.standard_normal((shape[1], 256)).astype(dtype)
    n = 2 * shape[0]
    chosen = rng.integers(0, max(shape[0], 1), n)
    far = 2 * max(shape[2:]) + 1  # up to where nothing of the image is left
    moves = np.stack([*rng.integers(-far, far, (2, n), endpoint=True), rng.integers(0, 2, n)], 1)
    return images, values, chosen, moves.astype(np.int32)


@pytest.mark.parametrize("edge", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_each_pixel_is_looked_up_where_its_move_says(
    shape: tuple[int, ...], dtype: Any, edge: bool
) -> None:
    for seed in range(8):
        images, values, chosen, moves = draw(shape, dtype, seed)
        out = native.images_from_bytes(images, values, chosen, moves, edge=edge)
        assert out.dtype == dtype
        assert out.transpose(0, 2, 3, 1).flags.c_contiguous
        assert np.array_equal(out, by_definition(images, values, chosen, moves, edge))


@pytest.mark.parametrize("shape", SHAPES)
def test_without_numbers_and_moves_all_images_stay_as_they_stand(shape: tuple[int, ...]) -> None:
    images, values, _, _ = draw(shape, np.float32)
    C = shape[1]
    want = values[np.arange(C).reshape(C, 1, 1), images]
    assert np.array_equal(native.images_from_bytes(images, values), want)


def _read_only(images: np.ndarray) -> np.ndarray:
    images = images.copy()
    images.flags.writeable = False
    return images


LAYOUTS = {
    "channels last": lambda a: np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
    "Fortran": np.asfortranarray,
    "strided": lambda a: np.repeat(np.repeat(a, 2, axis=0), 3, axis=3)[::2, :, :, 1::3],
    "backwards": lambda a: a[::-1, ::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1, ::-1],
    "read-only": _read_only,
    "a window": lambda a: np.pad(a, 1)[1:-1, 1:-1, 1:-1, 1:-1],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_images_may_lie_in_any_way(shape: tuple[int, ...], layout: str) -> None:
    images, values, chosen, moves = draw(shape, np.float32)
    want = native.images_from_bytes(images, values, chosen, moves, edge=True)
    lying = LAYOUTS[layout](images)
    assert np.array_equal(lying, images)
    got = native.images_from_bytes(lying, values, chosen, moves, edge=True)
    assert np.array_equal(got, want)
    assert np.array_equal(lying, images)


def test_one_image_may_stand_for_all() -> None:
    images, values, _, _ = draw((1, 3, 4, 5), np.float32)
    many = np.broadcast_to(images, (7, 3, 4, 5))
    got = native.images_from_bytes(many, values)
    assert np.array_equal(got, np.repeat(native.images_from_bytes(images, values), 7, axis=0))
