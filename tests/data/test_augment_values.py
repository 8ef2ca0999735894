"""What the operations of augmentations give, held against Pillow, colorsys and paper.

Of bytes from 0 to 255 the results are Pillow's to the bit, but for hue and for places
between pixels, where Pillow truncates and we round.
"""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageOps

from cnnpy.data import Cutout, RandAugment, RandomRotation, digits
from cnnpy.data.augment import color, levels, rand_augment
from cnnpy.data.augment.affine import resample, rotations
from cnnpy.data.augment.levels import change_levels
from cnnpy.data.augment.pixels import Scale, scale_of

BYTES = Scale(255.0, 255)
ONE = Scale(1.0, 255)


def photo_like(C: int, seed: int = 0, n: int = 6, size: tuple[int, int] = (37, 29)) -> np.ndarray:
    """Make images with smooth parts, edges, clipped and flat channels, as photographs have."""
    rng = np.random.default_rng(seed)
    H, W = size
    coarse = rng.uniform(-60, 320, (n, C, 5, 5))
    grid = np.ix_(np.linspace(0, 4, H).astype(int), np.linspace(0, 4, W).astype(int))
    images = coarse[:, :, grid[0], grid[1]] + rng.normal(0, 12, (n, C, H, W))
    images = images.clip(0, 255).astype(np.uint8)
    images[0] = images[0] // 4 + 90  # of little contrast
    images[1, 0] = 77  # a flat channel
    return images


def pillow(image: np.ndarray) -> Image.Image:
    """Make Pillow's image of one of ours (C, H, W)."""
    return Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))


def ours(image: Image.Image) -> np.ndarray:
    array = np.asarray(image)
    return array[np.newaxis] if array.ndim == 2 else array.transpose(2, 0, 1)


FACTORS = np.array([0.0, 0.1, 0.73, 1.0, 1.27, 1.9], dtype=np.float32)
BITS = np.array([1, 4, 5, 6, 7, 8])
THRESHOLDS = np.array([0, 1, 100, 178.5, 255, 256])
NOTHING = np.zeros(6)

LEVELS = {
    "brightness": (FACTORS, lambda image, f: ImageEnhance.Brightness(image).enhance(float(f))),
    "contrast": (FACTORS, lambda image, f: ImageEnhance.Contrast(image).enhance(float(f))),
    "solarize": (THRESHOLDS, lambda image, t: ImageOps.solarize(image, t)),
    "posterize": (BITS, lambda image, b: ImageOps.posterize(image, int(b))),
    "autocontrast": (NOTHING, lambda image, _: ImageOps.autocontrast(image)),
    "equalize": (NOTHING, lambda image, _: ImageOps.equalize(image)),
}


@pytest.mark.parametrize("C", [1, 3])
@pytest.mark.parametrize("name", LEVELS)
def test_levels_of_bytes_are_pillow_s(name, C):
    strengths, theirs = LEVELS[name]
    for seed in range(4):
        images = photo_like(C, seed)
        got = change_levels(getattr(levels, name), images, strengths, BYTES)
        assert got.dtype == np.uint8
        for image, strength, out in zip(images, strengths, got, strict=True):
            assert np.array_equal(out, ours(theirs(pillow(image), strength)))


@settings(deadline=None, max_examples=40)
@given(
    name=st.sampled_from(sorted(LEVELS)),
    C=st.sampled_from([1, 3]),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    brightest=st.integers(0, 255),
    seed=st.integers(0, 2**31),
)
def test_levels_of_any_bytes_are_pillow_s(name, C, size, brightest, seed):
    images = np.random.default_rng(seed).integers(0, brightest + 1, (6, C, *size), dtype=np.uint8)
    strengths, theirs = LEVELS[name]
    got = change_levels(getattr(levels, name), images, strengths, BYTES)
    want = [ours(theirs(pillow(x), s)) for x, s in zip(images, strengths, strict=True)]
    assert np.array_equal(got, want)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("C", [1, 3])
@pytest.mark.parametrize("name", LEVELS)
def test_levels_of_floats_are_those_of_bytes_before_they_are_truncated(name, C, dtype):
    strengths, _ = LEVELS[name]
    images = photo_like(C)
    want = change_levels(getattr(levels, name), images, strengths, BYTES)
    scaled = strengths / 255 if name == "solarize" else strengths
    floats = (images / 255).astype(dtype)
    got = change_levels(getattr(levels, name), floats, scaled, ONE)
    assert got.dtype == dtype
    assert got.min() >= 0 and got.max() <= 1
    difference = got.astype(np.float64) * 255 - want
    # the mean grey of contrast is rounded too, and counts up to its own share
    low, high = (-0.6, 1.6) if name == "contrast" else (-1e-4, 1 + 1e-4)
    assert difference.min() > low and difference.max() < high


def test_levels_of_another_white_by_hand():
    x = np.array([[[[0, 3, 8, 16]]]], dtype=np.uint8)
    scale = scale_of("test", x, 16.0)
    for name, strength, want in (
        ("brightness", 1.5, [0, 4, 12, 16]),  # 4.5 is truncated, 24 is white
        ("contrast", 0.5, [3, 5, 7, 11]),  # the mean is 6.75, so 7: half way to it
        ("solarize", 8, [0, 3, 8, 0]),
        ("posterize", 2, [0, 0, 4, 12]),  # 17 levels in 4 of 4.25
        ("posterize", 8, [0, 3, 8, 16]),
        ("autocontrast", 0, [0, 3, 8, 16]),
    ):
        got = change_levels(getattr(levels, name), x, np.array([strength]), scale)
        assert got.ravel().tolist() == want, name
    dim = np.array([[[[4, 6, 8, 8]]]], dtype=np.uint8)
    got = change_levels(levels.autocontrast, dim, np.zeros(1), scale)
    assert got.ravel().tolist() == [0, 8, 16, 16]


def test_equalized_digits_use_their_levels_about_evenly():
    images = digits().images[:50]
    images = images[images.reshape(50, -1).max(axis=1) == 16]
    out = change_levels(levels.equalize, images, np.zeros(len(images)), Scale(16.0, 16))
    assert out.max() <= 16
    for before, after in zip(images, out, strict=True):
        order = np.argsort(before, axis=None)
        assert (np.diff(after.ravel()[order].astype(int)) >= 0).all()  # a darker stays darker
        # a level's new value is the share of pixels that are darker
        for level in np.unique(before):
            darker = (before < level).sum()
            step = (64 - (before == before.max()).sum()) // 16
            want = min((step // 2 + darker) // step, 16) if step else level
            assert set(after[before == level].tolist()) == {want}


# --- colours -----------------------------------------------------------------------------

COLORS = {
    "saturate": (color.saturate, ImageEnhance.Color),
    "sharpen": (color.sharpen, ImageEnhance.Sharpness),
}


@pytest.mark.parametrize("name", COLORS)
def test_colour_and_sharpness_of_bytes_are_pillow_s(name):
    change, theirs = COLORS[name]
    for seed in range(4):
        images = photo_like(3, seed)
        got = change(images, FACTORS, BYTES)
        for image, factor, out in zip(images, FACTORS, got, strict=True):
            assert np.array_equal(out, ours(theirs(pillow(image)).enhance(float(factor))))
        floats = change((images / 255).astype(np.float32), FACTORS, ONE) * 255
        assert np.abs(floats - got).max() < 2.5  # smoothed or grey is rounded, then all is


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (3, 3), (9, 2), (5, 4)])
def test_sharpness_of_small_images_is_pillow_s(size):
    images = photo_like(1, size=size)
    got = color.sharpen(images, FACTORS, BYTES)
    for image, factor, out in zip(images, FACTORS, got, strict=True):
        assert np.array_equal(out, ours(ImageEnhance.Sharpness(pillow(image)).enhance(factor)))


def test_grey_is_pillow_s():
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 60, 60), dtype=np.uint8)
    want = [ours(pillow(image).convert("L")) for image in images]
    assert np.array_equal(levels.grey(images), want)
    assert np.abs(levels.grey(images.astype(float)) - want).max() < 0.51
    two = np.array([1, 4], dtype=np.uint8).reshape(1, 2, 1, 1)
    assert levels.grey(two).item() == 3  # 2.5 is rounded up, as all else is
    assert levels.grey(two.astype(float)).item() == 2.5


@pytest.mark.parametrize("turn", [-0.5, -0.13, 0.0, 0.05, 0.25, 0.5])
def test_hue_is_turned_as_colorsys_turns_it(turn):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (300, 3), dtype=np.uint8)
    pixels[:6] = [[0, 0, 0], [255, 255, 255], [9, 9, 9], [255, 0, 0], [7, 7, 3], [0, 255, 255]]
    want = []
    for pixel in pixels / 255:
        h, s, v = colorsys.rgb_to_hsv(*pixel)
        want.append(colorsys.hsv_to_rgb((h + turn) % 1, s, v))
    images = pixels.T.reshape(1, 3, 20, 15)
    expected = np.array(want).T.reshape(1, 3, 20, 15)
    exact = color.turn_hue(images / 255, np.array([turn]), ONE)
    assert np.abs(exact - expected).max() < 1e-9
    got = color.turn_hue(images, np.array([turn]), BYTES)
    assert np.abs(got - 255 * expected).max() < 0.5 + 1e-3
    if turn == 0:
        assert np.array_equal(got, images)


# --- places between pixels ---------------------------------------------------------------


def transformed(image: np.ndarray, matrix: np.ndarray, fill: int = 0) -> np.ndarray:
    """Let Pillow read one channel in floats, which it does not truncate."""
    H, W = image.shape
    (a, b, ty), (c, d, tx) = matrix
    # Pillow counts from the corner, columns first, and pixels have their centres at 1/2
    ci, cj = H / 2, W / 2
    data = (d, c, tx + cj - d * cj - c * ci, b, a, ty + ci - b * cj - a * ci)
    return np.asarray(
        Image.fromarray(image.astype(np.float32)).transform(
            (W, H), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR, fillcolor=fill
        )
    )


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    C=st.sampled_from([1, 3]),
    entries=st.lists(st.floats(-1.5, 1.5, width=16), min_size=4, max_size=4),
    shift=st.tuples(st.floats(-5, 5, width=16), st.floats(-5, 5, width=16)),
    seed=st.integers(0, 2**31),
)
def test_images_are_read_between_pixels_as_pillow_reads_them(size, C, entries, shift, seed):
    images = np.random.default_rng(seed).integers(0, 256, (2, C, *size), dtype=np.uint8)
    a, b, c, d = entries
    matrix = np.array([[a, b, shift[0]], [c, d, shift[1]]])
    matrices = np.stack([matrix, np.eye(2, 3)])
    got = resample(images.astype(np.float64), matrices, np.full(C, 5.0))
    want = np.stack([transformed(channel, matrix, 5) for channel in images[0]])
    agree = np.abs(got[0] - want) < 0.01
    # which side of the border a place upon it is on is a matter of rounding
    assert agree.all() or not _clear_of_borders(size, matrix)
    assert np.array_equal(got[1], images[1])
    in_bytes = resample(images, matrices, np.full(C, 5, np.uint8))
    assert (np.abs(in_bytes[0] - want) < 0.51)[agree].all()


def _clear_of_borders(size: tuple[int, int], matrix: np.ndarray) -> bool:
    """Tell whether no pixel is read where the image ends."""
    H, W = size
    i, j = np.mgrid[:H, :W].reshape(2, -1) - np.array([[(H - 1) / 2], [(W - 1) / 2]])
    places = matrix @ np.stack([i, j, np.ones_like(i)])
    return bool((np.abs(np.abs(places) - np.array([[H / 2], [W / 2]])) > 1e-3).all())


@pytest.mark.parametrize("size", [(28, 28), (33, 20)])
def test_rotation_is_pillow_s(size):
    images = photo_like(3, size=size)
    angles = np.array([-170.0, -45, -10, 3.3, 30, 90])
    got = resample(images, rotations(angles), np.array([1, 2, 3], np.uint8))
    for image, angle, out in zip(images, angles, got, strict=True):
        want = ours(
            pillow(image).rotate(angle, Image.Resampling.BILINEAR, fillcolor=(1, 2, 3))
        ).astype(int)
        difference = out - want
        same = (difference >= 0) & (difference <= 1)  # it truncates, we round
        assert same.mean() > 0.99, angle
        inside = (slice(None), *(slice(s // 3, -(s // 3)) for s in size))
        assert same[inside].all()


def test_a_rotation_of_all_is_a_rotation_of_each():
    """Many images are read in parts, which must not show."""
    images = photo_like(3, n=40, size=(32, 32))
    rotate = RandomRotation(30)
    alone = RandomRotation(30)(images, np.random.default_rng(0))
    angles = np.random.default_rng(0).uniform(-30, 30, 40)
    for image, angle, out in zip(images, angles, alone, strict=True):
        one = resample(image[np.newaxis], rotations(np.array([angle])), np.zeros(3, np.uint8))
        assert np.array_equal(out, one[0])
    assert np.array_equal(rotate(images, np.random.default_rng(0)), alone)


# --- RandAugment, operation by operation -------------------------------------------------

HALF = 0.5  # of the largest magnitude

RAND_AUGMENT = {
    "identity": lambda image, sign: image,
    "autocontrast": lambda image, sign: ImageOps.autocontrast(image),
    "equalize": lambda image, sign: ImageOps.equalize(image),
    "solarize": lambda image, sign: ImageOps.solarize(image, 127.5),
    "posterize": lambda image, sign: ImageOps.posterize(image, 6),
    "color": lambda image, sign: ImageEnhance.Color(image).enhance(1 + 0.45 * sign),
    "contrast": lambda image, sign: ImageEnhance.Contrast(image).enhance(1 + 0.45 * sign),
    "brightness": lambda image, sign: ImageEnhance.Brightness(image).enhance(1 + 0.45 * sign),
    "sharpness": lambda image, sign: ImageEnhance.Sharpness(image).enhance(1 + 0.45 * sign),
}
MATRICES = {
    "rotate": lambda sign, H, W: rotations(np.array([15.0 * sign]))[0],
    "shear_x": lambda sign, H, W: np.array([[1, 0, 0], [0.15 * sign, 1, 0]]),
    "shear_y": lambda sign, H, W: np.array([[1, 0.15 * sign, 0], [0, 1, 0]]),
    "translate_x": lambda sign, H, W: np.array([[1, 0, 0], [0, 1, sign * (W * 75 // 331)]]),
    "translate_y": lambda sign, H, W: np.array([[1, 0, sign * (H * 75 // 331)], [0, 1, 0]]),
}


def changed(name: str, images: np.ndarray, signs: np.ndarray) -> np.ndarray:
    out = images.copy()
    drawn = np.full(len(images), rand_augment.RAND_AUGMENT_OPERATIONS.index(name))
    rand_augment._change(out, drawn, signs, HALF, BYTES, np.zeros(images.shape[1], np.uint8))
    return out


@pytest.mark.parametrize("name", rand_augment.RAND_AUGMENT_OPERATIONS)
def test_an_operation_of_rand_augment_is_pillow_s_at_its_strength(name):
    images = photo_like(3)
    signs = np.array([1.0, -1, 1, -1, 1, -1])
    got = changed(name, images, signs)
    for image, sign, out in zip(images, signs, got, strict=True):
        if name in MATRICES:
            matrix = MATRICES[name](sign, *image.shape[1:])
            want = np.stack([transformed(channel, matrix) for channel in image])
            assert (np.abs(out - want) < 0.51).mean() > 0.99
        else:
            assert np.array_equal(out, ours(RAND_AUGMENT[name](pillow(image), sign)))
    if name != "identity":
        assert not np.array_equal(got, images)


def test_operations_on_images_of_one_batch_do_not_meet():
    """Images that drew different operations are changed as if each were alone."""
    images = photo_like(3, n=60)
    out = RandAugment(n=1, magnitude=15)(images, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    drawn = rng.integers(0, 14, 60)
    signs = np.where(rng.random(60) < 0.5, -1.0, 1.0)
    for k in range(60):
        name = rand_augment.RAND_AUGMENT_OPERATIONS[drawn[k]]
        alone = changed(name, images[k : k + 1], signs[k : k + 1])
        assert np.array_equal(out[k], alone[0])


def test_a_cutout_by_hand():
    x = np.arange(1, 17, dtype=np.uint8).reshape(1, 1, 4, 4)
    # the first draws of this generator: centre (3, 2), so rows 2 and 3, columns 1 and 2
    rng = np.random.default_rng(0)
    assert np.random.default_rng(0).integers(0, [[4], [4]], size=(2, 1)).ravel().tolist() == [3, 2]
    assert Cutout(2)(x, rng)[0, 0].tolist() == [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
        [9, 0, 0, 12],
        [13, 0, 0, 16],
    ]
