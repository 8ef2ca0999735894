"""Augmentations: seeded changes to training images that leave the class as it is.

An augmentation is called with a batch of raw images (N, C, H, W) and a random
generator, and returns a new batch of the same dtype; any function with these two
arguments will do. Those of :data:`AUGMENTATIONS` can stand in a TOML file.
"""

from cnnpy.data.augment.affine import RandomRotation
from cnnpy.data.augment.chain import Augmentation, Chain
from cnnpy.data.augment.color import ColorJitter
from cnnpy.data.augment.erasing import Cutout, RandomErasing
from cnnpy.data.augment.moves import RandomCrop, RandomFlip, RandomShift
from cnnpy.data.augment.named import AUGMENTATIONS, describe, restore, with_white
from cnnpy.data.augment.rand_augment import RAND_AUGMENT_OPERATIONS, RandAugment

__all__ = [
    "AUGMENTATIONS",
    "RAND_AUGMENT_OPERATIONS",
    "Augmentation",
    "Chain",
    "ColorJitter",
    "Cutout",
    "RandAugment",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomRotation",
    "RandomShift",
    "describe",
    "restore",
    "with_white",
]
