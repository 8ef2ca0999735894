"""Values as bytes between two processes that do not trust each other.

A message is two lengths, a header of JSON and the bytes of its arrays, one behind the
other. The header holds plain values; an array, a tuple, an opaque object stand in it as a
dictionary with one of the tags below. Nothing is ever unpickled or evaluated. No array is
made before its shape, dtype and place were held against the bytes that are there, and each
byte belongs to one array: what is decoded is never larger than what was sent.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["HEAD", "Opaque", "WireError", "decode", "encode", "lengths", "passed_on"]

HEAD = struct.Struct(">II")
"""In front of a message: the bytes of its header and of its arrays."""

_ARRAY, _TUPLE, _DICT, _OPAQUE, _FLOAT = "array", "tuple", "dict", "opaque", "float"

_KINDS = "biufc"
"""Of the dtypes that are passed on: numbers and truth values."""

_DTYPE = re.compile(r"[<>|=]?[biufc]\d{1,2}|\|b1")

_MOST_AXES = 32

_DEEPEST = 16
"""How many lists and dictionaries may stand in each other."""

_LARGEST_HEADER = 1 << 20


class WireError(Exception):
    """Say that a message is not one of ours."""


@dataclass(frozen=True)
class Opaque:
    """Stand for an object that is not passed on.

    Parameters
    ----------
    type_name : str
        The name of its type.
    """

    type_name: str


def passed_on(value: Any, depth: int = 0) -> Any:
    """Give what of a value is passed on, here or to another process.

    Parameters
    ----------
    value : object
        Anything.
    depth : int
        In how many lists and dictionaries it stands.

    Returns
    -------
    object
        Arrays of numbers and truth values, without a class of their own; numbers, strings and
        None; lists, tuples and dictionaries of those. All else is an `Opaque`.

    Examples
    --------
    >>> passed_on([1.5, {2, 3}, np.array(["a", "b"])])
    [1.5, Opaque(type_name='set'), Opaque(type_name='array of <U1')]
    """
    if isinstance(value, np.ndarray | np.generic):
        plain = np.asarray(value)
        return plain if plain.dtype.kind in _KINDS else Opaque(f"array of {plain.dtype}")
    if value is None or type(value) in (bool, str) or isinstance(value, float | Opaque):
        return value
    if type(value) is int and abs(value) < 2**63:
        return value
    if depth < _DEEPEST and isinstance(value, list | tuple):  # named ones too
        items = [passed_on(item, depth + 1) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if depth < _DEEPEST and isinstance(value, dict) and all(type(key) is str for key in value):
        return {key: passed_on(item, depth + 1) for key, item in value.items()}
    return Opaque(type(value).__name__)


def encode(value: Any) -> bytes:
    """Write a value as a message.

    Parameters
    ----------
    value : object
        Arrays, numbers, strings, None, and lists, tuples and dictionaries of those. All
        else becomes an `Opaque`.

    Returns
    -------
    bytes
        The message.

    Examples
    --------
    >>> message = encode((np.arange(3), {"stride": 2}))
    >>> header, payload = lengths(message[: HEAD.size], most=1000)
    >>> decode(message[HEAD.size :], header)
    (array([0, 1, 2]), {'stride': 2})
    """
    arrays: list[bytes] = []
    header = json.dumps(_Writer(arrays).node(passed_on(value))).encode()
    payload = b"".join(arrays)
    return HEAD.pack(len(header), len(payload)) + header + payload


def lengths(head: bytes, most: int) -> tuple[int, int]:
    """Read how long a message is, and refuse one that is longer than allowed.

    Parameters
    ----------
    head : bytes
        The first bytes of the message, as many as `HEAD` has.
    most : int
        The most bytes that a message may have.

    Returns
    -------
    tuple of int
        The bytes of the header and of the arrays.

    Raises
    ------
    WireError
        Where the message says that it is longer.
    """
    header, payload = HEAD.unpack(head)
    if header > _LARGEST_HEADER or header + payload > most:
        raise WireError(f"a message of {header + payload} bytes; at most {most} are taken")
    return header, payload


def decode(body: bytes, header: int) -> Any:
    """Read the value of a message.

    Parameters
    ----------
    body : bytes
        The message behind its `HEAD`.
    header : int
        How many of the bytes are the header.

    Returns
    -------
    object
        The value; each array a fresh one.

    Raises
    ------
    WireError
        Where these are not the bytes of a message.
    """
    try:
        root = json.loads(body[:header])
    except (ValueError, RecursionError, MemoryError):
        raise WireError("a header that is no JSON") from None
    try:
        return _Reader(memoryview(body)[header:]).node(root)
    except (RecursionError, MemoryError):
        raise WireError("values that are nested too deep, or too large") from None


class _Writer:
    def __init__(self, arrays: list[bytes]) -> None:
        self.arrays = arrays

    def node(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            self.arrays.append(np.ascontiguousarray(value).tobytes())
            return {_ARRAY: [value.dtype.str, list(value.shape)]}
        if isinstance(value, float):
            return {_FLOAT: float(value).hex()}
        if isinstance(value, list):
            return [self.node(item) for item in value]
        if isinstance(value, tuple):
            return {_TUPLE: [self.node(item) for item in value]}
        if isinstance(value, dict):
            return {_DICT: [[key, self.node(item)] for key, item in value.items()]}
        return {_OPAQUE: value.type_name} if isinstance(value, Opaque) else value


class _Reader:
    def __init__(self, payload: memoryview) -> None:
        self.payload = payload
        self.at = 0  # behind the last array

    def node(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.node(item) for item in node]
        if not isinstance(node, dict):
            return node
        if len(node) != 1:
            raise WireError("a node with more than one tag")
        ((tag, content),) = node.items()
        read = _READ.get(tag)
        if read is None:
            raise WireError("a node with an unknown tag")
        try:
            return read(self, content)
        except (TypeError, ValueError, AttributeError, OverflowError):
            raise WireError(f"no {tag} in a node of that tag") from None

    def array(self, content: Any) -> np.ndarray[Any, Any]:
        kind, shape = content
        if not _DTYPE.fullmatch(kind) or len(shape) > _MOST_AXES:
            raise WireError("an array of a dtype or with axes that are not passed on")
        if not all(type(n) is int and n >= 0 for n in shape):
            raise WireError("an array with a size that is no size")
        dtype = np.dtype(kind)
        begin, self.at = self.at, self.at + math.prod(shape) * dtype.itemsize
        if self.at > len(self.payload):
            raise WireError("an array that is larger than its message")
        flat = np.frombuffer(self.payload[begin : self.at], dtype=dtype)
        return flat.reshape(shape).copy()

    def tuple(self, content: Any) -> Any:
        return tuple([self.node(item) for item in content])

    def dict(self, content: Any) -> Any:
        return {str(key): self.node(item) for key, item in content}


_READ: dict[str, Callable[[_Reader, Any], Any]] = {
    _ARRAY: _Reader.array,
    _TUPLE: _Reader.tuple,
    _DICT: _Reader.dict,
    _OPAQUE: lambda _, content: Opaque(str(content)[:200]),
    _FLOAT: lambda _, content: float.fromhex(content),
}
