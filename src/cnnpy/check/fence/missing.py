"""Stand-ins for modules that somebody's code imports and that are not there.

The helpers that the course hands out (``im2col``, ``fast_layers``, ...) are lent by a
package that has them, and so is what lets one file run in Python 2 and 3. Any other
module becomes one whose members fail where they are used, so that one missing import
does not hide the rest of a file. An import that the code itself is ready to lose
(inside ``try: ... except ImportError:``) fails as it would.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.abc
import importlib.machinery
import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from cnnpy.check.fence.old_names import BUILTINS

__all__ = ["StandIns"]

_OF_THE_COURSE = ("fast_layers", "im2col", "im2col_cython", "layer_utils", "gradient_check")
"""Modules of the course that may be lent to a file that stands alone."""

_FOR_TWO_PYTHONS = {"past": False, "past.builtins": True, "six": False, "six.moves": True}
"""Modules that give Python 2's names to Python 3, and whether they hold the names themselves."""

_CATCH_IT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder: the course's own helpers, or a module that fails where it is used.

    Parameters
    ----------
    note : callable
        Notes down what the reader should know.
    root : Path
        The folder of the submission: nobody else's imports are answered.
    lent_from : str or None
        The package from which helpers of the course are lent.
    """

    def __init__(self, note: Callable[..., None], root: Path, lent_from: str | None) -> None:
        self.note = note
        self.root = root.resolve()
        self.lent_from = lent_from

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Find every module that nobody else found and the submission asks for."""
        asked_from = _importing_frame()
        if asked_from is None or not self._is_theirs(asked_from[0]):
            return None
        if not self._may_be_lent(name) and _may_fail(*asked_from):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Lend the course's module of that name, or make one that fails where it is used."""
        last = spec.name.rpartition(".")[2]
        if spec.name in _FOR_TWO_PYTHONS:
            if _FOR_TWO_PYTHONS[spec.name]:
                self.note(what="lent", module=spec.name)
            return _ForTwoPythons(spec.name)
        if self._may_be_lent(spec.name):
            self.note(what="lent", module=spec.name)
            return _Lent(spec.name, importlib.import_module(f"{self.lent_from}.{last}"))
        if last != "cs231n":
            self.note(what="missing", module=spec.name)
        return _Missing(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing: the module is whole."""

    def _may_be_lent(self, name: str) -> bool:
        return self.lent_from is not None and name.rpartition(".")[2] in _OF_THE_COURSE

    def _is_theirs(self, file: str) -> bool:
        path = Path(file).resolve()
        return path.is_relative_to(self.root) and "site-packages" not in path.parts


def _importing_frame() -> tuple[str, int] | None:
    """Give the file and the line that ask for the module that is being looked for."""
    frame = inspect.currentframe()
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith("<frozen importlib") and file != __file__:
            return file, frame.f_lineno
        frame = frame.f_back
    return None


def _may_fail(file: str, line: int) -> bool:
    """Tell whether an import stands where its failure is caught."""
    return any(begin <= line < end for begin, end in _where_imports_may_fail(file))


@cache
def _where_imports_may_fail(file: str) -> list[tuple[int, int]]:
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []
    tries = [node for node in ast.walk(tree) if isinstance(node, ast.Try)]
    return [
        (node.lineno, node.handlers[0].lineno)
        for node in tries
        if any(_catches_it(handler) for handler in node.handlers)
    ]


def _catches_it(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(n, ast.Name) and n.id in _CATCH_IT for n in ast.walk(handler.type))


class _Lent(ModuleType):
    def __init__(self, name: str, lent: ModuleType) -> None:
        super().__init__(name)
        self.__all__ = list(lent.__all__)
        self.__dict__.update({n: getattr(lent, n) for n in self.__all__})


class _ForTwoPythons(ModuleType):
    __all__ = tuple(name for name, (value, _) in BUILTINS.items() if value is not None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = BUILTINS[name][0] if name in self.__all__ else getattr(builtins, name, None)
        return _Fails(f"{self.__name__}.{name}") if value is None else value


class _Missing(ModuleType):
    __all__: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Fails(f"{self.__name__}.{name}")


class _Fails:
    """Stand for something of a module that is missing."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Fails(f"{self._name}.{name}")

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        if len(arguments) == 1 and inspect.isfunction(arguments[0]) and not keywords:
            return arguments[0]  # a decorator, such as numba.jit
        if keywords and not arguments:
            return _Fails(self._name)  # the same with options, numba.jit(nopython=True)
        raise ModuleNotFoundError(f"{self._name} is needed and not installed")
