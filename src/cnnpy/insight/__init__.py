"""Insight: what a trained network does, as numbers; :mod:`cnnpy.plot` makes pictures of them.

How good it is (:func:`metrics`), where it is most wrong (:func:`predictions`,
:func:`mistakes`), where in an image it looks (:func:`saliency`, :func:`grad_cam`), what it
makes of an image on the way (:func:`feature_maps`, :func:`embedding`,
:func:`principal_components`), and where its time goes (:func:`profile`). Nothing here
changes the network.
"""

from cnnpy.insight.features import Components, embedding, feature_maps, principal_components
from cnnpy.insight.gradients import grad_cam, input_gradient, saliency
from cnnpy.insight.metrics import Metrics, metrics, roc_auc
from cnnpy.insight.predictions import (
    Confusion,
    Mistake,
    Predictions,
    confusions,
    mistakes,
    predictions,
)
from cnnpy.insight.profile import LayerTime, Profile, profile

__all__ = [
    "Components",
    "Confusion",
    "LayerTime",
    "Metrics",
    "Mistake",
    "Predictions",
    "Profile",
    "confusions",
    "embedding",
    "feature_maps",
    "grad_cam",
    "input_gradient",
    "metrics",
    "mistakes",
    "predictions",
    "principal_components",
    "profile",
    "roc_auc",
    "saliency",
]
