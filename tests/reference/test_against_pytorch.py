"""Every op against PyTorch in float64, both passes, over its whole option space.

At least 200 configurations an op are drawn, in all memory layouts. An array agrees
when no entry is further off than 1e-10 of the largest absolute value of PyTorch's
array; below ``FLOOR`` the distance is absolute, which is for gradients that are zero
but for rounding (those of a softmax of scores of ±1000, of a norm of two values).
"""

from __future__ import annotations

import os
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from cnnpy.backends import registry
from cnnpy.check import LAYOUTS, Case, RandomHand
from cnnpy.check.suite import cases
from cnnpy.contract import OPS

try:
    import torch
except ImportError:
    if os.environ.get("CNNPY_REQUIRE_EXTRAS") == "1":
        raise
    pytest.skip("PyTorch is not installed", allow_module_level=True)

F = torch.nn.functional

CONFIGURATIONS = 200
RELATIVE = 1e-10
FLOOR = 1e-3


class CountingHand(RandomHand):
    """Draw, count what was drawn, and keep what could have been drawn."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.offered: dict[str, set[Any]] = {}
        self.ranges: dict[str, set[tuple[int, int]]] = {}

    def integer(self, name: str, low: int, high: int) -> int:
        self.ranges.setdefault(name, set()).add((low, high))
        return super().integer(name, low, high)

    def choice(self, name: str, values: Sequence[Any]) -> Any:
        self.offered.setdefault(name, set()).update(map(label, values))
        return super().choice(name, values)

    def missed(self) -> dict[str, set[Any]]:
        """Name what was offered and never drawn; of integers, where their range is fixed."""
        could = dict(self.offered)
        for name, ranges in self.ranges.items():
            if len(ranges) == 1:
                ((low, high),) = ranges
                could[name] = {str(n) for n in range(low, high + 1)}
        met = {name: set(map(label, counts)) for name, counts in self.met.items()}
        return {name: left for name, all_ in could.items() if (left := all_ - met[name])}

    def log(self) -> str:
        parts = []
        for name, counts in self.met.items():
            by_label: Counter[str] = Counter()
            for value, count in counts.items():
                by_label[label(value)] += count
            values = ", ".join(f"{value} {count}" for value, count in sorted(by_label.items()))
            parts.append(f"{name}: {values}")
        return "; ".join(parts)


def label(value: Any) -> str:
    if isinstance(value, tuple):
        return "a pair" if value else "none"
    return value.__name__ if isinstance(value, type) else str(value)


def tensor(value: Any) -> Any:
    if isinstance(value, list):
        return [tensor(item) for item in value]
    if value is None:
        return None
    if value.dtype.kind in "iu":
        return torch.tensor(value.astype(np.int64))
    return torch.tensor(value, requires_grad=value.dtype.kind == "f")


def sides(padding: Any) -> tuple[int, int, int, int]:
    """Write (top, bottom, left, right) in PyTorch's order: left, right, top, bottom."""
    if isinstance(padding, int):
        return (padding,) * 4
    if len(padding) == 2:
        return padding[1], padding[1], padding[0], padding[0]
    return padding[2], padding[3], padding[0], padding[1]


def flatten(x: Any) -> Any:
    return x.reshape(len(x), int(np.prod(x.shape[1:], dtype=int)))


def dropout(x: Any, mask: Any, p: float) -> Any:
    """PyTorch draws its own mask: its formula, with ours."""
    if mask is None:
        return x
    return torch.where(mask, x / (1 - p), 0.0) if p < 1 else x * 0


def hinge(x: Any, target: Any) -> Any:
    """PyTorch divides by the number of classes too."""
    return F.multi_margin_loss(x, target) * x.shape[1]


def group_norm(x: Any, gamma: Any, beta: Any, groups: int, eps: float) -> Any:
    """PyTorch 2.13 raises "tensor does not have a device" for a bias without a weight."""
    if gamma is None and beta is not None:
        gamma = torch.ones_like(beta)
    return F.group_norm(x, groups, gamma, beta, eps)


THEIRS: dict[str, Callable[..., Any]] = {
    "conv2d": F.conv2d,
    "conv_transpose2d": F.conv_transpose2d,
    "max_pool2d": F.max_pool2d,
    "avg_pool2d": F.avg_pool2d,
    "global_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, 1),
    "linear": F.linear,
    "flatten": flatten,
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky_relu": F.leaky_relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "silu": F.silu,
    "hard_swish": F.hardswish,
    "softmax": lambda x, axis: torch.softmax(x, axis),
    "log_softmax": lambda x, axis: torch.log_softmax(x, axis),
    "softmax_cross_entropy": F.cross_entropy,
    "hinge": hinge,
    "mean_squared_error": F.mse_loss,
    "batch_norm": lambda x, gamma, beta, running_mean, running_var, train, momentum, eps: (
        F.batch_norm(x, running_mean, running_var, gamma, beta, train, momentum, eps)
    ),
    "layer_norm": lambda x, gamma, beta, axis, eps: F.layer_norm(
        x, x.shape[axis:], gamma, beta, eps
    ),
    "group_norm": group_norm,
    "dropout": dropout,
    "add": torch.add,
    "concat": lambda xs, axis: torch.cat(xs, axis),
    "pad2d": lambda x, padding, mode, value: F.pad(
        x, sides(padding), mode, value if mode == "constant" else None
    ),
    "upsample_nearest2d": lambda x, scale_factor: F.interpolate(
        x, scale_factor=scale_factor, mode="nearest"
    ),
}


def of_pytorch(case: Case, dout: Any) -> dict[str, Any]:
    """Run both passes in PyTorch: every array that comes out, by name."""
    row = OPS[case.op]
    arrays = {name: tensor(value) for name, value in case.cast(np.float64).arrays.items()}
    for i in row.inputs:
        if not i.gradient and arrays[i.name] is not None:
            arrays[i.name] = arrays[i.name].detach()
    keywords = {i.name: arrays[i.name] for i in row.keyword} | dict(case.options)
    out = THEIRS[case.op](*(arrays[i.name] for i in row.positional), **keywords)
    out.backward(torch.tensor(dout))
    found: dict[str, Any] = {"out": out.detach().numpy()}
    for i in row.inputs:
        value = arrays[i.name]
        if i.kind.name == "UPDATED":
            found[i.name] = None if value is None else value.numpy()
        elif i.gradient:
            found[f"d{i.name}"] = gradient(value)
    return found


def gradient(value: Any) -> Any:
    if isinstance(value, list):
        return [gradient(item) for item in value]
    if value is None:
        return None
    return np.zeros(value.shape) if value.grad is None else value.grad.numpy()


def ours(case: Case, dout: Any, layout: str, passes: Any) -> dict[str, Any]:
    """Run both passes on one of our backends, with arrays in some memory layout."""
    row = OPS[case.op]
    updated = {i.name for i in row.inputs if i.kind.name == "UPDATED"}
    laid_out = case.map(lambda a: LAYOUTS[layout](a) if a.ndim else a)
    own = case.cast(np.float64)
    arrays = {k: own.arrays[k] if k in updated else v for k, v in laid_out.arrays.items()}
    given = Case(case.op, arrays, case.options)
    out, cache = passes.forward(*given.positional(), **given.keywords())
    gradients = passes.backward(LAYOUTS[layout](dout) if dout.ndim else dout, cache)
    found = {"out": out} | {name: arrays[name] for name in updated}
    names = [f"d{name}" for name in row.gradients]
    return found | dict(zip(names, gradients if len(names) > 1 else [gradients], strict=True))


def agree(got: Any, want: Any) -> bool:
    if want is None or isinstance(want, list):
        same = (got is None) == (want is None)
        return same and all(agree(g, w) for g, w in zip(got or [], want or [], strict=True))
    got = np.asarray(got)
    allowed = RELATIVE * max(np.abs(want).max(initial=0.0), FLOOR)
    return got.shape == want.shape and bool(np.all(np.abs(got - want) <= allowed))


@pytest.mark.parametrize("op", OPS)
def test_both_passes_agree_with_pytorch(
    op: str, public, gradient_of_output, log_met, record_property
) -> None:
    torch.set_num_threads(1)
    hand = CountingHand(zlib.crc32(op.encode()))
    for k in range(CONFIGURATIONS):
        case = cases(op).draw(hand)
        layout = hand.choice("memory", list(LAYOUTS))
        dout = gradient_of_output(case, public(op, "numpy").forward, k)
        want = of_pytorch(case, dout)
        for backend in registry.BACKENDS:
            got = ours(case, dout, layout, public(op, backend))
            assert got.keys() == want.keys()
            for name in want:
                assert agree(got[name], want[name]), f"{backend}: {name} of {case}, {layout}"
    assert hand.missed() == {}
    record_property("options met", hand.log())
    log_met(f"{op}, {CONFIGURATIONS} configurations: {hand.log()}")


@pytest.mark.parametrize("backend", registry.BACKENDS)
@pytest.mark.parametrize("op", ["softmax_cross_entropy", "mean_squared_error"])
def test_the_loss_of_an_empty_batch_is_nan_as_in_pytorch(op: str, backend: str, public) -> None:
    """Not so hinge: PyTorch 2.13 returns memory that it never wrote; ours is NaN too."""
    x, target = np.zeros((0, 3)), np.zeros(0, dtype=np.int64)
    if op == "mean_squared_error":
        target = np.zeros((0, 3))
    theirs = THEIRS[op](torch.tensor(x), torch.tensor(target))
    loss, _ = public(op, backend).forward(x, target)
    assert np.isnan(loss)
    assert np.isnan(theirs.item())


@pytest.mark.parametrize("backend", registry.BACKENDS)
def test_of_equal_maxima_pytorch_takes_the_same(backend: str, public) -> None:
    rng = np.random.default_rng(0)
    forward, backward = public("max_pool2d", backend)
    for window, stride, padding in ((2, 1, 0), (3, 2, 1), ((2, 4), (1, 3), (1, 2))):
        x = np.asarray(rng.integers(0, 2, (2, 3, 9, 8)), dtype=np.float64)
        out, cache = forward(x, kernel_size=window, stride=stride, padding=padding)
        dout = rng.standard_normal(out.shape)
        theirs = torch.tensor(x, requires_grad=True)
        F.max_pool2d(theirs, window, stride, padding).backward(torch.tensor(dout))
        np.testing.assert_allclose(backward(dout, cache), theirs.grad.numpy(), rtol=1e-14)
