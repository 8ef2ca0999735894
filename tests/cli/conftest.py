"""The command in this process and in another, and small data that it learns in a second."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cnnpy
from cnnpy.cli.app import run
from cnnpy.data import Dataset, save_npz

CLASSES = ("top", "mid[dle]", "세번째")


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture(scope="session")
def command() -> Callable[..., Outcome]:
    """Run the command in this process."""

    def call(*arguments: object) -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run([str(argument) for argument in arguments])
        return Outcome(code, out.getvalue(), err.getvalue())

    return call


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start the command, or Python itself, as a process of its own in the test's folder."""

    def begin(*arguments: object, **options: Any) -> subprocess.Popen[str]:
        environment = os.environ | {
            "PYTHONPATH": str(Path(cnnpy.__file__).parents[1]),
            "OPENBLAS_NUM_THREADS": "1",
            "PYTHONIOENCODING": "utf-8",
        }
        environment |= options.pop("env", {})
        defaults: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            text=True,
            encoding="utf-8",
            **defaults | options,
        )

    return begin


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take away what the caller's terminal says, and go to a folder of the test's own."""
    for name in ("NO_COLOR", "FORCE_COLOR", "CNNPY_DEBUG", "CNNPY_DATA", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def stripes() -> Dataset:
    """Return 60 images of 8x8, bright in one of three bands."""
    rng = np.random.default_rng(7)
    labels = np.arange(60) % 3
    images = rng.integers(0, 60, (60, 1, 8, 8)).astype(np.uint8)
    for k in range(3):
        images[labels == k, :, 2 * k + 1 : 2 * k + 3] += 180
    return Dataset(images, labels, CLASSES, name="stripes")


@pytest.fixture(scope="session")
def npz(stripes: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the stripes in an .npz file."""
    path = tmp_path_factory.mktemp("data") / "stripes.npz"
    save_npz(path, stripes)
    return path


@pytest.fixture(scope="session")
def pictures(stripes: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the stripes as a folder of PNG files."""
    top = tmp_path_factory.mktemp("pictures")
    for k, (image, label) in enumerate(zip(stripes.images, stripes.labels, strict=True)):
        folder = top / f"{label}"
        folder.mkdir(exist_ok=True)
        Image.fromarray(image[0]).save(folder / f"{k}.png")
    return top


@pytest.fixture(scope="session")
def trained(
    command: Callable[..., Outcome], npz: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the folder of a run of four epochs on the stripes, with seed 3."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    outcome = command("train", npz, "--epochs", 4, "--seed", 3, "--out", folder)
    assert outcome.code == 0, outcome.err
    return folder
