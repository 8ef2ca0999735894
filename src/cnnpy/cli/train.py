"""``cnnpy train``: from a data set to a model, its numbers and its pictures."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from cnnpy import plot
from cnnpy.cli.backend import BackendOption, check_backend, on_backend
from cnnpy.cli.defaults import DATA, known_name, usual_augmentation
from cnnpy.cli.errors import Stopped, Terminated
from cnnpy.cli.output import Page, quieten_matplotlib, shown
from cnnpy.cli.progress import LineProgress, progress
from cnnpy.cli.train_settings import COMMAND, Asked, settings_of
from cnnpy.contract.errors import OptionError, ShapeError, TrainingError
from cnnpy.contract.options import integer, real
from cnnpy.contract.shapes import Shape
from cnnpy.data import DATASETS, Splits, load
from cnnpy.models import MODELS, make_model
from cnnpy.nn import Layer
from cnnpy.optim import OPTIMIZERS, SCHEDULES
from cnnpy.report import TensorBoard
from cnnpy.train import Callback, Classifier, FitPlan, RunFolder, fit, preflight
from cnnpy.train import find_lr as find_learning_rate
from cnnpy.train.objective import Objective
from cnnpy.train.run_folder import demand_empty, new_folder
from cnnpy.train.run_settings import RunSettings, recipe
from cnnpy.train.training import Training
from cnnpy.written import count, percent, plural, times

__all__ = ["train"]

_RUNS = Path("runs")
_USUAL = recipe(DATA)


def train(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help=f"What to learn: {', '.join(DATASETS)}, a folder of images or of .npy files, "
            "or an .npz file.",
            show_default=DATA,
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help=f"The network: {', '.join(MODELS)}.", show_default=_USUAL.model),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="How often each image is seen.",
            show_default=f"{_USUAL.training.epochs} for {DATA}",
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="Images a step.", show_default=f"{_USUAL.training.batch_size} for {DATA}"
        ),
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            help=f"The optimizer: {', '.join(OPTIMIZERS)}.",
            show_default=f"{_USUAL.training.optimizer} for {DATA}",
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            help=f"How the learning rate goes: {', '.join(SCHEDULES)}.",
            show_default=f"{_USUAL.training.schedule} for {DATA}",
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            help="The highest learning rate.",
            show_default=f"{_USUAL.training.highest_lr:g} for {DATA}",
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
            help="Change training images at random as suits their size.",
            show_default="as the recipe has it",
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
        int | None,
        typer.Option(
            help="Decides the split, the first weights and all else by chance.", show_default="0"
        ),
    ] = None,
    backend: BackendOption = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other option of training, as in [training] of run.toml; repeatable.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="A TOML file of settings; options go before it.",
            show_default="the recipe of the data",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the run, new or empty.", show_default=f"{_RUNS}/DATA-MODEL"
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Go on with the run of this folder."),
    ] = None,
    checkpoint_every: Annotated[
        float, typer.Option(metavar="SECONDS", help="How often the state is saved.")
    ] = 60.0,
    keep: Annotated[int, typer.Option(help="How many of the last states are kept.")] = 2,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="First hold gradients against differences, and learn a few images by heart.",
        ),
    ] = False,
    find_lr: Annotated[
        bool,
        typer.Option("--find-lr", help="Look for the learning rate, draw it, and do not train."),
    ] = False,
    tensorboard: Annotated[
        bool,
        typer.Option("--tensorboard", help="Write files for TensorBoard into the run, too."),
    ] = False,
) -> None:
    """Train a network on images and keep the best model."""
    every_s: float = real(0.0)(COMMAND, "--checkpoint-every", checkpoint_every)
    integer(1)(COMMAND, "--keep", keep)
    asked = Asked(
        *(data, model, epochs, batch_size, optimizer, schedule, lr, weight_decay),
        *(augment, size, seed, backend, tuple(settings or ())),
    )
    if resume is not None:
        flags = {"--config": config, "--out": out, "--check": check, "--find-lr": find_lr}
        _check_alone(asked, flags)
        folder = RunFolder.of(resume, every_s=every_s, keep=keep)
        if data is not None:
            folder.settings = dataclasses.replace(folder.settings, data=_from_anywhere(data))
        with on_backend(folder.settings.backend):
            _go_on(folder, tensorboard)
    else:
        check_backend(backend)
        wanted, usual = settings_of(asked, config)
        with on_backend(wanted.backend) as computing:
            wanted = dataclasses.replace(wanted, backend=computing)
            start = _prepare(wanted, usual)
            if check:
                _check_before(start)
            if find_lr:
                _find_lr(start, out)
            else:
                folder = _make_folder(start, out, every_s=every_s, keep=keep)
                _train(folder, start.splits, start.model, resume=False, tensorboard=tensorboard)


def _check_alone(asked: Asked, flags: Mapping[str, Any]) -> None:
    given = [name for name in asked.names() if name != "--data"]
    given += [name for name, value in flags.items() if value]
    if given:
        raise OptionError(
            f"{COMMAND}: --resume with {', '.join(given)}",
            "--resume alone: the settings are those of the run",
            f"leave {given[0]} out, or train anew",
        )


class _Start(NamedTuple):
    """What a run begins with."""

    settings: RunSettings
    splits: Splits
    model: Layer


def _prepare(settings: RunSettings, usual: bool) -> _Start:
    """Load the data, and demand that all fits together before a folder is made."""
    splits = load(settings.data, seed=settings.training.seed, size=settings.size)
    if usual:
        change = usual_augmentation(splits.train.shape)
        settings = dataclasses.replace(
            settings, training=settings.training.with_options(augment=change)
        )
    model = make_model(settings.model, splits.train.n_classes)
    _check_fit(settings, model, splits.train.shape)
    Objective(settings.training, splits.train)  # says what does not fit the classes
    return _Start(settings, splits, model)


def _make_folder(start: _Start, out: Path | None, **options: Any) -> RunFolder:
    settings = start.settings
    return RunFolder(
        out or _new_place(settings),
        dataclasses.replace(settings, data=_from_anywhere(settings.data)),
        _record(start.splits),
        **options,
    )


def _new_place(settings: RunSettings) -> Path:
    return new_folder(_RUNS, f"{_label(settings.data)}-{settings.model}")


def _go_on(folder: RunFolder, tensorboard: bool) -> None:
    start = _prepare(folder.settings, usual=False)
    _train(folder, start.splits, start.model, resume=True, tensorboard=tensorboard)


def _check_before(start: _Start) -> None:
    """Try the network, and stop where it cannot learn."""
    page = Page()
    copy = start.model.copy()
    for finding in preflight(copy, start.splits.train, start.settings.training):
        page.say(f"{'check' if finding.passed else 'CHECK':<10}{finding.text}")
        if not finding.passed:
            raise TrainingError(
                f"{COMMAND} --check: {finding.text}",
                "a network that learns a few images by heart, with right gradients",
                "see which layer is wrong: cnnpy.check.gradcheck; or another --lr, or --model",
            )


def _find_lr(start: _Start, out: Path | None) -> None:
    """Run the range test; say and draw what it found."""
    folder = out or new_folder(_RUNS, f"{_label(start.settings.data)}-lr")
    demand_empty(folder)
    found = find_learning_rate(start.model, start.splits.train, start.settings.training)
    page = Page()
    page.say(f"lowest loss at a learning rate of {found.lowest:.2g}, after {len(found.lrs)} steps")
    page.say(f"suggested: --lr={found.suggested:g}")
    quieten_matplotlib()
    folder.mkdir(parents=True, exist_ok=True)
    plot.save(plot.lr_range(found), folder / "lr.png")
    page.say(f"picture: {shown(folder / 'lr.png')}")


def _train(
    folder: RunFolder, splits: Splits, model: Layer, *, resume: bool, tensorboard: bool
) -> None:
    page = Page()
    follow = progress(page)
    callbacks: list[Callback] = [folder, _Header(page, folder, splits), follow]
    if tensorboard:
        callbacks.append(TensorBoard(folder.path / "tensorboard", dataset=splits.validation))
    with _stopping(folder, follow):
        with follow:
            classifier = fit(
                model,
                splits.train,
                splits.validation,
                folder.settings.training,
                callbacks=callbacks,
                checkpoints=folder.checkpoints,
                resume=resume,
            )
        _finish(page, classifier, splits, folder)


@contextlib.contextmanager
def _stopping(folder: RunFolder, follow: LineProgress) -> Iterator[None]:
    """Say how to go on where a run ends early."""
    try:
        yield
    except (KeyboardInterrupt, Terminated, BrokenPipeError) as error:
        raise Stopped(_farewell(error, folder, follow), error) from error


# --- before ------------------------------------------------------------------------------


def _check_fit(settings: RunSettings, model: Layer, shape: Shape) -> None:
    """Demand, before a folder is made, that the images are large enough for the network."""
    try:
        model.output_shape(shape)
    except ShapeError as error:
        fitting = [name for name in MODELS if _fits(name, shape)]
        larger = f"larger images: --size={2 * max(shape[1:])}"
        folder = known_name(settings.data) is None and Path(settings.data).is_dir()
        raise ShapeError(
            f"{COMMAND}: {settings.model} does not fit images of {times(shape)}: {error.given}",
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


def _from_anywhere(data: str) -> str:
    """Return a name, or a path that means the same from any folder."""
    if known_name(data):
        return data
    path = str(Path(data).absolute())
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise OptionError(
            f"{COMMAND}: {shown(data)}: a path that is no text",
            "a path that can be written down, for the run to go on",
            "rename it, or make a link to it: ln -s",
        ) from error
    return path


def _from_here(data: str) -> str:
    """Return a name, or the path from the folder where the command runs."""
    path, here = Path(data), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else data


def _label(data: str) -> str:
    """Return the part of the run folder's name that says what was learned."""
    if known_name(data):
        return data
    path = Path(data).resolve()
    return (path.name if path.is_dir() else path.stem) or "images"


def _record(splits: Splits) -> dict[str, Any]:
    """Return what to write down of a run beside its settings."""
    return {
        "command": shlex.join(["cnnpy", *sys.argv[1:]]).encode("utf-8", "replace").decode(),
        "images": {
            "shape": list(splits.train.shape),
            "n_classes": splits.train.n_classes,
            "n_train": len(splits.train),
            "n_validation": len(splits.validation),
            "n_test": len(splits.test),
        },
    }


class _Header(Callback):
    """Print what is going to happen, once the network is built and the folder made."""

    def __init__(self, page: Page, folder: RunFolder, splits: Splits) -> None:
        self.page, self.folder, self.splits = page, folder, splits

    def on_start(self, plan: FitPlan) -> None:
        """Print it."""
        settings, (train, validation, test) = self.folder.settings, self.splits
        training, model = settings.training, plan.classifier.model
        n_parameters = sum(p.size for p in model.parameters())
        rows = {
            "data": shown(_from_here(settings.data)),
            "images": f"{times(train.shape)}, {plural(train.n_classes, 'class')}: "
            f"{len(train):,} training, {len(validation):,} validation, {len(test):,} test",
            "network": f"{settings.model}, {plural(n_parameters, 'parameter')}, "
            f"{count(model.flops(train.shape))}FLOPs an image",
            "training": f"{plural(training.epochs, 'epoch')}, batch size {training.batch_size}, "
            f"{training.optimizer}, {training.schedule}, lr {training.highest_lr:g}",
            "augment": "nothing" if training.augment is None else repr(training.augment),
            "besides": ", ".join(_besides(training)),
            "backend": f"{settings.backend}; seed {training.seed}",
            "run": shown(self.folder.path),
        }
        for name, value in rows.items():
            if value:
                self.page.say(f"{name:<10}{value}")
        self.page.say()


def _besides(training: Training) -> list[str]:
    """Return the settings that have no row of their own and are not as by default."""
    rows = ("epochs", "batch_size", "optimizer", "schedule", "lr", "augment", "seed")
    return [f"{n}={v!r}" for n, v in training.to_dict().items() if n not in rows]


# --- after -------------------------------------------------------------------------------


def _finish(page: Page, classifier: Classifier, splits: Splits, folder: RunFolder) -> None:
    """Draw the pictures, look at the test images once, and say where everything lies."""
    history = classifier.history
    best = max(report.epoch for report in history if report.best)
    page.say(f"\n* best so far; the model is that of epoch {best}")
    quieten_matplotlib()
    curves = folder.path / "curves.png"
    plot.save(plot.curves(history), curves)
    first = plot.first_filters(classifier.model)
    if first is not None:
        plot.save(plot.filters(first[1]), folder.path / "filters.png")
    result = classifier.evaluate(splits.test)
    for line in (
        f"test accuracy: {percent(result.accuracy)}",
        f"model:   {shown(folder.model_path)}",
        f"picture: {shown(curves)}",
        f"page:    cnnpy report {shlex.quote(shown(folder.path))}",
    ):
        page.say(line)


def _farewell(error: BaseException, folder: RunFolder, follow: LineProgress) -> str:
    what = {
        KeyboardInterrupt: "interrupted",
        Terminated: "terminated",
        BrokenPipeError: "stopped, since nobody reads the output",
    }[type(error)]
    if not folder.checkpoints.paths():
        return f"{what}: nothing was saved yet"
    place = shlex.quote(shown(folder.path))
    return f"{what} {follow.reached()}; go on with it: {COMMAND} --resume {place}"
