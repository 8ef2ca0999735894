"""The mask that a seed names: the words of Philox 4x64-10, written out here."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cnnpy.contract.random import dropout_mask

MASK = 2**64 - 1


def philox(counter: int, key: int) -> list[int]:
    """Ten rounds of Philox 4x64 (Salmon et al., SC 2011): four words of a counter."""
    c = [(counter >> (64 * k)) & MASK for k in range(4)]
    k0, k1 = key & MASK, key >> 64
    for _ in range(10):
        high0, low0 = divmod(0xD2E7470EE14C6C93 * c[0], 2**64)
        high1, low1 = divmod(0xCA5A826395121157 * c[2], 2**64)
        c = [high1 ^ c[1] ^ k0, low1, high0 ^ c[3] ^ k1, low0]
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
    return c


def expected(n: int, p: float, seed: int) -> list[bool]:
    halves: list[int] = []
    counter = 1  # NumPy counts before it draws
    while len(halves) < n:
        for word in philox(counter, seed % 2**64):
            halves += [word & 0xFFFFFFFF, word >> 32]
        counter += 1
    return [half >= round(p * 2**32) for half in halves[:n]]


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**63 + 5, -1])
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_a_seed_names_the_words_of_philox(p: float, seed: int) -> None:
    for n in (0, 1, 2, 7, 8, 9, 101):
        assert dropout_mask((n,), p, seed).tolist() == expected(n, p, seed)


def test_the_words_of_philox_are_those_of_the_paper_s_implementation() -> None:
    """Known answers of Random123 for philox4x64-10, counter and key all zeros and all ones."""
    assert [f"{w:016x}" for w in philox(0, 0)] == [
        "16554d9eca36314c",
        "db20fe9d672d0fdc",
        "d7e772cee186176b",
        "7e68b68aec7ba23b",
    ]
    ones = 2**128 - 1
    assert [f"{w:016x}" for w in philox(2**256 - 1, ones)] == [
        "87b092c3013fe90b",
        "438c3c67be8d0224",
        "9cc7d7c69cd777b6",
        "a09caebf594f0ba0",
    ]


def test_the_mask_has_its_shape_in_row_major_order() -> None:
    mask = dropout_mask((3, 4, 5), 0.5, 9)
    assert mask.shape == (3, 4, 5)
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask.ravel(), dropout_mask((60,), 0.5, 9))
    assert dropout_mask((), 0.0, 9).shape == ()


def test_all_stays_at_0_and_nothing_at_1() -> None:
    assert dropout_mask((1000,), 0.0, 4).all()
    assert not dropout_mask((1000,), 1.0, 4).any()


def test_an_entry_that_stays_at_a_high_p_stays_at_a_lower_one() -> None:
    masks = [dropout_mask((5000,), p, 11) for p in (0.2, 0.5, 0.8)]
    for lower, higher in itertools.pairwise(masks):
        assert np.all(lower[higher])
    for mask, p in zip(masks, (0.2, 0.5, 0.8), strict=True):
        # four standard deviations of 5,000 draws
        assert abs(mask.mean() - (1 - p)) < 4 * np.sqrt(p * (1 - p) / 5000)
