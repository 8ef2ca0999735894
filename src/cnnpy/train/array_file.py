"""One safetensors file of arrays and texts: whole or not at all, and sure of its content.

Its digest is over all arrays and texts: safetensors itself does not notice a bit that has turned
in an array. Nothing that stands in a file is run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnpy.disk import whole_file

__all__ = ["ArrayFile", "DamagedError", "read", "write"]

_DIGEST = "sha256"


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
    with whole_file(path) as file:
        file.write(safetensors.numpy.save(whole, metadata=signed))


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
