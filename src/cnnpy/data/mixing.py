"""Mixing: batches whose images are made of two, with targets mixed in the same shares.

A mixing is called with a batch as the network takes it, its targets and a random
generator, and returns both anew. Those of :data:`MIXINGS` can stand in a TOML file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.dtypes import FloatArray
from cnnpy.contract.errors import DtypeError, ShapeError
from cnnpy.contract.options import Parser, real
from cnnpy.data.described import Described, from_entry, to_entry

__all__ = ["MIXINGS", "CutMix", "Mixing", "Mixup", "MixupOrCutMix", "describe", "restore"]

_ALPHA = real(1e-3, 1e3)
_PROBABILITY = real(0.0, 1.0)


class Mixing(Protocol):
    """Mix a batch and its targets, drawing from a generator."""

    def __call__(
        self, x: FloatArray, targets: FloatArray, rng: np.random.Generator, /
    ) -> tuple[FloatArray, FloatArray]:
        """Return a new batch (N, C, H, W) and new targets (N, K)."""


@dataclass(frozen=True, repr=False)
class Mixup(Described):
    """Blend each image with another of its batch, and their targets in the same shares.

    One share for the whole batch is drawn from Beta(alpha, alpha), and one order in which
    the batch is laid over itself, as in the authors' code.

    Parameters
    ----------
    alpha : float
        From 0.001 to 1000. Small: mostly one of the two images; 1: every share is as likely.
    p : float
        The probability that a batch is mixed at all.

    Raises
    ------
    OptionError
        If an option is out of range.
    ShapeError
        When called, if there is not a row of targets for each image.
    DtypeError
        When called, if the batch or the targets are no floats.

    References
    ----------
    H. Zhang, M. Cisse, Y. N. Dauphin, D. Lopez-Paz: mixup: Beyond empirical risk
    minimization. ICLR 2018. arXiv:1710.09412.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(2.0).reshape(2, 1, 1, 1)
    >>> x, targets = Mixup(1.0)(x, np.eye(2), np.random.default_rng(2))
    >>> bool(np.allclose(x.ravel(), targets[:, 1]))  # as much of image 1 as of class 1
    True
    >>> targets.sum(axis=1)
    array([1., 1.])
    """

    alpha: float = 0.2
    p: float = 1.0

    NAME: ClassVar[str] = "mixup"
    CHECKS: ClassVar[Mapping[str, Parser]] = {"alpha": _ALPHA, "p": _PROBABILITY}

    def __call__(
        self, x: FloatArray, targets: FloatArray, rng: np.random.Generator, /
    ) -> tuple[FloatArray, FloatArray]:
        """Mix a batch (N, C, H, W) and its targets (N, K)."""
        _check(self.NAME, x, targets)
        if not rng.random() < self.p:
            return x.copy(order="K"), targets.copy()
        share = rng.beta(self.alpha, self.alpha)
        partner = rng.permutation(len(x))
        return _blend(x, partner, share), _blend(targets, partner, share)


@dataclass(frozen=True, repr=False)
class CutMix(Described):
    """Replace a rectangle of each image by that of another, targets by their share of pixels.

    One rectangle for the whole batch: its area is drawn from Beta(alpha, alpha), its sides
    are in the ratio of the images', its centre is anywhere; what passes the border is cut
    off, and the targets' shares are those of the pixels that are left, as in the authors'
    code.

    Parameters
    ----------
    alpha : float
        From 0.001 to 1000. 1: every area is as likely.
    p : float
        The probability that a batch is mixed at all.

    Raises
    ------
    OptionError
        If an option is out of range.
    ShapeError
        When called, if there is not a row of targets for each image.
    DtypeError
        When called, if the batch or the targets are no floats.

    References
    ----------
    S. Yun, D. Han, S. J. Oh, S. Chun, J. Choe, Y. Yoo: CutMix: Regularization strategy to
    train strong classifiers with localizable features. ICCV 2019. arXiv:1905.04899.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.repeat(np.arange(2.0), 16).reshape(2, 1, 4, 4)
    >>> x, targets = CutMix()(x, np.eye(2), np.random.default_rng(2))
    >>> bool((x.mean(axis=(1, 2, 3)) == targets[:, 1]).all())
    True
    """

    alpha: float = 1.0
    p: float = 1.0

    NAME: ClassVar[str] = "cutmix"
    CHECKS: ClassVar[Mapping[str, Parser]] = {"alpha": _ALPHA, "p": _PROBABILITY}

    def __call__(
        self, x: FloatArray, targets: FloatArray, rng: np.random.Generator, /
    ) -> tuple[FloatArray, FloatArray]:
        """Mix a batch (N, C, H, W) and its targets (N, K)."""
        _check(self.NAME, x, targets)
        out = x.copy(order="K")
        if not rng.random() < self.p:
            return out, targets.copy()
        H, W = x.shape[2:]
        side = math.sqrt(1 - rng.beta(self.alpha, self.alpha))
        rows = _span(H, side, int(rng.integers(H)))
        columns = _span(W, side, int(rng.integers(W)))
        partner = rng.permutation(len(x))
        out[:, :, rows, columns] = x[partner, :, rows, columns]
        hidden = (rows.stop - rows.start) * (columns.stop - columns.start)
        return out, _blend(targets, partner, 1 - hidden / (H * W))


@dataclass(frozen=True, repr=False)
class MixupOrCutMix(Described):
    """Mix each batch in one of two ways, mixup or CutMix, drawn anew for each.

    Parameters
    ----------
    mixup_alpha : float
        That of :class:`Mixup`.
    cutmix_alpha : float
        That of :class:`CutMix`.
    cutmix_share : float
        The probability of CutMix among batches that are mixed.
    p : float
        The probability that a batch is mixed at all.

    Raises
    ------
    OptionError
        If an option is out of range.
    ShapeError
        When called, if there is not a row of targets for each image.
    DtypeError
        When called, if the batch or the targets are no floats.

    Examples
    --------
    >>> MixupOrCutMix(mixup_alpha=0.8)
    MixupOrCutMix(mixup_alpha=0.8)
    """

    mixup_alpha: float = 0.2
    cutmix_alpha: float = 1.0
    cutmix_share: float = 0.5
    p: float = 1.0

    NAME: ClassVar[str] = "mixup_or_cutmix"
    CHECKS: ClassVar[Mapping[str, Parser]] = {
        "mixup_alpha": _ALPHA,
        "cutmix_alpha": _ALPHA,
        "cutmix_share": _PROBABILITY,
        "p": _PROBABILITY,
    }

    def __call__(
        self, x: FloatArray, targets: FloatArray, rng: np.random.Generator, /
    ) -> tuple[FloatArray, FloatArray]:
        """Mix a batch (N, C, H, W) and its targets (N, K)."""
        cut = rng.random() < self.cutmix_share
        mixing: Mixing = (
            CutMix(self.cutmix_alpha, self.p) if cut else Mixup(self.mixup_alpha, self.p)
        )
        return mixing(x, targets, rng)


MIXINGS: Mapping[str, type[Described]] = {
    kind.NAME: kind for kind in (Mixup, CutMix, MixupOrCutMix)
}
"""The mixings that a file may name."""


def describe(mixing: Mixing) -> dict[str, Any]:
    """Write a mixing down in values that TOML and JSON know.

    Parameters
    ----------
    mixing : callable
        One of :data:`MIXINGS`.

    Returns
    -------
    dict
        Its name and its options.

    Raises
    ------
    OptionError
        Where it is a function of one's own, which no file can hold.

    Examples
    --------
    >>> describe(Mixup(0.4))
    {'name': 'mixup', 'alpha': 0.4, 'p': 1.0}
    """
    return to_entry(MIXINGS, "mixing", mixing)


def restore(entry: object) -> Mixing:
    """Make the mixing that an entry names, trusting nothing in it.

    Parameters
    ----------
    entry : mapping or str
        A name and options, or a name alone.

    Returns
    -------
    callable
        The mixing.

    Raises
    ------
    OptionError
        Where the name or an option is unknown or out of range.

    Examples
    --------
    >>> restore({"name": "cutmix", "p": 0.5})
    CutMix(p=0.5)
    """
    made: Any = from_entry(MIXINGS, "mixing", entry)
    mixing: Mixing = made
    return mixing


# --- shares ------------------------------------------------------------------------------


def _check(op: str, x: object, targets: object) -> None:
    for name, array in (("x", x), ("targets", targets)):
        dtype = getattr(array, "dtype", type(array).__name__)
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            raise DtypeError(
                f"{op}: {name} is {dtype}",
                "an array of floats: a batch as the network takes it, a row of targets an image",
                "use np.eye(K)[labels]"
                if name == "targets"
                else "preprocess the images before: preprocessing.apply(x)",
            )
    assert isinstance(x, np.ndarray)
    assert isinstance(targets, np.ndarray)
    if x.ndim != 4 or targets.ndim != 2 or len(x) != len(targets):
        raise ShapeError(
            f"{op}: x has shape {x.shape}, targets {targets.shape}",
            "x (N, C, H, W) and targets (N, K)",
            f"give targets of {len(x)} rows" if targets.ndim == 2 else "use np.eye(K)[labels]",
        )


def _blend(array: FloatArray, partner: NDArray[np.int64], share: float) -> FloatArray:
    """Return ``share`` of each row and the rest of its partner, lying as the array lies."""
    out = array.copy(order="K")
    out *= share
    for n, other in enumerate(partner):  # row by row, which stays in a core's cache
        out[n] += array[other] * array.dtype.type(1 - share)
    return out


def _span(size: int, share: float, centre: int) -> slice:
    """Return the part of an axis that a rectangle covers, cut off at the ends."""
    length = int(size * share)
    start = centre - length // 2
    return slice(max(start, 0), max(min(start + length, size), 0))
