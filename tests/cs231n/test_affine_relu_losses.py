"""Affine and ReLU layers, softmax and hinge losses."""

import numpy as np
import pytest

from cnnpy.contract.errors import CacheError, DataError, DtypeError, ShapeError
from cnnpy.cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cnnpy.cs231n.layers import (
    affine_backward,
    affine_forward,
    relu_backward,
    relu_forward,
    softmax_loss,
    svm_loss,
)


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def test_affine_by_hand():
    x = np.array([[[1.0, 2.0]], [[3.0, 4.0]]])
    w = np.array([[1.0, 0.0, -1.0], [2.0, 1.0, 0.0]])
    out, cache = affine_forward(x, w, np.array([10.0, 20.0, 30.0]))
    np.testing.assert_array_equal(out, [[15, 22, 29], [21, 24, 27]])
    dout = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 2.0]])
    dx, dw, db = affine_backward(dout, cache)
    np.testing.assert_array_equal(dx, [[[1, 2]], [[-2, 1]]])
    np.testing.assert_array_equal(dw, [[1, 3, 6], [2, 4, 8]])
    np.testing.assert_array_equal(db, [1, 1, 2])


def test_affine_gradients_agree_with_difference_quotients(rng):
    x, w, b = rng.normal(size=(5, 2, 3)), rng.normal(size=(6, 4)), rng.normal(size=4)
    dout = rng.normal(size=(5, 4))
    dx, dw, db = affine_backward(dout, affine_forward(x, w, b)[1])
    numeric = eval_numerical_gradient_array
    np.testing.assert_allclose(dx, numeric(lambda x: affine_forward(x, w, b)[0], x, dout), 1e-7)
    np.testing.assert_allclose(dw, numeric(lambda w: affine_forward(x, w, b)[0], w, dout), 1e-7)
    np.testing.assert_allclose(db, numeric(lambda b: affine_forward(x, w, b)[0], b, dout), 1e-7)


def test_the_affine_cache_is_x_w_b_and_may_be_made_by_hand(rng):
    x, w, b = rng.normal(size=(5, 6)), rng.normal(size=(6, 4)), rng.normal(size=4)
    dout = rng.normal(size=(5, 4))
    out, cache = affine_forward(x, w, b)
    assert all(kept is given for kept, given in zip(cache, (x, w, b), strict=True))
    for ours, by_hand in zip(
        affine_backward(dout, cache), affine_backward(dout, (x, w, b)), strict=True
    ):
        np.testing.assert_array_equal(ours, by_hand)


@pytest.mark.parametrize(
    ("x_dtype", "w_dtype", "b_dtype", "expected"),
    [
        (np.float32, np.float32, np.float32, np.float32),
        (np.float64, np.float32, np.float32, np.float64),
        (np.float32, np.float32, np.int64, np.float64),
        (np.uint8, np.float32, np.float32, np.float64),
        (np.dtype(">f4"), np.float32, np.float32, np.float32),
    ],
)
def test_mixed_dtypes_become_the_wider_float(x_dtype, w_dtype, b_dtype, expected):
    x, w, b = np.ones((2, 3), x_dtype), np.ones((3, 4), w_dtype), np.ones(4, b_dtype)
    out, cache = affine_forward(x, w, b)
    assert out.dtype == expected
    np.testing.assert_array_equal(out, np.full((2, 4), 4))
    for gradient in affine_backward(np.ones((2, 4), expected), cache):
        assert gradient.dtype == expected


def test_a_wider_gradient_is_not_narrowed(rng):
    x, w, b = (a.astype(np.float32) for a in (np.ones((2, 3)), np.ones((3, 4)), np.ones(4)))
    dout = rng.normal(size=(2, 4))
    dx, dw, db = affine_backward(dout, affine_forward(x, w, b)[1])
    assert dx.dtype == dw.dtype == db.dtype == np.float64
    np.testing.assert_allclose(db, dout.sum(axis=0), rtol=1e-15)


def test_integer_gradients_are_not_cut_off():
    out, cache = affine_forward(np.ones((1, 2)), np.full((2, 1), 0.5), np.zeros(1))
    np.testing.assert_array_equal(affine_backward(np.array([[1]]), cache)[0], [[0.5, 0.5]])


def test_relu_by_hand_for_a_cache_that_is_x():
    x = np.array([-1.0, 0.0, 2.0])
    out, cache = relu_forward(x)
    assert cache is x
    np.testing.assert_array_equal(out, [0, 0, 2])
    np.testing.assert_array_equal(relu_backward(np.array([5.0, 6.0, 7.0]), x), [0, 0, 7])


def test_softmax_loss_by_hand():
    x = np.log(np.array([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0]]))
    loss, dx = softmax_loss(x, np.array([2, 0]))
    assert loss == pytest.approx(-(np.log(5 / 8) + np.log(3 / 8)) / 2, rel=1e-15)
    expected = np.array([[1, 2, -3], [-5, 3, 2]]) / 16
    np.testing.assert_allclose(dx, expected, rtol=1e-13)


def test_svm_loss_by_hand():
    x = np.array([[3.0, 2.5, 1.0], [0.0, 4.0, 3.5]])
    loss, dx = svm_loss(x, np.array([0, 2]))
    assert loss == pytest.approx((0.5 + 1.5) / 2)
    np.testing.assert_array_equal(dx, [[-0.5, 0.5, 0], [0, 0.5, -0.5]])


@pytest.mark.parametrize("loss_of", [softmax_loss, svm_loss])
def test_loss_gradients_agree_with_difference_quotients(loss_of, rng):
    x, y = rng.normal(size=(6, 5)), rng.integers(5, size=6)
    _, dx = loss_of(x, y)
    numeric = eval_numerical_gradient(lambda x: loss_of(x, y)[0], x, verbose=False)
    np.testing.assert_allclose(dx, numeric, rtol=1e-6, atol=1e-9)


def test_small_scores_cost_log_C_and_C_minus_1(rng):
    x, y = 1e-3 * rng.normal(size=(50, 10)), rng.integers(10, size=50)
    assert softmax_loss(x, y)[0] == pytest.approx(np.log(10), abs=1e-3)
    assert svm_loss(x, y)[0] == pytest.approx(9, abs=1e-2)


def test_labels_of_any_integer_type_and_large_scores():
    loss, dx = softmax_loss(np.array([[1000, 0]]), np.array([1], np.uint8))
    assert loss == 1000
    np.testing.assert_array_equal(dx, [[1, -1]])


def test_an_empty_batch_passes_affine_and_relu():
    out, cache = affine_forward(np.zeros((0, 2, 3)), np.ones((6, 4)), np.ones(4))
    assert relu_forward(out)[0].shape == (0, 4)
    dx, dw, db = affine_backward(out, cache)
    assert dx.shape == (0, 2, 3)
    assert not dw.any()
    assert not db.any()


@pytest.mark.parametrize(
    ("run", "error", "text"),
    [
        (
            lambda: affine_forward(np.ones((2, 3)), np.ones((4, 3)), np.ones(4)),
            ShapeError,
            "affine_forward: x has shape (2, 3), so D=3; w has shape (4, 3)\n"
            "  expected: w of shape (D, M) with D=3, the product of the axes of x after the first\n"
            "  to mend:  w looks like (M, D): use w.T",
        ),
        (
            lambda: affine_forward(np.ones((2, 3, 4)), np.ones((5, 7)), np.ones(7)),
            ShapeError,
            "x has shape (2, 3, 4), so D=12; w has shape (5, 7)\n  expected: w of shape (D, M)",
        ),
        (
            lambda: affine_forward(np.ones((2, 3, 4)), np.ones((5, 7)), np.ones(7)),
            ShapeError,
            "\n  to mend:  give w the shape (12, 7)",
        ),
        (
            lambda: affine_forward(np.ones((2, 3)), [[1.0]], np.ones(1)),
            DtypeError,
            "affine_forward: w is a list",
        ),
        (
            lambda: affine_backward(np.ones((2, 1)), np.ones((2, 1))),
            CacheError,
            "affine_backward: cache is a ndarray\n"
            "  expected: the cache of affine_forward: (x, w, b)\n"
            "  to mend:  keep both results: out, cache = affine_forward(...)",
        ),
        (
            lambda: softmax_loss(np.ones((2, 3)), np.array([0, 3])),
            DataError,
            "use target - 1 if classes are counted from 1",
        ),
        (lambda: relu_forward(np.array(["a"])), DtypeError, "float32 or float64"),
        (lambda: relu_forward(np.ones(2, complex)), DtypeError, "float32 or float64"),
    ],
)
def test_wrong_input_is_named(run, error, text):
    with pytest.raises(error) as caught:
        run()
    assert text in str(caught.value)
