"""Nothing above a notice is found in what is right, whoever wrote it and in whatever style.

A few seeds by default; ``--profile slow`` draws a thousand for each, a hundred a test. What was met
stands at the end of the run.

PyTorch's own functions are among them where it is installed. One fault of theirs is known and
let through, by what was given and what they say, and nothing else.
"""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnpy import functional, reference
from cnnpy.backends.registry import use_backend
from cnnpy.check.checking import EFFORTS, Report, run
from cnnpy.check.dialects import TORCH_NAMES
from cnnpy.check.observe import Grade, Observation
from cnnpy.check.trial import Trial
from cnnpy.check.window import window_of
from cnnpy.cs231n import fast_layers, layer_utils, layers

FOLDER = Path(__file__).with_name("styles")
STYLES = ("loops", "windows", "im2col")

UNHURRIED = dataclasses.replace(EFFORTS["quick"], seconds=3600.0)
"""What --quick tries, however busy the machine is."""

OFTEN, A_TEST = 1000, 100
FEW = 2


def of_style(style: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": style}
    exec(compile((FOLDER / f"{style}.py").read_text(), f"{style}.py", "exec"), names)
    return {n: f for n, f in names.items() if getattr(f, "__module__", None) == style}


def right_ones() -> dict[str, dict[str, Any]]:
    with_a_mask = {n: f for n, f in vars(functional).items() if not n.startswith("dropout")}
    return {
        **{style: of_style(style) for style in STYLES},
        "definition": {name: getattr(reference, name) for name in reference.__all__},
        "twin": {**vars(layers), **vars(fast_layers), **vars(layer_utils)},
        "numpy": with_a_mask,
        "native": with_a_mask,
        "pytorch": of_pytorch(),
    }


def of_pytorch() -> dict[str, Any]:
    try:
        import torch
        from torch.nn import functional as theirs
    except ImportError:
        return {}
    torch.set_num_threads(1)  # on arrays as small as these several only wait for each other
    return {name: getattr(theirs, name) for name in TORCH_NAMES}


RIGHT = right_ones()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "first_seed" in metafunc.fixturenames:
        often = metafunc.config.getoption("--profile") == "slow"
        metafunc.parametrize("first_seed", range(0, OFTEN, A_TEST) if often else [0])


def test_nothing_above_a_notice_is_found_in_what_is_right(
    first_seed: int,
    profile: str,
    log_met: Callable[[str], None],
) -> None:
    there = {whose: functions for whose, functions in RIGHT.items() if functions}
    assert "pytorch" in there or "CNNPY_REQUIRE_EXTRAS" not in os.environ, "PyTorch is missing"
    met: dict[str, dict[str, Counter[str]]] = {whose: {} for whose in there}
    for seed in range(first_seed, first_seed + (A_TEST if profile == "slow" else FEW)):
        for whose, functions in there.items():
            with use_backend(whose if whose in ("numpy", "native") else "native"):
                report = run(functions, effort=UNHURRIED, seed=seed)
            told = [f"{whose}, seed {seed}: {c.function}: {c.title}" for c in grave(report)]
            assert told == []
            assert len(report.trials) >= 12
            for trial in report.trials:
                assert trial.untried == 0
                for o in trial.observations:
                    count(met[whose], o)
    for whose, options in met.items() if profile == "slow" else ():
        for name in sorted(options):
            values = ", ".join(f"{value}: {n}" for value, n in sorted(options[name].items()))
            log_met(f"{whose} from seed {first_seed}: {name}: {values}")


def grave(report: Report) -> list[Any]:
    theirs = {t.found.forward for t in report.trials if is_all_pytorch_s_own(wrong_ones(t))}
    return [c for c in report.conclusions if c.grade > Grade.NOTICE and c.function not in theirs]


def wrong_ones(trial: Trial) -> list[Observation]:
    return [o for o in trial.observations if any(f.grade > Grade.NOTICE for f in o.findings)]


def is_all_pytorch_s_own(wrong: list[Observation]) -> bool:
    return bool(wrong) and all(map(is_pytorch_s_own, wrong))


def is_pytorch_s_own(o: Observation) -> bool:
    """Its backward of group_norm with a shift and without a scale raises (PyTorch 2.13)."""
    return (
        o.case.op == "group_norm"
        and (o.case.arrays["gamma"] is None, o.case.arrays["beta"] is None) == (True, False)
        and o.outcome.failure is not None
        and o.outcome.failure.says == "tensor does not have a device"
    )


def count(met: dict[str, Counter[str]], o: Observation) -> None:
    """Count what a case was made of."""
    values: dict[str, Any] = {"property": o.probe.property, "dtype": np.dtype(o.probe.dtype)}
    window = window_of(o.case) if "x" in o.case.arrays else None
    if window is not None:
        values |= {"window": window.size, "stride": window.stride, "padding": window.padding}
    for name in ("momentum", "eps", "train", "groups", "dilation", "p"):
        if name in o.case.options:
            values[name] = o.case.options[name]
    for name, value in values.items():
        met.setdefault(f"{o.case.op} {name}", Counter())[str(value)] += 1


def test_the_cases_of_two_seeds_are_others() -> None:
    """What is drawn a thousand times is not the same thousand times."""
    first, second = (
        run(RIGHT["loops"], effort=UNHURRIED, seed=seed, ops=["conv2d"]) for seed in (0, 1)
    )
    pairs = zip(first.trials[0].observations, second.trials[0].observations, strict=False)
    same = [
        np.array_equal(a.case.arrays["x"], b.case.arrays["x"])
        for a, b in pairs
        if a.probe.sizes.get("values", "floats") == "floats"
    ]
    assert not any(same)


def test_dropout_by_a_mask_of_float32_that_takes_no_number_is_right() -> None:
    def forward(x: Any, dropout_param: dict[str, Any]) -> Any:
        p = dropout_param["p"]
        mask = None
        if "seed" in dropout_param:
            np.random.seed(dropout_param["seed"])
        if dropout_param["mode"] == "train":
            mask = (np.random.rand(*x.shape) < p).astype(np.float32) / np.float32(p)
            return (x * mask).astype(x.dtype), (dropout_param, mask)
        return x, (dropout_param, mask)

    def backward(dout: Any, cache: Any) -> Any:
        return dout if cache[1] is None else dout * cache[1]

    functions = {"dropout_forward": forward, "dropout_backward": backward}
    for seed in range(3):
        report = run(functions, seed=seed)
        kinds = {g.finding.kind for o in report.trials[0].observations for g in o.findings}
        assert {"rounding", "refuses"} <= kinds
        assert grave(report) == []


def test_dropout_of_an_array_without_axes_is_judged_by_the_mask_that_it_drew() -> None:
    report = run(RIGHT["loops"], effort=UNHURRIED, seed=2, ops=["dropout"])
    assert any(o.case.arrays["x"].shape == () for o in report.trials[0].observations)
    assert grave(report) == []
