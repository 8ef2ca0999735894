"""cnnpy eval, predict, summary and info: what they print."""

from __future__ import annotations

import importlib.util
import os
import platform
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnpy
from cnnpy.backends import registry
from cnnpy.backends.registry import BACKENDS, resolve
from cnnpy.contract.ops import OPS
from cnnpy.data import Preprocessing, digits, load, read_image
from cnnpy.models import MODELS, make_model
from cnnpy.train import Classifier
from cnnpy.train import load as load_model

needs_engine = pytest.mark.skipif(
    importlib.util.find_spec("cnnpy.backends.native._native") is None,
    reason="the compiled engine is not in this install",
)

# --- eval --------------------------------------------------------------------------------


def test_eval_looks_at_the_split_that_training_made(command, trained, npz):
    outcome = command("eval", trained, npz)
    assert outcome.code == 0
    assert outcome.lines[0].endswith("seed 3")
    result = load_model(trained / "model.safetensors").evaluate(load(npz, seed=3).test)
    assert outcome.lines[2] == (
        f"accuracy  {100 * result.accuracy:.2f} %, "
        f"{np.trace(result.confusion)} of {result.n_images} images"
    )
    assert outcome.lines[3] == f"loss      {result.loss:.4f}"


def test_eval_takes_another_seed_and_a_model_that_lies_alone(command, trained, npz, tmp_path):
    assert command("eval", trained, npz, "--seed", 5).lines[0].endswith("seed 5")
    alone = tmp_path / "alone.safetensors"
    alone.write_bytes((trained / "model.safetensors").read_bytes())
    assert command("eval", alone, npz).lines[0].endswith("seed 0")


@pytest.mark.parametrize(("part", "n"), [("test", 12), ("validation", 12), ("train", 36)])
def test_eval_counts_the_images_of_a_part(command, trained, npz, part, n):
    assert command("eval", trained, npz, "--part", part).lines[2].endswith(f"of {n} images")


def test_eval_of_all_parts_is_that_of_all_images(command, trained, npz, stripes):
    outcome = command("eval", trained, npz, "--part", "all")
    result = load_model(trained / "model.safetensors").evaluate(stripes)
    assert outcome.lines[2].startswith(f"accuracy  {100 * result.accuracy:.2f} %")
    assert float(outcome.lines[3].split()[1]) == pytest.approx(result.loss, abs=1e-4)


def test_eval_names_classes_and_confusions(command, trained, npz, monkeypatch):
    confusion = np.array([[3, 1, 0], [2, 0, 0], [0, 0, 0]])
    monkeypatch.setattr(
        "cnnpy.train.Classifier.evaluate",
        lambda self, dataset, views: type(
            "E", (), {"n_images": 6, "accuracy": 0.5, "loss": 1.0, "confusion": confusion}
        ),
    )
    lines = command("eval", trained, npz).lines
    rows = [line.split() for line in lines]
    assert ["top", "4", "3", "75.00", "%", "60.00", "%"] in rows
    assert ["mid[dle]", "2", "0", "0.00", "%", "0.00", "%"] in rows
    assert ["세번째", "0", "0", "-", "-"] in rows
    assert rows[-2:] == [["2", "mid[dle]", "top"], ["1", "top", "mid[dle]"]]


@pytest.mark.parametrize(("views", "n"), [("flip", 2), ("shift", 5), ("flip+shift", 10)])
def test_eval_averages_over_views(command, trained, npz, views, n):
    lines = command("eval", trained, npz, "--views", views).lines
    assert lines[0].endswith(f"seed 3, mean of {n} views")
    result = load_model(trained / "model.safetensors").evaluate(load(npz, seed=3).test, views=views)
    assert lines[2].startswith(f"accuracy  {100 * result.accuracy:.2f} %")
    assert lines[3] == f"loss      {result.loss:.4f}"
    plain = command("eval", trained, npz).lines
    assert plain[3] != lines[3]


# --- predict -----------------------------------------------------------------------------


def test_predict_prints_a_row_an_image(command, trained, stripes):
    for k in range(3):
        Image.fromarray(stripes.images[k, 0]).save(f"{k}.png")
    outcome = command("predict", trained, "0.png", "1.png", "2.png")
    classifier = load_model(trained / "model.safetensors")
    p = classifier.predict_proba(stripes.images[:3])
    assert outcome.code == 0
    assert [line.split() for line in outcome.lines] == [
        [f"{k}.png", classifier.class_names[p[k].argmax()], f"{100 * p[k].max():.2f}", "%"]
        for k in range(3)
    ]


def test_predict_names_the_likeliest_classes_first(command, trained, stripes):
    Image.fromarray(stripes.images[0, 0]).save("a.png")
    for top in (2, 3, 99):
        cells = command("predict", trained, "a.png", "--top", top).lines[0].split()
        shares = [float(cell) for cell in cells[2::3]]
        assert len(shares) == min(top, 3)
        assert shares == sorted(shares, reverse=True)


def test_predict_averages_over_views(command, trained, stripes):
    Image.fromarray(stripes.images[0, 0]).save("a.png")
    classifier = load_model(trained / "model.safetensors")
    p = classifier.predict_proba(stripes.images[:1], views="flip+shift")[0]
    cells = command("predict", trained, "a.png", "--views", "flip+shift").lines[0].split()
    assert cells[1:] == [classifier.class_names[p.argmax()], f"{100 * p.max():.2f}", "%"]


def test_predict_brings_any_picture_to_the_shape_of_the_model(command, trained):
    Image.fromarray(np.full((31, 17, 3), 90, dtype=np.uint8)).save("photo.jpg")
    outcome = command("predict", trained, "photo.jpg")
    assert outcome.code == 0
    assert len(outcome.lines) == 1


def test_predict_goes_on_after_a_bad_image(command, trained, stripes):
    Image.fromarray(stripes.images[0, 0]).save("good.png")
    whole = Path("good.png").read_bytes()
    Path("cut.png").write_bytes(whole[: len(whole) // 2])
    outcome = command("predict", trained, "cut.png", "nowhere.png", "good.png")
    assert outcome.code == 2
    assert [line.split()[0] for line in outcome.lines] == ["good.png"]
    assert outcome.err.splitlines()[0].startswith("DataError: cut.png: ")
    assert outcome.err.splitlines()[3].startswith("MissingDataError: nowhere.png: ")
    assert len(outcome.err.splitlines()) == 6


def test_predict_scales_pictures_to_the_pixels_of_training(command):
    """The built-in digits go to 16, picture files to 255."""
    data = digits().subset(range(8))
    model = make_model("small_cnn", 10)
    model.build(data.shape, seed=0)
    classifier = Classifier(model, Preprocessing.fit(data), data.class_names)
    classifier.save("digits.safetensors")
    for k, image in enumerate(data.images):
        Image.fromarray((image[0] * (255 // 15)).clip(0, 255).astype(np.uint8)).save(f"{k}.png")
    pictures = np.stack([read_image(f"{k}.png", data.shape) for k in range(8)])
    x = (pictures * (16 / 255) - classifier.preprocessing.mean) / classifier.preprocessing.std
    p = model.predict_proba(x.astype(np.float32))
    lines = command("predict", "digits.safetensors", *(f"{k}.png" for k in range(8))).lines
    got = [(int(line.split()[1]), float(line.split()[2])) for line in lines]
    assert [k for k, _ in got] == p.argmax(axis=1).tolist()
    assert [share for _, share in got] == pytest.approx(100 * p.max(axis=1), abs=0.006)


# --- summary -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_summary_fits_80_columns_and_names_every_layer(command, name):
    outcome = command("summary", name)
    assert outcome.code == 0
    assert max(map(len, outcome.lines)) <= 80
    figures = make_model(name, 10).summary((3, 32, 32) if name != "lenet5" else (1, 28, 28))
    first = {line.split()[0] for line in outcome.lines if line}
    assert {row.name for row in figures.rows} <= first
    assert "\x1b" not in outcome.out


def test_summary_counts_for_the_input_and_classes_asked_for(command):
    lines = command("summary", "small_cnn", "--input", "3,16,16", "--classes", 7).lines
    figures = make_model("small_cnn", 7).summary((3, 16, 16))
    assert lines[-4] == "input       3×16×16"
    assert lines[-3] == f"parameters  {figures.n_parameters:,}"


def test_summary_reads_a_model_file_or_the_folder_of_its_run(command, trained):
    a = command("summary", trained)
    b = command("summary", trained / "model.safetensors")
    assert a.code == b.code == 0
    assert a.out == b.out
    assert "input       1×8×8" in a.lines


# --- info --------------------------------------------------------------------------------


def test_info_names_versions_blas_and_settings(command, monkeypatch):
    monkeypatch.setenv("CNNPY_DATA", "/some\x1bwhere")
    outcome = command("info")
    rows = {line.split()[0]: line.split()[1:] for line in outcome.lines if line.startswith("  ")}
    assert rows["NumPy"] == [np.__version__]
    assert rows["Python"][0] == platform.python_version()
    assert rows["BLAS"][2] == np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
    assert rows["CNNPY_DATA"] == [r"'/some\x1bwhere'"]
    assert rows["NO_COLOR"] == ["not", "set"]
    assert max(map(len, outcome.lines)) <= 80


def _rows(lines):
    return {line[2:24].rstrip(): line[24:] for line in lines if line.startswith("  ")}


@needs_engine
def test_info_names_the_settings_of_the_engine(command, monkeypatch):
    engine = registry.engine("test")
    before = engine.num_threads()
    engine.set_num_threads(3)
    try:
        rows = _rows(command("info").lines)
    finally:
        engine.set_num_threads(before)
    assert rows["engine threads"] == "3"
    assert rows["ISA level"] == engine.isa_level()
    assert rows["levels built in"].startswith(("avx512", "avx2", "baseline", "neon"))
    for name in ("CNNPY_ISA", "CNNPY_NUM_THREADS", "CNNPY_FUSION"):
        assert rows[name] == (os.environ.get(name) or "not set")
    monkeypatch.setattr(engine, "isa_levels", lambda: {"wide": False, "narrow": True})
    rows = _rows(command("info").lines)
    assert rows["levels built in"] == "wide (not on this CPU), narrow"


@needs_engine
def test_info_says_what_is_wrong_with_the_environment_of_the_engine(start):
    process = start("-m", "cnnpy", "info", env={"CNNPY_ISA": "mmx"})
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    rows = _rows(out.splitlines())
    assert rows["engine"] == "CNNPY_ISA='mmx'"
    assert rows["CNNPY_ISA"] == "mmx"
    assert "ISA level" not in rows


def test_info_says_that_the_engine_is_missing(command, monkeypatch):
    monkeypatch.setattr(registry, "_ENGINE", "cnnpy.backends.native._nowhere")
    with cnnpy.use_backend("numpy"):
        outcome = command("info")
    assert _rows(outcome.lines)["engine"] == "the compiled engine is not in this install"
    assert max(map(len, outcome.lines)) <= 80


def test_info_says_what_is_not_installed(command, monkeypatch):
    monkeypatch.setattr("cnnpy.cli.info._OPTIONAL", ("cnnpy-no-such-package",))
    assert "  cnnpy-no-such-package not installed" in command("info").lines


@needs_engine
def test_info_ops_walks_the_contract_and_the_ladder(command):
    lines = command("info", "--ops").lines
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["op", *BACKENDS]
    rows = {line.split()[0]: line for line in lines[2:-2]}
    assert list(rows) == list(OPS)
    for op, line in rows.items():
        for backend in BACKENDS:
            found = resolve(op, backend).backend
            assert ("-> " + found in line) == any(
                resolve(op, b).backend == found != b for b in BACKENDS
            )


def test_info_ops_shows_that_a_backend_is_missing(command, monkeypatch):
    monkeypatch.setattr(registry, "_ENGINE", "cnnpy.backends.native._nowhere")
    lines = command("info", "--ops").lines
    assert lines[-1] == "-: native is not in this install"
    assert {tuple(line.split()[1:]) for line in lines[2:-3]} == {("-", "yes", "yes")}


@needs_engine
def test_info_ops_shows_where_a_backend_passes_on(command, monkeypatch):
    from cnnpy.cli import info

    def falls(op, backend):
        return resolve(op, "reference") if op == "relu" else resolve(op, backend)

    monkeypatch.setattr(info, "resolve", falls)
    lines = command("info", "--ops").lines
    assert next(line for line in lines if line.startswith("relu ")).split() == [
        *("relu", "->", "reference", "->", "reference", "yes")
    ]


# --- the command itself ------------------------------------------------------------------


def test_the_command_tells_its_version_and_its_help(command):
    from cnnpy import __version__

    assert command("--version").out == f"cnnpy {__version__}\n"
    assert command().out == command("--help").out == command("-h").out


@pytest.mark.parametrize(
    "name",
    ["", "train", "eval", "predict", "report", "compare", "profile", "summary", "info"],
)
def test_help_is_plain_and_fits_80_columns(command, name):
    outcome = command(*([name] * bool(name)), "--help")
    assert outcome.code == 0
    assert max(map(len, outcome.lines)) <= 80
    assert "..." not in outcome.out.replace("[ARGS]...", "").replace("IMAGE}...", "").replace(
        "IMAGE...", ""
    ).replace("RUN}...", "")
    assert "\x1b" not in outcome.out


def test_help_names_every_network_optimizer_and_default(command):
    text = " ".join(command("train", "--help").out.split())
    for name in (*MODELS, "adamw", "sgd", "one-cycle", "fashion-mnist", "default: (small_cnn)"):
        assert name in text


def test_help_names_every_backend(command):
    for name in ("train", "eval", "predict"):
        text = " ".join(command(name, "--help").out.split())
        assert "What computes: native, numpy or reference." in text


def test_the_backend_can_be_chosen_in_both_ways(command, trained, npz, monkeypatch):
    used = []
    original = Classifier.evaluate

    def evaluate(self, dataset, **options):
        from cnnpy.backends.registry import current

        used.append(current())
        return original(self, dataset.subset(range(1)), **options)

    monkeypatch.setattr(Classifier, "evaluate", evaluate)
    assert command("eval", trained, npz, "--backend", "reference").code == 0
    monkeypatch.setenv("CNNPY_BACKEND", "reference")
    assert command("eval", trained, npz).code == 0
    assert command("eval", trained, npz, "--backend", "numpy").code == 0
    assert used == ["reference", "reference", "numpy"]


def test_the_config_of_a_run_names_the_backend(command, npz, monkeypatch):
    monkeypatch.setenv("CNNPY_BACKEND", "numpy")
    command("train", npz, "--epochs", 1, "--out", "here")
    assert tomllib.loads(Path("here/run.toml").read_text())["backend"] == "numpy"
