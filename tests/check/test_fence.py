"""Somebody else's code: whatever it does, the judge lives, and others' results stay theirs."""

from __future__ import annotations

import json
import os
import platform
import stat
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnpy.check.checking import check_path
from cnnpy.check.fence import Answer, Call, Fenced, Kept, Limits
from cnnpy.check.fence.loading import LoadError
from cnnpy.check.trial import Effort

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="held by Linux alone")

QUICK = Limits(call_s=30.0, load_s=30.0)

Fence = Callable[..., Fenced]


@pytest.fixture
def fence(tmp_path: Path) -> Iterator[Fence]:
    """Give ``fence(source)``: the functions of that source, fenced in."""
    opened: list[Fenced] = []
    home = tmp_path / "submission"
    home.mkdir()

    def make(source: str, name: str = "layers.py", **options: Any) -> Fenced:
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        opened.append(Fenced(path, limits=options.pop("limits", QUICK), **options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def run(fenced: Fenced, function: str, *arguments: Any, **options: Any) -> Answer:
    return fenced.call(Call(function, arguments, **options))


# --- what a call gives -----------------------------------------------------------------


def test_arrays_go_over_and_come_back_and_a_cache_stays_there(fence: Fence) -> None:
    fenced = fence(
        """
        def forward(x, param):
            return x * param["factor"], (x, param, object())
        def backward(dout, cache):
            x, param, _ = cache
            return dout * param["factor"], x
        """
    )
    first = run(fenced, "forward", np.arange(3.0), {"factor": 2}, keep="a", send=((0,),))
    assert first.form == "a tuple of 2"
    np.testing.assert_array_equal(first.returned[0], [0.0, 2.0, 4.0])
    second = run(fenced, "backward", np.ones(3), Kept("a", ("returned", 1)))
    np.testing.assert_array_equal(second.returned[0], [2.0, 2.0, 2.0])
    np.testing.assert_array_equal(second.returned[1], [0.0, 1.0, 2.0])


def test_an_error_is_an_answer_with_its_line(fence: Fence) -> None:
    answer = run(fence("\n\ndef f(x):\n    return x[7]\n"), "f", np.ones(2))
    assert answer.error is not None
    assert "IndexError" in answer.error["kind"]
    assert (answer.error["line"], answer.error["file"]) == (4, "layers.py")


def test_arguments_that_were_written_to_are_named_even_when_it_happens_later(fence: Fence) -> None:
    fenced = fence(
        """
        def forward(x, w):
            return x + w, x
        def backward(dout, cache):
            cache[...] = 0
            dout *= 2
            return dout
        """
    )
    assert run(fenced, "forward", np.ones(2), np.ones(2), keep="a").changed == ()
    answer = run(fenced, "backward", np.ones(2), Kept("a", ("returned", 1)))
    assert answer.changed == ("forward:0", "backward:0")


def test_results_that_share_their_memory_are_told(fence: Fence) -> None:
    fenced = fence(
        "def f(x):\n    y = x + 1\n    return y, y[::-1]\ndef g(x):\n    return x, x + 1\n"
    )
    assert run(fenced, "f", np.ones(3)).shared
    assert not run(fenced, "g", np.ones(3)).shared


def test_a_layout_is_what_the_function_gets(fence: Fence) -> None:
    fenced = fence("def f(x):\n    return x.flags.writeable, x.strides\n")
    assert run(fenced, "f", np.ones((2, 2)), manner="read-only").returned[0] is False
    assert run(fenced, "f", np.ones((2, 2)), manner="backwards").returned[1] == (-16, -8)


def test_what_is_printed_is_no_part_of_an_answer(fence: Fence) -> None:
    fenced = fence('def f():\n    print("all tests passed", flush=True)\n    return 3\n')
    assert run(fenced, "f").returned == 3


# --- hostile code ----------------------------------------------------------------------

ENDS = {
    "sys.exit": ("import sys; sys.exit(0)", "SystemExit"),
    "os._exit": ("import os; os._exit(0)", "it ended Python with exit code 0"),
    "an endless loop": ("while True: pass", "it did not return within 1 s"),
    "an endless loop that catches": (
        "while True:\n        try:\n            while 1: pass\n        except BaseException: pass",
        "it did not return within 1 s",
    ),
    "a terabyte": ("import numpy; return numpy.ones((1 << 40,), 'u1')", "MemoryError"),
    "memory bit by bit": (
        "import numpy\n    all = []\n    while True: all.append(numpy.ones(1 << 24))",
        "MemoryError",
    ),
    "an endless recursion": ("return f()", "RecursionError"),
    "a segmentation fault": ("import ctypes; ctypes.string_at(0)", "segmentation fault"),
    "abort": ("import os; os.abort()", "SIGABRT"),
    "nonsense in every pipe": (
        "import os\n    for fd in range(3, 64):\n        try: os.write(fd, b'{}' * 99)\n"
        "        except OSError: pass",
        "no answer",
    ),
    "closed pipes": ("import os; os.closerange(3, 64)", ""),
    "a keyboard interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "its own signal": ("import signal; signal.raise_signal(9)", "SIGKILL"),
    "a huge answer": ("import numpy; return numpy.ones(1 << 24)", "at most"),
    "a deep answer": ("x = []\n    for _ in range(10 ** 5): x = [x]\n    return x", None),
}


@pytest.mark.parametrize("how", ENDS)
def test_however_a_call_ends_it_is_an_answer_and_the_next_one_is_served(
    fence: Fence, how: str
) -> None:
    body, said = ENDS[how]
    limits = Limits(1.0 if "loop" in how else 30.0, 30.0, 1 << 30)
    fenced = fence(f"def f():\n    {body}\ndef g():\n    return 7\n", limits=limits)
    answer = run(fenced, "f")
    if said is not None:
        told = answer.ended or f"{answer.error}"
        assert said in told
        assert not answer.went_well
    assert run(fenced, "g").returned == 7


REFUSED = {
    "a fork": "os.fork()",
    "a fork bomb": "[os.fork() for _ in range(100)]",
    "another program": "subprocess.run(['true'])",
    "a shell": "os.system('true') == 0 or 1 / 0",
    "a spawned program": "os.posix_spawn('/bin/true', ['true'], {})",
    "multiprocessing": "multiprocessing.Process(target=print).start()",
    "the network": "socket.create_connection(('127.0.0.1', 9))",
    "a socket": "socket.socket(socket.AF_UNIX)",
    "the judge's end": "os.kill(os.getppid(), 9)",
    "everybody's end": "os.killpg(0, 9)",
    "higher limits": "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    "the judge's limits": "resource.prlimit(os.getppid(), resource.RLIMIT_AS, (0, 0))",
    "another's file": "open(VICTIM).read()",
    "another's deletion": "os.remove(VICTIM)",
    "another's change": "open(VICTIM, 'a').write('x')",
    "another's end": "os.truncate(VICTIM, 0)",
    "another's rights": "os.chmod(VICTIM, 0o777)",
    "another's name": "os.rename(VICTIM, VICTIM + 'x')",
    "its own file": "open(__file__, 'a').write('x')",
    "a file beside it": "open(os.path.join(os.path.dirname(__file__), 'new'), 'w')",
    "a folder beside it": "os.mkdir(os.path.join(os.path.dirname(__file__), 'new'))",
    "a link": "os.symlink(VICTIM, VICTIM + 'x')",
    "the judge's memory": "open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
    "the judge's environment": "open(f'/proc/{os.getppid()}/environ', 'rb').read(1)",
    "passwords": "open('/etc/shadow').read()",
    "a file of many gigabytes": "open('big', 'wb').truncate(1 << 34)",
    "another's time": "os.utime(VICTIM, (0, 0))",
    "signals to the judge by a pipe": "fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())",
    "a life after the judge's": "ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) == 0 or 1 / 0",
}


@needs_linux
@pytest.mark.parametrize("what", REFUSED)
def test_what_a_layer_does_not_need_is_refused_and_nobody_else_is_hurt(
    fence: Fence, tmp_path: Path, what: str
) -> None:
    victim = tmp_path / "another.py"
    victim.write_text("theirs")
    rights = stat.S_IMODE(victim.stat().st_mode)
    fenced = fence(
        f"""
        import ctypes, fcntl, multiprocessing, os, resource, socket, subprocess
        VICTIM = {str(victim)!r}
        def f():
            return {REFUSED[what]}
        def g():
            return 7
        """
    )
    answer = run(fenced, "f")
    assert not answer.went_well, answer
    assert run(fenced, "g").returned == 7
    assert victim.read_text() == "theirs"
    assert stat.S_IMODE(victim.stat().st_mode) == rights
    assert sorted(p.name for p in tmp_path.iterdir()) == ["another.py", "submission"]
    assert [p.name for p in (tmp_path / "submission").iterdir()] == ["layers.py"]


@needs_linux
@pytest.mark.skipif(platform.machine() != "x86_64", reason="a number of x86-64's")
def test_no_older_call_of_the_system_sets_the_time_of_a_file(fence: Fence, tmp_path: Path) -> None:
    victim = tmp_path / "another.py"
    victim.write_text("theirs")
    before = victim.stat().st_mtime_ns
    fenced = fence(
        f"import ctypes\ndef f():\n"
        f"    return ctypes.CDLL(None).syscall(261, -100, {bytes(victim)!r}, bytes(32))\n"
    )
    assert run(fenced, "f").returned == -1
    assert victim.stat().st_mtime_ns == before


def test_nothing_that_the_caller_may_write_to_runs_before_the_fence(
    fence: Fence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    site = tmp_path / ".local" / "lib" / version / "site-packages"
    site.mkdir(parents=True)
    (site / "early.pth").write_text(f"import os; open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "submission"))
    fenced = fence("def f():\n    return 7\n", "numpy.py")
    assert run(fenced, "f").returned == 7
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_fills_the_disk_ends_the_process(fence: Fence) -> None:
    body = "    for k in range(40): open(str(k), 'wb').write(bytes(1 << 20))\n"
    fenced = fence(f"def f():\n{body}def g():\n    return 7\n")
    assert "it wrote" in str(run(fenced, "f").ended)
    assert run(fenced, "g").returned == 7


def test_a_folder_that_is_thousands_deep_is_removed(fence: Fence) -> None:
    fenced = fence(
        """
        import os
        def f():
            for _ in range(3000):
                os.mkdir("d")
                os.chdir("d")
            return True
        """
    )
    folder = Path(
        str(run(fence("import os\ndef f():\n    return os.getcwd()\n", "w.py"), "f").returned)
    )
    assert "1000 files and folders" in str(run(fenced, "f").ended)
    fenced.close()
    assert folder.parent.is_dir()
    assert not [p for p in folder.parent.glob("cnnpy-check-*") if (p / "d").exists()]


FORGED = [
    [],
    7,
    {},
    {"returned": 1},
    {"error": 7},
    {"error": {"dict": []}},
    {"error": {"dict": [["kind", []], ["line", "x"], ["says", 7], ["mend", []]]}},
    {"changed": 7},
    {"dict": [["notes", 7]]},
    {"dict": [["notes", [7, {"dict": [["what", "old"]]}, {"dict": [["what", []]]}]]]},
    {"dict": [["count", "x"], ["changed", [[]]], ["type_name", []], ["shared", "yes"]]},
    {"dict": [["functions", 7]]},
    {"dict": [["returned", [{"array": ["<f8", [2, 2]]}]]]},
    {"dict": [["returned", [{"opaque": "x" * 9999}]], ["count", 2]]},
    {"dict": [["returned", {"tuple": [1, 2, 3]}], ["count", 2]]},
    {"dict": [["returned", [None]], ["count", 2], ["error", None]]},
]


@pytest.mark.parametrize("where", ["forward", "backward", "import"])
@pytest.mark.parametrize("forged", FORGED, ids=str)
def test_answers_that_are_forged_end_in_a_report_and_never_in_a_pass(
    tmp_path: Path, forged: Any, where: str
) -> None:
    path = tmp_path / "layers.py"
    path.write_text(
        textwrap.dedent(
            f"""
            import numpy as np, os, struct
            def forge():
                header = {json.dumps(forged).encode()!r}
                for fd in range(3, 20):
                    try: os.write(fd, struct.pack(">II", len(header), 0) + header)
                    except OSError: pass
                os._exit(0)
            if {where == "import"}: forge()
            def relu_forward(x):
                if {where == "forward"}: forge()
                return np.maximum(x, 0), x
            def relu_backward(dout, cache):
                if {where == "backward"}: forge()
                return dout * (cache > 0)
            """
        )
    )
    report = check_path(path, effort=Effort(1, 5.0), limits=Limits(call_s=5.0, load_s=5.0))
    assert report.exit_code() in (1, 2)


@needs_linux
def test_threads_and_a_scratch_folder_are_allowed_and_the_folder_goes_with_the_fence(
    fence: Fence,
) -> None:
    fenced = fence(
        """
        import os, threading
        def f():
            heard = []
            one = threading.Thread(target=heard.append, args=(1,))
            one.start(); one.join()
            open("notes", "w").write("mine")
            return heard, open("notes").read(), os.getcwd()
        """
    )
    heard, notes, folder = run(fenced, "f").returned
    assert (heard, notes) == ([1], "mine")
    assert Path(folder).is_dir()
    fenced.close()
    assert not Path(folder).exists()


def test_what_it_does_to_numpy_stays_there(fence: Fence) -> None:
    fenced = fence(
        """
        import numpy as np
        np.sum = np.allclose = np.array_equal = lambda *a, **k: True
        def f(x):
            x += 1
            return np.sum(x)
        """
    )
    assert run(fenced, "f", np.zeros(2)).changed == ("f:0",)
    assert np.sum(np.ones(2)) == 2.0


def test_no_process_is_left_behind(fence: Fence) -> None:
    fenced = fence("import os\ndef f():\n    return os.getpid()\n")
    pid = run(fenced, "f").returned
    fenced.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_two_fences_know_nothing_of_each_other(fence: Fence) -> None:
    first = fence("def f():\n    open('mine', 'w').write('1')\n", "a/layers.py")
    second = fence("import os\ndef f():\n    return os.listdir('.')\n", "b/layers.py")
    assert run(first, "f").went_well
    assert run(second, "f").returned == []


# --- loading -----------------------------------------------------------------------------

NOT_LOADED = {
    "import os; os._exit(0)": "ended Python with exit code 0",
    "import sys; sys.exit('passed')": "SystemExit",
    "raise RuntimeError('no')": "RuntimeError: no",
    "while True: pass": "did not return",
    "def f(:": "SyntaxError",
    "\0": "null bytes",
}


@pytest.mark.parametrize("source", NOT_LOADED, ids=repr)
def test_a_file_that_cannot_be_imported_is_an_error_in_words(fence: Fence, source: str) -> None:
    begin = time.monotonic()
    with pytest.raises(LoadError) as caught:
        fence(source, limits=Limits(load_s=3.0))
    assert NOT_LOADED[source] in caught.value.what
    assert time.monotonic() - begin < 15


PYTHON_2 = {
    'def f():\n    print "hello"\n': (2, "print is a function"),
    "def f(x):\n    try:\n        pass\n    except IOError, e:\n        pass\n": (
        4,
        "except (A, B)",
    ),
    "def f():\n    raise ValueError, 'no'\n": (2, "raise Error(words)"),
    "def f(x):\n    return x <> 1\n": (2, "!="),
    "def f(x):\n    return `x`\n": (2, "repr(a)"),
    "x = 10L\n": (1, "drop the L"),
    "import numpy\n%matplotlib inline\n": (2, "notebook"),
}


@pytest.mark.parametrize("source", PYTHON_2, ids=repr)
def test_code_for_python_2_is_told_what_to_change_and_where(fence: Fence, source: str) -> None:
    with pytest.raises(LoadError) as caught:
        fence(source)
    line, mend = PYTHON_2[source]
    assert caught.value.line == line
    assert mend in caught.value.mend


def test_old_names_work_on_and_are_noted_down(fence: Fence) -> None:
    fenced = fence(
        """
        import numpy as np
        def f(n):
            places = np.mat([[n, 1]]).argmax(), np.lib.pad([n], 1, "constant").tolist()
            return [np.float(k) for k in xrange(n)], np.Inf, *places
        """
    )
    assert run(fenced, "f", 2).returned == ([0.0, 1.0], np.inf, 0, [0, 2, 0])
    old = {note["name"]: note["now"] for note in fenced.notes}
    assert old == {
        "np.float": "float",
        "xrange": "range",
        "np.Inf": "np.inf",
        "np.mat": "np.asarray, or np.asmatrix where a matrix is meant",
        "np.lib.pad": "np.pad",
    }


OLD_NAMES = {
    # what was written, what it gives, and the name that is noted down
    "np.mat([1, 2])[0, 1]": (2, "np.mat"),
    "np.lib.pad([1], 1)[0]": (0, "np.lib.pad"),
    "np.product([2, 3])": (6, "np.product"),
    "np.trapz([1, 3])": (2.0, "np.trapz"),
    "np.alen([1, 2])": (2, "np.alen"),
    "list(itertools.izip([1], [2]))": ([(1, 2)], "itertools.izip"),
    "cmp(2, 1)": (1, "cmp"),
}


@pytest.mark.parametrize("written", OLD_NAMES)
def test_an_old_name_gives_what_it_gave_and_is_noted_with_its_place(
    fence: Fence, written: str
) -> None:
    fenced = fence(
        f"import itertools\nimport numpy as np\ndef f():\n    return helper()\n"
        f"def helper():\n    return {written}\n"
    )
    gives, name = OLD_NAMES[written]
    assert run(fenced, "f").returned == gives
    (note,) = fenced.notes
    assert (note["name"], note["line"], note["function"]) == (name, 6, "helper")


TOLD = {
    "np.cast[float](1)": "np.cast is no more: use np.asarray",
    "np.ones(2).itemset(0, 1)": "a[k] = v",
    "np.array(1.0, copy=False, dtype=int)": "np.asarray(a)",
    "np.reshape([1, 2], newshape=2)": "newshape is shape",
    "np.zeros(4 / 2)": "//",
    "np.array([[1], [1, 2]])": "differ in length",
    "-np.array([True])": "~mask",
    "{1: 2}.keys()[0]": "list(d.keys())",
    "map(int, '12')[0]": "list(map(...))",
    "range(2) + range(2)": "list(range(...))",
    "iter([1]).next()": "next(it)",
    "time.clock()": "time.perf_counter",
    "file('a')": "file is open",
}


@pytest.mark.parametrize("written", TOLD)
def test_what_cannot_be_put_back_is_told_where_it_breaks_also_in_a_helper(
    fence: Fence, written: str
) -> None:
    fenced = fence(
        f"import time\nimport numpy as np\ndef f():\n    return helper()\n"
        f"def helper():\n    return {written}\n"
    )
    error = run(fenced, "f").error
    assert error is not None
    assert TOLD[written] in error["mend"]
    assert (error["line"], error["inside"]) == (6, "helper")


def test_an_error_of_python_2_arithmetic_says_what_to_change(fence: Fence) -> None:
    answer = run(fence("def f(n):\n    return list(range(n / 2))\n"), "f", 4)
    assert answer.error is not None
    assert answer.error["mend"] == "/ gives a float in Python 3: use //"


def test_a_module_that_is_missing_stops_only_what_needs_it(fence: Fence) -> None:
    fenced = fence(
        """
        import not_there_at_all as nt
        from not_there_either.part import thing
        def f():
            return 7
        def g():
            return nt.jit(3)
        """
    )
    assert run(fenced, "f").returned == 7
    answer = run(fenced, "g")
    assert answer.error is not None
    assert "not_there_at_all.jit" in answer.error["says"]
    assert {"what": "missing", "module": "not_there_at_all"} in fenced.notes


def test_helpers_of_the_course_are_lent_where_they_are_missing(fence: Fence) -> None:
    fenced = fence(
        """
        from .im2col import im2col_indices
        from cs231n.fast_layers import *
        def f(x):
            return im2col_indices(x, 2, 2, padding=0, stride=1)
        """,
        lent_from="cnnpy.cs231n",
    )
    assert run(fenced, "f", np.ones((1, 1, 2, 2))).returned.shape == (4, 1)
    assert {"what": "lent", "module": "cs231n.fast_layers"} in fenced.notes


def test_what_lets_a_file_run_in_python_2_and_3_is_lent(fence: Fence) -> None:
    fenced = fence(
        """
        from past.builtins import xrange
        from six.moves import range, cPickle
        def f(n):
            return sum(xrange(n)) + sum(range(n))
        """
    )
    assert run(fenced, "f", 5).returned == 20
    assert [n for n in fenced.notes if n["what"] != "lent"] == []
    assert {n["module"] for n in fenced.notes} <= {"past.builtins", "six.moves"}


def test_a_package_is_imported_as_a_package(fence: Fence, tmp_path: Path) -> None:
    package = tmp_path / "submission" / "cs231n"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text("FACTOR = 3\n")
    fenced = fence(
        "from cs231n.helper import FACTOR\nfrom .helper import FACTOR as same\n"
        "def f():\n    return FACTOR * same\n",
        "cs231n/layers.py",
    )
    assert run(fenced, "f").returned == 9


GUARDED = {
    "an import": "try:\n    import not_there\nexcept ImportError:\n    not_there = None\n",
    "any error": "try:\n    from not_there import x\nexcept:\n    not_there = None\n",
    "one of two": (
        "try:\n    import not_there\n"
        "except (KeyError, ModuleNotFoundError):\n    not_there = None\n"
    ),
}


@pytest.mark.parametrize("how", GUARDED)
def test_an_import_that_the_code_is_ready_to_lose_fails(fence: Fence, how: str) -> None:
    fenced = fence(GUARDED[how] + "def f():\n    return not_there is None\n")
    assert run(fenced, "f").returned is True
    assert fenced.notes == []


def test_old_names_that_a_file_asks_for_first_are_no_finding(fence: Fence) -> None:
    fenced = fence(
        """
        import numpy as np
        try:
            xrange
        except NameError:
            xrange = range
        def f(n):
            return len(xrange(n))
        """
    )
    assert run(fenced, "f", 2).returned == 2
    assert fenced.notes == []


@pytest.mark.parametrize("options", ["", "(nopython=True)"])
def test_a_missing_decorator_leaves_the_function_as_it_is(fence: Fence, options: str) -> None:
    fenced = fence(f"from not_there import jit\n@jit{options}\ndef f():\n    return 7\n")
    assert run(fenced, "f").returned == 7


def test_of_a_folder_what_others_wrote_is_not_looked_at(tmp_path: Path) -> None:
    folder = tmp_path / ".hidden" / "mine"
    for place in ("", "venv/lib", ".git", "py3/lib/site-packages", "mine_too"):
        (folder / place).mkdir(parents=True, exist_ok=True)
        name = place.replace("/", "_").replace(".", "_") or "own"
        (folder / place / f"{name}.py").write_text(f"def {name}():\n    return 1\n")
    with Fenced(folder, limits=QUICK) as fenced:
        assert set(fenced.functions) == {"own", "mine_too"}


def test_files_of_one_name_and_names_of_python_s_own_modules_are_all_looked_at(
    tmp_path: Path,
) -> None:
    for place, name in (("a", "part"), ("b", "part"), ("c", "json"), ("d", "random")):
        (tmp_path / place).mkdir()
        (tmp_path / place / f"{name}.py").write_text(f"def of_{place}():\n    return '{place}'\n")
    with Fenced(tmp_path, limits=QUICK) as fenced:
        modules = {name: offered.module for name, offered in fenced.functions.items()}
        assert modules == {
            "of_a": "a.part",
            "of_b": "b.part",
            "of_c": "c.json",
            "of_d": "d.random",
        }
        assert [run(fenced, f"of_{c}").returned for c in "abcd"] == ["a", "b", "c", "d"]
