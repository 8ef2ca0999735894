"""Laws of augmentations: the class stays, the generator decides, the input is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.data import Chain, RandomFlip, RandomShift

IMAGES = np.random.default_rng(0).integers(1, 256, (200, 2, 5, 7), dtype=np.uint8)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("fill", ["zero", "edge"])
@pytest.mark.parametrize("pixels", [0, 1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_every_image_is_one_of_its_shifts_and_all_shifts_occur(fill, pixels, dtype):
    images = IMAGES.astype(dtype)
    out = RandomShift(pixels, fill)(images, rng())
    assert out.shape == images.shape
    assert out.dtype == dtype
    seen = set()
    for before, after in zip(images, out, strict=True):
        shifts = [
            (i, j)
            for i in range(-pixels, pixels + 1)
            for j in range(-pixels, pixels + 1)
            if np.array_equal(shifted(before, i, j, fill), after)
        ]
        assert shifts
        seen.add(shifts[0])
    assert len(seen) == (2 * pixels + 1) ** 2 or (pixels == 3 and len(seen) > 40)


def shifted(image: np.ndarray, i: int, j: int, fill: str) -> np.ndarray:
    """Shift one image down by i rows and right by j columns."""
    _, H, W = image.shape
    rows, columns = np.arange(H) - i, np.arange(W) - j
    inside = np.outer((rows >= 0) & (rows < H), (columns >= 0) & (columns < W))
    source = image[:, np.clip(rows, 0, H - 1)][:, :, np.clip(columns, 0, W - 1)]
    return source if fill == "edge" else source * inside


def test_a_flip_mirrors_about_half_of_the_images():
    out = RandomFlip()(IMAGES, rng())
    flipped = (out == IMAGES[:, :, :, ::-1]).all(axis=(1, 2, 3))
    kept = (out == IMAGES).all(axis=(1, 2, 3))
    assert (flipped ^ kept).all()
    assert 60 < flipped.sum() < 140
    assert np.array_equal(RandomFlip(1.0)(IMAGES, rng()), IMAGES[..., ::-1])
    assert np.array_equal(RandomFlip(0.0)(IMAGES, rng()), IMAGES)


@pytest.mark.parametrize(
    "augment", [RandomShift(2), RandomFlip(), Chain(RandomFlip(), RandomShift(1))]
)
def test_the_generator_decides_and_the_input_is_left_alone(augment):
    images = IMAGES.copy()
    images.flags.writeable = False
    assert np.array_equal(augment(images, rng(1)), augment(images, rng(1)))
    assert not np.array_equal(augment(images, rng(1)), augment(images, rng(2)))
    assert augment(images[:0], rng()).shape == (0, 2, 5, 7)
    out = augment(images, rng())
    out[:] = 0
    assert np.array_equal(images, IMAGES)


def test_a_chain_applies_in_order_and_an_empty_one_does_nothing():
    def add_one(images, _):
        return images + 1

    def double(images, _):
        return images * 2

    ones = np.ones((1, 1, 1, 1))
    assert Chain(add_one, double)(ones, rng()).item() == 4
    assert Chain(double, add_one)(ones, rng()).item() == 3
    assert Chain()(ones, rng()) is ones


def test_a_repr_can_be_evaluated():
    for augment in (
        RandomShift(2, fill="edge"),
        RandomFlip(0.25),
        Chain(RandomFlip(), RandomShift(1)),
    ):
        assert repr(eval(repr(augment))) == repr(augment)


@pytest.mark.parametrize(
    "make",
    [
        lambda: RandomShift(-1),
        lambda: RandomShift(1.5),
        lambda: RandomShift(1, "mirror"),
        lambda: RandomFlip(1.5),
        lambda: Chain(3),
    ],
)
def test_options_out_of_range_are_refused(make):
    with pytest.raises(OptionError) as caught:
        make()
    assert len(str(caught.value).splitlines()) == 3


def test_a_shift_out_of_the_image_is_refused():
    with pytest.raises(ShapeError, match="use pixels=1"):
        RandomShift(5)(IMAGES, rng())
    with pytest.raises(ShapeError, match="use pixels=0"):
        RandomShift(1)(IMAGES[:, :, :1], rng())
