"""The judge's side of the fence: start the process, ask, wait no longer than allowed.

Nothing that comes from there is trusted: answers are decoded by :mod:`wire` and brought
into the form of an `Answer`, and a process that says anything else has failed.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import cnnpy
from cnnpy.check.fence.loading import LoadError
from cnnpy.check.fence.offered import Offered
from cnnpy.check.fence.session import Answer, Call, Kept
from cnnpy.check.fence.wire import HEAD, WireError, decode, encode, lengths

__all__ = ["Fenced", "Limits"]


@dataclass(frozen=True)
class Limits:
    """What the fenced process may take.

    Parameters
    ----------
    call_s : float
        The longest that one call may take.
    load_s : float
        The longest that importing the code may take.
    memory_bytes : int
        The most address space.
    answer_bytes : int
        The most bytes of one answer.
    file_bytes : int
        The most bytes in one file.
    processor_s : int
        The most processor time of one process.
    """

    call_s: float = 10.0
    load_s: float = 60.0
    memory_bytes: int = 4 << 30
    answer_bytes: int = 64 << 20
    file_bytes: int = 16 << 20
    processor_s: int = 3600


class Fenced:
    """Functions of a file or a package, in a process of their own.

    Parameters
    ----------
    path : Path
        The file or folder.
    modules : sequence of str
        Of a folder, the modules to look at.
    limits : Limits
        What the process may take.
    lent_from : str, optional
        The package that lends what the course hands out, where the code stands alone.
    alone : bool
        Whether a file may read itself only, and none of those beside it.
    old_division : bool
        Whether ``/`` is to divide there as in Python 2: of whole numbers to a whole one.

    Attributes
    ----------
    functions : dict
        By the name of each function and class, what is known of it: an `Offered`.
    notes : list of mapping
        What was lent, missing, old or not imported.
    unfenced : list of str
        What the system could not fence.

    Raises
    ------
    LoadError
        Where the code cannot be imported.

    Notes
    -----
    The process ends with the thread that made this object: one thread for each of several.
    """

    def __init__(
        self,
        path: Path,
        modules: Sequence[str] = (),
        limits: Limits | None = None,
        lent_from: str | None = None,
        alone: bool = False,
        old_division: bool = False,
    ) -> None:
        self.path = path.resolve()
        self.limits = limits or Limits()
        self._setup = {
            "path": str(self.path),
            "modules": list(modules),
            "lent_from": lent_from,
            "old_division": old_division,
            "readable": [
                str(self.path if alone or self.path.is_dir() else self.path.parent),
                *_ours(),
            ],
            "judge": os.getpid(),
            "memory_bytes": self.limits.memory_bytes,
            "processor_s": self.limits.processor_s,
            "file_bytes": self.limits.file_bytes,
        }
        self.notes: list[Mapping[str, Any]] = []
        self.functions: dict[str, Offered] = {}
        self.unfenced: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Fenced:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process and remove its folder."""
        self._end()

    def forget(self) -> None:
        """Drop what was kept over there."""
        if self._process is None:
            return
        try:
            self._ask("forget")
        except _EndedError:  # the next call finds a new one
            self._end()

    def call(self, call: Call) -> Answer:
        """Make a call over there.

        Parameters
        ----------
        call : Call
            What to call, with what.

        Returns
        -------
        Answer
            What became of it. Where the process ended over it, the answer says how, and
            the next call finds a new process, in which nothing is kept.
        """
        asked = {
            "function": call.function,
            "arguments": [_told(a) for a in call.arguments],
            "keywords": {k: _told(a) for k, a in call.keywords.items()},
            "keep": call.keep,
            "send": None if call.send is None else [list(path) for path in call.send],
            "manner": call.manner,
        }
        try:
            if self._process is None:
                self._start()
            self._ask(asked)
            answer = _answer_of(self._hear(self.limits.call_s))
            self._measure_scratch()
        except _EndedError as ended:
            self._end()
            return Answer(ended=str(ended))
        except LoadError as error:
            return Answer(ended=f"it could not be imported again: {error.what}")
        self._remember(answer.notes)
        return answer

    def rewrite(self, texts: Mapping[str, str]) -> bool:
        """Put other code behind names over there, and what was there before behind all others.

        Parameters
        ----------
        texts : mapping
            By name, a whole function, from def on. Nothing: all is as it was loaded.

        Returns
        -------
        bool
            False where a text is none of a plain function of that name. It is forgotten where
            the process ends.
        """
        try:
            if self._process is None:
                self._start()
            self._ask({"anew": dict(texts)})
            said = self._hear(self.limits.call_s)
        except _EndedError:
            self._end()
            return False
        except LoadError:
            return False
        return isinstance(said, dict) and said.get("anew") is True

    def _measure_scratch(self) -> None:
        """End a process that fills the disk; a limit holds for each file only."""
        used, entries, folders = 0, 0, [self._scratch]
        while folders:
            for entry in _entries_of(folders.pop()):
                entries += 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                else:
                    used += _size_of(entry)
            if used > self.limits.file_bytes:
                most = self.limits.file_bytes
                raise _EndedError(f"it wrote {used} bytes; at most {most} are taken")
            if entries > _MOST_FILES:
                raise _EndedError(f"it made over {_MOST_FILES} files and folders")

    def _remember(self, notes: Sequence[Mapping[str, Any]]) -> None:
        self.notes += [note for note in notes if note not in self.notes]

    def _start(self) -> None:
        asked_read, self._asked = os.pipe()
        self._answers, answers_write = os.pipe()
        self._scratch = Path(tempfile.mkdtemp(prefix="cnnpy-check-"))
        program = (
            "import sys; sys.path[:] = sys.argv[3:]; "
            "from cnnpy.check.fence.child import main; main(int(sys.argv[1]), int(sys.argv[2]))"
        )
        # isolated, and without site: nothing that others may write to runs before the fence
        command = [sys.executable, "-I", "-S", "-B", "-c", program]
        self._process = subprocess.Popen(
            [*command, str(asked_read), str(answers_write), *self._import_from()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(asked_read, answers_write),
            cwd=self._scratch,
            env=self._environment(),
            start_new_session=True,
        )
        os.close(asked_read)
        os.close(answers_write)
        try:
            self._ask({**self._setup, "scratch": str(self._scratch)})
            self._take(self._hear(self.limits.load_s))
        except _EndedError as ended:
            self._end()
            mend = "importing the module must neither end Python nor wait"
            raise LoadError("SystemExit", None, str(ended), mend) from None

    def _import_from(self) -> list[str]:
        """List the judge's folders of modules, but for those where strangers may write."""
        home = str(Path(cnnpy.__file__).parents[1])
        mine = (self.path, Path.cwd())
        others = [p for p in sys.path if Path(p).is_absolute() and Path(p).resolve() not in mine]
        return list(dict.fromkeys([home, *others]))

    def _take(self, offered: Any) -> None:
        if isinstance(offered, dict) and isinstance(offered.get("not_loaded"), list):
            kind, line, what, mend = (offered["not_loaded"] + [None] * 4)[:4]
            self._end()
            at = line if isinstance(line, int) else None
            raise LoadError(str(kind), at, str(what), str(mend))
        functions = offered.get("functions") if isinstance(offered, dict) else None
        if not isinstance(functions, dict):
            raise _EndedError("it said nothing of its functions")
        self.functions = {name: _offered_of(said) for name, said in functions.items()}
        unfenced = offered.get("unfenced")
        self.unfenced = [str(line) for line in unfenced] if isinstance(unfenced, list) else []
        self._remember(_mappings(offered.get("notes")))

    def _environment(self) -> dict[str, str]:
        kept = ("PATH", "LD_LIBRARY_PATH", "LANG")
        scratch = str(self._scratch)
        return {name: os.environ[name] for name in kept if name in os.environ} | {
            "HOME": scratch,
            "TMPDIR": scratch,
            "MPLCONFIGDIR": scratch,
            "MPLBACKEND": "Agg",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        }

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        os.close(self._asked)
        os.close(self._answers)
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()
        process.wait()
        _remove(self._scratch)

    def _ask(self, value: Any) -> None:
        message = memoryview(encode(value))
        deadline = time.monotonic() + self.limits.call_s
        os.set_blocking(self._asked, False)
        while message:
            _, ready, _ = select.select(
                [], [self._asked], [], max(0.0, deadline - time.monotonic())
            )
            if not ready:
                raise _EndedError(f"it did not listen for {self.limits.call_s:g} s")
            try:
                message = message[os.write(self._asked, message) :]
            except BrokenPipeError:
                raise self._how_it_ended() from None

    def _hear(self, seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        try:
            head = self._exactly(HEAD.size, deadline, seconds)
            header, payload = lengths(head, self.limits.answer_bytes)
            return decode(self._exactly(header + payload, deadline, seconds), header)
        except WireError as error:
            raise _EndedError(f"it sent what is no answer: {error}") from None

    def _exactly(self, size: int, deadline: float, seconds: float) -> bytes:
        parts: list[bytes] = []
        while size:
            ready, _, _ = select.select(
                [self._answers], [], [], max(0.0, deadline - time.monotonic())
            )
            if not ready:
                raise _EndedError(f"it did not return within {seconds:g} s")
            part = os.read(self._answers, min(size, 1 << 20))
            if not part:
                raise self._how_it_ended()
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _how_it_ended(self) -> _EndedError:
        assert self._process is not None
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return _EndedError("it closed its side and went on running")
        if code >= 0:
            return _EndedError(f"it ended Python with exit code {code}")
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return _EndedError(f"it crashed Python: {_SIGNALS.get(name, name)}")


_SIGNALS = {
    "SIGSEGV": "SIGSEGV, a segmentation fault",
    "SIGABRT": "SIGABRT, aborted",
    "SIGFPE": "SIGFPE, an arithmetic fault",
    "SIGKILL": "SIGKILL, killed",
    "SIGXCPU": "SIGXCPU, out of processor time",
}


class _EndedError(Exception):
    """Say how a fenced process came to its end."""


_MOST_FILES = 1000


def _entries_of(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(islice(entries, _MOST_FILES + 1))
    except OSError:  # it went away meanwhile
        return []


def _ours() -> list[str]:
    """List what of ours lies elsewhere: an engine that is built beside its sources is a link."""
    extensions = Path(cnnpy.__file__).parent.rglob("*.so")
    return [str(path.resolve()) for path in extensions if path.is_symlink()]


def _size_of(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:  # it went away meanwhile
        return 0


def _remove(folder: Path) -> None:
    """Remove a folder that somebody else has filled, however deep."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except RecursionError:
        subprocess.run(["rm", "-rf", "--", str(folder)], check=False)


def _told(value: Any) -> Any:
    if isinstance(value, Kept):
        return {"kept": value.name, "path": list(value.path)}
    return value


def _offered_of(said: Any) -> Offered:
    methods = said.get("methods") if isinstance(said, dict) else None
    if not isinstance(methods, dict) or not all(isinstance(p, tuple) for p in methods.values()):
        raise _EndedError("it said nothing of its functions")
    parameters = {name: tuple(str(p)[:100] for p in ps[:100]) for name, ps in methods.items()}
    return Offered(str(said.get("module"))[:200], parameters, said.get("tensors") is True)


def _answer_of(said: Any) -> Answer:
    """Bring what the other side said into form, field by field."""
    if not isinstance(said, dict):
        raise _EndedError("it sent what is no answer")
    error, changed, count = said.get("error"), said.get("changed"), said.get("count")
    returned = said.get("returned")
    return Answer(
        returned=returned,
        type_name=str(said.get("type_name", ""))[:100],
        count=count if type(count) is int else None,
        error=_error_of(error) if isinstance(error, dict) else None,
        changed=tuple(map(str, changed)) if isinstance(changed, tuple | list) else (),
        shared=said.get("shared") is True,
        notes=_mappings(said.get("notes")),
    )


def _error_of(error: dict[str, Any]) -> dict[str, Any]:
    line, kinds = error.get("line"), error.get("kind")
    said = {name: error.get(name) for name in ("says", "file", "code", "inside", "mend")}
    words = {name: value[:500] if isinstance(value, str) else None for name, value in said.items()}
    return words | {
        "kind": [str(k)[:100] for k in kinds] if isinstance(kinds, list) and kinds else ["?"],
        "says": words["says"] or "",
        "line": line if type(line) is int else None,
    }


def _mappings(notes: Any) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(notes, list | tuple):
        return ()
    plain = (str, int, type(None))
    return tuple(
        {str(k): v for k, v in note.items() if isinstance(v, plain)}
        for note in notes[:100]
        if isinstance(note, dict)
    )
