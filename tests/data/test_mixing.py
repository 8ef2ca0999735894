"""Laws of mixing: images and targets are mixed in the same shares, and rows keep their sums."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnpy.contract.errors import DtypeError, OptionError, ShapeError
from cnnpy.data import MIXINGS, CutMix, Mixup, MixupOrCutMix
from cnnpy.data.mixing import describe, restore

EVERY = [Mixup(), Mixup(1.0, p=0.5), CutMix(), CutMix(0.5), MixupOrCutMix(0.8, 0.7, 0.4, 0.9)]

every = pytest.mark.parametrize("mix", EVERY, ids=repr)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def numbered(n: int, shape: tuple[int, int, int] = (2, 6, 9)) -> tuple[np.ndarray, np.ndarray]:
    """Make n images, each of its own number, and each of its own class."""
    return np.broadcast_to(np.arange(float(n)).reshape(n, 1, 1, 1), (n, *shape)).copy(), np.eye(n)


@every
@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 3), *[st.integers(1, 8)] * 2),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 2**31),
)
def test_an_image_holds_as_much_of_each_other_as_its_targets_say(mix, shape, dtype, seed):
    n = shape[0]
    x, targets = (a.astype(dtype) for a in numbered(n, shape[1:]))
    # image m is 2^m everywhere, so that a mean tells the shares apart
    x = np.exp2(x)
    out, mixed = mix(x, targets, rng(seed))
    assert out.dtype == mixed.dtype == dtype
    assert out.shape == x.shape and mixed.shape == targets.shape
    eps = float(np.finfo(dtype).eps)
    assert np.allclose(mixed.sum(axis=1), 1, rtol=8 * eps)
    means = out.astype(np.float64).mean(axis=(1, 2, 3))
    assert np.allclose(means, mixed @ np.exp2(np.arange(n)), rtol=32 * eps)
    assert (mixed >= 0).all()


@every
def test_rows_keep_their_sums_whatever_they_are(mix):
    targets = rng(3).uniform(0, 2, (8, 5))
    # a row and its partner may sum to two numbers; the shares are of these
    for seed in range(10):
        _, mixed = mix(rng(1).random((8, 1, 4, 4)), targets, rng(seed))
        assert mixed.sum() == pytest.approx(targets.sum())
    smoothed = np.full((8, 5), 0.02) + 0.9 * np.eye(8, 5)
    smoothed[5:] = 0.2
    _, mixed = mix(rng(1).random((8, 1, 4, 4)), smoothed, rng(4))
    assert np.allclose(mixed.sum(axis=1), 1)


@every
def test_the_generator_decides_and_the_input_is_left_alone(mix):
    x, targets = rng(1).random((16, 3, 5, 5), np.float32), np.eye(16, dtype=np.float32)
    for array in (x, targets):
        array.flags.writeable = False
    found = [mix(x, targets, rng(seed)) for seed in (1, 1, 2, 3, 4)]
    assert all(np.array_equal(a, b) for a, b in zip(found[0], found[1], strict=True))
    assert len({out.tobytes() for out, _ in found}) > 2
    out, mixed = mix(x, targets, rng(1))
    assert not np.shares_memory(out, x) and not np.shares_memory(mixed, targets)
    assert out.flags.writeable and mixed.flags.writeable


@every
def test_a_batch_keeps_how_it_lies_and_its_values_do_not_depend_on_it(mix):
    x = rng(1).random((8, 3, 5, 7), np.float32)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    targets = np.eye(8)
    for seed in range(5):
        want, _ = mix(x, targets, rng(seed))
        got, _ = mix(last, targets, rng(seed))
        assert np.array_equal(got, want)
        assert got.strides == last.strides and want.strides == x.strides


def test_mixup_is_the_papers_sum_of_two():
    x, targets = rng(1).random((6, 2, 3, 3)), np.eye(6)
    out, mixed = Mixup(0.7)(x, targets, rng(9))
    r = rng(9)
    r.random()  # whether it is mixed
    share = r.beta(0.7, 0.7)
    partner = r.permutation(6)
    assert np.allclose(out, share * x + (1 - share) * x[partner])
    assert np.allclose(mixed, share * targets + (1 - share) * targets[partner])


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_the_share_is_beta_distributed(alpha):
    """Held by the moments of Beta(a, a): mean 1/2, variance 1 / (4 (2a + 1))."""
    x, targets = np.array([0.0, 1.0]).reshape(2, 1, 1, 1), np.eye(2)
    mix, r = Mixup(alpha), rng()
    drawn = [mix(x, targets, r)[1] for _ in range(4000)]
    shares = np.array([m[0, 0] for m in drawn if m[0, 0] != 1])  # 1: its own partner
    assert 1800 < len(shares) < 2200
    assert abs(shares.mean() - 0.5) < 0.03
    assert shares.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.1)


def test_cutmix_shows_one_rectangle_of_one_other_image():
    x, targets = numbered(7)
    areas = []
    r = rng()
    for _ in range(300):
        out, mixed = CutMix()(x, targets, r)
        changed = (out != x).any(axis=(0, 1))
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        if len(rows):
            inside = changed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            assert inside.all()
            assert changed.sum() == inside.size
        for n in range(7):
            others = np.unique(out[n][:, changed]) if len(rows) else []
            assert len(others) <= 1
            for m in others:
                if m != n:
                    assert mixed[n, int(m)] == pytest.approx(changed.sum() / 54)
        areas.append(changed.sum() / 54)
    assert min(areas) < 0.05 and max(areas) > 0.7


def test_a_centre_may_be_anywhere_in_cutmix():
    x, targets = numbered(2, (1, 5, 4))
    mix, r = CutMix(), rng()
    hit = sum((mix(x, targets, r)[0] != x).any(axis=(0, 1)).astype(int) for _ in range(1500))
    assert hit.min() > 50  # the corners too


def test_a_batch_is_mixed_with_its_probability():
    x, targets = numbered(30)
    for kind in (Mixup, CutMix, MixupOrCutMix):
        mix, r = kind(p=0.3), rng()
        unmixed = [np.array_equal(mix(x, targets, r)[1], targets) for _ in range(400)]
        # a rectangle may be empty, a share one
        assert 0.65 < np.mean(unmixed) < 0.8
        assert np.array_equal(kind(p=0)(x, targets, rng())[0], x)


def test_the_two_ways_are_drawn_with_their_share():
    x, targets = numbered(30)
    mix, r = MixupOrCutMix(mixup_alpha=5, cutmix_share=0.25), rng()
    whole = sum(
        bool((x != mix(x, targets, r)[0]).all(axis=(1, 2, 3)).sum() > 20) for _ in range(400)
    )
    assert 260 < whole < 340  # mixup changes all pixels of nearly all images


@every
def test_what_is_no_batch_of_floats_with_targets_is_refused(mix):
    x, targets = numbered(4)
    for a, b, error, mend in (
        (x.astype(np.uint8), targets, DtypeError, "preprocess"),
        (x, np.arange(4), DtypeError, r"np.eye\(K\)\[labels\]"),
        (x, [1.0], DtypeError, "np.eye"),
        (x, np.arange(4.0), ShapeError, "np.eye"),
        (x, targets[:3], ShapeError, "targets of 4 rows"),
        (x[0], targets, ShapeError, "targets of 2 rows"),
    ):
        with pytest.raises(error, match=mend) as caught:
            mix(a, b, rng())
        assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("make", [lambda: Mixup(0), lambda: CutMix(-1), lambda: Mixup(p=1.1)])
def test_options_out_of_range_are_refused(make):
    with pytest.raises(OptionError):
        make()


@every
def test_a_mixing_comes_back_from_toml(mix):
    entry = describe(mix)
    text = "mix = {" + ", ".join(f"{key} = {value!r}" for key, value in entry.items()) + "}"
    assert restore(tomllib.loads(text)["mix"]) == mix
    assert eval(repr(mix)) == mix
    assert {type(mix).NAME: type(mix)}.items() <= MIXINGS.items()


def test_what_names_no_mixing_is_refused_with_what_is_near():
    with pytest.raises(OptionError, match="use name='mixup'"):
        restore({"name": "mix_up"})
    with pytest.raises(OptionError, match="use alpha"):
        restore({"name": "mixup", "alpa": 1})
    with pytest.raises(OptionError, match=r'use \{name = "mixup"\}'):
        restore(["mixup"])
    with pytest.raises(OptionError, match="has no name"):
        describe(lambda x, targets, rng: (x, targets))
    assert restore("cutmix") == CutMix()
