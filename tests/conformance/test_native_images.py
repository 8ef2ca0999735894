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
    images: np.ndarray,
    values: np.ndarray,
    chosen: np.ndarray,
    moves: np.ndarray,
    border: str,
    holes: np.ndarray,
    fill: np.ndarray,
) -> np.ndarray:
    _, C, H, W = images.shape
    out = np.empty((len(chosen), C, H, W), values.dtype)
    for n, (row, column, flips) in enumerate(moves.tolist()):
        top, bottom, left, right = holes[n].tolist()
        for i in range(H):
            for j in range(W):
                h = (H - 1 - i if flips in (2, 3) else i) + row
                w = (W - 1 - j if flips in (1, 3) else j) + column
                outside = not (0 <= h < H and 0 <= w < W)
                if border == "reflect":
                    h, w = mirrored(h, H), mirrored(w, W)
                h, w = min(max(h, 0), H - 1), min(max(w, 0), W - 1)
                for c in range(C):
                    byte = 0 if outside and border == "zero" else images[chosen[n], c, h, w]
                    if top <= i < bottom and left <= j < right:
                        byte = fill[c]
                    out[n, c, i, j] = values[c, byte]
    return out


def mirrored(k: int, size: int) -> int:
    return -k if k < 0 else 2 * (size - 1) - k if k >= size else k


def draw(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    _, C, H, W = shape
    n = 2 * shape[0]
    far = 2 * max(H, W) + 1  # up to where nothing of the image is left
    moves = np.stack([*rng.integers(-far, far, (2, n), endpoint=True), rng.integers(0, 4, n)], 1)
    # holes may pass the border, and be of nothing
    starts, sizes = (
        rng.integers(-2, [[H], [W]], (2, n)),
        rng.integers(0, [[H + 2], [W + 2]], (2, n)),
    )
    ends = starts + sizes
    return {
        "images": rng.integers(0, 256, shape, dtype=np.uint8),
        "values": rng.standard_normal((C, 256)).astype(dtype),
        "chosen": rng.integers(0, max(shape[0], 1), n),
        "moves": moves.astype(np.int32),
        "holes": np.stack([starts[0], ends[0], starts[1], ends[1]], 1).astype(np.int32),
        "fill": rng.integers(0, 256, C, dtype=np.uint8),
    }


@pytest.mark.parametrize("border", ["zero", "edge", "reflect"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_each_pixel_is_looked_up_where_its_move_says_or_hidden(
    shape: tuple[int, ...], dtype: Any, border: str
) -> None:
    for seed in range(8):
        drawn = draw(shape, dtype, seed)
        out = native.images_from_bytes(**drawn, border=border)
        assert out.dtype == dtype
        assert out.transpose(0, 2, 3, 1).flags.c_contiguous
        assert np.array_equal(out, by_definition(**drawn, border=border))


@pytest.mark.parametrize("shape", SHAPES)
def test_without_holes_nothing_is_hidden_and_without_fill_it_is_black(
    shape: tuple[int, ...],
) -> None:
    drawn = draw(shape, np.float32)
    holes, fill = drawn.pop("holes"), drawn.pop("fill")
    none = np.zeros_like(holes)
    want = by_definition(**drawn, border="edge", holes=none, fill=fill)
    assert np.array_equal(native.images_from_bytes(**drawn, border="edge"), want)
    want = by_definition(**drawn, border="edge", holes=holes, fill=np.zeros_like(fill))
    assert np.array_equal(native.images_from_bytes(**drawn, border="edge", holes=holes), want)


@pytest.mark.parametrize("shape", SHAPES)
def test_without_numbers_and_moves_all_images_stay_as_they_stand(shape: tuple[int, ...]) -> None:
    drawn = draw(shape, np.float32)
    images, values, C = drawn["images"], drawn["values"], shape[1]
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
    drawn = draw(shape, np.float32)
    want = native.images_from_bytes(**drawn, border="edge")
    images = drawn.pop("images")
    lying = LAYOUTS[layout](images)
    assert np.array_equal(lying, images)
    got = native.images_from_bytes(lying, **drawn, border="edge")
    assert np.array_equal(got, want)
    assert np.array_equal(lying, images)


def test_one_image_may_stand_for_all() -> None:
    drawn = draw((1, 3, 4, 5), np.float32)
    images, values = drawn["images"], drawn["values"]
    many = np.broadcast_to(images, (7, 3, 4, 5))
    got = native.images_from_bytes(many, values)
    assert np.array_equal(got, np.repeat(native.images_from_bytes(images, values), 7, axis=0))
