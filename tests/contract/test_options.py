"""What an option may be, and what it becomes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from cnnpy.contract import OPS, OptionError
from cnnpy.contract.options import choice, flag, integer, pair, real, sides
from cnnpy.contract.validate import parse_options


@pytest.mark.parametrize(
    ("parser", "value", "parsed"),
    [
        (integer(), -3, -3),
        (integer(1), np.int64(3), 3),
        (integer(1), np.uint8(200), 200),
        (pair(1), 2, (2, 2)),
        (pair(1), (2, 3), (2, 3)),
        (pair(1), [2, 3], (2, 3)),
        (pair(0), np.array([0, 3]), (0, 3)),
        (pair(0), np.int32(4), (4, 4)),
        (sides(), 1, (1, 1, 1, 1)),
        (sides(), (1, 2), (1, 1, 2, 2)),
        (sides(), (1, 2, 3, 4), (1, 2, 3, 4)),
        (real(0, 1), 1, 1.0),
        (real(0, 1), Fraction(1, 4), 0.25),
        (real(), np.float32(0.5), 0.5),
        (real(0, above=True), 1e-30, 1e-30),
        (flag(), True, True),
        (flag(), np.False_, False),
        (choice("a", "b"), "b", "b"),
    ],
)
def test_what_is_taken(parser: Any, value: Any, parsed: Any) -> None:
    found = parser("op", "option", value)
    assert found == parsed
    assert type(found) is type(parsed)


@pytest.mark.parametrize(
    ("parser", "value"),
    [
        (integer(), 1.0),
        (integer(), True),
        (integer(), np.True_),
        (integer(), "1"),
        (integer(0), -1),
        (pair(1), (1,)),
        (pair(1), (1, 2, 3)),
        (pair(1), (1.0, 2)),
        (pair(1), (True, 2)),
        (pair(1), "12"),
        (pair(1), np.array([1.0, 2.0])),
        (pair(1), 0),
        (sides(), (1, 2, 3)),
        (sides(), (1, 2, 3, 4, 5)),
        (sides(), (1, -2)),
        (real(), float("nan")),
        (real(), float("inf")),
        (real(), "0.5"),
        (real(), None),
        (real(0, 1), 1.0000001),
        (real(0, above=True), 0.0),
        (real(0, 1, below=True), 1.0),
        (flag(), 1),
        (flag(), None),
        (flag(), "True"),
        (choice("a", "b"), "c"),
        (choice("a", "b"), None),
        (choice("a", "b"), ["a"]),
    ],
)
def test_what_is_refused_gets_a_mend_that_is_taken(parser: Any, value: Any) -> None:
    with pytest.raises(OptionError) as caught:
        parser("op", "option", value)
    error = caught.value
    assert error.given == f"op: option={value!r}"
    if error.mend.startswith("use option="):
        parser("op", "option", eval(error.mend.removeprefix("use option=")))
    else:
        assert parser.__qualname__.startswith("sides")


def test_the_names_of_other_libraries_lead_to_ours() -> None:
    for theirs, ours in {"edge": "replicate", "wrap": "circular", "zeros": "constant"}.items():
        with pytest.raises(OptionError, match=f"use mode='{ours}'"):
            parse_options(OPS["pad2d"], {"padding": 1, "mode": theirs})


@pytest.mark.parametrize("op", OPS)
def test_every_default_is_an_allowed_value(op: str) -> None:
    row = OPS[op]
    required = {"kernel_size": 2, "groups": 1, "padding": 1, "scale_factor": 2}
    parsed = parse_options(
        row, {o.name: required[o.name] for o in row.options if o.name in required}
    )
    assert list(parsed) == [option.name for option in row.options]
    # what is parsed parses to itself
    assert parse_options(row, parsed) == parsed


def test_the_stride_of_a_pooling_is_its_window_unless_it_is_given() -> None:
    for op in ("max_pool2d", "avg_pool2d"):
        assert parse_options(OPS[op], {"kernel_size": (2, 3)})["stride"] == (2, 3)
        assert parse_options(OPS[op], {"kernel_size": 2, "stride": 1})["stride"] == (1, 1)
