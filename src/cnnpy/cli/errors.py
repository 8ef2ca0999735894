"""From an error to what the user reads and the shell gets: three lines and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from cnnpy.contract.errors import CnnpyError

__all__ = ["Stopped", "Terminated", "told", "until_terminated"]

_DEBUG = "CNNPY_DEBUG"
_SIGNAL, _WRONG_INPUT, _FAILED = 128, 2, 1


class Terminated(BaseException):
    """Say that SIGTERM came; like KeyboardInterrupt, it is no Exception."""


class Stopped(Exception):
    """Say that a command ended early, in one line.

    Parameters
    ----------
    line : str
        What to tell the user.
    cause : BaseException
        What ended it, which decides the exit code.
    """

    def __init__(self, line: str, cause: BaseException) -> None:
        super().__init__(line)
        self.cause = cause


@contextmanager
def until_terminated() -> Iterator[None]:
    """Let SIGTERM raise Terminated, so that files are closed and the terminal is mended."""

    def terminate(number: int, frame: FrameType | None) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():  # where no signal arrives
        yield
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def told(error: BaseException) -> int:
    """Tell the user of an error on standard error; return the exit code.

    Parameters
    ----------
    error : BaseException
        What ended the command.

    Returns
    -------
    int
        2 for wrong input, 1 where the system or cnnpy failed, 128 and the number of
        the signal after one.
    """
    if os.environ.get(_DEBUG, "0") not in ("", "0"):
        traceback.print_exception(error)
    text, code = _text_and_code(error)
    _flush_output()
    if text:
        with suppress(OSError):  # nobody may be left to read it
            print(text, file=sys.stderr, flush=True)
    return code


def _text_and_code(error: BaseException) -> tuple[str, int]:
    if isinstance(error, Stopped):
        return str(error), _text_and_code(error.cause)[1]
    if isinstance(error, CnnpyError):
        return f"{type(error).__name__}: {error}", _WRONG_INPUT
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", _SIGNAL + signal.SIGINT
    if isinstance(error, Terminated):
        return "terminated", _SIGNAL + signal.SIGTERM
    if isinstance(error, BrokenPipeError):  # the reader, `head` say, has had enough
        return "", _SIGNAL + signal.SIGPIPE
    if hasattr(error, "format_message"):  # Typer's, or Click's below older versions of it
        return _usage(error), _WRONG_INPUT
    return _failure(error), _FAILED


def _usage(error: Any) -> str:
    """Bring Typer's words on wrong arguments into our three lines."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "cnnpy"
    usage = context.get_usage().removeprefix("Usage:") if context is not None else "cnnpy --help"
    near = getattr(error, "possibilities", None)
    return _three_lines(
        "UsageError",
        f"{path}: {error.format_message()}",
        " ".join(usage.split()),
        f"use {sorted(near)[0]}, or see {path} --help" if near else f"see {path} --help",
    )


def _failure(error: BaseException) -> str:
    """Say what the system refused, or that cnnpy is at fault."""
    if isinstance(error, MemoryError):
        return _three_lines(
            "MemoryError",
            str(error) or "there is no more memory",
            "more free memory",
            "use a smaller --batch-size, smaller images (--size), or a smaller network",
        )
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return _three_lines(
            type(error).__name__,
            f"{where}{error.strerror or error}",
            "a system that lets cnnpy read and write its files",
            "check the disk (df) and the rights (ls -l), or use another place: --out",
        )
    return _three_lines(
        type(error).__name__,
        " ".join(str(error).split()) or "no reason given",
        "no such error: it is a fault of cnnpy",
        f"report it with what {_DEBUG}=1 in front of the command prints",
    )


def _three_lines(name: str, given: str, expected: str, mend: str) -> str:
    return f"{name}: {CnnpyError(given, expected, mend)}"


def _flush_output() -> None:
    """Write what waits; where that cannot be, keep Python from failing again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
