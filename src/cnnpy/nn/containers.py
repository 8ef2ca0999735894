"""Layers made of layers: one after the other, beside each other, or around."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from cnnpy import functional
from cnnpy.contract import shapes
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import OptionError
from cnnpy.contract.shapes import Shape
from cnnpy.nn.activations import ReLU
from cnnpy.nn.fusion import Chain, ConvBlock, ResidualBlock, Single, Step, fuses, steps
from cnnpy.nn.layer import Layer

__all__ = ["Concat", "Container", "Joint", "Part", "Residual", "Sequential"]


class Part(NamedTuple):
    """A layer inside a container, and the shape of one input that enters it."""

    name: str
    layer: Layer
    input_shape: Shape


class Joint(NamedTuple):
    """An op that a container runs itself, to bring its branches together."""

    name: str
    output_shape: Shape
    flops: int


class Container(Layer):
    """A layer made of layers: what follows from its parts in their order."""

    def parts(self, input_shape: Shape) -> Iterator[Part | Joint]:
        """Walk over the layers inside and the ops that join them.

        Parameters
        ----------
        input_shape : tuple of int
            The shape of one input, without the batch axis.

        Yields
        ------
        Part or Joint
            In the order in which they run. A layer may be built before the next is
            asked for.
        """
        raise TypeError(f"{type(self).__name__} has no parts(self, input_shape)")

    def fused_parts(self) -> set[str]:
        """Name the parts that run in one go with the part before them, in training.

        Returns
        -------
        set of str
            Empty where nothing is fused.
        """
        return set()

    def make_parameters(
        self, input_shape: Shape, dtype: np.dtype[Any], rng: np.random.Generator
    ) -> None:
        """Build each layer for the shape that enters it."""
        for part in self.parts(input_shape):
            if isinstance(part, Part):
                part.layer.build(part.input_shape, dtype=dtype, seed=rng)

    def state_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return the shapes of all layers' arrays; see :meth:`Layer.state_shapes`."""
        return {
            f"{part.name}.{name}": shape
            for part in self.parts(input_shape)
            if isinstance(part, Part)
            for name, shape in part.layer.state_shapes(part.input_shape).items()
        }

    def flops(self, input_shape: Shape) -> int:
        """Add up the operations of the layers and of the joints."""
        return sum(
            part.layer.flops(part.input_shape) if isinstance(part, Part) else part.flops
            for part in self.parts(input_shape)
        )


class _Named(Container):
    """Layers in an order, each under a name: its number, or a name that was given."""

    layers: dict[str, Layer]

    def __init__(self, *layers: Layer | Mapping[str, Layer]) -> None:
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            self.layers = dict(layers[0])
        else:
            self.layers = {str(k): layer for k, layer in enumerate(layers)}  # type: ignore[misc]
        for name, layer in self.layers.items():
            if not isinstance(layer, Layer):
                raise OptionError(
                    f"{type(self).__name__}: layer {name} is a {type(layer).__name__}",
                    "layers, such as Conv2d(8, 3) or ReLU()",
                    f"call it: {layer.__name__}()"
                    if isinstance(layer, type)
                    else "wrap it in a class with forward and backward (cnnpy.nn.Layer)",
                )
            if not name or "." in name:
                raise OptionError(
                    f"{type(self).__name__}: a layer is named {name!r}",
                    "names without dots, which part the levels of state_dict()",
                    f"name it {name.replace('.', '_') or 'layer'!r}",
                )

    def children(self) -> dict[str, Layer]:
        """Return the layers by name."""
        return dict(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers.values())

    def __getitem__(self, key: int | str) -> Layer:
        return self.layers[key] if isinstance(key, str) else list(self.layers.values())[key]

    def config(self) -> dict[str, Any]:
        """Return the layers by name."""
        return {"layers": dict(self.layers)}

    def __repr__(self) -> str:
        inside = "".join(
            f"  {name}: {layer!r}".replace("\n", "\n  ") + "\n"
            for name, layer in self.layers.items()
        )
        return f"{type(self).__name__}(\n{inside})" if inside else f"{type(self).__name__}()"


class Sequential(_Named):
    """Run layers one after the other.

    Parameters
    ----------
    *layers : Layer, or one mapping of str to Layer
        In their order; a mapping gives them names in place of numbers.

    Raises
    ------
    OptionError
        Where something is no layer, or a name has a dot.

    Examples
    --------
    >>> from cnnpy import nn
    >>> model = nn.Sequential(nn.Conv2d(4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(10))
    >>> model.build((1, 8, 8), seed=0)
    (10,)
    >>> list(model.state_dict())
    ['0.weight', '0.bias', '3.weight', '3.bias']
    >>> model.predict(np.zeros((5, 1, 8, 8), dtype=np.float32)).shape
    (5,)
    """

    def parts(self, input_shape: Shape) -> Iterator[Part | Joint]:
        """Walk over the layers, each entered by the output of the one before."""
        for name, layer in self.layers.items():
            yield Part(name, layer, input_shape)
            input_shape = layer.output_shape(input_shape)

    def fused_parts(self) -> set[str]:
        """Name the layers behind the first of each step."""
        if not fuses():
            return set()
        names = iter(self.layers)
        cut = [[next(names) for _ in step.layers] for step in steps(list(self), train=True)]
        return {name for step in cut for name in step[1:]}

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape that comes out of the last layer."""
        for layer in self:
            input_shape = layer.output_shape(input_shape)
        return input_shape

    def fused_step(self) -> Step | None:
        """Give the step of training, or None where the layer runs by itself."""
        plain = type(self) is Sequential and self.built and fuses()
        return Chain(self, steps(list(self), train=True)) if plain else None

    def forward(self, x: FloatArray, *, train: bool = False) -> tuple[FloatArray, Any]:
        """Run the layers in their order, fused in training; see :mod:`cnnpy.nn.fusion`."""
        self.ensure_built(x)
        # a forward pass of inference with a cache is layer by layer
        chain = Chain(self, steps(list(self), train=True) if train and fuses() else _singles(self))
        out, cache = chain.forward(x, train=train)
        return out, (chain, cache)

    def infer(self, x: FloatArray) -> FloatArray:
        """Run the layers in their order, fused; nothing is kept of what lies between."""
        self.ensure_built(x)
        for step in steps(list(self), train=False) if fuses() else map(Single, self):
            x = step.infer(x)
        return x

    def backward(self, dout: FloatArray, cache: Any) -> FloatArray:
        """Run the layers backward in the opposite order."""
        chain, own = cache
        dx: FloatArray = chain.backward(dout, own)
        return dx

    def backward_parameters(self, dout: FloatArray, cache: Any) -> None:
        """Run backward down to the first layer that learns, and no further."""
        chain, own = cache
        chain.backward_parameters(dout, own)


def _singles(layers: Iterable[Layer]) -> list[Step]:
    return [Single(layer) for layer in layers]


class _Fused(NamedTuple):
    """The cache of a residual block that ran as one step."""

    block: Step
    own: Any


class Residual(Container):
    """Add a shortcut to a body: activation(body(x) + shortcut(x)).

    Parameters
    ----------
    body : Layer
        What is learned on top.
    shortcut : Layer, optional
        What brings x to the body's shape, a 1x1 convolution for instance; x itself by
        default.
    activation : Layer, optional
        What comes after the sum; nothing by default.

    References
    ----------
    .. [1] K. He et al., "Deep residual learning for image recognition", CVPR 2016.

    Examples
    --------
    >>> from cnnpy import nn
    >>> block = nn.Residual(nn.Sequential(nn.Conv2d(3, 3, padding=1)), activation=nn.ReLU())
    >>> block.build((3, 8, 8))
    (3, 8, 8)
    """

    def __init__(
        self, body: Layer, shortcut: Layer | None = None, *, activation: Layer | None = None
    ) -> None:
        self.body = body
        self.shortcut = shortcut
        self.activation = activation

    def parts(self, input_shape: Shape) -> Iterator[Part | Joint]:
        """Walk over the body, the shortcut, the addition and the activation."""
        yield Part("body", self.body, input_shape)
        if self.shortcut is not None:
            yield Part("shortcut", self.shortcut, input_shape)
        shape = self.sum_shape(input_shape)
        yield Joint("add", shape, math.prod(shape))
        if self.activation is not None:
            yield Part("activation", self.activation, shape)

    def fused_parts(self) -> set[str]:
        """Name the sum and the activation where the body's last norm takes them along."""
        return set() if self.fused_body(train=True) is None else {"add", "activation"}

    def sum_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of both branches, which must agree.

        Parameters
        ----------
        input_shape : tuple of int
            Without the batch axis.

        Returns
        -------
        tuple of int
            Without the batch axis.
        """
        beside = input_shape if self.shortcut is None else self.shortcut.output_shape(input_shape)
        return shapes.add((1, *self.body.output_shape(input_shape)), (1, *beside))[1:]

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the sum after the activation."""
        shape = self.sum_shape(input_shape)
        return shape if self.activation is None else self.activation.output_shape(shape)

    def forward(self, x: FloatArray, *, train: bool = False) -> tuple[FloatArray, Any]:
        """Run both branches, add them, and run the activation."""
        self.ensure_built(x)
        block = self.fused_step() if train else None
        if block is not None:
            out, own = block.forward(x, train=True)
            return out, _Fused(block, own)
        out, body = self.body.forward(x, train=train)
        beside, shortcut = x, None
        if self.shortcut is not None:
            beside, shortcut = self.shortcut.forward(x, train=train)
        total, _ = functional.add_forward(out, beside)
        activation = None
        if self.activation is not None:
            total, activation = self.activation.forward(total, train=train)
        return total, (body, shortcut, activation)

    def infer(self, x: FloatArray) -> FloatArray:
        """Run both branches, add them, and run the activation; nothing is kept."""
        self.ensure_built(x)
        ends = self.fused_body(train=False)
        beside = x if self.shortcut is None else self.shortcut.infer(x)
        if ends is not None:
            first, last = ends
            for step in first:
                x = step.infer(x)
            return last.infer(x, residual=beside, relu=self.activation is not None)
        total = functional.add_forward(self.body.infer(x), beside)[0]
        return total if self.activation is None else self.activation.infer(total)

    def fused_body(self, *, train: bool) -> tuple[list[Step], ConvBlock] | None:
        """Give the body's steps, if its last norm can take the sum and the activation in.

        Parameters
        ----------
        train : bool
            Whether this is a training step.

        Returns
        -------
        (list of Step, ConvBlock) or None
            The first steps and the last, or None where the sum stands by itself.
        """
        if not fuses() or type(self.body) is not Sequential or not len(self.body):
            return None
        *first, last = steps(list(self.body), train=train)
        ends = isinstance(last, ConvBlock) and last.norm is not None and last.pool is None
        plain = self.activation is None or type(self.activation) is ReLU
        if not (ends and plain and isinstance(last, ConvBlock)) or last.relu:
            return None
        return first, last

    def fused_step(self) -> Step | None:
        """Give the step of training, or None where the layer runs by itself."""
        ends = self.fused_body(train=True) if type(self) is Residual and self.built else None
        if ends is None:
            return None
        relu = self.activation is not None
        return ResidualBlock(self, *ends, self.shortcut, relu=relu)

    def backward(self, dout: FloatArray, cache: Any) -> FloatArray:
        """Run both branches backward and add what comes out."""
        if isinstance(cache, _Fused):
            fused: FloatArray = cache.block.backward(dout, cache.own)
            return fused
        body, shortcut, activation = cache
        if self.activation is not None:
            dout = self.activation.backward(dout, activation)
        dx = self.body.backward(dout, body)
        beside = dout if self.shortcut is None else self.shortcut.backward(dout, shortcut)
        return functional.add_forward(dx, beside)[0]

    def backward_parameters(self, dout: FloatArray, cache: Any) -> None:
        """Run both branches backward for their parameters only."""
        if isinstance(cache, _Fused):
            cache.block.backward_parameters(dout, cache.own)
            return
        body, shortcut, activation = cache
        if self.activation is not None:
            dout = self.activation.backward(dout, activation)
        self.body.backward_parameters(dout, body)
        if self.shortcut is not None:
            self.shortcut.backward_parameters(dout, shortcut)


class Concat(_Named):
    """Run layers beside each other on one input and lay the outputs together.

    Parameters
    ----------
    *layers : Layer, or one mapping of str to Layer
        The branches; their outputs may differ in the channels only.

    Raises
    ------
    OptionError
        Where something is no layer, or a name has a dot.

    References
    ----------
    .. [1] C. Szegedy et al., "Going deeper with convolutions", CVPR 2015.

    Examples
    --------
    >>> from cnnpy import nn
    >>> nn.Concat(nn.Conv2d(4, 1), nn.Conv2d(8, 3, padding=1)).build((3, 8, 8))
    (12, 8, 8)
    """

    def parts(self, input_shape: Shape) -> Iterator[Part | Joint]:
        """Walk over the branches, each entered by the input, and their joint."""
        for name, layer in self.layers.items():
            yield Part(name, layer, input_shape)
        yield Joint("concat", self.output_shape(input_shape), 0)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of all outputs together."""
        outs = tuple((1, *layer.output_shape(input_shape)) for layer in self)
        return shapes.concat(outs, axis=1)[1:]

    def forward(self, x: FloatArray, *, train: bool = False) -> tuple[FloatArray, Any]:
        """Run each branch and lay the outputs one behind the other."""
        self.ensure_built(x)
        outs, caches = zip(*(layer.forward(x, train=train) for layer in self), strict=True)
        out, cache = functional.concat_forward(outs, axis=1)
        return out, (caches, cache)

    def infer(self, x: FloatArray) -> FloatArray:
        """Run each branch and lay the outputs one behind the other; nothing is kept."""
        self.ensure_built(x)
        return functional.concat_forward([layer.infer(x) for layer in self], axis=1)[0]

    def backward(self, dout: FloatArray, cache: Any) -> FloatArray:
        """Run each branch backward with its part, and add what comes out."""
        caches, own = cache
        parts = functional.concat_backward(dout, own)
        dx, *others = (
            layer.backward(part, c) for layer, part, c in zip(self, parts, caches, strict=True)
        )
        for other in others:
            dx = functional.add_forward(dx, other)[0]
        return dx

    def backward_parameters(self, dout: FloatArray, cache: Any) -> None:
        """Run each branch backward for its parameters only."""
        caches, own = cache
        for layer, part, c in zip(self, functional.concat_backward(dout, own), caches, strict=True):
            layer.backward_parameters(part, c)
