"""cnnpy train: what a run leaves behind, and that chance comes from the seed alone."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnpy.cli.defaults import INPUT_SHAPES, OTHER, RECIPES
from cnnpy.data import DATASETS, save_npy
from cnnpy.models import MODELS, make_model
from cnnpy.optim import OPTIMIZERS, SCHEDULES
from cnnpy.train import load

TIMES = ("images_per_s", "seconds")


def metrics(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_its_model_numbers_and_pictures(trained):
    names = {path.name for path in trained.iterdir()}
    assert names == {"config.json", "metrics.csv", "model.safetensors", "curves.png", "filters.png"}
    assert [row["epoch"] for row in metrics(trained)] == ["1", "2", "3", "4"]
    for picture in ("curves.png", "filters.png"):
        with Image.open(trained / picture) as image:
            image.load()
            assert image.width == 1280


def test_the_config_records_what_was_asked_for(trained, npz):
    config = json.loads((trained / "config.json").read_text())
    asked = {"data": str(npz), "model": "small_cnn", "epochs": 4, "seed": 3, "backend": "native"}
    assert config.items() >= asked.items()
    assert config["n_train"] + config["n_validation"] + config["n_test"] == 60


def test_training_ends_with_the_test_accuracy_and_the_places(command, npz, trained):
    outcome = command("train", npz, "--epochs", 1, "--out", "here")
    assert outcome.code == 0
    assert outcome.err == ""
    accuracy, model, picture = outcome.lines[-3:]
    assert re.fullmatch(r"test accuracy: \d{1,3}\.\d\d %", accuracy)
    assert model == "model:   here/model.safetensors"
    assert picture == "picture: here/curves.png"


def test_the_test_accuracy_is_that_of_the_best_model(command, npz):
    outcome = command("train", npz, "--epochs", 3, "--out", "here", "--seed", 1)
    told = outcome.lines[-3].removeprefix("test accuracy: ")
    measured = command("eval", "here", npz).lines[2]
    assert measured.startswith(f"accuracy  {told}, ")


def test_without_a_terminal_there_is_a_plain_line_an_epoch(command, npz):
    shutil.copy(npz, "stripes.npz")
    outcome = command("train", "stripes.npz", "--epochs", 3)
    assert "\x1b" not in outcome.out
    assert "\r" not in outcome.out
    epochs = [line for line in outcome.lines if re.match(r" *\d/3 ", line)]
    assert [line.split()[0] for line in epochs] == ["1/3", "2/3", "3/3"]
    assert max(map(len, outcome.lines)) <= 80


def test_runs_are_numbered_where_the_name_is_taken(command, npz):
    for _ in range(2):
        assert command("train", npz, "--epochs", 1).code == 0
    assert {path.name for path in Path("runs").iterdir()} == {
        "stripes-small_cnn",
        "stripes-small_cnn-2",
    }


def test_the_same_seed_gives_the_same_numbers_and_weights(command, npz, trained):
    for folder, seed in (("again", 3), ("other", 4)):
        assert command("train", npz, "--epochs", 4, "--seed", seed, "--out", folder).code == 0
    first, again, other = map(metrics, (trained, Path("again"), Path("other")))
    for rows in (first, again, other):
        for row in rows:
            for name in TIMES:
                del row[name]
    assert first == again
    assert first != other
    a, b = load(trained / "model.safetensors"), load("again/model.safetensors")
    for name, array in a.model.state_dict().items():
        assert array.tobytes() == b.model.state_dict()[name].tobytes(), name


def test_a_folder_of_images_is_learned_at_any_size(command, pictures):
    options = ("--size", "12x16", "--epochs", 1, "--no-augment", "--out", "here")
    assert command("train", pictures, *options).code == 0
    assert load("here/model.safetensors").preprocessing.shape == (1, 12, 16)
    outcome = command("eval", "here", pictures, "--part", "all")
    assert outcome.lines[2].endswith("of 60 images")


@pytest.mark.parametrize("lazily", [False, True])
def test_a_folder_of_arrays_is_learned_and_measured(command, npz, stripes, lazily, monkeypatch):
    save_npy("arrays", stripes)
    if lazily:
        monkeypatch.setattr("cnnpy.data.catalog.LAZY_FROM_BYTES", 1)
    outcome = command("train", "arrays", "--epochs", 2, "--seed", 3, "--out", "here")
    assert outcome.code == 0, outcome.err
    assert command("train", npz, "--epochs", 2, "--seed", 3, "--out", "there").code == 0
    assert command("eval", "here", "arrays").lines[2:] == command("eval", "there", npz).lines[2:]
    a, b = (load(f"{run}/model.safetensors").model.state_dict() for run in ("here", "there"))
    assert all(a[name].tobytes() == b[name].tobytes() for name in a)


@pytest.mark.parametrize("data", ["digits", "Fashion_MNIST", "some.npz"])
def test_augmentation_can_be_turned_off(command, npz, data, monkeypatch):
    given = {}

    def load_stripes(name, **options):
        from cnnpy.data import load

        return load(npz, seed=options["seed"])

    def fit(model, train, validation, **options):
        given.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr("cnnpy.cli.train.load", load_stripes)
    monkeypatch.setattr("cnnpy.cli.train.fit", fit)
    command("train", data, "--out", "a")
    assert given["augment"] is not None
    command("train", data, "--out", "b", "--no-augment")
    assert given["augment"] is None


def test_a_recipe_gives_its_learning_rate_to_its_own_optimizer_alone():
    recipe = RECIPES["digits"]
    assert recipe.lr_of(recipe.optimizer) == recipe.lr
    assert recipe.lr_of("sgd") == 0.05


def test_there_is_a_recipe_for_each_data_set_and_a_shape_for_each_network():
    assert set(RECIPES) == {*DATASETS, OTHER}
    assert set(INPUT_SHAPES) == set(MODELS)
    for recipe in RECIPES.values():
        assert recipe.optimizer in OPTIMIZERS
        assert recipe.schedule in SCHEDULES
    for name, shape in INPUT_SHAPES.items():
        assert make_model(name, 10).output_shape(shape) == (10,)


def test_a_training_that_goes_astray_says_so(command, npz):
    outcome = command("train", npz, "--epochs", 2, "--lr", "1e12", "--out", "here")
    assert outcome.code == 0
    assert outcome.err == ""
    assert "try a smaller --lr" in outcome.out


def test_the_saved_file_predicts_the_same_bits_in_another_process(trained, stripes, start):
    program = """if True:
        import sys, numpy as np
        from cnnpy.train import load
        images = np.load(sys.argv[2])
        np.save("scores.npy", load(sys.argv[1]).scores(images))
    """
    np.save("images.npy", stripes.images)
    python = start("-c", program, trained / "model.safetensors", "images.npy")
    _, err = python.communicate(timeout=60)
    assert python.returncode == 0, err
    here = load(trained / "model.safetensors").scores(stripes.images)
    assert np.load("scores.npy").tobytes() == here.tobytes()
