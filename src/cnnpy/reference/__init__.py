"""The definition of every op, forward and backward, as plain loops.

This room is for reading and for judging; it is never optimised. One file an op,
both passes side by side, in the same loops and the same order.
"""

from __future__ import annotations

import importlib
from typing import Any

from cnnpy.contract.ops import OPS

__all__ = [f"{op}_{way}" for op in OPS for way in ("forward", "backward")]


def __getattr__(name: str) -> Any:
    op = name.rpartition("_")[0]
    if name in __all__:
        return getattr(importlib.import_module(f"{__name__}.{op}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
