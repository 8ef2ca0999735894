"""How large arrays and options may be: what is refused before any memory is taken.

A view of one number may claim more entries than there is memory, and a padding of a
billion costs nothing to write down. What no machine of this size could hold, or no
32-bit count along an axis, is wrong input, whatever the backend.
"""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.contract.opspec import OpSpec
from cnnpy.contract.shapes import Shape

__all__ = ["MOST_ENTRIES", "check", "memory_bytes"]

MOST_ENTRIES = 2**30 - 1
"""Along an axis: such counts, and the sum of two, are 32-bit integers in compiled code."""

_WINDOWED = ("conv2d", "max_pool2d", "avg_pool2d")
_CGROUP = Path("/sys/fs/cgroup/memory.max")


@functools.cache
def memory_bytes() -> int:
    """Return how much memory this machine, or the container around it, has.

    Returns
    -------
    int
        Bytes; ``sys.maxsize`` where the system does not tell.
    """
    try:
        known = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        known = sys.maxsize
    try:
        limit = _CGROUP.read_text().strip()
    except OSError:
        limit = "max"
    return min(known, int(limit)) if limit.isdecimal() else known


def check(
    row: OpSpec,
    arrays: Sequence[Any],
    options: Mapping[str, Any],
    out_shape: Shape,
    dtype: np.dtype[Any],
) -> None:
    """Refuse what is too large for any backend.

    Parameters
    ----------
    row : OpSpec
        The op's row.
    arrays : sequence
        All inputs, in the row's order, checked but for their size.
    options : mapping
        The options, normalised.
    out_shape : tuple of int
        The shape of the output.
    dtype : numpy.dtype
        Its dtype.

    Raises
    ------
    ShapeError, OptionError
        Where an axis, an array, the output or what lies between them is too large.
    """
    limit = memory_bytes()
    out_bytes = math.prod(out_shape) * dtype.itemsize
    if out_bytes > sys.maxsize:
        raise _output_error(row.name, out_shape, out_bytes, sys.maxsize)
    for name, value in options.items():
        if isinstance(value, tuple) and max(value) > MOST_ENTRIES:
            raise OptionError(
                f"{row.name}: {name}={value}",
                f"{name} of at most {MOST_ENTRIES}",
                f"use {name}={tuple(min(n, MOST_ENTRIES) for n in value)}",
            )
    for spec, value in zip(row.inputs, arrays, strict=True):
        if isinstance(value, tuple):
            for k, array in enumerate(value):
                if array.nbytes > limit:
                    raise _array_error(row.name, f"{spec.name}[{k}]", array)
        elif isinstance(value, np.ndarray):
            if "..." not in spec.axes:
                _axes(row.name, f"{spec.name} has shape", spec.axes, value.shape)
            if value.nbytes > limit:
                raise _array_error(row.name, spec.name, value)
    if "..." not in row.output:
        _axes(row.name, "the output would have shape", row.output, out_shape)
    if out_bytes > limit:
        raise _output_error(row.name, out_shape, out_bytes, limit)
    if "padding" in options:
        _windows(row.name, arrays, options, out_shape, dtype)


def _axes(op: str, what: str, axes: str, shape: Shape) -> None:
    if not shape or max(shape) <= MOST_ENTRIES:
        return
    letters = next(a for a in (axes.split() for axes in axes.split("|")) if len(a) == len(shape))
    letter, size = next(p for p in zip(letters, shape, strict=True) if p[1] > MOST_ENTRIES)
    raise ShapeError(
        f"{op}: {what} {shape}, so {letter}={size}",
        f"at most {MOST_ENTRIES} entries along an axis",
        f"compute it in parts along {letter}",
    )


def _array_error(op: str, name: str, array: np.ndarray[Any, Any]) -> ShapeError:
    several = array.ndim and array.shape[0] > 1
    fit = memory_bytes() // (array.nbytes // array.shape[0]) if several else 0
    return ShapeError(
        f"{op}: {name} has shape {array.shape}: {array.nbytes} bytes once each entry has its own",
        f"arrays of at most {memory_bytes()} bytes, the memory of this machine",
        f"use fewer at a time, such as {name}[:{fit}]" if fit else f"give {name} smaller sizes",
    )


def _output_error(op: str, shape: Shape, size: int, most: int) -> ShapeError:
    return ShapeError(
        f"{op}: the output would have shape {shape}",
        f"an output of at most {most} bytes; this one has {size}",
        "use fewer images, or smaller sizes",
    )


def _windows(
    op: str,
    arrays: Sequence[Any],
    options: Mapping[str, Any],
    out_shape: Shape,
    dtype: np.dtype[Any],
) -> None:
    """Look at what lies between input and output: the padded images, the window's taps."""
    if op in _WINDOWED:
        shape, what = arrays[0].shape, "x with its padding has shape"
    elif op == "conv_transpose2d":
        shape, what = out_shape, "before padding is cut off, the output has shape"
    else:
        return
    window = options["kernel_size"] if "kernel_size" in options else arrays[1].shape[2:]
    channels = max(arrays[1].shape[:2]) if "kernel_size" not in options else 1
    taps = channels * math.prod(window)
    if taps > MOST_ENTRIES:
        raise ShapeError(
            f"{op}: a window of {window}, {taps} entries over the channels",
            f"a window of at most {MOST_ENTRIES} entries",
            "use a smaller window",
        )
    padding = options["padding"]
    N, C, *sizes = shape
    padded = (N, C, *(size + 2 * p for size, p in zip(sizes, padding, strict=True)))
    size = C * padded[2] * padded[3] * dtype.itemsize
    if max(padded[2:]) <= MOST_ENTRIES and (size <= memory_bytes() or not N):
        return
    dilation = options.get("dilation", (1, 1))
    useful = tuple(min(p, d * (k - 1)) for p, d, k in zip(padding, dilation, window, strict=True))
    raise ShapeError(
        f"{op}: {what} {padded}",
        f"at most {MOST_ENTRIES} entries along an axis, and {memory_bytes()} bytes an image; "
        f"this one has {size}",
        f"use padding={useful}: with more, windows see nothing but zeros"
        if useful != padding and op == "conv2d"
        else "use smaller windows, or a smaller padding or dilation",
    )
