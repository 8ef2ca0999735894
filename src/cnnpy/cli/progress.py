"""Progress: a line an epoch, and on a terminal a line below that follows each step."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from cnnpy.cli.output import Page, clock, is_terminal, number, percent
from cnnpy.train import Callback, Classifier, EpochReport, FitPlan, StepReport

__all__ = ["LiveProgress", "Progress", "progress"]

_REFRESH_S = 0.1


class Progress(Callback):
    """Print a line an epoch, in plain text.

    Parameters
    ----------
    page : Page
        Where to.

    Attributes
    ----------
    n_finished : int
        Epochs that are over.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.n_finished = 0

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
        """Print the heads of the columns."""
        self.plan = plan
        self.began = time.perf_counter()
        self.digits = len(str(plan.n_epochs))
        self._print(
            f"{'':>{2 * self.digits + 3}}{'training':>20}{'validation':>20}",
            f"{'epoch':>{2 * self.digits + 3}}"
            f"{'loss':>10}{'accuracy':>10}{'loss':>10}{'accuracy':>10}"
            f"{'images/s':>10}{'elapsed':>9}{'left':>9}",
        )

    def on_epoch(self, report: EpochReport, classifier: Classifier) -> None:
        """Print the numbers of an epoch."""
        self.n_finished = report.epoch
        elapsed = time.perf_counter() - self.began
        left = elapsed / report.epoch * (self.plan.n_epochs - report.epoch)
        epoch = f"{report.epoch}/{self.plan.n_epochs}"
        self._print(
            f"{epoch:>{2 * self.digits + 3}}"
            f"{number(report.train_loss):>10}{percent(report.train_accuracy):>10}"
            f"{number(report.validation_loss):>10}{percent(report.validation_accuracy):>10}"
            f"{report.images_per_s:>10,.0f}{clock(elapsed):>9}{clock(left):>9}"
            f"{' *' if report.best else ''}"
        )

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
        now = time.perf_counter()
        if now - self.refreshed >= _REFRESH_S:
            self.refreshed = now
            self.live.update(self._line(report, now), refresh=True)

    def on_epoch(self, report: EpochReport, classifier: Classifier) -> None:
        """Print the numbers of an epoch, and note when the next begins."""
        super().on_epoch(report, classifier)
        self.epoch_began = time.perf_counter()

    def _line(self, report: StepReport, now: float) -> Table:
        per_epoch, n_epochs = self.plan.n_steps_per_epoch, self.plan.n_epochs
        finished = (report.epoch - 1) * per_epoch + report.step
        total = n_epochs * per_epoch
        left = (now - self.began) / finished * (total - finished)
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
