"""The course's convolutional net."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cnnpy.contract import shapes
from cnnpy.cs231n import layer_utils as _layer_utils
from cnnpy.cs231n.classifiers.fc_net import float_dtype
from cnnpy.cs231n.layer_utils import *  # noqa: F403
from cnnpy.cs231n.layer_utils import (
    affine_relu_backward,
    affine_relu_forward,
    conv_relu_pool_backward,
    conv_relu_pool_forward,
)
from cnnpy.cs231n.layers import affine_backward, affine_forward, softmax_loss

__all__ = ["ThreeLayerConvNet"]
__all__ += _layer_utils.__all__

Array = NDArray[Any]

_POOL = {"pool_height": 2, "pool_width": 2, "stride": 2}


class ThreeLayerConvNet:
    """Classify images with one convolution and two affine layers.

    ``conv - relu - 2x2 max pool - affine - relu - affine - softmax``

    The convolution has stride 1 and padding ``(filter_size - 1) // 2``, which keeps
    height and width where filter_size is odd.

    Parameters
    ----------
    input_dim : (int, int, int)
        (C, H, W) of an image.
    num_filters : int
        Filters of the convolution.
    filter_size : int
        Their height and width, in pixels.
    hidden_dim : int
        Outputs of the first affine layer.
    num_classes : int
        Classes.
    weight_scale : float
        Standard deviation of the weights at the beginning; biases begin at 0.
    reg : float
        Weight of ``0.5 * sum(W**2)`` in the loss, for each W.
    dtype : float32 or float64
        Of the parameters. Images are not cast: float64 ones are computed in float64.

    Attributes
    ----------
    params : dict of ndarray
        ``"W1"`` (num_filters, C, filter_size, filter_size), ``"b1"``, ``"W2"``,
        ``"b2"``, ``"W3"``, ``"b3"``.

    Raises
    ------
    OptionError
        Where dtype is neither float32 nor float64.
    ShapeError
        Where the filter or the pooling window does not fit into an image.

    Examples
    --------
    >>> np.random.seed(0)
    >>> model = ThreeLayerConvNet(input_dim=(3, 8, 8), num_filters=4, filter_size=3)
    >>> loss, grads = model.loss(np.ones((2, 3, 8, 8)), np.array([7, 0]))
    >>> print(f"{loss:.4f}", grads["W1"].shape)  # log 10
    2.3026 (4, 3, 3, 3)
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (3, 32, 32),
        num_filters: int = 32,
        filter_size: int = 7,
        hidden_dim: int = 100,
        num_classes: int = 10,
        weight_scale: float = 1e-3,
        reg: float = 0.0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.reg = reg
        self.dtype = float_dtype(type(self).__name__, dtype)
        C, H, W = input_dim
        filters = (num_filters, C, filter_size, filter_size)
        pad = (filter_size - 1) // 2
        convolved = shapes.conv2d(
            (1, C, H, W),
            filters,
            None,
            stride=(1, 1),
            padding=(pad, pad),
            dilation=(1, 1),
            groups=1,
        )
        pooled = shapes.max_pool2d(convolved, kernel_size=(2, 2), stride=(2, 2), padding=(0, 0))
        (_, features) = shapes.flatten(pooled)
        params = {
            "W1": np.random.randn(*filters) * weight_scale,
            "b1": np.zeros(num_filters),
            "W2": np.random.randn(features, hidden_dim) * weight_scale,
            "b2": np.zeros(hidden_dim),
            "W3": np.random.randn(hidden_dim, num_classes) * weight_scale,
            "b3": np.zeros(num_classes),
        }
        self.params: dict[str, Array] = {key: w.astype(self.dtype) for key, w in params.items()}

    def loss(self, X: Array, y: Array | None = None) -> Any:
        """Compute scores, or the loss and its gradients.

        Parameters
        ----------
        X : ndarray of shape (N, C, H, W)
            Images.
        y : ndarray of shape (N,) of integers, optional
            The right classes.

        Returns
        -------
        scores : ndarray of shape (N, num_classes)
            Where y is left out.
        loss, grads : float, dict of ndarray
            Where y is given: the loss, and the gradient of each parameter.
        """
        W1, W2, W3 = (self.params[key] for key in ("W1", "W2", "W3"))
        b1, b2, b3 = (self.params[key] for key in ("b1", "b2", "b3"))
        conv_param = {"stride": 1, "pad": (W1.shape[2] - 1) // 2}
        h1, cache1 = conv_relu_pool_forward(X, W1, b1, conv_param, _POOL)
        h2, cache2 = affine_relu_forward(h1, W2, b2)
        scores, cache3 = affine_forward(h2, W3, b3)
        if y is None:
            return scores
        loss, dscores = softmax_loss(scores, y)
        dh2, dW3, db3 = affine_backward(dscores, cache3)
        dh1, dW2, db2 = affine_relu_backward(dh2, cache2)
        _, dW1, db1 = conv_relu_pool_backward(dh1, cache1)
        loss += 0.5 * self.reg * sum(np.sum(W * W) for W in (W1, W2, W3))
        grads = {
            "W1": dW1 + self.reg * W1,
            "b1": db1,
            "W2": dW2 + self.reg * W2,
            "b2": db2,
            "W3": dW3 + self.reg * W3,
            "b3": db3,
        }
        return loss, grads
