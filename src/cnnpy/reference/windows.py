"""Which entries of an axis a window covers: the indices that conv and pooling share."""

from __future__ import annotations

__all__ = ["clipped", "covered"]


def covered(i: int, stride: int, window: int, dilation: int = 1) -> slice:
    """Return the entries of a padded axis under the window at place `i`.

    The window starts at ``i*stride`` and takes every `dilation`-th entry.

    Parameters
    ----------
    i, stride, window, dilation : int
        Of one axis.

    Returns
    -------
    slice
        Of length `window`.

    Examples
    --------
    >>> list(range(10))[covered(2, stride=2, window=3)]
    [4, 5, 6]
    >>> list(range(10))[covered(0, stride=1, window=3, dilation=2)]
    [0, 2, 4]
    """
    start = i * stride
    return slice(start, start + dilation * (window - 1) + 1, dilation)


def clipped(i: int, stride: int, window: int, padding: int, size: int) -> slice:
    """Return the entries of the image itself under the window at place `i`.

    The window starts at ``i*stride - padding``; what lies outside the image is left out.

    Parameters
    ----------
    i, stride, window, padding, size : int
        Of one axis; `size` is the image's.

    Returns
    -------
    slice
        Of length `window` or less.

    Examples
    --------
    >>> list(range(4))[clipped(0, stride=2, window=3, padding=1, size=4)]
    [0, 1]
    """
    start = i * stride - padding
    return slice(max(start, 0), min(start + window, size))
