"""What is printed: the console, and how numbers and names are written."""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from cnnpy.contract.shapes import Shape
from cnnpy.data.files import shown

__all__ = [
    "Page",
    "clock",
    "columns",
    "count",
    "is_terminal",
    "number",
    "percent",
    "plural",
    "quieten_matplotlib",
    "shown",
    "times",
]


def is_terminal() -> bool:
    """Tell whether standard output is a terminal that may be sent colours and motion."""
    wants_none = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not wants_none


class Page(Console):
    """Standard output; into a pipe or a file it writes text alone."""

    def __init__(self) -> None:
        motion = is_terminal()
        super().__init__(
            force_terminal=motion,
            color_system="auto" if motion else None,
            markup=False,
            highlight=False,
            emoji=False,
        )

    def say(self, text: str = "") -> None:
        """Print a line as it is; where it is too long, the terminal breaks it."""
        self.print(text, soft_wrap=True)

    def table(self, table: Table) -> None:
        """Print a table without the spaces that fill its lines up."""
        with self.capture() as drawn:
            self.print(table)
        self.file.writelines(f"{line.rstrip()}\n" for line in drawn.get().splitlines())

    def on_broken_pipe(self) -> None:
        """Let the error pass that is being handled, where rich would leave the program."""
        raise


def columns(*headers: str, right: Sequence[str] = (), fold: Sequence[str] = ()) -> Table:
    """Make a table under a single rule; only the columns of `fold` may break their text."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for header in headers:
        table.add_column(
            header,
            justify="right" if header in right else "left",
            no_wrap=header not in fold,
            overflow="fold",
        )
    return table


def times(shape: Shape) -> str:
    """Write a shape: ``3×32×32``."""
    return "×".join(map(str, shape))


def percent(share: float) -> str:
    """Write a share of one: ``98.61 %``."""
    return "-" if math.isnan(share) else f"{100 * share:.2f} %"


def number(value: float) -> str:
    """Write a loss in at most eight letters."""
    return f"{value:.4f}" if not abs(value) >= 100 else f"{value:.2e}"


def clock(seconds: float) -> str:
    """Write a duration: ``0:07``, ``12:34`` or ``1:23:45``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def count(value: float, step: int = 1000, units: Sequence[str] = ("", " k", " M", " G")) -> str:
    """Write a number with three digits and its unit: ``1.24 M``."""
    power = 0
    while value >= step and power < len(units) - 1:
        value /= step
        power += 1
    return f"{value:.3g}{units[power]}"


def plural(n: int, thing: str) -> str:
    """Write a number of things: ``1 image``, ``1,078 images``, ``10 classes``."""
    ending = "" if n == 1 else "es" if thing.endswith("s") else "s"
    return f"{n:,} {thing}{ending}"


def quieten_matplotlib() -> None:
    """Keep its notes on caches of fonts from standard error."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
