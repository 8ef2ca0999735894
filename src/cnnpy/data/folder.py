"""A folder of images with one subfolder a class, and single image files.

Pillow decodes, held to the formats listed here: some of its others start programs. The
headers of all files are read first, so that an image of another size is found at once,
and the pixels then or, lazily, when a batch asks for them.
"""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, overload

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import (
    CnnpyError,
    DataError,
    MissingDataError,
    MissingPackageError,
    OptionError,
)
from cnnpy.contract.options import flag, pair
from cnnpy.data.dataset import Dataset
from cnnpy.data.files import is_file, is_folder, one_line, open_regular, shown
from cnnpy.data.lazy import LazyDataset

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["EXTENSIONS", "FolderReader", "image_folder", "open_images", "read_image"]

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".webp", ".tif", ".tiff")
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "WEBP", "TIFF")
_MAX_PIXELS = 1 << 27  # of one image: 134 million, more than a camera takes
_ORIENTATION, _UPRIGHT = 0x0112, 1  # the EXIF tag and its usual value
_TURNED = 5  # and above: H and W change places
_NOTES_OF_TURN = {"exif", "Raw profile type exif", "XML:com.adobe.xmp"}  # notes in a PNG
_CHUNKS_OF_NOTES = {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}  # its chunks that may have them
_GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16L", "I;16B", "I;16N")


@overload
def image_folder(
    path: str | os.PathLike[str],
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    *,
    lazy: Literal[False] = False,
) -> Dataset: ...


@overload
def image_folder(
    path: str | os.PathLike[str],
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    *,
    lazy: bool,
) -> Dataset | LazyDataset: ...


def image_folder(
    path: str | os.PathLike[str],
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    *,
    lazy: bool = False,
) -> Dataset | LazyDataset:
    """Read a folder of images with one subfolder a class.

    The classes are the subfolders, in natural order: ``2`` comes before ``10``, and
    capitals count like small letters. Hidden folders and files, whose names begin
    with a dot, are passed over, and so are files that are no images by their names
    (png jpg jpeg bmp gif ppm pgm webp tif tiff, in any case). Of an animation or a
    file of several pages the first image counts. Images are turned as their EXIF
    orientation says, 16-bit grey is scaled to 8, and transparency is dropped.

    Parameters
    ----------
    path : path
        The folder.
    size : int or pair of int (H, W), optional
        Resize all images to this size, with a bilinear filter that averages over
        the area where it shrinks; proportions are not kept. Without it all images
        must have one size.
    channels : {None, 1, 3}
        1 for grey, 3 for colour; None takes 1 if the files of all images are grey
        (by their format, whatever their pixels look like), else 3.
    lazy : bool
        Whether to read the headers only, and the pixels when they are asked for.

    Returns
    -------
    Dataset or LazyDataset
        Images (N, C, H, W) of uint8; a LazyDataset where `lazy` says so.

    Raises
    ------
    MissingDataError
        If there is no such folder.
    DataError
        If a class has no image, an image is damaged, too large or of another size,
        or the folders are laid out in another way.
    OptionError
        If size or channels is out of range.
    MissingPackageError
        If Pillow is not installed.
    """
    if channels not in (None, 1, 3):
        raise OptionError(
            f"image_folder: channels={channels!r}",
            "1 for grey, 3 for colour, or None to see what the images have",
            "use channels=3",
        )
    source = open_images(Path(path), size, channels)
    return source if flag()("image_folder", "lazy", lazy) else source.in_memory()


def open_images(
    top: Path, size: int | tuple[int, int] | None, channels: int | None = None
) -> LazyDataset:
    """Read the headers of a folder of images."""
    wanted = None if size is None else _check_size("image_folder", size)
    _pillow()
    folders = _class_folders(top)
    files = [(label, file) for label, folder in enumerate(folders) for file in _images_in(folder)]
    paths = tuple(file for _, file in files)
    return LazyDataset(
        FolderReader(paths, _common_shape(paths, wanted, channels), resize=wanted is not None),
        np.array([label for label, _ in files], dtype=np.int64),
        tuple(folder.name for folder in folders),
        name=shown(top.resolve().name) or "images",
    )


@dataclass(frozen=True)
class FolderReader:
    """Decode image files when they are asked for.

    Parameters
    ----------
    files : tuple of Path
        The files.
    shape : tuple of int (C, H, W)
        The shape that they are brought to, or have.
    resize : bool
        Whether files of another size are resized; else they are an error.
    """

    files: tuple[Path, ...]
    shape: tuple[int, int, int]
    resize: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the dtype of the pixels, uint8."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.files)

    def read(self, rows: NDArray[np.int64], /) -> NDArray[np.uint8]:
        """Decode some of the files.

        Parameters
        ----------
        rows : ndarray (M,) of int64
            Which, from 0 to below N.

        Returns
        -------
        ndarray (M, C, H, W) of uint8
            Their images.

        Raises
        ------
        MissingDataError, DataError
            If a file has gone, is damaged, or has been replaced by one of another size.
        """
        C, H, W = self.shape
        images = np.empty((len(rows), C, H, W), dtype=np.uint8)
        for image, row in zip(images, rows.tolist(), strict=True):
            file = self.files[row]
            pixels = _read(file, (H, W) if self.resize else None, C)
            if pixels.shape != self.shape:
                raise DataError(
                    f"{shown(file)} has H={pixels.shape[1]}, W={pixels.shape[2]}; "
                    f"it had H={H}, W={W} when the folder was looked at",
                    "files that stay as they are while they are in use",
                    f"begin anew, or use size=({H}, {W}) to resize all images",
                )
            image[:] = pixels
        return images


def read_image(path: str | os.PathLike[str], shape: Sequence[int]) -> NDArray[np.uint8]:
    """Read one image file into the shape that a network takes.

    Parameters
    ----------
    path : path
        The image file, of any format that :func:`image_folder` reads.
    shape : sequence of three int (C, H, W)
        The shape to bring it to; C is 1 or 3.

    Returns
    -------
    ndarray (C, H, W) of uint8
        The image, with 255 for full brightness. Where the network was trained on
        another range, :meth:`Preprocessing.apply` with ``white=255`` scales it.

    Raises
    ------
    MissingDataError
        If there is no such file.
    DataError
        If the file is no image, damaged or too large.
    OptionError
        If the shape is none of an image of 1 or 3 channels.
    MissingPackageError
        If Pillow is not installed.
    """
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise OptionError(
            f"read_image: shape={tuple(shape)}",
            "(C, H, W) with C=1 for grey or C=3 for colour",
            "give the network an input of 1 or 3 channels"
            if len(shape) == 3
            else "use shape=(3, 32, 32)",
        )
    C, H, W = shape
    _pillow()
    return _read(Path(path), _check_size("read_image", (H, W)), C)


def natural_order(name: str) -> tuple[list[tuple[int, int | str]], str]:
    """Return a sort key by which 2 comes before 10.

    Examples
    --------
    >>> sorted(["b10", "B2", "a"], key=natural_order)
    ['a', 'B2', 'b10']
    """
    pieces = re.findall(r"[0-9]{1,18}|[^0-9]+", name.casefold())
    return [(0, int(p)) if p[0] in "0123456789" else (1, p) for p in pieces], name


def _check_size(where: str, size: object) -> tuple[int, int]:
    H, W = pair(1)(where, "size", size)
    if H * W > _MAX_PIXELS:
        raise OptionError(
            f"{where}: size={size!r}", f"at most {_MAX_PIXELS} pixels", "use size=(224, 224)"
        )
    return H, W


def _pillow() -> Any:
    try:
        import PIL.Image
    except ImportError:
        raise MissingPackageError(
            "reading image files needs Pillow, which is not installed",
            "the package pillow",
            "pip install 'cnnpy[cli]'",
        ) from None
    return PIL.Image


# --- folders --------------------------------------------------------------------------


def _entries(folder: Path) -> list[Path]:
    """List what lies in a folder, hidden things aside, in natural order."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        raise MissingDataError(
            f"{shown(folder)}: no such folder", "a folder of images", "check the path"
        ) from None
    except (OSError, ValueError) as error:
        raise DataError(
            f"{shown(folder)}: {getattr(error, 'strerror', None) or error}",
            "a folder with one subfolder a class",
            "give the folder of images" if is_file(folder) else f"ls -ld {shown(folder)}",
        ) from error
    return [folder / name for name in sorted(names, key=natural_order) if name[0] != "."]


def _class_folders(top: Path) -> list[Path]:
    entries = _entries(top)
    folders = [entry for entry in entries if is_folder(entry)]
    loose = [e for e in entries if e.suffix.lower() in EXTENSIONS and not is_folder(e)]
    if loose:
        raise DataError(
            f"{shown(top)}: {len(loose)} images lie directly in it, such as {shown(loose[0].name)}",
            "one subfolder a class, with the images of the class in it",
            "make a subfolder for each class and move the images there"
            if not folders
            else "move them into the subfolders of their classes, or away",
        )
    for entry in entries:
        if not is_folder(entry) and not is_file(entry):
            raise _unreadable(entry)
    if not folders:
        raise DataError(
            f"{shown(top)}: has no subfolders",
            "one subfolder a class, with the images of the class in it",
            f"check the path, or put the images into {shown(top / 'cat')}, {shown(top / 'dog')}",
        )
    return folders


def _images_in(folder: Path) -> list[Path]:
    entries = _entries(folder)
    nested = [entry for entry in entries if is_folder(entry)]
    if nested:
        raise DataError(
            f"{shown(nested[0])}: a folder within the class {shown(folder.name)!r}",
            "images directly in the folder of their class",
            f"give {shown(folder)} as the data set, if its subfolders are the classes; "
            "ready-made parts are called train and test",
        )
    images = [entry for entry in entries if entry.suffix.lower() in EXTENSIONS]
    for image in images:
        if not is_file(image):
            raise _unreadable(image)
    if not images:
        others = Counter(entry.suffix.lower() or "no extension" for entry in entries)
        seen = [f", but {n} of {shown(suffix)}" for suffix, n in others.most_common(1)]
        raise DataError(
            f"{shown(folder)}: the class has no images{''.join(seen)}",
            f"at least one file of {' '.join(e[1:] for e in EXTENSIONS)}",
            "convert them to one of these"
            if entries
            else f"put images of {shown(folder.name)} there, or remove the folder",
        )
    return images


def _unreadable(path: Path) -> DataError:
    if path.is_symlink():
        return DataError(
            f"{shown(path)}: a link to {shown(path.readlink())}, which cannot be reached",
            "a file, or a link to one that exists",
            f"rm {shown(path)}",
        )
    return DataError(
        f"{shown(path)}: neither a file nor a folder that this user may read",
        "files and folders",
        f"remove it, or chmod u+rX {shown(path)}",
    )


def _size_error(
    path: Path, shape: tuple[int, ...], first: Path, first_shape: tuple[int, ...]
) -> DataError:
    H, W = first_shape[1:]
    return DataError(
        f"{shown(path)} has H={shape[1]}, W={shape[2]}; {shown(first)} has H={H}, W={W}",
        "images of one size",
        f"use size=({H}, {W}) to resize all images",
    )


# --- one image ------------------------------------------------------------------------


def _common_shape(
    files: Sequence[Path], size: tuple[int, int] | None, channels: int | None
) -> tuple[int, int, int]:
    """Read all headers, and return the shape that the images have in common."""
    shapes = []
    for file in files:
        shapes.append(_shape(file, size, channels))
        if shapes[-1][1:] != shapes[0][1:]:
            raise _size_error(file, shapes[-1], files[0], shapes[0])
    _, H, W = shapes[0]
    return max(C for C, _, _ in shapes), H, W


def _shape(path: Path, size: tuple[int, int] | None, channels: int | None) -> tuple[int, int, int]:
    """Read from a file's header the shape (C, H, W) that its image is going to have."""
    with _opened(path) as (image, file):
        H, W = size or _upright_size(image, file)
        return channels or _n_channels(image), H, W


def _read(path: Path, size: tuple[int, int] | None, channels: int | None) -> NDArray[np.uint8]:
    """Decode an image into (C, H, W)."""
    with _opened(path) as (image, _):
        return _pixels(path, image, size, channels)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Image.Image, BinaryIO]]:
    """Open an image, of which only the header is read yet; say its file's name in errors."""
    with open_regular(path) as (file, n_bytes):
        try:
            _silence()
            with _pillow().open(file, formats=_FORMATS) as image:
                W, H = image.size
                if H * W > _MAX_PIXELS:
                    raise DataError(
                        f"{shown(path)}: has H={H}, W={W}: {H * W} pixels",
                        f"at most {_MAX_PIXELS} pixels an image",
                        "make it smaller, or remove it",
                    )
                yield image, file
        except CnnpyError:
            raise
        except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
            raise DataError(
                f"{shown(path)}: no image that can be read: {_why(error)}",
                f"a whole file of {', '.join(_FORMATS)}",
                "the file is empty: get it again, or remove it"
                if not n_bytes
                else "get the file again, or remove it",
            ) from error


_SILENT: tuple[Any, ...] = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


def _silence() -> None:
    """Let Pillow not warn of notes beside the pixels that are damaged.

    `warnings.catch_warnings` would do so for a while, but changes what all threads share:
    where several are in it, they may leave it in another order and silence everything.
    """
    if list(warnings.filters[:1]) != [_SILENT]:
        warnings.filterwarnings("ignore", module=r"PIL\.")


def _pixels(
    path: Path, image: Image.Image, size: tuple[int, int] | None, channels: int | None
) -> NDArray[np.uint8]:
    from PIL import Image as Pillow

    image.load()
    turn = {
        2: Pillow.Transpose.FLIP_LEFT_RIGHT,
        3: Pillow.Transpose.ROTATE_180,
        4: Pillow.Transpose.FLIP_TOP_BOTTOM,
        5: Pillow.Transpose.TRANSPOSE,
        6: Pillow.Transpose.ROTATE_270,
        7: Pillow.Transpose.TRANSVERSE,
        8: Pillow.Transpose.ROTATE_90,
    }.get(_orientation(image))
    C = channels or _n_channels(image)
    plain = _eight_bits(path, image)
    plain = plain.convert("L" if plain.mode in _GREY_MODES else "RGB")
    plain = plain.convert("L" if C == 1 else "RGB")
    if turn is not None:
        plain = plain.transpose(turn)
    if size is not None and plain.size != (size[1], size[0]):
        plain = plain.resize((size[1], size[0]), Pillow.Resampling.BILINEAR)
    array = np.array(plain, dtype=np.uint8)
    return array[np.newaxis] if C == 1 else np.ascontiguousarray(array.transpose(2, 0, 1))


def _n_channels(image: Image.Image) -> int:
    return 1 if image.mode in _GREY_MODES else 3


def _upright_size(image: Image.Image, file: BinaryIO) -> tuple[int, int]:
    """Return H and W as they are once the image is turned, from the header where that says it."""
    W, H = image.size
    if H == W or not _may_turn(image, file):
        return H, W
    if image.format in ("PNG", "TIFF"):
        image.load()  # notes may stand behind a PNG's pixels; TIFFs are turned by Pillow
    W, H = image.size
    return (W, H) if _orientation(image) >= _TURNED else (H, W)


def _may_turn(image: Image.Image, file: BinaryIO) -> bool:
    """Tell whether an image may be one to turn, without decoding its pixels."""
    if image.format == "PNG":
        return bool(
            _NOTES_OF_TURN & set(image.info) or _CHUNKS_OF_NOTES & _chunks_after_pixels(file)
        )
    return _orientation(image) >= _TURNED


def _chunks_after_pixels(file: BinaryIO) -> set[bytes]:
    """Name the chunks that follow the first one of pixels in a PNG."""
    begin = file.tell()
    file.seek(8)
    kinds: list[bytes] = []
    while len(head := file.read(8)) == 8:
        kinds.append(head[4:])
        file.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)  # its bytes, a checksum
    file.seek(begin)
    return set(kinds[kinds.index(b"IDAT") :]) if b"IDAT" in kinds else set()


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION)
    except Exception:  # a damaged note beside whole pixels
        return _UPRIGHT
    return value if isinstance(value, int) else _UPRIGHT


def _eight_bits(path: Path, image: Image.Image) -> Image.Image:
    """Bring deeper pixels to 8 bits; Pillow would cut them off at 255 or lose their scale."""
    from PIL import Image as Pillow

    if image.mode == "F" or (image.mode == "I" and image.format not in ("PNG", "PPM")):
        raise DataError(
            f"{shown(path)}: has pixels of 32 bits, whose range the file does not say",
            "pixels of 8 or 16 bits",
            "convert it to 8 bits, or save the arrays as .npz",
        )
    if image.mode.startswith("I"):
        deep = np.asarray(image).astype(np.int64)  # Pillow scales these to 16 bits
        return Pillow.fromarray(((deep.clip(0, 65535) * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode == "P" and "transparency" in image.info:
        return image.convert("RGBA")
    return image


def _why(error: Exception) -> str:
    text = one_line(error)
    return "unknown format" if "cannot identify image file" in text else text
