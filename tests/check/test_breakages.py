"""What breaks a pass and says why is named by that, and hides nothing elsewhere."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnpy import reference
from cnnpy.check.breakages import breakage_of
from cnnpy.check.checking import EFFORTS, check_path, run
from cnnpy.check.observe import Grade
from cnnpy.check.outcome import Failure


def wrong(**functions: Any) -> dict[str | None, str]:
    report = run(functions, effort=EFFORTS["quick"])
    return {c.name: c.function for c in report.conclusions if c.grade is Grade.WRONG}


def conv_forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
    return reference.conv2d_forward(x, w, b, stride=conv_param["stride"], padding=conv_param["pad"])


def conv(forward: Any = conv_forward, backward: Any = reference.conv2d_backward) -> Any:
    return {
        "conv_forward_naive": forward,
        "conv_backward_naive": lambda dout, cache: backward(dout, cache),
    }


def test_a_variable_that_one_branch_sets_is_named() -> None:
    def forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
        if conv_param["pad"] != 0:
            padded = x
        assert padded is x
        return conv_forward(x, w, b, conv_param)

    assert wrong(**conv(forward)) == {"unset_variable": "conv_forward_naive"}


def test_an_assertion_that_mixes_height_and_width_up_is_named() -> None:
    def forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
        stride, pad = conv_param["stride"], conv_param["pad"]
        assert (x.shape[2] + 2 * pad - w.shape[3]) % stride == 0
        assert (x.shape[3] + 2 * pad - w.shape[2]) % stride == 0
        return conv_forward(x, w, b, conv_param)

    assert wrong(**conv(forward)) == {"refuses_valid_input": "conv_forward_naive"}


def test_a_mask_that_all_images_share_is_named() -> None:
    def forward(x: Any, param: Any) -> Any:
        if param["mode"] == "test":
            return x, None
        mask = (np.random.RandomState(3).rand(*(x.shape[1:] or x.shape)) < param["p"]) / param["p"]
        return x * mask, mask

    def backward(dout: Any, mask: Any) -> Any:
        return dout if mask is None else dout * mask

    named = wrong(dropout_forward=forward, dropout_backward=backward)
    assert set(named) == {"one_mask_for_all"}


def test_a_pass_that_gives_nothing_where_a_remainder_is_left_is_named() -> None:
    def forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
        rows = x.shape[2] + 2 * conv_param["pad"] - w.shape[2]
        columns = x.shape[3] + 2 * conv_param["pad"] - w.shape[3]
        if rows % conv_param["stride"] or columns % conv_param["stride"]:
            return None
        return conv_forward(x, w, b, conv_param)

    assert wrong(**conv(forward)) == {"returns_none": "conv_forward_naive"}


def test_a_name_that_is_nowhere_is_named() -> None:
    def backward(dout: Any, cache: Any) -> Any:
        return dx, None, None  # noqa: F821

    assert wrong(**conv(backward=backward)) == {"unknown_name": "conv_backward_naive"}


def test_sizes_that_stay_floats_where_the_stride_does_not_divide_are_named() -> None:
    def forward(x: Any, pool_param: Any) -> Any:
        rows = (x.shape[2] - pool_param["pool_height"]) / pool_param["stride"] + 1
        rows = int(rows) if rows % 1 == 0 else rows
        np.zeros((rows,))
        return reference.max_pool2d_forward(
            x,
            kernel_size=(pool_param["pool_height"], pool_param["pool_width"]),
            stride=pool_param["stride"],
        )

    found = wrong(max_pool_forward_naive=forward, max_pool_backward_naive=backward_of_pool)
    assert found in ({}, {"float_sizes": "max_pool_forward_naive"})
    # a TypeError is a refusal in the course's words, where it may refuse; not in ours
    ours = {
        "max_pool2d_forward": broken_in_a_remainder,
        "max_pool2d_backward": reference.max_pool2d_backward,
    }
    assert wrong(**ours) == {"float_sizes": "max_pool2d_forward"}


def backward_of_pool(dout: Any, cache: Any) -> Any:
    return reference.max_pool2d_backward(dout, cache)


def broken_in_a_remainder(x: Any, *, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Any:
    out, cache = reference.max_pool2d_forward(
        x, kernel_size=kernel_size, stride=stride, padding=padding
    )
    (HH, _), (stride_h, _), (pad_h, _) = cache[1:]
    rows = (x.shape[2] + 2 * pad_h - HH) / stride_h
    range(rows if rows % 1 else 1)
    return out, cache


def test_a_gradient_that_is_never_computed_is_named_and_hides_no_other() -> None:
    def backward(dout: Any, cache: Any) -> Any:
        _, dw, db = reference.conv2d_backward(dout, cache)
        return None, dw, db / len(dout)

    assert wrong(**conv(backward=backward)) == {
        "never_computed": "conv_backward_naive",
        "conv2d_averages_db": "conv_backward_naive",
    }


def test_a_gradient_that_is_zero_in_every_case_is_named_so() -> None:
    def backward(dout: Any, cache: Any) -> Any:
        dx, dw, _ = reference.conv2d_backward(dout, cache)
        return np.zeros_like(dx), np.zeros_like(dw), dout.sum(axis=(0, 2, 3))

    report = run(conv(backward=backward), effort=EFFORTS["quick"])
    told = [(c.name, c.title) for c in report.conclusions if c.grade is Grade.WRONG]
    assert told == [
        ("never_computed", "dw is zero in every case."),
        ("never_computed", "dx is zero in every case."),
    ]


@pytest.mark.parametrize("product", [lambda x, w: x @ w, lambda x, w: x.dot(w)])
def test_images_that_a_fully_connected_layer_takes_for_rows_are_named(product: Any) -> None:
    def forward(x: Any, w: Any, b: Any) -> Any:
        return product(x, w) + b, (x, w, b)

    def backward(dout: Any, cache: Any) -> Any:
        x, w, _ = cache
        return dout @ w.T, x.T @ dout, dout.sum(axis=0)

    found = wrong(affine_forward=forward, affine_backward=backward)
    assert found == {"not_laid_flat": "affine_forward"}


def test_gradients_that_are_all_zero_are_named_behind_a_forward_pass_that_is_wrong() -> None:
    def forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
        out, cache = conv_forward(x, w, b, conv_param)
        return out - b[:, None, None], cache

    def backward(dout: Any, cache: Any) -> Any:
        x, w, b, *_ = cache
        return np.zeros_like(x), np.zeros_like(w), np.zeros_like(b)

    report = run(conv(forward, backward), effort=EFFORTS["quick"])
    told = [c.name for c in report.conclusions if c.grade is Grade.WRONG]
    assert sorted(map(str, told)) == ["conv2d_forgets_the_bias", *["never_computed"] * 3]


def test_other_errors_of_a_fully_connected_layer_are_not_called_by_that_name() -> None:
    def turned(x: Any, w: Any, b: Any) -> Any:
        return x.reshape(x.shape[0], -1) @ w.T + b, (x, w, b)

    def nested(x: Any, w: Any, b: Any) -> Any:
        out = np.zeros(2)
        out[0] = x
        return out, (x, w, b)

    assert "not_laid_flat" not in wrong(affine_forward=turned)
    assert wrong(affine_forward=nested) == {"array_for_a_number": "affine_forward"}


def test_a_kernel_whose_sides_are_read_the_other_way_round_is_named() -> None:
    def forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
        pad, stride = conv_param["pad"], conv_param["stride"]
        F, C, WW, HH = w.shape
        x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        N, C, H, W = x_pad.shape
        out = np.zeros((N, F, (H - HH) // stride + 1, (W - WW) // stride + 1))
        for n, f, i, j in np.ndindex(out.shape):
            rows, columns = slice(i * stride, i * stride + HH), slice(j * stride, j * stride + WW)
            out[n, f, i, j] = np.sum(x_pad[n, :, rows, columns] * w[f]) + b[f]
        return out, conv_forward(x, w, b, conv_param)[1]

    found = wrong(**conv(forward))
    assert found == {"conv2d_swaps_the_kernels_sides": "conv_forward_naive"}


def test_a_pass_that_ends_the_program_is_named() -> None:
    def forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
        if conv_param["stride"] > 1:
            raise SystemExit(1)
        return conv_forward(x, w, b, conv_param)

    assert wrong(**conv(forward)) == {"exits": "conv_forward_naive"}


def test_a_value_of_another_type_is_named() -> None:
    def forward(x: Any, w: Any, b: Any, conv_param: Any) -> Any:
        out: Any = (len(x), len(w))
        out[0] = 1
        return out, None

    assert wrong(**conv(forward)) == {"wrong_type": "conv_forward_naive"}


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("ValueError", "operands could not be broadcast together with shapes (2,) (3,)"),
        ("IndexError", "index 3 is out of bounds for axis 0 with size 3"),
        ("TypeError", "unhashable type: 'list'"),
        ("RuntimeError", "tensor does not have a device"),
    ],
)
def test_an_error_that_may_have_many_reasons_has_no_name(kind: str, says: str) -> None:
    assert breakage_of(Failure("forward", (kind, "Exception"), says)) is None


NAMED = {
    "still_none": (
        lambda x: ((lambda out: out.astype(float))(None), x),
        lambda x: (x[None] + (lambda: None)(), x),
        lambda x: ((lambda out: out.__setitem__(0, 1))(None), x),
        lambda x: (max(None, x.sum()), x),
    ),
    "other_arguments": (
        lambda x, slope: (x, x),
        lambda: (0, 0),
        lambda x: ((lambda rows, columns: rows)(x), x),
    ),
    "wrong_type": (
        lambda x: (x.sum(axis=[0]), x),
        lambda x: (x(0), x),
        lambda x: (x[[0] < 1], x),
    ),
    "outdated": (
        lambda x: (x[map(int, [0])[0]], x),
        lambda x: (x.ptp() + x, x),
        lambda x: (np.array(x, copy=False, dtype=np.float16), x),
    ),
}


@pytest.mark.parametrize(
    ("name", "forward"), [(name, forward) for name, ways in NAMED.items() for forward in ways]
)
def test_an_error_that_says_why_is_named_by_that(name: str, forward: Any) -> None:
    functions = {"relu_forward": forward, "relu_backward": reference.relu_backward}
    assert wrong(**functions) == {name: "relu_forward"}


def test_a_gradient_that_is_left_in_rows_is_named_beside_what_is_wrong_with_another() -> None:
    def forward(x: Any, w: Any, b: Any) -> Any:
        return x.reshape(len(x), -1) @ w + b, (x, w)

    def backward(dout: Any, cache: Any) -> Any:
        x, w = cache
        return dout @ w.T, x.reshape(len(x), -1).T @ dout, dout.mean(axis=0)

    told = wrong(affine_forward=forward, affine_backward=backward)
    assert told == {"laid_flat": "affine_backward", "linear_averages_db": "affine_backward"}


def test_a_softmax_that_takes_no_axis_is_judged_on_rows_of_scores() -> None:
    def forward(x: Any) -> Any:
        e = np.exp(x - x.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        return p, p

    def diagonal(dout: Any, p: Any) -> Any:
        return dout * p * (1 - p)

    def backward(dout: Any, p: Any) -> Any:
        return p * (dout - (dout * p).sum(axis=1, keepdims=True))

    assert wrong(softmax_forward=forward, softmax_backward=backward) == {}
    told = wrong(softmax_forward=forward, softmax_backward=diagonal)
    assert told == {"softmax_takes_the_diagonal_only": "softmax_backward"}


def test_a_backward_pass_that_writes_into_its_cache_is_named() -> None:
    def forward(x: Any, gamma: Any, beta: Any, ln_param: Any) -> Any:
        centred = x - x.mean(axis=1, keepdims=True)
        var = (centred**2).mean(axis=1, keepdims=True)
        x_hat = centred / np.sqrt(var + ln_param["eps"])
        return gamma * x_hat + beta, (x_hat, var, gamma, ln_param["eps"])

    def backward(dout: Any, cache: Any) -> Any:
        x_hat, var, gamma, eps = cache
        var += eps
        dgamma, dbeta = (dout * x_hat).sum(axis=0), dout.sum(axis=0)
        dx_hat = dout * gamma
        slope = (dx_hat * x_hat).mean(axis=1, keepdims=True)
        dx = (dx_hat - dx_hat.mean(axis=1, keepdims=True) - x_hat * slope) / np.sqrt(var)
        return dx, dgamma, dbeta

    functions = {"layernorm_forward": forward, "layernorm_backward": backward}
    assert wrong(**functions) == {"uses_up_its_cache": "layernorm_backward"}


def test_an_array_that_is_put_where_a_number_belongs_is_named() -> None:
    def backward(dout: Any, cache: Any) -> Any:
        dx, dw, db = reference.conv2d_backward(dout, cache)
        for f in range(len(db)):
            db[f] = dout[:, f].sum(axis=(1, 2), keepdims=True)
        return dx, dw, db

    assert wrong(**conv(backward=backward)) == {"array_for_a_number": "conv_backward_naive"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [("poolWidth", "pool_width"), ("kernel_width", "pool_width"), ("W", None)],
)
def test_a_parameter_that_is_read_by_another_key_is_named_with_the_right_one(
    written: str, meant: str | None
) -> None:
    def forward(x: Any, pool_param: Any) -> Any:
        size = pool_param["pool_height"], pool_param[written]
        return reference.max_pool2d_forward(x, kernel_size=size, stride=pool_param["stride"])

    functions = {
        "max_pool_forward_naive": forward,
        "max_pool_backward_naive": lambda dout, cache: reference.max_pool2d_backward(dout, cache),
    }
    report = run(functions, effort=EFFORTS["quick"])
    (told,) = (c for c in report.conclusions if c.grade is Grade.WRONG)
    if meant is None:
        assert told.name is None
    else:
        assert (told.name, meant in str(told.mend)) == ("other_key", True)


def test_a_key_that_may_be_left_out_is_named() -> None:
    failure = Failure("forward", ("KeyError", "LookupError", "Exception"), "'running_mean'")
    breakage = breakage_of(failure)
    assert breakage is not None
    assert breakage.name == "optional_key"
    assert "'running_mean'" in breakage.mend
    of_its_own = Failure("backward", ("KeyError", "LookupError", "Exception"), "'x_hat'")
    assert breakage_of(of_its_own) is None


def test_images_that_are_given_to_the_batch_norm_of_rows_are_named() -> None:
    kinds, says = ("ValueError", "Exception"), "too many values to unpack (expected 2)"
    where = "layers.py, line 7, in {}"
    at = where.format("batchnorm_forward")
    named = breakage_of(Failure("forward", kinds, says, at))
    assert named is not None
    assert named.name == "images_for_rows"
    assert named.shows.startswith("batchnorm_forward takes rows")
    for others in (where.format("batchnorm_backward"), "layers.py, line 7"):  # a cache, or its own
        assert breakage_of(Failure("forward", kinds, says, others)) is None
    assert breakage_of(Failure("forward", kinds, says.replace("2", "4"), at)) is None


@pytest.mark.parametrize(
    ("unpacked", "is_named"),
    [("gamma, x_hat = cache", True), ("(gamma, x_hat) = cache", True), ("N, D = 1, 2, 3", False)],
)
def test_a_cache_that_is_unpacked_otherwise_than_it_was_packed_is_named_with_its_line(
    tmp_path: Path, unpacked: str, is_named: bool
) -> None:
    (tmp_path / "layers.py").write_text(
        textwrap.dedent(
            f"""
            import numpy as np

            def layernorm_forward(x, gamma, beta, ln_param):
                centred = x - x.mean(axis=1, keepdims=True)
                inv_std = 1 / np.sqrt(x.var(axis=1, keepdims=True) + ln_param.get("eps", 1e-5))
                x_hat = centred * inv_std
                return gamma * x_hat + beta, (gamma, x_hat, inv_std)

            def layernorm_backward(dout, cache):
                {unpacked}
                return dout, (dout * x_hat).sum(axis=0), dout.sum(axis=0)
            """
        )
    )
    report = check_path(tmp_path / "layers.py", effort=EFFORTS["quick"])
    (wrong,) = (c for c in report.conclusions if c.grade is Grade.WRONG)
    assert wrong.name == ("other_cache" if is_named else None)
    assert wrong.function == "layernorm_backward"
    if is_named:
        assert wrong.mend is not None
        assert unpacked in wrong.mend
