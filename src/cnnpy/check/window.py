"""The window of a case: what slides over its images, in pairs, however it was written."""

from __future__ import annotations

from typing import NamedTuple

from cnnpy.check.case import Case
from cnnpy.contract.shapes import Pair, as_pair

__all__ = ["Window", "window_of"]


class Window(NamedTuple):
    """The size of a window, its steps, and the border of zeros.

    Parameters
    ----------
    size, stride, padding : (int, int)
        In rows and columns.
    """

    size: Pair
    stride: Pair
    padding: Pair

    def leaves_a_remainder(self, image: Pair) -> bool:
        """Tell whether pixels of an image are left over where the last window ends.

        Parameters
        ----------
        image : (int, int)
            Its rows and columns.

        Returns
        -------
        bool
            Whether some are.
        """
        axes = zip(image, self.size, self.stride, self.padding, strict=True)
        return any((n + 2 * p - k) % s != 0 for n, k, s, p in axes)


def window_of(case: Case) -> Window | None:
    """Give the window that a case slides over its images; of a sandwich, its convolution's.

    Parameters
    ----------
    case : Case
        Inputs and options.

    Returns
    -------
    Window or None
        None where nothing slides.

    Examples
    --------
    >>> from cnnpy.check import Case
    >>> case = Case("max_pool2d", {"x": np.zeros((1, 1, 5, 4))}, {"kernel_size": 2, "stride": None})
    >>> window_of(case)
    Window(size=(2, 2), stride=(2, 2), padding=(0, 0))
    >>> window_of(case).leaves_a_remainder((5, 4))
    True
    """
    options, w = case.options.get("conv2d", case.options), case.arrays.get("w")
    if "kernel_size" in options:
        size = as_pair(options["kernel_size"])
    elif w is not None and w.ndim == 4:
        size = (w.shape[2], w.shape[3])
    else:
        return None
    stride = options.get("stride", 1)
    return Window(
        size, size if stride is None else as_pair(stride), as_pair(options.get("padding", 0))
    )
