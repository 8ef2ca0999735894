"""The slips that a function may be one change away from, each as a change of its text.

A change knows what kind of slip it puts right. Those come first that people make most.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["KINDS", "Edit", "Kind", "edits_of"]


class Kind(NamedTuple):
    """A kind of slip.

    Parameters
    ----------
    shows : str
        What is wrong with the line, with `was` and `becomes` to be filled in.
    cause : str
        Where it comes from.
    """

    shows: str
    cause: str


KINDS = {
    "assigned_not_added": Kind(
        "a value is assigned (=) where it is to be added (+=)",
        "Where a place is written to twice, the last write wins.",
    ),
    "one_name_for_another": Kind(
        "{was} stands where {becomes} is meant",
        "Two names that are alike, or a line that was copied for the other axis.",
    ),
    "two_names_for_others": Kind(
        "{was} stand where {becomes} are meant",
        "Two names that are alike, or lines that were copied from elsewhere.",
    ),
    "names_exchanged": Kind(
        "{was} and {becomes} are exchanged",
        "Rows go with the height, columns with the width.",
    ),
    "loops_exchanged": Kind(
        "two loops are exchanged: {was} is for {becomes}",
        "Rows go with the height, columns with the width.",
    ),
    "a_number_for_a_name": Kind(
        "the number {was} stands where {becomes} is meant",
        "What is so in one test is written as a number.",
    ),
    "negative_zero": Kind(
        "{was} ends at -0, which is the start",
        "Of a slice up to minus nothing there is nothing left.",
    ),
    "a_call_too_many": Kind(
        "{was} is too much: {becomes} is meant",
        "It changes the shape, or the numbers, in some cases.",
    ),
    "a_term_too_many": Kind(
        "{was} has a term too many: {becomes} is meant",
        "It is there already, or belongs somewhere else.",
    ),
    "another_operator": Kind(
        "{was} should be {becomes}",
        "An operator is another than the one that is meant.",
    ),
    "another_axis": Kind(
        "{was} should be {becomes}",
        "What is summed up, or taken the mean of, lies along another axis.",
    ),
    "off_by_one": Kind("{was} should be {becomes}", "A count is one off."),
    "a_factor_missing": Kind(
        "{was} should be {becomes}", "A place in the output is not yet a place in the image."
    ),
    "rounded_otherwise": Kind(
        "{was} should be {becomes}", "Sizes that do not divide are rounded down."
    ),
    "walks_too_far": Kind(
        "{was} should be {becomes}", "A window is begun where it does not fit any more."
    ),
}
"""By name, in the order in which they are tried."""


@dataclass(frozen=True)
class Edit:
    """A change of a function's text.

    Parameters
    ----------
    kind : str
        A name of ``KINDS``.
    lines : tuple of int
        Those that change, of the function's, from 1 on.
    was, becomes : str
        What stands there, and what is to.
    text : str
        The whole function with the change.
    """

    kind: str
    lines: tuple[int, ...]
    was: str
    becomes: str
    text: str

    @property
    def shows(self) -> str:
        """Say what is wrong."""
        return KINDS[self.kind].shows.format(was=self.was, becomes=self.becomes)

    @property
    def written(self) -> tuple[str, ...]:
        """Give the lines as they are to be written."""
        lines = self.text.splitlines()
        return tuple(lines[line - 1].strip() for line in self.lines)


Piece = tuple[ast.AST, str]
"""What is to be replaced in the text, and by what."""


def edits_of(text: str) -> Iterator[Edit]:
    r"""List the changes that may put a function right.

    Parameters
    ----------
    text : str
        The function, from def on, without what it is indented by.

    Yields
    ------
    Edit
        The likeliest kinds first.

    Examples
    --------
    >>> text = "def f(dx, i, HH, WW):\n    dx[i : i + HH] = 1\n"
    >>> next(edits_of(text)).written
    ('dx[i : i + HH] += 1',)
    """
    try:
        (function,) = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    if not isinstance(function, ast.FunctionDef) or function.decorator_list:
        return
    source = _Source(text, function)
    seen = {text}
    for kind in KINDS:
        for pieces, was, becomes in _OF_A_KIND[kind](source):
            changed = source.with_pieces(pieces)
            if changed is not None and changed not in seen:
                seen.add(changed)
                numbers = {int(getattr(node, "lineno", 1)) for node, _ in pieces}
                yield Edit(kind, tuple(sorted(numbers)), was, becomes, changed)


# --- a function as text and as a tree -----------------------------------------------------------


class _Source:
    """A function, with what its changes are made of."""

    def __init__(self, text: str, function: ast.FunctionDef) -> None:
        self.text, self.function = text, function
        self.lines = text.encode().splitlines(keepends=True)
        self.nodes = [n for n in ast.walk(function) if hasattr(n, "lineno")]
        self.statements = [n for n in self.nodes if isinstance(n, ast.stmt) and n is not function]
        self.sizes = list(dict.fromkeys(_sizes(function)))
        self.loops = list(dict.fromkeys(_loops(function)))

    def of(self, node: Any) -> str:
        """Give the text of a node."""
        return ast.get_source_segment(self.text, node) or ""

    def with_pieces(self, pieces: Sequence[Piece]) -> str | None:
        """Write other text in the place of nodes; None where two of them overlap."""
        starts = list(itertools.accumulate([0, *map(len, self.lines)]))

        def place(node: Any) -> tuple[int, int]:
            begin = starts[node.lineno - 1] + node.col_offset
            return begin, starts[node.end_lineno - 1] + node.end_col_offset

        whole = self.text.encode()
        placed = sorted(((place(node), new) for node, new in pieces), reverse=True)
        for ((begin, _), _), ((_, end), _) in itertools.pairwise(placed):
            if end > begin:
                return None
        for (begin, end), new in placed:
            whole = whole[:begin] + new.encode() + whole[end:]
        return whole.decode()


def _targets(node: ast.AST) -> list[str]:
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]


def _sizes(function: ast.FunctionDef) -> Iterator[str]:
    """Name what is a size: taken from a shape, from a dictionary, or computed of such."""
    known: set[str] = set()
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign):
            continue
        names = [
            n for t in node.targets if isinstance(t, ast.Name | ast.Tuple) for n in _targets(t)
        ]
        if _is_a_size(node.value, known):
            known |= set(names)
            yield from (n for n in names if n != "_")


def _is_a_size(value: ast.AST, known: set[str]) -> bool:
    if isinstance(value, ast.Tuple):
        return all(_is_a_size(part, known) for part in value.elts)
    if isinstance(value, ast.Subscript):
        key = value.slice
        is_key = isinstance(key, ast.Constant) and isinstance(key.value, str)
        return is_key or _is_a_size(value.value, known)
    if isinstance(value, ast.Attribute):
        return value.attr == "shape"
    if isinstance(value, ast.Call):
        name = value.func.attr if isinstance(value.func, ast.Attribute) else ""
        name = value.func.id if isinstance(value.func, ast.Name) else name
        whole = name in ("int", "len", "int32", "int64", "floor", "round", "ceil")
        return name == "get" or (whole and all(_is_a_size(a, known) for a in value.args))
    if isinstance(value, ast.BinOp):
        return _is_a_size(value.left, known) and _is_a_size(value.right, known)
    if isinstance(value, ast.Name):
        return value.id in known
    return isinstance(value, ast.Constant) and isinstance(value.value, int)


def _loops(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            yield node.target.id


# --- kinds of slips -----------------------------------------------------------------------------

Found = Iterator[tuple[list[Piece], str, str]]


def _added(s: _Source) -> Found:
    for node in s.nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            target, value = s.of(node.targets[0]), s.of(node.value)
            yield [(node, f"{target} += {value}")], "=", "+="


def _loads(s: _Source, names: Sequence[str]) -> list[ast.Name]:
    return [
        n
        for n in s.nodes
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id in names
    ]


def _other_names(s: _Source) -> Found:
    for names in (s.loops, s.sizes):
        for node in _loads(s, names):
            for other in names:
                if other != node.id:
                    yield [(node, other)], node.id, other
    arrays = [a for a in _arrays(s.function) if a not in (*s.sizes, *s.loops)]
    for node in _loads(s, arrays):
        for other in arrays:
            if other != node.id:
                yield [(node, other)], node.id, other


def _arrays(function: ast.FunctionDef) -> list[str]:
    names = [a.arg for a in function.args.args]
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            names += [
                n for t in node.targets if not isinstance(t, ast.Subscript) for n in _targets(t)
            ]
    return list(dict.fromkeys(n for n in names if n not in ("_", "cache", "self")))


def _pairs(s: _Source) -> list[tuple[str, str]]:
    """List the sizes that are height and width of one thing, as their names say."""
    alike: dict[str, list[str]] = {}
    for name in s.sizes:
        alike.setdefault(_SIDE.sub("|", name), []).append(name)
    return [(a, b) for a, b, *more in (n for n in alike.values() if len(n) == 2)]


_SIDE = re.compile(r"height|width|rows?|col(?:umn)?s?|[hHwW]", re.IGNORECASE)


def _two_other_names(s: _Source) -> Found:
    pairs = _pairs(s)
    alone = [(name, name) for name in s.sizes]
    for (a, b), (c, d) in itertools.product(pairs, [*pairs, *alone]):
        if (a, b) == (c, d):
            continue
        both = _loads(s, (a, b))
        for group in _together(s, both):
            if {n.id for n in group} == {a, b}:
                yield [(n, c if n.id == a else d) for n in group], f"{a} and {b}", f"{c} and {d}"


def _exchanged_names(s: _Source) -> Found:
    """Exchange two sizes, or two loops' variables, in a statement or everywhere."""
    for names in (s.sizes, s.loops):
        for a, b in itertools.combinations(names, 2):
            both = [n for n in s.nodes if isinstance(n, ast.Name) and n.id in (a, b)]
            for group in _together(s, both):
                if {n.id for n in group} == {a, b}:
                    yield [(n, b if n.id == a else a) for n in group], a, b


def _together(s: _Source, nodes: Sequence[ast.Name]) -> Iterator[list[ast.Name]]:
    """Give those of each simple statement, then those that are read, then all."""
    for statement in s.statements:
        if not isinstance(statement, ast.For | ast.If | ast.While | ast.With):
            inside = set(map(id, ast.walk(statement)))
            yield [n for n in nodes if id(n) in inside]
    yield [n for n in nodes if isinstance(n.ctx, ast.Load)]
    tests = [set(map(id, ast.walk(f.iter))) for f in s.statements if isinstance(f, ast.For)]
    yield [n for n in nodes if any(id(n) in inside for inside in tests)]
    slices = [set(map(id, ast.walk(n))) for n in s.nodes if isinstance(n, ast.Slice)]
    yield [n for n in nodes if any(id(n) in inside for inside in slices)]


def _exchanged_loops(s: _Source) -> Found:
    loops = [n for n in s.statements if isinstance(n, ast.For)]
    for a, b in itertools.combinations(loops, 2):
        if b in ast.walk(a):
            yield [(a.iter, s.of(b.iter)), (b.iter, s.of(a.iter))], s.of(a.iter), s.of(b.target)


def _numbers(s: _Source) -> Found:
    """Put names in the place of numbers: one, and all equal ones of a call or an assignment."""
    for node in s.nodes:
        if isinstance(node, ast.Call | ast.Subscript | ast.Assign):
            ones = [n for n in ast.walk(node) if isinstance(n, ast.Constant)]
            for number in sorted({n.value for n in ones if type(n.value) is int and n.value > 0}):
                equal: list[ast.AST] = [n for n in ones if n.value == number]
                for name in s.sizes:
                    yield [(n, name) for n in equal], str(number), name
                    for n in equal if len(equal) > 1 else []:
                        yield [(n, name)], str(number), name


def _negative_zeros(s: _Source) -> Found:
    for node in s.nodes:
        if isinstance(node, ast.Subscript):
            inner = node.slice
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            ends = [
                p.upper
                for p in parts
                if isinstance(p, ast.Slice)
                and isinstance(p.upper, ast.UnaryOp)
                and isinstance(p.upper.op, ast.USub)
            ]
            if ends:
                becomes = [(end, f"{s.of(end)} or None") for end in ends]
                yield list(becomes), s.of(ends[0]), becomes[0][1]
    for node in s.nodes:
        if isinstance(node, ast.Call) and s.of(node.func) == "slice" and len(node.args) > 1:
            end = node.args[1]
            if isinstance(end, ast.UnaryOp):
                yield [(end, f"{s.of(end)} or None")], s.of(end), f"{s.of(end)} or None"


_DROPPED = ("squeeze", "transpose", "reshape", "swapaxes", "ravel", "flatten", "astype", "abs")


def _calls_too_many(s: _Source) -> Found:
    for node in s.nodes:
        inner: ast.AST | None = None
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in _DROPPED:
            is_method = s.of(called.value) != "np"
            arguments = node.args if isinstance(node, ast.Call) else []
            inner = called.value if is_method else arguments[0] if arguments else None
        if isinstance(node, ast.Attribute) and node.attr == "T":
            inner = node.value
        if inner is not None:
            yield [(node, f"({s.of(inner)})")], s.of(node), s.of(inner)


def _terms_too_many(s: _Source) -> Found:
    for node in s.nodes:
        if isinstance(node, ast.BinOp):
            for side in (node.left, node.right):
                yield [(node, f"({s.of(side)})")], s.of(node), s.of(side)


_OPERATORS = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.Pow: "*"}
_COMPARED = {ast.Lt: ">", ast.Gt: "<", ast.LtE: ">", ast.GtE: "<", ast.Eq: "!=", ast.NotEq: "=="}


def _other_operators(s: _Source) -> Found:
    for node in s.nodes:
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            left, right = s.of(node.left), s.of(node.right)
            new = f"({left}) {_OPERATORS[type(node.op)]} ({right})"
            yield [(node, f"({new})")], s.of(node), new
        if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARED:
            left, right = s.of(node.left), s.of(node.comparators[0])
            new = f"({left}) {_COMPARED[type(node.ops[0])]} ({right})"
            yield [(node, f"({new})")], s.of(node), new


_AXES = ("0", "1", "(0, 2, 3)", "(2, 3)", "-1")


def _other_axes(s: _Source) -> Found:
    for node in s.nodes:
        if isinstance(node, ast.Call):
            for word in node.keywords:
                if word.arg == "axis":
                    for axis in _AXES:
                        yield [(word.value, axis)], f"axis={s.of(word.value)}", f"axis={axis}"
                if word.arg == "keepdims":
                    was = s.of(word.value)
                    becomes = "False" if was == "True" else "True"
                    yield [(word.value, becomes)], f"keepdims={was}", f"keepdims={becomes}"
            name = s.of(node.func).rpartition(".")[2]
            if name in ("sum", "mean", "var", "std", "max") and node.args and not node.keywords:
                for axis in _AXES:
                    new = f"{s.of(node)[:-1]}, axis={axis})"
                    yield [(node, new)], s.of(node), new


def _off_by_one(s: _Source) -> Found:
    for node in s.nodes:
        if isinstance(node, ast.Constant) and type(node.value) is int:
            for number in (node.value - 1, node.value + 1):
                yield [(node, str(number))], str(node.value), str(number)
    ends = [n.upper for n in s.nodes if isinstance(n, ast.Slice) and n.upper is not None]
    ends += [call.args[min(1, len(call.args) - 1)] for call in _ranges(s)]
    for end in ends:
        for sign in "+-":
            new = f"{s.of(end)} {sign} 1"
            yield [(end, new)], s.of(end), new


def _factors(s: _Source) -> Found:
    steps = [n for n in s.sizes if "str" in n.lower() or n.lower() in ("s", "step")]
    for step in steps:
        for node in _loads(s, s.loops):
            yield [(node, f"{node.id} * {step}")], node.id, f"{node.id} * {step}"
        for statement in s.statements:
            inside = [n for n in _loads(s, s.loops) if n in ast.walk(statement)]
            for name in {n.id for n in inside}:
                nodes = [n for n in inside if n.id == name]
                if len(nodes) > 1 and not isinstance(statement, ast.For | ast.If):
                    yield [(n, f"{name} * {step}") for n in nodes], name, f"{name} * {step}"


def _roundings(s: _Source) -> Found:
    for node in s.nodes:
        if isinstance(node, ast.Call) and node.args:
            name = s.of(node.func).rpartition(".")[2]
            if name in ("ceil", "round", "rint", "around", "int"):
                new = f"int(np.floor({s.of(node.args[0])}))"
                yield [(node, new)], s.of(node), new


def _ranges(s: _Source) -> list[ast.Call]:
    names = ("range", "xrange", "np.arange")
    return [n for n in s.nodes if isinstance(n, ast.Call) and s.of(n.func) in names and n.args]


def _too_far(s: _Source) -> Found:
    ends = [call.args[1] for call in _ranges(s) if len(call.args) == 3]
    for end in ends:
        for size in s.sizes:
            if size not in s.of(end):
                new = f"{s.of(end)} - {size} + 1"
                yield [(end, new)], s.of(end), new
    for (a, b), (height, width) in itertools.product(itertools.combinations(ends, 2), _pairs(s)):
        for one, other in ((height, width), (width, height)):
            pieces = [(a, f"{s.of(a)} - {one} + 1"), (b, f"{s.of(b)} - {other} + 1")]
            yield list(pieces), f"{s.of(a)} and {s.of(b)}", " and ".join(new for _, new in pieces)


_OF_A_KIND: dict[str, Callable[[_Source], Found]] = {
    "assigned_not_added": _added,
    "one_name_for_another": _other_names,
    "two_names_for_others": _two_other_names,
    "names_exchanged": _exchanged_names,
    "loops_exchanged": _exchanged_loops,
    "a_number_for_a_name": _numbers,
    "negative_zero": _negative_zeros,
    "a_call_too_many": _calls_too_many,
    "a_term_too_many": _terms_too_many,
    "another_operator": _other_operators,
    "another_axis": _other_axes,
    "off_by_one": _off_by_one,
    "a_factor_missing": _factors,
    "rounded_otherwise": _roundings,
    "walks_too_far": _too_far,
}
