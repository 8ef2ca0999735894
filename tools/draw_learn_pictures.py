"""Draw the pictures of the learn pages: ``docs/learn/pictures/*.svg``.

    python tools/draw_learn_pictures.py

Only the standard library is used, and the same files come out every time. The
numbers in the pictures are computed here from :data:`EXAMPLES`, which the tests
hold against the definition. The pictures carry symbols, axis letters and names of
arrays, no words: the English and the Korean pages share them.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "learn" / "pictures"

Matrix = list[list[float]]

EXAMPLES: dict[str, dict[str, Matrix]] = {
    "conv2d": {
        "x": [[1, 0, 2, 1, 0], [0, 1, 3, 0, 1], [2, 1, 0, 1, 2], [1, 0, 1, 0, 1]],
        "w": [[1, 0, 1], [0, 2, 0], [-1, 0, 1]],
        "b": [[1]],
        "dout": [[1, 2, 0], [0, 0, 0]],
    },
    "max_pool2d": {
        "x": [[1, 3, 0, 2, 1], [4, 0, 7, 1, 0], [2, 1, 0, 3, 2], [0, 5, 1, 0, 6], [1, 2, 0, 4, 1]],
        "dout": [[1, 2], [4, 5]],
    },
    "avg_pool2d": {
        "x": [[1, 3, 2, 0], [5, 7, 4, 2]],
        "dout": [[8, 4]],
        "corner": [[6, 3, 1], [9, 0, 2], [4, 5, 1]],
    },
    "softmax_cross_entropy": {"x": [[1, 3, 2]], "q": [[0, 1, 0]]},
}
"""What the pictures show, by op: small matrices that can be worked by hand."""

INK, SOFT, FAINT = "#1f2933", "#52606d", "#9aa5b1"
PAD, PAPER = "#eef1f4", "#ffffff"
BLUE, BLUE_LIGHT, BLUE_MID = "#1d4ed8", "#e8f0ff", "#bcd3ff"
ORANGE, ORANGE_LIGHT, ORANGE_MID = "#b45309", "#fff1dc", "#ffd08a"
GREEN, GREEN_LIGHT, GREEN_MID = "#15803d", "#e3f7ea", "#a5e3bb"
PURPLE, PURPLE_LIGHT, PURPLE_MID = "#7e22ce", "#f4eaff", "#dbbcff"
SANS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
MONO = "Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace"


class Drawing:
    """A sheet of white paper with rounded corners, on which shapes are put in order.

    Parameters
    ----------
    width, height : int
        Of the sheet, in pixels.
    title : str
        What a screen reader says.
    """

    def __init__(self, width: int, height: int, title: str) -> None:
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img" font-family="{SANS}">',
            f"<title>{_escaped(title)}</title>",
        ]
        self.rect(0.5, 0.5, width - 1, height - 1, fill=PAPER, stroke="#d8dee4", radius=14)

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "none",
        stroke: str = "none",
        thick: float = 1,
        radius: float = 0,
        dashed: bool = False,
    ) -> None:
        """Put a rectangle; `thick` is the width of its edge in pixels."""
        dash = ' stroke-dasharray="6 4"' if dashed else ""
        self.parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" '
            f'rx="{_n(radius)}" fill="{fill}" stroke="{stroke}" stroke-width="{_n(thick)}"{dash}/>'
        )

    def circle(self, x: float, y: float, r: float, *, fill: str, stroke: str) -> None:
        """Put a circle with its centre at (x, y)."""
        self.parts.append(
            f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(r)}" fill="{fill}" stroke="{stroke}" '
            f'stroke-width="2"/>'
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = 16,
        fill: str = INK,
        anchor: str = "middle",
        bold: bool = False,
        mono: bool = False,
    ) -> None:
        """Put words whose middle line is at y; `anchor` says what x is of them."""
        weight = ' font-weight="bold"' if bold else ""
        family = f' font-family="{MONO}"' if mono else ""
        self.parts.append(
            f'<text x="{_n(x)}" y="{_n(y + 0.35 * size)}" font-size="{_n(size)}" fill="{fill}" '
            f'text-anchor="{anchor}"{weight}{family}>{_escaped(words)}</text>'
        )

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        *,
        stroke: str = SOFT,
        thick: float = 1.5,
        dashed: bool = False,
    ) -> None:
        """Put a straight line."""
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(
            f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" stroke="{stroke}" '
            f'stroke-width="{_n(thick)}" stroke-linecap="round"{dash}/>'
        )

    def arrow(
        self, x1: float, y1: float, x2: float, y2: float, *, stroke: str = SOFT, thick: float = 2
    ) -> None:
        """Put an arrow from (x1, y1) to (x2, y2)."""
        length = math.hypot(x2 - x1, y2 - y1)
        along, across = (x2 - x1) / length, (y2 - y1) / length
        head = 5 + 2.5 * thick
        bx, by = x2 - head * along, y2 - head * across
        self.line(x1, y1, bx, by, stroke=stroke, thick=thick)
        half = 0.5 * head
        corners = (
            (x2, y2),
            (bx - half * across, by + half * along),
            (bx + half * across, by - half * along),
        )
        points = " ".join(f"{_n(x)},{_n(y)}" for x, y in corners)
        self.parts.append(f'<polygon points="{points}" fill="{stroke}"/>')

    def span(
        self, x1: float, y1: float, x2: float, y2: float, label: str, *, side: int = -1
    ) -> None:
        """Put a measure with end strokes and its label.

        The label stands above or left of the line with `side` -1, below or right of
        it with +1.
        """
        self.line(x1, y1, x2, y2)
        if y1 == y2:
            for x in (x1, x2):
                self.line(x, y1 - 5, x, y1 + 5)
            self.text((x1 + x2) / 2, y1 + 14 * side, label, size=15, fill=SOFT, bold=True)
        else:
            for y in (y1, y2):
                self.line(x1 - 5, y, x1 + 5, y)
            anchor = "end" if side < 0 else "start"
            self.text(
                x1 + 9 * side, (y1 + y2) / 2, label, size=15, fill=SOFT, bold=True, anchor=anchor
            )

    def sign(self, x: float, y: float, mark: str) -> None:
        """Put an operator in a circle."""
        self.circle(x, y, 17, fill=PAPER, stroke=SOFT)
        self.text(x, y, mark, size=20, bold=True)

    def grid(
        self,
        x: float,
        y: float,
        cells: Sequence[Sequence[float | str]],
        *,
        fill: str | Callable[[int, int], str],
        stroke: str,
        size: float = 40,
        ink: Callable[[int, int], str] | None = None,
        font: float = 17,
    ) -> None:
        """Put a matrix as squares of `size` pixels, each with its number."""
        for i, row in enumerate(cells):
            for j, value in enumerate(row):
                colour = fill if isinstance(fill, str) else fill(i, j)
                left, top = x + j * size, y + i * size
                self.rect(left, top, size, size, fill=colour, stroke=stroke)
                words = value if isinstance(value, str) else number(value)
                self.text(
                    left + size / 2,
                    top + size / 2,
                    words,
                    size=font,
                    fill=ink(i, j) if ink else INK,
                )

    def window(
        self,
        x: float,
        y: float,
        place: tuple[int, int, int, int],
        *,
        stroke: str,
        size: float = 40,
        inset: float = 0,
        dashed: bool = False,
    ) -> None:
        """Put a frame round (row, column, rows, columns) of a grid at (x, y)."""
        row, column, rows, columns = place
        self.rect(
            x + column * size + inset,
            y + row * size + inset,
            columns * size - 2 * inset,
            rows * size - 2 * inset,
            stroke=stroke,
            thick=3,
            radius=3,
            dashed=dashed,
        )

    def svg(self) -> str:
        """Return the file."""
        return "\n".join([*self.parts, "</svg>"]) + "\n"


def number(value: float) -> str:
    """Write a number as it stands in the pictures, with a true minus sign.

    Examples
    --------
    >>> number(-1.0), number(0.0903)
    ('−1', '0.09')
    """
    return _n(value).replace("-", "−")


def padded(x: Matrix, padding: int) -> Matrix:
    """Return x with `padding` zeros on every side."""
    width = len(x[0]) + 2 * padding
    return [
        *([0.0] * width for _ in range(padding)),
        *([0.0] * padding + [float(v) for v in row] + [0.0] * padding for row in x),
        *([0.0] * width for _ in range(padding)),
    ]


def window_of(x: Matrix, i: int, j: int, stride: int, rows: int, columns: int) -> Matrix:
    """Return the window at place (i, j), cut off where x ends."""
    return [row[j * stride : j * stride + columns] for row in x[i * stride : i * stride + rows]]


def convolved(x: Matrix, w: Matrix, b: float, stride: int, padding: int) -> Matrix:
    """Return the convolution of one channel with one filter."""
    x_pad, rows, columns = padded(x, padding), len(w), len(w[0])
    H_out = 1 + (len(x_pad) - rows) // stride
    W_out = 1 + (len(x_pad[0]) - columns) // stride
    return [
        [
            b
            + sum(
                x_pad[i * stride + u][j * stride + v] * w[u][v]
                for u in range(rows)
                for v in range(columns)
            )
            for j in range(W_out)
        ]
        for i in range(H_out)
    ]


def scattered(dout: Matrix, w: Matrix, stride: int, rows: int, columns: int) -> Matrix:
    """Return dx_pad, a matrix of (rows, columns): each window collects dout times w."""
    dx_pad = [[0.0] * columns for _ in range(rows)]
    for i, row in enumerate(dout):
        for j, gradient in enumerate(row):
            for u, weights in enumerate(w):
                for v, weight in enumerate(weights):
                    dx_pad[i * stride + u][j * stride + v] += gradient * weight
    return dx_pad


def max_pooled(x: Matrix, size: int, stride: int) -> tuple[Matrix, list[list[tuple[int, int]]]]:
    """Return the largest entry of each window and where in x it stands."""
    places = []
    for i in range(1 + (len(x) - size) // stride):
        row = []
        for j in range(1 + (len(x[0]) - size) // stride):
            candidates = [
                (i * stride + u, j * stride + v) for u in range(size) for v in range(size)
            ]
            row.append(max(candidates, key=lambda at: x[at[0]][at[1]]))
        places.append(row)
    return [[x[a][b] for a, b in row] for row in places], places


def softmaxed(x: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return exp(x - max x), and the same divided by its sum."""
    powers = [math.exp(v - max(x)) for v in x]
    return powers, [e / sum(powers) for e in powers]


def draw_conv2d() -> str:
    """Draw a window of a padded image, the filter and the output cell."""
    example = EXAMPLES["conv2d"]
    x, w, b = example["x"], example["w"], example["b"][0][0]
    out, x_pad = convolved(x, w, b, stride=2, padding=1), padded(x, 1)
    d = Drawing(920, 600, "conv2d: a window of the padded image times the filter, summed, plus b")
    left, top, s = 76, 92, 40

    def inside(i: int, j: int) -> bool:
        return 1 <= i <= 4 and 1 <= j <= 5

    def shade(i: int, j: int) -> str:
        if i <= 2 and 2 <= j <= 4:
            return BLUE_MID
        return BLUE_LIGHT if inside(i, j) else PAD

    d.text(left + 3.5 * s, 28, "x_pad[n, c]", size=18, bold=True, fill=BLUE, mono=True)
    d.grid(
        left, top, x_pad, fill=shade, stroke=FAINT, ink=lambda i, j: INK if inside(i, j) else SOFT
    )
    d.window(left, top, (1, 1, 4, 5), stroke=FAINT)
    d.window(left, top, (0, 4, 3, 3), stroke=BLUE, dashed=True, inset=1)
    d.window(left, top, (0, 2, 3, 3), stroke=BLUE)
    d.span(left + s, 68, left + 6 * s, 68, "W")
    d.span(left - 18, top + s, left - 18, top + 5 * s, "H")
    d.arrow(left + 2 * s, top + 6 * s + 22, left + 4 * s, top + 6 * s + 22, stroke=BLUE)
    d.text(left + 4 * s + 8, top + 6 * s + 22, "stride = 2", size=15, fill=BLUE, anchor="start")
    d.text(left, top + 6 * s + 48, "padding = 1", size=15, fill=SOFT, anchor="start")
    d.line(left + 0.5 * s, top + 6 * s + 4, left + 0.5 * s, top + 6 * s + 36)

    d.sign(396, top + 1.5 * s, "×")
    wx, wy = 464, top
    d.text(wx + 1.5 * s, 28, "w[f, c]", size=18, bold=True, fill=ORANGE, mono=True)
    d.grid(wx, wy, w, fill=ORANGE_LIGHT, stroke=ORANGE)
    d.window(wx, wy, (0, 0, 3, 3), stroke=ORANGE)
    d.span(wx, 68, wx + 3 * s, 68, "WW")
    d.span(wx - 14, wy, wx - 14, wy + 3 * s, "HH")

    ox, oy = 712, top + s
    d.sign(612, top + 1.5 * s, "Σ")
    d.arrow(629, top + 1.5 * s, ox - 8, top + 1.5 * s)
    d.text(666, top + 1.5 * s - 20, "+ b[f]", size=16, mono=True)
    d.text(ox + 1.5 * s, 68, "out[n, f]", size=18, bold=True, fill=GREEN, mono=True)
    d.grid(
        ox, oy, out, fill=lambda i, j: GREEN_MID if (i, j) == (0, 1) else GREEN_LIGHT, stroke=GREEN
    )
    d.window(ox, oy, (0, 1, 1, 1), stroke=GREEN)
    d.span(ox, oy - 16, ox + 3 * s, oy - 16, "")
    d.text(ox + 3 * s + 10, oy - 16, "W_out", size=15, fill=SOFT, bold=True, anchor="start")
    d.span(ox + 3 * s + 16, oy, ox + 3 * s + 16, oy + 2 * s, "H_out", side=1)

    products = [
        (value, weight)
        for values, weights in zip(window_of(x_pad, 0, 1, 2, 3, 3), w, strict=True)
        for value, weight in zip(values, weights, strict=True)
        if value and weight
    ]
    terms = " + ".join(f"{number(value)}·{_signed(weight)}" for value, weight in products)
    total = sum(value * weight for value, weight in products)
    assert out[0][1] == total + b
    lines = (
        "out[n, f, 0, 1]",
        f"= {terms} + b[f]",
        f"= {number(total)} + {number(b)} = {number(out[0][1])}",
    )
    for k, words in enumerate(lines):
        d.text(wx, 266 + 30 * k, words, size=16, mono=True, anchor="start")

    d.line(40, 402, 880, 402, stroke="#d8dee4")
    _stack(d, 90, 470, 110, 88, 3, BLUE_LIGHT, BLUE, "x[n]", "C")
    d.sign(290, 505, "×")
    for k, (light, mid) in enumerate(((ORANGE_LIGHT, ORANGE), ("#ffe7c2", ORANGE))):
        _stack(d, 350 + 130 * k, 486, 50, 50, 3, light, mid, f"w[{k}]", "C")
    d.text(350 + 130 * 2 + 10, 510, "…", size=22, bold=True)
    d.text(350 + 130 + 25, 574, "F × (C, HH, WW)", size=15, fill=SOFT, bold=True)
    d.arrow(646, 505, 716, 505)
    _stack(d, 744, 486, 76, 52, 3, GREEN_LIGHT, GREEN, "out[n]", "F")
    d.text(90 + 55, 584, "(C, H, W)", size=15, fill=SOFT, bold=True)
    d.text(744 + 46, 574, "(F, H_out, W_out)", size=15, fill=SOFT, bold=True)
    return d.svg()


def draw_conv2d_backward() -> str:
    """Draw two gradients going back to windows that overlap, and the crop."""
    example = EXAMPLES["conv2d"]
    w, dout = example["w"], example["dout"]
    dx_pad = scattered(dout, w, 2, 6, 7)
    d = Drawing(920, 430, "conv2d backward: each dout adds dout times w to its window of dx_pad")
    s = 40
    colours = {(0, 0): (PURPLE_MID, PURPLE), (0, 1): (ORANGE_MID, ORANGE)}

    dx, dy = 40, 130
    d.text(dx + 1.5 * s, dy - 66, "dout[n, f]", size=18, bold=True, mono=True)
    d.grid(
        dx, dy, dout, fill=lambda i, j: colours.get((i, j), (PAPER, ""))[0], stroke=FAINT, size=s
    )
    for at, (_, stroke) in colours.items():
        d.window(dx, dy, (*at, 1, 1), stroke=stroke)
    d.sign(dx + 1.5 * s, dy + 2 * s + 32, "×")
    wy = dy + 2 * s + 64
    d.grid(dx, wy, w, fill=ORANGE_LIGHT, stroke=FAINT)
    d.text(dx + 3 * s + 12, wy + 1.5 * s, "w[f, c]", size=18, bold=True, mono=True, anchor="start")

    px, py = 266, 90
    d.arrow(182, dy + s, px - 16, dy + s)
    d.text((174 + px) / 2, dy + s - 20, "+=", size=18, bold=True, mono=True)
    d.text(px + 3.5 * s, 28, "dx_pad[n, c]", size=18, bold=True, fill=BLUE, mono=True)

    def shade(i: int, j: int) -> str:
        if i > 2 or j > 4:
            return PAPER
        return GREEN_MID if j == 2 else PURPLE_LIGHT if j < 2 else ORANGE_LIGHT

    d.grid(
        px,
        py,
        dx_pad,
        fill=shade,
        stroke=FAINT,
        ink=lambda i, j: INK if i <= 2 and j <= 4 else FAINT,
    )
    d.window(px, py, (0, 0, 3, 3), stroke=PURPLE, inset=0)
    d.window(px, py, (0, 2, 3, 3), stroke=ORANGE, inset=0)
    d.text(px + s, py - 20, "1·w[f, c]", size=16, fill=PURPLE, bold=True, mono=True)
    d.text(px + 4 * s, py - 20, "2·w[f, c]", size=16, fill=ORANGE, bold=True, mono=True)
    d.window(px, py, (1, 1, 4, 5), stroke=BLUE, dashed=True, inset=-2)
    for k, u in enumerate((0, 2)):
        words = f"1·{_signed(w[u][2])} + 2·{_signed(w[u][0])} = {number(dx_pad[u][2])}"
        y = py + 6 * s + 34 + 30 * k
        d.rect(px + 20, y - 10, 20, 20, fill=GREEN_MID, stroke=GREEN)
        d.text(px + 52, y, words, size=16, fill=GREEN, bold=True, mono=True, anchor="start")

    cx, cy = 670, py + s
    d.arrow(px + 7 * s + 14, cy + 2 * s, cx - 16, cy + 2 * s, stroke=BLUE)
    d.text(cx + 2.5 * s, cy - 62, "dx[n, c]", size=18, bold=True, fill=BLUE, mono=True)
    d.grid(
        cx,
        cy,
        [row[1:6] for row in dx_pad[1:5]],
        fill=lambda i, j: shade(i + 1, j + 1),
        stroke=FAINT,
        ink=lambda i, j: INK if i <= 1 and j <= 3 else FAINT,
    )
    d.window(cx, cy, (0, 0, 4, 5), stroke=BLUE, dashed=True)
    d.span(cx, cy - 20, cx + 5 * s, cy - 20, "W")
    d.span(cx + 5 * s + 16, cy, cx + 5 * s + 16, cy + 4 * s, "H", side=1)
    return d.svg()


def draw_max_pool2d() -> str:
    """Draw four overlapping windows, their winners, and where the gradients go."""
    example = EXAMPLES["max_pool2d"]
    x, dout = example["x"], example["dout"]
    out, places = max_pooled(x, 3, 2)
    dx: list[list[str]] = [["0"] * 5 for _ in range(5)]
    for i, row in enumerate(places):
        for j, (a, b) in enumerate(row):
            share = number(dout[i][j])
            dx[a][b] = share if dx[a][b] == "0" else f"{dx[a][b]}+{share}"
    strokes = [[BLUE, ORANGE], [GREEN, PURPLE]]
    tints = [[BLUE_MID, ORANGE_MID], [GREEN_MID, PURPLE_MID]]
    d = Drawing(
        900, 360, "max_pool2d: each window keeps its largest entry, which gets its gradient"
    )
    s, top = 40, 96

    def winner(i: int, j: int) -> bool:
        return any((i, j) == place for row in places for place in row)

    def place_windows(left: float) -> None:
        for i in range(2):
            for j in range(2):
                d.window(left, top, (2 * i, 2 * j, 3, 3), stroke=strokes[i][j], inset=2.5)

    left = 66
    d.text(left + 2.5 * s, 28, "x[n, c]", size=18, bold=True, mono=True)
    d.grid(left, top, x, fill=PAPER, stroke=FAINT)
    for i, row in enumerate(places):
        for j, (a, b) in enumerate(row):
            if (a, b) != (1, 2):
                d.circle(
                    left + (b + 0.5) * s,
                    top + (a + 0.5) * s,
                    14,
                    fill=tints[i][j],
                    stroke=strokes[i][j],
                )
                d.text(left + (b + 0.5) * s, top + (a + 0.5) * s, number(x[a][b]), bold=True)
    d.circle(left + 2.5 * s, top + 1.5 * s, 14, fill=BLUE_MID, stroke=BLUE)
    half = 14
    d.parts.append(
        f'<path d="M {_n(left + 2.5 * s)} {_n(top + 1.5 * s - half)} A {half} {half} 0 0 1 '
        f'{_n(left + 2.5 * s)} {_n(top + 1.5 * s + half)} Z" fill="{ORANGE_MID}" '
        f'stroke="{ORANGE}" stroke-width="2"/>'
    )
    d.text(left + 2.5 * s, top + 1.5 * s, "7", bold=True)
    place_windows(left)
    d.span(left, 72, left + 3 * s, 72, "WW")
    d.span(left - 14, top, left - 14, top + 3 * s, "HH")
    d.arrow(left, top + 5 * s + 22, left + 2 * s, top + 5 * s + 22)
    d.text(left + 2 * s + 8, top + 5 * s + 22, "stride = 2", size=15, fill=SOFT, anchor="start")

    ox, oy = 336, top + 1.5 * s
    d.arrow(left + 5 * s + 14, oy + s, ox - 12, oy + s)
    d.text((left + 5 * s + ox) / 2, oy + s - 18, "max", size=16, mono=True)
    d.text(ox + s, oy - 26, "out[n, c]", size=18, bold=True, mono=True)
    d.grid(ox, oy, out, fill=lambda i, j: tints[i][j], stroke=FAINT)

    d.line(450, 40, 450, 320, stroke="#d8dee4")

    gx = 484
    d.text(gx + s, oy - 26, "dout[n, c]", size=18, bold=True, mono=True)
    d.grid(gx, oy, dout, fill=lambda i, j: tints[i][j], stroke=FAINT)
    rx = 650
    d.arrow(gx + 2 * s + 14, oy + s, rx - 14, oy + s)
    d.text((gx + 2 * s + rx) / 2, oy + s - 18, "+=", size=18, bold=True, mono=True)
    d.text(rx + 2.5 * s, 28, "dx[n, c]", size=18, bold=True, mono=True)
    d.grid(
        rx,
        top,
        dx,
        fill=lambda i, j: (
            PAPER
            if not winner(i, j)
            else ("#ffe98a" if (i, j) == (1, 2) else (tints[1][0] if j < 2 else tints[1][1]))
        ),
        stroke=FAINT,
        ink=lambda i, j: INK if winner(i, j) else FAINT,
    )
    place_windows(rx)
    return d.svg()


def draw_avg_pool2d() -> str:
    """Draw the mean of a window, its gradient shared out, and a corner of the padding."""
    example = EXAMPLES["avg_pool2d"]
    x, dout, corner = example["x"], example["dout"], example["corner"]
    out = [[sum(map(sum, window_of(x, 0, j, 2, 2, 2))) / 4 for j in range(2)]]
    d = Drawing(920, 520, "avg_pool2d: the mean of each window, and its gradient shared out")
    s = 44
    tints, light = [BLUE_MID, ORANGE_MID], [BLUE_LIGHT, ORANGE_LIGHT]
    strokes = [BLUE, ORANGE]

    left, top = 40, 80
    d.text(left + 2 * s, 44, "x[n, c]", size=18, bold=True, mono=True)
    d.grid(left, top, x, fill=lambda i, j: light[j // 2], stroke=FAINT, size=s)
    for j in range(2):
        d.window(left, top, (0, 2 * j, 2, 2), stroke=strokes[j], size=s, inset=1.5)
    ox = 316
    d.arrow(left + 4 * s + 12, top + s, ox - 12, top + s)
    d.text((left + 4 * s + ox) / 2, top + s - 20, "Σ ÷ 4", size=16, bold=True)
    d.text(ox + s, top + 0.5 * s - 36, "out[n, c]", size=18, bold=True, mono=True)
    d.grid(ox, top + 0.5 * s, out, fill=lambda i, j: tints[j], stroke=FAINT, size=s)

    d.line(450, 36, 450, 190, stroke="#d8dee4")
    gx, rx = 486, 700
    d.text(gx + s, top + 0.5 * s - 36, "dout[n, c]", size=18, bold=True, mono=True)
    d.grid(gx, top + 0.5 * s, dout, fill=lambda i, j: tints[j], stroke=FAINT, size=s)
    d.arrow(gx + 2 * s + 12, top + s, rx - 12, top + s)
    d.text((gx + 2 * s + rx) / 2, top + s - 20, "÷ 4, +=", size=16, bold=True)
    d.text(rx + 2 * s, 44, "dx[n, c]", size=18, bold=True, mono=True)
    shares = [[dout[0][j // 2] / 4 for j in range(4)] for _ in range(2)]
    d.grid(rx, top, shares, fill=lambda i, j: light[j // 2], stroke=FAINT, size=s)
    for j in range(2):
        d.window(rx, top, (0, 2 * j, 2, 2), stroke=strokes[j], size=s, inset=1.5)

    d.line(40, 214, 880, 214, stroke="#d8dee4")
    left, top, s = 40, 256, 44
    d.grid(
        left,
        top,
        padded(corner, 1),
        fill=lambda i, j: (
            (PURPLE_MID if i <= 2 and j <= 2 else BLUE_LIGHT)
            if 1 <= i <= 3 and 1 <= j <= 3
            else PAD
        ),
        stroke=FAINT,
        size=s,
        ink=lambda i, j: INK if 1 <= i <= 3 and 1 <= j <= 3 else SOFT,
    )
    d.window(left, top, (0, 0, 3, 3), stroke=PURPLE, size=s)
    d.text(left + 2.5 * s, top - 20, "x_pad[n, c]", size=18, bold=True, mono=True)
    d.text(left + 5 * s + 12, top + 0.5 * s, "padding = 1", size=15, fill=SOFT, anchor="start")

    inside = [row[:2] for row in corner[:2]]
    terms = " + ".join(number(v) for row in inside for v in row)
    total = sum(map(sum, inside))
    tx = 420
    for y, size, flag in ((top + 26, 9, "True"), (top + 112, 4, "False")):
        d.text(
            tx,
            y,
            f"count_include_pad={flag}",
            size=16,
            fill=PURPLE,
            bold=True,
            mono=True,
            anchor="start",
        )
        mean = number(total / size)
        d.text(tx, y + 32, f"({terms}) ÷ {size} = {mean}", size=17, mono=True, anchor="start")
        d.text(tx + 310, y + 32, f"dx += dout ÷ {size}", size=17, mono=True, anchor="start")
    return d.svg()


def draw_linear() -> str:
    """Draw an image laid out as a row, and that row meeting one row of weights."""
    d = Drawing(900, 612, "flatten lays each image out as a row; linear weighs the row M times")
    s = 38
    fx, fy = 60, 92
    tints = [BLUE_LIGHT, "#d6e4ff"]
    d.text(fx + 80, 34, "x[n]", size=18, bold=True, mono=True)
    d.text(fx + 80, 58, "(C, H, W) = (2, 2, 2)", size=14, fill=SOFT)
    for c in range(2):
        cells = [[str((c * 2 + i) * 2 + j) for j in range(2)] for i in range(2)]
        d.grid(fx + c * 92, fy, cells, fill=tints[c], stroke=BLUE, size=s)
        d.text(fx + c * 92 + s, fy + 2 * s + 16, f"c = {c}", size=14, fill=SOFT)
    rx, ry = 420, 111
    d.arrow(fx + 92 + 2 * s + 20, fy + s, rx - 20, fy + s)
    d.text((fx + 168 + rx) / 2, fy + s - 20, "flatten", size=17, bold=True, mono=True)
    d.grid(
        rx, ry, [[str(k) for k in range(8)]], fill=lambda i, j: tints[j // 4], stroke=BLUE, size=s
    )
    d.text(rx + 4 * s, ry - 28, "d = (c·H + i)·W + j", size=17, mono=True)
    d.span(rx, ry + s + 16, rx + 8 * s, ry + s + 16, "D = C·H·W", side=1)
    d.line(40, 208, 860, 208, stroke="#d8dee4")

    s = 30
    N, D, M, n, m = 3, 6, 4, 1, 2
    wx, wy = 420, 262
    xx, xy = 170, wy + D * s + 18
    blank = [[""] * D for _ in range(N)]
    d.grid(xx, xy, blank, fill=lambda i, j: BLUE_MID if i == n else BLUE_LIGHT, stroke=BLUE, size=s)
    d.window(xx, xy, (n, 0, 1, D), stroke=BLUE, size=s)
    d.text(xx + D * s / 2, xy - 62, "x", size=19, bold=True, fill=BLUE, mono=True)
    d.span(xx, xy - 18, xx + D * s, xy - 18, "D")
    d.span(xx - 18, xy, xx - 18, xy + N * s, "N")
    d.text(
        xx - 48, xy + (n + 0.5) * s, "x[n]", size=16, bold=True, fill=BLUE, mono=True, anchor="end"
    )
    d.grid(
        wx,
        wy,
        [[""] * M for _ in range(D)],
        fill=lambda i, j: ORANGE_MID if j == m else ORANGE_LIGHT,
        stroke=ORANGE,
        size=s,
    )
    d.window(wx, wy, (0, m, D, 1), stroke=ORANGE, size=s)
    d.text(wx + M * s + 34, wy + 20, "w.T", size=19, bold=True, fill=ORANGE, mono=True)
    d.span(wx - 18, wy, wx - 18, wy + D * s, "D")
    d.text(wx + (m + 0.5) * s, wy - 20, "w[m]", size=16, bold=True, fill=ORANGE, mono=True)
    d.grid(
        wx,
        xy,
        [[""] * M for _ in range(N)],
        fill=lambda i, j: GREEN_MID if (i, j) == (n, m) else GREEN_LIGHT,
        stroke=GREEN,
        size=s,
    )
    d.window(wx, xy, (n, m, 1, 1), stroke=GREEN, size=s)
    d.span(wx, xy + N * s + 16, wx + M * s, xy + N * s + 16, "M", side=1)
    d.arrow(xx + D * s + 8, xy + (n + 0.5) * s, wx - 8, xy + (n + 0.5) * s, stroke=BLUE)
    d.text(
        wx + M * s + 24, xy + 18, "out", size=19, bold=True, fill=GREEN, mono=True, anchor="start"
    )
    d.text(
        wx + M * s + 24,
        xy + 48,
        "out[n, m] = Σ x[n]·w[m] + b[m]",
        size=16,
        mono=True,
        anchor="start",
    )
    return d.svg()


def draw_softmax_cross_entropy() -> str:
    """Draw scores, their powers, the probabilities and the gradient as bars."""
    example = EXAMPLES["softmax_cross_entropy"]
    x, q = example["x"][0], example["q"][0]
    powers, p = softmaxed(x)
    panels = [
        ("x", "", list(x), 44.0, BLUE, BLUE_MID),
        ("exp(x − max x)", "", powers, 132.0, BLUE, BLUE_MID),
        ("p", "÷ Σ", p, 132.0, GREEN, GREEN_MID),
        ("q", "−", list(q), 132.0, ORANGE, ORANGE_MID),
        ("p − q", "=", [a - b for a, b in zip(p, q, strict=True)], 132.0, PURPLE, PURPLE_MID),
    ]
    d = Drawing(960, 340, "softmax cross entropy: scores, powers, probabilities, target, gradient")
    width, gap, base = 132, 50, 222
    for k, (name, sign, values, scale, stroke, fill) in enumerate(panels):
        left = 50 + k * (width + gap)
        d.text(left + width / 2, 34, name, size=18, bold=True, fill=stroke, mono=True)
        if sign:
            d.text(left - gap / 2, 150, sign, size=21, bold=True)
        elif k:
            d.arrow(left - gap + 9, 150, left - 7, 150)
        d.line(left, base, left + width, base, stroke=INK)
        for j, value in enumerate(values):
            height = abs(value) * scale
            bar = left + 10 + j * 40
            top = base - height if value >= 0 else base
            d.rect(bar, top, 32, height, fill=fill, stroke=stroke, thick=1.5)
            at = top - 13 if value >= 0 else top + height + 14
            d.text(bar + 16, at, number(value), size=15)
            if value >= 0:
                d.text(bar + 16, base + 16, str(j), size=13, fill=SOFT)
            else:
                d.text(bar + 16, base - 12, str(j), size=13, fill=SOFT)
    d.text(50 + width / 2, base + 42, "k", size=15, fill=SOFT, mono=True)
    loss = -sum(b * math.log(a) for a, b in zip(p, q, strict=True) if b)
    d.text(150, 308, f"loss = −log p[1] ≈ {number(loss)}", size=17, mono=True, anchor="start")
    d.text(560, 308, "dx = (p − q) / N", size=17, mono=True, anchor="start")
    return d.svg()


PICTURES: dict[str, Callable[[], str]] = {
    "conv2d": draw_conv2d,
    "conv2d_backward": draw_conv2d_backward,
    "max_pool2d": draw_max_pool2d,
    "avg_pool2d": draw_avg_pool2d,
    "linear": draw_linear,
    "softmax_cross_entropy": draw_softmax_cross_entropy,
}
"""Every picture: the name of its file, and the function that draws it."""


def main() -> None:
    """Write every picture into its folder."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the learn pages.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the pictures go")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        (folder / f"{name}.svg").write_text(draw(), encoding="utf-8", newline="\n")
        print(folder / f"{name}.svg")


def _stack(
    d: Drawing,
    x: float,
    y: float,
    width: float,
    height: float,
    sheets: int,
    fill: str,
    stroke: str,
    name: str,
    depth: str,
) -> None:
    """Put sheets one behind the other, with their name and the letter of their axis."""
    step = 10
    for k in reversed(range(sheets)):
        d.rect(x + k * step, y - k * step, width, height, fill=fill, stroke=stroke, thick=1.5)
    d.text(x + width / 2, y + height / 2, name, size=16, bold=True, fill=stroke, mono=True)
    reach = (sheets - 1) * step
    d.line(x - 8, y - 6, x - 8 + reach, y - 6 - reach)
    d.text(x - 8 + reach / 2 - 10, y - 6 - reach / 2 - 9, depth, size=15, fill=SOFT, bold=True)


def _signed(value: float) -> str:
    return f"({number(value)})" if value < 0 else number(value)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


if __name__ == "__main__":
    main()
