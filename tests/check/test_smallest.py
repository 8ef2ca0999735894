"""The smallest case that is shown is one that a reader can look at."""

from __future__ import annotations

import numpy as np
import pytest

from cnnpy import reference
from cnnpy.check import run
from cnnpy.check.checking import EFFORTS
from cnnpy.check.mistakes import MISTAKES
from cnnpy.check.trial import Effort

OFTEN_EMPTY = (
    "conv2d_crops_dx_by_one",
    "conv_transpose2d_forgets_output_padding",
    "concat_swaps_the_parts",
)
"""Mistakes that show on a batch of no image too, or on a part of no entry."""


@pytest.mark.parametrize("name", OFTEN_EMPTY)
def test_an_array_of_nothing_is_not_shown_where_another_shows_the_mistake(name: str) -> None:
    mistake = MISTAKES[name]
    passes = {f"{mistake.op}_forward": mistake.forward, f"{mistake.op}_backward": mistake.backward}
    (trial,) = run(passes, effort=Effort(12, 600.0)).trials
    assert any(0 in map(np.size, arrays(o)) for o in trial.observations if o.wrong())
    assert trial.smallest
    for shown in trial.smallest.values():
        assert 0 not in map(np.size, arrays(shown))


def passes_at_zero(dout, x):
    return dout * (x >= 0)


def test_what_the_field_does_in_several_ways_is_shown_in_a_small_case_too() -> None:
    functions = {"relu_forward": reference.relu_forward, "relu_backward": passes_at_zero}
    report = run(functions, effort=EFFORTS["quick"])
    (told,) = [c for c in report.conclusions if c.title == "the gradient passes at 0"]
    assert sum(map(np.size, arrays(told.shown_by))) == 1


def writes_to_x(x):
    x[x < 0] = 0
    return x, x


def writes_to_dout(dout, x):
    dout[x <= 0] = 0
    return dout


def backward(dout, x):
    return dout * (x > 0)


def forward(x):
    return np.maximum(x, 0), x


@pytest.mark.parametrize(
    ("passes", "function", "name"),
    [
        ((writes_to_x, backward), "relu_forward", "x"),
        ((forward, writes_to_dout), "relu_backward", "dout"),
    ],
)
def test_the_pass_that_writes_to_an_array_is_the_one_that_is_told(passes, function, name) -> None:
    functions = dict(zip(("relu_forward", "relu_backward"), passes, strict=True))
    report = run(functions, effort=EFFORTS["quick"])
    told = {c.function: c.title for c in report.conclusions if "written to" in c.title}
    assert list(told) == [function]
    assert told[function].startswith(f"{name} is written to")


def arrays(o):
    for value in o.case.arrays.values():
        yield from value if isinstance(value, list | tuple) else [value]
