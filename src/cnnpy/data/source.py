"""ImageSource: what every kind of labelled images can do, in memory or not.

:class:`Dataset` and :class:`LazyDataset` are both; what trains, splits or measures
asks for no more than this.
"""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["ImageSource"]


@runtime_checkable
class ImageSource(Protocol):
    """Hand out labelled images of one shape by their numbers.

    The labels lie in memory; the pixels may lie anywhere.

    Examples
    --------
    >>> from cnnpy.data import ImageSource, digits
    >>> isinstance(digits(), ImageSource)
    True
    """

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the shape of one image, (C, H, W)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the dtype of the pixels: uint8, float32 or float64."""

    @property
    def labels(self) -> NDArray[np.integer[Any]]:
        """Return the class of each image, (N,) of int64."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return a name for each class."""

    @property
    def n_classes(self) -> int:
        """Return how many classes there are."""

    @property
    def name(self) -> str:
        """Return what the data set is called."""

    @property
    def white(self) -> float:
        """Return the pixel value of full brightness."""

    def __len__(self) -> int:
        """Return how many images there are."""

    def class_counts(self) -> NDArray[np.int64]:
        """Count the images of each class.

        Returns
        -------
        ndarray (n_classes,) of int64
            How many images each class has.
        """

    def subset(self, indices: ArrayLike) -> Self:
        """Take some of the images, in the order given.

        Parameters
        ----------
        indices : array-like (M,) of int, or (N,) of bool
            Which images.

        Returns
        -------
        ImageSource
            Of the same kind.
        """

    def read(self, indices: ArrayLike) -> NDArray[Any]:
        """Return some of the images.

        Parameters
        ----------
        indices : array-like (M,) of int, or (N,) of bool
            Which images.

        Returns
        -------
        ndarray (M, C, H, W)
            A fresh array.
        """
