"""Training a network on images, and what comes out of it: a classifier with its history."""

from cnnpy.train.callbacks import Callback, FitPlan, TrainingWarning
from cnnpy.train.checkpoints import Checkpoints
from cnnpy.train.classifier import Classifier, Evaluation, confusion_of, load
from cnnpy.train.fit import fit
from cnnpy.train.lr_range import LrRange, find_lr
from cnnpy.train.preflight import Finding, preflight
from cnnpy.train.reports import EpochReport, StepReport
from cnnpy.train.run_folder import RunFolder
from cnnpy.train.run_record import RunRecord, read_metrics, read_run
from cnnpy.train.training import Training

__all__ = [
    "Callback",
    "Checkpoints",
    "Classifier",
    "EpochReport",
    "Evaluation",
    "Finding",
    "FitPlan",
    "LrRange",
    "RunFolder",
    "RunRecord",
    "StepReport",
    "Training",
    "TrainingWarning",
    "confusion_of",
    "find_lr",
    "fit",
    "load",
    "preflight",
    "read_metrics",
    "read_run",
]
