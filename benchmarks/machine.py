"""Describe the machine that numbers were taken on, in a few lines."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np


def describe() -> str:
    """Name CPU, instruction sets, cores, BLAS and versions."""
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
    threads = {k: v for k, v in os.environ.items() if k.endswith("_NUM_THREADS")}
    return "\n".join(
        [
            f"{cpu}, {os.cpu_count()} cores, {' '.join(isa) or platform.machine()}",
            f"Python {platform.python_version()}, NumPy {np.__version__} with "
            f"{blas['name']} {blas['version']}, {threads or 'all threads'}",
        ]
    )
