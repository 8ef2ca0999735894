"""The words of classes: which parameter of a constructor is what, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cnnpy.check.case import Case
from cnnpy.check.dialects.course import with_its_mask
from cnnpy.check.dialects.dialect import Arguments, as_number
from cnnpy.check.fence.offered import Offered
from cnnpy.check.rows import row_of
from cnnpy.check.window import Window, window_of
from cnnpy.contract.shapes import as_pair

__all__ = ["FORMS", "WORDS", "Words", "plain"]


def plain(name: str) -> str:
    """Write a name without what people write differently: ``in_channels=``, ``InChannels``."""
    return name.rstrip("=").lower().replace("_", "")


_TURNED, _KEEPS, _LATE = "w of shape (D, M)", "p keeps", "scales in inference"
_OF_LATE = "it scales in inference as the paper of dropout does; most scale in training"
FORMS = {
    "linear": (_TURNED, ""),
    "dropout": ("", _KEEPS, _LATE, f"{_KEEPS}, {_LATE}"),
}
"""Ops with several forms in use; w of shape (M, D) and p that drops need no word."""


_NAMED = {
    "x": "x input inputs data",
    "w": "w weight weights kernel kernels filter filters",
    "b": "b bias biases",
    "gamma": "gamma weight scale g",
    "beta": "beta bias shift b",
    "running_mean": "runningmean movingmean",
    "running_var": "runningvar movingvar runningvariance movingvariance",
    "target": "t y target targets label labels ytrue",
    "stride": "stride strides s",
    "padding": "pad padding p pads",
    "dilation": "dilation",
    "groups": "groups",
    "kernel": "kernelsize ksize k poolsize filtersize windowsize size f kernel",
    "rows": "poolh poolheight kernelh kernelheight filterh hh kh fh ph",
    "columns": "poolw poolwidth kernelw kernelwidth filterw ww kw fw pw",
    "inputs": "inchannels inchannel inputchannels nin cin c infeatures inputsize inputdim "
    "indim channels numchannels numfeatures nfeatures insize",
    "outputs": "outchannels outchannel outputchannels nout cout outfeatures outputsize "
    "outputdim outdim numfilters nfilters filtersnum filternum f n outsize units",
    "eps": "eps epsilon",
    "momentum": "momentum",
    "drops": "dropoutratio dropoutrate droprate p rate ratio",
    "keeps": "keepprob keep",
    "train": "trainflg train training istrain istraining trainflag",
}
WORDS = {role: tuple(words.split()) for role, words in _NAMED.items()}

_ROLES: Mapping[str, tuple[str, ...]] = {
    # op: what its constructor may be given, first those whose words are others' too
    "conv2d": ("w", "b", "stride", "padding", "dilation", "groups", "kernel", "inputs", "outputs"),
    "max_pool2d": ("rows", "columns", "kernel", "stride", "padding"),
    "avg_pool2d": ("rows", "columns", "kernel", "stride", "padding"),
    "linear": ("w", "b", "inputs", "outputs"),
    "batch_norm": (
        "gamma",
        "beta",
        "running_mean",
        "running_var",
        "eps",
        "momentum",
        "inputs",
    ),
    "dropout": ("drops", "keeps"),
}

_WITHOUT: Mapping[str, Callable[[Case], bool]] = {
    # what a case must be for a class that cannot be told otherwise
    "stride": lambda case: _window(case).stride == _stride_unsaid(case),
    "padding": lambda case: _window(case).padding == (0, 0),
    "dilation": lambda case: as_pair(case.options["dilation"]) == (1, 1),
    "groups": lambda case: bool(case.options["groups"] == 1),
}


def _window(case: Case) -> Window:
    window = window_of(case)
    assert window is not None
    return window


def _stride_unsaid(case: Case) -> tuple[int, int]:
    return (1, 1) if case.op == "conv2d" else _window(case).size


_VALUES: Mapping[str, Callable[[Case], Any]] = {
    "stride": lambda case: as_number(_window(case).stride),
    "padding": lambda case: as_number(_window(case).padding),
    "dilation": lambda case: as_number(as_pair(case.options["dilation"])),
    "groups": lambda case: case.options["groups"],
    "kernel": lambda case: as_number(_window(case).size),
    "rows": lambda case: _window(case).size[0],
    "columns": lambda case: _window(case).size[1],
    "inputs": lambda case: case.arrays["x"].shape[1],
    "outputs": lambda case: len(case.arrays["w"]),
    "eps": lambda case: case.options["eps"],
    "momentum": lambda case: case.options["momentum"],
    "drops": lambda case: case.options["p"],
    "keeps": lambda case: 1 - case.options["p"],
}


class Words:
    """The words of one class: which of its parameters is what.

    Parameters
    ----------
    op : str
        A name of ``OPS``.
    offered : Offered
        The class.
    form : str
        One of those that the op has.
    """

    def __init__(self, op: str, offered: Offered, form: str) -> None:
        self.op, self.form = op, form
        self.eps: float | None = None  # of a class that cannot be told, once it shows
        self.built = _roles(offered.methods.get("__init__", ()), _ROLES.get(op, ()))
        self.forward = _roles(offered.methods.get("forward", ()), ("x", "target", "train"))
        asked = offered.methods.get("backward", ())
        # a loss needs no gradient of its own, and may have a default for it
        self.wants_dout = op != "softmax_cross_entropy" or any(not p.endswith("=") for p in asked)
        inputs = row_of(op).inputs
        self.weights = [i.name for i in inputs if i.gradient and i.name != "x"]
        self.unknown = [
            name
            for name in offered.methods.get("__init__", ())
            if not name.endswith("=") and name not in self.built.values()
        ]

    @property
    def remark(self) -> str | None:
        """Say what the reader should know of the form."""
        return _OF_LATE if _LATE in self.form else None

    def array(self, case: Case, name: str) -> Any:
        """Give an array as the class has it."""
        value = case.arrays[name]
        return np.ascontiguousarray(value.T) if name == "w" and self.form == _TURNED else value

    def output(self, case: Case, value: Any) -> Any:
        """Bring an output, or the gradient of x, into the terms of the op."""
        if _LATE in self.form and isinstance(value, np.ndarray):
            return value / value.dtype.type(1 - case.options["p"])
        return value

    def gradient(self, case: Case, name: str, value: Any) -> Any:
        """Bring a gradient of the class into the terms of the op."""
        if name == "x":
            return self.output(case, value)
        is_array = isinstance(value, np.ndarray)
        return value.T if name == "w" and self.form == _TURNED and is_array else value

    def takes(self, case: Case) -> bool:
        """Tell whether the class can be told of a case."""
        if any(case.arrays[name] is None for name in self.weights) or case.arrays["x"].size == 0:
            return False
        return self._can_be_told(case) and self._can_be_called(case)

    def _can_be_told(self, case: Case) -> bool:
        window = window_of(case)
        if window is not None:
            if len(set(window.stride)) > 1 or len(set(window.padding)) > 1:
                return False
            sized = "w" not in self.built and not {"rows", "columns"} <= set(self.built)
            if sized and window.size[0] != window.size[1]:
                return False
        unsaid = [role for role in _ROLES.get(self.op, ()) if role not in self.built]
        return all(_WITHOUT[role](case) for role in unsaid if role in _WITHOUT)

    def _can_be_called(self, case: Case) -> bool:
        arrays = case.arrays
        if self.op == "softmax_cross_entropy":
            labels = arrays["target"].dtype.kind in "iu"
            return labels and case.options["label_smoothing"] == 0.0 and arrays["x"].ndim == 2
        if self.op == "linear":
            return bool(arrays["x"].ndim == 2)
        trains = _trains(case) or "train" in self.forward
        if self.op == "batch_norm":
            told = {"running_mean", "running_var"} <= set(self.built)
            return trains and (told or arrays["running_mean"] is None)
        if self.op == "dropout":
            return trains and bool((arrays["x"] != 0).all()) and case.options["p"] < 1
        return bool(arrays["x"].ndim > 0)

    def sends_back(self, case: Case) -> bool:
        """Tell whether backward is promised: not in inference, where there is another forward."""
        return _trains(case)

    def arguments(self, case: Case) -> Arguments:
        """Give what the class is built with, and what forward is called with."""
        built = {name: self._value(role, case) for role, name in self.built.items()}
        given: list[Any] = [case.arrays["x"]]
        names = {"x": "1"}  # behind the object itself
        if "target" in self.forward:
            given.append(case.arrays["target"].astype(np.int64))
            names["target"] = "2"
        more = {self.forward["train"]: _trains(case)} if "train" in self.forward else {}
        return Arguments(given, more, names, built, self.wants_dout)

    def decides(self, case: Case, out: Any) -> Case:
        """Give the case with what is up to the class: a mask, an eps that it cannot be told."""
        if case.op == "dropout":
            return with_its_mask(case, out)
        if case.op == "batch_norm" and "eps" not in self.built:
            if self.eps is None:
                self.eps = _eps_of(case, out)
            eps = case.options["eps"] if self.eps is None else self.eps
            return Case(case.op, case.arrays, {**case.options, "eps": eps})
        return case

    def _value(self, role: str, case: Case) -> Any:
        if _KEEPS in self.form and role == "drops":
            role = "keeps"
        return _VALUES[role](case) if role in _VALUES else self.array(case, role)


def _roles(parameters: Sequence[str], roles: Sequence[str]) -> dict[str, str]:
    """Give, by role, the parameter of that name; each parameter has one role."""
    found: dict[str, str] = {}
    for parameter in parameters:
        for role in roles:
            if role not in found and plain(parameter) in WORDS[role]:
                found[role] = parameter.rstrip("=")
                break
    return found


def _trains(case: Case) -> bool:
    if case.op == "dropout":
        return case.arrays["mask"] is not None
    return bool(case.options.get("train", True))


_EPS = (1e-5, 1e-3, 1e-4, 1e-6, 1e-7, 1e-8, 1e-12, 0.0)


def _eps_of(case: Case, out: Any) -> float | None:
    """Find, of those that are in use, the eps with which the output is right."""
    if not isinstance(out, np.ndarray) or out.shape != case.arrays["x"].shape:
        return None
    plain = case.cast(np.float64)

    def distance(eps: float) -> float:
        other = Case(case.op, plain.map(np.copy).arrays, {**case.options, "eps": eps})
        want, _ = row_of(case.op).forward(*other.positional(), **other.keywords())
        return float(np.abs(out - want).max())

    with np.errstate(all="ignore"):
        nearest = min(_EPS, key=distance)
        return nearest if distance(nearest) < 1e-10 * np.abs(out).max(initial=1.0) else None
