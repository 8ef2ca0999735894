"""Functions of PyTorch's tensors, called with arrays: both passes, the second by autograd."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["backward", "forward", "takes_tensors"]


def takes_tensors(function: Any) -> bool:
    """Tell whether a function may want tensors: it is PyTorch's, or its module imports PyTorch.

    Parameters
    ----------
    function : callable
        The function.

    Returns
    -------
    bool
        Whether it may.
    """
    owner = getattr(function, "__self__", None)
    home = getattr(function, "__module__", None) or getattr(owner, "__module__", None) or ""
    names = getattr(function, "__globals__", {})
    imported = any(getattr(value, "__name__", "") == "torch" for value in list(names.values()))
    return str(home).split(".")[0] == "torch" or imported


def forward(
    function: Callable[..., Any],
    tracked: Sequence[int | str],
    arrays: Sequence[Any],
    more: Mapping[str, Any],
) -> tuple[Any, Any]:
    """Call a function with tensors in the place of arrays.

    Parameters
    ----------
    function : callable
        Of tensors.
    tracked : sequence of int or str
        The positions and names of those that get gradients.
    arrays : sequence
        Its positional arguments.
    more : mapping
        Those given by name.

    Returns
    -------
    out : ndarray
        What it returned.
    cache : tuple
        For `backward`.
    """
    import torch

    given = {k: _tensor(a, k in tracked, torch) for k, a in [*enumerate(arrays), *more.items()]}
    out = function(*(given[k] for k in range(len(arrays))), **{k: given[k] for k in more})
    if not isinstance(out, torch.Tensor):
        raise TypeError(f"a {type(out).__name__} was returned, not a tensor")
    return out.detach().numpy(), (out, [given[k] for k in tracked])


def _tensor(value: Any, tracked: bool, torch: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    whole = value if value.flags.writeable and min(value.strides, default=0) >= 0 else value.copy()
    tensor = torch.from_numpy(whole)
    return tensor.requires_grad_() if tracked else tensor


def backward(dout: Any, cache: Any) -> list[Any]:
    """Send a gradient back through what `forward` kept.

    Parameters
    ----------
    dout : ndarray of the shape of the output
        Gradient of the loss with respect to the output.
    cache : tuple
        From `forward`.

    Returns
    -------
    list of ndarray or None
        The gradient of each argument that was tracked; None where there was no array.
    """
    import torch

    out, leaves = cache
    tracked = [t for t in leaves if t is not None]
    found = torch.autograd.grad(
        out, tracked, torch.from_numpy(np.array(dout)), retain_graph=True, allow_unused=True
    )
    by_leaf = {id(t): None if g is None else g.numpy() for t, g in zip(tracked, found, strict=True)}
    return [None if t is None else by_leaf[id(t)] for t in leaves]
