"""Confusion: which class is taken for which, with an example of each frequent mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import ShapeError
from cnnpy.plot.canvas import colours, new_figure, style
from cnnpy.plot.images import rgb, short
from cnnpy.train import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["cell_shares", "confusion"]

_MOST_NUMBERS = 20  # classes, above which the cells have no room for a number
_MOST_NAMES = 40
_MOST_EXAMPLES = 8
_LONGEST_NAME = 18


def confusion(
    evaluation: Evaluation | NDArray[Any],
    class_names: Sequence[str],
    images: Mapping[tuple[int, int], NDArray[Any]] | None = None,
    *,
    white: float | None = None,
) -> Figure:
    """Draw which class is taken for which.

    A row is a true class, its cells the share of the class's images: blue what is right,
    orange what is wrong, by the root of the share so that few mistakes are seen.

    Parameters
    ----------
    evaluation : Evaluation or ndarray of shape (K, K)
        What `Classifier.evaluate` gives, or images of each true class (rows) by predicted
        class (columns).
    class_names : sequence of K str
        A name for each class.
    images : mapping of (int, int) to ndarray of shape (C, H, W), optional
        By true and predicted class, an example; at most eight are drawn.
    white : float, optional
        The images' value of full brightness; 255 for bytes.

    Returns
    -------
    matplotlib.figure.Figure
        The matrix, and the examples at its right; :func:`save` writes it.

    Raises
    ------
    ShapeError
        Where the matrix is not (K, K).
    MissingPackageError
        Where matplotlib is not installed.

    Examples
    --------
    >>> figure = confusion(np.array([[9, 1], [0, 4]]), ("cat", "dog"))
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['9', '1', '4']
    """
    counts = evaluation.confusion if isinstance(evaluation, Evaluation) else np.asarray(evaluation)
    K = len(class_names)
    if counts.shape != (K, K) or not K:
        raise ShapeError(
            f"confusion: the matrix has shape {counts.shape}; there are {K} class names",
            f"({K}, {K}): one row and one column a class" if K else "at least one class",
            f"give {counts.shape[0]} class names" if counts.ndim == 2 else "give a matrix",
        )
    examples = list((images or {}).items())[:_MOST_EXAMPLES]
    side = min(max(0.42 * K + 1.6, 4.0), 8.0)
    with style():
        figure = new_figure(side + 2.6 * bool(examples), side)
        if not examples:
            _draw(figure.subplots(), counts, class_names)
            return figure
        parts: Any = figure.subfigures(1, 2, width_ratios=(side, 2.6))
        left, right = parts
        _draw(left.subplots(), counts, class_names)
        n_rows = _MOST_EXAMPLES // 2
        grid = right.subplots(n_rows, 2, squeeze=False).ravel()
        for axes in grid:
            axes.set_axis_off()
        for axes, ((label, predicted), image) in zip(grid, examples, strict=False):
            axes.imshow(rgb(image, white), interpolation="nearest")
            was, said = (short(class_names[k], _LONGEST_NAME) for k in (label, predicted))
            axes.set_title(
                f"{was}\n→ {said}: {counts[label, predicted]:,}",
                fontsize=9,
                loc="left",
            )
    return figure


def cell_shares(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Return how strong the colour of each cell is, from 0 to 1: see :func:`confusion`.

    Parameters
    ----------
    counts : ndarray of shape (K, K)
        Images of each true class (rows) by predicted class (columns).

    Returns
    -------
    ndarray of shape (K, K)
        The share of the row on the diagonal, its root elsewhere.
    """
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    strength: NDArray[np.float64] = np.where(np.eye(len(counts)) > 0, shares, np.sqrt(shares))
    return strength


def _draw(axes: Axes, counts: NDArray[Any], names: Sequence[str]) -> None:
    from matplotlib.colors import to_rgb

    K = len(names)
    theme = colours()
    paper, right, wrong = (np.array(to_rgb(c)) for c in (theme.paper, theme.blue, theme.vermilion))
    strength = cell_shares(counts)[..., np.newaxis]
    target = np.where(np.eye(K, dtype=bool)[..., np.newaxis], right, wrong)
    cells = (1 - strength) * paper + strength * target
    axes.imshow(cells, interpolation="nearest", aspect="equal")
    if K <= _MOST_NUMBERS:
        for i, j in np.argwhere(counts > 0).tolist():
            dark = cells[i, j] @ (0.299, 0.587, 0.114) < 0.5
            ink = "white" if dark else "#111111"
            axes.text(j, i, f"{counts[i, j]:,}", ha="center", va="center", color=ink, fontsize=8)
    step = -(-K // _MOST_NAMES)
    places = range(0, K, step)
    turn = 90 if max(map(len, names)) > 2 else 0
    axes.set_xticks(
        places, [short(names[k], _LONGEST_NAME) for k in places], rotation=turn, fontsize=9
    )
    axes.set_yticks(places, [short(names[k], _LONGEST_NAME) for k in places], fontsize=9)
    axes.tick_params(length=0)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    for spine in axes.spines.values():
        spine.set(visible=True, color=theme.grid)
