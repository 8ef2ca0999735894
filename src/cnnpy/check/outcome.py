"""What an implementation made of a case, whoever it is and however it was called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cnnpy.check.fence.session import Answer, Call
from cnnpy.check.fence.wire import Opaque

__all__ = ["Caller", "Failure", "Misshapen", "Outcome"]


@dataclass(frozen=True)
class Misshapen(Opaque):
    """Stand for a gradient of another shape than its input was given in.

    Parameters
    ----------
    type_name : str
        What is said of it.
    got, wanted : tuple of int
        The two shapes.
    """

    got: tuple[int, ...]
    wanted: tuple[int, ...]


class Caller(Protocol):
    """Who calls functions by name: a `Session` here, or a `Fenced` process."""

    def call(self, call: Call) -> Answer:
        """Make a call."""
        ...

    def forget(self) -> None:
        """Drop everything that was kept."""
        ...


@dataclass(frozen=True)
class Failure:
    """How a pass came to no result.

    Parameters
    ----------
    where : {"forward", "backward"}
        In which pass.
    kinds : tuple of str
        The type of the error and those above it; empty where the process ended.
    says : str
        What the error says, or how the process ended.
    at : str
        The file and line of the submission, and the helper that it is in; empty where it had
        no part in it.
    mend : str or None
        What to change, where that is known.
    code : str
        What stands in the line where it failed, where that is known.
    """

    where: str
    kinds: tuple[str, ...]
    says: str
    at: str = ""
    mend: str | None = None
    code: str = ""

    @property
    def is_refusal(self) -> bool:
        """Tell whether it says no in words, as one does to what one does not take."""
        kinds = {"ValueError", "TypeError", "AssertionError", "NotImplementedError"}
        # a wrong shape inside NumPy is no refusal: it broke on the way
        broke = any(words in self.says for words in _BROKE_ON_THE_WAY)
        return bool(kinds & set(self.kinds)) and not broke

    @property
    def is_of_a_float_size(self) -> bool:
        """Tell whether a size or an index was a float, as / makes it."""
        return self.mend is not None and "//" in self.mend and "float" in self.mend

    def __str__(self) -> str:
        error = f"{self.kinds[0]}: {self.says}".removesuffix(": ") if self.kinds else self.says
        return error + (f" ({self.at})" if self.at else "")

    @property
    def is_an_end(self) -> bool:
        """Tell whether the process ended over it, or would not return."""
        return not self.kinds

    @classmethod
    def of(cls, where: str, answer: Answer) -> Failure:
        """Take it from the answer to a call.

        Parameters
        ----------
        where : {"forward", "backward"}
            In which pass.
        answer : Answer
            One that did not go well.

        Returns
        -------
        Failure
            How the pass failed.
        """
        if answer.error is None:
            return cls(where, (), answer.ended or "no answer")
        error = answer.error
        kinds = tuple(error["kind"])
        at = f"{error['file']}, line {error['line']}" if error.get("line") else ""
        if at and error.get("inside"):
            at += f", in {error['inside']}"
        return cls(where, kinds, error["says"], at, error.get("mend"), error.get("code") or "")


_BROKE_ON_THE_WAY = (
    "could not be broadcast",
    "could not broadcast",
    "cannot reshape array",
    "shapes (",
    "not aligned",
    "mismatch in its core dimension",
    "setting an array element",
    "must match exactly",
    "unsupported operand",
    "not subscriptable",
    "NoneType",
    "zero-size array to reduction",
    "cannot be interpreted as an integer",
    "axes don't match array",
    "positional argument",
    "empty sequence",
    "read-only",
)


@dataclass(frozen=True)
class Outcome:
    """What came out of both passes on one case, in the op's own terms.

    Parameters
    ----------
    out : object
        The output.
    gradients : mapping
        By the name of the input.
    again : mapping
        The gradients that a second backward call gave.
    updated : mapping
        Arrays that forward is to update, as it left them.
    failure : Failure, optional
        Where a pass failed; what came before it stands in the other fields.
    changed, changed_in_forward : tuple of str
        Inputs that were written to, and those of them that the forward pass wrote to.
    shared : bool
        Whether two gradients stand in the same memory.
    form : str, optional
        What was wrong with the form of what was returned.
    """

    out: Any = None
    gradients: Mapping[str, Any] = field(default_factory=dict)
    again: Mapping[str, Any] = field(default_factory=dict)
    updated: Mapping[str, Any] = field(default_factory=dict)
    failure: Failure | None = None
    changed: tuple[str, ...] = ()
    changed_in_forward: tuple[str, ...] = ()
    shared: bool = False
    form: str | None = None
