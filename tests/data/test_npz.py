"""Laws of .npz files: agreed names, nothing unpickled, no size believed."""

from __future__ import annotations

import io
import os
import struct
import zipfile

import numpy as np
import pytest

from cnnpy.contract.errors import CnnpyError, DataError, DtypeError, MissingDataError, ShapeError
from cnnpy.data import Dataset, load_npz, save_npz

X = np.random.default_rng(0).integers(0, 256, (6, 3, 5, 4), dtype=np.uint8)
Y = np.array([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("names", [("images", "labels"), ("x", "y"), ("images", "y")])
def test_both_spellings_are_read(tmp_path, save, names):
    save(tmp_path / "set.npz", **dict(zip(names, (X, Y), strict=True)))
    data = load_npz(tmp_path / "set.npz")
    assert np.array_equal(data.images, X)
    assert np.array_equal(data.labels, Y)
    assert (data.class_names, data.name, data.white) == (("0", "1", "2"), "set", 255.0)


@pytest.mark.parametrize("dtype", ["u1", "<f4", "<f8", ">f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_pixels_come_back_in_the_machine_s_byte_order(tmp_path, dtype, order):
    np.savez(tmp_path / "set.npz", x=np.asarray(X.astype(dtype), order=order), y=Y.astype(">i2"))
    data = load_npz(tmp_path / "set.npz")
    assert np.array_equal(data.images, X)
    assert data.images.dtype.isnative
    assert data.images.dtype == np.dtype(dtype).newbyteorder("=")
    assert data.white == (255 if dtype == "u1" else 1)


def test_what_is_saved_is_loaded(tmp_path):
    for images in (X, X.astype(np.float32), X[:, :, ::2, ::-1], X[:0]):
        data = Dataset(images, Y[: len(images)], ("a", "caf\u00e9", "\u732b"), "pets", white=16)
        save_npz(tmp_path / "pets.npz", data)
        got = load_npz(tmp_path / "pets.npz")
        assert np.array_equal(got.images, images)
        assert got.images.dtype == images.dtype
        assert np.array_equal(got.labels, data.labels)
        assert (got.class_names, got.name, got.white) == (data.class_names, "pets", 16.0)
    assert [path.name for path in tmp_path.iterdir()] == ["pets.npz"]


def test_saving_leaves_the_old_file_where_it_fails(tmp_path, make_dataset, monkeypatch):
    path = tmp_path / "set.npz"
    save_npz(path, make_dataset(5))
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(DataError, match="No space left"):
        save_npz(path, make_dataset(9))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["set.npz"]


def test_saving_where_no_folder_is_says_so(tmp_path, make_dataset):
    with pytest.raises(DataError) as caught:
        save_npz(tmp_path / "no" / "set.npz", make_dataset(5))
    assert caught.value.mend == f"mkdir -p {tmp_path / 'no'}"
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "set.npz", tmp_path):
        with pytest.raises(DataError, match="cannot be written"):
            save_npz(path, make_dataset(5))


def test_saving_through_a_link_keeps_the_link_and_the_usual_rights(tmp_path, make_dataset):
    target = tmp_path / "target.npz"
    (tmp_path / "link.npz").symlink_to(target)
    save_npz(tmp_path / "link.npz", make_dataset(5))
    assert (tmp_path / "link.npz").is_symlink()
    (tmp_path / "plain").touch()
    assert target.stat().st_mode == (tmp_path / "plain").stat().st_mode


NAMES = np.array(["a", "b", "c"])
BAD = [
    ({"y": Y}, DataError, "has no images; it holds y", "np.savez"),
    ({"x": X}, DataError, "has no labels; it holds x", "np.savez"),
    ({"x": X, "images": X, "y": Y}, DataError, "holds both images and x", "without x"),
    ({"x": X.transpose(0, 2, 3, 1), "y": Y}, ShapeError, "(6, 5, 4, 3)", "transpose(0, 3, 1, 2)"),
    ({"x": X[:, 0], "y": Y}, ShapeError, "(6, 5, 4)", "np.newaxis"),
    ({"x": X.astype(int), "y": Y}, DtypeError, "int64", "uint8"),
    ({"x": X.astype("c8"), "y": Y}, DtypeError, "complex64", "float32"),
    ({"x": X, "y": Y / 2}, DtypeError, "float64", "astype"),
    ({"x": X, "y": NAMES[Y]}, DtypeError, "<U1", "np.unique"),
    ({"x": X, "y": Y[:5]}, ShapeError, "(5,)", "too many"),
    ({"x": X, "y": Y - 1}, DataError, "from -1 to 1", "np.unique"),
    ({"x": X, "y": Y * 1000}, DataError, "from 0 to 2000", "np.unique"),
    ({"x": X[:0], "y": Y[:0]}, DataError, "no images", "save images"),
    (
        {"x": X, "y": Y, "class_names": NAMES[:2]},
        DataError,
        "there are 2 classes",
        "name the class",
    ),
    (
        {"x": X, "y": Y, "class_names": NAMES[:, None][:, [0, 0]]},
        DataError,
        "(3, 2)",
        "class_names",
    ),
    ({"x": X, "y": Y, "class_names": np.arange(3)}, DataError, "int64", "class_names"),
    ({"x": X, "y": Y, "class_names": NAMES[:0]}, DataError, "(0,)", "class_names"),
    (
        {"x": X, "y": Y, "class_names": NAMES.astype(object)},
        DtypeError,
        "Python objects",
        "as text",
    ),
    ({"x": X.astype(object), "y": Y}, DtypeError, "Python objects", "np.stack(x)"),
    ({"x": X, "y": Y, "class_names": np.array([b"\xff", b"b", b"c"])}, DataError, "utf-8", "save"),
    ({"x": X, "y": Y, "white": -1}, DataError, "white", "white=255.0"),
    ({"x": X, "y": Y, "white": np.nan}, DataError, "white", "white=255.0"),
    ({"x": X, "y": Y, "name": "a\nb"}, DataError, "name is", "unnamed"),
]


@pytest.mark.parametrize(("arrays", "kind", "given", "mend"), BAD)
def test_arrays_that_do_not_fit_are_refused_with_the_mend(tmp_path, arrays, kind, given, mend):
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(kind) as caught:
        load_npz(tmp_path / "set.npz")
    assert given in caught.value.given
    assert mend in caught.value.mend
    assert len(str(caught.value).splitlines()) == 3


def test_class_names_of_bytes_are_utf_8(tmp_path):
    names = np.array([name.encode() for name in ("a", "caf\u00e9", "c")])
    np.savez(tmp_path / "set.npz", x=X, y=Y, class_names=names)
    assert load_npz(tmp_path / "set.npz").class_names == ("a", "caf\u00e9", "c")


def test_images_of_one_column_and_one_channel_are_no_nhwc(tmp_path):
    np.savez(tmp_path / "set.npz", x=X[:, :1, :, :1], y=Y)
    assert load_npz(tmp_path / "set.npz").shape == (1, 5, 1)


def npy(array: np.ndarray, shape: tuple[int, ...] | None = None) -> bytes:
    """Write an array, where asked with another shape in its header."""
    file = io.BytesIO()
    header = {"descr": array.dtype.str, "fortran_order": False, "shape": shape or array.shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + array.tobytes()


def archive(path, compression=zipfile.ZIP_DEFLATED, **members: bytes):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return path


def refused(path) -> str:
    """Return what is said about a file."""
    with pytest.raises(DataError) as caught:
        load_npz(path)
    return caught.value.given


def test_a_header_that_lies_about_the_shape_takes_no_memory(tmp_path, peak_bytes):
    array = np.zeros((1, 1, 1000, 1000), np.uint8)
    path = archive(tmp_path / "set.npz", x=npy(array, (9, 9, 9999, 999)), y=npy(Y))
    assert peak_bytes(lambda: refused(path)) < 1_000_000
    assert "x has shape (9, 9, 9999, 999)" in refused(path)
    path = archive(tmp_path / "set.npz", x=npy(array, (1, 1, 1000, 100)), y=npy(Y))
    assert "take 100000 bytes, and 1000000 are there" in refused(path)


def test_a_zip_that_lies_about_a_size_takes_no_memory(tmp_path, peak_bytes):
    data = npy(np.zeros((1, 1, 10, 10), np.uint8), (9999, 1, 99, 999))
    path = archive(tmp_path / "set.npz", x=data, y=npy(Y))
    true, lie = struct.pack("<I", len(data)), struct.pack("<I", 4_000_000_000)
    path.write_bytes(path.read_bytes().replace(true, lie))
    assert "states a size that does not fit" in refused(path)
    assert peak_bytes(lambda: refused(path)) < 1_000_000


def test_a_zip_bomb_beside_the_arrays_is_not_unpacked(tmp_path, peak_bytes):
    path = archive(tmp_path / "set.npz", x=npy(X), y=npy(Y), bomb=bytes(50_000_000))
    assert len(load_npz(path)) == 6
    assert peak_bytes(lambda: load_npz(path)) < 3_000_000
    names = archive(tmp_path / "names.npz", x=npy(X), y=npy(Y), class_names=bytes(50_000_000))
    assert "class_names has 50000000 bytes" in refused(names)


def test_other_archives_are_refused(tmp_path):
    path = tmp_path / "set.npz"
    assert "compressed in a way" in refused(archive(path, zipfile.ZIP_LZMA, x=npy(X), y=npy(Y)))
    assert "holds 1001 files" in refused(archive(path, **{f"a{k}": b"" for k in range(1001)}))
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.npy", npy(X))
        file.writestr("x", npy(X))
    assert "two files of one name" in refused(path)
    path.write_bytes(npy(X))
    assert "no .npz file" in refused(path)
    path.write_bytes(b"")
    assert "no .npz file" in refused(path)
    os.mkfifo(tmp_path / "pipe.npz")
    assert "no regular file" in refused(tmp_path / "pipe.npz")
    assert "a folder" in refused(tmp_path)
    with pytest.raises(MissingDataError, match="no such file"):
        load_npz(tmp_path / "missing.npz")


HEADERS = [
    b"\x93NUMPY\x03\x00" + struct.pack("<I", 4) + b"{}  ",
    b"\x93NUMPY\x09\x00",
    b"\x93NUMPY\x01\x00\xff\xff{",
    b"\x93NUMPY\x01\x00" + struct.pack("<H", 60_000) + b"(" * 60_000,
    b"\x93NUMPY\x01\x00" + struct.pack("<H", 9_000) + b"(" * 9_000,
    b"\x93NUMPY\x01\x00" + struct.pack("<H", 9) + b"'\\d' + 1 ",
    *(
        b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text
        for text in (
            b"{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
            b"{'descr': '|u1', 'fortran_order': False, 'shape': (1e3,)}",
            b"{'descr': '|u1', 'fortran_order': 2, 'shape': ()}",
            b"{'descr': '|V0', 'fortran_order': False, 'shape': (9,)}",
            b"{'descr': '<M8[s]', 'fortran_order': False, 'shape': ()}",
            b"{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': ()}",
            b"{'descr': '|u1', 'fortran_order': False, 'shape': (" + b"0," * 99 + b")}",
            b"{'descr': '|u1', 'fortran_order': False, 'shape': (0, " + b"9" * 99 + b")}",
            b"{'descr': __import__('os').system('touch trace')}",
        )
    ),
]


@pytest.mark.parametrize("header", HEADERS)
def test_headers_of_any_nonsense_are_refused(tmp_path, monkeypatch, header):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((DataError, DtypeError, ShapeError)) as caught:
        load_npz(archive(tmp_path / "set.npz", x=header, y=npy(Y)))
    assert len(str(caught.value).splitlines()) == 3
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damaged_files_give_an_error_of_ours_or_a_data_set(tmp_path, damaged, save, outcome):
    path = tmp_path / "set.npz"
    save(path, images=X, labels=Y, class_names=NAMES)
    for copy in damaged(path.read_bytes(), 500):
        path.write_bytes(copy)
        assert isinstance(outcome(lambda: load_npz(path)), (Dataset, CnnpyError))
