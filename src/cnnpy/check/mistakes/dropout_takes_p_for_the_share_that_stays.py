"""What stays is divided by p.

Cause: Some texts (and the 2016 course) let p be the probability of staying; here it is that of
being dropped.

Mend: Divide by 1 - p.
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
    """Drop entries and divide the others by p."""
    return right_forward(x, mask=mask, p=1 - p)
