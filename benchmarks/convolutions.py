"""conv2d forward and backward beside PyTorch and beside the course's im2col.

Backward computes what training needs: dw, db, and dx unless the convolution reads the
images. PyTorch counts in the better of its two layouts; ours lies channels-last, as our
layers hand it on. Everything is checked against PyTorch in float64 first.

    python benchmarks/convolutions.py
    python benchmarks/convolutions.py --drawn 40 --seed 1    # shapes drawn at random
"""

from __future__ import annotations

import argparse

import numpy as np

from cases import CONVOLUTIONS, Convolution, drawn
from suite import Settings, Suite, run
from timing import OURS, Row, row_in_turns

IM2COL_MOST_BYTES = 2**29


def cases(options: argparse.Namespace) -> list[str]:
    """Name the table's convolutions, or drawn ones."""
    chosen = drawn(options.drawn, options.seed) if options.drawn else CONVOLUTIONS
    return [case.key for case in chosen]


def measure(key: str, settings: Settings) -> list[Row]:
    """Check and time both passes of one convolution."""
    import torch  # only the processes of the cases need it

    import ours
    from cnnpy import functional
    from im2col import im2col_backward, im2col_forward

    ours.demand_the_engine()
    torch.set_num_threads(settings.threads)
    case = Convolution.of(key)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((case.N, case.C, case.H, case.H), dtype=np.float32)
    w = rng.standard_normal(
        (case.F, case.C // case.groups, case.kernel, case.kernel), dtype=np.float32
    )
    b = rng.standard_normal(case.F, dtype=np.float32)
    dout = rng.standard_normal((case.N, case.F, case.H_out, case.H_out), dtype=np.float32)
    options = {"stride": case.stride, "padding": case.padding}
    needs = ("w", "b") if case.first_of_a_network else ("x", "w", "b")

    def their_forward(tensors):
        tx, tw, tb = tensors
        return torch.nn.functional.conv2d(tx, tw, tb, groups=case.groups, **options)

    def their_backward(tdout, tensors):
        tx, tw, _ = tensors
        twice = [[case.stride] * 2, [case.padding] * 2, [1, 1]]
        mask = [name in needs for name in ("x", "w", "b")]
        return torch.ops.aten.convolution_backward(
            tdout, tx, tw, [case.F], *twice, False, [0, 0], case.groups, mask
        )

    # ours
    x_last, dout_last = ours.channels_last(x), ours.channels_last(dout)
    out, cache = functional.conv2d_forward(x_last, w, b, groups=case.groups, **options)
    assert cache.backend == "native", cache
    forwards = {
        OURS: lambda: functional.conv2d_forward(x_last, w, b, groups=case.groups, **options)
    }
    backwards = {OURS: lambda: functional.conv2d_backward(dout_last, cache, needs=needs)}
    results = {OURS: (out, *functional.conv2d_backward(dout_last, cache, needs=needs))}

    # PyTorch in both layouts
    layouts = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
    for form, layout in layouts.items():
        tensors = [torch.from_numpy(a).contiguous(memory_format=layout) for a in (x, w)] + [
            torch.from_numpy(b)
        ]
        tdout = torch.from_numpy(dout).contiguous(memory_format=layout)
        name = f"pytorch/{form}"
        forwards[name] = lambda tensors=tensors: their_forward(tensors)
        backwards[name] = lambda tdout=tdout, tensors=tensors: their_backward(tdout, tensors)
        results[name] = (forwards[name](), *backwards[name]())

    # the course's way, where its matrix is not out of all proportion
    matrix_bytes = 4 * case.N * case.H_out**2 * case.C * case.kernel**2
    if case.groups == 1 and matrix_bytes <= IM2COL_MOST_BYTES:
        column_out, columns = im2col_forward(x, w, b, **options)
        forwards["im2col"] = lambda: im2col_forward(x, w, b, **options)
        backwards["im2col"] = lambda: im2col_backward(dout, columns, with_dx="x" in needs)
        results["im2col"] = (column_out, *backwards["im2col"]())

    _check(case, results, (x, w, b), dout, their_forward, their_backward)
    work = {"forward": case.flops, "backward": case.flops * (len(needs) - 1)}
    return [
        row_in_turns(str(case), part, work[part], runs, rounds=settings.rounds)
        for part, runs in (("forward", forwards), ("backward", backwards))
    ]


def _check(case, results, arrays, dout, their_forward, their_backward) -> None:
    """Hold all results against PyTorch in float64, each by the tolerance of its way."""
    import torch

    from checks import demand_agreement
    from cnnpy.contract import OPS

    tensors = [torch.from_numpy(a).double() for a in arrays]
    sizes = [tensor.abs() for tensor in tensors]
    tdout = torch.from_numpy(dout).double()
    wants = (their_forward(tensors), *their_backward(tdout, tensors))
    bounds = (their_forward(sizes), *their_backward(tdout.abs(), sizes))
    row = OPS["conv2d"]
    tolerances = {False: row.tolerance, True: row.other_tolerances["winograd"]}
    for name, found in results.items():
        labels = ("out", "dx", "dw", "db")
        for label, got, want, bound in zip(labels, found, wants, bounds, strict=True):
            if want is not None:
                # ours may have taken Winograd's tiles; db is a plain sum in any case
                rows = label == "out" or (label == "dx" and case.stride == 1)
                fits = case.winograd_fits or (rows and case.winograd_along_rows_fits)
                tiles = name == OURS and fits and label != "db"
                demand_agreement(
                    f"{case}: {label} of {name}",
                    np.asarray(got),
                    want.numpy(),
                    bound.numpy(),
                    tolerances[tiles],
                )


def options(parser: argparse.ArgumentParser) -> None:
    """Let shapes be drawn."""
    parser.add_argument("--drawn", type=int, metavar="N", help="draw N shapes at random instead")
    parser.add_argument("--seed", type=int, default=0, help="of the drawn shapes")


def suite(name: str) -> Suite:
    """Describe the table; drawn shapes go to files of their own."""
    return Suite(
        name=name,
        title="conv2d (N, C, H, F, kernel, stride)",
        script=__file__,
        competitors={"pytorch": "PyTorch", "im2col": "NumPy im2col"},
        packages=["torch"],
        unit=("GFLOP/s", 1e9),
        cases=cases,
        measure=measure,
        options=options,
    )


if __name__ == "__main__":
    import sys

    run(suite("convolutions_drawn" if "--drawn" in sys.argv else "convolutions"))
