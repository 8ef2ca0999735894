"""TwoLayerNet, FullyConnectedNet and ThreeLayerConvNet."""

import numpy as np
import pytest

from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.cs231n.classifiers.cnn import ThreeLayerConvNet
from cnnpy.cs231n.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from cnnpy.cs231n.gradient_check import eval_numerical_gradient


def check_gradients(model, X, y, h=1e-6, rtol=1e-5, atol=1e-7):
    loss, grads = model.loss(X, y)
    assert set(grads) == set(model.params)
    for name, w in model.params.items():
        numeric = eval_numerical_gradient(lambda _: model.loss(X, y)[0], w, verbose=False, h=h)
        assert grads[name].shape == w.shape
        np.testing.assert_allclose(grads[name], numeric, rtol=rtol, atol=atol)
    return loss


def small_data(seed, N=3, D=7, C=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, D)), rng.integers(C, size=N)


# --- fully connected -------------------------------------------------------------


def test_weights_are_drawn_layer_by_layer_from_np_random():
    np.random.seed(3)
    model = FullyConnectedNet(
        [5, 4], input_dim=6, num_classes=3, normalization="batchnorm", weight_scale=0.1
    )
    np.random.seed(3)
    for layer, shape in enumerate([(6, 5), (5, 4), (4, 3)], start=1):
        expected = (np.random.randn(*shape) * 0.1).astype(np.float32)
        np.testing.assert_array_equal(model.params[f"W{layer}"], expected)
        assert not model.params[f"b{layer}"].any()
    assert (model.params["gamma2"] == 1).all()
    assert (model.params["beta1"] == 0).all()
    names = ["W1", "b1", "gamma1", "beta1", "W2", "b2", "gamma2", "beta2", "W3", "b3"]
    assert list(model.params) == names
    assert {w.dtype for w in model.params.values()} == {np.dtype(np.float32)}
    assert (model.num_layers, len(model.bn_params)) == (3, 2)


@pytest.mark.parametrize("reg", [0, 3.14])
@pytest.mark.parametrize("normalization", [None, "batchnorm", "layernorm"])
def test_fully_connected_gradients(reg, normalization):
    np.random.seed(1)
    X, y = small_data(1, N=4)
    model = FullyConnectedNet(
        [6, 5],
        input_dim=7,
        num_classes=4,
        reg=reg,
        weight_scale=0.5,
        dtype=np.float64,
        normalization=normalization,
    )
    for name in model.params:  # biases away from the kinks of relu
        model.params[name] = model.params[name] + 0.1 * np.random.randn(*model.params[name].shape)
    check_gradients(model, X, y)


@pytest.mark.parametrize("keep", [1, 0.75, 0.3])
def test_fully_connected_gradients_with_seeded_dropout(keep):
    np.random.seed(2)
    X, y = small_data(2)
    model = FullyConnectedNet(
        [8, 6],
        input_dim=7,
        num_classes=4,
        weight_scale=0.5,
        dtype=np.float64,
        dropout_keep_ratio=keep,
        seed=123,
    )
    check_gradients(model, X, y)
    assert model.use_dropout == (keep != 1)
    assert model.dropout_param == ({} if keep == 1 else {"mode": "train", "p": keep, "seed": 123})


def test_the_first_loss_is_log_C_and_grows_with_regularisation():
    np.random.seed(0)
    X, y = small_data(0, N=20, D=15, C=10)
    losses = []
    for reg in (0, 1.0, 2.0):
        np.random.seed(0)
        model = FullyConnectedNet([20, 30], input_dim=15, reg=reg, dtype=np.float64)
        losses.append(model.loss(X, y)[0])
    squares = sum(np.sum(w**2) for name, w in model.params.items() if name[0] == "W")
    assert losses[0] == pytest.approx(np.log(10), rel=1e-3)
    np.testing.assert_allclose(np.diff(losses), 0.5 * squares, rtol=1e-9)


def test_scale_and_shift_are_not_regularised():
    X, y = small_data(3)
    grads = []
    for reg in (0.0, 5.0):
        np.random.seed(3)
        model = FullyConnectedNet(
            [6], input_dim=7, num_classes=4, reg=reg, normalization="layernorm", dtype=np.float64
        )
        grads.append(model.loss(X, y)[1])
    for name in ("gamma1", "beta1", "b1", "b2"):
        np.testing.assert_array_equal(grads[0][name], grads[1][name])
    np.testing.assert_allclose(grads[1]["W1"] - grads[0]["W1"], 5 * model.params["W1"], rtol=1e-9)


def test_scores_of_two_layers_by_hand():
    model = TwoLayerNet(input_dim=2, hidden_dim=2, num_classes=2, reg=2.0)
    model.params = {
        "W1": np.array([[1.0, -1.0], [0.0, 1.0]]),
        "b1": np.array([0.0, 1.0]),
        "W2": np.array([[2.0, 0.0], [1.0, 3.0]]),
        "b2": np.array([0.0, -1.0]),
    }
    X = np.array([[[3.0], [1.0]]])  # hidden: 3 and relu(-3 + 1 + 1) = 0
    np.testing.assert_array_equal(model.loss(X), [[6, -1]])
    loss, grads = model.loss(X, np.array([0]))
    assert loss == pytest.approx(np.log(1 + np.exp(-7)) + 3 + 14)
    share = 1 / (1 + np.exp(7))
    np.testing.assert_allclose(grads["b2"], [-share, share], rtol=1e-12)
    np.testing.assert_allclose(grads["W2"][1], 2 * model.params["W2"][1], rtol=1e-12)


@pytest.mark.parametrize("reg", [0.0, 0.7])
def test_two_layer_gradients(reg):
    np.random.seed(4)
    X, y = small_data(4)
    check_gradients(
        TwoLayerNet(input_dim=7, hidden_dim=6, num_classes=4, weight_scale=0.5, reg=reg), X, y
    )


def test_two_layers_and_one_hidden_layer_are_the_same_net():
    X, y = small_data(5)
    np.random.seed(5)
    two = TwoLayerNet(input_dim=7, hidden_dim=6, num_classes=4, weight_scale=0.1, reg=0.3)
    np.random.seed(5)
    full = FullyConnectedNet(
        [6], input_dim=7, num_classes=4, weight_scale=0.1, reg=0.3, dtype=np.float64
    )
    (loss, grads), (expected, gradients) = two.loss(X, y), full.loss(X, y)
    assert loss == pytest.approx(expected, rel=1e-14)
    for name, gradient in grads.items():
        np.testing.assert_allclose(gradient, gradients[name], rtol=1e-12)


def test_test_mode_neither_drops_nor_changes_the_running_statistics():
    np.random.seed(6)
    X, y = small_data(6, N=10)
    model = FullyConnectedNet(
        [6, 5], input_dim=7, num_classes=4, dropout_keep_ratio=0.5, normalization="batchnorm"
    )
    model.loss(X, y)
    statistics = [p["running_mean"].copy() for p in model.bn_params]
    np.testing.assert_array_equal(model.loss(X), model.loss(X))
    for bn_param, before in zip(model.bn_params, statistics, strict=True):
        np.testing.assert_array_equal(bn_param["running_mean"], before)
        assert bn_param["mode"] == "test"
        assert before.any()


def test_inputs_are_cast_to_the_dtype_of_the_net():
    X, y = small_data(7)
    model = FullyConnectedNet([6], input_dim=7, num_classes=4)
    loss, grads = model.loss(X, y)
    assert loss.dtype == np.float32
    assert {g.dtype for g in grads.values()} == {np.dtype(np.float32)}
    assert model.loss((10 * X).astype(np.int64)).dtype == np.float32


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"normalization": "batch_norm"}, "use normalization='batchnorm'"),
        ({"dropout_keep_ratio": 0}, "dropout_keep_ratio=0"),
        ({"dtype": np.float16}, "use dtype=np.float32"),
        ({"dtype": np.int64}, "use dtype=np.float64"),
        ({"dtype": "floaty"}, "np.float32 or np.float64"),
    ],
)
def test_wrong_options_are_named(options, text):
    with pytest.raises(OptionError) as caught:
        FullyConnectedNet([6], **options)
    assert text in str(caught.value)


# --- convolutional ---------------------------------------------------------------


def test_parameters_of_the_convolutional_net_are_drawn_in_order():
    np.random.seed(9)
    model = ThreeLayerConvNet(
        input_dim=(2, 7, 6), num_filters=3, filter_size=5, hidden_dim=4, num_classes=5
    )
    np.random.seed(9)
    for layer, shape in enumerate([(3, 2, 5, 5), (3 * 3 * 3, 4), (4, 5)], start=1):
        expected = (np.random.randn(*shape) * 1e-3).astype(np.float32)
        np.testing.assert_array_equal(model.params[f"W{layer}"], expected)
    assert list(model.params) == ["W1", "b1", "W2", "b2", "W3", "b3"]


def test_default_sizes_of_the_convolutional_net():
    shapes = {name: w.shape for name, w in ThreeLayerConvNet().params.items()}
    assert shapes == {
        "W1": (32, 3, 7, 7),
        "b1": (32,),
        "W2": (8192, 100),
        "b2": (100,),
        "W3": (100, 10),
        "b3": (10,),
    }


def test_the_first_loss_of_the_convolutional_net_is_log_C_and_grows_with_reg():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(10, 3, 16, 16)), rng.integers(10, size=10)
    np.random.seed(1)
    model = ThreeLayerConvNet(input_dim=(3, 16, 16), num_filters=8)
    loss, _ = model.loss(X, y)
    assert loss == pytest.approx(np.log(10), rel=1e-4)
    model.reg = 0.5
    assert model.loss(X, y)[0] > loss + 0.01


@pytest.mark.parametrize("reg", [0.0, 0.4])
def test_convolutional_gradients_on_unequal_sides(reg):
    np.random.seed(2)
    X, y = np.random.randn(2, 2, 6, 4), np.array([3, 0])
    model = ThreeLayerConvNet(
        input_dim=(2, 6, 4),
        num_filters=2,
        filter_size=3,
        hidden_dim=5,
        num_classes=4,
        weight_scale=0.3,
        reg=reg,
        dtype=np.float64,
    )
    check_gradients(model, X, y)


def test_float64_images_into_float32_parameters():
    np.random.seed(3)
    X, y = np.random.randn(2, 2, 4, 4), np.array([1, 0])
    model = ThreeLayerConvNet(input_dim=(2, 4, 4), num_filters=2, filter_size=3, hidden_dim=5)
    loss, grads = model.loss(X, y)
    assert loss.dtype == np.float64
    assert {g.dtype for g in grads.values()} == {np.dtype(np.float64)}
    _, grads = model.loss(X.astype(np.float32), y)
    assert {g.dtype for g in grads.values()} == {np.dtype(np.float32)}


def test_the_net_agrees_with_torch(torch):
    np.random.seed(4)
    X, y = np.random.randn(3, 2, 6, 6), np.array([1, 0, 2])
    model = ThreeLayerConvNet(
        input_dim=(2, 6, 6),
        num_filters=3,
        filter_size=3,
        hidden_dim=5,
        num_classes=3,
        weight_scale=0.2,
        reg=0.1,
        dtype=np.float64,
    )
    loss, grads = model.loss(X, y)
    t = {name: torch.tensor(w, requires_grad=True) for name, w in model.params.items()}
    F = torch.nn.functional
    h = F.max_pool2d(F.relu(F.conv2d(torch.tensor(X), t["W1"], t["b1"], padding=1)), 2)
    h = F.relu(h.flatten(1) @ t["W2"] + t["b2"])
    expected = F.cross_entropy(h @ t["W3"] + t["b3"], torch.tensor(y))
    expected = expected + 0.05 * sum((t[f"W{k}"] ** 2).sum() for k in (1, 2, 3))
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    for name, gradient in grads.items():
        np.testing.assert_allclose(gradient, t[name].grad.numpy(), rtol=1e-9, atol=1e-14)


def test_images_too_small_for_the_net_are_named():
    with pytest.raises(ShapeError, match="does not fit"):
        ThreeLayerConvNet(input_dim=(3, 1, 8), filter_size=3)
