"""The page: one sound piece of HTML without scripts, in which nothing of a stranger's runs."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from cnnpy.check import Report
from cnnpy.check.reports import as_data, to_html, to_json
from cnnpy.check.reports.style import STYLE
from cnnpy.page.text import printable

VOID = {"meta", "br", "img", "input", "link", "hr"}
EXPECTED = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "footer"),
    *("h1", "h2", "h3", "h4", "p", "span", "strong", "code", "pre", "ul", "li", "dl", "dt", "dd"),
    *("div", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "article"),
    *("figure", "figcaption", "svg", "g", "rect", "text", "desc"),
}
"""Every element that a page may have."""


class Page(HTMLParser):
    """Read a page, and hold it sound on the way."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag in EXPECTED, tag
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(scope="module")
def source(wrong: Report) -> str:
    return to_html(wrong)


def test_a_page_is_balanced_and_has_no_script_and_no_address(source: str, unrunnable: Any) -> None:
    for html in (source, to_html(unrunnable), to_html(Report("empty.py"))):
        page = Page(html)
        names = {name for _, attributes in page.elements for name in attributes}
        assert not {name for name in names if name.startswith("on")}
        assert not names & {"src", "href", "srcset", "action", "style", "data"}
        assert "url(" not in STYLE
        assert "@import" not in STYLE


def test_its_policy_forbids_all_but_its_own_style(source: str) -> None:
    policies = [m for m in Page(source).all("meta") if m.get("http-equiv")]
    (policy,) = (m["content"] for m in policies)
    assert "default-src 'none'" in (policy or "")
    assert "script" not in (policy or "")
    assert source.index("Content-Security-Policy") < source.index("<title>")


def test_what_a_stranger_wrote_is_text(source: str, unrunnable: Report, hostile: str) -> None:
    said = printable(hostile)
    assert "<script>" in said
    for html in (source, to_html(unrunnable)):
        assert said in Page(html).text
        assert "<script>" not in html


def test_every_finding_stands_in_it_worst_first(source: str, wrong: Report) -> None:
    page = Page(source)
    titles = [c["title"] for c in as_data(wrong)["conclusions"]]
    assert len(titles) > 5
    at = 0
    for title in titles:
        at = page.text.index(f": {title}", at) + 1


def test_headings_descend_by_one_and_tables_and_pictures_can_be_heard(source: str) -> None:
    page = Page(source)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    assert all(th.get("scope") in ("row", "col") for th in page.all("th"))
    pictures = page.all("svg")
    assert pictures
    assert all(svg.get("role") == "img" and svg.get("aria-label") for svg in pictures)


def test_a_wrong_entry_is_outlined_and_no_other(
    report_of: Callable[..., Report], functions: Any
) -> None:
    def relu_forward(x: Any) -> Any:
        import numpy as np

        out = np.maximum(x, 0)
        out.flat[-1] += 1
        return out, x

    report = report_of(relu_forward=relu_forward, relu_backward=functions["relu_backward"])
    page = Page(to_html(report))
    (case,) = (c["smallest"] for c in as_data(report)["conclusions"] if c["smallest"])
    assert case is not None
    (out,) = (r for r in case["results"] if r["name"] == "out")
    outlines = [r for r in page.all("rect") if r.get("stroke") == "#ffd400"]
    pictures, keys = 3, 1
    assert len(outlines) == pictures * (out["n_differ"] or 0) + keys


HOSTILE_ARRAYS = {
    "a billion empty rows": np.zeros((10**9, 0)),
    "a dozen axes": np.ones((1,) * 12),
    "larger than any": np.full((2, 2), 1.7e308),
    "smaller than any": np.full((2, 2), 5e-324),
    "long doubles": np.full((2, 2), np.longdouble(1) / 3),
    "half floats": np.full((2, 2), np.float16(0.1)),
    "unsigned": np.full((2, 2), 2**64 - 1, dtype=np.uint64),
    "truth": np.full((2, 2), True),
    "large": np.zeros((200, 200)),
    "complex": np.full((2, 2), 1j),
    "many complex": np.full((20, 20), 1j),
    "objects": np.full((2, 2), None),
    "text": "<b>",
    "a number": 10**400,
}


@pytest.mark.parametrize("name", HOSTILE_ARRAYS)
def test_whatever_comes_back_is_drawn_or_told(report_of: Callable[..., Report], name: str) -> None:
    def relu_forward(x: Any) -> Any:
        return HOSTILE_ARRAYS[name] if x.shape == (10, 10) else -x, x

    report = report_of(relu_forward=relu_forward, relu_backward=lambda dout, x: -dout)
    held = report.trials[0].observations[1]
    assert held.probe.sizes == {"shape": (10, 10)}
    report.trials[0].smallest = {"forward": held}
    Page(to_html(report))
    case = json.loads(to_json(report))["conclusions"][0]["smallest"]
    assert case["results"][0]["right"] is False


def test_letters_can_be_read_on_their_ground_in_light_and_dark() -> None:
    in_the_dark = re.compile(r"@media \(prefers-color-scheme: dark\) {.*?} }", re.DOTALL)
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6})", part))
        for part in (in_the_dark.sub("", STYLE), " ".join(in_the_dark.findall(STYLE)))
    )
    assert set(light) == set(dark)
    for colours in (light, dark):
        grounds = [("ink", "back"), ("ink", "panel"), ("soft", "back"), ("soft", "panel")]
        grounds += [(mark, f"{mark}-back") for mark in ("right", "tie", "wrong")]
        for ink, ground in [*grounds, ("soft", "line")]:
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


def contrast(a: str, b: str) -> float:
    """Give the ratio of the Web Content Accessibility Guidelines 2.1."""
    light, dark = sorted(map(luminance, (a, b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# --- in a browser ------------------------------------------------------------------------

Browse = Callable[..., subprocess.CompletedProcess[str]]


def test_a_browser_shows_every_finding_and_has_nothing_to_complain_of(
    browse: Browse, source: str, wrong: Report
) -> None:
    done = browse(source)
    assert "CONSOLE" not in done.stderr
    text = Page(done.stdout).text
    for conclusion in as_data(wrong)["conclusions"]:
        assert conclusion["title"] in text
    # that the policy holds, and that a complaint would have been heard
    tried = browse(source.replace("</body>", "<script>document.title = 'mine'</script></body>"))
    assert "CONSOLE" in tried.stderr
    assert "<title>mine</title>" not in tried.stdout


def test_it_fits_a_phone_and_a_desk_in_light_and_dark(
    fits_screens: Callable[[str], None], source: str
) -> None:
    fits_screens(source)
