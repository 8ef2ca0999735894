"""The smallest case that is shown is one that a reader can look at."""

from __future__ import annotations

import numpy as np
import pytest

from cnnpy.check import run
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


def arrays(o):
    for value in o.case.arrays.values():
        yield from value if isinstance(value, list | tuple) else [value]
