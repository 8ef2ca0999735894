"""The model file: one safetensors file with weights, architecture, preprocessing, classes.

Files come from strangers: no pickle, nothing that a file names is run, and the
shapes that its architecture claims are held against the arrays that it really has
before any memory is taken for them. A digest says whether the content is what was
written; it is no signature, so it says nothing of who wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, cast

from numpy.typing import NDArray

from cnnpy.contract.errors import CnnpyError, ModelFileError
from cnnpy.contract.shapes import Shape
from cnnpy.data import Preprocessing
from cnnpy.nn import Layer
from cnnpy.nn.architecture import describe, restore
from cnnpy.train import array_file

__all__ = ["FORMAT", "ModelParts", "read", "write"]

FORMAT = "cnnpy-model-1"

_MOST_CLASSES = 1_000_000


class ModelParts(NamedTuple):
    """What stands in a model file: the network, its preprocessing and its classes."""

    model: Layer
    preprocessing: Preprocessing
    class_names: tuple[str, ...]


def write(parts: ModelParts, path: Path) -> None:
    """Write a model into one file, whole or not at all.

    Parameters
    ----------
    parts : ModelParts
        What to write.
    path : pathlib.Path
        Where to; an old file is replaced once the new one is whole.

    Raises
    ------
    ModelFileError
        Where it cannot be written.
    """
    try:
        array_file.write(path, parts.model.state_dict(), _texts(parts))
    except OSError as error:
        raise ModelFileError(
            f"{path}: cannot be written: {error.strerror or error}",
            "a folder that is there, can be written to, and has space",
            f"make it: mkdir -p {path.parent}"
            if not path.parent.exists()
            else "write to another place",
        ) from error


def read(path: Path, custom_layers: Iterable[type[Layer]]) -> ModelParts:
    """Read a model from the file that `write` wrote.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    custom_layers : iterable of type
        Layer classes beyond those of :mod:`cnnpy.nn`.

    Returns
    -------
    ModelParts
        The network built, with its weights.

    Raises
    ------
    ModelFileError
        Where there is no such file, or it is corrupt, or not cnnpy's.
    """
    state, texts, _ = _read(path)
    try:
        architecture = _from_json(texts, "architecture")
        preprocessing = Preprocessing.from_dict(_from_json(texts, "preprocessing"))
        class_names = _class_names(_from_json(texts, "class_names"))
        model = restore(architecture, custom_layers)
        _check_shapes(model, preprocessing.shape, {n: a.shape for n, a in state.items()})
        if model.output_shape(preprocessing.shape) != (len(class_names),):
            raise _damaged(f"it has {len(class_names)} class names for another number of scores")
        model.build(preprocessing.shape, dtype=preprocessing.dtype, seed=0)
        _check_dtypes(model, state)
        model.load_state_dict(state)
        return ModelParts(model, preprocessing, class_names)
    except CnnpyError as error:
        raise ModelFileError(f"{path}: {error.given}", error.expected, error.mend) from error


def _texts(parts: ModelParts) -> dict[str, str]:
    from cnnpy import __version__

    return {
        "format": FORMAT,
        "cnnpy": __version__,
        "architecture": json.dumps(describe(parts.model)),
        "preprocessing": json.dumps(parts.preprocessing.to_dict()),
        "class_names": json.dumps(list(parts.class_names), ensure_ascii=False),
    }


def _read(path: Path) -> array_file.ArrayFile:
    if not path.is_file():
        raise ModelFileError(
            f"{path}: {'a folder' if path.is_dir() else 'there is no such file'}",
            "a model file, such as cnnpy train writes",
            f"use {path / 'model.safetensors'}"
            if (path / "model.safetensors").is_file()
            else "give the path of a model.safetensors",
        )
    try:
        content = array_file.read(path)
    except (array_file.DamagedError, OSError) as error:
        raise ModelFileError(
            f"{path}: cannot be read: {error}",
            "a whole safetensors file, as it was written",
            "get the file again, or train the model anew",
        ) from error
    told = content.texts.get("format")
    if told != FORMAT or not content.signed:
        raise ModelFileError(
            f"{path}: a safetensors file of format {told!r}"
            + ("" if told != FORMAT else " without a digest"),
            f"one that cnnpy wrote, of format {FORMAT!r}",
            "load its arrays with safetensors.numpy.load_file and model.load_state_dict",
        )
    return content


def _from_json(texts: dict[str, str], name: str) -> Any:
    try:
        return json.loads(texts[name])
    except (KeyError, ValueError, RecursionError) as error:
        raise _damaged(f"its {name} cannot be read") from error


def _class_names(value: object) -> tuple[str, ...]:
    if (
        not isinstance(value, list)
        or not 0 < len(value) <= _MOST_CLASSES
        or not all(isinstance(name, str) and name.isprintable() for name in value)
        or len(set(value)) < len(value)
    ):
        raise _damaged("its class names are no list of different printable texts")
    return tuple(cast("list[str]", value))


def _check_shapes(model: Layer, input_shape: Shape, shapes: dict[str, Shape]) -> None:
    """Demand that building the architecture makes just the arrays that the file has."""
    try:
        planned = model.state_shapes(input_shape)
        model.output_shape(input_shape)
    except CnnpyError:
        raise
    except (TypeError, ValueError, OverflowError, MemoryError, ArithmeticError) as error:
        raise _damaged(f"its architecture does not fit together: {error}") from error
    different = sorted(
        name for name in planned.keys() | shapes.keys() if planned.get(name) != shapes.get(name)
    )
    if different:
        name = different[0]
        raise _damaged(
            f"array {name} has shape {shapes.get(name, 'none')}; "
            f"its architecture says {planned.get(name, 'none')}"
        )


def _check_dtypes(model: Layer, state: dict[str, NDArray[Any]]) -> None:
    for name, own in model.state_dict().items():
        if state[name].dtype != own.dtype:
            raise _damaged(f"array {name} is {state[name].dtype}; its network has {own.dtype}")


def _damaged(what: str) -> ModelFileError:
    return ModelFileError(
        what, "a model file as cnnpy writes it", "get the file again, or train the model anew"
    )
