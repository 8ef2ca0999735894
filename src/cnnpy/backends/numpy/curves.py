"""Functions that NumPy lacks: the logistic function without overflow, and erf."""

from __future__ import annotations

import numpy as np

from cnnpy.contract.dtypes import FloatArray

__all__ = ["erf", "logistic"]


def logistic(x: FloatArray) -> FloatArray:
    """Compute 1 / (1 + exp(-x)) entry by entry, without overflow."""
    e = np.exp(-np.abs(x))
    share: FloatArray = np.where(x >= 0, x.dtype.type(1), e) / (1 + e)
    return share


# Rational Chebyshev approximations in three ranges, numerator and denominator from
# the highest power down: W. J. Cody, Rational Chebyshev approximations for the error
# function, Mathematics of Computation 23, 1969.
_SMALL = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (
        1.0,
        2.36012909523441209e1,
        2.44024637934444173e2,
        1.28261652607737228e3,
        2.84423683343917062e3,
    ),
)
_MIDDLE = (
    (
        2.15311535474403846e-8,
        5.64188496988670089e-1,
        8.88314979438837594e0,
        6.61191906371416295e1,
        2.98635138197400131e2,
        8.81952221241769090e2,
        1.71204761263407058e3,
        2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0,
        1.57449261107098347e1,
        1.17693950891312499e2,
        5.37181101862009858e2,
        1.62138957456669019e3,
        3.29079923573345963e3,
        4.36261909014324716e3,
        3.43936767414372164e3,
        1.23033935480374942e3,
    ),
)
_LARGE = (
    (
        1.63153871373020978e-2,
        3.05326634961232344e-1,
        3.60344899949804439e-1,
        1.25781726111229246e-1,
        1.60837851487422766e-2,
        6.58749161529837803e-4,
    ),
    (
        1.0,
        2.56852019228982242e0,
        1.87295284992346725e0,
        5.27905102951428412e-1,
        6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
)
_INV_SQRT_PI = 0.5641895835477563
_TO_SMALL, _TO_MIDDLE, _TO_LARGE = 0.46875, 4.0, 6.0


def erf(x: FloatArray) -> FloatArray:
    """Compute the error function entry by entry, to a few units in the last place."""
    y = np.abs(x)
    out: FloatArray = np.where(np.isnan(x), x, np.sign(x))
    small = y <= _TO_SMALL
    middle = (y > _TO_SMALL) & (y <= _TO_MIDDLE)
    large = (y > _TO_MIDDLE) & (y < _TO_LARGE)
    out[small] = x[small] * _ratio(_SMALL, np.square(x[small]))
    for where, complement in ((middle, _erfc_middle), (large, _erfc_large)):
        out[where] *= 1 - complement(y[where])
    return out


def _erfc_middle(y: FloatArray) -> FloatArray:
    return np.exp(-y * y) * _ratio(_MIDDLE, y)


def _erfc_large(y: FloatArray) -> FloatArray:
    t = 1 / (y * y)
    tail: FloatArray = (_INV_SQRT_PI - t * _ratio(_LARGE, t)) * np.exp(-y * y) / y
    return tail


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], t: FloatArray) -> FloatArray:
    top, bottom = (np.full_like(t, c[0]) for c in coefficients)
    for a, b in zip(coefficients[0][1:], coefficients[1][1:], strict=True):
        top = top * t + a
        bottom = bottom * t + b
    quotient: FloatArray = top / bottom
    return quotient
