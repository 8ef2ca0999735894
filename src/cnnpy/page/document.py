"""A page in one piece: head, policy and style, and tables that may be scrolled by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

from cnnpy.page.style import BASE
from cnnpy.page.tree import Child, element

__all__ = ["document", "table"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; {}base-uri 'none'; form-action 'none'"


def document(title: str, *body: Child, style: str = BASE, images: bool = False) -> str:
    """Write a page.

    Nothing that stands in it is markup by chance: text is escaped when it is written, and the
    page's Content-Security-Policy forbids everything but its style and, where asked for,
    pictures that stand in the page itself.

    Parameters
    ----------
    title : str
        Of the window.
    *body : Element, str or None
        What the page shows.
    style : str
        All of its CSS.
    images : bool
        Whether it has pictures as ``data:`` addresses.

    Returns
    -------
    str
        HTML in one piece.

    Examples
    --------
    >>> page = document("1 < 2", element("p", "a & b"))
    >>> "<title>1 &lt; 2</title>" in page, "<p>a &amp; b</p>" in page, "<script" in page
    (True, True, False)
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element(
            "meta",
            http_equiv="Content-Security-Policy",
            content=_POLICY.format("img-src data:; " if images else ""),
        ),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
    )
    page = element("html", head, element("body", *body), lang="en")
    return "<!DOCTYPE html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def table(
    label: str,
    heads: Iterable[str],
    rows: Iterable[Element],
    *,
    aside: Iterable[str] = (),
    numbers: Iterable[str] = (),
) -> Element:
    """Make a table that is scrolled where it is too wide, by the keyboard too.

    Parameters
    ----------
    label : str
        What it is, for those who hear the page.
    heads : iterable of str
        The heads of its columns.
    rows : iterable of Element
        Its rows.
    aside : iterable of str
        Heads of columns that a narrow screen leaves out; their cells are of class ``aside`` too.
    numbers : iterable of str
        Heads of columns of numbers, which stand at the right as their cells do.

    Returns
    -------
    xml.etree.ElementTree.Element
        The table in its frame.
    """
    classes = dict.fromkeys(numbers, "number")
    classes |= {name: f"{classes.get(name, '')} aside".strip() for name in aside}
    head = element(
        "tr", *(element("th", name, scope="col", class_=classes.get(name)) for name in heads)
    )
    made = element("table", element("thead", head), element("tbody", *rows))
    return element("div", made, class_="wide", tabindex="0", role="region", aria_label=label)
