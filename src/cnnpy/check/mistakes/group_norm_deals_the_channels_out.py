"""Channel c is in group c % groups.

Cause: The channels are dealt out in turn: x.reshape(N, C // groups, groups, ...).

Mend: Cut C into blocks that stand side by side: x.reshape(N, groups, C // groups, ...).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.group_norm import group_norm_backward as right_backward
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
    """Bring groups of channels that stand apart to mean beta and spread gamma."""
    order = np.arange(x.shape[1]).reshape(-1, groups).T.ravel()
    dealt, cache = right_forward(
        x[:, order],
        None if gamma is None else gamma[order],
        None if beta is None else beta[order],
        groups=groups,
        eps=eps,
    )
    return dealt[:, np.argsort(order)], (cache, order)


def group_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back through the groups of channels that stand apart."""
    inner, order = cache
    dx, dgamma, dbeta = right_backward(dout[:, order], inner)
    back = np.argsort(order)
    return (
        dx[:, back],
        None if dgamma is None else dgamma[back],
        None if dbeta is None else dbeta[back],
    )
