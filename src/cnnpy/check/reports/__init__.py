"""What came of a check, written down for people and for machines.

`to_json` has everything, and its shape is that of :mod:`~cnnpy.check.reports.data`, from
which all others are made: `to_text` what `print` shows, `to_html` a page with pictures,
`to_junit` XML for continuous integration, `to_gradescope` the results.json of a class, with
points by a `Rubric`. Each has a twin (`page_of` and so on) that takes the data; `csv_of` makes
one table of many.

Whatever a submission is called and says, what is written here is whole: text is made
printable where the data is made, and escaped where it is written.
"""

from cnnpy.check.reports.data import ReportData, as_data, json_of, to_json
from cnnpy.check.reports.gradescope import gradescope_of, to_gradescope
from cnnpy.check.reports.junit import junit_of, to_junit
from cnnpy.check.reports.page import page_of, to_html
from cnnpy.check.reports.rubric import Entry, Rubric, read_rubric
from cnnpy.check.reports.table import csv_of, row_of
from cnnpy.check.reports.text import text_of, to_text

__all__ = [
    "Entry",
    "ReportData",
    "Rubric",
    "as_data",
    "csv_of",
    "gradescope_of",
    "json_of",
    "junit_of",
    "page_of",
    "read_rubric",
    "row_of",
    "text_of",
    "to_gradescope",
    "to_html",
    "to_json",
    "to_junit",
    "to_text",
]
