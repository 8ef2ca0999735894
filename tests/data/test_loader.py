"""Laws of the loader: each image once an epoch, seeded, in the background, without leftovers."""

from __future__ import annotations

import gc
import importlib.util
import os
import random
import subprocess
import sys
import threading
import time
import traceback
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnnpy
from cnnpy.backends import registry
from cnnpy.contract.errors import DataError, OptionError, ShapeError
from cnnpy.data import Dataset, LazyDataset, Loader, Preprocessing, RandomShift

needs_engine = pytest.mark.skipif(
    importlib.util.find_spec("cnnpy.backends.native._native") is None,
    reason="the compiled engine is not in this install",
)


def numbered(N: int) -> Dataset:
    """Make images of one pixel that hold their own number, and labels from them."""
    images = np.arange(N, dtype=np.float64).reshape(N, 1, 1, 1)
    return Dataset(images, np.arange(N) % 3, ("a", "b", "c"))


def epoch_of(loader: Loader) -> list[list[int]]:
    """Run an epoch; return the numbers of the images in each batch."""
    batches = []
    for x, y in loader:
        numbers = x[:, 0, 0, 0].astype(int)
        assert np.array_equal(y, numbers % 3)
        batches.append(numbers.tolist())
    return batches


def loader_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "cnnpy-loader"]


@pytest.fixture(autouse=True)
def no_thread_left():
    yield
    gc.collect()
    assert not loader_threads()


@settings(max_examples=60, deadline=None)
@given(
    N=st.integers(0, 40),
    batch_size=st.integers(1, 45),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    workers=st.integers(1, 4),
    prefetch=st.integers(0, 5),
    seed=st.integers(0, 2**70),
)
def test_an_epoch_hands_out_each_image_once(
    N, batch_size, shuffle, drop_last, workers, prefetch, seed
):
    if drop_last and 0 < N < batch_size:
        with pytest.raises(OptionError, match="drop_last"):
            Loader(numbered(N), batch_size, shuffle=shuffle, seed=seed, drop_last=True)
        return
    loader = Loader(
        numbered(N),
        batch_size,
        shuffle=shuffle,
        seed=seed,
        drop_last=drop_last,
        workers=workers,
        prefetch=prefetch,
    )
    batches = epoch_of(loader)
    assert len(batches) == len(loader) == (N // batch_size if drop_last else -(-N // batch_size))
    sizes = {len(batch) for batch in batches[:-1]}
    assert sizes <= {batch_size}
    numbers = [number for batch in batches for number in batch]
    kept = N - N % batch_size if drop_last else N
    assert len(set(numbers)) == len(numbers) == kept
    if not shuffle:
        assert numbers == list(range(kept))


def test_each_epoch_has_its_own_order_that_the_seed_names():
    loader = Loader(numbered(50), 7, shuffle=True, seed=3)
    epochs = [epoch_of(loader) for _ in range(3)]
    assert loader.epoch == 3
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    again = Loader(numbered(50), 7, shuffle=True, seed=3, prefetch=0)
    again.epoch = 1
    assert [epoch_of(again), epoch_of(again)] == epochs[1:]
    assert epoch_of(Loader(numbered(50), 7, shuffle=True, seed=4)) != epochs[0]
    assert epochs[0][0] != list(range(7))


def test_leaving_an_epoch_early_does_not_change_the_next():
    one, two = (Loader(numbered(50), 7, shuffle=True, seed=3) for _ in range(2))
    for _ in one:
        break
    epoch_of(two)
    assert epoch_of(one) == epoch_of(two)


def test_augmentation_depends_on_seed_epoch_and_batch_alone(make_dataset):
    data = make_dataset(20, 20, shape=(1, 8, 8))

    def run(prefetch: int, epoch: int = 0, seed: int = 1) -> list[np.ndarray]:
        loader = Loader(data, 8, shuffle=True, seed=seed, augment=RandomShift(2), prefetch=prefetch)
        loader.epoch = epoch
        return [x for x, _ in loader]

    want = run(0)
    for prefetch in (1, 2, 9):
        assert all(np.array_equal(a, b) for a, b in zip(run(prefetch), want, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(run(2, epoch=1), want, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(run(2, seed=2), want, strict=True))


def test_no_two_batches_share_their_random_numbers(make_dataset):
    drawn = []

    def draw(images, rng):
        drawn.append(rng.integers(2**63))
        return images

    loader = Loader(make_dataset(20), 2, shuffle=True, seed=0, augment=draw)
    for _ in range(3):
        list(loader)
    assert len(set(drawn)) == len(drawn) == 30


def test_bytes_stay_bytes_until_the_preprocessing_of_the_batch(make_dataset):
    data = make_dataset(9, 9)
    seen = []

    def look(images, rng):
        seen.append(images.dtype)
        return images

    fitted = Preprocessing.fit(data)
    loader = Loader(data, 4, shuffle=False, seed=0, augment=look, preprocessing=fitted)
    got = np.concatenate([x for x, _ in loader])
    assert seen == [np.dtype(np.uint8)] * 5
    assert got.dtype == np.float32
    assert np.array_equal(got, fitted.apply(data.images))
    raw = next(iter(Loader(data, 4, shuffle=False, seed=0, prefetch=0)))[0]
    assert raw.dtype == np.uint8


def test_batches_are_the_caller_s_own(make_dataset):
    data = make_dataset(9, 9)
    before = data.images.copy(), data.labels.copy()
    batches = []
    for x, y in Loader(data, 4, shuffle=False, seed=0):
        x += 1
        y += 1
        batches.append(x)
    assert np.array_equal(np.concatenate(batches), before[0] + np.uint8(1))
    assert np.array_equal(data.images, before[0])
    assert np.array_equal(data.labels, before[1])


def test_an_augmentation_that_writes_into_its_batch_does_no_harm(make_dataset):
    data = make_dataset(9, 9)
    before = data.images.copy()

    def blacken(images, rng):
        images[:] = 0
        return images

    list(Loader(data, 4, shuffle=False, seed=0, augment=blacken))
    assert np.array_equal(data.images, before)


def test_a_pair_of_arrays_will_do():
    data = numbered(10)
    loader = Loader((data.images, data.labels.astype(np.uint8)), 4, shuffle=False, seed=0)
    x, y = next(iter(loader))
    assert y.dtype == np.int64
    assert x[:, 0, 0, 0].tolist() == [0, 1, 2, 3]


def fail_at(k: int):
    """Make an augmentation that fails at batch k."""
    count = iter(range(1000))

    def augment(images, rng):
        if next(count) == k:
            raise ZeroDivisionError("in the background")
        return images

    return augment


@pytest.mark.parametrize("prefetch", [0, 1, 2, 9])
@pytest.mark.parametrize("k", [0, 2, 4])
def test_an_exception_arrives_in_its_turn_with_its_traceback(prefetch, k):
    loader = Loader(numbered(10), 2, shuffle=False, seed=0, augment=fail_at(k), prefetch=prefetch)
    taken = []
    with pytest.raises(ZeroDivisionError, match="in the background") as caught:
        taken.extend(y for _, y in loader)
    assert len(taken) == k
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-1] == "augment"
    assert "make" in names


def test_even_an_exit_in_the_background_arrives():
    def leave(images, rng):
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        list(Loader(numbered(10), 2, shuffle=False, seed=0, augment=leave))


def test_leaving_the_loop_ends_the_thread():
    loader = Loader(numbered(1000), 1, shuffle=True, seed=0)
    for _ in loader:
        assert len(loader_threads()) == 1
        break
    gc.collect()
    assert not loader_threads()

    def fail_in_the_loop() -> None:
        for _ in loader:
            raise KeyError("in the loop")

    with pytest.raises(KeyError) as caught:
        fail_in_the_loop()
    del caught
    gc.collect()
    assert not loader_threads()


def test_closing_and_forgetting_an_epoch_end_the_thread():
    loader = Loader(numbered(1000), 1, shuffle=True, seed=0)
    epoch = iter(loader)
    next(epoch)
    epoch.close()
    assert not loader_threads()
    forgotten = iter(loader)
    next(forgotten)
    del forgotten
    gc.collect()
    assert not loader_threads()


def test_an_epoch_in_a_cycle_of_references_is_collected():
    class Holder:
        pass

    holder = Holder()
    holder.self = holder
    holder.epoch = iter(Loader(numbered(1000), 1, shuffle=True, seed=0))
    next(holder.epoch)
    ghost = weakref.ref(holder)
    del holder
    gc.collect()
    assert ghost() is None
    assert not loader_threads()


def test_an_epoch_collected_by_its_own_thread_ends():
    class Holder:
        pass

    forgotten = threading.Event()
    collectors = []

    def collect(images, rng):
        if images[0, 0, 0, 0] == 1:  # the batch after the one that is taken
            forgotten.wait(10)
            gc.collect()
        return images

    loader = Loader(numbered(100), 1, shuffle=False, seed=0, augment=collect, prefetch=2)
    gc.disable()
    try:
        holder = Holder()
        holder.self = holder
        holder.epoch = iter(loader)
        weakref.finalize(holder, lambda: collectors.append(threading.current_thread().name))
        next(holder.epoch)
        (thread,) = loader_threads()
        del holder
        forgotten.set()
        thread.join(10)
    finally:
        gc.enable()
    assert collectors == ["cnnpy-loader"]
    assert not thread.is_alive()


def test_no_thread_is_started_before_the_first_batch_or_without_prefetch():
    loader = Loader(numbered(10), 2, shuffle=False, seed=0)
    epoch = iter(loader)
    assert not loader_threads()
    assert loader.epoch == 1
    del epoch
    next(iter(Loader(numbered(10), 2, shuffle=False, seed=0, prefetch=0)))
    assert not loader_threads()


def test_no_more_than_prefetch_batches_are_made_ahead():
    made = []
    permits = threading.Semaphore(0)

    def note(images, rng):
        made.append(len(made))
        permits.release()
        return images

    loader = Loader(numbered(30), 1, shuffle=False, seed=0, augment=note, prefetch=3)
    for taken, _ in enumerate(loader, start=1):
        for _ in range(3 if taken == 1 else 1):
            assert permits.acquire(timeout=10) or len(made) == 30
        assert len(made) <= taken + 3
        if taken == 10:
            break


def test_two_epochs_at_once_do_not_mix():
    loader = Loader(numbered(20), 3, shuffle=True, seed=0)
    pairs = list(zip(loader, loader, strict=True))
    first, second = ([x for pair in pairs for x in pair[k][0][:, 0, 0, 0]] for k in (0, 1))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second


def test_python_ends_while_an_epoch_is_open():
    program = (
        "from cnnpy.data import Loader, digits\n"
        "epoch = iter(Loader(digits(), 8, shuffle=True, seed=0))\n"
        "next(epoch)\n"
        "print('end')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


# --- several workers ---------------------------------------------------------------------


def wait_at_random(images, rng):
    """Change images by chance, and take time by chance that no seed names."""
    time.sleep(random.random() / 500)
    return images + rng.integers(0, 9, images.shape).astype(images.dtype)


def test_the_batches_are_the_same_for_any_number_of_workers(make_dataset):
    data = make_dataset(30, 30)
    fitted = Preprocessing.fit(data)

    def run(workers: int, prefetch: int | None = None) -> list[bytes]:
        loader = Loader(
            data,
            7,
            shuffle=True,
            seed=1,
            augment=wait_at_random,
            preprocessing=fitted,
            workers=workers,
            prefetch=prefetch,
        )
        return [x.tobytes() + y.tobytes() for _ in range(2) for x, y in loader]

    want = run(1, 0)
    for workers, prefetch in ((1, 1), (2, None), (4, None), (3, 2), (16, 20)):
        assert run(workers, prefetch) == want


def test_so_many_workers_work_at_once():
    meeting = threading.Barrier(3)

    def meet(images, rng):
        meeting.wait(10)
        return images

    list(Loader(numbered(9), 1, shuffle=False, seed=0, augment=meet, workers=3))
    for workers, prefetch, n_threads in ((3, None, 3), (5, 2, 2), (9, 9, 4), (1, 0, 0)):
        loader = Loader(numbered(4), 1, shuffle=False, seed=0, workers=workers, prefetch=prefetch)
        epoch = iter(loader)
        next(epoch)
        assert len(loader_threads()) == n_threads
        epoch.close()


@pytest.mark.parametrize("prefetch", [3, 5])
def test_no_more_than_prefetch_batches_are_held_whatever_the_workers(prefetch):
    lock, made = threading.Lock(), []

    def note(images, rng):
        with lock:
            made.append(int(images[0, 0, 0, 0]))
        return images

    loader = Loader(
        numbered(60), 1, shuffle=False, seed=0, augment=note, workers=3, prefetch=prefetch
    )
    for taken, _ in enumerate(loader, start=1):
        time.sleep(0.001)
        with lock:
            assert len(made) <= taken + prefetch
            assert max(made) <= taken + prefetch - 1
    assert sorted(made) == list(range(60))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_an_error_of_any_worker_arrives_in_its_turn(workers):
    def fail(images, rng):
        number = images[0, 0, 0, 0]
        time.sleep(0.005 if number < 8 else 0)  # later batches are ready before it fails
        if number == 8:
            raise ZeroDivisionError("in the background")
        return images

    loader = Loader(numbered(40), 2, shuffle=False, seed=0, augment=fail, workers=workers)
    taken = []
    with pytest.raises(ZeroDivisionError, match="in the background"):
        taken.extend(x[0, 0, 0, 0] for x, _ in loader)
    assert taken == [0, 2, 4, 6]
    assert not loader_threads()


def test_leaving_the_loop_ends_all_workers():
    loader = Loader(numbered(1000), 1, shuffle=True, seed=0, workers=4)
    for _ in loader:
        assert len(loader_threads()) == 4
        break
    gc.collect()
    assert not loader_threads()


def test_workers_compute_on_the_backend_of_who_iterates(make_dataset):
    seen = set()

    def look(images, rng):
        seen.add(registry.current())
        return images

    with cnnpy.use_backend("reference"):
        list(Loader(make_dataset(9), 1, shuffle=False, seed=0, augment=look, workers=3))
    assert seen == {"reference"}


def test_images_that_are_read_have_a_worker_a_core_and_others_one(make_dataset):
    data = make_dataset(4)
    lazy = LazyDataset(Reads(data.images), data.labels, data.class_names)
    assert Loader(data, 1, shuffle=False, seed=0).workers == 1
    loader = Loader(lazy, 1, shuffle=False, seed=0)
    assert loader.workers == min(len(os.sched_getaffinity(0)), 8)
    assert loader.prefetch == loader.workers + 1


# --- the rest of an epoch ----------------------------------------------------------------


class Reads:
    """Read from an array, and note what was asked for."""

    def __init__(self, images: np.ndarray) -> None:
        self.images, self.asked = images, []
        self.shape, self.dtype = images.shape[1:], images.dtype

    def __len__(self) -> int:
        return len(self.images)

    def read(self, rows: np.ndarray) -> np.ndarray:
        self.asked += rows.tolist()
        return self.images[rows]


@settings(max_examples=40, deadline=None)
@given(
    N=st.integers(0, 30),
    batch_size=st.integers(1, 9),
    epoch=st.integers(0, 5),
    workers=st.integers(1, 3),
    prefetch=st.integers(0, 4),
    data=st.data(),
)
def test_the_rest_of_an_epoch_is_its_end_and_nothing_before_is_made(
    N, batch_size, epoch, workers, prefetch, data
):
    source = numbered(N)
    reads = Reads(source.images)
    lazy = LazyDataset(reads, source.labels, source.class_names)
    options = {"shuffle": True, "seed": 2, "augment": wait_at_random}
    loader = Loader(lazy, batch_size, workers=workers, prefetch=prefetch, **options)
    first = data.draw(st.integers(0, len(loader)))
    rest = list(loader.batches(epoch, first))
    assert loader.epoch == 0
    whole = Loader(source, batch_size, **options)
    whole.epoch = epoch
    want = list(whole)[first:]
    assert len(rest) == len(want)
    for (x, y), (x_want, y_want) in zip(rest, want, strict=True):
        assert np.array_equal(x, x_want)
        assert np.array_equal(y, y_want)
    assert len(reads.asked) == sum(len(y) for _, y in want)


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [((-1,), "epoch=0"), ((0, -1), "first=0"), ((0, 6), "first=5"), ((0, 0.5), "first=0")],
)
def test_there_is_no_such_batch(arguments, mend):
    loader = Loader(numbered(10), 2, shuffle=True, seed=0)
    with pytest.raises(OptionError) as caught:
        loader.batches(*arguments)
    assert mend in caught.value.mend


# --- lazily ------------------------------------------------------------------------------


@pytest.mark.parametrize("augment", [None, RandomShift(1), wait_at_random])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("backend", ["numpy", pytest.param("native", marks=needs_engine)])
def test_batches_that_are_read_have_the_bits_of_those_in_memory(
    make_dataset, augment, kind, backend
):
    made = make_dataset(20, 20, shape=(3, 8, 6))
    data = Dataset(made.images.astype(kind), made.labels, made.class_names)
    lazy = LazyDataset(Reads(data.images), data.labels, data.class_names)
    fitted = Preprocessing.fit(lazy)

    def run(source) -> list[tuple[bytes, bytes]]:
        loader = Loader(source, 7, shuffle=True, seed=1, augment=augment, preprocessing=fitted)
        return [(x.tobytes(), y.tobytes()) for x, y in loader]

    with cnnpy.use_backend(backend):
        assert run(lazy) == run(data)


def test_an_error_of_the_reader_arrives_in_the_loop(make_dataset):
    data = make_dataset(20)
    reads = Reads(data.images)
    lazy = LazyDataset(reads, data.labels, data.class_names)

    def read(rows):
        if 11 in rows:
            raise DataError("image 11 has gone", "it", "get it again")
        return data.images[rows]

    reads.read = read
    taken = []
    with pytest.raises(DataError, match="image 11 has gone"):
        taken.extend(Loader(lazy, 2, shuffle=False, seed=0, workers=3))
    assert len(taken) == 5


BAD = [
    ({"batch_size": 0}, OptionError, "use batch_size=1"),
    ({"batch_size": 2.5}, OptionError, "use batch_size=2"),
    ({"shuffle": 1}, OptionError, "use shuffle=True"),
    ({"seed": -1}, OptionError, "use seed=0"),
    ({"prefetch": -1}, OptionError, "use prefetch=0"),
    ({"workers": 0}, OptionError, "use workers=1"),
    ({"drop_last": None}, OptionError, "use drop_last=False"),
    ({"augment": 3}, OptionError, "RandomShift"),
    ({"batch_size": 11, "drop_last": True}, OptionError, "batch_size=10"),
    ({"data": [1, 2, 3]}, ShapeError, "Loader((images, labels), ...)"),
    ({"data": (np.zeros((2, 1, 1, 1)), np.zeros(3, int))}, ShapeError, "labels too many"),
    ({"preprocessing": Preprocessing((3, 1, 1), (0,) * 3, (1,) * 3)}, ShapeError, "grey"),
]


@pytest.mark.parametrize(("change", "kind", "mend"), BAD)
def test_options_out_of_range_are_refused_with_the_mend(change, kind, mend):
    options = {"data": numbered(10), "batch_size": 2, "shuffle": True, "seed": 0} | change
    with pytest.raises(kind) as caught:
        Loader(options.pop("data"), options.pop("batch_size"), **options)
    assert mend in caught.value.mend
    assert len(str(caught.value).splitlines()) == 3


def test_an_epoch_number_is_checked():
    loader = Loader(numbered(10), 2, shuffle=True, seed=0)
    with pytest.raises(OptionError, match="epoch=-1"):
        loader.epoch = -1


@pytest.mark.parametrize("result", [None, np.zeros((1, 1, 1, 1)), np.zeros((2, 1, 1)), [1, 2]])
def test_an_augmentation_must_return_a_batch(result):
    loader = Loader(numbered(10), 2, shuffle=True, seed=0, augment=lambda images, rng: result)
    with pytest.raises(ShapeError, match="augment returned"):
        list(loader)
