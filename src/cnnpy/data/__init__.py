"""Data: labelled images, where they come from, how they are split and handed out.

:func:`load` is the one door: a name or a path in, training, validation and test
images out. Behind it stand the readers (:func:`digits`, :func:`mnist`,
:func:`fashion_mnist`, :func:`cifar10`, :func:`image_folder`, :func:`load_npz`),
:func:`split`, and for training :class:`Preprocessing`, the augmentations and
:class:`Loader`.
"""

from cnnpy.data.augment import (
    AUGMENTATIONS,
    Augmentation,
    Chain,
    ColorJitter,
    Cutout,
    RandAugment,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomShift,
)
from cnnpy.data.catalog import DATASETS, load
from cnnpy.data.cifar10 import cifar10
from cnnpy.data.dataset import Dataset
from cnnpy.data.digits import digits
from cnnpy.data.find import places
from cnnpy.data.folder import image_folder, read_image
from cnnpy.data.idx import fashion_mnist, mnist, read_idx
from cnnpy.data.loader import Loader
from cnnpy.data.npz import load_npz, save_npz
from cnnpy.data.preprocessing import Preprocessing
from cnnpy.data.splits import Splits, TrainTest, hold_out, overlap, split, split_indices

__all__ = [
    "AUGMENTATIONS",
    "DATASETS",
    "Augmentation",
    "Chain",
    "ColorJitter",
    "Cutout",
    "Dataset",
    "Loader",
    "Preprocessing",
    "RandAugment",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomRotation",
    "RandomShift",
    "Splits",
    "TrainTest",
    "cifar10",
    "digits",
    "fashion_mnist",
    "hold_out",
    "image_folder",
    "load",
    "load_npz",
    "mnist",
    "overlap",
    "places",
    "read_idx",
    "read_image",
    "save_npz",
    "split",
    "split_indices",
]
