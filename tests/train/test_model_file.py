"""The model file: the same bits back, and nothing believed of a stranger's file."""

from __future__ import annotations

import json
import struct
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

import cnnpy
from cnnpy import nn
from cnnpy.contract import ModelFileError
from cnnpy.data import Preprocessing
from cnnpy.nn.architecture import describe, restore
from cnnpy.train import Classifier, fit, load

from .conftest import corners, tiny_cnn


@pytest.fixture(scope="module")
def trained():
    return fit(tiny_cnn(), corners(64, 0), epochs=1)


@pytest.fixture
def path(tmp_path, trained):
    trained.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_a_loaded_model_predicts_to_the_same_bits(path, trained):
    images = corners(50, 3).images
    other = load(path)
    assert np.array_equal(other.scores(images), trained.scores(images))
    assert other.class_names == trained.class_names
    assert other.preprocessing == trained.preprocessing


def test_a_model_loaded_in_a_new_process_predicts_to_the_same_bits(path, trained, tmp_path):
    images = corners(50, 3).images
    np.save(tmp_path / "images.npy", images)
    code = (
        "import sys, numpy as np, cnnpy;"
        "c = cnnpy.train.load(sys.argv[1]);"
        "np.save(sys.argv[3], c.scores(np.load(sys.argv[2])))"
    )
    subprocess.run(
        [sys.executable, "-c", code, path, tmp_path / "images.npy", tmp_path / "scores.npy"],
        check=True,
    )
    assert np.array_equal(np.load(tmp_path / "scores.npy"), trained.scores(images))


@pytest.mark.parametrize("name", cnnpy.models.MODELS)
def test_every_ready_model_goes_through_a_file(name, tmp_path):
    shape = {"lenet5": (1, 28, 28), "small_cnn": (1, 8, 8)}.get(name, (3, 32, 32))
    model = cnnpy.models.make_model(name, 3)
    model.build(shape, seed=0)
    preprocessing = Preprocessing(shape, (1.5,) * shape[0], (2.0,) * shape[0])
    classifier = Classifier(model, preprocessing, ("x", "y", "ü"))
    classifier.save(tmp_path / "m.safetensors")
    images = np.random.default_rng(0).integers(0, 255, (3, *shape), dtype=np.uint8)
    assert np.array_equal(
        load(tmp_path / "m.safetensors").scores(images), classifier.scores(images)
    )


def test_every_layer_goes_through_its_description():
    layers = [
        nn.Conv2d(4, (3, 2), stride=2, padding=(1, 0), dilation=1, groups=2, use_bias=False),
        nn.ConvTranspose2d(4, 3, stride=2, output_padding=1),
        nn.Linear(3, weight_init="xavier_uniform"),
        nn.Flatten(), nn.MaxPool2d(3, stride=2, padding=1),
        nn.AvgPool2d(2, count_include_pad=False), nn.GlobalAvgPool2d(),
        nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.3), nn.Sigmoid(), nn.Tanh(), nn.GELU("tanh"),
        nn.SiLU(), nn.HardSwish(), nn.Softmax(2), nn.LogSoftmax(),
        nn.BatchNorm(momentum=0.2, eps=0.1), nn.LayerNorm(axis=2), nn.GroupNorm(2, affine=False),
        nn.Dropout(0.2, seed=3), nn.Pad2d((1, 2, 3, 4), mode="reflect"),
        nn.UpsampleNearest2d((2, 3)),
        nn.Residual(nn.Sequential(nn.ReLU()), nn.Flatten(), activation=nn.Tanh()),
        nn.Concat({"left": nn.ReLU(), "right": nn.Sequential()}),
    ]  # fmt: skip
    for layer in layers:
        assert repr(restore(json.loads(json.dumps(describe(layer))))) == repr(layer)


class Twice(nn.Layer):
    def forward(self, x, *, train=False):
        return 2 * x, None

    def backward(self, dout, cache):
        return 2 * dout


def test_a_layer_of_ones_own_needs_its_class_to_be_loaded(tmp_path):
    model = nn.Sequential(nn.Flatten(), Twice(), nn.Linear(4))
    classifier = fit(model, corners(16, 0), epochs=1)
    classifier.save(tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match=r"custom_layers=\[Twice\]"):
        load(tmp_path / "m.safetensors")
    other = load(tmp_path / "m.safetensors", custom_layers=[Twice])
    images = corners(8, 1).images
    assert np.array_equal(other.scores(images), classifier.scores(images))


def test_a_function_among_a_layers_arguments_cannot_be_saved():
    def ones(rng, shape, fan_in, fan_out):
        return np.ones(shape)

    with pytest.raises(ModelFileError, match="weight_init is a function"):
        describe(nn.Linear(2, weight_init=ones))


def test_an_old_file_stays_whole_when_the_new_one_cannot_be_written(path, trained, monkeypatch):
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(ModelFileError, match="No space left"):
        trained.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_folder_that_is_not_there_is_an_error_with_its_mend(trained, tmp_path):
    with pytest.raises(ModelFileError, match="mkdir -p"):
        trained.save(tmp_path / "nowhere" / "m.safetensors")
    with pytest.raises(ModelFileError, match="no such file"):
        load(tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match="a folder"):
        load(tmp_path)


def metadata_of(path):
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + size])["__metadata__"]


def with_metadata(path, **changes):
    """Write the file anew with some of its metadata changed."""
    metadata = metadata_of(path) | changes
    state = safetensors.numpy.load_file(path)
    path.write_bytes(safetensors.numpy.save(state, metadata=metadata))
    return path


HUGE = {"layer": "Linear", "options": {"features": 10**12, "use_bias": True,
                                       "weight_init": "zeros"}}  # fmt: skip
DEEP = '{"layer": "Sequential", "options": {"layers": ' * 2000
CHANGES = {
    "another format": {"format": "something"},
    "no json": {"architecture": "{"},
    "a nest without end": {"architecture": DEEP},
    "a list for a layer": {"architecture": "[]"},
    "a layer that is none": {"architecture": json.dumps({"layer": "os.system", "options": {}})},
    "options that a layer has not": {
        "architecture": json.dumps({"layer": "ReLU", "options": {"x": 1}})
    },
    "an option out of range": {
        "architecture": json.dumps({"layer": "MaxPool2d", "options": {"kernel_size": 0}})
    },
    "a terabyte of weights": {"architecture": json.dumps(HUGE)},
    "another network": {"architecture": json.dumps(describe(nn.Sequential(nn.Linear(4))))},
    "a shape of strings": {"preprocessing": json.dumps({"shape": ["a"]})},
    "class names that are numbers": {"class_names": "[1, 2, 3, 4]"},
    "too few class names": {"class_names": '["a"]'},
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_file_says_is_not_believed(name, path):
    with pytest.raises(ModelFileError) as caught:
        load(with_metadata(path, **CHANGES[name]))
    assert len(str(caught.value).splitlines()) == 3


def test_metadata_that_is_missing_is_an_error(path):
    state = safetensors.numpy.load_file(path)
    for missing in ("architecture", "preprocessing", "class_names", "format"):
        metadata = {k: v for k, v in metadata_of(path).items() if k != missing}
        other = path.with_name(f"{missing}.safetensors")
        other.write_bytes(safetensors.numpy.save(state, metadata=metadata))
        with pytest.raises(ModelFileError):
            load(other)


def test_damaged_bytes_give_a_clear_error_or_the_right_shapes(path):
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    other = path.with_name("damaged.safetensors")
    for trial in range(300):
        damaged = bytearray(content)
        kind = trial % 3
        if kind == 0:
            damaged = damaged[: rng.integers(len(damaged))]
        elif kind == 1:
            at = rng.integers(min(len(damaged), 2500))
            damaged[at] ^= 1 << rng.integers(8)
        else:
            damaged += bytes(rng.integers(0, 256, rng.integers(1, 50), dtype=np.uint8))
        other.write_bytes(damaged)
        try:
            load(other)
        except ModelFileError as error:
            assert len(str(error).splitlines()) >= 3
