"""A mistake that is made in another way than the library's is called by the same name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnpy.check.checking import EFFORTS, run
from cnnpy.check.mistakes import MISTAKES
from cnnpy.check.observe import Grade
from cnnpy.cs231n import layers

WAYS = [
    (name, way)
    for name, mistake in MISTAKES.items()
    if mistake.op in ("conv2d", "max_pool2d", "batch_norm", "group_norm", "dropout")
    for way in mistake.other_ways
]


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_each_other_way_is_named_by_its_mistake(name: str, way: str) -> None:
    mistake = MISTAKES[name]
    forward, backward, *besides = mistake.other_ways[way]
    functions = {f"{mistake.op}_forward": forward, f"{mistake.op}_backward": backward}
    report = run(functions, effort=EFFORTS["quick"])
    wrong = [c for c in report.conclusions if c.grade is Grade.WRONG]
    assert {c.name for c in wrong} == {name, *besides}
    assert all(c.certain for c in wrong)


def test_a_mistake_is_named_beside_a_score_that_is_written_to() -> None:
    """Softmax takes the largest score away in place, and the logarithm of a probability."""

    def softmax_loss(x: Any, y: Any) -> Any:
        n = np.arange(len(x))
        x -= x.max(axis=1, keepdims=True)
        p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
        dx = p.copy()
        dx[n, y] -= 1
        with np.errstate(divide="ignore"):
            return -np.log(p[n, y]).sum() / len(x), dx / len(x)

    report = run({"softmax_loss": softmax_loss}, effort=EFFORTS["quick"])
    assert [c.name for c in report.conclusions if c.grade is Grade.WRONG] == [
        "softmax_cross_entropy_takes_the_log_of_zero"
    ]


def test_a_batch_norm_that_is_fed_pixel_by_pixel_is_named() -> None:
    def spatial_batchnorm_forward(x: Any, gamma: Any, beta: Any, bn_param: Any) -> Any:
        out, caches = np.zeros_like(x), {}
        for i, j in np.ndindex(x.shape[2:]):
            args = (np.ascontiguousarray(x[:, :, i, j]), gamma, beta, bn_param)
            out[:, :, i, j], caches[i, j] = layers.batchnorm_forward(*args)
        return out, caches

    def spatial_batchnorm_backward(dout: Any, caches: Any) -> Any:
        dx, dgamma, dbeta = np.zeros_like(dout), 0, 0
        for (i, j), cache in caches.items():
            here = np.ascontiguousarray(dout[:, :, i, j])
            dx[:, :, i, j], dg, db = layers.batchnorm_backward(here, cache)
            dgamma, dbeta = dgamma + dg, dbeta + db
        return dx, dgamma, dbeta

    functions = {f.__name__: f for f in (spatial_batchnorm_forward, spatial_batchnorm_backward)}
    report = run(functions, effort=EFFORTS["quick"])
    wrong = {c.name for c in report.conclusions if c.grade is Grade.WRONG}
    assert wrong == {"batch_norm_over_the_batch_axis_only"}
