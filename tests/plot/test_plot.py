"""The pictures: the right numbers in their axes, and files that are whole."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import matplotlib.axes
import numpy as np
import pytest
from PIL import Image

from cnnpy import plot
from cnnpy.contract.errors import (
    DataError,
    DtypeError,
    MissingDataError,
    MissingPackageError,
    OptionError,
    ShapeError,
)
from cnnpy.nn import ReLU
from cnnpy.train import EpochReport, RunFolder
from cnnpy.train.run_settings import RunSettings

HISTORY = (
    EpochReport(1, 0.01, 2.0, 0.2, 1.8, 0.3, 900.0, 1.0, True),
    EpochReport(2, 0.02, 1.0, 0.6, 0.9, 0.7, 900.0, 1.0, True),
    EpochReport(3, 0.01, 0.5, 0.9, 1.0, 0.6, 900.0, 1.0, False),
)


def drawn(axes: matplotlib.axes.Axes) -> dict[str, tuple[list[float], list[float]]]:
    return {
        str(line.get_label()): (list(line.get_xdata()), list(line.get_ydata()))
        for line in axes.lines
    }


def texts(axes: matplotlib.axes.Axes) -> str:
    return axes.get_title("left") + axes.get_title("right")


# --- curves ------------------------------------------------------------------------------


def test_curves_draw_the_numbers_of_the_history():
    loss, accuracy = plot.curves(HISTORY).axes
    assert drawn(loss)["training"] == ([1, 2, 3], [2.0, 1.0, 0.5])
    assert drawn(loss)["validation"] == ([1, 2, 3], [1.8, 0.9, 1.0])
    assert drawn(accuracy)["training"][1] == pytest.approx([20, 60, 90])
    assert drawn(accuracy)["validation"][1] == pytest.approx([30, 70, 60])
    assert accuracy.get_ylabel() == "accuracy (%)"
    assert loss.get_xlabel() == accuracy.get_xlabel() == "epoch"


def test_curves_mark_the_best_epoch():
    loss, accuracy = plot.curves(HISTORY).axes
    assert texts(accuracy) == "best epoch 2: 70.00 %"
    assert texts(loss) == "epoch 2: 0.9"
    assert [2] in [list(line.get_xdata()) for line in accuracy.lines]


def test_curves_without_validation_draw_training_alone():
    nan = math.nan
    history = [replace(e, validation_loss=nan, validation_accuracy=nan) for e in HISTORY]
    for axes in plot.curves(history).axes:
        assert list(drawn(axes)) == ["training"]


def test_a_single_epoch_is_seen():
    for axes in plot.curves(HISTORY[:1]).axes:
        assert all(
            line.get_marker() == "o" for line in axes.lines if line.get_label() == "training"
        )


def test_the_loss_is_logarithmic_where_it_spans_orders_of_magnitude():
    assert plot.curves(HISTORY).axes[0].get_yscale() == "linear"
    small = replace(HISTORY[2], train_loss=0.001)
    assert plot.curves([*HISTORY[:2], small]).axes[0].get_yscale() == "log"


def test_a_loss_that_is_not_finite_can_be_drawn(tmp_path):
    wild = replace(HISTORY[1], train_loss=math.inf, validation_loss=math.nan)
    plot.save(plot.curves([HISTORY[0], wild]), tmp_path / "a.png")
    nothing = replace(wild, train_loss=math.nan)
    plot.save(plot.curves([nothing]), tmp_path / "b.png")


def test_curves_read_the_metrics_of_a_run_folder(tmp_path):
    folder = RunFolder(tmp_path / "run", RunSettings())
    nothing_yet = SimpleNamespace(history=[], model=ReLU())
    folder.on_start(SimpleNamespace(classifier=nothing_yet, best_state=None))
    for report in HISTORY:
        folder.on_epoch(replace(report, best=False), None)
    assert plot.read_metrics(folder.metrics_path) == tuple(replace(e, best=False) for e in HISTORY)
    assert drawn(plot.curves(folder.metrics_path).axes[0])["training"][1] == [2.0, 1.0, 0.5]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"epoch,lr\n1,0.1\n",
        b"\xff\xfe",
        b"epoch,best\n1,maybe\n",
        b"a\x00b\n1\n",
        b"1\n2\n3,4\n",
    ],
)
def test_a_file_without_epochs_is_told(tmp_path, content):
    path = tmp_path / "metrics.csv"
    path.write_bytes(content)
    with pytest.raises(DataError):
        plot.curves(path)


def test_no_file_and_no_epochs_are_told(tmp_path):
    with pytest.raises(MissingDataError, match="no such file"):
        plot.curves(tmp_path / "metrics.csv")
    with pytest.raises(DataError, match=r"metrics\.csv"):
        plot.curves(tmp_path)
    with pytest.raises(DataError, match="without an epoch"):
        plot.curves([])


# --- filters -----------------------------------------------------------------------------


def tiles(figure) -> list[np.ndarray]:
    return [np.asarray(image.get_array()) for image in figure.axes[0].images]


def test_grey_filters_are_drawn_around_grey_each_on_its_own_scale():
    weights = np.array([[1.0, -2.0, 0.0], [4.0, 2.0, 0.0]]).reshape(2, 1, 1, 3)
    first, second = tiles(plot.filters(weights))
    assert first[..., 0].tolist() == [[0.75, 0.0, 0.5]]
    assert second[..., 0].tolist() == [[1.0, 0.75, 0.5]]
    assert (first == first[..., :1]).all()


def test_filters_of_three_channels_are_red_green_and_blue():
    weights = np.zeros((1, 3, 2, 2))
    weights[0, 0, 0, 0], weights[0, 1, 0, 1], weights[0, 2, 1, 0] = 1, 1, -1
    (tile,) = tiles(plot.filters(weights))
    assert tile[0, 0].tolist() == [1.0, 0.5, 0.5]
    assert tile[0, 1].tolist() == [0.5, 1.0, 0.5]
    assert tile[1, 0].tolist() == [0.5, 0.5, 0.0]


def test_filters_of_other_channels_are_drawn_by_their_norm():
    weights = np.zeros((1, 2, 1, 2))
    weights[0, :, 0, 0], weights[0, :, 0, 1] = (3, 4), (0, -2.5)
    (tile,) = tiles(plot.filters(weights))
    assert tile[..., 0].tolist() == [[1.0, 0.5]]


def test_filters_of_zeros_and_of_nothing_finite_can_be_drawn():
    for value in (0.0, np.nan, np.inf):
        (tile,) = tiles(plot.filters(np.full((1, 1, 2, 2), value)))
        assert (tile == 0.5).all()


def test_all_filters_have_a_place_of_their_own():
    figure = plot.filters(np.random.default_rng(0).standard_normal((33, 1, 3, 5)))
    places = {tuple(image.get_extent()) for image in figure.axes[0].images}
    assert len(places) == 33
    assert "33 filters of 3×5 weights, 1 channel" in texts(figure.axes[0])


def test_what_is_no_filter_is_told():
    with pytest.raises(ShapeError, match=r"\(2, 3\)"):
        plot.filters(np.zeros((2, 3)))
    with pytest.raises(ShapeError, match="at least one filter"):
        plot.filters(np.zeros((0, 1, 3, 3)))
    with pytest.raises(DtypeError, match="complex128"):
        plot.filters(np.zeros((1, 1, 3, 3), dtype=complex))


# --- files -------------------------------------------------------------------------------


def test_a_picture_is_written_whole_and_replaces_an_old_one(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    plot.save(plot.curves(HISTORY), path)
    with Image.open(path) as image:
        image.load()
        assert image.size == (1280, 608)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("name", ["a.png", "a.svg"])
def test_a_picture_is_the_same_bytes_each_time(tmp_path, name):
    contents = []
    for _ in range(2):
        plot.save(plot.curves(HISTORY), tmp_path / name)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    figure = plot.curves(HISTORY)

    def fail(file, **options):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OptionError, match="No space left"):
        plot.save(figure, path)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]


def test_wrong_places_and_names_are_told(tmp_path):
    figure = plot.curves(HISTORY)
    with pytest.raises(OptionError, match="mkdir -p"):
        plot.save(figure, tmp_path / "no" / "a.png")
    with pytest.raises(OptionError, match=r"\.png or \.svg"):
        plot.save(figure, tmp_path / "a.jpeg")


def test_without_matplotlib_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'cnnpy\[cli\]'"):
        plot.curves(HISTORY)
    with pytest.raises(MissingPackageError):
        plot.filters(np.zeros((1, 1, 3, 3)))


def test_importing_the_room_does_not_import_matplotlib():
    program = "import sys, cnnpy.plot; sys.exit('matplotlib' in sys.modules)"
    source = str(Path(plot.__file__).parents[2])
    python = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": source}, check=False
    )
    assert python.returncode == 0


def test_drawing_changes_nothing_global():
    import matplotlib

    before = dict(matplotlib.rcParams)
    plot.curves(HISTORY)
    assert dict(matplotlib.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
