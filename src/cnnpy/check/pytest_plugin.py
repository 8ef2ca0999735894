"""The plugin of pytest: options of a check, and what is worth knowing at the end of a run.

pytest loads it for everybody who has cnnpy installed, so it imports nothing of cnnpy: what
is heavy comes with :func:`cnnpy.check.cases_of`, in a test file that uses it.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

__all__ = ["pytest_addoption", "pytest_terminal_summary"]

_NOTICE = "cnnpy notice"  # the NOTICE of cnnpy.check.assignment, which is heavy


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options.

    Parameters
    ----------
    parser : pytest.Parser
        Pytest's.
    """
    group = parser.getgroup("cnnpy", "cnnpy: layers held against the definition")
    group.addoption(
        "--cnnpy-strict", action="store_true", default=False, help="take a tie for wrong"
    )
    group.addoption(
        "--cnnpy-quick", action="store_true", default=False, help="try a few seconds' worth"
    )
    group.addoption(
        "--cnnpy-seed", type=_seed, default=0, metavar="N", help="decides all that is drawn (0)"
    )


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no integer of at least 0")
    return int(text)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell what fails nothing and is worth knowing, once each.

    Parameters
    ----------
    terminalreporter : TerminalReporter
        Pytest's.
    """
    reports = [r for kind in terminalreporter.stats.values() for r in kind]
    lines = [
        text
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, text in report.user_properties
        if name == _NOTICE
    ]
    if lines:
        terminalreporter.section("cnnpy: good to know")
        for line in dict.fromkeys(lines):
            terminalreporter.line(line)
