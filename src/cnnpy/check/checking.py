"""The whole of a check: what was found in a file, in a package, in functions handed in."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import tostring

from cnnpy.check.conclusions import Conclusion, conclusions_of
from cnnpy.check.dialects import Found, find
from cnnpy.check.fence import Fenced, Limits, Session, offered_by
from cnnpy.check.fence.loading import LoadError
from cnnpy.check.lines import Source, source_of, source_of_file
from cnnpy.check.mends import mended
from cnnpy.check.observe import Grade
from cnnpy.check.outcome import Caller
from cnnpy.check.trial import Effort, Trial, try_out
from cnnpy.page.text import on_a_line
from cnnpy.page.tree import element
from cnnpy.written import plural

__all__ = ["EFFORTS", "Follow", "Report", "check_path", "run"]

EFFORTS = {
    "quick": Effort(6, 2.0),
    "ordinary": Effort(40, 20.0),
    "thorough": Effort(400, 300.0),
}
"""How much is tried, by name."""

MODULES = ("layers", "fast_layers", "layer_utils")
"""Where the functions of a package are looked for first."""


_FRAME_PX = 480
"""How high a notebook shows a page, which is scrolled in its frame."""


@dataclass(repr=False)
class Report:
    """What came of a check; `print` tells it, and a notebook shows it as a page.

    Parameters
    ----------
    name : str
        What was checked.
    trials : list of Trial
        One an implementation.
    notes : sequence of mapping
        What was lent, missing, old or not imported.
    unfenced : sequence of str
        What the system could not fence.
    not_loaded : LoadError, optional
        Why nothing could be run.
    seed : int
        Of all that was drawn.
    seconds : float
        How long it took.
    complete : bool
        Whether every implementation was tried; not so while a check runs.
    """

    name: str
    trials: list[Trial] = field(default_factory=list)
    notes: Sequence[Mapping[str, Any]] = ()
    unfenced: Sequence[str] = ()
    not_loaded: LoadError | None = None
    seed: int = 0
    seconds: float = 0.0
    complete: bool = True

    def __repr__(self) -> str:
        counts = Counter(c.grade.name.lower() for c in self.conclusions)
        found = ", ".join(f"{n} {grade}" for grade, n in counts.items()) or "nothing found"
        return f"<Report {self.name!r}: {plural(len(self.trials), 'implementation')}, {found}>"

    def __str__(self) -> str:
        from cnnpy.check.reports.text import to_text

        return to_text(self)

    def _repr_html_(self) -> str:
        """Give a notebook the page, in a frame that keeps its style to itself."""
        from cnnpy.check.reports.page import to_html

        style = f"width: 100%; height: {_FRAME_PX}px; border: 0"
        frame = element(
            "iframe", srcdoc=to_html(self), style=style, sandbox="", title=on_a_line(self.name)
        )
        return tostring(frame, encoding="unicode", method="html")

    @property
    def conclusions(self) -> list[Conclusion]:
        """List what a reader is told, worst first."""
        return [conclusion for conclusion, _ in self.told()]

    def told(self) -> list[tuple[Conclusion, Trial | None]]:
        """List what a reader is told, worst first, with what it was told of.

        Returns
        -------
        list of tuple
            Each conclusion and its trial; None where it speaks of the whole.
        """
        pairs: list[tuple[Conclusion, Trial | None]] = [(c, None) for c in _of_notes(self)]
        pairs += [(c, trial) for trial in self.trials for c in conclusions_of(trial)]
        return sorted(pairs, key=lambda pair: -pair[0].grade)

    def exit_code(self, strict: bool = False) -> int:
        """Give the exit code: 0 right, 1 wrong, 2 could not run, or not written yet.

        Parameters
        ----------
        strict : bool
            Whether a tie is wrong.

        Returns
        -------
        int
            The code.
        """
        if self.not_loaded is not None or not any(trial.says_something for trial in self.trials):
            return 2
        least = Grade.TIE if strict else Grade.WRONG
        if any(c.grade >= least for c in self.conclusions):
            return 1
        done = {trial.found.forward for trial in self.trials if not trial.lacks_backward}
        # one of two backward passes is enough: batchnorm_backward, or its other way
        return 2 if any(trial.found.forward not in done for trial in self.trials) else 0


Follow = Callable[[Report, Found], None]
"""Who looks on while a check runs."""


def _of_notes(report: Report) -> Iterable[Conclusion]:
    """Say what had to be done to run the code at all, and what was not run."""
    for note in report.notes:
        tell = _NOTES.get(str(note.get("what")))
        if tell is not None:
            yield tell(note)


def _old(note: Mapping[str, Any]) -> Conclusion:
    title = f"{note.get('name')} is no more: it raises in the present Python and NumPy"
    file, function = note.get("file"), note.get("function")
    before, behind = f"{file}, " if file else "", f", in {function}" if function else ""
    where, mend = f"{before}line {note.get('line')}{behind}", f"Write {note.get('now')}."
    return Conclusion(Grade.WRONG, title, where, "old_name", mend=mend)


def _not_imported(note: Mapping[str, Any]) -> Conclusion:
    grade = Grade.WRONG if note.get("looked_for") else Grade.NOTICE
    line = f", line {note['line']}" if note.get("line") else ""
    title = f"it cannot be imported, so nothing of it was tried: {note.get('says')}"
    where, mend = f"{note.get('file')}{line}", f"{note.get('mend') or ''}"
    return Conclusion(grade, title, where, "not_imported", mend=mend)


def _missing(note: Mapping[str, Any]) -> Conclusion:
    title = "this module is not installed: what needs it fails"
    return Conclusion(Grade.NOTICE, title, f"{note.get('module')}", "missing")


def _lent(note: Mapping[str, Any]) -> Conclusion:
    title = "this helper of the course is not there: ours took its place"
    return Conclusion(Grade.NOTICE, title, f"{note.get('module')}", "lent")


_NOTES = {"old": _old, "not imported": _not_imported, "missing": _missing, "lent": _lent}


def check_path(
    path: Path,
    *,
    effort: Effort = EFFORTS["ordinary"],
    seed: int = 0,
    ops: Sequence[str] = (),
    also_called: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    lent_from: str | None = None,
    follow: Follow | None = None,
    alone: bool = False,
) -> Report:
    """Check the functions of a file or a package, fenced in.

    Parameters
    ----------
    path : Path
        The file or folder.
    effort : Effort
        How much to try.
    seed : int
        Of all that is drawn.
    ops : sequence of str
        The only ops to look at; all by default.
    also_called : mapping, optional
        Of a known name, the name that it has there.
    limits : Limits, optional
        What the code may take.
    lent_from : str, optional
        The package that lends what a course hands out.
    follow : callable, optional
        Called with the report so far and the implementation that is tried next. Whoever
        breaks a check off has in it what was found until then.
    alone : bool
        Whether a file may read itself only, and none of those beside it.

    Returns
    -------
    Report
        What came of it.
    """
    begin = time.monotonic()
    with ExitStack() as fences:
        try:
            fenced = fences.enter_context(Fenced(path, MODULES, limits, lent_from, alone))
        except LoadError as error:
            return Report(path.name, not_loaded=error, seed=seed, seconds=time.monotonic() - begin)
        found = _only(ops, find(fenced.functions, also_called))
        report = Report(path.name, notes=fenced.notes, unfenced=fenced.unfenced, seed=seed)

        @cache
        def dividing() -> Fenced | None:
            with suppress(LoadError):
                return fences.enter_context(
                    Fenced(path, MODULES, limits, lent_from, alone, old_division=True)
                )
            return None

        def read(name: str) -> Source | None:
            offered = fenced.functions.get(name)
            return None if offered is None else source_of_file(path, offered.module)

        _try_all(report, found, fenced, effort, begin, follow, read, dividing)
        divider = dividing() if dividing.cache_info().currsize else None
        behind = [] if divider is None else divider.notes
        report.notes = [*report.notes, *(note for note in behind if note not in report.notes)]
        return report


def run(
    functions: Mapping[str, Callable[..., Any]],
    *,
    effort: Effort = EFFORTS["ordinary"],
    seed: int = 0,
    ops: Sequence[str] = (),
    follow: Follow | None = None,
) -> Report:
    """Check functions of this process, which are trusted.

    Parameters
    ----------
    functions : mapping
        By the names of the course or of cnnpy: ``{"conv_forward_naive": mine, ...}``;
        ``vars(module)`` will do.
    effort : Effort
        How much to try.
    seed : int
        Of all that is drawn.
    ops : sequence of str
        The only ops to look at; all by default.
    follow : callable, optional
        Called with the report so far and the implementation that is tried next.

    Returns
    -------
    Report
        What came of it.

    Examples
    --------
    >>> def relu_forward(x):
    ...     return np.maximum(x, 0), x
    >>> def relu_backward(dout, x):
    ...     return dout * (dout > 0)
    >>> report = run({"relu_forward": relu_forward, "relu_backward": relu_backward})
    >>> [c.name for c in report.conclusions]
    ['relu_gates_by_the_gradient']
    """
    begin = time.monotonic()
    session = Session(functions)
    found = _only(ops, find(offered_by(functions)))

    def read(name: str) -> Source | None:
        return source_of(functions[name]) if name in functions else None

    return _try_all(Report("functions", seed=seed), found, session, effort, begin, follow, read)


def _try_all(
    report: Report,
    found: Sequence[Found],
    caller: Caller,
    effort: Effort,
    begin: float,
    follow: Follow | None,
    read: Callable[[str], Source | None],
    dividing: Callable[[], Caller | None] = lambda: None,
) -> Report:
    """Try one implementation after the other, and keep the report true all the time.

    `dividing` gives who calls the same functions with a division that leaves sizes whole.
    """
    report.complete = False
    for one in found:
        if follow is not None:
            follow(report, one)
        trial = try_out(one, caller, effort, report.seed)
        if trial.grade is not None:  # there may be a line to point at
            read_in = {name: read(name) for name in (one.forward, one.backward) if name}
            trial.sources = {name: source for name, source in read_in.items() if source}
            _mend(trial, caller, effort)
        report.trials.append(trial)
        divider = dividing() if trial.has_float_sizes else None
        if divider is not None:
            trial.divided = try_out(one, divider, effort, report.seed)
            trial.divided.sources = trial.sources
            _mend(trial.divided, divider, effort)
        report.seconds = time.monotonic() - begin
    report.complete, report.seconds = True, time.monotonic() - begin
    return report


def _mend(trial: Trial, caller: Caller, effort: Effort) -> None:
    """Look, where no known mistake accounts for all that is wrong, for the change that mends it."""
    known = trial.diagnosis
    is_told = known is not None and not known.rest
    if is_told or not trial.smallest or not trial.may_be_a_slip or not isinstance(caller, Fenced):
        return
    seconds = max(_LEAST_S, effort.seconds)
    found = mended(trial.found, trial.observations, caller, trial.sources, seconds)
    trial.diagnosis = found or known


_LEAST_S = 3.0
"""How long a change is looked for at least; else as long as all else of an op may take."""


def _only(ops: Sequence[str], found: list[Found]) -> list[Found]:
    return [f for f in found if not ops or {f.dialect.op, f.dialect.task} & set(ops)]
