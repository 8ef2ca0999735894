"""A right pass that is computed once gives each caller what it would give anew."""

from __future__ import annotations

import numpy as np

from cnnpy.check.remembered import remembering
from cnnpy.check.rows import row_of
from cnnpy.reference import dropout_forward


def test_masks_that_differ_in_a_few_entries_are_not_taken_for_one_another() -> None:
    forward = remembering("dropout", row_of("dropout").forward)
    x = np.ones((50, 60))
    mask = np.ones(x.shape, dtype=bool)
    other = mask.copy()
    other[20:30, 20:30] = False
    first, second = (forward(x, p=0.5, mask=m)[0] for m in (mask, other))
    np.testing.assert_array_equal(first, dropout_forward(x, p=0.5, mask=mask)[0])
    np.testing.assert_array_equal(second, dropout_forward(x, p=0.5, mask=other)[0])


def test_nobody_s_writing_reaches_the_next_who_asks() -> None:
    backward = remembering("relu", row_of("relu").backward)
    dout, cache = np.ones(3), np.array([1.0, -1.0, 2.0])
    backward(dout, cache)[:] = 7
    np.testing.assert_array_equal(backward(dout, cache), [1, 0, 1])
