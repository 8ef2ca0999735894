"""What tests and doctests share: NumPy by its short name, and the profiles.

``pytest`` draws a few cases a law, ``pytest --profile slow`` (or the environment
variable ``CNNPY_TEST_PROFILE=slow``) draws many, and runs what is marked slow.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any

import hypothesis
import numpy as np
import pytest

_ENVIRONMENT = "CNNPY_TEST_PROFILE"
_EXTRAS = (
    *("torch", "sklearn", "pandas", "PIL", "matplotlib", "typer", "rich", "tensorboardX"),
    "cnnpy.backends.native._native",
)

hypothesis.settings.register_profile(
    "quick", max_examples=10, deadline=None, derandomize=True, database=None
)
hypothesis.settings.register_profile("slow", max_examples=300, deadline=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--profile",
        choices=("quick", "slow"),
        default=os.environ.get(_ENVIRONMENT, "quick"),
        help=f"how many cases are drawn (default: {_ENVIRONMENT}, or quick)",
    )


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.load_profile(config.getoption("--profile"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--profile") == "slow":
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="drawn with --profile slow"))


@pytest.fixture(scope="session")
def profile(pytestconfig: pytest.Config) -> str:
    """Name the profile: "quick" or "slow"."""
    name: str = pytestconfig.getoption("--profile")
    return name


@pytest.fixture(autouse=True)
def _np_in_doctests(doctest_namespace: dict[str, Any]) -> None:
    doctest_namespace["np"] = np


@pytest.fixture(autouse=True)
def _no_backend_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the caller's choice of a backend away: a test makes its own."""
    monkeypatch.delenv("CNNPY_BACKEND", raising=False)


@pytest.fixture(scope="session")
def torch() -> Any:
    """Give PyTorch on one thread; skip without it, fail where extras are required."""
    try:
        import torch
    except ImportError:
        if os.environ.get("CNNPY_REQUIRE_EXTRAS") == "1":
            pytest.fail("CNNPY_REQUIRE_EXTRAS=1, and PyTorch is not installed")
        pytest.skip("PyTorch is not installed: pip install torch==2.13.0")
    torch.set_num_threads(1)
    return torch


def pytest_sessionstart(session: pytest.Session) -> None:
    """Fail at once where extras are required and one is missing."""
    if os.environ.get("CNNPY_REQUIRE_EXTRAS") == "1":
        missing = [name for name in _EXTRAS if importlib.util.find_spec(name) is None]
        if missing:
            raise pytest.UsageError(f"CNNPY_REQUIRE_EXTRAS=1, and not installed: {missing}")
