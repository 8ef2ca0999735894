"""Functions called as those of torch.nn.functional: the output alone, options by name.

Such a function takes arrays, and then it has no backward pass to be judged; or tensors of
PyTorch, and then autograd is its backward pass. Where both may be, both are tried. An
option is handed over where it is not what PyTorch takes by default, so that a function
that lacks ``dilation`` is judged on what it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cnnpy.check.case import MIXED, WHOLE_NUMBERS, Case
from cnnpy.check.dialects.course import with_its_mask
from cnnpy.check.dialects.dialect import (
    Arguments,
    Dialect,
    Found,
    as_given,
    as_number,
    parts_of,
    same,
)
from cnnpy.check.fence.offered import Offered
from cnnpy.check.fence.session import Call, Kept
from cnnpy.check.outcome import Caller, Failure, Outcome
from cnnpy.check.rows import row_of
from cnnpy.check.window import window_of
from cnnpy.contract.shapes import as_pair

__all__ = ["TORCH_NAMES", "of_functions"]


def _plain(*inputs: str, **options: str) -> Callable[[Case], Arguments]:
    """Stand inputs in a row, and name options as PyTorch does."""

    def arguments(case: Case) -> Arguments:
        given = [case.arrays[name] for name in inputs]
        more = {theirs: as_number(case.options[ours]) for ours, theirs in options.items()}
        unlike = {k: v for k, v in more.items() if k not in _DEFAULTS or v != _DEFAULTS[k]}
        return Arguments(given, unlike, {name: str(k) for k, name in enumerate(inputs)})

    return arguments


_DEFAULTS: Mapping[str, Any] = {
    "stride": 1,
    "padding": 0,
    "output_padding": 0,
    "dilation": 1,
    "groups": 1,
    "count_include_pad": True,
    "negative_slope": 0.01,
    "approximate": "none",
    "label_smoothing": 0.0,
}


def _conv(*options: str) -> Callable[[Case], Arguments]:
    names = ("stride", "padding", *options, "dilation", "groups")
    return _plain("x", "w", "b", **{name: name for name in names})


def _pool(*options: str) -> Callable[[Case], Arguments]:
    def arguments(case: Case) -> Arguments:
        o = case.options
        more = {name: as_number(o[name]) for name in ("padding", *options)}
        unlike = {k: v for k, v in more.items() if v != _DEFAULTS[k]}
        if o["stride"] is not None:  # by default it is the window, as ours
            unlike["stride"] = as_number(o["stride"])
        return Arguments([case.arrays["x"], o["kernel_size"]], unlike, {"x": "0"})

    return arguments


def _batch_norm(case: Case) -> Arguments:
    a, o = case.arrays, case.options
    more = {
        "running_mean": a["running_mean"],
        "running_var": a["running_var"],
        "weight": a["gamma"],
        "bias": a["beta"],
        "training": o["train"],
        "momentum": o["momentum"],
        "eps": o["eps"],
    }
    return Arguments([a["x"]], more, {"x": "0", "gamma": "weight", "beta": "bias"})


def _layer_norm(case: Case) -> Arguments:
    a = case.arrays
    shape = a["x"].shape[case.options["axis"] :]
    names = {"x": "0", "gamma": "2", "beta": "3"}
    return Arguments([a["x"], shape, a["gamma"], a["beta"]], {"eps": case.options["eps"]}, names)


def _group_norm(case: Case) -> Arguments:
    a, o = case.arrays, case.options
    names = {"x": "0", "gamma": "2", "beta": "3"}
    return Arguments([a["x"], o["groups"], a["gamma"], a["beta"]], {"eps": o["eps"]}, names)


def _dropout(case: Case) -> Arguments:
    more = {"p": case.options["p"], "training": case.arrays["mask"] is not None}
    return Arguments([case.arrays["x"]], more, {"x": "0"})


def _loss(case: Case) -> Arguments:
    x, target = case.arrays["x"], case.arrays["target"]
    classes = target.astype(np.int64) if target.dtype.kind in "iu" else target
    smoothing = case.options["label_smoothing"]
    more = {"label_smoothing": smoothing} if smoothing else {}
    return Arguments([x, classes], more, {"x": "0", "target": "1"})


_ARGUMENTS: Mapping[str, tuple[str, Callable[[Case], Arguments]]] = {
    # PyTorch's name: our op, and how it is called
    "conv2d": ("conv2d", _conv()),
    "conv_transpose2d": ("conv_transpose2d", _conv("output_padding")),
    "max_pool2d": ("max_pool2d", _pool()),
    "avg_pool2d": ("avg_pool2d", _pool("count_include_pad")),
    "linear": ("linear", _plain("x", "w", "b")),
    "relu": ("relu", _plain("x")),
    "relu6": ("relu6", _plain("x")),
    "leaky_relu": ("leaky_relu", _plain("x", negative_slope="negative_slope")),
    "sigmoid": ("sigmoid", _plain("x")),
    "tanh": ("tanh", _plain("x")),
    "gelu": ("gelu", _plain("x", approximate="approximate")),
    "silu": ("silu", _plain("x")),
    "hardswish": ("hard_swish", _plain("x")),
    "softmax": ("softmax", _plain("x", axis="dim")),
    "log_softmax": ("log_softmax", _plain("x", axis="dim")),
    "cross_entropy": ("softmax_cross_entropy", _loss),
    "mse_loss": ("mean_squared_error", _plain("x", "target")),
    "batch_norm": ("batch_norm", _batch_norm),
    "layer_norm": ("layer_norm", _layer_norm),
    "group_norm": ("group_norm", _group_norm),
    "dropout": ("dropout", _dropout),
}

TORCH_NAMES = tuple(_ARGUMENTS)
"""The names of functions that are looked for."""


def of_functions(
    functions: Mapping[str, Offered], known_as: Mapping[str, str] | None = None
) -> list[Found]:
    """Find functions that are called as PyTorch's.

    Parameters
    ----------
    functions : mapping
        By name, what there is.
    known_as : mapping, optional
        Of a function, the name by which it is to be known.

    Returns
    -------
    list of Found
        In the order of the names that are looked for.

    Examples
    --------
    >>> [f.dialect.op for f in of_functions({"cross_entropy": Offered("layers")})]
    ['softmax_cross_entropy']
    """
    found = []
    for name, offered in functions.items():
        known = (known_as or {}).get(name, name)
        ours = offered.module.split(".")[0] == "cnnpy"  # whose passes are looked for by name
        if known in _ARGUMENTS and not offered.methods and not ours:
            found.append((TORCH_NAMES.index(known), _found(name, known, offered)))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def _found(name: str, known: str, offered: Offered) -> Found:
    op, arguments = _ARGUMENTS[known]
    row = row_of(op)
    alone = Dialect(
        op,
        op,
        "function",
        (name,),
        ("",),
        lambda case: _without_the_last_axis(case, arguments(case)),
        row.gradients,
        _takes,
        _is_at_the_edge,
        decides=with_its_mask if op == "dropout" else as_given,
        from_updated={i.name: ((i.name,), same) for i in row.keyword if op == "batch_norm"},
        passes=_forward_alone,
    )
    forms = [alone]
    if offered.tensors:
        forms.insert(0, replace(alone, manner="tensors", arguments=arguments, passes=_with_tensors))
    return Found(forms[0], name, None, tuple(forms[1:]), {name: offered.module})


def _is_the_last(case: Case) -> bool:
    axis = case.options.get("axis", -1)
    return axis in (-1, case.arrays["x"].ndim - 1)


def _without_the_last_axis(case: Case, given: Arguments) -> Arguments:
    """Leave out the axis of softmax where it is the last: most functions have no other."""
    if not _is_the_last(case):
        return given
    return replace(given, keywords={k: v for k, v in given.keywords.items() if k != "dim"})


def _takes(case: Case) -> bool:
    x = case.arrays.get("x")
    if not isinstance(x, np.ndarray) or x.size == 0 or x.ndim == 0:
        return False
    if case.op == "dropout":
        return bool((x != 0).all()) and case.options["p"] < 1
    return case.op != "layer_norm" or case.options["axis"] < 0


def _is_at_the_edge(case: Case) -> bool:
    """Tell whether a function may refuse: options that few have, a border over half a window."""
    pairs = (as_pair(case.options.get(n) or 1) for n in ("stride", "padding", "output_padding"))
    if any(rows != columns for rows, columns in pairs) or not _is_the_last(case):
        return True
    o, window = case.options, window_of(case)
    if as_pair(o.get("dilation", 1)) != (1, 1) or o.get("groups", 1) != 1:
        return True
    if "kernel_size" not in o or window is None:
        return False
    return any(2 * p > k for p, k in zip(window.padding, window.size, strict=True))


def _forward_alone(found: Found, caller: Caller, case: Case, dout: Any, manner: str) -> Outcome:
    """``out = function(...)``: there is no other pass."""
    given = found.dialect.arguments(case)
    call = Call(found.forward, given.positional, given.keywords, keep="forward", manner=manner)
    answer = caller.call(call)
    if not answer.went_well:
        return Outcome(failure=Failure.of("forward", answer))
    updated = _updated(found, caller)
    changed = _changed(given, answer.changed, 0)
    return Outcome(answer.returned, updated=updated, changed=changed)


def _with_tensors(found: Found, caller: Caller, case: Case, dout: Any, manner: str) -> Outcome:
    """Forward with tensors, and backward by autograd."""
    given = found.dialect.arguments(case)
    tracked = [_place(given.names[name]) for name in found.dialect.gradients]
    call = Call(
        f"~{found.forward}",
        [tracked, *given.positional],
        given.keywords,
        keep="forward",
        send=((0,),),
        manner="contiguous" if manner in (WHOLE_NUMBERS, MIXED) else manner,  # it refuses them
    )
    answer = caller.call(call)
    if not answer.went_well:
        return Outcome(failure=Failure.of("forward", answer))
    parts = parts_of(answer, 1)
    out = None if parts is None else parts[0]
    updated = _updated(found, caller)
    partial = Outcome(out, updated=updated, changed=_changed(given, answer.changed, 1))
    rounds = []
    for _ in range(2):
        answer = caller.call(Call("~", [dout, Kept("forward", ("returned", 1))]))
        if not answer.went_well:
            return replace(partial, failure=Failure.of("backward", answer))
        rounds.append(_by_name(found, answer.returned))
    return replace(partial, gradients=rounds[0], again=rounds[1])


def _by_name(found: Found, returned: Any) -> dict[str, Any]:
    names = found.dialect.gradients
    fits = isinstance(returned, list) and len(returned) == len(names)
    return dict(zip(names, returned if fits else [None] * len(names), strict=True))


def _place(written: str) -> int | str:
    return int(written) if written.isdigit() else written


def _updated(found: Found, caller: Caller) -> dict[str, Any]:
    updated = {}
    for name, (path, _) in found.dialect.from_updated.items():
        kept = Kept("forward", ("keywords", *path))
        answer = caller.call(Call("=", [kept]))
        updated[name] = answer.returned if answer.went_well else None
    return updated


def _changed(given: Arguments, changed: Sequence[str], behind: int) -> tuple[str, ...]:
    """Name the inputs that were written to, which stand behind some arguments of ours."""
    places = {name: _place(written) for name, written in given.names.items()}
    names = {str(p + behind if isinstance(p, int) else p): name for name, p in places.items()}
    inputs = (names.get(c.rpartition(":")[2], "") for c in changed)
    return tuple(dict.fromkeys(n for n in inputs if n))
