"""Loader: batches in a seeded order, prepared in the background.

Everything random follows from (seed, epoch, number of the batch) alone, so the
batches are the same with and without the background thread, however the threads
are timed, and when training goes on from a later epoch.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.contract.options import flag, integer
from cnnpy.data.augment import Augmentation, with_white
from cnnpy.data.dataset import Dataset, check_images, check_labels
from cnnpy.data.one_pass import one_pass
from cnnpy.data.preprocessing import Preprocessing

__all__ = ["Batch", "Loader"]

Batch = tuple[NDArray[Any], NDArray[np.int64]]


class Loader:
    """Hand out batches of images and labels, epoch after epoch.

    Each iteration is one epoch. Bytes are gathered as bytes; `augment` changes the
    raw batch, then `preprocessing` turns it into floats. Batches are fresh arrays
    that the loader does not touch again.

    Parameters
    ----------
    data : Dataset or pair of ndarrays
        The images and labels; a pair is (images (N, C, H, W), labels (N,)).
    batch_size : int
        How many images a batch has; the last one may have fewer.
    shuffle : bool
        Whether each epoch has a new order.
    seed : int
        Names the orders and the augmentations.
    preprocessing : Preprocessing, optional
        What turns raw pixels into floats; without it batches keep their dtype.
    augment : callable, optional
        Called with the raw batch and a generator of its own, returns a batch.
    drop_last : bool
        Whether to leave out a last batch that is not full.
    prefetch : int
        How many batches are prepared ahead by a background thread; 0 prepares
        each when it is asked for, without a thread.

    Attributes
    ----------
    epoch : int
        The number of the epoch that the next iteration hands out; set it to go on
        where a training run stopped.

    Raises
    ------
    OptionError
        If an option is out of range.
    ShapeError, DtypeError
        If the images or labels are not what they should be.

    Examples
    --------
    >>> from cnnpy.data import Loader, digits
    >>> loader = Loader(digits(), 64, shuffle=True, seed=1)
    >>> len(loader)
    29
    >>> for x, y in loader:
    ...     print(x.shape, x.dtype, y.shape)
    ...     break
    (64, 1, 8, 8) uint8 (64,)
    >>> loader.epoch
    1
    """

    def __init__(
        self,
        data: Dataset | tuple[NDArray[Any], NDArray[Any]],
        batch_size: int,
        *,
        shuffle: bool,
        seed: int,
        preprocessing: Preprocessing | None = None,
        augment: Augmentation | None = None,
        drop_last: bool = False,
        prefetch: int = 2,
    ) -> None:
        self.images, self.labels = _arrays(data)
        self.batch_size: int = integer(1)("loader", "batch_size", batch_size)
        self.shuffle: bool = flag()("loader", "shuffle", shuffle)
        self.seed: int = integer(0)("loader", "seed", seed)
        self.preprocessing = preprocessing
        white = getattr(data, "white", getattr(preprocessing, "white", None))
        self.augment = augment if white is None else with_white(augment, white)
        self.drop_last: bool = flag()("loader", "drop_last", drop_last)
        self.prefetch: int = integer(0)("loader", "prefetch", prefetch)
        self.epoch = 0
        if preprocessing is not None and preprocessing.shape != self.images.shape[1:]:
            preprocessing.apply(self.images[:0])  # says what does not fit
        if augment is not None and not callable(augment):
            raise OptionError(
                f"loader: augment={augment!r}",
                "a function of a batch and a generator",
                "use augment=RandomShift(1)",
            )
        if self.drop_last and len(self.images) and not len(self):
            raise OptionError(
                f"loader: batch_size={batch_size} and drop_last=True; there are "
                f"{len(self.images)} images, so no batch is full",
                f"a batch_size of at most {len(self.images)}",
                f"use batch_size={len(self.images)}, or drop_last=False",
            )

    def __len__(self) -> int:
        full, rest = divmod(len(self.images), self.batch_size)
        return full + bool(rest and not self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        return self.batches(epoch)

    def batches(self, epoch: int, first: int = 0) -> Iterator[Batch]:
        """Hand out the batches of one epoch, from one of them on.

        Parameters
        ----------
        epoch : int
            The number of the epoch, counted from 0.
        first : int
            The number of the first batch; those before are not made.

        Returns
        -------
        iterator of (ndarray, ndarray)
            Images and labels.
        """
        recipe = _Recipe(self, integer(0)("loader", "epoch", epoch))
        first = integer(0)("loader", "first", first)
        if self.prefetch:
            return _in_background(recipe, self.prefetch, first)
        return _one_by_one(recipe, first)

    @property
    def epoch(self) -> int:
        """Return the number of the epoch that the next iteration hands out."""
        return self._epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._epoch: int = integer(0)("loader", "epoch", epoch)


def _arrays(data: Dataset | tuple[NDArray[Any], NDArray[Any]]) -> Batch:
    if isinstance(data, Dataset):
        return data.images, data.labels.astype(np.int64, copy=False)
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise ShapeError(
            f"loader: data is a {type(data).__name__}",
            "a Dataset, or a pair (images, labels)",
            "use Loader((images, labels), ...)",
        )
    images = check_images("loader", data[0])
    return images, check_labels("loader", data[1], len(images))


class _Recipe:
    """Make any batch of one epoch; it changes nothing, so any thread may ask."""

    def __init__(self, loader: Loader, epoch: int) -> None:
        self.images, self.labels = loader.images, loader.labels
        self.batch_size, self.n_batches = loader.batch_size, len(loader)
        self.augment, self.preprocessing = loader.augment, loader.preprocessing
        self.seed, self.epoch = loader.seed, epoch
        N = len(self.images)
        self.order = self._rng(0).permutation(N) if loader.shuffle else np.arange(N)

    def _rng(self, stream: int) -> np.random.Generator:
        """Return stream 0 for the order, and stream k + 1 for batch k."""
        seeds = np.random.SeedSequence(self.seed, spawn_key=(self.epoch, stream))
        return np.random.default_rng(seeds)

    def make(self, k: int) -> Batch:
        """Gather, change and turn into floats the images of batch k."""
        chosen = self.order[k * self.batch_size : (k + 1) * self.batch_size]
        rng = self._rng(k + 1)
        x = one_pass(self.images, chosen, self.augment, self.preprocessing, rng)
        if x is None:
            x = np.take(self.images, chosen, axis=0)
            if self.augment is not None:
                x = _check_augmented(self.augment(x, rng), len(chosen))
            if self.preprocessing is not None:
                x = self.preprocessing.apply(x)
        return x, self.labels[chosen]


def _check_augmented(x: object, n: int) -> NDArray[Any]:
    if not isinstance(x, np.ndarray) or x.ndim != 4 or len(x) != n:
        what = f"shape {x.shape}" if isinstance(x, np.ndarray) else f"a {type(x).__name__}"
        raise ShapeError(
            f"loader: augment returned {what}",
            f"an array (N, C, H, W) with N={n}, as it was given",
            "return the changed batch",
        )
    return x


def _one_by_one(recipe: _Recipe, first: int) -> Iterator[Batch]:
    for k in range(first, recipe.n_batches):
        yield recipe.make(k)


class _Line:
    """Connect the thread that makes batches with the loop that takes them.

    A permit in `permits` lets the thread make one more batch. Only simple queues
    are used, whose `put` is safe where a garbage collection interrupts another
    `put`: the loop may end by being collected, in whatever thread that happens.
    """

    def __init__(self) -> None:
        self.permits: SimpleQueue[None] = SimpleQueue()
        self.made: SimpleQueue[tuple[Batch | None, BaseException | None]] = SimpleQueue()
        self.stopped = False

    def work(self, recipe: _Recipe, first: int) -> None:
        """Make the batches of an epoch, as permits come."""
        try:
            for k in range(first, recipe.n_batches):
                self.permits.get()
                if self.stopped:
                    return
                self.made.put((recipe.make(k), None))
        except BaseException as error:  # whatever it is, it belongs to the loop
            self.made.put((None, error))

    def stop(self, thread: threading.Thread) -> None:
        """Let the thread end after the batch it is making, and wait for that."""
        self.stopped = True
        self.permits.put(None)
        # The thread itself may collect the loop; and when Python shuts down, threads
        # are frozen where they stand and end no more.
        if thread is not threading.current_thread() and not sys.is_finalizing():
            thread.join()


def _in_background(recipe: _Recipe, prefetch: int, first: int) -> Iterator[Batch]:
    line = _Line()
    # The thread must not refer to this generator, or leaving the loop would not end it.
    # In the caller's context, so that it computes on the backend of the caller's choice.
    thread = threading.Thread(
        target=contextvars.copy_context().run,
        args=(line.work, recipe, first),
        name="cnnpy-loader",
        daemon=True,
    )
    for _ in range(prefetch):
        line.permits.put(None)
    thread.start()
    try:
        for _ in range(first, recipe.n_batches):
            batch, error = line.made.get()
            if error is not None:
                raise error
            assert batch is not None
            line.permits.put(None)
            yield batch
    finally:
        line.stop(thread)
