"""The architecture of a network as plain data, and back: what a model file holds.

A layer is ``{"layer": <class name>, "options": {<argument>: <value>}}``, a container
has its layers among the options. Nothing but the classes of this package, and those
that the caller names, is ever made from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cnnpy import nn
from cnnpy.contract.errors import CnnpyError, ModelFileError
from cnnpy.nn.layer import Layer

__all__ = ["describe", "restore"]

_DEEPEST = 32


def describe(layer: Layer) -> dict[str, Any]:
    """Describe a layer and all layers inside it as plain data.

    Parameters
    ----------
    layer : Layer
        The network.

    Returns
    -------
    dict
        Strings, numbers, lists and dicts only.

    Raises
    ------
    ModelFileError
        Where an argument of a layer is none of these: a function, say.

    Examples
    --------
    >>> describe(nn.MaxPool2d(2))["layer"]
    'MaxPool2d'
    """
    options = {name: _plain(layer, name, value) for name, value in layer.config().items()}
    return {"layer": type(layer).__name__, "options": options}


def restore(description: object, custom_layers: Iterable[type[Layer]] = ()) -> Layer:
    """Make the layers that :func:`describe` described.

    Parameters
    ----------
    description : object
        What was read from a file; it is trusted in nothing.
    custom_layers : iterable of type
        Layer classes beyond those of :mod:`cnnpy.nn`.

    Returns
    -------
    Layer
        Not built yet.

    Raises
    ------
    ModelFileError
        Where the description is none, or names another class.

    Examples
    --------
    >>> restore(describe(nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))))[1]
    MaxPool2d(2)
    """
    known = {kind.__name__: kind for kind in vars(nn).values() if _is_layer_class(kind)}
    known |= {kind.__name__: kind for kind in custom_layers}
    return _restore(description, known, 0)


def _is_layer_class(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Layer) and kind is not Layer


def _plain(layer: Layer, name: str, value: Any) -> Any:
    if isinstance(value, Layer):
        return describe(value)
    if isinstance(value, Mapping):
        return {str(k): _plain(layer, name, v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(layer, name, v) for v in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ModelFileError(
        f"{type(layer).__name__}: {name} is a {type(value).__name__}",
        "arguments that a file can hold: numbers, texts, lists of them",
        f"give {name} by its name"
        if callable(value)
        else f"keep {name} as a number, a text or a list",
    )


def _restore(description: object, known: Mapping[str, type[Layer]], depth: int) -> Layer:
    name, options = _parts_of(description, depth)
    if name not in known:
        raise ModelFileError(
            f"the model has a layer {name!r}",
            "layers of cnnpy.nn, or of your own",
            f"give its class: load(path, custom_layers=[{name}])"
            if name.isidentifier()
            else "the file is not from cnnpy, or damaged",
        )
    arguments = {key: _value(value, known, depth + 1) for key, value in options.items()}
    try:
        if set(arguments) == {"layers"}:
            return known[name](arguments["layers"])  # type: ignore[call-arg]
        return known[name](**arguments)
    except CnnpyError as error:
        raise _damaged(f"layer {name}: {error.given}") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise _damaged(f"layer {name}: {error}") from error


def _parts_of(description: object, depth: int) -> tuple[str, dict[str, Any]]:
    if depth > _DEEPEST:
        raise _damaged(f"layers inside layers, {depth} deep")
    if not isinstance(description, dict) or set(description) != {"layer", "options"}:
        raise _damaged("a layer without its name and options")
    name, options = description["layer"], description["options"]
    if not isinstance(name, str) or not isinstance(options, dict):
        raise _damaged("a layer whose name is no text or whose options are no table")
    return name, options


def _value(value: Any, known: Mapping[str, type[Layer]], depth: int) -> Any:
    if isinstance(value, dict):
        if "layer" in value and isinstance(value["layer"], str):
            return _restore(value, known, depth)
        return {key: _value(item, known, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_value(item, known, depth + 1) for item in value)
    return value


def _damaged(what: str) -> ModelFileError:
    return ModelFileError(
        f"the architecture of the model cannot be read: {what}",
        "what cnnpy writes",
        "get the file again, or train the model anew",
    )
