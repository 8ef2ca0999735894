"""Laws of the inert pickle reader: it builds data, and runs nothing."""

from __future__ import annotations

import pickle
import struct
import subprocess
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from cnnpy.contract.errors import CnnpyError, DataError
from cnnpy.data.pickled import read_pickled_dict

PIXELS = np.arange(24, dtype=np.uint8).reshape(2, 12)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("fix_imports", [True, False])
@pytest.mark.parametrize(
    "value",
    [
        {},
        {"labels": [1, 2, 3], "batch_label": "training batch 1 of 5"},
        {b"labels": [0, 255, 256, 70000, -1, 2**40], b"name": b"\x00\xff\n'\\"},
        {"nested": {"a": (1, (2, 3), []), "b": [(), {}, [None, True, False, 0.5, -1e300]]}},
        {"text": "caf\u00e9 \u4e2d\U0001f600\n\\", "many": list(range(3000))},
        {"four": (1, 2, 3, 4), "shared": [PIXELS.shape] * 3},
    ],
)
def test_plain_values_come_back_as_they_were(protocol, fix_imports, value):
    got = read_pickled_dict(pickle.dumps(value, protocol, fix_imports=fix_imports), "file")
    want = {k.decode("latin-1") if isinstance(k, bytes) else k: v for k, v in value.items()}
    assert got == want


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("fix_imports", [True, False])
@pytest.mark.parametrize(
    "array",
    [
        PIXELS,
        PIXELS.T,
        np.asfortranarray(PIXELS),
        PIXELS[:, ::2],
        np.arange(256, dtype=np.uint8),
        np.ones((1, 1, 1), np.uint8),
    ],
)
def test_arrays_of_bytes_come_back_as_they_were(protocol, fix_imports, array):
    data = pickle.dumps({"data": array, "again": array}, protocol, fix_imports=fix_imports)
    got = read_pickled_dict(data, "file")
    for name in ("data", "again"):
        assert isinstance(got[name], np.ndarray)
        assert got[name].dtype == np.uint8
        assert np.array_equal(got[name], array)
        assert got[name].flags.writeable


def python2_pickle(pixels: np.ndarray, module: bytes = b"numpy.core.multiarray") -> bytes:
    """Assemble what Python 2 wrote: texts as byte strings, protocol 2."""
    raw = pixels.tobytes()
    return b"".join(
        [
            b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x15training batch 1 of 5q\x03",
            b"U\x06labelsq\x04]q\x05(K\x06K\x09eU\x04dataq\x06c",
            module + b"\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09(K\x01",
            b"K" + bytes([pixels.shape[0]]) + b"M" + struct.pack("<H", pixels.shape[1]) + b"\x86",
            b"cnumpy\ndtype\nq\x0aU\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNN",
            b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89",
            b"T" + struct.pack("<I", len(raw)) + raw + b"tbU\x09filenamesq\x0c]q\x0d(",
            b"U\x05a.pngq\x0eU\x05b.pngq\x0feu.",
        ]
    )


def test_a_file_of_python_2_is_read():
    pixels = np.arange(600, dtype=np.uint16).astype(np.uint8).reshape(2, 300)
    got = read_pickled_dict(python2_pickle(pixels), "data_batch_1")
    assert np.array_equal(got.pop("data"), pixels)
    assert got == {
        "batch_label": "training batch 1 of 5",
        "labels": [6, 9],
        "filenames": ["a.png", "b.png"],
    }


class Runs:
    """Run a function when unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_asks_to_run_something_is_refused_by_name(tmp_path, protocol):
    trace = tmp_path / "trace"
    for value, name in (
        (Runs(Path.touch, trace), "touch|getattr|PosixPath|pathlib"),
        (
            Runs(subprocess.call, ["touch", str(trace)]),
            r"(subprocess|commands)\.call",
        ),  # Python 2 had it in commands
        (Runs(eval, f"open({str(trace)!r}, 'w')"), r"(builtins|__builtin__)\.eval"),
        (Runs(np.fromfile, str(trace)), r"fromfile"),
        (Runs(np.ndarray, (10**12,)), "numpy.ndarray|no function"),
    ):
        data = pickle.dumps({"labels": [1], "data": value}, protocol)
        with pytest.raises(DataError, match=name) as caught:
            read_pickled_dict(data, "data_batch_1")
        assert caught.value.given.startswith("data_batch_1: ")
        assert "Python's pickle" in caught.value.mend
        assert not trace.exists()


HOSTILE = {
    "asks to run os.system": b"cos\nsystem\n(S'touch trace'\ntR.",
    "asks to run posix.system": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x01x\x85R.",
    "asks to run os.system ": b"(S'touch trace'\nios\nsystem\n.",
    "uses OBJ": b"(cnumpy\nndarray\nK\x01o.",
    "uses NEWOBJ": b"cnumpy\nndarray\n)\x81.",
    "uses NEWOBJ_EX": b"\x80\x04cnumpy\nndarray\n)}\x92.",
    "asks for EXT1 1": b"\x80\x02\x82\x01.",
    "asks for PERSID 'x'": b"Px\n.",
    "asks for BINPERSID None": b"K\x01Q.",
    "asks for NEXT_BUFFER": b"\x80\x05\x97.",
    "asks to run numpy._core.multiarray.scalar": b"cnumpy._core.multiarray\nscalar\n.",
    "asks to run numpy.dtype.type": b"\x80\x04\x8c\x05numpy\x8c\x0adtype.type\x93.",
    "asks to run 'a\\x1b[2J": b"ca\x1b[2J\nb\n.",
    "calls something that is no function": b"cnumpy\nndarray\n)R.",
    "calls something": b"K\x01)R.",
    "calls _codecs.encode without arguments": b"c_codecs\nencode\nK\x01R.",
    "calls _codecs.encode with something": b"c_codecs\nencode\nX\x01\0\0\0aX\x04\0\0\0zlib\x86R.",
    "makes an array of an unknown kind": b"cnumpy.core.multiarray\n_reconstruct\n(K\x01K\x00tR.",
    "makes an array from a wrong number": b"cnumpy._core.numeric\n_frombuffer\n)R.",
    "sets the state": b"}}b.",
    "names something by other than text": b"\x80\x04K\x01K\x02\x93.",
    "leaves 2 values": b"K\x01K\x02.",
    "leaves 0 values": b".",
    "takes a value from an empty stack": b"a.",
    "lacks a mark": b"t.",
    "recalls value 7": b"h\x07.",
    "remembers a value of an empty stack": b"q\x00.",
    "fills something that is no list": b"K\x01K\x02a.",
    "fills something that is no dict": b"K\x01K\x02K\x03s.",
    "a key without a value": b"(K\x01d.",
    "keys that are no names": b"}(]K\x01u.",
    "goes on for 3 bytes after its end": b"}.abc",
    "damaged pickle": b"\x80\x02}q",
    "damaged pickle: pickle exhausted": b"",
    "damaged pickle: at position 0, opcode b'\\xff' unknown": b"\xff",
    "holds a int": b"K\x01.",
    "holds a mark": b"cnumpy\nndarray\n.",
    "uses EMPTY_SET": b"\x80\x04\x8f.",
}


@pytest.mark.parametrize("given", HOSTILE)
def test_what_is_not_plain_data_is_refused_in_words(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        read_pickled_dict(HOSTILE[given], "file")
    assert given.strip() in caught.value.given
    assert len(str(caught.value).splitlines()) == 3
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("dtype", ["i1", "<i8", "f4", "?", "U3", "O"])
@pytest.mark.parametrize("protocol", [2, 5])
def test_only_arrays_of_uint8_are_built(dtype, protocol):
    with pytest.raises(DataError, match=r"dtype '.*', not uint8|asks to run"):
        read_pickled_dict(pickle.dumps({"data": np.zeros(3, dtype)}, protocol), "file")


def test_an_array_with_a_wrong_shape_is_refused():
    data = python2_pickle(np.zeros((2, 300), np.uint8))
    with pytest.raises(DataError, match=r"shape \(3, 300\) in 600 bytes"):
        read_pickled_dict(data.replace(b"K\x02M", b"K\x03M"), "file")
    with pytest.raises(DataError, match="sensible shape"):
        read_pickled_dict(data.replace(b"M\x2c\x01\x86", b"J\xff\xff\xff\xff\x86"), "file")


def test_a_small_file_cannot_build_a_large_thing(peak_bytes):
    text = b"X" + struct.pack("<I", 100_000) + b"a" * 100_000
    encode = b"c_codecs\nencode\nq\x00" + text + b"X\x06\0\0\0latin1\x86q\x01R"
    bomb = b"\x80\x02(" + encode + b"h\x00h\x01R" * 20_000 + b"l."

    def refused() -> None:
        with pytest.raises(DataError, match="builds far more than"):
            read_pickled_dict(bomb, "file")

    assert peak_bytes(refused) < 20_000_000
    with pytest.raises(DataError, match="far larger"):
        read_pickled_dict(b"K\x01" * 1_000_002 + b".", "file")
    with pytest.raises(DataError, match="far larger"):
        read_pickled_dict(b"(" * 1_000_002 + b".", "file")


def test_deep_and_cyclic_structures_end():
    deep = b"}U\x01a]" + b"\x85" * 300_000 + b"s."
    assert isinstance(read_pickled_dict(deep, "file")["a"], tuple)
    cyclic = b"}q\x00U\x01ah\x00s."
    assert list(read_pickled_dict(cyclic, "file")) == ["a"]


@pytest.mark.parametrize("protocol", range(6))
def test_damaged_pickles_give_an_error_of_ours_or_a_dictionary(damaged, protocol, outcome):
    data = pickle.dumps({"data": PIXELS, b"labels": [1, 2], "f": ["a", 0.5, None]}, protocol)
    for copy in damaged(data, 400):
        assert isinstance(outcome(partial(read_pickled_dict, copy, "file")), (dict, CnnpyError))
