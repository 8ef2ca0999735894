"""A picture of a case that stands alone, as SVG: what was given, yours, the definition's.

It has white paper of its own. Whether the page around it is dark it cannot know: what a
browser tells it is the taste of the system, and not that of the page.
"""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, tostring

import numpy as np

from cnnpy.check.reports.data import CaseData, ResultData
from cnnpy.check.reports.pictures import Floats, Place, cells_of, floats_of, panels_of, short
from cnnpy.page.tree import element

__all__ = ["illustration", "shown_in"]

_MOST_PANELS, _MOST_NUMBERS = 2, 24
"""How many panels of an array are drawn; one where it has more numbers."""
_MOST_CELLS = (6, 8)
"""Rows and columns of one panel that are drawn."""
_WIDEST_GIVEN = 280.0
_LETTER, _LINE, _GAP = 7.3, 17.0, 14.0
"""In pixels, of 12 px monospaced."""

_STYLE = (
    "text{font:12px ui-monospace,Consolas,'DejaVu Sans Mono',monospace}"
    ".h{font-weight:bold}.n{text-anchor:middle}.cell{stroke:#8a94a0;stroke-width:.5}"
)
_INK, _SOFT, _PAPER, _LINES = "#1f2933", "#52606d", "#ffffff", "#d8dee4"


def shown_in(case: CaseData) -> ResultData | None:
    """Choose the result by which a case shows best what is wrong.

    Parameters
    ----------
    case : CaseData
        A case of a report.

    Returns
    -------
    ResultData or None
        The first that is not right, where its numbers, its shape or its being None show it.
    """
    for result in case["results"]:
        if not result["right"] and result["n_differ"] != 0:
            return result
    return None


def illustration(case: CaseData, title: str) -> str | None:
    """Draw a case as one picture that stands alone.

    Parameters
    ----------
    case : CaseData
        A case of a report.
    title : str
        What a reader of the screen says of it.

    Returns
    -------
    str or None
        SVG, the same each time; None where nothing of the case shows in numbers.
    """
    result = shown_in(case)
    if result is None and case["raises"] is None:
        return None
    given = _given(case, result)
    columns = [_under([_heading("given"), given], 6)] if given.height else []
    columns += [_under([_heading(word), piece], 6) for word, piece in _answers(case, result)]
    sheet = _beside(columns, 36)
    options = [f"{name} = {_value(value)}" for name, value in case["options"].items()]
    lines = textwrap.wrap(", ".join(options), int(max(sheet.width, 320) / _LETTER))
    sheet = _under([*(_text(line, _SOFT) for line in lines), _space(2), sheet], 1)
    return _written(sheet, title, _in_words(case, result))


def _in_words(case: CaseData, result: ResultData | None) -> str:
    if result is None:
        return f"It raises {case['raises']}"
    yours, right = result["yours_text"], result["definition_text"]
    return f"{result['name']} is {yours}, not {right}"


# --- pieces, each drawn from (0, 0) on -----------------------------------------------------


class _Piece(NamedTuple):
    width: float
    height: float
    elements: Sequence[Element]


def _text(words: str, ink: str = _INK, class_: str | None = None) -> _Piece:
    drawn = element("text", words, y=12, fill=ink, class_=class_)
    return _Piece(len(words) * _LETTER, _LINE, [drawn])


def _heading(words: str) -> _Piece:
    return _text(words, class_="h")


def _space(height: float) -> _Piece:
    return _Piece(0, height, [])


def _moved(piece: _Piece, x: float, y: float) -> list[Element]:
    if not piece.elements:
        return []
    if x == y == 0:
        return list(piece.elements)
    return [element("g", *piece.elements, transform=f"translate({x:g} {y:g})")]


def _beside(pieces: Sequence[_Piece], gap: float) -> _Piece:
    lefts = itertools.accumulate((p.width + gap for p in pieces), initial=0.0)
    drawn = [e for p, x in zip(pieces, lefts, strict=False) for e in _moved(p, x, 0)]
    width = sum(p.width for p in pieces) + gap * max(0, len(pieces) - 1)
    return _Piece(width, max((p.height for p in pieces), default=0.0), drawn)


def _under(pieces: Sequence[_Piece], gap: float) -> _Piece:
    tops = itertools.accumulate((p.height + gap for p in pieces), initial=0.0)
    drawn = [e for p, y in zip(pieces, tops, strict=False) for e in _moved(p, 0, y)]
    height = sum(p.height for p in pieces) + gap * max(0, len(pieces) - 1)
    return _Piece(max((p.width for p in pieces), default=0.0), height, drawn)


def _in_rows(pieces: Iterable[_Piece], widest: float) -> _Piece:
    """Put pieces beside each other as long as there is room, then below."""
    rows: list[list[_Piece]] = []
    for piece in pieces:
        if rows and sum(p.width + _GAP for p in rows[-1]) + piece.width <= widest:
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return _under([_beside(row, _GAP) for row in rows], 8)


# --- what is drawn -------------------------------------------------------------------------


def _given(case: CaseData, result: ResultData | None) -> _Piece:
    """Draw the inputs; dout too, where it is a gradient that is wrong."""
    arrays = dict(_arrays(case["inputs"]))
    is_gradient = result is not None and result["name"].startswith("d")
    if case["dout"] is not None and (is_gradient or result is None):
        arrays["dout"] = floats_of(case["dout"])
    differs = _differs(result)
    pieces = [
        _array(name, array, math.inf, (), near=differs)
        for name, array in arrays.items()
        if array is not None
    ]
    return _in_rows(pieces, _WIDEST_GIVEN)


def _arrays(inputs: dict[str, Any]) -> Iterator[tuple[str, Floats | None]]:
    for name, value in inputs.items():
        if isinstance(value, list):
            yield from ((f"{name}[{k}]", floats_of(part)) for k, part in enumerate(value))
        else:
            yield name, floats_of(value)


def _answers(case: CaseData, result: ResultData | None) -> Iterator[tuple[str, _Piece]]:
    if result is None:
        yield "yours", _wrapped(f"it raises {case['raises']}")
        return
    yours, right = floats_of(result["yours"]), floats_of(result["definition"])
    differs = _differs(result)
    arrays = [a for a in (yours, right) if a is not None]
    scale = max((float(np.abs(a[np.isfinite(a)]).max(initial=0.0)) for a in arrays), default=0.0)
    text_of = _telling_apart(yours, right, differs)
    rows = (
        ("yours", yours, result["yours_text"]),
        ("the definition's", right, result["definition_text"]),
    )
    for word, array, text in rows:
        if array is None:
            yield word, _wrapped(f"{result['name']}: {text}")
        else:
            # what is 0 but for rounding is drawn as 0
            array = np.where(np.abs(array) < 1e-12 * scale, 0.0, array) + 0.0
            yield word, _array(result["name"], array, scale or 1.0, differs, differs, text_of)


def _telling_apart(
    yours: Floats | None, right: Floats | None, differs: Collection[Place]
) -> Callable[[float], str] | None:
    """Find how many digits numbers that differ must have, where those of `short` are too few."""
    if yours is None or right is None:
        return None
    pairs = [(float(yours[at]), float(right[at])) for at in sorted(differs)]
    writers = (short, *(f"{{:.{digits}g}}".format for digits in range(4, 17)))
    for write in writers:
        if all(write(a) != write(b) for a, b in pairs):
            return None if write is short else write
    return None


def _differs(result: ResultData | None) -> frozenset[Place]:
    places = [] if result is None else result["differs"] or []
    return frozenset(map(tuple, places))


def _wrapped(words: str) -> _Piece:
    return _under([_text(line) for line in textwrap.wrap(words, 34)], 0)


def _array(
    name: str,
    array: Floats,
    scale: float,
    differs: Collection[Place],
    near: Collection[Place] = (),
    text_of: Callable[[float], str] | None = None,
) -> _Piece:
    """Draw an array under its name and shape; of a large one the parts where it matters."""
    shape = " × ".join(map(str, array.shape))
    label = _text(f"{name}, {shape}" if shape else name, _SOFT)
    if array.size == 0:
        return _under([label, _text("it is empty")], 0)
    every = list(panels_of(array))
    matter = [(at, panel) for at, panel in every if any(d[: len(at)] == at for d in near)]
    most = _MOST_PANELS if array.size <= _MOST_NUMBERS else 1
    chosen = every if len(every) <= most else (matter or every)[:most]
    rows, columns = _MOST_CELLS
    panels = []
    for at, p in chosen:
        drawn, width, height = cells_of(at, p[:rows, :columns], scale, differs, text_of)
        cells = _Piece(width, height, drawn)
        panels.append(_under([_text(str(list(at)), _SOFT), cells], 0) if len(every) > 1 else cells)
    whole = sum(p[:rows, :columns].size for _, p in chosen) == array.size
    rest = [] if whole else [_text("and more", _SOFT)]
    return _under([label, _in_rows(panels, _WIDEST_GIVEN), *rest], 2)


def _value(value: Any) -> str:
    return f"({', '.join(map(_value, value))})" if isinstance(value, list) else str(value)


def _written(sheet: _Piece, title: str, words: str) -> str:
    margin = 16.0
    width, height = math.ceil(sheet.width + 2 * margin), math.ceil(sheet.height + 2 * margin)
    paper = element(
        "rect",
        x=0.5,
        y=0.5,
        width=width - 1,
        height=height - 1,
        rx=10,
        fill=_PAPER,
        stroke=_LINES,
    )
    svg = element(
        "svg",
        element("title", title),
        element("desc", words),
        element("style", _STYLE),
        paper,
        *_moved(sheet, margin, margin),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
    )
    return tostring(svg, encoding="unicode") + "\n"
