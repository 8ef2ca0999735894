"""Which line of somebody's source makes a mistake that was named.

The source is read as a tree and never run. A line is pointed at only where the mistake has a
look of its own, a slice with the literal 1 or an assignment where a sum is meant, and where
hardly anything else in the function looks so.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Source", "lines_of", "source_of", "source_of_file"]

MOST_LINES = 2
"""More places that look alike say nothing."""

MOST_BYTES = 1 << 20
"""Larger files are not looked into."""


@dataclass(frozen=True)
class Source:
    """The text of a file, or of a part of it.

    Parameters
    ----------
    text : str
        What stands there.
    before : int
        How many lines of the file come before it.
    """

    text: str
    before: int = 0


def source_of(function: Callable[..., Any]) -> Source | None:
    """Give the source of a function of this process.

    Parameters
    ----------
    function : callable
        The function.

    Returns
    -------
    Source or None
        None where it was not written in Python, or not in a file.
    """
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        return None
    return Source(textwrap.dedent("".join(lines)), first - 1)


def source_of_file(path: Path, module: str) -> Source | None:
    """Read the file of a module.

    Parameters
    ----------
    path : Path
        The file or folder that is checked.
    module : str
        The name under which the module is imported.

    Returns
    -------
    Source or None
        None where it is not there, not inside of the folder, or too large.
    """
    path = path.resolve()
    parts = module.split(".")
    inside = (path.joinpath(*parts[k:]).with_suffix(".py") for k in range(len(parts)))
    for file in [path] if path.is_file() else inside:
        file = file.resolve()
        within = file == path or path in file.parents
        try:
            if within and file.is_file() and file.stat().st_size <= MOST_BYTES:
                return Source(file.read_text(encoding="utf-8", errors="replace"))
        except (OSError, ValueError):  # a name that no file can have
            return None
    return None


def lines_of(mistake: str, functions: Mapping[str, str], sources: Mapping[str, Source]) -> str:
    r"""Say which line makes a mistake.

    Parameters
    ----------
    mistake : str
        Its name.
    functions : mapping
        The name of the function of each pass, ``forward`` and ``backward``.
    sources : mapping
        By function, the source that it stands in.

    Returns
    -------
    str
        ``line 7: dx = dx_pad[:, :, 1:-1, 1:-1]``; empty where no line looks like it, or many.

    Examples
    --------
    >>> text = "def up(x):\n    return x\n\ndef down(dout, x):\n    return dout * (dout > 0)\n"
    >>> names = {"forward": "up", "backward": "down"}
    >>> lines_of("relu_gates_by_the_gradient", names, {"down": Source(text)})
    'line 5: return dout * (dout > 0)'
    """
    if mistake not in _LOOKS:
        return ""
    where, looks_like_it = _LOOKS[mistake]
    name = functions.get(where, "")
    source = sources.get(name)
    function = None if source is None else _function(source, name)
    if source is None or function is None:
        return ""
    found = sorted({node.lineno for node in looks_like_it(function)})
    if not 0 < len(found) <= MOST_LINES:
        return ""
    if len(found) == 1:
        written = source.text.splitlines()[found[0] - 1].strip()
        return f"line {found[0] + source.before}: {written}"
    return f"one of the lines {' and '.join(str(n + source.before) for n in found)}"


def _function(source: Source, name: str) -> ast.FunctionDef | None:
    try:
        tree = ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    named = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == name]
    return named[0] if len(named) == 1 else None


# --- what a mistake looks like -------------------------------------------------------------

Nodes = Iterator[Any]
Look = Callable[[ast.AST], Nodes]


def _expressions(matches: Callable[[Any], bool], kind: type[ast.AST]) -> Look:
    """Look for nodes of a kind."""

    def look(tree: ast.AST) -> Nodes:
        return (node for node in ast.walk(tree) if isinstance(node, kind) and matches(node))

    return look


def _is_number(node: ast.AST | None, value: int) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _is_number(node.operand, -value)
    return isinstance(node, ast.Constant) and node.value == value and value >= 0


def _slices(node: ast.Subscript) -> list[ast.Slice]:
    inner = node.slice
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    return [part for part in parts if isinstance(part, ast.Slice)]


def _from_1_to_minus_1(node: ast.Subscript) -> bool:
    return any(_is_number(s.lower, 1) and _is_number(s.upper, -1) for s in _slices(node))


def _from_p_to_minus_p(node: ast.Subscript) -> bool:
    def is_it(s: ast.Slice) -> bool:
        if not isinstance(s.upper, ast.UnaryOp) or not isinstance(s.upper.op, ast.USub):
            return False
        variable = isinstance(s.lower, ast.Name | ast.Attribute | ast.Subscript)
        return variable and _same(s.lower, s.upper.operand)

    return any(map(is_it, _slices(node)))


def _same(a: ast.AST | None, b: ast.AST | None) -> bool:
    return a is not None and b is not None and ast.dump(a) == ast.dump(b)


def _called(node: ast.AST) -> str:
    """Give the last name of what is called: ``np.ceil`` is ``ceil``."""
    if not isinstance(node, ast.Call):
        return ""
    f = node.func
    return f.attr if isinstance(f, ast.Attribute) else f.id if isinstance(f, ast.Name) else ""


def _calls(*names: str) -> Look:
    return _expressions(lambda node: _called(node) in names, ast.Call)


def _pads_all(node: ast.Call) -> bool:
    """Tell whether np.pad is given one number for all axes."""
    return (
        _called(node) == "pad"
        and len(node.args) > 1
        and isinstance(node.args[1], ast.Name | ast.Subscript | ast.Attribute | ast.Constant)
    )


def _pads_by_1(node: ast.Call) -> bool:
    ones = [n for n in ast.walk(node) if _is_number(n, 1)]
    return _called(node) == "pad" and len(ones) in (2, 4)


def _root(node: ast.AST) -> str:
    """Give the variable that is written to: ``dx`` of ``dx[n][i, j]``."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _assigned_in_a_loop(gradient: str) -> Look:
    """Look for ``dx[...] = ...`` in the innermost loops."""

    def look(tree: ast.AST) -> Nodes:
        for loop in ast.walk(tree):
            if not isinstance(loop, ast.For) or any(
                isinstance(inner, ast.For) for part in loop.body for inner in ast.walk(part)
            ):
                continue
            for node in ast.walk(loop):
                if isinstance(node, ast.Assign) and any(
                    isinstance(t, ast.Subscript) and _root(t).startswith(gradient)
                    for t in node.targets
                ):
                    yield node

    return look


def _added_by_index_arrays(tree: ast.AST) -> Nodes:
    """Look for ``dx[:, :, rows, columns] += ...`` outside of any loop."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.For | ast.While):
            continue
        yield from _added_by_index_arrays(node)
        if not isinstance(node, ast.AugAssign) or not isinstance(node.target, ast.Subscript):
            continue
        inner = node.target.slice
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        arrays = sum(isinstance(part, ast.Name) for part in parts)
        if _root(node.target).startswith("dx") and arrays >= 2:
            yield node


def _threes(tree: ast.AST) -> Nodes:
    """Look for a size of 3 written as a number: reshape(3, 3), range(3), i + 3, HH = 3."""
    for node in ast.walk(tree):
        sizes: list[ast.AST] = []
        if isinstance(node, ast.Call) and _called(node) in ("reshape", "range", "zeros"):
            sizes = [n for a in node.args for n in ast.walk(a)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            sizes = [node.right]
        if isinstance(node, ast.Assign):
            value = node.value
            sizes = [*value.elts] if isinstance(value, ast.Tuple) else [value]
        if any(_is_number(size, 3) for size in sizes):
            yield node


def _square_output(tree: ast.AST) -> Nodes:
    """Look for ``(N, C, H_out, H_out)``, and for a width that is given the height."""
    for node in ast.walk(tree):
        args = node.args if isinstance(node, ast.Call) else []
        shapes = [args, *(a.elts for a in args if isinstance(a, ast.Tuple))]
        if _called(node) in ("zeros", "empty", "ones", "reshape") and any(
            len(s) >= 2 and isinstance(s[-1], ast.Name) and _same(s[-2], s[-1]) for s in shapes
        ):
            yield node
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            names = [t.id for t in node.targets if isinstance(t, ast.Name)]
            if any(n.lower().startswith("w") for n in names) and node.value.id[:1] in "Hh":
                yield node


def _eps_outside(node: ast.BinOp) -> bool:
    def is_eps(n: ast.AST) -> bool:
        return isinstance(n, ast.Name | ast.Attribute) and "eps" in ast.dump(n)

    sides = (node.left, node.right), (node.right, node.left)
    return isinstance(node.op, ast.Add) and any(
        _called(a) == "sqrt" and is_eps(b) for a, b in sides
    )


def _unbiased(tree: ast.AST) -> Nodes:
    """Look for ``ddof=1``, and for a division by something less 1."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "ddof" and _is_number(node.value, 1):
            yield node
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            d = node.right
            if isinstance(d, ast.BinOp) and isinstance(d.op, ast.Sub) and _is_number(d.right, 1):
                yield node


def _compares(op: type[ast.cmpop], left: str | None = None) -> Look:
    def matches(node: ast.Compare) -> bool:
        if not isinstance(node.ops[0], op):
            return False
        return left is None or (isinstance(node.left, ast.Name) and node.left.id == left)

    return _expressions(matches, ast.Compare)


def _equals_a_maximum(node: ast.Compare) -> bool:
    sides = (node.left, node.comparators[0])
    maxima = [any(_called(n) in ("max", "amax") for n in ast.walk(side)) for side in sides]
    return isinstance(node.ops[0], ast.Eq) and any(maxima)


_ROUNDED_UP = _calls("ceil")
_ROUNDED = _calls("round", "rint", "around")
_ASSIGNED = _assigned_in_a_loop("dx")
_EPS_OUTSIDE = _expressions(_eps_outside, ast.BinOp)

_LOOKS: dict[str, tuple[str, Look]] = {
    "conv2d_crops_dx_by_one": ("backward", _expressions(_from_1_to_minus_1, ast.Subscript)),
    "conv2d_empties_dx_at_padding_0": (
        "backward",
        _expressions(_from_p_to_minus_p, ast.Subscript),
    ),
    "conv2d_pads_by_one": ("forward", _expressions(_pads_by_1, ast.Call)),
    "conv2d_pads_every_axis": ("forward", _expressions(_pads_all, ast.Call)),
    "conv2d_overwrites_dx": ("backward", _ASSIGNED),
    "conv2d_overwrites_dw": ("backward", _assigned_in_a_loop("dw")),
    "conv2d_adds_once_for_repeated_indices": (
        "backward",
        _added_by_index_arrays,
    ),
    "conv2d_takes_the_kernel_for_3x3_in_backward": (
        "backward",
        _threes,
    ),
    "conv2d_takes_the_output_for_square": ("forward", _square_output),
    "conv2d_rounds_the_size_up": ("forward", _ROUNDED_UP),
    "conv2d_rounds_the_size_to_the_nearest": ("forward", _ROUNDED),
    "conv2d_squeezes_the_output": ("forward", _calls("squeeze")),
    "max_pool2d_overwrites_where_windows_overlap": ("backward", _ASSIGNED),
    "max_pool2d_overwrites_the_whole_window": ("backward", _ASSIGNED),
    "max_pool2d_adds_once_for_repeated_indices": (
        "backward",
        _added_by_index_arrays,
    ),
    "max_pool2d_gives_every_tie_the_gradient": (
        "backward",
        _expressions(_equals_a_maximum, ast.Compare),
    ),
    "max_pool2d_takes_the_output_for_square": ("forward", _square_output),
    "max_pool2d_rounds_the_size_up": ("forward", _ROUNDED_UP),
    "max_pool2d_rounds_the_size_to_the_nearest": ("forward", _ROUNDED),
    "avg_pool2d_overwrites_where_windows_overlap": ("backward", _ASSIGNED),
    "avg_pool2d_takes_the_output_for_square": ("forward", _square_output),
    "avg_pool2d_adds_once_for_repeated_indices": (
        "backward",
        _added_by_index_arrays,
    ),
    "relu_gates_by_the_gradient": ("backward", _compares(ast.Gt, "dout")),
    "relu_passes_the_gradient_at_zero": ("backward", _compares(ast.GtE)),
    "batch_norm_adds_eps_to_the_spread": ("forward", _EPS_OUTSIDE),
    "batch_norm_adds_eps_to_the_spread_in_inference": ("forward", _EPS_OUTSIDE),
    "layer_norm_adds_eps_to_the_spread": ("forward", _EPS_OUTSIDE),
    "batch_norm_divides_by_n_minus_1": ("forward", _unbiased),
    "layer_norm_divides_by_n_minus_1": ("forward", _unbiased),
}
"""By mistake, the pass that it is made in and what looks like it."""
