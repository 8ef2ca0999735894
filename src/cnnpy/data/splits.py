"""Splits: training, validation and test images that never leak into each other.

A split is stratified (each class is shared out in the same proportions) and
seeded. Images that are equal byte for byte move as one group, so that no test
image was seen in training under another number.

The plan of :func:`split_indices`:

1. Share out the groups of equal images, each to a part drawn by how much of its
   classes the part still lacks.
2. Round what is still due of each class in each part to whole images, so that
   every cell is its quota rounded up or down and the parts' sizes are the
   largest-remainder ones (a controlled rounding of the table classes x parts).
3. Deal the images without a double out by that table, shuffled within a class.

Only two things come before the sizes: equal images stay together, and each
class has an image in each part.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import DataError, DtypeError, OptionError, ShapeError
from cnnpy.contract.options import integer, real
from cnnpy.data.fingerprints import fingerprints, first_equals
from cnnpy.data.source import ImageSource

__all__ = [
    "Splits",
    "TrainTest",
    "hold_out",
    "overlap",
    "split",
    "split_indices",
    "where_equal",
]

S = TypeVar("S", bound=ImageSource)
if TYPE_CHECKING:  # so that plain Splits means splits of any source
    import typing_extensions as te

    P = te.TypeVar("P", bound=ImageSource, covariant=True, default=ImageSource)
else:
    P = TypeVar("P", bound=ImageSource, covariant=True)

_Counts = NDArray[np.int64]
_Quotas = NDArray[np.float64]
_SHOWN_CLASSES = 5


@dataclass(frozen=True, eq=False)
class TrainTest(Generic[P]):
    """Hold the two parts that a data set came with.

    Parameters
    ----------
    train : ImageSource
        The images to train on.
    test : ImageSource
        The images that its authors set aside for the test.

    Raises
    ------
    ShapeError, DtypeError, DataError
        If the parts differ in the shape of an image, in dtype or in class names.
    """

    train: P
    test: P

    def __post_init__(self) -> None:
        check_alike(train=self.train, test=self.test)

    def __iter__(self) -> Iterator[P]:
        return iter((self.train, self.test))


@dataclass(frozen=True, eq=False)
class Splits(Generic[P]):
    """Hold training, validation and test images.

    Parameters
    ----------
    train : ImageSource
        The images to learn from.
    validation : ImageSource
        The images that choose an epoch or a setting.
    test : ImageSource
        The images that choose nothing, and are looked at once.

    Raises
    ------
    ShapeError, DtypeError, DataError
        If the parts differ in the shape of an image, in dtype or in class names.
    """

    train: P
    validation: P
    test: P

    def __post_init__(self) -> None:
        check_alike(train=self.train, validation=self.validation, test=self.test)

    def __iter__(self) -> Iterator[P]:
        return iter((self.train, self.validation, self.test))


def split(dataset: S, fractions: Sequence[float] = (0.6, 0.2, 0.2), seed: int = 0) -> Splits[S]:
    """Split a data set into training, validation and test images.

    The split is stratified, and the same for the same seed. Images that are
    equal byte for byte land in the same part; to find them all images are read once.

    Parameters
    ----------
    dataset : ImageSource
        The images to split.
    fractions : sequence of three floats
        The share of training, validation and test; together 1. A part with the
        share 0 is empty.
    seed : int
        Names the split.

    Returns
    -------
    Splits
        The three parts, each in the order of `dataset`.

    Raises
    ------
    OptionError
        If the fractions do not sum to 1, or the seed is negative.
    DataError
        If a class has fewer different images than there are parts.

    Examples
    --------
    >>> from cnnpy.data import digits, split
    >>> train, validation, test = split(digits())
    >>> len(train), len(validation), len(test)
    (1078, 360, 359)
    """
    train, validation, test = split_indices(dataset, fractions, seed)
    return Splits(dataset.subset(train), dataset.subset(validation), dataset.subset(test))


def split_indices(
    dataset: ImageSource, fractions: Sequence[float] = (0.6, 0.2, 0.2), seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Name the images that :func:`split` puts into each part.

    Parameters
    ----------
    dataset : ImageSource
        The images to split.
    fractions : sequence of three floats
        The share of training, validation and test; together 1.
    seed : int
        Names the split.

    Returns
    -------
    tuple of three ndarrays (M,) of int64
        The indices of the training, validation and test images, each ascending.

    Raises
    ------
    OptionError
        If the fractions do not sum to 1, or the seed is negative.
    DataError
        If a class has fewer different images than there are parts.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnpy.data import Dataset
    >>> images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    >>> ten = Dataset(images, np.array([0, 1] * 5), ("even", "odd"))
    >>> [len(part) for part in split_indices(ten)]
    [6, 2, 2]
    """
    shares = _check_fractions(fractions)
    train, validation, test = _parts(dataset, shares, _check_seed("split", seed))
    return train, validation, test


def hold_out(dataset: S, fraction: float, seed: int = 0) -> tuple[S, S]:
    """Hold out a share of the images, stratified and seeded.

    This takes validation images off the training images of a data set that came
    with its own test part. Such a test part is left as its authors made it, even
    where it repeats training images; :func:`overlap` counts those.

    Parameters
    ----------
    dataset : ImageSource
        The images to share out.
    fraction : float
        The share to hold out, from 0 to below 1.
    seed : int
        Names the choice.

    Returns
    -------
    rest : ImageSource
        The images that stay.
    held : ImageSource
        The images held out.

    Raises
    ------
    OptionError
        If the fraction or the seed is out of range.
    DataError
        If a class has fewer than two different images.

    Examples
    --------
    >>> from cnnpy.data import digits, hold_out
    >>> rest, held = hold_out(digits(), 0.1)
    >>> len(rest), len(held)
    (1617, 180)
    """
    share = real(0.0, 1.0, below=True)("hold_out", "fraction", fraction)
    shares = np.array([1.0 - share, share])
    rest, held = _parts(dataset, shares, _check_seed("hold_out", seed))
    return dataset.subset(rest), dataset.subset(held)


def overlap(a: ImageSource, b: ImageSource) -> int:
    """Count the images of b that also stand in a, byte for byte.

    Parameters
    ----------
    a : ImageSource
        The images that were seen, say for training.
    b : ImageSource
        The images that should be new, say for the test.

    Returns
    -------
    int
        How many images of `b` are equal to an image of `a`.

    Raises
    ------
    ShapeError, DtypeError
        If the images differ in shape or dtype, so that bytes cannot be compared.

    Examples
    --------
    >>> import numpy as np
    >>> from cnnpy.data import Dataset
    >>> pixels = np.array([0, 1, 2, 2], dtype=np.uint8).reshape(4, 1, 1, 1)
    >>> four = Dataset(pixels, np.array([0, 0, 1, 1]), ("dark", "light"))
    >>> overlap(four.subset([0, 2]), four.subset([1, 2, 3]))
    2
    """
    _check_same_pixels({"a": a, "b": b})
    return int((where_equal(fingerprints(a).digests, fingerprints(b).digests) >= 0).sum())


def where_equal(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return for each digest of b the first of a that it is equal to, -1 where there is none."""
    first = first_equals(np.concatenate([a, b]))[len(a) :]
    return np.where(first < len(a), first, -1)


def check_alike(**parts: ImageSource) -> None:
    """Demand one shape, dtype, brightness and list of classes in all parts."""
    _check_same_pixels(parts)
    (first, a), *others = parts.items()
    for name, b in others:
        if b.class_names != a.class_names:
            only_a = [c for c in a.class_names if c not in b.class_names]
            only_b = [c for c in b.class_names if c not in a.class_names]
            raise DataError(
                f"the classes of {first} and {name} differ"
                + f"; only in {first}: {', '.join(only_a)}" * bool(only_a)
                + f"; only in {name}: {', '.join(only_b)}" * bool(only_b),
                "the same classes, in the same order, in all parts",
                "add the missing class, or leave it out everywhere"
                if only_a or only_b
                else f"bring the classes of {name} into the order of {first}",
            )
        if b.white != a.white:
            raise DataError(
                f"white is {a.white:g} in {first} and {b.white:g} in {name}",
                "one pixel value of full brightness in all parts",
                f"bring the pixels of {name} to the range of {first}",
            )


def _check_same_pixels(parts: dict[str, ImageSource]) -> None:
    (first, a), *others = parts.items()
    for name, b in others:
        if b.shape != a.shape:
            raise ShapeError(
                f"images of {first} have shape {a.shape}; those of {name} have {b.shape}",
                "one shape (C, H, W) in all parts",
                f"bring the images of {name} to {a.shape}",
            )
        if b.dtype != a.dtype:
            raise DtypeError(
                f"images of {first} have dtype {a.dtype}; those of {name} have {b.dtype}",
                "one dtype in all parts",
                f"bring the images of {name} to {a.dtype}",
            )


def _check_seed(where: str, seed: int) -> int:
    number: int = integer(0)(where, "seed", seed)
    return number


def _check_fractions(fractions: Sequence[float]) -> _Quotas:
    try:
        shares = np.asarray(fractions, dtype=np.float64)
    except (TypeError, ValueError):
        shares = np.empty(0)
    if shares.shape != (3,) or not np.isfinite(shares).all():
        raise OptionError(
            f"split: fractions={fractions!r}",
            "three numbers: the shares of training, validation and test",
            "use fractions=(0.6, 0.2, 0.2)",
        )
    total = float(shares.sum())
    if shares.min() < 0 or shares[0] == 0 or abs(total - 1) > 1e-6:
        mended = np.maximum(shares, 0)
        mended = np.round(mended / mended.sum(), 3) if mended[0] > 0 else np.array([0.6, 0.2, 0.2])
        raise OptionError(
            f"split: fractions={tuple(shares.tolist())}, together {total:g}",
            "shares of at least 0 that sum to 1, the first above 0",
            f"use fractions={tuple(mended.tolist())}",
        )
    return shares / total


# --- sharing images out ----------------------------------------------------------


def _parts(dataset: ImageSource, shares: _Quotas, seed: int) -> list[NDArray[np.int64]]:
    """Name the images of each part, ascending."""
    used = np.flatnonzero(shares)
    # One part takes all images, equal or not: there is nothing to read.
    first = (
        first_equals(fingerprints(dataset).digests) if len(used) > 1 else np.arange(len(dataset))
    )
    _check_sizes(dataset, first, len(used))
    rng = np.random.default_rng(seed)
    dealt = _deal(dataset, _groups(first), shares[used], rng)
    parts = [np.empty(0, dtype=np.int64) for _ in shares]
    for p, indices in zip(used, dealt, strict=True):
        parts[p] = np.sort(indices)
    return parts


class _Groups(NamedTuple):
    """Images that are equal byte for byte, and those that are like no other."""

    several: list[NDArray[np.int64]]
    singles: NDArray[np.int64]


def _groups(first: NDArray[np.int64]) -> _Groups:
    """Gather equal images, of which each names the first, in the order of the first."""
    sizes = np.bincount(first, minlength=len(first))
    doubles = np.flatnonzero(sizes[first] > 1)
    doubles = doubles[np.argsort(first[doubles], kind="stable")]
    ends = np.cumsum(sizes[sizes > 1])
    several = np.split(doubles, ends[:-1]) if len(ends) else []
    return _Groups(several, np.flatnonzero(sizes == 1))


def _check_sizes(dataset: ImageSource, first: NDArray[np.int64], n_parts: int) -> None:
    where = f"data set {dataset.name!r}"
    if not len(dataset):
        raise DataError(f"{where}: no images to split", f"at least {n_parts}", "add images")
    K = dataset.n_classes
    different = np.bincount(np.unique(first * K + dataset.labels) % K, minlength=K)
    small = np.flatnonzero(different < n_parts)
    if not len(small):
        return
    counts = dataset.class_counts()
    texts = [
        f"class {dataset.class_names[c]!r} has {counts[c]} "
        + ("image" if counts[c] == 1 else "images")
        + f", {different[c]} of them different" * bool(different[c] < counts[c])
        for c in small[:_SHOWN_CLASSES]
    ]
    more = f", and {len(small) - _SHOWN_CLASSES} more" * (len(small) > _SHOWN_CLASSES)
    name = dataset.class_names[small[0]]
    raise DataError(
        f"{where}: {'; '.join(texts)}{more}",
        f"at least {n_parts} different images of each class, one for each of {n_parts} parts",
        f"add images of class {name!r}, or leave the class out",
    )


def _deal(
    dataset: ImageSource, groups: _Groups, shares: _Quotas, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Deal all groups out to parts of the given shares, none of them 0."""
    several, singles = groups
    K, P = dataset.n_classes, len(shares)
    class_counts = dataset.class_counts()
    quotas = class_counts[:, np.newaxis] * shares
    n_singles = np.bincount(dataset.labels[singles], minlength=K)

    contents = [np.bincount(dataset.labels[indices], minlength=K) for indices in several]
    home = _place_groups(contents, quotas, n_singles, rng)
    placed = np.zeros((K, P), dtype=np.int64)
    for content, p in zip(contents, home, strict=True):
        placed[:, p] += content

    due = np.round(quotas - placed, 9)  # 0.2 * 15 must be 3, not 3 and a last bit
    sizes = _largest_remainder(len(dataset), shares) - placed.sum(axis=0)
    table = _round_table(due, n_singles, sizes, lowest=(placed == 0).astype(np.int64))

    parts: list[list[NDArray[np.int64]]] = [[] for _ in shares]
    for indices, p in zip(several, home, strict=True):
        parts[p].append(indices)
    for c in range(K):
        shuffled = rng.permutation(singles[dataset.labels[singles] == c])
        cuts = np.split(shuffled, np.cumsum(table[c])[:-1])
        for part, cut in zip(parts, cuts, strict=True):
            part.append(cut)
    return [np.concatenate(part) for part in parts]


def _place_groups(
    contents: list[_Counts], quotas: _Quotas, n_singles: _Counts, rng: np.random.Generator
) -> list[int]:
    """Choose a part for each group of equal images, large groups first."""
    home = [0] * len(contents)
    placed = np.zeros(quotas.shape, dtype=np.int64)
    order = rng.permutation(len(contents))
    for g in sorted(order.tolist(), key=lambda g: -int(contents[g].sum())):
        content = contents[g]
        need = content @ (quotas - placed)
        fits = (placed + content[:, np.newaxis] <= np.ceil(quotas)).all(axis=0) & (need > 0)
        if fits.any():
            weights = np.where(fits, need, 0.0)
            home[g] = int(rng.choice(len(need), p=weights / weights.sum()))
        else:
            home[g] = int(need.argmax())
        placed[:, home[g]] += content
    _fill_gaps(home, contents, n_singles, quotas.shape[1])
    return home


def _fill_gaps(home: list[int], contents: list[_Counts], n_singles: _Counts, n_parts: int) -> None:
    """Move groups until the single images suffice for the parts that lack a class."""
    if not contents:
        return
    present = np.array(contents) > 0
    numbers = np.zeros((len(n_singles), n_parts), dtype=np.int64)
    for held, p in zip(present, home, strict=True):
        numbers[:, p] += held

    def missing() -> int:
        gaps = (numbers == 0).sum(axis=1)
        return int(np.maximum(gaps - n_singles, 0).sum())

    short = missing()
    while short:
        for g, p in itertools.product(range(len(home)), range(n_parts)):
            source = home[g]
            if p == source or not (present[g] & (numbers[:, p] == 0)).any():
                continue
            numbers[:, source] -= present[g]
            numbers[:, p] += present[g]
            if missing() < short:
                home[g] = p
                break
            numbers[:, source] += present[g]
            numbers[:, p] -= present[g]
        else:
            raise DataError(
                "the classes cannot be shared out: equal images carry different labels",
                "equal images with one label, or enough others",
                "give equal images one label, or leave them out",
            )
        short = missing()


def _largest_remainder(n: int, shares: _Quotas) -> _Counts:
    """Round n * shares to whole numbers that sum to n."""
    quotas = np.round(n * shares, 9)
    counts = np.floor(quotas).astype(np.int64)
    order = np.argsort(-(quotas - counts), kind="stable")
    counts[order[: n - int(counts.sum())]] += 1
    return counts


def _round_table(quotas: _Quotas, row_sums: _Counts, sizes: _Counts, lowest: _Counts) -> _Counts:
    """Round a table to whole numbers with given row sums and, if it can be, column sums."""
    low = np.maximum(np.floor(quotas).astype(np.int64), lowest)
    high = np.maximum(np.ceil(quotas).astype(np.int64), low)
    table = low.copy()
    for row, quota, floor, wanted in zip(table, quotas, lowest, row_sums, strict=True):
        while row.sum() < wanted:
            row[int((quota - row).argmax())] += 1
        while row.sum() > wanted:
            row[int(np.where(row > floor, row - quota, -np.inf).argmax())] -= 1
    low, high = np.minimum(low, table), np.maximum(high, table)
    while (table.sum(axis=0) != sizes).any() and _shift_one(table, quotas, low, high, sizes):
        pass
    return table


def _shift_one(
    table: _Counts, quotas: _Quotas, low: _Counts, high: _Counts, sizes: _Counts
) -> bool:
    """Shift one unit from a column with too many to one with too few, at the least cost."""
    gap = sizes - table.sum(axis=0)
    best: tuple[float, list[tuple[int, int, int]]] = (np.inf, [])
    for path in _paths(np.flatnonzero(gap < 0), np.flatnonzero(gap > 0), len(gap)):
        steps: list[tuple[int, int, int]] = []
        cost = 0.0
        for a, b in itertools.pairwise(path):
            free = (table[:, a] > low[:, a]) & (table[:, b] < high[:, b])
            costs = np.where(free, (quotas - table)[:, a] - (quotas - table)[:, b], np.inf)
            row = int(costs.argmin())
            cost += float(costs[row])
            steps.append((row, a, b))
        if cost < best[0]:
            best = (cost, steps)
    for row, a, b in best[1]:
        table[row, a] -= 1
        table[row, b] += 1
    return bool(best[1])


def _paths(sources: NDArray[Any], sinks: NDArray[Any], n: int) -> Iterator[tuple[int, ...]]:
    for a, b in itertools.product(sources.tolist(), sinks.tolist()):
        others = [m for m in range(n) if m not in (a, b)]
        for k in range(len(others) + 1):
            for middle in itertools.permutations(others, k):
                yield (a, *middle, b)
