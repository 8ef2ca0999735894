"""A file or a package of somebody's becomes a table of its functions.

What the code needs and is not there does not stop the rest: a module that is missing is
replaced by a placeholder which fails where it is used, and the helpers that the course
hands out (``im2col``, ``fast_layers``, ...) are lent by a package that has them. What
Python 2 and old NumPy had and the present ones have not is put back and noted down, so
that the mathematics is judged too.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from cnnpy.check.fence.legacy import put_back, what_to_change

__all__ = ["LoadError", "Loaded", "load"]

OF_THE_COURSE = ("fast_layers", "im2col", "im2col_cython", "layer_utils", "gradient_check")
"""Modules of the course that may be lent to a file that stands alone."""


class LoadError(Exception):
    """Say why a file cannot be run, and what to change.

    Parameters
    ----------
    kind : str
        The type of the error in the file.
    line : int or None
        Where it is.
    what : str
        What it says.
    mend : str
        What to change.
    """

    def __init__(self, kind: str, line: int | None, what: str, mend: str) -> None:
        super().__init__(kind, line, what, mend)
        self.kind, self.line, self.what, self.mend = kind, line, what, mend


class Loaded:
    """What a file or package offers: its functions and classes, and what had to be lent."""

    def __init__(self) -> None:
        self.functions: dict[str, Callable[..., Any]] = {}
        self.lines: dict[str, tuple[str, int]] = {}
        self.notes: list[dict[str, Any]] = []

    def note(self, **note: Any) -> None:
        """Note down what the reader of the report should know, once."""
        if note not in self.notes:
            self.notes.append(note)


def load(path: Path, names: Sequence[str] = (), lent_from: str | None = None) -> Loaded:
    """Import a file, or the modules of a package.

    Parameters
    ----------
    path : Path
        A ``.py`` file, or a folder with such files.
    names : sequence of str
        Of a folder, the modules to prefer, in their order; all others are looked at
        where none of these is there.
    lent_from : str, optional
        The package from which helpers of the course are lent.

    Returns
    -------
    Loaded
        The functions by name. One that several modules define is the first one's.

    Raises
    ------
    LoadError
        Where nothing of it can be imported.
    """
    loaded = Loaded()
    put_back(loaded.note)
    sys.meta_path.append(_Placeholders(loaded, path if path.is_dir() else path.parent, lent_from))
    files = [path] if path.is_file() else _files_of(path, names)
    if not files:
        raise LoadError("FileNotFoundError", None, f"no .py file in {path.name}", "name a file")
    errors = []
    for file in files:
        try:
            _take(loaded, _import(file, path if path.is_dir() else file.parent))
        except LoadError as error:
            errors.append(error)
            loaded.note(what="not imported", file=file.name, line=error.line, says=error.what)
    if errors and not loaded.functions:
        raise errors[0]
    return loaded


def _files_of(folder: Path, names: Sequence[str]) -> list[Path]:
    every = sorted(
        p for p in folder.rglob("*.py") if not any(part.startswith(".") for part in p.parts)
    )
    named = [p for name in names for p in every if p.stem == name]
    return named or [p for p in every if p.stem not in ("setup", "conftest", "__main__")]


def _import(file: Path, root: Path) -> ModuleType:
    try:
        return _execute(file, root)
    except BaseException as error:  # sys.exit too
        raise LoadError(
            type(error).__name__,
            line_in(error, str(file)),
            f"{type(error).__name__}: {error}"[:500],
            what_to_change(error) or "a module must not fail when it is imported",
        ) from None


def line_in(error: BaseException, file: str) -> int | None:
    """Give the line of a file in which an error came up, the innermost one.

    Parameters
    ----------
    error : BaseException
        The error.
    file : str
        The file.

    Returns
    -------
    int or None
        The line; None where the file had no part in it.
    """
    if isinstance(error, SyntaxError) and error.filename in (file, Path(file).name):
        return error.lineno
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return lines[-1] if lines else None


def _execute(file: Path, root: Path) -> ModuleType:
    """Run a file as the module that its imports expect it to be.

    In a package, or where it imports relatively, it is a part of its folder.
    """
    relative = re.search(rb"^\s*from\s+\.", file.read_bytes(), re.MULTILINE) is not None
    packaged = (file.parent / "__init__.py").exists() or relative
    top = file.parent
    while packaged and (top / "__init__.py").exists() and top != root.parent:
        top = top.parent
    if packaged and top == file.parent:
        top = file.parent.parent
    name = ".".join(file.relative_to(top).with_suffix("").parts)
    for folder in dict.fromkeys((str(file.parent), str(top), str(root))):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    if name in sys.modules:
        return sys.modules[name]
    parent = name.rpartition(".")[0]
    if parent and parent not in sys.modules:
        package = ModuleType(parent)
        package.__path__ = [str(file.parent)]
        sys.modules[parent] = package
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _take(loaded: Loaded, module: ModuleType) -> None:
    for name, value in vars(module).items():
        if name.startswith("__") or not callable(value) or name in loaded.functions:
            continue
        home = getattr(value, "__module__", None)
        if not isinstance(home, str) or home.split(".")[0] in ("builtins", "numpy", "cnnpy"):
            continue
        loaded.functions[name] = value
        try:
            loaded.lines[name] = (
                str(inspect.getsourcefile(value)),
                inspect.getsourcelines(value)[1],
            )
        except (OSError, TypeError):
            continue


# --- what is missing ------------------------------------------------------------------


class _Placeholders(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder: the course's own helpers, or a module that fails where it is used."""

    def __init__(self, loaded: Loaded, root: Path, lent_from: str | None) -> None:
        self.loaded = loaded
        self.lent_from = lent_from
        self.root = str(root)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Find every module that nobody else found and the submission asks for."""
        if not self._asked_by_the_submission():
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Lend the course's module of that name, or make a placeholder."""
        last = spec.name.rpartition(".")[2]
        if last in OF_THE_COURSE and self.lent_from:
            self.loaded.note(what="lent", module=spec.name)
            return _Lent(spec.name, importlib.import_module(f"{self.lent_from}.{last}"))
        if last != "cs231n":
            self.loaded.note(what="missing", module=spec.name)
        return _Missing(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing: the module is whole."""

    def _asked_by_the_submission(self) -> bool:
        frame = inspect.currentframe()
        while frame is not None:
            file = frame.f_code.co_filename
            if not file.startswith("<frozen importlib") and file != __file__:
                return file.startswith(self.root)
            frame = frame.f_back
        return False


class _Lent(ModuleType):
    def __init__(self, name: str, lent: ModuleType) -> None:
        super().__init__(name)
        self.__all__ = list(lent.__all__)
        self.__dict__.update({n: getattr(lent, n) for n in self.__all__})


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
        raise ModuleNotFoundError(f"{self._name} is needed and not installed")
