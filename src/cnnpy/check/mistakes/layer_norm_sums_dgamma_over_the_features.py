"""dgamma and dbeta have an entry for each image, not for each feature.

Cause: The sums go over the axis that is normalised.

Mend: Every image used the same gamma: sum over the images, axis=0.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.layer_norm import layer_norm_backward as right_backward
from cnnpy.reference.layer_norm import layer_norm_forward

__all__ = ["layer_norm_backward", "layer_norm_forward"]


def layer_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back, that of scale and shift image by image."""
    x_hat, _, gamma, beta, first = cache
    dx, _, _ = right_backward(dout, cache)
    features = tuple(range(first, dout.ndim))
    dgamma = None if gamma is None else (dout * x_hat).sum(axis=features)
    return dx, dgamma, None if beta is None else dout.sum(axis=features)
