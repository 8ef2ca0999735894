"""Each score's gradient sees its own probability alone.

Cause: The slope p*(1 - p) is that of one probability; each score moves all the others too.

Mend: Take the weighted mean away: p * (dout - (dout*p).sum(axis, keepdims=True)).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.softmax import softmax_forward

__all__ = ["softmax_backward", "softmax_forward"]


def softmax_backward(dout: FloatArray, cache: Any) -> FloatArray:
    """Weigh each gradient with p*(1 - p)."""
    p, _ = cache
    return np.asarray(dout * p * (1 - p))
