"""In inference the values are too small.

Cause: They are multiplied with the share that stays, as belongs to a dropout that does not scale
in training.

Mend: Leave them as they are: what stayed in training was divided by that share.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.dropout import dropout_backward
from cnnpy.reference.dropout import dropout_forward as right_forward

__all__ = ["dropout_backward", "dropout_forward"]


def dropout_forward(
    x: FloatArray, *, mask: NDArray[np.bool_] | None, p: float = 0.5
) -> tuple[FloatArray, Any]:
    """Drop entries and scale up those that stay; without a mask, scale all down."""
    out, cache = right_forward(x, mask=mask, p=p)
    return out if mask is not None else out * out.dtype.type(1 - p), cache
