"""Sizes that no machine holds are wrong input on every backend, and take no memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnpy
from cnnpy import functional as F
from cnnpy.backends import registry
from cnnpy.contract import CnnpyError, OptionError, ShapeError, limits

GB = 2**30
every_backend = pytest.mark.parametrize("backend", list(registry.BACKENDS))


@pytest.fixture(autouse=True)
def machine_of_eight_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "memory_bytes", lambda: 8 * GB)


def claims(*shape: int) -> Any:
    """Return an array of one number that claims many."""
    return np.broadcast_to(np.float32(0), shape)


IMAGE = claims(1, 1, 4, 4)
FILTER = claims(1, 1, 3, 3)

TOO_LARGE: dict[str, tuple[Callable[[], Any], type[CnnpyError], str]] = {
    "an image of terabytes": (
        lambda: F.conv2d_forward(claims(1, 1, 2**20, 2**20), FILTER, stride=2**20),
        ShapeError,
        "conv2d: x has shape (1, 1, 1048576, 1048576): 4398046511104 bytes once each entry has "
        "its own\n"
        "  expected: arrays of at most 8589934592 bytes, the memory of this machine\n"
        "  to mend:  give x smaller sizes",
    ),
    "a batch of terabytes": (
        lambda: F.relu_forward(claims(2**20, 2**20)),
        ShapeError,
        "relu: x has shape (1048576, 1048576): 4398046511104 bytes once each entry has its own\n"
        "  expected: arrays of at most 8589934592 bytes, the memory of this machine\n"
        "  to mend:  use fewer at a time, such as x[:2048]",
    ),
    "an output of terabytes": (
        lambda: F.linear_forward(claims(2**20, 1), claims(2**20, 1)),
        ShapeError,
        "linear: the output would have shape (1048576, 1048576)\n"
        "  expected: an output of at most 8589934592 bytes; this one has 4398046511104\n"
        "  to mend:  use fewer images, or smaller sizes",
    ),
    "an output beyond 2**63 bytes": (
        lambda: F.upsample_nearest2d_forward(IMAGE, scale_factor=2**31),
        ShapeError,
        "upsample_nearest2d: the output would have shape (1, 1, 8589934592, 8589934592)\n"
        "  expected: an output of at most 9223372036854775807 bytes; this one has "
        "295147905179352825856\n"
        "  to mend:  use fewer images, or smaller sizes",
    ),
    "several arrays in one": (
        lambda: F.concat_forward([claims(2**17, 2**13), claims(2**19, 2**13)], axis=0),
        ShapeError,
        "concat: xs[1] has shape (524288, 8192): 17179869184 bytes once each entry has its own\n"
        "  expected: arrays of at most 8589934592 bytes, the memory of this machine\n"
        "  to mend:  use fewer at a time, such as xs[1][:262144]",
    ),
    "a padding of terabytes": (
        lambda: F.conv2d_forward(IMAGE, FILTER, padding=2**19, stride=2**19),
        ShapeError,
        "conv2d: x with its padding has shape (1, 1, 1048580, 1048580)\n"
        "  expected: at most 1073741823 entries along an axis, and 8589934592 bytes an image; "
        "this one has 4398080065600\n"
        "  to mend:  use padding=(2, 2): with more, windows see nothing but zeros",
    ),
    "a padding beyond 32 bits": (
        lambda: F.conv2d_forward(IMAGE, FILTER, padding=2**31, stride=2**29),
        OptionError,
        "conv2d: padding=(2147483648, 2147483648)\n"
        "  expected: padding of at most 1073741823\n"
        "  to mend:  use padding=(1073741823, 1073741823)",
    ),
    "a stride beyond 64 bits": (
        lambda: F.avg_pool2d_forward(IMAGE, kernel_size=2, stride=2**70),
        OptionError,
        f"avg_pool2d: stride={(2**70, 2**70)}\n"
        "  expected: stride of at most 1073741823\n"
        "  to mend:  use stride=(1073741823, 1073741823)",
    ),
    "a dilation that only padding can hold": (
        lambda: F.conv2d_forward(IMAGE, FILTER, dilation=2**28, padding=2**28),
        ShapeError,
        "conv2d: x with its padding has shape (1, 1, 536870916, 536870916)\n"
        "  expected: at most 1073741823 entries along an axis, and 8589934592 bytes an image; "
        "this one has 1152921521786716224\n"
        "  to mend:  use smaller windows, or a smaller padding or dilation",
    ),
    "an output that is cut off again": (
        lambda: F.conv_transpose2d_forward(
            claims(1, 1, 1, 1), FILTER, dilation=2**28, padding=2**28
        ),
        ShapeError,
        "conv_transpose2d: before padding is cut off, the output has shape "
        "(1, 1, 536870913, 536870913)\n"
        "  expected: at most 1073741823 entries along an axis, and 8589934592 bytes an image; "
        "this one has 1152921508901814276\n"
        "  to mend:  use smaller windows, or a smaller padding or dilation",
    ),
    "a window of 2**31": (
        lambda: F.max_pool2d_forward(IMAGE, kernel_size=2**31),
        ShapeError,
        "max_pool2d: a window of HH=2147483648 does not fit into H=4 with padding 0\n"
        "  expected: H + 2*padding of at least 2147483648; it is 4\n"
        "  to mend:  use padding=1073741822 along H, a smaller window, or an image with H of at "
        "least 2147483648",
    ),
    "a window whose taps are beyond 32 bits": (
        lambda: F.avg_pool2d_forward(IMAGE, kernel_size=2**16, padding=2**15),
        ShapeError,
        "avg_pool2d: a window of (65536, 65536), 4294967296 entries over the channels\n"
        "  expected: a window of at most 1073741823 entries\n"
        "  to mend:  use a smaller window",
    ),
    "a batch beyond 32 bits": (
        lambda: F.conv2d_forward(claims(2**31, 1, 1, 1), claims(1, 1, 1, 1)),
        ShapeError,
        "conv2d: x has shape (2147483648, 1, 1, 1), so N=2147483648\n"
        "  expected: at most 1073741823 entries along an axis\n"
        "  to mend:  compute it in parts along N",
    ),
    "features beyond 32 bits": (
        lambda: F.linear_forward(claims(1, 2**31), claims(1, 2**31)),
        ShapeError,
        "linear: x has shape (1, 2147483648), so D=2147483648\n"
        "  expected: at most 1073741823 entries along an axis\n"
        "  to mend:  compute it in parts along D",
    ),
    "all four axes": (
        lambda: F.global_avg_pool2d_forward(claims(2**10, 2**10, 2**10, 2**10)),
        ShapeError,
        "global_avg_pool2d: x has shape (1024, 1024, 1024, 1024): 4398046511104 bytes once each "
        "entry has its own\n"
        "  expected: arrays of at most 8589934592 bytes, the memory of this machine\n"
        "  to mend:  use fewer at a time, such as x[:2]",
    ),
}


@every_backend
@pytest.mark.parametrize("what", TOO_LARGE)
def test_what_no_machine_holds_is_refused_in_three_lines(what: str, backend: str) -> None:
    call, kind, text = TOO_LARGE[what]
    with cnnpy.use_backend(backend), pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == text


@every_backend
def test_a_large_option_that_changes_nothing_is_none(backend: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 5, 4)).astype(np.float32)
    most = limits.MOST_ENTRIES
    with cnnpy.use_backend(backend):
        for w, options, plain in (
            (rng.standard_normal((4, 3, 3, 3)), {"stride": most}, {"stride": 7}),
            (rng.standard_normal((4, 3, 1, 1)), {"dilation": most, "stride": 3}, {"stride": 3}),
            (rng.standard_normal((200, 3, 1, 1)), {"dilation": 5, "stride": 2}, {"stride": 2}),
        ):
            filters = w.astype(np.float32)
            found, want = (F.conv2d_forward(x, filters, **given) for given in (options, plain))
            np.testing.assert_array_equal(found[0], want[0])
            gradients = [F.conv2d_backward(np.ones_like(o), cache) for o, cache in (found, want)]
            for a, b in zip(*gradients, strict=True):
                np.testing.assert_array_equal(a, b)
        for pool in ("max_pool2d", "avg_pool2d"):
            forward, backward = (getattr(F, f"{pool}_{way}") for way in ("forward", "backward"))
            found, want = (forward(x, kernel_size=3, stride=s) for s in (most, 7))
            np.testing.assert_array_equal(found[0], want[0])
            gradients = [backward(np.ones_like(o), cache) for o, cache in (found, want)]
            np.testing.assert_array_equal(*gradients)


def test_the_memory_is_that_of_the_machine_or_of_its_container(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.undo()
    machine = limits.memory_bytes()
    assert 2**20 < machine
    group = tmp_path / "memory.max"
    monkeypatch.setattr(limits, "_CGROUP", group)
    for text, want in (("max\n", machine), ("1048576\n", 2**20), (None, machine)):
        group.unlink(missing_ok=True)
        if text:
            group.write_text(text)
        limits.memory_bytes.cache_clear()
        assert limits.memory_bytes() == want
    limits.memory_bytes.cache_clear()
