"""Choosing a backend, what a cache knows, and the gradients that are asked for."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import cnnpy
from cnnpy import functional as F
from cnnpy.backends import registry
from cnnpy.check import RandomHand
from cnnpy.check.suite import cases
from cnnpy.contract import OPS, BackendError, OptionError

FASTEST = next(iter(registry.BACKENDS))
X = np.ones(3)

needs_engine = pytest.mark.skipif(
    importlib.util.find_spec("cnnpy.backends.native._native") is None,
    reason="the compiled engine is not in this install",
)


def backend_of_a_call() -> str:
    return F.relu_forward(X)[1].backend


def test_without_a_choice_the_fastest_backend_computes() -> None:
    assert registry.current() == FASTEST
    assert backend_of_a_call() == FASTEST


def test_a_block_chooses_and_the_choice_ends_with_it() -> None:
    with cnnpy.use_backend("reference") as name:
        assert name == "reference"
        assert backend_of_a_call() == "reference"
    assert backend_of_a_call() == FASTEST


def test_blocks_nest() -> None:
    with cnnpy.use_backend("reference"):
        with cnnpy.use_backend("numpy"):
            assert backend_of_a_call() == "numpy"
            with cnnpy.use_backend("reference"):
                assert backend_of_a_call() == "reference"
            assert backend_of_a_call() == "numpy"
        assert backend_of_a_call() == "reference"


def test_a_choice_can_be_entered_again_and_within_itself() -> None:
    choice = cnnpy.use_backend("reference")
    for _ in range(2):
        with choice:
            with choice:
                assert backend_of_a_call() == "reference"
            assert backend_of_a_call() == "reference"
        assert backend_of_a_call() == FASTEST


def test_an_error_ends_the_choice() -> None:
    with pytest.raises(RuntimeError), cnnpy.use_backend("reference"):
        raise RuntimeError
    assert backend_of_a_call() == FASTEST


def test_a_choice_holds_for_its_own_thread_only() -> None:
    seen: dict[str, str] = {}

    def work(name: str) -> None:
        seen[f"{name} before"] = backend_of_a_call()
        with cnnpy.use_backend(name):
            inside.wait()
            seen[name] = backend_of_a_call()
            inside.wait()

    inside = threading.Barrier(len(registry.BACKENDS))
    with cnnpy.use_backend("reference"):
        threads = [threading.Thread(target=work, args=(name,)) for name in registry.BACKENDS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == {
        key: value
        for name in registry.BACKENDS
        for key, value in ((f"{name} before", FASTEST), (name, name))
    }


def test_a_choice_holds_for_its_own_task_only() -> None:
    async def work(name: str) -> str:
        with cnnpy.use_backend(name):
            await asyncio.sleep(0)
            return backend_of_a_call()

    async def both() -> list[str]:
        return list(await asyncio.gather(*(work(name) for name in registry.BACKENDS)))

    assert asyncio.run(both()) == list(registry.BACKENDS)


def test_the_environment_chooses_outside_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNPY_BACKEND", "reference")
    assert backend_of_a_call() == "reference"
    with cnnpy.use_backend("numpy"):
        assert backend_of_a_call() == "numpy"
    monkeypatch.setenv("CNNPY_BACKEND", "")
    assert backend_of_a_call() == FASTEST


def test_the_environment_chooses_from_the_start_of_a_process() -> None:
    script = "import numpy, cnnpy; print(cnnpy.functional.relu_forward(numpy.ones(1))[1].backend)"
    environment = os.environ | {"CNNPY_BACKEND": "reference"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "reference\n"


def test_an_unknown_backend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = (
        "\n  expected: one of the backends that are here: native, numpy, reference"
        "\n  to mend:  use 'native'"
    )
    for wrong in ("cupy", "Numpy", "", None, 3):
        with pytest.raises(BackendError) as caught:
            cnnpy.use_backend(wrong)
        assert str(caught.value) == f"use_backend: {wrong!r}{rest}"
    monkeypatch.setenv("CNNPY_BACKEND", "nump")
    with pytest.raises(BackendError) as caught:
        F.relu_forward(X)
    assert str(caught.value) == f"CNNPY_BACKEND: 'nump'{rest}"


def test_backward_runs_on_the_backend_of_its_forward() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 6, 5))
    with cnnpy.use_backend("reference"):
        out, cache = F.max_pool2d_forward(x, kernel_size=2)
    assert cache.backend == "reference"
    with cnnpy.use_backend("numpy"):  # whose cache is another
        dx = F.max_pool2d_backward(np.ones_like(out), cache)
    assert dx.sum() == out.size


def test_a_backend_that_lacks_an_op_is_resolved_to_the_next_rung(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rungs = {"bare": "cnnpy.contract", **registry.BACKENDS}  # a package without any op
    monkeypatch.setattr(registry, "BACKENDS", rungs)
    registry.resolve.cache_clear()
    try:
        with cnnpy.use_backend("bare"):
            out, cache = F.relu_forward(np.array([-1.0, 1.0]))
        assert cache.backend == FASTEST
        assert out.tolist() == [0, 1]
    finally:
        registry.resolve.cache_clear()


def test_a_cache_shows_where_it_comes_from() -> None:
    _, cache = F.relu_forward(np.ones((2, 3), dtype=np.float32))
    assert repr(cache) == "<cache of relu on native, output (2, 3) float32>"


# --- the threads of the compiled engine ------------------------------------------


@needs_engine
def test_the_number_of_threads_is_one_for_the_whole_program() -> None:
    before = cnnpy.num_threads()
    seen: list[int] = []
    try:
        cnnpy.set_num_threads(before + 1)
        thread = threading.Thread(target=lambda: seen.append(cnnpy.num_threads()))
        thread.start()
        thread.join()
    finally:
        cnnpy.set_num_threads(before)
    assert seen == [before + 1]
    assert cnnpy.num_threads() == before


@needs_engine
@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", True, None, 10**9])
def test_a_number_of_threads_that_cannot_be_is_refused(wrong: Any) -> None:
    before = cnnpy.num_threads()
    with pytest.raises(OptionError, match="set_num_threads: n="):
        cnnpy.set_num_threads(wrong)
    assert cnnpy.num_threads() == before


@needs_engine
def test_the_environment_sets_the_threads_at_the_start() -> None:
    for wish, code in (("3", 0), ("none", 1)):
        done = subprocess.run(
            [sys.executable, "-c", "import cnnpy; print(cnnpy.num_threads())"],
            env=os.environ | {"CNNPY_NUM_THREADS": wish},
            capture_output=True,
            text=True,
        )
        assert done.returncode == code
        assert done.stdout == "3\n" if code == 0 else "CNNPY_NUM_THREADS='none'" in done.stderr


def test_without_the_engine_its_threads_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_ENGINE", "cnnpy.backends.native._nowhere")
    with pytest.raises(BackendError, match=r"^num_threads: the compiled engine is not in this"):
        cnnpy.num_threads()
    with pytest.raises(BackendError, match=r"^set_num_threads: the compiled engine"):
        cnnpy.set_num_threads(2)


# --- the gradients that are asked for ----------------------------------------------

SEVERAL = [op for op in OPS if len(OPS[op].gradients) > 1]


@pytest.mark.parametrize("backend", registry.BACKENDS)
@pytest.mark.parametrize("op", SEVERAL)
def test_only_the_gradients_that_are_needed_are_computed(
    op: str, backend: str, public, gradient_of_output
) -> None:
    passes = public(op, backend)
    case = cases(op).draw(RandomHand(5))
    dout = gradient_of_output(case, passes.forward, 0)
    own = case.cast(np.float64)
    _, cache = passes.forward(*own.positional(), **own.keywords())
    names = OPS[op].gradients
    every = dict(zip(names, passes.backward(dout, cache), strict=True))
    for needs in [(), *((name,) for name in names), names[:2], names[::-1], names]:
        found = passes.backward(dout, cache, needs=needs)
        assert len(found) == len(names)
        for name, gradient in zip(names, found, strict=True):
            if name in needs:
                np.testing.assert_array_equal(gradient, every[name])
            else:
                assert gradient is None
    as_list = passes.backward(dout, cache, needs=list(names))
    assert [g is None for g in as_list] == [g is None for g in every.values()]
    np.testing.assert_array_equal(passes.backward(dout, cache, needs=names[0])[0], every[names[0]])


LOSSES = [op for op in OPS if OPS[op].output == ""]


@pytest.mark.parametrize("backend", registry.BACKENDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", LOSSES)
def test_a_loss_is_one_number_and_takes_one(op: str, dtype: Any, backend: str, public) -> None:
    forward, backward = public(op, backend)
    case = cases(op).draw(RandomHand(2)).cast(dtype)
    value, cache = forward(*case.positional(), **case.keywords())
    assert np.shape(value) == ()
    assert value.dtype == dtype
    float(value)
    want = backward(np.asarray(2.0, dtype=dtype), cache)
    assert want.dtype == dtype
    for dout in (2.0, 2, np.float64(2.0), np.float32(2.0), np.int64(2)):
        np.testing.assert_array_equal(backward(dout, cache), want)


def test_a_chain_of_numbers_goes_through() -> None:
    """A loss is a NumPy number: what takes arrays takes it too."""
    x, target = np.array([[0.0, 1.0]]), np.array([0])
    value, cache = F.softmax_cross_entropy_forward(x, target)
    doubled, add_cache = F.add_forward(value, value)
    assert doubled == 2 * value
    d_first, d_second = F.add_backward(np.float64(1.0), add_cache)
    dx = F.softmax_cross_entropy_backward(d_first, cache)
    np.testing.assert_array_equal(dx, F.softmax_cross_entropy_backward(1.0, cache))


# --- dropout, whose public function draws the mask ---------------------------------


def test_a_seed_names_one_mask_on_every_backend() -> None:
    x = np.ones((50, 40))
    outs = []
    for backend in registry.BACKENDS:
        with cnnpy.use_backend(backend):
            outs.append(F.dropout_forward(x, p=0.25, seed=7)[0])
    for out in outs:
        np.testing.assert_array_equal(out, outs[0])
        assert set(np.unique(out)) == {0.0, 1 / 0.75}
        # 2,000 draws at 1/4: 500 give or take four times sqrt(2000*3/16) = 19.4
        assert abs(np.sum(out == 0) - 500) < 80


def test_another_seed_names_another_mask() -> None:
    x = np.ones(200)
    same, other = (F.dropout_forward(x, seed=seed)[0] for seed in (1, 2))
    assert not np.array_equal(same, other)
    assert not np.array_equal(F.dropout_forward(x)[0], F.dropout_forward(x)[0])


def test_a_generator_is_drawn_from_and_moves_on() -> None:
    x = np.ones(200)
    rng = np.random.default_rng(3)
    first, second = (F.dropout_forward(x, seed=rng)[0] for _ in range(2))
    again = F.dropout_forward(x, seed=np.random.default_rng(3))[0]
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, again)


def test_in_inference_nothing_is_dropped_even_with_a_mask() -> None:
    x = np.array([1.0, 2.0])
    out, cache = F.dropout_forward(x, train=False, mask=np.array([False, False]))
    assert out.tolist() == [1, 2]
    assert F.dropout_backward(np.array([3.0, 4.0]), cache).tolist() == [3, 4]


def test_a_number_is_dropped_too() -> None:
    assert F.dropout_forward(np.float64(3.0), p=1.0)[0] == 0
    assert F.dropout_forward(np.array(3.0), p=1.0)[0] == 0


# --- batch_norm in inference -------------------------------------------------------


@pytest.mark.parametrize("backend", registry.BACKENDS)
def test_inference_takes_running_statistics_that_are_read_only(backend: str, public) -> None:
    mean, var = np.array([1.0]), np.array([4.0])
    mean.flags.writeable = var.flags.writeable = False
    options = {"running_mean": mean, "running_var": var, "train": False, "eps": 1e-300}
    out, _ = public("batch_norm", backend).forward(np.array([[3.0]]), **options)
    assert out.tolist() == [[1.0]]
