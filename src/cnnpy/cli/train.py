"""``cnnpy train``: from a data set to a model, its numbers and its pictures."""

from __future__ import annotations

import dataclasses
import logging
import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from numpy.typing import NDArray

from cnnpy import plot
from cnnpy.cli.backend import BackendOption, on_backend
from cnnpy.cli.defaults import (
    DATA,
    MODEL,
    OTHER,
    RECIPES,
    Recipe,
    augmentation,
    known_name,
)
from cnnpy.cli.errors import Stopped, Terminated
from cnnpy.cli.output import Page, count, percent, plural, shown, times
from cnnpy.cli.progress import progress
from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.contract.options import choice, integer, real
from cnnpy.contract.shapes import Shape
from cnnpy.data import DATASETS, Augmentation, Splits, load
from cnnpy.models import MODELS, make_model
from cnnpy.nn import Layer
from cnnpy.optim import OPTIMIZERS, SCHEDULES
from cnnpy.train import Callback, Classifier, FitPlan, RunFolder, fit
from cnnpy.train.run_folder import new_folder

__all__ = ["train"]

_COMMAND = "cnnpy train"
_RUNS = Path("runs")
_USUAL = RECIPES[DATA]


@dataclass(frozen=True)
class _Settings:
    """What a run is asked to do, as its config.json records it."""

    data: str
    model: str
    epochs: int
    batch_size: int
    optimizer: str
    schedule: str
    lr: float
    weight_decay: float | None
    augment: bool
    size: tuple[int, int] | None
    seed: int


def train(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help=f"What to learn: {', '.join(DATASETS)}, a folder of images or an .npz file.",
        ),
    ] = DATA,
    model: Annotated[str, typer.Option(help=f"The network: {', '.join(MODELS)}.")] = MODEL,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="How often each image is seen.", show_default=f"{_USUAL.epochs} for {DATA}"
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(help="Images a step.", show_default=f"{_USUAL.batch_size} for {DATA}"),
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            help=f"The optimizer: {', '.join(OPTIMIZERS)}.",
            show_default=f"{_USUAL.optimizer} for {DATA}",
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            help=f"How the learning rate goes: {', '.join(SCHEDULES)}.",
            show_default=f"{_USUAL.schedule} for {DATA}",
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            help="The highest learning rate.",
            show_default=f"{_USUAL.lr_of(_USUAL.optimizer):g} for {DATA}",
        ),
    ] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option(help="How strongly weights decay.", show_default="the optimizer's"),
    ] = None,
    augment: Annotated[
        bool | None,
        typer.Option(
            "--augment/--no-augment",
            help="Shift training images at random, and mirror them where that suits.",
            show_default=f"{'augment' if _USUAL.augment else 'no-augment'} for {DATA}",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="H,W",
            help="Resize the images of a folder to this size.",
            show_default="as they are",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Decides the split, the first weights and all else by chance.")
    ] = 0,
    backend: BackendOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the run, new or empty.", show_default=f"{_RUNS}/DATA-MODEL"
        ),
    ] = None,
) -> None:
    """Train a network on images and keep the best model."""
    recipe = RECIPES[known_name(data) or OTHER]
    chosen_optimizer = _name(OPTIMIZERS, "--optimizer", optimizer or recipe.optimizer)
    settings = _Settings(
        data=known_name(data) or data,
        model=_name(MODELS, "--model", model),
        epochs=integer(1)(_COMMAND, "--epochs", recipe.epochs if epochs is None else epochs),
        batch_size=integer(1)(
            _COMMAND, "--batch-size", recipe.batch_size if batch_size is None else batch_size
        ),
        optimizer=chosen_optimizer,
        schedule=_name(SCHEDULES, "--schedule", schedule or recipe.schedule),
        lr=_learning_rate(lr, recipe, chosen_optimizer),
        weight_decay=recipe.weight_decay_of(chosen_optimizer)
        if weight_decay is None
        else real(0.0)(_COMMAND, "--weight-decay", weight_decay),
        augment=recipe.augment if augment is None else augment,
        size=_size(size),
        seed=integer(0)(_COMMAND, "--seed", seed),
    )
    with on_backend(backend) as computing:
        _run(settings, recipe, computing, out)


def _run(settings: _Settings, recipe: Recipe, backend: str, out: Path | None) -> None:
    splits = load(settings.data, seed=settings.seed, size=settings.size)
    model = make_model(settings.model, splits.train.n_classes)
    _check_fit(settings, model, splits.train.shape)
    change = augmentation(recipe, splits.train.shape) if settings.augment else None
    folder = RunFolder(
        out or new_folder(_RUNS, f"{_label(settings.data)}-{settings.model}"),
        _config(settings, backend, splits, change),
    )
    page = Page()
    header = _Header(page, settings, backend, splits, change, folder.path)
    follow = progress(page)
    try:
        with follow:
            classifier = fit(
                model,
                splits.train,
                splits.validation,
                epochs=settings.epochs,
                batch_size=settings.batch_size,
                optimizer=settings.optimizer,
                lr=settings.lr,
                weight_decay=settings.weight_decay,
                schedule=settings.schedule,
                augment=change,
                seed=settings.seed,
                callbacks=[folder, header, follow],
            )
        _finish(page, classifier, splits, folder)
    except (KeyboardInterrupt, Terminated, BrokenPipeError) as error:
        line = _farewell(error, follow.n_finished, folder.path, settings.data)
        raise Stopped(line, error) from error


# --- before ------------------------------------------------------------------------------


def _name(table: Any, option: str, value: str) -> str:
    name: str = choice(*table)(_COMMAND, option, value)
    return name


def _learning_rate(lr: float | None, recipe: Recipe, optimizer: str) -> float:
    usual = recipe.lr_of(optimizer)
    if lr is None:
        return usual
    if not (math.isfinite(lr) and lr > 0):
        raise OptionError(
            f"{_COMMAND}: --lr={lr:g}", "a finite number above 0", f"use --lr={usual:g}"
        )
    return lr


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    parts = text.lower().replace("x", ",").split(",")
    numbers = [int(part) if part.strip().isdecimal() else 0 for part in parts]
    if len(numbers) > 2 or min(numbers) < 1:
        raise OptionError(
            f"{_COMMAND}: --size={text!r}",
            "a height and a width in pixels, or one number for both",
            "use --size=32 or --size=32,48",
        )
    return numbers[0], numbers[-1]


def _check_fit(settings: _Settings, model: Layer, shape: Shape) -> None:
    """Demand, before a folder is made, that the images are large enough for the network."""
    try:
        model.output_shape(shape)
    except ShapeError as error:
        fitting = [name for name in MODELS if _fits(name, shape)]
        larger = f"larger images: --size={2 * max(shape[1:])}"
        folder = known_name(settings.data) is None and Path(settings.data).is_dir()
        raise ShapeError(
            f"{_COMMAND}: {settings.model} does not fit images of {times(shape)}: {error.given}",
            error.expected,
            " or ".join([f"use --model={fitting[0]}"] * bool(fitting) + [larger] * folder)
            or "use larger images",
        ) from error


def _fits(name: str, shape: Shape) -> bool:
    try:
        make_model(name, 1).output_shape(shape)
    except ShapeError:
        return False
    return True


def _label(data: str) -> str:
    """Return the part of the run folder's name that says what was learned."""
    if known_name(data):
        return data
    path = Path(data).resolve()
    return (path.name if path.is_dir() else path.stem) or "images"


def _config(
    settings: _Settings, backend: str, splits: Splits, change: Augmentation | None
) -> dict[str, Any]:
    return dataclasses.asdict(settings) | {
        "augmentation": None if change is None else repr(change),
        "backend": backend,
        "image_shape": splits.train.shape,
        "n_classes": splits.train.n_classes,
        "n_train": len(splits.train),
        "n_validation": len(splits.validation),
        "n_test": len(splits.test),
    }


class _Header(Callback):
    """Print what is going to happen, once the network is built and the folder made."""

    def __init__(
        self,
        page: Page,
        settings: _Settings,
        backend: str,
        splits: Splits,
        change: Augmentation | None,
        folder: Path,
    ) -> None:
        self.page, self.settings, self.backend = page, settings, backend
        self.splits, self.change, self.folder = splits, change, folder

    def on_start(self, plan: FitPlan) -> None:
        """Print it."""
        settings, (train, validation, test) = self.settings, self.splits
        model = plan.classifier.model
        n_parameters = sum(p.size for p in model.parameters())
        rows = {
            "data": shown(settings.data),
            "images": f"{times(train.shape)}, {plural(train.n_classes, 'class')}: "
            f"{len(train):,} training, {len(validation):,} validation, {len(test):,} test",
            "network": f"{settings.model}, {plural(n_parameters, 'parameter')}, "
            f"{count(model.flops(train.shape))}FLOPs an image",
            "training": f"{plural(settings.epochs, 'epoch')}, batch size {settings.batch_size}, "
            f"{settings.optimizer}, {settings.schedule}, lr {settings.lr:g}",
            "augment": "nothing" if self.change is None else repr(self.change),
            "backend": f"{self.backend}; seed {settings.seed}",
            "run": shown(self.folder),
        }
        for name, value in rows.items():
            self.page.say(f"{name:<10}{value}")
        self.page.say()


# --- after -------------------------------------------------------------------------------


def _finish(page: Page, classifier: Classifier, splits: Splits, folder: RunFolder) -> None:
    """Draw the pictures, look at the test images once, and say where everything lies."""
    history = classifier.history
    best = max(report.epoch for report in history if report.best)
    page.say(f"\n* best so far; the model is that of epoch {best}")
    astray = next((r.epoch for r in history if not math.isfinite(r.train_loss)), None)
    if astray is not None:
        page.say(f"the loss was not finite in epoch {astray}: try a smaller --lr")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # its notes on caches of fonts
    curves = folder.path / "curves.png"
    plot.save(plot.curves(history), curves)
    weights = _first_filters(classifier.model)
    if weights is not None:
        plot.save(plot.filters(weights), folder.path / "filters.png")
    result = classifier.evaluate(splits.test)
    for line in (
        f"test accuracy: {percent(result.accuracy)}",
        f"model:   {shown(folder.model_path)}",
        f"picture: {shown(curves)}",
    ):
        page.say(line)


def _first_filters(model: Layer) -> NDArray[Any] | None:
    return next((p.value for p in model.parameters() if p.value.ndim == 4), None)


def _farewell(error: BaseException, n_finished: int, folder: Path, data: str) -> str:
    what = {
        KeyboardInterrupt: "interrupted",
        Terminated: "terminated",
        BrokenPipeError: "stopped, since nobody reads the output",
    }[type(error)]
    if not n_finished:
        return f"{what}: epoch 1 was not over, so there is no model yet"
    place = shlex.quote(shown(folder))
    return (
        f"{what} after {plural(n_finished, 'epoch')}; the best model so far: "
        f"{shown(folder / 'model.safetensors')}; use it: cnnpy eval {place} "
        f"{shlex.quote(shown(data))}"
    )
