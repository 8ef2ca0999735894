"""``cnnpy eval``: how well a model does, class by class."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from cnnpy import insight
from cnnpy.cli.backend import BackendOption, on_backend
from cnnpy.cli.defaults import known_name
from cnnpy.cli.model import ViewsOption, check_views, load_model, seed_beside
from cnnpy.cli.output import Page, columns, shown
from cnnpy.contract.options import choice, integer
from cnnpy.data import DATASETS, VIEWS, Splits, load
from cnnpy.insight import Metrics, Predictions
from cnnpy.train import Classifier, Evaluation
from cnnpy.written import decimal, percent, plural

__all__ = ["evaluate"]

_COMMAND = "cnnpy eval"
_ALL = "all"
_PARTS = ("test", "validation", "train", _ALL)
_MOST_CONFUSIONS = 5


def evaluate(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="The model file, or the folder of its run.")
    ],
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help=f"What to look at: {', '.join(DATASETS)}, a folder of images or an .npz file.",
        ),
    ],
    part: Annotated[
        str, typer.Option(help=f"The part of the data set: {', '.join(_PARTS)}.")
    ] = _PARTS[0],
    seed: Annotated[
        int | None,
        typer.Option(help="Names the split of the data set.", show_default="that of the run, or 0"),
    ] = None,
    per_class: Annotated[
        bool,
        typer.Option("--per-class", help="Show F1, ROC AUC and top-k accuracy besides."),
    ] = False,
    views: ViewsOption = None,
    backend: BackendOption = None,
) -> None:
    """Measure a model on images, class by class."""
    choice(*_PARTS)(_COMMAND, "--part", part)
    check_views(_COMMAND, views)
    if seed is not None:
        integer(0)(_COMMAND, "--seed", seed)
    with on_backend(backend):
        classifier = load_model(model)
        split = (seed_beside(model) or 0) if seed is None else seed
        splits = load(data, seed=split, size=_size(data, classifier))
        figures = None
        if per_class:
            said = _said(classifier, splits, part, views)
            result = _evaluation(said)
            figures = insight.metrics(said.labels, said.probabilities, said.class_names)
        else:
            result = _measure(classifier, splits, part, views)
    page = Page()
    what = "all images" if part == _ALL else f"the {part} images"
    averaged = f", mean of {plural(len(VIEWS[views]), 'view')}" if views else ""
    lines = (
        f"{shown(model)} on {what} of {shown(data)}, seed {split}{averaged}",
        "",
        f"accuracy  {percent(result.accuracy)}, {int(np.trace(result.confusion)):,} "
        f"of {plural(result.n_images, 'image')}",
        f"loss      {decimal(result.loss)}",
        "",
    )
    for line in lines:
        page.say(line)
    if figures is None:
        _print_classes(page, result.confusion, classifier.class_names)
    else:
        _print_figures(page, figures)
    _print_confusions(page, result.confusion, classifier.class_names)


def _size(data: str, classifier: Classifier) -> tuple[int, int] | None:
    """Return the size to bring images to: that of the model, for a folder."""
    is_folder = known_name(data) is None and Path(data).is_dir()
    return classifier.preprocessing.shape[1:] if is_folder else None


def _measure(classifier: Classifier, splits: Splits, part: str, views: str | None) -> Evaluation:
    """Evaluate one part, or add up all three."""
    if part != _ALL:
        return classifier.evaluate(getattr(splits, part), views=views)
    results = [classifier.evaluate(dataset, views=views) for dataset in splits if len(dataset)]
    n_images = sum(result.n_images for result in results)
    confusion: NDArray[np.int64] = np.sum([result.confusion for result in results], axis=0)
    loss = sum(result.loss * result.n_images for result in results) / n_images
    return Evaluation(n_images, float(np.trace(confusion)) / n_images, loss, confusion)


def _said(classifier: Classifier, splits: Splits, part: str, views: str | None) -> Predictions:
    """Let the classifier say what each image of one part is, or of all three."""
    chosen = [dataset for dataset in splits if len(dataset)]
    parts = chosen if part == _ALL else [getattr(splits, part)]
    said = [insight.predictions(classifier, dataset, views=views) for dataset in parts]
    return Predictions(
        np.concatenate([one.labels for one in said]),
        np.concatenate([one.log_probabilities for one in said]),
        classifier.class_names,
    )


def _evaluation(said: Predictions) -> Evaluation:
    n = len(said.labels)
    right = int(np.trace(said.confusion))
    loss = float(said.losses.mean(dtype=np.float64)) if n else np.nan
    return Evaluation(n, right / n if n else np.nan, loss, said.confusion)


def _print_figures(page: Page, figures: Metrics) -> None:
    names = ("precision", "recall", "F1")
    numbers = ("images", *names, "ROC AUC")
    table = columns("class", *numbers, right=numbers, fold=("class",))
    rows = zip(figures.precision, figures.recall, figures.f1, strict=True)
    for k, shares in enumerate(rows):
        table.add_row(
            shown(figures.class_names[k]),
            f"{figures.support[k]:,}",
            *map(percent, shares),
            _area(figures.roc_auc[k]),
        )
    means = [percent(figures.macro(name.lower())) for name in names]
    table.add_row("mean", "", *means, _area(figures.macro("roc_auc")))
    page.table(table)
    tops = [f"top-{k} accuracy  {percent(share)}" for k, share in figures.top_k.items() if k > 1]
    for line in ["", *tops] if tops else []:
        page.say(line)
    if np.isnan(figures.roc_auc).all() and find_spec("sklearn") is None:
        page.say("\nROC AUC needs scikit-learn: pip install 'cnnpy[sklearn]'")


def _area(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4f}"


def _print_classes(page: Page, confusion: NDArray[np.int64], names: tuple[str, ...]) -> None:
    numbers = ("images", "right", "recall", "precision")
    table = columns("class", *numbers, right=numbers, fold=("class",))
    for k, name in enumerate(names):
        images, answers, right = confusion[k].sum(), confusion[:, k].sum(), confusion[k, k]
        table.add_row(
            shown(name),
            f"{images:,}",
            f"{right:,}",
            percent(right / images if images else np.nan),
            percent(right / answers if answers else np.nan),
        )
    page.table(table)


def _print_confusions(page: Page, confusion: NDArray[np.int64], names: tuple[str, ...]) -> None:
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_CONFUSIONS]
    pairs = [(k // len(names), k % len(names)) for k in order.tolist()]
    rows = [(wrong[i, j], names[i], names[j]) for i, j in pairs if wrong[i, j]]
    page.say()
    if not rows:
        page.say("no image was taken for another class")
        return
    table = columns(
        "images", "of class", "taken for", right=("images",), fold=("of class", "taken for")
    )
    for n, true, taken in rows:
        table.add_row(f"{n:,}", shown(true), shown(taken))
    page.say("most frequent confusions")
    page.table(table)
