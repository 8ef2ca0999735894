"""CHECK: hold an implementation against the definition, and say what is wrong.

`run` takes functions that are trusted, `check_path` a file or a package that is not, which
it runs behind a fence (:mod:`cnnpy.check.fence`). Both find implementations by their names
(:mod:`~cnnpy.check.dialects`), try each property by itself (:mod:`~cnnpy.check.plans`),
grade what differs (:mod:`~cnnpy.check.observe`), name the mistake
(:mod:`~cnnpy.check.diagnose`) and make its case small (:mod:`~cnnpy.check.trial`).
`judge` underneath takes any two functions, forward and backward, and one case.

It imports the contract and the definition and no backend: what it judges is handed in.
"""

from cnnpy.check.case import LAYOUTS, Case, RandomHand
from cnnpy.check.checking import EFFORTS, Report, check_path, run
from cnnpy.check.conclusions import Conclusion
from cnnpy.check.hold import Finding
from cnnpy.check.observe import Grade
from cnnpy.check.suite import judge

__all__ = [
    "EFFORTS",
    "LAYOUTS",
    "Case",
    "Conclusion",
    "Finding",
    "Grade",
    "RandomHand",
    "Report",
    "check_path",
    "judge",
    "run",
]
