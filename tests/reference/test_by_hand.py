"""Every op on a sheet of paper: small numbers, both passes, the arithmetic beside them.

The expected values come from the arithmetic in the comments, never from the code.
"""

from __future__ import annotations

from math import log, sqrt, tanh
from typing import Any

import numpy as np
import pytest

from cnnpy.backends import registry
from cnnpy.contract import OPS

pytestmark = pytest.mark.parametrize("backend", list(registry.BACKENDS))


def image(*rows: list[float]) -> Any:
    """Write one image of one channel, (1, 1, H, W)."""
    return np.array(rows, dtype=np.float64)[None, None]


def equal(got: Any, want: Any) -> None:
    np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-14)


@pytest.fixture
def passes(request: pytest.FixtureRequest, public, backend: str):
    """Give both passes of the op that the test's name begins with."""
    return public(_worked(request.node.name), backend)


# --- convolutions ------------------------------------------------------------------


def test_conv2d_of_0_to_15_with_ones_gives_45_54_81_90(passes) -> None:
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    out, cache = passes.forward(x, np.ones((1, 1, 3, 3)), np.array([0.5]))
    # 0+1+2 + 4+5+6 + 8+9+10 = 45; a step right adds 9, a step down 9*4 = 36
    equal(out, image([45.5, 54.5], [81.5, 90.5]))
    dx, dw, db = passes.backward(image([1, 2], [3, 4]), cache)
    # each pixel adds up the gradients of the windows that it lies under
    equal(dx, image([1, 3, 3, 2], [4, 10, 10, 6], [4, 10, 10, 6], [3, 7, 7, 4]))
    # dw[u, v] = 1*x[u, v] + 2*x[u, v+1] + 3*x[u+1, v] + 4*x[u+1, v+1]
    #          = 10*x[u, v] + 2 + 3*4 + 4*5 = 10*x[u, v] + 34
    equal(dw, image([34, 44, 54], [74, 84, 94], [114, 124, 134]))
    equal(db, [1 + 2 + 3 + 4])


def test_conv2d_of_three_pixels_with_stride_2_and_padding_1(passes) -> None:
    x, w = image([1, 2, 3]), image([10, 20, 30])
    out, cache = passes.forward(x, w, None, stride=(1, 2), padding=(0, 1))
    # 0 1 2 3 0: windows (0 1 2) and (2 3 0)
    equal(out, image([10 * 0 + 20 * 1 + 30 * 2, 10 * 2 + 20 * 3 + 30 * 0]))
    dx, dw, db = passes.backward(image([1, 2]), cache)
    # pixel 1 saw 20 of window 0; pixel 2 saw 30 of 0 and 10 of 1; pixel 3 saw 20 of 1
    equal(dx, image([1 * 20, 1 * 30 + 2 * 10, 2 * 20]))
    equal(dw, image([1 * 0 + 2 * 2, 1 * 1 + 2 * 3, 1 * 2 + 2 * 0]))
    assert db is None


def test_conv2d_of_a_delta_returns_the_filter(passes) -> None:
    w = np.arange(1.0, 7.0).reshape(1, 1, 2, 3)
    x = np.zeros((1, 1, 3, 5))
    x[0, 0, 1, 2] = 1
    out, _ = passes.forward(x, w, None)
    # not turned round: the last entry meets the pixel first
    equal(out, image([6, 5, 4], [3, 2, 1]))


def test_conv2d_with_a_dilated_filter_skips_pixels(passes) -> None:
    x = np.arange(10.0).reshape(1, 1, 2, 5)
    out, _ = passes.forward(x, image([1, 10]), None, dilation=(1, 3))
    equal(out, image([0 + 30, 1 + 40], [5 + 80, 6 + 90]))


def test_conv2d_in_groups_is_a_convolution_of_each_part(passes) -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 4, 1, 1)
    w = np.array([[1.0, 10.0], [100.0, 1000.0]]).reshape(2, 2, 1, 1)
    out, cache = passes.forward(x, w, None, groups=2)
    equal(out.ravel(), [1 + 20, 300 + 4000])
    dx, dw, _ = passes.backward(np.array([1.0, 2.0]).reshape(1, 2, 1, 1), cache)
    equal(dx.ravel(), [1, 10, 200, 2000])
    equal(dw.ravel(), [1 * 1, 1 * 2, 2 * 3, 2 * 4])


def test_conv2d_with_1x1_identity_filters_is_the_identity(passes) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    out, cache = passes.forward(x, np.eye(3)[:, :, None, None], np.zeros(3))
    equal(out, x)
    dx, dw, db = passes.backward(x, cache)
    equal(dx, x)
    equal(dw[:, :, 0, 0], np.einsum("nfij,ncij->fc", x, x))
    equal(db, x.sum(axis=(0, 2, 3)))


def test_conv2d_adds_over_the_batch_in_dw_and_db(passes) -> None:
    x = np.array([1.0, 2.0, 4.0]).reshape(3, 1, 1, 1)
    _, cache = passes.forward(x, np.full((1, 1, 1, 1), 5.0), np.zeros(1))
    dx, dw, db = passes.backward(np.array([1.0, 10.0, 100.0]).reshape(3, 1, 1, 1), cache)
    equal(dx.ravel(), [5, 50, 500])
    equal(dw.ravel(), [1 + 20 + 400])
    equal(db, [111])


def test_conv_transpose2d_spreads_pixels_over_filters(passes) -> None:
    w = image([1, 2, 3])
    out, cache = passes.forward(image([10, 20]), w, np.array([0.5]), stride=(1, 2))
    # 10 20 30 . .  +  . . 20 40 60
    equal(out, image([10.5, 20.5, 50.5, 40.5, 60.5]))
    dx, dw, db = passes.backward(image([1, 2, 3, 4, 5]), cache)
    equal(dx, image([1 * 1 + 2 * 2 + 3 * 3, 3 * 1 + 4 * 2 + 5 * 3]))
    equal(dw, image([10 * 1 + 20 * 3, 10 * 2 + 20 * 4, 10 * 3 + 20 * 5]))
    equal(db, [15])


def test_conv_transpose2d_cuts_padding_and_adds_output_padding(passes) -> None:
    x, w = image([10, 20]), image([1, 2, 3])
    options = {"stride": (1, 2), "padding": (0, 1), "output_padding": (0, 1)}
    out, _ = passes.forward(x, w, None, **options)
    # 10 20 50 40 60 and one more 0; one cut off on either side
    equal(out, image([20, 50, 40, 60]))


def test_conv_transpose2d_is_the_adjoint_of_conv2d(passes, public, backend: str) -> None:
    convolve = public("conv2d", backend).forward
    rng = np.random.default_rng(1)
    for stride, padding, dilation, groups in ((1, 0, 1, 1), (2, 1, 1, 1), ((3, 2), (2, 1), 2, 2)):
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        x = rng.standard_normal((2, 4, 8, 9))
        w = rng.standard_normal((6, 4 // groups, 3, 2))
        out, _ = convolve(x, w, None, **options)
        y = rng.standard_normal(out.shape)
        # which of the sizes that the stride rounds down to H_out is meant
        smallest = passes.forward(y, w, None, **options)[0].shape
        options["output_padding"] = (8 - smallest[2], 9 - smallest[3])
        full, _ = passes.forward(y, w, None, **options)
        assert full.shape == x.shape
        assert abs(np.sum(out * y) - np.sum(x * full)) < 1e-10


# --- pooling -----------------------------------------------------------------------


def test_max_pool2d_of_overlapping_windows_adds_gradients_up(passes) -> None:
    x = image([1, 2, 5], [4, 3, 0], [0, 0, 1])
    out, cache = passes.forward(x, kernel_size=2, stride=1)
    equal(out, image([4, 5], [4, 3]))
    # 4 won two windows, at (0, 0) and (1, 0)
    dx = passes.backward(image([1, 10], [100, 1000]), cache)
    equal(dx, image([0, 0, 10], [101, 1000, 0], [0, 0, 0]))


def test_max_pool2d_lets_no_padding_win(passes) -> None:
    out, cache = passes.forward(image([-1, -2], [-3, -4]), kernel_size=2, stride=2, padding=1)
    equal(out, image([-1, -2], [-3, -4]))
    equal(passes.backward(image([1, 2], [3, 4]), cache), image([1, 2], [3, 4]))


def test_max_pool2d_drops_the_remainder_and_skips_gaps(passes) -> None:
    x = np.arange(7.0).reshape(1, 1, 1, 7)
    out, cache = passes.forward(x, kernel_size=(1, 2), stride=(1, 3))
    equal(out, image([1, 4]))  # (0 1) . (3 4) . . : 6 does not fit
    equal(passes.backward(image([5, 6]), cache), image([0, 5, 0, 0, 6, 0, 0]))


def test_max_pool2d_lets_nan_win(passes) -> None:
    out, _ = passes.forward(image([1, np.nan, 3, 4]), kernel_size=(1, 2))
    equal(out, image([np.nan, 4]))


def test_avg_pool2d_shares_the_gradient_out(passes) -> None:
    out, cache = passes.forward(image([1, 2, 4], [3, 6, 8]), kernel_size=2, stride=1)
    equal(out, image([(1 + 2 + 3 + 6) / 4, (2 + 4 + 6 + 8) / 4]))
    # the middle column lies under both windows
    dx = passes.backward(image([4, 40]), cache)
    equal(dx, image([1, 11, 10], [1, 11, 10]))


def test_avg_pool2d_counts_the_padding_or_not(passes) -> None:
    x = image([6, 12])
    options = {"kernel_size": (1, 2), "stride": 1, "padding": (0, 1)}
    out, cache = passes.forward(x, **options)
    equal(out, image([(0 + 6) / 2, (6 + 12) / 2, (12 + 0) / 2]))
    equal(passes.backward(image([2, 4, 8]), cache), image([1 + 2, 2 + 4]))
    out, cache = passes.forward(x, **options, count_include_pad=False)
    equal(out, image([6 / 1, (6 + 12) / 2, 12 / 1]))
    equal(passes.backward(image([2, 4, 8]), cache), image([2 + 2, 2 + 8]))


def test_global_avg_pool2d_is_the_mean_of_each_channel(passes) -> None:
    x = np.array([[1.0, 2.0, 6.0], [3.0, 3.0, 3.0]]).reshape(1, 2, 1, 3)
    out, cache = passes.forward(x)
    equal(out.ravel(), [3, 3])
    dx = passes.backward(np.array([3.0, 6.0]).reshape(1, 2, 1, 1), cache)
    equal(dx.reshape(2, 3), [[1, 1, 1], [2, 2, 2]])


# --- linear, flatten ---------------------------------------------------------------


def test_linear_weighs_features(passes) -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    w = np.array([[10.0, 20.0], [1.0, -1.0], [0.0, 5.0]])
    out, cache = passes.forward(x, w, np.array([0.5, 0.0, -1.0]))
    equal(out, [[10 + 40 + 0.5, 1 - 2, 10 - 1], [30 + 80 + 0.5, 3 - 4, 20 - 1]])
    dx, dw, db = passes.backward(np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]]), cache)
    equal(dx, [[10 + 2, 20 - 2], [1 + 0, -1 + 5]])
    equal(dw, [[1, 2], [2 * 1 + 3, 2 * 2 + 4], [3, 4]])
    equal(db, [1, 3, 1])


def test_flatten_keeps_the_batch_and_row_major_order(passes) -> None:
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    out, cache = passes.forward(x)
    equal(out, [list(range(12)), list(range(12, 24))])
    equal(passes.backward(out, cache), x)
    out, cache = passes.forward(np.array([7.0, 8.0]))
    equal(out, [[7], [8]])
    equal(passes.backward(out, cache), [7, 8])


# --- activations -------------------------------------------------------------------


def test_relu_cuts_off_and_is_flat_at_zero(passes) -> None:
    out, cache = passes.forward(np.array([-2.0, -0.0, 0.0, 3.0, np.nan]))
    equal(out, [0, 0, 0, 3, np.nan])
    equal(passes.backward(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), cache), [0, 0, 0, 4, 5])


def test_relu6_cuts_off_on_both_sides_and_is_flat_at_both_kinks(passes) -> None:
    x = np.array([-2.0, -0.0, 0.0, 3.0, 6.0, 7.0, np.inf, -np.inf, np.nan])
    out, cache = passes.forward(x)
    equal(out, [0, 0, 0, 3, 6, 6, 6, 0, np.nan])
    equal(passes.backward(np.arange(1.0, 10.0), cache), [0, 0, 0, 4, 0, 0, 0, 0, 9])


def test_leaky_relu_shrinks_what_is_negative(passes) -> None:
    out, cache = passes.forward(np.array([-2.0, 0.0, 3.0]), negative_slope=0.25)
    equal(out, [-0.5, 0, 3])
    equal(passes.backward(np.array([4.0, 4.0, 4.0]), cache), [1, 1, 4])


def test_sigmoid_of_log_3_is_three_quarters(passes) -> None:
    out, cache = passes.forward(np.array([0.0, log(3), -log(3), 800.0, -800.0]))
    equal(out, [1 / 2, 3 / 4, 1 / 4, 1, 0])
    # s*(1 - s): 1/4, 3/16, 3/16
    equal(passes.backward(np.full(5, 16.0), cache), [4, 3, 3, 0, 0])


def test_tanh_of_log_2_is_three_fifths(passes) -> None:
    # (2 - 1/2) / (2 + 1/2) = 3/5; 1 - 9/25 = 16/25
    out, cache = passes.forward(np.array([0.0, log(2), -log(2)]))
    equal(out, [0, 3 / 5, -3 / 5])
    equal(passes.backward(np.full(3, 25.0), cache), [25, 16, 16])


def test_gelu_weighs_with_the_normal_distribution(passes) -> None:
    # Phi(0) = 1/2, Phi(1) = 0.8413447460685429 (table), density(1) = 0.24197072451914337
    out, cache = passes.forward(np.array([0.0, 1.0, -1.0]))
    equal(out, [0, 0.8413447460685429, -(1 - 0.8413447460685429)])
    slope = 0.8413447460685429 + 0.24197072451914337
    equal(passes.backward(np.ones(3), cache), [0.5, slope, 1 - slope])


def test_gelu_by_tanh_is_the_formula_of_the_paper(passes) -> None:
    # 1 + 0.044715 = 1.044715
    t = tanh(sqrt(2 / np.pi) * 1.044715)
    out, cache = passes.forward(np.array([0.0, 1.0]), approximate="tanh")
    equal(out, [0, 0.5 * (1 + t)])
    # the inner derivative at 1: 1 + 3*0.044715 = 1.134145
    slope = 0.5 * (1 + t) + 0.5 * (1 - t * t) * sqrt(2 / np.pi) * 1.134145
    equal(passes.backward(np.ones(2), cache), [0.5, slope])


def test_silu_weighs_with_the_sigmoid(passes) -> None:
    out, cache = passes.forward(np.array([0.0, log(3)]))
    equal(out, [0, 0.75 * log(3)])
    # s*(1 + x*(1 - s)) = 3/4*(1 + log(3)/4)
    equal(passes.backward(np.ones(2), cache), [0.5, 0.75 * (1 + log(3) / 4)])


def test_hard_swish_is_pieces_of_a_parabola(passes) -> None:
    out, cache = passes.forward(np.array([-4.0, -3.0, -1.0, 0.0, 1.0, 3.0, 4.0]))
    # x*(x + 3)/6 between -3 and 3
    equal(out, [0, 0, -2 / 6, 0, 4 / 6, 3, 4])
    equal(passes.backward(np.full(7, 6.0), cache), [0, 0, 1, 3, 5, 6, 6])


def test_dropout_scales_what_stays(passes) -> None:
    keep = np.array([True, False, True])
    out, cache = passes.forward(np.array([1.0, 2.0, 3.0]), mask=keep, p=0.75)
    equal(out, [4, 0, 12])  # 1 / (1 - 0.75) = 4
    equal(passes.backward(np.ones(3), cache), [4, 0, 4])
    out, cache = passes.forward(np.array([1.0, 2.0]), mask=None, p=0.75)
    equal(out, [1, 2])
    equal(passes.backward(np.array([5.0, 6.0]), cache), [5, 6])


# --- softmax and losses ------------------------------------------------------------


def test_softmax_of_logarithms_is_their_share(passes) -> None:
    out, cache = passes.forward(np.log([[1.0, 2.0, 5.0]]))
    equal(out, [[1 / 8, 2 / 8, 5 / 8]])
    # p*(dout - 8*1/8) with dout = (8, 0, 0): mean 1
    dx = passes.backward(np.array([[8.0, 0.0, 0.0]]), cache)
    equal(dx, [[7 / 8, -2 / 8, -5 / 8]])


def test_softmax_sums_to_one_along_its_axis(passes) -> None:
    x = 300 * np.random.default_rng(0).standard_normal((3, 4, 5))
    for axis in range(-3, 3):
        out, cache = passes.forward(x, axis=axis)
        equal(out.sum(axis=axis), np.ones(out.sum(axis=axis).shape))
        # it does not move when all scores move alike: the gradients sum to zero
        dx = passes.backward(np.random.default_rng(1).standard_normal(x.shape), cache)
        np.testing.assert_allclose(dx.sum(axis=axis), 0, atol=1e-14)


def test_log_softmax_survives_large_scores(passes) -> None:
    out, cache = passes.forward(np.array([[1000.0, 1000.0 + log(3), -1000.0]]))
    # 1000 - log(e^1000 * (1 + 3)) = -log 4; log 3 - log 4; -2000 - log 4
    np.testing.assert_allclose(out, [[-log(4), log(3 / 4), -2000 - log(4)]], rtol=1e-12)
    # dout - p*sum(dout), p = (1/4, 3/4, 0)
    dx = passes.backward(np.array([[4.0, 0.0, 4.0]]), cache)
    np.testing.assert_allclose(dx, [[4 - 8 / 4, -8 * 3 / 4, 4]], rtol=1e-12)


def test_softmax_cross_entropy_is_the_mean_surprise(passes) -> None:
    x = np.log([[1.0, 3.0], [1.0, 1.0]])
    loss, cache = passes.forward(x, np.array([0, 1]))
    equal(loss, (log(4) + log(2)) / 2)
    equal(passes.backward(np.float64(1.0), cache), [[-3 / 8, 3 / 8], [1 / 4, -1 / 4]])
    equal(passes.backward(np.float64(8.0), cache), [[-3, 3], [2, -2]])


def test_softmax_cross_entropy_smooths_labels(passes) -> None:
    x = np.log([[1.0, 3.0]])
    loss, cache = passes.forward(x, np.array([0]), label_smoothing=0.5)
    # wanted: (1 - 0.5)*(1, 0) + 0.5/2 = (3/4, 1/4)
    equal(loss, 3 / 4 * log(4) + 1 / 4 * log(4 / 3))
    equal(passes.backward(np.float64(1.0), cache), [[1 / 4 - 3 / 4, 3 / 4 - 1 / 4]])


def test_softmax_cross_entropy_takes_probabilities(passes) -> None:
    loss, cache = passes.forward(np.log([[1.0, 3.0]]), np.array([[0.5, 0.25]]))
    # they need not sum to one: p*0.75 - q
    equal(loss, log(4) / 2 + log(4 / 3) / 4)
    equal(passes.backward(np.float64(1.0), cache), [[0.75 / 4 - 0.5, 0.75 * 3 / 4 - 0.25]])


def test_softmax_cross_entropy_at_1000_is_finite(passes) -> None:
    loss, cache = passes.forward(np.array([[1000.0, -1000.0]]), np.array([1]))
    equal(loss, 2000)
    equal(passes.backward(np.float64(1.0), cache), [[1, -1]])


def test_hinge_charges_what_comes_within_one(passes) -> None:
    x = np.array([[2.0, 1.5, 0.0, 4.0], [0.0, 0.0, 0.0, 0.0]])
    loss, cache = passes.forward(x, np.array([0, 3]))
    # image 0: 1.5 - 2 + 1 = 0.5, 0 - 2 + 1 < 0, 4 - 2 + 1 = 3; image 1: 1 + 1 + 1
    equal(loss, (3.5 + 3) / 2)
    dx = passes.backward(np.float64(2.0), cache)
    equal(dx, [[-2, 1, 0, 1], [1, 1, 1, -3]])


def test_hinge_is_flat_at_its_kink(passes) -> None:
    loss, cache = passes.forward(np.array([[1.0, 0.0]]), np.array([0]))
    equal(loss, 0)
    equal(passes.backward(np.float64(1.0), cache), [[0, 0]])


def test_mean_squared_error_is_the_mean_over_all_entries(passes) -> None:
    loss, cache = passes.forward(np.array([[1.0, 2.0]]), np.array([[0.0, 5.0]]))
    equal(loss, (1 + 9) / 2)
    equal(passes.backward(np.float64(1.0), cache), [[2 * 1 / 2, 2 * -3 / 2]])


# --- norms -------------------------------------------------------------------------

# three values 1, 3, 8: mean 4, variance (9 + 1 + 16)/3 = 26/3; with eps = 1/3: 9, root 3
THREE, EPS = [1.0, 3.0, 8.0], 1 / 3
THREE_HAT = [-1.0, -1 / 3, 4 / 3]
# with dx_hat = (3, 0, 0): mean 1, mean of dx_hat*x_hat = -1
# dx = (dx_hat - 1 - x_hat*(-1))/3 = ((3 - 1 - 1)/3, (-1 - 1/3)/3, (-1 + 4/3)/3)
THREE_DX = [1 / 3, -4 / 9, 1 / 9]


def test_batch_norm_of_1_3_8(passes) -> None:
    x = np.array(THREE)[:, None]
    mean, var = np.array([10.0]), np.array([2.0])
    out, cache = passes.forward(
        x,
        np.array([2.0]),
        np.array([5.0]),
        running_mean=mean,
        running_var=var,
        momentum=0.25,
        eps=EPS,
    )
    equal(out.ravel(), 2 * np.array(THREE_HAT) + 5)
    # the running variance is unbiased: 26/3 * 3/2 = 13
    equal(mean, [0.75 * 10 + 0.25 * 4])
    equal(var, [0.75 * 2 + 0.25 * 13])
    dx, dgamma, dbeta = passes.backward(np.array([[1.5], [0.0], [0.0]]), cache)
    equal(dx.ravel(), THREE_DX)  # gamma = 2 makes dx_hat (3, 0, 0)
    equal(dgamma, [1.5 * -1])
    equal(dbeta, [1.5])


def test_batch_norm_takes_one_mean_a_channel_of_images(passes) -> None:
    x = np.array(THREE).reshape(1, 1, 1, 3)
    images = np.concatenate([x, 10 + 2 * x], axis=1)
    out, cache = passes.forward(images, None, None, eps=EPS)
    # the second channel: mean 18, variance 4*26/3
    equal(out[0, 0, 0], THREE_HAT)
    equal(out[0, 1, 0], np.array([-6, -2, 8]) / sqrt(4 * 26 / 3 + EPS))
    dout = np.zeros(images.shape)
    dout[0, 0, 0, 0] = 3
    dx, dgamma, dbeta = passes.backward(dout, cache)
    equal(dx[0, 0, 0], THREE_DX)
    equal(dx[0, 1], 0)
    assert dgamma is dbeta is None


def test_batch_norm_in_inference_uses_the_running_statistics(passes) -> None:
    x = np.array([[3.0, 0.0], [5.0, 1.0]])
    mean, var = np.array([1.0, 1.0]), np.array([3.0, 0.0])
    kept = mean.copy(), var.copy()
    out, cache = passes.forward(
        x,
        np.array([2.0, 1.0]),
        None,
        running_mean=mean,
        running_var=var,
        train=False,
        eps=1.0,
    )
    equal(out, [[2 * (3 - 1) / 2, -1], [2 * (5 - 1) / 2, 0]])
    equal(mean, kept[0])
    equal(var, kept[1])
    dx, dgamma, dbeta = passes.backward(np.array([[1.0, 2.0], [3.0, 4.0]]), cache)
    equal(dx, [[1 * 2 / 2, 2], [3 * 2 / 2, 4]])
    equal(dgamma, [1 * 1 + 3 * 2, 2 * -1 + 4 * 0])
    assert dbeta is None


def test_layer_norm_takes_each_image_for_itself(passes) -> None:
    x = np.array([THREE, [v + 100 for v in THREE]])
    out, cache = passes.forward(x, np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, 7.0]), eps=EPS)
    equal(out, [[-1, -2 / 3, 4 + 7]] * 2)
    dx, dgamma, dbeta = passes.backward(np.array([[3.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), cache)
    equal(dx, [THREE_DX, [0, 0, 0]])
    equal(dgamma, [3 * -1, 0, 0])
    equal(dbeta, [3, 0, 0])


def test_layer_norm_from_an_axis_on_takes_all_axes_behind_it(passes) -> None:
    x = np.array(THREE).reshape(1, 3, 1)
    equal(passes.forward(x, None, None, axis=1, eps=EPS)[0].ravel(), THREE_HAT)
    # along the last axis there is one value only, which is its own mean
    equal(passes.forward(x, None, None, axis=-1, eps=EPS)[0].ravel(), [0, 0, 0])


def test_group_norm_takes_blocks_of_channels_together(passes) -> None:
    x = np.array([[*THREE, 0.0, 0.0, 0.0]])
    gamma = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 2.0])
    out, cache = passes.forward(x, gamma, np.arange(6.0), groups=2, eps=EPS)
    equal(out, [[-1 + 0, -1 / 3 + 1, 4 / 3 + 2, 3, 4, 5]])
    dx, dgamma, dbeta = passes.backward(np.array([[3.0, 0.0, 0.0, 0.0, 0.0, 0.0]]), cache)
    equal(dx, [[*THREE_DX, 0, 0, 0]])
    equal(dgamma, [-3, 0, 0, 0, 0, 0])
    equal(dbeta, [3, 0, 0, 0, 0, 0])


# --- shape -------------------------------------------------------------------------


def test_add_hands_the_gradient_to_both(passes) -> None:
    out, cache = passes.forward(np.array([1.0, 2.0]), np.array([10.0, 20.0]))
    equal(out, [11, 22])
    dx, dy = passes.backward(np.array([3.0, 4.0]), cache)
    equal(dx, [3, 4])
    equal(dy, [3, 4])
    dx += 1
    equal(dy, [3, 4])


def test_concat_lays_arrays_behind_each_other(passes) -> None:
    x, y = np.array([[1.0], [2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])
    out, cache = passes.forward([x, y], axis=1)
    equal(out, [[1, 3, 4], [2, 5, 6]])
    dx, dy = passes.backward(out, cache)
    equal(dx, x)
    equal(dy, y)


@pytest.mark.parametrize(
    ("mode", "row", "gradient"),
    [
        # a gradient of 1, 2, 4, ... for each place goes back to where it was copied from
        ("constant", [9, 9, 1, 2, 3, 9], [4, 8, 16]),
        ("reflect", [3, 2, 1, 2, 3, 2], [4, 2 + 8 + 32, 1 + 16]),
        ("replicate", [1, 1, 1, 2, 3, 3], [1 + 2 + 4, 8, 16 + 32]),
        ("circular", [2, 3, 1, 2, 3, 1], [4 + 32, 1 + 8, 2 + 16]),
    ],
)
def test_pad2d_copies_and_collects(passes, mode: str, row: list[int], gradient: list[int]) -> None:
    out, cache = passes.forward(image([1, 2, 3]), padding=(0, 0, 2, 1), mode=mode, value=9.0)
    equal(out, image(row))
    equal(passes.backward(image([1, 2, 4, 8, 16, 32]), cache), image(gradient))


def test_pad2d_has_top_bottom_left_and_right(passes) -> None:
    out, _ = passes.forward(image([7]), padding=(1, 0, 0, 2))
    equal(out, image([0, 0, 0], [7, 0, 0]))
    out, _ = passes.forward(image([7]), padding=(1, 0))
    equal(out, image([0], [7], [0]))


def test_upsample_nearest2d_makes_blocks(passes) -> None:
    out, cache = passes.forward(image([1, 2]), scale_factor=(2, 3))
    equal(out, image([1, 1, 1, 2, 2, 2], [1, 1, 1, 2, 2, 2]))
    dx = passes.backward(image([1, 2, 3, 4, 5, 6], [10, 20, 30, 40, 50, 60]), cache)
    equal(dx, image([66, 165]))


# --- at values where exp would overflow or a power would ---------------------------


@pytest.mark.parametrize("op", ["sigmoid", "tanh", "gelu", "silu", "hard_swish"])
def test_curves_are_right_far_out(op: str, public, backend: str) -> None:
    forward, backward = public(op, backend)
    x = np.array([-1e200, -1e4, 1e4, 1e200])
    options = {"approximate": "tanh"} if op == "gelu" else {}
    right = {"sigmoid": [0, 0, 1, 1], "tanh": [-1, -1, 1, 1]}.get(op, [0, 0, 1e4, 1e200])
    with np.errstate(over="ignore", invalid="ignore"):
        out, cache = forward(x, **options)
        equal(out, right)
        slopes = backward(np.ones(4), cache)
    if op in ("sigmoid", "tanh"):
        equal(slopes, [0, 0, 0, 0])
    else:
        equal(slopes[1:3], [0, 1])


def _worked(test: str) -> str:
    """Name the op that a test's name begins with."""
    return max((op for op in OPS if test.startswith(f"test_{op}_")), key=len, default="")


def test_every_op_is_worked_by_hand(backend: str) -> None:
    assert {_worked(name) for name in globals()} >= set(OPS)
