"""A mistake of the library is found wherever it is planted, and called by its name."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from cnnpy import reference
from cnnpy.check.checking import EFFORTS, Report, run
from cnnpy.check.mistakes import MISTAKES
from cnnpy.check.observe import Grade
from cnnpy.check.trial import Effort
from cnnpy.contract import OPS

QUICK = EFFORTS["quick"]

BESIDE_THE_NUMBERS = {
    "conv2d_returns_float64",
    "relu_writes_into_dout",
    "relu_writes_into_x",
    "relu_passes_the_gradient_at_zero",
    "batch_norm_reverses_the_momentum",
    "batch_norm_keeps_the_biased_variance",
    "add_hands_out_one_array_twice",
}
"""Mistakes whose numbers are right, or right by another convention: notices."""

TIES = {"max_pool2d_gives_every_tie_the_gradient"}

IN_NUMBERS = sorted(set(MISTAKES) - BESIDE_THE_NUMBERS - TIES)


def check(functions: Any, **options: Any) -> Report:
    return run(functions, effort=options.pop("effort", QUICK), **options)


def planted(name: str, seed: int = 0) -> Report:
    m = MISTAKES[name]
    functions = {f"{m.op}_forward": m.forward, f"{m.op}_backward": m.backward}
    return check(functions, seed=seed)


def names(report: Report, grade: Grade) -> set[str | None]:
    return {c.name for c in report.conclusions if c.grade is grade}


@pytest.mark.parametrize("name", IN_NUMBERS)
def test_a_mistake_in_the_numbers_is_wrong_and_named_with_certainty(
    name: str, profile: str
) -> None:
    for seed in range(20 if profile == "slow" else 1):
        report = planted(name, seed)
        wrong = [c for c in report.conclusions if c.grade is Grade.WRONG]
        assert [c.name for c in wrong] == [name]
        assert wrong[0].certain
        assert wrong[0].mend == MISTAKES[name].mend
        assert report.exit_code() == 1


@pytest.mark.parametrize("name", sorted(BESIDE_THE_NUMBERS))
def test_a_mistake_beside_the_numbers_is_a_notice_of_its_name(name: str) -> None:
    report = planted(name)
    assert name in names(report, Grade.NOTICE)
    assert report.exit_code() == 0


@pytest.mark.parametrize("name", sorted(TIES))
def test_a_tie_is_told_before_the_notices_and_is_wrong_where_one_is_strict(name: str) -> None:
    report = planted(name)
    assert report.conclusions[0].name == name
    assert names(report, Grade.TIE) == {name}
    assert (report.exit_code(), report.exit_code(strict=True)) == (0, 1)
    shown = report.conclusions[0].shown_by
    assert shown is not None
    assert shown.case.arrays["x"].size <= 8


TOGETHER = [
    ("conv2d_forgets_the_bias", "conv2d_empties_dx_at_padding_0"),
    ("conv2d_averages_db", "conv2d_crops_dx_by_one"),
    ("conv2d_flips_the_filter", "conv2d_averages_db"),
    ("conv2d_keeps_dw_of_the_last_image", "conv2d_averages_db"),
    ("linear_forgets_the_bias", "linear_averages_db"),
    ("linear_averages_db", "linear_transposes_dw"),
    ("batch_norm_uses_the_batch_in_inference", "batch_norm_takes_the_statistics_for_constants"),
    ("batch_norm_uses_the_batch_in_inference", "batch_norm_divides_by_the_batch_only"),
    ("max_pool2d_starts_from_zero", "max_pool2d_overwrites_where_windows_overlap"),
    ("max_pool2d_starts_from_zero", "max_pool2d_divides_the_place_by_the_height"),
]
"""Two at once, that do not hide each other."""


def both(first: str, second: str) -> dict[str, Any]:
    """Make both mistakes: each result is that of the one that gets it wrong."""
    a, b = MISTAKES[first], MISTAKES[second]
    right = Passes(getattr(reference, f"{a.op}_forward"), getattr(reference, f"{a.op}_backward"))

    def forward(*inputs: Any, **options: Any) -> tuple[Any, Any]:
        outs, caches = zip(
            *(f(*inputs, **copied(options)) for f in (right.forward, b.forward, a.forward)),
            strict=True,
        )
        if options.get("train"):
            a.forward(*inputs, **options)  # the running statistics
        return mixed(*outs), caches

    def backward(dout: Any, caches: Any) -> Any:
        found = [
            f(dout.copy(), cache)
            for f, cache in zip((right.backward, b.backward, a.backward), caches, strict=True)
        ]
        if not isinstance(found[0], tuple):
            return mixed(*found)
        return tuple(mixed(*results) for results in zip(*found, strict=True))

    return {f"{a.op}_forward": forward, f"{a.op}_backward": backward}


class Passes(NamedTuple):
    forward: Any
    backward: Any


def copied(options: dict[str, Any]) -> dict[str, Any]:
    return {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in options.items()}


def mixed(right: Any, one: Any, other: Any) -> Any:
    is_right = other is None or (
        np.shape(right) == np.shape(other) and np.allclose(right, other, rtol=1e-9, atol=1e-12)
    )
    return one if is_right else other


@pytest.mark.parametrize(("first", "second"), TOGETHER)
def test_two_mistakes_at_once_are_found_and_never_called_by_another_name(
    first: str, second: str
) -> None:
    report = check(both(first, second))
    assert report.exit_code() == 1
    told = {c.name for c in report.conclusions if c.grade is Grade.WRONG}
    assert told == {first, second}


# --- mistakes that are not in the library --------------------------------------------------


def changed(op: str, **changes: Any) -> dict[str, Any]:
    """Give the definition of an op with what it returns changed."""
    forward = getattr(reference, f"{op}_forward")
    backward = getattr(reference, f"{op}_backward")
    change_out = changes.pop("out", lambda out, inputs: out)

    def own_forward(*inputs: Any, **options: Any) -> tuple[Any, Any]:
        out, cache = forward(*inputs, **options)
        return change_out(out, inputs), (cache, inputs)

    def own_backward(dout: Any, cache: Any) -> Any:
        found = backward(dout, cache[0])
        names = OPS[op].gradients
        many = dict(zip(names, found if len(names) > 1 else [found], strict=True))
        for name, change in changes.items():
            many[name] = change(many[name], cache[1])
        return tuple(many.values()) if len(many) > 1 else many[names[0]]

    return {f"{op}_forward": own_forward, f"{op}_backward": own_backward}


UNKNOWN = {
    "a row too low": changed("conv2d", x=lambda dx, _: np.roll(dx, 1, axis=2)),
    "half of dw": changed("conv2d", w=lambda dw, _: dw / 2),
    "the bias twice": changed(
        "conv2d", out=lambda out, a: out if a[2] is None else out + a[2][:, None, None]
    ),
    "dx of the other sign": changed("conv2d", x=lambda dx, _: -dx),
    "wrong from the third channel on": changed(
        "max_pool2d", x=lambda dx, _: np.where(np.arange(dx.shape[1])[:, None, None] < 2, dx, 0)
    ),
    "a mean of the maxima": changed(
        "max_pool2d", out=lambda out, _: out * 0 + out.mean() if out.size else out
    ),
    "db of the first row": changed("linear", b=lambda db, _: None if db is None else db * 0 + 1),
    "an absolute value": changed("relu", out=lambda out, a: np.abs(a[0])),
    "dx of the mean alone": changed("batch_norm", x=lambda dx, _: dx - dx.mean() - 0.1),
    "a loss in bits": changed("softmax_cross_entropy", out=lambda out, _: out / np.log(2)),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_a_mistake_that_is_not_in_the_library_is_found_and_has_no_name(what: str) -> None:
    report = check(UNKNOWN[what])
    wrong = [c for c in report.conclusions if c.grade is Grade.WRONG]
    assert [c.name for c in wrong] == [None]
    assert wrong[0].details
    assert report.exit_code() == 1


# --- what is not there ---------------------------------------------------------------------

SKELETON = {
    "relu_forward": lambda x: (None, x),
    "relu_backward": lambda dout, cache: None,
}


def test_what_is_not_written_yet_is_told_and_a_skeleton_is_not_right() -> None:
    whole = {name: getattr(reference, f"{name}") for name in ("tanh_forward", "tanh_backward")}
    report = check(SKELETON | whole)
    assert [(c.grade, c.name) for c in report.conclusions] == [(Grade.NOTICE, "not_written")]
    assert report.exit_code() == 0
    assert check(SKELETON).exit_code() == 2


def test_a_backward_pass_that_is_not_written_yet_leaves_forward_to_be_judged() -> None:
    def forward(*inputs: Any, **options: Any) -> tuple[Any, Any]:
        out, cache = reference.linear_forward(*inputs, **options)
        return out + 1, cache

    functions = {"linear_forward": forward, "linear_backward": lambda dout, cache: (None,) * 3}
    found = {(c.grade, c.function, c.name) for c in check(functions).conclusions}
    assert found == {
        (Grade.WRONG, "linear_forward", None),
        (Grade.NOTICE, "linear_backward", "not_written"),
    }


def test_a_layer_of_which_forward_alone_is_written_is_no_pass() -> None:
    functions = {
        "linear_forward": reference.linear_forward,
        "linear_backward": lambda dout, cache: (None,) * 3,
    }
    report = check(functions)
    assert {c.grade for c in report.conclusions} == {Grade.NOTICE}
    assert report.exit_code() == 2


def test_what_time_leaves_untried_is_told() -> None:
    functions = {n: getattr(reference, n) for n in ("conv2d_forward", "conv2d_backward")}
    report = check(functions, effort=Effort(drawn=50, seconds=0.0))
    assert [c.name for c in report.conclusions] == ["untried"]
