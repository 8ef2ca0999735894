"""CIFAR-10 and TinyImageNet from files made here; what is refused."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from cnnpy.contract.errors import DataError, MissingDataError, OptionError
from cnnpy.cs231n import data_utils
from cnnpy.cs231n.image_utils import image_from_url

N_BATCH = 6  # images a batch, where the real ones have 10,000


def write_batches(folder):
    """Write six small batches in the Python form; return all images and labels."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    images = rng.integers(256, size=(6 * N_BATCH, 3, 32, 32), dtype=np.uint8)
    labels = rng.integers(10, size=6 * N_BATCH)
    for k, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        part = slice(k * N_BATCH, (k + 1) * N_BATCH)
        batch = {b"data": images[part].reshape(N_BATCH, -1), b"labels": labels[part].tolist()}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    return images, labels


@pytest.fixture
def notebook_folder(tmp_path, monkeypatch):
    """Stand in a folder in which the course's script has put the data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CNNPY_DATA", raising=False)
    return write_batches(Path("cs231n/datasets/cifar-10-batches-py"))


def test_the_data_of_the_notebooks(notebook_folder):
    images, labels = notebook_folder
    data = data_utils.get_CIFAR10_data(num_training=20, num_validation=7, num_test=4)
    assert list(data) == ["X_train", "y_train", "X_val", "y_val", "X_test", "y_test"]
    mean = images[:20].astype(float).mean(axis=0)
    parts = {"train": slice(0, 20), "val": slice(20, 27), "test": slice(30, 34)}
    for part, places in parts.items():
        X, y = data[f"X_{part}"], data[f"y_{part}"]
        assert X.dtype == np.float64
        assert y.dtype == np.int64
        np.testing.assert_allclose(X, images[places] - mean, rtol=1e-15, atol=1e-12)
        np.testing.assert_array_equal(y, labels[places])
    np.testing.assert_allclose(data["X_train"].mean(axis=0), 0, atol=1e-12)


def test_pixels_stay_as_they_are_without_subtracting(notebook_folder):
    images, _ = notebook_folder
    data = data_utils.get_CIFAR10_data(5, 0, 0, subtract_mean=False)
    np.testing.assert_array_equal(data["X_train"], images[:5])
    assert data["X_val"].shape == (0, 3, 32, 32)


def test_more_images_than_there_are_is_named(notebook_folder):
    with pytest.raises(OptionError) as caught:
        data_utils.get_CIFAR10_data()
    assert str(caught.value) == (
        "get_CIFAR10_data: num_training + num_validation is 50000; there are 30 images\n"
        "  expected: num_training + num_validation of at most 30\n"
        "  to mend:  use 49970 less"
    )


def test_missing_data_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNNPY_DATA", str(tmp_path))
    with pytest.raises(MissingDataError, match="cifar10: not found in"):
        data_utils.get_CIFAR10_data()


def test_all_of_cifar_has_its_channels_last(tmp_path):
    images, labels = write_batches(tmp_path / "cifar-10-batches-py")
    Xtr, Ytr, Xte, Yte = data_utils.load_CIFAR10(tmp_path / "cifar-10-batches-py")
    assert Xtr.dtype == np.float64
    np.testing.assert_array_equal(Xtr, images[:30].transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(Xte, images[30:].transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(np.concatenate([Ytr, Yte]), labels)
    X, Y = data_utils.load_CIFAR_batch(tmp_path / "cifar-10-batches-py" / "data_batch_2")
    np.testing.assert_array_equal(X, Xtr[N_BATCH : 2 * N_BATCH])
    np.testing.assert_array_equal(Y, Ytr[N_BATCH : 2 * N_BATCH])


class Command:
    """What a pickle of this would run."""

    def __reduce__(self):
        return print, ("run by a pickle",)


def test_a_batch_that_asks_to_run_something_runs_nothing(tmp_path, capsys):
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps({"data": Command(), "labels": []}))
    with pytest.raises(DataError, match=r"asks to run builtins\.print"):
        data_utils.load_CIFAR_batch(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}, "holds 'data', 'labels'"),
        ({"data": np.zeros((1, 10), np.uint8), "labels": [1]}, "'data' of shape (N, 3072)"),
        ({"data": np.zeros((1, 3072), np.uint8), "fine_labels": [1]}, "this is CIFAR-100"),
        ({}, "holds nothing"),
    ],
)
def test_a_batch_of_something_else_is_named(tmp_path, content, text):
    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(DataError) as caught:
        data_utils.load_CIFAR_batch(path)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (lambda: data_utils.load_pickle(None), "may run any program"),
        (lambda: data_utils.load_models("models"), "may run any program"),
        (lambda: data_utils.load_imagenet_val(), "may run any program"),
        (lambda: image_from_url("https://example.org/a/cat.png?x=1"), "PIL.Image.open('cat.png')"),
    ],
)
def test_what_unpickles_or_fetches_is_refused_with_the_reason(run, reason):
    with pytest.raises(DataError) as caught:
        run()
    assert reason in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3


def test_a_refused_pickle_is_named(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(b"")
    with path.open("rb") as file, pytest.raises(DataError, match=r"np\.load\('.*model\.pkl'\)"):
        data_utils.load_pickle(file)


# --- TinyImageNet ----------------------------------------------------------------


@pytest.fixture
def tiny(tmp_path):
    """Two classes, two images each to train on, one each to validate on, one to test."""
    Image = pytest.importorskip("PIL.Image")

    def paint(path, value, mode="RGB"):
        path.parent.mkdir(parents=True, exist_ok=True)
        color = value if mode == "L" else (value, value + 1, value + 2)
        Image.new(mode, (64, 64), color).save(path, format="PNG")

    (tmp_path / "wnids.txt").write_text("n2\nn1\n")
    (tmp_path / "words.txt").write_text("n1\tcat, kitten\nn2\tdog\nn3\tbird\n")
    for wnid, value in (("n1", 10), ("n2", 20)):
        folder = tmp_path / "train" / wnid
        paint(folder / "images" / f"{wnid}_0.JPEG", value)
        paint(folder / "images" / f"{wnid}_1.JPEG", value + 5, "L")
        (folder / f"{wnid}_boxes.txt").write_text(f"{wnid}_0.JPEG\t0\t0\t9\t9\n{wnid}_1.JPEG\t0\n")
        paint(tmp_path / "val" / "images" / f"val_{wnid}.JPEG", value)
    (tmp_path / "val" / "val_annotations.txt").write_text("val_n1.JPEG\tn1\t0\nval_n2.JPEG\tn2\n")
    paint(tmp_path / "test" / "images" / "test_0.JPEG", 30)
    return tmp_path


def test_tiny_imagenet(tiny):
    data = data_utils.load_tiny_imagenet(tiny, subtract_mean=False)
    assert data["class_names"] == [["dog"], ["cat", "kitten"]]
    assert data["X_train"].shape == (4, 3, 64, 64)
    assert data["X_train"].dtype == np.float32
    assert data["X_train"][:, :, 5, 7].tolist() == [
        [20, 21, 22],
        [25, 25, 25],
        [10, 11, 12],
        [15, 15, 15],
    ]
    assert data["y_train"].tolist() == [0, 0, 1, 1]
    assert data["y_val"].tolist() == [1, 0]
    assert data["y_test"] is None
    assert data["mean_image"][:, 0, 0].tolist() == [17.5, 18, 18.5]
    centred = data_utils.load_tiny_imagenet(tiny, dtype=np.float64)
    np.testing.assert_allclose(centred["X_train"].mean(axis=0), 0, atol=1e-12)
    assert centred["X_test"][0, :, 0, 0].tolist() == [12.5, 13, 13.5]
    (tiny / "test" / "test_annotations.txt").write_text("test_0.JPEG\tn1\n")
    assert data_utils.load_tiny_imagenet(tiny)["y_test"].tolist() == [1]


def test_a_broken_tiny_imagenet_is_named(tiny):
    (tiny / "val" / "val_annotations.txt").write_text("val_n1.JPEG\tn9\n")
    with pytest.raises(DataError, match="'n9' is no class"):
        data_utils.load_tiny_imagenet(tiny)
    (tiny / "val" / "val_annotations.txt").write_text("val_n1.JPEG\n")
    with pytest.raises(DataError, match="line 1 has 1 fields"):
        data_utils.load_tiny_imagenet(tiny)
    (tiny / "val" / "val_annotations.txt").write_text("gone.JPEG\tn1\n")
    with pytest.raises(MissingDataError, match=r"gone\.JPEG"):
        data_utils.load_tiny_imagenet(tiny)
    (tiny / "words.txt").unlink()
    with pytest.raises(MissingDataError, match="give the folder that has wnids"):
        data_utils.load_tiny_imagenet(tiny)
