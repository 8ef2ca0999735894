"""A folder of submissions, shared out among judges: as many processes as there are cores.

Judges are processes, since the definition's loops would wait for each other in threads. Each
takes one submission after the other, so that what the definition and the known mistakes give
is computed once for all whose cases are the same. The stranger's code runs behind a fence
below it, as always, anew each time. A judge writes what it found as JSON on its standard output;
where one ends otherwise, or takes too long, the submission could not be run, and another judge
takes the next.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import cnnpy
from cnnpy.check.checking import EFFORTS, Report, check_path
from cnnpy.check.fence.confine import die_with_the_parent
from cnnpy.check.fence.loading import LoadError
from cnnpy.check.reports.data import ReportData, as_data, json_of

__all__ = ["check_submissions", "find_submissions", "n_cores"]

_NOT_SUBMISSIONS = ("__pycache__", "venv", "env", "node_modules")

_MOST_BYTES = 64 << 20
"""Of what a judge writes on one submission."""

_END = b"\0"
"""What ends an answer: no JSON has it."""

_CLOSING_S = 5.0
"""How long a judge that is asked to end may take to clean up."""


def n_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def find_submissions(folder: Path) -> list[Path]:
    """List the submissions in a folder.

    Parameters
    ----------
    folder : Path
        Where they are.

    Returns
    -------
    list of Path
        Each file of Python and each folder, by name; hidden ones are none.
    """
    return sorted(
        p
        for p in folder.iterdir()
        if not p.name.startswith(".")
        and p.name not in _NOT_SUBMISSIONS
        and (p.is_dir() or p.suffix == ".py")
    )


def check_submissions(
    paths: Sequence[Path],
    *,
    effort: str = "ordinary",
    seed: int = 0,
    ops: Sequence[str] = (),
    also_called: Mapping[str, str] | None = None,
    lent_from: str | None = None,
    strict: bool = False,
    jobs: int | None = None,
    most_s: float = 1800.0,
) -> Iterator[tuple[Path, ReportData]]:
    """Check many submissions, several at a time.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders.
    effort : str
        A name of `EFFORTS`.
    seed : int
        Of all that is drawn.
    ops : sequence of str
        The only ops to look at; all by default.
    also_called : mapping, optional
        Of a known name, the name that it has there.
    lent_from : str, optional
        The package that lends what a course hands out.
    strict : bool
        Whether a tie counts as wrong.
    jobs : int, optional
        How many are checked at once; as many as there are cores by default.
    most_s : float
        How many seconds one submission may take.

    Yields
    ------
    path : Path
        A submission.
    data : ReportData
        What came of it, as soon as it is known. Whoever stops iterating ends all that runs.
    """
    setup = {
        "effort": effort,
        "seed": seed,
        "ops": list(ops),
        "also_called": dict(also_called or {}),
        "lent_from": lent_from,
        "strict": strict,
    }
    waiting = list(reversed(paths))
    judges: list[_Judge] = []
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or any(judge.is_at_work for judge in judges):
                for judge in [j for j in judges if not j.is_at_work]:
                    if judge.has_ended or judge.process.poll() is not None:
                        _dismiss(judge, judges, selector)
                    elif waiting:
                        judge.ask(waiting.pop())
                while waiting and len(judges) < (jobs or n_cores()):
                    judge = _Judge(setup, most_s)
                    judges.append(judge)
                    selector.register(judge.out, selectors.EVENT_READ, judge)
                    judge.ask(waiting.pop())
                soonest = min(j.deadline for j in judges if j.is_at_work) - time.monotonic()
                for key, _ in selector.select(max(0.0, soonest)):
                    key.data.read()
                for judge in [j for j in judges if j.is_over]:
                    answered = judge.path, judge.answer()
                    if judge.has_ended:
                        _dismiss(judge, judges, selector)
                    yield answered
        finally:
            _end(judges)


class _Judge:
    """A process that checks one submission after the other.

    It is told how by a line of JSON, and each submission by another; it answers each with the
    JSON of what it found, and `_END`.
    """

    def __init__(self, setup: Mapping[str, Any], most_s: float) -> None:
        self.setup = setup
        self.most_s = most_s
        self.path = Path()
        self.began = self.deadline = 0.0
        self.is_at_work = self.has_ended = False
        self.written = bytearray()
        program = (
            "import sys; sys.path[:] = sys.argv[2:]; "
            "from cnnpy.check.submissions import main; main(int(sys.argv[1]))"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", program, str(os.getpid()), *_import_from()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | _ONE_THREAD,
            start_new_session=True,  # Ctrl-C is for us, who end it in good order
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.asked, self.out = self.process.stdin, self.process.stdout
        self._tell(setup)

    def ask(self, path: Path) -> None:
        """Give it a submission to check."""
        self.path, self.is_at_work = path, True
        self.written.clear()
        self.began = time.monotonic()
        self.deadline = self.began + self.most_s
        self._tell(str(path.absolute()))

    def _tell(self, what: Any) -> None:
        with suppress(BrokenPipeError):  # that it has ended is seen where it is read
            self.asked.write(json.dumps(what).encode() + b"\n")
            self.asked.flush()

    @property
    def is_over(self) -> bool:
        """Tell whether it has said all of a submission, or has no more time or space."""
        return self.is_at_work and (
            self.has_ended
            or self.written.endswith(_END)
            or len(self.written) > _MOST_BYTES
            or time.monotonic() >= self.deadline
        )

    def read(self) -> None:
        """Take what it has written."""
        part = os.read(self.out.fileno(), 1 << 16)
        self.written += part
        self.has_ended = self.has_ended or not part

    def answer(self) -> ReportData:
        """Give what it found; after what is no answer, it is not asked again."""
        self.is_at_work = False
        if self.written.endswith(_END):
            data: ReportData = json.loads(self.written.removesuffix(_END))
            return data
        ended, self.has_ended = self.has_ended, True
        if len(self.written) > _MOST_BYTES:
            return self._could_not_run(f"its report has over {_MOST_BYTES:,} bytes")
        if not ended:
            return self._could_not_run(f"it took longer than {self.most_s:g} s")
        code = self.process.wait()
        return self._could_not_run(f"the check of it ended with exit code {code}")

    def _could_not_run(self, what: str) -> ReportData:
        mend = "check it by itself: cnnpy check, with its path"
        report = Report(self.path.name, not_loaded=LoadError("ended", None, what, mend))
        report.seed, report.seconds = self.setup["seed"], time.monotonic() - self.began
        report.complete = False
        return as_data(report, self.setup["strict"])


_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def _import_from() -> list[str]:
    """List where a judge finds its modules; not in the folder that it is started from."""
    home = str(Path(cnnpy.__file__).parents[1])
    here = Path.cwd()
    others = [p for p in sys.path if Path(p).is_absolute() and Path(p).resolve() != here]
    return list(dict.fromkeys([home, *others]))


def _dismiss(judge: _Judge, judges: list[_Judge], selector: selectors.BaseSelector) -> None:
    """End a judge that is not to be asked again."""
    selector.unregister(judge.out)
    judges.remove(judge)
    _end([judge])


def _end(judges: Sequence[_Judge]) -> None:
    """Ask judges to end, so that they end what runs below them; then make sure."""
    for judge in judges:
        judge.process.terminate()
    until = time.monotonic() + _CLOSING_S
    for judge in judges:
        try:
            judge.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            judge.process.kill()
            judge.process.wait()
        with suppress(BrokenPipeError):
            judge.asked.close()
        judge.out.close()


def main(parent: int) -> None:
    """Check the submissions that standard input names; write their data to standard output.

    Parameters
    ----------
    parent : int
        The process that started this one, with which it ends.
    """
    import signal

    die_with_the_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    setup = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        report = check_path(
            Path(json.loads(line)),
            effort=EFFORTS[setup["effort"]],
            seed=setup["seed"],
            ops=setup["ops"],
            also_called=setup["also_called"],
            lent_from=setup["lent_from"],
            alone=True,  # the files beside it are those of others
        )
        sys.stdout.write(json_of(as_data(report, setup["strict"])) + _END.decode())
        sys.stdout.flush()


def _leave(number: int, frame: object) -> None:
    sys.exit(128 + number)
