"""The update rules, against numbers made by hand and against torch."""

import numpy as np
import pytest

from cnnpy.cs231n import optim

RULES = [optim.sgd, optim.sgd_momentum, optim.rmsprop, optim.adam]


def test_momentum_from_a_velocity_by_hand():
    config = {"learning_rate": 0.1, "velocity": np.array([1.0, -2.0]), "momentum": 0.5}
    w, config = optim.sgd_momentum(np.array([10.0, 20.0]), np.array([3.0, 4.0]), config)
    np.testing.assert_allclose(config["velocity"], [0.5 - 0.3, -1 - 0.4])
    np.testing.assert_allclose(w, [10.2, 18.6])


def test_rmsprop_from_a_cache_by_hand():
    config = {"learning_rate": 0.2, "decay_rate": 0.75, "epsilon": 0.5, "cache": np.array([12.0])}
    w, config = optim.rmsprop(np.array([1.0]), np.array([8.0]), config)
    np.testing.assert_allclose(config["cache"], [9 + 16])
    np.testing.assert_allclose(w, [1 - 0.2 * 8 / 5.5])


def test_adam_counts_its_step_before_it_corrects():
    config = {
        "learning_rate": 0.1,
        "beta1": 0.5,
        "beta2": 0.75,
        "epsilon": 1.0,
        "m": np.array([2.0]),
        "v": np.array([4.0]),
        "t": 1,
    }
    w, config = optim.adam(np.array([1.0]), np.array([6.0]), config)
    assert config["t"] == 2
    np.testing.assert_allclose(config["m"], [4.0])
    np.testing.assert_allclose(config["v"], [12.0])
    m_hat, v_hat = 4 / 0.75, 12 / (1 - 0.5625)
    np.testing.assert_allclose(w, [1 - 0.1 * m_hat / (np.sqrt(v_hat) + 1)])


@pytest.mark.parametrize(
    ("rule", "defaults"),
    [
        (optim.sgd, {"learning_rate": 1e-2}),
        (optim.sgd_momentum, {"learning_rate": 1e-2, "momentum": 0.9}),
        (optim.rmsprop, {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8}),
        (
            optim.adam,
            {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 1},
        ),
    ],
)
def test_defaults_of_the_course(rule, defaults):
    _, config = rule(np.ones(2), np.ones(2))
    assert {k: v for k, v in config.items() if not isinstance(v, np.ndarray)} == defaults
    remembered = {
        "sgd": set(),
        "sgd_momentum": {"velocity"},
        "rmsprop": {"cache"},
        "adam": {"m", "v"},
    }
    assert set(config) - set(defaults) == remembered[rule.__name__]


@pytest.mark.parametrize("rule", RULES)
def test_ten_steps_agree_with_torch(rule, torch):
    rng = np.random.default_rng(8)
    w = rng.normal(size=(3, 4))
    parameter = torch.tensor(w, requires_grad=True)
    theirs = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.03),
        "sgd_momentum": lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.9),
        "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.03, alpha=0.99, eps=1e-8),
        "adam": lambda p: torch.optim.Adam(p, lr=0.03, eps=1e-8),
    }[rule.__name__]([parameter])
    config = {"learning_rate": 0.03}
    for _ in range(10):
        dw = rng.normal(size=w.shape)
        w, config = rule(w, dw, config)
        parameter.grad = torch.tensor(dw)
        theirs.step()
    np.testing.assert_allclose(w, parameter.detach().numpy(), rtol=1e-10)


@pytest.mark.parametrize("rule", RULES)
def test_arrays_are_left_and_the_dictionary_is_filled(rule):
    w, dw, config = np.ones(3), np.full(3, 2.0), {"learning_rate": 0.1, "further": 1}
    _, returned = rule(w, dw, config)
    assert returned is config
    state = {k: v.copy() for k, v in config.items() if isinstance(v, np.ndarray)}
    remembered = dict(config)
    rule(w, dw, config)
    assert w.tolist() == [1, 1, 1]
    assert dw.tolist() == [2, 2, 2]
    for name, before in state.items():
        np.testing.assert_array_equal(remembered[name], before)


@pytest.mark.parametrize("rule", RULES)
def test_dtypes(rule):
    w = np.ones(3, np.float32)
    assert rule(w, w)[0].dtype == np.float32
    mixed = rule(w, np.ones(3))[0].dtype
    assert mixed == (np.float32 if rule is optim.sgd else np.float64)
    whole, _ = rule(np.array([1, 2]), np.array([1, 1]), {"learning_rate": 0.25})
    assert whole.dtype == np.float64
    assert (whole < [1, 2]).all()
