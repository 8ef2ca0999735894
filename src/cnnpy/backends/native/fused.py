"""Several rows of the contract in one go: what containers ask for when they fuse layers.

The values are those of the rows one after the other; what lies between them is not kept
where backward can do without.
"""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native import _native
from cnnpy.backends.native.conv_blocks import (
    conv_block_backward,
    conv_block_forward,
    through_relu,
)
from cnnpy.backends.native.engine import contiguous, empty
from cnnpy.backends.native.prepared import ConvBlockInference, LinearInference
from cnnpy.contract.dtypes import FloatArray

__all__ = [
    "ConvBlockInference",
    "LinearInference",
    "conv_block_backward",
    "conv_block_forward",
    "linear_relu_backward",
    "linear_relu_forward",
]


def linear_relu_forward(
    x: FloatArray, w: FloatArray, b: FloatArray | None
) -> tuple[FloatArray, Any]:
    """Multiply each row with the weights and cut off what is negative."""
    x, w = contiguous(x), contiguous(w)
    out = empty((x.shape[0], w.shape[0]), x.dtype)
    _native.linear_forward(x, w, None if b is None else contiguous(b), True, out)
    return out, (x, w, b is not None, out)


def linear_relu_backward(
    dout: FloatArray, cache: Any, needs: frozenset[str]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Send a gradient back through the ReLU and the product."""
    x, w, has_bias, out = cache
    gradient = through_relu(contiguous(dout), out)
    dx = empty(x.shape, x.dtype) if "x" in needs else None
    dw = empty(w.shape, w.dtype) if "w" in needs else None
    db = empty(w.shape[:1], w.dtype) if "b" in needs and has_bias else None
    if dx is not None:
        _native.linear_input_gradient(gradient, w, dx)
    if dw is not None or db is not None:
        _native.linear_parameter_gradients(x, gradient, dw, db)
    return dx, dw, db
