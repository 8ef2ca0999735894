"""Max and mean pooling."""

import numpy as np
import pytest

from cnnpy.contract.errors import CacheError, OptionError, ShapeError
from cnnpy.cs231n import fast_layers
from cnnpy.cs231n.fast_layers import max_pool_backward_fast, max_pool_forward_fast
from cnnpy.cs231n.gradient_check import eval_numerical_gradient_array
from cnnpy.cs231n.layers import (
    avg_pool_backward_naive,
    avg_pool_forward_naive,
    max_pool_backward_naive,
    max_pool_forward_naive,
)

MAX = {
    "naive": (max_pool_forward_naive, max_pool_backward_naive),
    "fast": (max_pool_forward_fast, max_pool_backward_fast),
}
ALL = MAX | {"mean": (avg_pool_forward_naive, avg_pool_backward_naive)}


@pytest.fixture
def rng():
    return np.random.default_rng(13)


@pytest.mark.parametrize("pair", MAX)
def test_max_pooling_by_hand_where_windows_overlap(pair):
    forward, backward = MAX[pair]
    x = np.array([[1.0, 2.0, 5.0], [4.0, 9.0, 0.0], [0.0, 3.0, 1.0]]).reshape(1, 1, 3, 3)
    out, cache = forward(x, {"stride": 1, "pool_width": 2, "pool_height": 2})
    np.testing.assert_array_equal(out[0, 0], [[9, 9], [9, 9]])
    dout = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 1, 2, 2)
    dx = backward(dout, cache)
    np.testing.assert_array_equal(dx[0, 0], [[0, 0, 0], [0, 10, 0], [0, 0, 0]])


@pytest.mark.parametrize("pair", MAX)
def test_of_several_largest_entries_the_first_takes_all(pair):
    forward, backward = MAX[pair]
    x = np.array([[0.0, 7.0, 1.0, 1.0], [7.0, 7.0, 1.0, 1.0]]).reshape(1, 1, 2, 4)
    out, cache = forward(x, {"pool_height": 2, "pool_width": 2, "stride": 2})
    dx = backward(np.array([10.0, 20.0]).reshape(1, 1, 1, 2), cache)
    np.testing.assert_array_equal(dx[0, 0], [[0, 10, 20, 0], [0, 0, 0, 0]])


def test_mean_pooling_by_hand_where_windows_overlap():
    x = np.arange(6.0).reshape(1, 1, 2, 3)
    out, cache = avg_pool_forward_naive(x, {"pool_height": 2, "pool_width": 2, "stride": 1})
    np.testing.assert_array_equal(out[0, 0], [[2, 3]])
    dx = avg_pool_backward_naive(np.array([4.0, 8.0]).reshape(1, 1, 1, 2), cache)
    np.testing.assert_array_equal(dx[0, 0], [[1, 3, 2], [1, 3, 2]])


@pytest.mark.parametrize("pair", ALL)
@pytest.mark.parametrize(
    ("height", "width", "stride"), [(2, 2, 2), (3, 2, 1), (1, 4, 2), (2, 3, 3)]
)
def test_gradients_on_unequal_sides(rng, pair, height, width, stride):
    forward, backward = ALL[pair]
    # no two entries close to each other: far from kinks
    x = rng.permutation(2 * 2 * 5 * 6).reshape(2, 2, 5, 6) / 10
    param = {"pool_height": height, "pool_width": width, "stride": stride}
    out, cache = forward(x, param)
    assert out.shape == (2, 2, 1 + (5 - height) // stride, 1 + (6 - width) // stride)
    dout = rng.normal(size=out.shape)
    numeric = eval_numerical_gradient_array(lambda x: forward(x, param)[0], x, dout)
    np.testing.assert_allclose(backward(dout, cache), numeric, rtol=1e-7, atol=1e-9)


def test_fast_and_naive_agree_where_windows_tile_and_where_not(rng):
    for shape, stride in [((3, 2, 8, 8), 2), ((2, 3, 7, 9), 3), ((2, 2, 6, 6), 1)]:
        x = rng.integers(4, size=shape).astype(float)  # many ties
        param = {"pool_height": 2, "pool_width": 2, "stride": stride}
        out, cache = max_pool_forward_naive(x, param)
        fast, fast_cache = max_pool_forward_fast(x, param)
        np.testing.assert_array_equal(out, fast)
        dout = rng.normal(size=out.shape)
        np.testing.assert_allclose(
            max_pool_backward_naive(dout, cache), max_pool_backward_fast(dout, fast_cache)
        )


@pytest.mark.parametrize("pair", ALL)
def test_cache_dtypes_and_inputs(rng, pair):
    forward, backward = ALL[pair]
    x = rng.normal(size=(1, 2, 4, 4)).astype(np.float32)
    before = x.copy()
    x.flags.writeable = False
    param = {"pool_height": 2, "pool_width": 2, "stride": 2, "further": None}
    out, cache = forward(x, param)
    assert out.dtype == np.float32
    assert cache[0] is x
    assert cache[1] is param
    dout = rng.normal(size=out.shape)
    assert backward(dout.astype(np.float32), cache).dtype == np.float32
    assert backward(dout, cache).dtype == np.float64
    np.testing.assert_array_equal(backward(dout, cache), backward(dout, (x, param)))
    np.testing.assert_array_equal(x, before)
    assert forward(np.ones((1, 1, 2, 2), np.uint8), param)[0].dtype == np.float64


def test_all_fast_names_are_one_thing():
    for ending in ("im2col", "reshape"):
        assert getattr(fast_layers, f"max_pool_forward_{ending}") is max_pool_forward_fast
        assert getattr(fast_layers, f"max_pool_backward_{ending}") is max_pool_backward_fast


@pytest.mark.parametrize("pair", ALL)
@pytest.mark.parametrize(
    ("param", "error", "text"),
    [
        (
            {"pool_height": 2, "width": 2, "stride": 2},
            OptionError,
            "to mend:  rename 'width' to 'pool_width'",
        ),
        ({"pool_height": 2, "pool_width": 2}, OptionError, "pool_param has no 'stride'"),
        ({"pool_height": 0, "pool_width": 2, "stride": 1}, OptionError, "use pool_height=1"),
        ({"pool_height": 5, "pool_width": 2, "stride": 1}, ShapeError, "does not fit"),
    ],
)
def test_wrong_parameters_are_named(pair, param, error, text):
    with pytest.raises(error) as caught:
        ALL[pair][0](np.ones((1, 1, 4, 4)), param)
    assert text in str(caught.value)


def test_the_cache_of_the_other_pooling_is_named():
    param = {"pool_height": 2, "pool_width": 2, "stride": 2}
    out, cache = max_pool_forward_naive(np.ones((1, 1, 4, 4)), param)
    with pytest.raises(CacheError, match="avg_pool_backward_naive: cache is a cache of max_pool2d"):
        avg_pool_backward_naive(out, cache)
