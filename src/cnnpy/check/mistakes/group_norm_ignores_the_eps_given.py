"""The eps that is given is not used: it is 1e-5 always.

Cause: It is written into the formula, or asked for under another name, and its default comes.

Mend: Take it from the caller: eps = gn_param.get("eps", 1e-5).
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
    """Bring each group to mean beta and spread gamma, with an eps of its own."""
    return right_forward(x, gamma, beta, groups=groups, eps=1e-5)
