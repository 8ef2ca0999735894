"""Batch, layer, spatial batch and group normalisation."""

import numpy as np
import pytest

from cnnpy.contract.errors import CacheError, OptionError, ShapeError
from cnnpy.cs231n.gradient_check import eval_numerical_gradient_array
from cnnpy.cs231n.layers import (
    batchnorm_backward,
    batchnorm_backward_alt,
    batchnorm_forward,
    layernorm_backward,
    layernorm_forward,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
    spatial_groupnorm_backward,
    spatial_groupnorm_forward,
)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def check_gradients(forward, backward, x, gamma, beta, dout):
    """Hold dx, dgamma, dbeta against difference quotients, shapes included."""
    _, cache = forward(x, gamma, beta)
    dx, dgamma, dbeta = backward(dout, cache)
    pairs = [
        (dx, lambda a: forward(a, gamma, beta)[0], x),
        (dgamma, lambda a: forward(x, a, beta)[0], gamma),
        (dbeta, lambda a: forward(x, gamma, a)[0], beta),
    ]
    for gradient, f, at in pairs:
        numeric = eval_numerical_gradient_array(f, at.copy(), dout)
        assert gradient.shape == at.shape
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-8)


# --- batch normalisation ---------------------------------------------------------


def test_batchnorm_in_training_gives_means_beta_and_spreads_gamma(rng):
    a = rng.normal(3, 5, size=(200, 3)) @ rng.normal(size=(3, 3))
    for gamma, beta in [
        (np.ones(3), np.zeros(3)),
        (np.array([1.0, 2.0, 3.0]), np.array([11.0, 12.0, 13.0])),
        (np.array([3, 4, 5]), np.array([6, 7, 8])),  # integers
    ]:
        out, _ = batchnorm_forward(a, gamma, beta, {"mode": "train"})
        np.testing.assert_allclose(out.mean(axis=0), beta, atol=1e-12)
        np.testing.assert_allclose(out.std(axis=0), gamma, rtol=1e-4)


def test_running_statistics_after_two_batches_by_hand():
    bn_param = {"mode": "train", "momentum": 0.75}
    ones, zeros = np.ones(1), np.zeros(1)
    batchnorm_forward(np.array([[0.0], [8.0]]), ones, zeros, bn_param)
    # from zero: mean 0.25 * 4, variance 0.25 * 16, biased
    assert bn_param["running_mean"].tolist() == [1.0]
    assert bn_param["running_var"].tolist() == [4.0]
    first = bn_param["running_mean"]
    batchnorm_forward(np.array([[2.0], [2.0]]), ones, zeros, bn_param)
    assert bn_param["running_mean"].tolist() == [0.75 * 1 + 0.25 * 2]
    assert bn_param["running_var"].tolist() == [0.75 * 4]
    assert first.tolist() == [1.0]  # the old array is left as it was


def test_the_momentum_is_09_where_none_is_given():
    bn_param = {"mode": "train"}
    batchnorm_forward(np.array([[0.0], [2.0]]), np.ones(1), np.zeros(1), bn_param)
    np.testing.assert_allclose(bn_param["running_mean"], [0.1])
    np.testing.assert_allclose(bn_param["running_var"], [0.1])
    assert set(bn_param) == {"mode", "running_mean", "running_var"}


def test_batchnorm_in_test_mode_by_hand():
    bn_param = {
        "eps": 1.0,
        "mode": "test",
        "running_var": np.array([3.0]),
        "running_mean": np.array([5.0]),
        "further": "key",
    }
    out, _ = batchnorm_forward(np.array([[9.0], [1.0]]), np.array([10]), np.array([1]), bn_param)
    np.testing.assert_array_equal(out, [[21], [-19]])
    assert bn_param["running_mean"].tolist() == [5.0]


def test_test_mode_without_statistics_takes_zeros_as_the_course_does():
    bn_param = {"mode": "test", "eps": 4.0}
    out, _ = batchnorm_forward(np.array([[6.0]]), np.ones(1), np.zeros(1), bn_param)
    assert out.tolist() == [[3.0]]
    assert bn_param["running_var"].tolist() == [0.0]


def test_after_many_batches_test_mode_is_nearly_normal(rng):
    mix, bn_param = rng.normal(size=(4, 3)), {"mode": "train"}
    for _ in range(60):
        batchnorm_forward(rng.normal(2, 3, size=(200, 4)) @ mix, np.ones(3), np.zeros(3), bn_param)
    bn_param["mode"] = "test"
    a = rng.normal(2, 3, size=(500, 4)) @ mix
    out, _ = batchnorm_forward(a, np.ones(3), np.zeros(3), bn_param)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=0.2)
    np.testing.assert_allclose(out.std(axis=0), 1, atol=0.1)


@pytest.mark.parametrize("backward", [batchnorm_backward, batchnorm_backward_alt])
@pytest.mark.parametrize("mode", ["train", "test"])
def test_batchnorm_gradients(rng, backward, mode):
    x = rng.normal(12, 5, size=(4, 5))
    gamma, beta, dout = rng.normal(size=5), rng.normal(size=5), rng.normal(size=(4, 5))
    statistics = {"running_mean": rng.normal(size=5), "running_var": 1 + rng.random(5)}

    def forward(x, gamma, beta):
        return batchnorm_forward(x, gamma, beta, {"mode": mode, **statistics})

    check_gradients(forward, backward, x, gamma, beta, dout)


def test_both_derivations_agree(rng):
    x, dout = rng.normal(12, 5, size=(100, 50)), rng.normal(size=(100, 50))
    gamma, beta = rng.normal(size=50), rng.normal(size=50)
    _, cache = batchnorm_forward(x, gamma, beta, {"mode": "train"})
    for a, b in zip(
        batchnorm_backward(dout, cache), batchnorm_backward_alt(dout, cache), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_float32_stays_float32(rng):
    x, gamma, beta, dout = (rng.normal(size=s).astype(np.float32) for s in ((6, 3), 3, 3, (6, 3)))
    bn_param = {"mode": "train"}
    out, cache = batchnorm_forward(x, gamma, beta, bn_param)
    results = [out, *bn_param.values(), *batchnorm_backward(dout, cache)]
    results += batchnorm_backward_alt(dout, cache)
    assert {r.dtype for r in results if not isinstance(r, str)} == {np.dtype(np.float32)}


def test_a_wider_gradient_is_not_narrowed_by_normalisation(rng):
    x = rng.normal(size=(4, 6, 2, 2)).astype(np.float32)
    gamma, beta = np.ones(6, np.float32), np.zeros(6, np.float32)
    dout = rng.normal(size=x.shape)
    bn_param = {"mode": "train"}
    flat = x[:, :, 0, 0].copy()
    for backward, dy, cache in [
        (batchnorm_backward, dout[..., 0, 0], batchnorm_forward(flat, gamma, beta, bn_param)[1]),
        (layernorm_backward, dout[..., 0, 0], layernorm_forward(flat, gamma, beta, {})[1]),
        (
            spatial_batchnorm_backward,
            dout,
            spatial_batchnorm_forward(x, gamma, beta, {**bn_param, "mode": "test"})[1],
        ),
        (spatial_groupnorm_backward, dout, spatial_groupnorm_forward(x, gamma, beta, 3, {})[1]),
    ]:
        assert {g.dtype for g in backward(dy, cache)} == {np.dtype(np.float64)}


def test_one_input_a_batch_is_no_division_by_zero():
    bn_param = {"mode": "train"}
    out, _ = batchnorm_forward(np.array([[3.0, 4.0]]), np.ones(2), np.array([5.0, 6.0]), bn_param)
    np.testing.assert_array_equal(out, [[5, 6]])
    np.testing.assert_array_equal(bn_param["running_var"], [0, 0])


def test_an_empty_batch_leaves_the_running_statistics():
    bn_param = {"mode": "train", "running_mean": np.ones(2), "running_var": np.ones(2)}
    out, cache = batchnorm_forward(np.zeros((0, 2)), np.ones(2), np.zeros(2), bn_param)
    assert out.shape == (0, 2)
    assert bn_param["running_mean"].tolist() == [1, 1]
    for backward in (batchnorm_backward, batchnorm_backward_alt):
        assert backward(out, cache)[0].shape == (0, 2)


# --- layer normalisation ---------------------------------------------------------


def test_layernorm_gives_each_input_mean_beta_and_spread_gamma(rng):
    a = rng.normal(size=(4, 50)) @ rng.normal(size=(50, 30))
    for gamma, beta in [(1.0, 0.0), (3.0, 5.0)]:
        out, _ = layernorm_forward(a, np.full(30, gamma), np.full(30, beta), {})
        np.testing.assert_allclose(out.mean(axis=1), beta, atol=1e-12)
        np.testing.assert_allclose(out.std(axis=1), gamma, rtol=1e-5)


def test_layernorm_is_batchnorm_turned_round(rng):
    x = rng.normal(size=(5, 7))
    out, _ = layernorm_forward(x, np.ones(7), np.zeros(7), {})
    turned, _ = batchnorm_forward(x.T.copy(), np.ones(5), np.zeros(5), {"mode": "train"})
    np.testing.assert_allclose(out, turned.T, rtol=1e-12)


def test_layernorm_gradients(rng):
    x, gamma, beta = rng.normal(12, 5, size=(4, 5)), rng.normal(size=5), rng.normal(size=5)

    def forward(x, gamma, beta):
        return layernorm_forward(x, gamma, beta, {"eps": 1e-5, "mode": "train"})

    check_gradients(forward, layernorm_backward, x, gamma, beta, rng.normal(size=(4, 5)))


# --- images ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3,), (1, 3, 1, 1)])
def test_spatial_batchnorm_normalises_over_batch_and_pixels(rng, shape):
    x = rng.normal(10, 4, size=(2, 3, 4, 5))
    gamma, beta = np.array([3, 4, 5]).reshape(shape), np.array([6, 7, 8]).reshape(shape)
    bn_param = {"mode": "train"}
    out, _ = spatial_batchnorm_forward(x, gamma, beta, bn_param)
    np.testing.assert_allclose(out.mean(axis=(0, 2, 3)), [6, 7, 8], rtol=1e-12)
    np.testing.assert_allclose(out.std(axis=(0, 2, 3)), [3, 4, 5], rtol=1e-5)
    np.testing.assert_allclose(bn_param["running_mean"], 0.1 * x.mean(axis=(0, 2, 3)))
    np.testing.assert_allclose(bn_param["running_var"], 0.1 * x.var(axis=(0, 2, 3)))


def test_spatial_batchnorm_is_batchnorm_of_all_pixels(rng):
    x = rng.normal(size=(2, 3, 4, 5))
    gamma, beta = rng.normal(size=3), rng.normal(size=3)
    out, _ = spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"})
    pixels = x.transpose(0, 2, 3, 1).reshape(-1, 3)
    flat, _ = batchnorm_forward(pixels, gamma, beta, {"mode": "train"})
    expected = flat.reshape(2, 4, 5, 3).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(out, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shape", [(3,), (1, 3, 1, 1)])
def test_spatial_batchnorm_gradients(rng, shape):
    x, dout = rng.normal(12, 5, size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 4, 5))
    gamma, beta = rng.normal(size=shape), rng.normal(size=shape)

    def forward(x, gamma, beta):
        return spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"})

    check_gradients(forward, spatial_batchnorm_backward, x, gamma, beta, dout)


@pytest.mark.parametrize("shape", [(6,), (1, 6, 1, 1)])
@pytest.mark.parametrize("G", [1, 2, 3, 6])
def test_groupnorm_normalises_each_group_of_each_image(rng, shape, G):
    x = rng.normal(10, 4, size=(2, 6, 4, 5))
    ones, zeros = np.ones(shape), np.zeros(shape)
    out, _ = spatial_groupnorm_forward(x, ones, zeros, G, {"eps": 1e-5})
    groups = out.reshape(2 * G, -1)
    np.testing.assert_allclose(groups.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(groups.std(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("shape", [(6,), (1, 6, 1, 1)])
def test_groupnorm_gradients(rng, shape):
    x, dout = rng.normal(12, 5, size=(2, 6, 3, 4)), rng.normal(size=(2, 6, 3, 4))
    gamma, beta = rng.normal(size=shape), rng.normal(size=shape)

    def forward(x, gamma, beta):
        return spatial_groupnorm_forward(x, gamma, beta, 2, {})

    check_gradients(forward, spatial_groupnorm_backward, x, gamma, beta, dout)


@pytest.mark.parametrize(
    ("ours", "arguments"), [("group_norm", (2,)), ("layer_norm", ()), ("batch_norm", ())]
)
def test_normalisation_agrees_with_torch(rng, ours, arguments, torch):
    x, gamma, beta = rng.normal(size=(3, 4, 5, 2)), rng.normal(size=4), rng.normal(size=4)
    tx, tg, tb = (torch.tensor(a) for a in (x, gamma, beta))
    if ours == "group_norm":
        out, _ = spatial_groupnorm_forward(x, gamma, beta, *arguments, {})
        expected = torch.nn.functional.group_norm(tx, *arguments, tg, tb)
    elif ours == "layer_norm":
        out, _ = layernorm_forward(x[:, :, 0, 0].copy(), gamma, beta, {})
        expected = torch.nn.functional.layer_norm(tx[:, :, 0, 0], (4,), tg, tb)
    else:
        out, _ = spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"})
        expected = torch.nn.functional.batch_norm(tx, None, None, tg, tb, training=True)
    np.testing.assert_allclose(out, expected.numpy(), rtol=1e-10, atol=1e-12)


def test_inputs_are_not_changed(rng):
    x, gamma, beta = rng.normal(size=(2, 4, 3, 3)), rng.normal(size=4), rng.normal(size=4)
    given = [x, gamma, beta]
    kept = [a.copy() for a in given]
    for a in given:
        a.flags.writeable = False
    running = np.ones(4)
    running.flags.writeable = False
    for mode in ("train", "test"):
        bn_param = {"mode": mode, "running_mean": running, "running_var": running}
        out, cache = spatial_batchnorm_forward(x, gamma, beta, bn_param)
        spatial_batchnorm_backward(out, cache)
    out, cache = spatial_groupnorm_forward(x, gamma, beta, 2, {})
    spatial_groupnorm_backward(out, cache)
    for a, before in zip(given, kept, strict=True):
        np.testing.assert_array_equal(a, before)
    assert running.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("run", "error", "text"),
    [
        (
            lambda: batchnorm_forward(np.ones((2, 3)), np.ones(3), np.ones(3), {"mode": "Test"}),
            OptionError,
            "batchnorm_forward: bn_param['mode'] is 'Test'\n"
            "  expected: 'train' or 'test'\n"
            "  to mend:  use bn_param['mode'] = 'test'",
        ),
        (
            lambda: batchnorm_forward(np.ones((2, 3)), np.ones(3), np.ones(3), {"modes": "test"}),
            OptionError,
            "batchnorm_forward: bn_param has no 'mode'; it has 'modes'\n"
            "  expected: a dictionary bn_param with the key 'mode'\n"
            "  to mend:  rename 'modes' to 'mode'",
        ),
        (
            lambda: batchnorm_forward(np.ones((2, 3, 4, 4)), np.ones(3), np.ones(3), {}),
            ShapeError,
            "to mend:  use spatial_batchnorm_forward",
        ),
        (
            lambda: spatial_batchnorm_forward(np.ones((2, 3)), np.ones(3), np.ones(3), {}),
            ShapeError,
            "to mend:  use batchnorm_forward",
        ),
        (
            lambda: batchnorm_forward(
                np.ones((2, 3)), np.ones(3), np.ones(3), {"mode": "train", "momentum": 2}
            ),
            OptionError,
            "batch_norm: momentum=2",
        ),
        (
            lambda: batchnorm_forward(
                np.ones((2, 3)),
                np.ones(3),
                np.ones(3),
                {"mode": "train", "running_mean": np.ones(4)},
            ),
            ShapeError,
            "use one dictionary a layer, or del bn_param['running_mean'] to begin anew",
        ),
        (
            lambda: batchnorm_backward(np.ones((2, 3)), (np.ones((2, 3)), 1, 2)),
            CacheError,
            "batchnorm_backward: cache is a tuple of 3\n"
            "  expected: the cache of batchnorm_forward\n"
            "  to mend:  keep both results: out, cache = batchnorm_forward(...)",
        ),
        (
            lambda: batchnorm_backward_alt(
                np.ones((2, 3)), layernorm_forward(np.ones((2, 3)), np.ones(3), np.ones(3), {})[1]
            ),
            CacheError,
            "batchnorm_backward_alt: cache is a cache of layer_norm",
        ),
        (
            lambda: batchnorm_backward_alt(
                np.ones((3, 3)),
                batchnorm_forward(np.ones((2, 3)), np.ones(3), np.ones(3), {"mode": "train"})[1],
            ),
            ShapeError,
            "dout has shape (3, 3); forward returned shape (2, 3)",
        ),
        (
            lambda: spatial_groupnorm_forward(np.ones((2, 6, 3, 3)), np.ones(6), np.ones(6), 4, {}),
            ShapeError,
            "groups=4 does not divide",
        ),
    ],
)
def test_wrong_input_is_named(run, error, text):
    with pytest.raises(error) as caught:
        run()
    assert text in str(caught.value)


def test_a_failed_call_leaves_bn_param_alone():
    bn_param = {"mode": "train"}
    with pytest.raises(ShapeError):
        batchnorm_forward(np.ones((2, 3)), np.ones(4), np.ones(3), bn_param)
    assert bn_param == {"mode": "train"}
