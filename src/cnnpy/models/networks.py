"""The networks: each a function of the number of classes, its input inferred."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from cnnpy.contract.errors import OptionError
from cnnpy.contract.options import integer, real
from cnnpy.nn import (
    BatchNorm,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    Linear,
    MaxPool2d,
    ReLU,
    ReLU6,
    Residual,
    Sequential,
)

__all__ = [
    "MODELS",
    "lenet5",
    "make_model",
    "mobilenet_v2",
    "resnet18",
    "resnet20",
    "small_cnn",
    "threelayer",
    "vgg_small",
]


def small_cnn(n_classes: int = 10) -> Sequential:
    """Make the default network: four convolutions, right for small images.

    Parameters
    ----------
    n_classes : int
        How many scores come out.

    Returns
    -------
    Sequential
        For images of at least 4x4 pixels.

    Examples
    --------
    >>> small_cnn().build((1, 8, 8))
    (10,)
    """
    return Sequential(
        {
            **_conv_bn_relu("1", 32),
            **_conv_bn_relu("2", 32),
            "pool1": MaxPool2d(2),
            **_conv_bn_relu("3", 64),
            **_conv_bn_relu("4", 64),
            "pool2": MaxPool2d(2),
            "flatten": Flatten(),
            "dropout": Dropout(0.3),
            "fc": Linear(_classes(n_classes)),
        }
    )


def threelayer(n_classes: int = 10) -> Sequential:
    """Make the course's network: one convolution and two fully connected layers.

    Parameters
    ----------
    n_classes : int
        How many scores come out.

    Returns
    -------
    Sequential
        Made for images of 3x32x32.

    Examples
    --------
    >>> threelayer().build((3, 32, 32))
    (10,)
    """
    return Sequential(
        {
            "conv1": Conv2d(32, 7, padding=3),
            "relu1": ReLU(),
            "pool1": MaxPool2d(2),
            "flatten": Flatten(),
            "fc1": Linear(100),
            "relu2": ReLU(),
            "fc2": Linear(_classes(n_classes)),
        }
    )


def lenet5(n_classes: int = 10) -> Sequential:
    """Make LeNet-5 with ReLU and max pooling.

    Parameters
    ----------
    n_classes : int
        How many scores come out.

    Returns
    -------
    Sequential
        Made for images of 1x28x28; at least 12x12.

    References
    ----------
    .. [1] Y. LeCun et al., "Gradient-based learning applied to document recognition",
       Proceedings of the IEEE 86, 1998.

    Examples
    --------
    >>> lenet5().build((1, 28, 28))
    (10,)
    """
    return Sequential(
        {
            "conv1": Conv2d(6, 5, padding=2),
            "relu1": ReLU(),
            "pool1": MaxPool2d(2),
            "conv2": Conv2d(16, 5),
            "relu2": ReLU(),
            "pool2": MaxPool2d(2),
            "flatten": Flatten(),
            "fc1": Linear(120),
            "relu3": ReLU(),
            "fc2": Linear(84),
            "relu4": ReLU(),
            "fc3": Linear(_classes(n_classes)),
        }
    )


def vgg_small(n_classes: int = 10) -> Sequential:
    """Make a small VGG: three pairs of convolutions of 64, 128 and 256 filters.

    Parameters
    ----------
    n_classes : int
        How many scores come out.

    Returns
    -------
    Sequential
        Made for images of 3x32x32; at least 8x8.

    References
    ----------
    .. [1] K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale
       image recognition", ICLR 2015.

    Examples
    --------
    >>> vgg_small().build((3, 32, 32))
    (10,)
    """
    layers: dict[str, Layer] = {}
    for k, filters in enumerate((64, 128, 256), start=1):
        layers |= _conv_bn_relu(f"{k}a", filters)
        layers |= _conv_bn_relu(f"{k}b", filters)
        layers[f"pool{k}"] = MaxPool2d(2)
    return Sequential({**layers, "flatten": Flatten(), "fc": Linear(_classes(n_classes))})


def resnet20(n_classes: int = 10) -> Sequential:
    """Make the residual network of 20 layers for CIFAR-10.

    Three stages of three blocks, of 16, 32 and 64 filters; a stage begins with stride
    2 and a 1x1 convolution as its shortcut.

    Parameters
    ----------
    n_classes : int
        How many scores come out.

    Returns
    -------
    Sequential
        Made for images of 3x32x32.

    References
    ----------
    .. [1] K. He et al., "Deep residual learning for image recognition", CVPR 2016.

    Examples
    --------
    >>> resnet20().build((3, 32, 32))
    (10,)
    """
    return Sequential(
        {
            **_conv_bn_relu("1", 16),
            **_residual_stages((16, 32, 64), n_blocks=3),
            "pool": GlobalAvgPool2d(),
            "flatten": Flatten(),
            "fc": Linear(_classes(n_classes)),
        }
    )


def resnet18(n_classes: int = 1000) -> Sequential:
    """Make the residual network of 18 layers for ImageNet.

    A 7x7 convolution and a max pooling, each of stride 2, then four stages of two
    blocks, of 64, 128, 256 and 512 filters; a stage but the first begins with stride 2
    and a 1x1 convolution as its shortcut.

    Parameters
    ----------
    n_classes : int
        How many scores come out.

    Returns
    -------
    Sequential
        Made for images of 3x224x224.

    References
    ----------
    .. [1] K. He et al., "Deep residual learning for image recognition", CVPR 2016.

    Examples
    --------
    >>> resnet18().output_shape((3, 224, 224))
    (1000,)
    """
    return Sequential(
        {
            **_conv_bn_relu("1", 64, kernel_size=7, stride=2),
            "pool1": MaxPool2d(3, stride=2, padding=1),
            **_residual_stages((64, 128, 256, 512), n_blocks=2),
            "pool": GlobalAvgPool2d(),
            "flatten": Flatten(),
            "fc": Linear(_classes(n_classes)),
        }
    )


def mobilenet_v2(n_classes: int = 1000, *, width: float = 1.0) -> Sequential:
    """Make the second network for phones: inverted residual blocks for ImageNet.

    A block widens its input with a 1x1 convolution, filters each channel by itself with
    a 3x3 convolution, and narrows the result with another 1x1 convolution that no
    activation follows; where neither size nor width changes, its input is added. Seven
    stages of such blocks stand between two plain convolutions.

    Parameters
    ----------
    n_classes : int
        How many scores come out.
    width : float
        Multiplies the filters of every layer, which are brought to multiples of 8. The
        last convolution has at least 1280.

    Returns
    -------
    Sequential
        Made for images of 3x224x224.

    Raises
    ------
    OptionError
        Where `width` is not positive.

    References
    ----------
    .. [1] M. Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks",
       CVPR 2018, arXiv:1801.04381.

    Examples
    --------
    >>> mobilenet_v2().output_shape((3, 224, 224))
    (1000,)
    >>> mobilenet_v2(width=0.5)["conv1"]
    Conv2d(16, 3, stride=2, padding=1, use_bias=False)
    """
    width = real(0.0, above=True)("model", "width", width)
    filters = _in_eights(32 * width)
    layers: dict[str, Layer] = _conv_bn_relu("1", filters, stride=2, relu=ReLU6)
    for stage, (expansion, wanted, n_blocks, stride) in enumerate(_INVERTED_STAGES, start=1):
        blocks: list[Layer] = []
        for k in range(n_blocks):
            before, filters = filters, _in_eights(wanted * width)
            step = stride if k == 0 else 1
            blocks.append(_inverted_residual(before, filters, expansion, stride=step))
        layers[f"layer{stage}"] = Sequential(*blocks)
    return Sequential(
        {
            **layers,
            **_conv_bn_relu("2", _in_eights(1280 * max(width, 1.0)), kernel_size=1, relu=ReLU6),
            "pool": GlobalAvgPool2d(),
            "flatten": Flatten(),
            "dropout": Dropout(0.2),
            "fc": Linear(_classes(n_classes)),
        }
    )


# Of each stage, as in table 2 of the paper: how much a block widens its input, the filters
# that it ends with, the blocks, and the stride of the first.
_INVERTED_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


MODELS: dict[str, Callable[[int], Sequential]] = {
    "small_cnn": small_cnn,
    "threelayer": threelayer,
    "lenet5": lenet5,
    "vgg_small": vgg_small,
    "resnet20": resnet20,
    "resnet18": resnet18,
    "mobilenet_v2": mobilenet_v2,
}


def make_model(name: str, n_classes: int) -> Sequential:
    """Make a network by its name.

    Parameters
    ----------
    name : str
        A name of :data:`MODELS`.
    n_classes : int
        How many scores come out.

    Returns
    -------
    Sequential
        Not built yet.

    Raises
    ------
    OptionError
        Where there is no such name.

    Examples
    --------
    >>> len(make_model("threelayer", 10))
    7
    """
    if name not in MODELS:
        near = difflib.get_close_matches(name, MODELS, n=1, cutoff=0.0)[0]
        raise OptionError(f"model {name!r}", "one of " + ", ".join(MODELS), f"use {near!r}")
    return MODELS[name](n_classes)


def _classes(n_classes: int) -> int:
    return int(integer(1)("model", "n_classes", n_classes))


def _conv_bn_relu(
    suffix: str,
    filters: int,
    *,
    kernel_size: int = 3,
    stride: int = 1,
    groups: int = 1,
    relu: type[Layer] = ReLU,
) -> dict[str, Layer]:
    return {
        f"conv{suffix}": Conv2d(
            filters,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=groups,
            use_bias=False,
        ),
        f"bn{suffix}": BatchNorm(),
        f"relu{suffix}": relu(),
    }


def _in_eights(filters: float) -> int:
    """Round to a multiple of 8, at least 8, that is not more than a tenth too small."""
    rounded = max(8, int(filters + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * filters else rounded + 8


def _inverted_residual(before: int, filters: int, expansion: int, *, stride: int) -> Layer:
    wide = before * expansion
    layers: dict[str, Layer] = {}
    if expansion > 1:
        layers |= _conv_bn_relu("1", wide, kernel_size=1, relu=ReLU6)
    layers |= _conv_bn_relu("2", wide, stride=stride, groups=wide, relu=ReLU6)
    layers |= {"conv3": Conv2d(filters, 1, use_bias=False), "bn3": BatchNorm()}
    body = Sequential(layers)
    return Residual(body) if stride == 1 and before == filters else body


def _residual_stages(widths: tuple[int, ...], *, n_blocks: int) -> dict[str, Layer]:
    """Make stages of blocks; where the filters double, the first block halves the image."""
    stages: dict[str, Layer] = {}
    before = widths[0]
    for stage, filters in enumerate(widths, start=1):
        strides = [filters // before] + [1] * (n_blocks - 1)
        stages[f"layer{stage}"] = Sequential(
            *(_residual_block(filters, stride=stride) for stride in strides)
        )
        before = filters
    return stages


def _residual_block(filters: int, *, stride: int) -> Residual:
    body = Sequential(
        {
            **_conv_bn_relu("1", filters, stride=stride),
            "conv2": Conv2d(filters, 3, padding=1, use_bias=False),
            "bn2": BatchNorm(),
        }
    )
    shortcut = None
    if stride > 1:
        shortcut = Sequential(Conv2d(filters, 1, stride=stride, use_bias=False), BatchNorm())
    return Residual(body, shortcut, activation=ReLU())
