"""Networks as scikit-learn estimators: in pipelines, grid searches, cross-validation.

:class:`CNNClassifier` and :class:`CNNRegressor` take images (n, C, H, W), or rows of
features with ``image_shape=``, and train a network on them. Importing this room imports
scikit-learn: ``pip install 'cnnpy[sklearn]'``.
"""

from cnnpy.contract.errors import MissingPackageError

try:
    from sklearn.utils.validation import validate_data as _validate_data  # noqa: F401
except ImportError as error:
    raise MissingPackageError(
        f"cnnpy.sklearn: {error}",
        "the package scikit-learn, 1.6 or newer",
        "pip install 'cnnpy[sklearn]'",
    ) from error

from cnnpy.sklearn.classifier import CNNClassifier
from cnnpy.sklearn.regression import RegressionReport
from cnnpy.sklearn.regressor import CNNRegressor

__all__ = ["CNNClassifier", "CNNRegressor", "RegressionReport"]
