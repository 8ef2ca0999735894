"""Laws of what is told early: each problem once, with its numbers, and none where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from cnnpy.data import Dataset, LazyDataset, Problem, digits, problems, split

NAMES = ("cat", "dog", "cow", "ewe", "hen")


def images(N: int, seed: int = 0) -> np.ndarray:
    made = np.random.default_rng(seed).integers(0, 200, (N, 1, 3, 4), dtype=np.uint8)
    made[:, 0, 0, 0], made[:, 0, 0, 1] = np.arange(N), seed  # all different
    return made


def dataset(*counts: int, seed: int = 0) -> Dataset:
    labels = np.repeat(np.arange(len(counts)), counts)
    return Dataset(images(len(labels), seed), labels, NAMES[: max(len(counts), 2)])


def told(*parts: Dataset, **options) -> list[tuple[str, str]]:
    return [(problem.kind, str(problem)) for problem in problems(*parts, **options)]


def test_good_data_have_no_problems():
    assert problems(dataset(9, 9), dataset(3, 3, seed=1)) == []
    parts = split(digits())
    assert problems(parts.train, parts.validation) == []
    assert problems(dataset(9, 9), dataset(0, 0)) == []


def test_one_class_is_told_of():
    assert told(dataset(9)) == [("one class", "all 9 training images are of one class, 'cat'")]
    assert told(dataset(1)) == [("one class", "the one training image is of one class, 'cat'")]
    assert told(dataset(9, 9), dataset(0, 1200 % 7, seed=1)) == [
        ("one class", "all 3 validation images are of one class, 'dog'")
    ]


def test_classes_without_images_are_told_of():
    assert told(dataset(9, 0, 9)) == [("missing class", "no training image of class 'dog'")]
    assert told(dataset(9, 9, 9, 9, 9), dataset(1, 0, 0, 0, 1, seed=1)) == [
        ("missing class", "no validation image of 3 classes: 'dog', 'cow', 'ewe'")
    ]
    many = Dataset(images(3), np.array([0, 1, 1]), tuple(map(str, range(9))))
    assert told(many) == [
        ("missing class", "no training image of 7 classes: '2', '3', '4' and 4 more")
    ]


def test_unbalanced_classes_are_told_of_from_ten_times_on():
    assert told(dataset(19, 2)) == []
    assert told(dataset(20, 5, 2)) == [
        ("unbalanced", "20 training images of 'cat', and 2 of 'cow'")
    ]
    assert told(dataset(9, 9), dataset(20, 1, seed=1)) == []  # it learns nothing from these


def test_constant_images_are_told_of():
    made = dataset(9, 9)
    made.images[5], made.images[7] = 0, 200
    assert told(made, dataset(2, 2, seed=1)) == [
        ("constant images", "2 of 18 training images have one value everywhere, first 5")
    ]
    held = dataset(2, 2, seed=1)
    held.images[3] = 7
    assert told(dataset(9, 9), held) == [
        ("constant images", "1 of 4 validation image has one value everywhere, first 3")
    ]
    dots = Dataset(np.arange(9, dtype=np.uint8).reshape(9, 1, 1, 1), np.arange(9) % 2, ("a", "b"))
    assert told(dots) == []  # one pixel has one value, and says something


def test_equal_images_of_different_classes_are_told_of():
    made = dataset(9, 9)
    made.images[12], made.images[15], made.images[3] = (
        made.images[4],
        made.images[4],
        made.images[2],
    )
    assert told(made) == [
        (
            "contradiction",
            "2 training images equal one of another class, first 12 ('dog'), which is 4 ('cat')",
        )
    ]


def test_overlap_is_told_of_with_its_first_pair():
    train, held = dataset(9, 9), dataset(3, 3, seed=1)
    held.images[2], held.images[5] = train.images[17], train.images[1]
    assert told(train, held) == [
        ("overlap", "2 of 6 validation images are training images too, first 2, which is 17")
    ]
    assert told(train, train)[0][0] == "overlap"
    floats = Dataset(held.images.astype(np.float32), held.labels, held.class_names)
    assert told(train, floats) == []  # no byte of which is the same


def test_labels_alone_can_be_looked_at():
    train = dataset(9, 9)
    assert told(train, train, pixels=False) == []
    assert len(told(dataset(9), pixels=False)) == 1


def test_each_problem_is_one_line_whatever_classes_are_called():
    made = Dataset(images(4), np.zeros(4, int), ("\u202ea'b", "b"))
    for problem in problems(made, made):
        assert isinstance(problem, Problem)
        assert len(str(problem).splitlines()) == 1


@pytest.mark.parametrize("pixels", [True, False, None])
def test_of_lazy_data_the_same_is_told_and_images_are_read_once(pixels):
    class Reads:
        shape, dtype = (1, 3, 4), np.dtype(np.uint8)
        n_read = 0

        def __len__(self) -> int:
            return 40

        def read(self, rows: np.ndarray) -> np.ndarray:
            Reads.n_read += len(rows)
            made = images(40)
            made[5], made[31] = 0, made[2]
            return made[rows]

    source = LazyDataset(Reads(), np.arange(40) // 20, ("cat", "dog"))
    train, held = source.subset(range(30)), source.subset(range(30, 40))
    memory = source.in_memory()
    Reads.n_read = 0
    want = told(memory.subset(range(30)), memory.subset(range(30, 40)), pixels=pixels)
    if pixels is not None:
        assert told(train, held, pixels=pixels) == want
        assert Reads.n_read == (40 if pixels else 0)
        assert len(want) == (3 if pixels else 1)
        return
    assert len(told(train, held)) == 1  # what would have to be read for it is left alone
    assert Reads.n_read == 0
    source.fingerprints()
    assert told(train, held) == want
    assert Reads.n_read == 40
