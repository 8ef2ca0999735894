"""Calls of somebody's functions, one after the other, with what they left behind.

A `Session` lives where the functions live: in the fenced process, or, for functions that
are trusted, in this one. It is told what to call in a `Call` and says what happened in an
`Answer`; the judge sees no difference.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cnnpy.check.case import MIXED, handed_over
from cnnpy.check.compare import entangled
from cnnpy.check.fence import tensors
from cnnpy.check.fence.legacy import what_to_change
from cnnpy.check.fence.wire import passed_on

__all__ = ["Answer", "Call", "Kept", "Session"]


@dataclass(frozen=True)
class Kept:
    """Stand, among arguments, for something that an earlier call returned or was given.

    Parameters
    ----------
    name : str
        The name under which that call was to be kept.
    path : tuple
        Which part of it: indices and keys; ``("returned", 1)`` is the second of what it
        returned, ``("arguments", 0)`` its first argument.
    """

    name: str
    path: tuple[int | str, ...]


@dataclass(frozen=True)
class Call:
    """One call of a function.

    Parameters
    ----------
    function : str
        Its name. ``=`` gives its argument itself; ``.forward`` calls that method of its first
        argument; ``@`` lists the names of that argument's attributes, ``@W`` gives one of
        them, or sets it where there is a second argument. ``~conv2d`` calls a function with
        tensors of PyTorch, behind the positions of those that get gradients, and ``~`` sends
        a gradient back through what that returned; ``~parameters``, ``~fill`` and ``~module``
        ask, fill and call a module of it.
    arguments : sequence
        Values and `Kept` ones.
    keywords : mapping
        Those given by name.
    keep : str, optional
        A name to keep what is returned and what was given under.
    send : tuple of paths, optional
        Which parts of what is returned to send; all of it by default.
    manner : str
        How positional arguments are handed over; see ``handed_over``. Arrays given by name
        and in parameter dictionaries may be there to be updated, and stay as they are.
    """

    function: str
    arguments: Sequence[Any]
    keywords: Mapping[str, Any] = field(default_factory=dict)
    keep: str | None = None
    send: tuple[tuple[int | str, ...], ...] | None = None
    manner: str = "contiguous"


@dataclass(frozen=True)
class Answer:
    """What became of a call.

    Parameters
    ----------
    returned : object
        What was returned; where parts were asked for, a list of these.
    type_name : str
        The type of what was returned.
    count : int, optional
        How many things it has, where it is a list or a tuple.
    error : mapping, optional
        What was raised: ``kind`` (the names of its type and of those above), ``says``,
        ``file`` and ``line``, ``code`` (what stands there), ``inside`` (the helper that broke),
        ``mend``.
    ended : str, optional
        How the process ended, where it did not live to answer.
    changed : tuple of str
        Which arrays that were handed over, now or earlier, were written to: the function
        and the position of each, ``"conv_forward:0"``.
    shared : bool
        Whether two arrays that were returned stand in the same memory.
    notes : tuple of mapping
        What was noted down meanwhile.
    """

    returned: Any = None
    type_name: str = ""
    count: int | None = None
    error: Mapping[str, Any] | None = None
    ended: str | None = None
    changed: tuple[str, ...] = ()
    shared: bool = False
    notes: tuple[Mapping[str, Any], ...] = ()

    @property
    def went_well(self) -> bool:
        """Tell whether the call returned."""
        return self.error is None and self.ended is None

    @property
    def form(self) -> str:
        """Say what was returned: ``a tuple of 2``."""
        return f"a {self.type_name}" + (f" of {self.count}" if self.count is not None else "")


class Session:
    """Call functions and remember what is to be kept.

    Parameters
    ----------
    functions : mapping
        Functions and classes by name.
    files : collection of str, optional
        The files in which they are written, for the lines in errors; found out by default.
    notes : list, optional
        Where others note down what the reader should know.

    Examples
    --------
    >>> session = Session({"double": lambda x: (2 * x, x)})
    >>> session.call(Call("double", [np.ones(2)], keep="a", send=((0,),))).returned
    [array([2., 2.])]
    >>> session.call(Call("double", [Kept("a", ("returned", 1))])).form
    'a tuple of 2'
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]],
        files: Collection[str] | None = None,
        notes: list[dict[str, Any]] | None = None,
    ) -> None:
        self.functions = functions
        self.files = _files_of(functions) if files is None else files
        self.notes = [] if notes is None else notes
        self._noted = 0
        self._kept: dict[str, Any] = {}
        self._given: list[tuple[str, np.ndarray[Any, Any], bytes]] = []

    def forget(self) -> None:
        """Drop everything that was kept."""
        self._kept.clear()
        self._given.clear()

    def call(self, call: Call) -> Answer:
        """Make a call.

        Parameters
        ----------
        call : Call
            What to call, with what.

        Returns
        -------
        Answer
            What became of it; an error of the function is a part of the answer.
        """
        try:
            # of an object or a list of places in front, the argument behind it is the first
            first = next((k for k, a in enumerate(call.arguments) if _is_array(a)), 0)
            arguments = [
                self._value(a, call.manner if k <= first or call.manner != MIXED else "contiguous")
                for k, a in enumerate(call.arguments)
            ]
            keywords = {k: self._value(a) for k, a in call.keywords.items()}
            self._watch(call.function, arguments, keywords)
            function = self._function(call.function)
            with np.errstate(all="ignore"):
                returned = function(*arguments, **keywords)
        except BaseException as error:  # sys.exit and its like are answers too
            return self._failed(error)
        if call.keep is not None:
            kept = {"returned": returned, "arguments": arguments, "keywords": keywords}
            self._kept[call.keep] = kept
        return Answer(
            passed_on(_parts(returned, call.send)),
            type(returned).__name__,
            len(returned) if isinstance(returned, list | tuple) else None,
            changed=self._changed(),
            shared=isinstance(returned, list | tuple) and entangled(returned),
            notes=self._new_notes(),
        )

    def _function(self, name: str) -> Callable[..., Any]:
        if name == "=":
            return _itself
        if name.startswith("."):
            return lambda owner, *a, **k: getattr(owner, name[1:])(*a, **k)
        if name.startswith("@"):
            return lambda owner, *value: _attribute(owner, name[1:], *value)
        if name in _OF_TENSORS:
            return _OF_TENSORS[name]
        if name.startswith("~"):
            of_tensors = self.functions[name[1:]]
            return lambda tracked, *a, **k: tensors.forward(of_tensors, tracked, a, k)
        return self.functions[name]

    def _value(self, value: Any, manner: str = "contiguous") -> Any:
        if isinstance(value, Kept):
            found = self._kept[value.name]
            for step in value.path:
                found = found[step]
            return found
        if isinstance(value, list | tuple):
            return type(value)([self._value(v, manner) for v in value])
        if isinstance(value, Mapping):
            return handed_over({k: self._value(v) for k, v in value.items()}, manner)
        return handed_over(value, manner)

    def _watch(self, function: str, arguments: list[Any], keywords: dict[str, Any]) -> None:
        known = {id(array) for _, array, _ in self._given}
        for name, value in [*enumerate(arguments), *keywords.items()]:
            if isinstance(value, np.ndarray) and id(value) not in known:
                self._given.append((f"{function}:{name}", value, value.tobytes()))

    def _changed(self) -> tuple[str, ...]:
        changed = tuple(name for name, array, was in self._given if array.tobytes() != was)
        self._given = [(name, array, array.tobytes()) for name, array, _ in self._given]
        return changed

    def _new_notes(self) -> tuple[dict[str, Any], ...]:
        new = tuple(self.notes[self._noted :])
        self._noted = len(self.notes)
        return new

    def _failed(self, error: BaseException) -> Answer:
        frames = traceback.extract_tb(error.__traceback__)
        own = [f for f in frames if f.filename in self.files]
        kinds = [kind.__name__ for kind in type(error).__mro__[:-1]]
        told = {
            "kind": kinds,
            "says": str(error)[:500],
            "line": own[-1].lineno if own else None,
            "file": Path(own[-1].filename).name if own else None,
            "code": own[-1].line if own else None,
            "inside": _helper_of(own),
            "mend": what_to_change(error),
        }
        return Answer(error=told, changed=self._changed(), notes=self._new_notes())


def _files_of(functions: Mapping[str, Any]) -> set[str]:
    """Name the files in which functions of this process are written."""
    files = set()
    for function in functions.values():
        with suppress(TypeError):  # what is not written in Python is in none
            files.add(str(inspect.getsourcefile(function)))
    return files


def _helper_of(frames: Sequence[traceback.FrameSummary]) -> str | None:
    """Name the function that broke, where it is another than the one that was called."""
    names = [f.name for f in frames if not f.name.startswith("<")]
    return names[-1] if names and names[-1] != names[0] else None


_OF_TENSORS: Mapping[str, Callable[..., Any]] = {
    "~": tensors.backward,
    "~parameters": tensors.parameters,
    "~fill": tensors.fill,
    "~module": tensors.of_module,
}


def _parts(returned: Any, send: tuple[tuple[int | str, ...], ...] | None) -> Any:
    if send is None:
        return returned
    return [_part(returned, path) for path in send]


def _part(value: Any, path: tuple[int | str, ...]) -> Any:
    for step in path:
        try:
            value = value[step]
        except (TypeError, LookupError):
            return None
    return value


def _attribute(owner: Any, name: str, *value: Any) -> Any:
    if not name:
        return sorted(str(n) for n in vars(owner))
    return setattr(owner, name, *value) if value else getattr(owner, name)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _itself(value: Any) -> Any:
    return value
