"""The sheet that every picture is drawn on: a figure of its own, colours and typography.

The figures are objects of their own, not pyplot's: nothing global changes, no window
opens, and they are freed like any other object.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnpy.contract.errors import MissingPackageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "DARK",
    "LIGHT",
    "Theme",
    "colours",
    "find_matplotlib",
    "new_figure",
    "style",
    "use_theme",
]


class Theme(NamedTuple):
    """The colours of a picture."""

    paper: str
    ink: str
    grey: str
    grid: str
    blue: str
    vermilion: str
    series: tuple[str, ...]
    """For things side by side; colour-blind readers tell neighbours apart."""


# Blue and vermilion, and the series behind them, are Okabe and Ito's.
LIGHT = Theme(
    *("white", "#222222", "#666666", "#e6e6e6", "#0072B2", "#D55E00"),
    ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A6D00", "#56B4E9", "#E69F00", "#333333"),
)
DARK = Theme(
    *("#14171b", "#e6e9ed", "#a2acb7", "#363d46", "#56B4E9", "#FF8A3D"),
    ("#56B4E9", "#FF8A3D", "#2FCFA0", "#E5A3C9", "#F0E442", "#8FA8FF", "#E69F00", "#DDDDDD"),
)

_theme: ContextVar[Theme] = ContextVar("cnnpy_plot_theme", default=LIGHT)

# Letters that DejaVu lacks are taken from these, where they are installed.
_MORE_LETTERS = ("Noto Sans CJK KR", "Noto Sans CJK JP", "NanumGothic", "Malgun Gothic")


@contextmanager
def use_theme(theme: Theme) -> Iterator[None]:
    """Draw with other colours, for a block of code.

    Parameters
    ----------
    theme : Theme
        :data:`cnnpy.plot.LIGHT` or :data:`cnnpy.plot.DARK`.

    Yields
    ------
    None
        Figures that are made in the block have these colours.

    Examples
    --------
    >>> with use_theme(DARK):
    ...     colours().paper
    '#14171b'
    """
    token = _theme.set(theme)
    try:
        yield
    finally:
        _theme.reset(token)


def colours() -> Theme:
    """Return the colours of the moment."""
    return _theme.get()


def _settings() -> dict[str, Any]:
    theme = colours()
    return {
        "font.family": ["DejaVu Sans", *_letters()],
        "font.size": 11,
        "text.usetex": False,
        "text.color": theme.ink,
        "text.parse_math": False,
        "axes.facecolor": theme.paper,
        "axes.edgecolor": theme.grey,
        "axes.labelcolor": theme.ink,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 11,
        "axes.titleweight": "normal",
        "axes.unicode_minus": True,
        "figure.facecolor": theme.paper,
        "savefig.facecolor": "auto",
        "lines.linewidth": 1.8,
        "xtick.color": theme.grey,
        "ytick.color": theme.grey,
        "xtick.labelcolor": theme.ink,
        "ytick.labelcolor": theme.ink,
        "svg.fonttype": "path",
        "svg.hashsalt": "cnnpy",
    }


def _letters() -> list[str]:
    find_matplotlib()
    from matplotlib.font_manager import get_font_names

    return sorted(set(_MORE_LETTERS) & set(get_font_names()))


@contextmanager
def style() -> Iterator[None]:
    """Draw with our typography, whatever the user's matplotlibrc says."""
    matplotlib = find_matplotlib()
    with matplotlib.rc_context(_settings()), warnings.catch_warnings():
        # a class may be called in letters that no font here has: they are drawn as boxes
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
        yield


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure; sizes are in inches, of 100 pixels on a screen."""
    find_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100)
    figure.set_layout_engine("constrained", wspace=0.06)
    return figure


def find_matplotlib() -> Any:
    """Import matplotlib, or say how to get it."""
    try:
        import matplotlib
    except ImportError as error:
        raise MissingPackageError(
            "plot: matplotlib is not installed",
            "matplotlib, which draws the pictures",
            "pip install 'cnnpy[cli]'",
        ) from error
    return matplotlib
