"""Every example in a docstring runs and prints what it says, in the installed package."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import cnnpy

MODULES = sorted(
    m.name for m in pkgutil.walk_packages(cnnpy.__path__, "cnnpy.") if "__main__" not in m.name
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(name)
    result = doctest.testmod(
        module, extraglobs={"np": np}, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert result.failed == 0
