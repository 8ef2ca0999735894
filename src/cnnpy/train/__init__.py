"""Training a network on images, and what comes out of it: a classifier with its history."""

from cnnpy.train.classifier import Classifier, Evaluation
from cnnpy.train.fit import Callback, EpochReport, FitPlan, StepReport, fit
from cnnpy.train.model_file import load
from cnnpy.train.run_folder import RunFolder

__all__ = [
    "Callback",
    "Classifier",
    "EpochReport",
    "Evaluation",
    "FitPlan",
    "RunFolder",
    "StepReport",
    "fit",
    "load",
]
