"""Caches as the course shows them: tuples that a notebook may unpack or build itself.

The course says what some caches hold: (x, w, b) of an affine layer, (x, w, b,
conv_param) of a convolution. Such a tuple travels here with the cache of
:mod:`cnnpy.functional` beside it. Where that one is not there, because a reader
built the tuple, or not of the dtype of the gradient, the forward pass is run again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnpy.contract.errors import CacheError
from cnnpy.cs231n.coerce import dtype_of, floats
from cnnpy.functional import Cache

__all__ = ["Kept", "matched", "unpack"]


class Kept(tuple[Any, ...]):
    """Hold what the course's cache holds, a functional cache beside it.

    Parameters
    ----------
    content : tuple
        What the course's cache holds.
    inner : Cache, optional
        The cache of :mod:`cnnpy.functional`.
    """

    inner: Cache | None

    def __new__(cls, content: tuple[Any, ...], inner: Cache | None = None) -> Kept:
        """Make the tuple of `content`, and put `inner` beside it."""
        kept = super().__new__(cls, content)
        kept.inner = inner
        return kept


def unpack(
    function: str, cache: Any, names: str, op: str | None = None, *, opaque: bool = False
) -> tuple[Any, ...]:
    """Return what a cache holds, if it can be the right one.

    Parameters
    ----------
    function : str
        The backward pass that asks, for the error.
    cache : tuple
        What it was handed.
    names : str
        What it should hold, separated by blanks.
    op : str, optional
        The op of the functional cache beside it.
    opaque : bool
        Whether only a forward pass of this room can make it, so that the functional
        cache has to be there.

    Returns
    -------
    tuple
        The content.

    Raises
    ------
    CacheError
        Where it is no tuple of that length, or comes from another op.

    Examples
    --------
    >>> unpack("affine_backward", (1, 2, 3), "x w b", "linear")
    (1, 2, 3)
    """
    wanted = names.split()
    inner = getattr(cache, "inner", None)
    of_this_op = not opaque if inner is None else inner.op == op
    if isinstance(cache, tuple) and len(cache) == len(wanted) and of_this_op:
        return tuple(cache)
    forward = function.replace("_alt", "").replace("_backward", "_forward")
    if inner is not None:
        given = f"a cache of {inner.op}"
    elif isinstance(cache, tuple):
        given = f"a tuple of {len(cache)}"
    else:
        given = f"a {type(cache).__name__}"
    raise CacheError(
        f"{function}: cache is {given}",
        f"the cache of {forward}" + ("" if opaque else f": ({', '.join(wanted)})"),
        f"keep both results: out, cache = {forward}(...)",
    )


def matched(
    dout: Any, cache: Any, again: Callable[[np.dtype[Any] | None], Cache]
) -> tuple[Any, Cache]:
    """Bring a gradient and a functional cache together in one dtype.

    Parameters
    ----------
    dout : ndarray
        The gradient, of any dtype of numbers.
    cache : tuple
        The course's cache, perhaps with a functional one beside it.
    again : callable
        Runs the forward pass in a dtype (None: that of its inputs).

    Returns
    -------
    dout : ndarray
        The gradient in the dtype of both.
    inner : Cache
        The functional cache.
    """
    inner = getattr(cache, "inner", None) or again(None)
    if not isinstance(dout, np.ndarray):
        return dout, inner
    dtype = np.result_type(dtype_of(dout), inner.dtype)
    if dtype != inner.dtype:
        inner = again(dtype)
    return floats(dout, dtype=dtype)[0], inner
