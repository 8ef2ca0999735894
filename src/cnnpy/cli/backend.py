"""The backend that a command computes on: its option, or CNNPY_BACKEND."""

from __future__ import annotations

from typing import Annotated

import typer

from cnnpy.backends.registry import BACKENDS, current, use_backend
from cnnpy.contract.errors import BackendError

__all__ = ["BackendOption", "check_backend", "on_backend"]

BackendOption = Annotated[
    str | None,
    typer.Option(
        "--backend",
        help=f"What computes: {', '.join([*BACKENDS][:-1])} or {[*BACKENDS][-1]}.",
        show_default="CNNPY_BACKEND, or the fastest there is",
    ),
]


def on_backend(name: str | None) -> use_backend:
    """Return the context in which a command computes; wrong names are told before any work."""
    check_backend(name)
    return use_backend(current() if name is None else name)


def check_backend(name: str | None) -> None:
    """Demand a backend that is here."""
    if name is not None and name not in BACKENDS:
        raise BackendError(
            f"--backend={name!r}",
            f"one of the backends that are here: {', '.join(BACKENDS)}",
            f"use --backend={next(iter(BACKENDS))}",
        )
