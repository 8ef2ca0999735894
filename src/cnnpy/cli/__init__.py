"""The command line: ``cnnpy train``, ``eval``, ``predict``, ``report`` and others.

What it takes beyond NumPy is an extra, and imported only once it is known to be there.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

__all__ = ["main"]

_PACKAGES = {"typer": "typer", "rich": "rich", "PIL": "pillow", "matplotlib": "matplotlib"}
"""The modules of the extra ``cnnpy[cli]``, and what installs them."""


def main() -> int:
    """Run the ``cnnpy`` command with the arguments of this program.

    Returns
    -------
    int
        The exit code: 0, 2 for wrong input, 1 where the system or cnnpy failed, 130
        and 143 after Ctrl-C and SIGTERM.
    """
    missing = [name for module, name in _PACKAGES.items() if not _is_there(module)]
    if missing:
        needed = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
        print(f"cnnpy: {needed}; to mend: pip install 'cnnpy[cli]'", file=sys.stderr)
        return 2
    try:
        from cnnpy.cli.app import run
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return run(sys.argv[1:])


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
