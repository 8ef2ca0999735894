"""Walking over all images in parts, so that memory does not grow with their number."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cnnpy.data.dataset import Dataset
from cnnpy.data.source import ImageSource

__all__ = ["in_chunks", "n_readers"]

_CHUNK_VALUES = 1 << 21
_MOST_READERS = 8

T = TypeVar("T")


def n_readers() -> int:
    """Return how many threads read at once, where nobody says: one for each core to be had."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        cores = os.cpu_count() or 1
    return min(cores, _MOST_READERS)


def in_chunks(images: ImageSource | NDArray[Any], work: Callable[[NDArray[Any]], T]) -> Iterator[T]:
    """Do some work on each chunk of images, and yield the results in order.

    Where the images lie in memory, the chunks are views. Else several threads read
    and work, and as many chunks as there are threads, and one, are held at a time.

    Parameters
    ----------
    images : ImageSource or ndarray (N, C, H, W)
        The images.
    work : callable
        Called with some of the images (M, C, H, W), in any thread.

    Yields
    ------
    object
        What `work` returned for each chunk; chunks are cut by the shape alone.
    """
    values = images.images if isinstance(images, Dataset) else images
    step = max(1, _CHUNK_VALUES // math.prod(images.shape[-3:]))
    starts = range(0, len(images), step)
    if isinstance(values, np.ndarray):
        for start in starts:
            yield work(values[start : start + step])
    else:
        yield from _read_ahead(values, work, starts)


def _read_ahead(
    source: ImageSource, work: Callable[[NDArray[Any]], T], starts: range
) -> Iterator[T]:
    N, n_threads = len(source), n_readers()

    def read_and_work(start: int) -> T:
        return work(source.read(np.arange(start, min(start + starts.step, N))))

    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="cnnpy-reader")
    pending: deque[Future[T]] = deque()
    try:
        for start in starts:
            pending.append(pool.submit(read_and_work, start))
            if len(pending) > n_threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
