"""Loader: batches in a seeded order, prepared in the background.

Everything random follows from (seed, epoch, number of the batch) alone, so the
batches are the same for any number of background threads and none, however these are
timed, and when training goes on from a later epoch or from within one.

Threads and not processes: what takes time (reading, Pillow's decoders, the compiled
pass) lets go of the interpreter's lock, and a thread hands its batch over without
copying it, needs no second interpreter, and leaves nothing behind that has to be ended.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from queue import SimpleQueue
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.contract.options import flag, integer
from cnnpy.data.augment import Augmentation, with_white
from cnnpy.data.chunks import n_readers
from cnnpy.data.dataset import Dataset, check_images, check_labels
from cnnpy.data.one_pass import one_pass
from cnnpy.data.preprocessing import Preprocessing
from cnnpy.data.source import ImageSource

__all__ = ["Batch", "Loader"]

Batch = tuple[NDArray[Any], NDArray[np.int64]]


class Loader:
    """Hand out batches of images and labels, epoch after epoch.

    Each iteration is one epoch. Bytes are gathered as bytes; `augment` changes the
    raw batch, then `preprocessing` turns it into floats. Batches are fresh arrays
    that the loader does not touch again.

    Parameters
    ----------
    data : ImageSource or pair of ndarrays
        The images and labels; a pair is (images (N, C, H, W), labels (N,)). Those of a
        LazyDataset are read batch by batch.
    batch_size : int
        How many images a batch has; the last one may have fewer.
    shuffle : bool
        Whether each epoch has a new order.
    seed : int
        Names the orders and the augmentations.
    preprocessing : Preprocessing, optional
        What turns raw pixels into floats; without it batches keep their dtype.
    augment : callable, optional
        Called with the raw batch and a generator of its own, returns a batch; by
        several threads at once where there are several workers.
    drop_last : bool
        Whether to leave out a last batch that is not full.
    workers : int, optional
        How many background threads prepare batches; they do not change them. By
        default 1 for images in memory, and one for each core, but 8 at most, for
        others.
    prefetch : int, optional
        How many batches are prepared ahead at most, and so how many threads can be
        busy; one more than there are threads by default. 0 prepares each batch when it
        is asked for, without a thread.

    Attributes
    ----------
    epoch : int
        The number of the epoch that the next iteration hands out; set it to go on
        where a training run stopped, or ask :meth:`batches` for the rest of an epoch.

    Raises
    ------
    OptionError
        If an option is out of range.
    ShapeError, DtypeError
        If the images or labels are not what they should be.
    DataError
        From the iteration, where an image cannot be read.

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
        data: ImageSource | tuple[NDArray[Any], NDArray[Any]],
        batch_size: int,
        *,
        shuffle: bool,
        seed: int,
        preprocessing: Preprocessing | None = None,
        augment: Augmentation | None = None,
        drop_last: bool = False,
        workers: int | None = None,
        prefetch: int | None = None,
    ) -> None:
        self.pixels: _Pixels = _pixels(data)
        self.labels = _labels(data, len(self.pixels))
        self.batch_size: int = integer(1)("loader", "batch_size", batch_size)
        self.shuffle: bool = flag()("loader", "shuffle", shuffle)
        self.seed: int = integer(0)("loader", "seed", seed)
        self.preprocessing = preprocessing
        white = getattr(data, "white", getattr(preprocessing, "white", None))
        self.augment = augment if white is None else with_white(augment, white)
        self.drop_last: bool = flag()("loader", "drop_last", drop_last)
        if workers is None:
            workers = 1 if self.pixels.in_memory else n_readers()
        self.workers: int = integer(1)("loader", "workers", workers)
        self.prefetch: int = integer(0)(
            "loader", "prefetch", self.workers + 1 if prefetch is None else prefetch
        )
        self.epoch = 0
        if preprocessing is not None and preprocessing.shape != self.pixels.shape:
            preprocessing.apply(np.empty((0, *self.pixels.shape), np.uint8))  # says what is wrong
        if augment is not None and not callable(augment):
            raise OptionError(
                f"loader: augment={augment!r}",
                "a function of a batch and a generator",
                "use augment=RandomShift(1)",
            )
        if self.drop_last and len(self.labels) and not len(self):
            raise OptionError(
                f"loader: batch_size={batch_size} and drop_last=True; there are "
                f"{len(self.labels)} images, so no batch is full",
                f"a batch_size of at most {len(self.labels)}",
                f"use batch_size={len(self.labels)}, or drop_last=False",
            )

    def __len__(self) -> int:
        full, rest = divmod(len(self.labels), self.batch_size)
        return full + bool(rest and not self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
        epoch, self.epoch = self.epoch, self.epoch + 1
        return self.batches(epoch)

    def batches(self, epoch: int, first: int = 0) -> Generator[Batch, None, None]:
        """Hand out the batches of an epoch, or the rest of it, and leave `epoch` alone.

        Parameters
        ----------
        epoch : int
            Which epoch, from 0.
        first : int
            The batch to begin with; those before it are not made.

        Returns
        -------
        iterator of (ndarray (N, C, H, W), ndarray (N,) of int64)
            What the iteration over this epoch hands out from batch `first` on.

        Raises
        ------
        OptionError
            If there is no such epoch or batch.

        Examples
        --------
        >>> from cnnpy.data import Loader, digits
        >>> loader = Loader(digits(), 64, shuffle=True, seed=1)
        >>> whole, rest = list(loader.batches(3)), list(loader.batches(3, first=27))
        >>> len(whole), len(rest)
        (29, 2)
        >>> all((a == b).all() for a, b in zip(whole[27], rest[0]))
        True
        """
        epoch = integer(0)("loader", "epoch", epoch)
        first = integer(0)("loader", "first", first)
        if first > len(self):
            raise OptionError(
                f"loader: first={first}; an epoch has {len(self)} batches",
                f"first from 0 to {len(self)}",
                f"use the same data and batch_size as before, or first={len(self)}",
            )
        recipe = _Recipe(self, epoch)
        n_workers = min(self.workers, self.prefetch, len(self) - first)
        if not n_workers:
            return _one_by_one(recipe, first)
        return _in_background(recipe, first, n_workers, self.prefetch)

    def labels_of(self, epoch: int) -> NDArray[np.int64]:
        """Return the labels of an epoch in the order of its batches, without reading an image.

        Parameters
        ----------
        epoch : int
            Which epoch, from 0.

        Returns
        -------
        ndarray (N,) of int64
            Batch k has those from ``k * batch_size`` on.

        Examples
        --------
        >>> from cnnpy.data import Loader, digits
        >>> loader = Loader(digits(), 64, shuffle=True, seed=1)
        >>> (next(loader.batches(3))[1] == loader.labels_of(3)[:64]).all()
        np.True_
        """
        return self.labels[_Recipe(self, integer(0)("loader", "epoch", epoch)).order]

    @property
    def epoch(self) -> int:
        """Return the number of the epoch that the next iteration hands out."""
        return self._epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        self._epoch: int = integer(0)("loader", "epoch", epoch)


class _Pixels(Protocol):
    """Where the loader takes images from."""

    shape: tuple[int, int, int]
    in_memory: bool

    def __len__(self) -> int: ...

    def some(self, chosen: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return images, and which of them are the chosen ones."""


class _Array:
    """Images in memory: the batch is gathered where it is changed, in one go."""

    in_memory = True

    def __init__(self, images: NDArray[Any]) -> None:
        self.images = images
        _, C, H, W = images.shape
        self.shape = C, H, W

    def __len__(self) -> int:
        return len(self.images)

    def some(self, chosen: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        return self.images, chosen


class _Read:
    """Images that are read: only those of the batch are there."""

    in_memory = False

    def __init__(self, source: ImageSource) -> None:
        self.source, self.shape = source, source.shape

    def __len__(self) -> int:
        return len(self.source)

    def some(self, chosen: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        return self.source.read(chosen), np.arange(len(chosen))


def _pixels(data: object) -> _Pixels:
    if isinstance(data, Dataset):
        return _Array(data.images)
    if isinstance(data, ImageSource):
        return _Read(data)
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise ShapeError(
            f"loader: data is a {type(data).__name__}",
            "a Dataset, a LazyDataset, or a pair (images, labels)",
            "use Loader((images, labels), ...)",
        )
    return _Array(check_images("loader", data[0]))


def _labels(data: Any, N: int) -> NDArray[np.int64]:
    return check_labels("loader", data.labels if isinstance(data, ImageSource) else data[1], N)


class _Recipe:
    """Make any batch of one epoch; it changes nothing, so any thread may ask."""

    def __init__(self, loader: Loader, epoch: int) -> None:
        self.pixels, self.labels = loader.pixels, loader.labels
        self.batch_size, self.n_batches = loader.batch_size, len(loader)
        self.augment, self.preprocessing = loader.augment, loader.preprocessing
        self.seed, self.epoch = loader.seed, epoch
        N = len(self.labels)
        self.order = self._rng(0).permutation(N) if loader.shuffle else np.arange(N)

    def _rng(self, stream: int) -> np.random.Generator:
        """Return stream 0 for the order, and stream k + 1 for batch k."""
        seeds = np.random.SeedSequence(self.seed, spawn_key=(self.epoch, stream))
        return np.random.default_rng(seeds)

    def make(self, k: int) -> Batch:
        """Gather, change and turn into floats the images of batch k."""
        chosen = self.order[k * self.batch_size : (k + 1) * self.batch_size]
        rng = self._rng(k + 1)
        images, places = self.pixels.some(chosen)
        x = one_pass(images, places, self.augment, self.preprocessing, rng)
        if x is None:
            x = np.take(images, places, axis=0)
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


def _one_by_one(recipe: _Recipe, first: int) -> Generator[Batch, None, None]:
    for k in range(first, recipe.n_batches):
        yield recipe.make(k)


class _Line:
    """Connect the threads that make batches with the loop that takes them.

    A thread makes the batch whose number it finds in `orders`; None ends it. Only
    simple queues are used, whose `put` is safe where a garbage collection interrupts
    another `put`: the loop may end by being collected, in whatever thread that happens.
    """

    def __init__(self) -> None:
        self.orders: SimpleQueue[int | None] = SimpleQueue()
        self.made: SimpleQueue[tuple[int, Batch | None, BaseException | None]] = SimpleQueue()
        self.stopped = False

    def work(self, recipe: _Recipe) -> None:
        """Make batches, as orders come."""
        while (k := self.orders.get()) is not None and not self.stopped:
            try:
                self.made.put((k, recipe.make(k), None))
            except BaseException as error:  # whatever it is, it belongs to the loop
                self.made.put((k, None, error))

    def stop(self, threads: Sequence[threading.Thread]) -> None:
        """Let the threads end after the batches they are making, and wait for that."""
        self.stopped = True
        for _ in threads:
            self.orders.put(None)
        # A thread itself may collect the loop; and when Python shuts down, threads are
        # frozen where they stand and end no more.
        for thread in threads:
            itself = thread is threading.current_thread()
            if thread.is_alive() and not itself and not sys.is_finalizing():
                thread.join()


def _in_background(
    recipe: _Recipe, first: int, n_workers: int, prefetch: int
) -> Generator[Batch, None, None]:
    line = _Line()
    # The threads must not refer to this generator, or leaving the loop would not end
    # them. Each in a copy of the caller's context, to compute on the caller's backend.
    threads = [
        threading.Thread(
            target=contextvars.copy_context().run,
            args=(line.work, recipe),
            name="cnnpy-loader",
            daemon=True,
        )
        for _ in range(n_workers)
    ]
    for k in range(first, min(first + prefetch, recipe.n_batches)):
        line.orders.put(k)
    early: dict[int, tuple[Batch | None, BaseException | None]] = {}
    try:
        for thread in threads:
            thread.start()
        for k in range(first, recipe.n_batches):
            while k not in early:
                number, made, failure = line.made.get()
                early[number] = made, failure
                del made  # or this frame would hold a batch while another is used
            batch, error = early.pop(k)
            if error is not None:
                raise error
            assert batch is not None
            if k + prefetch < recipe.n_batches:
                line.orders.put(k + prefetch)
            yield batch
    finally:
        line.stop(threads)
