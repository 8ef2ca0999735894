"""Inverted dropout, whose p keeps."""

import numpy as np
import pytest

from cnnpy.contract.errors import DtypeError, OptionError, ShapeError
from cnnpy.cs231n.gradient_check import eval_numerical_gradient_array
from cnnpy.cs231n.layers import dropout_backward, dropout_forward


@pytest.mark.parametrize("p", [0.25, 0.4, 0.7, 1.0])
def test_dropout_keeps_the_mean_and_a_share_p(p):
    np.random.seed(5)
    x = np.random.randn(300, 300) + 10
    out, (param, mask) = dropout_forward(x, {"mode": "train", "p": p})
    assert out.mean() == pytest.approx(x.mean(), rel=0.02)
    assert (out != 0).mean() == pytest.approx(p, abs=0.01)
    np.testing.assert_array_equal(out, x * mask)
    untouched, (_, none) = dropout_forward(x, {"mode": "test", "p": p})
    np.testing.assert_array_equal(untouched, x)
    assert none is None


def test_the_mask_is_the_one_draw_of_np_random_that_the_course_makes():
    x = np.ones((3, 4, 5))
    dropout_param = {"mode": "train", "p": 0.3, "seed": 123}
    _, (param, mask) = dropout_forward(x, dropout_param)
    after = np.random.rand()
    np.random.seed(123)
    np.testing.assert_array_equal(mask, (np.random.rand(3, 4, 5) < 0.3) / 0.3)
    assert np.random.rand() == after
    assert param is dropout_param


def test_without_a_seed_the_stream_goes_on():
    param = {"mode": "train", "p": 0.5}
    np.random.seed(0)
    first, second = (dropout_forward(np.ones(50), param)[0] for _ in range(2))
    assert (first != second).any()


def test_test_mode_draws_nothing():
    np.random.seed(0)
    dropout_forward(np.ones(50), {"mode": "test", "p": 0.5})
    drawn = np.random.rand()
    np.random.seed(0)
    assert drawn == np.random.rand()


def test_dropout_gradient_agrees_with_difference_quotients():
    rng = np.random.default_rng(2)
    x, dout = rng.normal(10, 1, size=(6, 7)), rng.normal(size=(6, 7))
    param = {"mode": "train", "p": 0.2, "seed": 123}
    dx = dropout_backward(dout, dropout_forward(x, param)[1])
    numeric = eval_numerical_gradient_array(lambda x: dropout_forward(x, param)[0], x, dout)
    np.testing.assert_allclose(dx, numeric, rtol=1e-8, atol=1e-12)


def test_a_cache_made_by_hand():
    param = {"p": 0.5, "mode": "train"}
    mask = np.array([2.0, 0.0, 2.0])
    np.testing.assert_array_equal(dropout_backward(np.array([1, 2, 3]), (param, mask)), [2, 0, 6])
    param["mode"] = "test"
    np.testing.assert_array_equal(dropout_backward(np.array([1, 2, 3]), (param, None)), [1, 2, 3])


def test_the_caller_keeps_its_arrays():
    x = np.ones(9)
    for mode in ("train", "test"):
        out, cache = dropout_forward(x, {"mode": mode, "p": 0.5, "seed": 1})
        dx = dropout_backward(x, cache)
        out += 100
        dx += 100
        assert x.tolist() == [1] * 9


@pytest.mark.parametrize(
    ("given", "expected"),
    [(np.float32, np.float32), (np.float64, np.float64), (np.int32, np.float64)],
)
def test_dtypes(given, expected):
    x = np.full(20, 3, dtype=given)
    out, cache = dropout_forward(x, {"mode": "train", "p": 0.7, "seed": 1})
    assert out.dtype == expected
    assert dropout_backward(out, cache).dtype == expected
    np.testing.assert_allclose(out.max(), 3 / 0.7, rtol=1e-6)


@pytest.mark.parametrize(
    ("x", "param", "error", "text"),
    [
        (
            np.ones(3),
            {"mode": "train", "p": 0},
            OptionError,
            "dropout_forward: p=0\n  expected: a finite number above 0 and at most 1\n",
        ),
        (np.ones(3), {"mode": "train", "p": 1.5}, OptionError, "use p=1"),
        (np.ones(3), {"mode": "training", "p": 1}, OptionError, "use dropout_param['mode'] = 'tr"),
        (np.ones(3), {"mode": "train"}, OptionError, "dropout_param has no 'p'"),
        (np.ones(3), None, OptionError, "dropout_param is a NoneType"),
        ([1.0], {"mode": "train", "p": 0.5}, DtypeError, "dropout_forward: x is a list"),
    ],
)
def test_wrong_input_is_named(x, param, error, text):
    with pytest.raises(error) as caught:
        dropout_forward(x, param)
    assert text in str(caught.value)


def test_a_gradient_of_another_shape_is_named():
    _, cache = dropout_forward(np.ones((2, 3)), {"mode": "train", "p": 0.5})
    with pytest.raises(ShapeError, match=r"use dout.reshape\(\(2, 3\)\)"):
        dropout_backward(np.ones(6), cache)


def test_an_array_without_axes_is_kept_or_dropped_whole():
    out, cache = dropout_forward(np.array(3.0), {"mode": "train", "p": 0.5, "seed": 1})
    np.testing.assert_array_equal(out, 6.0)  # np.random.rand gives 0.417 after seed 1
    np.testing.assert_array_equal(dropout_backward(np.array(4.0), cache), 8.0)
