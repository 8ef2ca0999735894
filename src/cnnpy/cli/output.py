"""What is printed: the console and its tables."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from cnnpy.data.files import shown

__all__ = ["Page", "columns", "is_terminal", "quieten_matplotlib", "shown"]


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


def quieten_matplotlib() -> None:
    """Keep its notes on caches of fonts from standard error."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
