"""Layers that behave otherwise in training than in inference, and the norms."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import ShapeError
from cnnpy.contract.options import integer
from cnnpy.contract.shapes import Shape
from cnnpy.functional import call, dropout_backward, dropout_forward
from cnnpy.nn.op_layer import OpLayer
from cnnpy.nn.parameter import Parameter

__all__ = ["BatchNorm", "Dropout", "GroupNorm", "LayerNorm"]


class _Norm(OpLayer):
    """A norm with a scale and a shift."""

    parameter_names: ClassVar[tuple[str, ...]] = ("weight", "bias")
    weight: Parameter | None
    bias: Parameter | None
    affine: bool

    def first_value(self, name: str, shape: Shape, rng: np.random.Generator) -> FloatArray:
        """Begin with the scale 1 and the shift 0."""
        return np.ones(shape) if name == "weight" else np.zeros(shape)

    def _both(self, shape: Shape) -> dict[str, Shape]:
        return {"weight": shape, "bias": shape} if self.affine else {}


class BatchNorm(_Norm):
    """Bring each channel to a learned mean and spread over the batch.

    For features (N, C) and images (N, C, H, W) alike. Frozen, it uses its running
    statistics in training too, and leaves them.

    Parameters
    ----------
    momentum : float
        Weight of the new batch in the running statistics.
    eps : float
        Added to the variance.
    affine : bool
        Whether there are a learned scale (weight) and shift (bias).

    Attributes
    ----------
    weight, bias : Parameter of shape (C,) or None
        Scale and shift, once built.
    running_mean, running_var : ndarray of shape (C,)
        The running statistics; the variance is unbiased.
    num_batches_tracked : ndarray of shape () of int64
        Training batches seen.
    """

    op = "batch_norm"
    option_names = ("momentum", "eps")
    buffer_names = ("running_mean", "running_var", "num_batches_tracked")

    def __init__(self, *, momentum: float = 0.1, eps: float = 1e-5, affine: bool = True) -> None:
        self.momentum = momentum
        self.eps = eps
        self.affine = affine
        self.weight = self.bias = None
        self.check_options()

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of scale and shift of C channels."""
        return self._both((_channels("BatchNorm", input_shape),))

    def state_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of scale, shift and running statistics."""
        C = _channels("BatchNorm", input_shape)
        statistics: dict[str, Shape] = {"running_mean": (C,), "running_var": (C,)}
        return self.parameter_shapes(input_shape) | statistics | {"num_batches_tracked": ()}

    def make_parameters(
        self, input_shape: Shape, dtype: np.dtype[Any], rng: np.random.Generator
    ) -> None:
        """Make scale, shift and statistics of C channels."""
        super().make_parameters(input_shape, dtype, rng)
        C = _channels("BatchNorm", input_shape)
        self.running_mean = np.zeros(C, dtype=dtype)
        self.running_var = np.ones(C, dtype=dtype)
        self.num_batches_tracked = np.zeros((), dtype=np.int64)

    def forward(self, x: FloatArray, *, train: bool = False) -> tuple[FloatArray, Any]:
        """Normalise by the batch in training, by the running statistics otherwise."""
        self.ensure_built(x)
        train = train and not self.frozen
        if train:
            self.num_batches_tracked += 1
        statistics = {"running_mean": self.running_mean, "running_var": self.running_var}
        options = {**self.options(), "train": train}
        return call.forward(self.op, (x, *self._values()), options, statistics)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input, whose channels must be those of the layer."""
        C = _channels("BatchNorm", input_shape)
        if self.built and len(self.running_mean) != C:
            raise ShapeError(
                f"BatchNorm: one input has shape {input_shape}, so C={C}; "
                f"the layer was built for C={len(self.running_mean)}",
                f"C={len(self.running_mean)}",
                "make a new layer for another number of channels",
            )
        return input_shape

    def flops(self, input_shape: Shape) -> int:
        """Count two operations an entry: in inference it is one scale and one shift."""
        return 2 * int(np.prod(input_shape))


class LayerNorm(_Norm):
    """Bring each input as a whole to a learned mean and spread.

    Parameters
    ----------
    axis : int
        The first of the axes that are normalised together; 1 for all but the batch.
    eps : float
        Added to the variance.
    affine : bool
        Whether there are a learned scale (weight) and shift (bias) for each entry.

    Attributes
    ----------
    weight, bias : Parameter or None
        Scale and shift of the normalised axes' shape, once built.
    """

    op = "layer_norm"
    option_names = ("axis", "eps")

    def __init__(self, *, axis: int = 1, eps: float = 1e-5, affine: bool = True) -> None:
        self.axis = axis
        self.eps = eps
        self.affine = affine
        self.weight = self.bias = None
        self.check_options()

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of scale and shift of the normalised axes."""
        return self._both((1, *input_shape)[self.axis :])


class GroupNorm(_Norm):
    """Bring groups of each image's channels to a learned mean and spread.

    Parameters
    ----------
    groups : int
        How many groups the channels are cut into.
    eps : float
        Added to the variance.
    affine : bool
        Whether there are a learned scale (weight) and shift (bias) for each channel.

    Attributes
    ----------
    weight, bias : Parameter of shape (C,) or None
        Scale and shift, once built.
    """

    op = "group_norm"
    option_names = ("groups", "eps")

    def __init__(self, groups: int, *, eps: float = 1e-5, affine: bool = True) -> None:
        self.groups = groups
        self.eps = eps
        self.affine = affine
        self.weight = self.bias = None
        self.check_options()

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of scale and shift of C channels."""
        return self._both((_channels("GroupNorm", input_shape),))


class Dropout(OpLayer):
    """Drop entries at random in training; do nothing in inference.

    Parameters
    ----------
    p : float
        Probability of being dropped.
    seed : int, optional
        Decides the masks; that of `build` does by default.
    """

    op = "dropout"
    option_names = ("p",)

    def __init__(self, p: float = 0.5, *, seed: int | None = None) -> None:
        self.p = p
        self.seed = None if seed is None else integer(0)("Dropout", "seed", seed)
        self.check_options()

    def make_parameters(
        self, input_shape: Shape, dtype: np.dtype[Any], rng: np.random.Generator
    ) -> None:
        """Make the source of chance that the masks come from."""
        self.rng = np.random.default_rng(rng.integers(2**63) if self.seed is None else self.seed)

    def forward(self, x: FloatArray, *, train: bool = False) -> tuple[FloatArray, Any]:
        """Drop entries in training; return x itself otherwise."""
        self.ensure_built(x)
        if not train or self.frozen:
            return x, None
        return dropout_forward(x, p=self.p, seed=self.rng)

    def backward(self, dout: FloatArray, cache: Any) -> FloatArray:
        """Let the gradient through where the entry stayed."""
        return dout if cache is None else dropout_backward(dout, cache)

    def flops(self, input_shape: Shape) -> int:
        """Count nothing: in inference it does nothing."""
        return 0


def _channels(layer: str, input_shape: Shape) -> int:
    if len(input_shape) not in (1, 3):
        raise ShapeError(
            f"{layer}: one input has shape {input_shape}",
            "features (C,) or an image (C, H, W)",
            "reshape the input, or put Flatten() before it",
        )
    return input_shape[0]
