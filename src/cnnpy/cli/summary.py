"""``cnnpy summary``: the layers of a network with their figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnpy.cli.defaults import INPUT_SHAPES
from cnnpy.cli.model import load_model, model_file
from cnnpy.cli.output import Page, columns, count, shown, times
from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.contract.options import integer
from cnnpy.contract.shapes import Shape
from cnnpy.models import MODELS, make_model
from cnnpy.nn import Layer
from cnnpy.nn.summary import Summary

__all__ = ["summary"]

_COMMAND = "cnnpy summary"
_BYTES = (" B", " KiB", " MiB", " GiB")


def summary(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help=f"A model file, the folder of a run, or {', '.join(MODELS)}."
        ),
    ],
    input_shape: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="C,H,W",
            help="The shape of one image.",
            show_default="that of the model",
        ),
    ] = None,
    classes: Annotated[
        int | None, typer.Option(help="How many classes a network has.", show_default="10")
    ] = None,
) -> None:
    """Show the layers of a network with their figures."""
    shape = None if input_shape is None else _shape(input_shape)
    if model in MODELS:
        n_classes = integer(1)(_COMMAND, "--classes", 10 if classes is None else classes)
        _print(_summary(model, make_model(model, n_classes), shape, INPUT_SHAPES[model]))
        return
    path = Path(model)
    if classes is not None:
        raise OptionError(
            f"{_COMMAND}: --classes={classes} with the model file {model}",
            f"--classes with one of the names {', '.join(MODELS)}; a file has its own",
            "leave --classes out",
        )
    if not model_file(path).exists():
        raise OptionError(
            f"{_COMMAND}: {model!r} is neither a network nor a file",
            f"{', '.join(MODELS)}, a model file or the folder of a run",
            _nearest(model),
        )
    classifier = load_model(path)
    _print(_summary(model, classifier.model, shape, classifier.preprocessing.shape))


def _summary(name: str, model: Layer, shape: Shape | None, usual: Shape) -> Summary:
    try:
        return model.summary(shape or usual)
    except ShapeError as error:
        raise ShapeError(
            f"{_COMMAND}: {shown(name)} does not fit images of {times(shape or usual)}: "
            f"{error.given}",
            error.expected,
            f"use --input={','.join(map(str, usual))}",
        ) from error


def _nearest(model: str) -> str:
    import difflib

    near = difflib.get_close_matches(model, MODELS, n=1)
    return f"did you mean {near[0]!r}?" if near else "check the path"


def _shape(text: str) -> Shape:
    parts = text.lower().replace("x", ",").split(",")
    numbers = tuple(int(part) if part.strip().isdecimal() else 0 for part in parts)
    if len(numbers) != 3 or min(numbers) < 1:
        raise OptionError(
            f"{_COMMAND}: --input={text!r}",
            "three numbers of at least 1: channels, height and width",
            "use --input=3,32,32",
        )
    return numbers


def _print(figures: Summary) -> None:
    right = ("params", "FLOPs", "memory")
    table = columns("name", "layer", "output", *right, right=right, fold=("name", "layer"))
    for row in figures.rows:
        table.add_row(
            row.name,
            row.layer,
            times(row.output_shape),
            f"{row.n_parameters:,}" if row.n_parameters else "",
            count(row.flops) if row.flops else "",
            count(row.activation_bytes, 1024, _BYTES),
        )
    page = Page()
    page.table(table)
    frozen = figures.n_parameters - figures.n_trainable
    lines = {
        "input": times(figures.input_shape),
        "parameters": f"{figures.n_parameters:,}" + f", {frozen:,} of them frozen" * bool(frozen),
        "FLOPs": f"{count(figures.flops)} an image, forward",
        "memory": f"{count(figures.activation_bytes, 1024, _BYTES)} of activations an image",
    }
    page.say()
    for name, value in lines.items():
        page.say(f"{name:<12}{value}")
