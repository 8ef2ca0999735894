"""The contract: names, shapes, dtypes, tolerances and errors that all rooms share."""

from cnnpy.contract.errors import (
    BackendError,
    CacheError,
    CheckpointError,
    CnnpyError,
    DataError,
    DtypeError,
    MissingDataError,
    MissingPackageError,
    ModelFileError,
    OptionError,
    ShapeError,
    TrainingError,
)
from cnnpy.contract.ops import OPS
from cnnpy.contract.opspec import Input, Kind, OpSpec, Option, Tolerance

__all__ = [
    "OPS",
    "BackendError",
    "CacheError",
    "CheckpointError",
    "CnnpyError",
    "DataError",
    "DtypeError",
    "Input",
    "Kind",
    "MissingDataError",
    "MissingPackageError",
    "ModelFileError",
    "OpSpec",
    "Option",
    "OptionError",
    "ShapeError",
    "Tolerance",
    "TrainingError",
]
