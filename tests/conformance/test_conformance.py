"""Every op on every backend is what the definition says: OPS x backends x dtypes x layouts."""

from __future__ import annotations

import inspect
import zlib
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from cnnpy.backends import registry
from cnnpy.backends.numpy import correlation, windows_as_columns, windows_as_rows
from cnnpy.check import LAYOUTS, Case, RandomHand, judge
from cnnpy.check.suite import cases
from cnnpy.contract import OPS

BACKENDS = tuple(registry.BACKENDS)
DTYPES = (np.float32, np.float64)

every_op = pytest.mark.parametrize("op", OPS)
every_backend = pytest.mark.parametrize("backend", BACKENDS)


class HypothesisHand:
    """A hand that Hypothesis moves: what it draws can be shrunk."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def integer(self, name: str, low: int, high: int) -> int:
        return self.data.draw(st.integers(low, high), label=name)

    def choice(self, name: str, values: Any) -> Any:
        return self.data.draw(st.sampled_from(list(values)), label=name)

    def floats(self, shape: tuple[int, ...], *, coarse: bool = False) -> Any:
        kind = self.data.draw(st.sampled_from(["zeros", "counting", "any", "any"]), label="floats")
        size = int(np.prod(shape, dtype=int))
        if kind == "zeros":
            return np.zeros(shape)
        if kind == "counting":
            counting = (np.arange(size) % 7 - 3.0) / (1 if coarse else 2)
            return counting.reshape(shape)
        rng = np.random.default_rng(self.data.draw(st.integers(0, 2**32 - 1), label="seed"))
        if coarse:
            return np.asarray(rng.integers(-2, 3, shape), dtype=np.float64)
        return np.asarray(rng.standard_normal(shape))


def seed_of(*names: object) -> int:
    return zlib.crc32(" ".join(map(str, names)).encode())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])
@every_backend
@every_op
def test_every_backend_is_what_the_definition_says(
    op: str, backend: str, dtype: Any, layout: str, public, gradient_of_output, profile
) -> None:
    passes = public(op, backend)
    for k in range(100 if profile == "slow" else 4):
        seed = seed_of(op, backend, dtype, layout, k)
        case = cases(op).draw(RandomHand(seed))
        dout = gradient_of_output(case, passes.forward, seed)
        found = judge(case, *passes, dout, dtype=dtype, layout=LAYOUTS[layout])
        assert not found, f"{case}: {'; '.join(map(str, found))}"


@every_backend
@every_op
@hypothesis.given(data=st.data())
@hypothesis.settings(suppress_health_check=list(hypothesis.HealthCheck))
def test_no_case_that_hypothesis_thinks_of_tells_a_backend_from_the_definition(
    op: str, backend: str, data: st.DataObject, public, gradient_of_output
) -> None:
    passes = public(op, backend)
    case = cases(op).draw(HypothesisHand(data))
    dtype = data.draw(st.sampled_from(DTYPES), label="dtype")
    layout = data.draw(st.sampled_from(list(LAYOUTS)), label="layout")
    dout = gradient_of_output(case, passes.forward, 0)
    found = judge(case, *passes, dout, dtype=dtype, layout=LAYOUTS[layout])
    assert not found, f"{case}: {'; '.join(map(str, found))}"


@every_op
def test_one_draw_of_hypothesis_is_one_of_the_random_hand(op: str) -> None:
    """The hands are the same protocol: what one can draw the other can too."""
    for name in ("integer", "choice", "floats"):
        ours, theirs = (inspect.signature(getattr(h, name)) for h in (HypothesisHand, RandomHand))
        assert list(ours.parameters) == list(theirs.parameters)
    assert cases(op).draw(RandomHand(0)).op == op


# --- the products by blocks, which small cases do not reach ------------------------


def _one_image_a_block(N: int, image_bytes: int, block_bytes: int = 0) -> list[slice]:
    return [slice(n, n + 1) for n in range(N)]


@pytest.mark.parametrize("way", ["columns", "rows"])
@pytest.mark.parametrize("cut", ["image by image", "as it comes"])
@pytest.mark.parametrize("op", ["conv2d", "conv_transpose2d"])
def test_the_ways_of_a_convolution_do_not_show(
    op: str, cut: str, way: str, public, gradient_of_output, monkeypatch
) -> None:
    for name in ("_SHORT_RUN", "_FEW_CHANNELS"):
        monkeypatch.setattr(correlation, name, 10**9 if way == "columns" else 0)
    if cut == "image by image":
        for module in (windows_as_columns, windows_as_rows):
            monkeypatch.setattr(module, "blocks", _one_image_a_block)
    passes = public(op, "numpy")
    drawn = [cases(op).draw(RandomHand(seed_of("blocks", op, k))) for k in range(12)]
    for k, case in enumerate(drawn + _one_by_one(op)):
        found = judge(case, *passes, gradient_of_output(case, passes.forward, k))
        assert not found, f"{case}: {'; '.join(map(str, found))}"


def _one_by_one(op: str) -> list[Case]:
    """Write cases with filters of one pixel, which need no windows laid out."""
    rng = np.random.default_rng(0)
    written = []
    for groups, options in ((1, {}), (2, {}), (2, {"stride": 2}), (1, {"padding": 1})):
        x, b = rng.standard_normal((3, 4, 5, 6)), rng.standard_normal(4)
        w = rng.standard_normal((4, 4 // groups, 1, 1))
        written.append(Case(op, {"x": x, "w": w, "b": b}, options | {"groups": groups}))
    return written


@every_backend
def test_a_convolution_of_many_channels_and_images_holds_the_tolerance(
    backend: str, public, gradient_of_output
) -> None:
    rng = np.random.default_rng(3)
    x, w, b = (rng.standard_normal(s) for s in ((3, 40, 9, 7), (5, 20, 3, 2), (5 * 2,)))
    w = np.concatenate([w, w[::-1]])
    case = Case("conv2d", {"x": x, "w": w, "b": b}, {"padding": (1, 2), "groups": 2})
    passes = public("conv2d", backend)
    dout = gradient_of_output(case, passes.forward, 0)
    for dtype in DTYPES:
        assert judge(case, *passes, dout, dtype=dtype) == []


# --- long sums in float32 ----------------------------------------------------------


@pytest.mark.parametrize("layout", ["contiguous", "channels-last"])
@every_backend
def test_the_mean_of_a_large_image_holds_the_tolerance(backend: str, layout: str, public) -> None:
    x = np.random.default_rng(0).random((2, 3, 112, 96))  # of one sign: roundings add up
    case = Case("global_avg_pool2d", {"x": x})
    dout = np.ones((2, 3, 1, 1))
    passes = public("global_avg_pool2d", backend)
    assert judge(case, *passes, dout, dtype=np.float32, layout=LAYOUTS[layout]) == []


@every_backend
@pytest.mark.parametrize("layout", ["contiguous", "channels-last"])
def test_the_bias_gradient_of_a_large_image_holds_the_tolerance(
    backend: str, layout: str, public
) -> None:
    rng = np.random.default_rng(0)
    x = np.zeros((1, 1, 80, 90), dtype=np.float32)
    dout = rng.random((1, 4, 80, 90)).astype(np.float32)
    w, b = np.zeros((4, 1, 1, 1), dtype=np.float32), np.zeros(4, dtype=np.float32)
    forward, backward = public("conv2d", backend)
    _, _, db = backward(LAYOUTS[layout](dout), forward(x, w, b)[1])
    want = dout.astype(np.float64).sum(axis=(0, 2, 3))
    # the definition adds 7,200 numbers one after the other: it may drift further
    rows = 8 if backend == "numpy" else 80
    assert np.all(np.abs(db - want) <= rows * np.finfo(np.float32).eps * want)


# --- what is not finite ------------------------------------------------------------


def _spoil(array: Any, rng: np.random.Generator) -> Any:
    spoiled = array.copy()
    for value in (np.nan, np.inf, -np.inf):
        if spoiled.size and rng.random() < 0.7:
            spoiled.flat[rng.integers(spoiled.size)] = value
    return spoiled


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in _leaves(item)]
    return [] if value is None else [np.asarray(value)]


@pytest.mark.parametrize("backend", [b for b in BACKENDS if b != "reference"])
@every_op
def test_nan_and_inf_travel_as_in_the_definition(
    op: str, backend: str, public, gradient_of_output
) -> None:
    for k in range(12):
        seed = seed_of("spoil", op, k)
        rng = np.random.default_rng(seed)
        case = cases(op).draw(RandomHand(seed))
        dout = gradient_of_output(case, public(op, "reference").forward, seed)
        spoiled = case.map(lambda a, rng=rng: _spoil(a, rng) if a.dtype.kind == "f" else a)
        if k % 2:
            dout = _spoil(dout, rng)
        results = []
        for name in ("reference", backend):
            own = spoiled.cast(np.float64)
            forward, backward = public(op, name)
            with np.errstate(all="ignore"):
                out, cache = forward(*own.positional(), **own.keywords())
                updated = [own.arrays[i.name] for i in OPS[op].keyword if i.kind.name == "UPDATED"]
                results.append(_leaves([out, backward(dout, cache), updated]))
        for want, got in zip(*results, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12, err_msg=str(case))


# --- arrays are the caller's own ---------------------------------------------------

_PLAIN = {
    "conv2d": Case("conv2d", {"x": np.ones((1, 1, 2, 2)), "w": np.ones((1, 1, 1, 1)), "b": None}),
    "upsample_nearest2d": Case(
        "upsample_nearest2d", {"x": np.ones((1, 1, 1, 3))}, {"scale_factor": (2, 1)}
    ),
    "pad2d": Case("pad2d", {"x": np.ones((1, 1, 2, 2))}, {"padding": 0, "mode": "reflect"}),
    "concat": Case("concat", {"xs": [np.ones((2, 2))]}, {"axis": 1}),
    "dropout": Case("dropout", {"x": np.ones(3), "mask": None}, {"p": 0.0}),
    "max_pool2d": Case("max_pool2d", {"x": np.ones((1, 1, 2, 2))}, {"kernel_size": 1}),
    "avg_pool2d": Case("avg_pool2d", {"x": np.ones((1, 1, 2, 2))}, {"kernel_size": 1}),
    "batch_norm": Case(
        "batch_norm",
        {
            "x": np.ones((2, 2)),
            "gamma": None,
            "beta": None,
            "running_mean": np.zeros(2),
            "running_var": np.ones(2),
        },
        {"train": False},
    ),
    "leaky_relu": Case("leaky_relu", {"x": np.ones(3)}, {"negative_slope": 1.0}),
}
"""Where an op has nothing to do, and a backend may be tempted to hand its input on."""


def _own_cases(op: str) -> list[Case]:
    drawn = [cases(op).draw(RandomHand(seed_of("own", op, k))) for k in range(6)]
    return [*drawn, _PLAIN[op]] if op in _PLAIN else drawn


@every_backend
@every_op
def test_results_are_arrays_of_their_own(op: str, backend: str, public, gradient_of_output) -> None:
    passes = public(op, backend)
    for case in _own_cases(op):
        dout = gradient_of_output(case, passes.forward, 0)
        own = case.cast(np.float64)
        out, cache = passes.forward(*own.positional(), **own.keywords())
        gradients = passes.backward(dout, cache)
        again, other_cache = passes.forward(*own.positional(), **own.keywords())
        other_gradients = passes.backward(dout, other_cache)
        handed_in = _leaves([*own.arrays.values(), dout])
        results = _leaves([out, gradients]), _leaves([again, other_gradients])
        if op == "flatten":  # documented: a view where memory allows
            handed_in = []
        for k, result in enumerate(results[0]):
            for other in [*results[0][:k], *results[1], *handed_in]:
                if op == "flatten" and (other is results[1][0] or other is results[1][1]):
                    continue
                assert not np.shares_memory(result, other), f"{case}: result {k}"
            assert op == "flatten" or result.flags.writeable


@every_backend
@every_op
def test_what_becomes_of_the_output_does_not_change_backward(
    op: str, backend: str, public, gradient_of_output
) -> None:
    passes = public(op, backend)
    for case in _own_cases(op):
        dout = gradient_of_output(case, passes.forward, 0)
        results = []
        for overwrite in (False, True):
            own = case.cast(np.float64)
            out, cache = passes.forward(*own.positional(), **own.keywords())
            if overwrite and isinstance(out, np.ndarray) and op != "flatten":
                out.fill(np.nan)
            first = passes.backward(dout, cache)
            if overwrite:
                for gradient in _leaves(first):
                    if gradient.flags.writeable and op != "flatten":
                        gradient.fill(np.nan)
                first = passes.backward(dout, cache)
            results.append(_leaves([first]))
        for want, got in zip(*results, strict=True):
            np.testing.assert_array_equal(got, want, err_msg=str(case))


# --- the edges of the domain -------------------------------------------------------


@every_backend
def test_of_equal_maxima_the_first_in_row_major_order_takes_the_gradient(
    backend: str, public
) -> None:
    forward, backward = public("max_pool2d", backend)
    x = np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])[None, None]
    for array in (x, LAYOUTS["channels-last"](np.repeat(x, 2, axis=1))):
        out, cache = forward(array, kernel_size=2, stride=1)
        dx = backward(np.array([[1.0, 10.0], [100.0, 1000.0]]) * np.ones(out.shape), cache)
        # windows: (0 1/1 1), (1 1/1 0), (1 1/1 0), (1 0/0 1)
        assert np.all(dx == np.array([[0, 11.0, 0], [100.0, 1000.0, 0], [0, 0, 0]]))


_EMPTY: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[int, ...]]] = {
    "conv2d": ({"x": (0, 2, 5, 4), "w": (3, 2, 3, 2), "b": (3,)}, {}, (0, 3, 3, 3)),
    "conv_transpose2d": ({"x": (0, 2, 5, 4), "w": (2, 3, 3, 2), "b": (3,)}, {}, (0, 3, 7, 5)),
    "max_pool2d": ({"x": (0, 2, 4, 6)}, {"kernel_size": 2}, (0, 2, 2, 3)),
    "avg_pool2d": ({"x": (0, 2, 4, 6)}, {"kernel_size": 2}, (0, 2, 2, 3)),
    "global_avg_pool2d": ({"x": (0, 2, 4, 6)}, {}, (0, 2, 1, 1)),
    "linear": ({"x": (0, 4), "w": (3, 4), "b": (3,)}, {}, (0, 3)),
    "flatten": ({"x": (0, 2, 3)}, {}, (0, 6)),
    "batch_norm": (
        {"x": (0, 3), "gamma": (3,), "beta": (3,), "running_mean": (3,), "running_var": (3,)},
        {"train": True},
        (0, 3),
    ),
    "layer_norm": ({"x": (0, 3), "gamma": (3,), "beta": (3,)}, {}, (0, 3)),
    "group_norm": ({"x": (0, 4), "gamma": (4,), "beta": (4,)}, {"groups": 2}, (0, 4)),
    "dropout": ({"x": (0, 3), "mask": None}, {"p": 0.5}, (0, 3)),
    "add": ({"x": (0, 3), "y": (0, 3)}, {}, (0, 3)),
    "concat": ({"xs": [(0, 3), (0, 2)]}, {}, (0, 5)),
    "pad2d": ({"x": (0, 1, 2, 3)}, {"padding": 1, "mode": "reflect"}, (0, 1, 4, 5)),
    "upsample_nearest2d": ({"x": (0, 1, 2, 3)}, {"scale_factor": (2, 3)}, (0, 1, 4, 9)),
    "softmax": ({"x": (0, 3)}, {}, (0, 3)),
    "log_softmax": ({"x": (0, 3)}, {}, (0, 3)),
    "mean_squared_error": ({"x": (0, 3), "target": (0, 3)}, {}, ()),
    "hinge": ({"x": (0, 3), "target": "labels"}, {}, ()),
    "softmax_cross_entropy": ({"x": (0, 3), "target": "labels"}, {}, ()),
} | {
    op: ({"x": (0, 3)}, {}, (0, 3))
    for op in ("relu", "relu6", "leaky_relu", "sigmoid", "tanh", "gelu", "silu", "hard_swish")
}


def _filled(shape: Any) -> Any:
    if shape == "labels":
        return np.zeros(0, dtype=np.int64)
    if isinstance(shape, list):
        return [_filled(s) for s in shape]
    return None if shape is None else np.ones(shape)


@every_backend
@every_op
def test_an_empty_batch_gives_empty_results_and_no_gradient(op: str, backend: str, public) -> None:
    arrays, options, out_shape = _EMPTY[op]
    case = Case(op, {name: _filled(shape) for name, shape in arrays.items()}, options)
    forward, backward = public(op, backend)
    out, cache = forward(*case.positional(), **case.keywords())
    assert np.shape(out) == out_shape
    if out_shape == ():
        assert np.isnan(out)
    found = backward(np.ones(out_shape), cache)
    gradients = found if len(OPS[op].gradients) > 1 else [found]
    for name, gradient in zip(OPS[op].gradients, gradients, strict=True):
        for given, g in zip(_leaves(case.arrays[name]), _leaves(gradient), strict=True):
            assert g.shape == given.shape
            assert not g.any()
    for name in ("running_mean", "running_var"):
        if name in case.arrays:
            assert np.all(case.arrays[name] == 1)


@every_backend
def test_a_number_is_an_array_without_axes(backend: str, public) -> None:
    for op in OPS:
        if OPS[op].inputs[0].axes == "..." and op not in ("softmax", "log_softmax", "concat"):
            case = Case(op, {i.name: np.float64(2.0) for i in OPS[op].inputs if i.name != "mask"})
            forward, backward = public(op, backend)
            out, cache = forward(*case.arrays.values())
            gradients = _leaves([backward(np.float64(1.0), cache)])
            assert all(np.shape(g) == () for g in [out, *gradients]), op


@every_op
def test_the_backends_have_equal_signatures(op: str) -> None:
    passes = [registry.resolve(op, backend) for backend in BACKENDS]
    forwards = [inspect.signature(p.forward).parameters for p in passes]
    for parameters, p in zip(forwards, passes, strict=True):
        assert [(q.name, q.kind) for q in parameters.values() if q.name not in p.advice] == [
            (q.name, q.kind) for q in forwards[-1].values()
        ]
    for p in passes:
        assert list(inspect.signature(p.backward).parameters) == ["dout", "cache", "needs"]


@every_op
def test_every_backend_has_every_op_that_its_row_of_the_ladder_claims(op: str) -> None:
    for backend in BACKENDS:
        assert registry.resolve(op, backend).backend == backend
