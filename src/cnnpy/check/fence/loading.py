"""A file or a package of somebody's becomes a table of its functions.

What the code needs and is not there does not stop the rest: see :mod:`missing`. What
Python 2 and old NumPy had and the present ones have not is put back and noted down, so
that the mathematics is judged too: see :mod:`legacy`, and :mod:`old_division`.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from cnnpy.check.fence.legacy import put_back, what_to_change
from cnnpy.check.fence.missing import StandIns
from cnnpy.check.fence.old_division import DividingAsBefore, divide_as_before

__all__ = ["LoadError", "Loaded", "load"]

_NOT_THEIRS = ("venv", "env", "site-packages", "node_modules", "__pycache__")
"""Folders inside a submission that hold what others wrote."""

_NOT_LAYERS = ("setup", "conftest", "__main__")


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
    """What a file or package offers.

    Attributes
    ----------
    functions : dict
        Its functions and classes by name.
    modules : dict
        By the name of each, the module that it is to be imported from.
    files : set of str
        The files in which they are written.
    notes : list of dict
        What was lent, missing, old or not imported.
    """

    def __init__(self) -> None:
        self.functions: dict[str, Callable[..., Any]] = {}
        self.modules: dict[str, str] = {}
        self.files: set[str] = set()
        self.notes: list[dict[str, Any]] = []

    def note(self, **note: Any) -> None:
        """Note down what the reader of the report should know, once."""
        if note not in self.notes:
            self.notes.append(note)


def load(
    path: Path,
    names: Sequence[str] = (),
    lent_from: str | None = None,
    old_division: bool = False,
) -> Loaded:
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
    old_division : bool
        Whether ``/`` is to divide as in Python 2.

    Returns
    -------
    Loaded
        The functions by name. One that several modules define is the first one's.

    Raises
    ------
    LoadError
        Where nothing of it can be imported.
    """
    loaded, root = Loaded(), path if path.is_dir() else path.parent
    put_back(loaded.note)
    loader: type[SourceFileLoader] = SourceFileLoader
    if old_division:
        divide_as_before(root)
        loader = DividingAsBefore
    sys.meta_path.append(StandIns(loaded.note, root, lent_from))
    files = [path] if path.is_file() else _files_of(path, names)
    if not files:
        raise LoadError("FileNotFoundError", None, f"no .py file in {path.name}", "name a file")
    errors = []
    for file in files:
        try:
            module = _import(file, root, loader)
            _take(loaded, module, _called(module, file, root if path.is_dir() else file.parent))
        except LoadError as error:
            errors.append(error)
            loaded.note(
                what="not imported",
                file=file.name,
                line=error.line,
                says=error.what,
                mend=error.mend,
                looked_for=file.stem in names,
            )
    if errors and not loaded.functions:
        raise errors[0]
    return loaded


def _files_of(folder: Path, names: Sequence[str]) -> list[Path]:
    every = sorted(p for p in folder.rglob("*.py") if _is_theirs(p, folder))
    named = [p for name in names for p in every if p.stem == name]
    return named or [p for p in every if p.stem not in _NOT_LAYERS]


def _is_theirs(file: Path, folder: Path) -> bool:
    between = file.relative_to(folder).parts[:-1]
    if any(part.startswith(".") or part in _NOT_THEIRS for part in between):
        return False
    environments = (folder.joinpath(*between[:n]) for n in range(1, len(between) + 1))
    return not any((place / "pyvenv.cfg").exists() for place in environments)


def _import(file: Path, root: Path, loader: type[SourceFileLoader]) -> ModuleType:
    try:
        return _execute(file, root, loader)
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


def _execute(file: Path, root: Path, loader: type[SourceFileLoader]) -> ModuleType:
    """Run a file as the module that its imports expect it to be."""
    top = _top_of(file, root)
    name = ".".join(file.relative_to(top).with_suffix("").parts)
    for folder in dict.fromkeys((str(file.parent), str(top), str(root))):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    there = sys.modules.get(name)
    if there is not None and getattr(there, "__file__", None) == str(file):
        return there  # another file imported it
    while name in sys.modules:  # a module of Python's, or a file of another folder
        name += "_"
    parent = name.rpartition(".")[0]
    if parent and parent not in sys.modules:
        package = ModuleType(parent)
        package.__path__ = [str(file.parent)]
        sys.modules[parent] = package
    spec = importlib.util.spec_from_file_location(name, file, loader=loader(name, str(file)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _top_of(file: Path, root: Path) -> Path:
    """Give the folder from which a file is imported.

    In a package, or where it imports relatively, it is a part of its folder.
    """
    relative = re.search(rb"^\s*from\s+\.", file.read_bytes(), re.MULTILINE) is not None
    top = file.parent
    if not relative and not (top / "__init__.py").exists():
        return top
    while (top / "__init__.py").exists() and top != root.parent:
        top = top.parent
    return file.parent.parent if top == file.parent else top


def _is_written_here(home: Any) -> bool:
    """Tell whether a module belongs to the submission, and not to a library or to Python."""
    if not isinstance(home, str) or home.split(".")[0] in ("builtins", "numpy", "cnnpy"):
        return False
    file = Path(getattr(sys.modules.get(home), "__file__", None) or "")
    return not {"site-packages", "dist-packages"} & set(file.parts) and not file.is_relative_to(
        Path(re.__file__).parents[1]
    )


def _called(module: ModuleType, file: Path, root: Path) -> str:
    """Name a module as its reader imports it, who stands in the folder that is checked."""
    own = module.__name__.rstrip("_")
    return own if "." in own else ".".join(file.relative_to(root).with_suffix("").parts)


def _take(loaded: Loaded, module: ModuleType, called: str) -> None:
    for name, value in vars(module).items():
        if name.startswith("__") or not callable(value) or name in loaded.functions:
            continue
        if not _is_written_here(getattr(value, "__module__", None)):
            continue
        loaded.functions[name] = value
        loaded.modules[name] = called
        try:
            loaded.files.add(str(inspect.getsourcefile(value)))
        except TypeError:
            continue
