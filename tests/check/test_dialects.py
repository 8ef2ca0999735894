"""The course's words, said in other ways, and its sandwiches: what is right in each of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnnpy import reference
from cnnpy.check.case import Case
from cnnpy.check.checking import EFFORTS, Report, run
from cnnpy.check.dialects.course import with_its_mask
from cnnpy.check.mistakes import MISTAKES
from cnnpy.check.observe import Grade
from cnnpy.check.rows import SANDWICHES, row_of
from cnnpy.cs231n import fast_layers, layer_utils, layers

Functions = dict[str, Callable[..., Any]]


def check(**functions: Any) -> Report:
    return run(functions, effort=EFFORTS["quick"])


def wrong(report: Report) -> list[Any]:
    return [c for c in report.conclusions if c.grade is Grade.WRONG]


# --- parameters in other dictionaries ----------------------------------------------------


def by_position(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
    stride, pad = list(conv_param.values())[:2]
    return layers.conv_forward_naive(x, w, b, {"stride": stride, "pad": pad})


def test_parameters_taken_by_their_order_are_wrong_where_the_order_is_another() -> None:
    report = check(conv_forward_naive=by_position, conv_backward_naive=layers.conv_backward_naive)
    seen = {
        o.probe.manner: o.grade
        for o in report.trials[0].observations
        if o.probe.property == "parameters by name"
    }
    assert seen == {"keys in another order": Grade.WRONG, "a key more": Grade.NOTICE}
    assert [c.name for c in wrong(report)] == ["reads_by_order"]


def test_parameters_taken_by_their_order_are_named_beside_another_mistake() -> None:
    def forward(x: Any, pool_param: Any) -> Any:
        HH, WW, stride = pool_param.values()
        return reference.max_pool2d_forward(x, kernel_size=(HH, WW), stride=stride)

    overwrites = MISTAKES["max_pool2d_overwrites_where_windows_overlap"]
    functions = {
        "max_pool_forward_naive": forward,
        "max_pool_backward_naive": lambda dout, cache: overwrites.backward(dout, cache),
    }
    assert {c.name for c in wrong(check(**functions))} == {"reads_by_order", overwrites.name}


def test_what_is_wrong_otherwise_where_keys_stand_in_another_order_is_not_named_so() -> None:
    def forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
        out, cache = layers.conv_forward_naive(x, w, b, conv_param)
        return out + (next(iter(conv_param)) != "stride"), cache

    report = check(conv_forward_naive=forward, conv_backward_naive=layers.conv_backward_naive)
    assert [c.name for c in wrong(report)] == [None]


def strict_about_keys(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
    if set(conv_param) != {"stride", "pad"}:
        raise ValueError(f"conv_param has {sorted(conv_param)}")
    return layers.conv_forward_naive(x, w, b, conv_param)


def test_a_refusal_of_a_key_more_is_a_notice() -> None:
    report = check(
        conv_forward_naive=strict_about_keys, conv_backward_naive=layers.conv_backward_naive
    )
    assert not wrong(report)
    assert any("refuses" in c.title for c in report.conclusions)


# --- whole numbers -----------------------------------------------------------------------


def cut_to_whole_numbers(dout: Any, cache: Any) -> Any:
    x, w, b, param = cache
    dx, dw, db = layers.conv_backward_naive(dout, cache)
    return dx.astype(x.dtype), dw, db


def test_gradients_cut_to_whole_numbers_for_such_images_are_a_notice() -> None:
    report = check(
        conv_forward_naive=layers.conv_forward_naive, conv_backward_naive=cut_to_whole_numbers
    )
    assert not wrong(report)
    assert any(c.title == "dx goes wrong for arrays of whole numbers" for c in report.conclusions)


# --- dropout ------------------------------------------------------------------------------


@pytest.mark.parametrize(("dropped", "is_taken"), [(0, True), (3, True), (8, False)])
def test_a_mask_is_its_own_unless_nobody_can_have_drawn_it(dropped: int, is_taken: bool) -> None:
    """Three of ten at p=0.01 come once in 9,000 times, though it is nine standard deviations."""
    out = np.where(np.arange(10) < dropped, 0.0, 1 / 0.99)
    case = Case("dropout", {"x": np.ones(10), "mask": np.arange(10) > 0}, {"p": 0.01})
    taken = with_its_mask(case, out).arrays["mask"]
    assert np.array_equal(taken, out != 0 if is_taken else case.arrays["mask"])


def dropout(keeps: bool = True, scale: bool = True, share: Callable[[float], float] | None = None):
    def forward(x: Any, dropout_param: Any) -> Any:
        p = dropout_param["p"] if keeps else 1 - dropout_param["p"]
        if dropout_param["mode"] == "test":
            return x.copy(), (None, dropout_param)
        if "seed" in dropout_param:
            np.random.seed(dropout_param["seed"])
        stays = np.random.rand(*x.shape) < (p if share is None else share(p))
        mask = stays / p if scale else stays
        return x * mask, (mask, dropout_param)

    def backward(dout: Any, cache: Any) -> Any:
        mask, param = cache
        return dout.copy() if param["mode"] == "test" else dout * mask

    return {"dropout_forward": forward, "dropout_backward": backward}


@pytest.mark.parametrize("keeps", [True, False], ids=["p keeps", "p drops"])
def test_p_may_keep_or_drop_as_the_edition_of_the_course_has_it(keeps: bool) -> None:
    assert not wrong(check(**dropout(keeps)))


@pytest.mark.parametrize("keeps", [True, False], ids=["p keeps", "p drops"])
def test_a_mask_that_is_not_scaled_is_named(keeps: bool) -> None:
    report = check(**dropout(keeps, scale=False))
    assert [c.name for c in wrong(report)] == ["dropout_forgets_to_scale"]


def test_a_share_that_cannot_be_by_chance_is_wrong() -> None:
    assert wrong(check(**dropout(share=lambda p: p / 2)))


def test_a_mask_drawn_anew_in_backward_is_wrong() -> None:
    passes = dropout()

    def backward(dout: Any, cache: Any) -> Any:
        _, param = cache
        if param["mode"] == "test":
            return dout.copy()
        return dout * (np.random.rand(*dout.shape) < param["p"]) / param["p"]

    found = wrong(check(**{**passes, "dropout_backward": backward}))
    assert [c.function for c in found] == ["dropout_backward"]


# --- sandwiches ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", SANDWICHES)
def test_a_sandwich_is_its_parts_one_after_the_other(name: str) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "x": rng.standard_normal((2, 3, 4, 4) if "conv2d" in name else (2, 5)),
        "w": rng.standard_normal((2, 3, 3, 3) if "conv2d" in name else (2, 5)),
        **{n: rng.standard_normal(2) for n in ("b", "gamma", "beta")},
        "running_mean": None,
        "running_var": None,
    }
    options = {
        "conv2d": {"padding": 1},
        "batch_norm": {"train": True},
        "max_pool2d": {"kernel_size": 2},
    }
    row = row_of(name)
    inputs = {i.name: arrays[i.name] for i in row.inputs}
    case = Case(name, inputs, {part: options.get(part, {}) for part in SANDWICHES[name]})
    out, cache = row.forward(*case.positional(), **case.keywords())
    value, caches = arrays["x"], []
    for part in SANDWICHES[name]:
        beside = [arrays[i.name] for i in row_of(part).positional[1:]]
        running = {i.name: None for i in row_of(part).keyword}
        value, own = row_of(part).forward(value, *beside, **running, **options.get(part, {}))
        caches.append(own)
    np.testing.assert_array_equal(out, value)
    dout = rng.standard_normal(out.shape)
    gradients = dict(zip(row.gradients, row.backward(dout, cache), strict=True))
    for part, own in zip(SANDWICHES[name][::-1], caches[::-1], strict=True):
        found = row_of(part).backward(dout, own)
        found = found if isinstance(found, tuple) else (found,)
        for parameter, gradient in zip(row_of(part).gradients[1:], found[1:], strict=True):
            np.testing.assert_array_equal(gradients[parameter], gradient)
        dout = found[0]
    np.testing.assert_array_equal(gradients["x"], dout)


def without_relu(dout: Any, cache: Any) -> Any:
    conv_cache, _ = cache
    return layers.conv_backward_naive(dout, conv_cache)


def test_a_sandwich_whose_backward_leaves_a_part_out_is_wrong() -> None:
    def forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
        a, conv_cache = layers.conv_forward_naive(x, w, b, conv_param)
        out, relu_cache = layers.relu_forward(a)
        return out, (conv_cache, relu_cache)

    report = check(conv_relu_forward=forward, conv_relu_backward=without_relu)
    assert [c.function for c in wrong(report)] == ["conv_relu_backward"]


def test_the_sandwiches_of_the_course_s_twin_are_all_found() -> None:
    tasks = ["affine relu", "conv relu", "conv bn relu", "conv relu pool"]
    report = run(vars(layer_utils), effort=EFFORTS["quick"], ops=tasks)
    assert [t.found.dialect.task for t in report.trials] == tasks


# --- functions as PyTorch has them ------------------------------------------------------------


def conv2d(x: Any, w: Any, b: Any = None, stride: int = 1, padding: int = 0) -> Any:
    b = np.zeros(len(w), x.dtype) if b is None else b
    param = {"stride": stride, "pad": padding}
    return layers.conv_forward_naive(x, w, b, param)[0]


def test_a_function_of_arrays_is_judged_on_its_output_and_on_the_options_that_it_has() -> None:
    report = check(conv2d=lambda *a, **k: _square(conv2d, *a, **k))
    assert not wrong(report)
    assert {"refuses", "no_backward"} <= {c.name for c in report.conclusions}


def _square(function: Any, x: Any, w: Any, b: Any = None, **options: Any) -> Any:
    for name, value in options.items():
        if name not in ("stride", "padding"):
            raise TypeError(f"got an unexpected keyword argument {name!r}")
        options[name] = value if isinstance(value, int) else value[0]
        if not isinstance(value, int) and value[0] != value[1]:
            raise NotImplementedError("two of them")
    return function(x, w, b, **options)


OF_TENSORS = """
import torch

class Halved(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, dout):
        return dout * (ctx.saved_tensors[0] > 0) / 2

def relu(x):
    return Halved.apply(x)
"""


def test_a_function_of_tensors_with_a_wrong_gradient_is_wrong() -> None:
    needs_torch()
    names: dict[str, Any] = {"__name__": "mine"}
    exec(OF_TENSORS, names)
    (found,) = wrong(check(relu=names["relu"]))
    assert "dx is divided by 2" in found.details


def needs_torch() -> Any:
    if os.environ.get("CNNPY_REQUIRE_EXTRAS"):
        import torch
    else:
        torch = pytest.importorskip("torch")
    return torch


# --- other dtypes, and speed ------------------------------------------------------------------


def only_of_one_dtype(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
    if x.dtype != w.dtype:
        raise TypeError(f"x is {x.dtype}, w is {w.dtype}")
    return layers.conv_forward_naive(x, w, b, conv_param)


def test_a_refusal_of_mixed_dtypes_is_a_notice() -> None:
    report = check(
        conv_forward_naive=only_of_one_dtype, conv_backward_naive=layers.conv_backward_naive
    )
    assert not wrong(report)
    assert "mixed" in {c.name for c in report.conclusions}


@pytest.mark.parametrize(("pace", "is_told"), [(0.9, True), (0.05, False)])
def test_what_calls_itself_fast_and_is_not_is_a_notice(
    monkeypatch: pytest.MonkeyPatch, pace: float, is_told: bool
) -> None:
    monkeypatch.setattr("cnnpy.check.trial.pace", lambda *_: pace)
    names = "conv_forward_fast", "conv_backward_fast"
    report = check(**{name: getattr(fast_layers, name) for name in names})
    assert ("slow" in {c.name for c in report.conclusions}) is is_told
    naive = "conv_forward_naive", "conv_backward_naive"
    report = check(**{name: getattr(layers, name) for name in naive})
    assert report.conclusions == []


def test_the_pace_of_loops_is_measured_beside_loops() -> None:
    functions = {"conv_forward_fast": _as_loops, "conv_backward_fast": _back_by_loops}
    (trial,) = check(**functions).trials
    assert trial.pace is not None
    assert trial.pace > 0


def _as_loops(x: Any, w: Any, b: Any, param: Any) -> Any:
    options = {"stride": param["stride"], "padding": param["pad"]}
    return reference.conv2d_forward(x, w, b, **options)


def _back_by_loops(dout: Any, cache: Any) -> Any:
    return reference.conv2d_backward(dout, cache)
