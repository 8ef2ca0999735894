"""Wrong input: three lines, exit code 2, no traceback, and nothing written or overwritten."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnpy.data import Dataset, save_npy, save_npz


def wrong(outcome, error: str, *words: str) -> None:
    """Demand three lines of this error with these words, and no more."""
    assert outcome.code == 2, outcome
    lines = outcome.err.splitlines()
    assert len(lines) == 3, outcome.err
    assert lines[0].startswith(f"{error}: ")
    assert lines[1].startswith("  expected: ")
    assert lines[2].startswith("  to mend:  ")
    for word in words:
        assert word in outcome.err
    assert "Traceback" not in outcome.err + outcome.out
    assert "\x1b" not in outcome.err + outcome.out


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ("train digts", "MissingDataError", ["'digts'", "did you mean 'digits'?"]),
        ("train no/such/folder", "MissingDataError", ["'no/such/folder'"]),
        ("train data.txt", "DataError", ["data.txt", ".npz"]),
        ("train digits --epochs 0", "OptionError", ["--epochs=0", "use --epochs=1"]),
        ("train digits --batch-size 0", "OptionError", ["--batch-size=0"]),
        ("train digits --lr -1", "OptionError", ["--lr=-1", "above 0"]),
        ("train digits --lr 0", "OptionError", ["--lr=0"]),
        ("train digits --lr nan", "OptionError", ["--lr=nan"]),
        ("train digits --lr inf --optimizer sgd", "OptionError", ["use --lr=0.05"]),
        ("train digits --weight-decay -0.5", "OptionError", ["--weight-decay=-0.5"]),
        ("train digits --seed -1", "OptionError", ["--seed=-1"]),
        ("train digits --model resnet", "OptionError", ["'resnet'", "'resnet20'"]),
        ("train digits --optimizer adamm", "OptionError", ["use --optimizer='adam"]),
        ("train digits --schedule cos", "OptionError", ["use --schedule='cosine'"]),
        ("train digits --backend cuda", "BackendError", ["--backend='cuda'", "numpy"]),
        ("train digits --size 0", "OptionError", ["--size='0'"]),
        ("train digits --size 8,8,8", "OptionError", ["--size='8,8,8'"]),
        ("train digits --size 8", "OptionError", ["leave size out"]),
        ("train digits --model lenet5", "ShapeError", ["1×8×8", "use --model=small_cnn"]),
        ("train digits --epochs many", "UsageError", ["--epochs", "--help"]),
        ("train digits --epoch 3", "UsageError", ["--epoch", "use --epochs"]),
        ("train digits more", "UsageError", ["more"]),
        ("trian", "UsageError", ["trian", "train"]),
        ("eval", "UsageError", ["MODEL"]),
        ("eval nowhere digits", "ModelFileError", ["nowhere", "no such file"]),
        ("eval . digits", "ModelFileError", ["a folder"]),
        ("eval data.txt digits", "ModelFileError", ["data.txt"]),
        ("eval nowhere digits --part most", "OptionError", ["--part='most'"]),
        ("eval nowhere digits --seed -1", "OptionError", ["--seed=-1"]),
        ("predict nowhere", "UsageError", ["IMAGE"]),
        ("predict nowhere a.png --top 0", "OptionError", ["--top=0"]),
        ("summary lenet", "OptionError", ["'lenet'", "did you mean 'lenet5'?"]),
        ("summary lenet5 --input 28,28", "OptionError", ["--input='28,28'"]),
        ("summary lenet5 --input 1,x,3", "OptionError", ["--input='1,x,3'"]),
        ("summary lenet5 --input 1,8,8", "ShapeError", ["lenet5", "use --input=1,28,28"]),
        ("summary lenet5 --classes 0", "OptionError", ["--classes=0"]),
    ],
)
def test_wrong_words_are_told_in_three_lines(command, arguments, error, words):
    Path("data.txt").write_text("no model and no data")
    wrong(command(*arguments.split()), error, *words)
    assert [path.name for path in Path().iterdir()] == ["data.txt"]


def test_an_unknown_backend_in_the_environment_is_told(command, npz, monkeypatch):
    monkeypatch.setenv("CNNPY_BACKEND", "gpu")
    wrong(command("train", npz), "BackendError", "CNNPY_BACKEND", "'gpu'")


# --- data --------------------------------------------------------------------------------


def test_a_truncated_image_is_named(command, pictures):
    shutil.copytree(pictures, "pics")
    image = next(Path("pics/1").iterdir())
    image.write_bytes(image.read_bytes()[:60])
    wrong(command("train", "pics"), "DataError", str(image))
    assert not Path("runs").exists()


def test_an_empty_class_is_named(command, pictures):
    shutil.copytree(pictures, "pics")
    Path("pics/9").mkdir()
    wrong(command("train", "pics"), "DataError", "pics/9", "no images")


def test_images_too_small_for_the_network_are_told_before_a_folder_is_made(command, pictures):
    outcome = command("train", pictures, "--model", "lenet5", "--out", "here")
    wrong(outcome, "ShapeError", "lenet5 does not fit", "--size=16", "--model=small_cnn")
    assert not Path("here").exists()


def test_a_damaged_npz_is_told(command, npz):
    Path("cut.npz").write_bytes(npz.read_bytes()[:-500])
    wrong(command("train", "cut.npz"), "DataError", "cut.npz")


def test_damaged_arrays_in_a_folder_are_told(command, trained, stripes):
    save_npy("arrays", stripes)
    whole = Path("arrays/images.npy").read_bytes()
    Path("arrays/images.npy").write_bytes(whole[:-9])
    wrong(command("train", "arrays"), "DataError", "arrays/images.npy", "is truncated")
    Path("arrays/images.npy").write_bytes(whole[:20])
    wrong(command("eval", trained, "arrays"), "DataError", "arrays/images.npy", "damaged")
    Path("arrays/images.npy").write_bytes(whole)
    wrong(command("train", "arrays", "--size", "9"), "OptionError", "size=(9, 9)", "(8, 8)")
    Path("arrays/labels.npy").unlink()
    wrong(command("train", "arrays"), "MissingDataError", "arrays/labels.npy")
    assert not Path("runs").exists()


def test_other_classes_and_other_shapes_are_told(command, trained, stripes):
    a, b, _ = stripes.class_names
    save_npz("other.npz", Dataset(stripes.images, stripes.labels, (a, b, "else")))
    wrong(command("eval", trained, "other.npz"), "DataError", "else", "mid[dle]")
    larger = np.pad(stripes.images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    save_npz("larger.npz", Dataset(larger, stripes.labels, stripes.class_names))
    wrong(command("eval", trained, "larger.npz"), "ShapeError", "(1, 8, 8)")


# --- models and runs ---------------------------------------------------------------------


def test_views_that_have_no_name_are_told(command, trained, npz):
    wrong(command("eval", trained, npz, "--views", "flips"), "OptionError", "use --views='flip'")
    wrong(command("predict", trained, "a.png", "--views", ""), "OptionError", "--views=''")


@pytest.mark.parametrize("n_bytes", [0, 5, 100, -10])
def test_a_cut_model_file_is_told(command, trained, npz, n_bytes):
    Path("cut").write_bytes((trained / "model.safetensors").read_bytes()[:n_bytes])
    wrong(command("eval", "cut", npz), "ModelFileError", "cut")
    wrong(command("summary", "cut"), "ModelFileError", "cut")


def test_a_damaged_model_file_is_told(command, trained, npz):
    content = bytearray((trained / "model.safetensors").read_bytes())
    content[200:220] = bytes(20)
    Path("bad").write_bytes(content)
    Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save("a.png")
    wrong(command("predict", "bad", "a.png"), "ModelFileError", "bad")


def test_a_safetensors_file_of_others_is_told(command, npz):
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3, dtype=np.float32)}, "theirs.safetensors")
    wrong(command("eval", "theirs.safetensors", npz), "ModelFileError", "format None")


@pytest.mark.parametrize(
    "config",
    [
        *("{", "[]", "", "[training]", "training = 3", "\x00", "9" * 5000, "#" * 2**21),
        *(f"[training]\nseed = {seed}" for seed in ('"0"', "-1", "true", "1979-05-27")),
    ],
)
def test_a_damaged_run_folder_is_told_and_the_seed_mends_it(command, trained, npz, config):
    shutil.copytree(trained, "run")
    Path("run/run.toml").write_text(config)
    wrong(command("eval", "run", npz), "DataError", "run/run.toml", "--seed 0")
    assert command("eval", "run", npz, "--seed", 3).code == 0


def test_a_config_that_cannot_be_read_is_told(command, trained, npz):
    shutil.copytree(trained, "run")
    Path("run/run.toml").unlink()
    Path("run/run.toml").mkdir()
    wrong(command("eval", "run", npz), "DataError", "run/run.toml")


def test_nothing_is_overwritten(command, npz, trained):
    Path("here").mkdir()
    Path("here/thesis.txt").write_text("all there is")
    wrong(command("train", npz, "--out", "here"), "OptionError", "here-2", "overwritten")
    assert [path.name for path in Path("here").iterdir()] == ["thesis.txt"]
    assert Path("here/thesis.txt").read_text() == "all there is"
    wrong(command("train", npz, "--out", "here/thesis.txt"), "OptionError", "something already")
    before = {path: path.read_bytes() for path in trained.rglob("*.*")}
    wrong(command("train", npz, "--out", trained), "OptionError", "something already")
    assert {path: path.read_bytes() for path in trained.rglob("*.*")} == before


def test_a_place_where_no_folder_can_be_made_is_told(command, npz):
    Path("file").touch()
    wrong(command("train", npz, "--out", "file/run"), "OptionError", "cannot be made")


def test_classes_of_a_model_file_are_its_own(command, trained):
    wrong(command("summary", trained, "--classes", 3), "OptionError", "leave --classes out")
    wrong(command("summary", trained, "--input", "1,30,30"), "ShapeError", "--input=1,8,8")


# --- what nobody expects -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            MemoryError("Unable to allocate 9 TiB"),
            ["MemoryError: Unable to allocate", "batch-size"],
        ),
        (OSError(28, "No space left on device", "x.csv"), ["OSError: x.csv: No space left", "df"]),
        (RuntimeError("a\nb [red]"), ["RuntimeError: a b [red]", "CNNPY_DEBUG=1"]),
        (RecursionError(), ["RecursionError: no reason given"]),
    ],
)
def test_what_the_system_or_cnnpy_is_at_fault_for_is_told_too(command, monkeypatch, error, words):
    def fail(*arguments):
        raise error

    monkeypatch.setattr("cnnpy.cli.network.make_model", fail)
    outcome = command("summary", "lenet5")
    assert outcome.code == 1
    assert len(outcome.err.splitlines()) == 3
    for word in words:
        assert word in outcome.err
    assert "Traceback" not in outcome.err
    monkeypatch.setenv("CNNPY_DEBUG", "1")
    outcome = command("summary", "lenet5")
    assert "Traceback" in outcome.err
    assert outcome.err.splitlines()[-3].startswith(type(error).__name__)


def test_names_from_a_model_file_cannot_write_to_the_terminal(command, trained, npz):
    from cnnpy.train import load

    classifier = load(trained / "model.safetensors")
    classifier.class_names = ("\x1b[31mred", "a\nb", "c")
    classifier.save("evil.safetensors")
    Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save("a.png")
    outcome = command("predict", "evil.safetensors", "a.png", "--top", 3)
    assert "\x1b" not in outcome.out + outcome.err
    assert len(outcome.lines) <= 1
