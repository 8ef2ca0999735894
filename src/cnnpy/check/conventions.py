"""Where the field has more than one convention: who follows another is told, not failed.

At a kink there is no derivative but a set of subgradients; which one is taken is a
convention. What is no subgradient at all, the whole gradient for each of several equal
maxima, is a finding of its own, a *tie*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnpy.check.case import Case
from cnnpy.check.hold import Tried, hold
from cnnpy.check.rows import row_of
from cnnpy.check.truth import Truth
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import as_pair
from cnnpy.reference.windows import clipped

__all__ = ["Convention", "convention_of", "follows"]

Translate = Callable[[Case, Any], Any]


@dataclass(frozen=True)
class Convention:
    """Another way that is in use.

    Parameters
    ----------
    name : str
        What is done, in a few words.
    why : str
        What a reader should know about it.
    where : str
        The gradient or array that it shows in.
    compute : callable
        What it gives there, of the case and dout.
    is_tie : bool
        Whether it is no subgradient.
    mistake : str, optional
        Its name in the library of mistakes, where it stands there too.
    """

    name: str
    why: str
    where: str
    compute: Callable[[Case, FloatArray], Any]
    is_tie: bool = False
    mistake: str | None = None


def convention_of(tried: Tried, where: str, translate: Translate | None) -> Convention | None:
    """Find the convention that an outcome follows where it differs from the definition.

    Parameters
    ----------
    tried : Tried
        What was tried, what came out, and what is right.
    where : str
        Where it differs.
    translate : callable or None
        Brings what a convention gives into the terms of the outcome.

    Returns
    -------
    Convention or None
        None where no known convention gives these numbers.
    """
    for convention in CONVENTIONS.get(tried.case.op, ()):
        if convention.where == where and follows(convention, tried, translate):
            return convention
    return None


def follows(convention: Convention, tried: Tried, translate: Translate | None) -> bool:
    """Tell whether an outcome has the numbers of a convention.

    Parameters
    ----------
    convention : Convention
        Which one.
    tried : Tried
        What was tried, what came out, and what is right.
    translate : callable or None
        Brings what a convention gives into the terms of the outcome.

    Returns
    -------
    bool
        Whether it has.
    """
    where, plain = convention.where, tried.case.cast(np.float64)
    value = convention.compute(plain, tried.dout.astype(np.float64))
    if translate is not None:
        value = translate(plain, value)
    other = _with(tried.case.op, tried.truth, where, value)
    findings = hold(tried._replace(truth=other))
    return all(f.where != where or f.kind not in ("values", "shape") for f in findings)


def _with(op: str, truth: Truth, where: str, value: Any) -> Truth:
    """Put another value in the place of the definition's."""
    if where in truth.updated:
        return truth._replace(updated={**truth.updated, where: value})
    at = row_of(op).gradients.index(where.removeprefix("d"))
    gradients = [value if k == at else g for k, g in enumerate(truth.gradients)]
    return truth._replace(gradients=gradients)


# --- max pooling: which of several equal maxima takes the gradient -------------------------

Share = Callable[[FloatArray], FloatArray]


def _routed(share: Share) -> Callable[[Case, FloatArray], FloatArray]:
    """Compute dx where the gradient of a window is dealt out by `share` of its entries."""

    def compute(case: Case, dout: FloatArray) -> FloatArray:
        x, options = case.arrays["x"], case.options
        HH, WW = as_pair(options["kernel_size"])
        stride = options["stride"]
        stride_h, stride_w = (HH, WW) if stride is None else as_pair(stride)
        pad_h, pad_w = as_pair(options["padding"])
        dx: FloatArray = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            rows = clipped(i, stride_h, HH, pad_h, x.shape[2])
            columns = clipped(j, stride_w, WW, pad_w, x.shape[3])
            window = x[n, c, rows, columns]
            dx[n, c, rows, columns] += dout[n, c, i, j] * share(window)
        return dx

    return compute


def _each(window: FloatArray) -> FloatArray:
    return np.asarray(window == window.max(), dtype=np.float64)


def _split(window: FloatArray) -> FloatArray:
    return np.asarray(_each(window) / _each(window).sum())


def _last(window: FloatArray) -> FloatArray:
    last = np.zeros(window.size)
    last[window.size - 1 - int(np.argmax(window.ravel()[::-1]))] = 1.0
    return np.asarray(last.reshape(window.shape))


# --- batch norm: what runs along ------------------------------------------------------------


def _running(mean: bool, keep: bool, biased: bool) -> Callable[[Case, FloatArray], Any]:
    """Compute a running statistic: what is weighed by momentum, and over n or n - 1."""

    def compute(case: Case, dout: FloatArray) -> Any:
        x = np.moveaxis(case.arrays["x"], 1, -1).reshape(-1, case.arrays["x"].shape[1])
        momentum = case.options["momentum"]
        before = case.arrays["running_mean" if mean else "running_var"]
        if not case.options["train"]:
            return before
        before = (0.0 if mean else 1.0) if before is None else before
        new = x.mean(axis=0) if mean else x.var(axis=0, ddof=0 if biased else 1)
        share = 1 - momentum if keep else momentum
        return (1 - share) * before + share * new

    return compute


_KINK = "at a kink every slope between those of both sides is a subgradient"
_MOMENTUM = "momentum weighs the new batch in PyTorch, what was there before in the course"
_VARIANCE = "the running variance is unbiased in PyTorch, biased in the course"

CONVENTIONS: dict[str, tuple[Convention, ...]] = {
    "max_pool2d": (
        Convention(
            "every tied maximum takes the whole gradient",
            "no subgradient: of k equal maxima dx sums to k times dout; give it to one of them",
            "dx",
            _routed(_each),
            is_tie=True,
            mistake="max_pool2d_gives_every_tie_the_gradient",
        ),
        Convention("ties share the gradient", _KINK, "dx", _routed(_split)),
        Convention("the last of tied maxima takes the gradient", _KINK, "dx", _routed(_last)),
    ),
    "relu": (
        Convention(
            "the gradient passes at 0",
            _KINK,
            "dx",
            lambda case, dout: dout * (case.arrays["x"] >= 0),
            mistake="relu_passes_the_gradient_at_zero",
        ),
        Convention(
            "half the gradient passes at 0",
            _KINK,
            "dx",
            lambda case, dout: dout * np.heaviside(case.arrays["x"], 0.5),
        ),
    ),
    "batch_norm": (
        Convention(
            "momentum weighs the other side",
            _MOMENTUM,
            "running_mean",
            _running(True, True, False),
            mistake="batch_norm_reverses_the_momentum",
        ),
        Convention(
            "a biased running variance",
            _VARIANCE,
            "running_var",
            _running(False, False, True),
            mistake="batch_norm_keeps_the_biased_variance",
        ),
        Convention(
            "an unbiased running variance", _VARIANCE, "running_var", _running(False, False, False)
        ),
        Convention(
            "momentum weighs the other side, the running variance is biased",
            f"{_MOMENTUM}; {_VARIANCE}",
            "running_var",
            _running(False, True, True),
        ),
        Convention(
            "momentum weighs the other side, the running variance is unbiased",
            f"{_MOMENTUM}; {_VARIANCE}",
            "running_var",
            _running(False, True, False),
        ),
    ),
}
"""The known ones, by op."""
