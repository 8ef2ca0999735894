"""Two mistakes in one result, run as one; and one mistake made in another order.

Where two mistakes show in the same numbers, what comes out is neither's: the gradient of a
window put to the wrong place *and* over what stood there. Which pairs can be run as one follows
from how they are written. A mistake that calls the right pass and changes what comes of it is
put over one that is that pass; the steps of a walk over windows are exchanged one by one. Here a
mistake is also made in the other ways that its module knows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from cnnpy.check.mistakes import MISTAKES, Mistake
from cnnpy.check.remembered import calling, remembering
from cnnpy.check.rows import SANDWICHES, row_of, row_with
from cnnpy.check.spreads import spreads_of
from cnnpy.contract.dtypes import FloatArray
from cnnpy.reference.windows import clipped

__all__ = ["Together", "routed", "together_of"]


@dataclass(frozen=True)
class Together:
    """Mistakes that are run as one implementation.

    Parameters
    ----------
    op : str
        The op that they are made in.
    mistakes : tuple of Mistake
        Which ones.
    made_in : tuple of str
        The passes that they are made in.
    forward, backward : callable
        The implementation.
    way : str
        In which way, where there are several.
    parts : tuple of Mistake or Together
        Of a pass over another, the two as they are alone.
    behind : frozenset of str
        Names of the mistakes that are made in backward alone.
    """

    op: str
    mistakes: tuple[Mistake, ...]
    made_in: tuple[str, ...]
    forward: Callable[..., tuple[Any, Any]] = field(compare=False)
    backward: Callable[[Any, Any], Any] = field(compare=False)
    way: str = ""
    parts: tuple[Mistake | Together, ...] = field(default=(), compare=False)
    behind: frozenset[str] = frozenset()


@cache
def together_of(op: str) -> tuple[Together, ...]:
    """List the mistakes of an op that are run as one.

    Parameters
    ----------
    op : str
        A name of ``OPS``, or of a sandwich.

    Returns
    -------
    tuple of Together
        Pairs, and single ones made in another way.

    Examples
    --------
    >>> pairs = {tuple(m.name for m in t.mistakes) for t in together_of("max_pool2d")}
    >>> first = "max_pool2d_divides_the_place_by_the_height"
    >>> (first, "max_pool2d_overwrites_where_windows_overlap") in pairs
    True
    """
    if op in SANDWICHES:
        return tuple(_of_parts(op))
    of_windows = (*_walks(), *_with_ties()) if op == "max_pool2d" else ()
    return (
        *of_windows,
        *_bias_behind(op),
        *_in_other_ways(op),
        *_spreads(op),
        *_chained(op),
    )


def _in_other_ways(op: str) -> Iterator[Together]:
    """Run what a mistake's module writes in other ways: with another number, another axis."""
    for mistake in MISTAKES.values():
        if mistake.op != op:
            continue
        for way, (forward, backward, *besides) in mistake.other_ways.items():
            mistakes = (mistake, *(MISTAKES[name] for name in besides))
            own = {"forward": forward, "backward": backward}
            made_in = tuple(k for k, f in own.items() if f is not getattr(row_of(op), k))
            passes = remembering(op, forward), remembering(op, backward)
            yield Together(op, mistakes, made_in, *passes, way)


def _spreads(op: str) -> Iterator[Together]:
    """Take the normalisations whose spread is made wrongly, step by step."""
    for made in spreads_of(op):
        is_behind = made.behind == {m.name for m in made.mistakes}
        passes = ("backward",) if is_behind else ("forward", "backward")
        yield Together(
            op, made.mistakes, passes, made.forward, made.backward, made.way, behind=made.behind
        )


def _bias_behind(op: str) -> Iterator[Together]:
    """Add the bias at the end, also where a mistake leaves an output out."""
    for mistake in MISTAKES.values():
        if mistake.op == op == "conv2d" and mistake.made_in == ("forward",):
            yield Together(
                op,
                (mistake,),
                ("forward",),
                _with_bias(mistake),
                row_of(op).backward,
                "bias behind",
            )


def _with_bias(mistake: Mistake) -> Callable[..., tuple[Any, Any]]:
    def forward(x: Any, w: Any, b: Any, **options: Any) -> tuple[Any, Any]:
        out, _ = mistake.forward(x, w, None, **options)
        _, cache = row_of("conv2d").forward(x, w, b, **options)
        return out if b is None else out + b[:, None, None], cache

    return forward


# --- a pass over another --------------------------------------------------------------------


def _chained(op: str) -> Iterator[Together]:
    """Put each mistake that calls the right pass over each that is that pass, and no more."""
    known = [m for m in MISTAKES.values() if m.op == op]
    both: list[Mistake | Together] = [*known, *_in_other_ways(op)]
    for part in ("forward", "backward"):
        alone = [m for m in both if m.made_in == (part,)]
        in_both = [m for m in both if m.made_in == ("forward", "backward")]
        pairs = [*itertools.permutations(alone, 2)]
        if part == "backward":
            pairs += itertools.product(in_both, alone)
        for outer, inner in pairs:
            within = remembering(op, getattr(inner, part))
            chained = _over(getattr(outer, part), within, part)
            names = tuple(m for one in (outer, inner) for m in _names_of(one))
            if chained is not None and len(set(names)) > 1:
                yield _one_over_the_other(op, part, outer, inner, chained)


def _one_over_the_other(
    op: str,
    part: str,
    outer: Mistake | Together,
    inner: Mistake | Together,
    chained: Callable[..., Any],
) -> Together:
    names = tuple(m for one in (outer, inner) for m in _names_of(one))
    ways = [getattr(m, "way", "") for m in (outer, inner)]
    way = " over ".join(way or "the library's" for way in ways) if any(ways) else ""
    passes = {"forward": outer.forward, "backward": outer.backward} | {part: chained}
    behind = frozenset(m.name for m in _names_of(inner)) if len(outer.made_in) > 1 else frozenset()
    return Together(
        op, names, outer.made_in, **passes, way=way, parts=(outer, inner), behind=behind
    )


def _names_of(one: Mistake | Together) -> tuple[Mistake, ...]:
    return one.mistakes if isinstance(one, Together) else (one,)


def _over(outer: Callable[..., Any], inner: Callable[..., Any], part: str) -> Any:
    """Let one mistake's pass call the other's in the place of the right one."""
    return calling(outer, {f"right_{part}": inner})


# --- a walk over windows, step by step ------------------------------------------------------

Place = Callable[[FloatArray, int, int], tuple[int, int]]
Put = Callable[[FloatArray, tuple[int, int], FloatArray, float], None]


def routed(
    dout: FloatArray,
    cache: Any,
    place: Place,
    put: Put,
    rows_first: bool = True,
    within: bool = False,
) -> FloatArray:
    """Send the gradient of max pooling back in given steps.

    Parameters
    ----------
    dout : ndarray of shape (N, C, H_out, W_out)
        Gradient of the loss with respect to the output.
    cache : tuple
        From the forward pass of the definition.
    place : callable
        Of what a window has inside of the image, of HH and WW, the row and column that take
        the gradient.
    put : callable
        Writes a gradient into a window of dx, at a place of dx.
    rows_first : bool
        Whether the windows of a row come one after the other, or those of a column.
    within : bool
        Whether the place is counted in the window, beyond which there is nothing to write to.

    Returns
    -------
    ndarray of shape (N, C, H, W)
        Gradient with respect to x.
    """
    x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
    H, W = x.shape[2:]
    N, C, H_out, W_out = dout.shape
    dx: FloatArray = np.zeros(x.shape, dtype=x.dtype)
    windows: Sequence[tuple[int, int]] = list(np.ndindex(H_out, W_out))
    if not rows_first:
        windows = sorted(windows, key=lambda at: at[::-1])
    for n, c in np.ndindex(N, C):
        for i, j in windows:
            rows = clipped(i, stride_h, HH, pad_h, H)
            columns = clipped(j, stride_w, WW, pad_w, W)
            u, v = place(x[n, c, rows, columns], HH, WW)
            window = dx[n, c, rows, columns]
            if within:
                put(window, (u, v), window, dout[n, c, i, j])
            else:
                put(dx[n, c], (rows.start + u, columns.start + v), window, dout[n, c, i, j])
    return dx


def _add(dx: FloatArray, at: tuple[int, int], window: FloatArray, value: float) -> None:
    dx[at] += value


def _write(dx: FloatArray, at: tuple[int, int], window: FloatArray, value: float) -> None:
    dx[at] = value


def _write_all(dx: FloatArray, at: tuple[int, int], window: FloatArray, value: float) -> None:
    window[...] = 0.0
    dx[at] = value


_POOL = "max_pool2d_"


def _first(window: FloatArray, HH: int, WW: int) -> tuple[int, int]:
    return divmod(int(np.argmax(window)), int(window.shape[1]))


def _last(window: FloatArray, HH: int, WW: int) -> tuple[int, int]:
    return divmod(window.size - 1 - int(np.argmax(window.ravel()[::-1])), int(window.shape[1]))


def _counted(place: Callable[[int, int, int], tuple[int, int]]) -> Place:
    """Count the place of the maximum row by row, and take it apart in some way."""
    return lambda window, HH, WW: place(int(np.argmax(window)), HH, WW)


_PLACES: Mapping[str, Place] = {
    "": _first,
    "divides_the_place_by_the_height": _counted(lambda place, HH, WW: (place // HH, place % WW)),
    "divides_the_rest_by_the_height": _counted(
        lambda place, HH, WW: ((place - place % WW) // HH, place % WW)
    ),
    "counts_places_along_the_height": _counted(lambda place, HH, WW: (place // HH, place % HH)),
    "swaps_row_and_column": _counted(lambda place, HH, WW: (place % WW, place // WW)),
    "takes_the_column_by_the_height": _counted(lambda place, HH, WW: (place // WW, place % HH)),
    "finds_row_and_column_apart": lambda window, HH, WW: (
        int(window.max(axis=1).argmax()),
        int(window.max(axis=0).argmax()),
    ),
}
_PUTS: Mapping[str, Put] = {
    "": _add,
    "overwrites_where_windows_overlap": _write,
    "overwrites_the_whole_window": _write_all,
}


def _walks() -> Iterator[Together]:
    """Combine the steps of a walk; what the library has by itself is left out."""
    orders = itertools.product((True, False), (False, True))
    ways = itertools.product(_PLACES.items(), _PUTS.items(), orders)
    for (place_name, place), (put_name, put), (rows_first, within) in ways:
        names = [name for name in (place_name, put_name) if name]
        is_known = rows_first and not within and len(names) == 1
        tells = (bool(put_name) or rows_first) and (bool(place_name) or not within)
        if not names or is_known or not tells:  # sums come in any order, right places lie within
            continue
        order = "rows first" if rows_first else "columns first"
        yield Together(
            "max_pool2d",
            tuple(MISTAKES[_POOL + name] for name in names),
            ("backward",),
            row_of("max_pool2d").forward,
            _walk(place, put, rows_first, within),
            f"{order}, within the window" if within else order,
        )


def _walk(place: Place, put: Put, rows_first: bool, within: bool) -> Callable[[Any, Any], Any]:
    return lambda dout, cache: routed(dout, cache, place, put, rows_first, within)


# --- mistakes beside a convention for ties ------------------------------------------------------


def _with_ties() -> Iterator[Together]:
    """Deal the gradient of tied maxima out in the other ways that are right, beside a mistake."""
    ties = {"ties share": _shared, "the last of ties": _to_the_last}
    for mistake, (way, inner) in itertools.product(MISTAKES.values(), ties.items()):
        if mistake.op != "max_pool2d" or "backward" not in mistake.made_in:
            continue
        backward = _over(mistake.backward, remembering("max_pool2d", inner), "backward")
        if backward is not None:
            forward = remembering("max_pool2d", mistake.forward)
            yield Together("max_pool2d", (mistake,), mistake.made_in, forward, backward, way)
    forward = row_of("max_pool2d").forward
    whole = MISTAKES[_POOL + "overwrites_the_whole_window"]
    yield Together("max_pool2d", (whole,), ("backward",), forward, _sharing(False), "ties share")
    for name, put in _PUTS.items():
        if name:
            mistake = MISTAKES[_POOL + name]
            for rows_first in (True, False):
                order = "rows first" if rows_first else "columns first"
                walk = _walk(_last, put, rows_first, within=False)
                way = f"the last of ties, {order}"
                yield Together("max_pool2d", (mistake,), ("backward",), forward, walk, way)


def _sharing(add: bool) -> Callable[[Any, Any], Any]:
    """Deal out by shares of each window, added up or over what stood there."""

    def backward(dout: FloatArray, cache: Any) -> FloatArray:
        x, (HH, WW), (stride_h, stride_w), (pad_h, pad_w) = cache
        dx: FloatArray = np.zeros(x.shape, dtype=x.dtype)
        for n, c, i, j in np.ndindex(dout.shape):
            rows = clipped(i, stride_h, HH, pad_h, x.shape[2])
            columns = clipped(j, stride_w, WW, pad_w, x.shape[3])
            is_one = x[n, c, rows, columns] == np.max(x[n, c, rows, columns])
            share = dout[n, c, i, j] * is_one / is_one.sum()
            dx[n, c, rows, columns] = share + (dx[n, c, rows, columns] if add else 0.0)
        return dx

    return backward


_shared = _sharing(add=True)


def _to_the_last(dout: FloatArray, cache: Any) -> FloatArray:
    return routed(dout, cache, _last, _add)


# --- the parts of a sandwich ----------------------------------------------------------------


def _of_parts(op: str) -> Iterator[Together]:
    """Put each mistake of a part into the sandwich."""
    for part in SANDWICHES[op]:
        for mistake in MISTAKES.values():
            if mistake.op == part:
                row = row_with(op, mistake)
                yield Together(op, (mistake,), mistake.made_in, row.forward, row.backward)
