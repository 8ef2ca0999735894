"""The compiled engine in processes and threads: its settings, forks, and callers at once."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnpy
from cnnpy import functional as F
from cnnpy.contract import OptionError

pytest.importorskip("cnnpy.backends.native._native")
engine = importlib.import_module("cnnpy.backends.native.engine")

TIMEOUT_S = 60
MOST_THREADS = 256


@pytest.fixture(autouse=True)
def threads() -> Any:
    before = engine.num_threads()
    yield
    engine.set_num_threads(before)


def passes() -> list[Any]:
    """Run ops that have workspaces of each worker."""
    rng = np.random.default_rng(0)
    results = []
    for groups, algorithm in ((1, "direct"), (1, "winograd"), (4, "auto")):
        x = rng.standard_normal((9, 8, 16, 15)).astype(np.float32)
        w = rng.standard_normal((12, 8 // groups, 3, 3)).astype(np.float32)
        options = {"padding": 1, "groups": groups, "algorithm": algorithm}
        with cnnpy.use_backend("native"):
            out, cache = F.conv2d_forward(x, w, **options)
        results += [out, *F.conv2d_backward(np.ones_like(out), cache, needs=("x", "w"))]
    return [np.array(r) for r in results if r is not None]


def bits() -> bytes:
    return b"".join(r.tobytes() for r in passes())


# --- settings from the environment ---------------------------------------------------


def python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


IMPORT = "import cnnpy.backends.native.engine as e; print(e.isa_level(), e.num_threads())"


def here() -> list[str]:
    return [name for name, is_here in engine.isa_levels().items() if is_here]


@pytest.mark.parametrize("wish", ["0", "-1", "257", "2.5", "many", "²", " 2", "9" * 40])
def test_a_wrong_number_of_threads_in_the_environment_is_an_error(wish: str) -> None:
    found = python(IMPORT, CNNPY_NUM_THREADS=wish)
    assert found.returncode == 1
    n = len(os.sched_getaffinity(0))
    assert found.stderr.endswith(
        f"BackendError: CNNPY_NUM_THREADS={wish!r}\n"
        "  expected: an integer from 1 to 256\n"
        f"  to mend:  use CNNPY_NUM_THREADS={n}\n"
    )


@pytest.mark.parametrize("wish", ["sse9", "AVX2 ", "0", "none"])
def test_a_level_that_nobody_built_is_an_error(wish: str) -> None:
    found = python(IMPORT, CNNPY_ISA=wish)
    assert found.returncode == 1
    assert found.stderr.endswith(
        f"BackendError: CNNPY_ISA={wish!r}\n"
        f"  expected: one of the levels that this machine has: {', '.join(here())}\n"
        f"  to mend:  use CNNPY_ISA={here()[0]}, or leave it out for the widest\n"
    )


def test_a_level_that_this_cpu_lacks_is_an_error_and_never_another_level() -> None:
    lacking = [name for name, is_here in engine.isa_levels().items() if not is_here]
    program = f"""
import cnnpy.backends.native._native as native
levels = native.levels()
native.levels = lambda: [(name, name != {here()[0]!r} and here) for name, here in levels]
{IMPORT}
"""
    for name, code in [(here()[0], program), *((name, IMPORT) for name in lacking)]:
        found = python(code, CNNPY_ISA=name)
        assert found.returncode == 1
        assert (
            f"BackendError: CNNPY_ISA={name!r}: built in, but this CPU or its system has no such "
            "registers\n  expected: one of the levels that this machine has: " in found.stderr
        )


def test_what_the_environment_asks_for_is_what_runs() -> None:
    for level in here():
        found = python(IMPORT, CNNPY_ISA=level, CNNPY_NUM_THREADS="3")
        assert found.stdout.split() == [level, "3"]


@pytest.mark.parametrize("n", [0, -1, 257, 2**31, 2**70, True, 1.0, "2", None])
def test_a_wrong_number_of_threads_is_refused_and_changes_nothing(n: Any) -> None:
    before = engine.num_threads()
    with pytest.raises(OptionError) as caught:
        engine.set_num_threads(n)
    assert str(caught.value).startswith(f"set_num_threads: n={n!r}\n  expected: ")
    assert engine.num_threads() == before


def test_the_most_threads_are_the_most_that_are_taken() -> None:
    engine.set_num_threads(np.int64(MOST_THREADS))
    assert engine.num_threads() == MOST_THREADS


# --- callers at once, processes that fork ----------------------------------------------


def test_twenty_callers_agree_while_the_number_of_threads_changes() -> None:
    engine.set_num_threads(1)
    alone = bits()
    done = threading.Event()
    found: list[bytes] = []

    def change() -> None:
        n = 0
        while not done.is_set():
            n = n % 7 + 1
            engine.set_num_threads(n)

    changing = threading.Thread(target=change)
    changing.start()
    callers = [
        threading.Thread(target=lambda: found.extend(bits() for _ in range(3))) for _ in range(20)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    done.set()
    changing.join()
    assert len(found) == 60
    assert set(found) == {alone}


def test_a_child_computes_after_a_fork() -> None:
    engine.set_num_threads(3)
    alone = bits()  # the parent's workers are there now, and not in the child
    for _ in range(3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
            child = os.fork()
        if child == 0:
            os._exit(0 if bits() == alone else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert bits() == alone


POOL = """
import multiprocessing, sys
import numpy as np
from cnnpy import functional as F
from cnnpy.backends.native import engine

def bits(n_threads):
    engine.set_num_threads(n_threads)
    x, w = (np.sin(np.arange(n, dtype=np.float32)) for n in (9 * 8 * 16 * 15, 12 * 8 * 3 * 3))
    out, cache = F.conv2d_forward(x.reshape(9, 8, 16, 15), w.reshape(12, 8, 3, 3))
    return b"".join(g.tobytes() for g in F.conv2d_backward(np.cos(out), cache)[:2])

if __name__ == "__main__":
    alone = bits(3)
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        assert set(pool.map_async(bits, [1, 2, 3, 4]).get(50)) == {alone}
"""


@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver"])
def test_processes_of_a_pool_agree(way: str, tmp_path: Path) -> None:
    program = tmp_path / "pool_of_processes.py"
    program.write_text(POOL)
    found = subprocess.run(
        [sys.executable, program, way],
        env=os.environ | {"CNNPY_BACKEND": "native"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert found.returncode == 0, found.stderr


@pytest.mark.skipif(
    "asan" in os.environ.get("LD_PRELOAD", ""), reason="the sanitizer claims all addresses"
)
def test_where_the_system_gives_no_more_threads_those_that_are_there_compute() -> None:
    program = """
import resource
import numpy as np
from cnnpy import functional as F
from cnnpy.backends.native import engine
x = np.ones((64, 8, 16, 16), dtype=np.float32)
w = np.ones((8, 8, 3, 3), dtype=np.float32)
engine.set_num_threads(1)
want = F.conv2d_forward(x, w)[0]
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 2**26, size + 2**26))  # eight stacks or fewer
engine.set_num_threads(100)
for _ in range(3):
    assert np.array_equal(F.conv2d_forward(x, w)[0], want)
threads = int(next(l for l in open("/proc/self/status") if l.startswith("Threads")).split()[1])
assert threads < 50, threads
"""
    found = python(program, CNNPY_BACKEND="native", OPENBLAS_NUM_THREADS="1")
    assert found.returncode == 0, found.stderr
