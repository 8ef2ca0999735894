"""``python -m cnnpy``: the command line."""

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the folder one stands in: a stranger's modules may lie there

    from cnnpy.cli import main

    sys.exit(main())
