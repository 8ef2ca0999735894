"""Pictures of results: small SVG files whose text stays text."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def pyplot(path: Path) -> Any:
    """Give matplotlib's pyplot, or say that there will be no picture.

    Parameters
    ----------
    path : Path
        Of the picture.

    Returns
    -------
    module or None
        None where matplotlib is missing.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        print(f"no {path.name}: matplotlib is not here")
        return None
    mpl.use("svg")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "cnnpy", "font.size": 8})
    from matplotlib import pyplot as plt

    return plt


def save(figure: Any, path: Path) -> None:
    """Write a figure, the same bytes for the same numbers.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What was drawn.
    path : Path
        An SVG file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
