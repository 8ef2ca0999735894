"""Ready networks, and the table of their names."""

from cnnpy.models.networks import (
    MODELS,
    lenet5,
    make_model,
    mobilenet_v2,
    resnet18,
    resnet20,
    small_cnn,
    threelayer,
    vgg_small,
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
