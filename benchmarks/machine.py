"""Describe the machine that numbers were taken on, in a few lines."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import numpy as np


def describe(packages: Iterable[str] = (), *, threads: int | None = None) -> str:
    """Name CPU, instruction sets, cores, BLAS, our engine and the versions of all.

    Parameters
    ----------
    packages : iterable of str
        What is compared beside NumPy; without any, our engine is not asked either.
    threads : int, optional
        How many each contender computes on.

    Returns
    -------
    str
        Two lines, or three with packages.
    """
    cpu, flags = platform.processor(), ""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        facts = dict(line.split(":", 1) for line in lines if ":" in line)
        facts = {key.strip(): value.strip() for key, value in facts.items()}
        cpu, flags = facts.get("model name", cpu), facts.get("flags", "")
    except OSError:
        pass
    isa = [name for name in ("avx2", "fma", "avx512f") if name in flags.split()]
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    limits = {k: v for k, v in os.environ.items() if k.endswith("_NUM_THREADS")}
    used = f"{threads} threads" if threads else str(limits or "all threads")
    described = [
        f"{cpu}, {os.cpu_count()} cores, {' '.join(isa) or platform.machine()}",
        f"Python {platform.python_version()}, NumPy {np.__version__} with "
        f"{blas['name']} {blas['version']}, {used}",
    ]
    packages = list(packages)
    if packages:
        versions = ", ".join(f"{name} {version(name)}" for name in packages)
        described.append(f"cnnpy {version('cnnpy')} at ISA level {_isa_level()}; {versions}")
    return "\n".join(described)


def version(package: str) -> str:
    """Tell the version of an installed package.

    Parameters
    ----------
    package : str
        Its name in the package index.

    Returns
    -------
    str
        The version, or that it is missing.
    """
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "from the sources" if package == "cnnpy" else "(missing)"


def _isa_level() -> str:
    from cnnpy.backends.native import engine  # the engine starts only where it is asked for

    return engine.isa_level()
