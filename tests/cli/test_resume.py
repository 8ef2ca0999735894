"""cnnpy train --resume: a run that was killed ends as one that was not."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from cnnpy.train import Checkpoints

from .test_train import metrics, same_numbers

OPTIONS = ("--epochs", 6, "--batch-size", 4, "--set", "ema_decay=0.9", "--checkpoint-every", 0)


def weights(folder: Path) -> dict[str, bytes]:
    state = load_file(folder / "model.safetensors")
    return {name: array.tobytes() for name, array in state.items()}


def stands(folder: Path) -> dict[tuple[str, str], bytes]:
    """Return where the run stands at its end: weights, optimizer, averages, the best."""
    snapshot = Checkpoints(folder / "checkpoints").last(print)
    return {
        (part, name): array.tobytes()
        for part, state in snapshot.arrays.items()
        for name, array in state.items()
    }


@pytest.fixture(scope="module")
def whole(command, npz, tmp_path_factory) -> Path:
    """Return the folder of a run that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert command("train", npz, "--out", folder, *OPTIONS).code == 0
    end = stands(folder)
    assert {part for part, _ in end} == {"model", "optimizer", "best", "average"}
    assert end["model", "conv1.weight"] != end["average", "conv1.weight"]
    return folder


def test_a_run_that_is_killed_at_any_moment_ends_with_the_same_bits(
    start, npz, whole, profile, log_met
):
    """A few moments by default; ``--profile slow`` draws fifty."""

    def train(*options: object) -> None:
        training = start("-m", "cnnpy", "train", *options)
        _, err = training.communicate()
        assert training.returncode == 0, err

    n = 50 if profile == "slow" else 3
    began = time.monotonic()
    train(npz, "--out", "timed", *OPTIONS)
    wall_s = time.monotonic() - began
    draw = random.Random(5)
    killed_writing = 0
    for k in range(n):
        training = start("-m", "cnnpy", "train", npz, "--out", f"run{k}", *OPTIONS)
        try:
            training.communicate(timeout=draw.uniform(0, wall_s))
        except subprocess.TimeoutExpired:
            training.kill()
            training.communicate()
        killed_writing += bool(list(Path().glob(f"run{k}/**/.*.part")))
        if not Path(f"run{k}/run.toml").exists():  # before it had begun
            shutil.rmtree(f"run{k}", ignore_errors=True)
            train(npz, "--out", f"run{k}", *OPTIONS)
        warned: list[str] = []
        if Checkpoints(f"run{k}/checkpoints").paths():
            Checkpoints(f"run{k}/checkpoints").last(warned.append)
        assert warned == []
        train("--resume", f"run{k}")
        assert weights(Path(f"run{k}")) == weights(whole), k
        assert stands(Path(f"run{k}")) == stands(whole), k
        assert same_numbers(metrics(Path(f"run{k}"))) == same_numbers(metrics(whole))
        assert not list(Path(f"run{k}").glob("**/.*"))
        shutil.rmtree(f"run{k}")
    log_met(f"killed at {n} moments within {wall_s:.1f} s, {killed_writing} of them in a write")


def test_a_run_that_is_over_says_so_and_what_it_reached(command, whole):
    shutil.copytree(whole, "run")
    outcome = command("train", "--resume", "run")
    assert outcome.code == 0
    assert "the run was over; nothing is left to train" in outcome.lines
    assert outcome.lines[-4].startswith("test accuracy: ")


def test_data_that_moved_is_found_where_it_is_told_to_be(command, whole, npz, stripes):
    shutil.copytree(whole, "run")
    shutil.copy(npz, "moved.npz")
    assert command("train", "moved.npz", "--resume", "run").code == 0
    from cnnpy.data import save_npz

    save_npz("other.npz", stripes.subset(range(30)))
    outcome = command("train", "other.npz", "--resume", "run")
    assert outcome.code == 2
    assert "the checkpoint is of another run: its training data length" in outcome.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--epochs", 9), ["--resume with --epochs", "leave --epochs out"]),
        (("--config", "a.toml"), ["--resume with --config"]),
        (("--out", "there"), ["--resume with --out"]),
        (("--set", "lr=1"), ["--resume with --set"]),
        (("--check",), ["--resume with --check"]),
        (("--find-lr",), ["--resume with --find-lr"]),
    ],
)
def test_settings_beside_a_run_are_refused(command, whole, options, words):
    outcome = command("train", "--resume", whole, *options)
    assert outcome.code == 2
    for word in words:
        assert word in outcome.err


def test_a_folder_that_is_no_run_is_told(command):
    Path("empty").mkdir()
    for folder in ("empty", "nowhere"):
        outcome = command("train", "--resume", folder)
        assert outcome.code == 2
        assert len(outcome.err.splitlines()) == 3
        assert folder in outcome.err


def test_settings_that_were_changed_are_told(command, whole):
    shutil.copytree(whole, "run")
    text = Path("run/run.toml").read_text()
    Path("run/run.toml").write_text(text.replace("batch_size = 4", "batch_size = 5"))
    outcome = command("train", "--resume", "run")
    assert outcome.code == 2
    assert "its training batch_size is 4, here it is 5" in outcome.err


def test_two_processes_do_not_train_in_one_folder(command, whole):
    shutil.copytree(whole, "run")
    handle = os.open("run/checkpoints", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        outcome = command("train", "--resume", "run")
    finally:
        os.close(handle)
    assert outcome.code == 2
    assert "another process is training there" in outcome.err


def test_a_damaged_checkpoint_is_told_and_passed_over(command, whole):
    shutil.copytree(whole, "run")
    last = Checkpoints("run/checkpoints").paths()[0]
    last.write_bytes(last.read_bytes()[:-7])
    outcome = command("train", "--resume", "run")
    assert outcome.code == 0, outcome.err
    assert any(line.startswith(f"! {last} is passed over") for line in outcome.lines)
    assert weights(Path("run")) == weights(whole)
