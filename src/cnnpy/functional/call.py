"""The way of every call: validate once, choose a backend, compute, keep the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cnnpy.backends import registry
from cnnpy.contract import validate
from cnnpy.contract.errors import CacheError
from cnnpy.contract.ops import OPS
from cnnpy.contract.shapes import Shape

__all__ = ["Cache", "backward", "forward"]


class Cache:
    """What a backward pass needs of its forward; opaque but for its labels.

    It may hold references to the inputs: change them after backward, not before. It
    may be used more than once.

    Parameters
    ----------
    op : str
        The op that made it.
    backend : str
        The backend that made it, which backward uses too.
    content : object
        The backend's own.
    dtype : numpy.dtype
        The dtype of the output.
    out_shape : tuple of int
        The shape of the output.
    """

    __slots__ = ("backend", "content", "dtype", "op", "out_shape")

    def __init__(
        self, op: str, backend: str, content: Any, dtype: np.dtype[Any], out_shape: Shape
    ) -> None:
        self.op = op
        self.backend = backend
        self.content = content
        self.dtype = dtype
        self.out_shape = out_shape

    def __repr__(self) -> str:
        return f"<cache of {self.op} on {self.backend}, output {self.out_shape} {self.dtype}>"


def forward(
    op: str,
    arrays: Sequence[Any],
    options: Mapping[str, Any],
    keyword: Mapping[str, Any] | None = None,
) -> tuple[Any, Cache]:
    """Run the forward pass of an op on the backend of the moment.

    Parameters
    ----------
    op : str
        A name of ``OPS``.
    arrays : sequence
        The positional inputs.
    options : mapping
        The options, as the caller wrote them.
    keyword : mapping, optional
        The arrays that are given by keyword.

    Returns
    -------
    out : ndarray or scalar
        The output.
    cache : Cache
        For :func:`backward`.
    """
    call = validate.forward_call(OPS[op], arrays, keyword or {}, options)
    implementation = registry.resolve(op, registry.current())
    advice = {name: value for name, value in call.advice.items() if name in implementation.advice}
    out, content = implementation.forward(*call.arrays, **call.keyword, **call.options, **advice)
    return out, Cache(op, implementation.backend, content, call.dtype, call.out_shape)


def backward(op: str, dout: Any, cache: Cache, needs: Sequence[str] | None = None) -> Any:
    """Run the backward pass of an op on the backend of its forward.

    Parameters
    ----------
    op : str
        A name of ``OPS``.
    dout : ndarray
        Gradient of the loss with respect to the output.
    cache : Cache
        From :func:`forward` of the same op.
    needs : sequence of str, optional
        The inputs whose gradients are computed; all by default.

    Returns
    -------
    ndarray or tuple
        The gradient, or for several inputs a tuple in their order, None for what
        is not needed.

    Raises
    ------
    CacheError
        Where `cache` is not one of this op.
    """
    if not isinstance(cache, Cache) or cache.op != op:
        given = repr(cache) if isinstance(cache, Cache) else validate.a_what(cache)
        if isinstance(cache, Cache):
            mend = f"use {cache.op}_backward(dout, cache)"
        elif isinstance(dout, Cache):
            mend = f"exchange the two: {op}_backward(dout, cache)"
        else:
            mend = f"keep both results: out, cache = {op}_forward(...)"
        raise CacheError(
            f"{op}_backward: cache is {given}", f"the cache that {op}_forward returned", mend
        )
    row = OPS[op]
    gradient = validate.backward_call(row, dout, cache.dtype, cache.out_shape)
    wanted = validate.check_needs(row, needs)
    found = registry.resolve(op, cache.backend).backward(gradient, cache.content, wanted)
    return found if len(row.gradients) > 1 else found[0]
