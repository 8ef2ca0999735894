"""The course's fetching of images: refused, with the reason."""

from __future__ import annotations

from typing import NoReturn

from cnnpy.contract.errors import DataError

__all__ = ["image_from_url"]


def image_from_url(url: str) -> NoReturn:
    """Refuse to fetch an image: cnnpy opens no network connection.

    Parameters
    ----------
    url : str
        Where the image is.

    Raises
    ------
    DataError
        Always.

    Examples
    --------
    >>> image_from_url("https://example.org/cat.jpg")
    Traceback (most recent call last):
        ...
    cnnpy.contract.errors.DataError: image_from_url: https://example.org/cat.jpg would be fetched from the network
      expected: a file: cnnpy opens no network connection
      to mend:  fetch it yourself, then np.asarray(PIL.Image.open('cat.jpg'))
    """  # noqa: E501
    name = str(url).rstrip("/").rpartition("/")[2].partition("?")[0] or "image.jpg"
    raise DataError(
        f"image_from_url: {url} would be fetched from the network",
        "a file: cnnpy opens no network connection",
        f"fetch it yourself, then np.asarray(PIL.Image.open({name!r}))",
    )
