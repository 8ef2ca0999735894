"""A cause is guessed at where several cases show it, and one condition alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnpy import reference
from cnnpy.check.checking import EFFORTS, run
from cnnpy.check.observe import Grade
from cnnpy.check.patterns import _Parting


@pytest.mark.parametrize(
    ("words", "wrong", "also", "meaning"),
    [
        (("the batch is one",), 2, 0, "a batch of one loses its axis"),
        (("the batch is one",), 1, 0, None),
        (("the batch is one", "there is one filter"), 9, 0, None),
        (
            ("the window is not square", "the image is not square"),
            9,
            0,
            "height and width are confused",
        ),
        (("the padding is 0",), 3, 1, "it goes wrong without padding"),
        (("the padding is 0",), 2, 1, None),
        (("gamma is None",), 9, 0, None),
        (("the batch is one", "gamma is None"), 9, 0, None),
    ],
)
def test_what_conditions_speak_for(
    words: tuple[str, ...], wrong: int, also: int, meaning: str | None
) -> None:
    assert _Parting("dx", words, wrong, 30, also).meaning == meaning


def test_how_many_cases_support_a_condition_is_said() -> None:
    parting = _Parting("dx", ("the padding is 0",), 7, 30, 0)
    said = (
        "dx is wrong exactly where the padding is 0: in all 7 such cases, and in none of 30 others"
    )
    assert str(parting) == said
    one = parting._replace(place="", wrong=1)
    assert str(one).endswith("in the one such case, and in none of 30 others")
    some = parting._replace(also=2)
    assert str(some) == "dx is wrong only where the padding is 0: in 7 of 9 such cases"
    two = parting._replace(words=("the padding is 0", "the batch is one"))
    assert "where the padding is 0, or the batch is one: in" in str(two)


def details(functions: Any) -> tuple[str, tuple[str, ...]]:
    report = run(functions, effort=EFFORTS["ordinary"])
    (found,) = [c for c in report.conclusions if c.grade is Grade.WRONG]
    return found.title, found.details


def test_an_input_that_is_left_out_is_seen_to_part_wrong_from_right_and_no_batch_of_one() -> None:
    def forward(x: Any, gamma: Any, beta: Any, **options: Any) -> Any:
        out, cache = reference.group_norm_forward(x, gamma, beta, **options)
        return out, cache

    def backward(dout: Any, cache: Any) -> Any:
        if cache[2] is None and cache[3] is not None:
            raise RuntimeError("tensor does not have a device")
        return reference.group_norm_backward(dout, cache)

    title, said = details({"group_norm_forward": forward, "group_norm_backward": backward})
    assert "as it seems" not in title
    assert any("where gamma is None and beta is not: in" in line for line in said)


def test_a_cause_that_many_cases_show_is_told() -> None:
    def forward(x: Any, w: Any, b: Any, **options: Any) -> Any:
        out, cache = reference.conv2d_forward(x, w, b, **options)
        pad = np.max(options["padding"])
        return out * (1.0 if pad else 1.25), cache

    title, said = details({"conv2d_forward": forward, "conv2d_backward": reference.conv2d_backward})
    assert title == "it goes wrong without padding, as it seems"
    assert any("where the padding is 0: in " in line for line in said)
