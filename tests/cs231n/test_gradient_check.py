"""Difference quotients."""

import random
from types import SimpleNamespace as Blob

import numpy as np
import pytest

from cnnpy.contract.errors import DtypeError
from cnnpy.cs231n.gradient_check import (
    eval_numerical_gradient,
    eval_numerical_gradient_array,
    eval_numerical_gradient_blobs,
    eval_numerical_gradient_net,
    grad_check_sparse,
)


def test_a_polynomial_and_what_is_printed(capsys):
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    gradient = eval_numerical_gradient(lambda x: np.sum(x**3), x)
    np.testing.assert_allclose(gradient, 3 * x**2, rtol=1e-8)
    assert [line.split(" ")[0:2] for line in capsys.readouterr().out.splitlines()] == [
        ["(0,", "0)"],
        ["(0,", "1)"],
        ["(1,", "0)"],
        ["(1,", "1)"],
    ]
    eval_numerical_gradient(lambda x: np.sum(x), x, False)
    assert capsys.readouterr().out == ""


def test_the_array_is_reached_another_way_and_put_back():
    x = np.arange(6.0).reshape(2, 3)[:, ::2]
    before = x.copy()
    gradient = eval_numerical_gradient(lambda _: np.sum(x * x), x, verbose=False)
    np.testing.assert_allclose(gradient, 2 * before, atol=1e-8)
    np.testing.assert_array_equal(x, before)


def test_an_array_is_put_back_after_an_error():
    x = np.ones(3)

    def fails(_):
        raise RuntimeError("no value")

    with pytest.raises(RuntimeError, match="no value"):
        eval_numerical_gradient(fails, x, verbose=False)
    assert x.tolist() == [1, 1, 1]


def test_a_function_that_returns_its_own_array():
    x, out = np.array([1.0, 2.0]), np.zeros(2)

    def into_out(x):
        np.multiply(x, 3, out=out)
        return out

    gradient = eval_numerical_gradient_array(into_out, x, np.array([1.0, 10.0]))
    np.testing.assert_allclose(gradient, [3, 30], rtol=1e-8)


def test_blobs_and_nets():
    a, b = (Blob(vals=np.array(v), diffs=np.zeros(2)) for v in ([1.0, 2.0], [3.0, 4.0]))
    out = Blob(vals=np.zeros(2), diffs=np.array([1.0, 10.0]))

    def multiply(a, b, out):
        out.vals[:] = a.vals * b.vals

    da, db = eval_numerical_gradient_blobs(multiply, (a, b), out)
    np.testing.assert_allclose(da, [3, 40], rtol=1e-8)
    np.testing.assert_allclose(db, [1, 20], rtol=1e-8)

    class Net:
        def forward(self):
            multiply(a, b, out)

    for gradient, expected in zip(
        eval_numerical_gradient_net(Net(), (a, b), out), (da, db), strict=True
    ):
        np.testing.assert_array_equal(gradient, expected)


def test_sparse_draws_one_index_an_axis_with_random(capsys):
    x = np.arange(1.0, 7).reshape(2, 3)
    random.seed(3)
    grad_check_sparse(lambda x: np.sum(x**2), x, 2 * x, num_checks=5)
    printed = capsys.readouterr().out.splitlines()
    random.seed(3)
    for line in printed:
        place = random.randrange(2), random.randrange(3)
        assert f"analytic: {2 * x[place]:f}, relative error: " in line
        assert float(line.rpartition(" ")[2]) < 1e-8
    assert len(printed) == 5


def test_sparse_of_a_flat_place_is_no_division_by_zero(capsys):
    grad_check_sparse(lambda x: 1.0, np.ones(2), np.zeros(2), num_checks=1)
    assert "relative error: 0.000000e+00" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (np.arange(3), "use x.astype(np.float64)"),
        ([1.0], "use np.asarray(x, dtype=float)"),
        (np.broadcast_to(1.0, (3,)), "use x.copy()"),
    ],
)
def test_arrays_that_cannot_go_up_and_down_are_named(x, text):
    for run in (
        lambda: eval_numerical_gradient(np.sum, x, verbose=False),
        lambda: eval_numerical_gradient_array(lambda x: x, x, 1.0),
        lambda: grad_check_sparse(np.sum, x, x),
    ):
        with pytest.raises(DtypeError) as caught:
            run()
        assert text in str(caught.value)
