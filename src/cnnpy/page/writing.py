"""Reports on the disk: whole or not at all, whoever breaks off."""

from __future__ import annotations

import sys
from pathlib import Path

from cnnpy.contract.errors import DataError
from cnnpy.disk import whole_file

__all__ = ["STANDARD_OUTPUT", "check_place", "write"]

STANDARD_OUTPUT = Path("-")
"""The name that stands for it."""


def write(path: Path, text: str) -> None:
    """Write a file in one step: it holds what it held before, or all of this.

    Parameters
    ----------
    path : Path
        Where to; ``-`` is standard output. What is there and no file, a pipe say, is written
        into as it is.
    text : str
        What it is to hold.

    Raises
    ------
    DataError
        Where the system does not let it be written.
    """
    if path == STANDARD_OUTPUT:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", newline="")
        else:
            with whole_file(path.resolve()) as file:
                file.write(text.encode())
    except OSError as error:
        raise _cannot(path, error) from error


def check_place(path: Path, command: str) -> None:
    """Demand, before anything is tried, that a report can be written somewhere.

    Parameters
    ----------
    path : Path
        Where to.
    command : str
        Who wants to.

    Raises
    ------
    DataError
        Where its folder is not there, or it is a folder itself.
    """
    if path == STANDARD_OUTPUT:
        return
    if path.is_dir():
        raise DataError(
            f"{command}: {printable_path(path)} is a folder", "the name of a file", "add a name"
        )
    if not path.absolute().parent.is_dir():
        parent = printable_path(path.parent)
        raise DataError(
            f"{command}: {parent} is not there",
            "a folder that is there, for the report",
            f"make it: mkdir -p {parent}",
        )


def printable_path(path: Path) -> str:
    """Write a path on one line, whatever it is called."""
    text = str(path)
    return text if text.isprintable() else ascii(text)


def _cannot(path: Path, error: OSError) -> DataError:
    return DataError(
        f"{printable_path(path)}: cannot be written: {error.strerror or error}",
        "a place that can be written to and has space",
        "check the disk (df) and the rights (ls -l), or name another file",
    )
