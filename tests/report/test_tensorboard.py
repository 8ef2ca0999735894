"""TensorBoard's files, read back record by record as its format says."""

from __future__ import annotations

import io
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnpy.contract.errors import DataError, MissingPackageError, OptionError
from cnnpy.data import Preprocessing
from cnnpy.report import TensorBoard
from cnnpy.train import Classifier, EpochReport, StepReport, fit

from .conftest import bands, small_net

pytest.importorskip("tensorboardX")


def crc32c(data: bytes) -> int:
    """Compute the checksum of Castagnoli, bit by bit, masked as TFRecord masks it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 & -(crc & 1))
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def events(folder: Path) -> Iterator[Any]:
    """Read what stands in the event files of a folder."""
    from tensorboardX.proto.event_pb2 import Event

    for path in folder.glob("events.out.tfevents*"):
        content = path.read_bytes()
        at = 0
        while at < len(content):
            header = content[at : at + 8]
            (size,) = struct.unpack("<Q", header)
            assert struct.unpack("<I", content[at + 8 : at + 12])[0] == crc32c(header)
            yield Event.FromString(content[at + 12 : at + 12 + size])
            at += size + 16


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for event in events(folder):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    held = bands(30, 1)
    follow = TensorBoard(folder, dataset=held, every=2)
    classifier = fit(small_net(), bands(96, 0), held, epochs=2, batch_size=16, callbacks=[follow])
    return folder, classifier


def test_every_number_of_an_epoch_is_written_at_its_epoch(written):
    folder, classifier = written
    found = scalars(folder)
    names = {
        "loss/training": "train_loss", "loss/validation": "validation_loss",
        "accuracy/training": "train_accuracy", "accuracy/validation": "validation_accuracy",
        "epoch/lr": "lr", "epoch/images_per_s": "images_per_s",
    }  # fmt: skip
    for tag, name in names.items():
        want = {r.epoch: np.float32(getattr(r, name)) for r in classifier.history}
        assert {k: np.float32(v) for k, v in found[tag].items()} == want


def test_some_steps_are_written_at_their_number_in_the_run(written):
    folder, classifier = written
    found = scalars(folder)
    assert list(found["step/loss"]) == list(found["step/lr"]) == [2, 4, 6, 8, 10, 12]
    last = classifier.history[-1]
    assert found["step/loss"][12] == pytest.approx(last.train_loss, rel=1e-6)
    assert found["step/accuracy"][12] == pytest.approx(last.train_accuracy, rel=1e-6)


def test_pictures_and_the_layers_of_the_network_are_written(written):
    folder, _ = written
    found = {v.tag: v for event in events(folder) for v in event.summary.value}
    for name in ("filters", "confusion"):
        with Image.open(io.BytesIO(found[name].image.encoded_image_string)) as image:
            image.load()
            assert image.size == (found[name].image.width, found[name].image.height)
            assert min(image.size) > 100
    text = next(v for tag, v in found.items() if tag.startswith("network"))
    assert b"Conv2d(6, 3, padding=1)" in text.tensor.string_val[0]


def test_without_validation_there_is_none(tmp_path):
    follow = TensorBoard(tmp_path)
    fit(small_net(), bands(32, 0), epochs=1, callbacks=[follow])
    found = scalars(tmp_path)
    assert "loss/training" in found
    assert "loss/validation" not in found


def test_what_was_reached_is_on_the_disk_after_each_epoch(tmp_path):
    follow = TensorBoard(tmp_path)
    report = EpochReport(1, 0.1, 2.0, 0.5, 1.0, 0.75, 9.0, 1.0, True)
    follow.on_epoch(report, None)
    assert scalars(tmp_path)["accuracy/validation"] == {1: 0.75}


def test_a_warning_is_written_at_its_step(tmp_path):
    follow = TensorBoard(tmp_path)
    follow.on_step(StepReport(1, 7, 0.1, 16, 2.0, 0.5))
    follow.on_warning("units of relu1 are dead")
    follow.on_end(Classifier(small_net_built(), grey(), ("a", "b", "c")))
    (event,) = [e for e in events(tmp_path) for v in e.summary.value if "warnings" in v.tag]
    assert event.step == 7
    assert event.summary.value[0].tensor.string_val[0] == b"units of relu1 are dead"


def small_net_built():
    model = small_net()
    model.build((1, 12, 10), seed=0)
    return model


def grey() -> Preprocessing:
    return Preprocessing((1, 12, 10), (0.0,), (1.0,))


def test_wrong_words_and_places_are_told(tmp_path):
    with pytest.raises(OptionError, match="every=0"):
        TensorBoard(tmp_path / "a", every=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written to"):
        TensorBoard(tmp_path / "file")


def test_without_tensorboardx_it_is_said_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'cnnpy\[tensorboard\]'"):
        TensorBoard(tmp_path)
    assert not list(tmp_path.iterdir())


def test_runs_that_begin_at_once_have_files_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1.5e9)
    for _ in range(2):
        TensorBoard(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    follow = TensorBoard(tmp_path)

    def full(event):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(follow._events._writer, "write_event", full)
    report = EpochReport(1, 0.1, 2.0, 0.5, 1.0, 0.75, 9.0, 1.0, True)
    with pytest.raises(DataError, match="No space left"):
        follow.on_epoch(report, None)
