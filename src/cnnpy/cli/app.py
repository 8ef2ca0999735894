"""The ``cnnpy`` command: its subcommands, and the door through which all of them run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer

from cnnpy.cli.check import check
from cnnpy.cli.compare import compare
from cnnpy.cli.errors import told, until_terminated
from cnnpy.cli.evaluate import evaluate
from cnnpy.cli.info import info
from cnnpy.cli.predict import predict
from cnnpy.cli.profile import profile
from cnnpy.cli.report import report
from cnnpy.cli.summary import summary
from cnnpy.cli.train import train

__all__ = ["app", "run"]

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train")(train)
app.command("eval")(evaluate)
app.command("predict")(predict)
app.command("report")(report)
app.command("compare")(compare)
app.command("summary")(summary)
app.command("profile")(profile)
app.command("check")(check)
app.command("info")(info)


def _print_version(wanted: bool) -> None:
    if wanted:
        from cnnpy import __version__

        print(f"cnnpy {__version__}")
        raise typer.Exit


@app.callback()
def cnnpy(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> None:
    """Train and use convolutional networks from NumPy arrays."""


def run(arguments: Sequence[str]) -> int:
    """Run the command with some arguments, and tell of every error in the same way.

    Parameters
    ----------
    arguments : sequence of str
        What stands behind ``cnnpy``.

    Returns
    -------
    int
        The exit code.
    """
    _prepare_streams()
    try:
        with until_terminated(), np.errstate(all="ignore"):  # commands say it in their own words
            _invoke(arguments)
            sys.stdout.flush()
    except typer.Exit as leave:
        return leave.exit_code
    except BaseException as error:  # this is the last one who can tell the user
        return told(error)
    return 0


def _invoke(arguments: Sequence[str]) -> None:
    """Run without Typer's own handling of errors, which has other words and exit codes."""
    command = typer.main.get_command(app)
    with command.make_context("cnnpy", list(arguments) or ["--help"]) as context:
        command.invoke(context)


def _prepare_streams() -> None:
    """Let no letter that the terminal lacks, and no closed stream, be a reason to fail."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
