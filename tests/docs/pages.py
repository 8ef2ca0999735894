"""Pages of Markdown as the tests read them: blocks of code, prose, headings, links."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

COMMENT = re.compile(r"<!-- (.*) -->")
QUOTE = re.compile(r"quote: (?P<path>\S+) (?P<function>\w+) (?P<part>loops|body|lines)")
FENCE = re.compile(r"(?P<indent> *)```(?P<language>\w*)")
LINK = re.compile(r"\[(?P<words>[^\]]*)\]\((?P<target>[^)\s]+)\)")


class Block(NamedTuple):
    """A fenced block of a page; `line` is where its first line stands, from 1.

    `comment` is what a comment right above it says.
    """

    language: str
    text: str
    line: int
    comment: str = ""

    @property
    def quote(self) -> re.Match[str] | None:
        return QUOTE.fullmatch(self.comment)


def blocks(page: Path) -> Iterator[Block]:
    lines = page.read_text(encoding="utf-8").split("\n")
    at = 0
    while at < len(lines):
        opening = FENCE.fullmatch(lines[at])
        if opening:
            end = lines.index(opening["indent"] + "```", at + 1)
            text = textwrap.dedent("\n".join(lines[at + 1 : end]))
            above = COMMENT.fullmatch(lines[at - 1].strip()) if at else None
            yield Block(opening["language"], text, at + 2, above[1] if above else "")
            at = end
        at += 1


def prose(page: Path) -> str:
    """Return what a page says outside of code, comments and tags."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^ *```.*?^ *```$", text, flags=re.S | re.M):
        text = text.replace(block, "")
    return re.sub(r"<[^>]*>|`[^`]*`", "", text)


def anchors(page: Path) -> list[str]:
    """Return the names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose(page), flags=re.M)
    return [re.sub(r"[^\w\- ]", "", h.strip().lower()).replace(" ", "-") for h in headings]


def links(page: Path) -> list[str]:
    """Return where a page leads."""
    return [match["target"] for match in LINK.finditer(prose(page))]


def leads_nowhere(page: Path) -> list[str]:
    """Return the local links of a page whose file or heading is not there."""
    found = []
    for target in links(page):
        path, _, anchor = target.partition("#")
        if target.startswith(("https://", "http://")):
            continue
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            found.append(target)
    return found
