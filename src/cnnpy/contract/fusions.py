"""What a backend is told of several rows in one go: the options of a fused block.

A backend that fuses has a module ``fused`` with these functions; see
:mod:`cnnpy.backends.native.fused`. The values are those of the rows one after another.
"""

from __future__ import annotations

from typing import NamedTuple

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair

__all__ = ["BlockGradients", "ConvOptions", "Norm", "PoolOptions"]


class ConvOptions(NamedTuple):
    """conv2d's options, normalised."""

    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int
    algorithm: str


class Norm(NamedTuple):
    """batch_norm's inputs and options."""

    gamma: FloatArray | None
    beta: FloatArray | None
    running_mean: FloatArray
    running_var: FloatArray
    momentum: float
    eps: float


class PoolOptions(NamedTuple):
    """max_pool2d's options, normalised."""

    kernel_size: Pair
    stride: Pair
    padding: Pair


class BlockGradients(NamedTuple):
    """What comes back through a block; None for what is not there or not needed."""

    x: FloatArray | None
    w: FloatArray | None
    b: FloatArray | None
    gamma: FloatArray | None
    beta: FloatArray | None
    residual: FloatArray | None
