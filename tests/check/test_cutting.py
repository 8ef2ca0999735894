"""A case that was drawn as a whole is made small along the axes that its op names."""

from __future__ import annotations

import numpy as np
import pytest

from cnnpy.check import RandomHand
from cnnpy.check.checking import run
from cnnpy.check.mistakes import MISTAKES
from cnnpy.check.plans import AT, Probe, plan_of
from cnnpy.check.plans.cutting import cut, smaller_than
from cnnpy.check.suite import cases
from cnnpy.check.trial import Effort


@pytest.mark.parametrize("op", ["conv2d", "conv_transpose2d", "pad2d", "group_norm"])
def test_a_cut_case_has_the_first_entries_of_the_whole_one(op: str) -> None:
    for seed in range(40):
        case = cases(op).draw(RandomHand(seed))
        for name, values in smaller_than(case).items():
            small = cut(case, {name: values[0]} if values else {})
            for key, array in case.arrays.items():
                if isinstance(array, np.ndarray):
                    part = small.arrays[key]
                    assert part.ndim == array.ndim
                    assert np.array_equal(part, array[tuple(map(slice, part.shape))])


def test_what_is_not_cut_is_drawn_as_before() -> None:
    plan = plan_of("conv2d")
    case = plan.case(Probe("the whole domain", {AT: 7}))
    drawn = cases("conv2d").draw(RandomHand(7))
    assert all(np.array_equal(case.arrays[n], drawn.arrays[n]) for n in ("x", "w"))
    assert case.options == drawn.options


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("pad2d_drops_the_border_in_backward", 2),
        ("global_avg_pool2d_forgets_to_divide_in_backward", 2),
        ("upsample_nearest2d_overwrites_in_backward", 2),
        ("conv_transpose2d_forgets_output_padding", 8),
    ],
)
def test_an_op_without_a_plan_shows_a_small_case(name: str, most: int) -> None:
    mistake = MISTAKES[name]
    passes = {f"{mistake.op}_forward": mistake.forward, f"{mistake.op}_backward": mistake.backward}
    (trial,) = run(passes, effort=Effort(6, 600.0)).trials
    for shown in trial.smallest.values():
        assert shown.case.arrays["x"].size <= most
