"""Which ways to compute an op can be asked for, and for which shapes."""

from __future__ import annotations

from cnnpy.contract.errors import OptionError
from cnnpy.contract.shapes import Pair, Shape

__all__ = ["conv2d", "winograd_fits"]

_WINDOWS = ((3, 3), (5, 5))


def winograd_fits(window: Pair, stride: Pair, dilation: Pair, groups: int) -> bool:
    """Tell whether Winograd's tiles, made for 3x3 and 5x5 filters at every pixel, can be used."""
    return window in _WINDOWS and stride == (1, 1) and dilation == (1, 1) and groups == 1


def conv2d(
    x: Shape,
    w: Shape,
    b: Shape | None,
    *,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    algorithm: str,
) -> None:
    """Demand a shape that the algorithm is made for."""
    HH, WW = w[2:]
    if algorithm != "winograd" or winograd_fits((HH, WW), stride, dilation, groups):
        return
    reasons = {
        f"a {HH}x{WW} window": (HH, WW) not in _WINDOWS,
        f"stride={stride}": stride != (1, 1),
        f"dilation={dilation}": dilation != (1, 1),
        f"groups={groups}": groups != 1,
    }
    given = ", ".join(reason for reason, holds in reasons.items() if holds)
    raise OptionError(
        f"conv2d: algorithm='winograd' with {given}",
        "a 3x3 or 5x5 window with stride 1, dilation 1 and one group",
        "use algorithm='auto', which takes Winograd's tiles where they can be used and pay",
    )
