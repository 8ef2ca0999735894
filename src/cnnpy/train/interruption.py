"""Interruption: Ctrl-C and SIGTERM wait until a step is over and saved, then go their way."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

__all__ = ["AskedToStop", "Interruption"]


class AskedToStop(BaseException):
    """Leave what can be done again: an evaluation, say."""


class Interruption:
    """Note that the process was asked to end, and hand that on when the time has come.

    The first Ctrl-C or SIGTERM is noted. A second one goes to whoever handled it before, at
    once. Outside the main thread, where no signal arrives, and for a signal that was ignored,
    nothing changes.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self._before: dict[int, Any] = {}
        self._may_leave = False
        self._process = os.getpid()

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Note signals, until the block is over."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._note)
            yield
        finally:
            self._give_back()

    @contextlib.contextmanager
    def leaves_at_once(self) -> Iterator[None]:
        """Leave the block by AskedToStop as soon as a signal comes, or came before.

        Raises
        ------
        AskedToStop
            Where one did.
        """
        self._may_leave = True
        try:
            if self.asked is not None:
                raise AskedToStop
            yield
        finally:
            self._may_leave = False

    def go_on(self) -> None:
        """Send the signal that was noted, if one was, to whoever handled it before."""
        asked, self.asked = self.asked, None
        if asked is not None:
            self._give_back()
            signal.raise_signal(asked)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked is not None or os.getpid() != self._process:  # a child made by fork
            self._give_back()
            signal.raise_signal(number)
            return
        self.asked = number
        if self._may_leave:
            raise AskedToStop

    def _give_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
