"""The course's update rules: ``(w, dw, config) -> (next_w, config)``.

`config` holds the settings, each with a default, and what a rule remembers from one
step to the next. It is filled in place and returned; w and dw are left as they are.
Where dtypes are mixed, the result is what NumPy makes of them; `sgd` alone keeps the
dtype of w, as the course's does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["adam", "rmsprop", "sgd", "sgd_momentum"]

Array = NDArray[Any]
Config = dict[str, Any]


def sgd(w: Array, dw: Array, config: Config | None = None) -> tuple[Array, Config]:
    """Take one step of stochastic gradient descent.

    Parameters
    ----------
    w : ndarray
        Weights.
    dw : ndarray of the shape of w
        Gradient of the loss with respect to w.
    config : dict, optional
        ``"learning_rate"``: 1e-2.

    Returns
    -------
    next_w : ndarray of the shape of w
        ``w - learning_rate * dw``.
    config : dict
        For the next step.

    Examples
    --------
    >>> next_w, config = sgd(np.array([1.0, 2.0]), np.array([10.0, -10.0]))
    >>> next_w, config
    (array([0.9, 2.1]), {'learning_rate': 0.01})
    """
    config = _filled(config, learning_rate=1e-2)
    next_w = w - config["learning_rate"] * dw
    return (next_w.astype(w.dtype, copy=False) if w.dtype.kind == "f" else next_w), config


def sgd_momentum(w: Array, dw: Array, config: Config | None = None) -> tuple[Array, Config]:
    """Take one step of gradient descent with momentum.

    Parameters
    ----------
    w : ndarray
        Weights.
    dw : ndarray of the shape of w
        Gradient of the loss with respect to w.
    config : dict, optional
        ``"learning_rate"``: 1e-2. ``"momentum"``: weight of the old velocity, 0.9.
        ``"velocity"``: of the shape of w, zeros at first.

    Returns
    -------
    next_w : ndarray of the shape of w
        ``w + velocity``, with ``velocity = momentum * velocity - learning_rate * dw``.
    config : dict
        For the next step.

    References
    ----------
    .. [1] B. T. Polyak, "Some methods of speeding up the convergence of iteration
       methods", USSR Comp. Math. and Math. Phys. 4, 1964.

    Examples
    --------
    >>> w, dw = np.array([1.0]), np.array([10.0])
    >>> w, config = sgd_momentum(w, dw)
    >>> w, config = sgd_momentum(w, dw, config)
    >>> w.round(6), config["velocity"].round(6)  # 1 - 0.1 - (0.09 + 0.1)
    (array([0.71]), array([-0.19]))
    """
    config = _filled(config, learning_rate=1e-2, momentum=0.9)
    velocity = config.get("velocity", np.zeros_like(w))
    config["velocity"] = config["momentum"] * velocity - config["learning_rate"] * dw
    return w + config["velocity"], config


def rmsprop(w: Array, dw: Array, config: Config | None = None) -> tuple[Array, Config]:
    """Take one step that is scaled by the size of the latest gradients.

    Parameters
    ----------
    w : ndarray
        Weights.
    dw : ndarray of the shape of w
        Gradient of the loss with respect to w.
    config : dict, optional
        ``"learning_rate"``: 1e-2. ``"decay_rate"``: weight of the old mean of squares,
        0.99. ``"epsilon"``: 1e-8. ``"cache"``: the mean of squares, zeros at first.

    Returns
    -------
    next_w : ndarray of the shape of w
        ``w - learning_rate * dw / (sqrt(cache) + epsilon)``, with
        ``cache = decay_rate * cache + (1 - decay_rate) * dw**2``.
    config : dict
        For the next step.

    References
    ----------
    .. [1] T. Tieleman, G. Hinton, "Lecture 6.5: rmsprop", Coursera, 2012.

    Examples
    --------
    >>> next_w, config = rmsprop(np.array([1.0]), np.array([5.0]))
    >>> next_w.round(6), config["cache"].round(6)  # 1 - 0.01 * 5 / (0.1 * 5)
    (array([0.9]), array([0.25]))
    """
    config = _filled(config, learning_rate=1e-2, decay_rate=0.99, epsilon=1e-8)
    decay = config["decay_rate"]
    config["cache"] = decay * config.get("cache", np.zeros_like(w)) + (1 - decay) * dw**2
    step = config["learning_rate"] * dw / (np.sqrt(config["cache"]) + config["epsilon"])
    return w - step, config


def adam(w: Array, dw: Array, config: Config | None = None) -> tuple[Array, Config]:
    """Take one step of Adam, with its means corrected.

    Parameters
    ----------
    w : ndarray
        Weights.
    dw : ndarray of the shape of w
        Gradient of the loss with respect to w.
    config : dict, optional
        ``"learning_rate"``: 1e-3. ``"beta1"``, ``"beta2"``: weights of the old means,
        0.9 and 0.999. ``"epsilon"``: 1e-8. ``"m"``, ``"v"``: means of the gradients and
        of their squares, zeros at first. ``"t"``: steps taken, 0 at first.

    Returns
    -------
    next_w : ndarray of the shape of w
        ``w - learning_rate * m_hat / (sqrt(v_hat) + epsilon)``, where
        ``m_hat = m / (1 - beta1**t)`` and ``v_hat = v / (1 - beta2**t)`` with the
        new m, v and t.
    config : dict
        For the next step.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    Examples
    --------
    >>> next_w, config = adam(np.array([1.0]), np.array([5.0]))
    >>> next_w.round(6), config["t"]  # the first step is of the learning rate's size
    (array([0.999]), 1)
    """
    config = _filled(config, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, t=0)
    beta1, beta2 = config["beta1"], config["beta2"]
    config["t"] += 1
    config["m"] = beta1 * config.get("m", np.zeros_like(w)) + (1 - beta1) * dw
    config["v"] = beta2 * config.get("v", np.zeros_like(w)) + (1 - beta2) * dw**2
    m_hat = config["m"] / (1 - beta1 ** config["t"])
    v_hat = config["v"] / (1 - beta2 ** config["t"])
    step = config["learning_rate"] * m_hat / (np.sqrt(v_hat) + config["epsilon"])
    return w - step, config


def _filled(config: Config | None, **defaults: Any) -> Config:
    config = {} if config is None else config
    for name, value in defaults.items():
        config.setdefault(name, value)
    return config
