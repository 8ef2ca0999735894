"""What a row of the contract holds: :class:`OpSpec`, and the columns it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from cnnpy.contract.options import Parser
from cnnpy.contract.shapes import Shape

__all__ = ["REQUIRED", "Input", "Kind", "OpSpec", "Option", "Tolerance"]

REQUIRED: Any = object()


class Kind(Enum):
    """What an input may be."""

    ARRAY = "float array"
    OPTIONAL = "float array or None"
    SEQUENCE = "list of float arrays"
    LABELS = "class indices"
    TARGETS = "class indices, or probabilities of the shape of x"
    UPDATED = "float array, updated in place, or None"
    MASK = "bool array or None"


@dataclass(frozen=True)
class Input:
    """One input of an op.

    Parameters
    ----------
    name : str
        Its name in every signature.
    axes : str
        Its axes by letter; alternatives are parted by ``|``, ``...`` is any number of axes.
    kind : Kind
        What it may be.
    gradient : bool
        Whether backward returns ``d<name>``.
    keyword : bool
        Whether it is given by keyword only.
    """

    name: str
    axes: str
    kind: Kind = Kind.ARRAY
    gradient: bool = True
    keyword: bool = False


@dataclass(frozen=True)
class Option:
    """One keyword-only option.

    Parameters
    ----------
    name : str
        Its name in every signature.
    parse : callable
        Checks a value and normalises it; see :mod:`cnnpy.contract.options`.
    default : object
        What it is where the caller says nothing; :data:`REQUIRED` for none.
    """

    name: str
    parse: Parser
    default: Any = REQUIRED


@dataclass(frozen=True)
class Tolerance:
    """How far a backend may be from the definition, with the reason.

    Parameters
    ----------
    rule : {"exact", "bound", "spread", "routed", "scale"}
        What the distance is measured by.
    k : float
        How often the rule's unit it may be.

    Notes
    -----
    The rules:

    ``exact``
        the same bits: nothing is rounded, or each entry by one IEEE operation;
    ``bound``
        ``|got - want| <= k * eps * bound`` where `bound` is the definition run on absolute
        values: sums of products, whatever their length and cancellation;
    ``spread``
        as ``bound``, with the largest bound of the same image and channel (of a filter's
        taps, for its gradient): ways that share products between neighbouring places;
    ``routed``
        forward copies entries, so the same bits; backward adds what was copied from one
        place: ``|got - want| <= k * eps * bound`` with `bound` the definition's backward of
        ``|dout|``;
    ``scale``
        ``|got - want| <= k * (eps * max(1, largest |input|, largest |want|) + shift)`` where
        `shift` is how far the definition itself moves when its inputs are changed by one
        rounding, or, if that is more, by what it loses itself when it is computed with
        roundings of that size: functions that are not linear, and may be ill-conditioned.
    """

    rule: str
    k: float = 0.0


@dataclass(frozen=True)
class OpSpec:
    """One row of the contract.

    Parameters
    ----------
    name : str
        The op: ``<name>_forward`` and ``<name>_backward`` everywhere.
    summary : str
        What it does, as an act.
    inputs : tuple of Input
        In the order of the signature.
    options : tuple of Option
        Keyword-only.
    output : str
        The axes of the output by letter; empty for a single number.
    shape : callable
        The shape rule: shapes of the inputs and the options in, shape of the output out.
    flops : callable
        Floating-point operations of forward, from the output's shape, the shapes and options.
    tolerance : Tolerance
        Of forward and backward.
    room : str
        The module of ``cnnpy.functional`` where its public functions stand.
    advice : tuple of Option
        Keyword-only options that choose how it is computed, not what: the definition has
        none of them, and a backend that does not know one computes as it always does.
    check_advice : callable, optional
        Of the shapes of the inputs and all options; raises where an advice cannot be taken.
    other_tolerances : mapping of str to Tolerance
        By the value of an advice: of ways that round otherwise than `tolerance` allows.
    """

    name: str
    summary: str
    inputs: tuple[Input, ...]
    options: tuple[Option, ...]
    output: str
    shape: Callable[..., Shape]
    flops: Callable[..., int]
    tolerance: Tolerance
    room: str
    advice: tuple[Option, ...] = ()
    check_advice: Callable[..., None] | None = None
    other_tolerances: Mapping[str, Tolerance] = field(default_factory=dict)

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
