"""``cnnpy info``: what is here, and which backend computes what."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import numpy as np
import typer

from cnnpy import __version__
from cnnpy.backends.registry import BACKENDS, current, engine, resolve, use_backend
from cnnpy.cli.output import Page, columns, shown
from cnnpy.contract.errors import BackendError
from cnnpy.contract.ops import OPS

__all__ = ["info"]

_NEEDED = ("safetensors",)
_OPTIONAL = ("typer", "rich", "pillow", "matplotlib", "scikit-learn", "torch")
_ENVIRONMENT = (
    "CNNPY_BACKEND",
    "CNNPY_DATA",
    "CNNPY_DEBUG",
    "CNNPY_FUSION",
    "CNNPY_ISA",
    "CNNPY_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NO_COLOR",
)


def info(
    ops: Annotated[
        bool, typer.Option("--ops", help="Show which backend computes each op.")
    ] = False,
) -> None:
    """Show versions and settings, or the table of ops."""
    if ops:
        _print_ops()
    else:
        _print_surroundings()


def _print_ops() -> None:
    table = columns("op", *BACKENDS)
    here = {backend: _is_here(backend) for backend in BACKENDS}
    for op in OPS:
        table.add_row(op, *(_rung(op, backend) if here[backend] else "-" for backend in BACKENDS))
    page = Page()
    page.table(table)
    page.say()
    page.say("yes: computed there; -> name: passed on to that backend")
    for backend in BACKENDS:
        if not here[backend]:
            page.say(f"-: {backend} is not in this install")


def _is_here(backend: str) -> bool:
    try:
        use_backend(backend)
    except BackendError:
        return False
    return True


def _rung(op: str, backend: str) -> str:
    found = resolve(op, backend).backend
    return "yes" if found == backend else f"-> {found}"


def _print_surroundings() -> None:
    page = Page()
    sections = {
        "versions": _versions(),
        "packages": ((name, _version_of(name)) for name in _OPTIONAL),
        "computing": _computing(),
        "environment": ((name, _setting(name)) for name in _ENVIRONMENT),
    }
    for k, (title, rows) in enumerate(sections.items()):
        page.say("\n" * bool(k) + title)
        for name, value in rows:
            page.say(f"  {name:<22}{value}")


def _versions() -> Iterator[tuple[str, str]]:
    yield "cnnpy", __version__
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()})"
    yield "NumPy", np.__version__
    for name in _NEEDED:
        yield name, _version_of(name)
    yield "system", f"{platform.system()} {platform.release()}, {platform.machine()}"


def _computing() -> Iterator[tuple[str, str]]:
    yield "backend", current()
    yield "ladder", " -> ".join(BACKENDS)
    yield from _engine()
    yield "BLAS of NumPy", _blas()
    yield "CPUs", f"{os.cpu_count()}, {_usable_cpus()} of them for this program"


def _engine() -> Iterator[tuple[str, str]]:
    try:
        settings = engine("engine")
    except BackendError as error:  # what is wrong with it is what a reader came for
        yield "engine", error.given.removeprefix("engine: ")
        return
    yield "ISA level", settings.isa_level()
    levels = settings.isa_levels().items()
    yield (
        "levels built in",
        ", ".join(name if here else f"{name} (not on this CPU)" for name, here in levels),
    )
    yield "engine threads", f"{settings.num_threads()}"


def _usable_cpus() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _blas() -> str:
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _setting(name: str) -> str:
    value = os.environ.get(name)
    return "not set" if value is None else shown(value) or "empty"
