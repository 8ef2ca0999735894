"""Modules of PyTorch with forward alone are built, filled, called, and sent back by autograd."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from cnnpy.check.checking import check_path, run
from cnnpy.check.observe import Grade
from cnnpy.check.trial import Effort

EFFORT = Effort(6, 600.0)  # PyTorch may take its time to be imported

SOURCE = """
import torch
from torch import nn
from torch.nn import functional as F


class Linear(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x):
        return x @ self.weight.T + self.bias


class Conv2d(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0):
        super().__init__()
        self.inner = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding)

    def forward(self, x):
        return self.inner(x)


class MaxPool2d(nn.Module):
    def __init__(self, kernel_size, stride):
        super().__init__()
        self.kernel_size, self.stride = kernel_size, stride

    def forward(self, x):
        return F.max_pool2d(x, self.kernel_size, self.stride)


class ReLU(nn.Module):
    def forward(self, x):
        return x * (x > 0)


class BatchNorm2d(nn.Module):
    def __init__(self, num_features, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))

    def forward(self, x):
        axes = (0, *range(2, x.ndim))
        column = (1, -1, *(1,) * (x.ndim - 2))
        mean = x.mean(dim=axes, keepdim=True)
        var = x.var(dim=axes, keepdim=True, correction=0)
        x_hat = (x - mean) / torch.sqrt(var + self.eps)
        return x_hat * self.weight.view(column) + self.bias.view(column)
"""

MISTAKES = {
    "kernel_size, stride, padding)": (
        "kernel_size, stride, 1)",
        ("Conv2d.forward", "conv2d_pads_by_one"),
    ),
    "correction=0": ("correction=1", ("BatchNorm2d.forward", "batch_norm_divides_by_n_minus_1")),
    ".T + self.bias": (".T", ("Linear.forward", "linear_forgets_the_bias")),
    "x * (x > 0)": ("x * (x.detach() > 0.5)", ("ReLU.forward", None)),
}


def needs_torch() -> Any:
    if os.environ.get("CNNPY_REQUIRE_EXTRAS"):
        import torch
    else:
        torch = pytest.importorskip("torch")
    return torch


def written(old: str = "", new: str = "") -> dict[str, Any]:
    needs_torch()
    assert not old or SOURCE.count(old) == 1
    names: dict[str, Any] = {"__name__": "written"}
    exec(SOURCE.replace(old, new) if old else SOURCE, names)
    return {n: c for n, c in names.items() if getattr(c, "__module__", "") == "written"}


def wrong(report: Any) -> set[tuple[str, str | None]]:
    return {(c.function, c.name) for c in report.conclusions if c.grade is Grade.WRONG}


def test_right_modules_are_found_and_get_no_finding_above_a_notice() -> None:
    modules = written()
    report = run(modules, effort=EFFORT)
    assert {t.found.forward for t in report.trials} == {f"{name}.forward" for name in modules}
    assert wrong(report) == set()
    assert min(len(t.observations) for t in report.trials) >= 15
    sent_back = [o for t in report.trials for o in t.observations if o.outcome.gradients]
    assert len(sent_back) == sum(len(t.observations) for t in report.trials)


@pytest.mark.parametrize("old", MISTAKES)
def test_a_mistake_in_a_module_is_named(old: str) -> None:
    new, expected = MISTAKES[old]
    assert wrong(run(written(old, new), effort=EFFORT)) == {expected}


def test_a_module_is_judged_behind_the_fence(tmp_path: Path) -> None:
    needs_torch()
    file = tmp_path / "modules.py"
    file.write_text(SOURCE.replace("kernel_size, stride, padding)", "kernel_size, stride, 1)"))
    report = check_path(file, effort=EFFORT)
    assert wrong(report) == {("Conv2d.forward", "conv2d_pads_by_one")}


def test_a_module_whose_weights_cannot_be_found_is_told() -> None:
    hidden = written(
        "self.weight = nn.Parameter(torch.randn(out_features, in_features))",
        "self.table = self.weight = nn.Parameter(torch.randn(out_features, in_features))",
    )
    report = run({"Linear": hidden["Linear"]}, effort=EFFORT)
    (conclusion,) = (c for c in report.conclusions if c.grade is Grade.WRONG)
    assert "no parameter for w" in conclusion.title
