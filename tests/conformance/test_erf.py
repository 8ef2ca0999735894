"""The error function is ours: it is held against math.erf."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnnpy.backends.numpy.curves import erf

GRID = np.concatenate(
    [
        np.linspace(-7, 7, 4001),
        np.geomspace(1e-300, 10, 2000),
        -np.geomspace(1e-300, 10, 2000),
        # both sides of where one approximation ends and the next begins
        *(
            np.nextafter(s * edge, side) * np.ones(1)
            for edge in (0.46875, 4.0, 6.0)
            for s in (1, -1)
            for side in (-np.inf, s * edge, np.inf)
        ),
    ]
)


def test_erf_is_that_of_the_standard_library() -> None:
    want = np.array([math.erf(v) for v in GRID])
    assert np.all(np.abs(erf(GRID) - want) <= 4 * np.finfo(np.float64).eps * np.abs(want))


def test_erf_in_float32_is_that_of_the_standard_library_rounded() -> None:
    x = GRID[np.abs(GRID) > 1e-30].astype(np.float32)
    want = np.array([math.erf(v) for v in x.astype(np.float64)])
    got = erf(x)
    assert got.dtype == np.float32
    assert np.all(np.abs(got - want) <= 4 * np.finfo(np.float32).eps * np.abs(want))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_erf_of_what_is_not_finite(dtype: type) -> None:
    got = erf(np.array([np.nan, np.inf, -np.inf, 0.0], dtype=dtype))
    np.testing.assert_array_equal(got, [np.nan, 1.0, -1.0, 0.0])
