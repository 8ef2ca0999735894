"""Optimizers, which change parameters, and schedules, which change the learning rate."""

from cnnpy.optim.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Optimizer, RMSprop
from cnnpy.optim.schedules import SCHEDULES, Constant, Cosine, OneCycle, Schedule, Step

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "OneCycle",
    "Optimizer",
    "RMSprop",
    "Schedule",
    "Step",
]
