"""Twenty threads that call at once get what one thread gets."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from cnnpy.backends import registry
from cnnpy.check import RandomHand
from cnnpy.check.suite import cases
from cnnpy.contract import OPS

N_THREADS = 20


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in _leaves(item)]
    return [] if value is None else [np.asarray(value)]


def _run(backend: str, public: Any, gradient_of_output: Any) -> list[Any]:
    results = []
    for k, op in enumerate(OPS):
        passes = public(op, backend)
        case = cases(op).draw(RandomHand(k))
        own = case.cast(np.float32)
        dout = gradient_of_output(case, passes.forward, k).astype(np.float32)
        out, cache = passes.forward(*own.positional(), **own.keywords())
        results += _leaves([out, passes.backward(dout, cache)])
    return results


@pytest.mark.parametrize("backend", registry.BACKENDS)
def test_twenty_threads_agree_to_the_bit(backend: str, public, gradient_of_output) -> None:
    alone = _run(backend, public, gradient_of_output)
    results: dict[int, Any] = {}
    start = threading.Barrier(N_THREADS)

    def work(k: int) -> None:
        start.wait()
        try:
            results[k] = _run(backend, public, gradient_of_output)
        except BaseException as error:
            results[k] = error

    threads = [threading.Thread(target=work, args=(k,)) for k in range(N_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(N_THREADS):
        if isinstance(results[k], BaseException):
            raise results[k]
        for want, got in zip(alone, results[k], strict=True):
            np.testing.assert_array_equal(got, want)


def test_one_cache_serves_several_threads_at_once(public) -> None:
    rng = np.random.default_rng(0)
    forward, backward = public("conv2d", "numpy")
    x, w, b = (rng.standard_normal(s) for s in ((4, 3, 12, 11), (5, 3, 3, 3), (5,)))
    out, cache = forward(x, w, b, padding=1)
    douts = [rng.standard_normal(out.shape) for _ in range(N_THREADS)]
    alone = [backward(dout, cache) for dout in douts]
    together: dict[int, Any] = {}
    start = threading.Barrier(N_THREADS)

    def work(k: int) -> None:
        start.wait()
        together[k] = backward(douts[k], cache)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(N_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, want in enumerate(alone):
        for a, b_ in zip(want, together[k], strict=True):
            np.testing.assert_array_equal(a, b_)
