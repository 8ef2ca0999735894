"""CHECK: hold an implementation against the definition, and say what is wrong.

`run` takes functions that are trusted, `check_path` a file or a package that is not, which
it runs behind a fence (:mod:`cnnpy.check.fence`). Both find implementations by their names
(:mod:`~cnnpy.check.dialects`), try each property by itself (:mod:`~cnnpy.check.plans`),
grade what differs (:mod:`~cnnpy.check.observe`), name the mistake
(:mod:`~cnnpy.check.diagnose`) and make its case small (:mod:`~cnnpy.check.trial`).
`judge` underneath takes any two functions, forward and backward, and one case.

What came of it goes to people and machines by :mod:`cnnpy.check.reports`; `check_submissions`
takes a whole class, and `cases_of` makes the tests of an assignment for pytest.

It imports the contract and the definition and no backend: what it judges is handed in. Its
names are imported when they are first used, so that pytest, which loads
:mod:`cnnpy.check.pytest_plugin` for everybody, starts as fast as without.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = [
    "EFFORTS",
    "LAYOUTS",
    "Case",
    "Conclusion",
    "Finding",
    "Grade",
    "RandomHand",
    "Report",
    "cases_of",
    "check_path",
    "check_submissions",
    "find_submissions",
    "judge",
    "reports",
    "run",
]

if TYPE_CHECKING:
    from cnnpy.check import reports
    from cnnpy.check.assignment import cases_of
    from cnnpy.check.case import LAYOUTS, Case, RandomHand
    from cnnpy.check.checking import EFFORTS, Report, check_path, run
    from cnnpy.check.conclusions import Conclusion
    from cnnpy.check.hold import Finding
    from cnnpy.check.observe import Grade
    from cnnpy.check.submissions import check_submissions, find_submissions
    from cnnpy.check.suite import judge

_HOMES = {
    "assignment": ("cases_of",),
    "case": ("LAYOUTS", "Case", "RandomHand"),
    "checking": ("EFFORTS", "Report", "check_path", "run"),
    "conclusions": ("Conclusion",),
    "hold": ("Finding",),
    "observe": ("Grade",),
    "submissions": ("check_submissions", "find_submissions"),
    "suite": ("judge",),
}
"""By module, what it offers here."""


def __getattr__(name: str) -> Any:
    if name == "reports":
        return importlib.import_module("cnnpy.check.reports")
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"cnnpy.check.{module}"), name)
    raise AttributeError(f"module 'cnnpy.check' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
