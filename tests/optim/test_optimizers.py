"""Optimizers and schedules, against PyTorch and against numbers worked by hand."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest

import cnnpy
from cnnpy import nn, optim
from cnnpy.backends import registry
from cnnpy.contract import OptionError, ShapeError

RNG = np.random.default_rng(3)

BACKENDS = [
    pytest.param(
        "native",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("cnnpy.backends.native._native") is None,
            reason="the compiled engine is not in this install",
        ),
    ),
    "numpy",
]


@pytest.fixture(params=BACKENDS)
def backend(request):
    """Run the test with the steps of a backend."""
    with cnnpy.use_backend(request.param):
        yield request.param


CASES = {
    "sgd": (lambda p: optim.SGD(p, 0.1), lambda t, p: t.SGD(p, 0.1)),
    "sgd with momentum": (
        lambda p: optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01),
        lambda t, p: t.SGD(p, 0.1, momentum=0.9, weight_decay=0.01),
    ),
    "sgd with nesterov": (
        lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
        lambda t, p: t.SGD(p, 0.1, momentum=0.9, nesterov=True),
    ),
    "rmsprop": (
        lambda p: optim.RMSprop(p, 0.01, weight_decay=0.1),
        lambda t, p: t.RMSprop(p, 0.01, weight_decay=0.1),
    ),
    "rmsprop with momentum": (
        lambda p: optim.RMSprop(p, 0.01, alpha=0.9, eps=1e-6, momentum=0.5),
        lambda t, p: t.RMSprop(p, 0.01, alpha=0.9, eps=1e-6, momentum=0.5),
    ),
    "adam": (
        lambda p: optim.Adam(p, 0.01, betas=(0.8, 0.95), weight_decay=0.1),
        lambda t, p: t.Adam(p, 0.01, betas=(0.8, 0.95), weight_decay=0.1),
    ),
    "adamw": (
        lambda p: optim.AdamW(p, 0.01, weight_decay=0.1),
        lambda t, p: t.AdamW(p, 0.01, weight_decay=0.1),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_twenty_steps_agree_with_pytorch(name, torch, backend):
    ours, theirs = CASES[name]
    values = [RNG.standard_normal((3, 4)), RNG.standard_normal(5)]
    parameters = [nn.Parameter(v.copy()) for v in values]
    tensors = [torch.tensor(v, requires_grad=True) for v in values]
    a, b = ours(parameters), theirs(torch.optim, tensors)
    for _ in range(20):
        for parameter, tensor in zip(parameters, tensors, strict=True):
            grad = RNG.standard_normal(parameter.shape)
            parameter.grad, tensor.grad = grad.copy(), torch.tensor(grad)
        a.step()
        b.step()
        for parameter, tensor in zip(parameters, tensors, strict=True):
            np.testing.assert_allclose(parameter.value, tensor.detach().numpy(), rtol=1e-12)


def test_the_first_step_of_adam_is_the_learning_rate_against_the_sign(backend):
    w = nn.Parameter(np.array([1.0, 1.0]))
    w.grad = np.array([1e-3, -50.0])
    optim.Adam([w], lr=0.1).step()
    np.testing.assert_allclose(w.value, [0.9, 1.1], atol=2e-6)


def test_what_is_not_trainable_or_has_no_gradient_stays(backend):
    frozen, idle = nn.Parameter(np.ones(2), trainable=False), nn.Parameter(np.ones(2))
    frozen.grad = np.ones(2)
    optim.AdamW([frozen, idle], lr=0.1).step()
    assert np.array_equal(frozen.value, np.ones(2))
    assert np.array_equal(idle.value, np.ones(2))


def test_each_parameter_can_have_its_own_learning_rate(backend):
    slow, fast = nn.Parameter(np.zeros(1), lr_scale=0.1), nn.Parameter(np.zeros(1))
    for p in (slow, fast):
        p.grad = np.ones(1)
    optim.SGD([slow, fast], lr=1.0).step()
    assert (slow.value[0], fast.value[0]) == (-0.1, -1.0)


def test_gradients_are_left_as_they_are(backend):
    for make, _ in CASES.values():
        w = nn.Parameter(np.ones(3))
        w.grad = np.arange(3.0)
        make([w]).step()
        assert np.array_equal(w.grad, np.arange(3.0))


def test_float32_parameters_stay_float32(backend):
    for make, _ in CASES.values():
        w = nn.Parameter(np.ones(3, dtype=np.float32))
        w.grad = np.ones(3, dtype=np.float32)
        optimizer = make([w])
        optimizer.step()
        assert w.value.dtype == np.float32
        state = optimizer.state_dict()
        assert all(a.dtype == np.float32 for k, a in state.items() if "." in k)


@pytest.mark.parametrize("name", CASES)
def test_a_loaded_state_goes_on_to_the_same_bits(name, backend):
    make, _ = CASES[name]
    first, second = (nn.Parameter(np.ones(4)) for _ in range(2))
    a, b = make([first]), make([second])
    grads = RNG.standard_normal((6, 4))
    for grad in grads[:3]:
        first.grad = grad
        a.step()
    second.value[...] = first.value
    b.load_state_dict(a.state_dict())
    for grad in grads[3:]:
        first.grad = second.grad = grad
        a.step()
        b.step()
    assert np.array_equal(first.value, second.value)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_backends_agree_however_the_arrays_lie(name, dtype, backend):
    make, _ = CASES[name]
    rng = np.random.default_rng(5)
    first = rng.standard_normal((3, 4, 5, 2)).astype(dtype)
    layouts = [np.array, np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2]]
    grads = rng.standard_normal((4, *first.shape)).astype(dtype)
    found = []
    for lies in layouts:
        for grad_lies in layouts:
            w = nn.Parameter(lies(first))
            optimizer = make([w])
            for grad in grads:
                w.grad = grad_lies(grad)
                optimizer.step()
            found.append(w.value)
    want = nn.Parameter(first.astype(np.float64))
    with cnnpy.use_backend("reference"):
        optimizer = make([want])
        for grad in grads:
            want.grad = grad.astype(np.float64)
            optimizer.step()
    tolerance = 32 * np.finfo(dtype).eps
    for value in found:
        assert value.dtype == dtype
        np.testing.assert_allclose(value, want.value, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", CASES)
def test_a_backend_with_steps_computes_them(name, backend, monkeypatch):
    compiled = registry.companion(backend, "steps")
    assert (compiled is None) == (backend == "numpy")
    calls = []
    if compiled is not None:
        rule = f"{name.split()[0].removesuffix('w')}_step"
        step = getattr(compiled, rule)
        monkeypatch.setattr(
            compiled, rule, lambda *a, **o: calls.append(step(*a, **o)) or calls[-1]
        )
    w = nn.Parameter(np.ones((2, 3), np.float32))
    w.grad = np.ones((3, 2), np.float32).T
    make, _ = CASES[name]
    make([w]).step()
    assert calls == ([True] if compiled is not None else [])


def test_an_optimizer_of_one_s_own_computes_itself(backend):
    class Backwards(optim.SGD):
        def update(self, value, grad, state, lr, weight_decay):
            value += lr * grad

    w = nn.Parameter(np.ones(2))
    w.grad = np.ones(2)
    Backwards([w], lr=0.5).step()
    assert np.array_equal(w.value, [1.5, 1.5])


def test_a_foreign_state_is_refused_and_changes_nothing():
    w = nn.Parameter(np.ones(4))
    optimizer = optim.SGD([w], momentum=0.9)
    state = optimizer.state_dict()
    with pytest.raises(OptionError, match="unknown"):
        optimizer.load_state_dict(state | {"0.mean": np.zeros(4)})
    with pytest.raises(OptionError, match="unknown"):
        optimizer.load_state_dict(state | {"7.velocity": np.zeros(4)})
    with pytest.raises(ShapeError):
        optimizer.load_state_dict(state | {"0.velocity": np.zeros(3)})
    with pytest.raises(OptionError, match="no 'lr'"):
        optimizer.load_state_dict({"n_steps": np.array(1)})
    assert optimizer.n_steps == 0


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda w: optim.SGD(w, lr=-1), "SGD: lr=-1"),
        (lambda w: optim.SGD(w, lr=float("nan")), "SGD: lr=nan"),
        (lambda w: optim.SGD(w, momentum=1.0), "SGD: momentum=1.0"),
        (lambda w: optim.SGD(w, nesterov=True), "nesterov=True with momentum=0"),
        (lambda w: optim.Adam(w, betas=(0.9, 1.0)), "betas[1]=1.0"),
        (lambda w: optim.SGD([]), "no parameters"),
    ],
)
def test_wrong_options_are_errors(make, text):
    with pytest.raises(OptionError) as caught:
        make([nn.Parameter(np.ones(1))])
    assert text in str(caught.value)


# --- schedules -------------------------------------------------------------------


@pytest.mark.parametrize("kind", optim.SCHEDULES.values(), ids=lambda k: k.__name__)
def test_a_schedule_warms_up_in_a_straight_line_and_stays_within_its_ends(kind):
    schedule = kind(0.8, 100, warmup_steps=4)
    rates = [schedule(step) for step in range(120)]
    assert rates[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert all(0 <= rate <= 0.8 + 1e-12 for rate in rates)
    assert rates[100:] == [rates[100]] * 20


def test_cosine_agrees_with_pytorch(torch):
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], 0.5)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50, eta_min=0.01)
    ours = optim.Cosine(0.5, 50, final_lr=0.01)
    for step in range(50):
        assert ours(step) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        theirs.step()


def test_one_cycle_has_its_peak_where_it_says():
    schedule = optim.OneCycle(1.0, 1000, rise=0.25)
    rates = [schedule(step) for step in range(1001)]
    assert int(np.argmax(rates)) == 250
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[-1] == pytest.approx(1 / 250_000)
    assert rates[125] == pytest.approx((1 + 1 / 25) / 2)


def test_step_multiplies_at_its_milestones():
    schedule = optim.Step(1.0, 10, milestones=(0.3, 0.6), factor=0.5)
    assert [schedule(k) for k in range(10)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25]


def test_a_warmup_longer_than_the_training_is_an_error():
    with pytest.raises(OptionError, match="warmup_steps=10 with n_steps=10"):
        optim.Constant(1.0, 10, warmup_steps=10)
    with pytest.raises(OptionError):
        optim.Constant(math.inf, 10)


@pytest.mark.parametrize("kind", [optim.SGD, optim.RMSprop, optim.Adam, optim.AdamW])
def test_a_parameter_that_is_left_alone_by_decay_moves_as_without_it(kind, backend):
    rng = np.random.default_rng(4)
    values = [rng.standard_normal((3, 4)) for _ in range(2)]
    decayed, spared = (
        nn.Parameter(v.copy(), decay_scale=d) for v, d in zip(values, (1, 0), strict=True)
    )
    other, plain = (nn.Parameter(v.copy()) for v in values)
    first = kind([decayed, spared], 0.1, weight_decay=0.5)
    second, third = kind([other], 0.1, weight_decay=0.5), kind([plain], 0.1, weight_decay=0.0)
    for _ in range(3):
        grads = [rng.standard_normal((3, 4)) for _ in range(2)]
        decayed.grad, spared.grad = grads
        other.grad, plain.grad = grads
        for optimizer in (first, second, third):
            optimizer.step()
    assert np.array_equal(decayed.value, other.value)
    assert np.array_equal(spared.value, plain.value)
