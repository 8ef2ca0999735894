"""The picture of the range test: the losses, the rate that is suggested, plain numbers."""

from __future__ import annotations

import numpy as np

from cnnpy.plot import lr_range, save
from cnnpy.train import LrRange


def test_the_losses_are_drawn_by_the_rate_with_the_one_to_take(tmp_path):
    rates, losses = np.geomspace(1e-6, 1, 7), np.array([3.0, 3.0, 2.5, 2.0, 1.0, 2.0, 50.0])
    figure = lr_range(LrRange(rates, losses, rates[4], 0.002))
    (axes,) = figure.axes
    curve, mark = axes.lines
    np.testing.assert_array_equal(curve.get_xdata(), rates)
    np.testing.assert_array_equal(curve.get_ydata(), losses)
    assert set(mark.get_xdata()) == {0.002}
    assert axes.get_ylim()[1] == 4.5  # a loss that explodes does not squeeze the rest
    save(figure, tmp_path / "lr.png")
    written = [label.get_text() for label in axes.get_xticklabels()]
    assert "0.001" in written
    assert not any("$" in text for text in written)
