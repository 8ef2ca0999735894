"""Laws of folders of .npy files: headers are not believed, parts belong together."""

from __future__ import annotations

import io
import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from cnnpy.contract.errors import CnnpyError, DataError, DtypeError, MissingDataError, ShapeError
from cnnpy.data import Dataset, LazyDataset, digits, load, load_npy, save_npy

X = np.random.default_rng(0).integers(0, 256, (30, 3, 5, 4), dtype=np.uint8)
Y = np.arange(30) % 3


def write(folder: Path, images=X, labels=Y, **texts: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in (("images", images), ("labels", labels)):
        path = folder / f"{name}.npy"
        path.write_bytes(array) if isinstance(array, bytes) else np.save(path, array)
    for name, text in texts.items():
        (folder / {"classes": "classes.txt", "about": "dataset.json"}[name]).write_text(text)
    return folder


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def header(text: str, body: bytes = b"") -> bytes:
    """Write the header of an .npy file with any text in it."""
    padded = text.encode() + b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded + body


def both(folder: Path, **options) -> list[Dataset | LazyDataset]:
    return [load_npy(folder, lazy=wanted, **options) for wanted in (False, True)]


def refusals(folder: Path, kind: type[CnnpyError], **options) -> list[CnnpyError]:
    """Return what is said to both ways of reading, which must be the same."""
    errors = []
    for wanted in (False, True):
        with pytest.raises(kind) as caught:
            load_npy(folder, lazy=wanted, **options)
        errors.append(caught.value)
    assert str(errors[0]) == str(errors[1])
    assert len(str(errors[0]).splitlines()) == 3
    assert len(str(errors[0])) < 700
    return errors[0]


# --- what is read -----------------------------------------------------------------------------


def test_two_arrays_in_a_folder_are_a_data_set(tmp_path):
    for data in both(write(tmp_path / "pets")):
        assert np.array_equal(data.read(range(30)), X)
        assert np.array_equal(data.labels, Y)
        assert (data.name, data.white, data.class_names) == ("pets", 255.0, ("0", "1", "2"))
    assert isinstance(load_npy(tmp_path / "pets"), Dataset)
    assert isinstance(load_npy(tmp_path / "pets", lazy=True), LazyDataset)


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_classes_and_white_are_read_where_they_stand(tmp_path, ending):
    text = ending.join(["cat", " d\u00f6g", "\uc138\ubc88\uc9f8"]) if ending else "cat"
    labels = Y if ending else Y * 0
    write(tmp_path, X, labels, about='{"name": "two pets", "white": 16}')
    (tmp_path / "classes.txt").write_bytes(b"\xef\xbb\xbf" + (text + ending).encode())
    for data in both(tmp_path):
        assert (
            data.class_names == (("cat", " d\u00f6g", "\uc138\ubc88\uc9f8")[: 3 if ending else 1])
        )
        assert (data.name, data.white) == ("two pets", 16.0)


def test_floats_have_a_white_of_1_and_labels_any_integer_type(tmp_path):
    for data in both(write(tmp_path, X.astype(np.float32), Y.astype(">u2"))):
        assert data.white == 1.0
        assert data.labels.dtype == np.int64
        assert np.array_equal(data.labels, Y)


@pytest.mark.parametrize("layout", [None, "NCHW"])
def test_channels_last_is_not_guessed_but_read_where_it_is_asked_for(tmp_path, layout):
    images = np.ascontiguousarray(np.repeat(X, 2, axis=2).transpose(0, 2, 3, 1))  # (30, 10, 4, 3)
    error = refusals(write(tmp_path, images), ShapeError, layout=layout)
    assert "layout='NHWC'" in error.mend
    for data in both(tmp_path, layout="NHWC"):
        assert np.array_equal(data.read(range(30)), images.transpose(0, 3, 1, 2))


def test_grey_images_need_no_axis_of_channels(tmp_path):
    for layout in (None, "NHW"):
        for data in both(write(tmp_path, X[:, 0]), layout=layout):
            assert data.shape == (1, 5, 4)
            assert np.array_equal(data.read([2]), X[2:3, :1])
    for layout in ("NCHW", "NHWC"):
        assert "use layout='NHW'" in refusals(tmp_path, ShapeError, layout=layout).mend
    assert "layout='HWC'" in refusals(tmp_path, CnnpyError, layout="HWC").given


def test_a_version_2_header_is_read(tmp_path):
    file = io.BytesIO()
    np.lib.format.write_array(file, X, version=(2, 0), allow_pickle=False)
    for data in both(write(tmp_path, file.getvalue())):
        assert np.array_equal(data.read([29]), X[29:])


# --- what is refused --------------------------------------------------------------------------

WHOLE = saved(X)
SHAPE = "(30, 3, 5, 4)"
TEXT = "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }"
HUGE = "(99999999999999, 3, 999999, 4)"
BAD = {
    "empty": (b"", "damaged or no .npy file", "empty"),
    "cut in the magic": (WHOLE[:5], "damaged or no .npy file", "save it again"),
    "cut in the header": (WHOLE[:60], "damaged or no .npy file", "save it again"),
    "cut in the pixels": (WHOLE[:-1], f"shape {SHAPE} and dtype uint8, and 1799", "truncated"),
    "longer": (WHOLE + b"x", "1801 bytes follow it", "goes on after its array"),
    "another kind": (b"PK\3\4" + WHOLE, "damaged or no .npy file", "save it again"),
    "version 9": (WHOLE[:6] + b"\x09\x00" + WHOLE[8:], "version (9, 0)", "save it again"),
    "huge": (header(TEXT % HUGE), f"shape {HUGE}", "truncated"),
    "negative": (header(TEXT % "(-30, -3, 5, 4)", bytes(1800)), "no array has such a shape", ""),
    "too many digits": (header(TEXT % f"({'9' * 5000},)"), "damaged", "save it again"),
    "many digits": (header(TEXT % f"({'9' * 900},)"), "no array has such a shape", ""),
    "many axes": (header(TEXT % f"({'1, ' * 40})"), "no array has such a shape", ""),
    "no dictionary": (header("print('hello')"), "damaged header", "save it again"),
    "a call": (header(TEXT % "__import__('os').getpid()"), "damaged header", "save it again"),
    "nested": (header("(" * 3000), "damaged", "save it again"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_header_that_does_not_fit_the_file_is_refused(tmp_path, name):
    data, given, mend = BAD[name]
    error = refusals(write(tmp_path, data), DataError)
    assert given in error.given
    assert mend in error.mend
    assert "images.npy" in error.given
    assert f"{tmp_path / 'labels.npy'}" in refusals(write(tmp_path, X, data), DataError).given


def test_a_huge_array_takes_no_memory_before_it_is_refused(tmp_path, peak_bytes):
    write(tmp_path, header(TEXT % HUGE))

    def read() -> None:
        with pytest.raises(DataError):
            load_npy(tmp_path)

    assert peak_bytes(read) < 1 << 20


KINDS = {
    "objects": (None, DtypeError, "Python objects", "np.stack(images)"),
    "records": (np.zeros(30, "u1,u1"), DtypeError, "records", "np.stack(images)"),
    "Fortran order": (np.asfortranarray(X), DataError, "Fortran order", "ascontiguousarray"),
    "int64": (X.astype(np.int64), DtypeError, "int64", "astype(np.uint8)"),
    "float16": (X.astype(np.float16), DtypeError, "float16", "astype(np.float32)"),
    "complex": (X.astype(complex), DtypeError, "complex128", "astype(np.float32)"),
    "text": (np.full((30, 3, 5, 4), "a"), DtypeError, "<U1", "astype"),
    "flat": (X.reshape(30, -1)[:, :49], ShapeError, "(30, 49)", "reshape(-1, 1, 7, 7)"),
    "a scalar": (np.array(3, np.uint8), ShapeError, "()", "reshape(N, C, H, W)"),
    "no pixels": (X[:, :, :0], ShapeError, "no pixels", "axis 2"),
    "five axes": (X[None], ShapeError, "(1, 30, 3, 5, 4)", "reshape(N, C, H, W)"),
}


@pytest.mark.parametrize("name", KINDS)
def test_an_array_that_is_no_images_is_refused_with_the_mend(tmp_path, name):
    array, kind, given, mend = KINDS[name]
    if name == "objects":
        array = header("{'descr': '|O', 'fortran_order': False, 'shape': (30,), }", bytes(99))
    error = refusals(write(tmp_path, array), kind)
    assert given in error.given
    assert mend in error.mend


def test_labels_are_checked_as_everywhere(tmp_path):
    assert "29 labels" not in refusals(write(tmp_path, X, Y[:-1]), ShapeError).mend
    assert "labels.npy" in refusals(write(tmp_path, X, Y[:-1]), ShapeError).given
    assert "float64" in refusals(write(tmp_path, X, Y / 2), DtypeError).given
    write(tmp_path, X, Y, classes="cat\ndog\n")
    assert "labels[2] is 2; there are 2 classes" in refusals(tmp_path, DataError).given
    (tmp_path / "classes.txt").unlink()
    assert "range from -1" in refusals(write(tmp_path, X, Y - 1), DataError).given
    assert "to 300" in refusals(write(tmp_path, X, np.append(Y[1:], 300)), DataError).given
    names = "\n".join(map(str, range(301)))
    assert both(write(tmp_path, X, np.append(Y[1:], 300), classes=names))[1].n_classes == 301


TEXTS = [
    ({"classes": "cat\ndog\ncat\n"}, "'cat' twice"),
    ({"classes": "cat\n\ndog\n"}, "class_names[1] is ''"),
    ({"classes": "a\tb\nc\nd\n"}, "class_names[0]"),
    ({"about": "{"}, "dataset.json: no JSON"),
    ({"about": "[" * 100_000}, "dataset.json: no JSON"),
    ({"about": "[1]"}, "dataset.json: holds a list"),
    ({"about": '{"white": "255"}'}, "dataset.json: white is '255'"),
    ({"about": '{"white": true}'}, "dataset.json: white is True"),
    ({"about": '{"white": NaN}'}, "white=nan"),
    ({"about": '{"white": 1' + "0" * 400 + "}"}, "white=1000"),
    ({"about": '{"name": 3}'}, "dataset.json: name is 3"),
    ({"about": '{"name": "a\\u001b[2Jb"}'}, "name is 'a\\x1b[2Jb'"),
]


@pytest.mark.parametrize(("texts", "given"), TEXTS)
def test_what_stands_beside_is_checked(tmp_path, texts, given):
    error = refusals(write(tmp_path, **texts), CnnpyError)
    assert given in error.given


def test_texts_in_another_encoding_or_too_long_are_named(tmp_path):
    write(tmp_path)
    (tmp_path / "classes.txt").write_bytes("caf\u00e9\n".encode("latin-1"))
    assert "byte 3 is no UTF-8" in refusals(tmp_path, DataError).given
    os.truncate(tmp_path / "classes.txt", 1 << 30)
    assert "classes.txt: has 1073741824 bytes" in refusals(tmp_path, DataError).given


def test_missing_files_are_named(tmp_path):
    write(tmp_path)
    for name in ("labels.npy", "images.npy"):
        (tmp_path / name).unlink()
        assert str(tmp_path / name) in refusals(tmp_path, MissingDataError).given


def test_damaged_files_give_an_error_of_ours_or_a_data_set(tmp_path, damaged, outcome):
    write(tmp_path, about='{"white": 7}', classes="a\nb\nc\n")
    for name in ("images.npy", "labels.npy", "classes.txt", "dataset.json"):
        whole = (tmp_path / name).read_bytes()
        for copy in damaged(whole, 120, head=128):
            (tmp_path / name).write_bytes(copy)
            got = outcome(lambda: load_npy(tmp_path))
            assert isinstance(got, (Dataset, CnnpyError)), got
        (tmp_path / name).write_bytes(whole)


# --- parts ------------------------------------------------------------------------------------


def test_a_folder_is_split_and_ready_made_parts_are_kept(tmp_path):
    write(tmp_path / "one")
    assert [len(part) for part in load(tmp_path / "one")] == [18, 6, 6]
    write(tmp_path / "parts" / "train")
    write(tmp_path / "parts" / "test", X[:6], Y[:6])
    assert [len(part) for part in load(tmp_path / "parts")] == [27, 3, 6]
    write(tmp_path / "parts" / "val", X[:3], Y[:3])
    parts = load(tmp_path / "parts")
    assert [len(part) for part in parts] == [30, 3, 6]
    assert {part.name for part in parts} == {"parts"}


def test_parts_have_the_classes_that_any_has(tmp_path):
    write(tmp_path / "train")
    write(tmp_path / "test", X[:2], Y[:2])
    assert load(tmp_path).test.class_names == ("0", "1", "2")
    (tmp_path / "classes.txt").write_text("a\nb\nc\n")
    (tmp_path / "dataset.json").write_text('{"white": 9}')
    parts = load(tmp_path)
    assert {part.class_names for part in parts} == {("a", "b", "c")}
    assert {part.white for part in parts} == {9.0}
    assert load_npy(tmp_path / "train").class_names == ("0", "1", "2")  # alone it is no part


def test_parts_that_do_not_fit_together_are_refused(tmp_path):
    write(tmp_path / "train")
    write(tmp_path / "test", X[..., :3])
    with pytest.raises(ShapeError, match="those of test"):
        load(tmp_path)


@pytest.mark.parametrize("lazy", [False, True, None])
def test_who_asks_decides_and_else_the_size_does(tmp_path, lazy, monkeypatch):
    write(tmp_path / "one")
    kind = LazyDataset if lazy else Dataset
    assert {type(part) for part in load(tmp_path / "one", lazy=lazy)} == {kind}
    monkeypatch.setattr("cnnpy.data.catalog.LAZY_FROM_BYTES", X.nbytes)
    kind = Dataset if lazy is False else LazyDataset
    assert {type(part) for part in load(tmp_path / "one", lazy=lazy)} == {kind}
    monkeypatch.setattr("cnnpy.data.catalog.LAZY_FROM_BYTES", X.nbytes + 1)
    kind = LazyDataset if lazy else Dataset
    assert {type(part) for part in load(tmp_path / "one", lazy=lazy)} == {kind}


# --- writing ----------------------------------------------------------------------------------


def test_what_is_saved_numpy_reads(tmp_path):
    save_npy(tmp_path / "deep" / "digits", digits())
    folder = tmp_path / "deep" / "digits"
    assert np.array_equal(np.load(folder / "images.npy"), digits().images)
    assert np.array_equal(np.load(folder / "labels.npy"), digits().labels)
    assert (folder / "classes.txt").read_text().split() == list("0123456789")
    assert json.loads((folder / "dataset.json").read_text()) == {"name": "digits", "white": 16.0}
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["digits"]


def test_a_data_set_of_any_strides_is_saved_as_it_is(tmp_path):
    views = {
        "reversed": X[:, ::-1, ::2],
        "last": X.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2),
    }
    for name, images in views.items():
        save_npy(tmp_path / name, Dataset(images, Y, ("a", "b", "c")))
        assert np.array_equal(np.load(tmp_path / name / "images.npy"), images)


def test_nothing_is_overwritten_and_nothing_half_written_stays(tmp_path, make_dataset, monkeypatch):
    data = make_dataset(5, 5)
    (tmp_path / "empty").mkdir()
    save_npy(tmp_path / "empty", data)
    for name in ("empty", "file"):
        (tmp_path / "file").touch()
        with pytest.raises(DataError, match="something already"):
            save_npy(tmp_path / name, data)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cnnpy.data.npy.in_chunks", full)
    with pytest.raises(DataError, match="No space left"):
        save_npy(tmp_path / "new", data)
    with pytest.raises(DataError, match="cannot be written"):
        save_npy(tmp_path / "file" / "new", data)
    assert {p.name for p in tmp_path.iterdir()} == {"empty", "file"}
