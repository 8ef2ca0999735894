"""Watch: a copy of a network that tells what went through each of its layers.

Nothing of the network itself changes: the copy's layers get a forward and a backward that
note what they return before they return it. They run one by one, since layers that run in
one go have nothing between them to look at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import OptionError
from cnnpy.nn.fusion import use_fusion
from cnnpy.nn.layer import Layer

__all__ = ["Seen", "Watched"]


@dataclass(eq=False)
class Seen:
    """What was seen of one layer in the last pass.

    Parameters
    ----------
    name : str
        The layer's name, as in the state of the network: ``"block1.conv1"``.
    layer : Layer
        The layer of the copy.
    is_leaf : bool
        Whether no other layer is inside it.
    x, out : ndarray, optional
        What came in and what went out, in the forward pass.
    dout : ndarray, optional
        The gradient with respect to what went out, in the backward pass.
    forward_s, backward_s : float
        Seconds in each pass, with all layers inside.
    """

    name: str
    layer: Layer
    is_leaf: bool
    x: FloatArray | None = None
    out: FloatArray | None = None
    dout: FloatArray | None = None
    forward_s: float = 0.0
    backward_s: float = 0.0
    is_timed: bool = False
    """Whether its backward pass is being timed: one way of it may be made of the other."""

    @property
    def is_map(self) -> bool:
        """Tell whether the output has places: more than one pixel a channel."""
        return self.out is not None and self.out.ndim == 4 and self.out.shape[2:] != (1, 1)


@dataclass(eq=False)
class Watched:
    """A copy of a network, watched while it runs; ``with`` lets go of it at once.

    Parameters
    ----------
    model : Layer
        The network, built; it is copied and stays as it is.
    learns : bool
        Whether backward computes the gradients of the copy's parameters too.
    keep : bool
        Whether the arrays are kept; without, only the times are.
    look : callable, optional
        Of ``(seen, out)``: hears of each output as it comes, kept or not.
    """

    model: Layer
    learns: bool = False
    keep: bool = True
    look: Callable[[Seen, FloatArray], None] | None = None
    seen: dict[str, Seen] = field(default_factory=dict, init=False)
    """By name, in the order in which the layers ended in the last forward pass."""

    def __post_init__(self) -> None:
        if not self.model.built:
            raise OptionError(
                f"{type(self.model).__name__}: the network is not built",
                "a network with parameters",
                "build it first: model.build((C, H, W))",
            )
        self.model = self.model.copy()
        if not self.learns:
            self.model.freeze()
        for name, layer in _named(self.model):
            self._watch(Seen(name, layer, not layer.children()))

    def _watch(self, seen: Seen) -> None:
        layer = seen.layer
        forward, backward = layer.forward, layer.backward
        backward_parameters = layer.backward_parameters

        def watched_forward(x: FloatArray, *, train: bool = False) -> tuple[FloatArray, Any]:
            began = time.perf_counter()
            out, cache = forward(x, train=train)
            seen.forward_s += time.perf_counter() - began
            if self.keep:
                seen.x, seen.out = x, out
            if self.look is not None:
                self.look(seen, out)
            self.seen.pop(seen.name, None)  # a layer that runs twice stands where it ends
            self.seen[seen.name] = seen
            return out, cache

        def watched_backward(dout: FloatArray, cache: Any) -> FloatArray:
            if self.keep:
                seen.dout = dout
            with _backward_time(seen):
                return backward(dout, cache)

        def watched_backward_parameters(dout: FloatArray, cache: Any) -> None:
            with _backward_time(seen):
                backward_parameters(dout, cache)

        # an attribute of the object stands before the method of its class
        vars(layer).update(
            forward=watched_forward,
            backward=watched_backward,
            backward_parameters=watched_backward_parameters,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of the copy: its layers refer to what watches them, and that to them."""
        for _, layer in _named(self.model):
            for name in ("forward", "backward", "backward_parameters"):
                vars(layer).pop(name, None)
        self.seen.clear()

    def forward(self, x: FloatArray, *, train: bool = False) -> tuple[FloatArray, Any]:
        """Run the copy forward, layer by layer.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            The batch, as the network takes it.
        train : bool
            Whether as in training.

        Returns
        -------
        out : ndarray of shape (N, ...)
            The output.
        cache : object
            For `backward`.
        """
        for one in self.seen.values():
            one.x = one.out = one.dout = None
            one.forward_s = one.backward_s = 0.0
        self.seen.clear()
        with use_fusion(False):
            return self.model.forward(x, train=train)

    def backward(self, dout: FloatArray, cache: Any) -> FloatArray:
        """Run the copy backward, down to its input.

        Parameters
        ----------
        dout : ndarray of the shape of the output
            Gradient with respect to the output.
        cache : object
            From `forward`.

        Returns
        -------
        ndarray of the shape of the input
            Gradient with respect to the input.
        """
        with use_fusion(False):
            return self.model.backward(dout, cache)

    def backward_parameters(self, dout: FloatArray, cache: Any) -> None:
        """Run the copy backward down to the first layer that learns, as training does.

        Parameters
        ----------
        dout : ndarray of the shape of the output
            Gradient with respect to the output.
        cache : object
            From `forward`.
        """
        with use_fusion(False):
            self.model.backward_parameters(dout, cache)


@contextmanager
def _backward_time(seen: Seen) -> Iterator[None]:
    if seen.is_timed:
        yield
        return
    seen.is_timed = True
    began = time.perf_counter()
    try:
        yield
    finally:
        seen.backward_s += time.perf_counter() - began
        seen.is_timed = False


def _named(layer: Layer) -> Iterator[tuple[str, Layer]]:
    """Walk over a network and all layers inside, each once, those inside first."""
    met: set[int] = set()

    def walk(layer: Layer, name: str) -> Iterator[tuple[str, Layer]]:
        if id(layer) in met:
            return
        met.add(id(layer))
        for key, child in layer.children().items():
            yield from walk(child, f"{name}.{key}" if name else key)
        yield name, layer

    return walk(layer, "")
