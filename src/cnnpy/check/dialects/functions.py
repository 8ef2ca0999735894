"""The dialect of cnnpy itself: ``<op>_forward`` and ``<op>_backward`` with options by name."""

from __future__ import annotations

from cnnpy.check.case import Case
from cnnpy.check.dialects.dialect import Arguments, Dialect, same
from cnnpy.contract.ops import OPS

__all__ = ["FUNCTIONS"]


def _as_it_stands(case: Case) -> Arguments:
    names = [i.name for i in OPS[case.op].positional]
    return Arguments(
        case.positional(), case.keywords(), {name: str(k) for k, name in enumerate(names)}
    )


def _dialect(op: str) -> Dialect:
    updated = {i.name: ((i.name,), same) for i in OPS[op].keyword if i.kind.name == "UPDATED"}
    return Dialect(
        op,
        op,
        "cnnpy",
        (f"{op}_forward",),
        (f"{op}_backward",),
        _as_it_stands,
        tuple(OPS[op].gradients),
        from_updated=updated,
    )


FUNCTIONS = tuple(_dialect(op) for op in OPS)
"""A row an op of the contract."""
