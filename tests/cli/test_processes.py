"""The command as a process: signals, pipes, terminals, and an install without the extra."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from cnnpy.train import load

TIMEOUT_S = 120
EXTRA = ("typer", "rich", "PIL", "matplotlib")


def without(*modules: str) -> str:
    """Return a program that runs the command where some modules are not installed."""
    blocked = "".join(f"sys.modules[{name!r}] = None; " for name in modules)
    return f"import sys; {blocked}from cnnpy.cli import main; sys.exit(main())"


def default_interrupt() -> None:
    """Undo what a shell does to the jobs that it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("number", "word", "code"),
    [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143)],
)
def test_a_signal_ends_with_one_line_that_says_how_to_go_on(start, npz, number, word, code):
    training = start(*("-m", "cnnpy", "train", npz, "--epochs", 5000), preexec_fn=default_interrupt)
    for line in training.stdout:
        if line.strip().startswith("2/5000"):
            break
    training.send_signal(number)
    _, err = training.communicate(timeout=TIMEOUT_S)
    assert training.returncode == code
    folder = Path("runs/stripes-small_cnn")
    steps = r"after \d+ epochs( and \d steps?)?"
    assert re.fullmatch(rf"{word} {steps}; go on with it: cnnpy train --resume {folder}\n", err), (
        err
    )
    load(folder / "model.safetensors")
    names = {path.name for path in folder.iterdir()}
    assert names == {"run.toml", "metrics.csv", "model.safetensors", "checkpoints"}
    assert all(path.name[0] != "." for path in (folder / "checkpoints").iterdir())


def test_a_signal_before_anything_is_saved_says_so(command, npz, monkeypatch):
    def fit(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("cnnpy.cli.train.fit", fit)
    outcome = command("train", npz)
    assert outcome.code == 130
    assert outcome.err == "interrupted: nothing was saved yet\n"


def test_without_the_extra_the_command_says_so_in_one_line(start):
    for missing in (EXTRA, ("matplotlib",)):
        python = start("-c", without(*missing))
        out, err = python.communicate(timeout=TIMEOUT_S)
        assert (python.returncode, out) == (2, "")
        assert len(err.splitlines()) == 1
        assert err.rstrip().endswith("pip install 'cnnpy[cli]'")
        assert ("typer" in err) == ("typer" in missing)
        assert "matplotlib" in err


def test_a_reader_that_has_had_enough_ends_the_command_quietly(start):
    python = start("-m", "cnnpy", "info", "--ops")
    python.stdout.close()
    assert python.stderr.read() == ""
    python.stderr.close()
    assert python.wait(timeout=TIMEOUT_S) == 128 + signal.SIGPIPE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_below_the_output_is_told(start):
    with Path("/dev/full").open("w") as full:
        python = start("-m", "cnnpy", "info", stdout=full)
        _, err = python.communicate(timeout=TIMEOUT_S)
    assert python.returncode == 1
    assert len(err.splitlines()) == 3
    assert err.startswith("OSError: ")


def on_a_terminal(start, *arguments: object, env: dict[str, str]) -> str:
    """Return what a command writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    python = start(*arguments, stdout=theirs, stderr=subprocess.PIPE, env=env)
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 65536):
            written += part
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    _, err = python.communicate(timeout=TIMEOUT_S)
    assert python.returncode == 0, err
    return written.decode()


def test_a_terminal_shows_each_step_within_80_columns(start, npz):
    shutil.copy(npz, "stripes.npz")
    written = on_a_terminal(
        *(start, "-m", "cnnpy", "train", "stripes.npz", "--epochs", 4, "--batch-size", 1), env={}
    )
    assert re.search(r"epoch 1/4 .*loss .*images/s.* left", written)
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h")  # the cursor is back
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written)
    assert max(map(len, re.split(r"[\r\n]+", plain))) <= 80
    assert re.search(r"^test accuracy: \d+\.\d\d %\r$", plain, re.MULTILINE)


def test_a_terminal_of_someone_who_wants_no_colour_gets_text_alone(start, npz):
    written = on_a_terminal(
        start, "-m", "cnnpy", "train", npz, "--epochs", 1, env={"NO_COLOR": "1"}
    )
    assert "\x1b" not in written
    assert "test accuracy: " in written


LAYERS = """
import numpy as np

def relu_forward(x):
    return np.maximum(x, 0), x

def relu_backward(dout, cache):
    return dout * (cache > 0)
"""


def test_a_terminal_shows_what_is_tried_and_nothing_of_it_stays(start):
    Path("layers.py").write_text(LAYERS)
    written = on_a_terminal(start, "-m", "cnnpy", "check", "layers.py", "--quick", env={})
    assert "trying relu_forward" in written
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h") == 1
    assert written.index("1 implementation") > written.rindex("trying relu_forward")


def test_a_terminal_shows_how_many_submissions_are_done(start):
    Path("class").mkdir()
    for name in "ab":
        Path(f"class/{name}.py").write_text(LAYERS)
    options = ("check", "class", "--quick", "--csv", "t.csv")
    written = on_a_terminal(start, "-m", "cnnpy", *options, env={})
    assert re.search(r"0/2.* submissions", written)
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h") == 1
    assert "2 submissions: 2 right, 0 wrong, 0 could not be run" in written
    plain = on_a_terminal(start, "-m", "cnnpy", *options, env={"NO_COLOR": "1"})
    assert "\x1b" not in plain
    assert "a.py: right" in plain
