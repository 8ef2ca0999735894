"""Convolution, naive and fast, and windows as columns."""

import time

import numpy as np
import pytest

from cnnpy.contract.errors import CacheError, OptionError, ShapeError
from cnnpy.cs231n import fast_layers
from cnnpy.cs231n.fast_layers import conv_backward_fast, conv_forward_fast
from cnnpy.cs231n.gradient_check import eval_numerical_gradient_array
from cnnpy.cs231n.im2col import col2im_indices, get_im2col_indices, im2col_indices
from cnnpy.cs231n.im2col_cython import col2im_6d_cython, col2im_cython, im2col_cython
from cnnpy.cs231n.layers import conv_backward_naive, conv_forward_naive

PAIRS = {
    "naive": (conv_forward_naive, conv_backward_naive),
    "fast": (conv_forward_fast, conv_backward_fast),
}


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.mark.parametrize("pair", PAIRS)
def test_convolution_by_hand(pair):
    forward, backward = PAIRS[pair]
    x = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    w = np.array([[1.0, 0.0], [0.0, -1.0]]).reshape(1, 1, 2, 2)
    out, cache = forward(x, w, np.array([10]), {"pad": 1, "stride": 2})
    # padded to 5 x 5, windows at (0, 0), (0, 2), (2, 0), (2, 2)
    np.testing.assert_array_equal(out[0, 0], [[10 - 1, 10 - 3], [10 - 7, 10 + 5 - 9]])
    dout = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 1, 2, 2)
    dx, dw, db = backward(dout, cache)
    np.testing.assert_array_equal(dx[0, 0], [[-1, 0, -2], [0, 4, 0], [-3, 0, -4]])
    np.testing.assert_array_equal(
        dw[0, 0], [[4 * 5, 3 * 4 + 4 * 6], [2 * 2 + 4 * 8, 1 + 2 * 3 + 3 * 7 + 4 * 9]]
    )
    assert db.tolist() == [10]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("pad", [0, 1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_gradients_for_every_padding_on_unequal_sides(rng, pair, pad, stride):
    forward, backward = PAIRS[pair]
    x, w, b = rng.normal(size=(2, 2, 5, 4)), rng.normal(size=(2, 2, 3, 2)), rng.normal(size=2)
    conv_param = {"stride": stride, "pad": pad}
    out, cache = forward(x, w, b, conv_param)
    dout = rng.normal(size=out.shape)
    dx, dw, db = backward(dout, cache)
    assert (dx.shape, dw.shape, db.shape) == (x.shape, w.shape, b.shape)

    # in one random direction of all three inputs at once: <dout, J v> = <J' dout, v>
    v = [rng.normal(size=a.shape) for a in (x, w, b)]
    h = 1e-6
    up, down = (
        forward(*(a + s * d for a, d in zip((x, w, b), v, strict=True)), conv_param)[0]
        for s in (h, -h)
    )
    along = np.sum((up - down) * dout) / (2 * h)
    expected = sum(np.sum(g * d) for g, d in zip((dx, dw, db), v, strict=True))
    np.testing.assert_allclose(along, expected, rtol=1e-6)


def test_naive_gradients_agree_with_difference_quotients_entry_by_entry(rng):
    x, w, b = rng.normal(size=(2, 2, 4, 3)), rng.normal(size=(2, 2, 3, 2)), rng.normal(size=2)
    param = {"stride": 1, "pad": 1}
    out, cache = conv_forward_naive(x, w, b, param)
    dout = rng.normal(size=out.shape)
    functions = (
        lambda a: conv_forward_naive(a, w, b, param)[0],
        lambda a: conv_forward_naive(x, a, b, param)[0],
        lambda a: conv_forward_naive(x, w, a, param)[0],
    )
    gradients = conv_backward_naive(dout, cache)
    for gradient, f, at in zip(gradients, functions, (x, w, b), strict=True):
        numeric = eval_numerical_gradient_array(f, at, dout)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "stride", "pad"),
    [
        ((3, 3, 7, 5), (4, 3, 3, 2), 2, 1),
        ((2, 1, 6, 9), (3, 1, 1, 4), 3, 2),
        ((1, 2, 5, 5), (2, 2, 5, 5), 1, 0),
        ((2, 3, 6, 6), (2, 3, 3, 3), 2, 0),  # a remainder is dropped
    ],
)
def test_fast_and_naive_agree_with_torch(rng, x_shape, w_shape, stride, pad, torch):
    x, w, b = rng.normal(size=x_shape), rng.normal(size=w_shape), rng.normal(size=w_shape[0])
    param = {"stride": stride, "pad": pad}
    results = {}
    for pair, (forward, backward) in PAIRS.items():
        out, cache = forward(x, w, b, param)
        dout = np.cos(np.arange(out.size)).reshape(out.shape)
        results[pair] = (out, *backward(dout, cache))
    for naive, fast in zip(results["naive"], results["fast"], strict=True):
        np.testing.assert_allclose(fast, naive, rtol=1e-10, atol=1e-12)
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    expected = torch.nn.functional.conv2d(*tensors, stride=stride, padding=pad)
    expected.backward(torch.tensor(dout))
    for ours, theirs in zip(
        results["naive"], (expected.detach(), *(t.grad for t in tensors)), strict=True
    ):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-10, atol=1e-12)


def test_grey_and_edges_of_an_image(rng):
    """Filters set by hand, an integer bias: a grey picture, and edges around 128."""
    x = np.zeros((1, 3, 8, 9))
    x[0, 2, 4:] = 50.0  # blue below a horizontal edge
    x[0, 0] = 100.0
    w = np.zeros((2, 3, 3, 3))
    w[0, :, 1, 1] = 0.3, 0.6, 0.1
    w[1, 2] = [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]
    out, _ = conv_forward_naive(x, w, np.array([0, 128]), {"stride": 1, "pad": 1})
    assert out.shape == (1, 2, 8, 9)
    np.testing.assert_allclose(out[0, 0, :4], 30)
    np.testing.assert_allclose(out[0, 0, 4:], 35)
    np.testing.assert_allclose(out[0, 1, 1:3], 128)
    np.testing.assert_allclose(out[0, 1, 3:5, 1:-1], 128 - 4 * 50)
    np.testing.assert_allclose(out[0, 1, 5:7], 128)


@pytest.mark.parametrize("pair", PAIRS)
def test_inputs_and_dictionary_are_not_changed_and_any_strides_taken(rng, pair):
    forward, backward = PAIRS[pair]
    given = [rng.normal(size=(5, 4, 2, 2)).transpose(2, 3, 0, 1), rng.normal(size=(3, 2, 3, 3))]
    given.append(rng.normal(size=6)[::2])
    kept = [a.copy() for a in given]
    for a in given:
        a.flags.writeable = False
    param = {"further": 1, "pad": 2, "stride": 1}
    out, cache = forward(*given, param)
    dout = rng.normal(size=out.shape)
    first = backward(dout, cache)
    again = backward(dout, cache)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, before in zip(given, kept, strict=True):
        np.testing.assert_array_equal(a, before)
    assert param == {"further": 1, "pad": 2, "stride": 1}


@pytest.mark.parametrize("pair", PAIRS)
def test_float64_images_with_float32_filters(rng, pair):
    forward, backward = PAIRS[pair]
    x, w, b = rng.normal(size=(1, 2, 4, 4)), rng.normal(size=(2, 2, 3, 3)), np.zeros(2)
    w32, b32 = w.astype(np.float32), b.astype(np.float32)
    out, cache = forward(x, w32, b32, {"stride": 1, "pad": 1})
    assert out.dtype == np.float64
    expected, _ = forward(x, w32.astype(np.float64), b, {"stride": 1, "pad": 1})
    np.testing.assert_array_equal(out, expected)
    assert {g.dtype for g in backward(out, cache)} == {np.dtype(np.float64)}
    out, cache = forward(x.astype(np.float32), w32, b32, {"stride": 1, "pad": 1})
    assert out.dtype == np.float32
    assert {g.dtype for g in backward(out, cache)} == {np.dtype(np.float32)}


def test_the_naive_cache_is_what_the_course_says_and_may_be_made_by_hand(rng):
    x, w, b = rng.normal(size=(1, 2, 4, 4)), rng.normal(size=(2, 2, 3, 3)), rng.normal(size=2)
    param = {"stride": 1, "pad": 1}
    out, cache = conv_forward_naive(x, w, b, param)
    assert all(kept is given for kept, given in zip(cache, (x, w, b, param), strict=True))
    by_hand = conv_backward_naive(out, (x, w, b, param))
    for ours, theirs in zip(conv_backward_naive(out, cache), by_hand, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_all_fast_names_are_one_thing():
    for ending in ("im2col", "strides"):
        assert getattr(fast_layers, f"conv_forward_{ending}") is conv_forward_fast
        assert getattr(fast_layers, f"conv_backward_{ending}") is conv_backward_fast


def test_naive_runs_on_the_definition_and_fast_is_faster(rng, monkeypatch):
    monkeypatch.delenv("CNNPY_BACKEND", raising=False)
    x, w, b = rng.normal(size=(8, 3, 31, 31)), rng.normal(size=(5, 3, 3, 3)), rng.normal(size=5)
    param = {"stride": 2, "pad": 1}
    seconds = {}
    for pair, (forward, backward) in PAIRS.items():
        start = time.perf_counter()
        out, cache = forward(x, w, b, param)
        backward(out, cache)
        seconds[pair] = time.perf_counter() - start
        assert (cache.inner.backend == "reference") == (pair == "naive")
    assert seconds["fast"] < seconds["naive"] / 5


# --- windows as columns ----------------------------------------------------------


@pytest.mark.parametrize(("pad", "stride"), [(0, 1), (1, 2), (2, 3)])
def test_columns_times_filters_is_a_convolution(rng, pad, stride):
    x, w = rng.normal(size=(2, 3, 7, 5)), rng.normal(size=(4, 3, 3, 2))
    out, _ = conv_forward_naive(x, w, np.zeros(4), {"stride": stride, "pad": pad})
    product = w.reshape(4, -1) @ im2col_indices(x, 3, 2, pad, stride)
    N, F, H_out, W_out = out.shape
    np.testing.assert_allclose(
        product.reshape(F, H_out, W_out, N).transpose(3, 0, 1, 2), out, rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize(("pad", "stride"), [(0, 1), (1, 2), (2, 3)])
def test_back_from_columns_is_the_adjoint(rng, pad, stride):
    x = rng.normal(size=(2, 3, 7, 5))
    cols = im2col_indices(x, 3, 2, pad, stride)
    weights = rng.normal(size=cols.shape)
    back = col2im_indices(weights, x.shape, 3, 2, pad, stride)
    np.testing.assert_allclose(np.sum(cols * weights), np.sum(x * back), rtol=1e-12)


def test_indices_name_the_entries_of_the_columns(rng):
    x = rng.normal(size=(1, 2, 5, 4))
    k, i, j = get_im2col_indices(x.shape, 3, 2, padding=1, stride=1)
    x_pad = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    np.testing.assert_array_equal(x_pad[0, k, i, j], im2col_indices(x, 3, 2, 1, 1))


def test_the_names_of_the_extension_agree(rng):
    x = rng.normal(size=(2, 3, 6, 5))
    cols = im2col_cython(x, 2, 3, 1, 2)
    np.testing.assert_array_equal(cols, im2col_indices(x, 2, 3, 1, 2))
    expected = col2im_indices(cols, x.shape, 2, 3, 1, 2)
    np.testing.assert_array_equal(col2im_cython(cols, *x.shape, 2, 3, 1, 2), expected)
    six = cols.reshape(3, 2, 3, 4, 3, 2).transpose(0, 1, 2, 5, 3, 4)
    np.testing.assert_array_equal(col2im_6d_cython(six, *x.shape, 2, 3, 1, 2), expected)


# --- errors ----------------------------------------------------------------------

IMAGES, FILTERS = np.ones((2, 3, 8, 8)), np.ones((4, 3, 3, 3))


@pytest.mark.parametrize("forward", [conv_forward_naive, conv_forward_fast])
@pytest.mark.parametrize(
    ("x", "w", "param", "error", "text"),
    [
        (
            IMAGES,
            FILTERS,
            {"stride": 1, "padding": 1},
            OptionError,
            "conv_param has no 'pad'; it has 'stride', 'padding'\n"
            "  expected: a dictionary conv_param with the key 'pad'\n"
            "  to mend:  rename 'padding' to 'pad'",
        ),
        (IMAGES, FILTERS, {}, OptionError, "conv_param has no 'stride'; it is empty"),
        (IMAGES, FILTERS, {"stride": 0, "pad": 1}, OptionError, "stride=0"),
        (IMAGES, FILTERS, {"stride": 1, "pad": 1.0}, OptionError, "use pad=1"),
        (
            IMAGES.transpose(0, 2, 3, 1),
            FILTERS,
            {"stride": 1, "pad": 1},
            ShapeError,
            "x looks like NHWC",
        ),
        (IMAGES[:, :, :1], FILTERS, {"stride": 1, "pad": 0}, ShapeError, "does not fit"),
    ],
)
def test_wrong_input_is_named(forward, x, w, param, error, text):
    with pytest.raises(error) as caught:
        forward(x, w, np.ones(4), param)
    assert text in str(caught.value)


def test_the_cache_of_another_layer_is_named():
    _, cache = fast_layers.max_pool_forward_fast(
        IMAGES, {"pool_height": 2, "pool_width": 2, "stride": 2}
    )
    with pytest.raises(CacheError, match="conv_backward_fast: cache is a cache of max_pool2d"):
        conv_backward_fast(IMAGES, cache)


def test_columns_of_another_shape_are_named():
    with pytest.raises(ShapeError, match=r"cols has shape \(2, 2\)"):
        col2im_indices(np.ones((2, 2)), (1, 1, 4, 4))
    with pytest.raises(ShapeError, match=r"use x\[np.newaxis\]"):
        im2col_indices(np.ones((3, 4, 4)), 2, 2)
