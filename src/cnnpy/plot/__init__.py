"""Pictures of a training run: how it went, and what its first layer learned.

Matplotlib draws them, and is imported when the first one is drawn.
"""

from cnnpy.plot.curves import curves
from cnnpy.plot.filters import filters
from cnnpy.plot.save import save
from cnnpy.train import read_metrics

__all__ = ["curves", "filters", "read_metrics", "save"]
