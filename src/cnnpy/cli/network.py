"""The network that a command was given: a name, a model file or the folder of a run."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import NamedTuple

from cnnpy.cli.defaults import INPUT_SHAPES
from cnnpy.cli.model import load_model, model_file
from cnnpy.cli.output import shown
from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.contract.options import integer
from cnnpy.contract.shapes import Shape
from cnnpy.models import MODELS, make_model
from cnnpy.nn import Layer
from cnnpy.written import times

__all__ = ["Network", "network"]


class Network(NamedTuple):
    """A network, what it is called, and the shape of one image that it is looked at with."""

    name: str
    model: Layer
    shape: Shape


def network(command: str, given: str, input_shape: str | None, classes: int | None) -> Network:
    """Find the network that is meant, built for the images that it is looked at with.

    Parameters
    ----------
    command : str
        Who asks.
    given : str
        A name of :data:`cnnpy.models.MODELS`, a model file, or the folder of a run.
    input_shape : str or None
        ``C,H,W``; that of the model by default.
    classes : int or None
        How many classes a network of a name has; 10 by default.

    Returns
    -------
    Network
        The network; of a name, with first weights.

    Raises
    ------
    OptionError, ShapeError, ModelFileError
        Where there is none, or it does not fit the images.
    """
    shape = None if input_shape is None else _shape(command, input_shape)
    if given in MODELS:
        n_classes = integer(1)(command, "--classes", 10 if classes is None else classes)
        return _fitting(command, given, make_model(given, n_classes), shape, INPUT_SHAPES[given])
    if classes is not None:
        raise OptionError(
            f"{command}: --classes={classes} with the model file {given}",
            f"--classes with one of the names {', '.join(MODELS)}; a file has its own",
            "leave --classes out",
        )
    path = Path(given)
    if not model_file(path).exists():
        near = difflib.get_close_matches(given, MODELS, n=1)
        raise OptionError(
            f"{command}: {given!r} is neither a network nor a file",
            f"{', '.join(MODELS)}, a model file or the folder of a run",
            f"did you mean {near[0]!r}?" if near else "check the path",
        )
    classifier = load_model(path)
    return _fitting(command, given, classifier.model, shape, classifier.preprocessing.shape)


def _fitting(command: str, name: str, model: Layer, shape: Shape | None, usual: Shape) -> Network:
    try:
        model.build(shape or usual, seed=0)
        model.output_shape(shape or usual)
    except ShapeError as error:
        raise ShapeError(
            f"{command}: {shown(name)} does not fit images of {times(shape or usual)}: "
            f"{error.given}",
            error.expected,
            f"use --input={','.join(map(str, usual))}",
        ) from error
    return Network(name, model, shape or usual)


def _shape(command: str, text: str) -> Shape:
    parts = text.lower().replace("x", ",").split(",")
    numbers = tuple(int(part) if part.strip().isdecimal() else 0 for part in parts)
    if len(numbers) != 3 or min(numbers) < 1:
        raise OptionError(
            f"{command}: --input={text!r}",
            "three numbers of at least 1: channels, height and width",
            "use --input=3,32,32",
        )
    return numbers
