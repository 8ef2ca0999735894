"""Whether a pass broke in a line where a known mistake breaks.

Some mistakes raise where others raise too, and no numbers tell them apart: an image that is written
to an empty slice, one that is cut out again, a gradient that is cropped to nothing. The line that
raised does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["AT_ITS_LINE", "ELSEWHERE", "SOMEWHERE", "where_it_broke"]

AT_ITS_LINE, SOMEWHERE, ELSEWHERE = 0, 1, 2
"""It broke where the mistake breaks; where it may break; where it does not."""


class _Line(NamedTuple):
    """What a line looks like in which a mistake breaks, and in which it may."""

    its_own: re.Pattern[str]
    others: re.Pattern[str]


_OF_A_GRADIENT = re.compile(r"^\s*(?:d|grad)")
_CUT = re.compile(r":\s*-\s*\w")
_CUT_BY_ONE = re.compile(r":\s*-\s*1\b|\b1\s*:|[-+]\s*1\s*[,\]]")
_WRITTEN_TO_A_CUT = re.compile(r":\s*-\s*\w[^=]*\]\s*=[^=]")
_PADDED = re.compile(r"\bpad\w*\(")
_RESHAPED = re.compile(r"\breshape\(")
_NOT_RESHAPED = re.compile(r"^(?!.*\breshape\()")
_ANY, _NONE = re.compile(""), re.compile(r"(?!)")

_LINES = {
    "conv2d_empties_dx_at_padding_0": _Line(_CUT, _OF_A_GRADIENT),
    "conv2d_crops_dx_by_one": _Line(_CUT_BY_ONE, _OF_A_GRADIENT),
    "conv2d_writes_x_to_an_empty_slice": _Line(_WRITTEN_TO_A_CUT, _NONE),
    "conv2d_takes_the_output_for_square": _Line(_RESHAPED, _ANY),
    "max_pool2d_takes_the_output_for_square": _Line(_RESHAPED, _ANY),
    "conv2d_exchanges_the_loops": _Line(_NONE, _NOT_RESHAPED),
    "max_pool2d_exchanges_the_loops": _Line(_NONE, _NOT_RESHAPED),
    "conv2d_takes_dw_from_images_padded_by_one": _Line(_PADDED, re.compile(r"^\s*d\w*w")),
}


def where_it_broke(mistakes: Iterable[str], lines: Iterable[str]) -> int:
    """Hold the lines in which passes broke against those in which mistakes do.

    Parameters
    ----------
    mistakes : iterable of str
        Names of mistakes.
    lines : iterable of str
        What stands in the lines; empty ones are not known.

    Returns
    -------
    int
        ``AT_ITS_LINE``, ``SOMEWHERE`` where nothing is known, or ``ELSEWHERE``.

    Examples
    --------
    >>> line = "dx[n] = dx_pad[:, pad:-pad, pad:-pad]"
    >>> where_it_broke(["conv2d_empties_dx_at_padding_0"], [line]) == AT_ITS_LINE
    True
    >>> where_it_broke(["conv2d_empties_dx_at_padding_0"], ["x_pad[n] = x[n]"]) == ELSEWHERE
    True
    """
    known = [_LINES[name] for name in mistakes if name in _LINES]
    held = [_held(line, written) for line in known for written in lines if written.strip()]
    if ELSEWHERE in held:
        return ELSEWHERE
    return AT_ITS_LINE if AT_ITS_LINE in held else SOMEWHERE


def _held(line: _Line, written: str) -> int:
    if line.its_own.search(written):
        return AT_ITS_LINE
    return SOMEWHERE if line.others.search(written) else ELSEWHERE
