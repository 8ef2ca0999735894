"""What goes over the fence: it arrives as it was, and what was not made by us is refused."""

from __future__ import annotations

import json
from collections import namedtuple
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st

from cnnpy.check.fence.wire import HEAD, Opaque, WireError, decode, encode, lengths

ARRAYS = numpy_st.arrays(
    st.sampled_from(["f4", "f8", ">f8", "i8", "u1", "?", "c8"]),
    numpy_st.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3),
)
PLAIN = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.text() | st.floats()
VALUES = st.recursive(
    PLAIN | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def over(value: Any) -> Any:
    message = encode(value)
    header, payload = lengths(message[: HEAD.size], len(message))
    assert HEAD.size + header + payload == len(message)
    return decode(message[HEAD.size :], header)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and (a == b or a != a)


@given(VALUES)
def test_a_value_arrives_as_it_was(value: Any) -> None:
    assert same(value, over(value))


OTHERS = {
    "an object": object(),
    "a key that is a number": {1: 2},
    "an array of objects": np.array([object()]),
    "a large integer": 2**70,
    "a range": range(3),
    "a function": len,
}


@pytest.mark.parametrize("value", OTHERS.values(), ids=OTHERS)
def test_what_is_not_passed_on_arrives_as_the_name_of_its_type(value: Any) -> None:
    assert isinstance(over(value), Opaque)


def test_what_contains_itself_ends_in_an_opaque_object() -> None:
    endless: list[Any] = []
    endless.append(endless)
    found = over(endless)
    while isinstance(found, list):
        (found,) = found
    assert found == Opaque("list")


@given(st.binary(max_size=60), st.integers(0, 60))
def test_bytes_that_are_no_message_are_refused_and_nothing_else_happens(
    body: bytes, header: int
) -> None:
    try:
        decode(body, header)
    except WireError:
        return


NODES = st.recursive(
    st.none() | st.integers() | st.text(max_size=4) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["array", "tuple", "dict", "opaque", "float", "other"]),
            inner,
            max_size=2,
        )
    ),
)


@given(NODES, st.binary(max_size=16))
def test_headers_that_lie_are_refused_and_nothing_else_happens(node: Any, payload: bytes) -> None:
    header = json.dumps(node).encode()
    try:
        decode(header + payload, len(header))
    except WireError:
        return


@pytest.mark.parametrize(
    "array",
    [
        ["<f8", [1 << 40, 1 << 40]],
        ["<f8", [2]],
        ["<f8", [-1, -1]],
        ["<f8", [1], 0],
        ["<f8", "1"],
        ["|O", [1]],
        ["<U999999999", [1]],
        ["f8,f8", [1]],
        ["<f8", [1] * 40],
        ["<f8", [0] * 40],
        ["<f8", [True]],
        ["nonsense", [1]],
        [["<f8"], [1]],
    ],
    ids=str,
)
def test_an_array_that_its_message_does_not_hold_is_refused(array: Any) -> None:
    header = json.dumps({"array": array}).encode()
    with pytest.raises(WireError):
        decode(header + bytes(8), len(header))


def test_no_byte_of_a_message_belongs_to_two_arrays() -> None:
    header = json.dumps([{"array": ["<f8", [1]]}, {"array": ["<f8", [1]]}]).encode()
    with pytest.raises(WireError):
        decode(header + bytes(8), len(header))


def test_a_header_longer_than_a_megabyte_is_refused_before_it_is_read() -> None:
    with pytest.raises(WireError, match="bytes"):
        lengths(HEAD.pack((1 << 20) + 1, 0), 1 << 40)


def test_a_named_tuple_arrives_as_a_tuple() -> None:
    pair = namedtuple("pair", "left right")
    assert over(pair(1, 2)) == (1, 2)


def test_a_message_longer_than_allowed_is_refused_before_it_is_read() -> None:
    with pytest.raises(WireError, match="at most 1000"):
        lengths(HEAD.pack(1 << 30, 1 << 31), 1000)
