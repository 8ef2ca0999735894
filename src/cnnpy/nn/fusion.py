"""Which neighbouring layers run in one go: the one place where that is decided.

A container walks over steps instead of layers. A step is one layer, or a block that a
backend can fuse: a convolution with the batch norm, ReLU and max pooling behind it, or with
batch norm and ReLU6, a residual block, or a fully connected layer with its ReLU. In
training, where a convolution follows a norm, the norm's step hands on what it was given,
and the convolution's makes the output some images at a time where it reads them. Only the
layers of :mod:`cnnpy.nn` themselves are fused; a subclass may do something else.
``use_fusion(False)`` runs layer by layer, with the same values.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, NamedTuple, Protocol

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import BackendError
from cnnpy.contract.fusions import HandedGradient, HandedOn, Norm
from cnnpy.contract.options import flag
from cnnpy.functional import fused
from cnnpy.functional.shape import add_forward
from cnnpy.nn.activations import ReLU, ReLU6
from cnnpy.nn.layer import Layer
from cnnpy.nn.layers import Conv2d, Linear
from cnnpy.nn.norms import BatchNorm
from cnnpy.nn.parameter import Parameter
from cnnpy.nn.pooling import MaxPool2d

__all__ = [
    "Chain",
    "ConvBlock",
    "LinearBlock",
    "ResidualBlock",
    "Single",
    "Step",
    "fuses",
    "norm_of",
    "steps",
    "use_fusion",
]

# What goes from step to step: arrays, but where one block hands on to the next.
Images = FloatArray | HandedOn
Gradient = FloatArray | HandedGradient

_ENVIRONMENT = "CNNPY_FUSION"
_chosen: ContextVar[bool | None] = ContextVar("cnnpy_fusion", default=None)


class use_fusion:
    """Choose whether neighbouring layers run in one go, for a block of code.

    Outside of any block, the environment variable ``CNNPY_FUSION`` (0 or 1) decides;
    without it layers are fused where the backend can.

    Parameters
    ----------
    enabled : bool
        False runs layer by layer.

    Raises
    ------
    OptionError
        Where `enabled` is no bool.

    Examples
    --------
    >>> from cnnpy import nn
    >>> model = nn.Sequential(nn.Conv2d(4, 3), nn.ReLU())
    >>> x = np.ones((1, 2, 5, 5), dtype=np.float32)
    >>> with nn.use_fusion(False):
    ...     plain = model(x)
    >>> bool(np.allclose(model(x), plain, atol=1e-5))
    True
    """

    def __init__(self, enabled: bool) -> None:
        self.enabled = flag()("use_fusion", "enabled", enabled)
        self._tokens: list[Token[bool | None]] = []

    def __enter__(self) -> bool:
        self._tokens.append(_chosen.set(self.enabled))
        return bool(self.enabled)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _chosen.reset(self._tokens.pop())


def fuses() -> bool:
    """Tell whether layers are fused here and now.

    Returns
    -------
    bool
        Whether fusion is chosen, and the backend of the moment can.

    Raises
    ------
    BackendError
        Where ``CNNPY_FUSION`` is neither 0 nor 1.
    """
    chosen = _chosen.get()
    if chosen is None:
        wish = os.environ.get(_ENVIRONMENT) or "1"
        if wish not in ("0", "1"):
            raise BackendError(
                f"{_ENVIRONMENT}={wish!r}", "0 or 1", f"use {_ENVIRONMENT}=0 to run layer by layer"
            )
        chosen = wish == "1"
    return chosen and fused.available()


class Step(Protocol):
    """What a container runs at a time."""

    layers: tuple[Layer, ...]

    @property
    def takes_handed(self) -> bool:
        """Whether forward takes what a block before hands on."""
        ...

    def let_hand_on(self) -> None:
        """Hand on what can be, from now on."""
        ...

    def forward(self, x: Any, *, train: bool) -> tuple[Any, Any]:
        """Run the layers forward."""
        ...

    def backward(self, dout: Any, cache: Any) -> Any:
        """Run them backward."""
        ...

    def backward_parameters(self, dout: Any, cache: Any) -> None:
        """Run them backward without the gradient of the input."""
        ...

    def infer(self, x: FloatArray) -> FloatArray:
        """Run them in inference."""
        ...


class Single:
    """One layer by itself.

    Parameters
    ----------
    layer : Layer
        The layer.
    """

    takes_handed = False

    def __init__(self, layer: Layer) -> None:
        self.layers: tuple[Layer, ...] = (layer,)
        self.forward = layer.forward
        self.backward = layer.backward
        self.backward_parameters = layer.backward_parameters
        self.infer = layer.infer

    def let_hand_on(self) -> None:
        """Leave it: a layer returns its output."""


class ConvBlock:
    """A convolution with what is behind it.

    Parameters
    ----------
    conv : Conv2d
        The convolution.
    norm : BatchNorm, optional
        Behind it.
    relu : ReLU or ReLU6, optional
        Behind that.
    pool : MaxPool2d, optional
        Behind that, unless it is a ReLU6: which entry is the largest is asked before the
        ReLU, and above 6 there is none.
    """

    def __init__(
        self,
        conv: Conv2d,
        norm: BatchNorm | None,
        relu: ReLU | ReLU6 | None,
        pool: MaxPool2d | None,
    ) -> None:
        self.conv = conv
        self.norm = norm
        self.relu = relu is not None
        self.relu6 = isinstance(relu, ReLU6)
        self.pool = pool
        self._hands_on = False
        there = (conv, norm, relu, pool)
        self.layers: tuple[Layer, ...] = tuple(layer for layer in there if layer is not None)

    @property
    def takes_handed(self) -> bool:
        """Whether forward takes what a block before hands on."""
        return self.norm is not None

    def let_hand_on(self) -> None:
        """Leave the norm's scale and the ReLU to the next block, where no pooling follows."""
        self._hands_on = self.norm is not None and self.pool is None

    def forward(
        self,
        x: Images,
        *,
        train: bool,
        residual: FloatArray | None = None,
        relu: bool = False,
    ) -> tuple[Images, Any]:
        """Run the block; `residual` is added behind the norm, and `relu` is one after that."""
        assert train
        found = fused.conv_block_forward(
            *self._inputs(x),
            norm=self._norm(),
            residual=residual,
            relu=self.relu or relu,
            pool=None if self.pool is None else self.pool.options(),
            hand_on=self._hands_on,
            relu6=self.relu6,
        )
        if self.norm is not None:
            self.norm.num_batches_tracked += 1
        return found

    def prepared(self) -> fused.ConvBlockInference:
        """Fold the norm into the filters and pack them, for many batches."""
        _, weight, bias, options = self._inputs(None)
        pool = None if self.pool is None else self.pool.options()
        return fused.ConvBlockInference(
            weight,
            bias,
            options,
            norm=self._norm(),
            relu=self.relu,
            pool=pool,
            relu6=self.relu6,
        )

    def infer(
        self, x: FloatArray, *, residual: FloatArray | None = None, relu: bool = False
    ) -> FloatArray:
        """Run the block in inference."""
        return self.prepared()(x, residual, relu=relu)

    def backward(self, dout: Gradient, cache: Any) -> Gradient:
        """Add to the gradients of the parameters and return that of the input."""
        dx: Gradient = self.backward_both(dout, cache)[0]
        return dx

    def backward_both(
        self,
        dout: Gradient,
        cache: Any,
        *,
        with_input: bool = True,
        addend: FloatArray | None = None,
    ) -> tuple[Any, Any]:
        """Do so with an addend to the input's, and return the residual branch's gradient too."""
        parameters = self._parameters()
        needs = ["x"] if with_input else []
        needs += [name for name, p in parameters.items() if p.trainable]
        found = fused.conv_block_backward(dout, cache, needs, addend)
        for name, parameter in parameters.items():
            parameter.accumulate(getattr(found, name))
        return found.x, found.residual

    def backward_parameters(self, dout: Gradient, cache: Any) -> None:
        """Add to the gradients of the parameters only."""
        self.backward_both(dout, cache, with_input=False)

    def _inputs(self, x: Any) -> tuple[Any, Any, Any, dict[str, Any]]:
        weight, bias = self.conv.weight, self.conv.bias
        assert weight is not None
        return x, weight.value, None if bias is None else bias.value, self.conv.options()

    def _norm(self) -> Norm | None:
        return None if self.norm is None else norm_of(self.norm)

    def _parameters(self) -> dict[str, Parameter]:
        named = {"w": self.conv.weight, "b": self.conv.bias}
        if self.norm is not None:
            named |= {"gamma": self.norm.weight, "beta": self.norm.bias}
        return {name: p for name, p in named.items() if p is not None}


class LinearBlock:
    """A fully connected layer with its ReLU.

    Parameters
    ----------
    linear : Linear
        The layer.
    relu : ReLU, optional
        Behind it.
    """

    takes_handed = False

    def __init__(self, linear: Linear, relu: ReLU | None) -> None:
        self.linear = linear
        self.relu = relu is not None
        self.layers: tuple[Layer, ...] = (linear,) if relu is None else (linear, relu)

    def let_hand_on(self) -> None:
        """Leave it: the output is made."""

    def forward(self, x: FloatArray, *, train: bool) -> tuple[FloatArray, Any]:
        """Run both."""
        weight, bias = self.linear.weight, self.linear.bias
        assert weight is not None
        return fused.linear_relu_forward(x, weight.value, None if bias is None else bias.value)

    def prepared(self) -> fused.LinearInference:
        """Pack the weights, for many batches."""
        weight, bias = self.linear.weight, self.linear.bias
        assert weight is not None
        value = None if bias is None else bias.value
        return fused.LinearInference(weight.value, value, relu=self.relu)

    def infer(self, x: FloatArray) -> FloatArray:
        """Run both in inference."""
        return self.prepared()(x)

    def backward(self, dout: FloatArray, cache: Any) -> FloatArray:
        """Add to the gradients of the parameters and return that of the input."""
        dx = self._backward(dout, cache, with_input=True)
        assert dx is not None
        return dx

    def backward_parameters(self, dout: FloatArray, cache: Any) -> None:
        """Add to the gradients of the parameters only."""
        self._backward(dout, cache, with_input=False)

    def _backward(self, dout: FloatArray, cache: Any, *, with_input: bool) -> FloatArray | None:
        named = {"w": self.linear.weight, "b": self.linear.bias}
        parameters = {name: p for name, p in named.items() if p is not None}
        needs = ["x"] if with_input else []
        needs += [name for name, p in parameters.items() if p.trainable]
        dx, dw, db = fused.linear_relu_backward(dout, cache, needs)
        gradients = {"w": dw, "b": db}
        for name, parameter in parameters.items():
            parameter.accumulate(gradients[name])
        return dx


class ResidualBlock:
    """A residual block whose sum and ReLU go with the last norm of its body.

    Parameters
    ----------
    layer : Layer
        The whole.
    first : list of Step
        The body's steps but the last.
    last : ConvBlock
        The last, with a norm.
    shortcut : Layer, optional
        What the input goes through beside the body.
    relu : bool
        Whether a ReLU follows the sum.
    """

    class _Cache(NamedTuple):
        first: list[Any]
        last: Any
        shortcut: Any

    def __init__(
        self,
        layer: Layer,
        first: list[Step],
        last: ConvBlock,
        shortcut: Layer | None,
        *,
        relu: bool,
    ) -> None:
        self.layers: tuple[Layer, ...] = (layer,)
        self.first = first
        self.last = last
        self.shortcut = shortcut
        self.relu = relu
        self.infer = layer.infer

    @property
    def takes_handed(self) -> bool:
        """Whether forward takes what a block before hands on."""
        # of a container within, the gradient comes back before the shortcut's is added to it
        first = self.first[0] if self.first else None
        return isinstance(first, ConvBlock) and first.takes_handed

    def let_hand_on(self) -> None:
        """Leave the last norm's scale, the sum and the ReLU to the next block."""
        self.last.let_hand_on()

    def forward(self, x: Images, *, train: bool) -> tuple[Images, Any]:
        """Run the body, the shortcut and the sum."""
        if isinstance(x, HandedOn):
            x.keep = True
        inside, caches = x, []
        for step in self.first:
            inside, cache = step.forward(inside, train=train)
            caches.append(cache)
        beside: Any = x.made if isinstance(x, HandedOn) else x
        shortcut = None
        if self.shortcut is not None:
            beside, shortcut = self.shortcut.forward(beside, train=train)
        out, own = self.last.forward(inside, train=train, residual=beside, relu=self.relu)
        return out, self._Cache(caches, own, shortcut)

    def backward(self, dout: Gradient, cache: Any) -> Gradient:
        """Run both branches backward and add what comes out."""
        dx, beside = self._backward_to_the_first(dout, cache)
        if self.shortcut is not None:
            beside = self.shortcut.backward(beside, cache.shortcut)
        if self.first:
            step, own = self.first[0], cache.first[0]
            if isinstance(step, ConvBlock):
                total: Gradient = step.backward_both(dx, own, addend=beside)[0]
                return total
            dx = step.backward(dx, own)
        return add_forward(dx, beside)[0]

    def backward_parameters(self, dout: Gradient, cache: Any) -> None:
        """Run both branches backward for their parameters only."""
        dx, beside = self._backward_to_the_first(dout, cache)
        if self.first:
            self.first[0].backward_parameters(dx, cache.first[0])
        if self.shortcut is not None:
            self.shortcut.backward_parameters(beside, cache.shortcut)

    def _backward_to_the_first(self, dout: Gradient, cache: Any) -> tuple[Any, Any]:
        dx, beside = self.last.backward_both(dout, cache.last)
        for step, own in zip(self.first[:0:-1], cache.first[:0:-1], strict=True):
            dx = step.backward(dx, own)
        return dx, beside


class Chain:
    """Layers one after the other.

    Parameters
    ----------
    layer : Layer
        The whole.
    steps : list of Step
        Its layers in steps.
    """

    def __init__(self, layer: Layer, steps: list[Step]) -> None:
        self.layers: tuple[Layer, ...] = (layer,)
        self.steps = steps
        self.infer = layer.infer

    @property
    def takes_handed(self) -> bool:
        """Whether forward takes what a block before hands on."""
        return bool(self.steps) and self.steps[0].takes_handed

    def let_hand_on(self) -> None:
        """Let the last step hand on."""
        if self.steps:
            self.steps[-1].let_hand_on()

    def forward(self, x: Any, *, train: bool) -> tuple[Any, Any]:
        """Run the steps in their order."""
        caches = []
        for step in self.steps:
            x, cache = step.forward(x, train=train)
            caches.append(cache)
        return x, caches

    def backward(self, dout: Any, cache: Any) -> Any:
        """Run them backward in the opposite order."""
        for step, own in zip(reversed(self.steps), reversed(cache), strict=True):
            dout = step.backward(dout, own)
        return dout

    def backward_parameters(self, dout: Any, cache: Any) -> None:
        """Run backward down to the first step that learns, and no further."""
        learns = (any(layer.trainable() for layer in step.layers) for step in self.steps)
        first = next((k for k, some in enumerate(learns) if some), None)
        if first is None:
            return
        for k in range(len(self.steps) - 1, first, -1):
            dout = self.steps[k].backward(dout, cache[k])
        self.steps[first].backward_parameters(dout, cache[first])


def norm_of(norm: BatchNorm) -> Norm:
    """Tell what a backend is told of a batch norm.

    Parameters
    ----------
    norm : BatchNorm
        A built one.

    Returns
    -------
    Norm
        Its arrays themselves, and its options.
    """
    gamma, beta = (None if p is None else p.value for p in (norm.weight, norm.bias))
    return Norm(gamma, beta, norm.running_mean, norm.running_var, norm.momentum, norm.eps)


def steps(layers: Sequence[Layer], *, train: bool) -> list[Step]:
    """Cut a row of layers into steps.

    Parameters
    ----------
    layers : sequence of Layer
        In their order.
    train : bool
        Whether this is a training step; otherwise norms use their running statistics.

    Returns
    -------
    list of Step
        Every layer in one of them.
    """
    found: list[Step] = []
    k = 0
    while k < len(layers):
        step = _block_at(layers, k, train)
        if train and found and step.takes_handed:
            found[-1].let_hand_on()
        found.append(step)
        k += len(step.layers)
    return found


def _block_at(layers: Sequence[Layer], k: int, train: bool) -> Step:
    first = layers[k]
    whole = first.fused_step() if train else None
    if whole is not None:
        return whole
    block: ConvBlock | LinearBlock | None = None
    if type(first) is Conv2d:
        block = _conv_block(first, layers, k + 1, train)
    elif type(first) is Linear:
        relu = _of_kind(ReLU, layers, k + 1)
        block = LinearBlock(first, relu) if relu is not None else None
    # who is not built yet builds itself, layer by layer
    if block is None or len(block.layers) == 1 or not all(layer.built for layer in _owning(block)):
        return Single(first)
    return block


def _conv_block(conv: Conv2d, layers: Sequence[Layer], k: int, train: bool) -> ConvBlock:
    norm = _of_kind(BatchNorm, layers, k)
    if norm is not None and norm.frozen and train:
        return ConvBlock(conv, None, None, None)  # its gradient goes past the statistics
    k += norm is not None
    relu6 = _of_kind(ReLU6, layers, k)
    if relu6 is not None:
        return ConvBlock(conv, norm, relu6, None)
    relu = _of_kind(ReLU, layers, k)
    k += relu is not None
    return ConvBlock(conv, norm, relu, _of_kind(MaxPool2d, layers, k))


def _of_kind(kind: type[Any], layers: Sequence[Layer], k: int) -> Any:
    """Give the k-th layer if it is of that very class."""
    return layers[k] if k < len(layers) and type(layers[k]) is kind else None


def _owning(block: ConvBlock | LinearBlock) -> list[Layer]:
    return [layer for layer in block.layers if isinstance(layer, Conv2d | Linear | BatchNorm)]
