"""Laws of preprocessing: mean 0, spread 1, and nothing believed that comes from a file."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cnnpy.contract.errors import CnnpyError, DataError, DtypeError, OptionError, ShapeError
from cnnpy.data import Dataset, Preprocessing, digits

RGB = np.random.default_rng(0).integers(0, 256, (50, 3, 6, 5), dtype=np.uint8)


def test_what_was_fitted_comes_out_with_mean_0_and_spread_1():
    out = Preprocessing.fit(RGB).apply(RGB)
    assert out.dtype == np.float32
    assert np.abs(out.mean(axis=(0, 2, 3), dtype=np.float64)).max() < 1e-5
    assert np.abs(out.std(axis=(0, 2, 3), dtype=np.float64) - 1).max() < 1e-5


def test_the_moments_are_those_of_numpy_in_float64(monkeypatch):
    fitted = Preprocessing.fit(RGB)
    assert np.allclose(fitted.mean, RGB.mean(axis=(0, 2, 3)), rtol=1e-14)
    assert np.allclose(fitted.std, RGB.std(axis=(0, 2, 3)), rtol=1e-13)
    monkeypatch.setattr("cnnpy.data.chunks._CHUNK_VALUES", 100)
    parts = Preprocessing.fit(RGB)
    assert np.allclose(parts.mean, fitted.mean, rtol=1e-14)
    assert np.allclose(parts.std, fitted.std, rtol=1e-13)


def test_the_moments_of_bytes_are_the_exact_ones_rounded_once():
    mean, variance = [], []
    for channel in RGB.transpose(1, 0, 2, 3).reshape(3, -1):
        values = [Fraction(int(v)) for v in channel]
        mean.append(sum(values) / len(values))
        variance.append(sum((v - mean[-1]) ** 2 for v in values) / len(values))
    fitted = Preprocessing.fit(RGB)
    assert fitted.mean == tuple(float(m) for m in mean)
    assert fitted.std == tuple(math.sqrt(float(v)) for v in variance)


def test_the_moments_do_not_depend_on_how_images_lie_or_are_ordered():
    fitted = Preprocessing.fit(RGB)
    last = np.ascontiguousarray(RGB.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert Preprocessing.fit(last) == Preprocessing.fit(RGB[::-1]) == fitted


def test_a_constant_channel_becomes_0():
    for value in (0, 0.1, 255, 1e-3):
        images = np.full((7, 2, 3, 3), value, np.float64)
        images[:, 1] = np.arange(9).reshape(3, 3)
        fitted = Preprocessing.fit(images)
        assert fitted.std[0] == 1
        assert not fitted.apply(images)[:, 0].any()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("out", ["float32", "float64"])
def test_any_strides_and_pixel_dtypes_give_the_same(dtype, out):
    fitted = Preprocessing.fit(RGB, dtype=out)
    want = fitted.apply(RGB)
    images = RGB.astype(dtype)
    images.flags.writeable = False
    last = np.ascontiguousarray(images.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    for given_images in (images, last, images[:, :, ::-1][:, :, ::-1]):
        got = fitted.apply(given_images)
        assert got.dtype == np.dtype(out)
        assert got.flags.writeable
        assert np.allclose(got, want, rtol=1e-6, atol=1e-6)
    assert np.array_equal(fitted.apply(RGB[:0]), want[:0])
    assert np.array_equal(fitted.apply(RGB[3:4]), want[3:4])


def test_white_scales_images_of_another_brightness():
    data = digits()
    fitted = Preprocessing.fit(data)
    assert fitted.white == 16
    as_bytes = (data.images * (255 / 16)).astype(np.float32)
    assert np.allclose(fitted.apply(as_bytes, white=255), fitted.apply(data.images), atol=1e-5)
    assert np.array_equal(fitted.apply(data.images, white=16), fitted.apply(data.images))
    with pytest.raises(OptionError, match="white=0"):
        fitted.apply(data.images, white=0)


SHAPES = [
    ((2, 6, 5, 3), "transpose(0, 3, 1, 2)"),
    ((2, 1, 6, 5), "repeat(3, axis=1)"),
    ((2, 3, 8, 8), "resize the images to H=6, W=5"),
    ((2, 4, 8, 8), "give images with C=3, H=6, W=5"),
    ((3, 6, 5), "images[np.newaxis]"),
]


@pytest.mark.parametrize(("shape", "mend"), SHAPES)
def test_images_of_another_shape_are_refused_with_the_mend(shape, mend):
    with pytest.raises(ShapeError) as caught:
        Preprocessing.fit(RGB).apply(np.zeros(shape, np.uint8))
    assert mend in caught.value.mend
    assert str(shape) in caught.value.given


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(DataError, match="no images to fit"):
        Preprocessing.fit(RGB[:0])
    with pytest.raises(DtypeError, match="int64"):
        Preprocessing.fit(RGB.astype(int))
    for value in (np.nan, np.inf):
        images = RGB.astype(np.float32)
        images[3, 2, 1, 0] = value
        with pytest.raises(DataError, match="NaN or infinity"):
            Preprocessing.fit(images)
    with pytest.raises(OptionError):
        Preprocessing.fit(np.array([-1e300, 1e300, 0]).reshape(3, 1, 1, 1))


def test_a_data_set_brings_its_brightness():
    data = Dataset(RGB, np.zeros(50, int), ("a",), white=100)
    assert Preprocessing.fit(data, white=7).white == 100


@settings(max_examples=50, deadline=None)
@given(
    arrays.arrays(
        np.float64,
        st.tuples(*[st.integers(1, 4)] * 4),
        elements=st.floats(-1e6, 1e6, allow_subnormal=False),
    )
)
def test_json_keeps_every_bit(images):
    try:
        fitted = Preprocessing.fit(images)
    except OptionError:  # a spread too small for float32
        return
    again = Preprocessing.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again == fitted
    assert np.array_equal(again.apply(images), fitted.apply(images))


GOOD = Preprocessing.fit(RGB).to_dict()
BAD = [
    ([], "is a list"),
    (None, "is a NoneType"),
    ({}, "has the entries"),
    (GOOD | {"run": "rm"}, "'run'"),
    ({k: GOOD[k] for k in list(GOOD)[1:]}, "has the entries"),
    (GOOD | {"shape": [3, 6]}, "shape="),
    (GOOD | {"shape": [3, 6, 0]}, "shape="),
    (GOOD | {"shape": [3, 6, 1 << 40]}, "shape="),
    (GOOD | {"shape": [3, 6, 5.0]}, "shape="),
    (GOOD | {"shape": [True, 6, 5]}, "shape="),
    (GOOD | {"shape": "365"}, "shape="),
    (GOOD | {"mean": [1, 2]}, "mean has 2 values"),
    (GOOD | {"mean": 3}, "mean="),
    (GOOD | {"mean": [1, 2, "3"]}, "mean="),
    (GOOD | {"mean": [1, 2, None]}, "mean="),
    (GOOD | {"mean": [1, 2, float("nan")]}, "mean="),
    (GOOD | {"mean": [1, 2, 10**400]}, "mean="),
    (GOOD | {"mean": [1, 2, 1e39]}, "mean="),
    (GOOD | {"std": [1, 2, 0]}, "std="),
    (GOOD | {"std": [1, 2, -1]}, "std="),
    (GOOD | {"std": [1, 2, 1e-300]}, "std="),
    (GOOD | {"std": [1, 2, True]}, "std="),
    (GOOD | {"white": 0}, "white="),
    (GOOD | {"white": float("inf")}, "white="),
    (GOOD | {"white": "255"}, "white="),
    (GOOD | {"dtype": "float16"}, "dtype="),
    (GOOD | {"dtype": ["float32"]}, "dtype="),
    (GOOD | {"dtype": "x" * 9999}, "dtype="),
]


@pytest.mark.parametrize(("entries", "given_text"), BAD)
def test_entries_of_a_stranger_are_checked(entries, given_text):
    with pytest.raises(DataError) as caught:
        Preprocessing.from_dict(entries)
    assert given_text in caught.value.given
    assert len(str(caught.value).splitlines()) == 3
    assert len(str(caught.value)) < 600
    assert isinstance(caught.value, CnnpyError)
