"""Pages: HTML that stands by itself, without a script and without the network.

:mod:`~cnnpy.page.tree` makes elements, :mod:`~cnnpy.page.document` a page of them in the
:mod:`~cnnpy.page.style` that all pages share, :mod:`~cnnpy.page.text` makes a stranger's
words printable, :mod:`~cnnpy.page.writing` puts a page on the disk whole.
"""

from cnnpy.page.document import document, table
from cnnpy.page.text import on_a_line, printable
from cnnpy.page.tree import Child, element
from cnnpy.page.writing import STANDARD_OUTPUT, check_place, write

__all__ = [
    "STANDARD_OUTPUT",
    "Child",
    "check_place",
    "document",
    "element",
    "on_a_line",
    "printable",
    "table",
    "write",
]
