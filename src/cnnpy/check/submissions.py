"""A folder of submissions: each checked in a judge's process of its own, several at a time.

The judge of one submission is a process, since the definition's loops would wait for each
other in threads, and since nothing that happens over one submission, memory that runs out
say, may touch another. The stranger's code runs behind a fence below it, as always. A judge
writes what it found as JSON on its standard output; one that ends otherwise, or takes too
long, is a submission that could not be run.
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
"""Of what one judge writes."""

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
    running: list[_Judge] = []
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or running:
                while waiting and len(running) < (jobs or n_cores()):
                    judge = _Judge(waiting.pop(), setup, most_s)
                    running.append(judge)
                    selector.register(judge.out, selectors.EVENT_READ, judge)
                soonest = min(judge.deadline for judge in running) - time.monotonic()
                for key, _ in selector.select(max(0.0, soonest)):
                    key.data.read()
                for judge in [j for j in running if j.is_over]:
                    selector.unregister(judge.out)
                    running.remove(judge)
                    yield judge.path, judge.close()
        finally:
            _end(running)


class _Judge:
    """A process that checks one submission."""

    def __init__(self, path: Path, setup: Mapping[str, Any], most_s: float) -> None:
        self.path = path
        self.setup = {**setup, "path": str(path.absolute())}
        self.most_s = most_s
        self.began = time.monotonic()
        self.deadline = self.began + most_s
        self.written = bytearray()
        self.is_done = False
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
        self.out = self.process.stdout
        with suppress(BrokenPipeError), self.process.stdin as asked:
            asked.write(json.dumps(self.setup).encode())

    @property
    def is_over(self) -> bool:
        """Tell whether it has said all, or has no more time or space."""
        return self.is_done or len(self.written) > _MOST_BYTES or time.monotonic() >= self.deadline

    def read(self) -> None:
        """Take what it has written."""
        part = os.read(self.out.fileno(), 1 << 16)
        self.written += part
        self.is_done = not part

    def close(self) -> ReportData:
        """End it, and give what it found."""
        _end([self])
        code = self.process.returncode
        if len(self.written) > _MOST_BYTES:
            return self._could_not_run(f"its report has over {_MOST_BYTES:,} bytes")
        if not self.is_done:
            return self._could_not_run(f"it took longer than {self.most_s:g} s")
        try:
            data: ReportData = json.loads(self.written)
        except ValueError:
            return self._could_not_run(f"the check of it ended with exit code {code}")
        return data

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


def _end(judges: Sequence[_Judge]) -> None:
    """Ask judges to end, so that they end what runs below them; then make sure."""
    for judge in judges:
        if not judge.is_done:
            judge.process.terminate()
    until = time.monotonic() + _CLOSING_S
    for judge in judges:
        try:
            judge.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            judge.process.kill()
            judge.process.wait()
        judge.out.close()


def main(parent: int) -> None:
    """Check the submission that standard input names; write its data to standard output.

    Parameters
    ----------
    parent : int
        The process that started this one, with which it ends.
    """
    import signal

    die_with_the_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    setup = json.load(sys.stdin)
    report = check_path(
        Path(setup["path"]),
        effort=EFFORTS[setup["effort"]],
        seed=setup["seed"],
        ops=setup["ops"],
        also_called=setup["also_called"],
        lent_from=setup["lent_from"],
        alone=True,  # the files beside it are those of others
    )
    sys.stdout.write(json_of(as_data(report, setup["strict"])))
    sys.stdout.flush()


def _leave(number: int, frame: object) -> None:
    sys.exit(128 + number)
