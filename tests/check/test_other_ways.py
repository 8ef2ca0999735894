"""A mistake that is made in another way than the library's is called by the same name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnpy.check.checking import EFFORTS, run
from cnnpy.check.mistakes import MISTAKES
from cnnpy.check.observe import Grade

WAYS = [
    (name, way)
    for name, mistake in MISTAKES.items()
    if mistake.op in ("batch_norm", "group_norm", "dropout")
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
