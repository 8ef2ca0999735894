"""What the tests share: an op as everybody calls it, on a backend of choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import cnnpy
from cnnpy import functional
from cnnpy.check import Case


class Passes(NamedTuple):
    """Both passes of an op."""

    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[[Any, Any], Any]


def _public(op: str, backend: str) -> Passes:
    public_forward = getattr(functional, f"{op}_forward")

    def forward(*inputs: Any, **options: Any) -> tuple[Any, Any]:
        if op == "dropout" and options.get("mask") is None:
            options["train"] = False  # without a mask the public function would draw one
        with cnnpy.use_backend(backend):
            out, cache = public_forward(*inputs, **options)
        assert cache.backend == backend, f"{op} fell back to {cache.backend}"
        return out, cache

    return Passes(forward, getattr(functional, f"{op}_backward"))


def _gradient_of_output(case: Case, forward: Callable[..., Any], seed: int) -> Any:
    own = case.cast(np.float64)
    out, _ = forward(*own.positional(), **own.keywords())
    return np.asarray(np.random.default_rng(seed).standard_normal(np.shape(out)))


@pytest.fixture(scope="session")
def public() -> Callable[[str, str], Passes]:
    """Give ``public(op, backend)``: both passes of cnnpy.functional on that backend."""
    return _public


@pytest.fixture(scope="session")
def gradient_of_output() -> Callable[[Case, Callable[..., Any], int], Any]:
    """Give ``gradient_of_output(case, forward, seed)``: a dout of the right shape."""
    return _gradient_of_output


_MET = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def log_met(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Give ``log_met(line)``: the line stands in the summary at the end of the run."""
    return pytestconfig.stash.setdefault(_MET, []).append


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    lines = config.stash.get(_MET, [])
    if lines:
        terminalreporter.section("what was met")
        for line in lines:
            terminalreporter.write_line(line)
