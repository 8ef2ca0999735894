"""The ready networks, as a whole: shapes, gradients, learning."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from cnnpy import models, nn, optim
from cnnpy.contract import OptionError

SHAPES = {
    "small_cnn": (1, 8, 8),
    "threelayer": (3, 32, 32),
    "lenet5": (1, 28, 28),
    "vgg_small": (3, 16, 16),
    "resnet20": (3, 16, 16),
    "resnet18": (3, 32, 32),
    "mobilenet_v2": (3, 32, 32),
}


def test_every_model_has_a_shape_here():
    assert set(SHAPES) == set(models.MODELS)


@pytest.mark.parametrize("name", models.MODELS)
def test_a_whole_models_gradient_agrees_with_difference_quotients(name):
    rng = np.random.default_rng(0)
    model = models.make_model(name, 5)
    model.build(SHAPES[name], dtype=np.float64, seed=0)
    for label, p in model.named_parameters():
        if label.endswith("bias"):  # a depthwise window of zeros lies on the kink without one
            p.value[...] = 0.1 * rng.standard_normal(p.shape)
    x, y = rng.standard_normal((3, *SHAPES[name])), np.array([0, 4, 2])
    loss = nn.SoftmaxCrossEntropy()

    def value_at():
        return float(loss.forward(model(x), y)[0])

    scores, cache = model.forward(x, train=False)
    dx = model.backward(loss.backward(loss.forward(scores, y)[1]), cache)
    # one direction through all parameters at once, and one through the images
    parameters = model.parameters()
    directions = [rng.standard_normal(p.shape) for p in parameters]
    want = sum(float((p.grad * v).sum()) for p, v in zip(parameters, directions, strict=True))
    h = 1e-7
    values = []
    for sign in (1, -2, 1):
        for p, v in zip(parameters, directions, strict=True):
            p.value += sign * h * v
        values.append(value_at())
    assert (values[0] - values[1]) / (2 * h) == pytest.approx(want, rel=1e-4)
    v = rng.standard_normal(x.shape)
    x0 = x
    x = x0 + h * v
    above = value_at()
    x = x0 - h * v
    assert (above - value_at()) / (2 * h) == pytest.approx(float((dx * v).sum()), rel=1e-4)


@pytest.mark.parametrize("name", models.MODELS)
def test_a_model_learns_eight_images_by_heart(name):
    rng = np.random.default_rng(0)
    model = models.make_model(name, 4)
    x = rng.standard_normal((8, *SHAPES[name])).astype(np.float32)
    y = np.arange(8) % 4
    model.build(SHAPES[name], seed=0)
    optimizer, loss = optim.Adam(model.parameters(), 0.003), nn.SoftmaxCrossEntropy()
    for _ in range(60):
        scores, cache = model.forward(x, train=True)
        value, loss_cache = loss.forward(scores, y)
        optimizer.zero_grad()
        model.backward_parameters(loss.backward(loss_cache), cache)
        optimizer.step()
    assert value < 0.1


@pytest.mark.parametrize("name", ["threelayer", "lenet5", "vgg_small"])
def test_a_model_agrees_with_the_same_network_in_pytorch(name, torch):
    t = torch.nn
    conv_bn = lambda c, f: [t.Conv2d(c, f, 3, padding=1, bias=False), t.BatchNorm2d(f), t.ReLU()]  # noqa: E731
    theirs = {
        "threelayer": lambda: [
            t.Conv2d(3, 32, 7, padding=3), t.ReLU(), t.MaxPool2d(2), t.Flatten(),
            t.Linear(8192, 100), t.ReLU(), t.Linear(100, 10),
        ],
        "lenet5": lambda: [
            t.Conv2d(1, 6, 5, padding=2), t.ReLU(), t.MaxPool2d(2), t.Conv2d(6, 16, 5), t.ReLU(),
            t.MaxPool2d(2), t.Flatten(), t.Linear(400, 120), t.ReLU(), t.Linear(120, 84), t.ReLU(),
            t.Linear(84, 10),
        ],
        "vgg_small": lambda: [
            *conv_bn(3, 64), *conv_bn(64, 64), t.MaxPool2d(2), *conv_bn(64, 128),
            *conv_bn(128, 128), t.MaxPool2d(2), *conv_bn(128, 256), *conv_bn(256, 256),
            t.MaxPool2d(2), t.Flatten(), t.Linear(1024, 10),
        ],
    }  # fmt: skip
    ours = models.make_model(name, 10)
    ours.build(SHAPES[name], dtype=np.float64, seed=0)
    network = t.Sequential(*theirs[name]()).double()
    _load_in_order(network, ours, torch)
    x = np.random.default_rng(0).standard_normal((4, *SHAPES[name]))
    scores, cache = ours.forward(x, train=True)
    tx = torch.tensor(x, requires_grad=True)
    want = network(tx)
    np.testing.assert_allclose(scores, want.detach().numpy(), rtol=1e-9, atol=1e-11)
    dout = np.random.default_rng(1).standard_normal(scores.shape)
    want.backward(torch.tensor(dout))
    np.testing.assert_allclose(ours.backward(dout, cache), tx.grad.numpy(), rtol=1e-7, atol=1e-11)
    for (label, p), q in zip(ours.named_parameters(), network.parameters(), strict=True):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-7, atol=1e-10, err_msg=label)
    assert len(ours.state_dict()) == len(network.state_dict())


@pytest.mark.parametrize("name", ["resnet18", "resnet20"])
def test_a_residual_network_agrees_with_the_same_network_in_pytorch(name, torch):
    t = torch.nn

    class Residual(t.Module):
        def __init__(self, before, filters):
            super().__init__()
            stride = filters // before
            self.body = t.Sequential(
                t.Conv2d(before, filters, 3, stride=stride, padding=1, bias=False),
                t.BatchNorm2d(filters), t.ReLU(),
                t.Conv2d(filters, filters, 3, padding=1, bias=False), t.BatchNorm2d(filters),
            )  # fmt: skip
            self.shortcut = t.Identity()
            if stride > 1:
                conv = t.Conv2d(before, filters, 1, stride=stride, bias=False)
                self.shortcut = t.Sequential(conv, t.BatchNorm2d(filters))

        def forward(self, x):
            return t.functional.relu(self.body(x) + self.shortcut(x))

    def stem(filters, kernel_size, stride):
        conv = t.Conv2d(
            3, filters, kernel_size, stride=stride, padding=kernel_size // 2, bias=False
        )
        return [conv, t.BatchNorm2d(filters), t.ReLU()]

    def stages(widths, n_blocks):
        befores = [widths[0], *(width for width in widths for _ in range(n_blocks))]
        return [Residual(b, f) for b, f in itertools.pairwise(befores)]

    ends = [t.AdaptiveAvgPool2d(1), t.Flatten()]
    theirs = {
        "resnet20": lambda: [*stem(16, 3, 1), *stages([16, 32, 64], 3), *ends, t.Linear(64, 10)],
        "resnet18": lambda: [
            *stem(64, 7, 2), t.MaxPool2d(3, stride=2, padding=1),
            *stages([64, 128, 256, 512], 2), *ends, t.Linear(512, 10),
        ],
    }  # fmt: skip
    ours = models.make_model(name, 10)
    ours.build((3, 64, 64), dtype=np.float64, seed=0)
    _assert_both_passes_agree(ours, t.Sequential(*theirs[name]()).double(), torch)


@pytest.mark.parametrize("width", [1.0, 0.35, 1.4])
def test_mobilenet_v2_agrees_with_the_same_network_in_pytorch(width, torch):
    t = torch.nn
    # torchvision's, whose widths were read off it: _make_divisible(c * width, 8)
    stem, widths, last = {
        1.0: (32, (16, 24, 32, 64, 96, 160, 320), 1280),
        0.35: (16, (8, 8, 16, 24, 32, 56, 112), 1280),
        1.4: (48, (24, 32, 48, 88, 136, 224, 448), 1792),
    }[width]

    def conv_bn_relu6(before, filters, kernel_size, stride=1, groups=1):
        conv = t.Conv2d(
            before, filters, kernel_size, stride=stride, padding=kernel_size // 2, groups=groups,
            bias=False,
        )  # fmt: skip
        return t.Sequential(conv, t.BatchNorm2d(filters), t.ReLU6())

    class InvertedResidual(t.Module):
        def __init__(self, before, filters, stride, expansion):
            super().__init__()
            wide = before * expansion
            self.adds = stride == 1 and before == filters
            self.conv = t.Sequential(
                *([conv_bn_relu6(before, wide, 1)] if expansion > 1 else []),
                conv_bn_relu6(wide, wide, 3, stride, groups=wide),
                t.Conv2d(wide, filters, 1, bias=False),
                t.BatchNorm2d(filters),
            )

        def forward(self, x):
            return x + self.conv(x) if self.adds else self.conv(x)

    layers, before = [conv_bn_relu6(3, stem, 3, stride=2)], stem
    rows = zip(
        (1, 6, 6, 6, 6, 6, 6), widths, (1, 2, 3, 4, 3, 3, 1), (1, 2, 2, 2, 1, 2, 1), strict=True
    )
    for expansion, filters, n_blocks, stride in rows:
        for k in range(n_blocks):
            layers.append(InvertedResidual(before, filters, stride if k == 0 else 1, expansion))
            before = filters
    layers += [conv_bn_relu6(before, last, 1), t.AdaptiveAvgPool2d(1), t.Flatten()]
    layers += [t.Dropout(0.0), t.Linear(last, 10)]
    ours = models.mobilenet_v2(10, width=width)
    ours["dropout"].p = 0.0  # which draws masks of its own
    ours.build((3, 64, 64), dtype=np.float64, seed=0)
    _assert_both_passes_agree(ours, t.Sequential(*layers).double(), torch)


def _assert_both_passes_agree(ours, network, torch):
    """Load our arrays into a network of PyTorch and compare training and inference."""
    # both walk their layers in the same order, ours the parameters before the buffers
    buffers = {name for name, _ in network.named_buffers()}
    names = sorted(network.state_dict(), key=buffers.__contains__)
    arrays = zip(names, ours.state_dict().values(), strict=True)
    network.load_state_dict({name: torch.tensor(array) for name, array in arrays})
    x = np.random.default_rng(0).standard_normal((2, 3, 64, 64))
    scores, cache = ours.forward(x, train=True)
    tx = torch.tensor(x, requires_grad=True)
    want = network(tx)
    np.testing.assert_allclose(scores, want.detach().numpy(), rtol=1e-8, atol=1e-10)
    dout = np.random.default_rng(1).standard_normal(scores.shape)
    want.backward(torch.tensor(dout))
    np.testing.assert_allclose(ours.backward(dout, cache), tx.grad.numpy(), rtol=1e-6, atol=1e-9)
    for (label, p), q in zip(ours.named_parameters(), network.parameters(), strict=True):
        largest = np.abs(p.grad).max()
        # a shift that a norm takes away again has no gradient: what is left is rounding
        np.testing.assert_allclose(
            p.grad, q.grad.numpy(), rtol=0, atol=1e-8 * largest + 1e-12, err_msg=label
        )
    network.eval()
    with torch.no_grad():
        want = network(torch.tensor(x)).numpy()
    np.testing.assert_allclose(ours(x), want, rtol=1e-8, atol=1e-10)


def _load_in_order(network, ours, torch):
    """Load our arrays into a PyTorch network whose state has the same shapes, layer by layer."""
    by_layer = {}
    for name, array in ours.state_dict().items():
        by_layer.setdefault(name.rpartition(".")[0], {})[name.rpartition(".")[2]] = array
    modules = [m for m in network if m.state_dict()]
    for module, arrays in zip(modules, by_layer.values(), strict=True):
        module.load_state_dict({k: torch.tensor(v) for k, v in arrays.items()}, strict=True)


def test_an_unknown_model_is_an_error_with_the_nearest_name():
    with pytest.raises(OptionError, match="use 'resnet20'"):
        models.make_model("resnet", 10)
    with pytest.raises(OptionError, match="n_classes=0"):
        models.lenet5(0)
    with pytest.raises(OptionError, match="width=0"):
        models.mobilenet_v2(width=0)
