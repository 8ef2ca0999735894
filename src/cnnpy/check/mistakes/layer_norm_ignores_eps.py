"""eps is not added to the variance.

Cause: The values are divided by sqrt(var).

Mend: Divide by sqrt(var + eps).
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.layer_norm import layer_norm_backward
from cnnpy.reference.layer_norm import layer_norm_forward as right_forward

__all__ = ["layer_norm_backward", "layer_norm_forward"]


def layer_norm_forward(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    axis: int = -1,
    eps: float = 1e-5,
) -> tuple[FloatArray, Any]:
    """Bring each image's features to mean beta, with no eps."""
    return right_forward(x, gamma, beta, axis=axis, eps=0.0)
