"""JUnit XML: what pytest, Jenkins and GitLab read, whatever the submission says."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from cnnpy.check import Report
from cnnpy.check.reports import to_junit

# the order of elements in the schema that Jenkins and pytest share
SUITE = ["properties", "testcase", "system-out"]
OUTCOMES = {"failure", "error", "skipped"}


def suites(report: Report, **options: Any) -> dict[str, ET.Element]:
    root = ET.fromstring(to_junit(report, **options).encode())
    assert root.tag == "testsuites"
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in root:
        assert suite.tag == "testsuite"
        tags = [child.tag for child in suite]
        assert tags == sorted(tags, key=SUITE.index)
        cases = suite.findall("testcase")
        for case in cases:
            assert case.get("name")
            assert case.get("classname")
            assert {child.tag for child in case} <= OUTCOMES
            assert len(case) <= 1
        told = {
            "tests": len(cases),
            "failures": len(suite.findall("testcase/failure")),
            "errors": len(suite.findall("testcase/error")),
            "skipped": len(suite.findall("testcase/skipped")),
        }
        for name, count in told.items():
            assert int(suite.get(name, "")) == count
            counts[name] += count
    assert {name: int(root.get(name, "")) for name in counts} == counts
    return {suite.get("name", ""): suite for suite in root}


def failed(suite: ET.Element) -> set[str]:
    return {
        case.get("name", "")
        for case in suite.findall("testcase")
        if case.find("failure") is not None
    }


def test_there_is_a_suite_an_implementation_and_a_case_a_property_and_result(
    wrong: Report,
) -> None:
    affine = suites(wrong)["affine_forward"]
    cases = {case.get("name", "") for case in affine.findall("testcase")}
    assert {"ordinary: forward", "ordinary: dx", "ordinary: db", "batch of 1: db"} <= cases
    assert "ordinary: db" in failed(affine)
    assert not {name for name in failed(affine) if not name.endswith(": db")}
    assert "batch of 1: db" not in failed(affine)  # the mean over one is the sum


def test_a_failure_says_what_was_seen_the_cause_the_mend_and_once_the_case(wrong: Report) -> None:
    failures = suites(wrong)["affine_forward"].findall("testcase/failure")
    assert failures
    for failure in failures:
        assert (failure.get("message") or "").startswith("db: ")
        assert "known as  linear_averages_db" in (failure.text or "")
        assert "Sum: db = dout.sum(axis=0)" in (failure.text or "")
    with_case = ["the smallest case:" in (failure.text or "") for failure in failures]
    assert with_case == [True] + [False] * (len(failures) - 1)


def test_a_tie_is_a_failure_only_where_one_is_strict(wrong: Report) -> None:
    loose = suites(wrong)["max_pool_forward_naive"]
    strict = suites(wrong, strict=True)["max_pool_forward_naive"]
    assert failed(loose) == set()
    assert "every tied maximum takes the whole gradient" in (loose.findtext("system-out") or "")
    assert {name.partition(": ")[2] for name in failed(strict)} == {"dx"}


def test_what_is_not_written_is_skipped(wrong: Report) -> None:
    (case,) = suites(wrong)["layernorm_forward"].findall("testcase")
    skipped = case.find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "not written yet"


def test_what_cannot_be_run_or_was_broken_off_is_an_error(
    unrunnable: Report, functions: Any, report_of: Callable[..., Report]
) -> None:
    (case,) = suites(unrunnable)["submission"].findall("testcase/error")
    assert case.get("type") == "SyntaxError"
    (case,) = suites(Report("empty.py"))["submission"].findall("testcase/error")
    assert case.get("message") == "no function of a known name"
    report = report_of(relu_forward=functions["relu_forward"])
    report.complete = False
    assert "submission" in suites(report)


def test_no_character_stands_in_it_that_xml_forbids(wrong: Report, unrunnable: Report) -> None:
    allowed = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
    for report in (wrong, unrunnable):
        assert allowed.fullmatch(to_junit(report))
    text = "".join(suites(wrong)["conv_forward_naive"].itertext())
    assert "<script>alert(1)</script>" in text
