"""Save: a figure into a file, whole or not at all, or into memory."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import OptionError
from cnnpy.disk import whole_file
from cnnpy.plot.canvas import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["pixels", "rendered", "save"]

_DOTS_PER_INCH = 160  # twice a screen's, less a little: sharp at 800 pixels and above
_METADATA: dict[str, dict[str, str | None]] = {
    ".png": {"Software": "cnnpy"},
    ".svg": {"Date": None, "Creator": "cnnpy"},
}


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure into a PNG or SVG file, whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure, say from :func:`curves`.
    path : path
        Where to, ending in ``.png`` or ``.svg``; an old file is replaced once the new
        one is whole.

    Raises
    ------
    OptionError
        Where the name ends in something else, or the file cannot be written.
    """
    target = Path(path)
    kind = target.suffix.lower()
    if kind not in _METADATA:
        raise OptionError(
            f"save: path={str(path)!r}",
            "a name that ends in .png or .svg",
            f"use {str(target.with_suffix('.png')) if target.name else 'figure.png'!r}",
        )
    try:
        with whole_file(target) as file, style():
            figure.savefig(file, format=kind[1:], dpi=_DOTS_PER_INCH, metadata=_METADATA[kind])
    except OSError as error:
        raise OptionError(
            f"save: {target}: cannot be written: {error.strerror or error}",
            "a file in a folder that exists, can be written to, and has room",
            f"mkdir -p {target.parent}"
            if not target.parent.exists()
            else "write to another place, or make room there",
        ) from error


def rendered(figure: Figure, kind: str) -> bytes:
    """Return what the file of a figure would hold.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    kind : {"png", "svg"}
        The format.

    Returns
    -------
    bytes
        The picture.
    """
    content = io.BytesIO()
    with style():
        figure.savefig(content, format=kind, dpi=_DOTS_PER_INCH, metadata=_METADATA[f".{kind}"])
    return content.getvalue()


def pixels(figure: Figure) -> NDArray[np.uint8]:
    """Return a figure as red, green and blue.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.

    Returns
    -------
    ndarray of shape (H, W, 3) of uint8
        Its pixels, 160 an inch.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with style():
        figure.set_dpi(_DOTS_PER_INCH)
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
        drawn: NDArray[np.uint8] = np.array(canvas.buffer_rgba())[..., :3]
    return drawn
