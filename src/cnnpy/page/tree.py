"""Elements of a page: what stands in them is escaped when they are written, never before."""

from __future__ import annotations

from xml.etree.ElementTree import Element

__all__ = ["Child", "element"]

Child = Element | str | None


def element(tag: str, *children: Child, **attributes: object) -> Element:
    """Make an element of HTML or SVG.

    Parameters
    ----------
    tag : str
        What it is.
    *children : Element, str or None
        What stands in it, in order; text as it is, None for nothing.
    **attributes : object
        Its attributes; ``class_`` is class, ``aria_label`` is aria-label, and what is None
        is left out.

    Returns
    -------
    xml.etree.ElementTree.Element
        The element.

    Examples
    --------
    >>> from xml.etree.ElementTree import tostring
    >>> tostring(element("p", "a < b", element("b", "c"), class_="wide"), method="html")
    b'<p class="wide">a &lt; b<b>c</b></p>'
    """
    named = {
        k.rstrip("_").replace("_", "-"): str(v) for k, v in attributes.items() if v is not None
    }
    made = Element(tag, named)
    last: Element | None = None
    for child in children:
        if isinstance(child, Element):
            made.append(child)
            last = child
        elif child is not None and last is not None:
            last.tail = (last.tail or "") + child
        elif child is not None:
            made.text = (made.text or "") + child
    return made
