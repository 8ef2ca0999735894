"""What a training run is: which data, which network, which settings; and how two differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from cnnpy.contract.errors import ModelFileError
from cnnpy.data import Dataset, ImageSource
from cnnpy.nn import Layer
from cnnpy.nn.architecture import describe
from cnnpy.train.classifier import Classifier
from cnnpy.train.training import Training

__all__ = ["difference", "identity_of"]

_SAMPLE = 256
_AT_A_TIME = 1024


def identity_of(
    classifier: Classifier,
    train: ImageSource,
    validation: ImageSource | None,
    training: Training,
) -> dict[str, Any]:
    """Describe a run so that another one differs.

    Parameters
    ----------
    classifier : Classifier
        The network, built, and its preprocessing.
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
        "network": _network(classifier.model),
        "training data": _data(train),
        "validation data": None if validation is None else _data(validation),
        "preprocessing": classifier.preprocessing.to_dict(),
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
    scales = {
        name: [p.trainable, p.lr_scale, p.decay_scale] for name, p in model.named_parameters()
    }
    return {"shapes": shapes, "layers": json.dumps(layers), "parameters": scales}


def _data(dataset: ImageSource) -> dict[str, Any]:
    """Describe a data set: all of it in memory, a sample of its images where they are on a disk."""
    everything = isinstance(dataset, Dataset)
    n = len(dataset) if everything else min(len(dataset), _SAMPLE)
    chosen = np.linspace(0, len(dataset) - 1, n).astype(int)
    digest = hashlib.sha256(dataset.labels.astype(np.int64).tobytes())
    for start in range(0, n, _AT_A_TIME):
        digest.update(dataset.read(chosen[start : start + _AT_A_TIME]).tobytes())
    return {
        "length": len(dataset),
        "shape": list(dataset.shape),
        "dtype": dataset.dtype.name,
        "classes": list(dataset.class_names),
        "white": dataset.white,
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
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= 60 else f"{text[:57]}..."
