"""flatten: a view where memory allows, and the compiled change of layout where not."""

from __future__ import annotations

from typing import Any

from cnnpy.backends.native.engine import as_rows, contiguous, images_from
from cnnpy.backends.native.layout import ordered
from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray

__all__ = ["flatten_backward", "flatten_forward"]


def flatten_forward(x: FloatArray) -> tuple[FloatArray, Any]:
    """Lay each image out as one row."""
    channels_last = ordered(x).channels_last if x.ndim == 4 and x.size else False
    return contiguous(x).reshape(shapes.flatten(x.shape)), (x.shape, channels_last)


def flatten_backward(
    dout: FloatArray, cache: Any, needs: tuple[str, ...]
) -> tuple[FloatArray | None]:
    """Fold each row back into an image, which lies as it lay."""
    shape, channels_last = cache
    images = dout.reshape(shape)
    return (images_from(as_rows(images)) if channels_last else images,)
