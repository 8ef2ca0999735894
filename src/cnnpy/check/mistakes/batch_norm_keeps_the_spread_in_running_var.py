"""running_var holds the standard deviation.

Cause: What is kept is x.std(axis=0), or np.sqrt of the variance; inference may square it again.

Mend: Keep the variance: running_var = momentum * running_var + (1 - momentum) * x.var(axis=0).
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
    """Bring each channel to mean beta and spread gamma, and keep its spread."""
    before = None if running_var is None else running_var.copy()
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
    if train and running_var is not None and before is not None:
        n, axes = x[:, 0].size, tuple(axis for axis in range(x.ndim) if axis != 1)
        kept = x.std(axis=axes) * n / (n - 1)
        running_var[...] = (1 - momentum) * before + momentum * kept
    return found


def _squared_in_inference(x: Any, gamma: Any, beta: Any, **options: Any) -> tuple[Any, Any]:
    running_var = options.get("running_var")
    if not options.get("train", True) and running_var is not None:
        options["running_var"] = (running_var**2).astype(x.dtype)
    return batch_norm_forward(x, gamma, beta, **options)


OTHER_WAYS = {"squared in inference": (_squared_in_inference, batch_norm_backward)}
"""The same, and consistent with itself."""
