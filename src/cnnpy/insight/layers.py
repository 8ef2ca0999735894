"""Which of the layers that were watched is meant."""

from __future__ import annotations

import difflib

from cnnpy.contract.errors import OptionError
from cnnpy.nn import Conv2d, ConvTranspose2d, Linear
from cnnpy.nn.watch import Seen, Watched

__all__ = ["last_linear", "last_map", "one_layer"]


def one_layer(watched: Watched, name: str) -> Seen:
    """Return the layer of a name.

    Parameters
    ----------
    watched : Watched
        After a forward pass.
    name : str
        Its name.

    Returns
    -------
    Seen
        What was seen of it.

    Raises
    ------
    OptionError
        Where there is none.
    """
    if name not in watched.seen or not name:
        names = [one.name for one in watched.seen.values() if one.name]
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
        raise OptionError(
            f"layer={name!r}: the network has no such layer",
            f"one of {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}",
            f"use layer={near[0]!r}" if near else "give the network layers",
        )
    return watched.seen[name]


def last_map(watched: Watched) -> Seen:
    """Return what comes out of the last block of a convolution, where it still is a map.

    That is the output of the last convolution that gives more than one pixel, after all
    that follows without changing the map's size: norm, activation, the sum with a shortcut.

    Parameters
    ----------
    watched : Watched
        After a forward pass.

    Returns
    -------
    Seen
        What was seen of it.

    Raises
    ------
    OptionError
        Where the network has no convolution that gives a map.
    """
    order = list(watched.seen.values())
    convolutions = [
        k for k, one in enumerate(order) if isinstance(one.layer, Conv2d | ConvTranspose2d)
    ]
    at = next((k for k in reversed(convolutions) if order[k].is_map), None)
    if at is None:
        raise OptionError(
            "layer: the network has no convolution that gives a map of more than one pixel",
            "a layer that returns maps (C, H, W)",
            "give larger images, or name another layer: layer=...",
        )
    found = order[at]
    for one in order[at + 1 :]:
        if _size(one) != _size(found):
            break
        found = one
    return found


def _size(seen: Seen) -> tuple[int, ...] | None:
    return seen.out.shape[2:] if seen.out is not None and seen.out.ndim == 4 else None


def last_linear(watched: Watched) -> Seen:
    """Return the last fully connected layer.

    Parameters
    ----------
    watched : Watched
        After a forward pass.

    Returns
    -------
    Seen
        What was seen of it.

    Raises
    ------
    OptionError
        Where there is none.
    """
    linear = [one for one in watched.seen.values() if isinstance(one.layer, Linear)]
    if not linear:
        raise OptionError(
            "layer: the network has no Linear layer, whose input is taken by default",
            "the name of a layer whose output is to be taken",
            f"use layer={[one.name for one in watched.seen.values()][-2:][0]!r}",
        )
    return linear[-1]
