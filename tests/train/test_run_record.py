"""The record of a run: what its folder tells, and what is no run's is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnpy.contract.errors import CnnpyError, DataError, MissingDataError
from cnnpy.train import EpochReport, RunFolder, Training, fit, read_metrics, read_run
from cnnpy.train.run_settings import RunSettings

from .conftest import corners, tiny_cnn

SETTINGS = 'data = "digits"\nsize = [8, 9]\n[training]\nseed = 3\n'
HEADER = "epoch,lr,train_loss,train_accuracy,validation_loss,validation_accuracy,images_per_s,"
HEADER += "seconds,best\n"
ROW = "1,0.1,2.0,0.5,2.0,0.5,900.0,1.5,True\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.toml").write_text(SETTINGS)
    (tmp_path / "run" / "metrics.csv").write_text(HEADER + ROW)
    return tmp_path / "run"


def test_a_record_holds_what_the_run_wrote(tmp_path):
    settings = RunSettings("corners", training=Training(epochs=3, seed=5))
    written = RunFolder(tmp_path / "run", settings)
    classifier = fit(
        tiny_cnn(), corners(64, 0), corners(16, 1), settings.training, callbacks=[written]
    )
    record = read_run(tmp_path / "run")
    assert record.history == classifier.history
    assert record.config["record"]["versions"].keys() >= {"cnnpy", "numpy"}
    assert record.config["training"]["epochs"] == 3
    assert (record.name, record.data, record.seed, record.size) == ("run", "corners", 5, None)
    assert record.model_path == written.model_path
    assert record.best == [report for report in classifier.history if report.best][-1]
    assert record.seconds == sum(report.seconds for report in classifier.history)


def test_a_run_before_its_first_epoch_has_an_empty_history(folder):
    for content in (HEADER, ""):
        (folder / "metrics.csv").write_text(content)
        record = read_run(folder)
        assert (record.history, record.best, record.seconds) == ([], None, 0)
    (folder / "metrics.csv").unlink()
    assert read_run(folder).history == []
    assert read_run(folder).size == (8, 9)


def test_settings_of_another_kind_are_taken_for_none(folder):
    for training in ('seed = "x"', "seed = -1", "seed = true", ""):
        text = f"data = 3\nsize = [1, 2, 3]\n[training]\n{training}"
        (folder / "run.toml").write_text(text)
        record = read_run(folder)
        assert (record.data, record.seed, record.size) == (None, 0, None)
    (folder / "run.toml").write_text("training = 7")
    assert read_run(folder).seed == 0


def test_what_is_no_run_is_told_with_the_run_that_may_be_meant(folder):
    with pytest.raises(MissingDataError, match="no such folder"):
        read_run(folder / "nowhere")
    with pytest.raises(MissingDataError, match=r"to mend:  use .*run$"):
        read_run(folder / "metrics.csv")
    with pytest.raises(DataError, match=r"no run: .*\n.*\n  to mend:  use .*/run$"):
        read_run(folder.parent)
    (folder / "run.toml").unlink()
    with pytest.raises(DataError, match="give a folder that cnnpy train made"):
        read_run(folder)


def test_a_line_that_was_cut_off_is_named(folder):
    path = folder / "metrics.csv"
    path.write_text(HEADER + ROW + "2,0.1,1.9")
    with pytest.raises(DataError, match=r"line 3 is no epoch: '2,0.1,1.9'") as caught:
        read_run(folder)
    assert caught.value.mend.startswith("it was cut off: ")
    assert caught.value.mend.endswith("delete line 3")
    path.write_text(HEADER + "1,0.1\n" + ROW)
    with pytest.raises(DataError, match="line 2") as caught:
        read_run(folder)
    assert "cut off" not in caught.value.mend


@pytest.mark.parametrize(
    "config", ["{", "data", "a = 7\na = 8", "\x00", "a = " + "[" * 100_000, "#" * ((1 << 20) + 1)]
)
def test_damaged_settings_are_told(folder, config):
    (folder / "run.toml").write_text(config)
    with pytest.raises(DataError, match=r"run\.toml: cannot be read"):
        read_run(folder)


@given(content=st.binary(max_size=200), where=st.sampled_from(["run.toml", "metrics.csv"]))
def test_whatever_bytes_a_folder_has_it_is_read_or_refused_in_words(
    tmp_path_factory, content, where
):
    folder = tmp_path_factory.mktemp("run")
    (folder / "run.toml").write_text("")
    (folder / where).write_bytes(content)
    try:
        record = read_run(folder)
    except CnnpyError as error:
        assert where in str(error)
    else:
        assert isinstance(record.config, dict)


def test_epochs_go_to_a_file_and_back(tmp_path):
    report = EpochReport(1, 0.5, 2.0, 0.25, float("inf"), 0.5, 1e5, 0.125, True)
    path = tmp_path / "metrics.csv"
    path.write_text(HEADER + ",".join(map(str, vars(report).values())) + "\n")
    assert read_metrics(path) == (report,)
