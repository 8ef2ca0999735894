"""The built-in digits: 1,797 real images of 8 x 8 pixels, in the package.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI
Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49, CC BY 4.0.
``tools/make_digits.py`` made the file; ``digits_LICENSE.txt`` stands beside it.
"""

from __future__ import annotations

import io
from importlib import resources

import numpy as np

from cnnpy.data.dataset import Dataset

__all__ = ["digits"]


def digits() -> Dataset:
    """Load the UCI optical digits that come with the package.

    They are handwritten digits of 43 people, scanned to 32 x 32 black and white
    dots and counted in blocks of 4 x 4, so a pixel is a whole number from 0 to
    16. These are the 1,797 images of the data set's test part, the part that
    scikit-learn carries; they have no split of their own.

    Returns
    -------
    Dataset
        1,797 images (1, 8, 8) of uint8 with values 0 to 16, ten classes.

    References
    ----------
    E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits. UCI Machine
    Learning Repository, 1998. https://doi.org/10.24432/C50P49. CC BY 4.0.

    Examples
    --------
    >>> from cnnpy.data import digits
    >>> digits()
    Dataset('digits': 1797 images (1, 8, 8) of uint8, 10 classes)
    >>> digits().images[0, 0, 0].tolist()
    [0, 0, 5, 13, 9, 1, 0, 0]
    """
    packed = resources.files("cnnpy.data").joinpath("digits.npz").read_bytes()
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        images, labels = arrays["images"], arrays["labels"]
    return Dataset(images, labels, tuple("0123456789"), name="digits", white=16.0)
