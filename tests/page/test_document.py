"""A page in one piece: its text is text, and tables can be reached and heard."""

from __future__ import annotations

import re
from xml.etree.ElementTree import fromstring, tostring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnpy.page import document, element, on_a_line, printable, table


@given(st.text())
def test_whatever_a_text_holds_it_is_text_on_the_page(text):
    page = document(printable(text), element("p", printable(text), title=printable(text)))
    body = page[page.index("<body>") : page.index("</body>") + 7]
    assert fromstring(body.replace("&nbsp;", " ")).find("p").text in (printable(text), None)
    assert len(re.findall("<p", body)) == 1
    page.encode("utf-8")


@given(st.text())
def test_a_name_on_a_line_is_one_line(text):
    assert len(on_a_line(text).splitlines()) <= 1


@pytest.mark.parametrize(("images", "policy"), [(False, "img-src"), (True, "img-src data:;")])
def test_a_page_allows_pictures_only_where_it_has_some(images, policy):
    assert (policy in document("a", images=images)) == images
    assert "script" not in document("a", images=images).split("<style>")[0]


def test_a_table_can_be_scrolled_by_the_keyboard_and_knows_its_columns():
    row = element("tr", element("th", "a", scope="row"), element("td", "1", class_="number"))
    made = table("ages", ("name", "age", "shoe"), [row], numbers=("age",), aside=("shoe", "age"))
    assert made.attrib == {
        "class": "wide", "tabindex": "0", "role": "region", "aria-label": "ages",
    }  # fmt: skip
    heads = made.findall("table/thead/tr/th")
    assert [th.get("class") for th in heads] == [None, "number aside", "aside"]
    assert all(th.get("scope") == "col" for th in heads)
    assert b"<td" in tostring(made)
