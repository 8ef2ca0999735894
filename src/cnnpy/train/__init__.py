"""Training a network on images, and what comes out of it: a classifier with its history."""

from cnnpy.train.classifier import Classifier, Evaluation, load
from cnnpy.train.fit import Callback, FitPlan, fit
from cnnpy.train.reports import EpochReport, StepReport
from cnnpy.train.run_folder import RunFolder
from cnnpy.train.run_record import RunRecord, read_metrics, read_run

__all__ = [
    "Callback",
    "Classifier",
    "EpochReport",
    "Evaluation",
    "FitPlan",
    "RunFolder",
    "RunRecord",
    "StepReport",
    "fit",
    "load",
    "read_metrics",
    "read_run",
]
