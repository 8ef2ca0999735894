"""The slope is the gate min(max(x + 3, 0), 6)/6 alone.

Cause: x stands in both factors of x*gate(x); only one of them is differentiated.

Mend: Between -3 and 3 the slope is x/3 + 1/2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.hard_swish import hard_swish_forward

__all__ = ["hard_swish_backward", "hard_swish_forward"]


def hard_swish_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Weigh the gradient with the gate."""
    return np.asarray(dout * np.clip(cache + 3, 0, 6) / 6)
