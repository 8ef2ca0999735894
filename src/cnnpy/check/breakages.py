"""What breaks a pass in some cases and says by itself why: the error, or that nothing came.

No known mistake of a layer is needed to name it. A size that stays a float, a variable that one
branch alone sets, a gradient that nobody computes: each has a name of its own, and hides what
else may be wrong in the cases that it breaks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from cnnpy.check.case import Case
from cnnpy.check.fence.wire import Opaque
from cnnpy.check.outcome import Failure, Misshapen

__all__ = [
    "OF_OTHER_DAYS",
    "Breakage",
    "are_other_arguments",
    "breakage_of",
    "laid_flat",
    "never_computed",
    "no_array",
    "one_mask_for_all",
    "returns_none",
    "uses_up_its_cache",
]

OF_OTHER_DAYS = ("float_sizes", "outdated")
"""Names of what Python 2 or an older NumPy took."""


@dataclass(frozen=True)
class Breakage:
    """A mistake that an error, or the lack of a result, names by itself.

    Parameters
    ----------
    name : str
        Its name.
    shows : str
        What is wrong, in a sentence.
    cause, mend : str
        Where it comes from, what to write instead.
    """

    name: str
    shows: str
    cause: str
    mend: str


def breakage_of(failure: Failure | None, case: Case | None = None) -> Breakage | None:
    """Name what an error tells by itself.

    Parameters
    ----------
    failure : Failure or None
        How a pass failed; None where it did not.
    case : Case, optional
        What it failed on.

    Returns
    -------
    Breakage or None
        None where the error may have many reasons: a wrong index, a shape that does not fit.

    Examples
    --------
    >>> failure = Failure("forward", ("NameError", "Exception"), "name 'pad' is not defined")
    >>> breakage_of(failure).shows
    'pad has no value where it is used.'
    """
    if failure is None:
        return None
    if failure.mend is not None:
        return _outdated(failure)
    if case is not None and case.op == "linear" and _has_more_axes(failure, case):
        return _of_more_axes()
    named = (name(failure) for kind, name in _KINDS if kind in failure.kinds)
    return next((breakage for breakage in named if breakage is not None), None)


def never_computed(place: str, left_as: str) -> Breakage:
    """Name a gradient that is the same nothing in every case.

    Parameters
    ----------
    place : str
        ``dx``, ``dw``, ...
    left_as : str
        What it is: ``None`` or ``zero``.

    Returns
    -------
    Breakage
        The name, with what to write.
    """
    return Breakage(
        "never_computed",
        f"{place} is {left_as} in every case.",
        f"It is {left_as} at the start of the function, and nothing is written to it afterwards.",
        f"Compute {place}, in the shape of {place[1:]}.",
    )


def laid_flat(place: str, value: Any) -> Breakage | None:
    """Name a gradient that was left in rows, where its input has more axes.

    Parameters
    ----------
    place : str
        ``dx``, ...
    value : object
        What came of it.

    Returns
    -------
    Breakage or None
        None where it is anything else.
    """
    if not isinstance(value, Misshapen):
        return None
    N, *rest = value.wanted
    if value.got != (N, math.prod(rest)):
        return None
    name = place[1:]
    return Breakage(
        "laid_flat",
        f"{place} is left in rows, one an image, and has not the shape of {name}.",
        f"Forward lays {name} out as rows, and backward does not undo it.",
        f"Give it the shape of {name}: {place}.reshape({name}.shape).",
    )


def uses_up_its_cache() -> Breakage:
    """Name what makes a second backward call give other gradients than the first.

    Returns
    -------
    Breakage
        The name, with what to write.
    """
    return Breakage(
        "uses_up_its_cache",
        "Backward gives other gradients when it is called again with the same cache.",
        "It changes what forward kept: var += eps writes into the array itself.",
        "Write to a new array: var = var + eps, or std = np.sqrt(var + eps).",
    )


def one_mask_for_all(case: Case, out: Any) -> Breakage | None:
    """Name a dropout that drops the same of every image.

    Parameters
    ----------
    case : Case
        What it was given.
    out : object
        What came out of forward.

    Returns
    -------
    Breakage or None
        None where it may be by chance.
    """
    is_training = case.op == "dropout" and case.arrays["mask"] is not None
    if not is_training or not isinstance(out, np.ndarray) or out.ndim < 2 or len(out) < 2:
        return None
    stays, p, N = np.asarray(out != 0), case.options["p"], len(out)
    by_chance = (p**N + (1 - p) ** N) ** (stays.size // N)
    is_mixed = stays.any() and not stays.all()  # else nothing, or all, is dropped
    if not is_mixed or by_chance > _BY_CHANCE or not (stays == stays[:1]).all():
        return None
    return Breakage(
        "one_mask_for_all",
        "What is dropped of one image is dropped of all.",
        "The mask has the shape of one image, x.shape[1:], and is spread over the batch.",
        "Draw a mask of the shape of x: np.random.rand(*x.shape).",
    )


_BY_CHANCE = 1e-12
"""How unlikely it has to be that one mask is drawn for each image and all are the same."""


def returns_none(form: str | None) -> Breakage | None:
    """Name a pass that returns nothing, where it returns something in other cases.

    Parameters
    ----------
    form : str or None
        What was wrong with the form of what was returned.

    Returns
    -------
    Breakage or None
        None where it is anything else.
    """
    if form is None or "returned a NoneType" not in form:
        return None
    return Breakage(
        "returns_none",
        f"It gives nothing for an input that is valid: {form}.",
        "It returns early, or a branch ends without a return: the caller gets None.",
        "Compute it; or raise a ValueError that says what is wrong.",
    )


def no_array(place: str, value: Any, right: Any) -> Breakage | None:
    """Name a result that is no array of numbers.

    Parameters
    ----------
    place : str
        ``forward``, ``dx``, ...
    value, right : object
        What came of it, and what is right.

    Returns
    -------
    Breakage or None
        None where an array came, or nothing, or where no array is right.
    """
    if not isinstance(right, np.ndarray) or isinstance(value, Misshapen):
        return None
    result = "out" if place == "forward" else place
    if isinstance(value, tuple):
        return Breakage(
            "not_unpacked",
            f"{result} is a tuple of {len(value)}, not an array.",
            "What it calls returns several things, and all of them are kept under one name.",
            f"Unpack what is returned: {result}, _ = ...",
        )
    if not isinstance(value, Opaque | list | dict | str):
        return None
    kind = value.type_name if isinstance(value, Opaque) else type(value).__name__
    return Breakage(
        "no_array",
        f"{result} is of {kind}, not an array of numbers.",
        "Something else is returned in its place, or numbers are put into it.",
        f"Return {result} as np.ndarray: np.asarray(values, dtype=float) makes one of a list.",
    )


def _unset(failure: Failure) -> Breakage:
    name = _quoted(failure.says)
    return Breakage(
        "unset_variable",
        f"{name} has no value yet where it is used.",
        "It is set under a condition only, or further down in the function.",
        f"Set {name} before it is used, in every branch.",
    )


def _unknown(failure: Failure) -> Breakage:
    name = _quoted(failure.says)
    return Breakage(
        "unknown_name",
        f"{name} has no value where it is used.",
        "It is written in another way where it is set, or set in another function.",
        f"Set {name} in this function, or hand it over in the cache.",
    )


def _outdated(failure: Failure) -> Breakage:
    if failure.is_of_a_float_size:
        return Breakage(
            "float_sizes",
            "A size or an index is a float, which breaks the pass where it is used.",
            "/ gives a float, whether it divides or not.",
            "Divide sizes by //, in every case.",
        )
    return Breakage(
        "outdated",
        f"It is written for Python 2 or an older NumPy: {failure}",
        "What it relies on is gone, or means something else now.",
        f"{str(failure.mend)[:1].upper()}{str(failure.mend)[1:]}.",
    )


def _ended(failure: Failure) -> Breakage:
    return Breakage(
        "exits",
        "The pass ends the program where it should return.",
        "It calls exit() on what it does not take, and whoever called it is gone too.",
        "Compute it; or raise a ValueError that says what is wrong.",
    )


def _still_none(failure: Failure) -> Breakage | None:
    if "NoneType" not in failure.says:
        return None
    return Breakage(
        "still_none",
        f"A value is None where it is used: {failure.says}.",
        "It was set to None at the start and not written to since, or it is what a function "
        "without a return gives.",
        f"Compute it before this line: {failure.at}." if failure.at else "Compute it before.",
    )


_ARGUMENTS = re.compile(
    r"^([\w.<>]+)\(\) (?:got an unexpected keyword|got multiple values for|got some positional"
    r"|missing \d+ required|takes .* argument)"
)


def are_other_arguments(failure: Failure | None) -> bool:
    """Tell whether a function refused the call itself, before a line of it ran.

    Parameters
    ----------
    failure : Failure or None
        How a pass failed; None where it did not.

    Returns
    -------
    bool
        False too where it called another one wrongly.
    """
    return failure is not None and not failure.at and bool(_ARGUMENTS.search(failure.says))


def _of_arguments(failure: Failure) -> Breakage | None:
    found = _ARGUMENTS.search(failure.says)
    if found is None:
        return None
    name = found.group(1).rpartition(".")[2]
    return Breakage(
        "other_arguments",
        f"{name} takes other arguments than it is called with: {failure.says}.",
        "The call and the line that begins with def do not agree.",
        f"Make them agree; the call is this line: {failure.at}."
        if failure.at
        else f"Give {name} the parameters that it is called with; one that does something else "
        "needs another name.",
    )


_OF_TYPES = (
    "object does not support item assignment",
    "object is not subscriptable",
    "object is not callable",
    "object is not iterable",
    "unsupported operand type",
    "object has no attribute",
    "object cannot be interpreted as an integer",
    "only integer scalar arrays can be converted to a scalar index",
    "not supported between instances of",
)


def _of_a_type(failure: Failure) -> Breakage | None:
    if not any(words in failure.says for words in _OF_TYPES):
        return None
    return Breakage(
        "wrong_type",
        f"A value is of another type than what is done with it takes: {failure.says}.",
        "A shape is written where an array of it is meant, or an array where a function is.",
        f"Look at what the value is in this line: {failure.at}."
        if failure.at
        else "Look at what the value is where it breaks.",
    )


_AXES = re.compile(r"^too many values to unpack \(expected 2")
_DOT = re.compile(r"^shapes \((\d+(?:,\d+){2,})\) and \((\d+),\d+\) not aligned")
_MATMUL = re.compile(r"^matmul: .*core dimension.*\(size (\d+) is different from (\d+)\)$")
_SHAPE_OF_ROWS = re.compile(r"=\s*\w+\.shape\s*$")


def _has_more_axes(failure: Failure, case: Case) -> bool:
    """Tell whether images met weights for all their numbers, as the numbers in an error say."""
    if failure.where != "forward" or "ValueError" not in failure.kinds:
        return False
    features = int(case.arrays["x"].shape[1])
    dot, matmul = _DOT.search(failure.says), _MATMUL.search(failure.says)
    if dot is not None:
        return math.prod(map(int, dot.group(1).split(",")[1:])) == features == int(dot.group(2))
    if matmul is not None:
        return int(matmul.group(1)) == features > int(matmul.group(2))
    return bool(_AXES.search(failure.says) and _SHAPE_OF_ROWS.search(failure.code))


def _of_more_axes() -> Breakage:
    return Breakage(
        "not_laid_flat",
        "x is multiplied with the axes that it has, where it may have more than a row of features.",
        "It takes images too, (N, d_1, ..., d_k), and has a weight for each of their numbers.",
        "Lay out each as a row first: x.reshape(x.shape[0], -1) @ w + b.",
    )


def _of_a_sequence(failure: Failure) -> Breakage | None:
    if failure.says.rstrip(".") != "setting an array element with a sequence":
        return None
    return Breakage(
        "array_for_a_number",
        f"An entry is set to an array, where it takes a number: {failure}",
        "A sum has kept an axis; or it is an array of one number, which older NumPy took for that.",
        "Write a.item() where it has one number; else sum over the axis that is left, or index it.",
    )


_GIVEN = ("pool_height", "pool_width", "stride", "pad", "mode")
_OPTIONAL = ("eps", "momentum", "running_mean", "running_var", "seed")
"""The keys of the course's parameters: those that are always there, and those that need not be."""


def _of_a_key(failure: Failure) -> Breakage | None:
    key = failure.says.strip("'\"")
    if key in _OPTIONAL:
        return Breakage(
            "optional_key",
            f"{key} is read from a dictionary that has it not in some cases.",
            "It may be left out, and has a default then.",
            f"Read it with a default: .get({key!r}, ...).",
        )
    plain = {name.replace("_", ""): name for name in (*_GIVEN, *_OPTIONAL)}
    near = get_close_matches(key.replace("_", "").lower(), plain, n=1, cutoff=_NEAR)
    if not near or key in _GIVEN:
        return None
    return Breakage(
        "other_key",
        f"A parameter is read by a key that is not there: {failure.says}.",
        "The caller writes it in another way.",
        f"Read it as the task writes it: {plain[near[0]]!r}.",
    )


_NEAR = 0.6
"""How alike two keys are that are one: padding and pad just so."""

_OF_ROWS = re.compile(r", in (batch_?norm_forward|layer_?norm_forward)$")


def _of_axes(failure: Failure) -> Breakage | None:
    helper = _OF_ROWS.search(failure.at)
    if helper is None or not _AXES.search(failure.says):
        return None
    return Breakage(
        "images_for_rows",
        f"{helper.group(1)} takes rows, N, D = x.shape, and is given images.",
        "What is normalised of images are the channels: (N, C, H, W) has to become (N*H*W, C).",
        "Give it x.transpose(0, 2, 3, 1).reshape(-1, C), and undo that for what comes back.",
    )


_UNPACKED = re.compile(r"^(?:too many|not enough) values to unpack")
_FROM_THE_CACHE = re.compile(r"=\s*\(?cache\b")


def _of_the_cache(failure: Failure) -> Breakage | None:
    if failure.where != "backward" or not _UNPACKED.search(failure.says):
        return None
    if not _FROM_THE_CACHE.search(failure.code):
        return None
    return Breakage(
        "other_cache",
        f"Backward unpacks another number of things than forward has put into the cache: "
        f"{failure.says}.",
        "The two were written for different caches, or one of them was changed since.",
        f"Unpack what forward returns, in its order; the line is: {failure.code}.",
    )


def _refused(failure: Failure) -> Breakage:
    line = failure.code.strip()
    return Breakage(
        "refuses_valid_input",
        f"It refuses an input that is valid: {failure}.",
        "The condition asks for more than has to hold, or mixes up what it speaks of.",
        "Ask only for what the pass needs, or for nothing"
        + (f"; the line is: {line}." if line else "."),
    )


_KINDS: tuple[tuple[str, Callable[[Failure], Breakage | None]], ...] = (
    ("SystemExit", _ended),
    ("UnboundLocalError", _unset),
    ("NameError", _unknown),
    ("TypeError", _still_none),
    ("AttributeError", _still_none),
    ("TypeError", _of_arguments),
    ("TypeError", _of_a_type),
    ("AttributeError", _of_a_type),
    ("ValueError", _of_a_sequence),
    ("KeyError", _of_a_key),
    ("ValueError", _of_axes),
    ("ValueError", _of_the_cache),
    ("AssertionError", _refused),
)


def _quoted(says: str) -> str:
    found = re.search(r"'(\w+)'", says)
    return found.group(1) if found else "a variable"
