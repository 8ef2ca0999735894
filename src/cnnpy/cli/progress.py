"""Progress: a line an epoch, and on a terminal a line below that follows each step."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from cnnpy.cli.curves import TerminalCurves
from cnnpy.cli.output import Page, clock, is_terminal, number, percent, plural
from cnnpy.train import Callback, Classifier, EpochReport, FitPlan, StepReport

__all__ = ["LiveProgress", "Progress", "progress"]

_REFRESH_S = 0.1

_ROOM_FOR_CURVES = 24
"""Lines that a terminal has at least where curves are drawn."""


class Progress(Callback):
    """Print a line an epoch, in plain text.

    Parameters
    ----------
    page : Page
        Where to.

    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.epoch, self.step = 1, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def on_start(self, plan: FitPlan) -> None:
        """Print where it goes on, and the heads of the columns."""
        self.plan = plan
        self.epoch, self.step = plan.epoch, plan.step
        self.n_before = self._n_steps()
        self.began = time.perf_counter()
        self.digits = len(str(plan.n_epochs))
        if plan.over:
            self._print("the run was over; nothing is left to train")
            return
        if plan.resumed:
            self._print(f"goes on {self.reached()}", "")
        self._print(
            f"{'':>{2 * self.digits + 3}}{'training':>20}{'validation':>20}",
            f"{'epoch':>{2 * self.digits + 3}}"
            f"{'loss':>10}{'accuracy':>10}{'loss':>10}{'accuracy':>10}"
            f"{'images/s':>10}{'elapsed':>9}{'left':>9}",
        )

    def on_step(self, report: StepReport) -> None:
        """Note how far it is."""
        self.epoch, self.step = report.epoch, report.step

    def on_warning(self, text: str) -> None:
        """Print what may be wrong."""
        self._print(f"! {text}")

    def reached(self) -> str:
        """Say how far it is.

        Returns
        -------
        str
            "after 2 epochs and 17 steps".
        """
        parts = [plural(self.epoch - 1, "epoch")] * (self.epoch > 1)
        parts += [plural(self.step, "step")] * (self.step > 0 or not parts)
        return f"after {' and '.join(parts)}"

    def on_epoch(self, report: EpochReport, classifier: Classifier) -> None:
        """Print the numbers of an epoch."""
        elapsed = time.perf_counter() - self.began
        left = self._left(elapsed)
        epoch = f"{report.epoch}/{self.plan.n_epochs}"
        self._print(
            f"{epoch:>{2 * self.digits + 3}}"
            f"{number(report.train_loss):>10}{percent(report.train_accuracy):>10}"
            f"{number(report.validation_loss):>10}{percent(report.validation_accuracy):>10}"
            f"{report.images_per_s:>10,.0f}{clock(elapsed):>9}{clock(left):>9}"
            f"{' *' if report.best else ''}"
        )
        self.epoch, self.step = report.epoch + 1, 0

    def _n_steps(self) -> int:
        return (self.epoch - 1) * self.plan.n_steps_per_epoch + self.step

    def _left(self, elapsed: float) -> float:
        """Return the seconds that are left, if steps go on as they went."""
        total = self.plan.n_epochs * self.plan.n_steps_per_epoch
        n_steps = self._n_steps()
        return elapsed / max(n_steps - self.n_before, 1) * (total - n_steps)

    def _print(self, *lines: str) -> None:
        for line in lines:
            self.page.say(line)


class LiveProgress(Progress):
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

    def on_start(self, plan: FitPlan) -> None:
        """Print the heads of the columns, and note when the first epoch begins."""
        super().on_start(plan)
        self.epoch_began = time.perf_counter()

    def on_step(self, report: StepReport) -> None:
        """Renew the line, ten times a second at most."""
        super().on_step(report)
        now = time.perf_counter()
        if now - self.refreshed >= _REFRESH_S:
            self.refreshed = now
            line = self._line(report, now)
            curves = TerminalCurves(self.plan.classifier.history, n_epochs=self.plan.n_epochs)
            self.live.update(Group("", curves, line) if self._has_room() else line, refresh=True)

    def on_epoch(self, report: EpochReport, classifier: Classifier) -> None:
        """Print the numbers of an epoch, and note when the next begins."""
        super().on_epoch(report, classifier)
        self.epoch_began = time.perf_counter()

    def _has_room(self) -> bool:
        """Tell whether curves fit below the lines of the epochs."""
        return bool(self.plan.classifier.history) and self.page.height >= _ROOM_FOR_CURVES

    def _line(self, report: StepReport, now: float) -> Table:
        per_epoch, n_epochs = self.plan.n_steps_per_epoch, self.plan.n_epochs
        finished, total = self._n_steps(), n_epochs * per_epoch
        left = self._left(now - self.began)
        speed = report.n_images / max(now - self.epoch_began, 1e-9)
        line = Table.grid(padding=(0, 2, 0, 0), expand=True)
        line.add_column(no_wrap=True)
        line.add_column(ratio=1)
        for _ in range(4):
            line.add_column(no_wrap=True, justify="right")
        line.add_row(
            f"epoch {report.epoch}/{n_epochs}",
            ProgressBar(total, finished, complete_style="cyan", finished_style="cyan"),
            f"loss {number(report.loss)}",
            f"{percent(report.accuracy)}",
            f"{speed:,.0f} images/s",
            f"{clock(left)} left",
        )
        return line


def progress(page: Page) -> Progress:
    """Choose the way to show progress that standard output can show."""
    return LiveProgress(page) if is_terminal() else Progress(page)
