"""Pictures: how a training run went, what a network learned, and where it is wrong.

Matplotlib draws them, and is imported when the first one is drawn. What they show is
computed in :mod:`cnnpy.insight`.
"""

from cnnpy.plot.canvas import DARK, LIGHT, use_theme
from cnnpy.plot.compare import compare
from cnnpy.plot.confusion import confusion
from cnnpy.plot.curves import curves
from cnnpy.plot.embeddings import embeddings
from cnnpy.plot.feature_maps import feature_maps
from cnnpy.plot.filters import filters, first_filters
from cnnpy.plot.looks import grad_cam, saliency
from cnnpy.plot.lr_range import lr_range
from cnnpy.plot.mistakes import mistakes
from cnnpy.plot.save import pixels, rendered, save
from cnnpy.train import read_metrics

__all__ = [
    "DARK",
    "LIGHT",
    "compare",
    "confusion",
    "curves",
    "embeddings",
    "feature_maps",
    "filters",
    "first_filters",
    "grad_cam",
    "lr_range",
    "mistakes",
    "pixels",
    "read_metrics",
    "rendered",
    "saliency",
    "save",
    "use_theme",
]
