"""eps is added to the variance twice.

Cause: The line that makes the variance adds it, var = x.var(...) + eps, and so does the root.

Mend: Add it once: np.sqrt(var + eps), with var the variance alone.
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
    """Bring each image's features to mean beta, with eps added twice."""
    return right_forward(x, gamma, beta, axis=axis, eps=2 * eps)
