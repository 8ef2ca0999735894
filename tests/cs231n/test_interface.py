"""The names, argument orders and defaults of the course, and what a star brings along."""

import importlib
import inspect

import numpy as np
import pytest

SIGNATURES = {
    "layers.affine_forward": "x w b",
    "layers.affine_backward": "dout cache",
    "layers.relu_forward": "x",
    "layers.relu_backward": "dout cache",
    "layers.softmax_loss": "x y",
    "layers.svm_loss": "x y",
    "layers.batchnorm_forward": "x gamma beta bn_param",
    "layers.batchnorm_backward": "dout cache",
    "layers.batchnorm_backward_alt": "dout cache",
    "layers.layernorm_forward": "x gamma beta ln_param",
    "layers.layernorm_backward": "dout cache",
    "layers.dropout_forward": "x dropout_param",
    "layers.dropout_backward": "dout cache",
    "layers.conv_forward_naive": "x w b conv_param",
    "layers.conv_backward_naive": "dout cache",
    "layers.max_pool_forward_naive": "x pool_param",
    "layers.max_pool_backward_naive": "dout cache",
    "layers.avg_pool_forward_naive": "x pool_param",
    "layers.avg_pool_backward_naive": "dout cache",
    "layers.spatial_batchnorm_forward": "x gamma beta bn_param",
    "layers.spatial_batchnorm_backward": "dout cache",
    "layers.spatial_groupnorm_forward": "x gamma beta G gn_param",
    "layers.spatial_groupnorm_backward": "dout cache",
    "fast_layers.conv_forward_fast": "x w b conv_param",
    "fast_layers.conv_backward_fast": "dout cache",
    "fast_layers.conv_forward_im2col": "x w b conv_param",
    "fast_layers.conv_backward_im2col": "dout cache",
    "fast_layers.conv_forward_strides": "x w b conv_param",
    "fast_layers.conv_backward_strides": "dout cache",
    "fast_layers.max_pool_forward_fast": "x pool_param",
    "fast_layers.max_pool_backward_fast": "dout cache",
    "fast_layers.max_pool_forward_reshape": "x pool_param",
    "fast_layers.max_pool_backward_reshape": "dout cache",
    "fast_layers.max_pool_forward_im2col": "x pool_param",
    "fast_layers.max_pool_backward_im2col": "dout cache",
    "layer_utils.affine_relu_forward": "x w b",
    "layer_utils.affine_relu_backward": "dout cache",
    "layer_utils.conv_relu_forward": "x w b conv_param",
    "layer_utils.conv_relu_backward": "dout cache",
    "layer_utils.conv_bn_relu_forward": "x w b gamma beta conv_param bn_param",
    "layer_utils.conv_bn_relu_backward": "dout cache",
    "layer_utils.conv_relu_pool_forward": "x w b conv_param pool_param",
    "layer_utils.conv_relu_pool_backward": "dout cache",
    "optim.sgd": "w dw config=None",
    "optim.sgd_momentum": "w dw config=None",
    "optim.rmsprop": "w dw config=None",
    "optim.adam": "w dw config=None",
    "gradient_check.eval_numerical_gradient": "f x verbose=True h=1e-05",
    "gradient_check.eval_numerical_gradient_array": "f x df h=1e-05",
    "gradient_check.eval_numerical_gradient_blobs": "f inputs output h=1e-05",
    "gradient_check.eval_numerical_gradient_net": "net inputs output h=1e-05",
    "gradient_check.grad_check_sparse": "f x analytic_grad num_checks=10 h=1e-05",
    "im2col.get_im2col_indices": "x_shape field_height field_width padding=1 stride=1",
    "im2col.im2col_indices": "x field_height field_width padding=1 stride=1",
    "im2col.col2im_indices": ("cols x_shape field_height=3 field_width=3 padding=1 stride=1"),
    "im2col_cython.im2col_cython": "x field_height field_width padding stride",
    "im2col_cython.col2im_cython": ("cols N C H W field_height field_width padding stride"),
    "im2col_cython.col2im_6d_cython": "cols N C H W HH WW pad stride",
    "data_utils.get_CIFAR10_data": (
        "num_training=49000 num_validation=1000 num_test=1000 subtract_mean=True"
    ),
    "data_utils.load_CIFAR10": "ROOT",
    "data_utils.load_CIFAR_batch": "filename",
    "data_utils.load_tiny_imagenet": f"path dtype={np.float32!r} subtract_mean=True",
    "data_utils.load_pickle": "f",
    "data_utils.load_models": "models_dir",
    "data_utils.load_imagenet_val": "num=None",
    "vis_utils.visualize_grid": "Xs ubound=255.0 padding=1",
    "vis_utils.vis_grid": "Xs",
    "vis_utils.vis_nn": "rows",
    "solver.Solver": "model data **kwargs",
    "solver.Solver.check_accuracy": "self X y num_samples=None batch_size=100",
    "solver.Solver.train": "self",
    "solver.Solver._step": "self",
    "solver.Solver._reset": "self",
    "classifiers.fc_net.TwoLayerNet": (
        "input_dim=3072 hidden_dim=100 num_classes=10 weight_scale=0.001 reg=0.0"
    ),
    "classifiers.fc_net.FullyConnectedNet": (
        "hidden_dims input_dim=3072 num_classes=10 dropout_keep_ratio=1 normalization=None "
        f"reg=0.0 weight_scale=0.01 dtype={np.float32!r} seed=None"
    ),
    "classifiers.fc_net.FullyConnectedNet.loss": "self X y=None",
    "classifiers.cnn.ThreeLayerConvNet": (
        "input_dim=(3, 32, 32) num_filters=32 filter_size=7 hidden_dim=100 num_classes=10 "
        f"weight_scale=0.001 reg=0.0 dtype={np.float32!r}"
    ),
    "classifiers.cnn.ThreeLayerConvNet.loss": "self X y=None",
}


def find(path):
    parts = path.split(".")
    n_modules = 2 if parts[0] == "classifiers" else 1
    found = importlib.import_module("cnnpy.cs231n." + ".".join(parts[:n_modules]))
    for name in parts[n_modules:]:
        found = getattr(found, name)
    return found


def written(parameter):
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
    return f"{stars}{parameter.name}{default}"


@pytest.mark.parametrize(("path", "expected"), SIGNATURES.items())
def test_a_function_takes_the_arguments_of_the_course(path, expected):
    signature = inspect.signature(find(path))
    assert " ".join(written(p) for p in signature.parameters.values()) == expected


@pytest.mark.parametrize("module", ["classifiers.fc_net", "classifiers.cnn", "layer_utils"])
def test_a_star_import_brings_the_layers_along(module):
    brought: dict[str, object] = {}
    exec(f"from cnnpy.cs231n.{module} import *", brought)
    for name in ("batchnorm_forward", "dropout_backward", "affine_relu_forward", "svm_loss"):
        assert callable(brought[name])
    assert callable(brought["conv_forward_fast"])


@pytest.mark.parametrize(
    "module",
    [
        "layers",
        "fast_layers",
        "layer_utils",
        "optim",
        "solver",
        "gradient_check",
        "data_utils",
        "vis_utils",
        "image_utils",
        "im2col",
        "im2col_cython",
        "classifiers.fc_net",
        "classifiers.cnn",
    ],
)
def test_all_names_of_a_module_are_there_once(module):
    found = importlib.import_module(f"cnnpy.cs231n.{module}")
    assert len(set(found.__all__)) == len(found.__all__)
    for name in found.__all__:
        assert hasattr(found, name)
