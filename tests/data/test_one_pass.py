"""Batches made in one pass are those of augmentation and preprocessing, to the bit."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import cnnpy
from cnnpy.backends import registry
from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.data import (
    Chain,
    Cutout,
    Loader,
    Preprocessing,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomShift,
)

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("cnnpy.backends.native._native") is None,
    reason="the compiled engine is not in this install",
)


def invert(images, rng):
    """Change images as a user might, drawing."""
    return images ^ rng.integers(0, 2, (len(images), 1, 1, 1), np.uint8) * np.uint8(255)


class NoShift(RandomShift):
    """An augmentation of one's own that stands on one of ours."""

    def __call__(self, images, rng):
        return images


class NoCutout(Cutout):
    """An augmentation of one's own that could hide something."""

    def __call__(self, images, rng):
        return images


ONE_PASS = {
    "none": None,
    "shift": RandomShift(2),
    "shift by nothing": RandomShift(0),
    "shift with edge": RandomShift(1, "edge"),
    "shift with reflection": RandomShift(2, "reflect"),
    "crop": RandomCrop(padding=2),
    "crop with reflection": RandomCrop(padding=2, fill="reflect"),
    "flip": RandomFlip(),
    "vertical flip": RandomFlip(0.5, "vertical"),
    "shift, flip": Chain(RandomShift(2), RandomFlip()),
    "flip, shift": Chain(RandomFlip(0.7), RandomShift(2)),
    "flips, shift, flips": Chain(
        RandomFlip(direction="vertical"),
        RandomFlip(),
        RandomCrop(padding=2, fill="reflect"),
        RandomFlip(0.4, "vertical"),
    ),
    "flip, shift with edge, flip": Chain(RandomFlip(), Chain(RandomShift(2, "edge"), RandomFlip())),
    "cutout": Cutout(3),
    "crop, flip, cutout": Chain(RandomCrop(padding=1), RandomFlip(), Cutout((2, 3), fill=77)),
    "cutout of some": Cutout(2, p=0.5),
    "empty chain": Chain(),
}
SEVERAL = {
    "two shifts": Chain(RandomShift(1), RandomShift(1, "edge")),
    "a shift and a crop": Chain(RandomShift(1), RandomCrop(padding=1)),
    "cutout, flip": Chain(Cutout(2), RandomFlip()),
    "two cutouts": Chain(Cutout(2), Cutout(2)),
    "rotation": Chain(RandomFlip(), RandomRotation(20)),
    "a function": invert,
    "a function in a chain": Chain(RandomFlip(), invert, RandomShift(1)),
    "a subclass": Chain(RandomFlip(), NoShift(2)),
    "a subclass that hides": Chain(RandomFlip(), NoCutout(2)),
}
LAYOUTS = {
    "C order": np.ascontiguousarray,
    "channels last": lambda a: np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2),
    "strided": lambda a: np.repeat(a, 2, axis=3)[..., ::2],
}


def pixels(*shape: int) -> np.ndarray:
    images = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    images.flags.writeable = False
    return images


def epoch(images, backend, *, dtype="float32", prefetch=0, **options) -> list[np.ndarray]:
    C = images.shape[1]
    fitted = Preprocessing(
        images.shape[1:], tuple(100 + 9.7 * k for k in range(C)), (51.3,) * C, dtype=dtype
    )
    with cnnpy.use_backend(backend):
        loader = Loader(
            (images, np.arange(len(images))),
            8,
            shuffle=True,
            seed=5,
            preprocessing=fitted,
            prefetch=prefetch,
            **options,
        )
        return [x for x, _ in loader]


@pytest.mark.parametrize("shape", [(21, 1, 5, 7), (21, 3, 7, 4), (9, 5, 3, 17), (0, 3, 4, 4)])
@pytest.mark.parametrize("name", ONE_PASS | SEVERAL)
def test_a_seed_names_the_same_batches_on_every_backend(name, shape):
    augment = (ONE_PASS | SEVERAL)[name]
    for dtype in ("float32", "float64"):
        for lies in LAYOUTS.values():
            images = lies(pixels(*shape))
            got = epoch(images, "native", augment=augment, dtype=dtype)
            want = epoch(images, "numpy", augment=augment, dtype=dtype)
            assert len(got) == len(want)
            for a, b in zip(got, want, strict=True):
                assert a.shape == b.shape
                assert a.dtype == b.dtype == dtype
                assert a.flags.writeable
                assert np.array_equal(a, b)


@pytest.mark.parametrize("name", ONE_PASS | SEVERAL)
def test_what_only_moves_pixels_is_one_pass(name, monkeypatch):
    compiled = registry.companion("native", "images")
    taken = []
    original = compiled.images_from_bytes

    def record(images, values, chosen=None, moves=None, **options):
        taken.append(moves is not None)
        return original(images, values, chosen, moves, **options)

    monkeypatch.setattr(compiled, "images_from_bytes", record)
    epoch(pixels(16, 3, 6, 5), "native", augment=(ONE_PASS | SEVERAL)[name])
    # beside the batches, those that are preprocessed alone
    assert taken == [name in ONE_PASS] * 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_images_of_floats_are_prepared_as_before(dtype):
    images = pixels(10, 3, 6, 5).astype(dtype)
    augment = ONE_PASS["shift, flip"]
    got, want = (epoch(images, backend, augment=augment) for backend in ("native", "numpy"))
    assert all(np.array_equal(a, b) for a, b in zip(got, want, strict=True))


def test_preprocessing_of_one_s_own_is_asked():
    class Halved(Preprocessing):
        def apply(self, images, *, white=None):
            return super().apply(images, white=white) / 2

    images = pixels(4, 1, 3, 3)
    plain, halved = (kind((1, 3, 3), (9.0,), (3.0,)) for kind in (Preprocessing, Halved))
    options = {"shuffle": False, "seed": 0, "prefetch": 0}
    (x, _), *_ = Loader((images, np.zeros(4, int)), 4, preprocessing=halved, **options)
    assert np.array_equal(x, plain.apply(images) / 2)


@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_loader_computes_on_the_backend_of_who_asks(prefetch):
    seen = []

    def record(images, rng):
        seen.append(registry.current())
        return images

    for backend in ("reference", "numpy", "native"):
        epoch(pixels(16, 1, 3, 3), backend, augment=record, prefetch=prefetch)
        assert seen == [backend] * 2
        seen.clear()


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_a_shift_out_of_the_image_is_refused_with_the_same_words(backend):
    with pytest.raises(ShapeError) as caught:
        epoch(pixels(4, 1, 9, 3), backend, augment=Chain(RandomFlip(), RandomShift(3)))
    assert caught.value.given == "random_shift: pixels=3; images has shape (4, 1, 9, 3)"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("white", [None, 16.0, 255.0, 1.0])
def test_bytes_become_the_same_floats_on_every_backend(white, dtype):
    every = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    images = np.concatenate([every, every[:, :, ::-1], every.transpose(0, 1, 3, 2)], axis=1)
    mean, std = (0.0, 100.3, 1e30), (1.0, 61.7, 1e-30)
    fitted = Preprocessing((3, 16, 16), mean, std, white=16.0, dtype=dtype)
    found = []
    for backend in ("native", "numpy"):
        with cnnpy.use_backend(backend), np.errstate(over="ignore"):
            found.append(fitted.apply(images, white=white))
            assert fitted.apply(images[:0]).shape == (0, 3, 16, 16)
            with pytest.raises(OptionError, match="white=-1"):
                fitted.apply(images, white=-1)
    assert found[0].dtype == found[1].dtype == dtype
    assert np.array_equal(found[0], found[1])
