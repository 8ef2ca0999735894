"""cnnpy train --check, --find-lr and --tensorboard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from cnnpy import nn


def test_a_network_that_can_learn_is_checked_and_then_trained(command, npz):
    outcome = command("train", npz, "--epochs", 1, "--check", "--out", "here")
    assert outcome.code == 0, outcome.err
    assert outcome.lines[0].startswith("check     gradients agree with differences")
    assert re.fullmatch(r"check     32 images are learned by heart in \d+ steps", outcome.lines[1])
    assert Path("here/model.safetensors").exists()


def test_a_network_that_cannot_learn_is_not_trained(command, npz, monkeypatch):
    def blind(name, n_classes):
        return nn.Sequential(nn.GlobalAvgPool2d(), nn.Flatten(), nn.Linear(n_classes))

    monkeypatch.setattr("cnnpy.cli.train.make_model", blind)
    outcome = command("train", npz, "--epochs", 1, "--check", "--lr", 1e-7, "--out", "here")
    assert outcome.code == 2
    assert "CHECK     32 images are not learned by heart" in outcome.out
    assert len(outcome.err.splitlines()) == 3
    assert not Path("here").exists()


def test_the_learning_rate_is_looked_for_and_drawn(command, npz):
    outcome = command("train", npz, "--batch-size", 4, "--find-lr", "--out", "here")
    assert outcome.code == 0, outcome.err
    assert re.fullmatch(r"suggested: --lr=[0-9.e-]+", outcome.lines[1])
    assert {path.name for path in Path("here").iterdir()} == {"lr.png"}
    with Image.open("here/lr.png") as image:
        image.load()
        assert image.width == 960


def test_files_for_tensorboard_are_written_beside(command, npz):
    pytest.importorskip("tensorboardX")
    assert command("train", npz, "--epochs", 1, "--tensorboard", "--out", "here").code == 0
    assert list(Path("here/tensorboard").glob("events*"))
