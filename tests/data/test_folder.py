"""Laws of image folders: what is a class, what is an image, and what is said otherwise."""

from __future__ import annotations

import builtins
import io
import os
import struct
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cnnpy.contract.errors import (
    CnnpyError,
    DataError,
    MissingDataError,
    MissingPackageError,
    OptionError,
)
from cnnpy.data import LazyDataset, image_folder, read_image

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

GREY = np.arange(30, dtype=np.uint8).reshape(5, 6) * 8
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=2)


def encoded(pixels: np.ndarray, form: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """Write a piece of a PNG."""
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def write(top: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(data)
    return top


@pytest.fixture
def pets(tmp_path) -> Path:
    return write(
        tmp_path / "pets",
        {"cat/1.png": encoded(COLOUR), "cat/2.png": encoded(COLOUR), "dog/1.png": encoded(COLOUR)},
    )


def test_subfolders_are_the_classes(pets):
    data = image_folder(pets)
    assert data.class_names == ("cat", "dog")
    assert data.labels.tolist() == [0, 0, 1]
    assert data.name == "pets"
    assert data.images.dtype == np.uint8
    assert np.array_equal(data.images[0], COLOUR.transpose(2, 0, 1))


def test_names_are_in_natural_order(tmp_path):
    names = ["10", "9", "1", "b", "A"]
    folder = write(tmp_path, {f"{n}/{k}.png": encoded(GREY + k) for n in names for k in (2, 10)})
    data = image_folder(folder)
    assert data.class_names == ("1", "9", "10", "A", "b")
    assert data.images[:2, 0, 0, 0].tolist() == [2, 10]


@pytest.mark.parametrize(
    ("form", "extension"),
    [
        ("PNG", "png"),
        ("JPEG", "jpg"),
        ("JPEG", "JPEG"),
        ("BMP", "Bmp"),
        ("GIF", "gif"),
        ("PPM", "ppm"),
        ("PPM", "pgm"),
        ("WEBP", "webp"),
        ("TIFF", "tif"),
        ("TIFF", "TIFF"),
    ],
)
def test_every_format_is_read_whatever_its_capitals(tmp_path, form, extension):
    flat = np.full((8, 8, 3), 200, np.uint8)
    data = image_folder(write(tmp_path, {f"a/x.{extension}": encoded(flat, form)}), channels=3)
    assert data.shape == (3, 8, 8)
    assert np.abs(data.images.astype(int) - 200).max() <= 3


def test_what_is_hidden_or_no_image_is_passed_over(pets):
    write(pets, {".git/x.png": b"", "cat/.x.png": b"", "cat/notes.txt": b"", "readme.md": b""})
    (pets / "cat" / ".cache").mkdir()
    assert len(image_folder(pets)) == 3


def test_grey_files_give_one_channel_and_any_colour_gives_three(pets, tmp_path):
    grey = write(tmp_path / "grey", {"a/1.png": encoded(GREY), "b/1.png": encoded(GREY > 9)})
    data = image_folder(grey)
    assert data.shape == (1, 5, 6)
    assert np.array_equal(data.images[0, 0], GREY)
    assert set(np.unique(data.images[1])) == {0, 255}
    write(pets, {"dog/2.png": encoded(GREY)})
    mixed = image_folder(pets)
    assert mixed.shape == (3, 5, 6)
    assert all(np.array_equal(channel, GREY) for channel in mixed.images[3])


def test_channels_can_be_asked_for(pets):
    assert image_folder(pets, channels=1).shape == (1, 5, 6)
    with pytest.raises(OptionError, match="channels=4"):
        image_folder(pets, channels=4)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_becomes_bytes(tmp_path, mode, channels):
    file = io.BytesIO()
    form = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    white = Image.fromarray(np.full((8, 8, 3), 255, np.uint8)).convert(mode)
    white.save(file, form)
    data = image_folder(write(tmp_path, {"a/x." + form.lower(): file.getvalue()}), None, channels)
    assert data.shape == (channels, 8, 8)
    assert data.images.min() >= 250


def test_a_palette_with_transparency_keeps_its_colours(tmp_path):
    image = Image.fromarray(COLOUR).convert("P")
    file = io.BytesIO()
    image.save(file, "PNG", transparency=bytes([0, 128, 255]))
    data = image_folder(write(tmp_path, {"a/x.png": file.getvalue()}))
    assert np.array_equal(data.images[0], np.array(image.convert("RGB")).transpose(2, 0, 1))


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_scaled_not_cut_off(tmp_path, form):
    deep = (GREY.astype(np.uint16) * 257).astype(np.uint16)
    data = image_folder(write(tmp_path, {f"a/x.{form.lower()}": encoded(deep, form)}))
    assert np.array_equal(data.images[0, 0], GREY)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_without_a_range_are_refused(tmp_path, dtype):
    folder = write(tmp_path, {"a/x.tif": encoded(GREY.astype(dtype), "TIFF")})
    with pytest.raises(DataError, match=r"x\.tif: has pixels of 32 bits"):
        image_folder(folder)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_as_their_exif_says(tmp_path, form, orientation):
    upright = np.zeros((16, 32), np.uint8)
    upright[:8, :16] = 255  # bright above left
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    colour = np.repeat(np.ascontiguousarray(stored)[:, :, None], 3, axis=2)
    folder = write(tmp_path, {f"a/x.{form.lower()}": encoded(colour, form, exif=exif)})
    image = image_folder(folder).images[0, 0]
    assert image.shape == (16, 32)
    assert np.abs(image.astype(int) - upright).mean() < 3


def test_a_damaged_exif_does_not_lose_the_pixels(tmp_path):
    data = encoded(np.full((8, 8, 3), 9, np.uint8), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert image_folder(write(tmp_path, {"a/x.jpg": data})).shape == (3, 8, 8)


def test_size_resizes_by_averaging_the_area(tmp_path):
    board = np.indices((32, 32)).sum(axis=0) % 2 * 255
    files = {"a/x.png": encoded(board.astype(np.uint8)), "a/y.png": encoded(GREY)}
    data = image_folder(write(tmp_path, files), size=(4, 8))
    assert data.shape == (1, 4, 8)
    assert np.abs(data.images[0].astype(int) - 127).max() <= 2
    assert image_folder(tmp_path, size=7).shape == (1, 7, 7)


@pytest.mark.parametrize("size", [0, (0, 3), "big", (1, 2, 3), 1 << 20])
def test_a_size_is_one_or_two_positive_integers(pets, size):
    with pytest.raises(OptionError, match="size"):
        image_folder(pets, size)


def test_the_first_image_of_another_size_is_named_with_the_mend(pets):
    write(pets, {"dog/2.png": encoded(COLOUR[:3]), "dog/3.png": encoded(COLOUR[:2])})
    with pytest.raises(DataError) as caught:
        image_folder(pets)
    assert f"{pets / 'dog' / '2.png'} has H=3, W=6" in caught.value.given
    assert "size=(5, 6)" in caught.value.mend
    assert len(image_folder(pets, (5, 6))) == 5


@pytest.mark.parametrize("lazy", [False, True])
def test_an_image_of_another_size_is_found_before_any_is_decoded(pets, monkeypatch, lazy):
    write(pets, {"dog/2.png": encoded(COLOUR[:3])})
    decoded = []
    monkeypatch.setattr("cnnpy.data.folder._pixels", lambda path, *rest: decoded.append(path))
    with pytest.raises(DataError, match=r"2\.png has H=3, W=6"):
        image_folder(pets, lazy=lazy)
    assert decoded == []


def test_lazily_no_pixels_are_decoded_before_they_are_asked_for(pets):
    cut = write(pets, {"dog/2.png": encoded(COLOUR)[:50]}) / "dog" / "2.png"
    with pytest.raises(DataError, match=r"2\.png: no image that can be read"):
        image_folder(pets)
    data = image_folder(pets, lazy=True)
    assert isinstance(data, LazyDataset)
    assert (len(data), data.class_names, data.name) == (4, ("cat", "dog"), "pets")
    assert np.array_equal(data.read([2])[0], COLOUR.transpose(2, 0, 1))
    with pytest.raises(DataError, match=str(cut)):
        data.read([3])


@pytest.mark.parametrize("options", [{}, {"size": (4, 7)}, {"channels": 1}, {"channels": 3}])
def test_lazily_the_images_are_the_same(tmp_path, options):
    rng = np.random.default_rng(0)
    files = {}
    for k in range(12):
        pixels = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        form = ("PNG", "JPEG", "BMP", "WEBP")[k % 4]
        files[f"{'ab'[k % 2]}/{k}.{form.lower()}"] = encoded(
            pixels[..., k % 3] if k > 8 else pixels, form
        )
    write(tmp_path, files)
    memory, lazy = image_folder(tmp_path, **options), image_folder(tmp_path, lazy=True, **options)
    assert np.array_equal(lazy.read(range(12)), memory.images)
    assert np.array_equal(lazy.labels, memory.labels)


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("kind", ["eXIf", "XMP", "tEXt"])
def test_a_note_that_turns_a_png_is_seen_wherever_it_stands(tmp_path, where, kind):
    stored = np.zeros((32, 16), np.uint8)
    stored[:16, 8:] = 255  # above left once it is turned
    exif = Image.Exif()
    exif[0x0112] = 6
    with_exif = encoded(stored, exif=exif)
    if kind == "XMP":
        text = b'<x tiff:Orientation="6"/>'
        note = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text)
    elif kind == "tEXt":
        note = chunk(b"tEXt", b"Software\0a camera")
    else:
        at = with_exif.index(b"eXIf") - 4
        note = with_exif[at : at + 12 + int.from_bytes(with_exif[at : at + 4], "big")]
    plain = encoded(stored)
    at = plain.index(b"IDAT" if where == "before" else b"IEND") - 4
    folder = write(tmp_path, {"a/x.png": plain[:at] + note + plain[at:]})
    for data in (image_folder(folder), image_folder(folder, lazy=True)):
        turned = kind != "tEXt"
        assert data.shape == ((1, 16, 32) if turned else (1, 32, 16))
        want = np.rot90(stored, -1) if turned else stored
        assert np.array_equal(data.read([0])[0, 0], want)


def test_warnings_of_pillow_stay_silent_and_others_are_heard(tmp_path):
    data = encoded(np.full((8, 8, 3), 9, np.uint8), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    write(tmp_path, {f"a/{k}.jpg": data for k in range(20)})
    source = image_folder(tmp_path, lazy=True)
    with warnings.catch_warnings(record=True) as heard, ThreadPoolExecutor(4) as pool:
        warnings.simplefilter("always")
        list(pool.map(lambda k: source.read([k]), range(20)))
        warnings.warn("of the user's own", stacklevel=1)
    assert [str(w.message) for w in heard] == ["of the user's own"]


LAYOUTS = [
    (
        {"1.png": b"", "2.jpg": b""},
        "2 images lie directly in it, such as 1.png",
        "make a subfolder",
    ),
    ({"1.png": b"", "a/1.png": b""}, "1 images lie directly", "move them into"),
    ({"notes.txt": b""}, "has no subfolders", "cat"),
    ({"a/b/1.png": b""}, "b: a folder within the class a", "train and test"),
    ({"a/notes.txt": b"", "a/list.txt": b""}, "a: the class has no images, but 2 of .txt", "conv"),
    ({"a/.hidden.png": b""}, "a: the class has no images", "or remove the folder"),
]


@pytest.mark.parametrize(("files", "given", "mend"), LAYOUTS)
def test_another_layout_is_refused_with_the_mend(tmp_path, files, given, mend):
    with pytest.raises(DataError) as caught:
        image_folder(write(tmp_path, files))
    assert given in caught.value.given.replace("'", "")
    assert mend in caught.value.mend
    assert len(str(caught.value).splitlines()) == 3


def test_one_empty_class_among_others_is_named(pets):
    (pets / "bird").mkdir()
    with pytest.raises(DataError, match="bird: the class has no images"):
        image_folder(pets)


def test_a_missing_folder_and_a_file_are_told_apart(pets):
    with pytest.raises(MissingDataError, match="no such folder"):
        image_folder(pets / "missing")
    with pytest.raises(DataError, match="Not a directory"):
        image_folder(pets / "cat" / "1.png")


@pytest.mark.parametrize("name", ["dog", "cat/3.png"])
def test_a_broken_link_is_named_with_its_target(pets, name):
    link = pets / (name if "/" in name else "bird")
    link.symlink_to("nowhere")
    with pytest.raises(DataError, match="a link to nowhere") as caught:
        image_folder(pets)
    assert caught.value.mend == f"rm {link}"


def test_links_that_lead_somewhere_are_followed(pets, tmp_path):
    (pets / "cat" / "3.png").symlink_to(pets / "dog" / "1.png")
    (pets / "bird").symlink_to(pets / "dog")
    assert image_folder(pets).class_names == ("bird", "cat", "dog")
    (pets / "loop").symlink_to(pets / "loop")
    with pytest.raises(DataError, match="a link to"):
        image_folder(pets)


def test_a_pipe_called_like_an_image_is_refused(pets):
    os.mkfifo(pets / "cat" / "3.png")
    with pytest.raises(DataError, match=r"3\.png"):
        image_folder(pets)


def test_a_file_name_with_a_line_break_stays_on_its_line(tmp_path):
    folder = write(tmp_path, {"a/x\n\x1b[2J.png": b"no image"})
    with pytest.raises(DataError) as caught:
        image_folder(folder)
    assert len(str(caught.value).splitlines()) == 3
    assert "\x1b" not in str(caught.value)
    with pytest.raises(DataError, match="class_names"):
        image_folder(write(tmp_path / "odd", {"a\nb/x.png": encoded(GREY)}))


def test_an_empty_file_is_no_image(tmp_path):
    with pytest.raises(DataError, match=r"x\.png: no image that can be read") as caught:
        image_folder(write(tmp_path, {"a/x.png": b""}))
    assert "empty" in caught.value.mend


def test_a_program_in_an_image_s_clothes_is_not_started(tmp_path):
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"
    with pytest.raises(DataError, match="unknown format"):
        image_folder(write(tmp_path, {"a/x.png": script}))


def bomb(W: int, H: int) -> bytes:
    """Write a PNG whose header promises W x H pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(99)))


@pytest.mark.parametrize("side", [11_600, 13_000, 2_000_000])
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path, side):
    with pytest.raises(DataError) as caught:
        image_folder(write(tmp_path, {"a/x.png": bomb(side, side)}))
    assert "x.png" in caught.value.given


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "GIF", "PPM", "WEBP", "TIFF"])
def test_damaged_images_give_an_error_of_ours_or_an_image(tmp_path, damaged, form, outcome):
    pixels = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    path = tmp_path / "x"
    for copy in damaged(encoded(pixels, form), 120, head=120):
        path.write_bytes(copy)
        got = outcome(lambda: read_image(path, (3, 8, 8)))
        assert isinstance(got, (np.ndarray, CnnpyError))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "PPM", "WEBP", "TIFF"])
def test_a_truncated_image_is_named(tmp_path, form):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encoded(pixels, form)
    folder = write(tmp_path, {"a/x." + form.lower(): data[: len(data) // 2]})
    with pytest.raises(DataError, match="no image that can be read"):
        image_folder(folder)


def test_read_image_brings_a_file_to_the_shape_of_the_network(pets):
    file = pets / "cat" / "1.png"
    assert np.array_equal(read_image(file, (3, 5, 6)), COLOUR.transpose(2, 0, 1))
    grey = read_image(str(file), [1, 8, 8])
    assert (grey.shape, grey.dtype) == ((1, 8, 8), np.uint8)
    for shape in ((2, 8, 8), (8, 8), (3, 0, 8)):
        with pytest.raises(OptionError):
            read_image(file, shape)
    with pytest.raises(MissingDataError, match="no such file"):
        read_image(pets / "missing.png", (1, 8, 8))


def test_without_pillow_the_error_says_how_to_install_it(pets, monkeypatch):
    real_import = builtins.__import__

    def without_pillow(name, *rest):
        if name.startswith("PIL"):
            raise ImportError(name)
        return real_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_pillow)
    for read in (lambda: image_folder(pets), lambda: read_image(pets / "cat/1.png", (1, 8, 8))):
        with pytest.raises(MissingPackageError, match=r"pip install 'cnnpy\[cli\]'"):
            read()
    assert "PIL" in sys.modules
