"""The sandwiches of layer_utils are the layers one after the other."""

import numpy as np
import pytest

from cnnpy.cs231n import layer_utils
from cnnpy.cs231n.gradient_check import eval_numerical_gradient_array

CONV, POOL = {"stride": 1, "pad": 1}, {"pool_height": 2, "pool_width": 2, "stride": 2}
# name: the shapes of x and the parameters, the dictionaries behind them
SANDWICHES = {
    "affine_relu": ([(2, 3, 4), (12, 5), (5,)], ()),
    "conv_relu": ([(2, 3, 6, 5), (3, 3, 3, 3), (3,)], (CONV,)),
    "conv_bn_relu": ([(2, 3, 6, 5), (3, 3, 3, 3), (3,), (3,), (3,)], (CONV, {"mode": "train"})),
    "conv_relu_pool": ([(2, 3, 8, 6), (3, 3, 3, 3), (3,)], (CONV, POOL)),
}


@pytest.mark.parametrize("name", SANDWICHES)
def test_gradients_agree_with_difference_quotients(name):
    rng = np.random.default_rng(3)
    shapes, dictionaries = SANDWICHES[name]
    arrays = [rng.normal(size=shape) for shape in shapes]
    forward = getattr(layer_utils, f"{name}_forward")
    backward = getattr(layer_utils, f"{name}_backward")
    out, cache = forward(*arrays, *dictionaries)
    assert (out >= 0).all()
    dout = rng.normal(size=out.shape)
    gradients = backward(dout, cache)
    assert len(gradients) == len(arrays)
    for k, gradient in enumerate(gradients):

        def changed(a, k=k):
            return forward(*arrays[:k], a, *arrays[k + 1 :], *dictionaries)[0]

        numeric = eval_numerical_gradient_array(changed, arrays[k].copy(), dout)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-8)
