"""linear by the compiled kernels; see native/engine/linear.cpp."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import contiguous, empty
from cnnpy.contract.dtypes import FloatArray

__all__ = ["linear_backward", "linear_forward"]


def linear_forward(x: FloatArray, w: FloatArray, b: FloatArray | None) -> tuple[FloatArray, Any]:
    """Multiply each row with the weights."""
    x, w = contiguous(x), contiguous(w)
    out = empty((x.shape[0], w.shape[0]), x.dtype)
    _native.linear_forward(x, w, None if b is None else contiguous(b), False, out)
    return out, (x, w, b is not None)


def linear_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None, FloatArray | None, FloatArray | None]:
    """Multiply the output's gradient with the weights and with the rows."""
    x, w, has_bias = cache
    dout = contiguous(dout)
    dx = empty(x.shape, x.dtype) if "x" in needs else None
    dw = empty(w.shape, w.dtype) if "w" in needs else None
    db = empty(w.shape[:1], w.dtype) if "b" in needs and has_bias else None
    if dx is not None:
        _native.linear_input_gradient(dout, w, dx)
    if dw is not None or db is not None:
        _native.linear_parameter_gradients(x, dout, dw, db)
    return dx, dw, db
