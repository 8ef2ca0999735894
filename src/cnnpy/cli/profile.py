"""``cnnpy profile``: where the time and the memory of a training step go, layer by layer."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer

from cnnpy import insight
from cnnpy.cli.backend import BackendOption, on_backend
from cnnpy.cli.network import network
from cnnpy.cli.output import Page, columns, shown
from cnnpy.contract.options import integer
from cnnpy.insight import Profile
from cnnpy.models import MODELS
from cnnpy.written import in_bytes, plural, times

__all__ = ["profile"]

_COMMAND = "cnnpy profile"


def profile(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help=f"A model file, the folder of a run, or {', '.join(MODELS)}."
        ),
    ],
    batch_size: Annotated[int, typer.Option(help="Images in a step.")] = 64,
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
    repeats: Annotated[
        int, typer.Option(help="Steps of which the medians are shown; a first is not counted.")
    ] = 10,
    backend: BackendOption = None,
) -> None:
    """Time a network in training, layer by layer and as a whole."""
    integer(1)(_COMMAND, "--batch-size", batch_size)
    integer(1)(_COMMAND, "--repeats", repeats)
    with on_backend(backend) as computing:
        found = network(_COMMAND, model, input_shape, classes)
        parameter = next(iter(found.model.parameters()), None)
        dtype = np.dtype(np.float32) if parameter is None else parameter.value.dtype
        rng = np.random.default_rng(0)
        x = rng.standard_normal((batch_size, *found.shape), dtype=np.float32).astype(dtype)
        result = insight.profile(found.model, x, repeats=repeats)
    page = Page()
    page.say(
        f"{shown(model)}, {plural(batch_size, 'image')} of {times(found.shape)}, "
        f"{dtype}, {computing}"
    )
    page.say()
    _print_layers(page, result)
    page.say()
    _print_whole(page, result)


def _print_layers(page: Page, result: Profile) -> None:
    numbers = ("forward ms", "backward ms", "share", "memory", "GFLOP/s")
    table = columns("layer", "output", *numbers, right=numbers, fold=("layer",))
    for row in result.rows:
        table.add_row(
            row.name or row.layer,
            times(row.output_shape),
            f"{row.forward_ms:.3f}",
            f"{row.backward_ms:.3f}",
            f"{100 * row.share:.1f} %",
            in_bytes(row.activation_bytes),
            f"{row.gflops_per_s:.1f}" if row.flops else "",
        )
    page.table(table)


def _print_whole(page: Page, result: Profile) -> None:
    forward = sum(row.forward_ms for row in result.rows)
    backward = sum(row.backward_ms for row in result.rows)
    table = columns("ms", "forward", "backward", "both", right=("forward", "backward", "both"))
    for name, *figures in (
        ("layers one by one", forward, backward, result.sum_ms),
        ("as it runs", result.forward_ms, result.backward_ms, result.step_ms),
    ):
        table.add_row(name, *(f"{figure:.3f}" for figure in figures))
    table.add_row("outputs alone", f"{result.inference_ms:.3f}", "", "")
    page.table(table)
    speed = 1e3 * result.n_images / result.step_ms if result.step_ms else 0.0
    page.say()
    page.say(f"{speed:,.0f} images/s, the optimizer not counted")
    page.say(f"{in_bytes(result.activation_bytes)} of activations")
    page.say("As it runs, neighbouring layers run in one go: the sum is not the whole.")
