"""Files of strangers: how they are named in messages, and how much of them is read.

Nothing here trusts a length that a file states about itself: a length is held
against what lies on the disk before memory is taken for it.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from cnnpy.contract.errors import CnnpyError, DataError, MissingDataError

__all__ = [
    "DEFLATE_RATIO",
    "GZIP_MAGIC",
    "ByteSource",
    "has_control_characters",
    "is_file",
    "is_folder",
    "one_line",
    "open_regular",
    "shown",
    "take",
]

_LONGEST_REASON = 160

# Deflate turns one byte into at most 1032 (a match of 258 bytes costs 2 bits).
DEFLATE_RATIO = 1032
GZIP_MAGIC = b"\x1f\x8b"
_CHUNK_BYTES = 1 << 20


class ByteSource(Protocol):
    """Anything that hands out its next bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` of the next bytes, none at the end."""


def has_control_characters(text: str) -> bool:
    """Tell whether a text would break a line, a terminal or UTF-8."""
    return any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in text)


def shown(path: str | os.PathLike[str]) -> str:
    """Write a path for a message: on one line and printable, whatever it is called."""
    text = os.fspath(path)
    return ascii(text) if has_control_characters(text) else text


def is_file(path: Path) -> bool:
    """Tell whether a file is there, and take what cannot be looked at as not there."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # no permission, a name too long, a zero byte in it
        return False


def is_folder(path: Path) -> bool:
    """Tell whether a folder is there, and take what cannot be looked at as not there."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


@contextmanager
def open_regular(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a regular file for reading, and say how many bytes it has.

    Whatever the system refuses while the file is open becomes a DataError, so
    that a reader raises one kind of error only.
    """
    try:
        status = path.stat()  # before opening, since opening a pipe would wait for its writer
        if not stat.S_ISREG(status.st_mode):
            raise DataError(
                f"{shown(path)}: a folder" if path.is_dir() else f"{shown(path)}: no regular file",
                "a file",
                f"give one of the files in {shown(path)}" if path.is_dir() else "copy it to a file",
            )
        with path.open("rb") as file:
            yield file, status.st_size
    except CnnpyError:
        raise
    except FileNotFoundError:
        raise MissingDataError(
            f"{shown(path)}: no such file", "a file that exists", _nearest_folder(path)
        ) from None
    except PermissionError:
        raise DataError(
            f"{shown(path)}: permission denied",
            "a file that this user may read",
            f"chmod u+r {shown(path)}",
        ) from None
    except (OSError, ValueError) as error:
        raise DataError(
            f"{shown(path)}: {getattr(error, 'strerror', None) or error}",
            "a file that can be read",
            "check the path and the disk",
        ) from error


def take(source: ByteSource, n_bytes: int) -> bytearray:
    """Read `n_bytes`, or what there is of them; memory grows with what arrives."""
    taken = bytearray()
    while len(taken) < n_bytes:
        chunk = source.read(min(_CHUNK_BYTES, n_bytes - len(taken)))
        if not chunk:
            break
        taken += chunk
    return taken


def _nearest_folder(path: Path) -> str:
    """Say how far the path exists, which is where the mistake lies."""
    for parent in path.absolute().parents:
        if parent.is_dir():
            return f"check the name: {shown(parent)} exists, and holds no {_part(path, parent)}"
    return "check the path"


def _part(path: Path, parent: Path) -> str:
    return shown(path.absolute().relative_to(parent).parts[0])


def one_line(error: BaseException) -> str:
    """Write what a library says of a stranger's file on one line, printable and cut.

    Parameters
    ----------
    error : Exception
        What it raised.

    Returns
    -------
    str
        Its text, or the name of its class.
    """
    return ascii(" ".join(str(error).split()))[1:-1][:_LONGEST_REASON] or type(error).__name__
