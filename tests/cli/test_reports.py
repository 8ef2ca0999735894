"""cnnpy report, compare, profile and eval --per-class: what they print and write."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from cnnpy import insight
from cnnpy.data import load
from cnnpy.models import make_model
from cnnpy.train import load as load_model
from cnnpy.train import read_run


def wrong(outcome, error: str, *words: str) -> None:
    """Demand three lines of this error with these words, and no more."""
    assert outcome.code == 2, outcome
    lines = outcome.err.splitlines()
    assert len(lines) == 3, outcome.err
    assert lines[0].startswith(f"{error}: ")
    for word in words:
        assert word in outcome.err
    assert "Traceback" not in outcome.err + outcome.out


@pytest.fixture
def copied(trained: Path) -> Path:
    """Return a copy of a run that a test may change."""
    return Path(shutil.copytree(trained, "run"))


@pytest.fixture(scope="module")
def second(command, npz, tmp_path_factory) -> Path:
    """Return the folder of a run of two epochs without augmentation, with seed 3."""
    folder = tmp_path_factory.mktemp("runs") / "second"
    outcome = command("train", npz, "--epochs", 2, "--seed", 3, "--no-augment", "--out", folder)
    assert outcome.code == 0, outcome.err
    return folder


# --- report ------------------------------------------------------------------------------


def test_a_report_stands_in_the_folder_of_its_run(command, copied, npz):
    outcome = command("report", copied)
    assert outcome.code == 0, outcome.err
    page = (copied / "report.html").read_text()
    result = load_model(copied / "model.safetensors").evaluate(load(npz, seed=3).test)
    assert f"test accuracy {100 * result.accuracy:.2f}\N{NO-BREAK SPACE}%" in page
    assert f"test accuracy: {100 * result.accuracy:.2f} % of 12 images" in outcome.lines
    assert outcome.lines[-1] == f"page:          {copied / 'report.html'}"
    assert max(map(len, outcome.lines)) <= 80
    assert "t training  v validation" in outcome.out
    assert "\x1b" not in outcome.out


def test_a_report_on_another_part_goes_where_it_is_wanted(command, trained, npz):
    outcome = command("report", trained, "--part", "validation", "--out", "here.html")
    assert outcome.code == 0, outcome.err
    assert "On the validation images" in Path("here.html").read_text()
    assert "validation accuracy: " in outcome.out
    assert not (trained / "report.html").exists()
    piped = command("report", trained, "--no-images", "--out", "-")
    assert piped.out.startswith("<!DOCTYPE html>")
    assert piped.out.endswith("</html>\n")
    assert "On the test images" not in piped.out


def test_a_report_measures_on_other_data_where_asked(command, copied, npz):
    shutil.copy(npz, "moved.npz")
    settings = (copied / "run.toml").read_text().replace(str(npz), "gone.npz")
    (copied / "run.toml").write_text(settings)
    outcome = command("report", copied)
    wrong(outcome, "MissingDataError", "gone.npz: no such file", "leave it out: --no-images")
    assert command("report", copied, "--data", "moved.npz").code == 0
    (copied / "run.toml").write_text("")
    wrong(command("report", copied), "OptionError", "name it: --data")
    assert command("report", copied, "--no-images").code == 0


def test_a_report_on_a_folder_of_images_brings_them_to_size(command, pictures):
    outcome = command("train", pictures, "--epochs", 1, "--size", 16, "--out", "run")
    assert outcome.code == 0, outcome.err
    assert read_run("run").size == (16, 16)
    outcome = command("report", "run")
    assert outcome.code == 0, outcome.err
    assert "16, 16" in Path("run/report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ("report nowhere", "MissingDataError", ["nowhere", "no such folder"]),
        ("report .", "DataError", ["no run", "run.toml"]),
        ("report . --part most", "OptionError", ["--part='most'"]),
        ("report", "UsageError", ["RUN"]),
        ("compare", "UsageError", ["RUN"]),
        ("compare a", "OptionError", ["one run", "cnnpy report a"]),
        ("compare a b", "MissingDataError", ["a: there is no such folder"]),
        ("compare a b --html no/c.html", "DataError", ["mkdir -p no"]),
        ("profile lenet", "OptionError", ["did you mean 'lenet5'?"]),
        ("profile lenet5 --batch-size 0", "OptionError", ["--batch-size=0"]),
        ("profile lenet5 --repeats 0", "OptionError", ["--repeats=0"]),
        ("profile lenet5 --input 1,8,8", "ShapeError", ["use --input=1,28,28"]),
        ("profile lenet5 --input 28", "OptionError", ["--input='28'"]),
        ("profile lenet5 --classes 0", "OptionError", ["--classes=0"]),
        ("profile nowhere --classes 3", "OptionError", ["leave --classes out"]),
    ],
)
def test_wrong_words_are_told_in_three_lines(command, arguments, error, words):
    wrong(command(*arguments.split()), error, *words)
    assert not list(Path().iterdir())


def test_a_damaged_run_is_told_and_nothing_is_written(command, copied):
    (copied / "metrics.csv").write_text("epoch,lr\n1")
    wrong(command("report", copied), "DataError", "metrics.csv", "line 1")
    (copied / "metrics.csv").unlink()
    (copied / "model.safetensors").write_bytes(b"no model")
    wrong(command("report", copied), "ModelFileError", "model.safetensors")
    assert not (copied / "report.html").exists()


# --- compare -----------------------------------------------------------------------------


def test_runs_are_compared_by_what_they_reached_and_what_was_set(command, trained, second, npz):
    outcome = command("compare", trained, second, "--test")
    assert outcome.code == 0, outcome.err
    assert max(map(len, outcome.lines)) <= 80
    rows = {line.split()[0]: line.split() for line in outcome.lines if line[:1].isdigit()}
    test = load(npz, seed=3).test
    for number, folder in (("1", trained), ("2", second)):
        record = read_run(folder)
        accuracy = load_model(record.model_path).evaluate(test).accuracy
        best = f"{100 * record.best.validation_accuracy:.2f}"
        assert rows[number][1:4] == [
            folder.name, f"{record.best.epoch}/{len(record.history)}", best,
        ]  # fmt: skip
        assert f"{100 * accuracy:.2f}" in rows[number]
    settings = outcome.out[outcome.out.index("settings that differ") :]
    assert ["epochs", "4", "2"] in [line.split() for line in settings.splitlines()]
    assert "random_shift(pixels=1" in settings
    assert "seed" not in settings


def test_a_comparison_is_a_page_where_asked(command, trained, second):
    outcome = command("compare", trained, second, "--html", "both.html")
    assert outcome.code == 0, outcome.err
    assert outcome.lines[-1] == "page: both.html"
    assert "<h1>2 runs</h1>" in Path("both.html").read_text()
    assert "test" not in outcome.lines[0]
    piped = command("compare", trained, second, "--html", "-")
    assert piped.out == Path("both.html").read_text()


def test_runs_with_the_same_settings_and_the_same_run_twice(command, trained, copied):
    assert "the settings do not differ" in command("compare", trained, copied).out
    wrong(command("compare", copied, "./run/"), "DataError", "given twice")


def test_a_run_that_has_just_begun_can_be_compared(command, trained, copied):
    (copied / "metrics.csv").unlink()
    outcome = command("compare", trained, copied)
    assert outcome.code == 0, outcome.err
    row = next(line for line in outcome.lines if line.startswith("2"))
    assert row.split()[2:] == ["-", "-", "-", "0:00", "-"]


# --- profile -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["small_cnn", "resnet20"])
def test_a_profile_has_a_row_a_layer_and_fits_80_columns(command, name):
    outcome = command(
        "profile", name, "--batch-size", 2, "--repeats", 1, "--input", "3,8,8", "--classes", 4
    )
    assert outcome.code == 0, outcome.err
    assert max(map(len, outcome.lines)) <= 80
    model = make_model(name, 4)
    first = {line.split()[0]: line.split() for line in outcome.lines if line}
    for row in model.summary((3, 8, 8)).rows:
        if row.layer:
            assert first[row.name][1] == "×".join(map(str, row.output_shape))
    assert {"layers", "as", "outputs"} <= first.keys()
    assert outcome.lines[0].startswith(f"{name}, 2 images of 3×8×8, float32")


def test_a_profile_takes_the_folder_of_a_run(command, trained):
    outcome = command("profile", trained, "--repeats", 1, "--batch-size", 1, "--backend", "numpy")
    assert outcome.code == 0, outcome.err
    assert outcome.lines[0].endswith("1 image of 1×8×8, float32, numpy")


# --- eval --per-class --------------------------------------------------------------------


def test_eval_per_class_prints_the_metrics_of_each_class(command, trained, npz):
    outcome = command("eval", trained, npz, "--per-class")
    assert outcome.code == 0, outcome.err
    assert max(map(len, outcome.lines[1:])) <= 80  # behind the paths of the model and the data
    plain = command("eval", trained, npz)
    assert outcome.lines[:5] == plain.lines[:5]
    said = insight.predictions(load_model(trained / "model.safetensors"), load(npz, seed=3).test)
    found = insight.metrics(said.labels, said.probabilities, said.class_names)
    for k, name in enumerate(said.class_names):
        cells = next(line for line in outcome.lines if line.startswith(name)).split()
        assert cells[1] == str(found.support[k])
        assert cells[-1] == f"{found.roc_auc[k]:.4f}"
        shares = [found.precision[k], found.recall[k], found.f1[k]]
        want = ["-" if np.isnan(v) else f"{100 * v:.2f}" for v in shares]
        assert [cell for cell in cells[2:-1] if cell != "%"] == want
    assert any(line.startswith("mean ") for line in outcome.lines)


def test_eval_per_class_of_all_parts_is_that_of_all_images(command, trained, npz, stripes):
    outcome = command("eval", trained, npz, "--per-class", "--part", "all")
    rows = [line.split() for line in outcome.lines]
    assert all([name, "20"] in [row[:2] for row in rows] for name in stripes.class_names)


def test_eval_per_class_measures_the_views_that_are_asked_for(command, trained, npz):
    asked = ("eval", trained, npz, "--per-class", "--views", "flip")
    test = load(npz, seed=3).test
    classifier = load_model(trained / "model.safetensors")
    found = insight.metrics(
        test.labels, classifier.predict_proba(test.images, views="flip"), test.class_names
    )
    rows = [line.split() for line in command(*asked).lines]
    for name, area in zip(test.class_names, found.roc_auc, strict=True):
        assert next(row for row in rows if row[:1] == [name])[-1] == f"{area:.4f}"


def test_eval_per_class_without_scikit_learn_says_what_is_missing(
    command, trained, npz, monkeypatch
):
    for module in ("cnnpy.insight.metrics", "cnnpy.cli.evaluate"):
        monkeypatch.setattr(sys.modules[module], "find_spec", lambda name: None)
    outcome = command("eval", trained, npz, "--per-class")
    assert outcome.code == 0, outcome.err
    assert "ROC AUC needs scikit-learn: pip install 'cnnpy[sklearn]'" in outcome.lines
    assert next(line for line in outcome.lines if line.startswith("mean ")).endswith(" -")
