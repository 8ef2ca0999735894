"""Forward and backward of every op agree, by difference quotients in one direction."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from cnnpy.backends import registry
from cnnpy.check import RandomHand
from cnnpy.check.gradcheck import directional
from cnnpy.check.mistakes import MISTAKES
from cnnpy.check.suite import cases
from cnnpy.contract import OPS


def slope(op: str, forward: Any, backward: Any, seed: int) -> Any:
    case = cases(op).draw(RandomHand(seed))

    def fresh(*inputs: Any, **options: Any) -> Any:
        copies = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in options.items()}
        return forward(*inputs, **copies)  # the running statistics stay as they were

    wrt = [k for k, i in enumerate(OPS[op].positional) if i.gradient]
    keywords = case.keywords()
    return directional(fresh, backward, case.positional(), options=keywords, wrt=wrt, seed=seed)


@pytest.mark.parametrize("backend", registry.BACKENDS)
@pytest.mark.parametrize("op", OPS)
def test_backward_is_the_slope_of_forward(op: str, backend: str, public, profile) -> None:
    for seed in range(200 if profile == "slow" else 20):
        found = slope(op, *public(op, backend), seed)
        assert found.passed, f"seed {seed}: {found}"


BACKWARD_ALONE = [
    "conv2d_forgets_the_stride_in_backward",
    "conv2d_overwrites_dx",
    "conv2d_averages_db",
    "conv2d_keeps_dw_of_the_last_image",
    "max_pool2d_overwrites_where_windows_overlap",
    "avg_pool2d_forgets_to_divide_in_backward",
    "global_avg_pool2d_forgets_to_divide_in_backward",
    "linear_averages_db",
    "relu_gates_by_the_gradient",
    "relu6_forgets_the_ceiling_in_backward",
    "tanh_forgets_the_square",
    "silu_forgets_the_product_rule",
    "softmax_takes_the_diagonal_only",
    "softmax_cross_entropy_forgets_n_in_backward",
    "hinge_forgets_the_right_class_in_backward",
    "mean_squared_error_forgets_the_factor_2",
    "batch_norm_takes_the_statistics_for_constants",
    "pad2d_drops_the_border_in_backward",
    "upsample_nearest2d_overwrites_in_backward",
]


@pytest.mark.parametrize("name", BACKWARD_ALONE)
def test_a_wrong_backward_is_not_the_slope(name: str) -> None:
    mistake = MISTAKES[name]
    found = Counter(
        slope(mistake.op, mistake.forward, mistake.backward, seed).passed for seed in range(30)
    )
    assert found[False] > 3


CONSISTENT = [
    "conv2d_pads_by_one",
    "conv2d_flips_the_filter",
    "conv2d_ignores_groups",
    "max_pool2d_pads_with_zeros",
    "layer_norm_over_the_batch_axis",
    "flatten_loses_the_order",
    "pad2d_repeats_the_edge_in_reflect",
]


@pytest.mark.parametrize("name", CONSISTENT)
def test_a_mistake_made_in_both_passes_is_a_slope_all_the_same(name: str) -> None:
    """What the difference quotients cannot see: they know forward only."""
    mistake = MISTAKES[name]
    for seed in range(10):
        case = cases(mistake.op).draw(RandomHand(seed))
        try:
            mistake.forward(*case.cast(np.float64).positional(), **case.cast(float).keywords())
        except ValueError:
            continue  # the mistake makes this case impossible
        found = slope(mistake.op, mistake.forward, mistake.backward, seed)
        assert found.passed, f"seed {seed}: {found}"


def absolute(x: Any) -> Any:
    return np.abs(x), np.sign(x)


def times(dout: Any, slope: Any) -> Any:
    return dout * slope


def test_a_kink_is_stepped_away_from() -> None:
    found = directional(absolute, times, [np.array([0.0, 1.0, -2.0])])
    assert found.passed
    assert not found.kink


def test_a_kink_at_every_point_that_was_tried_is_reported() -> None:
    found = directional(absolute, times, [np.array([0.0, 1.0])], attempts=1)
    assert found.kink
    assert not found.passed
    assert str(found) == "a kink at every point that was tried: the slope is not defined"


def test_a_kink_nearer_than_the_step_does_not_fail_a_right_gradient() -> None:
    for distance in np.geomspace(1e-9, 1e-2, 40):
        assert directional(absolute, times, [np.array([distance, 1.0])]).passed


def test_a_gradient_of_none_counts_as_zero() -> None:
    def product(x: Any, y: Any) -> Any:
        return x * y, (x, y)

    x, y = np.array([2.0, 3.0]), np.array([5.0, 7.0])
    assert directional(product, lambda d, c: (d * c[1], d * c[0]), [x, y]).passed
    assert not directional(product, lambda d, c: (d * c[1], None), [x, y]).passed
    assert directional(product, lambda d, c: d * c[1], [x, y], wrt=[0]).passed


def test_parameters_in_a_list_move_together() -> None:
    def affine(x: Any, parameters: Any) -> Any:
        w, b = parameters
        return x @ w + b, (x, w)

    def backward(dout: Any, cache: Any) -> Any:
        x, w = cache
        return dout @ w.T, [x.T @ dout, dout.sum(axis=0)]

    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s) for s in ((4, 3), (3, 2), (2,)))
    found = directional(affine, backward, [x.astype(np.float32), [w, b]])
    assert found.passed
    assert str(found).startswith("agree: ")

    def last_row(dout: Any, cache: Any) -> Any:
        dx, (dw, _) = backward(dout, cache)
        return dx, [dw, dout[-1]]

    forgetful = directional(affine, last_row, [x, [w, b]])
    assert str(forgetful).startswith("differ: ")


def test_the_inputs_stay_as_they_were() -> None:
    x = np.array([0.0, 1.0])

    def rude(x: Any) -> Any:
        x += 1
        return x, None

    directional(rude, lambda dout, cache: dout, [x])
    assert x.tolist() == [0.0, 1.0]
