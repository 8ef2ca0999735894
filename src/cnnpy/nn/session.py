"""InferenceSession: a network as it is now, made ready to compute outputs only.

Batch norms are folded into the convolutions before them and all weights are packed for
the kernels once, where a call of the model does both anew, since training may have
changed them. A backend that can then runs the whole network in one call.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from cnnpy import functional
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import OptionError
from cnnpy.contract.fusions import NetworkStep
from cnnpy.contract.ops import OPS
from cnnpy.contract.validate import parse_options
from cnnpy.functional import fused
from cnnpy.nn.activations import (
    GELU,
    HardSwish,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from cnnpy.nn.containers import Concat, Residual, Sequential
from cnnpy.nn.fusion import ConvBlock, LinearBlock, Step, fuses, norm_of, steps
from cnnpy.nn.layer import Layer
from cnnpy.nn.layers import Conv2d, Linear
from cnnpy.nn.norms import BatchNorm, Dropout
from cnnpy.nn.op_layer import OpLayer
from cnnpy.nn.pooling import (
    AvgPool2d,
    Flatten,
    GlobalAvgPool2d,
    MaxPool2d,
    Pad2d,
    UpsampleNearest2d,
)

__all__ = ["InferenceSession"]


class InferenceSession:
    """Compute outputs with the weights that a network has now.

    Later changes of the model do not reach the session. Several threads may call it at
    once. It computes on the backend that it was made on.

    Parameters
    ----------
    model : Layer
        A built network.

    Raises
    ------
    OptionError
        Where the model is not built.

    Examples
    --------
    >>> from cnnpy import models, nn
    >>> model = models.small_cnn()
    >>> model.build((1, 8, 8), seed=0)
    (10,)
    >>> session = nn.InferenceSession(model)
    >>> x = np.ones((2, 1, 8, 8), dtype=np.float32)
    >>> bool(np.allclose(session(x), model(x), atol=1e-5))
    True
    """

    def __init__(self, model: Layer) -> None:
        if not model.built:
            raise OptionError(
                "InferenceSession: the model is not built",
                "a model with parameters",
                "build it first: model.build((C, H, W))",
            )
        network = _Network()
        network.layer(model.copy(), 0)
        self._run = fused.NetworkInference(network.steps)

    def __call__(self, x: FloatArray) -> FloatArray:
        """Compute the output of a batch.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            The batch.

        Returns
        -------
        ndarray of shape (N, ...)
            The output.
        """
        return self._run(x)


# What is one row of the contract without weights, and reads one value.
_ROWS = frozenset(
    {
        *(AvgPool2d, Dropout, Flatten, GlobalAvgPool2d, MaxPool2d, Pad2d, UpsampleNearest2d),
        *(GELU, HardSwish, LeakyReLU, LogSoftmax, ReLU, ReLU6, SiLU, Sigmoid, Softmax, Tanh),
    }
)


class _Network:
    """The steps of a network as they are found; values are known by their numbers."""

    def __init__(self) -> None:
        self.steps: list[NetworkStep] = []

    def append(self, step: NetworkStep) -> int:
        """Put a step behind the others, and return the number of what it gives."""
        self.steps.append(step)
        return len(self.steps)

    def layer(self, layer: Layer, x: int) -> int:
        """Put a layer's steps behind the others."""
        if not fuses():
            return self.append(NetworkStep(layer.infer, (x,)))
        if type(layer) is Sequential:
            return self.chain(steps(list(layer), train=False), x)
        if type(layer) is Residual:
            return self.residual(layer, x)
        if type(layer) is Concat:
            parts = tuple(self.layer(branch, x) for branch in layer)
            return self.append(NetworkStep(_concat, parts, "concat"))
        if type(layer) is Conv2d:
            return self.conv_block(ConvBlock(layer, None, None, None), x)
        if type(layer) is Linear:
            return self.linear_block(LinearBlock(layer, None), x)
        if type(layer) is BatchNorm:
            return self.append(NetworkStep(layer.infer, (x,), "batch_norm", norm_of(layer)))
        if isinstance(layer, OpLayer) and type(layer) in _ROWS:
            options = parse_options(OPS[layer.op], layer.options())
            return self.append(NetworkStep(layer.infer, (x,), layer.op, options))
        return self.append(NetworkStep(layer.infer, (x,)))

    def chain(self, found: Sequence[Step], x: int) -> int:
        """Put steps that read one another behind the others."""
        for step in found:
            if isinstance(step, ConvBlock):
                x = self.conv_block(step, x)
            elif isinstance(step, LinearBlock):
                x = self.linear_block(step, x)
            else:
                x = self.layer(step.layers[0], x)
        return x

    def conv_block(
        self, block: ConvBlock, x: int, beside: int | None = None, *, relu: bool = False
    ) -> int:
        """Put a convolution and what is behind it behind the others."""
        run = block.prepared()
        inputs = (x,) if beside is None else (x, beside)
        return self.append(
            NetworkStep(functools.partial(run, relu=relu), inputs, "conv_block", run.own, relu)
        )

    def linear_block(self, block: LinearBlock, x: int) -> int:
        """Put a fully connected layer behind the others."""
        run = block.prepared()
        return self.append(NetworkStep(run, (x,), "linear_block", run.own))

    def residual(self, layer: Residual, x: int) -> int:
        """Put a body, its shortcut and their sum behind the others."""
        beside = x if layer.shortcut is None else self.layer(layer.shortcut, x)
        ends = layer.fused_body(train=False)
        if ends is not None:
            first, last = ends
            relu = layer.activation is not None
            return self.conv_block(last, self.chain(first, x), beside, relu=relu)
        total = self.append(NetworkStep(_add, (self.layer(layer.body, x), beside), "add"))
        return total if layer.activation is None else self.layer(layer.activation, total)


def _add(x: FloatArray, y: FloatArray) -> FloatArray:
    return functional.add_forward(x, y)[0]


def _concat(*xs: FloatArray) -> FloatArray:
    return functional.concat_forward(xs, axis=1)[0]
