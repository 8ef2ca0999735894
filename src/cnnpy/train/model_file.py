"""The model file: one safetensors file with weights, architecture, preprocessing, classes.

Files come from strangers: no pickle, nothing that a file names is run, and the
shapes that its architecture claims are held against the arrays that it really has
before any memory is taken for them.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from numpy.typing import NDArray

from cnnpy.contract.errors import CnnpyError, ModelFileError
from cnnpy.contract.shapes import Shape
from cnnpy.data import Preprocessing
from cnnpy.nn import Layer
from cnnpy.nn.architecture import describe, restore

if TYPE_CHECKING:
    from cnnpy.train.classifier import Classifier

__all__ = ["FORMAT", "load", "save"]

FORMAT = "cnnpy-model-1"

_MOST_CLASSES = 1_000_000


def save(classifier: Classifier, path: str | Path) -> None:
    """Write a classifier into one file, whole or not at all.

    Parameters
    ----------
    classifier : Classifier
        What to write.
    path : str or pathlib.Path
        Where to; an old file is replaced once the new one is whole.

    Raises
    ------
    ModelFileError
        Where it cannot be written.
    """
    import safetensors.numpy

    content = safetensors.numpy.save(classifier.model.state_dict(), metadata=_metadata(classifier))
    _write_whole(Path(path), content)


def load(path: str | Path, *, custom_layers: Iterable[type[Layer]] = ()) -> Classifier:
    """Read a classifier from the file that `Classifier.save` wrote.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    custom_layers : iterable of type
        Layer classes of your own that the network has.

    Returns
    -------
    Classifier
        Which predicts to the same bits as the one that was saved.

    Raises
    ------
    ModelFileError
        Where there is no such file, or it is corrupt, or not cnnpy's.
    """
    from cnnpy.train.classifier import Classifier

    path = Path(path)
    metadata, shapes, state = _read(path)
    try:
        architecture = _from_json(metadata, "architecture")
        preprocessing = Preprocessing.from_dict(_from_json(metadata, "preprocessing"))
        class_names = _class_names(_from_json(metadata, "class_names"))
        model = restore(architecture, custom_layers)
        _check_shapes(model, preprocessing.shape, shapes)
        model.build(preprocessing.shape, dtype=preprocessing.dtype, seed=0)
        model.load_state_dict(state)
        return Classifier(model, preprocessing, class_names)
    except CnnpyError as error:
        raise ModelFileError(f"{path}: {error.given}", error.expected, error.mend) from error


def _metadata(classifier: Classifier) -> dict[str, str]:
    from cnnpy import __version__

    return {
        "format": FORMAT,
        "cnnpy": __version__,
        "architecture": json.dumps(describe(classifier.model)),
        "preprocessing": json.dumps(classifier.preprocessing.to_dict()),
        "class_names": json.dumps(list(classifier.class_names), ensure_ascii=False),
    }


def _write_whole(path: Path, content: bytes) -> None:
    """Write beside the place, then rename: a reader never sees half a file."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            mask = os.umask(0)
            os.umask(mask)
            Path(temporary).chmod(0o666 & ~mask)
            Path(temporary).replace(path)
        except BaseException:  # Ctrl-C too leaves nothing behind
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ModelFileError(
            f"{path}: cannot be written: {error.strerror or error}",
            "a folder that is there, can be written to, and has space",
            f"make it: mkdir -p {path.parent}"
            if not path.parent.exists()
            else "write to another place",
        ) from error


def _read(path: Path) -> tuple[dict[str, str], dict[str, Shape], dict[str, NDArray[Any]]]:
    """Read metadata, shapes and arrays; the reader checks sizes against the file's."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise ModelFileError(
            f"{path}: {'a folder' if path.is_dir() else 'there is no such file'}",
            "a model file, such as cnnpy train writes",
            f"use {path / 'model.safetensors'}"
            if (path / "model.safetensors").is_file()
            else "give the path of a model.safetensors",
        )
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ModelFileError(
                    f"{path}: a safetensors file of format {metadata.get('format')!r}",
                    f"one that cnnpy wrote, of format {FORMAT!r}",
                    "load its arrays with safetensors.numpy.load_file and model.load_state_dict",
                )
            names = list(file.keys())
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
            state = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, TypeError, ValueError, OverflowError) as error:
        if isinstance(error, CnnpyError):
            raise
        raise ModelFileError(
            f"{path}: cannot be read: {error}",
            "a whole safetensors file",
            "get the file again, or train the model anew",
        ) from error
    return metadata, shapes, state


def _from_json(metadata: dict[str, str], name: str) -> Any:
    try:
        return json.loads(metadata[name])
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
        model_fits = model.output_shape(input_shape) is not None
    except CnnpyError:
        raise
    except (TypeError, ValueError, OverflowError, MemoryError, ArithmeticError) as error:
        raise _damaged(f"its architecture does not fit together: {error}") from error
    different = sorted(
        name for name in planned.keys() | shapes.keys() if planned.get(name) != shapes.get(name)
    )
    if different or not model_fits:
        name = different[0]
        raise _damaged(
            f"array {name} has shape {shapes.get(name, 'none')}; "
            f"its architecture says {planned.get(name, 'none')}"
        )


def _damaged(what: str) -> ModelFileError:
    return ModelFileError(
        what, "a model file as cnnpy writes it", "get the file again, or train the model anew"
    )
