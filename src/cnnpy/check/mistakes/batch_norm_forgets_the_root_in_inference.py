"""In inference the values are divided by the variance, not by its root.

Cause: With train=False: (x - running_mean) / (running_var + eps).

Mend: Divide by np.sqrt(running_var + eps), as in training.
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
    """Bring each channel to mean beta, divided by the variance in inference."""
    if not train and running_var is not None:
        running_var = ((running_var + eps) ** 2 - eps).astype(x.dtype)
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


def _without_eps(x: Any, gamma: Any, beta: Any, **options: Any) -> tuple[Any, Any]:
    running_var = options.get("running_var")
    if not options.get("train", True) and running_var is not None:
        eps = options.get("eps", 1e-5)
        options["running_var"] = (running_var**2 - eps).astype(x.dtype)
    return right_forward(x, gamma, beta, **options)


OTHER_WAYS = {
    "without eps": (_without_eps, batch_norm_backward, "batch_norm_ignores_eps_in_inference"),
}
"""The same without eps."""
