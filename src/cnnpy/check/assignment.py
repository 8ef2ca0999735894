"""The tests of an assignment, for pytest: one a property of each implementation.

A test file for a class is three lines::

    from cnnpy.check import cases_of
    import layers
    test_layers = cases_of(layers)

Each implementation is tried once, when its first test runs; every test then says what came
of its property. The options of :mod:`cnnpy.check.pytest_plugin` apply where it is loaded.
"""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cnnpy.check.checking import EFFORTS, MODULES, Report
from cnnpy.check.dialects import Found, find
from cnnpy.check.fence import Fenced, Session, offered_by
from cnnpy.check.fence.loading import LoadError
from cnnpy.check.plans import plan_of
from cnnpy.check.reports.data import ConclusionData, PropertyData, ReportData, as_data
from cnnpy.check.reports.words import lines_of
from cnnpy.check.trial import Trial, try_out
from cnnpy.contract.errors import MissingDataError
from cnnpy.page.text import on_a_line

if TYPE_CHECKING:
    import pytest

__all__ = ["NOTICE", "cases_of"]

NOTICE = "cnnpy notice"
"""Under this name a test keeps what its reader should know, for the end of the run."""

Source = ModuleType | Mapping[str, Callable[..., Any]] | str | Path


def cases_of(
    source: Source,
    *,
    ops: Sequence[str] = (),
    also_called: Mapping[str, str] | None = None,
    lent_from: str | None = "cnnpy.cs231n",
) -> Callable[..., None]:
    """Make a test function for pytest: one test for each property of each implementation.

    Parameters
    ----------
    source : module, mapping, str or Path
        A module, or functions by name, which run in this process; or the path of a file or
        a folder, from that of the test file on, which runs behind a fence.
    ops : sequence of str
        The only ops to look at; all by default.
    also_called : mapping, optional
        Of a known name, the name that it has there.
    lent_from : str, optional
        For a path, the package that lends what a course hands out.

    Returns
    -------
    callable
        Give it a name that pytest collects: ``test_layers = cases_of(layers)``.

    Raises
    ------
    MissingDataError
        Where there is nothing at a path.
    """
    import pytest

    subject = _subject(source, also_called, lent_from, Path(_file_of_the_caller()).parent)
    cases = list(_cases(subject, ops))

    @pytest.mark.parametrize("case", cases, ids=[case.id for case in cases])
    def test(case: _Case, request: pytest.FixtureRequest) -> None:
        case.hold(request)

    return test


def _file_of_the_caller() -> str:
    return str(sys._getframe(2).f_globals.get("__file__", "."))


# --- what is tested ----------------------------------------------------------------------


class _Subject(ABC):
    """Somebody's functions, and what came of each implementation as soon as it was tried."""

    def __init__(self, name: str, found: Sequence[Found], hindrance: str | None = None) -> None:
        self.name = name
        self.found = found
        self.hindrance = hindrance
        self.tried: dict[tuple[Any, ...], ReportData] = {}
        self.told: set[tuple[Any, ...]] = set()

    def data(self, found: Found, effort: str, seed: int, strict: bool) -> ReportData:
        """Give what came of an implementation; try it where that was not done yet."""
        key = (found.forward, found.backward, effort, seed, strict)
        if key not in self.tried:
            begin = time.monotonic()
            report = self.report(found, effort, seed)
            report.seconds = time.monotonic() - begin
            self.tried[key] = as_data(report, strict)
        return self.tried[key]

    @abstractmethod
    def report(self, found: Found, effort: str, seed: int) -> Report:
        """Try an implementation."""


class _Functions(_Subject):
    """Functions of this process."""

    def __init__(
        self, name: str, functions: Mapping[str, Any], also_called: Mapping[str, str] | None
    ) -> None:
        super().__init__(name, find(offered_by(functions), also_called))
        self.session = Session(functions)

    def report(self, found: Found, effort: str, seed: int) -> Report:
        trials: list[Trial] = [try_out(found, self.session, EFFORTS[effort], seed)]
        return Report(self.name, trials, seed=seed)


class _Behind(_Subject):
    """Functions of a file or a folder, behind a fence of their own for each implementation."""

    def __init__(
        self, path: Path, also_called: Mapping[str, str] | None, lent_from: str | None
    ) -> None:
        self.path, self.lent_from = path, lent_from
        try:
            with self.fenced() as fenced:
                super().__init__(path.name, find(fenced.functions, also_called))
        except LoadError as error:
            super().__init__(path.name, (), _why(path.name, as_data(Report("", not_loaded=error))))

    def fenced(self) -> Fenced:
        return Fenced(self.path, MODULES, None, self.lent_from)

    def report(self, found: Found, effort: str, seed: int) -> Report:
        try:
            with self.fenced() as fenced:
                trials = [try_out(found, fenced, EFFORTS[effort], seed)]
                return Report(self.name, trials, fenced.notes, fenced.unfenced, seed=seed)
        except LoadError as error:  # what could be imported before
            return Report(self.name, not_loaded=error, seed=seed)


def _subject(
    source: Source, also_called: Mapping[str, str] | None, lent_from: str | None, beside: Path
) -> _Subject:
    if isinstance(source, ModuleType):
        return _Functions(source.__name__, vars(source), also_called)
    if isinstance(source, Mapping):
        return _Functions("functions", source, also_called)
    path = beside / source
    if not path.exists():
        raise MissingDataError(
            f"cases_of({str(source)!r}): {path} is not there",
            "a file of Python or a folder, from that of the test file on",
            "check the path",
        )
    return _Behind(path, also_called, lent_from)


# --- one test ----------------------------------------------------------------------------


class _Case:
    """One property of one implementation."""

    def __init__(self, subject: _Subject, found: Found, name: str) -> None:
        self.subject, self.found, self.name = subject, found, name
        self.id = f"{on_a_line(found.forward)}: {name}"

    def __repr__(self) -> str:
        return f"<{self.id}>"

    def hold(self, request: pytest.FixtureRequest) -> None:
        """Fail, with the finding's text alone, where the property does not hold."""
        import pytest

        strict = bool(request.config.getoption("cnnpy_strict", False))
        effort = "quick" if request.config.getoption("cnnpy_quick", False) else "ordinary"
        seed = int(request.config.getoption("cnnpy_seed", 0))
        data = self.subject.data(self.found, effort, seed, strict)
        if data["not_loaded"] is not None:
            pytest.fail(_why(self.subject.name, data), pytrace=False)
        if self._is_first():
            request.node.user_properties += [(NOTICE, text) for text in _notices(data, strict)]
        (one,) = data["implementations"]
        unwritten = _unwritten(data)
        if unwritten is not None:
            pytest.fail(unwritten, pytrace=False)
        part = next((p for p in one["properties"] if p["name"] == self.name), None)
        if part is None:
            late = "time was up before it could be tried"
            pytest.skip(late if one["untried"] else "it cannot be put into these functions' words")
        failed = ("wrong", "tie") if strict else ("wrong",)
        if any(mark in failed for mark in part["passes"].values()):
            pytest.fail("\n".join(self._says(data, part, failed)), pytrace=False)

    def _is_first(self) -> bool:
        key = (self.found.forward, self.found.backward)
        is_first = key not in self.subject.told
        self.subject.told.add(key)
        return is_first

    def _says(self, data: ReportData, part: PropertyData, failed: tuple[str, ...]) -> Iterator[str]:
        """Say what was seen, and why; the whole of it once, since it is the same each time."""
        for place, mark in part["passes"].items():
            if mark in failed:
                yield part["says"][place]
        key = (self.found.forward, self.found.backward, "case")
        whole = key not in self.subject.told
        self.subject.told.add(key)
        for c in data["conclusions"]:
            if c["grade"] in failed:
                yield ""
                yield from lines_of(c if whole else _short(c))


def _short(c: ConclusionData) -> ConclusionData:
    return {**c, "cause": None, "details": [], "smallest": None}


class _Hindrance(_Case):
    """The one test of what has no implementation that could be tried."""

    def __init__(self, subject: _Subject) -> None:
        self.subject, self.id = subject, f"{on_a_line(subject.name)} can be run"

    def hold(self, request: pytest.FixtureRequest) -> None:
        """Fail, and say why."""
        import pytest

        nothing = f"{on_a_line(self.subject.name)}: no function of a known name"
        pytest.fail(self.subject.hindrance or nothing, pytrace=False)


def _cases(subject: _Subject, ops: Sequence[str]) -> Iterator[_Case]:
    wanted = [f for f in subject.found if not ops or {f.dialect.op, f.dialect.task} & set(ops)]
    if not wanted:
        yield _Hindrance(subject)
    for found in wanted:
        for name in _properties(found):
            yield _Case(subject, found, name)


def _properties(found: Found) -> Iterator[str]:
    """Name the properties of which a case can be put into the implementation's words."""
    plan = plan_of(found.dialect.op)
    ways = [replace(found, dialect=d) for d in (found.dialect, *found.others)]
    seen = set()
    for probe in plan.probes(0, EFFORTS["quick"].drawn):
        if probe.property in seen:
            continue
        case = plan.case(probe)
        if any(way.dialect.takes(case) for way in ways):
            seen.add(probe.property)
            yield probe.property


def _why(name: str, data: ReportData) -> str:
    """Say why something could not be run."""
    error = data["not_loaded"]
    assert error is not None
    line = f", line {error['line']}" if error["line"] else ""
    what = f"{on_a_line(name)}{line} could not be run: {error['what']}"
    return f"{what}\nto mend:  {error['mend']}"


def _unwritten(data: ReportData) -> str | None:
    (one,) = data["implementations"]
    if one["state"] == "not written":
        return f"{one['forward']} is not written yet: it returns None"
    if one["state"] == "untried":
        return f"{one['forward']}: nothing could be tried"
    if one["passes"].get("backward") == "not written":
        return f"{one['backward']} is not written yet: all its gradients are None"
    return None


def _notices(data: ReportData, strict: bool) -> Iterator[str]:
    """Give what is worth knowing and fails nothing; what speaks of the whole first."""
    failed = ("wrong", "tie") if strict else ("wrong",)
    for c in data["conclusions"]:
        of_the_whole = c["implementation"] is None
        if of_the_whole or c["grade"] not in failed:
            yield f"{c['function']}: {c['title']}" + (f" {c['mend']}" if c["mend"] else "")
