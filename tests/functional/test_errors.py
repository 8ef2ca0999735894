"""What is said of wrong input, word for word: given, expected, to mend.

``errors.txt`` holds the calls and their texts, as a user would see them. The third
line is taken at its word too: where it names what to use, using it mends the call.
"""

from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnpy
from cnnpy import contract
from cnnpy import functional as F
from cnnpy.backends import registry
from cnnpy.contract import OPS, CnnpyError

every_backend = pytest.mark.parametrize("backend", list(registry.BACKENDS))


def z(*shape: int, dtype: Any = np.float64) -> Any:
    """Zeros: where shapes and dtypes are wrong, values do not matter."""
    return np.zeros(shape, dtype=dtype)


def frozen(*shape: int) -> Any:
    array = np.zeros(shape)
    array.flags.writeable = False
    return array


NAMES = {
    "np": np,
    "z": z,
    "frozen": frozen,
    "X": z(2, 3, 8, 8),
    "W": z(4, 3, 3, 3),
    "B": z(4),
    "S": z(4, 10),
    "T": np.arange(4),
}
ROWS = [
    tuple(row.split("\n", 1))
    for row in (Path(__file__).parent / "errors.txt").read_text().strip().split("\n\n")
]


def read(call: str) -> tuple[str, dict[str, Any]]:
    """Read a call of the table: the op, and everything by name."""
    op = call.partition("(")[0]
    return op, eval(call, {**NAMES, op: dict})


def run(op: str, given: dict[str, Any]) -> Any:
    """Call the forward pass, inputs by position and options by name."""
    given = dict(given)
    row = OPS[op]
    inputs = [given.pop(i.name, None) for i in row.positional]
    while inputs and inputs[-1] is None and row.positional[len(inputs) - 1].kind.name != "ARRAY":
        inputs.pop()
    return getattr(F, f"{op}_forward")(*inputs, **given)


@every_backend
@pytest.mark.parametrize(("call", "text"), ROWS, ids=[call for call, _ in ROWS])
def test_wrong_input_gets_three_lines(call: str, text: str, backend: str) -> None:
    op, given = read(call)
    with cnnpy.use_backend(backend), pytest.raises(CnnpyError) as caught:
        run(op, given)
    assert f"{type(caught.value).__name__}: {caught.value}" == text


@pytest.mark.parametrize(("call", "text"), ROWS, ids=[call for call, _ in ROWS])
def test_wrong_input_is_also_an_error_of_the_standard_library(call: str, text: str) -> None:
    op, given = read(call)
    builtin = TypeError if text.startswith("DtypeError") else ValueError
    with pytest.raises(builtin):
        run(op, given)


def mended(op: str, given: dict[str, Any], mend: str) -> dict[str, Any] | None:
    """Do what the third line says, where it says it in code."""
    new = dict(given)
    options = {option.name for option in OPS[op].options} | {"seed", "train"}
    shape = re.search(r"give (\w+) the shape (\([\d, ]*\))", mend)
    if shape and shape[1] in given:
        new[shape[1]] = z(*ast.literal_eval(shape[2]), dtype=_dtype(given))
    option = re.search(
        r"use (\w+)=(\([^)]*\)|'[^']*'|[^ ,:;]+)(?: or less)?(?: along ([HW]))?", mend
    )
    if option and option[1] in options:
        try:
            value = eval(option[2], {"np": np})
        except SyntaxError:
            return None  # a formula, not a number
        if option[3]:
            old = given.get(option[1], 0)
            pair = list(old if isinstance(old, tuple) else (old, old))
            pair["HW".index(option[3])] = value
            value = tuple(pair)
        new[option[1]] = value
        return new
    if shape:
        return new
    found = re.search(
        r"\b(?:use|exchange the two:) (.+?)(?:; | if | for |, else|, and |, or |$)", mend
    )
    if not found:
        return None
    code = found[1]
    name = next((n for n in re.findall(r"\w+", code) if n in given), None)
    if name is None or "_forward" in code:
        return None
    value = eval(code, {"np": np, **given})
    item = re.search(r"xs\[(\d+)\]", code)
    if item:
        new["xs"] = list(given["xs"])
        new["xs"][int(item[1])] = value
    else:
        new[name] = value
    return new


def _dtype(given: dict[str, Any]) -> Any:
    return getattr(given.get("x"), "dtype", np.float64)


WITH_CODE = [
    (call, text) for call, text in ROWS if mended(*read(call), text.rpartition("to mend:")[2])
]


@pytest.mark.parametrize(("call", "text"), WITH_CODE, ids=[call for call, _ in WITH_CODE])
def test_following_the_third_line_mends_it(call: str, text: str) -> None:
    op, given = read(call)
    new = mended(op, given, text.rpartition("to mend:")[2])
    assert new is not None
    while new is not None:  # what was wrong twice takes two steps
        try:
            run(op, new)
            return
        except CnnpyError as error:
            assert error.given != text.split("\n")[0].partition(": ")[2]
            new = mended(op, new, error.mend)
    # what is left is another error, which no code mends: sizes that the caller must know


def test_most_third_lines_are_code() -> None:
    assert len(WITH_CODE) > 0.75 * len(ROWS)


@pytest.mark.parametrize("op", OPS)
def test_every_input_and_every_option_of_an_op_has_a_wrong_call(op: str) -> None:
    calls = [read(call)[1] for call, text in ROWS if read(call)[0] == op]
    met = {name for given in calls for name in given}
    wanted = {i.name for i in OPS[op].inputs} | {option.name for option in OPS[op].options}
    shared = {"dilation", "groups", "stride", "padding", "eps", "running_var"}  # parsed alike
    assert wanted - met <= shared
    kinds = {text.partition(":")[0] for call, text in ROWS if read(call)[0] == op}
    assert "DtypeError" in kinds


# --- backward ----------------------------------------------------------------------


def conv() -> tuple[Any, Any]:
    return F.conv2d_forward(z(2, 3, 8, 8), z(4, 3, 3, 3), z(4))


def loss() -> tuple[Any, Any]:
    return F.softmax_cross_entropy_forward(z(4, 10), np.arange(4))


BACKWARD = {
    "a shape that could be reshaped": (
        lambda out, cache: F.conv2d_backward(z(2, 4, 36), cache),
        "ShapeError: conv2d: dout has shape (2, 4, 36); forward returned shape (2, 4, 6, 6)\n"
        "  expected: dout of the shape of the output\n"
        "  to mend:  use dout.reshape((2, 4, 6, 6))",
    ),
    "another shape": (
        lambda out, cache: F.conv2d_backward(z(2, 4, 6, 5), cache),
        "ShapeError: conv2d: dout has shape (2, 4, 6, 5); forward returned shape (2, 4, 6, 6)\n"
        "  expected: dout of the shape of the output\n"
        "  to mend:  give dout the shape (2, 4, 6, 6)",
    ),
    "the other float": (
        lambda out, cache: F.conv2d_backward(out.astype(np.float32), cache),
        "DtypeError: conv2d: dout has dtype float32; forward returned float64\n"
        "  expected: dout of the dtype of the output: nothing is cast silently\n"
        "  to mend:  use dout.astype(np.float64)",
    ),
    "integers": (
        lambda out, cache: F.conv2d_backward(out.astype(int), cache),
        "DtypeError: conv2d: dout has dtype int64\n"
        "  expected: float32 or float64, in the machine's byte order\n"
        "  to mend:  use dout.astype(np.float64)",
    ),
    "byte-swapped": (
        lambda out, cache: F.conv2d_backward(out.astype(">f8"), cache),
        "DtypeError: conv2d: dout has dtype >f8\n"
        "  expected: float32 or float64, in the machine's byte order\n"
        "  to mend:  it is byte-swapped: use dout.astype(np.float64)",
    ),
    "a list": (
        lambda out, cache: F.conv2d_backward(out.tolist(), cache),
        "DtypeError: conv2d: dout is a list\n"
        "  expected: a NumPy array of float32 or float64\n"
        "  to mend:  use np.asarray(dout, dtype=np.float64)",
    ),
    "a number for an array": (
        lambda out, cache: F.conv2d_backward(1.0, cache),
        "DtypeError: conv2d: dout is the number 1.0; forward returned shape (2, 4, 6, 6)\n"
        "  expected: dout of the shape of the output\n"
        "  to mend:  use np.full((2, 4, 6, 6), 1.0, dtype=np.float64)",
    ),
    "nothing": (
        lambda out, cache: F.conv2d_backward(None, cache),
        "DtypeError: conv2d: dout is None\n"
        "  expected: a NumPy array of float32 or float64\n"
        "  to mend:  give dout: it may not be left out",
    ),
    "an input that is none": (
        lambda out, cache: F.conv2d_backward(out, cache, needs=("x", "y")),
        "OptionError: conv2d: needs=('x', 'y')\n"
        "  expected: names among ('x', 'w', 'b')\n"
        "  to mend:  leave out 'y'",
    ),
    "the name of a gradient": (
        lambda out, cache: F.conv2d_backward(out, cache, needs="dx"),
        "OptionError: conv2d: needs='dx'\n"
        "  expected: names among ('x', 'w', 'b')\n"
        "  to mend:  write 'x' for 'dx'",
    ),
    "a number of gradients": (
        lambda out, cache: F.conv2d_backward(out, cache, needs=2),
        "OptionError: conv2d: needs=2\n"
        "  expected: names among ('x', 'w', 'b')\n"
        "  to mend:  use needs=('x',)",
    ),
    "another op's cache": (
        lambda out, cache: F.max_pool2d_backward(out, cache),
        "CacheError: max_pool2d_backward: cache is "
        "<cache of conv2d on BACKEND, output (2, 4, 6, 6) float64>\n"
        "  expected: the cache that max_pool2d_forward returned\n"
        "  to mend:  use conv2d_backward(dout, cache)",
    ),
    "no cache": (
        lambda out, cache: F.conv2d_backward(out, None),
        "CacheError: conv2d_backward: cache is None\n"
        "  expected: the cache that conv2d_forward returned\n"
        "  to mend:  keep both results: out, cache = conv2d_forward(...)",
    ),
    "a tuple for a cache": (
        lambda out, cache: F.conv2d_backward(out, (out, cache)),
        "CacheError: conv2d_backward: cache is a tuple\n"
        "  expected: the cache that conv2d_forward returned\n"
        "  to mend:  keep both results: out, cache = conv2d_forward(...)",
    ),
    "both in the wrong order": (
        lambda out, cache: F.conv2d_backward(cache, out),
        "CacheError: conv2d_backward: cache is an array of shape (2, 4, 6, 6)\n"
        "  expected: the cache that conv2d_forward returned\n"
        "  to mend:  exchange the two: conv2d_backward(dout, cache)",
    ),
}


@every_backend
@pytest.mark.parametrize("what", BACKWARD)
def test_a_wrong_backward_call_gets_three_lines(what: str, backend: str) -> None:
    wrong, text = BACKWARD[what]
    with cnnpy.use_backend(backend):
        out, cache = conv()
        with pytest.raises(CnnpyError) as caught:
            wrong(out, cache)
    text = text.replace("BACKEND", backend)
    assert f"{type(caught.value).__name__}: {caught.value}" == text


@every_backend
@pytest.mark.parametrize(
    ("dout", "what"),
    [
        ([1.0], "a list"),
        ([1.0, 2.0], "a list"),
        (None, "None"),
        ("1.0", "a str"),
        (1j, "a complex"),
    ],
)
def test_the_gradient_of_a_loss_is_a_number(dout: Any, what: str, backend: str) -> None:
    with cnnpy.use_backend(backend), pytest.raises(contract.DtypeError) as caught:
        F.softmax_cross_entropy_backward(dout, loss()[1])
    assert str(caught.value) == (
        f"softmax_cross_entropy: dout is {what}\n"
        "  expected: a number, the gradient of the loss\n"
        "  to mend:  use dout=1.0"
    )


@pytest.mark.parametrize("op", OPS)
def test_every_backward_refuses_a_foreign_cache_and_a_wrong_dout(op: str) -> None:
    backward = getattr(F, f"{op}_backward")
    other = F.relu_forward(z(3))[1] if op != "relu" else F.tanh_forward(z(3))[1]
    with pytest.raises(contract.CacheError):
        backward(z(3), other)
    with pytest.raises(contract.CacheError):
        backward(z(3), None)


# --- errors are values -------------------------------------------------------------


def test_the_three_lines_are_there_one_by_one() -> None:
    with pytest.raises(contract.OptionError) as caught:
        F.conv2d_forward(z(1, 1, 3, 3), z(1, 1, 2, 2), stride=0)
    error = caught.value
    assert (error.given, error.expected, error.mend) == (
        "conv2d: stride=0",
        "stride of at least 1",
        "use stride=1",
    )


def test_an_error_survives_pickling() -> None:
    """It crosses from a worker process to its parent."""
    for name in contract.__all__:
        kind = getattr(contract, name)
        if isinstance(kind, type) and issubclass(kind, CnnpyError):
            error = pickle.loads(pickle.dumps(kind("given", "expected", "mend")))
            assert type(error) is kind
            assert str(error) == "given\n  expected: expected\n  to mend:  mend"


def test_all_errors_have_a_parent_in_the_standard_library() -> None:
    for name in contract.__all__:
        kind = getattr(contract, name)
        if isinstance(kind, type) and issubclass(kind, CnnpyError) and kind is not CnnpyError:
            assert issubclass(kind, ValueError | TypeError | ImportError | ArithmeticError)


def test_nothing_is_changed_by_a_call_that_fails() -> None:
    mean, var = np.ones(3), np.ones(3)
    with pytest.raises(contract.ShapeError):
        F.batch_norm_forward(z(4, 3), z(2), running_mean=mean, running_var=var)
    assert mean.tolist() == var.tolist() == [1, 1, 1]
