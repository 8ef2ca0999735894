"""``cnnpy summary``: the layers of a network with their figures."""

from __future__ import annotations

from typing import Annotated

import typer

from cnnpy.cli.network import network
from cnnpy.cli.output import Page, columns
from cnnpy.models import MODELS
from cnnpy.nn.summary import Summary
from cnnpy.written import count, in_bytes, times

__all__ = ["summary"]

_COMMAND = "cnnpy summary"


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
    found = network(_COMMAND, model, input_shape, classes)
    _print(found.model.summary(found.shape))


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
            in_bytes(row.activation_bytes),
        )
    page = Page()
    page.table(table)
    frozen = figures.n_parameters - figures.n_trainable
    lines = {
        "input": times(figures.input_shape),
        "parameters": f"{figures.n_parameters:,}" + f", {frozen:,} of them frozen" * bool(frozen),
        "FLOPs": f"{count(figures.flops)} an image, forward",
        "memory": f"{in_bytes(figures.activation_bytes)} of activations an image",
    }
    page.say()
    for name, value in lines.items():
        page.say(f"{name:<12}{value}")
