"""Parameters that are taken by the order that they stand in, and not by their keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnnpy.check.breakages import Breakage
from cnnpy.check.case import IN_ANOTHER_ORDER
from cnnpy.check.observe import Observation
from cnnpy.check.results import are_alike
from cnnpy.check.rows import row_of
from cnnpy.check.window import Window, window_of

__all__ = ["read_by_order"]


def read_by_order(o: Observation) -> Breakage | None:
    """Name what takes its parameters by their order.

    Parameters
    ----------
    o : Observation
        What was tried.

    Returns
    -------
    Breakage or None
        None where the keys stood in the usual order, and where what came is not what the
        parameters give in that order.
    """
    turned, window = _TURNED.get(o.case.op), window_of(o.case)
    is_unusual = o.probe.manner == IN_ANOTHER_ORDER and o.outcome.out is not None
    if turned is None or window is None or not is_unusual:
        return None
    inputs, options = o.case.positional(), {**o.case.keywords(), **turned(window)}
    try:
        out, _ = row_of(o.case.op).forward(*inputs, **options)
    except Exception:  # there may be no output of these sizes
        return None
    is_right = are_alike(o, "forward", out, o.truth.out)
    return None if is_right or not are_alike(o, "forward", o.outcome.out, out) else _BY_ORDER


def _turned_pool(window: Window) -> dict[str, Any]:
    (HH, WW), (stride, _) = window.size, window.stride
    return {"kernel_size": (stride, WW), "stride": HH}


def _turned_conv(window: Window) -> dict[str, Any]:
    return {"stride": window.padding, "padding": window.stride}


_TURNED: Mapping[str, Callable[[Window], dict[str, Any]]] = {
    "conv2d": _turned_conv,
    "max_pool2d": _turned_pool,
    "avg_pool2d": _turned_pool,
}
"""What options become where the course's parameters stand the other way round."""

_BY_ORDER = Breakage(
    "reads_by_order",
    "Parameters are taken by the order that they stand in, and not by their keys.",
    "height, width, stride = param.values() is right for one order alone; whoever calls it may "
    "write another.",
    'Read each by its key: param["stride"].',
)
