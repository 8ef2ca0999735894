"""What a backend is told of several rows in one go: the options of a fused block.

A backend that fuses has a module ``fused`` with these functions; see
:mod:`cnnpy.backends.native.fused`. The values are those of the rows one after another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair

__all__ = ["BlockGradients", "ConvOptions", "NetworkStep", "Norm", "PoolOptions"]


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


class NetworkStep(NamedTuple):
    """One step of a network that only infers.

    A network's values are numbered: 0 is its input, k + 1 what its step k gives.
    """

    run: Callable[..., FloatArray]
    """Computes the step by itself."""
    inputs: tuple[int, ...]
    """The values that it reads, in the order in which `run` takes them."""
    op: str | None = None
    """The row that it is, ``"conv_block"``, ``"linear_block"`` or ``"batch_norm"`` with
    running statistics; None where `run` alone knows."""
    content: Any = None
    """The row's options, normalised; the backend's prepared block; a Norm."""
    relu: bool = False
    """Whether a ReLU comes after the block and what is added to it."""


class BlockGradients(NamedTuple):
    """What comes back through a block; None for what is not there or not needed."""

    x: FloatArray | None
    w: FloatArray | None
    b: FloatArray | None
    gamma: FloatArray | None
    beta: FloatArray | None
    residual: FloatArray | None
