"""PyTorch's functions and modules, called with arrays: both passes, the second by autograd."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["backward", "fill", "forward", "is_module", "of_module", "parameters", "takes_tensors"]


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


# --- modules --------------------------------------------------------------------------------


def is_module(value: Any) -> bool:
    """Tell whether a class is a module of PyTorch that somebody wrote.

    Parameters
    ----------
    value : object
        What a file offers.

    Returns
    -------
    bool
        Whether it is; PyTorch is not imported for it.
    """
    if not isinstance(value, type) or value.__module__.split(".")[0] == "torch":
        return False
    bases = (b for b in value.__mro__ if b.__module__.split(".")[0] == "torch")
    return any(b.__name__ == "Module" for b in bases)


def parameters(layer: Any) -> dict[str, Any]:
    """Give the parameters of a module by their full names.

    Parameters
    ----------
    layer : torch.nn.Module
        The module.

    Returns
    -------
    dict of str to ndarray
        A copy of each.
    """
    return {name: p.detach().numpy().copy() for name, p in layer.named_parameters()}


def fill(layer: Any, values: Mapping[str, Any], dtype: str) -> None:
    """Put arrays in the place of a module's parameters, and train it.

    Parameters
    ----------
    layer : torch.nn.Module
        The module.
    values : mapping
        By full name, an array of the parameter's shape.
    dtype : str
        The name of the dtype to compute in.
    """
    import torch

    layer.to(getattr(torch, dtype)).train()
    with torch.no_grad():
        for name, p in layer.named_parameters():
            if name in values:
                p.copy_(torch.from_numpy(np.array(values[name])))


def of_module(layer: Any, names: Sequence[str], *arrays: Any) -> tuple[Any, Any]:
    """Call a module with tensors in the place of arrays.

    Parameters
    ----------
    layer : torch.nn.Module
        The module.
    names : sequence of str
        The parameters that get gradients, behind the first argument.
    *arrays : object
        What it is called with.

    Returns
    -------
    out : ndarray
        What it returned.
    cache : tuple
        For `backward`.
    """
    import torch

    given = [_tensor(a, k == 0, torch) for k, a in enumerate(arrays)]
    out = layer(*given)
    if not isinstance(out, torch.Tensor):
        raise TypeError(f"a {type(out).__name__} was returned, not a tensor")
    own = dict(layer.named_parameters())
    return out.detach().numpy(), (out, [given[0], *(own[name] for name in names)])


# --- the way back ---------------------------------------------------------------------------


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
