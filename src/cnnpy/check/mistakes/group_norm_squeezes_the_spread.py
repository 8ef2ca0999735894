"""Backward breaks for one group and several images.

Cause: squeeze() drops the axis of the groups too where there is one, so that spreads and sums of
different images meet.

Mend: Keep the axes, keepdims=True, or name those to drop: var.squeeze(axis=(2, 3, 4)).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.group_norm import group_norm_backward as right_backward
from cnnpy.reference.group_norm import group_norm_forward

__all__ = ["group_norm_backward", "group_norm_forward"]


def group_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back with a spread that has lost its axes of length 1."""
    x_hat, inv_std, gamma, beta, groups = cache
    squeezed = np.ones_like(inv_std) * np.squeeze(inv_std)
    each = squeezed.reshape(inv_std.shape)
    return right_backward(dout, (x_hat, each, gamma, beta, groups))
