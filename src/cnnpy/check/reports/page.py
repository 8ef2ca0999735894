"""A report as one page of HTML, which needs no network and no script.

Nothing of the submission is markup: the page is built as a tree, whose text is escaped when
it is written, and its Content-Security-Policy forbids everything but the style that stands
in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element

from cnnpy.check.checking import Report
from cnnpy.check.reports.data import (
    CaseData,
    ConclusionData,
    ImplementationData,
    PropertyData,
    ReportData,
    as_data,
)
from cnnpy.check.reports.pictures import pictures
from cnnpy.check.reports.style import STYLE
from cnnpy.page.document import document, table
from cnnpy.page.tree import Child, element

__all__ = ["page_of", "to_html"]

_SIGNS = {"right": "✓ right", "tie": "≈ tie", "wrong": "✗ wrong", "untried": "–", "": "–"}


def to_html(report: Report, strict: bool = False) -> str:
    """Write a report as a page.

    Parameters
    ----------
    report : Report
        What came of a check.
    strict : bool
        Whether a tie counts as wrong.

    Returns
    -------
    str
        HTML in one piece: style and pictures stand in it.

    Examples
    --------
    >>> from cnnpy.check import run
    >>> page = to_html(run({"relu_forward": lambda x: (np.maximum(x, 0), x)}))
    >>> page.startswith("<!DOCTYPE html>"), "<script" in page
    (True, False)
    """
    return page_of(as_data(report, strict))


def page_of(data: ReportData) -> str:
    """Write a report's data as a page.

    Parameters
    ----------
    data : ReportData
        What `as_data` gives.

    Returns
    -------
    str
        HTML in one piece.
    """
    return document(
        f"{data['name']}: {data['verdict']}",
        element("header", *_header(data)),
        element("main", *_overview(data), *_findings(data), *_details(data)),
        element("footer", *_footer(data)),
        style=STYLE,
    )


def _header(data: ReportData) -> Iterator[Child]:
    verdict = element("span", data["verdict"], class_=f"verdict {_class(data['verdict'])}")
    yield element("h1", data["name"], " ", verdict)
    error = data["not_loaded"]
    if error is not None:
        line = f", line {error['line']}" if error["line"] else ""
        yield element("p", f"It could not be run{line}: {error['what']}")
        yield element("p", element("strong", "To mend: "), error["mend"])
        return
    if not data["implementations"]:
        yield element("p", "No function of a known name.")
        return
    cases = sum(one["cases"] for one in data["implementations"])
    count = len(data["implementations"])
    yield element(
        "p",
        f"{count} implementation{'s' * (count != 1)}, {cases} cases "
        f"in {data['seconds']:.1f} s, seed {data['seed']}.",
        None if data["complete"] else element("strong", " The check was broken off."),
    )


def _class(word: str) -> str:
    return word.replace(" ", "-")


# --- tables ------------------------------------------------------------------------------


def _overview(data: ReportData) -> Iterator[Element]:
    if not data["implementations"]:
        return
    heads = ("implementation", "layer", "cases", "forward", "backward", "wrong for")
    rows = [_overview_row(one) for one in data["implementations"]]
    yield element(
        "section",
        element("h2", "Overview"),
        table("Overview", heads, rows, aside=("layer", "cases")),
    )


def _overview_row(one: ImplementationData) -> Element:
    if one["state"] == "tried":
        wrong = [p["name"] for p in one["properties"] if "wrong" in p["passes"].values()]
        all_ = len(wrong) == len(one["properties"]) > 1
        says = "all that was tried" if all_ else ", ".join(wrong)
    else:
        says = {"not written": "not written yet"}.get(one["state"], "nothing could be tried")
    return element(
        "tr",
        element("th", element("code", one["forward"]), scope="row"),
        element("td", one["task"], class_="aside"),
        element("td", str(one["cases"]), class_="number aside"),
        _mark(one["passes"].get("forward", "")),
        _mark(one["passes"].get("backward", "")),
        element("td", says, class_="says"),
    )


def _mark(mark: str) -> Element:
    return element("td", _SIGNS.get(mark, mark), class_=f"mark {_class(mark or 'untried')}")


def _details(data: ReportData) -> Iterator[Element]:
    tried = [one for one in data["implementations"] if one["state"] == "tried"]
    if tried:
        yield element("section", element("h2", "What was tried"), *map(_properties, tried))


def _properties(one: ImplementationData) -> Element:
    places = list(dict.fromkeys(place for p in one["properties"] for place in p["passes"]))
    name = one["forward"] + (f", {one['backward']}" if one["backward"] else "")
    wrong = "wrong" in one["passes"].values()
    rows = [_property(p, places) for p in one["properties"]]
    return element(
        "details",
        element("summary", element("h3", element("code", name))),
        table(f"{name}, by property", ("property", "cases", *places), rows, aside=("cases",)),
        open="" if wrong else None,
    )


def _property(p: PropertyData, places: Iterable[str]) -> Element:
    return element(
        "tr",
        element("th", p["name"], scope="row"),
        element("td", str(p["cases"]), class_="number aside"),
        *(_mark(p["passes"].get(place, "")) for place in places),
    )


# --- findings ----------------------------------------------------------------------------


def _findings(data: ReportData) -> Iterator[Element]:
    if data["not_loaded"] is not None:
        return
    found = data["conclusions"]
    nothing = None if found else element("p", "Nothing was found: all is as it should be.")
    yield element("section", element("h2", "Findings"), nothing, *map(_finding, found))


def _finding(c: ConclusionData) -> Element:
    grade = element("span", c["grade"].upper(), class_=f"grade {c['grade']}")
    is_mistake = c["grade"] == "wrong" and c["implementation"] is not None
    known = c["name"] if is_mistake else None
    sure = "" if c["certain"] else "; other mistakes fit as well"
    rows = {
        "known as": None if known is None else f"{known}{sure}",
        "cause": c["cause"],
        "to mend": c["mend"],
    }
    told = [
        part
        for word, text in rows.items()
        if text
        for part in (element("dt", word), element("dd", text))
    ]
    details = [element("li", line) for line in c["details"]]
    return element(
        "article",
        element("h3", grade, " ", element("code", c["function"]), f": {c['title']}"),
        element("dl", *told) if told else None,
        element("ul", *details) if details else None,
        *(() if c["smallest"] is None else _case(c["smallest"], c["grade"])),
    )


def _case(case: CaseData, grade: str) -> Iterator[Element]:
    yield element("h4", "The smallest case" if grade == "wrong" else "A case that shows it")
    yield element("pre", element("code", case["snippet"]), tabindex="0")
    if case["raises"]:
        yield element("p", "It raises ", element("code", case["raises"]))
    for result in case["results"]:
        if result["right"]:
            continue
        drawn = pictures(result)
        if drawn is not None and result["yours"] is not None:
            yield drawn
        elif not case["raises"]:
            yield element("p", f"{result['name']} is ", element("code", result["yours_text"]))
            yield element("p", "not ", element("code", result["definition_text"]))


def _footer(data: ReportData) -> Iterator[Element]:
    if data["unfenced"]:
        yield element("p", f"Not fenced: {'; '.join(data['unfenced'])}.")
    versions = ", ".join(f"{name} {version}" for name, version in data["versions"].items())
    yield element("p", f"cnnpy check; {versions}.")
