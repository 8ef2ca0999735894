"""Curves in the terminal: each number in its place, in braille and in plain letters."""

from __future__ import annotations

import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from cnnpy.cli.curves import TerminalCurves
from cnnpy.train import EpochReport

nan = math.nan


def report(epoch: int, train: float, held: float = nan, accuracy: float = 0.5) -> EpochReport:
    held_accuracy = nan if math.isnan(held) else accuracy
    return EpochReport(epoch, 0.1, train, accuracy, held, held_accuracy, 9.0, 1.0, True)


def drawn(curves: TerminalCurves, width: int = 80, *, colours: bool = False) -> str:
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        force_terminal=colours,
        color_system="truecolor" if colours else None,
        no_color=not colours,
        legacy_windows=False,
    )
    console.print(curves)
    return file.getvalue()


def panel(text: str) -> list[str]:
    """Return what stands right of the bar of the left panel, line by line."""
    lines = [line for line in text.splitlines() if "|" in line[:9]]
    return [line.split("|")[1] for line in lines]


def test_plain_letters_stand_where_the_numbers_are():
    text = drawn(TerminalCurves([report(1, 4.0), report(2, 0.5), report(3, 2.25)], height=3))
    first, middle, last = (line[:31] for line in panel(text))
    assert first.startswith("t")  # 4.0, the greatest, in the first epoch
    assert last.strip(" t") == ""
    assert "t" in last[14:17]  # 0.5, the least, in the middle
    assert middle.rstrip()[30] == "t"  # 2.25 lies half way, at the right end
    assert text.splitlines()[1].startswith("     4 |")
    assert text.splitlines()[3].startswith("   0.5 |")


def test_two_curves_on_one_place_are_marked():
    text = drawn(TerminalCurves([report(1, 1.0, 1.0), report(2, 2.0, 3.0)], height=4))
    assert panel(text)[-1].startswith("*")
    assert "t training  v validation  * both" in text
    assert "validation" not in drawn(TerminalCurves([report(1, 1.0)]))


def test_braille_has_eight_dots_a_letter_and_a_colour_a_curve():
    epochs = [report(1, 1.0, 0.0), report(2, 1.0, 0.0)]
    text = drawn(TerminalCurves(epochs, height=2), colours=True)
    lines = text.splitlines()
    assert "\u2809" * 31 in lines[1]  # the two highest dots
    assert "\u28c0" * 31 in lines[2]  # the two lowest
    assert lines[1].index("\x1b[36m") < lines[1].index("\u2809")
    assert lines[2].index("\x1b[33m") < lines[2].index("\u28c0")


def test_the_axis_ends_with_the_last_epoch_that_there_will_be():
    text = drawn(TerminalCurves([report(1, 2.0), report(2, 1.0)], n_epochs=20))
    axis = next(line for line in text.splitlines() if "epoch 1" in line)
    assert axis.split() == ["epoch", "1", "20", "epoch", "1", "20"]
    assert max(len(line.rstrip()) for line in panel(text)) < 40


def test_a_loss_over_orders_of_magnitude_is_logarithmic():
    epochs = [report(1, 100.0), report(2, 10.0), report(3, 1.0)]
    text = drawn(TerminalCurves(epochs, height=3))
    assert text.startswith("loss, log scale")
    assert "t" in panel(text)[1][14:17]  # 10 lies half way between 1 and 100
    assert "log scale" not in drawn(TerminalCurves([report(1, 3.0), report(2, 0.0)]))


def test_what_is_not_finite_is_left_out_and_the_line_breaks():
    epochs = [report(1, 1.0), report(2, math.inf), report(3, 2.0)]
    line = "".join(panel(drawn(TerminalCurves(epochs, height=2))))
    assert line.count("t") >= 2
    nothing = drawn(TerminalCurves([report(1, nan)], height=2))
    assert "t" not in "".join(line[:31] for line in panel(nothing))


def test_nothing_is_drawn_before_the_first_epoch_and_more_as_the_list_grows():
    history: list[EpochReport] = []
    curves = TerminalCurves(history)
    assert drawn(curves) == ""
    history.append(report(1, 1.0))
    assert "loss" in drawn(curves)


@pytest.mark.parametrize("colours", [False, True])
@given(
    losses=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=12),
    width=st.integers(20, 120),
    height=st.integers(0, 9),
)
def test_whatever_the_numbers_are_it_fits_the_terminal(losses, width, height, colours):
    history = [report(k, loss, -loss) for k, loss in enumerate(losses, 1)]
    text = drawn(TerminalCurves(history, height=height), width, colours=False)
    assert all(cell_len(line) <= width for line in text.splitlines())
    if not colours:
        assert text.isascii()
    else:
        assert drawn(TerminalCurves(history, height=height), width, colours=True)
