"""cnnpy train: what a run leaves behind, and that chance comes from the seed alone."""

from __future__ import annotations

import csv
import re
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnpy.cli.defaults import INPUT_SHAPES
from cnnpy.data import DATASETS, save_npy
from cnnpy.models import MODELS, make_model
from cnnpy.train import load
from cnnpy.train.run_settings import recipe

TIMES = ("images_per_s", "seconds")


def metrics(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def same_numbers(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{n: v for n, v in row.items() if n not in TIMES} for row in rows]


def test_a_run_leaves_its_model_numbers_and_pictures(trained):
    names = {path.name for path in trained.iterdir()}
    assert names == {
        *("run.toml", "metrics.csv", "model.safetensors", "checkpoints"),
        *("curves.png", "filters.png"),
    }
    assert [row["epoch"] for row in metrics(trained)] == ["1", "2", "3", "4"]
    for picture in ("curves.png", "filters.png"):
        with Image.open(trained / picture) as image:
            image.load()
            assert image.width == 1280


def test_the_config_records_what_was_asked_for(trained, npz):
    config = tomllib.loads((trained / "run.toml").read_text())
    asked = {"data": str(npz), "model": "small_cnn", "backend": "native"}
    assert config.items() >= asked.items()
    assert config["training"].items() >= {"epochs": 4, "seed": 3, "optimizer": "adamw"}.items()
    images = config["record"]["images"]
    assert images["n_train"] + images["n_validation"] + images["n_test"] == 60
    assert set(config["record"]["versions"]) == {"cnnpy", "numpy", "python", "machine"}


def test_training_ends_with_the_test_accuracy_and_the_places(command, npz, trained):
    outcome = command("train", npz, "--epochs", 1, "--out", "here")
    assert outcome.code == 0
    assert outcome.err == ""
    accuracy, model, picture, page = outcome.lines[-4:]
    assert re.fullmatch(r"test accuracy: \d{1,3}\.\d\d %", accuracy)
    assert model == "model:   here/model.safetensors"
    assert picture == "picture: here/curves.png"
    assert page == "page:    cnnpy report here"


def test_the_test_accuracy_is_that_of_the_best_model(command, npz):
    outcome = command("train", npz, "--epochs", 3, "--out", "here", "--seed", 1)
    told = outcome.lines[-4].removeprefix("test accuracy: ")
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
    folders = (trained, Path("again"), Path("other"))
    first, again, other = (same_numbers(metrics(folder)) for folder in folders)
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
    given = []

    def load_stripes(name, **options):
        from cnnpy.data import load

        return load(npz, seed=options["seed"])

    def fit(model, train, validation, training, **options):
        given.append(training.augment)
        raise KeyboardInterrupt

    monkeypatch.setattr("cnnpy.cli.train.load", load_stripes)
    monkeypatch.setattr("cnnpy.cli.train.fit", fit)
    for options in ((), ("--augment",), ("--no-augment",), ("--set", "augment=[]")):
        command("train", data, "--out", f"run{len(given)}", *options)
    assert given[0] is not None
    assert given[1:] == [given[0], None, None]


@pytest.mark.parametrize("name", [*DATASETS, "anything else"])
def test_there_is_a_recipe_for_each_data_set_and_for_any_other(name):
    settings = recipe(name)
    assert settings.data == name
    assert settings.training.epochs > 1


def test_there_is_a_shape_for_each_network():
    assert set(INPUT_SHAPES) == set(MODELS)
    for name, shape in INPUT_SHAPES.items():
        assert make_model(name, 10).output_shape(shape) == (10,)


def test_a_recipe_gives_its_learning_rate_to_its_own_optimizer_alone(command, npz):
    Path("mine.toml").write_text("[training]\nlr = 0.5\nweight_decay = 0.1\nepochs = 1")
    for words, optimizer, lr in (
        (("--optimizer", "adamw"), "adamw", 0.5),
        (("--optimizer", "sgd"), "sgd", 0.05),
        (("--set", "optimizer=rmsprop"), "rmsprop", 0.001),
    ):
        options = ("--config", "mine.toml", *words, "--out", optimizer)
        assert command("train", npz, *options, "--epochs", 1).code == 0
        training = tomllib.loads(Path(optimizer, "run.toml").read_text())["training"]
        assert training["lr"] == lr
        assert ("weight_decay" in training) == (optimizer == "adamw")


# --- settings from a file, and back ----------------------------------------------------------


def test_the_settings_of_a_run_do_the_same_again(command, npz, trained):
    outcome = command("train", "--config", trained / "run.toml", "--out", "again")
    assert outcome.code == 0, outcome.err
    assert same_numbers(metrics(trained)) == same_numbers(metrics(Path("again")))


def test_options_go_before_the_file_and_any_option_can_be_set(command, npz, trained):
    outcome = command(
        *("train", "--config", trained / "run.toml", "--out", "here", "--epochs", 2),
        *("--set", "ema_decay=0.9", "--set", "loss=softmax_cross_entropy"),
        *("--set", "class_weights=[1, 2, 1]"),
    )
    assert outcome.code == 0, outcome.err
    assert "besides   class_weights=[1.0, 2.0, 1.0], ema_decay=0.9" in outcome.lines
    training = tomllib.loads(Path("here/run.toml").read_text())["training"]
    assert training.items() >= {"epochs": 2, "seed": 3, "ema_decay": 0.9}.items()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs = 3", ["mine.toml", "put it below [training]"]),
        ("[training]\nepoch = 3", ["use 'epochs'"]),
        ("modell = 'lenet5'", ["use 'model'"]),
        ("model = 'lenet'", ["use model='lenet5'"]),
        ("size = 8", ["use size=[32, 32]"]),
        ("backend = 'cuda'", ["backend='cuda'"]),
        ("[training]\naugment = ['random_flop']", ["random_flip"]),
        ("[training]\nlr = nan", ["lr=nan"]),
        ("[training", ["cannot be read"]),
        (f"[training]\nlr = 1{'0' * 400}", ["lr=1000"]),
        (f"{'data.' * 3000}x = 1", ["data=a dict"]),
        (f"data = '{'x' * 5000}'\nmodel = 3", ["use model="]),
    ],
)
def test_wrong_settings_are_told_with_their_file(command, npz, text, words):
    Path("mine.toml").write_text(text)
    outcome = command("train", npz, "--config", "mine.toml")
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 3
    assert "mine.toml" in outcome.err
    for word in words:
        assert word in outcome.err
    assert not Path("runs").exists()


def test_a_training_that_goes_astray_stops_and_says_where(command, npz):
    outcome = command("train", npz, "--epochs", 2, "--lr", "1e12", "--out", "here")
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 3
    astray = r"(the loss is (nan|inf) at batch|the weights are not finite at step) \d"
    assert re.match(f"TrainingError: training: {astray}", outcome.err)
    assert "use a smaller learning rate (lr=1e+11)" in outcome.err


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
