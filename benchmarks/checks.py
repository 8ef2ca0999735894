"""Whether what is timed is right; a wrong result is never timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cnnpy.contract import Tolerance


class WrongResult(Exception):
    """What somebody computes is not what float64 says."""


def demand_agreement(what: str, got, want, bound, tolerance: Tolerance) -> None:
    """Hold sums of products against float64 ones, as their row of the contract says.

    Parameters
    ----------
    what : str
        Named in the error.
    got : ndarray
        Under test, float32.
    want, bound : ndarray
        The result in float64, and that of the absolute values.
    tolerance : Tolerance
        Of the rule ``bound`` or ``spread``.
    """
    assert tolerance.rule in ("bound", "spread"), tolerance
    if tolerance.rule == "spread" and bound.ndim == 4:
        bound = bound.max(axis=(2, 3), keepdims=True)
    off = np.abs(got - want) - tolerance.k * np.finfo(np.float32).eps * bound
    if got.shape != want.shape or not off.max() <= 0:
        raise WrongResult(f"{what} is wrong: beyond its tolerance by {off.max():.3g}")


def demand_closeness(what: str, got, want, *, most: float) -> None:
    """Hold a network's result against that in float64, by the norm of the difference.

    Parameters
    ----------
    what : str
        Named in the error.
    got, want : ndarray
        Under test, and the truth.
    most : float
        The largest difference, in shares of the norm of `want`.
    """
    got, want = np.asarray(got, dtype=np.float64), np.asarray(want)
    off = np.linalg.norm(got - want) / max(np.linalg.norm(want), 1e-30)
    if got.shape != want.shape or not off <= most:
        raise WrongResult(f"{what} is wrong: off by {off:.3g} of its norm, allowed {most:.3g}")
