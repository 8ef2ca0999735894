"""``python -m cnnpy``: the command line."""

import sys

from cnnpy.cli import main

if __name__ == "__main__":
    sys.exit(main())
