"""What a backend is told of several rows in one go: the options of a fused block.

A backend that fuses has a module ``fused`` with these functions; see
:mod:`cnnpy.backends.native.fused`. The values are those of the rows one after another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.shapes import Pair

__all__ = [
    "BlockGradients",
    "ConvOptions",
    "HandedGradient",
    "HandedOn",
    "NetworkStep",
    "Norm",
    "PoolOptions",
]


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


@dataclass(slots=True)
class HandedOn:
    """An output that the next block makes itself, where its convolution reads it.

    It is relu(images * scale + shift + residual), whatever of it is there.
    """

    images: FloatArray
    """What the convolution returned."""
    mean: FloatArray
    """Of `images`, for each channel, as `scale` and `shift` are."""
    scale: FloatArray
    shift: FloatArray
    residual: FloatArray | None
    relu: bool
    relu6: bool
    """Whether the ReLU is one of 6."""
    keep: bool = False
    """Whether the output is wanted by others than the next convolution too."""
    made: FloatArray | None = None
    """The output, when the next block has made and kept it."""


class HandedGradient(NamedTuple):
    """The gradient of an output that was handed on, with the sums that its norm wants."""

    images: FloatArray
    """What the ReLU let through."""
    sums: NDArray[np.float64]
    products: NDArray[np.float64]
    """Of the gradient with the norm's input less its mean."""


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

    x: FloatArray | HandedGradient | None
    w: FloatArray | None
    b: FloatArray | None
    gamma: FloatArray | None
    beta: FloatArray | None
    residual: FloatArray | None
