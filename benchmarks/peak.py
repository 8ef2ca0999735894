"""Direct 3x3 kernels as a share of the peak that multiply-adds from registers reach.

The peak is measured by peak.cpp, built here by the system's compiler, in turn with the
kernels, so that a machine that changes its clock does not matter.

    python benchmarks/peak.py
"""

from __future__ import annotations

import ctypes
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import machine
import ours
from cases import CONVOLUTIONS, Convolution
from checks import demand_agreement
from cnnpy.backends.native import engine
from cnnpy.contract import OPS
from pictures import pyplot, save
from suite import Report, busy_note, parser_for
from timing import OURS, geometric_mean, row_in_turns

ITERATIONS = 10_000_000
LEAST_CHANNELS = 64


def build_peak() -> ctypes.CDLL | None:
    """Compile peak.cpp for this machine and load it; None where there is no compiler."""
    named = [os.environ.get("CXX"), "c++", "g++", "clang++"]
    compiler = next(filter(None, (shutil.which(name) for name in named if name)), None)
    if compiler is None:
        return None
    source = Path(__file__).with_name("peak.cpp")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "peak.so"
        command = [compiler, "-std=c++17", "-O3", "-march=native", "-ffp-contract=fast"]
        command += ["-shared", "-fPIC", "-pthread", str(source), "-o", str(library)]
        subprocess.run(command, check=True)
        peak = ctypes.CDLL(str(library))
    peak.fma_flops.restype = ctypes.c_double
    peak.fma_flops.argtypes = [ctypes.c_int, ctypes.c_long]
    peak.run_fma.restype = ctypes.c_float
    peak.run_fma.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_float]
    return peak


def passes_of(case: Convolution) -> dict[str, Callable[[], Any]]:
    """Make the three passes of a case by the direct kernels, each checked.

    Parameters
    ----------
    case : Convolution
        Of 3x3 filters.

    Returns
    -------
    dict of str to callable
        By the name of the pass.
    """
    from cnnpy import functional, use_backend

    rng = np.random.default_rng(0)
    x = rng.standard_normal((case.N, case.C, case.H, case.H), dtype=np.float32)
    w = rng.standard_normal((case.F, case.C, 3, 3), dtype=np.float32)
    dout = rng.standard_normal((case.N, case.F, case.H_out, case.H_out), dtype=np.float32)

    def truth(x, w, dout):
        with use_backend("numpy"):
            out, cache = functional.conv2d_forward(x, w, padding=case.padding)
            return (out, *functional.conv2d_backward(dout, cache, needs=["x", "w"])[:2])

    wants = truth(*(a.astype(np.float64) for a in (x, w, dout)))
    bounds = truth(*(np.abs(a, dtype=np.float64) for a in (x, w, dout)))
    x, dout = ours.channels_last(x), ours.channels_last(dout)
    how = {"padding": case.padding, "algorithm": "direct"}
    _, cache = functional.conv2d_forward(x, w, **how)
    assert cache.backend == "native", cache
    passes = {
        "forward": lambda: functional.conv2d_forward(x, w, **how)[0],
        "dx": lambda: functional.conv2d_backward(dout, cache, needs=["x"])[0],
        "dw": lambda: functional.conv2d_backward(dout, cache, needs=["w"])[1],
    }
    for (name, run), want, bound in zip(passes.items(), wants, bounds, strict=True):
        demand_agreement(f"{case}: {name}", run(), want, bound, OPS["conv2d"].tolerance)
    return passes


def main() -> None:
    """Print the peak and the share of it that each pass of each kernel reaches."""
    parser = parser_for(__doc__.splitlines()[0], rounds=9)
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    options = parser.parse_args()
    peak = build_peak()
    if peak is None:
        print("no compiler here (c++, g++, clang++ or $CXX): the peak is not measured")
        return
    ours.demand_the_engine()
    engine.set_num_threads(options.threads)
    report = Report()
    report.print(machine.describe(["numpy"], threads=options.threads))
    report.print(f"direct conv2d (N, C, H, F, kernel, stride), float32, {options.rounds} rounds")
    report.print("GFLOP/s of multiply-adds from registers and of the kernels, at the medians;")
    report.print("share: the median over the rounds")
    report.print(f"\n{'':34}{'':10}{'peak':>9}{'cnnpy':>9}{'share':>8}")
    flops = peak.fma_flops(options.threads, ITERATIONS)
    shares: dict[str, float] = {}
    wide = [case for case in CONVOLUTIONS if case.winograd_fits and case.C >= LEAST_CHANNELS]
    for case in (case for case in wide if options.only in case.key):
        for name, run in passes_of(case).items():
            contenders = {
                "peak": lambda: peak.run_fma(options.threads, ITERATIONS, 0.0),
                OURS: run,
            }
            row = row_in_turns(str(case), name, case.flops, contenders, rounds=options.rounds)
            rounds = zip(row.times["peak"], row.times[OURS], strict=True)
            share = statistics.median(case.flops / o / (flops / p) for p, o in rounds)
            shares[f"{case} {name}"] = share
            rates = [
                work / statistics.median(row.times[who]) / 1e9
                for who, work in (("peak", flops), (OURS, case.flops))
            ]
            line = f"{row.label:34}{row.part:10}{rates[0]:9.0f}{rates[1]:9.0f}{share:8.0%}"
            report.print(line + busy_note(row))
    if not shares:
        return
    least = min(shares, key=shares.__getitem__)
    mean = geometric_mean(shares.values())
    report.print(f"geometric mean {mean:.0%}, least {shares[least]:.0%} ({least})")
    report.write(options.results / "peak.txt")
    draw_shares(shares, options.results / "peak.svg")


def draw_shares(shares: dict[str, float], path: Path) -> None:
    """Draw the shares as bars, with a line at the peak."""
    plt = pyplot(path)
    if plt is None:
        return
    figure, axis = plt.subplots(figsize=(5.5, 0.8 + 0.21 * len(shares)), layout="constrained")
    axis.barh(list(shares), [100 * share for share in shares.values()], color="#08519c")
    axis.axvline(100, color="black", linewidth=1)
    axis.invert_yaxis()
    axis.grid(axis="x", linewidth=0.3)
    axis.set_title("direct kernels, % of the peak from registers", fontsize=9)
    save(figure, path)


if __name__ == "__main__":
    main()
