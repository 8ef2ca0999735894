"""How long both passes of an implementation take beside plain loops over every entry."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnnpy.check.dialects import Found
from cnnpy.check.outcome import Caller
from cnnpy.check.plans import Probe, plan_of
from cnnpy.check.rows import row_of

__all__ = ["is_said_to_be_fast", "pace"]

_SIZES: Mapping[str, Mapping[str, Any]] = {
    "conv2d": {"N": 2, "C": 3, "F": 4, "H": 12, "W": 12},
    "max_pool2d": {"N": 2, "C": 3, "H": 24, "W": 24},
    "avg_pool2d": {"N": 2, "C": 3, "H": 24, "W": 24},
}
"""By op, a case that loops take some hundredths of a second for."""

_FAST = ("fast", "im2col", "strides", "vectorized", "reshape")


def is_said_to_be_fast(found: Found) -> bool:
    """Tell whether an implementation calls itself fast, and there is a case to time it on.

    Parameters
    ----------
    found : Found
        The implementation.

    Returns
    -------
    bool
        Whether it does.
    """
    return found.dialect.op in _SIZES and found.forward.rpartition("_")[2] in _FAST


def pace(found: Found, caller: Caller) -> float | None:
    """Time both passes beside the definition's.

    Parameters
    ----------
    found : Found
        The implementation.
    caller : Caller
        Who calls it.

    Returns
    -------
    float or None
        Their seconds over those of plain loops, the best of two rounds; None where the
        case cannot be put into its words.
    """
    op = found.dialect.op
    case = plan_of(op).case(Probe("pace", _SIZES[op]))
    if not found.dialect.takes(case):
        return None
    row, own = row_of(op), case.map(np.copy)
    out, _ = row.forward(*own.positional(), **own.keywords())
    dout = np.ones(out.shape)

    def loops() -> None:
        _, cache = row.forward(*own.positional(), **own.keywords())
        row.backward(dout, cache)

    theirs = min(_seconds(lambda: found.run(caller, case, dout)) for _ in range(2))
    return theirs / min(_seconds(loops) for _ in range(2))


def _seconds(run: Callable[[], object]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin
