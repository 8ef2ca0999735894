"""Where a network looks: gradients against difference quotients and PyTorch, Grad-CAM by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cnnpy import nn
from cnnpy.contract.errors import OptionError, ShapeError
from cnnpy.data import Preprocessing
from cnnpy.insight import embedding, feature_maps, grad_cam, input_gradient, saliency
from cnnpy.train import Classifier

SHAPE = (3, 9, 7)


def network(*end: nn.Layer) -> nn.Sequential:
    """Build a net with what the walk must get through: norms, branches, sums, pooling."""
    model = nn.Sequential(
        {
            "conv1": nn.Conv2d(4, 3, padding=1),
            "bn1": nn.BatchNorm(),
            "relu1": nn.ReLU(),
            "block": nn.Residual(
                nn.Sequential(nn.Conv2d(6, 3, padding=1), nn.BatchNorm()),
                nn.Conv2d(6, 1),
                activation=nn.ReLU(),
            ),
            "both": nn.Concat(nn.Conv2d(2, 1), nn.Conv2d(3, (3, 1), padding=(1, 0))),
            "pool": nn.MaxPool2d(2),
            "conv2": nn.Conv2d(5, 3, padding=1),
            "gelu": nn.GELU(),
            "gap": nn.GlobalAvgPool2d(),
            "flatten": nn.Flatten(),
            "dropout": nn.Dropout(0.5),
            "fc": nn.Linear(4),
        }
        | {f"end{k}": layer for k, layer in enumerate(end)}
    )
    model.build(SHAPE, dtype=np.float64, seed=0)
    rng = np.random.default_rng(1)
    for name, buffer in model.named_buffers():  # as after training: no mean of 0, no spread of 1
        buffer[...] = rng.uniform(0.5, 1.5, buffer.shape) - ("mean" in name)
    return model


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(2).standard_normal((5, *SHAPE))


CLASSES = np.array([0, 3, 1, 2, 2])


def test_the_gradient_of_a_score_is_its_difference_quotient(x):
    model = network()
    gradient = input_gradient(model, x, classes=CLASSES)
    direction = np.random.default_rng(3).standard_normal(x.shape)
    h = 1e-6

    def scores(at):
        return model.outputs(at)[np.arange(5), CLASSES]

    quotient = (scores(x + h * direction) - scores(x - h * direction)) / (2 * h)
    np.testing.assert_allclose((gradient * direction).sum(axis=(1, 2, 3)), quotient, rtol=1e-6)


def test_saliency_is_the_largest_gradient_of_the_channels(x):
    model = network()
    gradient = input_gradient(model, x, classes=2)
    assert (saliency(model, x, classes=2) == np.abs(gradient).max(axis=1)).all()
    said = model.predict(x)
    assert (saliency(model, x) == saliency(model, x, classes=said)).all()


def test_grad_cam_is_the_sum_of_the_maps_weighed_by_their_difference_quotients():
    """Linear behind the maps: the score moves by w/n for each pixel of map k, as on paper."""
    model = nn.Sequential(nn.Conv2d(2, 1), nn.GlobalAvgPool2d(), nn.Flatten(), nn.Linear(2))
    model.build((1, 2, 3), dtype=np.float64, seed=0)
    model[0].weight.value[...] = np.array([1.0, -1.0]).reshape(2, 1, 1, 1)
    model[3].weight.value[...] = [[3.0, 0.0], [0.0, 6.0]]
    image = np.array([[1.0, -2.0, 0.0], [4.0, 0.5, -1.0]])
    maps = grad_cam(model, np.stack([image[None]] * 2), classes=[0, 1])
    # a = w / 6 for the class's own map: 3/6 · x for class 0, 6/6 · (-x) for class 1
    assert maps.tolist() == [
        [[0.5, 0.0, 0.0], [2.0, 0.25, 0.0]],
        [[0.0, 2.0, 0.0], [0.0, 0.0, 1.0]],
    ]


@pytest.mark.parametrize("layer", ["conv1", "block", "block.body.1", "both", "conv2", "gelu"])
def test_gradients_at_an_inner_layer_are_those_of_pytorch(x, torch, layer):
    model = network()
    ours = grad_cam(model, x, classes=CLASSES, layer=layer)
    theirs, pixels = pytorch(torch, model, x, layer)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(saliency(model, x, classes=CLASSES), pixels, rtol=1e-9, atol=1e-12)


def pytorch(torch, model, x, layer):
    """Compute Grad-CAM at a layer and saliency by PyTorch's autograd, on the same weights."""
    F = torch.nn.functional
    state = {name: torch.tensor(value) for name, value in model.state_dict().items()}
    kept = {}

    def conv(t, name, padding=0):
        return F.conv2d(t, state[f"{name}.weight"], state[f"{name}.bias"], padding=padding)

    def norm(t, name):
        parts = [state[f"{name}.{p}"] for p in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(t, *parts, training=False)

    def keep(name, t):
        t.retain_grad()
        kept[name] = t
        return t

    pixels = torch.tensor(x, requires_grad=True)
    t = keep("conv1", conv(pixels, "conv1", 1))
    t = F.relu(norm(t, "bn1"))
    body = keep("block.body.1", norm(conv(t, "block.body.0", 1), "block.body.1"))
    t = keep("block", F.relu(body + conv(t, "block.shortcut")))
    t = keep("both", torch.cat([conv(t, "both.0"), conv(t, "both.1", (1, 0))], dim=1))
    t = keep("conv2", conv(F.max_pool2d(t, 2), "conv2", 1))
    t = keep("gelu", F.gelu(t))
    scores = F.linear(t.mean(dim=(2, 3)), state["fc.weight"], state["fc.bias"])
    scores[torch.arange(5), torch.tensor(CLASSES)].sum().backward()
    maps = kept[layer]
    weights = maps.grad.mean(dim=(2, 3), keepdim=True)
    cam = F.relu((weights * maps).sum(dim=1)).detach().numpy()
    return cam, pixels.grad.abs().amax(dim=1).numpy()


def test_the_layer_of_grad_cam_is_the_last_block_that_still_is_a_map(x):
    model = network()
    assert (grad_cam(model, x) == grad_cam(model, x, layer="gelu")).all()
    assert grad_cam(model, x).shape == (5, 4, 3)
    small = nn.Sequential(
        nn.Conv2d(3, 2), nn.ReLU(), nn.Conv2d(3, (8, 6)), nn.ReLU(), nn.Flatten(), nn.Linear(2)
    )
    small.build(SHAPE, dtype=np.float64, seed=0)
    assert grad_cam(small, x).shape == (5, 8, 6)
    assert (grad_cam(small, x) == grad_cam(small, x, layer="1")).all()


@pytest.mark.parametrize("end", [nn.Softmax, nn.LogSoftmax])
def test_the_score_is_the_one_before_a_softmax(x, end):
    plain, ending = network(), network(end())
    ending.load_state_dict(plain.state_dict())
    assert (input_gradient(ending, x) == input_gradient(plain, x)).all()
    assert (grad_cam(ending, x) == grad_cam(plain, x)).all()


def test_looking_changes_nothing_of_the_network(x):
    model = network()
    before = model.state_dict()
    grad_cam(model, x)
    feature_maps(model, x)
    assert all(p.trainable and p.grad is None for p in model.parameters())
    assert all((before[name] == value).all() for name, value in model.state_dict().items())
    assert "forward" not in vars(model["conv1"])


def test_a_layer_of_ones_own_can_be_looked_into(x):
    class Twice(nn.Layer):
        def __init__(self):
            self.inner = nn.Conv2d(2, 1)
            self.inner.build(SHAPE, dtype=np.float64, seed=0)

        def forward(self, x, *, train=False):
            out, cache = self.inner.forward(x, train=train)
            return 2 * out, cache

        def backward(self, dout, cache):
            return self.inner.backward(2 * dout, cache)

    model = nn.Sequential({"own": Twice(), "flat": nn.Flatten(), "fc": nn.Linear(3)})
    model.forward(x)
    maps = feature_maps(model, x, layers=["own", "own.inner"])
    assert (maps["own"] == 2 * maps["own.inner"]).all()
    # the gradient of the inner map is twice that of the outer, its values are half of them
    outer, inner = (grad_cam(model, x, layer=name) for name in ("own", "own.inner"))
    np.testing.assert_allclose(outer, inner, rtol=1e-12)


def test_feature_maps_are_what_the_layers_return_on_the_way(x):
    model = network()
    maps = feature_maps(model, x)
    assert [name for name in maps if name.startswith("both")] == ["both.0", "both.1"]
    assert "flatten" not in maps
    assert "gap" not in maps
    t = x
    for name, layer in model.children().items():
        t = layer.infer(t)
        if name in maps:
            np.testing.assert_allclose(maps[name], t, rtol=1e-12, atol=1e-12)


def test_an_embedding_is_what_enters_the_last_linear_layer(x):
    model = network()
    rows = embedding(model, x, batch_size=2)
    assert rows.shape == (5, 5)
    weight, bias = model["fc"].weight.value, model["fc"].bias.value
    np.testing.assert_allclose(rows @ weight.T + bias, model.outputs(x), rtol=1e-12)
    assert embedding(model, x, layer="conv2").shape == (5, 5 * 4 * 3)


def test_a_classifier_preprocesses_the_images_itself(x):
    grey = Preprocessing(SHAPE, (3.0, 4.0, 5.0), (2.0, 2.0, 0.5), dtype="float64")
    classifier = Classifier(network(), grey, ("a", "b", "c", "d"))
    entered = grey.apply(x)
    assert (saliency(classifier, x) == saliency(classifier.model, entered)).all()
    assert (embedding(classifier, x) == embedding(classifier.model, entered)).all()


def test_what_cannot_be_looked_at_is_told(x):
    model = network()
    with pytest.raises(OptionError, match=r"use layer='conv1'"):
        grad_cam(model, x, layer="conv11")
    with pytest.raises(OptionError, match=r"returns \(4,\) an image\n.*\n.*use layer='gelu'"):
        grad_cam(model, x, layer="fc")
    with pytest.raises(OptionError, match="classes holds 4; the network has 4 scores"):
        saliency(model, x, classes=4)
    with pytest.raises(ShapeError, match=r"use classes.argmax\(axis=1\)"):
        saliency(model, x, classes=np.eye(5, 4, dtype=int))
    with pytest.raises(ShapeError, match="one class index for each of the 5 images"):
        saliency(model, x, classes=[0.5] * 5)
    with pytest.raises(ShapeError, match=r"use images\[np.newaxis\]"):
        saliency(model, x[0])
    with pytest.raises(OptionError, match="is not built"):
        saliency(nn.Sequential(nn.Flatten(), nn.Linear(3)), x)
    with pytest.raises(ShapeError, match="one score a class"):
        saliency(model["conv1"], x)


def test_a_network_without_convolution_or_linear_layer_is_told(x):
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3))
    flat.build(SHAPE, dtype=np.float64, seed=0)
    with pytest.raises(OptionError, match="no convolution"):
        grad_cam(flat, x)
    pooled = nn.Sequential(nn.Conv2d(3, 1), nn.GlobalAvgPool2d(), nn.Flatten())
    pooled.build(SHAPE, dtype=np.float64, seed=0)
    with pytest.raises(OptionError, match="no Linear layer"):
        embedding(pooled, x)
