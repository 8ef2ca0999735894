"""A damaged file is a clear error or read right: no other error, no hang, no flood of memory.

Each kind is read in a process of its own, whose memory is measured. ``make fuzz`` draws a
hundred thousand files in all.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import cnnpy
from cnnpy.contract import CnnpyError

from .damage import damaged
from .formats import FORMATS

FEW, MANY = 300, 12_000
LONGEST_S = 10
MOST_BYTES = 1 << 30


def read_damaged_ones(name: str, n: int, seed: int) -> dict[str, object]:
    """Damage a file n times; say what came of it."""
    kind, rng = FORMATS[name], np.random.default_rng(seed)
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        path = kind.make(Path(folder))
        whole = path.read_bytes()
        good = kind.read(path)
        for k in range(n):
            how, content = kind.damage(whole, rng)
            path.write_bytes(content)
            signal.alarm(LONGEST_S)
            try:
                fine = kind.right(good, kind.read(path))
                outcomes["read"] += 1
                if not fine:
                    wrong.append(f"{k}, {how}: read otherwise than it was written")
            except CnnpyError as error:
                outcomes["refused"] += 1
                lines = str(error).splitlines()
                if len(lines) != 3 or not all(line.isprintable() for line in lines):
                    wrong.append(f"{k}, {how}: no three lines: {error}")
            except BaseException as error:
                wrong.append(f"{k}, {how}: {type(error).__name__}: {error}"[:300])
            finally:
                signal.alarm(0)
    return {"outcomes": outcomes, "wrong": wrong, "memory": most_memory()}


def most_memory() -> int:
    """Return the most bytes that this process had in memory, not counting its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


class Hung(BaseException):
    """Say that a file took longer than LONGEST_S to read."""


def hang(number: int, frame: object) -> None:
    raise Hung(f"longer than {LONGEST_S} s")


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_refused_or_read_right(name, profile, log_met):
    n = MANY if profile == "slow" else FEW
    places = [Path(__file__).parents[1], Path(cnnpy.__file__).parents[1]]
    process = subprocess.run(
        [sys.executable, "-m", "fuzz.test_damaged_files", name, str(n)],
        cwd=places[0],
        env={"PYTHONPATH": ":".join(map(str, places)), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stderr
    told = json.loads(process.stdout)
    log_met(f"{name}: {told['outcomes']}, memory {told['memory'] >> 20} MB")
    assert told["wrong"] == []
    assert sum(told["outcomes"].values()) == n
    assert told["memory"] < MOST_BYTES


def test_damages_are_drawn_and_change_what_they_are_given():
    rng = np.random.default_rng(0)
    made = [damaged(bytes(range(256)), rng) for _ in range(50)]
    assert len({how for how, _ in made}) > 6
    assert sum(content != bytes(range(256)) for _, content in made) > 40


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, hang)
    print(json.dumps(read_damaged_ones(sys.argv[1], int(sys.argv[2]), seed=11)))
