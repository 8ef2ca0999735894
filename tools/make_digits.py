"""Make src/cnnpy/data/digits.npz from scikit-learn's copy of the UCI optical digits.

Run once, from the root of the checkout: python tools/make_digits.py
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

TARGET = Path(__file__).parents[1] / "src" / "cnnpy" / "data" / "digits.npz"


def main() -> None:
    """Write the images as bytes (1797, 1, 8, 8), the labels as bytes (1797,)."""
    digits = load_digits()
    images = digits.images.astype(np.uint8).reshape(-1, 1, 8, 8)
    assert np.array_equal(images[:, 0], digits.images)
    np.savez_compressed(TARGET, images=images, labels=digits.target.astype(np.uint8))
    print(f"{TARGET}: {len(images)} images, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
