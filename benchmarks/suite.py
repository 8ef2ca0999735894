"""What the benchmarks have in common: processes, options, the table and the picture.

Each case is measured in a process of its own, twice: as installed, and with an allocator
that gives no memory back, which takes the page faults of fresh memory away. cnnpy uses
its memory again by itself; for PyTorch it is a different race.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import machine
from pictures import pyplot, save
from timing import OURS, Row, geometric_mean, ratio

PAGES_KEPT = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "8589934592",
    "MALLOC_TOP_PAD_": "268435456",
}
SETTINGS = {"as installed": {}, "page faults removed": PAGES_KEPT}
LEAST_ROUNDS = 7
BUSY_CPUS = 0.1
"""More of the machine than that in use by others, and a row is not to be quoted."""
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Settings:
    """How a case is measured."""

    rounds: int
    threads: int


@dataclass(frozen=True)
class Suite:
    """A table: its cases, who competes, and how one case is measured.

    Parameters
    ----------
    name : str
        Of the files with the results.
    title : str
        What is timed, in one line.
    script : str
        The file that runs this suite, for the processes of the cases.
    competitors : mapping of str to str
        By the name in :class:`timing.Row`, the heading of the column.
    packages : sequence of str
        Whose versions are printed.
    unit : (str, float)
        What a second is measured in: a name, and how much work one of it is.
    cases : callable
        From the options to the case names, each of which `measure` understands.
    measure : callable
        From a case name and the settings to rows; what is timed is checked before.
    options : callable, optional
        Adds options of its own to the parser.
    afterwards : callable, optional
        Prints more at the end.
    """

    name: str
    title: str
    script: str
    competitors: dict[str, str]
    packages: Sequence[str]
    unit: tuple[str, float]
    cases: Callable[[argparse.Namespace], list[str]]
    measure: Callable[[str, Settings], list[Row]]
    options: Callable[[argparse.ArgumentParser], None] = lambda parser: None
    afterwards: Callable[[Report, argparse.Namespace], None] = lambda report, options: None


@dataclass
class Report:
    """What is printed, and kept for the file of results."""

    lines: list[str] = field(default_factory=list)

    def print(self, line: str = "") -> None:
        """Print a line now."""
        print(line, flush=True)
        self.lines.append(line.rstrip())

    def write(self, path: Path) -> None:
        """Write all lines to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(self.lines) + "\n")


def parser_for(description: str, *, rounds: int) -> argparse.ArgumentParser:
    """Make a parser with the options that all benchmarks share.

    Parameters
    ----------
    description : str
        What is measured.
    rounds : int
        The default.

    Returns
    -------
    argparse.ArgumentParser
        With rounds, threads and where the results go.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"default {rounds}")
    parser.add_argument("--threads", type=int, default=2, help="of every contender; default 2")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    return parser


def threads_environment(threads: int) -> dict[str, str]:
    """Give every library the same number of threads.

    Parameters
    ----------
    threads : int
        The number.

    Returns
    -------
    dict of str to str
        Environment variables.
    """
    names = ("CNNPY", "OMP", "OPENBLAS", "MKL")
    return {f"{name}_NUM_THREADS": str(threads) for name in names}


def run(suite: Suite, *, rounds: int = 9) -> None:
    """Measure all cases, print both tables, write the results; or measure one case.

    Parameters
    ----------
    suite : Suite
        What to run.
    rounds : int
        How many by default.
    """
    parser = parser_for(suite.title, rounds=rounds)
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--measure", metavar="CASE", help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    suite.options(parser)
    options = parser.parse_args()
    if options.measure is not None:
        rows = suite.measure(options.measure, Settings(options.rounds, options.threads))
        options.into.write_text(json.dumps([row.as_json() for row in rows]))
        return
    if options.rounds < LEAST_ROUNDS:
        parser.error(f"--rounds {options.rounds}: at least {LEAST_ROUNDS}")
    report, failures = Report(), []
    report.print(machine.describe(suite.packages, threads=options.threads))
    report.print(f"{suite.title}, float32, {options.rounds} rounds")
    report.print(
        f"milliseconds: minimum and median; {suite.unit[0]} at the median; how often as long they "
        "take as we do:\nby the minima, by the medians, and (what counts) by the median of rounds"
    )
    cases = [case for case in suite.cases(options) if options.only in case]
    tables: dict[str, list[Row]] = {}
    for setting, environment in SETTINGS.items():
        report.print(f"\n{setting}")
        report.print(_heading(suite))
        tables[setting] = []
        for case in cases:
            rows = _in_its_process(suite, case, options, environment)
            if rows is None:
                failures.append(f"{case}, {setting}")
                report.print(f"{case:34}FAILED: it does not count")
                continue
            for row in rows:
                report.print(_line(suite, row))
                for note in row.notes:
                    report.print(f"{'':36}{note}")
            tables[setting] += rows
        _summarize(suite, tables[setting], report)
    suite.afterwards(report, options)
    report.write(options.results / f"{suite.name}.txt")
    draw(suite, tables, options.results / f"{suite.name}.svg")
    if failures:
        sys.exit(f"not measured: {'; '.join(failures)}")


def _in_its_process(
    suite: Suite, case: str, options: argparse.Namespace, environment: dict[str, str]
) -> list[Row] | None:
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "rows.json"
        command = [sys.executable, suite.script, "--measure", case, "--into", str(into)]
        command += ["--rounds", str(options.rounds), "--threads", str(options.threads)]
        environment = os.environ | threads_environment(options.threads) | environment
        ended = subprocess.run(command, env=environment, check=False)
        if ended.returncode:
            return None
        return [Row(**row) for row in json.loads(into.read_text())]


def _heading(suite: Suite) -> str:
    unit = suite.unit[0]
    line = f"{'':34}{'':10}{'cnnpy':>9}{'':9}{unit:>9}"
    for heading in suite.competitors.values():
        line += f"  |{heading:>16}{'':10}{unit:>9}{'':2}{'ratio of':>10}{'':10}"
    return line


def _line(suite: Suite, row: Row) -> str:
    line = f"{row.label:34}{row.part:10}{_times(suite, row, OURS)}"
    for who in suite.competitors:
        best = row.best_form(who)
        if best is None:
            line += f"  |{'-':>9}{'':46}"
            continue
        of = ratio(row.times[best], row.times[OURS])
        form = best.partition("/")[2]
        line += f"  |{_times(suite, row, best)} {form[:13]:13}"
        line += f"{of.of_minima:6.2f}{of.of_medians:6.2f}{of.of_rounds:6.2f}"
    return line.rstrip() + busy_note(row)


def busy_note(row: Row) -> str:
    """Say where a row was measured while others used the machine."""
    if row.others <= BUSY_CPUS:
        return ""
    return f"  ! {row.others:.1f} CPUs were busy with other programs"


def _times(suite: Suite, row: Row, name: str) -> str:
    seconds = row.times[name]
    median = statistics.median(seconds)
    rate = row.work / suite.unit[1] / median
    shown = f"{rate:9.0f}" if rate >= 100 else f"{rate:9.1f}"
    return f"{1e3 * min(seconds):9.3f}{1e3 * median:9.3f}{shown}"


def _ratios(rows: Sequence[Row], who: str) -> list[tuple[float, str]]:
    """Give the deciding ratio of each row that `who` is in, and the row's name."""
    found = []
    for row in rows:
        best = row.best_form(who)
        if best is not None:
            of_rounds = ratio(row.times[best], row.times[OURS]).of_rounds
            found.append((of_rounds, row.name))
    return found


def _summarize(suite: Suite, rows: Sequence[Row], report: Report) -> None:
    parts = list(dict.fromkeys(row.part for row in rows))
    groups = {"all": list(rows)}
    if len(parts) > 1:
        groups = {part: [row for row in rows if row.part == part] for part in parts} | groups
    disturbed = sum(row.others > BUSY_CPUS for row in rows)
    if disturbed:
        report.print(f"! the machine was not idle in {disturbed} of {len(rows)}: measure again")
    for who, heading in suite.competitors.items():
        for group, chosen in groups.items():
            ratios = _ratios(chosen, who)
            if ratios:
                least, where = min(ratios)
                behind = sum(value < 1 for value, _ in ratios)
                report.print(
                    f"beside {heading}, {group}: geometric mean "
                    f"{geometric_mean(value for value, _ in ratios):.2f}, least {least:.2f} "
                    f"({where}), behind in {behind} of {len(ratios)}"
                )


def draw(suite: Suite, tables: dict[str, list[Row]], path: Path) -> None:
    """Draw the ratios as bars, with a line where both are as fast.

    Parameters
    ----------
    suite : Suite
        Who competes.
    tables : mapping of str to list of Row
        By setting.
    path : Path
        An SVG file.
    """
    plt = pyplot(path)
    if plt is None or not any(tables.values()):
        return
    names = list(dict.fromkeys(row.name for rows in tables.values() for row in rows))
    n = len(suite.competitors)
    size = (3.2 + 2.6 * n, 1.1 + 0.21 * len(names))
    figure, axes = plt.subplots(
        1, n, figsize=size, sharey=True, squeeze=False, layout="constrained"
    )
    colours = dict(zip(tables, ("#9ecae1", "#08519c"), strict=False))
    height = 0.8 / len(tables)
    for axis, (who, heading) in zip(axes[0], suite.competitors.items(), strict=True):
        for k, (setting, rows) in enumerate(tables.items()):
            shift = (k - (len(tables) - 1) / 2) * height
            ratios = _ratios(rows, who)
            axis.barh(
                [names.index(name) + shift for _, name in ratios],
                [math.log2(value) for value, _ in ratios],
                height,
                color=colours[setting],
                label=setting,
            )
        axis.axvline(0, color="black", linewidth=1)
        low, high = axis.get_xlim()
        ticks = range(min(math.floor(low), -1), max(math.ceil(high), 1) + 1)
        axis.set_xticks(list(ticks), [f"{2.0**tick:g}" for tick in ticks])
        axis.grid(axis="x", linewidth=0.3)
        axis.set_title(f"{heading} / cnnpy", fontsize=9)
    axes[0][0].set_yticks(range(len(names)), names)
    axes[0][0].invert_yaxis()
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=7, loc="outside lower center", ncols=2)
    figure.suptitle(f"{suite.title}: their time / ours, above 1 cnnpy is ahead", fontsize=9)
    save(figure, path)
