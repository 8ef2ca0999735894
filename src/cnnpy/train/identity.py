"""What a training run is: which data, which network, which settings; and how two differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from cnnpy.contract.errors import ModelFileError
from cnnpy.data import ImageSource
from cnnpy.nn import Layer
from cnnpy.nn.architecture import describe
from cnnpy.train.training import Training

__all__ = ["difference", "identity_of"]

_SAMPLE = 64


def identity_of(
    model: Layer, train: ImageSource, validation: ImageSource | None, training: Training
) -> dict[str, Any]:
    """Describe a run so that another one differs.

    Parameters
    ----------
    model : Layer
        The network, built.
    train : ImageSource
        The training images.
    validation : ImageSource or None
        The images that choose the best epoch.
    training : Training
        The settings.

    Returns
    -------
    dict
        As JSON gives it back.
    """
    whole = {
        "network": _network(model),
        "training data": _data(train),
        "validation data": None if validation is None else _data(validation),
        "training": training.to_dict(),
    }
    plain: dict[str, Any] = json.loads(json.dumps(whole))
    return plain


def difference(saved: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Name the first thing in which two runs differ.

    Parameters
    ----------
    saved, now : mapping
        Of `identity_of`.

    Returns
    -------
    str or None
        "its training lr is 0.01, here it is 0.02"; None where there is none.

    Examples
    --------
    >>> difference({"training": {"epochs": 5}}, {"training": {"epochs": 6}})
    'its training epochs is 5, here it is 6'
    >>> difference({"a": 1}, {"a": 1})
    """
    theirs, ours = dict(_flat(saved)), dict(_flat(now))
    for name in [*ours, *theirs]:
        if theirs.get(name) != ours.get(name):
            return f"its {name} is {_short(theirs.get(name))}, here it is {_short(ours.get(name))}"
    return None


def _network(model: Layer) -> dict[str, Any]:
    try:
        layers: Any = describe(model)
    except ModelFileError:  # a function among its arguments
        layers = type(model).__name__
    shapes = {name: list(array.shape) for name, array in model.state_dict().items()}
    return {"shapes": shapes, "layers": json.dumps(layers)}


def _data(dataset: ImageSource) -> dict[str, Any]:
    chosen = np.unique(np.linspace(0, len(dataset) - 1, _SAMPLE).astype(int))
    digest = hashlib.sha256(dataset.labels.astype(np.int64).tobytes())
    digest.update(dataset.read(chosen).tobytes())
    return {
        "length": len(dataset),
        "shape": list(dataset.shape),
        "dtype": dataset.dtype.name,
        "classes": list(dataset.class_names),
        "content": digest.hexdigest()[:16],
    }


def _flat(tree: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name} ")
        else:
            yield f"{before}{name}", value


def _short(value: object) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
