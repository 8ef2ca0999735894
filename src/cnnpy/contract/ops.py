"""OPS: the contract, one row an op.

Tests, benchmarks, ``cnnpy info --ops`` and the checks of the documentation walk
this table instead of listing the ops again. A new op begins with its row here
and its shape rule in :mod:`cnnpy.contract.shapes`.

Axes: N images, C channels, H rows, W columns, F filters, HH and WW the filter's
rows and columns, D features, M outputs, K classes.
"""

from __future__ import annotations

from cnnpy.contract import algorithms, flops, shapes
from cnnpy.contract.opspec import Input, Kind, OpSpec, Option, Tolerance
from cnnpy.contract.options import choice, flag, integer, pair, real, sides

__all__ = ["OPS"]

_IMAGES = Input("x", "N C H W")
_ANY = Input("x", "...")
_BATCH = Input("x", "N ...")
_NORMED = Input("x", "N C | N C H W")
_STRIDE = Option("stride", pair(1), 1)
_PADDING = Option("padding", pair(0), 0)
_DILATION = Option("dilation", pair(1), 1)
_GROUPS = Option("groups", integer(1), 1)
_WINDOW = Option("kernel_size", pair(1))
_POOL_STRIDE = Option("stride", pair(1), None)
_EPS = Option("eps", real(0.0, above=True), 1e-5)
_AXIS = Option("axis", integer(), -1)

_EXACT = Tolerance("exact")
_SUM = Tolerance("bound", 8)
_ROUTED = Tolerance("routed", 8)
_TILES = Tolerance("spread", 256)
_CURVE = Tolerance("scale", 16)
_NORM = Tolerance("scale", 32)


def _elementwise(name: str, summary: str, cost: int, *options: Option) -> OpSpec:
    return OpSpec(
        name,
        summary,
        (_ANY,),
        options,
        "...",
        shapes.same,
        flops.per_output(cost),
        _CURVE,
        "activation",
    )


_ROWS = (
    OpSpec(
        "conv2d",
        "Slide filters over images and sum the products",
        (_IMAGES, Input("w", "F C/groups HH WW"), Input("b", "F", Kind.OPTIONAL)),
        (_STRIDE, _PADDING, _DILATION, _GROUPS),
        "N F H_out W_out",
        shapes.conv2d,
        flops.conv2d,
        _SUM,
        "conv",
        advice=(Option("algorithm", choice("auto", "direct", "winograd"), "auto"),),
        check_advice=algorithms.conv2d,
        other_tolerances={"winograd": _TILES},
    ),
    OpSpec(
        "conv_transpose2d",
        "Spread each pixel over a filter's window: the adjoint of conv2d",
        (_IMAGES, Input("w", "C F/groups HH WW"), Input("b", "F", Kind.OPTIONAL)),
        (_STRIDE, _PADDING, Option("output_padding", pair(0), 0), _DILATION, _GROUPS),
        "N F H_out W_out",
        shapes.conv_transpose2d,
        flops.conv_transpose2d,
        _SUM,
        "conv",
    ),
    OpSpec(
        "max_pool2d",
        "Keep the largest entry of each window",
        (_IMAGES,),
        (_WINDOW, _POOL_STRIDE, _PADDING),
        "N C H_out W_out",
        shapes.max_pool2d,
        flops.pool2d,
        _ROUTED,
        "pool",
    ),
    OpSpec(
        "avg_pool2d",
        "Keep the mean of each window",
        (_IMAGES,),
        (_WINDOW, _POOL_STRIDE, _PADDING, Option("count_include_pad", flag(), True)),
        "N C H_out W_out",
        shapes.avg_pool2d,
        flops.pool2d,
        _SUM,
        "pool",
    ),
    OpSpec(
        "global_avg_pool2d",
        "Keep the mean of each channel",
        (_IMAGES,),
        (),
        "N C 1 1",
        shapes.global_avg_pool2d,
        flops.per_input(1),
        _SUM,
        "pool",
    ),
    OpSpec(
        "linear",
        "Weigh all features for each output: x w.T + b",
        (Input("x", "N D"), Input("w", "M D"), Input("b", "M", Kind.OPTIONAL)),
        (),
        "N M",
        shapes.linear,
        flops.linear,
        _SUM,
        "linear",
    ),
    OpSpec(
        "flatten",
        "Lay each image out as one row, keeping the batch axis",
        (_BATCH,),
        (),
        "N D",
        shapes.flatten,
        flops.none,
        _EXACT,
        "linear",
    ),
    OpSpec(
        "relu",
        "Cut off what is negative: max(x, 0)",
        (_ANY,),
        (),
        "...",
        shapes.same,
        flops.per_output(1),
        _EXACT,
        "activation",
    ),
    OpSpec(
        "relu6",
        "Cut off what is negative and what is above 6: min(max(x, 0), 6)",
        (_ANY,),
        (),
        "...",
        shapes.same,
        flops.per_output(2),
        _EXACT,
        "activation",
    ),
    OpSpec(
        "leaky_relu",
        "Shrink what is negative by a slope",
        (_ANY,),
        (Option("negative_slope", real(), 0.01),),
        "...",
        shapes.same,
        flops.per_output(2),
        _CURVE,
        "activation",
    ),
    _elementwise("sigmoid", "Squeeze into (0, 1): 1/(1 + exp(-x))", 4),
    _elementwise("tanh", "Squeeze into (-1, 1): the hyperbolic tangent", 4),
    _elementwise(
        "gelu",
        "Weigh x by the normal distribution's share below it",
        8,
        Option("approximate", choice("none", "tanh"), "none"),
    ),
    _elementwise("silu", "Weigh x by its sigmoid", 5),
    _elementwise("hard_swish", "Weigh x by a straight piece in place of the sigmoid", 4),
    OpSpec(
        "softmax",
        "Turn scores into probabilities that sum to one",
        (_ANY,),
        (_AXIS,),
        "...",
        shapes.softmax,
        flops.per_output(5),
        _CURVE,
        "loss",
    ),
    OpSpec(
        "log_softmax",
        "Turn scores into logarithms of probabilities",
        (_ANY,),
        (_AXIS,),
        "...",
        shapes.log_softmax,
        flops.per_output(5),
        _CURVE,
        "loss",
    ),
    OpSpec(
        "softmax_cross_entropy",
        "Measure how surprised the scores are by the right class",
        (Input("x", "N K"), Input("target", "N | N K", Kind.TARGETS, gradient=False)),
        (Option("label_smoothing", real(0.0, 1.0), 0.0),),
        "",
        shapes.softmax_cross_entropy,
        flops.per_input(6),
        _CURVE,
        "loss",
    ),
    OpSpec(
        "hinge",
        "Charge each class whose score comes within 1 of the right one's",
        (Input("x", "N K"), Input("target", "N", Kind.LABELS, gradient=False)),
        (),
        "",
        shapes.hinge,
        flops.per_input(4),
        _CURVE,
        "loss",
    ),
    OpSpec(
        "mean_squared_error",
        "Average the squared differences over all entries",
        (_ANY, Input("target", "...", gradient=False)),
        (),
        "",
        shapes.mean_squared_error,
        flops.per_input(3),
        _CURVE,
        "loss",
    ),
    OpSpec(
        "batch_norm",
        "Bring each channel to mean beta and spread gamma over the batch",
        (
            _NORMED,
            Input("gamma", "C", Kind.OPTIONAL),
            Input("beta", "C", Kind.OPTIONAL),
            Input("running_mean", "C", Kind.UPDATED, gradient=False, keyword=True),
            Input("running_var", "C", Kind.UPDATED, gradient=False, keyword=True),
        ),
        (Option("train", flag(), True), Option("momentum", real(0.0, 1.0), 0.1), _EPS),
        "N C | N C H W",
        shapes.batch_norm,
        flops.per_output(8),
        _NORM,
        "norm",
    ),
    OpSpec(
        "layer_norm",
        "Bring the last axes of each image to mean beta and spread gamma",
        (_BATCH, Input("gamma", "...", Kind.OPTIONAL), Input("beta", "...", Kind.OPTIONAL)),
        (_AXIS, _EPS),
        "N ...",
        shapes.layer_norm,
        flops.per_output(8),
        _NORM,
        "norm",
    ),
    OpSpec(
        "group_norm",
        "Bring groups of each image's channels to mean beta and spread gamma",
        (_NORMED, Input("gamma", "C", Kind.OPTIONAL), Input("beta", "C", Kind.OPTIONAL)),
        (Option("groups", integer(1)), _EPS),
        "N C | N C H W",
        shapes.group_norm,
        flops.per_output(8),
        _NORM,
        "norm",
    ),
    OpSpec(
        "dropout",
        "Drop entries at random and scale up those that stay",
        (_ANY, Input("mask", "...", Kind.MASK, gradient=False, keyword=True)),
        (Option("p", real(0.0, 1.0), 0.5),),
        "...",
        shapes.dropout,
        flops.per_output(1),
        _CURVE,
        "activation",
    ),
    OpSpec(
        "add",
        "Add two arrays of one shape",
        (_ANY, Input("y", "...")),
        (),
        "...",
        shapes.add,
        flops.per_output(1),
        _EXACT,
        "shape",
    ),
    OpSpec(
        "concat",
        "Lay arrays one behind the other along an axis",
        (Input("xs", "...", Kind.SEQUENCE),),
        (Option("axis", integer(), 1),),
        "...",
        shapes.concat,
        flops.none,
        _EXACT,
        "shape",
    ),
    OpSpec(
        "pad2d",
        "Surround images with a border",
        (_IMAGES,),
        (
            Option("padding", sides()),
            Option(
                "mode",
                choice(
                    "constant",
                    "reflect",
                    "replicate",
                    "circular",
                    edge="replicate",
                    wrap="circular",
                    zeros="constant",
                ),
                "constant",
            ),
            Option("value", real(), 0.0),
        ),
        "N C H_out W_out",
        shapes.pad2d,
        flops.none,
        _ROUTED,
        "shape",
    ),
    OpSpec(
        "upsample_nearest2d",
        "Repeat each pixel along both axes",
        (_IMAGES,),
        (Option("scale_factor", pair(1)),),
        "N C H_out W_out",
        shapes.upsample_nearest2d,
        flops.none,
        _ROUTED,
        "shape",
    ),
)

OPS = {row.name: row for row in _ROWS}
