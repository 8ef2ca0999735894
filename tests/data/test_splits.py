"""Laws of splitting: a partition, stratified, seeded, without leaks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnpy.contract.errors import DataError, DtypeError, OptionError, ShapeError
from cnnpy.data import (
    Dataset,
    Splits,
    TrainTest,
    digits,
    hold_out,
    overlap,
    split,
    split_indices,
)

SHARES = st.sampled_from([(0.6, 0.2, 0.2), (0.8, 0.1, 0.1), (0.5, 0.25, 0.25), (0.34, 0.33, 0.33)])


def dataset_of(values: list[int], labels: list[int]) -> Dataset:
    """Make images of four bytes, equal where the values are."""
    images = np.array(values, dtype="<u4").view(np.uint8).reshape(-1, 1, 2, 2)
    K = max(labels) + 1
    return Dataset(images, np.array(labels), tuple(str(k) for k in range(K)))


def table_of(data: Dataset, parts) -> np.ndarray:
    """Count the images of each class (rows) in each part (columns)."""
    K = data.n_classes
    return np.stack([np.bincount(data.labels[part], minlength=K) for part in parts], axis=1)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(3, 40), min_size=1, max_size=8),
    shares=SHARES,
    seed=st.integers(0, 9),
)
def test_a_split_of_different_images_is_a_stratified_partition(counts, shares, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    data = dataset_of(list(range(len(labels))), labels.tolist())
    parts = split_indices(data, shares, seed)

    assert sorted(np.concatenate(parts).tolist()) == list(range(len(data)))
    table = table_of(data, parts)
    quotas = np.outer(counts, shares)
    assert (table >= 1).all()
    if quotas.min() >= 1:  # else the one image each class has in each part comes first
        assert (np.abs(table - quotas) < 1).all()
        quotas = len(data) * np.array(shares)
        assert (np.abs(table.sum(axis=0) - quotas) < 1 + 1e-9).all()
        largest_remainder = np.floor(np.round(quotas, 9))
        assert (table.sum(axis=0) >= largest_remainder).all()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), shares=SHARES, seed=st.integers(0, 9))
def test_equal_images_never_land_in_different_parts(data, shares, seed):
    counts = data.draw(st.lists(st.integers(3, 30), min_size=1, max_size=4))
    labels = np.repeat(np.arange(len(counts)), counts).tolist()
    values = [data.draw(st.integers(0, 12)) * 8 + label for label in labels]
    made = dataset_of(values, labels)
    different = [
        len({v for v, k in zip(values, labels, strict=True) if k == c}) for c in set(labels)
    ]
    if min(different) < 3:
        with pytest.raises(DataError, match="different images of each class"):
            split_indices(made, shares, seed)
        return
    parts = split_indices(made, shares, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    seen = [{values[k] for k in part} for part in parts]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]
    assert (table_of(made, parts) >= 1).all()


def test_equal_images_with_different_labels_stay_together():
    values = [*range(20), *range(10)]
    labels = [0] * 20 + [1] * 10
    parts = split_indices(dataset_of(values, labels))
    seen = [{values[k] for k in part} for part in parts]
    assert not seen[0] & seen[1]
    assert not (seen[0] | seen[1]) & seen[2]


def test_many_doubles_do_not_spoil_the_sizes():
    values = [*range(60), *range(30), *range(10)]
    parts = split_indices(dataset_of(values, [v % 2 for v in values]))
    assert [len(part) for part in parts] == [60, 20, 20]


def test_a_split_depends_on_the_seed_and_nothing_else(make_dataset):
    data = make_dataset(30, 20, 10)
    one, same, other = (split_indices(data, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_the_digits_are_split_in_three_fifths_and_two_fifths():
    train, validation, test = split(digits())
    assert (len(train), len(validation), len(test)) == (1078, 360, 359)
    assert overlap(train, validation) == overlap(train, test) == overlap(validation, test) == 0
    assert np.ptp(test.class_counts() - digits().class_counts() / 5) < 2


def test_a_part_with_the_share_0_is_empty(make_dataset):
    train, validation, test = split(make_dataset(2, 3), (0.5, 0.0, 0.5))
    assert len(validation) == 0
    assert validation.shape == train.shape
    assert len(train) + len(test) == 5
    everything = split(make_dataset(1, 1), (1, 0, 0)).train
    assert len(everything) == 2


def test_a_class_too_small_to_split_is_named_with_its_size(make_dataset):
    with pytest.raises(DataError) as caught:
        split(make_dataset(9, 2, 1))
    assert "class 'class 1' has 2 images; class 'class 2' has 1 image" in caught.value.given
    assert "class 'class 1'" in caught.value.mend


def test_a_class_without_images_is_too_small_to_split():
    with pytest.raises(DataError, match="class '1' has 0 images"):
        split(dataset_of([1, 2, 3, 4], [0, 0, 2, 2]))


def test_a_class_of_copies_cannot_be_split():
    with pytest.raises(DataError, match="class '1' has 9 images, 1 of them different"):
        split(dataset_of([1, 2, 3] + [7] * 9, [0] * 3 + [1] * 9))


def test_small_classes_of_copies_are_shared_out_where_they_can_be():
    values, labels = [1, 1, 2, 2, 3, 3, *range(10, 40)], [0] * 6 + [1] * 30
    for seed in range(20):
        data = dataset_of(values, labels)
        assert (table_of(data, split_indices(data, seed=seed))[0] == 2).all()


def test_an_empty_data_set_cannot_be_split(make_dataset):
    with pytest.raises(DataError, match="no images to split"):
        split(make_dataset(3).subset([]))


@pytest.mark.parametrize(
    ("fractions", "mend"),
    [
        ((0.6, 0.2), "(0.6, 0.2, 0.2)"),
        ((0.6, 0.2, 0.3), "(0.545, 0.182, 0.273)"),
        ((0.6, -0.2, 0.6), "(0.5, 0.0, 0.5)"),
        ((0.0, 0.5, 0.5), "(0.6, 0.2, 0.2)"),
        ((float("nan"), 0.5, 0.5), "(0.6, 0.2, 0.2)"),
        ("abc", "(0.6, 0.2, 0.2)"),
        (None, "(0.6, 0.2, 0.2)"),
    ],
)
def test_fractions_that_are_no_shares_are_refused(make_dataset, fractions, mend):
    with pytest.raises(OptionError) as caught:
        split(make_dataset(9), fractions)
    assert mend in caught.value.mend


@pytest.mark.parametrize("seed", [-1, 0.5, True, "a"])
def test_a_seed_is_an_integer_of_at_least_0(make_dataset, seed):
    with pytest.raises(OptionError, match="seed"):
        split(make_dataset(9), seed=seed)


def test_holding_out_leaves_the_rest(make_dataset):
    data = make_dataset(30, 20)
    rest, held = hold_out(data, 0.2, seed=3)
    assert held.class_counts().tolist() == [6, 4]
    assert rest.class_counts().tolist() == [24, 16]
    assert overlap(rest, held) == 0
    assert [len(part) for part in hold_out(data, 0)] == [50, 0]


@pytest.mark.parametrize("fraction", [1.0, -0.1, "half"])
def test_a_fraction_to_hold_out_lies_below_1(make_dataset, fraction):
    with pytest.raises(OptionError, match="fraction"):
        hold_out(make_dataset(30), fraction)


def test_overlap_counts_the_images_of_the_second_that_the_first_has(make_dataset):
    data = make_dataset(10)
    assert overlap(data.subset([0, 1, 2]), data.subset([2, 2, 3])) == 2
    assert overlap(data, data) == 10


def test_parts_must_be_alike(make_dataset):
    data = make_dataset(5, 5)
    other_size = make_dataset(5, 5, shape=(1, 3, 4))
    floats = Dataset(data.images.astype(np.float32), data.labels, data.class_names)
    other_classes = Dataset(data.images, data.labels, ("class 0", "bird"))
    swapped = Dataset(data.images, data.labels, ("class 1", "class 0"))
    dim = Dataset(data.images, data.labels, data.class_names, white=16)
    with pytest.raises(ShapeError, match=r"train have shape \(1, 4, 3\); those of test"):
        TrainTest(data, other_size)
    with pytest.raises(DtypeError, match="float32"):
        Splits(data, data, floats)
    with pytest.raises(DataError, match="only in train: class 1; only in test: bird"):
        TrainTest(data, other_classes)
    with pytest.raises(DataError, match="order of train"):
        TrainTest(data, swapped)
    with pytest.raises(DataError, match="white is 255 in train and 16 in test"):
        TrainTest(data, dim)
    with pytest.raises(ShapeError):
        overlap(data, other_size)
