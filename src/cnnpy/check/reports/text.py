"""A report as plain text, as `print` shows it in a program or a notebook."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from cnnpy.check.checking import Report
from cnnpy.check.reports.data import ReportData, as_data
from cnnpy.check.reports.words import lines_of
from cnnpy.written import plural

__all__ = ["text_of", "to_text"]


def to_text(report: Report, strict: bool = False) -> str:
    """Write a report as text.

    Parameters
    ----------
    report : Report
        What came of a check.
    strict : bool
        Whether a tie counts as wrong.

    Returns
    -------
    str
        The verdict, and what was found, worst first.

    Examples
    --------
    >>> from cnnpy.check import run
    >>> print(to_text(run({"relu_forward": lambda x: (np.maximum(x, 0), x)})))
    functions: right; 1 implementation, 75 cases
    <BLANKLINE>
    1. NOTICE  relu_forward: there is no backward pass, so forward alone was tried
    """
    return text_of(as_data(report, strict))


def text_of(data: ReportData) -> str:
    """Write a report's data as text.

    Parameters
    ----------
    data : ReportData
        What `as_data` gives.

    Returns
    -------
    str
        The verdict, and what was found, worst first.
    """
    return "\n".join(_lines(data))


def _lines(data: ReportData) -> Iterator[str]:
    tried = data["implementations"]
    yield f"{data['name']}: {data['verdict']}; " + (
        f"{plural(len(tried), 'implementation')}, "
        f"{plural(sum(one['cases'] for one in tried), 'case')}"
        if tried
        else "no function of a known name"
    )
    error = data["not_loaded"]
    if error is not None:
        yield f"  {error['what']}"
        yield f"  to mend:  {error['mend']}"
    for k, conclusion in enumerate(data["conclusions"], 1):
        first, *rest = lines_of(conclusion)
        yield f"\n{k}. {first}"
        yield from (textwrap.indent(line, "   ") for line in rest)
