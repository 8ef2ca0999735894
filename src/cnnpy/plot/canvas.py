"""The sheet that every picture is drawn on: a figure of its own, and its typography.

The figures are objects of their own, not pyplot's: nothing global changes, no window
opens, and they are freed like any other object.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cnnpy.contract.errors import MissingPackageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BLUE", "GREY", "INK", "VERMILION", "new_figure", "style"]

# Two colours of Okabe and Ito's, which colour-blind readers tell apart.
BLUE, VERMILION = "#0072B2", "#D55E00"
INK, GREY = "#222222", "#666666"

_STYLE = {
    "font.family": ["DejaVu Sans"],
    "font.size": 11,
    "text.usetex": False,
    "text.color": INK,
    "text.parse_math": False,
    "axes.facecolor": "white",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "normal",
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "lines.linewidth": 1.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "svg.fonttype": "path",
    "svg.hashsalt": "cnnpy",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw with our typography, whatever the user's matplotlibrc says."""
    matplotlib = _matplotlib()
    with matplotlib.rc_context(_STYLE):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure; sizes are in inches, of 100 pixels on a screen."""
    _matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100)
    figure.set_layout_engine("constrained", wspace=0.06)
    return figure


def _matplotlib() -> Any:
    try:
        import matplotlib
    except ImportError as error:
        raise MissingPackageError(
            "plot: matplotlib is not installed",
            "matplotlib, which draws the pictures",
            "pip install 'cnnpy[cli]'",
        ) from error
    return matplotlib
