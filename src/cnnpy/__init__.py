"""cnnpy: convolutional networks for NumPy.

Three jobs on one truth:

READ
    :mod:`cnnpy.reference`: the definition of every layer, forward and backward, as
    plain, correct loops with shapes (N, C, H, W).
CHECK
    :mod:`cnnpy.check`: hold any implementation against the definition.
RUN
    :mod:`cnnpy.functional`, :mod:`cnnpy.nn`, :mod:`cnnpy.train`: train and use
    convolutional networks from NumPy arrays.

:func:`use_backend` and :func:`set_num_threads` choose what computes, and on how many
threads. Rooms are imported when they are first used: ``import cnnpy`` alone costs next to
nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = [
    "__version__",
    "backends",
    "check",
    "contract",
    "cs231n",
    "data",
    "functional",
    "insight",
    "models",
    "nn",
    "num_threads",
    "optim",
    "plot",
    "progress",
    "reference",
    "report",
    "set_num_threads",
    "train",
    "use_backend",
]

if TYPE_CHECKING:
    from cnnpy import (
        backends,
        check,
        contract,
        cs231n,
        data,
        functional,
        insight,
        models,
        nn,
        optim,
        plot,
        progress,
        reference,
        report,
        train,
    )
    from cnnpy import sklearn as sklearn
    from cnnpy.backends.registry import num_threads, set_num_threads, use_backend

    __version__: str

_CHOICES = frozenset({"num_threads", "set_num_threads", "use_backend"})
# sklearn stands not in __all__: ``from cnnpy import *`` must do without scikit-learn.
_ROOMS = frozenset(__all__) - _CHOICES - {"__version__"} | {"sklearn"}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"cnnpy.{name}")
    if name in _CHOICES:
        return getattr(importlib.import_module("cnnpy.backends.registry"), name)
    if name == "__version__":
        metadata = importlib.import_module("importlib.metadata")
        try:
            return metadata.version("cnnpy")
        except metadata.PackageNotFoundError:  # run from the source tree
            return "0+source"
    raise AttributeError(f"module 'cnnpy' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
