"""Augmentations in a TOML file: what is written comes back, what is wrong is told."""

from __future__ import annotations

import dataclasses
import json
import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnpy.contract.errors import CnnpyError, OptionError
from cnnpy.data import (
    AUGMENTATIONS,
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
from cnnpy.data.augment import describe, restore, with_white

EVERY = [
    RandomShift(2, "edge"),
    RandomCrop(),
    RandomCrop((20, 24), 3, "reflect"),
    RandomFlip(0.25, "vertical"),
    RandomRotation(15),
    RandomRotation((-5, 30.5), (1, 2, 3)),
    ColorJitter(0.2, (0.5, 1.5), 0.1, 0.05, 16),
    Cutout(8),
    Cutout((4, 6), (0.5,), 0.5),
    RandomErasing(0.3, (0.1, 0.2), (0.5, 2), "noise", 1.0),
    RandAugment(3, 12, 7),
]


def as_toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    return json.dumps(value)


@pytest.mark.parametrize("augment", [*EVERY, Chain(*EVERY)], ids=lambda a: type(a).__name__)
def test_what_is_written_comes_back(augment):
    entries = describe(augment)
    text = f"augment = {as_toml(entries)}"
    assert restore(tomllib.loads(text)["augment"]) == augment
    assert restore(json.loads(json.dumps(entries))) == augment


def test_the_table_has_every_augmentation_under_the_name_of_its_errors():
    assert {type(augment) for augment in EVERY} == set(AUGMENTATIONS.values())
    assert all(kind.NAME == name for name, kind in AUGMENTATIONS.items())


def test_a_file_written_by_hand_is_read():
    text = """
    augment = [{name = "random_crop", padding = 4}, "random_flip", {name = "cutout", size = 8}]
    """
    want = Chain(RandomCrop(padding=4), RandomFlip(), Cutout(8))
    assert restore(tomllib.loads(text)["augment"]) == want


def test_nothing_is_an_empty_list_and_a_chain_in_a_chain_is_one():
    assert describe(None) == []
    assert restore([]) is None
    nested = Chain(RandomFlip(), Chain(RandomShift(1), Chain()))
    assert restore(describe(nested)) == Chain(RandomFlip(), RandomShift(1))


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([{"name": "randomcrop"}], ["name='randomcrop'", "use name='random_crop'"]),
        (["cut_out"], ["use name='cutout'"]),
        ([{"name": "random_crop", "paddin": 4}], ["no option 'paddin'", "use padding"]),
        ([{"name": "cutout"}], ["cutout without size", '{name = "cutout", size = 1}']),
        ([{"name": "cutout", "size": "big"}], ["cutout: size='big'"]),
        ([{"size": 4}], ["a name, or a table", 'use {name = "random_shift"}']),
        ([3], ["augment: 3"]),
        ("random_flip", ["a str", "a list of augmentations"]),
        ({"name": "random_flip"}, ["a dict", 'augment = [{name = "random_flip"}]']),
        (None, ["NoneType"]),
    ],
)
def test_what_names_no_augmentation_is_told_with_what_is_near(entries, words):
    with pytest.raises(OptionError) as caught:
        restore(entries)
    assert len(str(caught.value).splitlines()) == 3
    for word in words:
        assert word in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 3, 6, 8), dtype=np.uint8)
OPTIONS = sorted({f.name for kind in AUGMENTATIONS.values() for f in dataclasses.fields(kind)})


@given(
    st.lists(
        st.dictionaries(st.sampled_from(OPTIONS), JSON, max_size=3).flatmap(
            lambda d: st.sampled_from([*AUGMENTATIONS, "?"]).map(lambda name: {"name": name, **d})
        ),
        max_size=3,
    )
    | JSON
)
def test_whatever_a_file_says_is_an_augmentation_or_an_error_of_ours(entries):
    try:
        made = restore(entries)
    except CnnpyError as error:
        assert len(str(error).splitlines()) == 3
    else:
        assert restore(describe(made)) == made
        if made is not None:
            try:
                out = made(IMAGES, np.random.default_rng(0))
            except CnnpyError as error:
                assert len(str(error).splitlines()) == 3
            else:
                assert len(out) == 3 and out.dtype == np.uint8


def test_a_function_of_one_s_own_cannot_be_written():
    class Mine(RandomFlip):
        """Another flip."""

    for mine in (lambda images, rng: images, Mine(), Chain(RandomFlip(), print)):
        with pytest.raises(OptionError, match="has no name"):
            describe(mine)


def test_white_is_told_where_it_is_open_and_nowhere_else():
    chain = Chain(RandomFlip(), ColorJitter(0.1), Chain(RandAugment(), RandomErasing(white=2.0)))
    want = Chain(
        RandomFlip(),
        ColorJitter(0.1, white=16),
        Chain(RandAugment(white=16), RandomErasing(white=2.0)),
    )
    assert with_white(chain, 16.0) == want
    assert with_white(None, 16.0) is None
    assert with_white(np.sort, 16.0) is np.sort
    assert chain == Chain(
        RandomFlip(), ColorJitter(0.1), Chain(RandAugment(), RandomErasing(white=2.0))
    )


def test_white_is_told_to_a_child_of_one_s_own():
    class Dark(ColorJitter):
        """Has a constructor of its own."""

        def __init__(self):
            super().__init__(brightness=(0.5, 0.5))

    dark = with_white(Dark(), 16.0)
    assert type(dark) is Dark
    assert dark.white == 16


def test_augmentations_are_equal_by_their_options():
    assert RandomCrop(8) == RandomCrop((8, 8)) != RandomCrop(9)
    assert Chain(RandomFlip()) == Chain(RandomFlip(0.5)) != Chain(RandomFlip(0.6))
    assert len({Cutout(8), Cutout((8, 8)), Cutout(4)}) == 2
    assert Chain() != RandomFlip()
