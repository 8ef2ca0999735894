"""What ``/`` did in Python 2, put back: of two whole numbers it gave a whole one.

Code of those days divides sizes by ``/`` and breaks at the first of them. With its division
put back, what else it does is seen too.
"""

from __future__ import annotations

import ast
import builtins
import sys
import sysconfig
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np

__all__ = ["DividingAsBefore", "divide_as_before", "in_old_division"]

_LIBRARIES = {"site-packages", "dist-packages"}
_DIVIDED, _DIVIDED_IN_PLACE = "__divided_as_before__", "__divided_in_place_as_before__"


def in_old_division(source: str | bytes) -> ast.Module:
    """Parse a module, with divisions as Python 2 did them.

    Parameters
    ----------
    source : str or bytes
        A module's text.

    Returns
    -------
    ast.Module
        Its tree, with every line where it was. One that imports division from
        ``__future__`` stays as it is, and so do divisions of a literal, ``1 / n``, and those
        in place of what is no plain variable.

    Raises
    ------
    SyntaxError
        Where it is no Python.

    Examples
    --------
    >>> ast.unparse(in_old_division("n = size / 2"))
    'n = __divided_as_before__(size, 2)'
    """
    tree = ast.parse(source)
    if not any(_asks_for_division(node) for node in tree.body):
        tree = ast.fix_missing_locations(_Divisions().visit(tree))
    return tree


def _asks_for_division(node: ast.stmt) -> bool:
    if not isinstance(node, ast.ImportFrom) or node.module != "__future__":
        return False
    return any(alias.name == "division" for alias in node.names)


class _Divisions(ast.NodeTransformer):
    """Put calls in place of divisions."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Divide by a call."""
        self.generic_visit(node)
        if not isinstance(node.op, ast.Div) or _is_a_whole_literal(node.left):
            return node
        return _call(_DIVIDED, node, node.left, node.right)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """Divide a variable by a call, in place where it is an array."""
        self.generic_visit(node)
        if not (isinstance(node.op, ast.Div) and isinstance(node.target, ast.Name)):
            return node  # what is no variable is no size
        before = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
        made = _call(_DIVIDED_IN_PLACE, node, before, node.value)
        return ast.copy_location(ast.Assign([node.target], made), node)


def _is_a_whole_literal(node: ast.expr) -> bool:
    """Tell whether it is a 1 as in 1 / n: nobody wrote that for the 0 that it gave."""
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _call(name: str, at: ast.AST, *arguments: ast.expr) -> ast.Call:
    function = ast.copy_location(ast.Name(name, ast.Load()), at)
    return ast.copy_location(ast.Call(function, list(arguments), []), at)


def _divided(a: Any, b: Any) -> Any:
    return a // b if _is_whole(a) and _is_whole(b) else a / b


def _divided_in_place(a: Any, b: Any) -> Any:
    if not (_is_whole(a) and _is_whole(b)):
        a /= b
    elif isinstance(a, np.ndarray):
        a //= b
    else:
        return a // b
    return a


def _is_whole(value: Any) -> bool:
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "iub"
    return isinstance(value, int)


class DividingAsBefore(SourceFileLoader):
    """Load a module with Python 2's division."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the source itself: what was compiled before divides as today."""
        path = self.get_filename(fullname)
        return self.source_to_code(in_old_division(self.get_data(path)), path)


def divide_as_before(root: Path) -> None:
    """Let what is imported from a folder and those below it divide as Python 2 did.

    Parameters
    ----------
    root : Path
        The folder of a submission; libraries in it stay as they are.
    """
    builtins.__dict__.update({_DIVIDED: _divided, _DIVIDED_IN_PLACE: _divided_in_place})
    root = root.resolve()
    pythons = [*map(sysconfig.get_path, ("stdlib", "platstdlib")), sys.prefix, sys.base_prefix]
    ours = Path(__file__).resolve().parents[3]
    others = [p for p in (*(Path(p).resolve() for p in pythons), ours) if p.is_relative_to(root)]

    def find_in(folder: str) -> FileFinder:
        place = Path(folder).resolve()
        if not place.is_dir() or not place.is_relative_to(root):
            raise ImportError
        if any(map(place.is_relative_to, others)) or _LIBRARIES & set(place.parts):
            raise ImportError
        return FileFinder(
            folder,
            (ExtensionFileLoader, EXTENSION_SUFFIXES),
            (DividingAsBefore, SOURCE_SUFFIXES),
        )

    sys.path_hooks.insert(0, find_in)
    sys.path_importer_cache.clear()
