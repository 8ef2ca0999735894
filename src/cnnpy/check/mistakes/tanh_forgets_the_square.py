"""The slope is 1 - tanh(x).

Cause: The derivative of tanh is 1 - tanh(x)**2.

Mend: Square the output: dout * (1 - out**2).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.tanh import tanh_forward

__all__ = ["tanh_backward", "tanh_forward"]


def tanh_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Weigh the gradient with 1 - tanh."""
    return np.asarray(dout * (1 - np.tanh(cache)))
