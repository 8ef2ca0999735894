"""eps is added to the variance twice.

Cause: The line that makes the variance adds it, var = x.var(...) + eps, and so does the root.

Mend: Add it once: np.sqrt(var + eps), with var the variance alone.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.group_norm import group_norm_backward
from cnnpy.reference.group_norm import group_norm_forward as right_forward

__all__ = ["group_norm_backward", "group_norm_forward"]


def group_norm_forward(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    groups: int,
    eps: float = 1e-5,
) -> tuple[FloatArray, Any]:
    """Bring each group to mean beta, with eps added twice."""
    return right_forward(x, gamma, beta, groups=groups, eps=2 * eps)
