"""Pictures that stand in a page itself, for light and dark, and can be heard."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from cnnpy import plot
from cnnpy.page import element, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["chart", "row_of_tiles", "tile"]


def chart(draw: Callable[[], Figure], alt: str, *, kind: str = "svg") -> Element:
    """Draw a figure twice, for light and for dark pages.

    Parameters
    ----------
    draw : callable
        Makes the figure in the colours of the moment.
    alt : str
        What it shows, in words.
    kind : {"svg", "png"}
        PNG where there are more things to draw than numbers in pixels.

    Returns
    -------
    xml.etree.ElementTree.Element
        A picture, of which a browser shows one.
    """
    addresses, width, height = {}, 0.0, 0.0
    for name, theme in (("dark", plot.DARK), ("light", plot.LIGHT)):
        with plot.use_theme(theme):
            figure = draw()
            addresses[name] = _address(plot.rendered(figure, kind), kind)
            width, height = figure.get_size_inches()
    return element(
        "picture",
        element("source", srcset=addresses["dark"], media="(prefers-color-scheme: dark)"),
        element(
            "img",
            src=addresses["light"],
            alt=printable(alt),
            width=round(100 * width),
            height=round(100 * height),
        ),
    )


def tile(pixels: NDArray[Any], alt: str, *words: str, side: int = 96) -> Element:
    """Show a small picture enlarged, each pixel a block, with a few words under it.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3) of uint8
        The picture.
    alt : str
        What it shows, in words.
    *words : str
        Lines under it.
    side : int
        Its width on the page.

    Returns
    -------
    xml.etree.ElementTree.Element
        A figure.
    """
    from PIL import Image

    H, W, _ = pixels.shape
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(content, format="PNG", optimize=True)
    picture = element(
        "img",
        src=_address(content.getvalue(), "png"),
        alt=printable(alt),
        width=side,
        height=max(round(side * H / W), 1),
        class_="pixels" if max(H, W) < side else None,
    )
    lines = [element("span", printable(line)) for line in words]
    caption = element("figcaption", *lines) if lines else None
    return element("figure", picture, caption, class_="tile", style=f"width: {side}px")


def row_of_tiles(tiles: Iterable[Element], *, close: bool = False) -> Element:
    """Lay tiles beside each other, in as many rows as the page needs.

    Parameters
    ----------
    tiles : iterable of Element
        From :func:`tile`.
    close : bool
        Whether there is little room between them.

    Returns
    -------
    xml.etree.ElementTree.Element
        All of them.
    """
    return element("div", *tiles, class_="tiles close" if close else "tiles")


def _address(content: bytes, kind: str) -> str:
    media = {"svg": "image/svg+xml", "png": "image/png"}[kind]
    return f"data:{media};base64,{base64.b64encode(content).decode('ascii')}"
