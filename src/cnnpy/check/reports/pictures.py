"""Pictures of arrays: heat maps in SVG, a panel a channel, with what differs outlined."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from cnnpy.check.reports.arrays import ArrayData
from cnnpy.check.reports.data import ResultData
from cnnpy.page.tree import Child, element

__all__ = ["Floats", "Place", "cells_of", "floats_of", "panels_of", "pictures", "short"]

Floats = NDArray[np.float64]
Place = tuple[int, ...]
Colour = tuple[int, int, int]

_MOST_PANELS = 12
_MOST_ROWS = 24
_WITH_NUMBERS = 10
"""The most columns of a panel whose cells have their numbers in them."""

_MIDDLE, _NEGATIVE, _POSITIVE = (247, 247, 247), (33, 102, 172), (178, 24, 43)
_NO_NUMBER = (128, 128, 128)


def pictures(result: ResultData) -> Element | None:
    """Draw a result: yours, the definition's, and the difference.

    Parameters
    ----------
    result : ResultData
        What came out beside what is right.

    Returns
    -------
    Element or None
        Figures side by side, and a legend; None where there is nothing to draw.
    """
    yours, right = floats_of(result["yours"]), floats_of(result["definition"])
    differs = frozenset(tuple(at) for at in result["differs"] or ())
    arrays = [a for a in (yours, right) if a is not None and a.size]
    if not arrays:
        return None
    scale = max(map(_largest, arrays)) or 1.0
    name = result["name"]
    figures = [
        _figure(f"{name}, yours", yours, result["yours_text"], scale, differs),
        _figure(f"{name}, the definition's", right, result["definition_text"], scale, differs),
    ]
    legend = [_legend(scale, bool(differs))]
    if yours is not None and right is not None and yours.shape == right.shape:
        with np.errstate(invalid="ignore", over="ignore"):
            off = np.where(yours == right, 0.0, yours - right)
        largest = _largest(off) or 1.0
        text = f"at most {largest:.3g}"
        figures.append(_figure(f"{name}, the difference", off, text, largest, differs))
        legend.append(_legend(largest, bool(differs), "of the difference"))
    return element(
        "div",
        element("div", *figures, class_="figures"),
        element("div", *legend, class_="legend"),
        class_="pictures",
    )


def floats_of(array: ArrayData | None) -> Floats | None:
    """Give the numbers of an array.

    Parameters
    ----------
    array : ArrayData or None
        As a report has it.

    Returns
    -------
    ndarray of float64, or None
        None where the report does not hold the numbers.
    """
    if array is None or array["values"] is None:
        return None
    flat = np.array([float(v) for v in _flat(array["values"])])
    return flat.reshape(array["shape"])


def _flat(values: Any) -> Iterator[Any]:
    if isinstance(values, list):
        for part in values:
            yield from _flat(part)
    else:
        yield values


def _largest(values: Floats) -> float:
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


def _figure(
    title: str, array: Floats | None, text: str, scale: float, differs: Collection[Place]
) -> Element:
    if array is None:
        return element(
            "figure",
            element("figcaption", title),
            element("p", text, class_="instead"),
        )
    shape = " × ".join(map(str, array.shape)) or "a number"
    caption = element("figcaption", title, element("span", f" ({shape})", class_="shape"))
    if array.size == 0:
        return element("figure", caption, element("p", "it is empty", class_="instead"))
    every = list(panels_of(array))
    panels = [
        _panel(f"{title}, {_told(at)}" if at else title, at, panel, scale, differs)
        for at, panel in every[:_MOST_PANELS]
    ]
    more = f"and {len(every) - _MOST_PANELS} more" if len(every) > _MOST_PANELS else None
    rest = None if more is None else element("p", more, class_="instead")
    return element("figure", caption, element("div", *panels, rest, class_="panels"))


def panels_of(array: Floats) -> Iterator[tuple[Place, Floats]]:
    """Cut an array into its last two axes; a vector is one row, a number one cell.

    Parameters
    ----------
    array : ndarray
        Of any number of axes.

    Yields
    ------
    at : tuple of int
        Where the panel is along the axes before.
    panel : ndarray of two axes
        Its numbers.
    """
    if array.ndim < 2:
        yield (), array.reshape(1, -1)
        return
    for at in np.ndindex(array.shape[:-2]):
        yield at, array[at]


def _told(at: Place) -> str:
    return f"[{', '.join(map(str, at))}]"


def _panel(
    title: str, at: Place, panel: Floats, scale: float, differs: Collection[Place]
) -> Element:
    shown = panel[:_MOST_ROWS, :_MOST_ROWS]
    top = 18 if at else 2
    drawn = [element("title", _in_words(title, shown, at, differs))]
    if at:
        drawn.append(element("text", _told(at), x=2, y=13, class_="at"))
    cells, width, height = cells_of(at, shown, scale, differs)
    drawn.append(element("g", *cells, transform=f"translate(2 {top})"))
    width, height = 4 + width, top + 2 + height
    if shown.size < panel.size:
        drawn.append(element("desc", f"the first {shown.shape[0]} rows and {shown.shape[1]}"))
    return _svg(width, height, title, drawn)


def cells_of(
    at: Place,
    panel: Floats,
    scale: float,
    differs: Collection[Place],
    text_of: Callable[[float], str] | None = None,
) -> tuple[list[Element], float, float]:
    """Draw the cells of a panel, with their numbers where there are few.

    Parameters
    ----------
    at : tuple of int
        Where the panel is in its array.
    panel : ndarray of two axes
        Its numbers.
    scale : float
        What has the fullest colour; infinite for cells without colour.
    differs : collection of tuple of int
        The places in the array that are outlined.
    text_of : callable, optional
        Writes a number; `short` by default.

    Returns
    -------
    cells : list of Element
        What is drawn, from (0, 0) on.
    width, height : float
        How far it reaches.
    """
    write = text_of or short
    numbers = panel.shape[1] <= _WITH_NUMBERS
    wide, high = (52, 30) if numbers else (14, 14)
    if numbers and text_of is not None:
        longest = max((len(write(float(value))) for value in panel.flat), default=0)
        wide = max(wide, 8 * longest + 4)
    cells: list[Element] = []
    outlines: list[Element] = []
    for (i, j), value in np.ndenumerate(panel):
        x, y = j * wide, i * high
        colour = _colour(float(value), scale)
        cells.append(_cell(x, y, wide, high, colour))
        if numbers:
            ink = "#000" if sum(colour) > 3 * 130 else "#fff"
            place = {"x": f"{x + wide / 2:g}", "y": f"{y + high / 2 + 4:g}", "fill": ink}
            cells.append(element("text", write(float(value)), class_="n", **place))
        if (*at, i, j) in differs or (not at and (j,) in differs) or () in differs:
            outlines += _outline(x, y, wide, high)
    return [*cells, *outlines], panel.shape[1] * wide, panel.shape[0] * high


def _svg(width: float, height: float, label: str, children: Sequence[Child]) -> Element:
    box = {"viewBox": f"0 0 {width:g} {height:g}", "width": f"{width:g}", "height": f"{height:g}"}
    return element("svg", *children, role="img", aria_label=label, **box)


def _cell(x: float, y: float, wide: float, high: float, colour: Colour) -> Element:
    fill = "#{:02x}{:02x}{:02x}".format(*colour)
    return element("rect", x=x, y=y, width=wide, height=high, fill=fill, class_="cell")


def _outline(x: float, y: float, wide: float, high: float) -> list[Element]:
    """Draw around a cell in two colours, of which one is seen on any other."""
    rows = (("#000", 4.0, 2.0), ("#ffd400", 2.0, 2.0))
    return [
        element(
            "rect",
            x=x + inset,
            y=y + inset,
            width=wide - 2 * inset,
            height=high - 2 * inset,
            fill="none",
            stroke=stroke,
            stroke_width=thick,
        )
        for stroke, thick, inset in rows
    ]


def _in_words(title: str, panel: Floats, at: Place, differs: Collection[Place]) -> str:
    if panel.size > _WITH_NUMBERS**2:
        return title
    rows = "; ".join(" ".join(short(float(v)) for v in row) for row in panel)
    here = [d for d in differs if d[: len(at)] == at]
    return f"{title}: {rows}" + (f". {len(here)} differ" if here else "")


def _colour(value: float, scale: float) -> Colour:
    if not math.isfinite(value):
        return _NO_NUMBER
    share = min(1.0, abs(value) / scale)
    end = _POSITIVE if value > 0 else _NEGATIVE
    red, green, blue = (round(m + share * (e - m)) for m, e in zip(_MIDDLE, end, strict=True))
    return red, green, blue


def short(value: float) -> str:
    """Write a number in at most seven letters, six where that can be.

    Parameters
    ----------
    value : float
        Any.

    Returns
    -------
    str
        Its first digits.

    Examples
    --------
    >>> short(0.123456), short(-1234.5), short(-1.2e-7), short(float("inf"))
    ('0.123', '-1234', '-1e-07', '∞')
    """
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "∞" if value > 0 else "−∞"
    if 1000 <= abs(value) < 99999:
        return f"{value:.0f}"
    written = (f"{value:.3g}", f"{value:.2g}", f"{value:.0e}")
    return next((text for text in written if len(text) <= 6), written[-1])


def _legend(scale: float, outlined: bool, of: str = "") -> Element:
    steps = (-1.0, -0.5, 0.0, 0.5, 1.0)
    cells: list[Child] = []
    for k, share in enumerate(steps):
        cells.append(_cell(2 + 22 * k, 2, 22, 14, _colour(share * scale, scale)))
    bar = _svg(4 + 22 * len(steps), 18, "colours from blue, negative, to red, positive", cells)
    words = f"−{short(scale)} … 0 … {short(scale)} {of}".rstrip()
    mark: list[Child] = []
    if outlined and not of:
        box = [_cell(2, 2, 22, 14, _MIDDLE), *_outline(2, 2, 22, 14)]
        mark = [_svg(26, 18, "an outlined cell", box)]
    tail = element("span", *mark, " differs", class_="key") if mark else None
    return element("span", element("span", bar, f" {words}", class_="key"), tail)
