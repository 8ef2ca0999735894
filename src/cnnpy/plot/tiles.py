"""Tiles: pictures beside and below each other, with a few words under each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from cnnpy.plot.canvas import colours, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Tile", "tiles"]

_WIDTH = 8.0  # inches
_LINE = 0.19  # inches


class Tile(NamedTuple):
    """A picture of shape (H, W, 3), and the lines under it."""

    pixels: NDArray[Any]
    words: tuple[str, ...] = ()


def tiles(title: str, shown: Sequence[Tile], n_columns: int) -> Figure:
    """Draw tiles in rows of `n_columns`, under a title."""
    n_rows = max(math.ceil(len(shown) / n_columns), 1)
    n_lines = max((len(tile.words) for tile in shown), default=0)
    side = _WIDTH / n_columns
    tallest = max((tile.pixels.shape[0] / tile.pixels.shape[1] for tile in shown), default=0.0)
    n_title_lines = title.count("\n") + 1
    height = n_rows * ((side - 0.15) * tallest + n_lines * _LINE + 0.18)
    with style():
        figure = new_figure(_WIDTH, height + 0.26 * n_title_lines + 0.12)
        grid = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for axes in grid[len(shown) :]:
            axes.set_axis_off()
        for axes, tile in zip(grid, shown, strict=False):
            axes.imshow(tile.pixels, interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.set_xlabel("\n".join(tile.words), fontsize=9, labelpad=3, color=colours().ink)
            for spine in axes.spines.values():
                spine.set(visible=True, color=colours().grey, linewidth=0.6)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, linespacing=1.4)
    return figure
