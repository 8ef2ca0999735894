"""Preprocessing: from raw pixels to what a network sees, fitted on training images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.backends import registry
from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import DataError, OptionError, ShapeError
from cnnpy.data.chunks import in_chunks
from cnnpy.data.dataset import check_images
from cnnpy.data.source import ImageSource

__all__ = ["Preprocessing"]

_DTYPES = ("float32", "float64")
_MAX_SIDE = 1 << 20
_TINY = float(np.finfo(np.float32).tiny)
_HUGE = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Preprocessing:
    """Bring each channel to mean 0 and spread 1: ``(x - mean) / std``.

    Parameters
    ----------
    shape : tuple of three int (C, H, W)
        The shape of one image.
    mean : tuple of C floats
        What to subtract from each channel, in raw pixel values.
    std : tuple of C floats
        What to divide each channel by, in raw pixel values; above 0.
    white : float
        The raw pixel value of full brightness.
    dtype : {"float32", "float64"}
        The dtype that the network takes.

    Raises
    ------
    OptionError
        If a value is out of range, or there is not one mean and one std a channel.

    Examples
    --------
    >>> import numpy as np
    >>> grey = Preprocessing(shape=(1, 2, 2), mean=(100.0,), std=(50.0,))
    >>> grey.apply(np.array([0, 100, 150, 250], dtype=np.uint8).reshape(1, 1, 2, 2))
    array([[[[-2.,  0.],
             [ 1.,  3.]]]], dtype=float32)
    """

    shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    white: float = 255.0
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            object.__setattr__(self, name, check(name, getattr(self, name)))
        C = self.shape[0]
        for name in ("mean", "std"):
            if len(getattr(self, name)) != C:
                raise OptionError(
                    f"preprocessing: {name} has {len(getattr(self, name))} values; shape is "
                    f"{self.shape}, so C={C}",
                    f"one {name} for each channel",
                    f"give {C} values",
                )

    @classmethod
    def fit(
        cls, images: ImageSource | NDArray[Any], *, white: float = 255.0, dtype: str = "float32"
    ) -> Preprocessing:
        """Measure the mean and the spread of each channel.

        Bytes are counted, and give the rounded exact values; sums of floats run in
        float64. A channel that is the same everywhere gets the spread 1, so that it
        becomes 0. Images are read in chunks, once for bytes and twice for floats; the
        numbers are the same wherever they lie.

        Parameters
        ----------
        images : ImageSource or ndarray (N, C, H, W)
            The training images; never those of validation or test.
        white : float
            The pixel value of full brightness; an ImageSource brings its own.
        dtype : {"float32", "float64"}
            The dtype that the network takes.

        Returns
        -------
        Preprocessing
            What brings these images to mean 0 and spread 1.

        Raises
        ------
        ShapeError, DtypeError, DataError
            If these are no images, none, or not finite.

        Examples
        --------
        >>> from cnnpy.data import Preprocessing, digits
        >>> fitted = Preprocessing.fit(digits())
        >>> [round(value, 3) for value in (*fitted.mean, *fitted.std, fitted.white)]
        [4.884, 6.017, 16.0]
        """
        source: object = images
        if isinstance(source, ImageSource):
            white = source.white
        else:
            source = check_images("preprocessing", source)
        if not len(source):
            raise DataError(
                "preprocessing: no images to fit", "at least one image", "give the training images"
            )
        mean, std = (_moments_of_bytes if source.dtype == np.uint8 else _moments)(source)
        C, H, W = source.shape[-3:]
        return cls((C, H, W), tuple(mean.tolist()), tuple(std.tolist()), white, dtype)

    def apply(self, images: NDArray[Any], *, white: float | None = None) -> FloatArray:
        """Turn raw pixels into what the network takes.

        Parameters
        ----------
        images : ndarray (N, C, H, W) of uint8, float32 or float64
            Raw images, of any strides.
        white : float, optional
            The brightness that is full in `images`, where it is another than in
            training: 255 for images that :func:`read_image` read.

        Returns
        -------
        ndarray (N, C, H, W)
            A new array, ``(images - mean) / std``; how it lies is the backend's choice.

        Raises
        ------
        ShapeError
            If the images do not have the shape of those that were fitted.
        DtypeError
            If these are no pixels.
        """
        array = check_images("preprocessing", images)
        if array.shape[1:] != self.shape:
            raise self._shape_error(array.shape)
        if array.dtype == np.uint8:
            compiled = registry.companion(registry.current(), "images")
            if compiled is not None:
                out: FloatArray = compiled.images_from_bytes(array, values_of_bytes(self, white))
                return out
        return _standardize(self, array, white)

    def to_dict(self) -> dict[str, Any]:
        """Write the preprocessing down in values that JSON knows.

        Returns
        -------
        dict
            Lists, numbers and text, from which :meth:`from_dict` makes an equal one.

        Examples
        --------
        >>> Preprocessing((1, 8, 8), (5.0,), (6.0,), 16.0).to_dict()
        {'shape': [1, 8, 8], 'mean': [5.0], 'std': [6.0], 'white': 16.0, 'dtype': 'float32'}
        """
        return {
            "shape": list(self.shape),
            "mean": list(self.mean),
            "std": list(self.std),
            "white": self.white,
            "dtype": self.dtype,
        }

    @classmethod
    def from_dict(cls, entries: Mapping[str, Any]) -> Preprocessing:
        """Read what :meth:`to_dict` wrote, trusting nothing in it.

        Parameters
        ----------
        entries : mapping
            The dictionary, say from a model file.

        Returns
        -------
        Preprocessing
            An equal one.

        Raises
        ------
        DataError
            If an entry is missing, unknown or out of range.

        Examples
        --------
        >>> grey = Preprocessing((1, 8, 8), (5.0,), (6.0,))
        >>> Preprocessing.from_dict(grey.to_dict()) == grey
        True
        """
        names = tuple(_CHECKS)
        if not isinstance(entries, Mapping) or set(entries) != set(names):
            given = (
                f"has the entries {', '.join(sorted(ascii(key)[:40] for key in entries)[:9])}"
                if isinstance(entries, Mapping)
                else f"is a {type(entries).__name__}"
            )
            raise DataError(
                f"preprocessing: {given}",
                f"a dictionary with the entries {', '.join(names)}",
                "write it with Preprocessing.to_dict",
            )
        try:
            return cls(**entries)
        except OptionError as error:
            raise DataError(error.given, error.expected, error.mend) from None

    def _shape_error(self, given: tuple[int, ...]) -> ShapeError:
        C, H, W = self.shape
        if given[1:] == (H, W, C):
            mend = "images looks like NHWC: use images.transpose(0, 3, 1, 2)"
        elif given[2:] == (H, W) and C == 3 and given[1] == 1:
            mend = "these are grey: use images.repeat(3, axis=1)"
        elif given[1] == C:
            mend = f"resize the images to H={H}, W={W}"
        else:
            mend = f"give images with C={C}, H={H}, W={W}"
        return ShapeError(
            f"preprocessing: images has shape {given}",
            f"images (N, C, H, W) with (C, H, W) = {self.shape}, as in training",
            mend,
        )


def _standardize(
    fitted: Preprocessing, array: NDArray[Any], white: float | None = None
) -> FloatArray:
    dtype: np.dtype[Any] = np.dtype(fitted.dtype)
    mean = np.array(fitted.mean, dtype).reshape(-1, 1, 1)
    std = np.array(fitted.std, dtype).reshape(-1, 1, 1)
    if white is None or white == fitted.white:
        out: FloatArray = np.subtract(array, mean, dtype=dtype, casting="same_kind")
    else:
        scale = dtype.type(fitted.white / _check_white("white", white))
        out = np.multiply(array, scale, dtype=dtype, casting="same_kind")
        out -= mean
    out /= std
    return out


def values_of_bytes(fitted: Preprocessing, white: float | None = None) -> FloatArray:
    """Return what each byte of a channel becomes, as :meth:`Preprocessing.apply` computes it.

    Parameters
    ----------
    fitted : Preprocessing
        Of C channels.
    white : float, optional
        As there.

    Returns
    -------
    ndarray of shape (C, 256)
        In the dtype of the preprocessing.
    """
    C = fitted.shape[0]
    every = np.broadcast_to(np.arange(256, dtype=np.uint8), (C, 1, 256))
    return _standardize(fitted, every, white).reshape(C, 256)


_Moments = tuple[NDArray[np.float64], NDArray[np.float64]]


def _moments_of_bytes(images: ImageSource | NDArray[Any]) -> _Moments:
    """Return the mean and the spread of each channel, from how often it has each value."""
    C = images.shape[-3]
    counts = np.zeros((C, 256), np.int64)
    for part in in_chunks(images, _histograms):
        counts += part
    moments = [_moments_of_counts(row.tolist()) for row in counts]
    mean, std = np.array(moments).T
    return mean, std


def _histograms(part: NDArray[np.uint8]) -> NDArray[np.int64]:
    channels = range(part.shape[1])
    return np.stack([np.bincount(part[:, c].reshape(-1), minlength=256) for c in channels])


def _moments_of_counts(counts: list[int]) -> tuple[float, float]:
    """Return mean and spread, rounded once: Python's integers have no end."""
    n = sum(counts)
    total = sum(value * count for value, count in enumerate(counts))
    squares = sum(value * value * count for value, count in enumerate(counts))
    return total / n, math.sqrt((n * squares - total * total) / (n * n)) or 1.0


def _moments(images: ImageSource | NDArray[Any]) -> _Moments:
    """Return the mean and the spread of each channel, in two passes over parts of the images."""
    C, H, W = images.shape[-3:]
    n = len(images) * H * W
    total, low, high = np.zeros(C), np.full(C, np.inf), np.full(C, -np.inf)
    for part_total, part_low, part_high in in_chunks(images, _sums):
        total += part_total
        low, high = np.minimum(low, part_low), np.maximum(high, part_high)
    if not (np.isfinite(low) & np.isfinite(high) & np.isfinite(total)).all():
        raise DataError(
            "preprocessing: images holds NaN or infinity, or sums to it",
            "finite pixels",
            "leave out the images that np.isfinite(images).all(axis=(1, 2, 3)) is False for",
        )
    mean = total / n
    squares = np.zeros(C)
    for part_squares in in_chunks(images, lambda part: _squares(part, mean)):
        squares += part_squares
    std = np.sqrt(squares / n)
    constant = low == high  # not std == 0: a rounded mean leaves a little
    return np.where(constant, low, mean), np.where(constant, 1.0, std)


# What overflows is refused by name. A chunk may be worked on in another thread, which does
# not know of the error state here.


@np.errstate(over="ignore", invalid="ignore")
def _sums(part: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    axes = (0, 2, 3)
    return part.sum(axes, dtype=np.float64), part.min(axes), part.max(axes)


@np.errstate(over="ignore", invalid="ignore")
def _squares(part: NDArray[Any], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    deviations = part - mean.reshape(-1, 1, 1)
    squares: NDArray[np.float64] = np.einsum("nchw,nchw->c", deviations, deviations)
    return squares


# --- one check a field ------------------------------------------------------------------


def _check_shape(name: str, value: object) -> tuple[int, ...]:
    if not (
        isinstance(value, (tuple, list))
        and len(value) == 3
        and all(type(n) is int and 1 <= n <= _MAX_SIDE for n in value)
    ):
        raise OptionError(
            f"preprocessing: {name}={ascii(value)[:80]}",
            f"three whole numbers (C, H, W) from 1 to {_MAX_SIDE}",
            "use the shape of one training image",
        )
    return tuple(value)


def _check_numbers(name: str, value: object, low: float) -> tuple[float, ...]:
    if not isinstance(value, (tuple, list)) or not all(
        low <= _number(entry) <= _HUGE for entry in value
    ):
        raise OptionError(
            f"preprocessing: {name}={ascii(value)[:80]}",
            f"finite numbers{f' of at least {low:g}' if low > 0 else ''}, one a channel",
            "measure them with Preprocessing.fit(images)",
        )
    return tuple(_number(entry) for entry in value)


def _check_mean(name: str, value: object) -> tuple[float, ...]:
    return _check_numbers(name, value, -_HUGE)


def _check_std(name: str, value: object) -> tuple[float, ...]:
    return _check_numbers(name, value, _TINY)


def _check_white(name: str, value: object) -> float:
    number = _number(value)
    if not _TINY <= number <= _HUGE:
        raise OptionError(
            f"preprocessing: {name}={ascii(value)[:80]}",
            "the pixel value of full brightness, above 0",
            f"use {name}=255 for bytes, {name}=1 for floats from 0 to 1",
        )
    return number


def _check_dtype(name: str, value: object) -> str:
    if not isinstance(value, str) or value not in _DTYPES:
        raise OptionError(
            f"preprocessing: {name}={ascii(value)[:80]}",
            " or ".join(_DTYPES),
            f"use {name}='float32'",
        )
    return value


def _number(value: object) -> float:
    """Return a number as a float, and NaN, which lies in no range, for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return math.nan
    try:
        return float(value)
    except OverflowError:  # an integer of hundreds of digits
        return math.nan


_CHECKS = {
    "shape": _check_shape,
    "mean": _check_mean,
    "std": _check_std,
    "white": _check_white,
    "dtype": _check_dtype,
}
