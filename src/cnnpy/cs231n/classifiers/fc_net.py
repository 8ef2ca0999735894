"""The course's fully connected nets."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cnnpy.contract import options
from cnnpy.contract.errors import OptionError
from cnnpy.cs231n import layer_utils as _layer_utils
from cnnpy.cs231n.coerce import floats
from cnnpy.cs231n.layer_utils import *  # noqa: F403
from cnnpy.cs231n.layer_utils import affine_relu_backward, affine_relu_forward
from cnnpy.cs231n.layers import (
    affine_backward,
    affine_forward,
    batchnorm_backward,
    batchnorm_forward,
    dropout_backward,
    dropout_forward,
    layernorm_backward,
    layernorm_forward,
    relu_backward,
    relu_forward,
    softmax_loss,
)

__all__ = ["FullyConnectedNet", "TwoLayerNet"]
__all__ += _layer_utils.__all__

Array = NDArray[Any]

_NORMALIZATIONS = ("batchnorm", "layernorm")


class TwoLayerNet:
    """Classify with affine - relu - affine - softmax.

    Parameters
    ----------
    input_dim : int
        Features of an input, all its axes together.
    hidden_dim : int
        Outputs of the first layer.
    num_classes : int
        Classes.
    weight_scale : float
        Standard deviation of the weights at the beginning; biases begin at 0.
    reg : float
        Weight of ``0.5 * sum(W**2)`` in the loss, for each W.

    Attributes
    ----------
    params : dict of ndarray
        ``"W1"``, ``"b1"``, ``"W2"``, ``"b2"``, float64.

    Examples
    --------
    >>> np.random.seed(0)
    >>> model = TwoLayerNet(input_dim=6, hidden_dim=8, num_classes=4)
    >>> loss, grads = model.loss(np.ones((5, 6)), np.zeros(5, dtype=int))
    >>> print(f"{loss:.2f}", sorted(grads))  # log 4
    1.39 ['W1', 'W2', 'b1', 'b2']
    """

    def __init__(
        self,
        input_dim: int = 3 * 32 * 32,
        hidden_dim: int = 100,
        num_classes: int = 10,
        weight_scale: float = 1e-3,
        reg: float = 0.0,
    ) -> None:
        self.reg = reg
        self.params: dict[str, Array] = {
            "W1": np.random.randn(input_dim, hidden_dim) * weight_scale,
            "b1": np.zeros(hidden_dim),
            "W2": np.random.randn(hidden_dim, num_classes) * weight_scale,
            "b2": np.zeros(num_classes),
        }

    def loss(self, X: Array, y: Array | None = None) -> Any:
        """Compute scores, or the loss and its gradients.

        Parameters
        ----------
        X : ndarray of shape (N, d_1, ..., d_k)
            Inputs.
        y : ndarray of shape (N,) of integers, optional
            The right classes.

        Returns
        -------
        scores : ndarray of shape (N, C)
            Where y is left out.
        loss, grads : float, dict of ndarray
            Where y is given: the loss, and the gradient of each parameter.
        """
        W1, W2 = self.params["W1"], self.params["W2"]
        hidden, hidden_cache = affine_relu_forward(X, W1, self.params["b1"])
        scores, scores_cache = affine_forward(hidden, W2, self.params["b2"])
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        dhidden, dW2, db2 = affine_backward(dscores, scores_cache)
        _, dW1, db1 = affine_relu_backward(dhidden, hidden_cache)
        loss += 0.5 * self.reg * (np.sum(W1 * W1) + np.sum(W2 * W2))
        grads = {"W1": dW1 + self.reg * W1, "b1": db1, "W2": dW2 + self.reg * W2, "b2": db2}
        return loss, grads


class FullyConnectedNet:
    """Classify with any number of affine layers.

    ``{affine - [normalisation] - relu - [dropout]} x (L - 1) - affine - softmax``

    Parameters
    ----------
    hidden_dims : sequence of int
        Outputs of each hidden layer.
    input_dim : int
        Features of an input, all its axes together.
    num_classes : int
        Classes.
    dropout_keep_ratio : float
        Probability that dropout *keeps* an entry; 1 for no dropout.
    normalization : {None, "batchnorm", "layernorm"}
        What stands between each affine layer and its relu.
    reg : float
        Weight of ``0.5 * sum(W**2)`` in the loss, for each W.
    weight_scale : float
        Standard deviation of the weights at the beginning; biases and shifts begin at
        0, scales at 1.
    dtype : float32 or float64
        Of the parameters; inputs are cast to it.
    seed : int, optional
        Handed to every dropout, which makes it draw the same mask each time.

    Attributes
    ----------
    params : dict of ndarray
        ``"W1"``, ``"b1"``, ``"gamma1"``, ``"beta1"``, ``"W2"`` and so on, counted from 1.
    bn_params : list of dict
        One dictionary a normalisation, with the running statistics of "batchnorm".
    dropout_param : dict
        What all dropouts share.

    Raises
    ------
    OptionError
        Where normalization, dropout_keep_ratio or dtype is out of its range.

    Examples
    --------
    >>> np.random.seed(0)
    >>> model = FullyConnectedNet([8, 7], input_dim=6, num_classes=4, normalization="layernorm")
    >>> loss, grads = model.loss(np.ones((5, 6)), np.zeros(5, dtype=int))
    >>> print(f"{loss:.1f}", grads["gamma2"].shape, grads["W3"].dtype)  # log 4
    1.4 (7,) float32
    """

    def __init__(
        self,
        hidden_dims: Sequence[int],
        input_dim: int = 3 * 32 * 32,
        num_classes: int = 10,
        dropout_keep_ratio: float = 1,
        normalization: str | None = None,
        reg: float = 0.0,
        weight_scale: float = 1e-2,
        dtype: DTypeLike = np.float32,
        seed: int | None = None,
    ) -> None:
        name = type(self).__name__
        keep = options.real(0.0, 1.0, above=True)(name, "dropout_keep_ratio", dropout_keep_ratio)
        self.normalization = _normalization(name, normalization)
        self.use_dropout = keep != 1
        self.reg = reg
        self.num_layers = 1 + len(hidden_dims)
        self.dtype = float_dtype(name, dtype)

        self.params: dict[str, Array] = {}
        sizes = [input_dim, *hidden_dims, num_classes]
        for layer in range(1, self.num_layers + 1):
            D, M = sizes[layer - 1], sizes[layer]
            self.params[f"W{layer}"] = np.random.randn(D, M) * weight_scale
            self.params[f"b{layer}"] = np.zeros(M)
            if self.normalization is not None and layer < self.num_layers:
                self.params[f"gamma{layer}"] = np.ones(M)
                self.params[f"beta{layer}"] = np.zeros(M)
        self.params = {key: w.astype(self.dtype) for key, w in self.params.items()}

        self.dropout_param: dict[str, Any] = {}
        if self.use_dropout:
            self.dropout_param = {"mode": "train", "p": keep}
            if seed is not None:
                self.dropout_param["seed"] = seed
        first = {"batchnorm": {"mode": "train"}, "layernorm": {}}.get(self.normalization or "")
        self.bn_params: list[dict[str, Any]] = (
            [] if first is None else [dict(first) for _ in hidden_dims]
        )

    def loss(self, X: Array, y: Array | None = None) -> Any:
        """Compute scores in test mode, or the loss and its gradients in train mode.

        Parameters
        ----------
        X : ndarray of shape (N, d_1, ..., d_k)
            Inputs.
        y : ndarray of shape (N,) of integers, optional
            The right classes.

        Returns
        -------
        scores : ndarray of shape (N, C)
            Where y is left out.
        loss, grads : float, dict of ndarray
            Where y is given: the loss, and the gradient of each parameter.
        """
        mode = "test" if y is None else "train"
        if self.use_dropout:
            self.dropout_param["mode"] = mode
        if self.normalization == "batchnorm":
            for bn_param in self.bn_params:
                bn_param["mode"] = mode

        (h,) = floats(X, dtype=self.dtype)
        caches = []
        for layer in range(1, self.num_layers):
            h, cache = self._hidden_forward(h, layer)
            caches.append(cache)
        last = self.num_layers
        scores, cache = affine_forward(h, self.params[f"W{last}"], self.params[f"b{last}"])
        if y is None:
            return scores

        loss, dscores = softmax_loss(scores, y)
        grads: dict[str, Array] = {}
        dh, grads[f"W{last}"], grads[f"b{last}"] = affine_backward(dscores, cache)
        for layer in range(last - 1, 0, -1):
            dh = self._hidden_backward(dh, layer, caches[layer - 1], grads)
        for layer in range(1, last + 1):
            W = self.params[f"W{layer}"]
            loss += 0.5 * self.reg * np.sum(W * W)
            grads[f"W{layer}"] = grads[f"W{layer}"] + self.reg * W
        return loss, grads

    def _hidden_forward(self, h: Array, layer: int) -> tuple[Array, tuple[Any, ...]]:
        """Run affine - [normalisation] - relu - [dropout]."""
        norm_cache, dropout_cache = None, None
        h, affine_cache = affine_forward(h, self.params[f"W{layer}"], self.params[f"b{layer}"])
        if self.normalization is not None:
            forward = batchnorm_forward if self.normalization == "batchnorm" else layernorm_forward
            gamma, beta = self.params[f"gamma{layer}"], self.params[f"beta{layer}"]
            h, norm_cache = forward(h, gamma, beta, self.bn_params[layer - 1])
        h, relu_cache = relu_forward(h)
        if self.use_dropout:
            h, dropout_cache = dropout_forward(h, self.dropout_param)
        return h, (affine_cache, norm_cache, relu_cache, dropout_cache)

    def _hidden_backward(
        self, dh: Array, layer: int, cache: tuple[Any, ...], grads: dict[str, Array]
    ) -> Array:
        """Run it backwards, putting the gradients of its parameters into `grads`."""
        affine_cache, norm_cache, relu_cache, dropout_cache = cache
        if dropout_cache is not None:
            dh = dropout_backward(dh, dropout_cache)
        dh = relu_backward(dh, relu_cache)
        if norm_cache is not None:
            batch = self.normalization == "batchnorm"
            backward = batchnorm_backward if batch else layernorm_backward
            dh, grads[f"gamma{layer}"], grads[f"beta{layer}"] = backward(dh, norm_cache)
        dh, grads[f"W{layer}"], grads[f"b{layer}"] = affine_backward(dh, affine_cache)
        return dh


def float_dtype(function: str, dtype: DTypeLike) -> np.dtype[Any]:
    """Return a net's dtype, which must be float32 or float64."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = np.dtype(object)
    if found not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise OptionError(
            f"{function}: dtype={dtype!r}",
            "np.float32 or np.float64",
            f"use dtype=np.{'float32' if found.itemsize <= 4 else 'float64'}",
        )
    return found


def _normalization(function: str, name: str | None) -> str | None:
    if name is not None and name not in _NORMALIZATIONS:
        near = difflib.get_close_matches(str(name), _NORMALIZATIONS, n=1, cutoff=0.0)[0]
        raise OptionError(
            f"{function}: normalization={name!r}",
            "None, 'batchnorm' or 'layernorm'",
            f"use normalization={near!r}" if name else "use normalization=None",
        )
    return name
