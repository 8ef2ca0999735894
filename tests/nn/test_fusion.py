"""Layers that run in one go give what they give one after another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnpy
from cnnpy import nn
from cnnpy.contract import BackendError, OptionError, ShapeError
from cnnpy.models import MODELS
from cnnpy.nn import fusion

SHAPES = {
    "small_cnn": (1, 8, 8),
    "threelayer": (3, 32, 32),
    "lenet5": (1, 28, 28),
    "vgg_small": (3, 16, 16),
    "resnet20": (3, 16, 16),
    "resnet18": (3, 32, 32),
    "mobilenet_v2": (3, 32, 32),
}


def one_step(model: nn.Layer, x: Any, dout_seed: int, *, fused: bool) -> dict[str, Any]:
    """Run one training step of a copy; return everything that came of it."""
    model = model.copy()
    with nn.use_fusion(fused):
        out, cache = model.forward(x, train=True)
        dout = np.random.default_rng(dout_seed).standard_normal(out.shape).astype(out.dtype)
        dx = model.backward(dout, cache)
        found = {"out": out, "dx": dx, "inference": model(x)}
    found |= {f"d{name}": p.grad for name, p in model.named_parameters()}
    return found | {name: buffer.copy() for name, buffer in model.named_buffers()}


def assert_equal_steps(model: nn.Layer, x: Any) -> None:
    plain, fused = (one_step(model, x, 0, fused=f) for f in (False, True))
    assert plain.keys() == fused.keys()
    eps = np.finfo(x.dtype).eps
    for name, want in plain.items():
        if want is None:
            assert fused[name] is None, name
            continue
        # a bias before a norm has no gradient, but the roundings of as many terms as there are
        scale = max(1.0, float(np.abs(want).max(initial=0.0)), x.size / 5e4)
        distance = np.abs(np.asarray(fused[name], dtype=np.float64) - want).max(initial=0.0)
        assert distance <= 2000 * eps * scale, name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", MODELS)
def test_a_network_trains_alike_fused_and_layer_by_layer(name: str, dtype: type) -> None:
    model = MODELS[name](10)
    model.build(SHAPES[name], dtype=dtype, seed=0)
    x = np.random.default_rng(1).standard_normal((4, *SHAPES[name])).astype(dtype)
    if "dropout" in model.layers:  # which draws anew in every pass
        model.layers["dropout"].p = 0.0
    assert_equal_steps(model, x)


BLOCKS = {
    "conv relu": lambda: [nn.Conv2d(5, 3, padding=1), nn.ReLU()],
    "conv pool": lambda: [nn.Conv2d(5, 3), nn.MaxPool2d(2)],
    "conv relu pool": lambda: [nn.Conv2d(5, 3, stride=2), nn.ReLU(), nn.MaxPool2d(3, stride=2)],
    "conv norm": lambda: [nn.Conv2d(5, 3, use_bias=False), nn.BatchNorm()],
    "conv norm without scale": lambda: [nn.Conv2d(5, (3, 2)), nn.BatchNorm(affine=False)],
    "conv norm relu": lambda: [nn.Conv2d(5, 3), nn.BatchNorm(), nn.ReLU()],
    "conv norm pool": lambda: [nn.Conv2d(5, 3), nn.BatchNorm(), nn.MaxPool2d(2, padding=1)],
    "conv relu6": lambda: [nn.Conv2d(5, 3, padding=1), nn.ReLU6()],
    "conv relu6 and pool": lambda: [nn.Conv2d(5, 3), nn.ReLU6(), nn.MaxPool2d(2)],
    "conv norm relu6": lambda: [nn.Conv2d(8, 3, groups=4), nn.BatchNorm(), nn.ReLU6()],
    "conv norm relu pool": lambda: [
        nn.Conv2d(6, 3, groups=2, dilation=2),
        nn.BatchNorm(momentum=0.3),
        nn.ReLU(),
        nn.MaxPool2d(2),
    ],
    "linear relu": lambda: [nn.Flatten(), nn.Linear(7), nn.ReLU()],
}


@pytest.mark.parametrize("name", BLOCKS)
def test_every_block_gives_what_its_layers_give(name: str) -> None:
    model = nn.Sequential(*BLOCKS[name]())
    model.build((4, 9, 11), dtype=np.float64, seed=0)
    x = np.random.default_rng(0).standard_normal((3, 4, 9, 11))
    if "relu6" in name:  # values above 6
        for parameter in model.parameters():
            parameter.value *= 5
        with nn.use_fusion(False):
            out, _ = model.forward(x, train=True)
        assert out.max() == 6
    assert_equal_steps(model, x)
    count = len(fusion.steps(list(model), train=True))
    assert count == (2 if name in ("linear relu", "conv relu6 and pool") else 1)


@pytest.mark.parametrize("normed", [False, True])
def test_relu6_behind_winograds_tiles_is_its_layers(normed: bool) -> None:
    norm = [nn.BatchNorm()] if normed else []
    model = nn.Sequential(nn.Conv2d(24, 3, padding=1), *norm, nn.ReLU6())
    model.build((16, 22, 23), seed=0)
    for parameter in model.parameters():
        parameter.value *= 5
    x = np.random.default_rng(0).standard_normal((2, 16, 22, 23)).astype(np.float32)
    assert model(x).max() == 6
    assert_equal_steps(model, x)


@pytest.mark.parametrize("activation", [None, nn.ReLU(), nn.Tanh()], ids=["none", "relu", "tanh"])
@pytest.mark.parametrize("shortcut", [False, True])
def test_a_residual_block_gives_what_its_layers_give(shortcut: bool, activation: Any) -> None:
    body = nn.Sequential(
        nn.Conv2d(4, 3, padding=1), nn.BatchNorm(), nn.ReLU(), nn.Conv2d(4, 1), nn.BatchNorm()
    )
    beside = nn.Sequential(nn.Conv2d(4, 1), nn.BatchNorm()) if shortcut else None
    model = nn.Residual(body, beside, activation=activation)
    model.build((4, 6, 5), dtype=np.float64, seed=0)
    assert_equal_steps(model, np.random.default_rng(0).standard_normal((3, 4, 6, 5)))


def conv_norm(filters: int, size: int = 3, **options: Any) -> list[nn.Layer]:
    return [nn.Conv2d(filters, size, padding=size // 2, **options), nn.BatchNorm()]


CHAINS = {
    "wide enough for tiles": lambda: [
        *conv_norm(20), nn.ReLU(), *conv_norm(17, use_bias=False), nn.ReLU(),
        *conv_norm(16), *conv_norm(16, 5), nn.ReLU(), *conv_norm(4),
    ],
    "norm without relu": lambda: [*conv_norm(6), *conv_norm(6, 5), nn.ReLU()],
    "a pooling between": lambda: [
        *conv_norm(6), nn.ReLU(), nn.MaxPool2d(2), *conv_norm(5), nn.ReLU(), nn.MaxPool2d(2),
    ],
    "strides, groups, dilation": lambda: [
        *conv_norm(8, stride=2), nn.ReLU(), *conv_norm(8, groups=8), nn.ReLU(),
        *conv_norm(6, groups=2, dilation=2), nn.ReLU(), *conv_norm(3, 1),
    ],
    "a convolution without a norm": lambda: [*conv_norm(6), nn.ReLU(), nn.Conv2d(5, 3), nn.ReLU()],
    "relu6": lambda: [*conv_norm(6), nn.ReLU6(), *conv_norm(8, 1), nn.ReLU6(), *conv_norm(3)],
    "norms without scale": lambda: [
        nn.Conv2d(6, 3), nn.BatchNorm(affine=False), nn.ReLU(),
        nn.Conv2d(6, 3), nn.BatchNorm(affine=False), nn.ReLU(),
    ],
    "residual blocks": lambda: [
        *conv_norm(6), nn.ReLU(),
        nn.Residual(nn.Sequential(*conv_norm(6), nn.ReLU(), *conv_norm(6)), activation=nn.ReLU()),
        nn.Sequential(
            nn.Residual(nn.Sequential(*conv_norm(6), nn.ReLU(), *conv_norm(6, 1))),
            nn.Residual(
                nn.Sequential(*conv_norm(9, stride=2), nn.ReLU(), *conv_norm(9)),
                nn.Sequential(*conv_norm(9, 1, stride=2)),
                activation=nn.ReLU(),
            ),
        ),
        nn.Residual(nn.Sequential(*conv_norm(9)), activation=nn.ReLU()),
        nn.Residual(nn.Sequential(nn.Sequential(*conv_norm(9), nn.ReLU()), *conv_norm(9))),
        nn.Residual(nn.Sequential(nn.Residual(nn.Sequential(*conv_norm(9))), *conv_norm(9))),
        nn.Residual(
            nn.Sequential(*conv_norm(9), nn.ReLU(), nn.Dropout(0.0), *conv_norm(9)),
            activation=nn.ReLU(),
        ),
        *conv_norm(3, 1),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    "shape", [(3, 5, 12, 11), (70, 5, 24, 23)], ids=["whole batch", "by parts"]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CHAINS)
def test_what_is_handed_on_from_block_to_block_gives_what_the_layers_give(
    name: str, dtype: type, shape: tuple[int, ...]
) -> None:
    model = nn.Sequential(*CHAINS[name]())
    model.build(shape[1:], dtype=dtype, seed=0)
    keep_from_zero(model)
    assert_equal_steps(model, np.random.default_rng(0).standard_normal(shape).astype(dtype))


def keep_from_zero(layer: nn.Layer) -> None:
    """Let every second channel behind a norm be positive, nearly, and the others negative.

    Of millions of numbers some are within a rounding of 0, where a ReLU may let the gradient
    through or not.
    """
    if isinstance(layer, nn.BatchNorm) and layer.affine:
        layer.bias.value[:] = np.where(np.arange(layer.bias.size) % 2, -4, 4)
    for inner in layer.children().values():
        keep_from_zero(inner)


@pytest.mark.parametrize("frozen", [[0], [0, 1], [3], [0, 3], [3, 4]])
def test_frozen_layers_take_part_in_what_is_handed_on(frozen: list[int]) -> None:
    model = nn.Sequential(*conv_norm(6), nn.ReLU(), *conv_norm(5), nn.ReLU(), *conv_norm(4))
    model.build((3, 24, 22), dtype=np.float64, seed=0)
    for k in frozen:
        model[k].freeze()
    assert_equal_steps(model, np.random.default_rng(0).standard_normal((20, 3, 24, 22)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [2, 3, 16, 17])
def test_a_pooling_takes_a_large_batch_where_the_convolution_leaves_it(
    size: int, dtype: type
) -> None:
    pool = nn.MaxPool2d(size, stride=2, padding=1)
    model = nn.Sequential(nn.Conv2d(17, 3, padding=1), nn.ReLU(), pool, nn.Conv2d(3, 2))
    model.build((16, 21, 19), dtype=dtype, seed=0)
    assert_equal_steps(
        model, np.random.default_rng(0).standard_normal((35, 16, 21, 19)).astype(dtype)
    )


def test_filters_that_are_not_finite_meet_no_border_in_any_part_of_a_batch() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 1), nn.Conv2d(4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
    )
    model.build((2, 17, 16), dtype=np.float64, seed=0)
    model[1].weight.value[1, 2, 0, 0] = np.inf
    x = np.random.default_rng(0).standard_normal((40, 2, 17, 16))
    found = []
    for enabled in (False, True):
        with nn.use_fusion(enabled), np.errstate(all="ignore"):
            out, cache = model.forward(x, train=True)
            found.append(model.backward(np.ones_like(out), cache))
    np.testing.assert_array_equal(np.isnan(found[1]), np.isnan(found[0]))
    assert not np.isnan(found[0]).all(axis=(1, 2, 3)).any()


def test_a_large_batch_trains_alike_fused_and_layer_by_layer() -> None:
    for name in ("vgg_small", "resnet20"):
        model = MODELS[name](10)
        model.build((3, 16, 16), dtype=np.float64, seed=0)
        x = np.random.default_rng(1).standard_normal((34, 3, 16, 16))
        assert_equal_steps(model, x)


def test_layers_of_one_s_own_are_not_fused() -> None:
    class Doubled(nn.ReLU):
        def forward(self, x: Any, *, train: bool = False) -> Any:
            out, cache = super().forward(x, train=train)
            return 2 * out, cache

    model = nn.Sequential(nn.Conv2d(3, 3), Doubled())
    model.build((2, 5, 5), seed=0)
    assert len(fusion.steps(list(model), train=True)) == 2


def test_a_frozen_norm_is_not_fused_in_training() -> None:
    model = nn.Sequential(nn.Conv2d(3, 3), nn.BatchNorm(), nn.ReLU())
    model.build((2, 5, 5), dtype=np.float64, seed=0)
    model[1].freeze()
    assert len(fusion.steps(list(model), train=True)) == 3
    before = model[1].running_mean.copy()
    x = np.random.default_rng(0).standard_normal((4, 2, 5, 5))
    assert_equal_steps(model, x)
    np.testing.assert_array_equal(model[1].running_mean, before)


def test_frozen_filters_get_no_gradient_fused_or_not() -> None:
    model = nn.Sequential(nn.Conv2d(3, 3), nn.BatchNorm(), nn.ReLU())
    model.build((2, 5, 5), seed=0)
    model[0].freeze()
    out, cache = model.forward(np.ones((2, 2, 5, 5), dtype=np.float32), train=True)
    model.backward(np.ones_like(out), cache)
    assert model[0].weight.grad is None
    assert model[1].weight.grad is not None


def test_wrong_input_gives_the_same_error_fused_and_not() -> None:
    model = nn.Sequential(nn.Conv2d(3, 3), nn.ReLU(), nn.MaxPool2d(2))
    model.build((2, 8, 8), seed=0)
    for wrong in (np.ones((1, 3, 8, 8), np.float32), np.ones((1, 2, 3, 3), np.float32)):
        texts = []
        for enabled in (False, True):
            with nn.use_fusion(enabled), pytest.raises(ShapeError) as caught:
                model.forward(wrong, train=True)
            texts.append(str(caught.value))
        assert texts[0] == texts[1]


def test_the_environment_turns_fusion_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fusion.fuses()
    monkeypatch.setenv("CNNPY_FUSION", "0")
    assert not fusion.fuses()
    with nn.use_fusion(True):
        assert fusion.fuses()
    monkeypatch.setenv("CNNPY_FUSION", "yes")
    with pytest.raises(BackendError, match="CNNPY_FUSION='yes'"):
        fusion.fuses()


def test_only_a_backend_that_can_is_asked_to_fuse() -> None:
    with cnnpy.use_backend("numpy"):
        assert not fusion.fuses()
    with pytest.raises(OptionError, match="use_fusion: enabled='no'"):
        nn.use_fusion("no")
