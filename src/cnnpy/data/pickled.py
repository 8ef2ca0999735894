"""Pickles of arrays, read without running anything that they name.

A pickle is a program: its opcodes push values, gather them into lists, tuples
and dictionaries, and call functions by name. Python's own reader calls whatever
is named, so a file from a stranger can run any command. This interpreter walks
the opcodes (``pickletools.genops`` only takes the bytes apart) and builds dicts,
lists, tuples, bytes, texts, numbers and arrays of uint8, nothing else. A name is
looked up in a table of five inert marks, never imported; any other is an error
that says what the file asked for.
"""

from __future__ import annotations

import math
import pickletools
import struct
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import DataError

__all__ = ["read_pickled_dict"]

_MAX_OPCODES = 2_000_000  # a batch of CIFAR-10 takes about 60,000
_MAX_VALUES = 1_000_000  # on the stack or in the memo
_BYTES_PER_FILE_BYTE = 4  # what calls may build; a stored array is unpacked up to twice
_SLACK_BYTES = 1 << 16
_MAX_AXES = 8
_LATIN_1 = ("latin1", "latin-1", "iso-8859-1")

_TO_MEND = "if you trust who made it, read it with Python's pickle and save it as .npz"


class _Refused(Exception):
    """Say what was wrong with a pickle, before the file's name is put to it."""


class _Mark:
    """Stand for a name that the interpreter knows, without being what it names."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Dtype:
    """Stand for a dtype under construction: `code` is what it was called with."""

    def __init__(self, code: object) -> None:
        self.code = code


class _Array:
    """Hold an array under construction: a pickle makes it empty and fills it later."""

    def __init__(self) -> None:
        self.values: NDArray[np.uint8] | None = None


def read_pickled_dict(data: bytes, source: str) -> dict[str, object]:
    r"""Read a pickled dictionary whose values are numbers, texts, lists and arrays.

    Parameters
    ----------
    data : bytes
        The pickle, of any protocol from 0 to 5.
    source : str
        What the pickle is called in messages.

    Returns
    -------
    dict of str to object
        The dictionary; keys that Python 2 wrote as bytes are texts, and arrays
        are ndarrays of uint8.

    Raises
    ------
    DataError
        If the pickle asks to run anything, is damaged, or holds something else.

    Examples
    --------
    >>> import pickle
    >>> read_pickled_dict(pickle.dumps({b"labels": [3, 1]}), "batch")
    {'labels': [3, 1]}
    >>> read_pickled_dict(b"cos\nsystem\n(S'echo hello'\ntR.", "batch")
    Traceback (most recent call last):
        ...
    cnnpy.contract.errors.DataError: batch: asks to run os.system
      expected: a pickle of lists, numbers, texts and arrays, which runs nothing
      to mend:  if you trust who made it, read it with Python's pickle and save it as .npz
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in damaged texts
            value = _Interpreter(len(data)).run(data)
    except _Refused as refusal:
        raise DataError(
            f"{source}: {refusal}",
            "a pickle of lists, numbers, texts and arrays, which runs nothing",
            _TO_MEND,
        ) from None
    # What genops and the opcodes raise where a pickle is damaged.
    except (ValueError, TypeError, LookupError, OverflowError, struct.error, AssertionError) as e:
        raise DataError(
            f"{source}: damaged pickle: {e}", "a whole pickle", "get the file again"
        ) from e
    if not isinstance(value, dict):
        raise DataError(
            f"{source}: holds a {type(value).__name__.strip('_').lower()}",
            "a dictionary",
            "check that the file is of this data set",
        )
    return {_text(key): _finished(item) for key, item in value.items()}


def _text(key: str | bytes) -> str:
    return key.decode("latin-1") if isinstance(key, bytes) else key


def _finished(value: object) -> object:
    return value.values if isinstance(value, _Array) else value


class _Interpreter:
    """Run the opcodes of one pickle on a stack of inert values."""

    def __init__(self, n_bytes: int) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.n_bytes = n_bytes
        self.bytes_left = _BYTES_PER_FILE_BYTE * n_bytes + _SLACK_BYTES

    def run(self, data: bytes) -> object:
        """Run all opcodes and return what the pickle leaves on the stack."""
        for count, (opcode, argument, position) in enumerate(pickletools.genops(data)):
            if count >= _MAX_OPCODES or max(len(self.stack), len(self.memo)) > _MAX_VALUES:
                raise _Refused("is far larger than a data set's pickle")
            if opcode.name == "STOP":
                beyond = len(data) - (position or 0) - 1
                if beyond:
                    raise _Refused(f"goes on for {beyond} bytes after its end")
                break
            action = _ACTIONS.get(opcode.name)
            if action is None:
                raise _Refused(_REFUSALS.get(opcode.name, _unknown)(opcode.name, argument))
            action(self, argument)
        if len(self.stack) != 1 or self.marks:
            raise _Refused(f"leaves {len(self.stack)} values instead of one")
        return self.stack[0]

    # --- the stack ----------------------------------------------------------------

    def push(self, value: object) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def pop(self) -> Any:
        """Take the top value, which must lie above the last mark."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise _Refused("takes a value from an empty stack")
        return self.stack.pop()

    def top(self, kind: type) -> Any:
        """Look at the top value, which must be of a kind."""
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise _Refused(f"fills something that is no {kind.__name__.strip('_').lower()}")
        return self.stack[-1]

    def pop_to_mark(self) -> list[Any]:
        """Take all values above the last mark, and the mark."""
        if not self.marks:
            raise _Refused("lacks a mark")
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def spend(self, n_bytes: int) -> None:
        """Count what calls build, so that no small file builds much."""
        self.bytes_left -= n_bytes
        if self.bytes_left < 0:
            raise _Refused(f"builds far more than its {self.n_bytes} bytes")

    # --- opcodes ------------------------------------------------------------------

    def mark(self, _: object) -> None:
        """Remember how high the stack is."""
        self.marks.append(len(self.stack))
        if len(self.marks) > _MAX_VALUES:
            raise _Refused("is far larger than a data set's pickle")

    def pop_one(self, _: object) -> None:
        """Drop the top value, or the mark if that is on top."""
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.pop()

    def duplicate(self, _: object) -> None:
        """Push the top value again."""
        value = self.pop()
        self.stack += [value, value]

    def gather_tuple(self, n: int) -> None:
        """Make a tuple of the top n values."""
        values = [self.pop() for _ in range(n)]
        self.push(tuple(reversed(values)))

    def gather_dict(self, _: object) -> None:
        """Make a dictionary of all values above the mark."""
        self.push(_dict(self.pop_to_mark()))

    def append(self, _: object) -> None:
        """Append the top value to the list below it."""
        value = self.pop()
        self.top(list).append(value)

    def extend(self, _: object) -> None:
        """Append all values above the mark to the list below it."""
        values = self.pop_to_mark()
        self.top(list).extend(values)

    def set_item(self, _: object) -> None:
        """Put a key and a value into the dictionary below them."""
        value, key = self.pop(), self.pop()
        self.top(dict).update(_dict([key, value]))

    def set_items(self, _: object) -> None:
        """Put all keys and values above the mark into the dictionary below it."""
        values = self.pop_to_mark()
        self.top(dict).update(_dict(values))

    def put(self, key: int) -> None:
        """Remember the top value."""
        if not self.stack:
            raise _Refused("remembers a value of an empty stack")
        self.memo[key] = self.stack[-1]

    def memoize(self, _: object) -> None:
        """Remember the top value under the next number."""
        self.put(len(self.memo))

    def get(self, key: int) -> None:
        """Push a remembered value."""
        if key not in self.memo:
            raise _Refused(f"recalls value {key}, which it did not store")
        self.push(self.memo[key])

    def name(self, argument: str) -> None:
        """Push the mark of a known name; refuse all others."""
        module, _, attribute = argument.partition(" ")
        self.push(_mark(module, attribute))

    def name_from_stack(self, _: object) -> None:
        """Push the mark of a known name whose parts lie on the stack."""
        attribute, module = self.pop(), self.pop()
        if not isinstance(module, str) or not isinstance(attribute, str):
            raise _Refused("names something by other than text")
        self.push(_mark(module, attribute))

    def call(self, _: object) -> None:
        """Do what a mark stands for, with the arguments on the stack."""
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, _Mark) or function.name not in _CALLS:
            raise _Refused("calls something that is no function")
        if not isinstance(arguments, tuple):
            raise _Refused(f"calls {function.name} without arguments")
        self.push(_CALLS[function.name](self, arguments))

    def build(self, _: object) -> None:
        """Fill an array or describe a dtype."""
        state = self.pop()
        target = self.top(object)
        if not isinstance(state, tuple):
            raise _Refused("sets the state of an object")
        if isinstance(target, _Dtype):
            return  # byte order and the like: one byte has none
        if not isinstance(target, _Array) or len(state) != 5:
            raise _Refused("sets the state of an object that is no array")
        _, shape, dtype, fortran, raw = state
        target.values = self.array(raw, dtype, shape, "F" if fortran else "C")

    # --- what the known names do ----------------------------------------------------

    def encode(self, arguments: tuple[Any, ...]) -> bytes:
        """Turn a text into the bytes that it was before pickling (Python 3, protocol 2)."""
        if not (len(arguments) == 2 and isinstance(arguments[0], str) and arguments[1] in _LATIN_1):
            raise _Refused("calls _codecs.encode with something else than text and latin-1")
        self.spend(len(arguments[0]))
        return arguments[0].encode("latin-1")

    def reconstruct(self, arguments: tuple[Any, ...]) -> _Array:
        """Make an array that is filled later."""
        kind = arguments[0] if arguments else None
        if not (isinstance(kind, _Mark) and kind.name == "numpy.ndarray"):
            raise _Refused("makes an array of an unknown kind")
        return _Array()

    def from_buffer(self, arguments: tuple[Any, ...]) -> _Array:
        """Make an array from its bytes (protocol 5)."""
        if len(arguments) not in (4, 5):
            raise _Refused("makes an array from a wrong number of arguments")
        made = _Array()
        raw, dtype, shape, order = arguments[:4]
        made.values = self.array(raw, dtype, shape, order)
        return made

    def dtype(self, arguments: tuple[Any, ...]) -> _Dtype:
        """Note which dtype is meant."""
        return _Dtype(arguments[0] if arguments else None)

    def array(self, raw: object, dtype: object, shape: object, order: object) -> NDArray[np.uint8]:
        """Make an array of uint8 from its bytes."""
        if not isinstance(dtype, _Dtype) or dtype.code not in ("u1", "|u1", b"u1", b"|u1"):
            code = dtype.code if isinstance(dtype, _Dtype) else dtype
            raise _Refused(f"holds an array of dtype {str(code)[:20]!a}, not uint8")
        if isinstance(raw, str):  # Python 2 wrote bytes as text
            raw = raw.encode("latin-1")
        if not isinstance(raw, (bytes, bytearray)):
            raise _Refused("holds an array without its bytes")
        if not (
            isinstance(shape, tuple)
            and len(shape) <= _MAX_AXES
            and all(type(n) is int and 0 <= n <= self.n_bytes for n in shape)
        ):
            raise _Refused("holds an array without a sensible shape")
        if math.prod(shape) != len(raw):
            raise _Refused(f"holds an array of shape {shape} in {len(raw)} bytes")
        self.spend(len(raw))
        values = np.frombuffer(raw, np.uint8)
        return values.reshape(shape, order="F" if order == "F" else "C").copy()


def _dict(values: list[Any]) -> dict[Any, Any]:
    keys = values[::2]
    if len(values) % 2:
        raise _Refused("holds a key without a value")
    if not all(isinstance(key, (str, bytes)) for key in keys):
        raise _Refused("holds a dictionary with keys that are no names")
    return dict(zip(keys, values[1::2], strict=True))


def _mark(module: str, attribute: str) -> _Mark:
    name = f"{module}.{attribute}"
    if (module, attribute) not in _NAMES:
        raise _Refused(f"asks to run {name[:80] if name.isprintable() else ascii(name)[:80]}")
    return _Mark(_NAMES[module, attribute])


def _list(machine: _Interpreter, _: object) -> None:
    machine.push(machine.pop_to_mark())


def _tuple(machine: _Interpreter, _: object) -> None:
    machine.push(tuple(machine.pop_to_mark()))


def _drop_to_mark(machine: _Interpreter, _: object) -> None:
    machine.pop_to_mark()


def _nothing(machine: _Interpreter, _: object) -> None:
    """Pass over an opcode that only helps a reader along."""


def _constant(make: Callable[[], object]) -> Callable[[_Interpreter, Any], None]:
    return lambda machine, _: machine.push(make())


def _gather(n: int) -> Callable[[_Interpreter, Any], None]:
    return lambda machine, _: machine.gather_tuple(n)


_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): "_reconstruct",
    ("numpy._core.multiarray", "_reconstruct"): "_reconstruct",
    ("numpy.core.numeric", "_frombuffer"): "_frombuffer",
    ("numpy._core.numeric", "_frombuffer"): "_frombuffer",
    ("numpy", "ndarray"): "numpy.ndarray",
    ("numpy", "dtype"): "numpy.dtype",
    ("_codecs", "encode"): "_codecs.encode",
}

_CALLS: dict[str, Callable[[_Interpreter, tuple[Any, ...]], object]] = {
    "_reconstruct": _Interpreter.reconstruct,
    "_frombuffer": _Interpreter.from_buffer,
    "numpy.dtype": _Interpreter.dtype,
    "_codecs.encode": _Interpreter.encode,
}

# Opcodes whose argument is the value itself.
_VALUES = (
    "INT",
    "BININT",
    "BININT1",
    "BININT2",
    "LONG",
    "LONG1",
    "LONG4",
    "FLOAT",
    "BINFLOAT",
    "STRING",
    "BINSTRING",
    "SHORT_BINSTRING",
    "BINBYTES",
    "SHORT_BINBYTES",
    "BINBYTES8",
    "BYTEARRAY8",
    "UNICODE",
    "SHORT_BINUNICODE",
    "BINUNICODE",
    "BINUNICODE8",
)

_ACTIONS: dict[str, Callable[[_Interpreter, Any], None]] = {
    **dict.fromkeys(_VALUES, _Interpreter.push),
    **dict.fromkeys(("PROTO", "FRAME"), _nothing),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Interpreter.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Interpreter.get),
    "MEMOIZE": _Interpreter.memoize,
    "NONE": _constant(lambda: None),
    "NEWTRUE": _constant(lambda: True),
    "NEWFALSE": _constant(lambda: False),
    "EMPTY_LIST": _constant(list),
    "EMPTY_TUPLE": _constant(tuple),
    "EMPTY_DICT": _constant(dict),
    "TUPLE1": _gather(1),
    "TUPLE2": _gather(2),
    "TUPLE3": _gather(3),
    "MARK": _Interpreter.mark,
    "POP": _Interpreter.pop_one,
    "POP_MARK": _drop_to_mark,
    "DUP": _Interpreter.duplicate,
    "LIST": _list,
    "TUPLE": _tuple,
    "DICT": _Interpreter.gather_dict,
    "APPEND": _Interpreter.append,
    "APPENDS": _Interpreter.extend,
    "SETITEM": _Interpreter.set_item,
    "SETITEMS": _Interpreter.set_items,
    "GLOBAL": _Interpreter.name,
    "STACK_GLOBAL": _Interpreter.name_from_stack,
    "REDUCE": _Interpreter.call,
    "BUILD": _Interpreter.build,
}


def _unknown(opcode: str, _: object) -> str:
    return f"uses {opcode}, which builds objects"


def _named(_: str, argument: object) -> str:
    return f"asks to run {ascii(str(argument).replace(' ', '.', 1))[1:-1][:80]}"


def _external(opcode: str, argument: object) -> str:
    return f"asks for {opcode} {ascii(argument)[:80]}: an object kept outside the file"


_REFUSALS: dict[str, Callable[[str, object], str]] = {
    "INST": _named,
    **dict.fromkeys(("EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "NEXT_BUFFER"), _external),
}
