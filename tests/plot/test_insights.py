"""Pictures of what a network does: the right numbers, names and images in their places."""

from __future__ import annotations

import sys

import matplotlib
import numpy as np
import pytest

from cnnpy import insight, models, nn, plot
from cnnpy.contract.errors import DataError, MissingPackageError, OptionError, ShapeError
from cnnpy.data import Dataset, Preprocessing
from cnnpy.plot.images import heat, heat_over, rgb
from cnnpy.train import Classifier, EpochReport, Evaluation

NAMES = ("cat", "dog", "고양이 & <b>$x_1$")


def words(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    model = nn.Sequential(
        {"conv": nn.Conv2d(4, 3, padding=1), "relu": nn.ReLU(), "pool": nn.MaxPool2d(2),
         "flatten": nn.Flatten(), "fc": nn.Linear(3)}
    )  # fmt: skip
    model.build((3, 6, 4), seed=0)
    return Classifier(model, Preprocessing((3, 6, 4), (9.0,) * 3, (5.0,) * 3, white=20.0), NAMES)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 21, (30, 3, 6, 4)).astype(np.uint8)
    return Dataset(images, rng.integers(0, 3, 30), NAMES, white=20.0)


# --- images ------------------------------------------------------------------------------


def test_an_image_becomes_red_green_and_blue_of_its_full_brightness():
    colours = np.array([[[0, 20]], [[10, 20]], [[40, 20]]], dtype=np.uint8)
    assert rgb(colours, 20.0).tolist() == [[[0, 128, 255], [255, 255, 255]]]
    assert rgb(colours)[0, 0].tolist() == [0, 10, 40]
    grey = np.array([[[0.0, 1.0, 4.0]]])
    assert rgb(grey)[0].tolist() == [[0, 0, 0], [64, 64, 64], [255, 255, 255]]
    two = np.array([[[0.0, 2.0]], [[2.0, 2.0]]])
    assert rgb(two, 2.0)[0].tolist() == [[128] * 3, [255] * 3]
    assert not rgb(np.full((1, 1, 2), np.nan)).any()
    with pytest.raises(ShapeError, match=r"use images\[0\]"):
        rgb(np.zeros((1, 1, 2, 2)))


def test_heat_is_on_the_scale_of_the_colour_map():
    ends = [np.rint(255 * np.array(matplotlib.colormaps["inferno"](v)[:3])) for v in (0.0, 1.0)]
    coloured = heat(np.array([[0.0, 3.0, -1.0]]))[0]
    assert (coloured[0] == ends[0]).all()
    assert (coloured[1] == ends[1]).all()
    assert (coloured[2] == ends[0]).all()
    assert (heat(np.zeros((2, 2))) == ends[0]).all()


def test_heat_over_an_image_leaves_the_image_where_there_is_none():
    picture = np.full((4, 4, 3), 100, dtype=np.uint8)
    assert (heat_over(picture, np.zeros((2, 2))) == 100).all()
    laid = heat_over(picture, np.array([[0.0, 0.0], [0.0, 1.0]]))
    assert laid[0, 0].tolist() == [100, 100, 100]
    assert laid[3, 3, 0] > laid[0, 0, 0]


# --- confusion and mistakes --------------------------------------------------------------


def test_a_confusion_has_its_counts_in_their_cells():
    counts = np.array([[5, 2, 0], [0, 1234, 1], [3, 0, 0]])
    axes = plot.confusion(counts, NAMES).axes[0]
    placed = {(*map(int, text.get_position()),): text.get_text() for text in axes.texts}
    assert placed == {(0, 0): "5", (1, 0): "2", (1, 1): "1,234", (2, 1): "1", (0, 2): "3"}
    assert [label.get_text() for label in axes.get_yticklabels()] == list(NAMES)
    same = plot.confusion(Evaluation(0, 0.0, 0.0, counts), NAMES).axes[0]
    assert words(same) == words(axes)


def test_a_mistake_is_seen_beside_many_that_are_right():
    counts = np.array([[99, 1], [0, 100]])
    cells = np.asarray(plot.confusion(counts, NAMES[:2]).axes[0].images[0].get_array())
    assert np.abs(cells[0, 1] - 1).max() > 0.08
    assert (cells[1, 0] == 1).all()


def test_a_confusion_shows_an_example_of_each_pair():
    image = np.zeros((1, 2, 2), dtype=np.uint8)
    image[0, 0, 0] = 255
    figure = plot.confusion(np.array([[1, 4], [0, 1]]), ("cat", "dog"), {(0, 1): image})
    _, first, second, *_ = figure.axes
    assert first.get_title("left") == "cat\n→ dog: 4"
    assert np.asarray(first.images[0].get_array())[..., 0].tolist() == [[255, 0], [0, 0]]
    assert not second.images


def test_many_classes_have_neither_numbers_nor_more_names_than_there_is_room_for():
    figure = plot.confusion(np.eye(100, dtype=int), [f"class {k}" for k in range(100)])
    assert words(figure.axes[0]) == []
    assert len(figure.axes[0].get_yticklabels()) <= 40
    with pytest.raises(ShapeError, match="give 2 class names"):
        plot.confusion(np.eye(2), NAMES)


def test_mistakes_are_drawn_with_what_they_are_and_were_taken_for(classifier, dataset):
    said = insight.predictions(classifier, dataset)
    worst = insight.mistakes(said, 2)
    figure = plot.mistakes(classifier, dataset, 2)
    drawn = [axes for axes in figure.axes if axes.images]
    for axes, one in zip(drawn, worst, strict=True):
        first, second = axes.get_xlabel().splitlines()
        assert first.startswith(f"is {NAMES[one.label][:12]}")
        assert second.startswith(f"said {NAMES[one.predicted][:12]}")
        shown = np.asarray(axes.images[0].get_array())
        assert (shown == rgb(dataset.images[one.index], 20.0)).all()
    n = int((said.classes != dataset.labels).sum())
    assert figure.get_suptitle() == f"{n} of 30 images wrong, the worst 2 (by loss)"


def test_no_mistakes_can_be_drawn(classifier, dataset, tmp_path):
    right = insight.Predictions(dataset.labels, np.log(np.eye(3)[dataset.labels] + 1e-9), NAMES)
    plot.save(plot.mistakes(classifier, dataset, said=right), tmp_path / "a.png")


# --- inside the network ------------------------------------------------------------------


@pytest.mark.parametrize("draw", [plot.saliency, plot.grad_cam])
def test_looks_stand_beside_their_images(classifier, dataset, draw):
    figure = draw(classifier, dataset.images[:2])
    drawn = [axes for axes in figure.axes if axes.images]
    assert len(drawn) == 4
    said = classifier.predict(dataset.images[:2])
    assert [axes.get_xlabel() for axes in drawn[::2]] == [NAMES[k] for k in said]
    assert (np.asarray(drawn[0].images[0].get_array()) == rgb(dataset.images[0], 20.0)).all()
    beside = np.asarray(drawn[1].images[0].get_array())
    maps = getattr(insight, draw.__name__)(classifier, dataset.images[:2])
    laid = heat_over(rgb(dataset.images[0], 20.0), maps[0])
    assert (beside == (heat(maps[0]) if draw is plot.saliency else laid)).all()
    named = draw(classifier.model, dataset.images[:1].astype(np.float32), classes=1)
    assert named.axes[0].get_xlabel() == "class 1"


def test_feature_maps_are_the_strongest_channels_of_the_last_layer_of_each_size(
    classifier, dataset
):
    figure = plot.feature_maps(classifier, dataset.images[0])
    rows = [words(axes)[0] for axes in figure.axes if words(axes)]
    assert rows == ["relu: 4 channels of 6×4", "pool: 4 channels of 3×2"]
    maps = insight.feature_maps(classifier, dataset.images[:1])["relu"][0]
    order = np.argsort(-maps.max(axis=(1, 2)), kind="stable")
    titles = [axes.get_title() for axes in figure.axes[:12] if axes.images]
    assert titles == [str(k) for k in order]
    first = np.asarray(figure.axes[0].images[0].get_array())
    assert (first == heat(maps[order[0]])).all()
    one = plot.feature_maps(classifier, dataset.images[0], layer="conv")
    assert [words(axes) for axes in one.axes if words(axes)] == [["conv: 4 channels of 6×4"]]
    with pytest.raises(OptionError, match="layer 'fc' returns maps"):
        plot.feature_maps(classifier, dataset.images[0], layer="fc")
    with pytest.raises(ShapeError, match=r"use images\[0\]"):
        plot.feature_maps(classifier, dataset.images)


def test_embeddings_are_points_with_the_name_of_their_class_at_its_median():
    points = np.array([[0.0, 0.0], [2.0, 4.0], [10.0, 10.0]])
    figure = plot.embeddings(points, np.array([0, 0, 1]), ("cat", "dog"))
    axes = figure.axes[0]
    assert {text.get_text(): tuple(text.get_position()) for text in axes.texts} == {
        "cat": (1.0, 2.0), "dog": (10.0, 10.0),
    }  # fmt: skip
    assert [c.get_offsets().tolist() for c in axes.collections] == [
        points[:2].tolist(), points[2:].tolist(),
    ]  # fmt: skip
    with pytest.raises(ShapeError, match=r"use insight\.principal_components"):
        plot.embeddings(np.zeros((2, 5)), np.zeros(2, dtype=int), NAMES)
    with pytest.raises(DataError, match="labels from 0 to 1"):
        plot.embeddings(np.zeros((1, 2)), np.array([2]), ("a", "b"))


# --- several runs ------------------------------------------------------------------------


def history(*accuracies: float, held: bool = True) -> list[EpochReport]:
    nan = float("nan")
    return [
        EpochReport(k, 0.1, 1.0, a, 1.0 if held else nan, a if held else nan, 9.0, 1.0, True)
        for k, a in enumerate(accuracies, 1)
    ]


def test_runs_are_compared_in_validation_or_else_in_training():
    runs = {"a": history(0.5, 0.75), "b": history(0.25, held=False), "none yet": []}
    axes = plot.compare(runs).axes[0]
    lines = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert lines == {"a": [50, 75], "b (training)": [25]}
    with pytest.raises(DataError, match="no run has an epoch"):
        plot.compare({"none yet": []})
    with pytest.raises(OptionError, match="quantity='lost'"):
        plot.compare(runs, quantity="lost")


def test_a_quantity_alone_is_the_panel_that_stands_beside_the_other():
    both = plot.curves(history(0.5, 0.75)).axes
    for name, panel in zip(("loss", "accuracy"), both, strict=True):
        (alone,) = plot.curves(history(0.5, 0.75), quantity=name).axes
        assert alone.get_ylabel() == panel.get_ylabel()
        assert [list(line.get_ydata()) for line in alone.lines] == [
            list(line.get_ydata()) for line in panel.lines
        ]


# --- all of them -------------------------------------------------------------------------


def every_figure(classifier: Classifier, dataset: Dataset):
    yield plot.confusion(np.ones((3, 3), dtype=int), NAMES, {(0, 2): dataset.images[0]})
    yield plot.mistakes(classifier, dataset, 3)
    yield plot.feature_maps(classifier, dataset.images[0])
    yield plot.grad_cam(classifier, dataset.images[:1])
    yield plot.embeddings(np.eye(3)[:, :2], np.arange(3), NAMES)
    yield plot.compare({NAMES[2]: history(0.5), "an endless name" * 9: history(0.5, 0.7)})


@pytest.mark.parametrize("theme", [plot.LIGHT, plot.DARK])
def test_every_picture_can_be_saved_in_light_and_dark_whatever_classes_are_called(
    classifier, dataset, theme, tmp_path
):
    from PIL import Image

    with plot.use_theme(theme):
        for k, figure in enumerate(every_figure(classifier, dataset)):
            plot.save(figure, tmp_path / f"{k}.png")
    grounds = [Image.open(path).convert("RGB").getpixel((0, 0)) for path in tmp_path.iterdir()]
    light = theme is plot.LIGHT
    assert set(grounds) == {(255, 255, 255) if light else (0x14, 0x17, 0x1B)}


def test_without_matplotlib_it_is_said_how_to_install_it(classifier, dataset, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'cnnpy\[cli\]'"):
        next(every_figure(classifier, dataset))
    model = models.small_cnn()
    model.build((1, 8, 8), seed=0)
    with pytest.raises(MissingPackageError):
        plot.saliency(model, np.zeros((1, 1, 8, 8), dtype=np.float32))
