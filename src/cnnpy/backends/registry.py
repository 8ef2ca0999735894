"""Which backend computes an op: the ladder, the user's choice, and the way down.

A backend that lacks an op is resolved to the next rung of the ladder
native → numpy → reference; ``cnnpy info --ops`` shows where. A backend is a
package with one module an op, imported when the op is first called.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import os
from collections.abc import Callable
from contextvars import ContextVar, Token
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, NamedTuple

from cnnpy.contract.errors import BackendError
from cnnpy.contract.ops import OPS

__all__ = [
    "BACKENDS",
    "Implementation",
    "companion",
    "current",
    "engine",
    "num_threads",
    "resolve",
    "set_num_threads",
    "use_backend",
]

BACKENDS = {
    "native": "cnnpy.backends.native",
    "numpy": "cnnpy.backends.numpy",
    "reference": "cnnpy.reference",
}
"""The ladder, fastest first: a backend's name and its package."""

_ENVIRONMENT = "CNNPY_BACKEND"
_chosen: ContextVar[str | None] = ContextVar("cnnpy_backend", default=None)


class Implementation(NamedTuple):
    """Both passes of an op, the backend that they come from, and the advice that it takes."""

    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Any, tuple[str, ...]], tuple[Any, ...]]
    backend: str
    advice: frozenset[str]


class use_backend:
    """Choose the backend for a block of code.

    The choice holds for the thread (or the asyncio task) that enters the block.
    Outside of any block, the environment variable ``CNNPY_BACKEND`` decides, and
    without it the fastest backend there is. A backward pass always runs on the
    backend of its forward.

    Parameters
    ----------
    name : str
        ``"native"``, ``"numpy"`` or ``"reference"``.

    Raises
    ------
    BackendError
        Where there is no such backend, or it is not in this install.

    Examples
    --------
    >>> import numpy as np, cnnpy
    >>> x = np.ones((1, 1, 4, 4)); w = np.ones((1, 1, 3, 3))
    >>> with cnnpy.use_backend("reference"):
    ...     out, cache = cnnpy.functional.conv2d_forward(x, w)
    >>> cache.backend
    'reference'
    """

    def __init__(self, name: str) -> None:
        self.name = _known(name, "use_backend")
        self._tokens: list[Token[str | None]] = []

    def __enter__(self) -> str:
        self._tokens.append(_chosen.set(self.name))
        return self.name

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _chosen.reset(self._tokens.pop())


def current() -> str:
    """Name the backend that a call made here and now would use.

    Returns
    -------
    str
        The name.

    Raises
    ------
    BackendError
        Where ``CNNPY_BACKEND`` names none.
    """
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    wish = os.environ.get(_ENVIRONMENT)
    return _known(wish, _ENVIRONMENT) if wish else _fastest()


@functools.cache
def resolve(op: str, backend: str) -> Implementation:
    """Find both passes of an op on a backend, or on the next rung that has it.

    Parameters
    ----------
    op : str
        A name of ``OPS``.
    backend : str
        Where to begin to look.

    Returns
    -------
    Implementation
        Its `backend` says where it was found.
    """
    assert op in OPS, op
    rungs = list(BACKENDS)
    for rung in rungs[rungs.index(backend) :]:
        module = f"{BACKENDS[rung]}.{op}"
        if importlib.util.find_spec(module) is not None:
            found = importlib.import_module(module)
            forward = getattr(found, f"{op}_forward")
            backward = getattr(found, f"{op}_backward")
            if rung == "reference":
                backward = _with_needs(op, backward)
            known = inspect.signature(forward).parameters
            advice = frozenset(o.name for o in OPS[op].advice if o.name in known)
            return Implementation(forward, backward, rung, advice)
    raise AssertionError(f"{op} has no definition")


@functools.cache
def companion(backend: str, name: str) -> ModuleType | None:
    """Find a module that a backend may have beside its ops.

    Parameters
    ----------
    backend : str
        A name of ``BACKENDS``.
    name : str
        ``"fused"``: several rows in one go; ``"program"``: whole networks in one call;
        ``"steps"``: the optimizers'; ``"images"``: from bytes to batches of floats.

    Returns
    -------
    module or None
        None where it has none, and who asks computes it by himself.
    """
    module = f"{BACKENDS[backend]}.{name}"
    return importlib.import_module(module) if importlib.util.find_spec(module) else None


def _with_needs(op: str, backward: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
    """Let a definition, which computes every gradient, return those that are needed."""
    names = OPS[op].gradients

    def chosen(dout: Any, cache: Any, needs: tuple[str, ...]) -> tuple[Any, ...]:
        found = backward(dout, cache)
        gradients = found if len(names) > 1 else (found,)
        return tuple(g if n in needs else None for n, g in zip(names, gradients, strict=True))

    return chosen


# --- the compiled engine -----------------------------------------------------------

_ENGINE = "cnnpy.backends.native._native"
_WITHOUT_ENGINE = "disabled"  # a file that an install without the engine leaves, as asked for


@functools.cache
def _fastest() -> str:
    """Name the first rung; never pass a missing engine over silently."""
    first, second = list(BACKENDS)[:2]
    if first == "native" and importlib.util.find_spec(_ENGINE) is None:
        package = importlib.util.find_spec(BACKENDS["native"])
        places = (package.submodule_search_locations if package else None) or []
        if any(Path(place, _WITHOUT_ENGINE).exists() for place in places):
            return second
        raise _engine_missing("the fastest backend")
    return first


def engine(source: str) -> ModuleType:
    """Find the module with the compiled engine's settings.

    Parameters
    ----------
    source : str
        Who asks; an error begins with it.

    Returns
    -------
    module
        :mod:`cnnpy.backends.native.engine`.

    Raises
    ------
    BackendError
        Where the engine is not in this install, or ``CNNPY_ISA`` or
        ``CNNPY_NUM_THREADS`` asks for what it cannot do.
    """
    if importlib.util.find_spec(_ENGINE) is None:
        raise _engine_missing(source)
    return importlib.import_module("cnnpy.backends.native.engine")


def num_threads() -> int:
    """Return how many threads the compiled engine computes on.

    Returns
    -------
    int
        From `set_num_threads`, the environment variable ``CNNPY_NUM_THREADS``, or the
        number of CPUs that this program may use.

    Raises
    ------
    BackendError
        Where the engine is not in this install.
    """
    n: int = engine("num_threads").num_threads()
    return n


def set_num_threads(n: int) -> None:
    """Choose how many threads the compiled engine computes on.

    The choice holds for the whole program. The results have the same bits for any
    number. NumPy's own threads, which its BLAS starts, are not touched.

    Parameters
    ----------
    n : int
        At least 1; more than there are CPUs is slower.

    Raises
    ------
    BackendError
        Where the engine is not in this install.
    OptionError
        Where `n` is no such number.

    Examples
    --------
    >>> import cnnpy
    >>> before = cnnpy.num_threads()
    >>> cnnpy.set_num_threads(1)
    >>> cnnpy.num_threads()
    1
    >>> cnnpy.set_num_threads(before)
    """
    engine("set_num_threads").set_num_threads(n)


def _engine_missing(source: str) -> BackendError:
    return BackendError(
        f"{source}: the compiled engine is not in this install",
        f"the extension module {_ENGINE}",
        "install again where there is a C++ compiler: pip install --force-reinstall cnnpy; "
        "or compute with NumPy: CNNPY_BACKEND=numpy",
    )


def _known(name: str, source: str) -> str:
    if not isinstance(name, str) or name not in BACKENDS:
        there = ", ".join(BACKENDS)
        raise BackendError(
            f"{source}: {name!r}",
            f"one of the backends that are here: {there}",
            f"use {next(iter(BACKENDS))!r}",
        )
    if name == "native" and importlib.util.find_spec(_ENGINE) is None:
        raise _engine_missing(f"{source}={name!r}")
    return name
