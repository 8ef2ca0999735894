"""Reports of runs: one page of HTML a run, runs beside each other, TensorBoard's files.

What a page shows is computed in :mod:`cnnpy.insight`; a page is one file, which needs no
network and no script, and whose text is a stranger's only where it is escaped.
"""

from cnnpy.report.comparison import ComparedRun, comparison_page, names_of, rows_of
from cnnpy.report.findings import Findings, Looks, gather
from cnnpy.report.run_page import page_of, run_page
from cnnpy.report.settings import differing, settings
from cnnpy.report.tensorboard import TensorBoard

__all__ = [
    "ComparedRun",
    "Findings",
    "Looks",
    "TensorBoard",
    "comparison_page",
    "differing",
    "gather",
    "names_of",
    "page_of",
    "rows_of",
    "run_page",
    "settings",
]
