"""Files that are whole or not there: written beside their place, brought to the disk, renamed.

A reader never sees half a file, and an old file stays until the new one is whole, whenever the
process or the machine stops.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["make_folder", "remove_leftovers", "whole_file", "whole_folder"]

_SUFFIX = ".part"
_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}\.part")
_LONGEST_NAME = 100


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that comes to its place once the block is over.

    Parameters
    ----------
    path : pathlib.Path
        The place; what lies there stays until the new file is whole, which has its rights.

    Yields
    ------
    file
        To write to; where the block raises, nothing of it stays.

    Raises
    ------
    OSError
        Where the system refuses.
    """
    part = _beside(path)
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            part.chmod(path.stat().st_mode & 0o7777)
        part.replace(path)
    finally:  # Ctrl-C too leaves nothing behind; after the replacement there is nothing
        with contextlib.suppress(OSError):
            part.unlink()
    _bring_to_disk(path.parent)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Make a folder that comes to its place once the block is over.

    Parameters
    ----------
    path : pathlib.Path
        The place; nothing, or an empty folder.

    Yields
    ------
    pathlib.Path
        An empty folder to write into; where the block raises, nothing of it stays.

    Raises
    ------
    OSError
        Where the system refuses.
    """
    make_folder(path.parent)
    part = _beside(path)
    try:
        part.mkdir()
        yield part
        for inside in [*part.iterdir(), part]:
            _bring_to_disk(inside)
        part.replace(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)  # after the replacement there is none
    _bring_to_disk(path.parent)


def remove_leftovers(folder: Path) -> None:
    """Remove what a process left that was killed while it wrote.

    Parameters
    ----------
    folder : pathlib.Path
        Where it wrote; no other process may be writing there.
    """
    for entry in folder.iterdir():
        if _LEFTOVER.fullmatch(entry.name):
            with contextlib.suppress(OSError):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are not there, to survive a power cut.

    Parameters
    ----------
    folder : pathlib.Path
        Which; one that is there stays as it is.

    Raises
    ------
    OSError
        Where the system refuses.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _bring_to_disk(folder.parent)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name[:_LONGEST_NAME]}.{secrets.token_hex(4)}{_SUFFIX}")


def _bring_to_disk(path: Path) -> None:
    """Let a file, or the names in a folder, survive a power cut, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
