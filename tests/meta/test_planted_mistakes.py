"""The judge is judged: it finds every planted mistake, and none in what is right."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import numpy as np
import pytest

from cnnpy import reference
from cnnpy.check import Case, RandomHand, judge, mistakes
from cnnpy.check.mistakes import MISTAKES
from cnnpy.check.suite import cases
from cnnpy.contract import OPS

BOUND = 40
"""Cases within which a mistake is found, for whatever seed."""

DTYPE_MISTAKES = {"conv2d_returns_float64"}
"""Those that show in float32 only."""


def definition(op: str) -> tuple[Any, Any]:
    return getattr(reference, f"{op}_forward"), getattr(reference, f"{op}_backward")


def find(case: Case, forward: Any, backward: Any, seed: int, dtype: Any = np.float64) -> list[Any]:
    own = case.cast(np.float64)
    out, _ = definition(case.op)[0](*own.positional(), **own.keywords())
    dout = np.random.default_rng(seed).standard_normal(np.shape(out))
    with np.errstate(all="ignore"):
        return judge(case, forward, backward, dout, dtype=dtype)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_found(name: str, profile: str) -> None:
    mistake = MISTAKES[name]
    dtype = np.float32 if name in DTYPE_MISTAKES else np.float64
    for seed in range(20 if profile == "slow" else 3):
        hand = RandomHand(seed)
        for k in range(BOUND):
            case = cases(mistake.op).draw(hand)
            if find(case, mistake.forward, mistake.backward, k, dtype):
                break
        else:
            pytest.fail(f"seed {seed}: not found in {BOUND} cases")


@pytest.mark.parametrize("name", sorted(DTYPE_MISTAKES))
def test_a_mistake_of_dtype_is_no_mistake_in_float64(name: str) -> None:
    mistake, hand = MISTAKES[name], RandomHand(0)
    for k in range(BOUND):
        case = cases(mistake.op).draw(hand)
        assert find(case, mistake.forward, mistake.backward, k) == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("op", OPS)
def test_nothing_is_found_in_the_definition(op: str, dtype: Any) -> None:
    hand = RandomHand(1)
    for k in range(BOUND):
        case = cases(op).draw(hand)
        assert find(case, *definition(op), k, dtype) == [], str(case)


# --- what a course tries, and what it lets pass ------------------------------------

RNG = np.random.default_rng(231)


def course(op: str) -> list[tuple[Case, str]]:
    """The configurations of the course's notebook: padding 1, squares, 2x2 at stride 2.

    Each with the pass that the notebook looks at.
    """
    draw = RNG.standard_normal
    if op == "conv2d":
        x, w, b = (
            np.linspace(low, high, int(np.prod(shape))).reshape(shape)
            for low, high, shape in (
                (-0.1, 0.5, (2, 3, 4, 4)),
                (-0.2, 0.3, (3, 3, 4, 4)),
                (-0.1, 0.2, (3,)),
            )
        )
        forward = Case("conv2d", {"x": x, "w": w, "b": b}, {"stride": 2, "padding": 1})
        arrays = {"x": draw((4, 3, 5, 5)), "w": draw((2, 3, 3, 3)), "b": draw((2,))}
        backward = Case("conv2d", arrays, {"stride": 1, "padding": 1})
    else:
        options = {"kernel_size": 2, "stride": 2}
        x = np.linspace(-0.3, 0.4, 96).reshape(2, 3, 4, 4)
        forward = Case("max_pool2d", {"x": x}, options)
        backward = Case("max_pool2d", {"x": draw((3, 2, 8, 8))}, options)
    return [(forward, "forward"), (backward, "d")]


def passes_the_course(name: str) -> bool:
    mistake = MISTAKES[name]
    for k, (case, looked_at) in enumerate(course(mistake.op)):
        found = find(case, mistake.forward, mistake.backward, k)
        if any(f.where == "call" or f.where.startswith(looked_at) for f in found):
            return False
    return True


PASS_THE_COURSE = {
    "conv2d_crops_dx_by_one",
    "conv2d_empties_dx_at_padding_0",
    "conv2d_pads_by_one",
    "conv2d_swaps_the_paddings",
    "conv2d_takes_the_kernel_for_square",
    "conv2d_takes_the_image_for_square",
    "conv2d_confuses_height_and_width",
    "conv2d_forgets_the_stride_in_backward",
    "conv2d_writes_dx_into_x",
    "conv2d_returns_float64",
    "conv2d_squeezes_the_output",
    "conv2d_ignores_dilation",
    "conv2d_ignores_groups",
    "max_pool2d_gives_every_tie_the_gradient",
    "max_pool2d_overwrites_where_windows_overlap",
    "max_pool2d_overwrites_the_whole_window",
    "max_pool2d_shares_a_mask_among_windows",
    "conv2d_takes_the_kernel_for_square_in_backward",
    "max_pool2d_takes_the_output_for_square_in_backward",
    "max_pool2d_divides_the_place_by_the_height",
    "max_pool2d_counts_windows_by_their_size",
    "max_pool2d_ignores_the_stride",
    "max_pool2d_takes_the_stride_for_the_window",
    "max_pool2d_steps_by_the_window",
    "max_pool2d_confuses_height_and_width",
    "max_pool2d_takes_the_image_for_square",
    "max_pool2d_pads_with_zeros",
    "conv2d_takes_the_output_for_square",
    "conv2d_rounds_the_size_up",
    "conv2d_rounds_the_size_to_the_nearest",
    "max_pool2d_takes_the_output_for_square",
    "max_pool2d_rounds_the_size_up",
    "max_pool2d_rounds_the_size_to_the_nearest",
    "max_pool2d_divides_the_rest_by_the_height",
    "max_pool2d_counts_places_along_the_height",
    "max_pool2d_walks_to_the_edge",
    "conv2d_counts_columns_by_the_kernels_height",
    "max_pool2d_counts_columns_by_the_windows_height",
    "max_pool2d_adds_once_for_repeated_indices",
    "conv2d_confuses_the_kernels_sides_in_backward",
    "conv2d_confuses_the_outputs_sides_in_backward",
    "conv2d_counts_outputs_along_the_height",
    "conv2d_crops_dx_from_one",
    "conv2d_empties_x_at_padding_0",
    "conv2d_squeezes_away_a_single_filter",
    "conv2d_walks_the_unpadded_image",
    "conv2d_counts_a_padding_that_is_always_one",
    "conv2d_walks_to_the_edge",
    "max_pool2d_confuses_the_outputs_sides_in_backward",
    "max_pool2d_confuses_the_windows_sides_in_backward",
    "max_pool2d_counts_outputs_along_the_height",
    "max_pool2d_swaps_the_windows_sides",
    "conv2d_takes_dw_from_images_padded_by_one",
    "conv2d_crops_dx_by_half_the_kernel",
    "conv2d_forgets_the_rest_in_dx",
    "conv2d_gives_dw_the_rest",
    "conv2d_forgets_x_at_padding_0",
    "conv2d_swaps_the_kernels_sides",
    "conv2d_empties_dout_at_kernel_1",
    "max_pool2d_takes_the_window_for_square",
    "max_pool2d_places_outputs_by_the_window",
    "max_pool2d_takes_the_window_for_2x2_in_backward",
    "max_pool2d_writes_dx_into_x",
    "max_pool2d_ends_windows_by_their_size",
    "max_pool2d_leaves_the_window_out_of_the_size",
    "conv2d_places_outputs_by_the_size",
    "conv2d_keeps_x_emptied_at_padding_0",
    "max_pool2d_places_outputs_by_the_size",
    "max_pool2d_takes_the_column_by_the_height",
    "conv2d_writes_x_to_an_empty_slice",
    "conv2d_exchanges_the_loops",
    "max_pool2d_exchanges_the_loops",
    "conv2d_exchanges_the_images_sides",
    "max_pool2d_exchanges_the_images_sides",
    "max_pool2d_finds_row_and_column_apart",
    "max_pool2d_looks_for_the_maximum_everywhere",
}
"""Mistakes that the four configurations of the course do not show; all are found above."""


def test_many_mistakes_pass_the_course_and_are_found_all_the_same() -> None:
    tried = [name for name in MISTAKES if MISTAKES[name].op in ("conv2d", "max_pool2d")]
    assert {name for name in tried if passes_the_course(name)} == PASS_THE_COURSE


# --- the library of mistakes -------------------------------------------------------


def test_every_op_has_a_mistake() -> None:
    assert {mistake.op for mistake in MISTAKES.values()} == set(OPS)


def test_the_table_names_every_module_of_the_room() -> None:
    assert {m.name for m in pkgutil.iter_modules(mistakes.__path__)} == set(MISTAKES)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_whole_and_has_the_signature_of_the_definition(name: str) -> None:
    mistake = MISTAKES[name]
    for ours, theirs in zip(
        (mistake.forward, mistake.backward), definition(mistake.op), strict=True
    ):
        signatures = [inspect.signature(f).parameters.values() for f in (ours, theirs)]
        assert [str(p) for p in signatures[0]] == [str(p) for p in signatures[1]]
    changed = {mistake.forward.__module__, mistake.backward.__module__}
    assert mistake.module in changed


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_says_how_it_shows_its_cause_and_its_mend(name: str) -> None:
    mistake = MISTAKES[name]
    shows, cause, mend = (importlib.import_module(mistake.module).__doc__ or "").split("\n\n")
    assert cause.startswith("Cause: ")
    assert mend.startswith("Mend: ")
    assert f"{mistake.shows}|Cause: {mistake.cause}|Mend: {mistake.mend}" == "|".join(
        " ".join(paragraph.split()) for paragraph in (shows, cause, mend)
    )
    for sentence in (mistake.shows, mistake.cause, mistake.mend):
        assert sentence.endswith(".")
        assert "\n" not in sentence


def test_two_mistakes_of_an_op_are_two_mistakes() -> None:
    """Each does something else than every other one, on some case."""
    same = []
    for op in OPS:
        known = [m for m in MISTAKES.values() if m.op == op]
        traces = {m.name: [trace(m, seed) for seed in range(25)] for m in known}
        names = list(traces)
        for k, first in enumerate(names):
            same += [(first, second) for second in names[:k] if traces[first] == traces[second]]
    assert same == []


def trace(mistake: Any, seed: int) -> Any:
    """Write down what a mistake gives for one case, inputs after the call included."""
    dtype = np.float32
    given = cases(mistake.op).draw(RandomHand(seed)).cast(dtype)
    right = given.cast(dtype)
    out, _ = definition(mistake.op)[0](*right.positional(), **right.keywords())
    dout = np.random.default_rng(seed).standard_normal(np.shape(out)).astype(dtype)
    try:
        with np.errstate(all="ignore"):
            out, cache = mistake.forward(*given.positional(), **given.keywords())
            found = mistake.backward(dout, cache)
    except Exception as error:
        return repr(error)
    found = found if isinstance(found, tuple | list) else [found]
    shared = len({id(g) for g in found})
    return repr([out, np.asarray(out).dtype, *found, shared, dout, *given.arrays.values()])


# --- the judge itself --------------------------------------------------------------


def laws(op: str, forward: Any, backward: Any, dtype: Any = np.float64) -> set[str]:
    """Collect the laws that are broken in some cases."""
    hand = RandomHand(0)
    return {
        f.law for k in range(10) for f in find(cases(op).draw(hand), forward, backward, k, dtype)
    }


def test_another_number_of_gradients_is_a_finding() -> None:
    forward, backward = definition("conv2d")
    assert laws("conv2d", forward, lambda dout, cache: backward(dout, cache)[:2]) == {
        "one gradient for each input"
    }
    forward, backward = definition("concat")
    fewer = laws("concat", forward, lambda dout, cache: backward(dout, cache)[1:])
    assert fewer == {"one gradient for each input"}


def test_an_exception_is_a_finding() -> None:
    def refuse(*inputs: Any, **options: Any) -> Any:
        raise NotImplementedError

    assert laws("relu", refuse, refuse) == {"an input of the domain is accepted"}


def test_gradients_in_one_memory_and_a_changed_dout_are_findings() -> None:
    forward, _ = definition("add")
    shared = "each gradient is an array of its own"
    assert laws("add", forward, lambda dout, cache: (dout, dout)) == {shared}

    def in_place(dout: Any, cache: Any) -> Any:
        dout *= cache > 0
        return dout.copy()

    assert laws("relu", definition("relu")[0], in_place) == {"inputs are never changed"}


def test_a_cache_that_is_used_up_is_a_finding() -> None:
    forward, backward = definition("relu")

    def used_up(dout: Any, cache: Any) -> Any:
        dx = backward(dout, cache)
        cache[...] = -1
        return dx

    def keep(x: Any) -> Any:
        out, cache = forward(x)
        return out, cache.copy()

    assert laws("relu", keep, used_up) == {"a cache may be used twice"}


@pytest.mark.parametrize(("op", "seed"), [("batch_norm", 293), ("layer_norm", 3276)])
def test_a_norm_of_two_values_that_are_close_is_judged_by_what_can_be_known(
    op: str, seed: int
) -> None:
    """In float32 the definition itself is 1e-4 off there: the tolerance has to know."""
    case = cases(op).draw(RandomHand(10**6 + seed))
    assert find(case, *definition(op), seed, np.float32) == []
