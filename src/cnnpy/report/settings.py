"""Settings of runs as lines of text, and which of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cnnpy.page import on_a_line
from cnnpy.train import RunRecord

__all__ = ["differing", "settings"]

_OPEN = ("training", "record")
"""Tables of a run's file whose names are known without that of the table."""

_OF_THE_MOMENT = ("began", "ended", "command")
_LONGEST = 200


def settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Write the settings of a run line by line.

    Parameters
    ----------
    config : mapping
        What its ``run.toml`` holds; what stands in tables inside gets names with dots, but
        for those of ``training`` and ``record``.

    Returns
    -------
    dict of str to str
        By name, printable.

    Examples
    --------
    >>> settings({"training": {"lr": 0.1}, "record": {"versions": {"numpy": "2.4"}}})
    {'lr': '0.1', 'versions.numpy': '2.4'}
    """
    return {name: _text(value) for name, value in _values(config).items()}


def _values(config: Mapping[str, Any]) -> dict[str, Any]:
    opened = {k: v for k, v in config.items() if k in _OPEN and isinstance(v, Mapping)}
    rest = {k: v for k, v in config.items() if k not in opened}
    found = dict(_walk("", rest))
    for table in opened.values():
        found |= {name: value for name, value in _walk("", table) if name not in found}
    return found


def differing(records: Sequence[RunRecord]) -> dict[str, list[str]]:
    """Find the settings in which runs differ.

    Parameters
    ----------
    records : sequence of RunRecord
        The runs.

    Returns
    -------
    dict of str to list of str
        By name, the value in each run: ``-`` where it has none. When a run began is none.

    Examples
    --------
    >>> from pathlib import Path
    >>> a, b = (RunRecord(Path(n), {"lr": lr, "seed": 0}, [], Path(n))
    ...         for n, lr in (("a", 0.1), ("b", 0.2)))
    >>> differing([a, b])
    {'lr': ['0.1', '0.2']}
    """
    all_ = [_values(record.config) for record in records]
    names = dict.fromkeys(name for one in all_ for name in one)
    found = {name: [one.get(name) for one in all_] for name in names}
    return {
        name: [_text(value) for value in values]
        for name, values in found.items()
        if any(value != values[0] for value in values[1:])
        and name.split(".")[-1] not in _OF_THE_MOMENT
    }


def _walk(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inside in value.items():
            key = on_a_line(str(name))
            yield from _walk(f"{prefix}.{key}" if prefix else key, inside)
        return
    yield prefix, value


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, Mapping):  # in a list: an augmentation with its options
        told = ", ".join(f"{k}={_text(v)}" for k, v in value.items() if k != "name")
        return on_a_line(f"{value['name']}({told})" if "name" in value else told)[:_LONGEST]
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))[:_LONGEST]
    return on_a_line(str(value))[:_LONGEST]
