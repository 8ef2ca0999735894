"""The dialect of cnnpy itself: ``<op>_forward`` and ``<op>_backward`` with options by name."""

from __future__ import annotations

from dataclasses import replace

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


def _x_alone(case: Case) -> Arguments:
    return Arguments([case.arrays["x"]], {}, {"x": "0"})


def _has_rows_of_scores(case: Case) -> bool:
    x = case.arrays["x"]
    return x.ndim == 2 and x.size > 0 and case.options["axis"] in (1, -1)


_OF_ROWS = tuple(
    replace(_dialect(op), arguments=_x_alone, takes=_has_rows_of_scores, is_a_last_resort=True)
    for op in ("softmax", "log_softmax")
)
"""Those that take scores and no axis: a row an image."""

_WITH_A_SLOPE = replace(
    _dialect("leaky_relu"),
    arguments=lambda case: Arguments(
        [case.arrays["x"], case.options["negative_slope"]], {}, {"x": "0"}
    ),
    is_a_last_resort=True,
)
"""One whose slope has another name: leaky_relu_forward(x, alpha)."""

FUNCTIONS = (*(_dialect(op) for op in OPS), *_OF_ROWS, _WITH_A_SLOPE)
"""A row an op of the contract, and one for each that is often called in another way."""
