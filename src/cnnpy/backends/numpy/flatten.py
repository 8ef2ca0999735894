"""flatten: a reshape, which is a view where memory allows."""

from __future__ import annotations

from typing import Any

from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray

__all__ = ["flatten_backward", "flatten_forward"]


def flatten_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Lay each image out as one row."""
    return x.reshape(shapes.flatten(x.shape)), x.shape


def flatten_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Fold each row back into an image."""
    return (dout.reshape(cache),)
