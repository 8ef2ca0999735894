"""What should stay is dropped, and the other way round.

Cause: The mask is True where an entry stays; it is read as where one is dropped.

Mend: Keep the entries where the mask is True.
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
    """Drop the entries that the mask keeps."""
    return right_forward(x, mask=None if mask is None else ~mask, p=p)
