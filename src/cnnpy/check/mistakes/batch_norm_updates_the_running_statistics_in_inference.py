"""The running statistics follow in inference too.

Cause: They are updated behind the branches of training and inference.

Mend: Update them in training only.
"""

from __future__ import annotations

from typing import Any

from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.batch_norm import batch_norm_backward
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
    """Bring each channel to mean beta and spread gamma, and keep the statistics always."""
    found = right_forward(
        x,
        gamma,
        beta,
        running_mean=running_mean,
        running_var=running_var,
        train=train,
        momentum=momentum,
        eps=eps,
    )
    if not train and x[:, 0].size > 1:
        right_forward(
            x, gamma, beta, running_mean=running_mean, running_var=running_var, momentum=momentum
        )
    return found


def _biased(x: Any, gamma: Any, beta: Any, **options: Any) -> tuple[Any, Any]:
    found = right_forward(x, gamma, beta, **options)
    _update(x, options)
    return found


def _before(x: Any, gamma: Any, beta: Any, **options: Any) -> tuple[Any, Any]:
    _update(x, options)
    return right_forward(x, gamma, beta, **options)


OTHER_WAYS = {
    "biased": (_biased, batch_norm_backward),
    "before it normalises": (_before, batch_norm_backward),
}
"""The same with the biased variance, behind what is normalised or before it."""


def _update(x: Any, options: Any) -> None:
    if options.get("train", True):
        return
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    momentum = options.get("momentum", 0.1)
    for name, batch in (("running_mean", x.mean(axis=axes)), ("running_var", x.var(axis=axes))):
        running = options.get(name)
        if running is not None:
            running += running.dtype.type(momentum) * (batch - running)
