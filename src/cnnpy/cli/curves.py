"""Curves in the terminal: loss and accuracy by epoch, in a few lines of text.

On a terminal with colours the curves are drawn in braille, eight dots a letter; elsewhere
in plain letters: ``t`` training, ``v`` validation, ``*`` both.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from cnnpy.train import EpochReport

__all__ = ["TerminalCurves"]

_WIDEST, _NARROWEST = 100, 24
_GAP = "  "
_LOG_RATIO = 20.0
_LABEL = 7  # letters left of a panel
# Bits of a braille letter by row and column of its dots; U+2800 has none.
_BRAILLE, _DOTS = 0x2800, ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

Cells = dict[tuple[int, int], tuple[str, str]]
"""By column and row of a letter, the letter and its style."""


class _Series(NamedTuple):
    """One curve: its name among the epoch's numbers, its letter and its colour."""

    part: str
    name: str
    letter: str
    style: str


_SERIES = (
    _Series("train", "training", "t", "cyan"),
    _Series("validation", "validation", "v", "yellow"),
)


class _Panel(NamedTuple):
    """What a panel shows: its title, the number of an epoch, its unit, how it is written."""

    title: str
    quantity: str
    scale: float
    written: str


_PANELS = (
    _Panel("loss", "loss", 1.0, "{:.3g}"),
    _Panel("accuracy (%)", "accuracy", 100.0, "{:.1f}"),
)


class TerminalCurves:
    """Draw loss and accuracy by epoch in a terminal; a renderable for rich.

    Parameters
    ----------
    history : sequence of EpochReport
        The epochs so far. It is read each time that this is drawn, so a list that grows is
        drawn as it is then.
    n_epochs : int, optional
        How many there will be: the right end of the axis. As many as there are by default.
    height : int
        Lines of each panel, its title and axis not counted.

    Examples
    --------
    >>> from rich.console import Console
    >>> epochs = [EpochReport(k, 0.1, 2 / k, 1 - 1 / k, 3 / k, 0.5, 9, 1, True) for k in (1, 2)]
    >>> Console(width=60, color_system=None).print(TerminalCurves(epochs, height=3))
    loss                           accuracy (%)
         3 |vvvvvvv                  50.0 |vvvvvvvvvvvvvvv******
           |ttttttt***vvvvvvvvvv          |      ttttttttt
         1 |          tttttttttt*     0.0 |tttttt
           +---------------------         +---------------------
            epoch 1             2          epoch 1             2
            t training  v validation  * both
    """

    def __init__(
        self, history: Sequence[EpochReport], *, n_epochs: int | None = None, height: int = 7
    ) -> None:
        self.history = history
        self.n_epochs = n_epochs
        self.height = max(height, 2)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give rich the lines; none before the first epoch is over."""
        epochs = list(self.history)
        if not epochs:
            return
        plain = console.color_system is None or options.ascii_only
        width = min(options.max_width, _WIDEST)
        beside = width >= 2 * _NARROWEST + len(_GAP)
        each = (width - len(_GAP)) // 2 if beside else width
        panels = [list(self._panel(panel, epochs, each, plain)) for panel in _PANELS]
        if beside:
            for left, right in zip(*panels, strict=True):
                left.pad_right(each - left.cell_len)
                yield _without_end(Text.assemble(left, _GAP, right))
        else:
            for panel in panels:
                yield from panel
        yield self._legend(epochs, plain)

    def _panel(
        self, panel: _Panel, epochs: list[EpochReport], width: int, plain: bool
    ) -> Iterator[Text]:
        """Draw one panel line by line: its title, the curves, the axis and its ends."""
        last = max(self.n_epochs or 0, epochs[-1].epoch)
        values = {s: _values(epochs, s.part, panel) for s in _SERIES}
        low, high, is_log = _range([v for all_ in values.values() for _, v in all_])
        n_columns = max(width - _LABEL - 1, 2)
        dots = (1, 1) if plain else (2, 4)
        frame = _Frame(n_columns * dots[0], self.height * dots[1], last, low, high, is_log)
        drawn = {s: frame.dots(values[s]) for s in _SERIES}
        cells = _in_letters(drawn) if plain else _in_braille(drawn)
        bar, corner, line = ("|", "+", "-") if plain else ("│", "└", "─")
        yield Text(f"{panel.title}{', log scale' if is_log else ''}")
        for row in range(self.height):
            value = {0: high, self.height - 1: low}.get(row)
            label = "" if value is None else panel.written.format(value)
            text = Text(f"{label:>{_LABEL - 1}} {bar}")
            letters = (cells.get((column, row), (" ", "")) for column in range(n_columns))
            for colour, run in itertools.groupby(letters, key=lambda cell: cell[1]):
                text.append("".join(letter for letter, _ in run), colour)
            yield _without_end(text)
        yield Text(" " * _LABEL + corner + line * n_columns)
        ends = f"{'epoch 1':<{max(n_columns - len(str(last)), 0)}}{last}"
        yield Text(" " * (_LABEL + 1) + (ends if last > 1 else "epoch 1"))

    def _legend(self, epochs: list[EpochReport], plain: bool) -> Text:
        shown = [s for s in _SERIES if s.part == "train" or _has_validation(epochs)]
        text = Text(" " * (_LABEL + 1))
        for s in shown:
            mark = s.letter if plain else "━━"
            text.append(mark, style="" if plain else s.style)
            text.append(f" {s.name}  ")
        if plain and len(shown) > 1:
            text.append("* both")
        return _without_end(text)


class _Frame(NamedTuple):
    """Where the numbers of an epoch lie among the dots of a panel."""

    n_columns: int
    n_rows: int
    last_epoch: int
    low: float
    high: float
    is_log: bool

    def at(self, epoch: int, value: float) -> tuple[float, float]:
        """Return column and row, the top row 0."""
        x = (epoch - 1) / max(self.last_epoch - 1, 1)
        low, high = self.low, self.high
        if self.is_log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        y = (value - low) / (high - low) if high > low else 0.5
        return x * (self.n_columns - 1), (1 - y) * (self.n_rows - 1)

    def dots(self, points: Sequence[tuple[int, float]]) -> set[tuple[int, int]]:
        """Return the dots of a curve through points that lie in successive epochs."""
        found: set[tuple[int, int]] = set()
        before: tuple[int, tuple[float, float]] | None = None
        for epoch, value in points:
            here = self.at(epoch, value)
            start = before[1] if before is not None and before[0] == epoch - 1 else here
            n = max(round(abs(here[0] - start[0])), round(abs(here[1] - start[1])), 1)
            for k in range(n + 1):
                share = k / n
                x = start[0] + share * (here[0] - start[0])
                y = start[1] + share * (here[1] - start[1])
                found.add((round(x), round(y)))
            before = epoch, here
        return found


def _values(epochs: list[EpochReport], part: str, panel: _Panel) -> list[tuple[int, float]]:
    """Return epochs with their finite numbers."""
    found = [(r.epoch, panel.scale * getattr(r, f"{part}_{panel.quantity}")) for r in epochs]
    return [(epoch, value) for epoch, value in found if math.isfinite(value)]


def _range(values: list[float]) -> tuple[float, float, bool]:
    """Return the least and greatest number, and whether their logarithms are drawn."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    return low, high, low > 0 and high / low >= _LOG_RATIO


def _in_letters(drawn: dict[_Series, set[tuple[int, int]]]) -> Cells:
    cells: Cells = {}
    for s, dots in drawn.items():
        for dot in dots:
            cells[dot] = ("*" if dot in cells else s.letter, "")
    return cells


def _in_braille(drawn: dict[_Series, set[tuple[int, int]]]) -> Cells:
    bits: dict[tuple[int, int], tuple[int, str]] = {}
    for s, dots in drawn.items():
        for x, y in dots:
            cell = (x // 2, y // 4)
            bits[cell] = (bits.get(cell, (0, ""))[0] | _DOTS[y % 4][x % 2], s.style)
    return {cell: (chr(_BRAILLE + some), style) for cell, (some, style) in bits.items()}


def _has_validation(epochs: list[EpochReport]) -> bool:
    return any(not math.isnan(report.validation_loss) for report in epochs)


def _without_end(text: Text) -> Text:
    """Take the spaces at the end of a line away."""
    text.rstrip()
    return text
