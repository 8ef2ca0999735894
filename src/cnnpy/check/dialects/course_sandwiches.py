"""The dialect of Stanford cs231n: its sandwich layers, two or three ops in one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnnpy.check.case import Case
from cnnpy.check.dialects.course import affine, as_rows, conv_param, in_a_row, pool_param, turned
from cnnpy.check.dialects.course_norms import norm_param
from cnnpy.check.dialects.dialect import Arguments, Dialect, same
from cnnpy.check.rows import row_of

__all__ = ["SANDWICHES_OF_THE_COURSE"]

_PARAM: Mapping[str, Callable[[Case], dict[str, Any]]] = {
    "conv2d": conv_param,
    "batch_norm": norm_param,
    "max_pool2d": pool_param,
}
"""By op, the dictionary that it is given; the others are given none."""


def _of_convolution(case: Case) -> Arguments:
    inputs = {i.name: case.arrays[i.name] for i in row_of(case.op).positional}
    given = in_a_row(inputs)
    params = [_PARAM[op](_part(case, op)) for op in case.options if op in _PARAM]
    return Arguments([*given.positional, *params], {}, given.names)


def _part(case: Case, op: str) -> Case:
    return Case(op, case.arrays, case.options[op])


_RUNNING = {name: ((6, name), same) for name in ("running_mean", "running_var")}
"""In its bn_param, behind five arrays and conv_param."""


def _sandwich(
    op: str, name: str, arguments: Callable[[Case], Arguments], **translations: Any
) -> Dialect:
    return Dialect(
        op,
        name.replace("_", " "),
        "course",
        (f"{name}_forward",),
        (f"{name}_backward",),
        arguments,
        row_of(op).gradients,
        **translations,
    )


SANDWICHES_OF_THE_COURSE: tuple[Dialect, ...] = (
    _sandwich("linear_relu", "affine_relu", affine, from_gradient={"x": as_rows, "w": turned}),
    _sandwich("conv2d_relu", "conv_relu", _of_convolution),
    _sandwich("conv2d_batch_norm_relu", "conv_bn_relu", _of_convolution, from_updated=_RUNNING),
    _sandwich("conv2d_relu_max_pool2d", "conv_relu_pool", _of_convolution),
)
"""A row a pair of functions."""
