"""Laws of lazy data sets: the images of a Dataset, read when they are asked for."""

from __future__ import annotations

import gc
import os
import pickle
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnpy.contract.errors import (
    DataError,
    DtypeError,
    MissingDataError,
    OptionError,
    ShapeError,
)
from cnnpy.data import (
    Dataset,
    ImageSource,
    LazyDataset,
    Preprocessing,
    idx_folder,
    image_folder,
    load_npy,
    overlap,
    save_npy,
    split,
)
from cnnpy.data import chunks as chunks_room
from cnnpy.data.lazy import ImageReader

N, NAMES = 23, ("a", "b", "c")
PIXELS = np.random.default_rng(0).integers(0, 256, (N, 3, 5, 4), dtype=np.uint8)
LABELS = np.arange(N) % 3


class Rows:
    """Read from an array, and note what was read."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = images
        self.shape, self.dtype = images.shape[1:], images.dtype
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self.images)

    def read(self, rows: np.ndarray) -> np.ndarray:
        self.asked += rows.tolist()
        return self.images[rows]


def lazy(images: np.ndarray = PIXELS, **options) -> LazyDataset:
    labels = np.arange(len(images)) % 3
    return LazyDataset(Rows(images), labels, NAMES, **options)


# --- every kind of file, with the images that lie in it --------------------------------------


def npy(folder: Path, images: np.ndarray, **options) -> LazyDataset:
    np.save(folder / "images.npy", images)
    np.save(folder / "labels.npy", LABELS)
    return load_npy(folder, lazy=True, **options)


def idx(folder: Path, images: np.ndarray) -> LazyDataset:
    for part in ("train", "t10k"):
        for what, array in (("images", images[:, 0]), ("labels", LABELS.astype(np.uint8))):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            path = folder / f"{part}-{what}-idx{array.ndim}-ubyte"
            path.write_bytes(header + array.tobytes())
    return idx_folder(folder, lazy=True).train


def pngs(folder: Path, images: np.ndarray) -> LazyDataset:
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    for k, (image, label) in enumerate(zip(images, LABELS, strict=True)):
        (folder / NAMES[label]).mkdir(exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / NAMES[label] / f"{k}.png")
    return image_folder(folder, lazy=True)


BY_CLASS = np.argsort(LABELS, kind="stable")
FLOATS = PIXELS.astype(np.float32) / 7
KINDS: dict[str, tuple[Callable[[Path], LazyDataset], np.ndarray]] = {
    "npy": (lambda folder: npy(folder, PIXELS), PIXELS),
    "npy, grey": (lambda folder: npy(folder, PIXELS[:, 0]), PIXELS[:, :1]),
    "npy, channels last": (
        lambda folder: npy(folder, PIXELS.transpose(0, 2, 3, 1).copy(), layout="NHWC"),
        PIXELS,
    ),
    "npy, floats": (lambda folder: npy(folder, FLOATS), FLOATS),
    "npy, big-endian": (lambda folder: npy(folder, FLOATS.astype(">f4")), FLOATS),
    "npy, double": (lambda folder: npy(folder, PIXELS / 3), PIXELS / 3),
    "idx": (lambda folder: idx(folder, PIXELS), PIXELS[:, :1]),
    "folder": (lambda folder: pngs(folder, PIXELS), PIXELS[BY_CLASS]),
}


@pytest.fixture(scope="module", params=KINDS)
def on_disk(request, tmp_path_factory) -> tuple[LazyDataset, np.ndarray]:
    make, images = KINDS[request.param]
    return make(tmp_path_factory.mktemp("kind")), images


def test_images_are_read_as_they_lie_in_any_order(on_disk):
    source, images = on_disk

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.integers(0, N - 1), max_size=40))
    def law(numbers):
        got = source.read(numbers)
        assert got.dtype == images.dtype
        assert got.dtype.isnative
        assert got.shape == (len(numbers), *images.shape[1:])
        assert np.array_equal(got, images[np.array(numbers, dtype=np.int64)])

    law()
    assert isinstance(source, LazyDataset)
    assert isinstance(source, ImageSource)
    assert (len(source), source.shape, source.dtype) == (N, images.shape[1:], images.dtype)
    assert source.n_bytes == images.nbytes


def test_what_is_read_is_the_reader_s_own(on_disk):
    source, images = on_disk
    source.read([3, 4])[:] = 0
    assert np.array_equal(source.read([3, 4]), images[3:5])


def test_in_memory_it_is_a_dataset_of_the_same(on_disk):
    source, images = on_disk
    got = source.in_memory()
    assert isinstance(got, Dataset)
    assert np.array_equal(got.images, images)
    assert np.array_equal(got.labels, source.labels)
    assert (got.name, got.white, got.class_names) == (source.name, source.white, source.class_names)


def test_threads_that_read_at_once_do_not_disturb_each_other(on_disk):
    source, images = on_disk

    def read(seed: int) -> bool:
        rng = np.random.default_rng(seed)
        rows = [rng.integers(0, N, 9) for _ in range(40)]
        return all(np.array_equal(source.read(some), images[some]) for some in rows)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(16)))


def test_the_numbers_are_those_of_the_images_in_memory(on_disk, monkeypatch):
    source, images = on_disk
    memory = Dataset(images, source.labels, source.class_names, white=source.white)
    for values in (10, 200, 1 << 21):
        monkeypatch.setattr(chunks_room, "_CHUNK_VALUES", values)
        assert Preprocessing.fit(source) == Preprocessing.fit(memory)
    for a, b in zip(split(source, seed=4), split(memory, seed=4), strict=True):
        assert isinstance(a, LazyDataset)
        assert np.array_equal(a.read(range(len(a))), b.images)
        assert np.array_equal(a.labels, b.labels)
    assert overlap(source, memory.subset([5, 5, 6])) == 3


def test_another_process_can_have_it(on_disk):
    source, images = on_disk
    again = pickle.loads(pickle.dumps(source.subset([4, 2])))
    assert np.array_equal(again.read([0, 1]), images[[4, 2]])
    assert np.array_equal(again.fingerprints().digests, source.fingerprints().digests[[4, 2]])


def test_saving_and_loading_keeps_everything(on_disk, tmp_path):
    source, images = on_disk
    save_npy(tmp_path / "copy", source)
    for got in (load_npy(tmp_path / "copy", lazy=True), load_npy(tmp_path / "copy")):
        assert np.array_equal(got.read(range(N)), images)
        assert np.array_equal(got.labels, source.labels)
        assert got.dtype == source.dtype
        assert (got.name, got.white) == (source.name, source.white)
        assert got.class_names == source.class_names


# --- subsets ---------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), max_size=8), min_size=1, max_size=3))
def test_a_subset_of_a_subset_is_that_of_the_array(chain):
    source, want, labels = lazy(), PIXELS, LABELS
    for numbers in chain:
        chosen = [k for k in numbers if k < len(want)]
        source, want = source.subset(chosen), want[np.array(chosen, dtype=np.int64)]
        labels = labels[np.array(chosen, dtype=np.int64)]
    assert np.array_equal(source.read(range(len(want))), want)
    assert np.array_equal(source.labels, labels)
    assert source.class_counts().sum() == len(want)


def test_a_subset_reads_nothing():
    source = lazy()
    part = source.subset(source.labels == 1)
    assert source.reader.asked == []
    assert part.class_counts().tolist() == [0, 8, 0]
    part.read([1])
    assert source.reader.asked == [4]


def test_each_image_is_fingerprinted_once_for_all_subsets():
    source = lazy()
    parts = split(source)
    assert sorted(source.reader.asked) == list(range(N))
    assert overlap(parts.train, parts.test) == 0
    split(source.subset(range(20)), seed=3)
    assert len(source.reader.asked) == N


@pytest.mark.parametrize(
    ("numbers", "kind"),
    [([23], DataError), ([-1], DataError), ([0.5], DtypeError), ([[1]], ShapeError)],
)
def test_indices_are_checked(numbers, kind):
    for take in (lazy().read, lazy().subset):
        with pytest.raises(kind) as caught:
            take(numbers)
        assert len(str(caught.value).splitlines()) == 3


# --- what is refused -------------------------------------------------------------------------


def test_a_label_out_of_range_is_refused_at_once():
    with pytest.raises(DataError, match=r"labels\[2\] is 2; there are 2 classes"):
        LazyDataset(Rows(PIXELS), LABELS, ("a", "b"))
    with pytest.raises(ShapeError, match="there are 23 images"):
        LazyDataset(Rows(PIXELS), LABELS[:-1], NAMES)
    with pytest.raises(OptionError, match="white=0"):
        lazy(white=0)
    with pytest.raises(DataError, match=r"indices\[1\] is 23"):
        LazyDataset(Rows(PIXELS), LABELS[:2], NAMES, rows=np.array([0, 23]))


def test_a_reader_of_something_else_is_refused():
    with pytest.raises(ShapeError, match="images of shape"):
        LazyDataset(Rows(PIXELS[:, 0]), LABELS, NAMES)
    with pytest.raises(DtypeError, match="int64"):
        LazyDataset(Rows(PIXELS.astype(int)), LABELS, NAMES)
    with pytest.raises(DtypeError, match=">f4"):
        LazyDataset(Rows(FLOATS.astype(">f4")), LABELS, NAMES)


@pytest.mark.parametrize(
    ("returned", "kind"),
    [
        (PIXELS[:3], ShapeError),
        (FLOATS[:2], DtypeError),
        (PIXELS[:2, 0], ShapeError),
        ([1, 2], ShapeError),
    ],
)
def test_a_reader_that_breaks_its_promise_is_found_out(returned, kind):
    source = lazy()
    source.reader.read = lambda rows: returned
    with pytest.raises(kind, match="the reader returned") as caught:
        source.read([0, 1])
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_pixel_that_is_not_finite_is_named_by_its_image(value):
    images = FLOATS.copy()
    images[17, 1, 2, 3] = value
    source = lazy(images).subset([3, 17, 4])
    source.read([0, 2])
    with pytest.raises(DataError, match=r"images\[17\] holds NaN or infinity"):
        source.read([0, 1, 2])
    with pytest.raises(DataError, match=r"images\[17\]"):
        Preprocessing.fit(source)


# --- files that change while they are used ----------------------------------------------------


def test_a_file_that_is_deleted_can_be_read_to_the_end(tmp_path):
    source = npy(tmp_path, PIXELS)
    (tmp_path / "images.npy").unlink()
    assert np.array_equal(source.read(range(N)), PIXELS)


def test_a_file_that_is_cut_off_is_named(tmp_path):
    source = npy(tmp_path, PIXELS)
    os.truncate(tmp_path / "images.npy", 128 + 10 * 60 + 7)
    assert np.array_equal(source.read(range(10)), PIXELS[:10])
    for rows in ([10], [3, 22], range(N)):
        with pytest.raises(DataError, match=r"images\.npy: ends early"):
            source.read(rows)


def test_an_image_that_goes_breaks_or_changes_is_named(tmp_path):
    from PIL import Image

    source = pngs(tmp_path, PIXELS)
    files = source.reader.files
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:-30])
    Image.fromarray(np.zeros((6, 4, 3), np.uint8)).save(files[2])
    Image.fromarray(PIXELS[0, 0]).save(files[3])  # grey is brought to three channels
    for row, kind, text in (
        (0, MissingDataError, "no such file"),
        (1, DataError, "no image that can be read"),
        (2, DataError, "has H=6, W=4; it had H=5, W=4"),
    ):
        with pytest.raises(kind, match=text) as caught:
            source.read([5, row])
        assert str(files[row]) in caught.value.given
        assert len(str(caught.value).splitlines()) == 3
    assert np.array_equal(source.read([3])[0, 2], PIXELS[0, 0])


def test_files_are_closed_with_the_last_who_reads_them(tmp_path):
    def n_open() -> int:
        gc.collect()
        open_files = map(os.path.realpath, Path("/proc/self/fd").iterdir())
        return list(open_files).count(str(tmp_path / "images.npy"))

    source = npy(tmp_path, PIXELS)
    part = source.subset([1, 2])
    assert n_open() == 1
    del source
    assert n_open() == 1
    assert np.array_equal(part.read([0]), PIXELS[[1]])
    del part
    assert n_open() == 0


# --- chunks ----------------------------------------------------------------------------------


def test_chunks_come_in_order_and_no_more_than_threads_allow_are_held(monkeypatch):
    monkeypatch.setattr(chunks_room, "_CHUNK_VALUES", 60)  # an image a chunk
    monkeypatch.setattr(chunks_room, "n_readers", lambda: 3)
    lock, held, most = threading.Lock(), set(), [0]

    def work(chunk: np.ndarray) -> int:
        with lock:
            held.add(int(chunk[0, 0, 0, 0]))
            most[0] = max(most[0], len(held))
        return int(chunk[0, 0, 0, 0])

    images = np.zeros((50, 3, 5, 4), np.uint8)
    images[:, 0, 0, 0] = np.arange(50)
    seen = []
    for number in chunks_room.in_chunks(lazy(images), work):
        seen.append(number)
        held.discard(number)
    assert seen == list(range(50))
    assert most[0] <= 3 + 1


def test_an_error_while_reading_chunks_ends_the_threads():
    source = lazy()
    source.reader.read = lambda rows: 1 / 0
    with pytest.raises(ZeroDivisionError):
        list(chunks_room.in_chunks(source, len))
    assert not [t for t in threading.enumerate() if t.name.startswith("cnnpy-reader")]


def test_a_reader_of_one_s_own_is_an_image_reader(tmp_path):
    def takes(reader: ImageReader) -> int:
        return len(reader)

    assert takes(Rows(PIXELS)) == N
    assert takes(npy(tmp_path, PIXELS).reader) == N
