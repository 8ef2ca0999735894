"""Progress on a terminal: a line an epoch, and one below that follows each step."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from cnnpy.cli.curves import TerminalCurves
from cnnpy.cli.output import Page, is_terminal
from cnnpy.progress import Progress
from cnnpy.train import StepReport

__all__ = ["LineProgress", "LiveProgress", "progress"]

_REFRESH_S = 0.1

_ROOM_FOR_CURVES = 24
"""Lines that a terminal has at least where curves are drawn."""


class LineProgress(Progress):
    """Print a line an epoch.

    Parameters
    ----------
    page : Page
        Where to.
    """

    def __init__(self, page: Page) -> None:
        super().__init__(page.say)
        self.page = page

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass


class LiveProgress(LineProgress):
    """Follow each step in a line below those of the epochs.

    Parameters
    ----------
    page : Page
        A terminal.
    """

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.live = Live(console=page, auto_refresh=False, transient=True)
        self.refreshed = 0.0

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.live.update("")
        self.live.stop()

    def on_step(self, report: StepReport) -> None:
        """Renew the line, ten times a second at most."""
        super().on_step(report)
        now = time.perf_counter()
        if now - self.refreshed >= _REFRESH_S:
            self.refreshed = now
            line = self._bar(report)
            curves = TerminalCurves(self.plan.classifier.history, n_epochs=self.plan.n_epochs)
            self.live.update(Group("", curves, line) if self._has_room() else line, refresh=True)

    def _has_room(self) -> bool:
        """Tell whether curves fit below the lines of the epochs."""
        return bool(self.plan.classifier.history) and self.page.height >= _ROOM_FOR_CURVES

    def _bar(self, report: StepReport) -> Table:
        finished, total = self.share()
        epoch, *numbers = self.numbers(report)
        line = Table.grid(padding=(0, 2, 0, 0), expand=True)
        line.add_column(no_wrap=True)
        line.add_column(ratio=1)
        for _ in numbers:
            line.add_column(no_wrap=True, justify="right")
        bar = ProgressBar(total, finished, complete_style="cyan", finished_style="cyan")
        line.add_row(epoch, bar, *numbers)
        return line


def progress(page: Page) -> LineProgress:
    """Choose the way to show progress that standard output can show."""
    return LiveProgress(page) if is_terminal() else LineProgress(page)
