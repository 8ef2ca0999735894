"""Threads at once compute what one does; where the interpreter has no lock, none comes back."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from cnnpy import models, nn, optim
from cnnpy.backends import registry
from cnnpy.check import RandomHand
from cnnpy.check.suite import cases
from cnnpy.contract import OPS

N_THREADS = 6
SHAPE = (3, 20, 20)

free_threaded = pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this interpreter has its lock"
)


@free_threaded
def test_importing_leaves_the_lock_off() -> None:
    script = (
        "import sys, cnnpy, cnnpy.models, cnnpy.optim, cnnpy.backends.native.engine\n"
        "assert not sys._is_gil_enabled()"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    # an extension that does not say that it needs no lock brings a warning with it
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, env=environment)


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """Run work(0), work(1), ... in threads that begin together."""
    ready = Barrier(N_THREADS)

    def begin(k: int) -> Any:
        ready.wait()
        return work(k)

    with ThreadPoolExecutor(N_THREADS) as pool:
        return list(pool.map(begin, range(N_THREADS)))


def leaves(value: Any) -> list[bytes]:
    if isinstance(value, tuple | list):
        return [leaf for item in value for leaf in leaves(item)]
    return [] if value is None else [np.asarray(value).tobytes()]


@pytest.mark.parametrize("backend", registry.BACKENDS)
def test_threads_that_compute_every_op_at_once_find_what_one_finds(backend: str, public) -> None:
    drawn = {op: cases(op).draw(RandomHand(3)).cast(np.float32) for op in OPS}
    passes = {op: public(op, backend) for op in OPS}

    def both_passes(op: str) -> list[bytes]:
        case = drawn[op].map(np.copy)  # running statistics are updated
        out, cache = passes[op].forward(*case.positional(), **case.keywords())
        return leaves((out, passes[op].backward(np.ones_like(out), cache)))

    want = {op: both_passes(op) for op in OPS}
    names = list(OPS)

    def all_from(k: int) -> dict[str, list[bytes]]:
        return {op: both_passes(op) for op in names[k:] + names[:k]}

    assert all(found == want for found in at_once(all_from))


def test_threads_that_share_a_session_and_a_model_find_what_one_finds() -> None:
    model = models.resnet20(10)
    model.build(SHAPE, seed=0)
    batches = np.random.default_rng(0).standard_normal((N_THREADS, 3, *SHAPE), dtype=np.float32)
    want = [nn.InferenceSession(model)(x).tobytes() for x in batches]
    plain = [model(x).tobytes() for x in batches]
    session = nn.InferenceSession(model)  # which has packed nothing yet

    def infer(k: int) -> tuple[bytes, bytes]:
        return session(batches[k]).tobytes(), model(batches[k]).tobytes()

    assert at_once(infer) == list(zip(want, plain, strict=True))


def test_threads_that_train_models_of_their_own_end_at_the_same_bits() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((8, *SHAPE), dtype=np.float32), rng.integers(0, 4, 8)

    def trained(_: int) -> list[bytes]:
        model = models.vgg_small(4)
        model.build(SHAPE, seed=0)
        optimizer, loss = optim.Adam(model.parameters(), 0.003), nn.SoftmaxCrossEntropy()
        for _step in range(3):
            optimizer.zero_grad()
            scores, cache = model.forward(x, train=True)
            model.backward_parameters(loss.backward(loss.forward(scores, y)[1]), cache)
            optimizer.step()
        return leaves(list(model.state_dict().values()))

    want = trained(0)
    assert all(found == want for found in at_once(trained))
