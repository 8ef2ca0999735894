"""The folder of a run: what is in it, and that nothing is overwritten."""

from __future__ import annotations

import csv
import tomllib

import pytest

from cnnpy.contract import OptionError
from cnnpy.train import Callback, RunFolder, Training, fit, load
from cnnpy.train.run_folder import new_folder
from cnnpy.train.run_settings import RunSettings

from .conftest import corners, tiny_cnn


def test_a_run_folder_holds_configuration_metrics_and_the_best_model(tmp_path):
    settings = RunSettings("digits", training=Training(epochs=3, seed=3))
    folder = RunFolder(tmp_path / "run", settings, {"words": "für später"})
    classifier = fit(
        tiny_cnn(), corners(64, 0), corners(16, 1), settings.training, callbacks=[folder]
    )
    config = tomllib.loads((folder.path / "run.toml").read_text(encoding="utf-8"))
    assert config["training"]["seed"] == 3
    assert config["record"]["words"] == "für später"
    assert set(config["record"]["versions"]) == {"cnnpy", "numpy", "python", "machine"}
    assert RunSettings.from_file(folder.path / "run.toml") == settings
    rows = list(csv.DictReader(folder.metrics_path.read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    for row, report in zip(rows, classifier.history, strict=True):
        assert float(row["validation_accuracy"]) == report.validation_accuracy
        assert row["best"] == str(report.best)
    images = corners(20, 2).images
    assert (load(folder.model_path).scores(images) == classifier.scores(images)).all()


def test_what_was_reached_before_an_interruption_is_there(tmp_path):
    class Interrupt(Callback):
        def on_step(self, report):
            if report.epoch == 2:
                raise KeyboardInterrupt

    folder = RunFolder(tmp_path / "run", RunSettings())
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_cnn(), corners(64, 0), epochs=3, callbacks=[folder, Interrupt()])
    assert len(list(csv.DictReader(folder.metrics_path.read_text().splitlines()))) == 1
    assert load(folder.model_path).class_names == ("a", "b", "c", "d")


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work")
    with pytest.raises(OptionError, match="nothing is overwritten") as caught:
        RunFolder(tmp_path / "run", RunSettings())
    assert str(tmp_path / "run-2") in str(caught.value)
    with pytest.raises(OptionError):
        RunFolder(tmp_path / "run" / "thesis.txt", RunSettings())
    assert (tmp_path / "run" / "thesis.txt").read_text() == "years of work"


def test_a_new_folder_has_a_name_that_is_free(tmp_path):
    assert new_folder(tmp_path, "digits").name == "digits"
    for name in ("digits", "digits-2"):
        (tmp_path / name).mkdir()
    assert new_folder(tmp_path, "digits").name == "digits-3"
