"""Validation, in one place: the public functions call it once, the backends never.

:func:`forward_call` holds the arrays and options of a call against the op's row
and returns them normalised; :func:`backward_call` does so for a gradient. The
same wrong input gives the same error with the same text, whatever the backend.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract import limits
from cnnpy.contract.dtypes import FLOATS, FloatArray, check_array, check_float, check_integer
from cnnpy.contract.errors import DataError, DtypeError, OptionError, ShapeError
from cnnpy.contract.opspec import Input, Kind, OpSpec
from cnnpy.contract.shapes import Shape

__all__ = ["Call", "a_what", "backward_call", "check_needs", "forward_call", "parse_options"]


class Call:
    """A validated call: what the backend receives, and what its output will be."""

    __slots__ = ("advice", "arrays", "dtype", "keyword", "options", "out_shape")

    def __init__(
        self,
        arrays: tuple[Any, ...],
        keyword: dict[str, Any],
        options: dict[str, Any],
        advice: dict[str, Any],
        dtype: np.dtype[Any],
        out_shape: Shape,
    ) -> None:
        self.arrays = arrays
        self.keyword = keyword
        self.options = options
        self.advice = advice
        self.dtype = dtype
        self.out_shape = out_shape


def forward_call(
    row: OpSpec, arrays: Sequence[Any], keyword: Mapping[str, Any], options: Mapping[str, Any]
) -> Call:
    """Hold the inputs and options of a forward pass against its row.

    Parameters
    ----------
    row : OpSpec
        The op's row.
    arrays : sequence
        The positional inputs, in the row's order.
    keyword : mapping
        The arrays given by keyword.
    options : mapping
        The options as the caller wrote them.

    Returns
    -------
    Call
        Plain arrays and normalised options.

    Raises
    ------
    DtypeError, ShapeError, OptionError, DataError
        Where something does not fit.
    """
    values = (*arrays, *(keyword[i.name] for i in row.keyword))
    asked = _asked(row, values, options)
    known = None if asked is None else _known.get(asked)
    if known is not None:
        n = len(row.positional)
        named = dict(zip((i.name for i in row.keyword), values[n:], strict=True))
        return Call(values[:n], named, known.options, known.advice, known.dtype, known.out_shape)
    parsed = parse_options(row, options)
    dtype: np.dtype[Any] | None = None
    checked: list[Any] = []
    sizes: list[Any] = []
    for spec, value in zip(row.inputs, values, strict=True):
        array = _CHECKS[spec.kind](row.name, spec, value, dtype)
        if spec.kind is Kind.UPDATED and parsed.get("train", True):
            _check_writeable(row.name, spec.name, array)
        checked.append(array)
        sizes.append(_shape_of(array))
        if dtype is None:
            dtype = _dtype_of(array)
    n = len(row.positional)
    named_sizes = dict(zip((i.name for i in row.keyword), sizes[n:], strict=True))
    out_shape = row.shape(*sizes[:n], **named_sizes, **parsed)
    dtype = dtype or np.dtype(np.float64)
    advice = _parse_advice(row, options)
    if row.check_advice is not None:
        row.check_advice(*sizes[:n], **named_sizes, **parsed, **advice)
    limits.check(row, checked, parsed, out_shape, dtype)
    _check_class_range(row, checked)
    named = dict(zip((i.name for i in row.keyword), checked[n:], strict=True))
    if asked is not None:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[asked] = Call((), {}, parsed, advice, dtype, out_shape)
    return Call(tuple(checked[:n]), named, parsed, advice, dtype, out_shape)


# Calls that were found right, without their arrays: a network repeats its calls, and holding
# them against the row again takes as long as a small convolution.
_known: dict[tuple[Any, ...], Call] = {}
_MOST_KNOWN = 1024


def _asked(
    row: OpSpec, values: Sequence[Any], options: Mapping[str, Any]
) -> tuple[Any, ...] | None:
    """Return all that decides whether a call is right; None where that is not told quickly."""
    asked: list[Any] = [row.name, row.shape, limits.memory_bytes()]
    for spec, value in zip(row.inputs, values, strict=True):
        if spec.kind is not Kind.ARRAY and spec.kind is not Kind.OPTIONAL:
            return None  # what the entries are counts too
        if type(value) is np.ndarray:
            asked.append((value.dtype, value.shape))
        elif value is None:
            asked.append(None)
        else:
            return None
    for item in options.items():
        value = item[1]
        kind = type(value)  # True and 1.0 equal 1, and are no integers
        if kind is tuple:
            if not all(type(part) is int for part in value):
                return None
        elif kind is not int and kind is not str and value is not None:
            return None
        asked.append(item)
    return tuple(asked)


def backward_call(row: OpSpec, dout: Any, dtype: np.dtype[Any], out_shape: Shape) -> FloatArray:
    """Hold the gradient of an output against the output that forward returned."""
    if out_shape == () and not isinstance(dout, np.ndarray):
        if not isinstance(dout, numbers.Real):
            raise DtypeError(
                f"{row.name}: dout is {a_what(dout)}",
                "a number, the gradient of the loss",
                "use dout=1.0",
            )
        return np.asarray(dout, dtype=dtype)
    if isinstance(dout, numbers.Real) and not isinstance(dout, np.generic):
        raise DtypeError(
            f"{row.name}: dout is the number {dout}; forward returned shape {out_shape}",
            "dout of the shape of the output",
            f"use np.full({out_shape}, {dout}, dtype=np.{dtype})",
        )
    array = check_array(row.name, "dout", dout, dtype)
    if array.dtype in FLOATS and array.dtype != dtype:
        raise DtypeError(
            f"{row.name}: dout has dtype {array.dtype}; forward returned {dtype}",
            "dout of the dtype of the output: nothing is cast silently",
            f"use dout.astype(np.{dtype})",
        )
    check_float(row.name, "dout", array, dtype)
    if array.shape != out_shape:
        raise ShapeError(
            f"{row.name}: dout has shape {array.shape}; forward returned shape {out_shape}",
            "dout of the shape of the output",
            f"use dout.reshape({out_shape})"
            if array.size == math.prod(out_shape)
            else f"give dout the shape {out_shape}",
        )
    return array


def check_needs(row: OpSpec, needs: Sequence[str] | None) -> tuple[str, ...]:
    """Return the inputs whose gradients are wanted, all of them for None."""
    if needs is None:
        return row.gradients
    if not isinstance(needs, Iterable):
        raise OptionError(
            f"{row.name}: needs={needs!r}",
            f"names among {row.gradients!r}",
            f"use needs={row.gradients[:1]!r}",
        )
    wanted = (needs,) if isinstance(needs, str) else tuple(needs)
    unknown = [name for name in wanted if name not in row.gradients]
    if unknown:
        first = unknown[0]
        known = isinstance(first, str) and first.removeprefix("d") in row.gradients
        raise OptionError(
            f"{row.name}: needs={needs!r}",
            f"names among {row.gradients!r}",
            f"write {first.removeprefix('d')!r} for {first!r}" if known else f"leave out {first!r}",
        )
    return wanted


def parse_options(row: OpSpec, options: Mapping[str, Any]) -> dict[str, Any]:
    """Normalise the options of a row: pairs to pairs, a pooling's stride to its window."""
    parsed: dict[str, Any] = {}
    for option in row.options:
        value = options.get(option.name, option.default)
        if value is None and option.default is None:
            value = parsed["kernel_size"]
        parsed[option.name] = option.parse(row.name, option.name, value)
    return parsed


def _parse_advice(row: OpSpec, options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        option.name: option.parse(row.name, option.name, options.get(option.name, option.default))
        for option in row.advice
    }


# --- one check a kind of input ---------------------------------------------------


def _float_array(op: str, spec: Input, value: Any, dtype: np.dtype[Any] | None) -> FloatArray:
    array = check_array(op, spec.name, value, dtype)
    check_float(op, spec.name, array, dtype)
    _check_axes(op, spec, array)
    return array


def _optional(op: str, spec: Input, value: Any, dtype: np.dtype[Any] | None) -> FloatArray | None:
    return None if value is None else _float_array(op, spec, value, dtype)


def _sequence(
    op: str, spec: Input, value: Any, dtype: np.dtype[Any] | None
) -> tuple[FloatArray, ...]:
    if isinstance(value, np.ndarray) or not isinstance(value, Sequence):
        raise DtypeError(
            f"{op}: {spec.name} is {a_what(value)}",
            "a list or tuple of arrays",
            f"use {op}_forward(list({spec.name}))"
            if isinstance(value, Iterator)
            else f"put the arrays into a list: {op}_forward([x, y])",
        )
    arrays: list[FloatArray] = []
    for k, item in enumerate(value):
        like = arrays[0].dtype if arrays else dtype
        array = check_array(op, f"{spec.name}[{k}]", item, like)
        check_float(op, f"{spec.name}[{k}]", array, like)
        arrays.append(array)
    return tuple(arrays)


def _labels(op: str, spec: Input, value: Any, dtype: np.dtype[Any] | None) -> NDArray[Any]:
    array = _labels_array(op, spec.name, value)
    _check_axes(op, spec, array)  # first: of one-hot rows the dtype does not matter
    check_integer(op, spec.name, array)
    return array


def _targets(op: str, spec: Input, value: Any, dtype: np.dtype[Any] | None) -> NDArray[Any]:
    array = _labels_array(op, spec.name, value)
    if array.dtype.kind == "f":
        check_float(op, spec.name, array, dtype)
    else:
        check_integer(op, spec.name, array)
    _check_axes(op, spec, array)
    if (array.dtype.kind == "f") != (array.ndim == 2):
        if array.ndim == 1:
            mend = f"use {spec.name}.astype(np.int64) if these are class indices"
        else:
            mend = f"use {_class_indices(spec.name, array)}"
        raise ShapeError(
            f"{op}: {spec.name} has dtype {array.dtype} and shape {array.shape}",
            "integer class indices of shape (N,), or float probabilities of shape (N, K)",
            mend,
        )
    return array


def _mask(op: str, spec: Input, value: Any, dtype: np.dtype[Any] | None) -> NDArray[Any] | None:
    if value is None:
        return None
    if not isinstance(value, np.ndarray) or value.dtype != np.bool_:
        is_array = isinstance(value, np.ndarray)
        given = f"has dtype {value.dtype}" if is_array else f"is {a_what(value)}"
        raise DtypeError(
            f"{op}: {spec.name} {given}",
            "a NumPy array of bool, True where an entry stays",
            f"use {spec.name} != 0" if is_array else f"use np.asarray({spec.name}, dtype=bool)",
        )
    return value


_CHECKS = {
    Kind.ARRAY: _float_array,
    Kind.OPTIONAL: _optional,
    Kind.SEQUENCE: _sequence,
    Kind.LABELS: _labels,
    Kind.TARGETS: _targets,
    Kind.UPDATED: _optional,
    Kind.MASK: _mask,
}


def _labels_array(op: str, name: str, value: Any) -> NDArray[Any]:
    if not isinstance(value, np.ndarray):
        raise DtypeError(
            f"{op}: {name} is {a_what(value)}",
            "a NumPy array of class indices",
            f"use np.asarray({name})",
        )
    return check_array(op, name, value)


def _check_axes(op: str, spec: Input, array: NDArray[Any]) -> None:
    alternatives = [a.split() for a in spec.axes.split("|")]
    for letters in alternatives:
        if letters == ["..."]:
            return
        if letters[-1] == "..." and array.ndim >= len(letters) - 1:
            return
        if letters[-1] != "..." and array.ndim == len(letters):
            return
    texts = " or ".join(_axes_text(a) for a in alternatives)
    raise ShapeError(
        f"{op}: {spec.name} has shape {array.shape}: "
        f"{array.ndim} {'axis' if array.ndim == 1 else 'axes'}",
        f"{spec.name} with the axes {texts}",
        _axes_hint(spec, array),
    )


def _axes_text(letters: list[str]) -> str:
    return f"({letters[0]},)" if len(letters) == 1 else f"({', '.join(letters)})"


def _axes_hint(spec: Input, array: NDArray[Any]) -> str:
    name, n = spec.name, array.ndim
    if spec.kind in (Kind.LABELS, Kind.TARGETS):
        return f"use {_class_indices(name, array)}"
    *others, last = spec.axes.split()
    if last == "...":
        return f"use {name}.reshape(1)"
    if not others:
        return f"use {name}.reshape(-1)"
    if last in ("D", "K"):
        if n > 2:
            return f"use {name}.reshape(len({name}), -1)"
        return f"use {name}[np.newaxis] for one row, {name}[:, np.newaxis] for one column"
    return _four_axes_hint(spec, array)


def _four_axes_hint(spec: Input, array: NDArray[Any]) -> str:
    name, n = spec.name, array.ndim
    if n > 4:
        return f"use {name}.reshape(-1, *{name}.shape[-3:])"
    thing = "image" if spec.axes.startswith("N") else "filter"
    if "|" in spec.axes:
        if n == 3:
            return f"for (N, C, L) use {name}[:, :, np.newaxis]; for one image {name}[np.newaxis]"
        return f"use {name}[np.newaxis] for one row, {name}[:, np.newaxis] for one feature"
    if n == 3:
        without = f"{thing}s without channels {name}[:, np.newaxis]"
        return f"for one {thing} use {name}[np.newaxis]; for {without}"
    if n == 2:
        one = f"for one {thing} without channels use {name}[np.newaxis, np.newaxis]"
        side = math.isqrt(array.shape[1])
        if thing == "image" and side and side * side == array.shape[1]:
            return f"for square grey images use {name}.reshape(-1, 1, {side}, {side}); {one}"
        return one
    return f"use {name}.reshape(1, 1, 1, -1)"


def _class_indices(name: str, array: NDArray[Any]) -> str:
    """Tell how class indices are got of what was given in their place."""
    if array.ndim == 0:
        return f"{name}.reshape(1)"
    if array.size == len(array):
        return f"{name}.reshape(-1)"
    one_hot = f"{name}.argmax(axis=1)" if array.ndim == 2 else f"{name}.argmax(axis=-1)"
    return f"{one_hot} if these are one-hot rows"


def a_what(value: object) -> str:
    """Name a value that is not what it should be."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return f"a {type(value).__name__}"


def _check_writeable(op: str, name: str, array: Any) -> None:
    if array is not None and not array.flags.writeable:
        raise DtypeError(
            f"{op}: {name} is read-only",
            f"a writable array: with train=True {name} is updated in place",
            f"keep a copy: {name} = {name}.copy()",
        )


def _check_class_range(row: OpSpec, arrays: Sequence[Any]) -> None:
    """Demand class indices from 0 to K-1; the first wrong one is named."""
    for spec, target in zip(row.inputs, arrays, strict=True):
        if spec.kind not in (Kind.LABELS, Kind.TARGETS) or target.dtype.kind == "f":
            continue
        K = arrays[0].shape[1]
        wrong = (target < 0) | (target >= K)
        if wrong.any():
            at = int(wrong.argmax())
            value = int(target[at])
            raise DataError(
                f"{row.name}: {spec.name}[{at}] is {value}; x has shape {arrays[0].shape}, "
                f"so K={K} classes",
                f"class indices from 0 to {K - 1}",
                _class_range_hint(spec.name, target, value, K),
            )


def _class_range_hint(name: str, target: NDArray[Any], value: int, K: int) -> str:
    if value < 0:
        return f"leave such images out: keep = {name} >= 0; then x[keep] and {name}[keep]"
    more = f"give x {int(target.max()) + 1} scores a row"
    if target.max() == K:
        return f"use {name} - 1 if classes are counted from 1, else {more}"
    return f"{more}, or mend the labels"


def _shape_of(array: Any) -> Any:
    if array is None:
        return None
    return tuple(a.shape for a in array) if isinstance(array, tuple) else array.shape


def _dtype_of(array: Any) -> np.dtype[Any] | None:
    first = array[0] if isinstance(array, tuple) and array else array
    return first.dtype if isinstance(first, np.ndarray) else None
