"""Find: the folders in which a data set is looked for, and what is said if it is in none.

The order: the folder that the caller names (then no other is tried), the folder
in the environment variable CNNPY_DATA, ``data`` in the current folder, the user's
cache, the folders in which the system's packages put data sets.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cnnpy.contract.errors import MissingDataError
from cnnpy.data.files import is_file, shown

__all__ = ["find", "places"]

_SYSTEM = (Path("/usr/share/datasets"), Path("/usr/local/share/datasets"))

# The files of one form of a data set; each may go by several names.
Form = Sequence[Sequence[str]]


def places(name: str, root: str | os.PathLike[str] | None = None) -> tuple[Path, ...]:
    """List the folders in which a data set is looked for, in order.

    Parameters
    ----------
    name : str
        The data set's name, which is the folder's.
    root : path, optional
        Look only here, and in the folder `name` in it.

    Returns
    -------
    tuple of Path
        The folders, whether they exist or not.

    Examples
    --------
    >>> [str(folder) for folder in places("mnist", root="/data")]
    ['/data', '/data/mnist']
    """
    if root is not None:
        return Path(root), Path(root) / name
    named = os.environ.get("CNNPY_DATA")
    folders = [Path(named)] if named else []
    folders += [Path("data"), _cache(), *_SYSTEM]
    return tuple(folder / name for folder in folders)


def find(
    name: str,
    forms: Mapping[str, Form],
    *,
    root: str | os.PathLike[str] | None = None,
    get: str,
) -> tuple[str, list[Path]]:
    """Find the files of a data set.

    Parameters
    ----------
    name : str
        The data set's name.
    forms : mapping of str to sequences of names
        The forms it comes in, the preferred one first. A form is a list of
        files, each a list of the names it goes by, relative to the folder.
    root : path, optional
        Look only here.
    get : str
        How to get the data set; ``{folder}`` stands for the folder to put it in.

    Returns
    -------
    form : str
        Which form was found.
    files : list of Path
        Its files, in the order of the form.

    Raises
    ------
    MissingDataError
        If no folder has all files of a form.
    """
    folders = places(name, root)
    for folder in folders:
        for form, files in forms.items():
            found = _look(folder, files)
            if None not in found:
                return form, [path for path in found if path is not None]
    raise MissingDataError(
        f"{name}: not found in {', '.join(shown(folder) for folder in folders)}"
        + _partial(folders, forms),
        " or ".join(f"the files {_names(files)}" for files in forms.values()),
        get.format(folder=shown(folders[0] if root is not None else _cache() / name)),
    )


def _look(folder: Path, files: Form) -> list[Path | None]:
    return [
        next((folder / name for name in names if is_file(folder / name)), None) for names in files
    ]


def _partial(folders: Sequence[Path], forms: Mapping[str, Form]) -> str:
    """Name what is missing where some of the files are."""
    for folder in folders:
        for files in forms.values():
            found = _look(folder, files)
            if any(found):
                lacking = [names[0] for names, path in zip(files, found, strict=True) if not path]
                return f"; {shown(folder)} has some of the files, but lacks {', '.join(lacking)}"
    return ""


def _names(files: Form) -> str:
    return ", ".join(names[0] for names in files)


def _cache() -> Path:
    named = os.environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():  # the XDG rules: a relative path is to be ignored
        return Path(named) / "cnnpy"
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home
        home = Path("~")
    return home / ".cache" / "cnnpy"
