"""Reading the course's parameter dictionaries: conv_param, pool_param, bn_param, ...

Order and further keys do not matter; a key that is missing, or a mode that there is
not, raises an OptionError of three lines.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from cnnpy.contract.errors import OptionError

__all__ = ["entry", "mode_of", "optional"]


def entry(function: str, name: str, parameters: Mapping[str, Any], key: str) -> Any:
    """Return the value of a key that has to be there.

    Parameters
    ----------
    function : str
        Who asks, for the error.
    name : str
        What the dictionary is called in the signature.
    parameters : mapping
        The dictionary.
    key : str
        The key.

    Returns
    -------
    object
        Its value.

    Raises
    ------
    OptionError
        Where the key is missing, or there is no dictionary.

    Examples
    --------
    >>> entry("conv_forward_naive", "conv_param", {"pad": 1, "stride": 2}, "stride")
    2
    """
    _demand_mapping(function, name, parameters)
    if key not in parameters:
        keys = [str(k) for k in parameters]
        near = next((k for k in keys if _alike(k, key)), None)
        raise OptionError(
            f"{function}: {name} has no {key!r}; "
            + (f"it has {', '.join(map(repr, keys))}" if keys else "it is empty"),
            f"a dictionary {name} with the key {key!r}",
            f"rename {near!r} to {key!r}" if near else f"set {name}[{key!r}]",
        )
    return parameters[key]


def optional(
    function: str, name: str, parameters: Mapping[str, Any], key: str, default: Any
) -> Any:
    """Return the value of a key that may be missing.

    Parameters
    ----------
    function, name : str
        Who asks, and what the dictionary is called, for the error.
    parameters : mapping
        The dictionary.
    key : str
        The key.
    default : object
        What stands in for a missing key.

    Returns
    -------
    object
        Its value, or the default.

    Raises
    ------
    OptionError
        Where there is no dictionary.

    Examples
    --------
    >>> optional("layernorm_forward", "ln_param", {}, "eps", 1e-5)
    1e-05
    """
    _demand_mapping(function, name, parameters)
    return parameters.get(key, default)


def mode_of(function: str, name: str, parameters: Mapping[str, Any]) -> str:
    """Return the mode, ``"train"`` or ``"test"``.

    Parameters
    ----------
    function, name : str
        Who asks, and what the dictionary is called, for the error.
    parameters : mapping
        The dictionary.

    Returns
    -------
    str
        The mode.

    Raises
    ------
    OptionError
        Where it is missing or another one.

    Examples
    --------
    >>> mode_of("batchnorm_forward", "bn_param", {"mode": "train"})
    'train'
    """
    mode = entry(function, name, parameters, "mode")
    if mode not in ("train", "test"):
        near = difflib.get_close_matches(str(mode).lower(), ("train", "test"), n=1, cutoff=0.0)
        raise OptionError(
            f"{function}: {name}['mode'] is {mode!r}",
            "'train' or 'test'",
            f"use {name}['mode'] = {near[0] if near else 'train'!r}",
        )
    return str(mode)


def _alike(given: str, key: str) -> bool:
    """Tell whether one key may have been meant by another: padding by pad."""
    short, long = sorted((given.lower(), key.lower()), key=len)
    if len(short) > 2 and short in long:
        return True
    same_start = short[:1] == long[:1]
    return same_start and difflib.SequenceMatcher(None, short, long).ratio() > 0.8


def _demand_mapping(function: str, name: str, parameters: object) -> None:
    if not isinstance(parameters, Mapping):
        raise OptionError(
            f"{function}: {name} is a {type(parameters).__name__}",
            "a dictionary",
            f"use {name} = {{...}}",
        )
