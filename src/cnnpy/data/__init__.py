"""Data: labelled images, where they come from, how they are split and handed out.

:func:`load` is the one door: a name or a path in, training, validation and test
images out. Behind it stand the readers (:func:`digits`, :func:`mnist`,
:func:`fashion_mnist`, :func:`cifar10`, :func:`image_folder`, :func:`load_npy`,
:func:`idx_folder`, :func:`load_npz`), :func:`split`, and for training
:class:`Preprocessing`, the augmentations, :class:`Loader` and :func:`problems`. Images
lie in memory, in a :class:`Dataset`, or stay in their files, in a :class:`LazyDataset`.
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
from cnnpy.data.idx import fashion_mnist, idx_folder, mnist, read_idx
from cnnpy.data.lazy import ImageReader, LazyDataset
from cnnpy.data.loader import Loader
from cnnpy.data.mixing import MIXINGS, CutMix, Mixing, Mixup, MixupOrCutMix
from cnnpy.data.npy import load_npy, save_npy
from cnnpy.data.npz import load_npz, save_npz
from cnnpy.data.preprocessing import Preprocessing
from cnnpy.data.problems import Problem, problems
from cnnpy.data.source import ImageSource
from cnnpy.data.splits import Splits, TrainTest, hold_out, overlap, split, split_indices
from cnnpy.data.views import VIEWS

__all__ = [
    "AUGMENTATIONS",
    "DATASETS",
    "MIXINGS",
    "VIEWS",
    "Augmentation",
    "Chain",
    "ColorJitter",
    "CutMix",
    "Cutout",
    "Dataset",
    "ImageReader",
    "ImageSource",
    "LazyDataset",
    "Loader",
    "Mixing",
    "Mixup",
    "MixupOrCutMix",
    "Preprocessing",
    "Problem",
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
    "idx_folder",
    "image_folder",
    "load",
    "load_npy",
    "load_npz",
    "mnist",
    "overlap",
    "places",
    "problems",
    "read_idx",
    "read_image",
    "save_npy",
    "save_npz",
    "split",
    "split_indices",
]
