"""Laws of augmentations: the class stays, the generator decides, the input is left alone."""

from __future__ import annotations

import ast
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnpy.contract.errors import DataError, DtypeError, OptionError, ShapeError
from cnnpy.data import (
    Chain,
    ColorJitter,
    Cutout,
    Dataset,
    Loader,
    Preprocessing,
    RandAugment,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomShift,
)
from cnnpy.data.augment import RAND_AUGMENT_OPERATIONS

IMAGES = np.random.default_rng(0).integers(1, 256, (200, 2, 5, 7), dtype=np.uint8)
COLOURED = np.random.default_rng(1).integers(0, 256, (64, 3, 9, 11), dtype=np.uint8)

EVERY = [
    RandomShift(2),
    RandomShift(2, "reflect"),
    RandomCrop(padding=2),
    RandomCrop((4, 3)),
    RandomCrop(8, padding=3, fill="reflect"),
    RandomFlip(),
    RandomFlip(0.3, "vertical"),
    RandomRotation(30),
    RandomRotation((10, 20), fill=7),
    ColorJitter(0.4, 0.4, 0.4, 0.1),
    ColorJitter(hue=(0.2, 0.3)),
    Cutout(3),
    Cutout((2, 5), fill=(1, 2, 3), p=0.5),
    RandomErasing(),
    RandomErasing(p=0.9, fill="noise"),
    RandAugment(),
    RandAugment(3, 20, fill=9),
    Chain(RandomFlip(), RandomShift(1), Cutout(2)),
]

every = pytest.mark.parametrize("augment", EVERY, ids=repr)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- what holds for each -----------------------------------------------------------------


@every
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_the_generator_decides_and_the_input_is_left_alone(augment, dtype):
    images = COLOURED if dtype == np.uint8 else (COLOURED / 255).astype(dtype)
    before = images.copy()
    images.flags.writeable = False
    out = augment(images, rng(1))
    assert np.array_equal(out, augment(images, rng(1)))
    assert not np.array_equal(out, augment(images, rng(2)))
    assert out.dtype == dtype
    assert out.shape[:2] == images.shape[:2]
    none = augment(images[:0], rng())
    assert none.shape == (0, *out.shape[1:])
    assert none.dtype == dtype
    out[:] = 0
    assert np.array_equal(images, before)
    images.flags.writeable = True


@every
def test_images_may_lie_in_any_way(augment):
    want = augment(COLOURED, rng(3))
    for lying in (
        np.ascontiguousarray(COLOURED.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
        np.repeat(COLOURED, 2, axis=3)[..., ::2],
        COLOURED[:, :, ::-1].copy()[:, :, ::-1],
    ):
        assert np.array_equal(augment(lying, rng(3)), want)


@pytest.mark.parametrize(
    ("augment", "most"),
    [
        (RandomShift(2), 0),
        (RandomCrop(7, padding=1, fill="reflect"), 0),
        (RandomFlip(), 0),
        (Cutout(3), 0),
        (RandomErasing(), 0),
        (RandomRotation(30), 0.501),  # bytes are rounded
        # truncated by each of the three, which may stretch by 1.4 what came before
        (ColorJitter(0.4, 0.4, 0.4), 1 + 1.4 + 1.96 + 0.4),
    ],
    ids=repr,
)
def test_floats_are_changed_as_bytes_of_the_same_seed_are(augment, most):
    got = augment(COLOURED / 255, rng(4)) * 255
    assert np.abs(got - augment(COLOURED, rng(4))).max() <= most + 1e-9


@every
def test_no_augmentation_takes_what_is_no_batch_of_pixels(augment):
    if isinstance(augment, Chain):
        return
    for wrong, error in (
        (COLOURED[0], ShapeError),
        (COLOURED.astype(np.int32), DtypeError),
        (COLOURED.tolist(), DtypeError),
    ):
        with pytest.raises(error) as caught:
            augment(wrong, rng())
        assert str(caught.value).startswith(augment.NAME)
        assert len(str(caught.value).splitlines()) == 3


@every
def test_a_repr_can_be_evaluated(augment):
    assert eval(repr(augment)) == augment
    assert hash(eval(repr(augment))) == hash(augment)


@settings(deadline=None, max_examples=60)
@given(
    shape=st.tuples(st.integers(0, 5), st.sampled_from([1, 2, 3]), *[st.integers(1, 9)] * 2),
    dtype=st.sampled_from([np.uint8, np.float32, np.float64]),
    seed=st.integers(0, 2**31),
)
def test_images_of_any_shape_stay_pixels_of_their_scale(shape, dtype, seed):
    images = rng(seed).integers(0, 17, shape, dtype=np.uint8).astype(dtype)
    for augment in (
        RandomCrop(padding=min(3, *(side - 1 for side in shape[2:]))),
        RandomRotation(180),
        ColorJitter(1, 1, white=16),
        Cutout(4),
        RandomErasing(1, fill="noise", white=16),
        RandAugment(3, 30, white=16),
    ):
        out = augment(images, rng(seed))
        assert out.shape == images.shape
        assert out.dtype == dtype
        assert ((out >= 0) & (out <= 16)).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: RandomShift(-1),
        lambda: RandomShift(1.5),
        lambda: RandomShift(1, "mirror"),
        lambda: RandomCrop(0),
        lambda: RandomCrop((3, 4, 5)),
        lambda: RandomCrop(padding=-1),
        lambda: RandomFlip(1.5),
        lambda: RandomFlip(direction="diagonal"),
        lambda: RandomRotation(361),
        lambda: RandomRotation((30, -30)),
        lambda: RandomRotation((1, 2, 3)),
        lambda: RandomRotation("wide"),
        lambda: ColorJitter(-0.1),
        lambda: ColorJitter(hue=0.6),
        lambda: ColorJitter(white=0),
        lambda: Cutout(0),
        lambda: Cutout(4, fill=()),
        lambda: Cutout(4, p=2),
        lambda: RandomErasing(area=0),
        lambda: RandomErasing(ratio=(2, 1)),
        lambda: RandomErasing(fill="snow"),
        lambda: RandAugment(n=-1),
        lambda: RandAugment(n=31),
        lambda: RandAugment(magnitude=31),
        lambda: Chain(3),
    ],
)
def test_options_out_of_range_are_refused(make):
    with pytest.raises(OptionError) as caught:
        make()
    assert len(str(caught.value).splitlines()) == 3


# --- shifts, crops and flips -------------------------------------------------------------


@pytest.mark.parametrize("fill", ["zero", "edge", "reflect"])
@pytest.mark.parametrize("pixels", [0, 1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("kind", ["shift", "crop"])
def test_every_image_is_one_of_its_shifts_and_all_shifts_occur(fill, pixels, dtype, kind):
    images = IMAGES.astype(dtype)
    augment = RandomShift(pixels, fill) if kind == "shift" else RandomCrop(None, pixels, fill)
    out = augment(images, rng())
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
    if fill == "reflect":
        rows, columns = (
            np.where(k < 0, -k, np.where(k > size - 1, 2 * (size - 1) - k, k))
            for k, size in ((rows, H), (columns, W))
        )
    source = image[:, np.clip(rows, 0, H - 1)][:, :, np.clip(columns, 0, W - 1)]
    return source * inside if fill == "zero" else source


def test_a_crop_is_a_window_of_the_image_and_all_windows_occur():
    image = np.arange(12, dtype=np.uint8).reshape(1, 1, 3, 4)
    out = RandomCrop((2, 3))(np.repeat(image, 100, axis=0), rng())
    assert out.shape == (100, 1, 2, 3)
    assert set(out[:, 0, 0, 0].tolist()) == {0, 1, 4, 5}
    first = out[:, :, :1, :1]
    steps = np.array([[0, 1, 2], [4, 5, 6]], dtype=np.uint8)
    assert np.array_equal(out, first + steps)


def test_a_flip_mirrors_about_half_of_the_images():
    for direction, mirrored in (
        ("horizontal", IMAGES[..., ::-1]),
        ("vertical", IMAGES[:, :, ::-1]),
    ):
        out = RandomFlip(direction=direction)(IMAGES, rng())
        flipped = (out == mirrored).all(axis=(1, 2, 3))
        kept = (out == IMAGES).all(axis=(1, 2, 3))
        assert (flipped ^ kept).all()
        assert 60 < flipped.sum() < 140
        assert np.array_equal(RandomFlip(1.0, direction)(IMAGES, rng()), mirrored)
        assert np.array_equal(RandomFlip(0.0, direction)(IMAGES, rng()), IMAGES)


def test_a_shift_out_of_the_image_is_refused():
    with pytest.raises(ShapeError, match="use pixels=1"):
        RandomShift(5)(IMAGES, rng())
    with pytest.raises(ShapeError, match="use pixels=0"):
        RandomShift(1)(IMAGES[:, :, :1], rng())


def test_a_window_that_does_not_fit_is_refused_and_the_mend_fits():
    with pytest.raises(ShapeError, match="use padding=2") as caught:
        RandomCrop((8, 7), padding=1)(IMAGES, rng())
    assert "at most (7, 9)" in str(caught.value)
    assert RandomCrop((8, 7), padding=2)(IMAGES, rng()).shape == (200, 2, 8, 7)
    with pytest.raises(ShapeError, match=r"use size=\(5, 7\)"):
        RandomCrop(10**9, padding=1)(IMAGES, rng())
    assert RandomCrop((5, 7), padding=1)(IMAGES, rng()).shape == IMAGES.shape


@pytest.mark.parametrize("fill", ["zero", "edge", "reflect"])
@pytest.mark.parametrize("size", [None, 3, (9, 11)])
def test_each_window_shows_some_of_its_image(size, fill):
    with pytest.raises(ShapeError, match="shows some of its image") as caught:
        RandomCrop(size, padding=10**9, fill=fill)(IMAGES, rng())
    most = int(caught.value.mend.removeprefix("use padding="))
    out = RandomCrop(size, padding=most, fill=fill)(IMAGES, rng())  # of pixels from 1 on
    assert out.any(axis=(1, 2, 3)).all()
    with pytest.raises(ShapeError):
        RandomCrop(size, padding=most + 1, fill=fill)(IMAGES, rng())


# --- what hides a rectangle --------------------------------------------------------------


def rectangle(hidden: np.ndarray) -> tuple[int, int, int, int]:
    """Return the rectangle (top, bottom, left, right) that is hidden, which must be one."""
    rows, columns = np.flatnonzero(hidden.any(axis=1)), np.flatnonzero(hidden.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    assert hidden[top:bottom, left:right].all()
    assert hidden.sum() == (bottom - top) * (right - left)
    return int(top), int(bottom), int(left), int(right)


@pytest.mark.parametrize("size", [1, 2, 3, (2, 4), (9, 12), 10**30])
def test_a_cutout_hides_one_square_whose_centre_is_anywhere(size):
    ones = np.ones((2000, 1, 5, 6), dtype=np.uint8)
    out = Cutout(size)(ones, rng())
    h, w = (size, size) if isinstance(size, int) else size
    found = {rectangle(image[0] == 0) for image in out}
    want = {
        (max(i - h // 2, 0), min(i - h // 2 + h, 5), max(j - w // 2, 0), min(j - w // 2 + w, 6))
        for i in range(5)
        for j in range(6)
    }
    assert found == want


def test_a_cutout_has_its_probability_and_its_fill():
    ones = np.ones((400, 3, 5, 6))
    out = Cutout(2, fill=(0.25, 0.5, 0.75), p=0.25)(ones, rng())
    changed = (out != 1).any(axis=(1, 2, 3))
    assert 70 < changed.sum() < 130
    for c, value in enumerate((0.25, 0.5, 0.75)):
        assert set(out[changed][:, c].ravel().tolist()) == {value, 1.0}
    assert np.array_equal(Cutout(2, p=0)(ones, rng()), ones)


def test_random_erasing_keeps_to_its_area_and_ratio():
    ones = np.ones((500, 1, 40, 40), dtype=np.uint8)
    out = RandomErasing(p=0.6, area=(0.1, 0.3), ratio=(0.5, 2))(ones, rng())
    changed = (out == 0).any(axis=(1, 2, 3))
    assert 260 < changed.sum() < 340
    shares, ratios, tops = [], [], []
    for image in out[changed]:
        top, bottom, left, right = rectangle(image[0] == 0)
        shares.append((bottom - top) * (right - left) / 1600)
        ratios.append((bottom - top) / (right - left))
        tops.append(top)
    assert 0.09 < min(shares) < 0.12 and 0.27 < max(shares) < 0.32
    assert 0.45 < min(ratios) < 0.55 and 1.8 < max(ratios) < 2.2
    assert 0.4 < np.mean(np.array(ratios) > 1) < 0.6  # as often high as wide
    assert min(tops) == 0


def test_a_rectangle_that_cannot_fit_is_not_erased():
    ones = np.ones((50, 1, 4, 40), dtype=np.uint8)
    tall = RandomErasing(p=1, area=(0.9, 0.9), ratio=(1, 1))
    assert np.array_equal(tall(ones, rng()), ones)


def test_noise_is_of_all_levels_of_the_scale():
    black = np.zeros((200, 1, 8, 8), dtype=np.uint8)
    erase = RandomErasing(p=1, area=(0.5, 0.5), ratio=(1, 1), fill="noise", white=16)
    assert set(erase(black, rng()).ravel().tolist()) == set(range(17))
    noise = erase(black.astype(np.float32), rng())
    assert 15.5 < noise.max() < 16


@pytest.mark.parametrize(
    "augment", [Cutout(2, fill=(1, 2)), RandomRotation(5, (1, 2)), RandAugment(fill=(1, 2))]
)
def test_a_fill_of_other_channels_is_refused(augment):
    with pytest.raises(ShapeError, match="give 3 values"):
        augment(COLOURED, rng())
    augment(COLOURED[:, :2], rng())


def test_a_fill_of_bytes_is_a_byte():
    with pytest.raises(OptionError, match="use fill=255"):
        Cutout(2, fill=300)(COLOURED, rng())
    assert Cutout(2, fill=300)(COLOURED.astype(np.float32), rng()).max() == 300


# --- rotation ----------------------------------------------------------------------------


def test_every_image_has_an_angle_of_its_own_from_the_range():
    half = np.zeros((300, 1, 41, 41))
    half[:, :, :, 20] = 1.0  # a line through the centre
    out = RandomRotation((10, 40))(half, rng())
    i, j = np.arange(41) - 20.0, np.arange(41) - 20.0
    # the line's direction, by the second moments of what it covers
    weights = out[:, 0] * (np.hypot(i[:, np.newaxis], j) < 18)
    ii, jj, ij = (
        (weights * f).sum(axis=(1, 2)) for f in (i[:, np.newaxis] ** 2, j**2, i[:, np.newaxis] * j)
    )
    angles = np.rad2deg(np.arctan2(2 * ij, ii - jj)) / 2
    assert 9.5 < angles.min() < 11 and 39 < angles.max() < 40.5
    assert len(np.unique(angles.round(3))) > 280


def test_a_quarter_turn_moves_pixels_as_rot90_does():
    square = COLOURED[:, :, :, :9]
    for turns in range(4):
        got = RandomRotation((90 * turns, 90 * turns))(square, rng())
        assert np.array_equal(got, np.rot90(square, turns, axes=(2, 3)))


# --- colours -----------------------------------------------------------------------------


def test_strengths_are_drawn_an_image_each_from_their_range():
    grey = np.full((500, 1, 2, 2), 100.0)
    factors = ColorJitter(brightness=0.3, white=255)(grey, rng())[:, 0, 0, 0] / 100
    assert 0.7 <= factors.min() < 0.72 and 1.28 < factors.max() <= 1.3
    factors = ColorJitter(brightness=(0.2, 0.4), white=255)(grey, rng())[:, 0, 0, 0] / 100
    assert 0.2 <= factors.min() < 0.21 and 0.39 < factors.max() <= 0.4
    assert ColorJitter(brightness=3, white=255)(grey, rng()).min() >= 0


def test_the_order_of_the_changes_is_drawn():
    images = COLOURED[:8]
    fixed = ColorJitter(brightness=(1.8, 1.8), contrast=(0.3, 0.3))
    found = {fixed(images, rng(seed)).tobytes() for seed in range(20)}
    assert len(found) == 2


def test_jitter_of_nothing_is_a_copy():
    out = ColorJitter()(COLOURED, rng())
    assert np.array_equal(out, COLOURED)
    assert out is not COLOURED


def test_colours_need_three_channels_and_the_mend_says_what_is_left():
    with pytest.raises(ShapeError, match=r"use ColorJitter\(brightness=0.2\)"):
        ColorJitter(0.2, saturation=0.5)(IMAGES, rng())
    with pytest.raises(ShapeError, match="leave color_jitter out"):
        ColorJitter(hue=0.1)(IMAGES[:, :1], rng())
    assert ColorJitter(0.2, 0.2)(IMAGES[:, :1], rng()).shape == (200, 1, 5, 7)


@pytest.mark.parametrize("augment", [ColorJitter(0.2), RandAugment(), RandomErasing(fill="noise")])
def test_pixels_off_the_scale_are_refused(augment):
    floats = np.array([[[[0.0, 1.0]]]])
    with pytest.raises(DataError, match="before they are standardised"):
        augment(floats - 0.5, rng())
    with pytest.raises(DataError, match="white=255"):
        augment(floats * 200, rng())
    with pytest.raises(DataError, match="images holds nan"):
        augment(floats * np.nan, rng())
    on_16 = type(augment)(**{**vars(augment), "white": 16})
    with pytest.raises(DataError, match=r"images holds 17\n.*from 0 to white=16"):
        on_16(np.array([[[[0, 17]]]], dtype=np.uint8), rng())
    assert on_16(np.array([[[[0, 16]]]], dtype=np.uint8), rng()).max() <= 16


# --- RandAugment -------------------------------------------------------------------------


@pytest.mark.parametrize("white", [0.1, 0.3, 1.7])
def test_full_brightness_of_float32_is_on_the_scale(white):
    # 0.1 in float32 is above 0.1
    images = np.full((2, 3, 4, 4), white, np.float32)
    out = ColorJitter(0.2, 0.2, 0.2, 0.1, white)(images, np.random.default_rng(0))
    assert out.dtype == np.float32
    assert out.max() <= np.float32(white)


@pytest.mark.parametrize("value", [(0.5,), (0.4, 0.2), (0.1, 0.3, 0.2), (200.0, 0.25, -3.0)])
def test_the_mend_of_a_wrong_range_is_a_right_one(value):
    with pytest.raises(OptionError) as error:
        ColorJitter(brightness=value)
    mend = re.search(r"use brightness=(\(.*\))", str(error.value))
    low, high = ast.literal_eval(mend[1])
    assert ColorJitter(brightness=(low, high)).brightness == (low, high)
    assert {low, high} <= set(value)


def test_each_operation_is_drawn_as_often(monkeypatch):
    from cnnpy.data.augment import rand_augment

    drawn = []

    def record(out, operations, signs, share, scale, fill):
        drawn.append((operations, signs, share))

    monkeypatch.setattr(rand_augment, "_change", record)
    RandAugment(n=3, magnitude=15)(np.zeros((4200, 1, 2, 2), dtype=np.uint8), rng())
    assert len(drawn) == 3
    counts = np.bincount(np.concatenate([o for o, _, _ in drawn]))
    assert len(counts) == len(RAND_AUGMENT_OPERATIONS) == 14
    assert (np.abs(counts - 900) < 5 * 900**0.5).all()
    signs = np.concatenate([s for _, s, _ in drawn])
    assert set(signs.tolist()) == {-1.0, 1.0}
    assert abs(signs.mean()) < 0.05
    assert {share for _, _, share in drawn} == {0.5}


def test_no_operation_is_the_image_itself():
    assert np.array_equal(RandAugment(n=0)(COLOURED, rng()), COLOURED)


@pytest.mark.parametrize("C", [1, 2, 5])
def test_images_of_any_channels_are_augmented(C):
    images = rng().integers(0, 256, (64, C, 8, 8), dtype=np.uint8)
    out = RandAugment()(images, rng())
    assert out.shape == images.shape
    assert not np.array_equal(out, images)


# --- in a chain and in a loader ----------------------------------------------------------


def test_a_chain_applies_in_order_and_an_empty_one_does_nothing():
    def add_one(images, _):
        return images + 1

    def double(images, _):
        return images * 2

    ones = np.ones((1, 1, 1, 1))
    assert Chain(add_one, double)(ones, rng()).item() == 4
    assert Chain(double, add_one)(ones, rng()).item() == 3
    assert Chain()(ones, rng()) is ones


def test_a_loader_tells_augmentations_the_white_of_its_data():
    images = np.full((4, 1, 2, 2), 10, dtype=np.uint8)
    data = Dataset(images, np.zeros(4, int), ("a",), white=16.0)
    bright = Chain(RandomFlip(), ColorJitter(brightness=(9, 9)))
    options = {"shuffle": False, "seed": 0, "augment": bright, "prefetch": 0}
    ((x, _),) = Loader(data, 4, **options)
    assert x.max() == 16
    fitted = Preprocessing((1, 2, 2), (0.0,), (1.0,), white=12.0)
    ((x, _),) = Loader((images, data.labels), 4, preprocessing=fitted, **options)
    assert x.max() == 12
    ((x, _),) = Loader((images, data.labels), 4, **options)
    assert x.max() == 90  # 9 times 10, below 255
