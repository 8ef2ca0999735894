"""The sections of a run's page about its images: classes, confusions, mistakes, looks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from xml.etree.ElementTree import Element

import numpy as np

from cnnpy import insight, plot, written
from cnnpy.page import element, printable, table
from cnnpy.plot.confusion import cell_shares
from cnnpy.plot.feature_maps import heat_of_channel, last_of_each_size, strongest
from cnnpy.plot.filters import filter_pictures, first_filters
from cnnpy.plot.images import heat, heat_over, rgb
from cnnpy.report.findings import Findings, Looks
from cnnpy.report.images import chart, row_of_tiles, tile

__all__ = [
    "classes",
    "confusions",
    "embedding",
    "filters",
    "looks",
    "maps",
    "mistakes",
    "number",
    "percent",
]

_MOST_IN_TABLE = 25
_MOST_FILTERS = 64
_MOST_CHANNELS = 12
_SMALL, _LARGE = 56, 104
# How much of a cell's ground is coloured at most, so that its number can be read.
_RIGHT, _WRONG = "0, 114, 178", "213, 94, 0"
_MOST_RIGHT, _MOST_WRONG = 0.5, 0.75


def percent(share: float) -> str:
    """Write a share of one in one piece, a dash for none."""
    return "–" if math.isnan(share) else _in_one_piece(written.percent(share))


def whole_percent(share: float) -> str:
    """Write a probability in few letters, in one piece."""
    return _in_one_piece(written.whole_percent(share))


def _in_one_piece(text: str) -> str:
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def section(title: str, *content: Element | str | None) -> Element:
    """Put something under a title."""
    return element("section", element("h2", title), *content)


def note(text: str) -> Element:
    """Say something beside the matter."""
    return element("p", text, class_="note")


def classes(found: Findings) -> Iterator[Element]:
    """Show the figures of the whole and of each class."""
    m = found.metrics
    if m is None:
        return
    heads = ("class", "images", "precision", "recall", "F1", "ROC AUC")
    rows = [
        element(
            "tr",
            element("th", printable(name), scope="row"),
            number(f"{m.support[k]:,}", "aside"),
            number(percent(m.precision[k])),
            number(percent(m.recall[k])),
            number(percent(m.f1[k])),
            number("–" if np.isnan(m.roc_auc[k]) else f"{m.roc_auc[k]:.4f}", "aside"),
        )
        for k, name in enumerate(m.class_names)
    ]
    auc = m.macro("roc_auc")
    mean = element(
        "tr",
        element("th", "mean of the classes", scope="row"),
        number("", "aside"),
        *(number(percent(m.macro(name))) for name in ("precision", "recall", "f1")),
        number("–" if math.isnan(auc) else f"{auc:.4f}", "aside"),
        class_="best",
    )
    assert found.said is not None
    tops = [f"top-{k} accuracy {percent(value)}" for k, value in m.top_k.items() if k > 1]
    n_right = int(np.trace(m.confusion))
    summary = (
        f"Accuracy {percent(m.accuracy)}, {n_right:,} of {m.n_images:,} images right; "
        f"mean cross-entropy {float(found.said.losses.mean()):.4f}"
        + "".join(f"; {top}" for top in tops)
        + "."
    )
    body = table(
        "figures of each class",
        heads,
        [*rows, mean],
        numbers=heads[1:],
        aside=("images", "ROC AUC"),
    )
    yield section(f"On the {found.part} images", element("p", summary), body)


def number(text: str, beside: str = "") -> Element:
    """Make a cell of a number, set to the right.

    Parameters
    ----------
    text : str
        What is written.
    beside : str
        Another class of the cell.

    Returns
    -------
    Element
        The cell.
    """
    return element("td", text, class_=f"number {beside}".strip())


def confusions(found: Findings) -> Iterator[Element]:
    """Show which class is taken for which, with an example of the most frequent."""
    if found.said is None or found.dataset is None:
        return
    names, counts = found.said.class_names, found.said.confusion
    if len(names) <= _MOST_IN_TABLE:
        matrix = _matrix(counts, names)
    else:
        matrix = chart(
            lambda: plot.confusion(counts, names),
            f"Confusion matrix of {len(names)} classes.",
            kind="png",
        )
    pairs = insight.confusions(found.said, 8)
    examples_of = found.dataset.read([pair.example for pair in pairs])
    examples = [
        tile(
            rgb(image, found.dataset.white),
            f"{names[pair.label]}, taken for {names[pair.predicted]}",
            names[pair.label],
            f"→ {names[pair.predicted]}: {pair.n_images:,}",
        )
        for pair, image in zip(pairs, examples_of, strict=True)
    ]
    yield section(
        "Confusions",
        note("A row is a true class, a column what was said. Orange is wrong, and stronger than "
             "its share, so that few mistakes are seen."),
        matrix,
        *(
            (element("h3", "The most frequent, with the worst example of each"),
             row_of_tiles(examples))
            if examples
            else (element("p", "No image was taken for another class."),)
        ),
    )  # fmt: skip


def _matrix(counts: np.ndarray, names: tuple[str, ...]) -> Element:
    most = np.where(np.eye(len(names)) > 0, _MOST_RIGHT, _MOST_WRONG)
    shares = most * cell_shares(counts)
    rows = [
        element(
            "tr",
            element("th", printable(name), scope="row"),
            *(
                element(
                    "td",
                    f"{counts[i, j]:,}" if counts[i, j] else "",
                    style=f"background: rgba({_RIGHT if i == j else _WRONG}, {shares[i, j]:.3f})"
                    if counts[i, j]
                    else None,
                )
                for j in range(len(names))
            ),
        )
        for i, name in enumerate(names)
    ]
    heads = ("true class", *map(printable, names))
    return element("div", table("confusion matrix", heads, rows), class_="matrix")


def mistakes(found: Findings) -> Iterator[Element]:
    """Show the images of which the classifier was most wrong."""
    if found.said is None or found.dataset is None:
        return
    names = found.said.class_names
    worst = insight.mistakes(found.said, 18)
    images = found.dataset.read([one.index for one in worst])
    tiles = [
        tile(
            rgb(image, found.dataset.white),
            f"image {one.index}: {names[one.label]}, taken for {names[one.predicted]}",
            f"is {names[one.label]} ({whole_percent(one.probability_of_label)})",
            f"said {names[one.predicted]} ({whole_percent(one.probability)})",
            side=_LARGE,
        )
        for one, image in zip(worst, images, strict=True)
    ]
    yield section(
        "Worst mistakes",
        row_of_tiles(tiles) if tiles else element("p", "There is none."),
        note("By the loss: the less probable the true class was held, the worse.")
        if tiles
        else None,
    )


def looks(found: Findings) -> Iterator[Element]:
    """Show where in some images the network looks."""
    if found.looks is None or found.dataset is None:
        return
    shown, names = found.looks, found.classifier.class_names
    groups = [
        element("div", *_look(found, shown, k, names), class_="group")
        for k in range(len(shown.images))
    ]
    yield section(
        "Where it looks",
        note(
            "Each image, then how strongly each pixel moves the score of the class that was "
            "said (saliency)"
            + ("" if shown.grad_cam is None else ", then where the evidence for it lies (Grad-CAM)")
            + ". Each on its own scale."
        ),
        row_of_tiles(groups),
    )


def _look(found: Findings, shown: Looks, k: int, names: tuple[str, ...]) -> Iterator[Element]:
    assert found.dataset is not None
    picture = rgb(shown.images[k], found.dataset.white)
    is_, said = names[shown.labels[k]], names[shown.said[k]]
    wrong = "" if is_ == said else f"is {is_}"
    yield tile(picture, f"an image of {is_}, said to be {said}", said, wrong)
    yield tile(heat(shown.saliency[k]), f"saliency of {said}", "saliency")
    if shown.grad_cam is not None:
        yield tile(heat_over(picture, shown.grad_cam[k]), f"Grad-CAM of {said}", "Grad-CAM")


def filters(found: Findings) -> Iterator[Element]:
    """Show the filters of the first convolution."""
    first = first_filters(found.classifier.model)
    if first is None:
        return
    name, weights = first
    pictures, legend = filter_pictures(weights)
    F, C, HH, WW = weights.shape
    tiles = [
        tile(np.rint(255 * picture).astype(np.uint8), f"filter {k}", side=_SMALL)
        for k, picture in enumerate(pictures[:_MOST_FILTERS])
    ]
    more = f", the first {_MOST_FILTERS} of them" if F > _MOST_FILTERS else ""
    yield section(
        "Filters of the first convolution",
        element("p", f"{printable(name)}: {F} filters of {HH}×{WW}, C={C}{more}. {legend}."),
        row_of_tiles(tiles, close=True),
    )


def maps(found: Findings) -> Iterator[Element]:
    """Show what the layers make of one image."""
    if found.looks is None or not found.looks.maps or found.dataset is None:
        return
    rows: list[Element] = []
    for name, out in last_of_each_size(found.looks.maps).items():
        C, H, W = out.shape
        tiles = [
            tile(heat_of_channel(out, k), f"channel {k} of {name}", side=_SMALL)
            for k in strongest(out, _MOST_CHANNELS)
        ]
        rows.append(element("h3", f"{printable(name)}: {C} channels of {H}×{W}"))
        rows.append(row_of_tiles(tiles, close=True))
    image = rgb(found.looks.images[0], found.dataset.white)
    name = found.classifier.class_names[found.looks.labels[0]]
    yield section(
        "Feature maps",
        note("What the layers make of this image: the channels with the largest values, each "
             "layer on its own scale, black for 0 and less."),
        row_of_tiles([tile(image, f"an image of {name}", name)]),
        *rows,
    )  # fmt: skip


def embedding(found: Findings) -> Iterator[Element]:
    """Show where the network sees each image before it decides."""
    points, labels = found.points, found.point_labels
    if points is None or labels is None:
        return
    names = found.classifier.class_names
    share = 100 * float(points.shares.sum())
    yield section(
        "Embedding",
        note(
            f"What enters the last layer, for {len(labels):,} images, in the two directions in "
            f"which it differs most: {share:.0f} % of the variance."
        ),
        chart(
            lambda: plot.embeddings(points, labels, names),
            f"Points of {len(labels):,} images of {len(names)} classes.",
            kind="png",
        ),
    )
