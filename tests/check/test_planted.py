"""Every mistake of the library is named in code of three styles, and no other is.

``styles/`` holds the course's functions three times, and a table of what to write instead for
each mistake. Ops that the course has not are planted in ``test_named.py`` as the library has
them: there is no course to write them in another way.
"""

from __future__ import annotations

import ast
import functools
import linecache
import runpy
from pathlib import Path
from typing import Any

import pytest

from cnnpy.check.checking import EFFORTS, Report, run
from cnnpy.check.mistakes import MISTAKES
from cnnpy.check.observe import Grade

STYLES = ("loops", "windows", "im2col")
FOLDER = Path(__file__).with_name("styles")
PLANTED: dict[str, dict[str, Any]] = runpy.run_path(str(FOLDER / "planted.py"))["PLANTED"]

BESIDE_THE_NUMBERS = {
    "conv2d_returns_float64",
    "relu_writes_into_dout",
    "relu_writes_into_x",
    "relu_passes_the_gradient_at_zero",
    "batch_norm_reverses_the_momentum",
}
TIE = "max_pool2d_gives_every_tie_the_gradient"

COURSE = {MISTAKES[name].op for name in PLANTED}


@functools.cache
def source(style: str) -> str:
    return (FOLDER / f"{style}.py").read_text()


@functools.cache
def functions_in(style: str) -> dict[str, str]:
    """Give the source of each function."""
    text = source(style)
    return {
        node.name: (ast.get_source_segment(text, node) or "") + "\n"
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
    }


def edited(style: str, edits: Any) -> str:
    """Write the mistake into the source; what it replaces stands there once."""
    text, functions = source(style), functions_in(style)
    changed = dict(functions)
    for function, old, new in edits:
        assert changed[function].count(old) == 1, (style, function, old)
        changed[function] = changed[function].replace(old, new)
    for name, before in functions.items():
        text = text.replace(before, changed[name])
    return text


def functions_of(text: str) -> dict[str, Any]:
    # as a file would have it: what broke is told by its line too
    linecache.cache["submission.py"] = (len(text), None, text.splitlines(True), "submission.py")
    names: dict[str, Any] = {"__name__": "submission"}
    exec(compile(text, "submission.py", "exec"), names)
    return {n: f for n, f in names.items() if getattr(f, "__module__", None) == "submission"}


def check(style: str, edits: Any, op: str, seed: int = 0) -> Report:
    functions = functions_of(edited(style, edits))
    return run(functions, effort=EFFORTS["quick"], seed=seed, ops=[op])


def told(report: Report, grade: Grade = Grade.WRONG) -> set[str | None]:
    return {c.name for c in report.conclusions if c.grade is grade}


EVERY = [
    (name, style)
    for name, row in PLANTED.items()
    for style, edits in row.items()
    if not isinstance(edits, str)
]


def test_every_mistake_of_the_courses_ops_is_planted_in_each_style_or_says_why_not() -> None:
    assert set(PLANTED) == {name for name, m in MISTAKES.items() if m.op in COURSE}
    assert len(COURSE) == 11
    for name, row in PLANTED.items():
        assert set(row) == set(STYLES), name
        for edits in row.values():
            assert len(edits) > (10 if isinstance(edits, str) else 0), name
    in_no_style = {n for n, row in PLANTED.items() if all(isinstance(e, str) for e in row.values())}
    assert in_no_style == {
        "conv2d_swaps_the_paddings",
        "conv2d_ignores_dilation",
        "conv2d_ignores_groups",
        "max_pool2d_pads_with_zeros",
        "avg_pool2d_ignores_count_include_pad",
        "avg_pool2d_leaves_the_padding_out",
        "softmax_cross_entropy_ignores_label_smoothing",
        "dropout_keeps_what_is_to_be_dropped",
        "batch_norm_keeps_the_biased_variance",
    }


@pytest.mark.parametrize(("name", "style"), EVERY)
def test_a_planted_mistake_is_caught_and_named_with_certainty(
    name: str, style: str, profile: str
) -> None:
    for seed in range(5 if profile == "slow" else 1):
        report = check(style, PLANTED[name][style], MISTAKES[name].op, seed)
        if name in BESIDE_THE_NUMBERS:
            assert told(report) == set()
            assert name in told(report, Grade.NOTICE)
            continue
        if name == TIE:
            assert told(report) == set()
            assert told(report, Grade.TIE) == {name}
            continue
        assert told(report) == {name}
        wrong = [c for c in report.conclusions if c.grade is Grade.WRONG]
        assert all(c.certain and c.mend == MISTAKES[name].mend for c in wrong)
        assert report.exit_code() == 1


PAIRS = [
    ("conv2d_empties_dx_at_padding_0", "conv2d_forgets_the_bias"),
    ("conv2d_crops_dx_by_one", "conv2d_averages_dw"),
    ("conv2d_flips_the_filter_in_backward", "conv2d_keeps_dw_of_the_last_image"),
    ("conv2d_takes_the_output_for_square", "conv2d_empties_dx_at_padding_0"),
    ("conv2d_rounds_the_size_up", "conv2d_keeps_the_pixels_in_db"),
    ("max_pool2d_starts_from_zero", "max_pool2d_overwrites_where_windows_overlap"),
    ("max_pool2d_takes_the_output_for_square", "max_pool2d_divides_the_place_by_the_height"),
    ("linear_forgets_the_bias", "linear_transposes_dw"),
    ("softmax_cross_entropy_forgets_n_in_forward", "softmax_cross_entropy_forgets_n_in_backward"),
    ("batch_norm_ignores_eps_in_inference", "batch_norm_forgets_the_mean_in_dx"),
    ("layer_norm_forgets_gamma_in_dx", "layer_norm_sums_dgamma_over_the_features"),
    ("hinge_forgets_n_in_forward", "hinge_pushes_the_right_class_once"),
]

SAME_RESULT = {
    frozenset(PAIRS[8]): {"softmax_cross_entropy_sums_over_the_batch"},
}
"""Pairs that are one mistake of another name."""


PAIRS_IN_STYLES = [
    (first, second, style)
    for first, second in PAIRS
    for style in STYLES
    if not any(isinstance(PLANTED[name][style], str) for name in (first, second))
]


def test_every_pair_is_planted_in_loops_at_least() -> None:
    assert {pair[:2] for pair in PAIRS_IN_STYLES if pair[2] == "loops"} == set(PAIRS)


@pytest.mark.parametrize(("first", "second", "style"), PAIRS_IN_STYLES)
def test_two_planted_mistakes_are_both_named_and_no_other(
    first: str, second: str, style: str
) -> None:
    edits = [*PLANTED[first][style], *PLANTED[second][style]]
    report = check(style, edits, MISTAKES[first].op)
    assert told(report) == SAME_RESULT.get(frozenset((first, second)), {first, second})
    assert report.exit_code() == 1


CONV_BACK, MAX_BACK = "conv_backward_naive", "max_pool_backward_naive"
UNKNOWN = {
    "the first row is left out": [
        ("conv_forward_naive", "for i in range(H_out)", "for i in range(1, H_out)")
    ],
    "the bias of the next filter": [("conv_forward_naive", "b[f]", "b[f - 1]")],
    "dw of the other sign": [(CONV_BACK, "dw[f] +=", "dw[f] -=")],
    "dx of every second filter": [(CONV_BACK, "* w[f]", "* w[f] * (f % 2)")],
    "the gradient beside the largest": [(MAX_BACK, "left + v]", "left + v - 1]")],
    "a mean of mean and maximum": [
        ("max_pool_forward_naive", "np.max(window)", "(np.max(window) + np.mean(window)) / 2")
    ],
    "weights of twice the size": [
        ("affine_backward", "dx[n] = w @ dout[n]", "dx[n] = 2 * w @ dout[n]")
    ],
    "a slope below 0": [("relu_forward", "np.maximum(x, 0)", "np.maximum(x, 0.01 * x)")],
    "a loss in bits": [("softmax_loss", "np.log(np.sum(", "np.log2(np.sum(")],
    "a margin of 2": [("svm_loss", "x[n, y[n]] + 1", "x[n, y[n]] + 2")],
    "var for std": [("batchnorm_forward", "np.sqrt(var + eps)", "(var + eps)")],
    "a mean of rows": [("layernorm_backward", "- mean -", "+ mean -")],
}
"""Mistakes that the library has not."""

OF = {"conv": "conv2d", "max": "max_pool2d", "affine": "linear", "relu": "relu"}
OF |= {"softmax": "softmax_cross_entropy", "svm": "hinge", "batchnorm": "batch_norm"}
OF |= {"layernorm": "layer_norm"}


@pytest.mark.parametrize("what", UNKNOWN)
def test_a_planted_mistake_that_is_not_in_the_library_is_caught_and_has_no_name(what: str) -> None:
    edits = UNKNOWN[what]
    report = check("loops", edits, OF[edits[0][0].split("_")[0]])
    assert told(report) == {None}
    assert report.exit_code() == 1


def test_sizes_that_python_2_divided_to_integers_are_named_as_such() -> None:
    edits = [
        ("conv_forward_naive", "- HH) // stride", "- HH) / stride"),
        ("conv_forward_naive", "- WW) // stride", "- WW) / stride"),
    ]
    report = check("loops", edits, "conv2d")
    assert told(report) == {"outdated"}
    assert report.conclusions[0].mend == "/ gives a float in Python 3: use //"
