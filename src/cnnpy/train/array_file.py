"""One safetensors file of arrays and texts: whole or not at all, and sure of its content.

Written beside its place, brought to the disk and renamed, so that a reader never sees half a
file, whenever the machine stops. Its digest is over all arrays and texts: safetensors itself
does not notice a bit that has turned in an array. Nothing that stands in a file is run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ArrayFile", "DamagedError", "read", "remove_leftovers", "replace_whole", "write"]

_DIGEST = "sha256"
_LEFTOVER = ".writing"


class ArrayFile(NamedTuple):
    """What stands in such a file: arrays by name, texts by name, whether a digest was there."""

    arrays: dict[str, NDArray[Any]]
    texts: dict[str, str]
    signed: bool


class DamagedError(Exception):
    """Say, in half a sentence, why a file cannot be believed."""


def write(path: Path, arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]) -> None:
    """Write arrays and texts into one file.

    Parameters
    ----------
    path : pathlib.Path
        Where to; an old file is replaced once the new one is whole.
    arrays : mapping of str to ndarray
        Of any numbers.
    texts : mapping of str to str
        What goes with them.

    Raises
    ------
    OSError
        Where the system refuses.
    """
    import safetensors.numpy

    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    signed = {**texts, _DIGEST: _digest(whole, texts)}
    replace_whole(path, safetensors.numpy.save(whole, metadata=signed))


def read(path: Path) -> ArrayFile:
    """Read what `write` wrote, and make sure that it is that.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    ArrayFile
        Its arrays and texts.

    Raises
    ------
    DamagedError
        Where it is no such file, or not as it was written.
    OSError
        Where the system refuses.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            texts = dict(file.metadata() or {})
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        if error.errno is not None:
            raise
        raise DamagedError(str(error)) from error  # what the library says of an empty file
    except (SafetensorError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise DamagedError(str(error)) from error
    told = texts.pop(_DIGEST, None)
    if told is not None and told != _digest(arrays, texts):
        raise DamagedError("its content is not what was written")
    return ArrayFile(arrays, texts, signed=told is not None)


def replace_whole(path: Path, content: bytes) -> None:
    """Write bytes beside a place, bring them to the disk, and rename.

    Parameters
    ----------
    path : pathlib.Path
        The place; what lies there stays until the new file is whole.
    content : bytes
        What to write.

    Raises
    ------
    OSError
        Where the system refuses.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_LEFTOVER)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except BaseException:  # Ctrl-C too leaves nothing behind
        temporary.unlink(missing_ok=True)
        raise
    _bring_to_disk(path.parent)


def remove_leftovers(folder: Path) -> None:
    """Remove what a process left that was killed while it wrote.

    Parameters
    ----------
    folder : pathlib.Path
        Where it wrote.
    """
    for leftover in folder.glob(f".*{_LEFTOVER}"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def _bring_to_disk(folder: Path) -> None:
    """Let the new name of a file survive a power cut, where the system can promise that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _digest(arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]) -> str:
    """Sign the names, dtypes, shapes and numbers of arrays, and texts; lengths keep them apart."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        head = repr((name, array.dtype.str, array.shape)).encode()
        digest.update(b"%d:" % len(head) + head)
        digest.update(array.reshape(-1).view(np.uint8).data)
    for name in sorted(texts):
        part = repr((name, texts[name])).encode()
        digest.update(b"%d:" % len(part) + part)
    return digest.hexdigest()
