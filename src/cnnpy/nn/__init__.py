"""Layers with parameters, the containers that make networks of them, and losses."""

from cnnpy.nn.activations import (
    GELU,
    HardSwish,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)
from cnnpy.nn.containers import Concat, Residual, Sequential
from cnnpy.nn.fusion import use_fusion
from cnnpy.nn.initializers import INITIALIZERS
from cnnpy.nn.layer import Layer
from cnnpy.nn.layers import Conv2d, ConvTranspose2d, Linear
from cnnpy.nn.losses import LOSSES, Hinge, Loss, MeanSquaredError, SoftmaxCrossEntropy
from cnnpy.nn.norms import BatchNorm, Dropout, GroupNorm, LayerNorm
from cnnpy.nn.parameter import Parameter
from cnnpy.nn.pooling import (
    AvgPool2d,
    Flatten,
    GlobalAvgPool2d,
    MaxPool2d,
    Pad2d,
    UpsampleNearest2d,
)
from cnnpy.nn.session import InferenceSession
from cnnpy.nn.summary import Summary

__all__ = [
    "GELU",
    "INITIALIZERS",
    "LOSSES",
    "AvgPool2d",
    "BatchNorm",
    "Concat",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "GroupNorm",
    "HardSwish",
    "Hinge",
    "InferenceSession",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Loss",
    "MaxPool2d",
    "MeanSquaredError",
    "Pad2d",
    "Parameter",
    "ReLU",
    "ReLU6",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Summary",
    "Tanh",
    "UpsampleNearest2d",
    "use_fusion",
]
