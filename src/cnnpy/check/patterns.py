"""What can be said of a wrong implementation whose mistake is not known by name.

Only what was seen is said: in which properties it is right and in which wrong, whether the
numbers are off by a factor, and whether they are the right ones in another order. A cause is
guessed at where one condition alone parts wrong cases from right ones, and several cases show it;
how many they are is said with it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cnnpy.check.observe import Grade, Observation
from cnnpy.check.rows import row_of
from cnnpy.check.window import Window, window_of
from cnnpy.contract.dtypes import FloatArray

__all__ = ["Held", "by_property", "parted_by", "what_holds"]


def by_property(observations: Sequence[Observation]) -> dict[str, list[Observation]]:
    """Sort what was seen by the property that it was tried for.

    Parameters
    ----------
    observations : sequence of Observation
        Of one implementation.

    Returns
    -------
    dict
        By property, in the order in which they were tried.
    """
    sorted_: dict[str, list[Observation]] = {}
    for o in observations:
        sorted_.setdefault(o.probe.property, []).append(o)
    return sorted_


class Held(NamedTuple):
    """What holds of an implementation that is wrong.

    Parameters
    ----------
    lines : list of str
        What was seen, one sentence each.
    likely : str or None
        What it speaks for, in a few words; None where it may speak for several things.
    """

    lines: list[str]
    likely: str | None


def what_holds(observations: Sequence[Observation], places: Collection[str] | None = None) -> Held:
    """Say what holds and what does not.

    Parameters
    ----------
    observations : sequence of Observation
        Of one implementation that is wrong.
    places : collection of str, optional
        The results to speak of; all by default.

    Returns
    -------
    Held
        Sentences, and what they speak for.
    """
    besides = [*_factor(observations), *_order(observations)]
    if places is not None:
        partings = [p for p in _place_by_place(observations) if p.place in places]
        besides = [line for line in besides if line.split()[0] in places]
        return Held([*map(str, partings), *besides], _likely(partings))
    parted = _of_all(observations)
    partings = [parted] if parted else list(_place_by_place(observations))
    first = [] if parted else list(_where(observations))
    lines = [*first, *map(str, partings), *_places(observations), *besides]
    return Held(lines, _likely(partings))


def parted_by(observations: Sequence[Observation]) -> str | None:
    """Find the one condition that parts the wrong cases from the right ones.

    Parameters
    ----------
    observations : sequence of Observation
        Of one implementation.

    Returns
    -------
    str or None
        A sentence: ``wrong exactly where ...``, or ``wrong only where ...`` where the
        condition holds for some right cases too; None where no condition says much.
    """
    parted = _of_all(observations)
    return None if parted is None else str(parted)


class _Parting(NamedTuple):
    """A condition that parts wrong cases from right ones.

    Parameters
    ----------
    place : str
        The result that is wrong; empty where it is any.
    words : tuple of str
        The condition; several where what was tried does not tell them apart.
    wrong, right, also : int
        How many cases are wrong, how many right, and for how many of these it holds too.
    """

    place: str
    words: tuple[str, ...]
    wrong: int
    right: int
    also: int

    def __str__(self) -> str:
        subject = f"{self.place} is wrong" if self.place else "wrong"
        words = ", or ".join(self.words)
        if self.also:
            of = self.wrong + self.also
            return f"{subject} only where {words}: in {self.wrong} of {of} such cases"
        cases = f"the one such case, and in none of {self.right} others"
        if self.wrong > 1:
            cases = f"all {self.wrong} such cases, and in none of {self.right} others"
        return f"{subject} exactly where {words}: in {cases}"

    @property
    def meaning(self) -> str | None:
        """Give what it speaks for; None where cases are few, or conditions several."""
        if self.wrong < (_FEW_WHERE_OTHERS_ARE_RIGHT if self.also else _FEW):
            return None
        meanings = {_SPEAKS_FOR.get(words) for words in self.words}
        return meanings.pop() if len(meanings) == 1 else None


_FEW, _FEW_WHERE_OTHERS_ARE_RIGHT = 2, 3
"""Of how many wrong cases on a condition speaks for something."""


def _of_all(observations: Sequence[Observation]) -> _Parting | None:
    wrong = [_Case(o) for o in observations if o.grade is Grade.WRONG]
    right = [_Case(o) for o in observations if o.grade is not Grade.WRONG]
    return _parted("", wrong, [c for c in right if not c.is_refused])


def _place_by_place(observations: Sequence[Observation]) -> Iterator[_Parting]:
    """Part each result by itself: different things may be wrong with them."""
    for place in sorted({f.where for o in observations for f in o.wrong()}):
        hit = [any(f.where == place for f in o.wrong()) for o in observations]
        wrong = [_Case(o) for o, is_wrong in zip(observations, hit, strict=True) if is_wrong]
        right = [
            _Case(o)
            for o, is_wrong in zip(observations, hit, strict=True)
            if not is_wrong and o.outcome.failure is None
        ]
        parted = _parted(place, wrong, right)
        if parted is not None:
            yield parted


def _parted(place: str, wrong: Sequence[_Case], right: Sequence[_Case]) -> _Parting | None:
    if not wrong or not right:
        return None
    also = {
        words: sum(map(holds, right))
        for words, holds in {**CONDITIONS, **_left_out([*wrong, *right])}.items()
        if all(map(holds, wrong))
    }
    least = min(also.values(), default=len(right))
    if 4 * least > len(right):
        return None
    words = [words for words, n in also.items() if n == least]
    return _Parting(place, tuple(_told_apart(words)), len(wrong), len(right), least)


def _told_apart(words: Sequence[str]) -> Iterator[str]:
    """Leave out conditions that speak for the same as a simpler one."""
    seen = set()
    for each in words:
        meaning = _SPEAKS_FOR.get(each, each)
        if meaning not in seen:
            seen.add(meaning)
            yield each


def _left_out(cases: Sequence[_Case]) -> dict[str, Callable[[_Case], bool]]:
    """Make conditions of the inputs that some cases leave out."""
    names = sorted({name for c in cases for name in c.left_out})
    conditions: dict[str, Callable[[_Case], bool]] = {}
    for name in names:
        conditions[f"{name} is None"] = lambda c, name=name: name in c.left_out  # type: ignore[misc]
        for other in names:
            if other != name:
                conditions[f"{name} is None and {other} is not"] = (
                    lambda c, name=name, other=other: (  # type: ignore[misc]
                        name in c.left_out and other not in c.left_out
                    )
                )
    return conditions


def _likely(partings: Sequence[_Parting]) -> str | None:
    """Say in a few words what conditions speak for; nothing where they speak for many things."""
    told = list(dict.fromkeys(p.meaning for p in partings if p.meaning is not None))
    return "; ".join(told) if 0 < len(told) <= _MOST_MEANINGS else None


_MOST_MEANINGS = 2
"""Where more conditions are found, none of them is the reason."""


_CONFUSED = "height and width are confused"
_SPEAKS_FOR = {
    "the window is not square": _CONFUSED,
    "the image is not square": _CONFUSED,
    "the output is not square": _CONFUSED,
    "the image or the window is not square": _CONFUSED,
    "the padding is not 1": "the padding is hard-coded: right for 1 only",
    "the padding is 0": "it goes wrong without padding",
    "there is padding": "the padding is left out",
    "the stride is not 1": "the stride is left out or used wrongly",
    "windows overlap": "windows that overlap are not added up",
    "there are gaps between windows": "pixels between windows are taken for part of one",
    "the stride is not the window": "stride and window are confused",
    "a remainder is left": "sizes that do not divide are rounded wrongly",
    "the padding is as wide as the window": "windows that see nothing but padding go wrong",
    "there is one filter": "a filter that is alone loses its axis",
    "the batch is one": "a batch of one loses its axis",
    "x is an image": "images are not taken as channels of pixels",
    "there is one channel": "a channel that is alone loses its axis",
    "values are negative": "the search for the maximum does not start low enough",
    "scores are as large as 1000": "large scores overflow",
    "eps is not 1e-5": "eps is hard-coded",
    "it is in test mode": "test mode is off",
}


class _Case:
    """The figures of a case that conditions ask for; ops that slide a window have them all."""

    def __init__(self, o: Observation) -> None:
        x, window = o.case.arrays.get("x"), window_of(o.case)
        self.is_refused = o.is_at_the_edge
        self.x: tuple[int, ...] = x.shape if isinstance(x, np.ndarray) else ()
        self.out = np.shape(o.truth.out)
        self.images = len(self.x) == 4 and window is not None
        nothing = Window((1, 1), (1, 1), (0, 0))
        self.window = window if window is not None and self.images else nothing
        self.has_filters = self.images and "w" in o.case.arrays
        self.dtype, self.sizes, self.manner = o.probe.dtype, o.probe.sizes, o.probe.manner
        self.left_out = {name for name, a in o.case.arrays.items() if a is None}

    @property
    def leaves_a_remainder(self) -> bool:
        return self.images and self.window.leaves_a_remainder((self.x[2], self.x[3]))


def _overlap(c: _Case) -> bool:
    covers = zip(c.window.size, c.window.stride, c.out[2:], strict=True) if c.images else ()
    return any(k > s and n > 1 for k, s, n in covers)


def _gaps(c: _Case) -> bool:
    return c.images and any(k < s for k, s in zip(c.window.size, c.window.stride, strict=True))


def _in_the_padding(c: _Case) -> bool:
    return any(p >= k for p, k in zip(c.window.padding, c.window.size, strict=True))


CONDITIONS: dict[str, Callable[[_Case], bool]] = {
    "the padding is 0": lambda c: c.images and c.window.padding == (0, 0),
    "there is padding": lambda c: c.window.padding != (0, 0),
    "the padding is not 1": lambda c: c.images and c.window.padding != (1, 1),
    "the stride is not 1": lambda c: c.window.stride != (1, 1),
    "the window is not square": lambda c: c.window.size[0] != c.window.size[1],
    "the image is not square": lambda c: c.images and c.x[2] != c.x[3],
    "x is an image": lambda c: len(c.x) == 4 and not c.images,
    "the output is not square": lambda c: c.images and c.out[2] != c.out[3],
    "the image or the window is not square": lambda c: (
        (c.images and c.x[2] != c.x[3]) or c.window.size[0] != c.window.size[1]
    ),
    "windows overlap": _overlap,
    "there are gaps between windows": _gaps,
    "the stride is not the window": lambda c: c.images and c.window.size != c.window.stride,
    "a remainder is left": lambda c: c.leaves_a_remainder,
    "the padding is as wide as the window": _in_the_padding,
    "there is one filter": lambda c: c.has_filters and c.out[1] == 1,
    "the batch is one": lambda c: len(c.x) > 0 and c.x[0] == 1,
    "there is one channel": lambda c: len(c.x) > 1 and c.x[1] == 1,
    "the input is float32": lambda c: c.dtype == np.float32,
    "values are negative": lambda c: c.sizes.get("values") == "negative",
    "scores are as large as 1000": lambda c: c.sizes.get("scale", 0.0) >= 1000,
    "eps is not 1e-5": lambda c: c.sizes.get("eps", 1e-5) != 1e-5,
    "it is in test mode": lambda c: c.sizes.get("train") is False,
}
"""What may part wrong from right, simplest first."""


_MIXED = (
    "the whole domain",
    "all at once",
    "float32",
    "any memory layout",
    "read-only inputs",
    "parameters by name",
    "whole numbers",
    "float32 beside float64",
)
"""Properties that say nothing about sizes."""


def _where(observations: Sequence[Observation]) -> Iterator[str]:
    wrong: list[str] = []
    right: list[str] = []
    for name, seen in by_property(observations).items():
        if name in _MIXED:
            continue
        (wrong if any(o.grade is Grade.WRONG for o in seen) else right).append(name)
    if wrong and not right:
        yield "wrong in every case that was tried"
    elif wrong and len(wrong) <= len(right):
        yield f"right, but for: {', '.join(wrong)}"
    elif wrong:
        yield f"right for these only: {', '.join(right)}"


def _places(observations: Sequence[Observation]) -> Iterator[str]:
    places = sorted({f.where for o in observations for f in o.wrong()})
    if places:
        yield f"wrong is {', '.join(places)}"


def _pairs(o: Observation) -> Iterator[tuple[str, FloatArray, FloatArray]]:
    """Give every wrong result of the right shape beside the definition's."""
    wrong = {f.where for f in o.wrong() if f.kind == "values"}
    right = dict(zip(row_of(o.case.op).gradients, o.truth.gradients, strict=True))
    rows: Mapping[str, tuple[Any, Any]] = {
        "forward": (o.outcome.out, o.truth.out),
        **{f"d{n}": (o.outcome.gradients.get(n), want) for n, want in right.items()},
    }
    for where, (got, want) in rows.items():
        if where in wrong and np.shape(got) == np.shape(want):
            yield where, np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)


def _factors(o: Observation) -> dict[str, float]:
    """Give the factors that people lose or put in, by name."""
    sizes = {}
    x, out = o.case.arrays.get("x"), np.asarray(o.truth.out)
    if isinstance(x, np.ndarray) and x.ndim:
        sizes["the batch size N"] = float(len(x))
        sizes["the number of its entries"] = float(x.size)
    if out.ndim == 4:
        sizes["the pixels of the output"] = float(out.shape[2] * out.shape[3])
        sizes["N times the pixels of the output"] = float(len(out) * out.shape[2] * out.shape[3])
    window = window_of(o.case)
    if window is not None:
        sizes["the pixels of the window"] = float(window.size[0] * window.size[1])
    return sizes | {"2": 2.0, "-1": -1.0}


def _factor(observations: Sequence[Observation]) -> Iterator[str]:
    names: dict[str, set[str] | None] = {}
    for o in observations:
        for where, got, want in _pairs(o):
            large = np.abs(want) > 1e-6 * np.abs(want).max(initial=0.0)
            if not large.any():
                continue
            with np.errstate(all="ignore"):
                ratios = got[large] / want[large]
            fits = set()
            if np.allclose(ratios, ratios.flat[0], rtol=1e-4):
                ratio = float(ratios.flat[0])
                for name, factor in _factors(o).items():
                    if np.isclose(ratio, factor, rtol=1e-4):
                        fits.add(
                            f"is {name} times too large" if factor > 0 else "has its sign turned"
                        )
                    elif np.isclose(ratio, 1 / factor, rtol=1e-4):
                        fits.add(f"is divided by {name}")
            known = names.get(where, fits)
            names[where] = None if known is None else (known & fits) or None
    for where, fits_all in names.items():
        if fits_all:
            yield f"{where} {min(fits_all, key=len)}"


def _order(observations: Sequence[Observation]) -> Iterator[str]:
    """Find results that are the right ones, turned or flipped."""
    turned: dict[str, set[str] | None] = {}
    for o in observations:
        for where, got, want in _pairs(o):
            fits = {name for name, turn in _TURNS.items() if _same(turn(want), got)}
            known = turned.get(where, fits)
            turned[where] = None if known is None else (known & fits) or None
    for where, fits_all in turned.items():
        if fits_all:
            yield f"{where} is right, but {min(fits_all)}"


_TURNS: dict[str, Any] = {
    "with height and width exchanged": lambda a: np.swapaxes(a, -1, -2) if a.ndim > 1 else a,
    "turned by 180 degrees": lambda a: a[..., ::-1, ::-1] if a.ndim > 1 else a,
    "with its first two axes exchanged": lambda a: np.swapaxes(a, 0, 1) if a.ndim > 1 else a,
}


def _same(a: FloatArray, b: FloatArray) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-6, atol=1e-9))
