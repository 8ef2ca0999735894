"""Classes with forward and backward: how they are built, filled, called and asked.

Such classes agree on little but those two names. So their words are looked up: a
parameter of the constructor that is called ``W``, ``weight`` or ``filters`` is given the
weights, one that is called ``pad`` or ``padding`` the padding, and so on. A class that
makes its own weights from sizes gets ours put in their place, in the shape that it gave
them. Gradients are what backward returns, or attributes that are called after the weights:
``dW``, ``grad_W``, ``grads["W"]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cnnpy.check.case import Case
from cnnpy.check.dialects.class_words import FORMS, WORDS, Words, plain
from cnnpy.check.dialects.dialect import Dialect, Found, parts_of, same
from cnnpy.check.dialects.modules import module_of
from cnnpy.check.fence.offered import Offered
from cnnpy.check.fence.session import Answer, Call, Kept
from cnnpy.check.outcome import Caller, Failure, Outcome
from cnnpy.check.rows import row_of
from cnnpy.contract.opspec import Kind

__all__ = ["CLASSES", "of_classes"]

_CALLED: Mapping[str, str] = {
    "conv2d": "Convolution Convolution2D Conv Conv2D ConvLayer",
    "max_pool2d": "MaxPool MaxPool2D MaxPooling MaxPooling2D Pooling Pool",
    "avg_pool2d": "AvgPool AvgPool2D AveragePooling AveragePooling2D MeanPool MeanPooling",
    "linear": "Affine Linear Dense FullyConnected FC",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softmax_cross_entropy": "SoftmaxWithLoss SoftmaxCrossEntropy SoftmaxCrossEntropyLoss "
    "CrossEntropyLoss",
    "batch_norm": "BatchNormalization BatchNorm BatchNorm1D BatchNorm2D",
    "dropout": "Dropout",
}
"""By op, what classes are called, in whatever case they are written."""

CLASSES = tuple(name for names in _CALLED.values() for name in names.split())
"""The names of classes that are looked for."""

_OP_OF = {plain(name): op for op, names in _CALLED.items() for name in names.split()}


def _op_of(name: str) -> str | None:
    written = plain(name)
    return _OP_OF.get(written) or _OP_OF.get(written.removesuffix("layer"))


def of_classes(
    classes: Mapping[str, Offered], known_as: Mapping[str, str] | None = None
) -> list[Found]:
    """Find the layers among some classes.

    Parameters
    ----------
    classes : mapping
        By name, classes with forward and backward, and modules of PyTorch.
    known_as : mapping, optional
        Of a class, the name by which it is to be known.

    Returns
    -------
    list of Found
        In the order of the names that are looked for.

    Examples
    --------
    >>> methods = {"__init__": ("W", "b"), "forward": ("x",), "backward": ("dout",)}
    >>> [f.forward for f in of_classes({"Affine": Offered("layers", methods)})]
    ['Affine.forward']
    """
    found = []
    for name, offered in classes.items():
        op = _op_of((known_as or {}).get(name, name))
        if op is not None:
            found.append(_found(name, op, offered))
    return sorted(found, key=lambda one: list(_CALLED).index(one.dialect.op))


def _found(name: str, op: str, offered: Offered) -> Found:
    if "backward" not in offered.methods:
        return module_of(name, op, offered)
    forms = [_dialect(name, op, offered, form) for form in FORMS.get(op, ("",))]
    ways = f"{name}.forward", f"{name}.backward"
    return Found(forms[0], *ways, others=tuple(forms[1:]), modules={name: offered.module})


def _dialect(name: str, op: str, offered: Offered, form: str) -> Dialect:
    words = Words(op, offered, form)
    return Dialect(
        op,
        op,
        "class",
        (f"{name}.forward",),
        (f"{name}.backward",),
        words.arguments,
        row_of(op).gradients,
        words.takes,
        sends_back=words.sends_back,
        decides=words.decides,
        from_updated={i.name: ((), same) for i in row_of(op).keyword if i.kind is Kind.UPDATED},
        passes=_Passes(name, words),
        remark=words.remark,
    )


# --- both passes ------------------------------------------------------------------------------


class _FailedError(Exception):
    def __init__(self, where: str, answer: Answer) -> None:
        super().__init__(where)
        self.failure = Failure.of(where, answer)


class _Passes:
    """Builds an object of a class, runs both passes on it, and collects its gradients."""

    def __init__(self, name: str, words: Words) -> None:
        self.name, self.words = name, words

    def __call__(self, found: Found, caller: Caller, case: Case, dout: Any, manner: str) -> Outcome:
        try:
            return self._run(_Asker(caller), case, dout, manner)
        except _FailedError as error:
            return Outcome(failure=error.failure)

    def _run(self, ask: _Asker, case: Case, dout: Any, manner: str) -> Outcome:
        words, given = self.words, self.words.arguments(case)
        if words.unknown:
            unknown = ", ".join(words.unknown)
            return Outcome(form=f"{self.name}({unknown}) takes what is not known here")
        ask("forward", Call(self.name, [], given.built, keep="layer", send=()))
        filled = self._fill(ask, case)
        call = Call(".forward", [_LAYER, *given.positional], given.keywords, manner=manner)
        answer = ask("forward", call)
        out = words.output(case, answer.returned)
        updated = {name: ask.attribute(name) for name in self._updated(case)}
        changed = _inputs(answer.changed, given.names)
        partial = Outcome(out, updated=updated, changed=changed, changed_in_forward=changed)
        if out is None or not words.sends_back(case):
            return partial
        try:
            return self._backward(ask, case, dout, manner, filled, partial)
        except _FailedError as error:
            return replace(partial, failure=error.failure)

    def _updated(self, case: Case) -> list[str]:
        inputs = row_of(case.op).keyword
        return [
            i.name for i in inputs if i.kind is Kind.UPDATED and case.arrays[i.name] is not None
        ]

    def _fill(self, ask: _Asker, case: Case) -> dict[str, tuple[int, ...]]:
        """Put the case's weights in the place of those that the class made; give their shapes."""
        filled = {}
        for name in self.words.weights:
            if name in self.words.built:
                continue
            for attribute in ask.attributes(WORDS[name]):
                there = ask("forward", Call(f"@{attribute}", [_LAYER])).returned
                fits = _in_the_shape_of(self.words.array(case, name), there)
                if fits is not None:
                    ask("forward", Call(f"@{attribute}", [_LAYER, fits]))
                    filled[name] = fits.shape
                    break
        return filled

    def _backward(
        self,
        ask: _Asker,
        case: Case,
        dout: Any,
        manner: str,
        filled: Mapping[str, tuple[int, ...]],
        partial: Outcome,
    ) -> Outcome:
        rounds, answers = [], []
        given = self.words.arguments(case)
        sent = [dout] if given.dout else []
        for _ in range(2):  # it may be called twice
            answer = ask("backward", Call(".backward", [_LAYER, *sent], manner=manner))
            answers.append(answer)
            gradients = self._gradients(ask, answer)
            if gradients is None:
                wanted = f"{1 + len(self.words.weights)} gradients, or dx"
                form = f"{self.name}.backward returned {answer.form}, not {wanted}"
                return replace(partial, form=form)
            rounds.append(
                {
                    name: self.words.gradient(case, name, _in_our_shape(case, name, value, filled))
                    for name, value in gradients.items()
                }
            )
        changed = partial.changed + _inputs(answers[0].changed, given.names)
        return replace(
            partial,
            gradients=rounds[0],
            again=rounds[1],
            changed=tuple(dict.fromkeys(changed)),
            shared=answers[0].shared,
        )

    def _gradients(self, ask: _Asker, answer: Answer) -> dict[str, Any] | None:
        names = ["x", *self.words.weights]
        returned = answer.returned
        if isinstance(returned, list | tuple):
            if len(returned) != len(names):
                return None
            return dict(zip(names, returned, strict=True))
        return {"x": returned} | {n: ask.gradient(n) for n in self.words.weights}


_LAYER = Kept("layer", ("returned",))


class _Asker:
    """Asks for what an object has, whatever it calls it."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def __call__(self, where: str, call: Call) -> Answer:
        answer = self.caller.call(call)
        if not answer.went_well:
            raise _FailedError(where, answer)
        return answer

    def attributes(self, words: Sequence[str]) -> list[str]:
        """List the attributes that are called by one of some words."""
        names = self("forward", Call("@", [_LAYER])).returned
        if not isinstance(names, list):
            return []
        by_word = {plain(str(name)): str(name) for name in names}
        return [by_word[word] for word in words if word in by_word]

    def attribute(self, name: str) -> Any:
        """Give the attribute that is called like an input; None where there is none."""
        for attribute in self.attributes(WORDS[name]):
            return self("forward", Call(f"@{attribute}", [_LAYER])).returned
        return None

    def gradient(self, name: str) -> Any:
        """Give the gradient of a weight: an attribute, or an entry of one."""
        words = [plain(w) for w in WORDS[name]]
        called = [form.format(word) for word in words for form in ("d{}", "grad{}", "{}grad")]
        for attribute in self.attributes(called):
            return self("backward", Call(f"@{attribute}", [_LAYER])).returned
        for attribute in self.attributes(("grads", "gradients", "grad")):
            keys = [key for word in _KEYS[name] for key in (word, f"d{word}")]
            at = [0 if name in ("w", "gamma") else 1, *keys]
            call = Call(f"@{attribute}", [_LAYER], send=tuple((key,) for key in at))
            parts = parts_of(self("backward", call), len(at)) or []
            for part in parts:
                if part is not None:
                    return part
        return None


_KEYS = {"w": ("W", "w", "weight"), "b": ("b", "bias"), "gamma": ("gamma",), "beta": ("beta",)}


def _in_the_shape_of(array: Any, there: Any) -> Any:
    """Bring weights into the shape that a class has given them; None where they do not fit."""
    if not isinstance(there, np.ndarray) or there.size != array.size:
        return None
    if there.shape == array.shape:
        return array
    return array.reshape(there.shape) if max(there.shape) == there.size else None


def _in_our_shape(
    case: Case, name: str, gradient: Any, filled: Mapping[str, tuple[int, ...]]
) -> Any:
    """Bring the gradient of weights that a class has in a shape of its own into the case's."""
    is_theirs = name in filled and np.shape(gradient) == filled[name]
    flat = is_theirs and max(filled[name]) == np.size(gradient)
    return gradient.reshape(case.arrays[name].shape) if flat else gradient


def _inputs(changed: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...]:
    """Name the inputs that stood where it was written to."""
    called = {f".forward:{at}": name for name, at in names.items()} | {".backward:1": "dout"}
    return tuple(dict.fromkeys(called[c] for c in changed if c in called))
