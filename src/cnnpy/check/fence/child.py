"""The program in the fenced process: load, shut the door, answer.

It speaks over two file descriptors of its own. What the code prints goes nowhere.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from cnnpy.check.fence.confine import confine, die_with_the_parent, limit
from cnnpy.check.fence.loading import LoadError, load
from cnnpy.check.fence.offered import offered
from cnnpy.check.fence.redefining import Redefinitions
from cnnpy.check.fence.session import Call, Kept, Session
from cnnpy.check.fence.wire import HEAD, decode, encode, lengths

__all__ = ["main"]

_LARGEST_QUESTION = 1 << 31


def main(asked_fd: int, answers_fd: int) -> None:
    """Serve the questions of the parent until it closes.

    Parameters
    ----------
    asked_fd, answers_fd : int
        File descriptors to read questions from and to write answers to.
    """
    setup = _read(asked_fd)
    die_with_the_parent(setup["judge"])
    path, scratch = Path(setup["path"]), Path(setup["scratch"])
    np.ones((2, 2)) @ np.ones((2, 2))  # what the linear algebra takes for its threads, now
    _silence()
    readable = [path, *map(Path, setup["readable"])]
    limit(setup["memory_bytes"], setup["processor_s"], setup["file_bytes"])
    missing = confine(readable, scratch)
    os.chdir(scratch)
    try:
        loaded = load(path, setup["modules"], setup["lent_from"], setup["old_division"])
    except LoadError as error:
        _write(answers_fd, {"not_loaded": list(error.args)})
        return
    session = Session(loaded.functions, loaded.files, loaded.notes)
    written_anew = Redefinitions(loaded.functions, setup["old_division"])
    functions = {
        name: vars(offered(value, loaded.modules[name])) for name, value in loaded.functions.items()
    }
    _write(answers_fd, {"functions": functions, "unfenced": missing, "notes": loaded.notes})
    while True:
        try:
            asked = _read(asked_fd)
        except EOFError:
            return
        if asked == "forget":
            session.forget()
            continue
        if "anew" in asked:
            written_anew.restore()
            good = [written_anew.redefine(name, text) for name, text in asked["anew"].items()]
            _write(answers_fd, {"anew": all(good)})
            continue
        answer = session.call(_call_of(asked))
        try:
            message = encode(_plain(vars(answer)))
        except MemoryError:
            message = encode({"error": {"kind": ["MemoryError"], "says": "a result too large"}})
        _send(answers_fd, message)


def _silence() -> None:
    """Let what the code prints go nowhere: it is no part of an answer."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    sys.stdout = open(1, "w", errors="replace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", errors="replace", closefd=False)  # noqa: SIM115


def _call_of(asked: Any) -> Call:
    return Call(
        asked["function"],
        [_kept(a) for a in asked["arguments"]],
        {k: _kept(a) for k, a in asked["keywords"].items()},
        asked["keep"],
        None if asked["send"] is None else tuple(tuple(path) for path in asked["send"]),
        asked["manner"],
    )


def _kept(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"kept", "path"}:
        return Kept(value["kept"], tuple(value["path"]))
    return value


def _plain(answer: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is as it is by default: answers are many."""
    return {key: value for key, value in answer.items() if value is not None}


def _read(fd: int) -> Any:
    header, payload = lengths(_exactly(fd, HEAD.size), _LARGEST_QUESTION)
    return decode(_exactly(fd, header + payload), header)


def _exactly(fd: int, size: int) -> bytes:
    parts = []
    while size:
        part = os.read(fd, min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(fd: int, value: Any) -> None:
    _send(fd, encode(value))


def _send(fd: int, message: bytes) -> None:
    left = memoryview(message)
    while left:
        left = left[os.write(fd, left) :]
