"""How numbers are written for people, the same in every place: shares, counts, times, sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["clock", "count", "decimal", "in_bytes", "percent", "plural", "times", "whole_percent"]

_THOUSANDS = ("", " k", " M", " G", " T")
_BINARY = (" B", " KiB", " MiB", " GiB", " TiB")
_ROUNDS_TO_1000 = 999.5


def percent(share: float) -> str:
    """Write a share of one with two decimals, a dash where there is none.

    Parameters
    ----------
    share : float
        From 0 to 1, or NaN.

    Returns
    -------
    str
        The number and its sign.

    Examples
    --------
    >>> percent(0.98612), percent(float("nan"))
    ('98.61 %', '-')
    """
    return "-" if math.isnan(share) else f"{100 * share:.2f} %"


def whole_percent(share: float) -> str:
    """Write a probability in few letters.

    Parameters
    ----------
    share : float
        From 0 to 1.

    Returns
    -------
    str
        The number and its sign.

    Examples
    --------
    >>> whole_percent(0.986), whole_percent(0.001)
    ('99 %', '<1 %')
    """
    return f"{100 * share:.0f} %" if share >= 0.005 else "<1 %"


def decimal(value: float) -> str:
    """Write a loss in at most nine letters.

    Parameters
    ----------
    value : float
        Any number.

    Returns
    -------
    str
        With four decimals where it is below 100.

    Examples
    --------
    >>> decimal(0.12345), decimal(-1234.5)
    ('0.1235', '-1.23e+03')
    """
    return f"{value:.4f}" if not abs(value) >= 100 else f"{value:.2e}"


def clock(seconds: float) -> str:
    """Write a duration.

    Parameters
    ----------
    seconds : float
        At least 0.

    Returns
    -------
    str
        Hours, where there are any, minutes and seconds.

    Examples
    --------
    >>> clock(7), clock(754), clock(5025)
    ('0:07', '12:34', '1:23:45')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def count(value: float) -> str:
    """Write a number with three digits and the largest unit that it reaches.

    Parameters
    ----------
    value : float
        At least 0.

    Returns
    -------
    str
        The number and its unit; a name may follow at once.

    Examples
    --------
    >>> count(12), count(1_240_000)
    ('12', '1.24 M')
    """
    return _with_unit(value, 1000, _THOUSANDS)


def in_bytes(value: float) -> str:
    """Write a size of memory with three digits and the largest unit that it reaches.

    Parameters
    ----------
    value : float
        In bytes.

    Returns
    -------
    str
        The number and its unit.

    Examples
    --------
    >>> in_bytes(12), in_bytes(3 * 2**19)
    ('12 B', '1.5 MiB')
    """
    return _with_unit(value, 1024, _BINARY)


def _with_unit(value: float, step: int, units: Sequence[str]) -> str:
    power = 0
    while value >= _ROUNDS_TO_1000 and power < len(units) - 1:
        value /= step
        power += 1
    return (f"{value:,.0f}" if value >= _ROUNDS_TO_1000 else f"{value:.3g}") + units[power]


def plural(n: int, thing: str) -> str:
    """Write a number of things.

    Parameters
    ----------
    n : int
        How many.
    thing : str
        The name of one.

    Returns
    -------
    str
        The number and the name of one or of many.

    Examples
    --------
    >>> plural(1, "image"), plural(1078, "image"), plural(10, "class")
    ('1 image', '1,078 images', '10 classes')
    """
    ending = "" if n == 1 else "es" if thing.endswith("s") else "s"
    return f"{n:,} {thing}{ending}"


def times(shape: Sequence[int]) -> str:
    """Write a shape.

    Parameters
    ----------
    shape : sequence of int
        Its sides.

    Returns
    -------
    str
        The sides with signs of multiplication between them.

    Examples
    --------
    >>> times((3, 32, 32))
    '3×32×32'
    """
    return "×".join(map(str, shape))
