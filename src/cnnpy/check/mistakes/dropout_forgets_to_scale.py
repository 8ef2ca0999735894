"""What stays is not scaled up.

Cause: Where a share of the entries stays, it carries that share of the sum.

Mend: Divide by the share that stays in training, so that inference needs no scale.
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
    """Drop entries, and leave the others as they are."""
    return right_forward(x, mask=mask, p=0.0)
