"""A picture that stands alone shows what a case holds, and says it to who cannot see it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest

from cnnpy.check import Report
from cnnpy.check.reports import as_data
from cnnpy.check.reports.arrays import as_array
from cnnpy.check.reports.data import CaseData, ResultData
from cnnpy.check.reports.illustration import illustration, shown_in

SVG = "{http://www.w3.org/2000/svg}"


def result(yours: Any, right: Any, **more: Any) -> ResultData:
    same_shape = yours is not None and np.shape(yours) == np.shape(right)
    differs = np.argwhere(np.asarray(yours) != right).tolist() if same_shape else None
    made: dict[str, Any] = {
        "name": "dx",
        "right": False,
        "yours": None if yours is None else as_array(np.asarray(yours)),
        "definition": as_array(np.asarray(right)),
        "yours_text": str(yours),
        "definition_text": str(right),
        "n_differ": None if differs is None else len(differs),
        "differs": differs,
    }
    return made | more  # type: ignore[return-value]


def case(*results: ResultData, **more: Any) -> CaseData:
    made: dict[str, Any] = {
        "property": "ordinary",
        "inputs": {"x": as_array(np.array([[21.0, 22.0]]))},
        "options": {"stride": [2, 3], "padding": 0},
        "dout": as_array(np.array([[31.0]])),
        "results": list(results),
        "raises": None,
        "snippet": "",
    }
    return made | more  # type: ignore[return-value]


def drawn(shown: CaseData) -> ElementTree.Element:
    svg = illustration(shown, "a title")
    assert svg is not None
    assert svg == illustration(shown, "a title"), "it comes out differently every time"
    return ElementTree.fromstring(svg)


def texts(svg: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in svg.iter(f"{SVG}text")]


def outlines(svg: ElementTree.Element) -> int:
    return sum(rect.get("stroke") == "#ffd400" for rect in svg.iter(f"{SVG}rect"))


def test_it_holds_what_was_given_what_came_and_what_is_right() -> None:
    said = texts(drawn(case(result([[11.0, 12.0]], [[11.0, 13.0]]))))
    assert "stride = (2, 3), padding = 0" in said
    for heading in ("given", "yours", "the definition's", "x, 1 × 2", "dout, 1 × 1", "dx, 1 × 2"):
        assert heading in said
    for number in ("21", "22", "31", "11", "12", "13"):
        assert number in said


def test_entries_that_differ_are_outlined_in_both_and_no_others() -> None:
    assert outlines(drawn(case(result([[1.0, 2.0, 5.0]], [[1.0, 3.0, 4.0]])))) == 4
    assert outlines(drawn(case(result(7.0, 8.0)))) == 2


def test_the_gradient_that_is_sent_back_is_shown_with_gradients_alone() -> None:
    assert "31" not in texts(drawn(case(result([[1.0]], [[2.0]], name="out"))))


def test_numbers_that_differ_look_different() -> None:
    said = texts(drawn(case(result([1.00004, 2.0], [1.0, 2.0]))))
    assert "1.00004" in said and said.count("2") == 2


def test_what_is_zero_but_for_rounding_is_written_as_zero() -> None:
    said = texts(drawn(case(result([5.0, 1e-17, -0.0], [4.0, 0.0, 0.0]))))
    assert said.count("0") == 4


def test_of_a_large_array_the_part_that_differs_is_drawn() -> None:
    right = np.zeros((2, 3, 4, 5))
    yours = right.copy()
    yours[1, 2, 0, 0] = 9.0
    said = texts(drawn(case(result(yours, right))))
    assert said.count("[1, 2]") == 2 and "[0, 0]" not in said
    assert "9" in said and said.count("and more") == 2


@pytest.mark.parametrize(
    ("yours", "says"),
    [(np.zeros((1, 0)), "it is empty"), (None, "dx: None")],
)
def test_what_has_no_cells_is_told_in_words(yours: Any, says: str) -> None:
    assert says in texts(drawn(case(result(yours, [[1.0]]))))


def test_an_error_is_told_where_nothing_came() -> None:
    said = " ".join(texts(drawn(case(raises="IndexError: too far"))))
    assert "it raises IndexError: too far" in said


def test_who_cannot_see_it_hears_both_arrays() -> None:
    svg = drawn(case(result([1.0], [2.0])))
    assert svg.findtext(f"{SVG}title") == "a title"
    assert svg.findtext(f"{SVG}desc") == "dx is [1.0], not [2.0]"


def test_there_is_no_picture_of_what_does_not_show_in_numbers() -> None:
    alike = result([1.0], [1.0])
    assert alike["n_differ"] == 0
    assert illustration(case(alike), "a title") is None
    assert shown_in(case(alike, result([1.0], [2.0], name="dw"))) is not None


def test_text_of_strangers_stays_text(wrong: Report) -> None:
    for c in as_data(wrong)["conclusions"]:
        if c["smallest"] is not None:
            svg = illustration(c["smallest"], c["title"])
            if svg is not None:
                elements = {e.tag.removeprefix(SVG) for e in ElementTree.fromstring(svg).iter()}
                assert elements <= {"svg", "title", "desc", "style", "rect", "g", "text"}
