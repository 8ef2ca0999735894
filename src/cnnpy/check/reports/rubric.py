"""A rubric: how many points each function is worth, as a teacher writes it in TOML.

::

    tie = "wrong"                  # or "right", as by default
    visibility = "after_due_date"  # or visible (the default), hidden, after_published

    [points]
    convolution = 10
    "max pooling" = { forward = 4, backward = 6 }
    relu_forward = { points = 1, visibility = "visible" }

A name is an op (``conv2d``), what a course calls it (``convolution``), or a function that is
looked for (``conv_forward_fast``), which is worth them for its own pass. A number is given
where all of it is right; with a table, each pass has its own.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cnnpy.check.dialects import DIALECTS, KNOWN_NAMES, TASKS
from cnnpy.contract.errors import MissingDataError, OptionError
from cnnpy.contract.options import choice
from cnnpy.page.writing import printable_path

__all__ = ["VISIBILITIES", "Entry", "Rubric", "read_rubric"]

VISIBILITIES = ("visible", "hidden", "after_due_date", "after_published")
"""Gradescope's words for when a student sees something."""

_LARGEST_BYTES = 1 << 16
_MOST_POINTS = 1_000_000
_TIES = ("right", "wrong")
_PASSES = ("forward", "backward")


@dataclass(frozen=True)
class Entry:
    """Points for one thing.

    Parameters
    ----------
    name : str
        An op, a task or a function.
    points : float
        What it is worth.
    passed : {"forward", "backward"} or None
        Which pass; None for all of it.
    visibility : str
        When a student sees it: one of `VISIBILITIES`.
    """

    name: str
    points: float
    passed: str | None = None
    visibility: str = "visible"

    @property
    def title(self) -> str:
        """Name it in a report."""
        return self.name if self.passed is None else f"{self.name}: {self.passed}"


@dataclass(frozen=True)
class Rubric:
    """What a submission can get.

    Parameters
    ----------
    entries : tuple of Entry
        In the order of a report.
    tie_is_wrong : bool
        Whether a tie costs the points.
    """

    entries: tuple[Entry, ...]
    tie_is_wrong: bool = False

    def renamed(self, also_called: Mapping[str, str]) -> Rubric:
        """Give the rubric for a submission that calls some functions otherwise.

        Parameters
        ----------
        also_called : mapping
            Of a known name, the name that it has there.

        Returns
        -------
        Rubric
            The same points for the functions of these names.
        """
        entries = (replace(e, name=also_called.get(e.name, e.name)) for e in self.entries)
        return replace(self, entries=tuple(entries))


def read_rubric(path: Path) -> Rubric:
    """Read a rubric from a file of TOML.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Rubric
        What is in it.

    Raises
    ------
    OptionError
        Where it is no TOML, names what is not known, or gives points that are none.
    MissingDataError
        Where there is no such file.
    """
    where = f"rubric {printable_path(path)}"
    table = _parsed(where, path)
    _only(where, table, ("tie", "visibility", "points"))
    tie = choice(*_TIES)(where, "tie", table.get("tie", "right"))
    visible = choice(*VISIBILITIES)(where, "visibility", table.get("visibility", "visible"))
    points = table.get("points")
    if not isinstance(points, dict) or not points:
        raise OptionError(
            f"{where}: no points", "a table [points] with a row for each function", "add: [points]"
        )
    entries = [e for name, value in points.items() for e in _entries(where, name, value, visible)]
    return Rubric(tuple(entries), tie == "wrong")


def _parsed(where: str, path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise MissingDataError(
            f"{where} is not there", "a file of TOML", "check the path"
        ) from None
    except OSError as error:
        raise OptionError(
            f"{where} cannot be read: {error.strerror}", "a file of TOML", "check the path"
        ) from error
    if len(text) > _LARGEST_BYTES:
        raise OptionError(
            f"{where} has over {_LARGEST_BYTES:,} bytes", "a small file", "name the rubric itself"
        )
    try:
        return tomllib.loads(text.decode())
    except (ValueError, RecursionError) as error:  # no UTF-8 either
        said = " ".join(str(error).split())[:200]
        raise OptionError(
            f"{where} is no TOML: {said}", 'TOML: tie = "wrong", [points]', "mend that line"
        ) from None


def _only(where: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        choice(*known)(where, "a key", key)


_NAMES = tuple(dict.fromkeys((*TASKS, *KNOWN_NAMES)))


def _entries(where: str, name: str, value: Any, visible: str) -> Iterator[Entry]:
    known = _known(where, name)
    if not isinstance(value, dict):
        yield Entry(known, _points(where, name, value), None, visible)
        return
    _only(f"{where}, {name}", value, ("points", *_PASSES, "visibility"))
    visible = choice(*VISIBILITIES)(where, "visibility", value.get("visibility", visible))
    given = [key for key in ("points", *_PASSES) if key in value]
    if not given or ("points" in given and len(given) > 1):
        raise OptionError(
            f"{where}: {name} has {' and '.join(given) or 'no points'}",
            "points for all of it, or points for forward and backward",
            f'write "{name}" = {{ forward = 1, backward = 1 }}',
        )
    for key in given:
        if key == "backward" and not _has_backward(known):
            raise OptionError(
                f"{where}: {name} has points for backward",
                "points for a function that has a backward pass of its own",
                f'write "{name}" = 1: its one function gives the loss and its gradient',
            )
        passed = None if key == "points" else key
        yield Entry(known, _points(where, f"{name}: {key}", value[key]), passed, visible)


def _known(where: str, name: str) -> str:
    if name not in _NAMES:
        short = name[:60]
        near = get_close_matches(short, _NAMES, n=1, cutoff=0.0)[0]
        raise OptionError(
            f"{where}: points for {short!r}",
            "an op (conv2d), what a course calls it (convolution), or a function's known name",
            f'write "{near}"',
        )
    return name


def _has_backward(name: str) -> bool:
    of_it = [d for d in DIALECTS if name in (d.op, d.task, *d.forward, *d.backward)]
    return not of_it or any(d.has_a_function_for_backward for d in of_it)


def _points(where: str, name: str, value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value <= _MOST_POINTS:
        raise OptionError(
            f"{where}: {name} is worth {str(value)[:40]!r}",
            f"a number of points from 0 to {_MOST_POINTS:,}",
            f'write "{name.split(":")[0]}" = 1',
        )
    return float(value)
