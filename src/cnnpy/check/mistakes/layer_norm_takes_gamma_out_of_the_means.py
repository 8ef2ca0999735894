"""dx is off: gamma is multiplied with the result, and not with dout.

Cause: In batch_norm gamma is one number for all that is averaged, and may stand in front; here it
differs from feature to feature.

Mend: Begin with dx_hat = dout * gamma, and take its means.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.layer_norm import layer_norm_backward as right_backward
from cnnpy.reference.layer_norm import layer_norm_forward

__all__ = ["layer_norm_backward", "layer_norm_forward"]


def layer_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back, and multiply with gamma at the end."""
    x_hat, inv_std, gamma, beta, first = cache
    _, dgamma, dbeta = right_backward(dout, cache)
    dx, _, _ = right_backward(dout, (x_hat, inv_std, None, beta, first))
    return dx if gamma is None else np.asarray(dx * gamma), dgamma, dbeta
