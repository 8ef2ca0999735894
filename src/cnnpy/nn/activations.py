"""Layers without parameters that work entry by entry or along one axis."""

from __future__ import annotations

from cnnpy.nn.op_layer import OpLayer

__all__ = [
    "GELU",
    "HardSwish",
    "LeakyReLU",
    "LogSoftmax",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
]


class ReLU(OpLayer):
    """Cut off what is negative: max(x, 0)."""

    op = "relu"


class ReLU6(OpLayer):
    """Cut off what is negative and what is above 6: min(max(x, 0), 6)."""

    op = "relu6"


class LeakyReLU(OpLayer):
    """Shrink what is negative by a slope.

    Parameters
    ----------
    negative_slope : float
        Slope on the negative side.
    """

    op = "leaky_relu"
    option_names = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope
        self.check_options()


class Sigmoid(OpLayer):
    """Squeeze each entry into (0, 1)."""

    op = "sigmoid"


class Tanh(OpLayer):
    """Squeeze each entry into (-1, 1)."""

    op = "tanh"


class GELU(OpLayer):
    """Weigh each entry by the normal distribution's share below it.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        By the error function, or by a hyperbolic tangent.
    """

    op = "gelu"
    option_names = ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate
        self.check_options()


class SiLU(OpLayer):
    """Weigh each entry by its sigmoid."""

    op = "silu"


class HardSwish(OpLayer):
    """Weigh each entry by a straight piece from 0 to 1."""

    op = "hard_swish"


class Softmax(OpLayer):
    """Turn scores into probabilities.

    Parameters
    ----------
    axis : int
        The axis of the classes.
    """

    op = "softmax"
    option_names = ("axis",)

    def __init__(self, axis: int = 1) -> None:
        self.axis = axis
        self.check_options()


class LogSoftmax(OpLayer):
    """Turn scores into logarithms of probabilities.

    Parameters
    ----------
    axis : int
        The axis of the classes.
    """

    op = "log_softmax"
    option_names = ("axis",)

    def __init__(self, axis: int = 1) -> None:
        self.axis = axis
        self.check_options()
