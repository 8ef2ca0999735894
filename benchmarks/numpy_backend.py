"""conv2d on the NumPy backend beside the definition and a plain im2col, both passes.

Each implementation is checked against the definition first; then they are timed in
turn, and the ratios are taken round by round, so that a machine whose speed drifts
does not matter. Each case runs in a process of its own, twice: as installed, and with
an allocator that keeps its pages, so that the price of fresh pages can be told apart.
Prints minimum and median in milliseconds.

    python benchmarks/numpy_backend.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

import machine
from cnnpy import functional, reference, use_backend
from im2col import im2col_backward, im2col_forward
from suite import PAGES_KEPT

CASES = {
    # name: (x, w, stride, padding); the first is the one that the project promises for
    "course": ((100, 3, 31, 31), (25, 3, 3, 3), 2, 1),
    "lenet5 conv1": ((128, 1, 28, 28), (6, 1, 5, 5), 1, 2),
    "lenet5 conv2": ((128, 6, 14, 14), (16, 6, 5, 5), 1, 0),
    "small_cnn conv2": ((64, 32, 8, 8), (32, 32, 3, 3), 1, 1),
    "resnet20 16@32": ((128, 16, 32, 32), (16, 16, 3, 3), 1, 1),
    "vgg_small 64@16": ((128, 64, 16, 16), (64, 64, 3, 3), 1, 1),
    "threelayer conv1": ((64, 3, 32, 32), (32, 3, 7, 7), 1, 3),
    "1x1 64@28": ((64, 64, 28, 28), (64, 64, 1, 1), 1, 0),
}
ROUNDS = 15


def seconds(run: Callable[[], object]) -> float:
    """Time one call."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def show(times: list[float]) -> str:
    """Write minimum and median in milliseconds."""
    return f"{1e3 * min(times):9.2f} {1e3 * statistics.median(times):9.2f}"


def check(got, want) -> None:
    """Hold float32 results against float64 ones."""
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w, rtol=0, atol=2e-5 * max(np.abs(w).max(), 1))


def run_case(name: str, *, with_definition: bool) -> None:
    """Check and time one case."""
    x_shape, w_shape, stride, padding = CASES[name]
    rng = np.random.default_rng(0)
    x = rng.standard_normal(x_shape, dtype=np.float32)
    w = rng.standard_normal(w_shape, dtype=np.float32)
    b = rng.standard_normal(w_shape[0], dtype=np.float32)
    options = {"stride": stride, "padding": padding}

    def ours():
        return functional.conv2d_forward(x, w, b, **options)

    def plain():
        return im2col_forward(x, w, b, **options)

    out, cache = ours()
    plain_out, plain_cache = plain()
    dout = rng.standard_normal(out.shape, dtype=np.float32)
    wide = [a.astype(np.float64) for a in (x, w, b)]
    truth = reference.conv2d_forward if with_definition else im2col_forward
    truth_back = reference.conv2d_backward if with_definition else im2col_backward
    want, want_cache = truth(*wide, **options)
    wants = (want, *truth_back(dout.astype(np.float64), want_cache))
    check((out, *functional.conv2d_backward(dout, cache)), wants)
    check((plain_out, *im2col_backward(dout, plain_cache)), wants)

    definition_cache = reference.conv2d_forward(x, w, b, **options)[1] if with_definition else None
    passes = {
        "forward": (ours, plain, lambda: reference.conv2d_forward(x, w, b, **options)),
        "backward": (
            lambda: functional.conv2d_backward(dout, cache),
            lambda: im2col_backward(dout, plain_cache),
            lambda: reference.conv2d_backward(dout, definition_cache),
        ),
    }
    for way, (our_run, plain_run, definition_run) in passes.items():
        ours_s, plain_s = [], []
        for _ in range(ROUNDS + 2):
            ours_s.append(seconds(our_run))
            plain_s.append(seconds(plain_run))
        ours_s, plain_s = ours_s[2:], plain_s[2:]
        ratio = statistics.median(p / o for p, o in zip(plain_s, ours_s, strict=True))
        line = f"{name:18}{way:9}{show(ours_s)} {show(plain_s)} {ratio:8.2f}"
        if with_definition:
            slow = seconds(definition_run)
            line += f" {1e3 * slow:11.0f} {slow / statistics.median(ours_s):8.0f}"
        print(line, flush=True)


def main() -> None:
    """Print both tables, each case from a process of its own."""
    print(machine.describe())
    print("float32; milliseconds, minimum and median; ratio = the other / ours, median of rounds")
    for title, settings in (("as installed", {}), ("pages kept", PAGES_KEPT)):
        print(
            f"\n{title:27}{'numpy backend':>19} {'plain im2col':>19} {'ratio':>8} "
            f"{'definition':>11} {'ratio':>8}",
            flush=True,
        )
        for name in CASES:
            command = [sys.executable, __file__, name]
            subprocess.run(command, check=True, env=os.environ | settings)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with use_backend("numpy"):
            run_case(sys.argv[1], with_definition=sys.argv[1] == "course")
    else:
        main()
