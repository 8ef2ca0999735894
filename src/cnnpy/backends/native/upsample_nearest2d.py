"""upsample_nearest2d by the compiled kernels."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native import _native
from cnnpy.backends.native.engine import as_rows, empty, images_from
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair

__all__ = ["upsample_nearest2d_backward", "upsample_nearest2d_forward"]


def upsample_nearest2d_forward(x: FloatArray, *, scale_factor: Pair) -> tuple[FloatArray, Any]:
    """Repeat each pixel along both axes."""
    scale_h, scale_w = scale_factor
    rows = as_rows(x)
    N, H, W, C = rows.shape
    out = empty((N, H * scale_h, W * scale_w, C), x.dtype)
    _native.upsample_forward(scale_h, scale_w, rows, out)
    return images_from(out), (rows.shape, scale_factor)


def upsample_nearest2d_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Add up the gradients of each pixel's block."""
    shape, (scale_h, scale_w) = cache
    dx = empty(shape, dout.dtype)
    _native.upsample_backward(scale_h, scale_w, as_rows(dout), dx)
    return (images_from(dx),)
