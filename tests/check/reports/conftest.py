"""Small submissions, right and wrong in ways that are known, and one report of them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnnpy.check import Report, run
from cnnpy.check.fence.loading import LoadError
from cnnpy.check.trial import Effort

LITTLE = Effort(1, 20.0)

HOSTILE = (
    "</code><script>alert(1)</script><img src=x onerror=alert(1)> & \"'\x1b[2J\x00\u202e\ud800]]>"
)
"""What a name or the text of an error may hold."""


def relu_forward(x: Any) -> Any:
    return np.maximum(x, 0), x


def relu_backward(dout: Any, x: Any) -> Any:
    return dout * (x > 0)


def relu_backward_by_the_gradient(dout: Any, x: Any) -> Any:
    return dout * (dout > 0)


def affine_forward(x: Any, w: Any, b: Any) -> Any:
    return x.reshape(len(x), -1) @ w + b, (x, w, b)


def affine_backward_of_the_mean(dout: Any, cache: Any) -> Any:
    x, w, _ = cache
    dx = (dout @ w.T).reshape(x.shape)
    return dx, x.reshape(len(x), -1).T @ dout, dout.mean(axis=0)


def conv_forward_that_raises(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
    raise ZeroDivisionError(HOSTILE)


def softmax_loss_not_a_number(x: Any, y: Any) -> Any:
    return np.float64(np.nan), np.full(x.shape, -np.inf)


def layernorm_forward(x: Any, gamma: Any, beta: Any, ln_param: Any) -> Any:
    return None, (x, gamma, beta)


def max_pool_forward(x: Any, pool_param: Any) -> Any:
    H, W, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    out = np.zeros((*x.shape[:2], 1 + (x.shape[2] - H) // s, 1 + (x.shape[3] - W) // s))
    for i, j in np.ndindex(out.shape[2:]):
        out[:, :, i, j] = x[:, :, i * s : i * s + H, j * s : j * s + W].max(axis=(2, 3))
    return out, (x, pool_param)


def max_pool_backward_to_every_tie(dout: Any, cache: Any) -> Any:
    x, pool_param = cache
    H, W, s = pool_param["pool_height"], pool_param["pool_width"], pool_param["stride"]
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dout.shape[2:]):
        at = (..., slice(i * s, i * s + H), slice(j * s, j * s + W))
        largest = x[at].max(axis=(2, 3), keepdims=True)
        dx[at] += (x[at] == largest) * dout[:, :, i : i + 1, j : j + 1]
    return dx


ALL_WRONG: dict[str, Callable[..., Any]] = {
    "relu_forward": relu_forward,
    "relu_backward": relu_backward_by_the_gradient,
    "affine_forward": affine_forward,
    "affine_backward": affine_backward_of_the_mean,
    "conv_forward_naive": conv_forward_that_raises,
    "softmax_loss": softmax_loss_not_a_number,
    "layernorm_forward": layernorm_forward,
    "max_pool_forward_naive": max_pool_forward,
    "max_pool_backward_naive": max_pool_backward_to_every_tie,
}


@pytest.fixture(scope="session")
def functions() -> dict[str, Callable[..., Any]]:
    """Give functions by name: right ones, and each wrong one under a name of its own."""
    return {name: f for name, f in globals().items() if callable(f)}


@pytest.fixture(scope="session")
def report_of() -> Callable[..., Report]:
    """Check functions, with few cases."""
    return lambda **functions: run(functions, effort=LITTLE)


@pytest.fixture(scope="session")
def hostile() -> str:
    """Give what no report may take for its own."""
    return HOSTILE


@pytest.fixture(scope="session")
def wrong() -> Report:
    """Report on functions that are wrong in many ways, with hostile text everywhere."""
    report = run(ALL_WRONG, effort=LITTLE)
    report.name = HOSTILE
    report.unfenced = [HOSTILE]
    report.notes = [
        {"what": "missing", "module": HOSTILE},
        {"what": "old", "name": "xrange", "now": "range", "line": 3},
    ]
    return report


@pytest.fixture(scope="session")
def unrunnable() -> Report:
    """Report on a file that could not be imported."""
    why = LoadError("SyntaxError", 3, f"SyntaxError: {HOSTILE}", "mend the line")
    return Report("layers.py", not_loaded=why)
