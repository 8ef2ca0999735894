"""The convolutions and the networks that are timed."""

from __future__ import annotations

import math
import random
from typing import NamedTuple


class Convolution(NamedTuple):
    """A square convolution, with the field's letters."""

    N: int
    C: int
    H: int
    F: int
    kernel: int
    stride: int
    padding: int
    groups: int = 1

    def __str__(self) -> str:
        text = f"{self.N}, {self.C}, {self.H}, {self.F}, {self.kernel}x{self.kernel}, {self.stride}"
        return text + (f", {self.groups} groups" if self.groups > 1 else "")

    @property
    def key(self) -> str:
        """All that it is, for a command line."""
        return ",".join(map(str, self))

    @classmethod
    def of(cls, key: str) -> Convolution:
        """Read what `key` wrote."""
        return cls(*map(int, key.split(",")))

    @property
    def H_out(self) -> int:
        """The height and width of the output."""
        return (self.H + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def flops(self) -> int:
        """Of the forward pass; each of dx and dw costs as many."""
        taps = self.C // self.groups * self.kernel**2
        return 2 * self.N * self.F * self.H_out**2 * taps

    @property
    def first_of_a_network(self) -> bool:
        """Whether it reads images, whose gradient nobody needs."""
        return self.C <= 3

    @property
    def winograd_along_rows_fits(self) -> bool:
        """Whether Winograd's filtering along the rows can compute it; back at stride 1 only."""
        return 3 <= -(-self.kernel // self.stride) <= 7

    @property
    def winograd_fits(self) -> bool:
        """Whether Winograd's tiles can compute it."""
        return self.kernel in (3, 5) and self.stride == self.groups == 1


def _same(N: int, C: int, H: int, F: int, kernel: int, stride: int) -> Convolution:
    return Convolution(N, C, H, F, kernel, stride, kernel // 2)


CONVOLUTIONS = [
    _same(64, 3, 32, 32, 7, 1),
    _same(128, 3, 32, 32, 3, 1),
    _same(128, 16, 32, 16, 3, 1),
    _same(128, 32, 32, 32, 3, 1),
    _same(128, 32, 16, 64, 3, 1),
    _same(128, 64, 16, 64, 3, 1),
    _same(128, 128, 8, 128, 3, 1),
    _same(32, 64, 56, 64, 3, 1),
    _same(32, 128, 28, 128, 3, 1),
    _same(32, 256, 14, 256, 3, 1),
    _same(32, 512, 7, 512, 3, 1),
    _same(32, 64, 56, 256, 1, 1),
    _same(32, 256, 56, 64, 1, 1),
    _same(32, 3, 224, 64, 7, 2),
    _same(128, 1, 28, 32, 5, 1),
    _same(128, 32, 14, 64, 5, 1),
]


class Network(NamedTuple):
    """A network of :mod:`cnnpy.models` with a batch for it."""

    model: str
    n_classes: int
    batch: int
    image: tuple[int, int, int]

    def __str__(self) -> str:
        return f"{self.model}, batch {self.batch}"


TRAINING = [
    Network("threelayer", 10, 64, (3, 32, 32)),
    Network("lenet5", 10, 128, (1, 28, 28)),
    Network("vgg_small", 10, 128, (3, 32, 32)),
    Network("resnet20", 10, 128, (3, 32, 32)),
]

INFERENCE = [
    Network("vgg_small", 10, 128, (3, 32, 32)),
    Network("vgg_small", 10, 1, (3, 32, 32)),
    Network("resnet20", 10, 128, (3, 32, 32)),
    Network("resnet20", 10, 1, (3, 32, 32)),
    Network("resnet18", 1000, 8, (3, 224, 224)),
    Network("resnet18", 1000, 1, (3, 224, 224)),
    Network("mobilenet_v2", 1000, 8, (3, 224, 224)),
    Network("mobilenet_v2", 1000, 1, (3, 224, 224)),
]


def drawn(n: int, seed: int) -> list[Convolution]:
    """Draw convolutions of any shape that take some milliseconds each.

    Parameters
    ----------
    n : int
        How many.
    seed : int
        The same seed draws the same shapes.

    Returns
    -------
    list of Convolution
        Of 1 to 512 channels, kernels 1 to 7, maps 4 to 112, strides 1 and 2, with and
        without groups.
    """
    chance = random.Random(seed)
    found: list[Convolution] = []
    while len(found) < n:
        groups_are = chance.choices(["one", "some", "depthwise"], weights=[3, 1, 1])[0]
        C, F = (_log_uniform(chance, 1, 512) for _ in range(2))
        groups = 1
        if groups_are == "depthwise":
            groups = F = C
        elif groups_are == "some":
            groups = chance.choice([2, 4, 8])
            C, F = (max(groups, size // groups * groups) for size in (C, F))
        kernel = chance.choice([1, 2, 3, 3, 3, 4, 5, 6, 7])
        H = _log_uniform(chance, max(4, kernel), 112)
        case = Convolution(
            1, C, H, F, kernel, chance.choice([1, 1, 2]), chance.randint(0, kernel // 2), groups
        )
        wanted_s = math.exp(chance.uniform(math.log(0.5e-3), math.log(30e-3)))
        N = min(round(wanted_s / _expected_s(case)), 256)
        if N >= 1 and _expected_s(case._replace(N=N)) >= 0.5e-3:
            found.append(case._replace(N=N))
    return found


def _log_uniform(chance: random.Random, low: int, high: int) -> int:
    return round(math.exp(chance.uniform(math.log(low), math.log(high))))


def _expected_s(case: Convolution) -> float:
    """Guess the time of a forward pass on two cores: arithmetic or memory, whatever is more."""
    moved = 4 * case.N * (case.C * case.H**2 + case.F * case.H_out**2)
    return max(case.flops / 150e9, moved / 10e9)
