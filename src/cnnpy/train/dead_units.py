"""Dead units: channels behind a ReLU that are 0 for every image, and learn nothing any more."""

from __future__ import annotations

from typing import NamedTuple

from cnnpy.contract.dtypes import FloatArray
from cnnpy.nn import Layer
from cnnpy.nn.watch import Seen, Watched

__all__ = ["DeadUnits", "dead_units"]

_RECTIFIERS = ("relu", "relu6")


class DeadUnits(NamedTuple):
    """A layer, how many of its channels are dead, and how many there are."""

    layer: str
    n_dead: int
    n: int


def dead_units(model: Layer, x: FloatArray) -> list[DeadUnits]:
    """Count the channels that no image of a batch reaches, layer by layer.

    Parameters
    ----------
    model : Layer
        The network, built; a copy of it is run.
    x : ndarray of shape (N, C, H, W)
        Images of all kinds, as the network takes them.

    Returns
    -------
    list of DeadUnits
        One for each layer of rectifiers.

    Examples
    --------
    >>> from cnnpy import nn
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(3), nn.ReLU())
    >>> _ = model.build((1, 2, 2), seed=0)
    >>> model[1].weight.value[:], model[1].bias.value[:2] = 1, -1e3
    >>> dead_units(model, np.ones((5, 1, 2, 2), dtype=np.float32))[0].n_dead
    2
    """
    found: list[DeadUnits] = []

    def look(seen: Seen, out: FloatArray) -> None:
        if getattr(seen.layer, "op", None) in _RECTIFIERS:
            channels = out.max(axis=tuple(k for k in range(out.ndim) if k != 1))
            found.append(DeadUnits(seen.name, int((channels == 0).sum()), len(channels)))

    with Watched(model, keep=False, look=look) as watched:
        watched.forward(x)
    return found
