"""Layers: shapes, parameters, state, freezing, copies, threads, text."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import cnnpy
from cnnpy import nn
from cnnpy.contract import OPS, DtypeError, OptionError, ShapeError

RNG = np.random.default_rng(7)

IMAGES = (3, 9, 8)
LAYERS = {
    "conv": (lambda: nn.Conv2d(4, (3, 2), stride=2, padding=1), IMAGES),
    "conv without bias": (lambda: nn.Conv2d(4, 3, use_bias=False), IMAGES),
    "conv in groups": (lambda: nn.Conv2d(6, 3, groups=3, dilation=2), IMAGES),
    "conv transposed": (lambda: nn.ConvTranspose2d(4, 3, stride=2, output_padding=1), IMAGES),
    "linear": (lambda: nn.Linear(5), (7,)),
    "flatten": (nn.Flatten, IMAGES),
    "max pool": (lambda: nn.MaxPool2d(3, stride=2, padding=1), IMAGES),
    "avg pool": (lambda: nn.AvgPool2d(2, count_include_pad=False), IMAGES),
    "global avg pool": (nn.GlobalAvgPool2d, IMAGES),
    "relu": (nn.ReLU, IMAGES),
    "relu6": (nn.ReLU6, IMAGES),
    "leaky relu": (lambda: nn.LeakyReLU(0.2), IMAGES),
    "sigmoid": (nn.Sigmoid, IMAGES),
    "tanh": (nn.Tanh, (7,)),
    "gelu": (lambda: nn.GELU("tanh"), IMAGES),
    "silu": (nn.SiLU, IMAGES),
    "hard swish": (nn.HardSwish, IMAGES),
    "softmax": (nn.Softmax, (7,)),
    "log softmax": (nn.LogSoftmax, (7,)),
    "batch norm of images": (nn.BatchNorm, IMAGES),
    "batch norm of features": (lambda: nn.BatchNorm(affine=False), (7,)),
    "layer norm": (nn.LayerNorm, IMAGES),
    "group norm": (lambda: nn.GroupNorm(3), IMAGES),
    "dropout": (nn.Dropout, IMAGES),
    "pad": (lambda: nn.Pad2d((1, 2), mode="reflect"), IMAGES),
    "upsample": (lambda: nn.UpsampleNearest2d((2, 1)), IMAGES),
    "sequential": (lambda: nn.Sequential(nn.Conv2d(4, 3), nn.ReLU(), nn.Flatten()), IMAGES),
    "residual": (
        lambda: nn.Residual(
            nn.Sequential(nn.Conv2d(4, 3, padding=1), nn.BatchNorm()),
            nn.Conv2d(4, 1),
            activation=nn.ReLU(),
        ),
        IMAGES,
    ),
    "residual around itself": (lambda: nn.Residual(nn.Conv2d(3, 3, padding=1)), IMAGES),
    "concat": (lambda: nn.Concat(nn.Conv2d(4, 1), nn.Conv2d(2, 3, padding=1)), IMAGES),
}


@pytest.fixture(params=LAYERS)
def layer_and_shape(request):
    make, shape = LAYERS[request.param]
    return make(), shape


def batch(shape, n=4, dtype=np.float64):
    return RNG.standard_normal((n, *shape)).astype(dtype)


def test_the_output_has_the_shape_that_the_layer_announces(layer_and_shape):
    layer, shape = layer_and_shape
    before = layer.output_shape(shape)
    assert layer.build(shape, dtype=np.float64, seed=0) == before
    assert layer(batch(shape)).shape == (4, *before)


def test_the_state_has_the_shapes_that_the_layer_announces_before_it_is_built(layer_and_shape):
    layer, shape = layer_and_shape
    announced = layer.state_shapes(shape)
    layer.build(shape, seed=0)
    assert announced == {name: array.shape for name, array in layer.state_dict().items()}


def test_the_first_batch_builds_like_build_does(layer_and_shape):
    layer, shape = layer_and_shape
    x = batch(shape)
    layer(x)
    assert layer.built
    assert layer.input_shape == shape
    assert all(p.value.dtype == np.float64 for p in layer.parameters())


def test_backward_agrees_with_difference_quotients_in_one_direction(layer_and_shape):
    layer, shape = layer_and_shape
    layer.build(shape, dtype=np.float64, seed=0)
    for _, buffer in layer.named_buffers():
        buffer[...] = abs(RNG.standard_normal(buffer.shape)) + 1
    x = batch(shape)
    out, cache = layer.forward(x, train=False)
    u = RNG.standard_normal(out.shape)
    dx = layer.backward(u, cache)
    h = 1e-6
    v = RNG.standard_normal(x.shape)
    slope = ((layer(x + h * v) - layer(x - h * v)) * u).sum() / (2 * h)
    assert slope == pytest.approx((dx * v).sum(), rel=1e-5, abs=1e-7)
    for name, parameter in layer.named_parameters():
        w = RNG.standard_normal(parameter.shape)
        first = parameter.value.copy()
        parameter.value[...] = first + h * w
        above = layer(x)
        parameter.value[...] = first - h * w
        below = layer(x)
        parameter.value[...] = first
        slope = ((above - below) * u).sum() / (2 * h)
        assert slope == pytest.approx((parameter.grad * w).sum(), rel=1e-5, abs=1e-7), name


def test_backward_parameters_finds_the_gradients_that_backward_finds(layer_and_shape):
    layer, shape = layer_and_shape
    layer.build(shape, dtype=np.float64, seed=0)
    out, cache = layer.forward(batch(shape), train=False)
    dout = RNG.standard_normal(out.shape)
    layer.backward(dout, cache)
    want = [p.grad for p in layer.parameters()]
    layer.zero_grad()
    layer.backward_parameters(dout, cache)
    for w, p in zip(want, layer.parameters(), strict=True):
        np.testing.assert_allclose(p.grad, w, rtol=1e-12)


def test_float32_stays_float32(layer_and_shape):
    layer, shape = layer_and_shape
    layer.build(shape, dtype=np.float32, seed=0)
    out, cache = layer.forward(batch(shape, dtype=np.float32), train=True)
    assert out.dtype == np.float32
    assert layer.backward(np.ones_like(out), cache).dtype == np.float32
    assert all(p.grad is None or p.grad.dtype == np.float32 for p in layer.parameters())


def test_a_pickled_and_a_copied_layer_behave_the_same(layer_and_shape):
    layer, shape = layer_and_shape
    layer.build(shape, dtype=np.float64, seed=0)
    x = batch(shape)
    layer.forward(x, train=True)
    others = [pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer), layer.copy()]
    want = layer.forward(x, train=True)[0]
    for other in others:
        assert np.array_equal(other.forward(x, train=True)[0], want)
        assert all(np.array_equal(other.state_dict()[k], v) for k, v in layer.state_dict().items())
        assert all(p.grad is None for p in other.parameters())


def test_a_copy_has_parameters_of_its_own():
    layer = nn.Linear(2)
    layer.build((3,), seed=0)
    other = layer.copy()
    other.weight.value += 1
    assert not np.array_equal(layer.weight.value, other.weight.value)


def test_the_same_seed_builds_the_same_network_and_another_does_not():
    first, same, other = (cnnpy.models.resnet20() for _ in range(3))
    for model, seed in ((first, 1), (same, 1), (other, 2)):
        model.build((3, 32, 32), seed=seed)
    for name, array in first.state_dict().items():
        assert np.array_equal(array, same.state_dict()[name])
    assert not np.array_equal(first["conv1"].weight.value, other["conv1"].weight.value)


def test_one_model_serves_many_threads_at_once():
    model = cnnpy.models.lenet5()
    x = batch((1, 28, 28), n=64, dtype=np.float32)
    model.build((1, 28, 28), seed=0)
    want = model.predict_proba(x)
    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(lambda _: model.predict_proba(x), range(24)):
            assert np.array_equal(got, want)


def test_threads_that_all_bring_the_first_batch_build_once():
    model = cnnpy.models.lenet5()
    x = batch((1, 28, 28), n=8, dtype=np.float32)
    with ThreadPoolExecutor(8) as pool:
        outs = list(pool.map(lambda _: model(x), range(8)))
    assert all(np.array_equal(out, outs[0]) for out in outs)


def test_predict_takes_arrays_of_any_length_and_batches_change_nothing():
    model = cnnpy.models.threelayer()
    model.build((3, 32, 32), dtype=np.float64, seed=0)
    x = batch((3, 32, 32), n=11)
    want = model.outputs(x, batch_size=11)
    for size in (1, 4, 100):
        np.testing.assert_allclose(model.outputs(x, batch_size=size), want, rtol=1e-12)
    assert np.array_equal(model.predict(x, batch_size=3), want.argmax(axis=1))
    assert model.predict(x[:0]).shape == (0,)
    assert model.predict_proba(x[:0]).shape == (0, 10)


@pytest.mark.parametrize("ending", [None, nn.Softmax, nn.LogSoftmax])
def test_predict_proba_sums_to_one_whatever_the_network_ends_with(ending):
    layers = [nn.Linear(4), *([ending()] if ending else [])]
    model = nn.Sequential(*layers)
    model.build((3,), dtype=np.float64, seed=0)
    x = batch((3,))
    scores = model[0](x)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    np.testing.assert_allclose(model.predict_proba(x), e / e.sum(axis=1, keepdims=True))


def test_a_wrong_batch_size_is_an_option_error():
    with pytest.raises(OptionError, match="batch_size=0"):
        nn.Linear(2).predict(batch((3,)), batch_size=0)


def test_the_state_has_the_names_and_shapes_that_pytorch_users_expect():
    model = nn.Sequential(nn.Conv2d(8, 3), nn.BatchNorm(), nn.Flatten(), nn.Linear(5))
    model.build((2, 6, 6))
    assert {name: a.shape for name, a in model.state_dict().items()} == {
        "0.weight": (8, 2, 3, 3),
        "0.bias": (8,),
        "1.weight": (8,),
        "1.bias": (8,),
        "1.running_mean": (8,),
        "1.running_var": (8,),
        "1.num_batches_tracked": (),
        "3.weight": (5, 128),
        "3.bias": (5,),
    }


def test_a_loaded_state_gives_the_same_outputs():
    first, second = cnnpy.models.resnet20(), cnnpy.models.resnet20()
    x = batch((3, 32, 32), n=2, dtype=np.float32)
    first.forward(x, train=True)
    second.build((3, 32, 32), seed=5)
    second.load_state_dict(first.state_dict())
    assert np.array_equal(first(x), second(x))


def test_a_state_that_does_not_fit_changes_nothing():
    model = nn.Sequential(nn.Linear(2), nn.Linear(3))
    model.build((4,), seed=0)
    before = model.state_dict()
    wrong = model.state_dict() | {"1.weight": np.zeros((3, 9))}
    with pytest.raises(ShapeError, match=r"1\.weight has shape \(3, 9\)"):
        model.load_state_dict(wrong)
    with pytest.raises(OptionError, match="missing"):
        model.load_state_dict({"0.weight": before["0.weight"]})
    with pytest.raises(OptionError, match="build the model"):
        nn.Linear(2).load_state_dict(before)
    for name, array in model.state_dict().items():
        assert np.array_equal(array, before[name])


def test_state_dict_returns_copies():
    layer = nn.Linear(2)
    layer.build((3,), seed=0)
    layer.state_dict()["weight"][...] = 0
    assert layer.weight.value.any()


def test_freezing_spares_gradients_and_holds_batch_norm_still():
    model = nn.Sequential(nn.Conv2d(4, 3), nn.BatchNorm(), nn.Flatten(), nn.Linear(2))
    x = batch((2, 5, 5))
    model.forward(x)
    model[0].freeze()
    model[1].freeze()
    before = model.state_dict()
    out, cache = model.forward(x, train=True)
    model.backward_parameters(np.ones_like(out), cache)
    assert model[0].weight.grad is None
    assert model[1].weight.grad is None
    assert model[3].weight.grad is not None
    assert np.array_equal(model.state_dict()["1.running_mean"], before["1.running_mean"])
    assert "frozen" in str(model.summary())
    model.unfreeze()
    out, cache = model.forward(x, train=True)
    model.backward_parameters(np.ones_like(out), cache)
    assert model[0].weight.grad is not None
    assert not np.array_equal(model.state_dict()["1.running_mean"], before["1.running_mean"])


def test_a_layer_frozen_before_it_is_built_stays_frozen():
    layer = nn.Conv2d(4, 3).freeze()
    layer.build((1, 5, 5))
    assert not layer.weight.trainable


def test_no_gradient_is_computed_below_the_first_layer_that_learns(monkeypatch):
    model = nn.Sequential(nn.ReLU(), nn.Linear(3), nn.ReLU(), nn.Linear(2))
    x = batch((4,))
    out, cache = model.forward(x, train=True)

    def fail(*_):
        raise AssertionError("a gradient that nobody needs")

    monkeypatch.setattr(model[0], "backward", fail)
    monkeypatch.setattr(model[0], "backward_parameters", fail)
    model.backward_parameters(np.ones_like(out), cache)
    assert model[1].weight.grad is not None


def test_gradients_add_up_until_they_are_forgotten():
    layer = nn.Linear(2)
    x = batch((3,))
    out, cache = layer.forward(x)
    layer.backward(np.ones_like(out), cache)
    once = layer.weight.grad.copy()
    layer.backward(np.ones_like(out), cache)
    np.testing.assert_allclose(layer.weight.grad, 2 * once)
    layer.zero_grad()
    assert layer.weight.grad is None


def test_a_parameter_in_two_places_is_one_parameter():
    shared = nn.Linear(3)
    model = nn.Sequential(shared, nn.ReLU(), shared)
    model.build((3,), seed=0)
    assert len(model.parameters()) == 2
    assert model.summary().n_parameters == 12


class Scale(nn.Layer):
    """A user's own layer, whose parameter depends on the input."""

    def __init__(self, start: float = 1.0) -> None:
        self.start = start

    def make_parameters(self, input_shape, dtype, rng):
        self.factor = nn.Parameter(np.full(input_shape[:1], self.start, dtype=dtype))

    def forward(self, x, *, train=False):
        self.ensure_built(x)
        return x * self.factor.value, x

    def backward(self, dout, cache):
        self.factor.accumulate((dout * cache).sum(axis=0))
        return dout * self.factor.value


def test_a_layer_of_ones_own_is_a_small_class_with_forward_and_backward():
    model = nn.Sequential(nn.Linear(4), Scale(2.0), nn.Linear(2))
    x = batch((3,))
    out, cache = model.forward(x, train=True)
    model.backward_parameters(np.ones_like(out), cache)
    assert model[1].factor.grad.shape == (4,)
    assert list(model.state_dict())[2] == "1.factor"
    assert "Scale(start=2.0)" in str(model.summary())
    assert model.output_shape((3,)) == (2,)
    assert np.array_equal(model.copy()(x), model(x))


def test_initializers_have_the_variance_of_their_names():
    rng = np.random.default_rng(0)
    for name, variance in (
        ("he_normal", 2 / 50),
        ("he_uniform", 2 / 50),
        ("xavier_normal", 2 / 150),
        ("xavier_uniform", 2 / 150),
    ):
        values = nn.INITIALIZERS[name](rng, (200, 1000), 50, 100)
        assert values.var() == pytest.approx(variance, rel=0.02), name
        assert abs(values.mean()) < 0.003, name
    values = nn.INITIALIZERS["truncated_normal"](rng, (200, 1000), 50, 100)
    assert abs(values).max() <= 0.04
    # a normal distribution cut at two deviations has 0.7737 of its variance left
    assert values.var() == pytest.approx(0.7737 * 0.02**2, rel=0.02)


def test_a_convolutions_fan_in_counts_the_taps_of_one_output():
    layer = nn.Conv2d(512, 3, groups=4)
    layer.build((64, 8, 8), seed=0)
    assert layer.weight.value.var() == pytest.approx(2 / (16 * 9), rel=0.02)
    assert not layer.bias.value.any()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: nn.Conv2d(0, 3), "Conv2d: filters=0"),
        (lambda: nn.Conv2d(4, 0), "Conv2d: kernel_size=0"),
        (lambda: nn.Conv2d(4, 3, stride=0), "conv2d: stride=0"),
        (lambda: nn.Conv2d(4, 3, weight_init="heh"), "weight_init='heh'"),
        (lambda: nn.Dropout(1.5), "dropout: p=1.5"),
        (lambda: nn.Sequential(nn.ReLU), "layer 0 is a type"),
        (lambda: nn.Sequential({"a.b": nn.ReLU()}), "named 'a.b'"),
        (lambda: nn.MaxPool2d(2).summary(), "not built"),
    ],
)
def test_wrong_options_are_errors_when_the_layer_is_made(make, text):
    with pytest.raises(OptionError) as caught:
        make()
    assert text in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3


def test_a_shape_that_does_not_fit_is_an_error_at_build():
    with pytest.raises(ShapeError, match="put Flatten"):
        nn.Sequential(nn.Conv2d(4, 3), nn.Linear(2)).build((1, 8, 8))
    with pytest.raises(ShapeError, match="does not fit"):
        nn.Sequential(nn.Conv2d(4, 5)).build((1, 3, 3))
    with pytest.raises(ShapeError, match="add: x has shape"):
        nn.Residual(nn.Conv2d(4, 3)).build((1, 8, 8))


def test_bytes_are_not_taken_for_floats():
    model = nn.Sequential(nn.Conv2d(4, 3))
    model.build((1, 8, 8))
    with pytest.raises(DtypeError, match="divide by 255"):
        model.predict(np.zeros((2, 1, 8, 8), dtype=np.uint8))


def test_every_op_with_a_batch_axis_has_a_layer():
    layers = {kind.op for kind in vars(nn).values() if isinstance(getattr(kind, "op", None), str)}
    joints_and_losses = {"add", "concat", "softmax_cross_entropy", "hinge", "mean_squared_error"}
    assert layers | joints_and_losses == set(OPS)


def test_repr_reads_as_the_constructor():
    assert repr(nn.Conv2d(8, 3, padding=1)) == "Conv2d(8, 3, padding=1)"
    assert repr(nn.ReLU()) == "ReLU()"
    assert repr(nn.Sequential(nn.ReLU())) == "Sequential(\n  0: ReLU()\n)"
