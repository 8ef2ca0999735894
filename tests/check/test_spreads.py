"""A spread that is made wrongly is named however backward goes on from there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnpy import reference
from cnnpy.check.checking import EFFORTS, run
from cnnpy.check.observe import Grade
from cnnpy.check.spreads import spreads_of


def wrong(functions: Any) -> set[str | None]:
    report = run(functions, effort=EFFORTS["quick"])
    return {c.name for c in report.conclusions if c.grade is Grade.WRONG}


NORMS = ("batch_norm", "layer_norm", "group_norm")
OWN = [(op, made) for op in NORMS for made in spreads_of(op) if made.way == "its own gradient"]


@pytest.mark.parametrize(("op", "made"), OWN)
def test_its_own_gradient_is_the_difference_quotient_of_its_forward_pass(
    op: str, made: Any
) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 4) if op == "layer_norm" else (2, 4, 3, 2))
    gamma, beta = rng.standard_normal((2, 4))
    options = {"eps": 0.3, **({"groups": 2} if op == "group_norm" else {})}
    out, cache = made.forward(x, gamma, beta, **options)
    dout = rng.standard_normal(out.shape)
    inputs = [x, gamma, beta]
    for k, gradient in enumerate(made.backward(dout, cache)):
        for at in np.ndindex(inputs[k].shape):
            step = np.zeros(inputs[k].shape)
            step[at] = 1e-5
            losses = []
            for sign in (1, -1):
                moved = [a + sign * step if j == k else a for j, a in enumerate(inputs)]
                losses.append(np.sum(dout * made.forward(*moved, **options)[0]))
            np.testing.assert_allclose(gradient[at], (losses[0] - losses[1]) / 2e-5, 1e-6, 1e-8)


def layer_norm_in_steps(x: Any, gamma: Any, beta: Any, ln_param: Any) -> Any:
    centred = x - x.mean(axis=1, keepdims=True)
    std = np.sqrt((centred**2).mean(axis=1, keepdims=True))
    total = std + ln_param["eps"]
    return gamma * centred / total + beta, (centred, std, total, gamma)


def back_in_steps(dout: Any, cache: Any) -> Any:
    centred, std, total, gamma = cache
    D = dout.shape[1]
    dtotal = -np.sum(dout * gamma * centred, axis=1, keepdims=True) / total**2
    dcentred = dout * gamma / total + dtotal * centred / (D * std)
    dx = dcentred - dcentred.sum(axis=1, keepdims=True) / D
    return dx, np.sum(dout * centred / total, axis=0), dout.sum(axis=0)


def test_backward_through_the_steps_of_a_wrong_spread_is_not_a_second_mistake() -> None:
    functions = {"layernorm_forward": layer_norm_in_steps, "layernorm_backward": back_in_steps}
    assert wrong(functions) == {"layer_norm_adds_eps_to_the_spread"}


def test_what_backward_alone_does_to_the_spread_is_told_of_backward() -> None:
    """Forward has no eps; backward adds it to the spread of x_hat, and divides without it."""

    def forward(x: Any, gamma: Any, beta: Any, ln_param: Any) -> Any:
        centred = x - x.mean(axis=1, keepdims=True)
        std = np.sqrt((centred**2).mean(axis=1, keepdims=True))
        return gamma * centred / std + beta, (centred, std, ln_param["eps"], gamma)

    def backward(dout: Any, cache: Any) -> Any:
        centred, std, eps, gamma = cache
        x_hat, dx_hat = centred / (std + eps), dout * gamma
        slope = (dx_hat * x_hat).mean(axis=1, keepdims=True)
        dx = (dx_hat - dx_hat.mean(axis=1, keepdims=True) - x_hat * slope) / std
        return dx, np.sum(dout * x_hat, axis=0), dout.sum(axis=0)

    functions = {"layernorm_forward": forward, "layernorm_backward": backward}
    report = run(functions, effort=EFFORTS["quick"])
    assert {(c.function, c.name) for c in report.conclusions if c.grade is Grade.WRONG} == {
        ("layernorm_forward", "layer_norm_ignores_eps"),
        ("layernorm_backward", "layer_norm_adds_eps_to_the_spread"),
    }


def test_a_wrong_spread_of_wrong_groups_is_named_with_them() -> None:
    """Group norm by layer norm, pixel by pixel, with eps outside of the root."""

    def rows(a: Any, G: int) -> Any:
        N, C, H, W = a.shape
        return a.reshape(N, G, C // G, H, W).transpose(0, 1, 3, 4, 2).reshape(-1, C // G)

    def images(a: Any, shape: Any, G: int) -> Any:
        N, C, H, W = shape
        return a.reshape(N, G, H, W, C // G).transpose(0, 1, 4, 2, 3).reshape(shape)

    def forward(x: Any, gamma: Any, beta: Any, G: int, gn_param: Any) -> Any:
        x_hat, cache = layer_norm_in_steps(rows(x, G), 1.0, 0.0, gn_param)
        x_hat = images(x_hat, x.shape, G)
        return x_hat * gamma + beta, (x_hat, cache, gamma, G)

    def backward(dout: Any, cache: Any) -> Any:
        x_hat, inner, gamma, G = cache
        dx, _, _ = back_in_steps(rows(dout * gamma, G), inner)
        dgamma = (dout * x_hat).sum(axis=(0, 2, 3), keepdims=True)
        dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)
        return images(dx, dout.shape, G), dgamma, dbeta

    functions = {"spatial_groupnorm_forward": forward, "spatial_groupnorm_backward": backward}
    assert wrong(functions) == {
        "group_norm_adds_eps_to_the_spread",
        "group_norm_normalises_each_pixel",
    }


def test_an_eps_that_one_gradient_alone_lacks_is_named() -> None:
    def forward(x: Any, gamma: Any, beta: Any, bn_param: Any) -> Any:
        run = {k: bn_param[k] for k in ("running_mean", "running_var") if k in bn_param}
        for name, value in run.items():
            bn_param[name] = value.copy()
        old = {k: bn_param[k].copy() for k in run}
        train, eps, keep = bn_param["mode"] == "train", bn_param["eps"], bn_param["momentum"]
        out, cache = reference.batch_norm_forward(
            x, gamma, beta, train=train, eps=eps, **({} if train else old)
        )
        if train:
            for name, new in (("running_mean", x.mean(axis=0)), ("running_var", x.var(axis=0))):
                bn_param[name] = keep * old.get(name, 0.0) + (1 - keep) * new
        return out, (cache, x)

    def backward(dout: Any, cache: Any) -> Any:
        dx, _, dbeta = reference.batch_norm_backward(dout, cache[0])
        x_hat = (cache[1] - cache[1].mean(axis=0)) / cache[1].std(axis=0)
        return dx, np.sum(dout * x_hat, axis=0), dbeta

    functions = {"batchnorm_forward": forward, "batchnorm_backward": backward}
    assert wrong(functions) == {"batch_norm_ignores_eps_in_backward"}


def test_a_dx_that_is_right_beside_a_wrong_x_hat_is_no_second_mistake() -> None:
    """Forward adds eps to the spread; backward has the gradient of the right one."""

    def forward(x: Any, gamma: Any, beta: Any, ln_param: Any) -> Any:
        eps, centred = ln_param["eps"], x - x.mean(axis=1, keepdims=True)
        var = (centred**2).mean(axis=1, keepdims=True)
        x_hat = centred / (np.sqrt(var) + eps)
        return gamma * x_hat + beta, (x_hat, centred, np.sqrt(var + eps), gamma)

    def backward(dout: Any, cache: Any) -> Any:
        x_hat, centred, std, gamma = cache
        D, dx_hat = dout.shape[1], dout * gamma
        dstd = -np.sum(dx_hat * centred, axis=1, keepdims=True) / std**2
        dcentred = dx_hat / std + dstd * centred / (D * std)
        dx = dcentred - dcentred.sum(axis=1, keepdims=True) / D
        return dx, np.sum(dout * x_hat, axis=0), dout.sum(axis=0)

    functions = {"layernorm_forward": forward, "layernorm_backward": backward}
    assert wrong(functions) == {"layer_norm_adds_eps_to_the_spread"}
