"""Layers with weights: convolutions and the fully connected layer."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import ShapeError
from cnnpy.contract.options import integer, pair
from cnnpy.contract.shapes import Pair, Shape
from cnnpy.nn.initializers import Initializer, find_initializer
from cnnpy.nn.op_layer import OpLayer
from cnnpy.nn.parameter import Parameter

__all__ = ["Conv2d", "ConvTranspose2d", "Linear"]


class _Weighted(OpLayer):
    """A layer with a weight and perhaps a bias, made when the input is known."""

    parameter_names: ClassVar[tuple[str, ...]] = ("weight", "bias")
    weight: Parameter | None
    bias: Parameter | None
    weight_init: str | Initializer

    def fans(self, shape: Shape) -> tuple[int, int]:
        """Count the numbers that come into one output and go out of one input.

        Parameters
        ----------
        shape : tuple of int
            The weight's.

        Returns
        -------
        fan_in, fan_out : int
            The counts.
        """
        return math.prod(shape[1:]), shape[0] * math.prod(shape[2:])

    def first_value(self, name: str, shape: Shape, rng: np.random.Generator) -> FloatArray:
        """Draw the weight; the bias begins at zero."""
        if name == "bias":
            return np.zeros(shape)
        return find_initializer(self.weight_init)(rng, shape, *self.fans(shape))


class Conv2d(_Weighted):
    """Convolve images with filters that are learned.

    Parameters
    ----------
    filters : int
        How many filters, F.
    kernel_size : int or (int, int)
        Their size (HH, WW).
    stride, padding, dilation : int or (int, int)
        Along H and W.
    groups : int
        Parts that do not see each other.
    use_bias : bool
        Whether each filter has a bias; a batch norm behind makes it useless.
    weight_init : str or callable
        A name of :data:`cnnpy.nn.INITIALIZERS`, or a function.

    Attributes
    ----------
    weight : Parameter of shape (F, C/groups, HH, WW)
        The filters, once built.
    bias : Parameter of shape (F,) or None
        The biases.

    Raises
    ------
    OptionError
        Where an option is out of its range.

    Examples
    --------
    >>> from cnnpy import nn
    >>> layer = nn.Conv2d(8, 3, padding=1)
    >>> layer.build((3, 32, 32))
    (8, 32, 32)
    >>> layer.weight
    Parameter((8, 3, 3, 3), float32)
    """

    op = "conv2d"
    option_names = ("stride", "padding", "dilation", "groups")

    def __init__(
        self,
        filters: int,
        kernel_size: int | Pair,
        *,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        use_bias: bool = True,
        weight_init: str | Initializer = "he_normal",
    ) -> None:
        self.filters: int = integer(1)("Conv2d", "filters", filters)
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        self.use_bias = use_bias
        self.weight_init = weight_init
        self.weight = self.bias = None
        find_initializer(weight_init)
        pair(1)("Conv2d", "kernel_size", kernel_size)
        self.check_options()

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of filters for C channels, and of the biases."""
        C = _image_shape("Conv2d", input_shape)[0]
        window = pair(1)("Conv2d", "kernel_size", self.kernel_size)
        shapes: dict[str, Shape] = {"weight": (self.filters, max(C // self.groups, 1), *window)}
        return shapes | ({"bias": (self.filters,)} if self.use_bias else {})

    def fans(self, shape: Shape) -> tuple[int, int]:
        """Count the taps that meet in one output, and those of one input."""
        return math.prod(shape[1:]), shape[0] // self.groups * math.prod(shape[2:])


class ConvTranspose2d(_Weighted):
    """Spread images with filters that are learned: the adjoint of a convolution.

    Parameters
    ----------
    filters : int
        How many channels come out, F.
    kernel_size : int or (int, int)
        The filters' size (HH, WW).
    stride, padding, output_padding, dilation : int or (int, int)
        Along H and W.
    groups : int
        Parts that do not see each other.
    use_bias : bool
        Whether each output channel has a bias.
    weight_init : str or callable
        A name of :data:`cnnpy.nn.INITIALIZERS`, or a function.

    Attributes
    ----------
    weight : Parameter of shape (C, F/groups, HH, WW)
        The filters, once built.
    bias : Parameter of shape (F,) or None
        The biases.

    Raises
    ------
    OptionError
        Where an option is out of its range.

    Examples
    --------
    >>> from cnnpy import nn
    >>> nn.ConvTranspose2d(8, 2, stride=2).build((16, 7, 7))
    (8, 14, 14)
    """

    op = "conv_transpose2d"
    option_names = ("stride", "padding", "output_padding", "dilation", "groups")

    def __init__(
        self,
        filters: int,
        kernel_size: int | Pair,
        *,
        stride: int | Pair = 1,
        padding: int | Pair = 0,
        output_padding: int | Pair = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        use_bias: bool = True,
        weight_init: str | Initializer = "he_normal",
    ) -> None:
        self.filters: int = integer(1)("ConvTranspose2d", "filters", filters)
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.output_padding = output_padding
        self.dilation = dilation
        self.groups = groups
        self.use_bias = use_bias
        self.weight_init = weight_init
        self.weight = self.bias = None
        find_initializer(weight_init)
        pair(1)("ConvTranspose2d", "kernel_size", kernel_size)
        self.check_options()

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of filters for C channels, and of the biases."""
        C = _image_shape("ConvTranspose2d", input_shape)[0]
        window = pair(1)("ConvTranspose2d", "kernel_size", self.kernel_size)
        if self.filters % self.groups:
            raise ShapeError(
                f"ConvTranspose2d: filters={self.filters}, which groups={self.groups} "
                "does not divide",
                "groups that divide the filters",
                f"use filters={-(-self.filters // self.groups) * self.groups}",
            )
        shapes: dict[str, Shape] = {"weight": (C, self.filters // self.groups, *window)}
        return shapes | ({"bias": (self.filters,)} if self.use_bias else {})

    def fans(self, shape: Shape) -> tuple[int, int]:
        """Count the taps that meet in one output, and those of one input."""
        return shape[0] // self.groups * math.prod(shape[2:]), math.prod(shape[1:])


class Linear(_Weighted):
    """Weigh all features for each output, with weights that are learned.

    Parameters
    ----------
    features : int
        How many outputs, M.
    use_bias : bool
        Whether each output has a bias.
    weight_init : str or callable
        A name of :data:`cnnpy.nn.INITIALIZERS`, or a function.

    Attributes
    ----------
    weight : Parameter of shape (M, D)
        The weights, once built.
    bias : Parameter of shape (M,) or None
        The biases.

    Raises
    ------
    OptionError
        Where an option is out of its range.

    Examples
    --------
    >>> from cnnpy import nn
    >>> layer = nn.Linear(10)
    >>> layer.build((84,))
    (10,)
    >>> layer.weight
    Parameter((10, 84), float32)
    """

    op = "linear"

    def __init__(
        self,
        features: int,
        *,
        use_bias: bool = True,
        weight_init: str | Initializer = "he_normal",
    ) -> None:
        self.features: int = integer(1)("Linear", "features", features)
        self.use_bias = use_bias
        self.weight_init = weight_init
        self.weight = self.bias = None
        find_initializer(weight_init)

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of weights for D features, and of the biases."""
        if len(input_shape) != 1:
            raise ShapeError(
                f"Linear: one input has shape {input_shape}",
                "one row of features, (D,)",
                f"put Flatten() before it: {math.prod(input_shape)} features",
            )
        shapes: dict[str, Shape] = {"weight": (self.features, input_shape[0])}
        return shapes | ({"bias": (self.features,)} if self.use_bias else {})


def _image_shape(layer: str, input_shape: Shape) -> Shape:
    if len(input_shape) != 3:
        raise ShapeError(
            f"{layer}: one input has shape {input_shape}",
            "an image (C, H, W)",
            f"use build((1, {', '.join(map(str, input_shape))})) for images without channels"
            if len(input_shape) == 2
            else "give images: x of shape (N, C, H, W)",
        )
    return input_shape
