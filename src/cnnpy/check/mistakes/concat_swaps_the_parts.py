"""Each array gets the gradient of another.

Cause: The parts are cut in the order of the output and returned in the opposite order.

Mend: Return the parts in the order of the inputs.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.concat import concat_backward as right_backward
from cnnpy.reference.concat import concat_forward

__all__ = ["concat_backward", "concat_forward"]


def concat_backward(dout: FloatArray, cache: Any) -> list[FloatArray]:
    """Cut the gradient into parts, the last first."""
    return right_backward(dout, cache)[::-1]
