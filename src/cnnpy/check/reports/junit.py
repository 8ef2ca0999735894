"""A report as JUnit XML, as continuous integration reads it: a suite an implementation.

There is no standard; this keeps to what pytest, Jenkins and GitLab share (the order of
elements is that of the schema ``junit-10.xsd``): in ``testsuites`` a ``testsuite`` for each
implementation, in it a ``testcase`` for each property and result.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, indent, tostring

from cnnpy.check.checking import Report
from cnnpy.check.reports.data import (
    ConclusionData,
    ImplementationData,
    PropertyData,
    ReportData,
    as_data,
)
from cnnpy.check.reports.words import lines_of
from cnnpy.page.tree import element

__all__ = ["junit_of", "to_junit"]


def to_junit(report: Report, strict: bool = False) -> str:
    """Write a report as JUnit XML.

    Parameters
    ----------
    report : Report
        What came of a check.
    strict : bool
        Whether a tie is a failure.

    Returns
    -------
    str
        XML.

    Examples
    --------
    >>> from cnnpy.check import run
    >>> xml = to_junit(run({"relu_forward": lambda x: (np.minimum(x, 0), x)}))
    >>> '<testcase classname="functions.relu_forward" name="negative values: forward">' in xml
    True
    """
    return junit_of(as_data(report, strict))


def junit_of(data: ReportData) -> str:
    """Write a report's data as JUnit XML.

    Parameters
    ----------
    data : ReportData
        What `as_data` gives.

    Returns
    -------
    str
        XML.
    """
    suites = [*_of_the_whole(data), *(_suite(data, k) for k in range(len(data["implementations"])))]
    sums = {
        name: sum(int(suite.get(name, "0")) for suite in suites)
        for name in ("tests", "failures", "errors", "skipped")
    }
    root = element("testsuites", *suites, name="cnnpy check", time=f"{data['seconds']:.3f}", **sums)
    indent(root, " ")
    return f"<?xml version='1.0' encoding='utf-8'?>\n{tostring(root, encoding='unicode')}\n"


def _suite(data: ReportData, k: int) -> Element:
    one = data["implementations"][k]
    told = [c for c in data["conclusions"] if c["implementation"] == k]
    failed = ("wrong", "tie") if data["strict"] else ("wrong",)
    grave = [c for c in told if c["grade"] in failed]
    rest = [c for c in told if c["grade"] not in failed]
    cases = list(_cases(data, one, grave, failed)) if one["state"] == "tried" else []
    if not cases:
        why = "not written yet" if one["state"] == "not written" else "nothing could be tried"
        cases = [_case(data, one["forward"], "tried", element("skipped", message=why))]
    return _of_cases(one["forward"], cases, _said(rest), {"op": one["op"], "task": one["task"]})


def _cases(
    data: ReportData, one: ImplementationData, grave: list[ConclusionData], failed: tuple[str, ...]
) -> Iterator[Element]:
    first = True
    for p in one["properties"]:
        for place, mark in p["passes"].items():
            inside = None
            if mark in failed:
                inside = _failure(p, place, mark, grave, whole=first)
                first = False
            elif mark == "untried":
                inside = element("skipped", message="no gradient came")
            yield _case(data, one["forward"], f"{p['name']}: {place}", inside)


def _failure(
    p: PropertyData, place: str, mark: str, grave: list[ConclusionData], whole: bool
) -> Element:
    """Say what is seen, and why; the smallest case once only, since it is long."""
    said = p["says"].get(place, "")
    shown = grave if whole else [_without_case(c) for c in grave]
    text = "\n\n".join([said, *("\n".join(lines_of(c)) for c in shown)])
    return element("failure", text, message=said, type=mark)


def _without_case(c: ConclusionData) -> ConclusionData:
    return {**c, "smallest": None}


def _of_the_whole(data: ReportData) -> Iterator[Element]:
    """Say what is told of no implementation: that it cannot be run, old names."""
    cases = [_case(data, "submission", "it can be run", inside) for inside in _hindrances(data)]
    whole = [c for c in data["conclusions"] if c["implementation"] is None]
    for c in whole:
        if c["grade"] == "wrong":
            text = "\n".join(lines_of(c))
            inside = element("failure", text, message=c["title"], type="wrong")
            cases.append(_case(data, "submission", c["function"], inside))
    said = _said([c for c in whole if c["grade"] != "wrong"])
    if cases or said is not None:
        cases = cases or [_case(data, "submission", "it can be run", None)]
        yield _of_cases("submission", cases, said, {})


def _hindrances(data: ReportData) -> Iterator[Element]:
    error = data["not_loaded"]
    if error is not None:
        line = f"line {error['line']}: " if error["line"] else ""
        text = f"{line}{error['what']}\nto mend:  {error['mend']}"
        yield element("error", text, message=error["what"], type=error["kind"])
    elif not data["implementations"]:
        yield element("error", message="no function of a known name", type="nothing to try")
    if not data["complete"]:
        yield element("error", message="the check was broken off", type="interrupted")


def _case(data: ReportData, function: str, name: str, inside: Element | None) -> Element:
    classname = f"{data['name'].removesuffix('.py')}.{function}"
    return element("testcase", inside, classname=classname, name=name)


def _of_cases(
    name: str, cases: list[Element], said: Element | None, properties: dict[str, str]
) -> Element:
    counts = {
        plural: sum(case.find(tag) is not None for case in cases)
        for plural, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    }
    rows = [element("property", name=key, value=value) for key, value in properties.items()]
    about = element("properties", *rows) if rows else None
    return element("testsuite", about, *cases, said, name=name, tests=len(cases), **counts)


def _said(conclusions: list[ConclusionData]) -> Element | None:
    if not conclusions:
        return None
    text = "\n\n".join("\n".join(lines_of(_without_case(c))) for c in conclusions)
    return element("system-out", text)
