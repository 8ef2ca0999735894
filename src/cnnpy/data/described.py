"""Described: settings that check themselves, and that a TOML file can name.

What stands in a table of these classes is written down as ``{name = "random_crop",
padding = 4}`` and read back; nothing but the classes of the table is ever made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from cnnpy.contract.errors import OptionError
from cnnpy.contract.options import Parser, nearest, written

__all__ = ["Described", "from_entry", "optional", "range_of", "to_entry"]

Kind = TypeVar("Kind", bound="Described")


@dataclass(frozen=True, repr=False)
class Described:
    """Hold checked options under a name; a child is a frozen dataclass of its options."""

    NAME: ClassVar[str]
    CHECKS: ClassVar[Mapping[str, Parser]]

    def __post_init__(self) -> None:
        for option, check in self.CHECKS.items():
            object.__setattr__(self, option, check(self.NAME, option, getattr(self, option)))

    def __repr__(self) -> str:
        """Write what makes an equal one; options that have their default are left out."""
        parts = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.default is dataclasses.MISSING:
                parts.append(_text(value))
            elif value != field.default:
                parts.append(f"{field.name}={_text(value)}")
        return f"{type(self).__name__}({', '.join(parts)})"


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))}{',' * (len(value) == 1)})"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)


# --- kinds of option ---------------------------------------------------------------------


def optional(check: Parser) -> Parser:
    """Take None too, which leaves the choice open."""

    def parse(op: str, name: str, value: object) -> Any:
        return None if value is None else check(op, name, value)

    return parse


def range_of(check: Parser) -> Parser:
    """Take one number, or a pair (low, high) of what `check` takes."""

    def parse(op: str, name: str, value: object) -> Any:
        if not isinstance(value, (tuple, list)):
            return check(op, name, value)
        if len(value) != 2:
            fine = [end for end in value if _passes(check, op, name, end)]
            mend = f"leave {name} out"
            if fine:
                mend = f"use {name}=({_text(min(fine))}, {_text(max(fine))})"
            raise OptionError(
                f"{op}: {name}={written(value)}", "one number, or a pair (low, high)", mend
            )
        low, high = (check(op, name, end) for end in value)
        if low > high:
            raise OptionError(
                f"{op}: {name}={written(value)}",
                "a pair (low, high) with low at most high",
                f"use {name}=({_text(high)}, {_text(low)})",
            )
        return low, high

    return parse


def _passes(check: Parser, op: str, name: str, value: object) -> bool:
    try:
        check(op, name, value)
    except OptionError:
        return False
    return True


# --- in and out --------------------------------------------------------------------------


def to_entry(table: Mapping[str, type[Described]], what: str, thing: object) -> dict[str, Any]:
    """Write down a name and all options but those left open, in values that TOML knows.

    Parameters
    ----------
    table : mapping of str to type
        What may be named.
    what : str
        What the thing is, in messages.
    thing : object
        One of them.

    Returns
    -------
    dict
        What `from_entry` makes an equal one of.

    Raises
    ------
    OptionError
        Where it is a function of one's own, which no file can hold.
    """
    if not isinstance(thing, Described) or table.get(thing.NAME) is not type(thing):
        raise OptionError(
            f"{what}: {written(thing)} has no name",
            f"one with a name: {', '.join(table)}",
            "use one of these, or leave the settings unwritten",
        )
    options = {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing)}
    return {"name": thing.NAME} | {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in options.items()
        if value is not None
    }


def from_entry(table: Mapping[str, type[Kind]], what: str, entry: object) -> Kind:
    """Make what an entry names, trusting nothing in it; a name alone takes all defaults.

    Parameters
    ----------
    table : mapping of str to type
        What may be named.
    what : str
        What the entry is, in messages.
    entry : object
        A name, or a mapping with a name and options.

    Returns
    -------
    Described
        Of a class of the table.

    Raises
    ------
    OptionError
        Where the entry is none, or a name or an option is unknown, missing or out of range.
    """
    name, options = _name_and_options(table, what, entry)
    if name not in table:
        raise OptionError(
            f"{what}: name={written(name)}",
            "one of " + ", ".join(map(repr, table)),
            f"use name={nearest(name, table)!r}",
        )
    kind = table[name]
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for option in options:
        if option not in fields:
            raise OptionError(
                f"{what}: {name} has no option {written(option)}",
                f"its options: {', '.join(fields)}" if fields else "no option",
                f"use {nearest(option, fields)}" if fields else f"leave out {written(option)}",
            )
    for option, field in fields.items():
        if field.default is dataclasses.MISSING and option not in options:
            raise OptionError(
                f"{what}: {name} without {option}",
                f"a value of {option}, which has no default",
                f'add it: {{name = "{name}", {option} = 1}}',
            )
    return kind(**options)


def _name_and_options(
    table: Mapping[str, Any], what: str, entry: object
) -> tuple[str, dict[str, Any]]:
    if isinstance(entry, str):
        return entry, {}
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise OptionError(
            f"{what}: {written(entry)}",
            "a name, or a table with a name and options",
            f'use {{name = "{next(iter(table))}"}}',
        )
    return entry["name"], {str(key): value for key, value in entry.items() if key != "name"}
