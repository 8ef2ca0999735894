"""What is judged: the ops of the contract, and the sandwiches that a course makes of them.

A sandwich is a row like the others. Its definition is that of its parts, one after the
other; its inputs are those of the first part and what the others need beside; and an option
of it is a mapping, by the name of a part, of that part's options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol

from cnnpy import reference
from cnnpy.contract.ops import OPS
from cnnpy.contract.opspec import Input, Tolerance

__all__ = ["SANDWICHES", "Row", "row_of", "row_with"]

SANDWICHES: Mapping[str, tuple[str, ...]] = {
    "linear_relu": ("linear", "relu"),
    "conv2d_relu": ("conv2d", "relu"),
    "conv2d_batch_norm_relu": ("conv2d", "batch_norm", "relu"),
    "conv2d_relu_max_pool2d": ("conv2d", "relu", "max_pool2d"),
}
"""By name, the ops of which it is made, first things first."""

_OF_A_SANDWICH = Tolerance("scale", 64)  # no one rule holds for all of its parts


@dataclass(frozen=True)
class Row:
    """What the judge knows of an op, or of a sandwich.

    Parameters
    ----------
    name : str
        Its name.
    inputs : tuple of Input
        In the order of the signature.
    tolerance : Tolerance
        Of forward and backward.
    forward, backward : callable
        The definition.
    """

    name: str
    inputs: tuple[Input, ...]
    tolerance: Tolerance
    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Any], Any]

    @property
    def gradients(self) -> tuple[str, ...]:
        """Name the inputs that get a gradient, in the order that backward returns them."""
        return tuple(i.name for i in self.inputs if i.gradient)

    @property
    def positional(self) -> tuple[Input, ...]:
        """Give the inputs that stand before the ``*`` of the signature."""
        return tuple(i for i in self.inputs if not i.keyword)

    @property
    def keyword(self) -> tuple[Input, ...]:
        """Give the arrays that are given by keyword."""
        return tuple(i for i in self.inputs if i.keyword)


@cache
def row_of(name: str) -> Row:
    """Return the row of an op or of a sandwich.

    Parameters
    ----------
    name : str
        A name of ``OPS`` or of `SANDWICHES`.

    Returns
    -------
    Row
        Inputs, tolerance and definition.

    Examples
    --------
    >>> row_of("linear_relu").gradients
    ('x', 'w', 'b')
    >>> x, w, b = np.array([[1.0, 2.0]]), np.array([[1.0, 1.0], [0.0, -1.0]]), np.zeros(2)
    >>> out, cache = row_of("linear_relu").forward(x, w, b)
    >>> out  # relu of (3, -2)
    array([[3., 0.]])
    >>> dx, dw, db = row_of("linear_relu").backward(np.ones((1, 2)), cache)
    >>> dx, db
    (array([[1., 1.]]), array([1., 0.]))
    """
    if name in SANDWICHES:
        return _sandwich(name, tuple(map(row_of, SANDWICHES[name])))
    spec = OPS[name]
    forward, backward = (getattr(reference, f"{name}_{way}") for way in ("forward", "backward"))
    return Row(name, spec.inputs, spec.tolerance, forward, backward)


class Part(Protocol):
    """Another implementation of an op, as the library of mistakes has them."""

    @property
    def op(self) -> str:
        """Name the op."""
        ...

    @property
    def forward(self) -> Callable[..., tuple[Any, Any]]:
        """Give the forward pass."""
        ...

    @property
    def backward(self) -> Callable[[Any, Any], Any]:
        """Give the backward pass."""
        ...


def row_with(name: str, part: Part) -> Row:
    """Return the row of a sandwich with another implementation of one of its parts.

    Parameters
    ----------
    name : str
        A name of `SANDWICHES`.
    part : Part
        The other implementation, which takes the place of its op.

    Returns
    -------
    Row
        As that of the definition, but for the part.
    """
    rows = (
        replace(row_of(op), forward=part.forward, backward=part.backward)
        if op == part.op
        else row_of(op)
        for op in SANDWICHES[name]
    )
    return _sandwich(name, tuple(rows))


def _sandwich(name: str, parts: tuple[Row, ...]) -> Row:
    inputs = (*parts[0].inputs, *(i for part in parts[1:] for i in part.inputs[1:]))
    inputs = (*(i for i in inputs if not i.keyword), *(i for i in inputs if i.keyword))
    positional = [i.name for i in inputs if not i.keyword]
    gradients = [i.name for i in inputs if i.gradient]

    def forward(*arrays: Any, **more: Any) -> tuple[Any, Any]:
        named = {**dict(zip(positional, arrays, strict=True)), **more}
        value, caches = arrays[0], []
        for part in parts:
            beside = [named[i.name] for i in part.positional[1:]]
            by_name = {i.name: named[i.name] for i in part.keyword}
            value, own = part.forward(value, *beside, **by_name, **more.get(part.name, {}))
            caches.append(own)
        return value, caches

    def backward(dout: Any, caches: Any) -> Any:
        named: dict[str, Any] = {}
        value = dout
        for part, own in zip(parts[::-1], caches[::-1], strict=True):
            found = part.backward(value, own)
            value, *beside = found if isinstance(found, tuple) else (found,)
            named |= dict(zip(part.gradients[1:], beside, strict=True))
        named[inputs[0].name] = value
        return tuple(named[name] for name in gradients)

    return Row(name, inputs, _OF_A_SANDWICH, forward, backward)
