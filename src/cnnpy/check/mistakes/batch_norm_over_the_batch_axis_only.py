"""Each pixel of an image gets a mean and a variance of its own.

Cause: The statistics of (N, C, H, W) are taken over axis 0 alone.

Mend: Take them over the axes 0, 2 and 3: one mean a channel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.batch_norm import batch_norm_backward as right_backward
from cnnpy.reference.batch_norm import batch_norm_forward as right_forward

__all__ = ["OTHER_WAYS", "batch_norm_backward", "batch_norm_forward"]


def batch_norm_forward(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    running_mean: FloatArray | None = None,
    running_var: FloatArray | None = None,
    train: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[FloatArray, Any]:
    """Bring each channel of each pixel to mean beta and spread gamma."""
    if x.ndim == 2 or not train:
        return right_forward(
            x,
            gamma,
            beta,
            running_mean=running_mean,
            running_var=running_var,
            train=train,
            momentum=momentum,
            eps=eps,
        )
    pixels = x[0, 0].size
    out, cache = right_forward(
        x.reshape(len(x), -1), _repeat(gamma, pixels), _repeat(beta, pixels), eps=eps
    )
    _follow(running_mean, x.mean(axis=0), momentum)
    n = x[:, 0].size
    unbiased = n / (n - 1) if n > 1 else np.nan
    _follow(running_var, x.var(axis=0) * x.dtype.type(unbiased), momentum)
    return out.reshape(x.shape), (cache, gamma, beta, x.shape)


def batch_norm_backward(
    dout: FloatArray, cache: Any
) -> tuple[FloatArray, FloatArray | None, FloatArray | None]:
    """Send the gradient back through each pixel's own statistics."""
    if len(cache) == 5:
        return right_backward(dout, cache)
    inner, gamma, beta, shape = cache
    dx, dgamma, dbeta = right_backward(dout.reshape(len(dout), -1), inner)
    C = shape[1]
    return (
        dx.reshape(shape),
        None if dgamma is None else dgamma.reshape(C, -1).sum(axis=1),
        None if dbeta is None else dbeta.reshape(C, -1).sum(axis=1),
    )


def _repeat(values: FloatArray | None, pixels: int) -> FloatArray | None:
    return None if values is None else np.repeat(values, pixels)


def _follow(running: FloatArray | None, batch: FloatArray, momentum: float) -> None:
    if running is not None:
        running *= 1 - momentum
        running += momentum * batch.mean(axis=(1, 2))


def _channel_by_channel(
    x: FloatArray,
    gamma: FloatArray | None,
    beta: FloatArray | None,
    *,
    running_mean: FloatArray | None = None,
    running_var: FloatArray | None = None,
    train: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[FloatArray, Any]:
    if x.ndim == 2 or not (train or (running_mean is not None and running_var is not None)):
        return batch_norm_forward(
            x,
            gamma,
            beta,
            running_mean=running_mean,
            running_var=running_var,
            train=train,
            momentum=momentum,
            eps=eps,
        )
    if train:
        before = None if running_var is None else (1 - momentum) * running_var
        for values in x.reshape(*x.shape[:2], -1).swapaxes(0, 1):
            _follow_rows(running_mean, values.mean(axis=0), momentum)
            _follow_rows(running_var, values.var(axis=0), momentum)
        _unbias(running_var, before, x[:, 0].size)
        return batch_norm_forward(x, gamma, beta, eps=eps)
    out = np.empty(x.shape, dtype=x.dtype)
    assert running_mean is not None
    assert running_var is not None
    for c in range(x.shape[1]):
        rows = x[:, c].reshape(len(x), -1)
        x_hat = (rows - running_mean) / np.sqrt(running_var + x.dtype.type(eps))
        scaled = x_hat if gamma is None else x_hat * gamma[c]
        out[:, c] = (scaled if beta is None else scaled + beta[c]).reshape(out[:, c].shape)
    _, cache = right_forward(
        x, gamma, beta, running_mean=running_mean, running_var=running_var, train=False, eps=eps
    )
    return out, cache


def _follow_rows(running: FloatArray | None, batch: FloatArray, momentum: float) -> None:
    """Let the statistics of pixels follow where those of channels are kept: they may grow."""
    if running is None:
        return
    followed = (1 - momentum) * running + momentum * batch
    if running.shape != followed.shape:
        running.resize(followed.shape, refcheck=False)
    running[...] = followed


def _unbias(running_var: FloatArray | None, before: FloatArray | None, n: int) -> None:
    """Correct what a batch of n numbers has added, where there still is one for each channel."""
    if running_var is None or before is None or running_var.shape != before.shape or n < 2:
        return
    running_var += (running_var - before) / (n - 1)


def _pixel_by_pixel(x: Any, gamma: Any, beta: Any, **options: Any) -> tuple[Any, Any]:
    if x.ndim == 2 or not options.get("train", True):
        return right_forward(x, gamma, beta, **options)
    out, cache = batch_norm_forward(x, gamma, beta, eps=options.get("eps", 1e-5))
    n, momentum = x[:, 0].size, options.get("momentum", 0.1)
    running_mean, running_var = options.get("running_mean"), options.get("running_var")
    before = None if running_var is None else (1 - momentum) * running_var
    for pixel in np.moveaxis(x.reshape(*x.shape[:2], -1), -1, 0):
        _follow_rows(running_mean, pixel.mean(axis=0), momentum)
        _follow_rows(running_var, pixel.var(axis=0), momentum)
    _unbias(running_var, before, n)
    return out, cache


def _in_a_row(x: Any, gamma: Any, beta: Any, **options: Any) -> tuple[Any, Any]:
    kept = [options.get(name) for name in ("running_mean", "running_var")]
    train, (C, *sides) = options.get("train", True), x.shape[1:]
    if not train and C > 1 and any(side > 1 for side in sides):
        raise ValueError(f"operands could not be broadcast: {x[0].size} pixels, statistics of {C}")
    if x.ndim == 2 or not train:
        return right_forward(x, gamma, beta, **options)
    rows, momentum = x.reshape(len(x), -1), options.get("momentum", 0.1)
    before = None if kept[1] is None else (1 - momentum) * kept[1]
    for running, batch in zip(kept, (rows.mean(axis=0), rows.var(axis=0)), strict=True):
        _follow_rows(running, batch, momentum)
    _unbias(kept[1], before, len(x))
    return batch_norm_forward(x, gamma, beta, eps=options.get("eps", 1e-5))


OTHER_WAYS = {
    "all pixels in a row": (_in_a_row, batch_norm_backward),
    "pixel by pixel": (_pixel_by_pixel, batch_norm_backward),
    "channel by channel": (
        _channel_by_channel,
        batch_norm_backward,
        "batch_norm_shares_the_running_statistics",
    ),
}
"""The same on rows of all pixels, whose statistics are not those of channels; and in a loop that
gives each pixel, or rows of pixels, to batch norm with one dictionary."""
