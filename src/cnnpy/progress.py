"""Progress of a training run: lines of text, or in a notebook a table that grows.

>>> import cnnpy
>>> from cnnpy.progress import progress
>>> digits = cnnpy.data.load("digits", seed=0)
>>> model = cnnpy.models.small_cnn(n_classes=10)
>>> classifier = cnnpy.train.fit(
...     model, digits.train, digits.validation, epochs=2, seed=0, callbacks=[progress()]
... )  # doctest: +ELLIPSIS
                   training          validation
epoch      loss  accuracy      loss  accuracy  images/s  elapsed     left
  1/2    ...
  2/2    ...
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element, tostring

from cnnpy.page import element
from cnnpy.train import Callback, Classifier, EpochReport, FitPlan, StepReport
from cnnpy.written import clock, decimal, percent, plural

__all__ = ["NotebookProgress", "Progress", "progress"]

_REFRESH_S = 0.5


class Progress(Callback):
    """Tell a line an epoch, in plain text.

    Parameters
    ----------
    say : callable, optional
        Takes a line of text; ``print`` by default.

    Attributes
    ----------
    epoch, step : int
        How far it is: the epoch, and how many of its steps are done.
    """

    def __init__(self, say: Callable[[str], object] = print) -> None:
        self.say = say
        self.epoch, self.step = 1, 0

    def on_start(self, plan: FitPlan) -> None:
        """Say where it goes on, and give the heads of the columns."""
        self.plan = plan
        self.epoch, self.step = plan.epoch, plan.step
        self.n_before = self._n_steps()
        self.began = self.epoch_began = time.perf_counter()
        if plan.over:
            self.say("the run was over; nothing is left to train")
            return
        if plan.resumed:
            self.say(f"goes on {self.reached()}")
            self.say("")
        self.tell_heads()

    def on_step(self, report: StepReport) -> None:
        """Note how far it is."""
        self.epoch, self.step = report.epoch, report.step

    def on_warning(self, text: str) -> None:
        """Say what may be wrong."""
        self.say(f"! {text}")

    def on_epoch(self, report: EpochReport, classifier: Classifier) -> None:
        """Tell the numbers of an epoch."""
        now = time.perf_counter()
        self.tell_epoch(
            (
                f"{report.epoch}/{self.plan.n_epochs}",
                decimal(report.train_loss),
                percent(report.train_accuracy),
                decimal(report.validation_loss),
                percent(report.validation_accuracy),
                f"{report.images_per_s:,.0f}",
                clock(now - self.began),
                clock(self._left(now)),
            ),
            report.best,
        )
        self.epoch, self.step = report.epoch + 1, 0
        self.epoch_began = time.perf_counter()

    def tell_heads(self) -> None:
        """Give the heads of the columns."""
        self.say(f"{'':>{self._first_width}}{'training':>20}{'validation':>20}")
        self.say(self._line("epoch", *["loss", "accuracy"] * 2, "images/s", "elapsed", "left"))

    def tell_epoch(self, cells: tuple[str, ...], best: bool) -> None:
        """Give the numbers of an epoch.

        Parameters
        ----------
        cells : tuple of str
            As many as there are columns.
        best : bool
            Whether it is the best epoch so far.
        """
        self.say(self._line(*cells) + " *" * best)

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

    def share(self) -> tuple[int, int]:
        """Count the steps.

        Returns
        -------
        tuple of int
            Those that are done, and all of them.
        """
        return self._n_steps(), self.plan.n_epochs * self.plan.n_steps_per_epoch

    def numbers(self, report: StepReport) -> tuple[str, ...]:
        """Write where the run is between two epochs.

        Parameters
        ----------
        report : StepReport
            The epoch so far.

        Returns
        -------
        tuple of str
            Epoch, loss, accuracy, speed and the time that is left.
        """
        now = time.perf_counter()
        speed = report.n_images / max(now - self.epoch_began, 1e-9)
        return (
            f"epoch {report.epoch}/{self.plan.n_epochs}",
            f"loss {decimal(report.loss)}",
            percent(report.accuracy),
            f"{speed:,.0f} images/s",
            f"{clock(self._left(now))} left",
        )

    @property
    def _first_width(self) -> int:
        return 2 * len(str(self.plan.n_epochs)) + 3

    def _line(self, *cells: str) -> str:
        widths = (self._first_width, *[10] * 5, 9, 9)
        return "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))

    def _n_steps(self) -> int:
        return (self.epoch - 1) * self.plan.n_steps_per_epoch + self.step

    def _left(self, now: float) -> float:
        """Return the seconds that are left, if steps go on as they went."""
        finished, total = self.share()
        return (now - self.began) / max(finished - self.n_before, 1) * (total - finished)


class NotebookProgress(Progress):
    """Show the epochs as a table and the steps as a bar, below a notebook's cell.

    Raises
    ------
    ModuleNotFoundError
        Without IPython, which every notebook has.
    """

    def __init__(self) -> None:
        super().__init__(self._note)
        self.notes: list[Element] = []
        self.rows: list[tuple[str, ...]] = []
        self.best = -1
        self.refreshed = 0.0
        self.table, self.bar = _Output(), _Output()

    def on_step(self, report: StepReport) -> None:
        """Renew the bar, twice a second at most."""
        super().on_step(report)
        if time.perf_counter() - self.refreshed >= _REFRESH_S:
            finished, total = self.share()
            bar = element("progress", value=finished, max=total, style="width: 16em")
            self.bar.show(element("div", bar, " " + " · ".join(self.numbers(report))))
            self.refreshed = time.perf_counter()

    def on_end(self, classifier: Classifier) -> None:
        """Take the bar away."""
        self.bar.show(element("div"))

    def tell_heads(self) -> None:
        """Show the table, empty."""
        self._show()

    def tell_epoch(self, cells: tuple[str, ...], best: bool) -> None:
        """Show one more row."""
        self.best = len(self.rows) if best else self.best
        self.rows.append(cells[:-1])  # the time that is left stands beside the bar
        self._show()

    def _note(self, text: str) -> None:
        if text:
            self.notes.append(element("p", text))
            self._show()

    def _show(self) -> None:
        groups = (("", 1), ("training", 2), ("validation", 2), ("", 2))
        heads = ("epoch", *["loss", "accuracy"] * 2, "images/s", "elapsed")
        table = element(
            "table",
            element("caption", "bold: the best epoch so far", style="caption-side: bottom"),
            element(
                "thead",
                element("tr", *(element("th", name, colspan=n) for name, n in groups)),
                element("tr", *(element("th", name) for name in heads)),
            ),
            element("tbody", *(_row(row, k == self.best) for k, row in enumerate(self.rows))),
        )
        self.table.show(element("div", *self.notes, *([table] if self.rows else [])))


def _row(cells: tuple[str, ...], best: bool) -> Element:
    style = "font-weight: bold" if best else None
    return element("tr", *(element("td", cell) for cell in cells), style=style)


class _Output:
    """A place below the cell whose content is replaced."""

    def __init__(self) -> None:
        self.handle: Any = None

    def show(self, content: Element) -> None:
        from IPython.display import HTML, display

        make: Any = HTML  # IPython has no types
        page = make(tostring(content, encoding="unicode", method="html"))
        if self.handle is None:
            show: Any = display
            self.handle = show(page, display_id=True)
        else:
            self.handle.update(page)


def progress() -> Progress:
    """Choose how a run is followed from Python: as a table in a notebook, else in lines.

    Returns
    -------
    Progress
        One of the callbacks of :func:`cnnpy.train.fit`.

    Examples
    --------
    >>> type(progress()).__name__  # in a program
    'Progress'
    """
    return NotebookProgress() if _in_a_notebook() else Progress()


def _in_a_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None
