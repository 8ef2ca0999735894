"""Two mistakes that show in one result are both named, in whatever order they are made."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from cnnpy import reference
from cnnpy.check import RandomHand
from cnnpy.check.checking import EFFORTS, run
from cnnpy.check.mistakes import MISTAKES
from cnnpy.check.observe import Grade
from cnnpy.check.rows import SANDWICHES
from cnnpy.check.suite import cases
from cnnpy.check.together import _PLACES, _PUTS, routed, together_of
from cnnpy.contract import OPS
from cnnpy.cs231n import layer_utils, layers


def wrong(functions: Any) -> set[str | None]:
    report = run(functions, effort=EFFORTS["quick"])
    return {c.name for c in report.conclusions if c.grade is Grade.WRONG}


STEPS = [(p, q) for p in _PLACES for q in _PUTS if bool(p) != bool(q)]


@pytest.mark.parametrize(("place", "put"), STEPS)
def test_one_step_of_the_walk_alone_is_the_mistake_of_its_name(place: str, put: str) -> None:
    mistake = MISTAKES[f"max_pool2d_{place or put}"]
    for seed in range(30):
        case = cases("max_pool2d").draw(RandomHand(seed))
        out, cache = reference.max_pool2d_forward(*case.positional(), **case.keywords())
        dout = np.random.default_rng(seed).standard_normal(out.shape)
        expected = given(lambda c=cache, d=dout: mistake.backward(d, c))
        got = given(lambda c=cache, d=dout: routed(d, c, _PLACES[place], _PUTS[put]))
        assert got is None if expected is None else np.array_equal(got, expected)


def given(compute: Any) -> Any:
    """Give what comes, None for an index that is none."""
    try:
        return compute()
    except IndexError:
        return None


def pool(backward: Any) -> dict[str, Any]:
    return {
        "max_pool2d_forward": reference.max_pool2d_forward,
        "max_pool2d_backward": backward,
    }


def columns_first(dout: Any, cache: Any, height: int, add: bool) -> Any:
    """Send the gradient back column by column, as some write their loops."""
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    dx = np.zeros(x.shape, dtype=x.dtype)
    for j, i in itertools.product(range(dout.shape[3]), range(dout.shape[2])):
        top, left = max(i * stride_h - pad_h, 0), max(j * stride_w - pad_w, 0)
        bottom = min(i * stride_h - pad_h + HH, x.shape[2])
        right = min(j * stride_w - pad_w + WW, x.shape[3])
        for n, c in np.ndindex(x.shape[:2]):
            place = int(np.argmax(x[n, c, top:bottom, left:right]))
            u, v = place // (HH if height else right - left), place % (right - left)
            before = dx[n, c, top + u, left + v] if add else 0.0
            dx[n, c, top + u, left + v] = before + dout[n, c, i, j]
    return dx


def test_what_is_run_as_one_is_told_from_all_others_by_name_and_way() -> None:
    for op in (*OPS, *SANDWICHES):
        made = together_of(op)
        assert len(set(made)) == len(made), op


def test_a_sum_that_is_overwritten_is_named_in_the_other_order_too() -> None:
    assert wrong(pool(lambda dout, cache: columns_first(dout, cache, 0, True))) == set()
    assert wrong(pool(lambda dout, cache: columns_first(dout, cache, 0, False))) == {
        "max_pool2d_overwrites_where_windows_overlap"
    }


def in_windows(write: Any) -> Any:
    """Write the gradient of each window into x, and from there over what stands in dx."""

    def backward(dout: Any, cache: Any) -> Any:
        (x, param), (H_out, W_out) = cache, dout.shape[2:]
        HH, WW, stride = param["pool_height"], param["pool_width"], param["stride"]
        dx = np.zeros_like(x)
        for i, j in np.ndindex(H_out, W_out):
            at = np.s_[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            dx[at] = write(x[at], dout[:, :, i, j])
        return dx

    return {
        "max_pool_forward_naive": lambda x, pool_param: (
            course_pool(x, pool_param)[0],
            (x, pool_param),
        ),
        "max_pool_backward_naive": backward,
    }


def each_largest(window: Any, dout: Any) -> Any:
    largest = window.max(axis=(2, 3))
    for n, c in np.ndindex(largest.shape):
        window[n, c] = (window[n, c] == largest[n, c]) * dout[n, c]
    return window


def first_in_rows(window: Any, dout: Any) -> Any:
    rows = window.reshape(*window.shape[:2], -1)
    place = rows.argmax(axis=2)
    rows *= 0
    for n, c in np.ndindex(place.shape):
        rows[n, c, place[n, c]] = dout[n, c]
    return rows.reshape(window.shape)


@pytest.mark.parametrize("write", [each_largest, first_in_rows])
def test_a_window_of_x_that_is_written_to_is_named_also_where_ties_are_shared(write: Any) -> None:
    """With reshape it is a view where the window spans the image, else a copy."""
    assert wrong(in_windows(write)) == {"max_pool2d_writes_dx_into_x"}


@pytest.mark.parametrize("more", [0, 1])
def test_a_size_that_the_window_has_no_part_in_is_named(more: int) -> None:
    def forward(x: Any, pool_param: Any) -> Any:
        HH, WW = pool_param["pool_height"], pool_param["pool_width"]
        stride = pool_param["stride"]
        H_out, W_out = ((n + more) // stride for n in x.shape[2:])
        out = np.zeros((*x.shape[:2], H_out, W_out), dtype=x.dtype)
        for i, j in np.ndindex(H_out, W_out):
            at = np.s_[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            out[:, :, i, j] = x[at].max(axis=(2, 3))
        return out, course_pool(x, pool_param)[1]

    functions = {
        "max_pool_forward_naive": forward,
        "max_pool_backward_naive": lambda dout, cache: reference.max_pool2d_backward(dout, cache),
    }
    assert wrong(functions) == {"max_pool2d_leaves_the_window_out_of_the_size"}


def test_windows_of_2x2_are_named_where_dout_is_spread_by_slices() -> None:
    def backward(dout: Any, cache: Any) -> Any:
        (x, param), (H_out, W_out) = cache, dout.shape[2:]
        HH, WW, stride = param["pool_height"], param["pool_width"], param["stride"]
        mask, dx = np.zeros(x.shape, dtype=bool), np.zeros_like(x)
        for i, j in np.ndindex(H_out, W_out):
            at = np.s_[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
            mask[at] |= x[at] == x[at].max(axis=(2, 3), keepdims=True)
        for u, v in itertools.product((0, 1), repeat=2):
            dx[:, :, u::2, v::2] = dout
        return dx * mask

    functions = {**in_windows(None), "max_pool_backward_naive": backward}
    assert wrong(functions) == {"max_pool2d_takes_the_window_for_2x2_in_backward"}


def test_windows_that_end_by_their_size_and_overwrite_are_named_by_both() -> None:
    def backward(dout: Any, cache: Any) -> Any:
        x, param = cache
        HH, WW, stride = param["pool_height"], param["pool_width"], param["stride"]
        dx = np.zeros_like(x)
        for n, c, i, j in np.ndindex(dout.shape):
            at = np.s_[n, c, i * stride : (i + 1) * HH, j * stride : (j + 1) * WW]
            dx[at][np.unravel_index(x[at].argmax(), x[at].shape)] = dout[n, c, i, j]
        return dx

    functions = {**in_windows(None), "max_pool_backward_naive": backward}
    assert wrong(functions) == {
        "max_pool2d_ends_windows_by_their_size",
        "max_pool2d_overwrites_where_windows_overlap",
    }


def course_pool(x: Any, pool_param: Any) -> Any:
    size = pool_param["pool_height"], pool_param["pool_width"]
    return reference.max_pool2d_forward(x, kernel_size=size, stride=pool_param["stride"])


def test_a_wrong_place_and_a_sum_that_is_overwritten_are_both_named() -> None:
    functions = {
        "max_pool_forward_naive": course_pool,
        "max_pool_backward_naive": lambda dout, cache: columns_first(dout, cache, 1, False),
    }
    assert wrong(functions) == {
        "max_pool2d_overwrites_where_windows_overlap",
        "max_pool2d_divides_the_place_by_the_height",
    }


CHAINED = [
    ("conv2d_empties_dx_at_padding_0", "conv2d_overwrites_dx"),
    ("conv2d_crops_dx_by_one", "conv2d_flips_the_filter_in_backward"),
]


@pytest.mark.parametrize(("outer", "inner"), CHAINED)
def test_a_crop_over_a_wrong_sum_is_named_with_it(outer: str, inner: str) -> None:
    crops = {
        "conv2d_empties_dx_at_padding_0": lambda dx, p: dx[:, :, p:-p, p:-p],
        "conv2d_crops_dx_by_one": lambda dx, p: dx[:, :, 1:-1, 1:-1],
    }

    def forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
        pad, stride = conv_param["pad"], conv_param["stride"]
        whole = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        out, cache = reference.conv2d_forward(whole, w, b, stride=stride)
        return out, (cache, pad)

    def backward(dout: Any, cache: Any) -> Any:
        dx, dw, db = MISTAKES[inner].backward(dout, cache[0])
        return crops[outer](dx, cache[1]), dw, db

    functions = {"conv_forward_naive": forward, "conv_backward_naive": backward}
    assert wrong(functions) == {outer, inner}


def padded(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
    pad, stride = conv_param["pad"], conv_param["stride"]
    out, cache = reference.conv2d_forward(x, w, b, stride=stride, padding=pad)
    return out, (cache, x, w, pad, stride)


def test_dx_that_is_cropped_and_written_behind_the_loop_is_named_by_both() -> None:
    def backward(dout: Any, cache: Any) -> Any:
        of_forward, x, w, pad, stride = cache
        _, dw, db = reference.conv2d_backward(dout, of_forward)
        dx = np.zeros_like(x)
        for n in range(len(x)):
            whole = np.zeros((x.shape[1], x.shape[2] + 2 * pad, x.shape[3] + 2 * pad))
            for f, i, j in np.ndindex(dout.shape[1:]):
                rows = slice(i * stride, i * stride + w.shape[2])
                columns = slice(j * stride, j * stride + w.shape[3])
                whole[:, rows, columns] += dout[n, f, i, j] * w[f]
        dx[n] = whole[:, 1:-1, 1:-1]  # and breaks where that is of another size
        return dx, dw, db

    functions = {"conv_forward_naive": padded, "conv_backward_naive": backward}
    assert wrong(functions) == {
        "conv2d_crops_dx_by_one",
        "conv2d_keeps_dx_of_the_last_image",
    }


def spread(dout: Any, stride: int) -> Any:
    """Put zeros in between, as a stride of 1 would have them."""
    H, W = ((n - 1) * stride + 1 for n in dout.shape[2:])
    whole = np.zeros((*dout.shape[:2], H, W))
    whole[:, :, ::stride, ::stride] = dout
    return whole


@pytest.mark.parametrize("crop", [True, False])
def test_a_backward_pass_by_convolution_that_forgets_the_rest_is_named(crop: bool) -> None:
    def backward(dout: Any, cache: Any) -> Any:
        of_forward, x, w, pad, stride = cache
        _, dw, db = reference.conv2d_backward(dout, of_forward)
        H, W, HH, WW = *x.shape[2:], *w.shape[2:]
        wide = np.pad(spread(dout, stride), ((0, 0), (0, 0), (HH - 1,) * 2, (WW - 1,) * 2))
        dx = np.zeros((*x.shape[:2], H + 2 * pad, W + 2 * pad))
        for n, c, i, j in np.ndindex(dx.shape):
            window = wide[n, :, i : i + HH, j : j + WW]
            dx[n, c, i, j] = np.sum(window * w[:, c, ::-1, ::-1])
        cropped = dx[:, :, pad:-pad, pad:-pad] if crop else dx[:, :, pad : pad + H, pad : pad + W]
        return cropped, dw, db

    functions = {"conv_forward_naive": padded, "conv_backward_naive": backward}
    names = {"conv2d_forgets_the_rest_in_dx"}
    assert wrong(functions) == names | ({"conv2d_empties_dx_at_padding_0"} if crop else set())


def test_windows_as_wide_as_they_are_high_are_named_where_their_number_is_right() -> None:
    def forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
        pad, stride = conv_param["pad"], conv_param["stride"]
        right, cache = padded(x, w, b, conv_param)
        whole = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        out, HH = np.zeros_like(right), w.shape[2]
        for f, i, j in np.ndindex(out.shape[1:]):
            window = whole[:, :, i * stride : i * stride + HH, j * stride : j * stride + HH]
            out[:, f, i, j] = np.sum(window * w[f], axis=(1, 2, 3)) + b[f]
        return out, cache[0]

    functions = {
        "conv_forward_naive": forward,
        "conv_backward_naive": lambda dout, cache: reference.conv2d_backward(dout, cache),
    }
    assert wrong(functions) == {"conv2d_takes_the_kernel_for_square"}


def test_windows_on_their_side_in_an_image_taken_for_square_are_named_by_both() -> None:
    def forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
        pad, stride = conv_param["pad"], conv_param["stride"]
        H, (HH, WW) = x.shape[2], w.shape[2:]
        whole = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        rows, columns = (1 + (H + 2 * pad - size) // stride for size in (HH, WW))
        out = np.zeros((len(x), len(w), rows, columns), dtype=x.dtype)
        for n, f, i, j in np.ndindex(out.shape):
            window = whole[n, :, i * stride : i * stride + WW, j * stride : j * stride + HH]
            out[n, f, i, j] = np.sum(window * w[f]) + b[f]
        return out, padded(x, w, b, conv_param)[1][0]

    functions = {
        "conv_forward_naive": forward,
        "conv_backward_naive": lambda dout, cache: reference.conv2d_backward(dout, cache),
    }
    assert wrong(functions) == {
        "conv2d_takes_the_image_for_square",
        "conv2d_swaps_the_kernels_sides",
    }


def test_a_mistake_on_the_way_to_one_gradient_alone_is_named_beside_another() -> None:
    """Backward forgets the stride on the way to dx, crops that, and makes dw as it should."""
    forgets = MISTAKES["conv2d_forgets_the_stride_in_backward"].backward

    def forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
        out, cache = reference.conv2d_forward(
            x, w, b, stride=conv_param["stride"], padding=conv_param["pad"]
        )
        return out, (cache, conv_param["pad"])

    def dx_forgets_the_stride(dout: Any, cache: Any) -> Any:
        return forgets(dout, cache[0])[0], *reference.conv2d_backward(dout, cache[0])[1:]

    def and_dw_is_averaged(dout: Any, cache: Any) -> Any:
        dx, dw, db = dx_forgets_the_stride(dout, cache)
        return dx, dw / len(dout), db

    for backward, names in (
        (dx_forgets_the_stride, {"conv2d_forgets_the_stride_in_backward"}),
        (and_dw_is_averaged, {"conv2d_forgets_the_stride_in_backward", "conv2d_averages_dw"}),
    ):
        functions = {"conv_forward_naive": forward, "conv_backward_naive": backward}
        assert wrong(functions) == names


def test_a_mistake_in_a_part_of_a_sandwich_is_named_by_the_part() -> None:
    def backward(dout: Any, cache: Any) -> Any:
        dx, dw, db = layer_utils.affine_relu_backward(dout, cache)
        return dx, dw, db / len(dout)

    functions = {
        "affine_relu_forward": layer_utils.affine_relu_forward,
        "affine_relu_backward": backward,
    }
    assert wrong(functions) == {"linear_averages_db"}
    conv_relu = {
        "conv_relu_forward": lambda x, w, b, p: _relu_of(layers.conv_forward_naive(x, w, b * 0, p)),
        "conv_relu_backward": layer_utils.conv_relu_backward,
    }
    assert wrong(conv_relu) in ({"conv2d_forgets_the_bias"}, {"conv2d_forgets_the_bias", None})


def _relu_of(first: Any) -> Any:
    out, conv_cache = first
    out, relu_cache = layers.relu_forward(out)
    return out, (conv_cache, relu_cache)
