"""Layers without parameters that change the shape of images."""

from __future__ import annotations

from cnnpy.contract.shapes import Pair, Sides
from cnnpy.nn.op_layer import OpLayer

__all__ = ["AvgPool2d", "Flatten", "GlobalAvgPool2d", "MaxPool2d", "Pad2d", "UpsampleNearest2d"]


class MaxPool2d(OpLayer):
    """Keep the largest entry of each window.

    Parameters
    ----------
    kernel_size : int or (int, int)
        The window (HH, WW).
    stride : int or (int, int), optional
        From window to window; the window itself by default.
    padding : int or (int, int)
        At most half the window.
    """

    op = "max_pool2d"
    option_names = ("kernel_size", "stride", "padding")

    def __init__(
        self,
        kernel_size: int | Pair,
        *,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.check_options()


class AvgPool2d(OpLayer):
    """Keep the mean of each window.

    Parameters
    ----------
    kernel_size : int or (int, int)
        The window (HH, WW).
    stride : int or (int, int), optional
        From window to window; the window itself by default.
    padding : int or (int, int)
        At most half the window.
    count_include_pad : bool
        Whether the padding counts into the mean.
    """

    op = "avg_pool2d"
    option_names = ("kernel_size", "stride", "padding", "count_include_pad")

    def __init__(
        self,
        kernel_size: int | Pair,
        *,
        stride: int | Pair | None = None,
        padding: int | Pair = 0,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.count_include_pad = count_include_pad
        self.check_options()


class GlobalAvgPool2d(OpLayer):
    """Keep the mean of each channel, (C, 1, 1)."""

    op = "global_avg_pool2d"


class Flatten(OpLayer):
    """Lay each image out as one row."""

    op = "flatten"


class Pad2d(OpLayer):
    """Surround images with a border.

    Parameters
    ----------
    padding : int, (int, int) or (int, int, int, int)
        All sides, (along H, along W), or (top, bottom, left, right).
    mode : {"constant", "reflect", "replicate", "circular"}
        What the border is made of.
    value : float
        The border's value with mode "constant".
    """

    op = "pad2d"
    option_names = ("padding", "mode", "value")

    def __init__(
        self, padding: int | Pair | Sides, *, mode: str = "constant", value: float = 0.0
    ) -> None:
        self.padding = padding
        self.mode = mode
        self.value = value
        self.check_options()


class UpsampleNearest2d(OpLayer):
    """Repeat each pixel along both axes.

    Parameters
    ----------
    scale_factor : int or (int, int)
        Repetitions along H and W.
    """

    op = "upsample_nearest2d"
    option_names = ("scale_factor",)

    def __init__(self, scale_factor: int | Pair) -> None:
        self.scale_factor = scale_factor
        self.check_options()
