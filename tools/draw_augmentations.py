"""Draw the picture of the page on augmentation: ``docs/guide/pictures/augmentation.jpg``.

    python tools/draw_augmentations.py

Each row is an augmentation with its options, an image as it is and what six draws make
of it: a photo of three channels from scikit-learn, and the built-in digits. Needs
scikit-learn, Pillow and matplotlib (``pip install '.[test]'``).
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.data import (
    Chain,
    ColorJitter,
    CutMix,
    Cutout,
    Mixup,
    RandAugment,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomShift,
    digits,
)
from cnnpy.data.augment import Augmentation
from cnnpy.plot.canvas import new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "guide" / "pictures" / "augmentation.jpg"

SIDE = 64  # pixels of a photo
N_DRAWS = 6
CROPS = ((150, 250), (40, 40))  # where the two photos are cut out of the one
CROP_SIDE = 256

PHOTO_ROWS: Mapping[str, Any] = {
    "RandomShift(12)": RandomShift(12),
    "RandomCrop(padding=12,\n  fill='reflect')": RandomCrop(padding=12, fill="reflect"),
    "RandomFlip()": RandomFlip(),
    "RandomRotation(20)": RandomRotation(20),
    "ColorJitter(0.4, 0.4,\n  0.4, 0.1)": ColorJitter(0.4, 0.4, 0.4, 0.1),
    "Cutout(24)": Cutout(24),
    "RandomErasing(p=1,\n  fill='noise')": RandomErasing(p=1, fill="noise"),
    "RandAugment()": RandAugment(),
    "RandAugment(\n  magnitude=20)": RandAugment(magnitude=20),
    "Mixup(1.0)": Mixup(1.0),
    "CutMix()": CutMix(),
}
DIGIT_ROWS: Mapping[str, Any] = {
    "RandomShift(1)": RandomShift(1),
    "RandomRotation(20)": RandomRotation(20),
    "Chain(RandomShift(1),\n  Cutout(3))": Chain(RandomShift(1), Cutout(3)),
    "RandAugment(white=16)": RandAugment(white=16),
}
"""What is drawn, by what is written beside it."""


def photos() -> NDArray[np.uint8]:
    """Cut two images (2, 3, SIDE, SIDE) out of scikit-learn's photo."""
    from PIL import Image
    from sklearn.datasets import load_sample_image

    whole = Image.fromarray(load_sample_image("china.jpg"))
    cut = []
    for top, left in CROPS:
        part = whole.crop((left, top, left + CROP_SIDE, top + CROP_SIDE))
        cut.append(np.asarray(part.resize((SIDE, SIDE), Image.Resampling.LANCZOS)))
    return np.stack(cut).transpose(0, 3, 1, 2)


def draws(what: Augmentation, images: NDArray[Any]) -> NDArray[Any]:
    """Return the first image and what the draws make of it; mixings mix in the second."""
    rng = np.random.default_rng(0)
    first = images[:1]
    if not isinstance(what, (Mixup, CutMix)):
        return np.concatenate([first, what(np.repeat(first, N_DRAWS, axis=0), rng)])
    made = [first]
    while len(made) <= N_DRAWS:  # until the partner is the other image
        x, targets = what(images.astype(np.float64), np.eye(2), rng)
        if 0.05 < targets[0, 0] < 0.95:
            made.append(x[:1].round().astype(images.dtype))
    return np.concatenate(made)


def draw(path: Path) -> None:
    """Write the picture."""
    digit = digits().images[3:4]
    photo = photos()
    rows = [(text, draws(what, photo), 255.0) for text, what in PHOTO_ROWS.items()]
    rows += [(text, draws(what, digit), 16.0) for text, what in DIGIT_ROWS.items()]
    with style():
        figure = new_figure(8.6, 0.88 * len(rows))
        figure.set_layout_engine("constrained", w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)
        axes = figure.subplots(len(rows), N_DRAWS + 2, width_ratios=[2.3, *[1.0] * (N_DRAWS + 1)])
        for line, (text, images, white) in zip(axes, rows, strict=True):
            line[0].text(0.0, 0.5, text, va="center", family="monospace", fontsize=9)
            line[0].set_axis_off()
            for place, image in zip(line[1:], images / white, strict=True):
                grey = len(image) == 1
                place.imshow(
                    image[0] if grey else image.transpose(1, 2, 0),
                    cmap="gray" if grey else None,
                    vmin=0,
                    vmax=1,
                    interpolation="nearest",
                )
                place.set_xticks([])
                place.set_yticks([])
        axes[0, 1].set_title("as it is", fontsize=9)
        axes[0, 2].set_title("six draws", fontsize=9, loc="left")
        save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a JPEG with all colours in full resolution."""
    from PIL import Image

    whole = io.BytesIO()
    figure.savefig(whole, dpi=100)
    Image.open(whole).convert("RGB").save(path, quality=88, subsampling=0, optimize=True)


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=PICTURE, help="where the picture goes")
    draw(parser.parse_args().out)


if __name__ == "__main__":
    main()
