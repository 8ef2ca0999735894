"""Where both passes are wrong, it is told whether one is right for the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnpy.check.checking import EFFORTS, run
from cnnpy.check.observe import Grade


def forward(x: Any) -> Any:
    return np.where(x > 0, x + 0.25 * x * x, 0.0), x


def its_gradient(dout: Any, x: Any) -> Any:
    return dout * np.where(x > 0, 1 + 0.5 * x, 0.0)


def another(dout: Any, x: Any) -> Any:
    return dout * np.where(x > 0, 3 + 0.5 * x, 0.0)


def details(backward: Any) -> tuple[str, ...]:
    report = run({"relu_forward": forward, "relu_backward": backward}, effort=EFFORTS["quick"])
    (wrong,) = [c for c in report.conclusions if c.grade is Grade.WRONG]
    return wrong.details


def test_a_gradient_that_is_right_for_a_wrong_forward_pass_is_told() -> None:
    said = "in this case backward is the gradient of the forward pass as it is: look at both"
    assert said in details(its_gradient)


def test_a_gradient_that_is_wrong_for_it_too_is_told() -> None:
    assert "dx is not the gradient of this forward pass either" in details(another)
