"""Modules of PyTorch: built from sizes, filled with weights, called, and sent back by autograd."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cnnpy.check.case import MIXED, WHOLE_NUMBERS, Case
from cnnpy.check.dialects.class_words import FORMS, WORDS, Words, plain
from cnnpy.check.dialects.dialect import Dialect, Found, parts_of
from cnnpy.check.fence.offered import Offered
from cnnpy.check.fence.session import Answer, Call, Kept
from cnnpy.check.outcome import Caller, Failure, Outcome
from cnnpy.check.rows import row_of
from cnnpy.contract.opspec import Kind

__all__ = ["module_of"]

_LAYER = Kept("layer", ("returned",))


def module_of(name: str, op: str, offered: Offered) -> Found:
    """Describe how a module is called.

    Parameters
    ----------
    name : str
        Its class.
    op : str
        The op that it computes.
    offered : Offered
        What is known of it.

    Returns
    -------
    Found
        With one dialect for each form that the op has.
    """
    forms = [_dialect(name, op, offered, form) for form in FORMS.get(op, ("",))]
    way = f"{name}.forward"
    return Found(forms[0], way, None, others=tuple(forms[1:]), modules={name: offered.module})


def _dialect(name: str, op: str, offered: Offered, form: str) -> Dialect:
    words = Words(op, offered, form)
    return Dialect(
        op,
        op,
        "module",
        (f"{name}.forward",),
        ("",),
        words.arguments,
        row_of(op).gradients,
        lambda case: words.takes(_unknown_to_it(case)),
        sends_back=words.sends_back,
        decides=lambda case, out: words.decides(_unknown_to_it(case), out),
        passes=_Passes(name, words),
        remark=_NOT_ASKED if op == "batch_norm" else words.remark,
    )


_NOT_ASKED = "its running statistics and its test mode were not looked at"


def _unknown_to_it(case: Case) -> Case:
    """Leave out what a module keeps for itself: the running statistics."""
    kept = {i.name for i in row_of(case.op).inputs if i.kind is Kind.UPDATED}
    return Case(
        case.op, {n: None if n in kept else a for n, a in case.arrays.items()}, case.options
    )


class _FailedError(Exception):
    def __init__(self, where: str, answer: Answer) -> None:
        super().__init__(where)
        self.failure = Failure.of(where, answer)


class _Passes:
    """Builds a module, fills it, and runs both passes."""

    def __init__(self, name: str, words: Words) -> None:
        self.name, self.words = name, words

    def __call__(self, found: Found, caller: Caller, case: Case, dout: Any, manner: str) -> Outcome:
        try:
            return self._run(caller, case, dout, manner)
        except _FailedError as error:
            return Outcome(failure=error.failure)

    def _run(self, caller: Caller, case: Case, dout: Any, manner: str) -> Outcome:
        words, given = self.words, self.words.arguments(case)
        if words.unknown:
            unknown = ", ".join(words.unknown)
            return Outcome(form=f"{self.name}({unknown}) takes what is not known here")
        _asked(caller, "forward", Call(self.name, [], given.built, keep="layer", send=()))
        own = _asked(caller, "forward", Call("~parameters", [_LAYER])).returned
        names = self._names(case, own if isinstance(own, dict) else {})
        missing = [name for name in words.weights if name not in names]
        if missing:
            return Outcome(form=f"{self.name} has no parameter for {', '.join(missing)}")
        values = {names[name]: words.array(case, name) for name in words.weights}
        dtype = np.asarray(case.arrays["x"]).dtype.name
        _asked(caller, "forward", Call("~fill", [_LAYER, values, dtype]))
        tracked = [names[name] for name in words.weights]
        call = Call(
            "~module",
            [_LAYER, tracked, *given.positional],
            keep="forward",
            send=((0,),),
            manner="contiguous" if manner in (WHOLE_NUMBERS, MIXED) else manner,
        )
        answer = _asked(caller, "forward", call)
        parts = parts_of(answer, 1)
        out = words.output(case, None if parts is None else parts[0])
        changed = ("x",) if "~module:2" in answer.changed else ()
        partial = Outcome(out, changed=changed, changed_in_forward=changed)
        if out is None or not words.sends_back(case):
            return partial
        try:
            rounds = [self._sent_back(caller, case, dout) for _ in range(2)]
        except _FailedError as error:
            return replace(partial, failure=error.failure)
        return replace(partial, gradients=rounds[0], again=rounds[1])

    def _names(self, case: Case, own: Mapping[str, Any]) -> dict[str, str]:
        """Find the parameter of each weight, by the last part of its name and its shape."""
        found: dict[str, str] = {}
        for weight in self.words.weights:
            shape = np.shape(self.words.array(case, weight))
            for word in WORDS[weight]:
                called = [n for n in own if plain(n.rpartition(".")[2]) == word]
                fits = [n for n in called if np.shape(own[n]) == shape]
                if len(fits) == 1:
                    found.setdefault(weight, fits[0])
        return found

    def _sent_back(self, caller: Caller, case: Case, dout: Any) -> dict[str, Any]:
        call = Call("~", [dout, Kept("forward", ("returned", 1))])
        returned = _asked(caller, "backward", call).returned
        names = ["x", *self.words.weights]
        fits = isinstance(returned, list) and len(returned) == len(names)
        values = returned if fits else [None] * len(names)
        return {
            name: self.words.gradient(case, name, value)
            for name, value in zip(names, values, strict=True)
        }


def _asked(caller: Caller, where: str, call: Call) -> Answer:
    answer = caller.call(call)
    if not answer.went_well:
        raise _FailedError(where, answer)
    return answer
