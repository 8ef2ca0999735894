"""What an implementation, the definition and a known mistake give, place by place.

A place is ``forward``, ``d<input>``, an array that is updated, or ``backward`` for a backward
pass that came to no end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnnpy.check.case import Case
from cnnpy.check.compare import allowed
from cnnpy.check.mistakes import Mistake
from cnnpy.check.observe import Observation, lenient
from cnnpy.check.remembered import once, remembering
from cnnpy.check.rows import row_of
from cnnpy.check.together import Together
from cnnpy.check.truth import as_list
from cnnpy.contract.dtypes import FloatArray

__all__ = [
    "NOTHING",
    "RAISED",
    "Raised",
    "are_alike",
    "got_of",
    "have_one_shape",
    "is_of_backward",
    "is_updated",
    "results_of",
    "right_of",
]


class Raised:
    """Stand for the result of a pass that raised or came to no end."""


RAISED, NOTHING = Raised(), object()
"""What stands for the result of a pass that raised, and for no result."""


@once(1 << 13)
def results_of(mistake: Mistake | Together, case: Case, dout: FloatArray) -> dict[str, Any]:
    """Run a mistake on a case.

    Parameters
    ----------
    mistake : Mistake or Together
        What to run.
    case : Case
        Inputs and options.
    dout : ndarray of the shape of the right output
        The gradient to send back.

    Returns
    -------
    dict
        By place: ``forward``, ``d<input>``, and the names of updated arrays. A pass that
        raises gives a token, and nothing comes behind it.
    """
    own = case.map(np.copy)
    with np.errstate(all="ignore"):
        try:
            out, cache = _pass_of(mistake, "forward")(*own.positional(), **own.keywords())[:2]
        except Exception:
            return {"forward": RAISED}
        found: dict[str, Any] = {"forward": out, **_updated(own)}
        try:
            gradients = as_list(case.op, _pass_of(mistake, "backward")(dout.copy(), cache))
        except Exception:
            return {**found, "backward": RAISED}
    return found | {f"d{n}": g for n, g in zip(row_of(case.op).gradients, gradients, strict=False)}


def _pass_of(mistake: Mistake | Together, name: str) -> Callable[..., Any]:
    """Give a pass of a mistake; what is made of two remembers by itself."""
    function: Callable[..., Any] = getattr(mistake, name)
    is_right = function is getattr(row_of(mistake.op), name)
    if is_right or isinstance(mistake, Mistake):
        return remembering(mistake.op, function)
    return function


def _updated(case: Case) -> dict[str, Any]:
    names = [i.name for i in row_of(case.op).keyword if i.kind.name == "UPDATED"]
    return {name: case.arrays[name] for name in names if case.arrays[name] is not None}


def right_of(o: Observation) -> dict[str, Any]:
    """Give what is right, place by place.

    Parameters
    ----------
    o : Observation
        What was tried.

    Returns
    -------
    dict
        What the definition gives.
    """
    gradients = zip(row_of(o.case.op).gradients, o.truth.gradients, strict=True)
    return {"forward": o.truth.out, **o.truth.updated} | {f"d{n}": g for n, g in gradients}


def got_of(o: Observation) -> dict[str, Any]:
    """Give what an implementation gave, place by place.

    Parameters
    ----------
    o : Observation
        What was tried.

    Returns
    -------
    dict
        Its results; `RAISED` for a pass that came to no end, and nothing behind it.
    """
    outcome = o.outcome
    if outcome.out is None:
        return {"forward": RAISED}
    found: dict[str, Any] = {"forward": outcome.out, **_told(outcome.updated)}
    if outcome.failure is not None or outcome.form is not None:
        return {**found, "backward": RAISED}
    return found | {f"d{name}": g for name, g in outcome.gradients.items()}


def _told(updated: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in updated.items() if value is not None}


def are_alike(o: Observation, place: str, a: Any, b: Any) -> bool:
    """Tell whether two results are the same but for rounding.

    Parameters
    ----------
    o : Observation
        What was tried: it says how much rounding is.
    place : str
        Whose results they are.
    a, b : object
        Arrays, lists of them, None, `RAISED` or `NOTHING`.

    Returns
    -------
    bool
        True for two of the same tokens too.
    """
    if a is NOTHING or b is NOTHING or isinstance(a, Raised) or isinstance(b, Raised):
        return a is b
    if a is None or b is None:
        return a is b
    if isinstance(a, list | tuple) or isinstance(b, list | tuple):
        both = isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b)
        return both and all(are_alike(o, place, x, y) for x, y in zip(a, b, strict=True))
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype.kind not in "fiub" or b.dtype.kind not in "fiub":
        return False
    a, b = a.astype(np.float64), b.astype(np.float64)
    if np.array_equal(a, b):
        return True
    finite = np.isfinite(a) & np.isfinite(b)
    if np.isfinite(a).all() != np.isfinite(b).all():
        return False
    with np.errstate(invalid="ignore"):  # how far infinity spreads depends on the way
        near = (a == b) | (np.abs(a - b) <= _distance(o, place, b))
    return bool(np.all(near | ~finite))


def _distance(o: Observation, place: str, want: FloatArray) -> FloatArray:
    """Give how far apart two ways to the same result may be: as far as from the right one."""
    tolerance, dtype = lenient(o.case.op, o.rounds_to), np.dtype(o.rounds_to)
    right, bound = right_of(o).get(place), _bound(o, place)
    finite = np.where(np.isfinite(want), np.abs(want), 0.0)
    if right is None or isinstance(right, list) or np.shape(right) != want.shape:
        right = finite
        bound = right if tolerance.rule == "scale" else np.zeros(want.shape)
    if tolerance.rule != "scale":  # what is summed up wrongly may be large where the right is 0
        bound = np.maximum(1.0 if bound is None else np.abs(bound), finite.max(initial=0.0))
    return allowed(tolerance, dtype, np.asarray(right, dtype=np.float64), bound, 1.0)


def _bound(o: Observation, place: str) -> Any:
    if place == "forward":
        return o.truth.out_bound
    names = [f"d{name}" for name in row_of(o.case.op).gradients]
    return o.truth.gradient_bounds[names.index(place)] if place in names else None


def is_of_backward(place: str) -> bool:
    """Tell whether a place is of the backward pass.

    Parameters
    ----------
    place : str
        ``forward``, ``dx``, ...

    Returns
    -------
    bool
        True for gradients, and for a pass without any.
    """
    return place == "backward" or place.startswith("d")


def is_updated(place: str) -> bool:
    """Tell whether a place is an array that forward updates.

    Parameters
    ----------
    place : str
        ``forward``, ``dx``, ...

    Returns
    -------
    bool
        True for running statistics.
    """
    return place != "forward" and not is_of_backward(place)


def have_one_shape(a: Any, b: Any) -> bool:
    """Tell whether two results are arrays of one shape.

    Parameters
    ----------
    a, b : object
        Results of a place.

    Returns
    -------
    bool
        False where one of them is no array: None, a list, a tuple, whatever else came.
    """
    both = all(isinstance(v, np.ndarray | np.generic | float | int) for v in (a, b))
    return both and np.shape(a) == np.shape(b)
