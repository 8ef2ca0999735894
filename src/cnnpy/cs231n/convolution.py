"""What the naive and the fast functions share: conv_param and pool_param made options.

The naive ones call these inside ``use_backend("reference")``, the fast ones outside
of it; that is all the difference between them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy import functional
from cnnpy.contract import options
from cnnpy.cs231n.caches import Kept, matched, unpack
from cnnpy.cs231n.coerce import floats
from cnnpy.cs231n.parameters import entry

__all__ = [
    "avg_pool",
    "avg_pool_gradient",
    "convolve",
    "convolve_gradients",
    "max_pool",
    "max_pool_gradient",
]

Array = NDArray[Any]
Parameters = Mapping[str, Any]
Pooling = Callable[..., tuple[Array, functional.Cache]]


def convolve(
    function: str, x: Array, w: Array, b: Array, conv_param: Parameters
) -> tuple[Array, Kept]:
    """Convolve with the course's arguments on the backend of the moment."""
    out, inner = _convolve(function, x, w, b, conv_param, None)
    return out, Kept((x, w, b, conv_param), inner)


def convolve_gradients(
    function: str, dout: Array, cache: tuple[Any, ...]
) -> tuple[Array, Array, Array]:
    """Return dx, dw, db from a cache (x, w, b, conv_param)."""
    x, w, b, conv_param = unpack(function, cache, "x w b conv_param", "conv2d")

    def again(dtype: np.dtype[Any] | None) -> functional.Cache:
        return _convolve(function, x, w, b, conv_param, dtype)[1]

    dout, inner = matched(dout, cache, again)
    return functional.conv2d_backward(dout, inner)  # type: ignore[return-value]


def _convolve(
    function: str,
    x: Array,
    w: Array,
    b: Array,
    conv_param: Parameters,
    dtype: np.dtype[Any] | None,
) -> tuple[Array, functional.Cache]:
    stride = options.pair(1)(
        function, "stride", entry(function, "conv_param", conv_param, "stride")
    )
    pad = options.pair(0)(function, "pad", entry(function, "conv_param", conv_param, "pad"))
    x, w, b = floats(x, w, b, dtype=dtype)
    return functional.conv2d_forward(x, w, b, stride=stride, padding=pad)


def max_pool(function: str, x: Array, pool_param: Parameters) -> tuple[Array, Kept]:
    """Max-pool with the course's arguments on the backend of the moment."""
    out, inner = _pool(function, functional.max_pool2d_forward, x, pool_param, None)
    return out, Kept((x, pool_param), inner)


def max_pool_gradient(function: str, dout: Array, cache: tuple[Any, ...]) -> Array:
    """Return dx from a cache (x, pool_param) of max pooling."""
    inner_dout = _pool_gradient(function, "max_pool2d", functional.max_pool2d_forward, dout, cache)
    return functional.max_pool2d_backward(*inner_dout)


def avg_pool(function: str, x: Array, pool_param: Parameters) -> tuple[Array, Kept]:
    """Mean-pool with the course's arguments on the backend of the moment."""
    out, inner = _pool(function, functional.avg_pool2d_forward, x, pool_param, None)
    return out, Kept((x, pool_param), inner)


def avg_pool_gradient(function: str, dout: Array, cache: tuple[Any, ...]) -> Array:
    """Return dx from a cache (x, pool_param) of mean pooling."""
    inner_dout = _pool_gradient(function, "avg_pool2d", functional.avg_pool2d_forward, dout, cache)
    return functional.avg_pool2d_backward(*inner_dout)


def _pool(
    function: str, forward: Pooling, x: Array, pool_param: Parameters, dtype: np.dtype[Any] | None
) -> tuple[Array, functional.Cache]:
    size = options.integer(1)
    HH, WW = (
        size(function, key, entry(function, "pool_param", pool_param, key))
        for key in ("pool_height", "pool_width")
    )
    stride = options.pair(1)(
        function, "stride", entry(function, "pool_param", pool_param, "stride")
    )
    return forward(*floats(x, dtype=dtype), kernel_size=(HH, WW), stride=stride)


def _pool_gradient(
    function: str, op: str, forward: Pooling, dout: Array, cache: tuple[Any, ...]
) -> tuple[Array, functional.Cache]:
    x, pool_param = unpack(function, cache, "x pool_param", op)

    def again(dtype: np.dtype[Any] | None) -> functional.Cache:
        return _pool(function, forward, x, pool_param, dtype)[1]

    return matched(dout, cache, again)
