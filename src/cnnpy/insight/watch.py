"""Watch: a copy of a network that tells what went through each of its layers.

Nothing of the network itself changes: the copy's layers get a forward and a backward that
note what they return before they return it. They run one by one, since layers that run in
one go have nothing between them to look at.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.nn import Layer, use_fusion
from cnnpy.train import Classifier

__all__ = ["Seen", "Watched", "last_layer", "network_and_input"]

_PROBABILITIES = ("softmax", "log_softmax")


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
    """A copy of a network, watched while it runs.

    Parameters
    ----------
    model : Layer
        The network, built; it is copied and stays as it is.
    learns : bool
        Whether backward computes the gradients of the copy's parameters too.
    keep : bool
        Whether the arrays are kept; without, only the times are.
    """

    model: Layer
    learns: bool = False
    keep: bool = True
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

    def gradient_of_scores(self, x: FloatArray, classes: Any) -> tuple[FloatArray, FloatArray]:
        """Send the gradient of one score of each image back through the copy.

        The score is what stands before a softmax at the network's end: a probability moves
        when any other class's score does.

        Parameters
        ----------
        x : ndarray of shape (N, ...)
            The batch, as the network takes it.
        classes : ndarray of shape (N,), or None
            Whose score; that of the class which the network says where None.

        Returns
        -------
        dx : ndarray of the shape of x
            The gradient with respect to the batch.
        scores : ndarray of shape (N, K)
            All scores.
        """
        last = last_layer(self.model)
        if getattr(last, "op", None) in _PROBABILITIES:
            vars(last)["forward"] = _identity_forward
            vars(last)["backward"] = _identity_backward
        scores, cache = self.forward(x)
        if scores.ndim != 2:
            raise ShapeError(
                f"{type(self.model).__name__}: the network returns {scores.shape[1:]} an image",
                "one score a class",
                "end the network with Linear(K)",
            )
        chosen = _checked_classes(scores, classes)
        dout = np.zeros_like(scores)
        dout[np.arange(len(scores)), chosen] = 1
        return self.backward(dout, cache), scores


def network_and_input(network: Layer | Classifier, images: Any) -> tuple[Layer, FloatArray]:
    """Return the network of a classifier, and the images as it takes them.

    Parameters
    ----------
    network : Layer or Classifier
        A classifier preprocesses the images itself.
    images : ndarray of shape (N, C, H, W)
        As the data set holds them, or for a Layer as the network takes them.

    Returns
    -------
    model : Layer
        The network.
    x : ndarray of shape (N, C, H, W)
        What enters it.
    """
    array = np.asarray(images)
    model, is_raw = (network.model, True) if isinstance(network, Classifier) else (network, False)
    if array.ndim != 4:
        raise ShapeError(
            f"images has shape {array.shape}",
            "images (N, C, H, W)",
            "use images[np.newaxis]" if array.ndim == 3 else "give a batch of images",
        )
    if is_raw:
        return model, network.preprocessing.apply(array)  # type: ignore[union-attr]
    return model, array


def last_layer(model: Layer) -> Layer:
    """Return the layer without others inside whose output is the network's.

    Parameters
    ----------
    model : Layer
        The network.

    Returns
    -------
    Layer
        The last of the last of its children.
    """
    while children := model.children():
        model = list(children.values())[-1]
    return model


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


def _checked_classes(scores: FloatArray, classes: Any) -> Any:
    N, K = scores.shape
    if classes is None:
        return scores.argmax(axis=1)
    chosen = np.broadcast_to(np.asarray(classes), (N,)) if np.ndim(classes) < 2 else None
    if chosen is None or chosen.dtype.kind not in "iu":
        raise ShapeError(
            f"classes has shape {np.shape(classes)} and dtype {np.asarray(classes).dtype}",
            f"one class index for each of the {N} images, or one for all",
            "use classes.argmax(axis=1)" if np.ndim(classes) == 2 else "give integers",
        )
    if ((chosen < 0) | (chosen >= K)).any():
        wrong = int(chosen[(chosen < 0) | (chosen >= K)][0])
        raise OptionError(
            f"classes holds {wrong}; the network has {K} scores",
            f"classes from 0 to {K - 1}",
            f"use {min(max(wrong, 0), K - 1)}",
        )
    return chosen


def _identity_forward(x: FloatArray, *, train: bool = False) -> tuple[FloatArray, Any]:
    return x, None


def _identity_backward(dout: FloatArray, cache: Any) -> FloatArray:
    return dout
