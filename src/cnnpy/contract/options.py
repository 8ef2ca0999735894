"""The kinds of option, each a function that checks a value and normalises it.

A parser is called with the op's name, the option's name and the value, and
returns what the backends receive: ``stride=2`` becomes ``(2, 2)``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from cnnpy.contract.errors import OptionError

Parser = Callable[[str, str, object], Any]

__all__ = ["Parser", "choice", "flag", "integer", "nearest", "pair", "real", "sides", "written"]

_LONGEST = 120


def integer(minimum: int | None = None) -> Parser:
    """Take an integer of at least `minimum`; a bool is none."""

    def parse(op: str, name: str, value: object) -> int:
        number = _index(value)
        if number is None:
            at_least = "" if minimum is None else f" of at least {minimum}"
            raise OptionError(
                f"{op}: {name}={written(value)}",
                f"an integer{at_least}",
                f"use {name}={_nearest(value, minimum)}",
            )
        if minimum is not None and number < minimum:
            raise OptionError(
                f"{op}: {name}={written(number)}",
                f"{name} of at least {minimum}",
                f"use {name}={minimum}",
            )
        return number

    return parse


def pair(minimum: int) -> Parser:
    """Take an integer for both axes, or a pair (along H, along W)."""

    def parse(op: str, name: str, value: object) -> tuple[int, int]:
        number = _index(value)
        numbers = (number, number) if number is not None else _indices(value)
        if numbers is None or len(numbers) != 2:
            raise OptionError(
                f"{op}: {name}={written(value)}",
                f"an integer, or a pair of integers (along H, along W), of at least {minimum}",
                _pair_hint(name, value, numbers, minimum),
            )
        if min(numbers) < minimum:
            right = tuple(max(n, minimum) for n in numbers)
            raise OptionError(
                f"{op}: {name}={written(value)}",
                f"{name} of at least {minimum}",
                f"use {name}={right if number is None else right[0]}",
            )
        return numbers[0], numbers[1]

    return parse


def sides() -> Parser:
    """Take one integer, a pair (along H, along W), or (top, bottom, left, right)."""

    def parse(op: str, name: str, value: object) -> tuple[int, int, int, int]:
        number = _index(value)
        numbers = (number,) * 4 if number is not None else _indices(value)
        if numbers is not None and len(numbers) == 2:
            numbers = (numbers[0], numbers[0], numbers[1], numbers[1])
        if numbers is None or len(numbers) != 4:
            raise OptionError(
                f"{op}: {name}={written(value)}",
                "an integer, a pair (along H, along W), or four (top, bottom, left, right)",
                _sides_hint(name, value, numbers),
            )
        if min(numbers) < 0:
            top, bottom, left, right = (max(-n, 0) for n in numbers)
            rows, columns = f"{top or ''}:{-bottom or ''}", f"{left or ''}:{-right or ''}"
            raise OptionError(
                f"{op}: {name}={written(value)}",
                "no negative padding",
                f"cut the images with a slice instead: x[:, :, {rows}, {columns}]",
            )
        return numbers[0], numbers[1], numbers[2], numbers[3]

    return parse


def real(
    low: float = -math.inf, high: float = math.inf, *, above: bool = False, below: bool = False
) -> Parser:
    """Take a finite number from `low` to `high`; `above`, `below`: without the end itself."""

    def parse(op: str, name: str, value: object) -> float:
        try:
            number = math.nan if isinstance(value, (bool, np.bool_)) else float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        left = low < number if above else low <= number
        right = number < high if below else number <= high
        if isinstance(value, str) or not (math.isfinite(number) and left and right):
            raise OptionError(
                f"{op}: {name}={written(value)}",
                f"a finite number{_range_text(low, high, above, below)}",
                f"use {name}={_inside(number, low, high, above, below)}",
            )
        return number

    return parse


def flag() -> Parser:
    """Take True or False (NumPy's too)."""

    def parse(op: str, name: str, value: object) -> bool:
        if type(value).__name__ not in ("bool", "bool_"):
            raise OptionError(
                f"{op}: {name}={written(value)}", "True or False", f"use {name}={_truth(value)}"
            )
        return bool(value)

    return parse


def choice(*names: str, **elsewhere: str) -> Parser:
    """Take one of some names; `elsewhere` tells what other libraries call them."""

    def parse(op: str, name: str, value: object) -> str:
        if not isinstance(value, str) or value not in names:
            near = nearest(value, names)
            raise OptionError(
                f"{op}: {name}={written(value)}",
                "one of " + ", ".join(repr(n) for n in names),
                f"use {name}={elsewhere.get(str(value), near)!r}",
            )
        return value

    return parse


def nearest(given: object, names: Iterable[str]) -> str:
    """Return the name that was most likely meant.

    Parameters
    ----------
    given : object
        What was given in place of a name.
    names : iterable of str
        Those that there are, at least one.

    Returns
    -------
    str
        One of them.

    Examples
    --------
    >>> nearest("epoch", ["batch_size", "epochs"])
    'epochs'
    """
    import difflib

    text = given[:_LONGEST] if isinstance(given, str) else written(given)
    return difflib.get_close_matches(text, list(names), n=1, cutoff=0.0)[0]


def written(value: object) -> str:
    """Write a value into a message, whatever a stranger's file makes of it.

    Parameters
    ----------
    value : object
        Of any size and depth.

    Returns
    -------
    str
        Its repr, cut where it is long.

    Examples
    --------
    >>> written("reflect")
    "'reflect'"
    >>> len(written([1] * 10_000))
    123
    """
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deeply, or more digits than Python writes
        text = f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _index(value: object) -> int | None:
    if type(value).__name__ in ("bool", "bool_"):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def _indices(value: object) -> tuple[int, ...] | None:
    if isinstance(value, str):
        return None
    try:
        numbers = [_index(item) for item in value]  # type: ignore[attr-defined]
    except TypeError:
        return None
    return tuple(n for n in numbers if n is not None) if None not in numbers else None


def _nearest(value: object, minimum: int | None) -> int:
    try:
        number = round(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = minimum if minimum is not None else 1
    return max(number, minimum) if minimum is not None else number


def _range_text(low: float, high: float, above: bool, below: bool) -> str:
    parts = []
    if low > -math.inf:
        parts.append(f"{'above' if above else 'of at least'} {low:g}")
    if high < math.inf:
        parts.append(f"{'below' if below else 'at most'} {high:g}")
    return "".join(f"{' and' if i else ''} {part}" for i, part in enumerate(parts))


def _pair_hint(name: str, value: object, numbers: tuple[int, ...] | None, minimum: int) -> str:
    if name == "padding" and value == "same":
        return "with stride=1 and an odd window use padding=dilation*(HH - 1)//2"
    if numbers:
        kept = tuple(max(n, minimum) for n in numbers[:2])
        return f"use {name}={kept if len(kept) == 2 else kept[0]}"
    return f"use {name}={_nearest(value, minimum)}"


def _sides_hint(name: str, value: object, numbers: tuple[int, ...] | None) -> str:
    pairs = [_indices(item) for item in value] if isinstance(value, list | tuple) else []
    if len(pairs) == 2 and all(p is not None and len(p) == 2 for p in pairs):
        return f"use {name}={tuple(n for p in pairs for n in p or ())}"  # as np.pad has them
    if numbers is not None:
        return f"give one, two or four numbers, not {len(numbers)}"
    return f"use {name}={_nearest(value, 0)}"


def _truth(value: object) -> bool:
    if isinstance(value, str):
        return value.lower() not in ("", "0", "false", "no", "off")
    try:
        return bool(value)
    except ValueError:
        return True


def _inside(number: float, low: float, high: float, above: bool, below: bool) -> str:
    """Write a number of the range that is near to `number`."""
    nearest = min(max(number, low), high) if math.isfinite(number) else math.nan
    if math.isnan(nearest) or (above and nearest <= low) or (below and nearest >= high):
        if math.isfinite(low) and math.isfinite(high):
            nearest = (low + high) / 2
        elif math.isfinite(low):
            nearest = low + 1e-5 if above else low
        else:
            nearest = 0.0 if not math.isfinite(high) else high
    return f"{nearest:g}"
