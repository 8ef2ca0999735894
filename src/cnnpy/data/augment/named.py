"""Augmentations by name: from a TOML file and into one, and bound to a data set's white."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from cnnpy.contract.errors import OptionError
from cnnpy.contract.options import written
from cnnpy.data.augment.affine import RandomRotation
from cnnpy.data.augment.chain import Augmentation, Chain, parts_of
from cnnpy.data.augment.color import ColorJitter
from cnnpy.data.augment.erasing import Cutout, RandomErasing
from cnnpy.data.augment.moves import RandomCrop, RandomFlip, RandomShift
from cnnpy.data.augment.rand_augment import RandAugment
from cnnpy.data.described import Described, from_entry, to_entry

__all__ = ["AUGMENTATIONS", "describe", "restore", "with_white"]

AUGMENTATIONS: Mapping[str, type[Described]] = {
    kind.NAME: kind
    for kind in (
        RandomShift,
        RandomCrop,
        RandomFlip,
        RandomRotation,
        ColorJitter,
        Cutout,
        RandomErasing,
        RandAugment,
    )
}
"""The augmentations that a file may name."""


def describe(augmentation: Augmentation | None) -> list[dict[str, Any]]:
    """Write an augmentation down in values that TOML and JSON know.

    Parameters
    ----------
    augmentation : callable or None
        One of :data:`AUGMENTATIONS`, or a chain of them; None is nothing.

    Returns
    -------
    list of dict
        For each its name and its options, those left open not among them.

    Raises
    ------
    OptionError
        Where it is a function of one's own, which no file can hold.

    Examples
    --------
    >>> from cnnpy.data import Chain, Cutout, RandomFlip
    >>> describe(Chain(RandomFlip(), Cutout(8)))
    [{'name': 'random_flip', 'p': 0.5, 'direction': 'horizontal'},
     {'name': 'cutout', 'size': [8, 8], 'fill': 0.0, 'p': 1.0}]
    """
    return [to_entry(AUGMENTATIONS, "augment", part) for part in parts_of(augmentation)]


def restore(entries: Sequence[object]) -> Augmentation | None:
    """Make the augmentation that a list names, trusting nothing in it.

    Parameters
    ----------
    entries : sequence
        For each a mapping with ``name`` and options, or a name alone.

    Returns
    -------
    callable or None
        None of an empty list, one as it is, several in a :class:`Chain`.

    Raises
    ------
    OptionError
        Where a name or an option is unknown, missing or out of range.

    Examples
    --------
    >>> import tomllib
    >>> text = 'augment = [{name = "random_crop", padding = 4}, "random_flip"]'
    >>> restore(tomllib.loads(text)["augment"])
    Chain(RandomCrop(padding=4), RandomFlip())
    """
    if isinstance(entries, (str, bytes, Mapping)) or not isinstance(entries, Sequence):
        raise OptionError(
            f"augment: a {type(entries).__name__}, {written(entries)}",
            "a list of augmentations",
            'use augment = [{name = "random_flip"}]',
        )
    made: list[Any] = [from_entry(AUGMENTATIONS, "augment", entry) for entry in entries]
    return Chain(*made) if len(made) > 1 else next(iter(made), None)


def with_white(augmentation: Augmentation | None, white: float) -> Augmentation | None:
    """Tell an augmentation the value of full brightness, where it was left open.

    Parameters
    ----------
    augmentation : callable or None
        Of any kind; what needs no such value stays as it is.
    white : float
        That of the data set.

    Returns
    -------
    callable or None
        The same, or a new one.

    Examples
    --------
    >>> from cnnpy.data import ColorJitter
    >>> with_white(ColorJitter(brightness=0.2), 16.0)
    ColorJitter(brightness=0.2, white=16)
    """
    if type(augmentation) is Chain:
        bound = [with_white(part, white) for part in augmentation.augmentations]
        return Chain(*(part for part in bound if part is not None))
    if isinstance(augmentation, Described) and getattr(augmentation, "white", white) is None:
        changed: Any = copy.copy(augmentation)  # a child may take other arguments
        object.__setattr__(changed, "white", white)
        return changed
    return augmentation
