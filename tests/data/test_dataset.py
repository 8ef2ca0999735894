"""Laws of Dataset: what it takes, what it refuses, and in which words."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from cnnpy.contract.errors import DataError, DtypeError, OptionError, ShapeError
from cnnpy.data import Dataset

IMAGES = np.zeros((3, 1, 4, 5), dtype=np.uint8)
LABELS = np.array([0, 1, 1])
NAMES = ("cat", "dog")


def test_bytes_stay_bytes_and_the_pixels_are_not_copied():
    data = Dataset(IMAGES, LABELS, NAMES)
    assert data.images.dtype == np.uint8
    assert np.shares_memory(data.images, IMAGES)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64, np.uint64])
def test_labels_of_any_integer_type_become_int64(dtype):
    data = Dataset(IMAGES, LABELS.astype(dtype), NAMES)
    assert data.labels.dtype == np.int64
    assert data.labels.tolist() == [0, 1, 1]


def test_a_dataset_says_what_it_is():
    data = Dataset(IMAGES, LABELS, list(NAMES), name="pets")
    assert repr(data) == "Dataset('pets': 3 images (1, 4, 5) of uint8, 2 classes)"
    assert (len(data), data.shape, data.n_classes, data.class_names) == (3, (1, 4, 5), 2, NAMES)
    assert data.class_counts().tolist() == [1, 2]
    assert Dataset(IMAGES, LABELS, ("a", "b", "c")).class_counts().tolist() == [1, 2, 0]


def test_a_dataset_copies_and_pickles_to_the_same():
    data = Dataset(IMAGES, LABELS, NAMES, name="pets", white=16)
    for other in (copy.deepcopy(data), pickle.loads(pickle.dumps(data))):
        assert np.array_equal(other.images, data.images)
        assert np.array_equal(other.labels, data.labels)
        assert (other.class_names, other.name, other.white) == (NAMES, "pets", 16.0)


BAD = [
    ({"images": IMAGES.tolist()}, DtypeError, "images is a list", "np.asarray(images)"),
    ({"images": IMAGES.astype(int)}, DtypeError, "int64", "all values lie from 0 to 255"),
    ({"images": IMAGES.astype(int) - 1}, DtypeError, "int64", "images.astype(np.float32)"),
    ({"images": IMAGES.astype(">f4")}, DtypeError, ">f4", "byte-swapped"),
    ({"images": IMAGES > 0}, DtypeError, "bool", "* 255"),
    ({"images": np.ma.array(IMAGES)}, DtypeError, "masked", "filled"),
    ({"images": IMAGES[:, 0]}, ShapeError, "(3, 4, 5)", "images[:, np.newaxis]"),
    ({"images": np.zeros((3, 64))}, ShapeError, "(3, 64)", "reshape(-1, 1, 8, 8)"),
    ({"images": IMAGES[0, 0, 0]}, ShapeError, "(5,)", "reshape(N, C, H, W)"),
    ({"images": IMAGES[..., :0]}, ShapeError, "no pixels", "axis 3"),
    ({"images": IMAGES * np.float32("nan")}, DataError, "images[0] holds NaN", "image 0"),
    ({"labels": [0, 1, 1]}, DtypeError, "labels is a list", "np.asarray(labels)"),
    ({"labels": LABELS.astype(float)}, DtypeError, "float64", "labels.astype(np.int64)"),
    ({"labels": np.array(["a", "b", "b"])}, DtypeError, "<U1", "np.unique"),
    ({"labels": LABELS[:2]}, ShapeError, "there are 3 images", "1 images too many"),
    ({"labels": LABELS[:, None]}, ShapeError, "(3, 1)", "labels[:, 0]"),
    ({"labels": np.eye(3, 2, dtype=int)}, ShapeError, "(3, 2)", "argmax"),
    ({"labels": np.zeros((2, 2), int)}, ShapeError, "(2, 2)", "reshape(-1)"),
    ({"labels": LABELS + 1}, DataError, "labels[1] is 2; there are 2 classes", "from 1"),
    ({"labels": LABELS - 1}, DataError, "labels[0] is -1", "leave image 0 out"),
    ({"labels": LABELS.astype(np.uint64) + 2**63}, DataError, "labels holds", "from 0"),
    ({"class_names": ("cat", "cat")}, DataError, "'cat' twice", "rename"),
    ({"class_names": "cat"}, DataError, "class_names is 'cat'", "('cat',)"),
    ({"class_names": ("cat", 3)}, DataError, "class_names[1] is 3", "'1'"),
    ({"class_names": ("cat", "a\nb")}, DataError, r"'a\nb'", "'1'"),
    ({"class_names": ("cat", "\udcff")}, DataError, "class_names[1]", "'1'"),
    ({"class_names": (), "labels": LABELS[:0], "images": IMAGES[:0]}, DataError, "empty", "name"),
    ({"name": ""}, DataError, "name is ''", "unnamed"),
    ({"name": "a\x1b[2J"}, DataError, "name is", "unnamed"),
    ({"white": 0}, OptionError, "white=0", "255"),
    ({"white": "x"}, OptionError, "white='x'", "255"),
]


@pytest.mark.parametrize(("change", "kind", "given", "mend"), BAD)
def test_what_does_not_fit_is_refused_with_the_mend(change, kind, given, mend):
    with pytest.raises(kind) as caught:
        Dataset(**({"images": IMAGES, "labels": LABELS, "class_names": NAMES} | change))
    assert given in caught.value.given
    assert mend in caught.value.mend
    assert len(str(caught.value).splitlines()) == 3
    assert isinstance(caught.value, (ValueError, TypeError))


def test_a_subset_keeps_the_given_order_and_owns_its_pixels(make_dataset):
    data = make_dataset(4, 5)
    part = data.subset([7, 0, 7])
    assert np.array_equal(part.images, data.images[[7, 0, 7]])
    assert np.array_equal(part.labels, data.labels[[7, 0, 7]])
    assert not np.shares_memory(part.images, data.images)
    assert (part.class_names, part.name) == (data.class_names, data.name)


def test_a_mask_takes_where_it_is_true(make_dataset):
    data = make_dataset(4, 5)
    assert len(data.subset(data.labels == 1)) == 5
    assert len(data.subset([])) == 0


@pytest.mark.parametrize(
    ("indices", "kind", "mend"),
    [
        ([9], DataError, "leave it out"),
        ([-1], DataError, "use 8"),
        ([0.5], DtypeError, "astype"),
        ([[0]], ShapeError, "reshape"),
        ([True], ShapeError, "9 entries"),
    ],
)
def test_indices_that_name_no_image_are_refused(make_dataset, indices, kind, mend):
    with pytest.raises(kind) as caught:
        make_dataset(4, 5).subset(indices)
    assert mend in caught.value.mend
