"""The same network in PyTorch, with our weights under our names, and its forms."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from checks import WrongResult

if TYPE_CHECKING:  # a process that measures PyTorch's memory reads a twin without cnnpy
    from cnnpy import nn

FORMS = ("contiguous", "channels_last", "compiled", "compiled cl")
"""How PyTorch runs a network: its two layouts in memory, each compiled or not."""

_CHANNELS_LAST = ("channels_last", "compiled cl")


does_not_count = (WrongResult, RuntimeError, OSError)
"""Why a form of PyTorch is left out: it is wrong, or there is nothing to compile it with."""


def left_out(form: str, reason: Exception) -> str:
    """Say that a form is not timed.

    Parameters
    ----------
    form : str
        One of FORMS.
    reason : Exception
        Of `does_not_count`.

    Returns
    -------
    str
        One line.
    """
    return f"PyTorch {form} is left out: {str(reason).strip().splitlines()[0][:120]}"


class Residual(torch.nn.Module):
    """A body and a shortcut, summed, with a ReLU or nothing behind it."""

    def __init__(self, body: torch.nn.Module, shortcut: torch.nn.Module, relu: bool) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut
        self.relu = relu

    def forward(self, x):
        """Run it."""
        total = self.body(x) + self.shortcut(x)
        return torch.relu_(total) if self.relu else total


def twin_of(model: nn.Layer, *, dtype: torch.dtype = torch.float32) -> torch.nn.Module:
    """Make the same network in PyTorch, with copies of our weights.

    Parameters
    ----------
    model : Layer
        Built.
    dtype : torch.dtype
        Of the twin.

    Returns
    -------
    torch.nn.Module
        In training mode.
    """
    twin = _twin(model)
    twin.load_state_dict({name: torch.tensor(array) for name, array in model.state_dict().items()})
    return twin.to(dtype)


def _twin(layer: nn.Layer) -> torch.nn.Module:
    from cnnpy import nn

    t = torch.nn
    match layer:
        case nn.Sequential():
            named = layer.children().items()
            return t.Sequential(OrderedDict((name, _twin(child)) for name, child in named))
        case nn.Residual():
            assert type(layer.activation) in (nn.ReLU, type(None))
            shortcut = t.Identity() if layer.shortcut is None else _twin(layer.shortcut)
            return Residual(_twin(layer.body), shortcut, layer.activation is not None)
        case nn.Conv2d():
            F, C, HH, WW = layer.weight.shape
            return t.Conv2d(C * layer.groups, F, (HH, WW), bias=layer.use_bias, **layer.options())
        case nn.Linear():
            M, D = layer.weight.shape
            return t.Linear(D, M, bias=layer.use_bias)
        case nn.BatchNorm():
            return t.BatchNorm2d(len(layer.running_mean), eps=layer.eps, momentum=layer.momentum)
        case nn.ReLU():
            return t.ReLU(inplace=True)
        case nn.ReLU6():
            return t.ReLU6(inplace=True)
        case nn.Dropout():
            return t.Dropout(layer.p)
        case nn.MaxPool2d():
            return t.MaxPool2d(layer.kernel_size, stride=layer.stride, padding=layer.padding)
        case nn.GlobalAvgPool2d():
            return t.AdaptiveAvgPool2d(1)
        case nn.Flatten():
            return t.Flatten()
    raise TypeError(f"no twin of {layer!r}")


def in_form(network: torch.nn.Module, x: torch.Tensor, form: str):
    """Bring a network and its input into one of the forms.

    Parameters
    ----------
    network : torch.nn.Module
        Changed in place.
    x : Tensor of shape (N, C, H, W)
        The batch.
    form : str
        One of FORMS.

    Returns
    -------
    run : callable
        The network, compiled or itself.
    x : Tensor
        The batch in its layout.
    """
    if form in _CHANNELS_LAST:
        network = network.to(memory_format=torch.channels_last)
    run = torch.compile(network) if form.startswith("compiled") else network
    return run, in_layout(x, form)


def in_layout(x: torch.Tensor, form: str) -> torch.Tensor:
    """Bring a batch into the layout of a form.

    Parameters
    ----------
    x : Tensor of shape (N, C, H, W)
        The batch.
    form : str
        One of FORMS.

    Returns
    -------
    Tensor
        The same images.
    """
    return x.contiguous(memory_format=torch.channels_last) if form in _CHANNELS_LAST else x


def training_step(
    network: torch.nn.Module, x: torch.Tensor, y: torch.Tensor, *, lr: float, momentum: float
) -> Callable[[], float]:
    """Make a call that takes one step and returns its loss."""
    optimizer = torch.optim.SGD(network.parameters(), lr, momentum=momentum, fused=True)

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step
