"""A function of somebody's, written anew in one place: another code behind the same name.

What it refers to stays as it is: the names of its module, its defaults, what it closes over.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from importlib.machinery import SourceFileLoader
from types import CodeType, FunctionType
from typing import Any

from cnnpy.check.fence.old_division import in_old_division

__all__ = ["Redefinitions"]


class Redefinitions:
    """Functions that are written anew for a while.

    Parameters
    ----------
    functions : mapping
        Functions and classes by name; what is written anew is found there.
    old_division : bool
        Whether ``/`` is to divide as in Python 2.
    """

    def __init__(
        self, functions: MutableMapping[str, Callable[..., Any]], old_division: bool = False
    ) -> None:
        self.functions, self.old_division = functions, old_division
        self._before: dict[str, FunctionType] = {}

    def redefine(self, name: str, text: str) -> bool:
        """Put other code behind a name.

        Parameters
        ----------
        name : str
            Of a function.
        text : str
            The whole function, from def on.

        Returns
        -------
        bool
            False where it is no plain function, or the text none of that name.
        """
        before = self._before.get(name, self.functions.get(name))
        if not isinstance(before, FunctionType):
            return False
        file = before.__code__.co_filename
        loader = SourceFileLoader(name, file)
        try:
            module = loader.source_to_code(
                in_old_division(text) if self.old_division else text, file
            )
        except (SyntaxError, ValueError):
            return False
        codes = (c for c in module.co_consts if isinstance(c, CodeType) and c.co_name == name)
        code = next(codes, None)
        if code is None or code.co_freevars != before.__code__.co_freevars:
            return False
        again = FunctionType(
            code, before.__globals__, name, before.__defaults__, before.__closure__
        )
        again.__kwdefaults__, again.__module__ = before.__kwdefaults__, before.__module__
        self._before[name] = before
        self._put(name, again)
        return True

    def restore(self) -> None:
        """Put back what was there before."""
        for name, before in self._before.items():
            self._put(name, before)
        self._before.clear()

    def _put(self, name: str, function: FunctionType) -> None:
        self.functions[name] = function
        if name in function.__globals__:  # for those that call it
            function.__globals__[name] = function
