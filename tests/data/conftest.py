"""What the tests of the data room share: small data sets, and ways to damage a file."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from cnnpy.contract.errors import CnnpyError
from cnnpy.data import Dataset


@pytest.fixture
def make_dataset() -> Callable[..., Dataset]:
    """Make a data set with the given number of images of each class, all different."""

    def make(*counts: int, shape: tuple[int, int, int] = (1, 4, 3), seed: int = 0) -> Dataset:
        rng = np.random.default_rng(seed)
        N = sum(counts)
        images = rng.integers(0, 256, (N, *shape), dtype=np.uint8)
        images[:, 0, 0, 0], images[:, 0, 0, 1] = np.arange(N) % 256, np.arange(N) // 256
        labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
        return Dataset(images, labels, tuple(f"class {k}" for k in range(len(counts))), "made")

    return make


@pytest.fixture
def damaged() -> Callable[..., Iterator[bytes]]:
    """Make damaged copies of a file: cut off, with flipped bits, overwritten, longer."""

    def copies(data: bytes, n: int = 60, head: int = 400) -> Iterator[bytes]:
        rng = random.Random(len(data))
        for k in range(n):
            # Headers break more readers than pixels: half of the damage goes there.
            limit = min(len(data), head) if k % 2 else len(data)
            at = rng.randrange(limit)
            match k % 5:
                case 0:
                    yield data[:at]
                case 1 | 2:
                    yield data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
                case 3:
                    yield data[:at] + rng.randbytes(4) + data[at + 4 :]
                case 4:
                    yield data[:at] + rng.randbytes(rng.randrange(1, 9)) + data[at:]

    return copies


@pytest.fixture
def peak_bytes() -> Callable[[Callable[[], object]], int]:
    """Say how much memory a call takes at most."""

    def measure(call: Callable[[], object]) -> int:
        tracemalloc.start()
        try:
            call()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measure


@pytest.fixture
def outcome() -> Callable[[Callable[[], object]], object]:
    """Return what a call returns, or the error of ours that it raises, in three lines."""

    def attempt(call: Callable[[], object]) -> object:
        try:
            return call()
        except CnnpyError as error:
            lines = str(error).splitlines()
            return error if len(lines) == 3 else lines

    return attempt
