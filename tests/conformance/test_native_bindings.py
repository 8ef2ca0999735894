"""The bindings convert nothing: an array that does not fit is a TypeError, and stays as it is."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

native = pytest.importorskip("cnnpy.backends.native._native")

STUB = Path(importlib.import_module("cnnpy").__file__).parent / "backends/native/_native.pyi"

A = np.float32
IMAGES, FILTERS, CHANNELS, MATRIX = (2, 4, 4, 3), (3, 3, 3, 3), (2, 3), (4, 6)


def conv() -> Any:
    return native.Conv2d(2, 3, 4, 4, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 4, 4)


def pool() -> Any:
    return native.Pool2d(2, 3, 4, 4, 3, 3, 1, 1, 1, 1, 4, 4, True)


def sides() -> Any:
    return native.Padding(0, 0, 0, 0, native.Border.CONSTANT)


def curve() -> Any:
    return native.Curve.TANH


def auto() -> Any:
    return native.Algorithm["auto"]


class Given:
    """An array that a binding reads, or writes where it is an Out."""

    def __init__(self, *shape: int, dtype: Any = A) -> None:
        self.shape = shape
        self.dtype = dtype


class Out(Given):
    pass


_DOUBLES = Out(*CHANNELS, dtype=np.float64)
_LABELS = Given(4, dtype=np.int64)
_FLAT, _OUT = Given(*MATRIX), Out(*MATRIX)
_X, _Y = Given(*IMAGES), Out(*IMAGES)
_WORDS = Given(1, dtype=np.uint64)
_TAPS = Given(*IMAGES, dtype=np.uint8)
_PER = Given(*CHANNELS)

# Every binding that takes arrays, with arguments that fit.
CALLS: dict[str, tuple[Any, ...]] = {
    "conv2d_forward": (conv, auto, _X, Given(*FILTERS), Given(3), False, _Y, None, _X),
    "conv2d_input_gradient": (conv, auto, _X, Given(*FILTERS), Given(3), _Y),
    "conv2d_filter_gradient": (conv, auto, _X, _X, Out(*FILTERS), Out(3)),
    "conv_block_forward": (
        conv, auto, _X, _PER, _PER, _X, True, 6.0, _Y, Given(*FILTERS), Given(3), _Y, _DOUBLES,
        _DOUBLES,
    ),
    "conv_pool_forward": (
        conv, auto, _X, Given(*FILTERS), Given(3), pool, True, _Y, Out(*IMAGES, dtype=np.uint8),
    ),
    "conv_pool_backward": (
        conv, auto, _X, pool, _X, _TAPS, Given(*FILTERS), _X, _Y, Out(*FILTERS), Out(3),
    ),
    "conv_block_backward": (
        conv, auto, _X, _PER, _PER, True, 6.0, _X, _X, *[_PER] * 4, _PER, _PER, _X, 6.0,
        Given(*FILTERS), _X, _Y, _X, _PER, _DOUBLES, _DOUBLES, Out(*FILTERS), Out(3), _Y,
    ),
    "linear_forward": (Given(4, 6), Given(5, 6), Given(5), False, Out(4, 5)),
    "linear_input_gradient": (Given(4, 5), Given(5, 6), Out(4, 6)),
    "linear_parameter_gradients": (Given(4, 6), Given(4, 5), Out(5, 6), Out(5)),
    "relu_mask": (_FLAT, _FLAT, _OUT),
    "add_relu": (_FLAT, _FLAT, _OUT),
    "relu_forward": (_FLAT, _OUT, Out(1, dtype=np.uint64)),
    "relu_backward": (_FLAT, _WORDS, _OUT),
    "curve_forward": (curve, _FLAT, 0.0, _OUT),
    "curve_backward": (curve, _FLAT, _FLAT, 0.0, _OUT),
    "add": (_FLAT, _FLAT, _OUT),
    "dropout": (_FLAT, Given(*MATRIX, dtype=np.bool_), 2.0, _OUT),
    "copy": (_FLAT, _OUT),
    "squared_distance": (_FLAT, _FLAT),
    "scaled_difference": (_FLAT, _FLAT, 1.0, _OUT),
    "max_pool2d_forward": (pool, _X, Given(3), Given(3), True, _Y, Out(*IMAGES, dtype=np.uint8)),
    "max_pool2d_backward": (pool, _X, _TAPS, _Y),
    "avg_pool2d_forward": (pool, _X, _Y),
    "avg_pool2d_backward": (pool, _X, _Y),
    "channel_means": (_X, Out(2, 3)),
    "channel_means_backward": (Given(2, 3), _Y),
    "batch_statistics": (_X, _DOUBLES, _DOUBLES),
    "batch_norm_apply": (_X, _PER, _PER, _X, False, _Y),
    "batch_norm_backward_sums": (_X, _X, _PER, _PER, _PER, _X, _DOUBLES, _DOUBLES),
    "batch_norm_backward_apply": (*[_X] * 2, *[_PER] * 6, _X, _Y, _Y),
    "row_norm_forward": (Given(4, 6), Given(6), Given(6), 1e-5, _OUT, Out(4), Out(4)),
    "row_norm_backward": (
        *[Given(4, 6)] * 2, Given(6), *[Given(4)] * 2, _OUT, Out(6), Out(6),
    ),
    "softmax_forward": (Given(2, 3, 4), False, Out(2, 3, 4)),
    "softmax_backward": (Given(2, 3, 4), Given(2, 3, 4), False, Out(2, 3, 4)),
    "cross_entropy_forward": (Given(4, 6), _LABELS, None, 0.0, _OUT),
    "cross_entropy_backward": (Given(4, 6), _LABELS, None, 0.0, 1.0, _OUT),
    "hinge_forward": (Given(4, 6), _LABELS),
    "hinge_backward": (Given(4, 6), _LABELS, 1.0, _OUT),
    "transpose": (Given(2, 3, 4), Out(2, 4, 3)),
    "pad2d_forward": (sides, _X, 0.0, _Y),
    "pad2d_backward": (sides, _X, _Y),
    "upsample_forward": (1, 1, _X, _Y),
    "upsample_backward": (1, 1, _X, _Y),
    "copy_columns": (Given(4, 6), 0, _OUT, 0, 6),
    "images_from_bytes": (
        Given(2, 3, 4, 5, dtype=np.uint8), Given(2, dtype=np.int64), Given(2, 3, dtype=np.int32),
        0, Given(2, 4, dtype=np.int32), Given(3, dtype=np.uint8), Given(3, 256), Out(2, 4, 5, 3),
    ),
    "sgd_step": (_OUT, _FLAT, _OUT, 0.1, 0.9, True, 0.0),
    "rmsprop_step": (_OUT, _FLAT, _OUT, _OUT, 0.1, 0.9, 1e-8, 0.9, 0.0),
    "adam_step": (_OUT, _FLAT, _OUT, _OUT, 0.1, 0.9, 0.99, 1e-8, 0.0, 1.0, 0.1, 0.01),
}  # fmt: skip
every_binding = pytest.mark.parametrize("name", CALLS)


def made(argument: Any) -> Any:
    if isinstance(argument, Given):
        return np.ones(argument.shape, dtype=argument.dtype)
    return argument() if callable(argument) else argument


def arguments_of(name: str) -> list[Any]:
    return [made(argument) for argument in CALLS[name]]


def array_places(name: str, kind: type[Given]) -> list[int]:
    return [k for k, argument in enumerate(CALLS[name]) if isinstance(argument, kind)]


def test_every_binding_that_takes_an_array_is_in_the_table() -> None:
    functions = re.split(r"^def ", STUB.read_text(), flags=re.MULTILINE)[1:]
    with_arrays = {f.partition("(")[0] for f in functions if re.search(r": .*(Array|NDArray)", f)}
    with_arrays -= {f.partition("(")[0] for f in functions if "shape: Sequence" in f}
    assert with_arrays == set(CALLS)


@every_binding
def test_arguments_that_fit_are_taken(name: str) -> None:
    getattr(native, name)(*arguments_of(name))


def _other_dtype(array: Any) -> Any:
    return array.astype(np.float32 if array.dtype == np.float64 else np.float64)


def _half(array: Any) -> Any:
    return array.astype(np.float16)


def _byte_swapped(array: Any) -> Any:
    return array.astype(array.dtype.newbyteorder())


def _with_gaps(array: Any) -> Any:
    return np.repeat(array, 2, axis=-1)[..., ::2]


def _in_other_order(array: Any) -> Any:
    return np.asfortranarray(array)


def _with_an_axis_more(array: Any) -> Any:
    return array[np.newaxis]


SPOILED = [_other_dtype, _half, _byte_swapped, _with_gaps, _in_other_order]


def _alone(name: str, place: int) -> bool:
    """Tell whether no other argument says that the numbers are float32."""
    places = [k for k in array_places(name, Given) if CALLS[name][k].dtype == A]
    return places == [place]


@every_binding
@pytest.mark.parametrize("spoil", SPOILED)
def test_an_array_of_another_kind_is_refused_and_not_written_to(name: str, spoil: Any) -> None:
    for place in array_places(name, Given):
        arguments = arguments_of(name)
        spoiled = spoil(arguments[place])
        fits = spoiled.flags.c_contiguous and spoiled.dtype == arguments[place].dtype
        if fits and spoiled.dtype.isnative:  # as a row in Fortran's order is
            continue
        if name == "images_from_bytes" and place == 0 and spoiled.dtype == np.uint8:
            continue  # raw images are read where they lie
        if spoil is _other_dtype and _alone(name, place):  # all is float64 then
            continue
        arguments[place] = spoiled
        before = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
        with pytest.raises(TypeError):
            getattr(native, name)(*arguments)
        for was, array in zip(before, arguments, strict=True):
            if isinstance(array, np.ndarray):
                np.testing.assert_array_equal(array, was)


@every_binding
def test_a_read_only_result_is_refused_and_a_read_only_input_is_not(name: str) -> None:
    for place in array_places(name, Given):
        arguments = arguments_of(name)
        arguments[place].flags.writeable = False
        if isinstance(CALLS[name][place], Out):
            with pytest.raises(TypeError):
                getattr(native, name)(*arguments)
            assert np.all(arguments[place] == 1)
        else:
            getattr(native, name)(*arguments)


@pytest.mark.parametrize("name", [n for n in CALLS if "2d" in n])
def test_images_without_four_axes_are_refused(name: str) -> None:
    for place in array_places(name, Given):
        arguments = arguments_of(name)
        if np.ndim(arguments[place]) == 1 and name == "max_pool2d_forward":
            continue  # what is per channel is flat there
        arguments[place] = _with_an_axis_more(arguments[place])
        with pytest.raises(TypeError):
            getattr(native, name)(*arguments)


def test_an_array_is_no_list_and_none_is_taken_only_where_it_means_something() -> None:
    x = np.ones(MATRIX, dtype=A)
    for wrong in (x.tolist(), None, 1.0, "x", memoryview(b"12345678")):
        with pytest.raises(TypeError):
            native.add(wrong, x, np.empty_like(x))


def test_a_count_beyond_32_bits_is_refused() -> None:
    for large in (2**31, -(2**31) - 1, 2**63, 2**64):
        with pytest.raises(TypeError):
            native.Conv2d(large, *[1] * 15)
        with pytest.raises(TypeError):
            native.Pool2d(1, 1, large, *[1] * 9, True)


def test_memory_that_is_not_there_is_a_memory_error() -> None:
    for shape in ([2**62], [2**32, 2**32], [2**63, 2]):
        for empty in (native.empty_f32, native.empty_u8):
            with pytest.raises(MemoryError):
                empty(shape)


def test_a_program_takes_arrays_of_its_sizes_only_and_holds_its_weights() -> None:
    program = native.Program_f32(12)
    w = np.ones((2, 6), dtype=A)
    with pytest.raises(TypeError):
        program.linear(2, 0, w.astype(np.float64), None, False, native.PackedFilters_f32())
    with pytest.raises(TypeError):
        program.linear(2, 0, w, None, False, native.PackedFilters_f64())
    program.finish(program.linear(2, 0, w, np.ones(2, dtype=A), False, native.PackedFilters_f32()))
    w[...] = 2
    del w
    x, out = np.ones((2, 6), dtype=A), np.zeros((2, 2), dtype=A)
    program.run(x, out)
    np.testing.assert_array_equal(out, np.full((2, 2), 13, dtype=A))
    for wrong_x, wrong_out in ((x[:1], out), (x, np.zeros(3, dtype=A))):
        with pytest.raises(ValueError, match="another size"):
            program.run(wrong_x, wrong_out)
    for wrong in (x.astype(np.float64), x[:, ::2], None):
        with pytest.raises(TypeError):
            program.run(wrong, out)
    out.flags.writeable = False
    with pytest.raises(TypeError):
        program.run(x, out)
