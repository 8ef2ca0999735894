"""The errors of cnnpy: what was given, what was expected, how to mend it.

Every error has the same three lines, the third worked out from what was given.
They are children of ``ValueError`` or ``TypeError`` (or, where the standard
library has the fitting word, ``FileNotFoundError``, ``ImportError`` and
``ArithmeticError``), so
code that catches those keeps working.
"""

from __future__ import annotations

__all__ = [
    "BackendError",
    "CacheError",
    "CheckpointError",
    "CnnpyError",
    "DataError",
    "DtypeError",
    "MissingDataError",
    "MissingPackageError",
    "ModelFileError",
    "OptionError",
    "ShapeError",
    "TrainingError",
]


class CnnpyError(Exception):
    """Stand above every error that cnnpy raises on purpose.

    Parameters
    ----------
    given : str
        What was given, with its values.
    expected : str
        What would have been right.
    mend : str
        What to type or to change, computed from what was given.

    Examples
    --------
    >>> print(CnnpyError("conv2d: stride=0", "stride of at least 1", "use stride=1"))
    conv2d: stride=0
      expected: stride of at least 1
      to mend:  use stride=1
    """

    def __init__(self, given: str, expected: str, mend: str) -> None:
        super().__init__(given, expected, mend)
        self.given = given
        self.expected = expected
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.given}\n  expected: {self.expected}\n  to mend:  {self.mend}"


class ShapeError(CnnpyError, ValueError):
    """Say that the shapes of arrays do not fit together or to the options."""


class DtypeError(CnnpyError, TypeError):
    """Say that an array is no array, or of a dtype that the contract does not take."""


class OptionError(CnnpyError, ValueError):
    """Say that an option has a value outside its range."""


class CacheError(CnnpyError, ValueError):
    """Say that a backward pass was handed something else than its forward's cache."""


class BackendError(CnnpyError, ValueError):
    """Say that a backend is unknown, absent, or lacks an op."""


class DataError(CnnpyError, ValueError):
    """Say that a data set, an image or a label is not what it should be."""


class MissingDataError(DataError, FileNotFoundError):
    """Say that a data set is not there: where it was looked for, how to get it."""


class ModelFileError(CnnpyError, ValueError):
    """Say that a model file is corrupt, foreign, or does not fit."""


class CheckpointError(CnnpyError, ValueError):
    """Say that a checkpoint is corrupt, of another training, or cannot be written."""


class TrainingError(CnnpyError, ArithmeticError):
    """Say that a training run went astray: where, and what to try."""


class MissingPackageError(CnnpyError, ImportError):
    """Say that an optional package is not installed, and how to install it."""
