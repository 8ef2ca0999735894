"""A dialect: how an implementation of an op is called, and what it gives back.

The judge speaks in the op's own terms, those of :mod:`cnnpy.contract`. A dialect
translates: a course's ``conv_param`` with ``stride`` and ``pad`` from the options, weights
of shape (D, M) from (M, D), and back. It also says which cases can be put into its words
at all, and which of these lie at the edge of what it promises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cnnpy.check.case import Case
from cnnpy.check.fence.session import Answer, Call, Kept
from cnnpy.check.outcome import Caller, Failure, Outcome
from cnnpy.check.rows import row_of
from cnnpy.contract.opspec import Kind

__all__ = ["Arguments", "Dialect", "Found", "as_given", "as_number", "parts_of", "same"]

Translation = Callable[[Case, Any], Any]
Passes = Callable[["Found", Caller, Case, Any, str], Outcome]


def same(case: Case, value: Any) -> Any:
    """Leave a value as it is."""
    return value


def as_given(case: Case, out: Any) -> Case:
    """Leave a case as it is: nothing in it is up to the implementation."""
    return case


def as_number(pair: Any) -> Any:
    """Write a pair of equal numbers as one."""
    return pair[0] if isinstance(pair, tuple) and pair[0] == pair[-1] else pair


def _always(case: Case) -> bool:
    """Take every case."""
    return True


def _never(case: Case) -> bool:
    """Find no case at the edge."""
    return False


@dataclass(frozen=True)
class Arguments:
    """What a function is called with.

    Parameters
    ----------
    positional : sequence
        Arrays, numbers, parameter dictionaries.
    keywords : mapping
        Those given by name.
    names : mapping
        The position of each of the op's inputs among the arguments.
    built : mapping
        Of a class, what it is built with, by name.
    dout : bool
        Of a class, whether backward is given a gradient: that of a loss may not be.
    """

    positional: Sequence[Any]
    keywords: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    built: Mapping[str, Any] = field(default_factory=dict)
    dout: bool = True


@dataclass(frozen=True)
class Dialect:
    """How one op is called in one manner.

    Parameters
    ----------
    op : str
        A name of ``OPS``, or of a sandwich.
    task : str
        What its users call it.
    manner : {"course", "cnnpy", "loss", "class", "function", "tensors", "module"}
        How the passes are called; see `Found.run`.
    forward, backward : tuple of str
        The names that its functions go by; the k-th of each belong together.
    arguments : callable
        From a case, what forward is called with.
    gradients : tuple of str
        The inputs of which backward returns gradients, in its order.
    takes : callable
        Whether a case can be put into this dialect's words.
    edge : callable
        Whether a case lies at the edge of its domain, where it may refuse.
    sends_back : callable
        Whether backward is promised for a case.
    decides : callable
        Of a case and the output, the case with what was up to the implementation: the mask
        of dropout.
    from_gradient : mapping
        By input, translates the gradient.
    from_updated : mapping
        Where the updated arrays stand after forward: by input, a path into the arguments
        and a translation.
    passes : callable, optional
        Runs both passes, where the manner alone does not say how.
    remark : str, optional
        What the reader should know of an implementation that is called so.
    is_a_last_resort : bool
        Whether it is tried only where every other call of the name is refused.
    """

    op: str
    task: str
    manner: str
    forward: tuple[str, ...]
    backward: tuple[str, ...]
    arguments: Callable[[Case], Arguments]
    gradients: tuple[str, ...]
    takes: Callable[[Case], bool] = _always
    edge: Callable[[Case], bool] = _never
    sends_back: Callable[[Case], bool] = _always
    decides: Callable[[Case, Any], Case] = as_given
    from_gradient: Mapping[str, Translation] = field(default_factory=dict)
    from_updated: Mapping[str, tuple[tuple[int | str, ...], Translation]] = field(
        default_factory=dict
    )
    passes: Passes | None = None
    remark: str | None = None
    is_a_last_resort: bool = False

    @property
    def has_a_function_for_backward(self) -> bool:
        """Tell whether backward is a function of its own, which may be missing."""
        return self.manner not in ("loss", "tensors", "module")

    @property
    def is_sent_back_by_autograd(self) -> bool:
        """Tell whether backward follows from forward."""
        return self.manner in ("tensors", "module")

    def translation(self, updated: str) -> Translation | None:
        """Give what brings an updated array into the op's terms.

        Parameters
        ----------
        updated : str
            Its name.

        Returns
        -------
        callable or None
            None where there is no such array.
        """
        return self.from_updated[updated][1] if updated in self.from_updated else None


@dataclass(frozen=True)
class Found:
    """An implementation that was found: a dialect and the names of its functions.

    Parameters
    ----------
    dialect : Dialect
        How it is called.
    forward : str
        The name of the function.
    backward : str or None
        The name of the function; None where there is none.
    others : tuple of Dialect
        Other dialects in which functions of these names may be written.
    modules : mapping
        By the name of each function, the module that has it.
    """

    dialect: Dialect
    forward: str
    backward: str | None
    others: tuple[Dialect, ...] = ()
    modules: Mapping[str, str] = field(default_factory=dict)

    def run(self, caller: Caller, case: Case, dout: Any, manner: str = "contiguous") -> Outcome:
        """Run both passes on a case.

        Parameters
        ----------
        caller : Caller
            Who calls.
        case : Case
            Inputs and options, in the dtype to call with.
        dout : ndarray of the shape of the output
            The gradient to send back.
        manner : str
            How arguments are handed over; see ``handed_over``.

        Returns
        -------
        Outcome
            What came of it.
        """
        passes = self.dialect.passes or _RUN[self.dialect.manner]
        outcome = passes(self, caller, case, dout, manner)
        caller.forget()
        return outcome


def _two_functions(found: Found, caller: Caller, case: Case, dout: Any, manner: str) -> Outcome:
    """``forward(...) -> (out, cache)`` and ``backward(dout, cache) -> gradients``."""
    d = found.dialect
    given = d.arguments(case)
    call = Call(
        found.forward, given.positional, given.keywords, keep="forward", send=((0,),), manner=manner
    )
    first = caller.call(call)
    if not first.went_well:
        return Outcome(failure=Failure.of("forward", first))
    returned = parts_of(first, 1)
    if first.count != 2 or returned is None:
        return Outcome(form=f"{found.forward} returned {first.form}, not (out, cache)")
    updated = {
        name: translate(case, _argument(caller, path))
        for name, (path, translate) in d.from_updated.items()
    }
    changed = _inputs(found, given, first.changed)
    partial = Outcome(returned[0], updated=updated, changed=changed, changed_in_forward=changed)
    if found.backward is None or partial.out is None or not d.sends_back(case):
        return partial
    return _backward(found, caller, case, dout, manner, partial, given)


def _backward(
    found: Found,
    caller: Caller,
    case: Case,
    dout: Any,
    manner: str,
    partial: Outcome,
    given: Arguments,
) -> Outcome:
    assert found.backward is not None
    call = Call(found.backward, [dout, Kept("forward", ("returned", 1))], manner=manner)
    answers: list[Answer] = []
    for _ in range(2):  # a cache may be used twice
        answer = caller.call(call)
        if not answer.went_well:
            return replace(partial, failure=Failure.of("backward", answer))
        if not _is_of_gradients(found.dialect, answer):
            wanted = f"{len(found.dialect.gradients)} gradients"
            return replace(partial, form=f"{found.backward} returned {answer.form}, not {wanted}")
        answers.append(answer)
    first, again = (_gradients(found.dialect, case, answer.returned) for answer in answers)
    changed = partial.changed + _inputs(found, given, answers[0].changed)
    return replace(
        partial,
        gradients=first,
        again=again,
        changed=tuple(dict.fromkeys(changed)),
        shared=answers[0].shared,
    )


def parts_of(answer: Answer, n: int) -> list[Any] | None:
    """Give the parts that were asked for; None where another number came."""
    returned = answer.returned
    return returned if isinstance(returned, list) and len(returned) == n else None


def _argument(caller: Caller, path: tuple[int | str, ...]) -> Any:
    position, *rest = path
    where = "keywords" if isinstance(position, str) else "arguments"
    kept = Kept("forward", (where, position))
    answer = caller.call(Call("=", [kept], send=(tuple(rest),)))
    returned = parts_of(answer, 1) if answer.went_well else None
    return None if returned is None else returned[0]


def _is_of_gradients(d: Dialect, answer: Answer) -> bool:
    """Tell whether there is one thing for each gradient."""
    wanted, returned = len(d.gradients), answer.returned
    if _is_of_a_list(d):
        return True
    if not isinstance(returned, list | tuple):
        return wanted == 1
    return len(returned) == wanted


def _is_of_a_list(d: Dialect) -> bool:
    """Tell whether the one gradient is a list of arrays, as the input is."""
    return any(i.kind is Kind.SEQUENCE for i in row_of(d.op).inputs)


def _gradients(d: Dialect, case: Case, returned: Any) -> dict[str, Any]:
    one = _is_of_a_list(d) or not isinstance(returned, list | tuple)
    many = [returned] if one else returned
    return {
        name: d.from_gradient.get(name, same)(case, value)
        for name, value in zip(d.gradients, many, strict=True)
    }


def _inputs(found: Found, given: Arguments, changed: Sequence[str]) -> tuple[str, ...]:
    """Name the inputs that stood where it was written to."""
    names = {f"{found.forward}:{position}": name for name, position in given.names.items()}
    names[f"{found.backward}:0"] = "dout"
    return tuple(dict.fromkeys(names[c] for c in changed if c in names))


def _loss(found: Found, caller: Caller, case: Case, dout: Any, manner: str) -> Outcome:
    """``loss(x, y) -> (loss, dx)``."""
    d = found.dialect
    given = d.arguments(case)
    answer = caller.call(Call(found.forward, given.positional, given.keywords, manner=manner))
    if not answer.went_well:
        return Outcome(failure=Failure.of("forward", answer))
    if not isinstance(answer.returned, list | tuple) or len(answer.returned) != 2:
        return Outcome(form=f"{found.forward} returned {answer.form}, not (loss, dx)")
    loss, dx = answer.returned
    gradients = {d.gradients[0]: dx * np.float64(dout) if isinstance(dx, np.ndarray) else dx}
    return Outcome(loss, gradients, gradients, changed=_inputs(found, given, answer.changed))


_RUN: dict[str, Passes] = {
    "course": _two_functions,
    "cnnpy": _two_functions,
    "loss": _loss,
}
