"""Write the page of known mistakes, and a picture of each: ``docs/check/mistakes.md``.

    python tools/write_mistake_pages.py                  # the page, and every picture
    python tools/write_mistake_pages.py linear conv2d    # the pictures of these ops alone
    python tools/write_mistake_pages.py --page           # the page alone

A picture is the smallest case that a check of the mistake itself finds, so it cannot be
other than what a reader's own check shows. The page is made of the library's words and of
the pictures that are there; the same files come out every time.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from cnnpy.check.checking import run
from cnnpy.check.conclusions import Conclusion
from cnnpy.check.conventions import CONVENTIONS
from cnnpy.check.mistakes import MISTAKES, Mistake
from cnnpy.check.reports.data import CaseData, case_of
from cnnpy.check.reports.illustration import illustration
from cnnpy.check.trial import Effort, Trial

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "check"

EFFORT = Effort(6, 600.0)
"""As much as --quick tries, however slow the machine: what is drawn must not depend on it."""


def told_of(mistake: Mistake) -> tuple[Conclusion, Trial] | None:
    """Check a mistake as if it were somebody's code, and give what is told of it by its name.

    None where the check does not know it again.
    """
    # as partial functions, which have no file: lines of the library are nothing to a reader
    forward, backward = partial(mistake.forward), partial(mistake.backward)
    passes = {f"{mistake.op}_forward": forward, f"{mistake.op}_backward": backward}
    for conclusion, trial in run(passes, effort=EFFORT).told():  # worst first
        if conclusion.name == mistake.name and trial is not None:
            return conclusion, trial
    return None


def case_that_shows(mistake: Mistake) -> CaseData | None:
    """Give the smallest case by which a check tells a mistake; None where it does not."""
    told = told_of(mistake)
    if told is None or told[0].shown_by is None:
        return None
    conclusion, trial = told
    return case_of(trial, conclusion.shown_by, conclusion.grade)


def picture_of(mistake: Mistake) -> str | None:
    """Draw a mistake; None where it does not show in numbers."""
    case = case_that_shows(mistake)
    return None if case is None else illustration(case, f"{mistake.name}: {mistake.shows}")


# --- the page ------------------------------------------------------------------------------

_HEAD = """\
# Known mistakes

[For learners](README.md) ([한국어](ko/README.md)) ·
[for teachers](teachers.md) ([한국어](ko/teachers.md)) · [reports](reports.md)

What `cnnpy check` calls *known as* is a name of this list: {count} mistakes in {ops} layers, each
kept as a whole wrong implementation. A check runs them on the cases that it tried on yours.
Where yours is wrong in just the way of one of them, in every case, that is its name. What an error
says by itself has a name that is not in this list: `unset_variable`, `exits`, ... So has a slip
that is found by trying changes of your source: `one_name_for_another`, `a_number_for_a_name`, ...

A picture is the smallest case that shows the mistake, as a check of the mistake itself finds
it: what was given, what came out, and what the definition gives. Outlined entries are wrong;
blue is negative, red positive. A case is written with cnnpy's names and options; where your
functions have those of a course, a check writes it with them.

The text and the pictures of this page are made from the library, by
`python tools/write_mistake_pages.py`.
"""

_WITHOUT_NUMBERS = "It does not show in the numbers of a call, so there is no picture of it."
_TIE = "Its grade is *tie*: wrong with `--strict` only."
_CONVENTION = "Its grade is *notice*, since both ways are in use."


def by_op(mistakes: Iterable[Mistake]) -> Mapping[str, list[Mistake]]:
    """Put mistakes together by the op that they are made in."""
    rooms: dict[str, list[Mistake]] = {}
    for mistake in mistakes:
        rooms.setdefault(mistake.op, []).append(mistake)
    return rooms


def page_of(mistakes: Sequence[Mistake], folder: Path = FOLDER) -> str:
    """Write the page, with the pictures that are in a folder."""
    ops = by_op(mistakes)
    parts = [_HEAD.format(count=len(mistakes), ops=len(ops))]
    parts += ["| layer | mistakes |\n|---|---|"]
    parts[-1] += "".join(f"\n| [{op}](#{op}) | {len(made)} |" for op, made in ops.items()) + "\n"
    for op, made in ops.items():
        parts.append(f"## {op}\n")
        parts += ["\n".join(_entry(mistake, folder)) for mistake in made]
    return "\n".join(parts)


def _entry(mistake: Mistake, folder: Path) -> Iterator[str]:
    yield f"### {mistake.name}\n"
    yield f"{as_markdown(mistake.shows)}\n"
    yield f"- **cause** {as_markdown(mistake.cause)}"
    yield f"- **to mend** {as_markdown(mistake.mend)}"
    yield f"- [the wrong code](../../src/cnnpy/check/mistakes/{mistake.name}.py)\n"
    graded = [c for c in CONVENTIONS.get(mistake.op, ()) if c.mistake == mistake.name]
    yield from (f"{_TIE if c.is_tie else _CONVENTION}\n" for c in graded[:1])
    picture = folder / "pictures" / f"{mistake.name}.svg"
    if picture.exists():
        yield f"![{as_markdown(words_of(picture))}](pictures/{picture.name})\n"
    else:
        yield f"{_WITHOUT_NUMBERS}\n"


def words_of(picture: Path, most: int = 160) -> str:
    """Read what a picture says to one who cannot see it."""
    svg = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
    words = " ".join((svg.findtext("{*}desc") or "").split())
    return words if len(words) <= most else f"{words[:most].rsplit(' ', 1)[0]} ..."


def as_markdown(text: str) -> str:
    r"""Write plain text so that Markdown shows it as it is.

    >>> print(as_markdown("a[0] is i*stride < n, see x_pad and _x"))
    a\[0\] is i\*stride \< n, see x_pad and \_x
    """
    return re.sub(r"[\\`*<\[\]|]|(?<!\w)_|_(?!\w)", r"\\\g<0>", text)


def main() -> None:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(description="Write the page of known mistakes.")
    parser.add_argument("ops", nargs="*", help="draw the pictures of these ops alone")
    parser.add_argument("--page", action="store_true", help="draw no pictures")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the page goes")
    asked = parser.parse_args()
    (asked.folder / "pictures").mkdir(parents=True, exist_ok=True)
    if not asked.page:
        for mistake in MISTAKES.values():
            if not asked.ops or mistake.op in asked.ops:
                _draw(mistake, asked.folder / "pictures" / f"{mistake.name}.svg")
    for path in (asked.folder / "pictures").glob("*.svg"):
        if path.stem not in MISTAKES:
            path.unlink()
    page = page_of(list(MISTAKES.values()), asked.folder)
    (asked.folder / "mistakes.md").write_text(page, encoding="utf-8", newline="\n")


def _draw(mistake: Mistake, path: Path) -> None:
    drawn = picture_of(mistake)
    if drawn is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(drawn, encoding="utf-8", newline="\n")
    print(f"{mistake.name}: {'no picture' if drawn is None else f'{len(drawn)} bytes'}")


if __name__ == "__main__":
    main()
