"""``python -m bigdata_demos.keywords``: the same as ``bigdata-demos keywords``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
