"""Text of strangers, made printable.

What a submission or a class is called, and what an error says, may hold anything: control
characters that move a terminal's cursor, letters that turn the direction of writing, halves
of letters that no encoding takes. Every report holds `printable` text.
"""

from __future__ import annotations

import unicodedata

__all__ = ["on_a_line", "printable"]

_UNSEEN = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
"""Letters that are not seen, and change how others are."""


def printable(text: str) -> str:
    r"""Write out what cannot be printed, or would change what stands around it.

    Parameters
    ----------
    text : str
        Anything.

    Returns
    -------
    str
        The same; lines and tabs stay, and all that XML, JSON, a terminal or a page may not
        hold stands there as Python would write it.

    Examples
    --------
    >>> print(printable("a\x1b[2Jb\u202ec"))
    a\x1b[2Jb\u202ec
    """
    return "".join(c if _is_plain(c) else ascii(c)[1:-1] for c in text)


def on_a_line(text: str) -> str:
    r"""Make a name printable, on one line.

    Parameters
    ----------
    text : str
        Anything.

    Returns
    -------
    str
        The same; lines and tabs too stand there as Python would write them.

    Examples
    --------
    >>> print(on_a_line("two\nlines"))
    two\nlines
    """
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def _is_plain(letter: str) -> bool:
    if letter in "\n\t":
        return True
    return unicodedata.category(letter) not in ("Cc", "Cs", "Cn", "Zl", "Zp") and (
        letter not in _UNSEEN
    )
